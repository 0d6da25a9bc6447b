"""From request to answers: what may be said is decided before anything is searched, so that a refusal tells nothing. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from agents.adapter.matching import Match, MatchOutcome
from agents.adapter.ports import Found, Row
from policies.decision import Decision, decide
from policies.explain import ladder, near_misses, shown_caps
from policies.facts import question_of, request_facts
from policies.minimise import minimise
from policies.pack import Pack
from policies.vocabulary import Audience, Fact
from schemas import codec
from schemas.enums import Kind, Operation, Outcome, Status
from schemas.errors import OversizeRecordError
from schemas.events import Entry
from schemas.identifiers import DecisionId, Digest, Slug, Thread
from schemas.records import (
    Answer,
    DecisionIdentity,
    DutyContact,
    Item,
    NearMiss,
    Officer,
    Question,
    Request,
    Response,
    Searched,
)
from schemas.statements import Party

PART_NUMBERS: Final = 16  # bytes by which `part` and `parts` may grow once they are known
MOST: Final = 384 * 1024  # bytes of one answer's items: with its ladder it still fits one body; what is more, a person sends


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it arrived, and who the two parties are in law."""

    request: Request
    digest: Digest
    thread: Thread
    me: Party
    hub: Party


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Decided:
    """A question and what the ladder says of it before any search, taking the person as surely found."""

    question: Question
    decision: Decision
    near_misses: tuple[NearMiss, ...]

    @property
    def searches(self) -> bool:
        """Only what would be released is searched for."""
        return self.decision.outcome is Outcome.release


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Search:
    """What the agency's system gave for one question; `failed` when it did not answer, `by_person` when a person has to."""

    match: Match | None = None
    found: Found[Row] | None = None
    searched: tuple[Searched, ...] = ()
    allowed_lag: timedelta = timedelta(days=3660)
    failed: bool = False
    by_person: bool = False

    def is_stale(self, at: datetime) -> bool:
        """Whether anything that was searched is behind its allowed lag."""
        seen = [each.as_of for each in self.searched] + ([self.found.as_of] if self.found is not None else [])
        return any(as_of + self.allowed_lag < at for as_of in seen)


FAILED: Final = Search(failed=True)
BY_PERSON: Final = Search(by_person=True)


def decide_question(asked: Asked, question: Question, pack: Pack, at: datetime, standing: frozenset[Fact] = frozenset()) -> Decided:
    """Climb the ladder for one question; `standing`: what is so at this agency today and makes release a review."""
    question = still_within(question, pack, at)
    policy_question = question_of(
        asked.request,
        question,
        disclosure=Kind.response,
        hub_kind=asked.hub.kind,
        agency_kind=asked.me.kind,
        facts=request_facts(asked.request, now=at) | {Fact.match_confirmed} | standing,
    )
    decision = decide(policy_question, pack, at)
    misses = () if decision.outcome is Outcome.release else near_misses(policy_question, pack, at, Audience.requester)
    return Decided(question=question, decision=decision, near_misses=misses)


def still_within(question: Question, pack: Pack, at: datetime) -> Question:
    """The question less the days that have left its look-back since it was asked: midnight makes no lawful question unlawful."""
    look_back = next((each.look_back_days for each in pack.categories.categories if each.id == question.category), None)
    if look_back is None or (question.until - question.since).days > look_back:
        return question
    earliest = at.date() - timedelta(days=look_back)
    return replace(question, since=max(question.since, earliest)) if earliest <= question.until else question


def status_of(decided: Decided, search: Search | None, items: tuple[Item, ...], at: datetime) -> Status:
    """One status, from the decision first and the search second."""
    if decided.decision.never_automatic:
        return Status.contact_us
    if decided.decision.outcome is Outcome.withhold:
        return Status.withheld
    if decided.decision.outcome is not Outcome.release:
        return Status.in_review
    return _status_found(search or Search(failed=True), items, at)


def _status_found(search: Search, items: tuple[Item, ...], at: datetime) -> Status:
    if search.by_person:
        return Status.in_review
    if search.failed or search.match is None:
        return Status.source_unavailable
    if search.match.outcome not in {MatchOutcome.confirmed, MatchOutcome.none}:
        return Status.ambiguous
    if search.is_stale(at):  # also of a person not found: they may have come since
        return Status.stale
    if search.match.outcome is MatchOutcome.none:
        return Status.not_found
    return _status_held(search, items)


