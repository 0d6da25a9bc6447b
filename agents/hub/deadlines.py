"""Deadlines: when one passes in silence, that is an event of the case and an entry; whom to tell, and when, says its timescale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from agents.hub.casework import Asking, askings, case_record
from agents.hub.entries import case_entry
from agents.hub.happenings import Running, decision_of, running
from agents.hub.timescales import Clocks, Deadline
from broker.effect import Effect, Kept, Mark, Work, digest_of, local_event
from broker.party import Party
from schemas.enums import AgencyStatus, Operation, Rag
from schemas.events import AskedAgency, CaseOpened, OfficerDecision, Overdue
from schemas.happenings import Happened
from schemas.identifiers import Digest, PartyId, Thread

DUE: Final = "due"
SILENCE: Final = "silence"
OVERLAP: Final = timedelta(minutes=5)  # far longer than a command takes from its first look to its commit
OPEN: Final = frozenset(  # also what was refused: it may be sealed anew, and until then its silence is silence
    {AgencyStatus.awaited, AgencyStatus.acknowledged, AgencyStatus.partial, AgencyStatus.overdue, AgencyStatus.rejected}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """Something that is due in a case: an agency's answer, or what ends a timescale of the case as a whole."""

    about: tuple[str, ...]  # which deadline of what; a moved one is another
    deadline: Deadline
    said: str  # how outcomes of entries name it
    silence: Overdue


def asked_agency(agency: PartyId, thread: Thread, deadline: Deadline) -> AskedAgency:
    """Whom, and by when, with the timescale and the calendar that said so."""
    return AskedAgency(agency=agency, thread=thread, due_at=deadline.due_at, timescale=deadline.timescale, calendar=deadline.calendar)


def deadline_of(asking: Asking) -> Deadline:
    """By when an agency answers."""
    asked = asking.asked
    return Deadline(
        timescale=asked.timescale,
        calendar=asked.calendar,
        started_at=asking.asked_at,
        due_at=asked.due_at,
        agency=asked.agency,
    )


def rebased(still_open: Iterable[Asking], old: Rag, new: Rag, at: datetime, clocks: Clocks) -> Iterator[Asking]:
    """Those whose deadline moves when a case is rated anew, with their new one."""
    for each in still_open:
        (deadline,) = clocks.rebase([deadline_of(each)], old, new, at)
        if deadline.due_at != each.asked.due_at:
            yield replace(each, asked=asked_agency(each.agency, each.asked.thread, deadline))


def answer_awaited(case_id: UUID, asking: Asking) -> Awaited:
    """One agency's answer."""
    asked = asking.asked
    return _awaited(
        (asking.agency, str(asking.follow_up or "-")),
        deadline_of(asking),
        asking.agency.slug,
        Overdue(
            case_id=case_id,
            timescale=asked.timescale,
            agency=asking.agency,
            follow_up=asking.follow_up,
            happened=None,
            due_at=asked.due_at,
        ),
    )


def end_awaited(case_id: UUID, each: Running) -> Awaited:
    """What ends a timescale of the case; `case.` keeps its name apart from agencies', which hold no full stop."""
    due = each.due
    return _awaited(
        (due.timescale, str(each.happened)),
        each.deadline,
        f"case.{due.timescale}",
        Overdue(case_id=case_id, timescale=due.timescale, agency=None, follow_up=None, happened=each.happened, due_at=due.due_at),
    )


def begin(body: Happened, at: datetime, clocks: Clocks) -> Effect:
    """What is recorded, as an event of its case, with the work that the deadlines it begins will need."""
    event = local_event(body.case_id, "happened", body, at)
    awaited = [end_awaited(body.case_id, Running(event.digest, body, each.timescale, each, None)) for each in body.due]
    return Effect(events=(event,), work=tuple(one for each in awaited for one in timed_work(each, clocks)))


