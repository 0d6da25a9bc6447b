"""What this agency said and its hub could not open any more is sealed anew: its newest word, and what took one back."""

from __future__ import annotations

from datetime import datetime

from agents.adapter.agency import Agency
from agents.adapter.answer import Asked, Said, repeated
from agents.adapter.correction import corrected_entry
from agents.adapter.correction import sent as sent_correction
from agents.adapter.dossier import Dossier
from agents.adapter.parts import outgoing
from broker.anew import MOST, anew, sealed_anew
from broker.effect import Effect, Outgoing, Work
from broker.envelope import Opened
from schemas.enums import Outcome, Status
from schemas.records import Correction, Rejection, Response


def rejected(agency: Agency, opened: Opened, told: Rejection, at: datetime) -> Effect:
    """What a hub's rejection of our own envelope does: work, if it may be sealed anew; nothing if it is not that hub's to reject."""
    store = agency.party.store
    case_id = store.case_of(told.answers)
    sent = store.event(case_id, told.answers) if case_id is not None else None
    if case_id is None or sent is None or not isinstance(sent.body, Response | Correction) or sent.sender != agency.party.id:
        return Effect()
    dossier = agency.dossier(case_id, sent.body.request_digest)
    if dossier is None or (dossier.request.hub, sent.thread) != (opened.header.sender, opened.header.thread):
        return Effect()
    return Effect(work=anew(told, sent, case_id, at))


def said_anew(agency: Agency, work: Work, at: datetime) -> Effect:
    """The same body, part of the same revision, at its new place in the stream, with its entries; nothing once it is not wanted."""
    events = agency.party.store.events(work.case_id)
    sent = next((each for each in events if each.digest == work.digest), None)
    if sent is None or not isinstance(sent.body, Response | Correction):  # erased meanwhile, or disposed of
        return Effect()
    dossier = agency.dossier(work.case_id, sent.body.request_digest)
    asked = agency.asked(dossier.kept) if dossier is not None else None
    if dossier is None or asked is None or not _is_wanted(sent.body, dossier):
        return Effect()
    if isinstance(sent.body, Response) and not _may_still(agency, asked, sent.body, at):
        agency.party.alarm("not_sealed_anew", digest=str(work.digest))
        return Effect()
    if sum(each.body == sent.body for each in events) > MOST:
        agency.party.alarm("expired_again", digest=str(work.digest))
        return Effect()
    return Effect(received=sealed_anew(sent.digest), outgoing=(_sent(agency, asked, sent.body, at),))


def _may_still(agency: Agency, asked: Asked, body: Response, at: datetime) -> bool:
    """Whether all that went without a person would go today: weeks have passed. What a person released, a person decided."""
    questions = {(each.subject_ref, each.category): each for each in asked.request.questions}
    told = [each for each in body.answers if each.status is Status.released and each.reviewed_by is None]
    decided = (agency.decide(asked, questions[each.subject_ref, each.category], at) for each in told)
    return all(each.decision.outcome is Outcome.release for each in decided)


def _is_wanted(body: Response | Correction, dossier: Dossier) -> bool:
    """The newest correction always is; an answer when it is the newest revision, was not taken back and is still asked for."""
    if isinstance(body, Correction):
        return body.revision == dossier.corrected
    return body.revision == dossier.revision and not dossier.cancelled  # a correction takes a number: what it took back is not the newest


def _sent(agency: Agency, asked: Asked, body: Response | Correction, at: datetime) -> Outgoing:
    if isinstance(body, Correction):
        return sent_correction(asked, body, corrected_entry(asked, body, at))
    said = [Said(answer=each, pack_digest=body.pack_digest) for each in body.answers]
    return outgoing(asked, body, tuple(repeated(asked, each, agency.party.actor, at) for each in said))
