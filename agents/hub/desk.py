"""What officers decide about an open case: a follow-up question, a new rating, to withdraw, what was said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from uuid import UUID

from agents.hub.casework import Asking, askings, case_record
from agents.hub.checks import plan
from agents.hub.deadlines import OPEN, answer_awaited, asked_agency, end_awaited, rebased, timed_work
from agents.hub.entries import case_entry
from agents.hub.happenings import as_moved, moved, reratings, running
from agents.hub.intake import SAY_WHY
from agents.hub.notices import notice_work
from agents.hub.once import necessity_name, rating_name, work_named
from agents.hub.reasking import SAY, lacks_rationale, rationale_faults
from agents.hub.service import ASK, Hub
from broker.anew import sealed_anew
from broker.effect import Effect, Kept, Mark, Outgoing, local_event, once
from policies.wording import boilerplate
from schemas.enums import CancelReason, Kind, Operation, Rag
from schemas.errors import ConfigurationError, Fault
from schemas.events import (
    AgencyState,
    CaseOpened,
    CaseRecord,
    FollowUp,
    OfficerDecision,
    OralAnswer,
    Rebased,
    Rerated,
)
from schemas.identifiers import Digest, PartyId
from schemas.records import Cancel, Officer

LOOK: Final = "mash hub show"


def follow_up(hub: Hub, case_id: UUID, agency: PartyId, decision: OfficerDecision) -> bool:
    """Ask one agency again, by a decision of its own; False when the hub's own ladder allows none of it (nothing is asked)."""
    at = hub.party.now()
    opened, events = _opened(hub, case_id)
    asked = [each for each in askings(opened, events) if each.agency == agency]
    faults = list(_wrong(hub, decision, str(case_id)))
    if not asked:
        faults.append(Fault(file=str(case_id), field="agency", message=f"{agency} was not asked in this case", fix=LOOK))
    if any(each.decision.decided_at >= decision.decided_at for each in asked):
        message = "is not later than when this agency was last asked"
        faults.append(Fault(file=str(case_id), field="decided_at", message=message, fix="give the time it was decided"))
    if hub.party.store.seen([necessity_name(hub.party.keys.store, decision)]):
        message = "repeats word for word what was said before"
        faults.append(Fault(file=str(case_id), field="necessity.text", message=message, fix=SAY_WHY))
    _refuse(faults)
    listed = hub.party.trust.party(agency)
    planned = plan(case_id, opened.contact, decision, listed, hub.asker, hub.pack, at) if listed else None
    if planned is None or planned.request is None or planned.deadline is None:
        return False
    if decision.reasking is None and any(_state(_record(events, case_id), each).request_digest is None for each in asked):
        message = "was asked a moment ago, and that question has not left yet"
        fix = f"wait until it has, or {SAY}"
        _refuse([Fault(file=str(case_id), field="agency", message=message, fix=fix)])
    if lacks_rationale(planned.request, events, at):
        message = "is missing: the same was asked within 14 days, and only its stage or rating is raised"
        _refuse([Fault(file=str(case_id), field="reasking", message=message, fix=SAY)])
    asking = asked_agency(agency, asked[0].asked.thread, planned.deadline)
    body = FollowUp(case_id=case_id, decision=decision, asked_at=at, asked=asking)
    event = local_event(case_id, "follow_up", body, at)
    entry = case_entry(at, Operation.decision, decision.officer, case_id, decision, f"follow_up.{agency.slug}")
    work = work_named(ASK, (str(case_id), agency, str(event.digest)), case_id, at)
    said = once("necessities", necessity_name(hub.party.keys.store, decision))
    _apply(hub, case_id, Effect(received=said, events=(event,), entries=(entry,), work=(work,)))
    return True


def rerate(hub: Hub, case_id: UUID, officer: Officer, rag: Rag, rationale: str, relied_on: Iterable[Digest] = ()) -> CaseRecord:
    """Rate a case anew; open deadlines are shortened on upgrade and never lengthened once they have passed, and the awaited are told."""
    at, clocks = hub.party.now(), hub.settings.clocks
    opened, events = _opened(hub, case_id)
    record, relied = _record(events, case_id), tuple(relied_on)
    _refuse(list(_unrated(record, {each.digest for each in events}, rag, rationale, relied)))
    number = len(reratings(events)) + 1
    still_open = [each for each in askings(opened, events) if _state(record, each).status in OPEN]
    due = list(rebased(still_open, record.rag, rag, at, clocks))
    going_on = list(moved([each for each in running(events) if each.ended_at is None], record.rag, rag, at, clocks))
    body = Rerated(
        case_id=case_id,
        number=number,
        officer=officer,
        rerated_at=at,
        rag=rag,
        rationale=rationale,
        relied_on=relied,
        due=tuple(Rebased(follow_up=each.follow_up, asked=each.asked) for each in due),
        moved=tuple(as_moved(each) for each in going_on),
    )
    event = local_event(case_id, "rerated", body, at)
    entry = case_entry(at, Operation.decision, officer, case_id, opened.decision, f"rerated.{rag.value}")
    awaited = [*(answer_awaited(case_id, each) for each in due), *(end_awaited(case_id, each) for each in going_on)]
    effect = Effect(
        received=once("ratings", rating_name(case_id, number)),  # two officers at a time: each number is given once
        events=(event,),
        entries=(entry,),
        work=(
            *(one for each in awaited for one in timed_work(each, clocks)),
            *(notice_work(case_id, each, number, at) for each in still_open),
        ),
        marks=(Mark(case_id=case_id, digest=event.digest),),
    )
    _apply(hub, case_id, effect)
    return _record(hub.party.store.events(case_id), case_id)


