"""A notice that comes before its request waits for it, where one may still come; of one hub only so many wait."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from broker.party import Party
from broker.streams import topic_between
from broker.times import LIFETIME
from schemas.enums import Kind
from schemas.identifiers import PartyId
from schemas.notices import Notice

MOST_EARLY: Final = 256  # notices of one hub, within LIFETIME, in cases in which it has asked nothing: as many as may be parked


def may_come(party: Party, notice: Notice, hub: PartyId, at: datetime) -> bool:
    """Whether its request may still come, and there is room to wait for it: what can be opened at all comes within its lifetime."""
    if party.store.seen([notice.request_digest]) or party.store.case_of(notice.request_digest) is not None:
        return False  # it was refused, is of another case, or is no request
    early = party.store.early(Kind.notice, Kind.request, hub, at - LIFETIME)
    coming = sum((each.kind, each.sender) == (Kind.notice.value, hub) for each in party.coming)  # of this batch, all that came before
    if early + coming < MOST_EARLY:
        return True
    party.alarm("too_early", topic=topic_between(hub, party.id), count=early + coming)
    return False
