"""What happens in a case and the deadlines of the case as a whole that run from it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from schemas.enums import Happening
from schemas.identifiers import Digest, Slug
from schemas.record import Instant, ShortText, record, several
from schemas.records import Officer, Reason

MAX_HAPPENED = 200  # recorded of one case: far more than any case sees
MAX_TIMESCALES = 200  # that one thing starts: a hub's own hundred and the national ones
PlainWords = Annotated[str, StringConstraints(min_length=20, max_length=600)]  # what a rule asks, as a person reads it


@record
class CaseDue:
    """By when something is due in a case as a whole, by which timescale and which version of a calendar, what it asks, what ends it."""

    timescale: Slug
    calendar: Slug
    due_at: Instant
    ends_on: Annotated[tuple[Happening, ...], several(20, 1)]
    says: PlainWords
    citation: ShortText
    legal_review_needed: bool


@record
class Happened:
    """What was recorded of a case, when it happened and when that was recorded, and the deadlines that run from it."""

    case_id: UUID
    happening: Happening
    officer: Officer
    happened_at: Instant
    recorded_at: Instant
    due: Annotated[tuple[CaseDue, ...], several(MAX_TIMESCALES)]

    def __post_init__(self) -> None:
        """Nothing is recorded before it happens."""
        if self.recorded_at < self.happened_at:
            message = "recorded_at is before happened_at"
            raise ValueError(message)


@record
class RecordedInError:
    """An officer took back what had been recorded by mistake, and why: nothing runs from it or ends with it, and both stay told."""

    case_id: UUID
    happened: Digest
    happening: Happening
    happened_at: Instant
    officer: Officer
    taken_back_at: Instant
    reason: Reason


@record
class Moved:
    """A new deadline of the case as a whole: what it runs from, the timescale it began by, and what holds now."""

    happened: Digest
    timescale: Slug
    due: CaseDue


@record
class TimescaleState:
    """Where one deadline of the case as a whole stands: since when it runs, and whether what ends it was recorded."""

    timescale: Slug
    happened: Digest
    happening: Happening
    started_at: Instant
    due_at: Instant
    overdue: bool
    ended_at: Instant | None
    says: PlainWords
    citation: ShortText
    legal_review_needed: bool
