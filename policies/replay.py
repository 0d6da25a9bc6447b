"""Decide again what was decided: by the pack of that day to explain it, by another to see what would flip. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from policies.decision import Decision, decide
from policies.explain import ladder, shown_caps
from policies.facts import Kinds, before_answering, before_asking, still_within
from policies.pack import Pack
from policies.vocabulary import Audience, Fact
from schemas.enums import Kind, Outcome, Stage
from schemas.identifiers import CategoryId, DecisionId, Digest, Slug
from schemas.records import LadderStep, Question, Request

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


def decide_again(logged: Logged, pack: Pack) -> Decision:
    """The same question at the same time by a pack."""
    if logged.disclosure is Kind.request:
        asked = before_asking(logged.request, logged.question, logged.kinds, logged.at, logged.standing)
    else:
        question = still_within(logged.question, pack, logged.at)
        asked = before_answering(logged.request, question, logged.kinds, logged.at, logged.standing)
    return decide(asked, pack, logged.at)


def differences(logged: Logged, decision: Decision) -> tuple[str, ...]:
    """In what a decision made again is not the one that was logged; nothing where it is."""
    differs = {"outcome": decision.outcome not in logged.outcomes, "rules": decision.rules != logged.rules}
    if logged.ladder is not None:
        differs["ladder"] = ladder(decision, Audience.requester) != logged.ladder
        differs["caps"] = shown_caps(decision, Audience.requester) != logged.caps
    return tuple(name for name, so in differs.items() if so)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Replayed:
    """One logged decision by the pack that stands and by a new one."""

    logged: Logged
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


def replay(logged: Iterable[Logged], present: Pack, new: Pack) -> Iterator[Replayed]:
    """Decide each again by both."""
    for each in logged:
        yield Replayed(logged=each, before=decide_again(each, present), after=decide_again(each, new))


def flips(replayed: Iterable[Replayed]) -> tuple[Flip, ...]:
    """Those that come out otherwise, grouped, in order."""
    found: dict[tuple[Kind, CategoryId, Stage, Outcome, Outcome], list[DecisionId]] = {}
    for each in replayed:
        if each.flips:
            asked = (each.logged.disclosure, each.logged.question.category, each.logged.request.stage)
            found.setdefault((*asked, each.before.outcome, each.after.outcome), []).append(each.logged.id)
    return tuple(
        Flip(disclosure=key[0], category=key[1], stage=key[2], before=key[3], after=key[4], decisions=tuple(ids))
        for key, ids in sorted(found.items())
    )
