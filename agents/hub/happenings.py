"""What is recorded of a case, and the deadlines of the case as a whole that run from it until something ends them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from agents.hub.timescales import STARTS, Clocks, Deadline
from broker.effect import Kept
from policies.vocabulary import LegalReview
from schemas.enums import Happening, Rag
from schemas.events import Contact, Decided, OfficerDecision, Overdue, Rerated
from schemas.happenings import CaseDue, Happened, Moved, RecordedInError, TimescaleState
from schemas.identifiers import Digest, Slug
from schemas.records import Officer


@dataclass(frozen=True, slots=True)
class Running:
    """One deadline of a case as a whole: what it runs from, the timescale it began by, and what holds now."""

    happened: Digest
    since: Happened
    began_by: Slug
    due: CaseDue
    ended_at: datetime | None

    @property
    def deadline(self) -> Deadline:
        """By when, as timescales tell it."""
        return Deadline(timescale=self.due.timescale, calendar=self.due.calendar, started_at=self.since.happened_at, due_at=self.due.due_at)


def decision_of(events: Iterable[Kept]) -> OfficerDecision | None:
    """The officer's decision: with the contact, or made later."""
    for each in events:
        if isinstance(each.body, Decided):
            return each.body.decision
        if isinstance(each.body, Contact) and each.body.decision is not None:
            return each.body.decision
    return None


def recorded(
    case_id: UUID, happening: Happening, officer: Officer, happened_at: datetime, at: datetime, rag: Rag | None, clocks: Clocks
) -> Happened:
    """What is recorded at a time, with the deadlines that it begins; `rag`: how the case is rated by then, if it is."""
    since = min(happened_at, at)  # another's clock may be ahead of ours
    begun = clocks.starting_with(STARTS[happening], rag, since) if happening in STARTS else ()
    due = tuple(case_due(each, clocks) for each in begun)
    return Happened(case_id=case_id, happening=happening, officer=officer, happened_at=since, recorded_at=at, due=due)


def case_due(deadline: Deadline, clocks: Clocks) -> CaseDue:
    """A deadline with what ends it and what it asks, as it is kept: hub.toml may say something else tomorrow."""
    timescale = next(each for each in clocks.timescales if each.id == deadline.timescale)
    return CaseDue(
        timescale=deadline.timescale,
        calendar=deadline.calendar,
        due_at=deadline.due_at,
        ends_on=tuple(sorted(timescale.ends_on)),
        says=timescale.says,
        citation=timescale.citation,
        legal_review_needed=timescale.legal_review is LegalReview.needed,
    )


def happened(events: Iterable[Kept]) -> list[tuple[Digest, Happened]]:
    """What was recorded and stands, in the order in which it happened."""
    held = list(events)
    gone = {each.body.happened for each in held if isinstance(each.body, RecordedInError)}
    found = [(each.digest, each.body) for each in held if isinstance(each.body, Happened) and each.digest not in gone]
    return sorted(found, key=lambda each: (each[1].happened_at, each[0]))


def in_error(events: Iterable[Kept]) -> list[RecordedInError]:
    """What was taken back, in the order in which that was done."""
    found = [(each.digest, each.body) for each in events if isinstance(each.body, RecordedInError)]
    return [body for _, body in sorted(found, key=lambda each: (each[1].taken_back_at, each[0]))]


def reratings(events: Iterable[Kept]) -> list[Rerated]:
    """Every new rating, in the order in which they were given."""
    found = [(each.digest, each.body) for each in events if isinstance(each.body, Rerated)]
    return [body for _, body in sorted(found, key=lambda each: (each[1].number, each[1].rerated_at, each[0]))]


def running(events: Iterable[Kept]) -> list[Running]:
    """Every deadline that ever began, in the order of what it runs from; it ends with the first thing since then that ends it."""
    held = list(events)
    standing = happened(held)
    moved = {(one.happened, one.timescale): one.due for each in reratings(held) for one in each.moved}
    found = []
    for digest, body in standing:
        for began in body.due:
            due = moved.get((digest, began.timescale), began)
            ends = (each.happened_at for _, each in standing if each.happening in due.ends_on and each.happened_at >= body.happened_at)
            found.append(Running(digest, body, began.timescale, due, min(ends, default=None)))
    return found


def timescale_states(events: Iterable[Kept]) -> Iterator[TimescaleState]:
    """Where each of them stands."""
    held = list(events)
    silent = {(each.body.happened, each.body.timescale, each.body.due_at) for each in held if isinstance(each.body, Overdue)}
    for each in running(held):
        yield TimescaleState(
            timescale=each.due.timescale,
            happened=each.happened,
            happening=each.since.happening,
            started_at=each.since.happened_at,
            due_at=each.due.due_at,
            overdue=(each.happened, each.due.timescale, each.due.due_at) in silent,
            ended_at=each.ended_at,
            says=each.due.says,
            citation=each.due.citation,
            legal_review_needed=each.due.legal_review_needed,
        )


def moved(still_open: Iterable[Running], old: Rag, new: Rag, at: datetime, clocks: Clocks) -> Iterator[Running]:
    """Those whose deadline moves when a case is rated anew, with their new one."""
    for each in still_open:
        (deadline,) = clocks.rebase([each.deadline], old, new, at)
        if deadline != each.deadline:
            yield replace(each, due=case_due(deadline, clocks))


def as_moved(each: Running) -> Moved:
    """As a new rating keeps it."""
    return Moved(happened=each.happened, timescale=each.began_by, due=each.due)
