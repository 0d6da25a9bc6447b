"""An agreement made up for a trial, between two parties over whatever is tried: its words stand for those of a real one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

from policies.agreements import Agreement
from policies.categories import Retention
from policies.headings import Governance, Terms
from schemas.enums import Purpose
from schemas.identifiers import CategoryId, PartyId, Slug

WORDS: Final = "Made up for a trial of the policy."
GOVERNANCE: Final = dict.fromkeys(Governance.model_fields, WORDS)
TERMS: Final = dict.fromkeys(Terms.model_fields, WORDS) | {"governance": GOVERNANCE}


def trial_agreement(
    parties: Collection[PartyId],
    categories: Collection[CategoryId],
    rule: Slug,
    secrecy: Collection[PartyId] = (),
    processors: Collection[PartyId] = (),
    until: date | None = None,
    review_by: date = date.max,
) -> Agreement:
    """In force from the first of days, for every purpose; who is no processor is a controller for itself."""
    processing = {"name": "trial", "says": WORDS, "controllers": set(parties) - set(processors), "processors": set(processors)}
    return Agreement.model_validate(
        {
            "id": "agreement",
            "version": "trial",
            "title": "Agreement of a trial",
            "parties": set(parties),
            "categories": set(categories),
            "purposes": set(Purpose) - {Purpose.unknown},
            "basis": (rule,),
            "bound_to_secrecy": set(secrecy),
            "in_force": {"from": date.min, "until": until},
            "review_by": review_by,
            "processing": [processing],
            "retention": {"by_class": {each: {"days": 30, "counted_from": WORDS} for each in Retention}},
            "terms": TERMS,
        }
    )
