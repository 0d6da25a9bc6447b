"""What an agency's envelope does at a hub: only an answer to a request of ours, to this sender, is believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from agents.hub.casework import binds
from agents.hub.entries import case_entry, collected_entries
from agents.hub.telling import told_anew
from broker.anew import anew
from broker.effect import Effect, Event, Kept, Mark
from broker.envelope import Opened
from broker.party import Party
from schemas.enums import Operation, Refusal
from schemas.events import Entry
from schemas.records import Acknowledgement, Cancel, Correction, Rejection, Request, Response

MOST_OF_ONE: Final = 256  # envelopes of one agency in one case: 200 questions in as many parts, and some revisions
Said = Acknowledgement | Response | Rejection | Correction


def take_envelope(party: Party, opened: Opened, at: datetime) -> Effect | Refusal:
    """Into its case, with its entries; the case is to be rendered anew."""
    body = opened.body
    if opened.header.sender.kind == "consumer":
        return told_anew(party, opened, body, at) if isinstance(body, Rejection) else Effect()
    if not isinstance(body, Said):
        return Effect()
    digest = body.request_digest if isinstance(body, Response | Correction) else body.answers
    case_id = party.store.case_of(digest)
    request = party.store.event(case_id, digest) if case_id else None
    if case_id is None or request is None or not isinstance(request.body, Request) or not _answers(opened, body, request):
        return _rejected(party, opened, body, request, at) if isinstance(body, Rejection) else Refusal.no_such_request
    room = 2 * MOST_OF_ONE if isinstance(body, Correction) else MOST_OF_ONE  # what is taken back is heard when nothing else is any more
    if party.kept_from(case_id, opened.header.sender) >= room:
        return Refusal.invalid
    event = Event(
        case_id=case_id,
        digest=opened.digest,
        kind=opened.header.kind.value,
        at=at,
        content=opened.raw,
        key=opened.key,
        sender=opened.header.sender,
    )
    return Effect(
        events=(event,),
        marks=(Mark(case_id=case_id, digest=opened.digest),),
        entries=tuple(_entries(party, opened, body, request.body, at)),
        work=anew(body, request, case_id, at) if isinstance(body, Rejection) else (),
    )


def _rejected(party: Party, opened: Opened, told: Rejection, sent: Kept | None, at: datetime) -> Effect:
    """Of a cancel or a notice: a person rings the agency; and a cancel that only came too late is sealed anew."""
    if sent is None:
        return Effect()
    party.alarm("rejected", digest=str(told.answers))
    cancel = sent.body
    request = party.store.event(cancel.case_id, cancel.request_digest) if isinstance(cancel, Cancel) else None
    if request is None or not isinstance(request.body, Request) or sent.thread != request.thread:
        return Effect()
    theirs = (opened.header.sender, opened.header.thread) == (request.body.agency, request.thread)
    return Effect(work=anew(told, sent, request.body.case_id, at)) if theirs else Effect()


def _answers(opened: Opened, body: Said, request: Kept) -> bool:
    """Whether it is about this request of ours, from whom it was sent to, on its thread."""
    asked = request.body
    if not isinstance(asked, Request) or request.thread is None:
        return False
    if isinstance(body, Response):
        return binds(request, body, opened.header.sender, opened.header.thread, request.thread)
    named = (body.agency, body.case_id) if isinstance(body, Correction) else (asked.agency, asked.case_id)
    return (opened.header.sender, opened.header.thread, named) == (asked.agency, request.thread, (asked.agency, asked.case_id))


def _entries(party: Party, opened: Opened, body: Said, asked: Request, at: datetime) -> list[Entry]:
    if isinstance(body, Response):
        return list(collected_entries(body, asked, opened.digest, party.actor, at))
    if isinstance(body, Correction):
        told = case_entry(at, Operation.collection, party.actor, asked.case_id, asked, f"correction.{body.reason.value}")
        return [replace(told, envelope=opened.digest)]
    return []
