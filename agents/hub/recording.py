"""What officers record of a case, opened or only a contact yet: what has happened, and what was recorded in error."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from agents.hub.casework import case_record
from agents.hub.deadlines import begin, go_on
from agents.hub.entries import case_entry
from agents.hub.happenings import decision_of, happened, in_error, recorded, running
from agents.hub.once import happened_name, in_error_name
from agents.hub.service import Hub
from agents.hub.timescales import BY_THE_HUB
from broker.effect import Effect, Kept, Mark, local_event, once
from policies.wording import boilerplate
from schemas.enums import Happening, Operation
from schemas.errors import ConfigurationError, Fault
from schemas.events import Contact
from schemas.happenings import MAX_HAPPENED, RecordedInError
from schemas.records import Officer

LEAST_REASON: Final = 20  # characters, of a reason on the wire
MOST_REASON: Final = 2000


def record(hub: Hub, case_id: UUID, officer: Officer, happening: Happening, happened_at: datetime) -> bool:
    """Record what happened and start the timescales that run from it; False when it stands already, and nothing is changed."""
    at, events = hub.party.now(), _contacted(hub, case_id)
    held, decision, back = case_record(events), decision_of(events), in_error(events)
    faults = list(_unrecordable(case_id, happening))
    if happened_at > at:
        faults.append(Fault(file=str(case_id), field="happened_at", message="is in the future", fix="record it once it has happened"))
    if len(happened(events)) + len(back) >= MAX_HAPPENED:
        faults.append(Fault(file=str(case_id), message=f"holds {MAX_HAPPENED} of them already", fix="mash case show"))
    if faults:
        raise ConfigurationError(faults)
    rag = held.rag if held else decision.rag if decision else None
    body = recorded(case_id, happening, officer, happened_at, at, rag, hub.settings.clocks)
    begun = begin(body, at, hub.settings.clocks)
    before = sum((each.happening, each.happened_at) == (happening, happened_at) for each in back)
    once_only = Effect(
        received=once("happened", happened_name(case_id, happening, happened_at, before)),
        entries=(case_entry(at, Operation.collection, officer, case_id, decision, f"recorded.{happening.value}"),),
        marks=tuple(Mark(case_id=case_id, digest=each.digest) for each in begun.events),
    )
    return hub.party.store.apply([Effect.of(once_only, begun)], hub.party.seal, at).applied > 0


def record_in_error(hub: Hub, case_id: UUID, officer: Officer, happening: Happening, happened_at: datetime, reason: str) -> bool:
    """Take back what was recorded by mistake: what it started stops, what it ended runs on; False when it is taken back already."""
    at, events = hub.party.now(), _contacted(hub, case_id)
    about = (happening, happened_at)
    found = [digest for digest, each in happened(events) if (each.happening, each.happened_at) == about]
    is_back = about in {(each.happening, each.happened_at) for each in in_error(events)}
    faults = list(_unrecordable(case_id, happening))
    if boilerplate(reason) or not LEAST_REASON <= len(reason.strip()) <= MOST_REASON:
        message = f"says nothing of this case, or is not {LEAST_REASON} to {MOST_REASON} characters long"
        faults.append(Fault(file=str(case_id), field="reason", message=message, fix="say in a sentence what was wrong with it"))
    if not found and not is_back:
        faults.append(Fault(file=str(case_id), field="happened_at", message="is not when it was recorded to happen", fix="mash case show"))
    if faults:
        raise ConfigurationError(faults)
    if not found:
        return False
    body = RecordedInError(
        case_id=case_id,
        happened=found[0],
        happening=happening,
        happened_at=happened_at,
        officer=officer,
        taken_back_at=at,
        reason=reason.strip(),
    )
    event = local_event(case_id, "recorded_in_error", body, at)
    ended = {(each.happened, each.began_by) for each in running(events) if each.ended_at is not None}
    after = running([*events, Kept(digest=event.digest, kind=event.kind, at=at, sender=None, body=body)])
    resumed = [each for each in after if each.ended_at is None and (each.happened, each.began_by) in ended]
    effect = Effect(
        received=once("in_error", in_error_name(case_id, len(in_error(events)))),
        events=(event,),
        entries=(case_entry(at, Operation.alteration, officer, case_id, decision_of(events), f"in_error.{happening.value}"),),
        work=go_on(case_id, resumed, events, at, event.digest, hub.settings.clocks),
        marks=(Mark(case_id=case_id, digest=event.digest),),
    )
    if not hub.party.store.apply([effect], hub.party.seal, at).applied:
        message = "had something else taken back a moment ago"
        raise ConfigurationError([Fault(file=str(case_id), message=message, fix="mash case show, and try again")])
    return True


def _unrecordable(case_id: UUID, happening: Happening) -> Iterable[Fault]:
    if happening is Happening.unknown or happening in BY_THE_HUB:
        message = "is nothing that an officer records"
        yield Fault(file=str(case_id), field="happening", message=message, fix="mash hub record --help")


def _contacted(hub: Hub, case_id: UUID) -> list[Kept]:
    """What is kept of a case, opened or only a contact yet."""
    events = hub.party.store.events(case_id)
    if not any(isinstance(each.body, Contact) for each in events):
        raise ConfigurationError([Fault(file=str(case_id), message="no contact of this hub has that case", fix="mash hub show")])
    return events
