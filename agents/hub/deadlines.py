"""Deadlines: each request waits for its own; when it passes in silence, that is an event of the case and an entry of the log."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from agents.hub.casework import case_record
from agents.hub.entries import case_entry
from broker.effect import Effect, Mark, Work, digest_of, local_event
from broker.party import Party
from schemas.enums import AgencyStatus, Operation
from schemas.events import AgencyState, CaseRecord, Overdue
from schemas.identifiers import Digest, PartyId, Slug

DUE: Final = "due"
ANSWER: Final = Slug("answer")  # the timescale within which an agency answers
OPEN: Final = frozenset({AgencyStatus.awaited, AgencyStatus.acknowledged, AgencyStatus.partial, AgencyStatus.overdue})


def due_work(case_id: UUID, agency: PartyId, follow_up: Digest | None, due_at: datetime) -> Work:
    """To look at one request when its deadline is there; a moved deadline is another piece of work."""
    name = f"{DUE}/{case_id}/{agency}/{follow_up or '-'}/{due_at.timestamp():.6f}"
    return Work(id=name, kind=DUE, case_id=case_id, digest=digest_of(name.encode()), not_before=due_at)


def overdue(party: Party, work: Work, at: datetime) -> Effect:
    """Silence, unless an answer has come or the deadline has moved."""
    record = case_record(party.store.events(work.case_id))
    state = next((each for each in record.agencies if _is_about(work, record, each)), None) if record else None
    if record is None or state is None or state.status not in OPEN or state.due_at is None:
        return Effect()
    party.alarm("overdue", digest=str(state.request_digest))
    silence = Overdue(case_id=work.case_id, timescale=ANSWER, agency=state.agency, follow_up=state.follow_up, due_at=state.due_at)
    event = local_event(work.case_id, "overdue", silence, at)
    entry = case_entry(at, Operation.administration, party.actor, work.case_id, None, f"overdue.{state.agency.slug}")
    return Effect(events=(event,), entries=(entry,), marks=(Mark(case_id=work.case_id, digest=event.digest),))


def _is_about(work: Work, record: CaseRecord, state: AgencyState) -> bool:
    return state.due_at is not None and due_work(record.case_id, state.agency, state.follow_up, state.due_at).id == work.id
