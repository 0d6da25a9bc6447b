"""From request to answers: what may be said is decided before anything is searched, so that a refusal tells nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from agents.adapter.ports import Row
from agents.adapter.search import FAILING, TELLING, Joined, Search, join
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
class Said:
    """An answer, and the pack it was decided by."""

    answer: Answer
    pack_digest: Digest

    @property
    def key(self) -> Key:
        """Which question it answers."""
        return self.answer.subject_ref, self.answer.category

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing that a source may still say: none failed or was too old, or a person is yet to decide on the whole."""
        if self.answer.status in FAILING:
            return False
        return self.answer.status is not Status.released or not self.answer.unanswered

    @property
    def goes_on(self) -> bool:
        """Whether a machine asks again for what is missing; what a person said, a person says anew."""
        return not self.is_whole and self.answer.reviewed_by is None

    def is_news_after(self, before: Said) -> bool:
        """Whether it says more than an answer that was not whole: never the same again, and never without what was told already."""
        if self.answer.status in FAILING or before.answer.status in FAILING:
            return self.answer.status not in FAILING
        return _missing(self.answer) < _missing(before.answer)


def decide_question(asked: Asked, question: Question, pack: Pack, at: datetime, standing: frozenset[Fact] = frozenset()) -> Decided:
    """Climb the ladder for one question; `standing`: what is so at this agency today, or a reviewer of it states."""
    question = still_within(question, pack, at)
    policy_question = before_answering(asked.request, question, Kinds(asked.hub.kind, asked.me.kind), at, standing)
    decision = decide(policy_question, pack, at)
    misses = () if decision.outcome is Outcome.release else near_misses(policy_question, pack, at, Audience.requester)
    return Decided(question=question, decision=decision, near_misses=misses)


def status_of(decided: Decided, found: Joined) -> Status:
    """One status, from the decision first and all sources together second."""
    if decided.decision.never_automatic or decided.held:
        return Status.contact_us
    if decided.decision.outcome is Outcome.withhold:
        return Status.withheld
    if decided.decision.outcome is not Outcome.release or too_large(found.items):
        return Status.in_review
    return found.status


def too_large(items: tuple[Item, ...], words: str = "") -> bool:
    """Whether these items, and what is said of them, are more than one answer can carry."""
    return len(items) > MAX_ITEMS or sum(_size(item) for item in items) + len(words.encode()) > MOST


def _size(item: Item) -> int:
    """Bytes, at most, that it takes in a body."""
    fields = sum(FRAME + len(each.name) + len(each.value.encode()) for each in item.fields)
    marks = sum(FRAME + len(each) for each in (*item.do_not_disclose_to, item.source or ""))
    return FRAME + len(item.relation_to_child.encode()) + fields + marks


def _missing(said: Answer) -> set[Slug]:
    return {each.source for each in said.unanswered}


def answer(asked: Asked, decided: Decided, searches: Sequence[Search], pack: Pack, contact: DutyContact, at: datetime) -> Answer:
    """What is said of one question: the least that answers it, of every source that may have it."""
    question = decided.question
    found = join(searches if decided.searches else (), at)
    status = status_of(decided, found)
    return Answer(
        subject_ref=question.subject_ref,
        category=question.category,
        status=status,
        agreed_fields=found.agreed_fields if status in TELLING else (),
        searched=found.searched,
        since=question.since,
        until=question.until,
        ladder=ladder(decided.decision, Audience.requester),
        caps=shown_caps(decided.decision, Audience.requester),
        near_misses=decided.near_misses,
        items=found.items if status is Status.released else (),
        decision_id=decision_id(asked, question, pack.digest, at),
        decided_by=f"policy pack {str(pack.digest)[:16]}",
        decided_at=at,
        duty_contact=contact,
        unanswered=found.unanswered,
    )


def least(asked: Asked, question: Question, source: Slug, rows: Iterable[Row], pack: Pack) -> tuple[Item, ...]:
    """The least of what one source holds that answers the question, each item naming it."""
    category = next(each for each in pack.categories.categories if each.id == question.category)
    relation = next(each.relation_to_child for each in asked.request.subjects if each.ref == question.subject_ref)
    found = minimise(category, rows, since=question.since, until=question.until, relation_to_child=relation)
    return tuple(replace(each, source=source) for each in found)


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
