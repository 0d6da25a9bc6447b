"""The board: every open case, most urgent first, who is awaited and how much time is left. From events alone; no names. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from agents.hub.timescales import URGENCY
from schemas.enums import AgencyStatus, Rag, Stage, Status
from schemas.events import AgencyState, CaseRecord, TimescaleState
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
NEVER: Final = datetime.max.replace(tzinfo=UTC)
WAITING: Final = frozenset({AgencyStatus.awaited, AgencyStatus.acknowledged, AgencyStatus.partial, AgencyStatus.overdue})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where one agency stands in one case, and how many of its answers wait for a person there."""

    status: AgencyStatus
    in_review: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case."""

    case_id: UUID
    contact_ref: Slug
    rag: Rag
    stage: Stage
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


def rows(records: Iterable[CaseRecord]) -> list[Row]:
    """Most urgent rating first, then the soonest deadline; settled cases last."""
    found = [_row(each) for each in records]
    return sorted(found, key=lambda each: (not each.is_open, URGENCY.index(each.rag), each.due_at or NEVER, each.contact_ref))


def _row(record: CaseRecord) -> Row:
    states: dict[PartyId, list[AgencyState]] = {}
    for each in record.agencies:
        states.setdefault(each.agency, []).append(each)
    reviewed = Counter(each.agency for each in record.answers if each.answer.status is Status.in_review)
    awaited = [each.due_at for each in record.agencies if each.status in WAITING and each.due_at is not None]
    running = sorted((each for each in record.timescales if each.ended_at is None), key=lambda each: (each.due_at, each.timescale))
    return Row(
        case_id=record.case_id,
        contact_ref=record.contact_ref,
        rag=record.rag,
        stage=record.stage,
        cells={agency: _cell(held, reviewed[agency]) for agency, held in states.items()},
        timescales=tuple(running),
        due_at=min((*awaited, *(each.due_at for each in running)), default=None),
    )


def _cell(states: list[AgencyState], in_review: int) -> Cell:
    return Cell(status=min((each.status for each in states), key=WORST.index), in_review=in_review)


def totals(held: Iterable[Row]) -> dict[Rag, int]:
    """Open cases by rating, most urgent first."""
    counted = Counter(each.rag for each in held if each.is_open)
    return {rag: counted[rag] for rag in URGENCY if counted[rag]}


def agencies_of(held: Iterable[Row]) -> Iterator[PartyId]:
    """Every agency that somebody asked, by id."""
    yield from sorted({agency for each in held for agency in each.cells})
