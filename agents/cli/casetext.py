"""What a case comes to, in sentences and side by side: the same for a terminal and for a page. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from agents.calendars import LONDON
from agents.hub.links import Linked
from schemas.enums import AgencyStatus, Happening, Status
from schemas.events import AgencyState, CaseRecord, Entry, JoinedAnswer
from schemas.happenings import Happened, RecordedInError, TimescaleState
from schemas.identifiers import CategoryId, PartyId, SubjectRef

_SAID: Final = {
    AgencyStatus.not_asked: "was not asked",
    AgencyStatus.awaited: "asked, not yet received; an answer is due by {due}",
    AgencyStatus.acknowledged: "has the request; an answer is due by {due}",
    AgencyStatus.partial: "has answered in part; the rest is due by {due}",
    AgencyStatus.answered: "answered at {answered}",
    AgencyStatus.overdue: "no answer by {due}",
    AgencyStatus.rejected: "could not read the request: ring them",
    AgencyStatus.cancelled: "the request was withdrawn",
}
UNTOLD: Final = {  # answers that leave it open whether anything is held
    Status.in_review: "of what was asked waits for a person there",
    Status.ambiguous: "of what was asked needs one more detail: it is not sure who is meant",
    Status.contact_us: "of what was asked: ring the agency; it neither confirms nor denies that anything is held",
    Status.source_unavailable: "of what was asked could not be looked up: their system did not answer",
    Status.stale: "of what was asked could not be looked up: their extract is too old",
    Status.withheld: "of what was asked was refused",
}
REVIEW: Final = "[legal review needed]"  # beside a rule whose text nobody has confirmed
_HAPPENED: Final = {
    Happening.contact: "contact received",
    Happening.decided: "decision to ask",
    Happening.response_decided: "type of response decided",
}
IN_PART: Final = "which was too old or could not be asked: more may be held"
SETTLED: Final = frozenset({AgencyStatus.answered, AgencyStatus.cancelled, AgencyStatus.not_asked})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of one request and every answer to it, to be shown side by side."""

    agency: PartyId
    category: CategoryId
    answers: tuple[JoinedAnswer, ...]

    @property
    def in_conflict(self) -> bool:
        """Whether its agency said two different things at once."""
        return len(self.answers) > 1


def when(at: datetime | None, form: str = "%H:%M on %a %d %b %Y") -> str:
    """A time as clocks in England show it, for people to read; machines get ISO 8601 in UTC."""
    return f"{at.astimezone(LONDON):{form}}" if at else "a time not set"


def standing(state: AgencyState) -> str:
    """Where one agency stands, as a sentence's end: "no answer by 14:10 on Fri 27 Nov 2026"."""
    said = _SAID[state.status].format(due=when(state.due_at), answered=when(state.answered_at))
    again = " (asked again)" if state.follow_up is not None else ""
    return f"{said}{again}; TWO DIFFERENT ANSWERS, both shown" if state.conflict else f"{said}{again}"


def running(state: TimescaleState) -> str:
    """Where one deadline of the case as a whole stands, as a sentence's end."""
    review = f" {REVIEW}" if state.legal_review_needed else ""
    if state.ended_at is not None:
        late = f", after it was due by {when(state.due_at)}" if state.ended_at > state.due_at else ""
        return f"ended at {when(state.ended_at)}{late}{review}"
    return (f"nothing recorded by {when(state.due_at)}" if state.overdue else f"is to end by {when(state.due_at)}") + review


def asks_line(state: TimescaleState) -> str:
    """What its rule asks, and where that stands."""
    return f"{state.says} ({state.citation})"


def what_happened(happening: Happening) -> str:
    """What was recorded, in words."""
    return _HAPPENED.get(happening, happening.value.replace("_", " "))


def happened_line(each: Happened) -> str:
    """What happened, when, and who recorded it when."""
    what = what_happened(each.happening)
    return f"{what} at {when(each.happened_at)}, recorded at {when(each.recorded_at)} by {each.officer.id} ({each.officer.role})"


def error_line(each: RecordedInError) -> str:
    """What was recorded by mistake, who took it back when, and why."""
    back = f"taken back at {when(each.taken_back_at)} by {each.officer.id} ({each.officer.role})"
    return f"RECORDED IN ERROR: {what_happened(each.happening)} at {when(each.happened_at)}; {back}: {each.reason}"


def gaps(record: CaseRecord) -> list[str]:
    """What is not there, said plainly, and what was never asked."""
    return [*missing(record), *(f"{each.agency}: not asked about {each.subject_ref}, {each.category}" for each in record.unasked)]


def missing(record: CaseRecord) -> list[str]:
    """What was asked and is not there: nobody should take silence for nothing held."""
    silent = [f"{each.agency}: {standing(each)}" for each in record.agencies if each.status not in SETTLED]
    counted = Counter((each.agency, each.answer.status) for each in record.answers if each.answer.status in UNTOLD)
    untold = [f"{agency}: {count} {UNTOLD[status]}" for (agency, status), count in sorted(counted.items())]
    past = [f"{each.timescale}: {running(each)}" for each in record.timescales if each.overdue and each.ended_at is None]
    partly = Counter((each.agency, one.source) for each in record.answers if each.answer.items for one in each.answer.unanswered)
    in_part = [
        f"{agency}: {count} of what was released is without all of {source}, {IN_PART}"
        for (agency, source), count in sorted(partly.items())
    ]
    return [*silent, *past, *untold, *in_part]


def questions(record: CaseRecord, subject: SubjectRef) -> list[Question]:
    """What was asked about one subject; two answers to one question of one request stand together, what was asked again by itself."""
    mine = [each for each in record.answers if each.answer.subject_ref == subject]
    mine.sort(key=lambda each: (each.answer.category, each.agency, each.request_digest, each.envelope))
    grouped = groupby(mine, key=lambda each: (each.answer.category, each.agency, each.request_digest))
    return [Question(agency=agency, category=category, answers=tuple(answers)) for (category, agency, _), answers in grouped]


def link_lines(links: Iterable[Linked]) -> list[str]:
    """Other contacts about the same people: three small worries may be one large one."""
    return [
        f"{each.contact_ref}, received at {when(each.received_at)}, about {'the same person' if each.same_person else 'the same household'}"
        for each in links
    ]


def seen_line(entries: Iterable[Entry]) -> str:
    """Who saw what was taken back, from the access log."""
    people = [f"{each.actor.id} ({each.actor.role}) at {when(each.at)}" for each in entries]
    return "seen before by " + "; ".join(people) if people else "nobody had seen it"
