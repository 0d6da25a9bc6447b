"""Timescales as data: what starts one, how long it runs, by which calendar, and who is told when. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final

from pydantic import Field, model_validator

from agents.calendars import Calendar
from policies.law import Sentence
from policies.lines import Path
from policies.located import Table
from policies.vocabulary import LegalReview
from schemas.enums import Happening, Rag
from schemas.errors import Fault
from schemas.identifiers import PartyId, Slug
from schemas.record import ShortText

FaultAt = Callable[[Path, str, str], Fault]  # a place in a file, what is wrong there, and its cure
URGENCY: Final = (Rag.red, Rag.amber, Rag.green, Rag.blue)  # most urgent first


class StartsOn(StrEnum):
    """The event from which a timescale runs."""

    contact = "contact"
    decided = "decided"
    request = "request"
    strategy_discussion = "strategy_discussion"
    police_protection = "police_protection"
    protection_order = "protection_order"
    protection_order_extended = "protection_order_extended"


STARTS: Final = {Happening(each): each for each in StartsOn if each in Happening.__members__}  # all but the request of an agency's answer
BY_THE_HUB: Final = frozenset({Happening.contact, Happening.decided})  # recorded by itself; all else an officer records


class RunsBy(StrEnum):
    """Which calendar counts."""

    round_the_clock = "24x7"
    hub_hours = "hub_hours"


class Told(StrEnum):
    """Whom an escalation tells."""

    agency = "agency"  # its duty contact
    agency_lead = "agency_lead"  # the agency's named lead for safeguarding
    officer = "officer"  # who decided to ask
    hub_lead = "hub_lead"  # who runs the hub that day
    head_of_service = "head_of_service"


class Amount(Table):
    """Minutes or hours of a calendar's time."""

    minutes: Annotated[int, Field(ge=1, le=60 * 24 * 30)] | None = None
    hours: Annotated[int, Field(ge=1, le=24 * 30)] | None = None

    @model_validator(mode="after")
    def one(self) -> Amount:
        """Refuse none and more than one."""
        names = list(type(self).model_fields)
        if sum(getattr(self, name) is not None for name in names) != 1:
            raise ValueError(f"give exactly one of {', '.join(names)}")
        return self

    @property
    def span(self) -> timedelta:
        """As time."""
        return timedelta(minutes=self.minutes or 0, hours=self.hours or 0)


class Duration(Amount):
    """How long: minutes or hours as they pass, or days by the calendar (working days by hub hours)."""

    days: Annotated[int, Field(ge=1, le=366)] | None = None


class Escalation(Table):
    """Who is told how long before or after the deadline."""

    before: Amount | None = None
    after: Amount | None = None
    tell: Told

    @model_validator(mode="after")
    def one(self) -> Escalation:
        """Refuse neither and both."""
        if (self.before is None) == (self.after is None):
            raise ValueError("give exactly one of before, after")
        return self

    @property
    def offset(self) -> timedelta:
        """From the deadline; negative before it."""
        return self.after.span if self.after is not None else -self.before.span if self.before is not None else timedelta()


class Timescale(Table):
    """One deadline rule; no `rags` means whatever the rating."""

    id: Annotated[Slug, Field(max_length=40)]  # it stands in the outcomes of entries
    says: Sentence
    starts_on: StartsOn
    ends_on: frozenset[Happening] = frozenset()
    rags: frozenset[Rag] = frozenset()
    duration: Duration
    runs_by: RunsBy
    escalation: tuple[Escalation, ...] = Field(default=(), max_length=20)
    citation: ShortText
    legal_review: LegalReview

    @model_validator(mode="after")
    def ends(self) -> Timescale:
        """A deadline of a case ends by what is recorded, one for an answer by the answer; a contact may come before anybody rates it."""
        if (self.starts_on is StartsOn.request) == bool(self.ends_on):
            raise ValueError("ends_on is given with every starts_on but request, and not there")
        if self.starts_on is StartsOn.contact and self.rags:
            raise ValueError("rags are not given with starts_on = contact: nobody has rated it yet")
        return self


