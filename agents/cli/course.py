"""What happens in the demo's borough once requests are out: withdrawn, late, revised, corrected, reviewed. Each once, told by events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from agents.adapter.answer import Key
from agents.adapter.correction import correct
from agents.adapter.dossier import Dossier, Waiting
from agents.adapter.review import Desk
from agents.adapter.service import Adapter
from agents.hub import desk, recording
from agents.hub.board import WAITING
from agents.hub.happenings import decision_of
from agents.hub.service import Hub
from schemas.enums import CancelReason, CorrectionReason, Happening, Status
from schemas.events import CaseRecord
from schemas.identifiers import PartyId
from schemas.records import Officer

WHAT_IT_MEANS: Final = "Taken with what the school saw, this fits a pattern and not an accident (SYNTHETIC)."
REVIEWER: Final = "demo.reviewer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """One event of script.json."""

    contact_ref: str
    event: str
    agency: PartyId | None
    reason: str


def read_script(folder: Path) -> tuple[Later, ...]:
    """What the borough's generator wrote; nothing where it wrote none."""
    path = folder / "script.json"
    held: dict[str, list[dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))["contacts"] if path.is_file() else {}
    return tuple(
        Later(contact_ref=ref, event=each["event"], agency=PartyId(each["agency"]) if each["agency"] else None, reason=each["reason"])
        for ref, events in held.items()
        for each in events
    )


def decide(hub: Hub) -> None:
    """What an officer recorded of each contact on the day it came: the referrer heard from the hub, and a response was decided."""
    officer = _officer(hub)
    for case_id in hub.party.store.cases():
        decision = decision_of(hub.party.store.events(case_id))
        for minutes, happening in ((5, Happening.referrer_acknowledged), (10, Happening.response_decided)):
            at = decision.decided_at + timedelta(minutes=minutes) if decision is not None else None
            if at is not None and at <= hub.party.now():  # a contact that somebody added a moment ago: nothing has followed yet
                recording.record(hub, case_id, officer, happening, at)


def late(script: Iterable[Later]) -> frozenset[PartyId]:
    """Agencies that answer only when all others have."""
    return frozenset(each.agency for each in script if each.event == "late" and each.agency is not None)


def withdraw(hub: Hub, records: Sequence[CaseRecord], script: Iterable[Later]) -> None:
    """What the hub's officers withdraw, before anybody has answered."""
    officer = _officer(hub)
    for each in _named(records, [each for each in script if each.event == "withdraw"]):
        if any(state.status in WAITING for state in each.agencies):
            desk.withdraw(hub, each.case_id, officer, CancelReason.withdrawn)


def take_back(records: Sequence[CaseRecord], adapters: Iterable[Adapter], script: Iterable[Later]) -> None:
    """What agencies correct, each once: the wrong person, or an answer that was not whole."""
    by_id = {each.party.id: each for each in adapters}
    for later in script:
        if later.event not in {"correct", "revise"} or later.agency is None:
            continue
        adapter = by_id[later.agency]
        reason = CorrectionReason(later.reason) if later.event == "correct" else CorrectionReason.inaccurate
        for dossier in [dossier for record in _named(records, [later]) for dossier in _dossiers(adapter, record)]:
            asked = adapter.asked(dossier.kept)
            if asked is not None and dossier.responses and not dossier.corrections:
                correct(adapter, asked, dossier, reason, _reviewer(adapter))


def review(records: Iterable[CaseRecord], adapters: Iterable[Adapter]) -> None:
    """One answer that waited for a person is looked at and released by one, with what it means to their profession."""
    ordered = sorted(records, key=lambda each: each.contact_ref)
    if any(each.answer.reviewed_by is not None for record in ordered for each in record.answers):
        return
    by_id = {each.party.id: each for each in adapters}
    waiting = ((record, each) for record in ordered for each in record.answers if each.answer.status is Status.in_review)
    for record, joined in waiting:
        if _released(by_id[joined.agency], record, (joined.answer.subject_ref, joined.answer.category)):
            return


def _released(adapter: Adapter, record: CaseRecord, key: Key) -> bool:
    """Whether there was something to look at, and it is released now."""
    officers, officer = Desk(adapter.party, adapter.settings, adapter.pack, adapter.sources), _reviewer(adapter)
    before = _waiting(adapter, record, key)
    sight = officers.show(before, officer) if before is not None else None
    if sight is None or not sight.items or not sight.is_lawful or sight.needs_person or sight.unread:
        return False
    now = _waiting(adapter, record, key)  # with the look in it
    return now is not None and officers.release(now, officer, interpretation=WHAT_IT_MEANS) is None


def _waiting(adapter: Adapter, record: CaseRecord, key: Key) -> Waiting | None:
    return next((each for dossier in _dossiers(adapter, record) for each in dossier.waiting() if each.key == key), None)


def _dossiers(adapter: Adapter, record: CaseRecord) -> list[Dossier]:
    """What an agency was asked in a case, and all that became of it there."""
    asked = [each.request_digest for each in record.agencies if each.agency == adapter.party.id and each.request_digest is not None]
    return [dossier for each in asked if (dossier := adapter.dossier(record.case_id, each)) is not None]


def _named(records: Sequence[CaseRecord], script: Iterable[Later]) -> list[CaseRecord]:
    wanted = {each.contact_ref for each in script}
    return [each for each in records if each.contact_ref in wanted]


def _officer(hub: Hub) -> Officer:
    return Officer(id="demo.officer", role="hub officer (SYNTHETIC)", organisation=hub.party.id)


def _reviewer(adapter: Adapter) -> Officer:
    return Officer(id=REVIEWER, role="safeguarding lead (SYNTHETIC)", organisation=adapter.party.id)