def _status_held(search: Search, items: tuple[Item, ...]) -> Status:
    if search.found is None:
        return Status.source_unavailable
    if sum(len(each.value.encode()) for item in items for each in item.fields) > MOST:
        return Status.in_review
    return Status.released if items else Status.none_held


def answer(asked: Asked, decided: Decided, search: Search | None, pack: Pack, contact: DutyContact, at: datetime) -> Answer:
    """What is said of one question: the least that answers it."""
    question = decided.question
    rows = search.found.rows if search is not None and search.found is not None and decided.searches else ()
    category = next(each for each in pack.categories.categories if each.id == question.category) if rows else None
    relation = next(each.relation_to_child for each in asked.request.subjects if each.ref == question.subject_ref)
    bounds = {"since": question.since, "until": question.until}
    items = minimise(category, rows, **bounds, relation_to_child=relation) if category is not None else ()
    status = status_of(decided, search, items, at)
    match = search.match if search is not None else None
    return Answer(
        subject_ref=question.subject_ref,
        category=question.category,
        status=status,
        agreed_fields=match.agreed_fields if match is not None and status in {Status.released, Status.none_held} else (),
        searched=search.searched if search is not None else (),
        since=question.since,
        until=question.until,
        ladder=ladder(decided.decision, Audience.requester),
        caps=shown_caps(decided.decision, Audience.requester),
        near_misses=decided.near_misses,
        items=items if status is Status.released else (),
        decision_id=decision_id(asked, question, pack.digest, at),
        decided_by=f"policy pack {str(pack.digest)[:16]}",
        decided_at=at,
        duty_contact=contact,
    )


def decision_id(asked: Asked, question: Question, pack_digest: Digest, at: datetime) -> DecisionId:
    """The name of one decision: first 16 bytes of SHA-256 over its strict encoding."""
    identity = DecisionIdentity(
        answers=asked.digest,
        thread=asked.thread,
        kind=Kind.response,
        recipient=asked.hub.id,
        subject_ref=question.subject_ref,
        category=question.category,
        pack_digest=pack_digest,
        decided_at=at,
    )
    return DecisionId(hashlib.sha256(codec.encode(identity)).digest()[: DecisionId.size])


def respond(asked: Asked, answers: tuple[Answer, ...], pack: Pack) -> tuple[Response, ...]:
    """All answers of one request, in their order, as the first revision: in as many parts as its bodies need."""
    whole = Response(
        request_digest=asked.digest,
        case_id=asked.request.case_id,
        agency=asked.me.id,
        revision=1,
        part=1,
        parts=1,
        pack_digest=pack.digest,
        answers=answers,
    )
    parts = _fitting(whole)
    return tuple(replace(each, part=number, parts=len(parts)) for number, each in enumerate(parts, 1))


def _fitting(response: Response) -> list[Response]:
    """Halved until each half fits one body."""
    middle = len(response.answers) // 2
    if middle == 0 or _fits(response):
        return [response]
    halves = (response.answers[:middle], response.answers[middle:])
    return [part for half in halves for part in _fitting(replace(response, answers=half))]


def _fits(response: Response) -> bool:
    try:
        codec.encode(response, codec.MAX_BODY - PART_NUMBERS)
    except OversizeRecordError:
        return False
    return True


def entries_of(asked: Asked, decided: Decided, said: Answer, pack: Pack, actor: Officer) -> tuple[tuple[Entry, ...], Entry]:
    """For one question: a consultation for each source searched, and the disclosure, whatever its outcome."""
    disclosure = replace(
        entry(asked, Operation.disclosure, actor, said.decided_at, said.status.value),
        subject_ref=said.subject_ref,
        category=said.category,
        rules=decided.decision.rules,
        pack_digest=pack.digest,
    )
    searched = [replace(disclosure, operation=Operation.consultation, outcome=Slug(f"searched.{each.source}")) for each in said.searched]
    return tuple(searched), disclosure


def entry(asked: Asked, operation: Operation, actor: Officer, at: datetime, outcome: str) -> Entry:
    """An entry about this request as a whole."""
    return Entry(
        at=at,
        operation=operation,
        actor=actor,
        case_id=asked.request.case_id,
        subject_ref=None,
        category=None,
        purpose=asked.request.purpose,
        stage=asked.request.stage,
        rules=(),
        pack_digest=None,
        outcome=Slug(outcome),
        envelope=asked.digest,
    )
