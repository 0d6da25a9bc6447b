"""Glass broken in an emergency: what was answered is looked at by a named person, by the end of the next working day. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agents.adapter.answer import Asked, entry
from agents.adapter.dossier import Dossier
from agents.calendars import Calendar
from broker.effect import Effect, Mark, digest_of, local_event, once
from policies.wording import boilerplate
from schemas.enums import Operation, Stage
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import Digest
from schemas.records import Officer
from schemas.reviews import GlassReviewed

LEAST_WORDS: Final = 20  # characters
MOST_WORDS: Final = 8000


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class GlassReview:
    """A request that was answered while glass was broken, and by when somebody looks at that."""

    dossier: Dossier
    due_at: datetime

    def is_overdue(self, at: datetime) -> bool:
        """Whether nobody looked in time; it stays in the list until somebody does."""
        return at > self.due_at


def broke_glass(dossier: Dossier) -> bool:
    """Whether glass was broken for a request: every decision on it then raises a review, whatever it came to."""
    return dossier.request.break_glass and dossier.request.stage is Stage.emergency


def glass_reviews(dossiers: Iterable[Dossier], calendar: Calendar) -> list[GlassReview]:
    """What is still to be looked at, the longest due first; it follows from what was kept, so that nothing can lose it."""
    due = [
        GlassReview(dossier=each, due_at=calendar.end_of_next_day(_since(each)))
        for each in dossiers
        if broke_glass(each) and each.revision > (each.looked_back.revision if each.looked_back is not None else 0)
    ]
    return sorted(due, key=lambda each: (each.due_at, each.dossier.kept.digest))


def _since(dossier: Dossier) -> datetime:
    """When glass was broken; for what was said after somebody had looked, when the newest of it was."""
    looked = dossier.looked_back
    return dossier.kept.at if looked is None else max([looked.closed_at, *(each.at for each in dossier.responses)])


def queued(asked: Asked, dossier: Dossier, actor: Officer, at: datetime) -> Effect:
    """A review is queued with each revision: what a source says when it is back goes by the same broken glass."""
    if not broke_glass(dossier):
        return Effect()
    told = entry(asked.request, asked.digest, Operation.administration, actor, at, "glass_review.queued")
    return Effect(entries=(told,), waits=(_mark(dossier, dossier.revision + 1),))


def closing(review: GlassReview, officer: Officer, words: str, at: datetime) -> Effect:
    """Close it once, in the words of whoever looked; ConfigurationError for words that say nothing."""
    said = words.strip()
    if not LEAST_WORDS <= len(said) <= MOST_WORDS or boilerplate(said):
        message = f"says nothing, or is not between {LEAST_WORDS} and {MOST_WORDS} characters"
        fix = "say in a sentence whether it was right to break the glass, and what follows"
        raise ConfigurationError([Fault(file="--words", message=message, fix=fix)])
    request, digest, revision = review.dossier.request, review.dossier.kept.digest, review.dossier.revision
    body = GlassReviewed(request_digest=digest, revision=revision, officer=officer, due_at=review.due_at, closed_at=at, words=said)
    return Effect(
        received=once("glass", _name(digest, revision)),
        events=(local_event(request.case_id, "glass_reviewed", body, at),),
        entries=(entry(request, digest, Operation.decision, officer, at, "glass_review.closed"),),
        settled=tuple(_mark(review.dossier, each) for each in range(1, revision + 1)),
    )


def _mark(dossier: Dossier, revision: int) -> Mark:
    """That a review waits for a person; a mark of its own for each revision, so that nobody settles what they have not seen."""
    return Mark(case_id=dossier.request.case_id, digest=_name(dossier.kept.digest, revision))


def _name(request: Digest, revision: int) -> Digest:
    """The name under which the review of one request, up to a revision, is closed once."""
    return digest_of(b"mash/1 glass" + request + revision.to_bytes(8, "big"))
