"""What came too late, or to a key that is gone, is sealed anew while it is still wanted. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from broker.effect import Kept, Receipt, Work, digest_of, once
from broker.times import epoch_at, epoch_span
from schemas.enums import Refusal
from schemas.identifiers import Digest
from schemas.records import Rejection

ANEW: Final = "anew"
MOST: Final = 3  # times that one thing is sealed anew, then people are told; at most once a week each, so that two parties never loop


def anew(told: Rejection, sent: Kept, case_id: UUID, at: datetime) -> tuple[Work, ...]:
    """Work for what `told` says has expired, once for each envelope; none for another reason, for it would be refused again.

    Never in the epoch it was sealed in: if it came in time, its recipient has lost that epoch's key.
    """
    if told.reason is not Refusal.expired:
        return ()
    _, over = epoch_span(epoch_at(sent.at))
    return (Work(id=f"{ANEW}/{sent.digest}", kind=ANEW, case_id=case_id, digest=sent.digest, not_before=max(at, over)),)


def sealed_anew(envelope: Digest) -> Receipt:
    """The name under which one envelope is sealed anew; whoever takes that envelope back takes the name first."""
    return once("anew", digest_of(b"mash/1 anew" + envelope))
