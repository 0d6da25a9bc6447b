"""Telling an awaited agency how urgent its case is now and by when it is to answer. Pure but for the store it reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from agents.hub.casework import Asking, askings, asks
from agents.hub.entries import case_entry
from agents.hub.happenings import reratings
from agents.hub.once import work_named
from broker.effect import Effect, Kept, Mark, Outgoing, Work
from broker.party import Party
from schemas.enums import Kind, Operation
from schemas.events import CaseOpened, Rerated
from schemas.notices import Notice

NOTICE: Final = "notice"
AGAIN: Final = timedelta(minutes=1)  # before a request that is not sealed yet is looked for once more


def notice_work(case_id: UUID, asking: Asking, number: int, at: datetime, tried: int = 0) -> Work:
    """To tell one agency of one rating; work and not part of the rating, since its request may be on the point of being sealed."""
    return work_named(NOTICE, (str(case_id), asking.agency, str(asking.follow_up or "-"), str(number), str(tried)), case_id, at)


def noticed(party: Party, work: Work, at: datetime) -> Effect:
    """The notice of one rating to one agency, in terms of that rating; one for each, so that an agency can follow them all."""
    _, _, agency, follow_up, number, tried = work.id.split("/")
    events = party.store.events(work.case_id)
    opened = next(each.body for each in events if isinstance(each.body, CaseOpened))
    until = [each for each in events if not _is_later(each, int(number))]
    asking = next(each for each in askings(opened, until) if (each.agency, str(each.follow_up or "-")) == (agency, follow_up))
    request = next((each for each in reversed(events) if asks(each.body, asking)), None)  # the newest, where it was sealed anew
    if request is None:
        later = notice_work(work.case_id, asking, int(number), at + AGAIN, int(tried) + 1)
        return Effect(work=(later,)) if at < asking.asked.due_at else Effect()
    if party.trust.party(asking.agency) is None:
        party.alarm("not_noticed", digest=str(request.digest))
        return Effect()
    rating = reratings(until)[-1]
    body = Notice(
        request_digest=request.digest,
        case_id=work.case_id,
        number=rating.number,
        rag=rating.rag,
        due_at=asking.asked.due_at,
        decided_at=rating.rerated_at,
    )
    outgoing = Outgoing(
        kind=Kind.notice,
        recipient=asking.agency,
        thread=asking.asked.thread,
        case_id=work.case_id,
        body=body,
        entries=(case_entry(at, Operation.administration, party.actor, work.case_id, asking.decision, f"notice.{asking.agency.slug}"),),
        keep=True,
    )
    return Effect(outgoing=(outgoing,), marks=(Mark(case_id=work.case_id, digest=request.digest),))


def _is_later(kept: Kept, number: int) -> bool:
    return isinstance(kept.body, Rerated) and kept.body.number > number
