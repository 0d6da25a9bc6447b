"""What each of an agency's sources gave for one question, and what all of them together come to. Pure.

A person of one source is nobody in another, so each is matched by itself; only what they come to is joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from heapq import merge
from typing import Final

from agents.adapter.matching import Match, MatchOutcome
from agents.adapter.ports import Candidate
from schemas.enums import Status
from schemas.identifiers import Slug
from schemas.records import Item, Searched, Unanswered

ORDER: Final = (  # what several sources come to together is whatever any of them comes to that stands highest here
    Status.ambiguous,  # while it is not sure who is meant in one, nothing of any is released
    Status.contact_us,  # there is something that only a person may say is there
    Status.in_review,  # only a person can say what one of them holds, and decides on the whole
    Status.released,  # what is held is told at once, whatever fails beside it
    Status.source_unavailable,  # nothing found in the others is not nothing held
    Status.stale,
    Status.none_held,
    Status.not_found,
)
FAILING: Final = frozenset({Status.source_unavailable, Status.stale})  # what is asked again until the source is back
TELLING: Final = frozenset({Status.released, Status.none_held})  # what only a source that knows the person comes to
READ: Final = (Slug("a_person"),)  # instead of the identifiers that a search goes by: somebody read it
SURE: Final = frozenset({MatchOutcome.confirmed, MatchOutcome.none})
UNSURE: Final = Match(outcome=MatchOutcome.ambiguous)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Search:
    """What one source gave for one question; `failed` when it did not answer, `by_person` when only a person can.

    `items`: the least that answers, None until it was fetched. `by`: which of the subject's identifiers were looked by.
    `candidates`: for the agency's own reviewer; they never leave.
    """

    source: Slug
    scope: str = ""
    allowed_lag: timedelta = timedelta(days=3660)
    as_of: datetime | None = None  # none while it did not answer
    by: tuple[Slug, ...] = ()
    match: Match | None = None
    items: tuple[Item, ...] | None = None
    failed: bool = False
    by_person: bool = False
    candidates: tuple[Candidate, ...] = ()

    @property
    def is_unsure(self) -> bool:
        """Whether it is not sure who is meant."""
        return self.match is not None and self.match.outcome not in SURE

    @property
    def person(self) -> Candidate | None:
        """Who is meant, where that is sure."""
        return self.match.person if self.match is not None and self.match.outcome is MatchOutcome.confirmed else None

    @property
    def searched(self) -> tuple[Searched, ...]:
        """As an answer states it: none of a source that did not answer, or that nobody may search."""
        if self.as_of is None:
            return ()
        return (Searched(source=self.source, as_of=self.as_of, identifiers=self.by, scope=self.scope),)

    def is_stale(self, at: datetime) -> bool:
        """Whether it is behind its allowed lag."""
        return self.as_of is not None and self.as_of + self.allowed_lag < at


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Joined:
    """What an agency's sources come to together, before anything is made of it: their status, and what an answer says of them."""

    status: Status
    items: tuple[Item, ...]
    agreed_fields: tuple[Slug, ...]
    searched: tuple[Searched, ...]
    unanswered: tuple[Unanswered, ...]


def join(searches: Sequence[Search], at: datetime) -> Joined:
    """The whole of what several sources say of one question; an old source says nothing but that it is old."""
    status = together(outcome(each, at) for each in searches)
    telling = [each for each in searches if outcome(each, at) in TELLING]
    return Joined(
        status=status,
        items=items_of(telling) if status is Status.released else (),
        agreed_fields=agreed(telling) if status in TELLING else (),
        searched=tuple(one for each in searches for one in each.searched),
        unanswered=unanswered(searches, at),
    )


def outcome(search: Search, at: datetime) -> Status:
    """What one source comes to, as if it were the only one."""
    if search.by_person:  # of somebody it was sure of, it holds what is restricted: that depends on what was found
        return Status.in_review if search.person is None else Status.contact_us
    if search.failed or search.match is None or (search.person is not None and search.items is None):
        return Status.source_unavailable
    if search.is_unsure:
        return Status.ambiguous
    if search.is_stale(at):  # also of a person not found: they may have come since
        return Status.stale
    if search.person is None and search.by != READ:
        return Status.not_found
    return Status.released if search.items else Status.none_held


def together(outcomes: Iterable[Status]) -> Status:
    """What the outcomes of several sources come to; of none, `source_unavailable`, since nobody looked."""
    return min(outcomes, key=ORDER.index, default=Status.source_unavailable)


def consistent(found: Sequence[Search]) -> tuple[Search, ...]:
    """As found; but where sources are sure of people with different traced NHS numbers, that is two people, and none of them is sure."""
    numbers = {each.person.nhs_number for each in found if each.person is not None and each.person.nhs_number_verified}
    if len(numbers - {None}) < 2:  # noqa: PLR2004 - two numbers are two people
        return tuple(found)
    return tuple(each if each.person is None else replace(each, match=UNSURE) for each in found)


def is_settled(found: Iterable[Search]) -> bool:
    """Whether anything may be fetched: not while a person has to say who is meant, or what one of them holds."""
    return not any(each.is_unsure or each.by_person for each in found)


def items_of(searches: Iterable[Search]) -> tuple[Item, ...]:
    """What several sources hold, newest first and undated last, each naming its source."""
    return tuple(merge(*(each.items or () for each in searches), key=lambda item: item.at or date.min, reverse=True))


def unanswered(searches: Iterable[Search], at: datetime) -> tuple[Unanswered, ...]:
    """Those that should have answered too, and could not."""
    failing = ((each, Status.source_unavailable if each.failed else Status.stale) for each in searches if each.failed or each.is_stale(at))
    return tuple(Unanswered(source=each.source, status=status, scope=each.scope) for each, status in failing)


def agreed(searches: Iterable[Search]) -> tuple[Slug, ...]:
    """What agreed in every source that is sure of the person: what agreed in one only says nothing of what the other holds."""
    told = [each.match.agreed_fields for each in searches if each.match is not None and each.person is not None]
    return tuple(name for name in told[0] if all(name in others for others in told[1:])) if told else ()
