"""By when a request is to be answered and how urgent it is, from the request and every notice of it, in whatever order they came. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from policies.facts import RATINGS
from schemas.enums import Rag
from schemas.notices import Notice
from schemas.records import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds now: as asked while `number` is 0, else by the notice of that number. What may be said never turns on it."""

    due_at: datetime
    rag: Rag
    number: int


def standing(request: Request, notices: Iterable[Notice]) -> Standing:
    """Notices by their number, each by the hub's own two promises: never later on upgrade, never longer once overdue."""
    now = Standing(due_at=request.due_at, rag=request.rag, number=0)
    for each in sorted(set(notices), key=_place):
        fixed = RATINGS.index(each.rag) > RATINGS.index(now.rag) or now.due_at <= each.decided_at
        due_at = min(now.due_at, each.due_at) if fixed else each.due_at
        now = Standing(due_at=due_at, rag=each.rag, number=each.number)
    return now


def _place(notice: Notice) -> tuple[int, datetime, float, int]:
    """By number; of two under one number, which no honest hub sends, the sooner deadline comes last and holds."""
    return notice.number, notice.decided_at, -notice.due_at.timestamp(), RATINGS.index(notice.rag)