class Timescales(Table):
    """A set of them, as a preset or as a hub's own."""

    version: Slug
    timescales: tuple[Timescale, ...] = Field(alias="timescale", min_length=1, max_length=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """By when something is due, and by which timescale and which version of a calendar that was worked out."""

    timescale: Slug
    calendar: Slug
    started_at: datetime
    due_at: datetime
    agency: PartyId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Whom to tell of a deadline, and when."""

    at: datetime
    tell: Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """A hub's timescales and its two calendars."""

    timescales: tuple[Timescale, ...]
    hub_hours: Calendar
    round_the_clock: Calendar

    def calendar(self, timescale: Timescale) -> Calendar:
        """Which one counts for a timescale."""
        return self.hub_hours if timescale.runs_by is RunsBy.hub_hours else self.round_the_clock

    def named(self, timescale: Slug) -> Timescale | None:
        """The timescale of that id."""
        return next((each for each in self.timescales if each.id == timescale), None)

    def deadline(self, timescale: Timescale, started_at: datetime, agency: PartyId | None = None) -> Deadline:
        """What a timescale comes to when it starts then."""
        calendar = self.calendar(timescale)
        due_at = due(timescale, started_at, calendar)
        return Deadline(timescale=timescale.id, calendar=calendar.version, started_at=started_at, due_at=due_at, agency=agency)

    def answer_by(self, rag: Rag, asked_at: datetime, agency: PartyId | None = None, named: Iterable[Slug] = ()) -> Deadline:
        """By when an agency answers: the soonest of the timescales named, else of the RAG's, else of any for answers."""
        answers = [each for each in self.timescales if each.starts_on is StartsOn.request]
        chosen = [each for each in answers if each.id in set(named)] or [each for each in answers if rag in each.rags]
        deadlines = [self.deadline(each, asked_at, agency) for each in chosen or answers]
        return min(deadlines, key=lambda each: (each.due_at, each.timescale))

    def starting_with(self, event: StartsOn, rag: Rag | None, started_at: datetime) -> tuple[Deadline, ...]:
        """Every deadline that one event begins, but for agencies' answers, which are asked for one by one; no `rag`: not rated yet."""
        begun = [each for each in self.timescales if each.starts_on is event and (not each.rags or rag in each.rags)]
        return tuple(self.deadline(each, started_at) for each in begun)

    def rebase(self, still_open: Iterable[Deadline], old: Rag, new: Rag, now: datetime) -> tuple[Deadline, ...]:
        """Open deadlines after the RAG changed, in their order; of those that do not turn on the RAG, nothing changes."""
        return tuple(self._rebased(each, old, new, now) for each in still_open)

    def _rebased(self, held: Deadline, old: Rag, new: Rag, now: datetime) -> Deadline:
        """More urgent: now plus the new duration, if that is sooner. Less: the new duration from the start, unless overdue."""
        timescale = self.named(held.timescale)
        if old is new or timescale is None or not timescale.rags:
            return held
        upgraded = URGENCY.index(new) < URGENCY.index(old)
        if not upgraded and held.due_at <= now:
            return held
        rated = self._rated(timescale, new, now if upgraded else held.started_at)
        if rated is None or (rated.due_at < held.due_at) is not upgraded:
            return held
        return replace(rated, started_at=held.started_at, agency=held.agency)

    def _rated(self, timescale: Timescale, rag: Rag, started_at: datetime) -> Deadline | None:
        """What the same event starts under another RAG; the soonest where there are several, none where nothing is said."""
        rated = [each for each in self.timescales if each.starts_on is timescale.starts_on and rag in each.rags]
        deadlines = [self.deadline(each, started_at) for each in rated]
        return min(deadlines, key=lambda each: (each.due_at, each.timescale), default=None)

    def time_left(self, held: Deadline, now: datetime) -> timedelta:
        """By the deadline's own calendar; negative once overdue."""
        timescale = self.named(held.timescale)
        return (self.calendar(timescale) if timescale else self.round_the_clock).between(now, held.due_at)

    def notices(self, held: Deadline) -> tuple[Notice, ...]:
        """Whom to tell and when, in order; never before the start."""
        timescale = self.named(held.timescale)
        return tuple(notices(timescale, held.started_at, held.due_at, self.calendar(timescale))) if timescale else ()


def due(timescale: Timescale, started_at: datetime, calendar: Calendar) -> datetime:
    """When a timescale ends that starts then, in UTC: the first instant by which its duration has run."""
    if timescale.duration.days is not None:
        return calendar.days_after(started_at, timescale.duration.days)
    return calendar.after(started_at, timescale.duration.span)


def notices(timescale: Timescale, started_at: datetime, due_at: datetime, calendar: Calendar) -> Iterator[Notice]:
    """Each escalation's instant, by the same calendar as the deadline."""
    for each in timescale.escalation:
        if each.after is not None:
            yield Notice(at=calendar.after(due_at, each.offset), tell=each.tell)
        else:
            yield Notice(at=max(started_at, calendar.before(due_at, -each.offset)), tell=each.tell)


def timescale_faults(fault: FaultAt, place: Path, held: Timescales) -> Iterator[Fault]:
    """What no table of a set shows alone: an id twice, two answers to one RAG, escalations out of order."""
    ids: set[Slug] = set()
    answered: set[Rag] = set()
    for at, each in enumerate(held.timescales):
        here = (*place, "timescale", at)
        if each.id in ids:
            yield fault((*here, "id"), "is the id of an earlier timescale", "give each its own id")
        ids.add(each.id)
        if any(later.offset < earlier.offset for earlier, later in pairwise(each.escalation)):
            yield fault((*here, "escalation"), "is not in order of time", "earliest first")
        if any(each.duration.days is None and -one.offset >= each.duration.span for one in each.escalation):
            yield fault((*here, "escalation"), "tells somebody before the timescale starts", "shorten before")
        if each.starts_on is StartsOn.request:
            if answered & each.rags:
                said = ", ".join(sorted(answered & each.rags))
                yield fault((*here, "rags"), f"has a timescale for answers already: {said}", "one for each RAG")
            answered |= each.rags
    if not any(each.starts_on is StartsOn.request for each in held.timescales):
        yield fault((*place, "timescale"), "gives agencies no time to answer", 'add one with starts_on = "request"')
