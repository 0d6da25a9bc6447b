"""Decide again what was decided: by the pack of that day to explain it, by another to see what would flip. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from policies.categories import CONTACT
from policies.contacts import Hearer, Teller, telling
from policies.decision import Decision, decide
from policies.explain import ladder, shown_caps
from policies.facts import Kinds, before_answering, before_asking, still_within
from policies.pack import Pack
from policies.vocabulary import Audience, Fact
from schemas.enums import ControllerKind, Kind, Outcome, Stage
from schemas.events import Contact
from schemas.identifiers import CategoryId, DecisionId, Digest, PartyId, Slug, SubjectRef
from schemas.records import LadderStep, Question, Request, Subject

DAY: Final = frozenset({Fact.reasked, Fact.directory_stale, Fact.pack_not_accepted, Fact.log_unwitnessed})
"""What was so at the discloser that day and no request says; what is told names each of them as a cap."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Logged:
    """One decision as its entry and envelope keep it: an agency's answer to one question, or a hub's own asking of it."""

    id: DecisionId
    disclosure: Kind  # response or request
    request: Request
    question: Question
    kinds: Kinds
    at: datetime
    pack_digest: Digest
    outcomes: frozenset[Outcome]  # of the ladder: those which fit what was said
    rules: tuple[Slug, ...]  # relied on, as the entry names them
    caps: tuple[Slug, ...]
    ladder: tuple[LadderStep, ...] | None  # as the asker was told it; a request tells none

    @property
    def standing(self) -> frozenset[Fact]:
        """What was so that day, read from the caps that were told."""
        return frozenset(fact for fact in DAY if fact.value in self.caps)

    @property
    def subject_ref(self) -> SubjectRef:
        """About whom."""
        return self.question.subject_ref

    @property
    def category(self) -> CategoryId:
        """In what."""
        return self.question.category

    @property
    def stage(self) -> Stage:
        """At which stage."""
        return self.request.stage

    def again(self, pack: Pack) -> Decision:
        """The same question at the same time by a pack."""
        if self.disclosure is Kind.request:
            asked = before_asking(self.request, self.question, self.kinds, self.at, self.standing)
        else:
            question = still_within(self.question, pack, self.at)
            asked = before_answering(self.request, question, self.kinds, self.at, self.standing)
        return decide(asked, pack, self.at)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LoggedContact:
    """One decision about a contact that was taken in, as its entry and the contact keep it; `told_by`: none where no body is known."""

    id: DecisionId
    contact: Contact
    subject: Subject
    told_by: Teller | None
    hub: PartyId
    hub_kind: ControllerKind
    at: datetime
    pack_digest: Digest
    outcomes: frozenset[Outcome]
    rules: tuple[Slug, ...]
    stage: Stage
    disclosure: Kind = Kind.contact
    category: CategoryId = CONTACT
    caps: tuple[Slug, ...] = ()
    ladder: tuple[LadderStep, ...] | None = None
    standing: frozenset[Fact] = frozenset()

    @property
    def subject_ref(self) -> SubjectRef:
        """About whom."""
        return self.subject.ref

    def again(self, pack: Pack) -> Decision:
        """The ladder of whoever told, by a hub's pack."""
        hearer = Hearer(id=self.hub, kind=self.hub_kind, pack=pack)
        return telling(self.contact, self.subject, self.told_by, hearer, self.at)


AnyLogged = Logged | LoggedContact


def decide_again(logged: AnyLogged, pack: Pack) -> Decision:
    """The same question at the same time by a pack."""
    return logged.again(pack)


def differences(logged: AnyLogged, decision: Decision) -> tuple[str, ...]:
    """In what a decision made again is not the one that was logged; nothing where it is."""
    differs = {"outcome": decision.outcome not in logged.outcomes, "rules": decision.rules != logged.rules}
    if logged.ladder is not None:
        differs["ladder"] = ladder(decision, Audience.requester) != logged.ladder
        differs["caps"] = shown_caps(decision, Audience.requester) != logged.caps
    return tuple(name for name, so in differs.items() if so)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Replayed:
    """One logged decision by the pack that stands and by a new one."""

    logged: AnyLogged
    before: Decision
    after: Decision

    @property
    def flips(self) -> bool:
        """Whether it comes out otherwise."""
        return self.before.outcome is not self.after.outcome

    @property
    def on_other_grounds(self) -> bool:
        """Whether it comes out as before, but on other rules or caps."""
        return not self.flips and (self.before.rules, self.before.caps) != (self.after.rules, self.after.caps)

    @property
    def changed_since(self) -> bool:
        """Whether the pack that stands already decides it otherwise than was logged."""
        return self.before.outcome not in self.logged.outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Decisions that come out otherwise by another pack, by what they share: never about whom."""

    disclosure: Kind
    category: CategoryId
    stage: Stage
    before: Outcome
    after: Outcome
    decisions: tuple[DecisionId, ...]


def replay(logged: Iterable[AnyLogged], present: Pack, new: Pack) -> Iterator[Replayed]:
    """Decide each again by both."""
    for each in logged:
        yield Replayed(logged=each, before=decide_again(each, present), after=decide_again(each, new))


def flips(replayed: Iterable[Replayed]) -> tuple[Flip, ...]:
    """Those that come out otherwise, grouped, in order."""
    found: dict[tuple[Kind, CategoryId, Stage, Outcome, Outcome], list[DecisionId]] = {}
    for each in replayed:
        if each.flips:
            asked = (each.logged.disclosure, each.logged.category, each.logged.stage)
            found.setdefault((*asked, each.before.outcome, each.after.outcome), []).append(each.logged.id)
    return tuple(
        Flip(disclosure=key[0], category=key[1], stage=key[2], before=key[3], after=key[4], decisions=tuple(ids))
        for key, ids in sorted(found.items())
    )