def go_on(
    case_id: UUID, resumed: Iterable[Running], events: Iterable[Kept], at: datetime, back: Digest, clocks: Clocks
) -> tuple[Work, ...]:
    """Deadlines that were held to have ended are looked at again, by work of `back`, the event that took the end back.

    Their own work may have found them ended, or find them so until this is committed: so each look is made anew, the past ones now.
    """
    ends = [each.body for each in events if isinstance(each.body, Happened)]
    return tuple(one for each in resumed for one in _missed(end_awaited(case_id, each), each, ends, at, back, clocks))


def _missed(awaited: Awaited, each: Running, ends: Iterable[Happened], at: datetime, back: Digest, clocks: Clocks) -> Iterator[Work]:
    held = (one.recorded_at for one in ends if one.happening in each.due.ends_on and one.happened_at >= each.since.happened_at)
    since, soon = min(held), at + OVERLAP
    told = {one.tell.value: one.at for one in clocks.notices(awaited.deadline) if since < one.at <= soon}
    for what, due in {SILENCE: awaited.deadline.due_at, **told}.items():
        work = _work(awaited, max(at, due), what)
        yield replace(work, id=f"{work.id}/{str(back)[:16]}", digest=digest_of(f"{work.id}/{back}".encode()))


def _awaited(of: tuple[str, ...], deadline: Deadline, said: str, silence: Overdue) -> Awaited:
    about = (DUE, str(silence.case_id), *of, f"{deadline.due_at.timestamp():.6f}")
    return Awaited(about=about, deadline=deadline, said=said, silence=silence)


def timed_work(awaited: Awaited, clocks: Clocks) -> tuple[Work, ...]:
    """To look at it when its deadline is there, and when somebody is to be told; a moved deadline is other work."""
    times = [(awaited.deadline.due_at, SILENCE), *((each.at, each.tell.value) for each in clocks.notices(awaited.deadline))]
    return tuple(_work(awaited, at, what) for at, what in times)


def _work(awaited: Awaited, at: datetime, what: str) -> Work:
    name = "/".join((*awaited.about, f"{at.timestamp():.6f}", what))
    return Work(id=name, kind=DUE, case_id=awaited.silence.case_id, digest=digest_of(name.encode()), not_before=at)


def timed(party: Party, work: Work, at: datetime) -> Effect:
    """Silence, or telling somebody; nothing once what was awaited has come or the deadline has moved."""
    kind, case, *rest = work.id.split("/")
    about, what = (kind, case, *rest[:3]), rest[4]
    events = party.store.events(work.case_id)
    still = _still_awaited(work.case_id, events)
    found = next((each for each in still if each[0].about == about), None)
    if found is None:
        return Effect()
    awaited, why, digest = found
    if what != SILENCE:
        party.alarm("escalated", tell=what, digest=str(digest))
        said = f"told.{what}.{awaited.said}"
        return Effect(entries=(case_entry(at, Operation.administration, party.actor, work.case_id, why, said),))
    event = local_event(work.case_id, "overdue", awaited.silence, at)
    if event.digest in {each.digest for each in events}:
        return Effect()
    party.alarm("overdue", digest=str(digest))
    entry = case_entry(at, Operation.administration, party.actor, work.case_id, why, f"overdue.{awaited.said}")
    return Effect(events=(event,), entries=(entry,), marks=(Mark(case_id=work.case_id, digest=event.digest),))


def _still_awaited(case_id: UUID, events: list[Kept]) -> Iterator[tuple[Awaited, OfficerDecision | None, Digest | None]]:
    """What has not come yet, the decision it comes from if there is one, and the request or the event that it is about."""
    for each in running(events):
        if each.ended_at is None:
            yield end_awaited(case_id, each), decision_of(events), each.happened
    opened = next((each.body for each in events if isinstance(each.body, CaseOpened)), None)
    record = case_record(events)
    if opened is None or record is None:
        return
    states = {(each.agency, each.follow_up): each for each in record.agencies}
    for asking in askings(opened, events):
        if (state := states[asking.agency, asking.follow_up]).status in OPEN:
            yield answer_awaited(case_id, asking), asking.decision, state.request_digest
