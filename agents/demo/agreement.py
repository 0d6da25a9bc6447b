"""The sharing agreement of the demo's borough: complete in form, and synthetic in every word."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

from policies.agreement_text import agreement_text
from policies.agreements import Agreement
from policies.categories import CONCERN, Retention
from schemas.identifiers import CategoryId, PartyId, Slug

PLACE: Final = "pack/agreements/borough-mash.toml"  # in every member's folder, word for word the same
DECIDED: Final = "the hub's decision on the case"
GOVERNANCE: Final = {
    "quality": "Every item says what kind of statement it is and as of when; what was wrong is corrected everywhere (SYNTHETIC).",
    "security": "Sealed from party to party, keys held by each alone, every access logged on both sides (SYNTHETIC).",
    "retention": "Answers are kept for as long as the case needs them, and no longer than is said here (SYNTHETIC).",
    "deletion": "By destroying the key of the case, which leaves an entry in the access log (SYNTHETIC).",
    "breach": "Told the same day to the party that disclosed it and to the information governance officers (SYNTHETIC).",
    "training": "Nobody takes part without this year's safeguarding and information governance training (SYNTHETIC).",
    "review": "Once a year, and sooner when the law or the partners change (SYNTHETIC).",
    "termination": "A party that leaves is asked nothing more, and erases what it received (SYNTHETIC).",
}
TERMS: Final = {
    "purpose": "To decide quickly what a child about whom somebody worries needs; for nothing else (SYNTHETIC).",
    "parties": "The borough's hub asks; its agencies answer; each names a duty desk (SYNTHETIC).",
    "joint_controllership": "Each party decides about its own records, and all about the joined record (SYNTHETIC).",
    "data_items": "The categories listed here, about the child and the people around it (SYNTHETIC).",
    "lawful_basis": "Each party relies on the rules listed here, as its own ladder finds them (SYNTHETIC).",
    "special_category": "Safeguarding of children, with an appropriate policy document at each party (SYNTHETIC).",
    "individual_rights": "Whoever receives a request answers for what it holds, after asking whoever disclosed it (SYNTHETIC).",
    "governance": GOVERNANCE,
}


def demo_agreement(
    supplied: Mapping[PartyId, Collection[CategoryId]],
    parties: Collection[PartyId],
    secret: Collection[PartyId],
    basis: list[Slug],
    today: date,
) -> str:
    """The file: who takes part, which categories each supplies, and the rules they mean to rely on."""
    shared = {"controllers": set(parties), "name": "asking-and-answering", "says": "The hub asks, and each agency decides what it answers."}
    joined = {
        "joint": set(parties),
        "arrangement": "Arrangement of the borough's partners (SYNTHETIC)",
        "name": "joined-record",
        "says": "The answers are kept side by side in the hub's record of the case.",
    }
    return agreement_text(
        Agreement.model_validate(
            {
                "id": "borough-mash",
                "version": "demo",
                "title": "Information sharing in the borough's multi-agency safeguarding hub",
                "parties": set(parties),
                "purposes": {"safeguarding", "promoting_welfare"},
                "basis": basis,
                "bound_to_secrecy": set(secret),
                "in_force": {"from": today.replace(day=1), "until": today.replace(year=today.year + 2, day=1)},
                "review_by": today.replace(year=today.year + 1, day=1),
                "categories": {CONCERN, *(each for categories in supplied.values() for each in categories)},
                "processing": [shared, joined],
                "retention": {"by_class": {each: {"days": 90, "counted_from": DECIDED} for each in Retention}},
                "terms": TERMS,
                "supplies": supplied,
            }
        )
    )
