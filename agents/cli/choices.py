"""What a person may type of a closed vocabulary: all of it but `unknown`, which nobody means, and what only the software records."""

from __future__ import annotations

from typing import Literal

from schemas.enums import CancelReason, CorrectionReason, Happening, Rag

Rated = Literal[Rag.red, Rag.amber, Rag.green, Rag.blue]
Unwanted = Literal[CancelReason.withdrawn, CancelReason.wrong_person, CancelReason.no_longer_needed]
Mistaken = Literal[CorrectionReason.wrong_person, CorrectionReason.inaccurate, CorrectionReason.unlawful]
Recordable = Literal[
    Happening.response_decided,
    Happening.referrer_acknowledged,
    Happening.assessment_concluded,
    Happening.assessment_not_needed,
    Happening.strategy_discussion,
    Happening.conference,
    Happening.police_protection,
    Happening.police_protection_ended,
    Happening.protection_order,
    Happening.protection_order_extended,
    Happening.protection_order_ended,
]
