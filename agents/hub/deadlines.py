"""Deadlines: when one passes in silence, that is an event of the case and an entry; whom to tell, and when, says its timescale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from agents.hub.casework import Asking, askings, case_record
from agents.hub.entries import case_entry
from agents.hub.timescales import Clocks, Deadline
from broker.effect import Effect, Mark, Work, digest_of, local_event
from broker.party import Party
from schemas.enums import AgencyStatus, Operation, Rag
from schemas.events import AskedAgency, CaseOpened, Overdue
from schemas.identifiers import PartyId, Thread

DUE: Final = "due"
SILENCE: Final = "silence"
OPEN: Final = frozenset({AgencyStatus.awaited, AgencyStatus.acknowledged, AgencyStatus.partial, AgencyStatus.overdue})


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


def timed_work(case_id: UUID, asking: Asking, clocks: Clocks) -> tuple[Work, ...]:
    """To look at one request when its deadline is there, and when somebody is to be told; a moved deadline is other work."""
    times = [(asking.asked.due_at, SILENCE), *((each.at, each.tell.value) for each in clocks.notices(deadline_of(asking)))]
    return tuple(_work(case_id, asking, at, what) for at, what in times)


def _work(case_id: UUID, asking: Asking, at: datetime, what: str) -> Work:
    name = "/".join((*_about(case_id, asking), f"{at.timestamp():.6f}", what))
    return Work(id=name, kind=DUE, case_id=case_id, digest=digest_of(name.encode()), not_before=at)


def _about(case_id: UUID, asking: Asking) -> tuple[str, ...]:
    return DUE, str(case_id), asking.agency, str(asking.follow_up or "-"), f"{asking.asked.due_at.timestamp():.6f}"


def timed(party: Party, work: Work, at: datetime) -> Effect:
    """Silence, or telling somebody; nothing once an answer has come or the deadline has moved."""
    *about, _, what = work.id.split("/")
    events = party.store.events(work.case_id)
    opened = next((each.body for each in events if isinstance(each.body, CaseOpened)), None)
    record = case_record(events)
    asking = next((each for each in askings(opened, events) if list(_about(work.case_id, each)) == about), None) if opened else None
    state = (
        next((each for each in record.agencies if asking and (each.agency, each.follow_up) == (asking.agency, asking.follow_up)), None)
        if record
        else None
    )
    if asking is None or state is None or state.status not in OPEN:
        return Effect()
    if what != SILENCE:
        party.alarm("escalated", tell=what, digest=str(state.request_digest))
        said = f"told.{what}.{asking.agency.slug}"
        return Effect(entries=(case_entry(at, Operation.administration, party.actor, work.case_id, asking.decision, said),))
    party.alarm("overdue", digest=str(state.request_digest))
    entry = case_entry(at, Operation.administration, party.actor, work.case_id, asking.decision, f"overdue.{asking.agency.slug}")
    silence = Overdue(
        case_id=work.case_id,
        timescale=asking.asked.timescale,
        agency=asking.agency,
        follow_up=asking.follow_up,
        due_at=asking.asked.due_at,
    )
    event = local_event(work.case_id, "overdue", silence, at)
    return Effect(events=(event,), entries=(entry,), marks=(Mark(case_id=work.case_id, digest=event.digest),))
