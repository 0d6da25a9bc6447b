"""One request and all that became of it here, read from the agency's own events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from agents.adapter.answer import Key, Said
from agents.adapter.standing import Standing, standing
from broker.effect import Effect, Kept, Mark, digest_of
from schemas.enums import Outcome, Status
from schemas.identifiers import CategoryId, Digest, SubjectRef
from schemas.notices import Notice
from schemas.records import Answer, Cancel, Correction, Question, Request, Response
from schemas.reviews import GlassReviewed, Reviewed, Shown

PEOPLES: Final = frozenset({Status.in_review, Status.ambiguous, Status.contact_us})  # what a person decides


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Dossier:
    """A request as it was kept, what was said of it and what people did."""

    kept: Kept
    request: Request
    standing: Standing  # by when it is to be answered, and how urgent it is now
    revision: int  # the highest number used: of a revision, or of a correction, which takes one too
    said: Mapping[Key, Said]  # what the newest revision says, unless it was taken back
    responses: tuple[Kept, ...]  # those whose content is not erased
    corrections: tuple[Correction, ...]
    cancelled: bool
    shown: tuple[Shown, ...]
    reviewed: tuple[Reviewed, ...]
    looked_back: GlassReviewed | None  # who last looked at what was answered while glass was broken

    @property
    def corrected(self) -> int:
        """Every revision up to this one was taken back."""
        return max((each.revision for each in self.corrections), default=0)

    def said_by(self, revision: int) -> tuple[Kept, ...]:
        """All that was said up to a revision, and is not erased."""
        return tuple(each for each in self.responses if isinstance(each.body, Response) and each.body.revision <= revision)

    def ruled(self, key: Key) -> Reviewed | None:
        """What a person last decided of one question."""
        return next((each for each in reversed(self.reviewed) if (each.subject_ref, each.category) == key), None)

    def goes_on(self, key: Key) -> bool:
        """Whether a machine is still to answer one question, or to add what a source had not said."""
        said = self.said.get(key)
        return said is None or said.goes_on

    def is_held(self, key: Key) -> bool:
        """Whether a person has said that no machine answers this question: withheld, or for a person to decide anew."""
        ruled = self.ruled(key)
        return ruled is not None and ruled.outcome is not Outcome.release

    def waiting(self, *, withheld: bool = False) -> list[Waiting]:
        """The questions that wait for a person, in the order asked; with `withheld` those the ladder refused, too."""
        if self.cancelled:
            return []
        statuses = PEOPLES | {Status.withheld} if withheld else PEOPLES
        found = [(each, self.said.get((each.subject_ref, each.category))) for each in self.request.questions]
        return [
            Waiting(dossier=self, question=question, said=said)
            for question, said in found
            if said is not None and self._waits(said, statuses)
        ]

    def left(self, said: Iterable[Said], ruled: tuple[Reviewed, ...] = ()) -> Effect:
        """With what is said from now on and ruled now: that something of it waits for a person, or that nothing does."""
        now = replace(self, reviewed=(*self.reviewed, *ruled))
        mark = (Mark(case_id=self.request.case_id, digest=self.kept.digest),)
        return Effect(waits=mark) if any(now._waits(each, PEOPLES) for each in said) else Effect(settled=mark)  # noqa: SLF001 - of its own class

    def _waits(self, said: Said, statuses: frozenset[Status]) -> bool:
        """Also what a person released while a source did not answer or was too old: no machine will add what that one holds."""
        if said.answer.reviewed_by is not None:
            return not said.is_whole
        ruled = self.ruled(said.key)
        withheld = ruled is not None and ruled.outcome is Outcome.withhold
        return said.answer.status in statuses and not withheld


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Waiting:
    """One question that waits for a person, and what was said of it meanwhile."""

    dossier: Dossier
    question: Question
    said: Said

    @property
    def answer(self) -> Answer:
        """As the hub has it now."""
        return self.said.answer

    @property
    def key(self) -> tuple[SubjectRef, CategoryId]:
        """About whom, and what."""
        return self.question.subject_ref, self.question.category


def dossiers(events: Iterable[Kept]) -> list[Dossier]:
    """Every request of a case, oldest first; `events` in the order they were kept."""
    held = list(events)
    return [_dossier(each, each.body, held) for each in held if isinstance(each.body, Request)]


def dossier_of(events: Iterable[Kept], digest: Digest) -> Dossier | None:
    """One request of a case."""
    return next((each for each in dossiers(events) if each.kept.digest == digest), None)


def revision_name(request: Digest, revision: int) -> Digest:
    """The name under which one revision of one request is made once."""
    return digest_of(b"mash/1 revision" + request + revision.to_bytes(8, "big"))


def _dossier(kept: Kept, request: Request, events: list[Kept]) -> Dossier:
    """What of a case's events is about one request."""
    about = [each for each in events if getattr(each.body, "request_digest", None) == kept.digest]
    said = [each.body for each in about if isinstance(each.body, Response)]
    corrections = tuple(dict.fromkeys(each.body for each in about if isinstance(each.body, Correction)))  # one sealed anew is the same
    revision = max([0, *(each.revision for each in said), *(each.revision for each in corrections)])
    newest = [Said(answer=answer, pack_digest=each.pack_digest) for each in said if each.revision == revision for answer in each.answers]
    notices = [each.body for each in about if isinstance(each.body, Notice) and (each.sender, each.thread) == (request.hub, kept.thread)]
    return Dossier(
        kept=kept,
        request=request,
        standing=standing(request, notices),
        revision=revision,
        said={each.key: each for each in newest},
        responses=tuple(each for each in about if isinstance(each.body, Response)),
        corrections=corrections,
        cancelled=any(isinstance(each.body, Cancel) for each in about),
        shown=tuple(each.body for each in about if isinstance(each.body, Shown)),
        reviewed=tuple(each.body for each in about if isinstance(each.body, Reviewed)),
        looked_back=max((each.body for each in about if isinstance(each.body, GlassReviewed)), key=lambda one: one.revision, default=None),
    )
