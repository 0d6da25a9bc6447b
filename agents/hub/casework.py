"""The join. A case is a set of events; `case_record` renders the set, whatever the order they came in. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agents.hub.happenings import happened, in_error, reratings, timescale_states
from broker.effect import Kept
from schemas.enums import AgencyStatus, Status
from schemas.events import (
    AgencyState,
    AskedAgency,
    CaseOpened,
    CaseRecord,
    Corrected,
    FollowUp,
    JoinedAnswer,
    OfficerDecision,
    OralAnswer,
    OralItem,
    Overdue,
    Rating,
)
from schemas.identifiers import CategoryId, Digest, PartyId, SubjectRef, Thread
from schemas.records import Acknowledgement, Cancel, Correction, Rejection, Request, Response


def binds(request: Kept, response: Response, sender: PartyId, thread: Thread, sent_on: Thread) -> bool:
    """Whether a response answers this request of ours: sent to this sender, its case, thread, subjects, categories and days.

    Only then is it joined (I3): a response cannot be moved to another case, hub, agency or question.
    """
    asked = request.body
    if not isinstance(asked, Request) or response.request_digest != request.digest:
        return False
    if not (sender == asked.agency == response.agency and response.case_id == asked.case_id and thread == sent_on):
        return False
    questions = {(each.subject_ref, each.category): each for each in asked.questions}
    asked_for = [(each, questions.get((each.subject_ref, each.category))) for each in response.answers]
    return all(of is not None and of.since <= each.since <= each.until <= of.until for each, of in asked_for)


@dataclass(frozen=True, slots=True)
class Asking:
    """One time that one agency was asked: with the case, or by a follow-up. No two of one agency share the time of their decision."""

    follow_up: Digest | None
    decision: OfficerDecision
    asked_at: datetime
    asked: AskedAgency

    @property
    def agency(self) -> PartyId:
        """Which agency."""
        return self.asked.agency


@dataclass(frozen=True, slots=True)
class _Answered:
    """What counts of one agency's responses to one request."""

    revision: int
    responses: tuple[Kept, ...]  # every part of the newest revision that is all here, in digest order
    whole: bool  # every question is answered
    conflict: bool


def case_record(events: Iterable[Kept]) -> CaseRecord | None:
    """Render a case; None until it has been opened. Any order and any duplication of the events gives the same record."""
    distinct = {event.digest: event for event in events}
    ordered = [distinct[digest] for digest in sorted(distinct)]
    opened = next((event.body for event in ordered if isinstance(event.body, CaseOpened)), None)
    if opened is None:
        return None
    ratings = ratings_of(opened, ordered)
    joined = [_asked(asking, ordered) for asking in askings(opened, ordered)]
    answers = [answer for _, found in joined for answer in found]
    return CaseRecord(
        case_id=opened.case_id,
        hub=opened.hub,
        version=len(distinct),
        contact_ref=opened.contact.contact_ref,
        opened_at=opened.opened_at,
        stage=opened.decision.stage,
        rag=ratings[-1].rag,
        purpose=opened.decision.purpose,
        subjects=opened.contact.subjects,
        ratings=ratings,
        agencies=tuple(state for state, _ in joined),
        answers=tuple(sorted(answers, key=lambda each: (each.answer.subject_ref, each.answer.category, each.agency, each.envelope))),
        oral=_oral(ordered, answers),
        corrected=_corrected(ordered),
        happened=tuple(body for _, body in happened(ordered)),
        in_error=tuple(in_error(ordered)),
        timescales=tuple(timescale_states(ordered)),
        left_out=0,
        unasked=tuple(sorted(opened.unasked, key=lambda each: (each.agency, each.subject_ref, each.category))),
    )


def ratings_of(opened: CaseOpened, events: Iterable[Kept]) -> tuple[Rating, ...]:
    """Every rating, oldest first: the decision's, then each new one."""
    first = opened.decision
    return (
        Rating(at=first.decided_at, rag=first.rag, officer=first.officer, rationale=first.necessity.text),
        *(Rating(at=each.rerated_at, rag=each.rag, officer=each.officer, rationale=each.rationale) for each in reratings(events)),
    )


