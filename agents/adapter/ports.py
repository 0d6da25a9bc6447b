"""What the adapter needs of an agency's own systems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Generic, Protocol, TypeVar

from schemas.errors import SourceUnavailableError
from schemas.identifiers import CategoryId, NhsNumber, Slug
from schemas.records import Subject

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Candidate:
    """A person in the agency's system who may be the subject; `key` is that system's own row key and never leaves it."""

    key: str
    family_name: str | None
    given_names: str | None
    born_on: date | None
    postcode: str | None
    nhs_number: NhsNumber | None
    nhs_number_verified: bool


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Row:
    """One thing held, by the category's field names; `at` is when it happened."""

    at: date | None
    fields: tuple[tuple[Slug, str], ...]
    assertion: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Found(Generic[T]):
    """What a search gave, and how fresh; people are looked for `by` some of the subject's identifiers, or by none."""

    as_of: datetime
    rows: tuple[T, ...] = field(default=())
    by: tuple[Slug, ...] = ()


BY_NUMBER: Final = (Slug("nhs_number"),)
BY_NAME: Final = (Slug("family_name"), Slug("born_on"))


class PersonAnswersError(SourceUnavailableError):
    """This question is a person's to answer; who does not know that says the source is unavailable, and never that nothing is held."""

    code = "person-answers"


class SourceSystem(Protocol):
    """An agency's own system, asked by indexed query only. SourceUnavailableError: it is down; PersonAnswersError: ask a person."""

    def candidates(self, subject: Subject) -> Found[Candidate]:
        """People who may be the subject, by NHS number or by name and date of birth; never the whole table."""

    def fetch(self, person: Candidate, category: CategoryId, since: date, until: date) -> Found[Row]:
        """What is held about one person in one category between two days, both included, newest first."""

    def categories(self) -> Sequence[CategoryId]:
        """Categories this source can answer."""

    def close(self) -> None:
        """Let go of connections."""
