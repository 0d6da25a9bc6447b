"""The prose of each paper as data that a lawyer can edit: its sections, the law that asks for each, and what goes where."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from importlib.resources import files as resources
from string import Template
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from policies.headings import HEADINGS
from policies.located import Table
from policies.papers.document import Paper
from policies.papers.statements import ASKABLE
from policies.vocabulary import LegalReview
from schemas.enums import ControllerKind, SubjectRole
from schemas.identifiers import Slug
from schemas.record import ShortText

PLACES: Final = ("controller", "day")  # all that prose may name with a dollar sign


class Part(StrEnum):
    """What is put together from data and placed in a section; policies/papers/parts.py makes each."""

    controller = "controller"
    own_law = "own_law"
    agreements = "agreements"
    parties = "parties"
    roles = "roles"
    joint = "joint"
    purposes = "purposes"
    people = "people"
    categories = "categories"
    limits = "limits"
    retention = "retention"
    basis = "basis"
    art6 = "art6"
    art9 = "art9"
    art10 = "art10"
    policy_documents = "policy_documents"
    considerations = "considerations"
    risks = "risks"
    plain_askers = "plain_askers"
    plain_people = "plain_people"
    plain_categories = "plain_categories"


def _places(text: str) -> str:
    template = Template(text)
    if not template.is_valid() or set(template.get_identifiers()) - set(PLACES):
        raise ValueError(f"names a place that is none of {', '.join(f'${place}' for place in PLACES)}; a dollar sign itself is written $$")
    return text


def _askable(key: str) -> str:
    if key not in ASKABLE:
        raise ValueError(f"is no statement of papers.toml: {', '.join(sorted(ASKABLE))}")
    return key


def _heading(key: str) -> str:
    if key not in HEADINGS:
        raise ValueError(f"is no heading of an agreement's [terms]: {', '.join(HEADINGS)}")
    return key


Heading = Annotated[str, AfterValidator(_heading)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_places)]


class Ask(Table):
    """What the section needs said, by agreements under these headings or in `papers.toml`, and what to say where neither does."""

    key: Annotated[str, AfterValidator(_askable)]
    answered_by: tuple[Heading, ...] = ()
    label: ShortText
    mark: ShortText
    missing: ShortText


class SectionProse(Table):
    """One section: its own words, what is drawn from data, what agreements say under their headings, what the controller must say."""

    id: Slug
    heading: ShortText
    source: ShortText | None = None
    legal_review: LegalReview = LegalReview.needed
    prose: tuple[Prose, ...] = ()
    parts: tuple[Part, ...] = ()
    terms: tuple[Heading, ...] = ()
    asks: tuple[Ask, ...] = Field(alias="ask", default=())


class Plain(Table):
    """Words for a child, by what the data call it; a category goes by the first half of its id."""

    kinds: Mapping[ControllerKind, ShortText] = Field(default_factory=dict)
    roles: Mapping[SubjectRole, ShortText] = Field(default_factory=dict)
    categories: Mapping[str, ShortText] = Field(default_factory=dict)


class PaperProse(Table):
    """One paper's prose file."""

    title: ShortText
    says: Prose
    source: ShortText
    legal_review: LegalReview
    sections: tuple[SectionProse, ...] = Field(alias="section", min_length=1)
    plain: Plain = Plain()


def name_of(paper: Paper) -> str:
    """The name of a paper's prose file among those that come along."""
    return f"{paper.value}.toml"


def shipped_prose(paper: Paper) -> str:
    """The text of the prose file that comes with the software."""
    return resources("policies").joinpath("papers", "prose", name_of(paper)).read_text(encoding="utf-8")