def askings(opened: CaseOpened, events: Iterable[Kept]) -> list[Asking]:
    """Each time that an agency was asked, by agency and then in time, with the deadline that holds now."""
    held = list(events)
    found = [Asking(None, opened.decision, opened.opened_at, each) for each in opened.asked]
    found += [
        Asking(each.digest, each.body.decision, each.body.asked_at, each.body.asked) for each in held if isinstance(each.body, FollowUp)
    ]
    moved = {(one.asked.agency, one.follow_up): one.asked for each in reratings(held) for one in each.due}
    found = [replace(each, asked=moved.get((each.agency, each.follow_up), each.asked)) for each in found]
    return sorted(found, key=lambda each: (each.agency, each.follow_up is not None, each.decision.decided_at))


def _asked(asking: Asking, events: list[Kept]) -> tuple[AgencyState, list[JoinedAnswer]]:
    agency = asking.agency
    theirs = [each for each in events if each.sender == agency]
    request = _counting([each for each in events if asks(each.body, asking)], theirs)
    digest = request.digest if request else None
    taken_back = max(
        (each.body.revision for each in theirs if isinstance(each.body, Correction) and each.body.request_digest == digest), default=0
    )
    acknowledged = [each.at for each in theirs if isinstance(each.body, Acknowledgement) and each.body.answers == digest]
    rejected = any(isinstance(each.body, Rejection) and each.body.answers == digest for each in theirs)
    cancelled = any(isinstance(each.body, Cancel) and each.body.request_digest == digest for each in events)
    late = any(
        isinstance(each.body, Overdue)
        and (each.body.agency, each.body.follow_up, each.body.due_at) == (agency, asking.follow_up, asking.asked.due_at)
        for each in events
    )
    said = [each for each in theirs if isinstance(each.body, Response) and each.body.request_digest == digest]
    answered = _newest([each for each in said if isinstance(each.body, Response) and each.body.revision > taken_back], request)
    state = AgencyState(
        agency=agency,
        follow_up=asking.follow_up,
        status=_status(acknowledged, answered, rejected=rejected, cancelled=cancelled, late=late),
        request_digest=digest,
        due_at=asking.asked.due_at,
        acknowledged_at=min(acknowledged, default=None),
        answered_at=max((each.at for each in answered.responses), default=None),
        revision=answered.revision,
        conflict=answered.conflict,
    )
    return state, _standing(joined for each in answered.responses for joined in _joined(agency, each))


def taken_back(events: Iterable[Kept]) -> list[Kept]:
    """Responses that their agency took back: what is left of each is to be erased."""
    held = list(events)
    worst: dict[tuple[PartyId | None, Digest], int] = {}
    for each in held:
        if isinstance(each.body, Correction):
            about = (each.sender, each.body.request_digest)
            worst[about] = max(worst.get(about, 0), each.body.revision)
    said = [(each, each.body) for each in held if isinstance(each.body, Response)]
    return [each for each, body in said if body.revision <= worst.get((each.sender, body.request_digest), 0)]


def _counting(requests: Iterable[Kept], theirs: Iterable[Kept]) -> Kept | None:
    """Of a request and what was sealed anew of it: the newest that was answered, else the newest."""
    answered = {each.body.request_digest for each in theirs if isinstance(each.body, Response)}
    return max(requests, key=lambda each: (each.digest in answered, each.at, each.digest), default=None)


def asks(body: object, asking: Asking) -> bool:
    """Whether this is a request that was sent for it."""
    return isinstance(body, Request) and (body.agency, body.decided_at) == (asking.agency, asking.decision.decided_at)


def _oral(events: Iterable[Kept], answers: Iterable[JoinedAnswer]) -> tuple[OralItem, ...]:
    """What was said aloud, oldest first; confirmed by a later answer that its agency signed and that tells something."""
    signed = [each for each in answers if each.answer.status is Status.released]
    said = [(each.body.happened_at, each.digest, each.body) for each in events if isinstance(each.body, OralAnswer)]
    return tuple(
        OralItem(said=body, confirmed=any(_confirms(each, body) for each in signed))
        for _, _, body in sorted(said, key=lambda each: each[:2])
    )


def _confirms(signed: JoinedAnswer, said: OralAnswer) -> bool:
    about = (signed.agency, signed.answer.subject_ref, signed.answer.category)
    return about == (said.agency, said.subject_ref, said.category) and signed.received_at >= said.happened_at


