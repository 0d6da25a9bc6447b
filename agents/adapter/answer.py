"""From request to answers: what may be said is decided before anything is searched, so that a refusal tells nothing. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from agents.adapter.matching import Match, MatchOutcome
from agents.adapter.ports import Candidate, Found, Row
from policies.decision import Decision, decide
from policies.explain import ladder, near_misses, shown_caps
from policies.facts import Kinds, before_answering, still_within
from policies.minimise import minimise
from policies.pack import Pack
from policies.question import decision_name
from policies.vocabulary import Audience, Fact
from schemas.enums import Kind, Operation, Outcome, Status
from schemas.events import Entry
from schemas.identifiers import CategoryId, DecisionId, Digest, Slug, SubjectRef, Thread
from schemas.record import MAX_ITEMS
from schemas.records import (
    Answer,
    DecisionIdentity,
    DutyContact,
    Item,
    NearMiss,
    Officer,
    Question,
    Request,
    Searched,
)
from schemas.statements import Party

FRAME: Final = 16  # bytes that Avro adds around an item or a field, at most
Key = tuple[SubjectRef, CategoryId]
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
    """A question and what the ladder says of it before any search, taking the person as surely found.

    `held`: a person of the agency has said that no machine answers it.
    """

    question: Question
    decision: Decision
    near_misses: tuple[NearMiss, ...]
    held: bool = False

    @property
    def searches(self) -> bool:
        """Only what would be released is searched for."""
        return self.decision.outcome is Outcome.release and not self.held


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Search:
    """What the agency's system gave for one question; `failed` when it did not answer, `by_person` when a person has to."""

    match: Match | None = None
    found: Found[Row] | None = None
    searched: tuple[Searched, ...] = ()
    allowed_lag: timedelta = timedelta(days=3660)
    failed: bool = False
    by_person: bool = False
    candidates: tuple[Candidate, ...] = ()  # for the agency's own reviewer; they never leave

    def is_stale(self, at: datetime) -> bool:
        """Whether anything that was searched is behind its allowed lag."""
        seen = [each.as_of for each in self.searched] + ([self.found.as_of] if self.found is not None else [])
        return any(as_of + self.allowed_lag < at for as_of in seen)


FAILED: Final = Search(failed=True)
BY_PERSON: Final = Search(by_person=True)
FAILING: Final = frozenset({Status.source_unavailable, Status.stale})  # what is asked again until the source is back


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Said:
    """An answer, and the pack it was decided by."""

    answer: Answer
    pack_digest: Digest

    @property
    def key(self) -> Key:
        """Which question it answers."""
        return self.answer.subject_ref, self.answer.category


def decide_question(asked: Asked, question: Question, pack: Pack, at: datetime, standing: frozenset[Fact] = frozenset()) -> Decided:
    """Climb the ladder for one question; `standing`: what is so at this agency today, or a reviewer of it states."""
    question = still_within(question, pack, at)
    policy_question = before_answering(asked.request, question, Kinds(asked.hub.kind, asked.me.kind), at, standing)
    decision = decide(policy_question, pack, at)
    misses = () if decision.outcome is Outcome.release else near_misses(policy_question, pack, at, Audience.requester)
    return Decided(question=question, decision=decision, near_misses=misses)


def status_of(decided: Decided, search: Search | None, items: tuple[Item, ...], at: datetime) -> Status:
    """One status, from the decision first and the search second."""
    if decided.decision.never_automatic or decided.held:
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
    if too_large(items):
        return Status.in_review
    return Status.released if items else Status.none_held


def too_large(items: tuple[Item, ...], words: str = "") -> bool:
    """Whether these items, and what is said of them, are more than one answer can carry."""
    return len(items) > MAX_ITEMS or sum(_size(item) for item in items) + len(words.encode()) > MOST


def _size(item: Item) -> int:
    """Bytes, at most, that it takes in a body."""
    fields = sum(FRAME + len(each.name) + len(each.value.encode()) for each in item.fields)
    marks = sum(FRAME + len(each) for each in item.do_not_disclose_to)
    return FRAME + len(item.relation_to_child.encode()) + fields + marks


def answer(asked: Asked, decided: Decided, search: Search | None, pack: Pack, contact: DutyContact, at: datetime) -> Answer:
    """What is said of one question: the least that answers it."""
    question = decided.question
    items = items_of(asked, question, search, pack) if search is not None and decided.searches else ()
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


def items_of(asked: Asked, question: Question, search: Search, pack: Pack) -> tuple[Item, ...]:
    """The least of what was found that answers the question."""
    if search.found is None or not search.found.rows:
        return ()
    category = next(each for each in pack.categories.categories if each.id == question.category)
    relation = next(each.relation_to_child for each in asked.request.subjects if each.ref == question.subject_ref)
    return minimise(category, search.found.rows, since=question.since, until=question.until, relation_to_child=relation)


def decision_id(asked: Asked, question: Question, pack_digest: Digest, at: datetime) -> DecisionId:
    """The name of one decision."""
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
    return decision_name(identity)


def entries_of(asked: Asked, decided: Decided, said: Answer, pack: Pack, actor: Officer) -> tuple[tuple[Entry, ...], Entry]:
    """For one question: a consultation for each source searched, and the disclosure, whatever its outcome."""
    disclosure = replace(
        entry(asked.request, asked.digest, Operation.disclosure, actor, said.decided_at, said.status.value),
        subject_ref=said.subject_ref,
        category=said.category,
        rules=decided.decision.rules,
        pack_digest=pack.digest,
    )
    searched = [replace(disclosure, operation=Operation.consultation, outcome=Slug(f"searched.{each.source}")) for each in said.searched]
    return tuple(searched), disclosure


def repeated(asked: Asked, said: Said, actor: Officer, at: datetime) -> Entry:
    """The disclosure of an answer that goes out once more, unchanged, in a later revision."""
    return replace(
        entry(asked.request, asked.digest, Operation.disclosure, actor, at, said.answer.status.value),
        subject_ref=said.answer.subject_ref,
        category=said.answer.category,
        rules=tuple(step.rule for step in said.answer.ladder if step.met and step.rule is not None),
        pack_digest=said.pack_digest,
    )


def entry(request: Request, digest: Digest, operation: Operation, actor: Officer, at: datetime, outcome: str) -> Entry:
    """An entry about a request as a whole."""
    return Entry(
        at=at,
        operation=operation,
        actor=actor,
        case_id=request.case_id,
        subject_ref=None,
        category=None,
        purpose=request.purpose,
        stage=request.stage,
        rules=(),
        pack_digest=None,
        outcome=Slug(outcome),
        envelope=digest,
    )
