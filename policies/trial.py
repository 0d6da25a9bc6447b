"""Made up for a trial of the policy: a controller, an agreement, and their pack. Its words stand for those of real ones. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date
from enum import StrEnum
from functools import lru_cache, partial
from typing import Final

from policies.agreements import Agreement
from policies.categories import Categories, Retention
from policies.compiled import compile_by, read_law
from policies.considerations import Controller
from policies.headings import Governance, Terms
from policies.law import Law
from policies.pack import Pack
from policies.verdict import judge_of
from schemas.enums import ControllerKind, Purpose, Stage, SubjectRole
from schemas.identifiers import CategoryId, Digest, PartyId, Slug

WORDS: Final = "Made up for a trial of the policy."
NO_DIGEST: Final = Digest(bytes(32))  # nothing is disclosed by a trial, so nothing names its pack
REMEMBERED: Final = 128  # readings of a law kept at once: kinds of body times the documents they are tried without
GOVERNANCE: Final = dict.fromkeys(Governance.model_fields, WORDS)
TERMS: Final = dict.fromkeys(Terms.model_fields, WORDS) | {"governance": GOVERNANCE}

Assemble = Callable[[Categories, Controller, tuple[Agreement, ...]], Pack]
Considered = tuple[CategoryId, Collection[Stage], Collection[SubjectRole]]  # in advance, as fit for automatic release


class Paper(StrEnum):
    """What a controller usually has in its pack, beside its policy documents."""

    own_task = "own_task"
    official_authority = "official_authority"
    relevant_person = "relevant_person"
    legitimate_interests = "legitimate_interests"
    consideration = "consideration"
    detriment_weighed = "detriment_weighed"
    public_interest = "public_interest"


def assembling(law: Law) -> Assemble:
    """`assemble(categories, controller, agreements)`: a pack of parts that were never one text; it decides, and has no digest."""
    readings = lru_cache(maxsize=REMEMBERED)(partial(read_law, law))

    def assemble(categories: Categories, controller: Controller, agreements: tuple[Agreement, ...]) -> Pack:
        compiled = compile_by(readings(controller.kind, controller.documents), categories, agreements, controller)
        return Pack(
            law=law,
            categories=categories,
            agreements=agreements,
            controller=controller,
            digest=NO_DIGEST,
            law_digest=NO_DIGEST,
            compiled=compiled,
            judge=judge_of(compiled),
        )

    return assemble


def trial_controller(
    party: PartyId, kind: ControllerKind, *, papers: Collection[Paper], documents: Iterable[Slug], considered: Iterable[Considered] = ()
) -> Controller:
    """A controller that has these papers and policy documents."""
    said: dict[str, object] = {"party": party, "kind": kind, "version": "trial"}
    if Paper.own_task in papers:
        said["own_task"] = {"task": "its own", "citation": "Children Act 2004 s.11"}
    for paper in (Paper.official_authority, Paper.relevant_person, Paper.legitimate_interests):
        if paper in papers:
            said[paper.value] = "stated"
    said["apd"] = [{"condition": each, "version": "1"} for each in sorted(documents)]
    words = {
        "reason": WORDS,
        "decided_by": "the controller",
        "review_by": date.max,
        "detriment_considered": Paper.detriment_weighed in papers,
        "overriding_public_interest": Paper.public_interest in papers,
    }
    if Paper.consideration in papers:
        named = [{"category": category, "stages": set(stages), "roles": set(roles)} for category, stages, roles in considered]
        said["consideration"] = [each | words for each in named]
    return Controller.model_validate(said)


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
    processing |= {"contract": WORDS} if processors else {}
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