def _corrected(events: Iterable[Kept]) -> tuple[Corrected, ...]:
    """What agencies took back, oldest first."""
    found = sorted(((each.at, each.digest, each.body) for each in events if isinstance(each.body, Correction)), key=lambda each: each[:2])
    return tuple(
        Corrected(agency=body.agency, correction=digest, corrects=body.corrects, reason=body.reason, received_at=at, officer=body.officer)
        for at, digest, body in found
    )


def _newest(responses: list[Kept], request: Kept | None) -> _Answered:
    """The newest revision of which every part is here; whole when its parts answer every question, a conflict when one does twice."""
    asked = (
        {(each.subject_ref, each.category) for each in request.body.questions} if request and isinstance(request.body, Request) else set()
    )
    parts: dict[int, dict[int, list[Kept]]] = defaultdict(lambda: defaultdict(list))
    for each in responses:
        if isinstance(each.body, Response):
            parts[each.body.revision][each.body.part].append(each)
    for revision in sorted(parts, reverse=True):
        found = [each for part in parts[revision].values() for each in part]
        wanted = max(each.body.parts for each in found if isinstance(each.body, Response))
        if len(parts[revision]) == wanted:
            said = [(one.subject_ref, one.category) for each in found if isinstance(each.body, Response) for one in each.body.answers]
            several = {each.body.parts for each in found if isinstance(each.body, Response)}
            conflict = len(several) > 1 or any(len(part) > 1 for part in parts[revision].values()) or len(set(said)) < len(said)
            return _Answered(revision, tuple(sorted(found, key=lambda each: each.digest)), whole=asked <= set(said), conflict=conflict)
    return _Answered(0, (), whole=False, conflict=False) if not parts else _Answered(0, tuple(responses), whole=False, conflict=False)


def _status(acknowledged: list[datetime], answered: _Answered, *, rejected: bool, cancelled: bool, late: bool) -> AgencyStatus:
    if answered.whole:
        return AgencyStatus.answered
    if cancelled:
        return AgencyStatus.cancelled
    if rejected and not answered.responses:  # said before anything of its deadline: somebody has to ring
        return AgencyStatus.rejected
    if late:
        return AgencyStatus.overdue
    if answered.responses:
        return AgencyStatus.partial
    return AgencyStatus.acknowledged if acknowledged else AgencyStatus.awaited


def _joined(agency: PartyId, event: Kept) -> list[JoinedAnswer]:
    response = event.body
    if not isinstance(response, Response):
        return []
    return [
        JoinedAnswer(
            agency=agency,
            request_digest=response.request_digest,
            envelope=event.digest,
            received_at=event.at,
            revision=response.revision,
            answer=answer,
        )
        for answer in response.answers
    ]


def _standing(answers: Iterable[JoinedAnswer]) -> list[JoinedAnswer]:
    """While no revision is whole, parts of several are here: of each question the newest."""
    held = list(answers)
    newest: dict[tuple[SubjectRef, CategoryId], int] = {}
    for each in held:
        about = (each.answer.subject_ref, each.answer.category)
        newest[about] = max(newest.get(about, 0), each.revision)
    return [each for each in held if each.revision == newest[each.answer.subject_ref, each.answer.category]]


def substance(record: CaseRecord) -> dict[str, Any]:
    """What a case record says, without ids, times and digests: equal for two runs that came to the same."""
    return {
        "contact": record.contact_ref,
        "stage": record.stage.value,
        "subjects": [(each.ref, each.role.value) for each in record.subjects],
        "agencies": [(each.agency, each.status.value) for each in record.agencies],
        "answers": [
            (
                each.agency,
                each.answer.subject_ref,
                each.answer.category,
                each.answer.status.value,
                [(str(item.at), [(field.name, field.value) for field in item.fields]) for item in each.answer.items],
                [(step.layer.value, step.rule, step.met) for step in each.answer.ladder],
            )
            for each in record.answers
        ],
        "ratings": [(each.rag.value, each.rationale) for each in record.ratings],
        "oral": [(each.said.agency, each.said.subject_ref, each.said.category, each.said.words, each.confirmed) for each in record.oral],
        "corrected": [(each.agency, each.reason.value) for each in record.corrected],
        "happened": [each.happening.value for each in record.happened],
        "in_error": [(each.happening.value, each.reason) for each in record.in_error],
        "timescales": [(each.timescale, each.overdue, each.ended_at is not None) for each in record.timescales],
        "unasked": [(each.agency, each.subject_ref, each.category) for each in record.unasked],
    }
