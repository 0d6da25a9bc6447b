"""The board: every open case, most urgent first, who is awaited and how much time is left. From events alone; no names. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from agents.hub.happenings import decision_of, timescale_states
from broker.effect import Kept
from schemas.enums import AgencyStatus, Rag, Stage, Status
from schemas.events import AgencyState, CaseRecord, Contact
from schemas.happenings import TimescaleState
from schemas.identifiers import PartyId, Slug

WORST: Final = (  # of an agency that was asked more than once, what is shown
    AgencyStatus.overdue,
    AgencyStatus.rejected,
    AgencyStatus.awaited,
    AgencyStatus.acknowledged,
    AgencyStatus.partial,
    AgencyStatus.answered,
    AgencyStatus.cancelled,
    AgencyStatus.not_asked,
)
ORDER: Final = (Rag.red, None, Rag.amber, Rag.green, Rag.blue)  # what nobody has rated may be anything: it stands high
NEVER: Final = datetime.max.replace(tzinfo=UTC)
WAITING: Final = frozenset({AgencyStatus.awaited, AgencyStatus.acknowledged, AgencyStatus.partial, AgencyStatus.overdue})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unopened:
    """A contact of which no case has been opened yet: nobody has decided to ask, or the hub has not come to it."""

    case_id: UUID
    contact_ref: Slug
    received_at: datetime
    is_decided: bool
    timescales: tuple[TimescaleState, ...]


def unopened(case_id: UUID, events: list[Kept]) -> Unopened | None:
    """A contact from its events; None where there is none."""
    contact = next((each.body for each in events if isinstance(each.body, Contact)), None)
    if contact is None:
        return None
    return Unopened(
        case_id=case_id,
        contact_ref=contact.contact_ref,
        received_at=contact.received_at,
        is_decided=decision_of(events) is not None,
        timescales=tuple(timescale_states(events)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where one agency stands in one case, and how many of its answers wait for a person there."""

    status: AgencyStatus
    in_review: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case, or a contact that may become one."""

    case_id: UUID
    contact_ref: Slug
    rag: Rag | None  # None: nobody has decided about the contact yet
    stage: Stage | None
    cells: dict[PartyId, Cell]
    timescales: tuple[TimescaleState, ...]  # of the case as a whole, still running, the soonest first
    due_at: datetime | None  # the soonest deadline still running, of an agency or of the case

    @property
    def rejected(self) -> bool:
        """Whether an agency could not believe or open what it was asked: somebody must ring it."""
        return any(each.status is AgencyStatus.rejected for each in self.cells.values())

    @property
    def in_review(self) -> int:
        """How many answers wait for a person at an agency."""
        return sum(each.in_review for each in self.cells.values())

    @property
    def is_open(self) -> bool:
        """Whether anybody is awaited still, by a deadline or without one."""
        return self.due_at is not None or self.rejected or self.in_review > 0

    def left(self, at: datetime) -> timedelta | None:
        """Until that deadline, negative once it has passed; None when nothing is awaited."""
        return None if self.due_at is None else self.due_at - at


def rows(records: Iterable[CaseRecord | Unopened]) -> list[Row]:
    """Most urgent rating first, then the soonest deadline; settled cases last."""
    found = [_row(each) if isinstance(each, CaseRecord) else _contact(each) for each in records]
    return sorted(found, key=lambda each: (not each.is_open, ORDER.index(each.rag), each.due_at or NEVER, each.contact_ref))


def _contact(held: Unopened) -> Row:
    running = _still_running(held.timescales)
    return Row(
        case_id=held.case_id,
        contact_ref=held.contact_ref,
        rag=None,
        stage=None,
        cells={},
        timescales=running,
        due_at=min((each.due_at for each in running), default=None),
    )


def _still_running(states: Iterable[TimescaleState]) -> tuple[TimescaleState, ...]:
    return tuple(sorted((each for each in states if each.ended_at is None), key=lambda each: (each.due_at, each.timescale)))


def _row(record: CaseRecord) -> Row:
    states: dict[PartyId, list[AgencyState]] = {}
    for each in record.agencies:
        states.setdefault(each.agency, []).append(each)
    reviewed = Counter(each.agency for each in record.answers if each.answer.status is Status.in_review)
    awaited = [each.due_at for each in record.agencies if each.status in WAITING and each.due_at is not None]
    running = _still_running(record.timescales)
    return Row(
        case_id=record.case_id,
        contact_ref=record.contact_ref,
        rag=record.rag,
        stage=record.stage,
        cells={agency: _cell(held, reviewed[agency]) for agency, held in states.items()},
        timescales=running,
        due_at=min((*awaited, *(each.due_at for each in running)), default=None),
    )


def _cell(states: list[AgencyState], in_review: int) -> Cell:
    return Cell(status=min((each.status for each in states), key=WORST.index), in_review=in_review)


def totals(held: Iterable[Row]) -> dict[Rag | None, int]:
    """Open cases by rating, most urgent first; contacts that nobody has rated under None."""
    counted = Counter(each.rag for each in held if each.is_open)
    return {rag: counted[rag] for rag in ORDER if counted[rag]}


def agencies_of(held: Iterable[Row]) -> Iterator[PartyId]:
    """Every agency that somebody asked, by id."""
    yield from sorted({agency for each in held for agency in each.cells})