def _unrated(record: CaseRecord, known: set[Digest], rag: Rag, rationale: str, relied: tuple[Digest, ...]) -> Iterable[Fault]:
    """What is wrong with a new rating."""
    file = str(record.case_id)
    if boilerplate(rationale):
        yield Fault(file=file, field="rationale", message="says nothing of this case", fix="say what has changed and why")
    if rag is Rag.unknown:
        yield Fault(file=file, field="rag", message="is no rating", fix="red, amber, green or blue")
    if record.rag is rag:
        yield Fault(file=file, field="rag", message=f"is {rag.value} already", fix=LOOK)
    if not known.issuperset(relied):
        yield Fault(file=file, field="relied_on", message="names what is not in this case", fix="mash case show")


def withdraw(hub: Hub, case_id: UUID, officer: Officer, reason: CancelReason, agencies: Iterable[PartyId] = ()) -> int:
    """Tell agencies (all, unless some are named) that an answer is no longer wanted; says how many were told. What was answered stands."""
    at = hub.party.now()
    opened, events = _opened(hub, case_id)
    record, only = _record(events, case_id), set(agencies)
    wanted = [each for each in askings(opened, events) if not only or each.agency in only]
    if unknown := only - {each.agency for each in wanted}:
        _refuse(
            [Fault(file=str(case_id), field="agency", message=f"{each} was not asked in this case", fix=LOOK) for each in sorted(unknown)]
        )
    states = [(each, _state(record, each)) for each in wanted]
    if any(state.request_digest is None for _, state in states):
        message = "a request has not been sealed yet"
        _refuse([Fault(file=str(case_id), message=message, fix="mash hub run seals it; then withdraw it")])
    going = [(each, state.request_digest) for each, state in states if state.status in OPEN]
    entry = case_entry(at, Operation.decision, officer, case_id, opened.decision, f"withdrawn.{reason.value}")
    cancels = [
        Outgoing(
            kind=Kind.cancel,
            recipient=asking.agency,
            thread=asking.asked.thread,
            case_id=case_id,
            body=Cancel(
                request_digest=digest,
                case_id=case_id,
                reason=reason,
                officer=officer,
                decided_at=at,
                duty_contact=hub.party.settings.contact,
            ),
            entries=(entry,),
            keep=True,
        )
        for asking, digest in going
        if digest is not None
    ]
    effects = [  # each takes the name under which its request would be sealed anew
        Effect(
            received=sealed_anew(each.body.request_digest),
            outgoing=(each,),
            marks=(Mark(case_id=case_id, digest=each.body.request_digest),),
        )
        for each in cancels
        if isinstance(each.body, Cancel)
    ]
    if effects and hub.party.store.apply(effects, hub.party.seal, at).duplicates:
        _refuse([Fault(file=str(case_id), message="a request was sealed anew a moment ago", fix="look, and withdraw it again")])
    return len(cancels)


def write_down(hub: Hub, said: OralAnswer) -> None:
    """What somebody of an agency said aloud: in the case at once, unconfirmed until the agency signs."""
    at, file = hub.party.now(), str(said.case_id)
    opened, _ = _opened(hub, said.case_id)
    faults = []
    if said.subject_ref not in {each.ref for each in opened.contact.subjects}:
        faults.append(Fault(file=file, field="subject_ref", message="is nobody in this case", fix="mash case show"))
    if said.agency not in {each.id for each in hub.agencies}:
        faults.append(Fault(file=file, field="agency", message="is not listed", fix="mash hub show"))
    if said.category not in {each.id for each in hub.pack.categories.categories}:
        faults.append(Fault(file=file, field="category", message="is not a known category", fix="see categories.toml"))
    if said.recorded_at > at:
        faults.append(Fault(file=file, field="recorded_at", message="is in the future", fix="give the time it was written down"))
    _refuse(faults)
    event = local_event(said.case_id, "oral_answer", said, at)
    entry = case_entry(at, Operation.collection, said.written_by, said.case_id, opened.decision, f"oral.{said.agency.slug}")
    about = replace(entry, subject_ref=said.subject_ref, category=said.category)
    receipt = once("oral", event.digest)
    mark = Mark(case_id=said.case_id, digest=event.digest)
    _apply(hub, said.case_id, Effect(received=receipt, events=(event,), entries=(about,), marks=(mark,)))


def _opened(hub: Hub, case_id: UUID) -> tuple[CaseOpened, list[Kept]]:
    events = hub.party.store.events(case_id)
    opened = next((each.body for each in events if isinstance(each.body, CaseOpened)), None)
    if opened is None:
        raise ConfigurationError([Fault(file=str(case_id), message="no such case has been opened here", fix=LOOK)])
    return opened, events


def _record(events: list[Kept], case_id: UUID) -> CaseRecord:
    record = case_record(events)
    if record is None:
        raise ConfigurationError([Fault(file=str(case_id), message="no such case has been opened here", fix=LOOK)])
    return record


def _state(record: CaseRecord, asking: Asking) -> AgencyState:
    return next(each for each in record.agencies if (each.agency, each.follow_up) == (asking.agency, asking.follow_up))


def _wrong(hub: Hub, decision: OfficerDecision, file: str) -> Iterable[Fault]:
    if fault := hub.undecidable(decision, file):
        yield fault
    if boilerplate(decision.necessity.text):
        yield Fault(file=file, field="necessity.text", message="says nothing of this case", fix=SAY_WHY)
    yield from rationale_faults(decision, file)


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise ConfigurationError(faults)


def _apply(hub: Hub, case_id: UUID, effect: Effect) -> None:
    if hub.party.store.apply([effect], hub.party.seal, hub.party.now()).duplicates:
        raise ConfigurationError([Fault(file=str(case_id), message="was done a moment ago", fix="mash case show")])
