"""What an agency could not open any more is sealed anew: a request while its answer is wanted, a withdrawal while one may be given."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from agents.hub.casework import Asking, askings, asks, case_record
from agents.hub.checks import Asker, climb
from agents.hub.entries import asked_entries, asked_mentions, case_entry
from agents.hub.happenings import reratings
from agents.hub.notices import notice_work
from broker.anew import MOST, sealed_anew
from broker.effect import Effect, Kept, Mark, Outgoing, Work
from broker.party import Party
from policies.pack import Pack
from schemas.enums import AgencyStatus, Kind, Operation
from schemas.events import CaseOpened
from schemas.identifiers import Thread
from schemas.records import Cancel, Rejection, Request

NAMED_APART: Final = 10_000  # above every number of tries that a first notice has: work of one name is done once


def asked_anew(party: Party, asker: Asker, pack: Pack, work: Work, at: datetime) -> Effect:
    """The same request, decided again as it leaves, at its new place in the stream; nothing once it is not wanted."""
    events = party.store.events(work.case_id)
    sent = next((each for each in events if each.digest == work.digest), None)
    asking = _wanted(events, sent) if sent is not None else None
    if sent is not None and isinstance(sent.body, Cancel):
        return _cancelled_anew(party, events, sent, sent.body, at)
    if sent is None or asking is None or not isinstance(sent.body, Request):
        return Effect()
    sealed, ratings = sum(asks(each.body, asking) for each in events), len(reratings(events))
    if sealed > MOST:
        party.alarm("expired_again", digest=str(work.digest))
        return Effect()
    listed = party.trust.party(asking.agency)
    request = replace(sent.body, due_at=asking.asked.due_at)  # it may have been rated anew
    planned = climb(request, listed, asker, pack, at) if listed is not None else None
    if planned is None or planned.request is None:  # no longer listed, or no longer lawful
        party.alarm("not_asked", digest=str(work.digest))
        return Effect()
    outgoing = Outgoing(
        kind=Kind.request,
        recipient=asking.agency,
        thread=asking.asked.thread,
        case_id=work.case_id,
        body=planned.request,
        entries=asked_entries(planned, asking.decision, work.case_id, pack.digest, at),
        keep=True,
    )
    told = (notice_work(work.case_id, asking, ratings, at, tried=sealed * NAMED_APART),) if ratings else ()  # it names the new envelope
    marks = (Mark(case_id=work.case_id, digest=sent.digest),)
    decided = asked_mentions(party.keys.store, planned, asking.asked.thread, pack.digest, work, at)
    return Effect(received=sealed_anew(sent.digest), outgoing=(outgoing,), mentions=decided, work=told, marks=marks)


def _cancelled_anew(party: Party, events: list[Kept], sent: Kept, cancel: Cancel, at: datetime) -> Effect:
    """The same withdrawal, while what it withdraws may still be answered: it was not refused, nor answered whole."""
    asked = next((each for each in events if each.digest == cancel.request_digest), None)
    record = case_record(events)
    if asked is None or not isinstance(asked.body, Request) or record is None:
        return Effect()
    refused = any(isinstance(each.body, Rejection) and each.body.answers == asked.digest for each in events)
    answered = any(each.request_digest == asked.digest and each.status is AgencyStatus.answered for each in record.agencies)
    if refused or answered:
        return Effect()
    if party.trust.party(asked.body.agency) is None:
        party.alarm("not_asked", digest=str(sent.digest))
        return Effect()
    if sum(each.body == cancel for each in events) > MOST:
        party.alarm("expired_again", digest=str(sent.digest))
        return Effect()
    outgoing = Outgoing(
        kind=Kind.cancel,
        recipient=asked.body.agency,
        thread=asked.thread or Thread.zero(),
        case_id=cancel.case_id,
        body=cancel,
        entries=(case_entry(at, Operation.administration, party.actor, cancel.case_id, asked.body, f"withdrawn.{cancel.reason.value}"),),
        keep=True,
    )
    marks = (Mark(case_id=cancel.case_id, digest=sent.digest),)
    return Effect(received=sealed_anew(sent.digest), outgoing=(outgoing,), marks=marks)


def _wanted(events: list[Kept], sent: Kept) -> Asking | None:
    """What it was sent for, if that is still open: no later request, not withdrawn, nothing answered."""
    record, opened = case_record(events), next((each.body for each in events if isinstance(each.body, CaseOpened)), None)
    asking = next((each for each in askings(opened, events) if asks(sent.body, each)), None) if opened is not None else None
    if record is None or asking is None:
        return None
    state = next(each for each in record.agencies if (each.agency, each.follow_up) == (asking.agency, asking.follow_up))
    is_open = state.request_digest == sent.digest and state.answered_at is None and state.status is not AgencyStatus.cancelled
    return asking if is_open else None
