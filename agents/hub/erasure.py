"""What an agency took back: its content keys are destroyed, and whoever saw it before is told by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from agents.hub.entries import case_entry
from agents.hub.once import work_named
from broker.effect import Effect, Kept, Work
from broker.party import Party
from broker.store import log
from schemas.enums import Operation
from schemas.events import Corrected, Entry
from schemas.identifiers import Digest

ERASE: Final = "erase"


def erasing_work(case_id: UUID, response: Kept, at: datetime) -> Work:
    """To erase one response, once."""
    return work_named(ERASE, (str(case_id), str(response.digest)), case_id, at)


def erased(party: Party, work: Work, at: datetime) -> Effect:
    """Destroy the key, then say so: a crash between the two only destroys again what is gone."""
    digest = Digest.parse(work.id.rpartition("/")[2])
    party.store.erase(work.case_id, [digest])
    entry = case_entry(at, Operation.erasure, party.actor, work.case_id, None, "corrected")
    return Effect(entries=(replace(entry, envelope=digest),))


def seen_by(party: Party, case_id: UUID, corrected: Corrected) -> list[Entry]:
    """Who looked at the case, or was sent it, while it held what was taken back: from the access log."""
    came = [each.at for each in party.store.events(case_id) if each.digest in set(corrected.corrects)]
    looked = {Operation.consultation, Operation.disclosure}
    entries = log.entries_of_case(party.store, case_id) if came else []
    return [each for each in entries if each.operation in looked and min(came) <= each.at <= corrected.received_at]
