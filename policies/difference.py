"""Which decisions flip between two laws: over scenarios, and over an enumerated space of questions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from enum import Enum
from itertools import chain, product
from typing import Final

from policies.categories import Category
from policies.decision import PolicyQuestion, decide
from policies.disclosures import Asker, disclosing
from policies.pack import Pack
from policies.scenario import IN_ORDER, TODAY, Scenario
from policies.scenario_run import running
from policies.touched import Sides, Touched, days_after, touching
from policies.trial import Paper, assembling, trial_agreement, trial_controller
from policies.vocabulary import DERIVED, Fact
from schemas.enums import ControllerKind, Kind, Outcome, Purpose, Rag, Stage, SubjectRole
from schemas.identifiers import CategoryId, PartyId, Slug

HOLDER: Final = PartyId("agency.holder")
ASKER: Final = PartyId("agency.asker")
KINDS: Final = tuple(kind for kind in ControllerKind if kind is not ControllerKind.unknown)
STAGES: Final = tuple(stage for stage in Stage if stage is not Stage.unknown)
ROLES: Final = tuple(role for role in SubjectRole if role is not SubjectRole.unknown)
COUNCIL: Final = ControllerKind.local_authority
WELFARE: Final = (COUNCIL, Purpose.safeguarding)
CONTEXTS: Final = (  # who asks for what, besides a council for safeguarding
    (COUNCIL, Purpose.promoting_welfare),
    (ControllerKind.police, Purpose.crime_and_disorder),
    (ControllerKind.probation, Purpose.offender_management),
)
OTHERS: Final = tuple((kind, Purpose.safeguarding) for kind in KINDS if kind is not COUNCIL)  # who might be told, where nobody asks
STATED: Final = tuple(fact for fact in Fact if fact not in DERIVED)
VARIATIONS: Final = (IN_ORDER, *(IN_ORDER ^ {fact} for fact in STATED))  # all in order, and each fact turned over by itself
Step = tuple[date, ControllerKind]
Walk = Callable[[Sequence[Step]], Iterable[Step]]


class Papers(Enum):
    """What the controller of a question has, with the facts it is tried on."""

    whole = VARIATIONS
    unconsidered = (IN_ORDER | {Fact.public_interest_recorded},)  # no standing consideration: duties that turn on one carry nothing alone
    bare = (IN_ORDER,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioFlip:
    """A scenario that comes out otherwise, or is carried by other rules."""

    scenario: Slug
    before: Outcome
    after: Outcome
    lost: tuple[Slug, ...]  # rules met before and not after
    won: tuple[Slug, ...]


Shared = tuple[CategoryId, Kind, ControllerKind, Stage, Outcome, Outcome]  # what questions have in common that flip together


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Questions that come out otherwise, by what they share: how many, one of them, and the first day tried."""

    category: CategoryId
    disclosure: Kind
    discloser: ControllerKind
    stage: Stage
    before: Outcome
    after: Outcome
    count: int
    example: PolicyQuestion
    on: date


def scenario_flips(scenarios: Iterable[Scenario], old: Sides, new: Sides) -> Iterator[ScenarioFlip]:
    """Every scenario by both; a changed rule is a flip too, since another law is then relied on."""
    before_by, after_by = (running(side.law, side.categories) for side in (old, new))
    for each in scenarios:
        before, after = before_by(each), after_by(each)
        if before.decision.outcome is not after.decision.outcome or before.met != after.met:
            yield ScenarioFlip(
                scenario=each.id,
                before=before.decision.outcome,
                after=after.decision.outcome,
                lost=tuple(sorted(before.met - after.met)),
                won=tuple(sorted(after.met - before.met)),
            )


def space_flips(old: Sides, new: Sides, days: Sequence[date] = (), walk: Walk = tuple) -> tuple[Flip, ...]:
    """Every question of the enumerated space that comes out otherwise, grouped by what they share.

    `days`: without any, a scenario's usual day, and each later one on which a changed rule begins or ends; the first on which a group flips
    counts.
    `walk`: the work, part by part, by way of whoever shows how far it has come.
    """
    packing = [_packing(side) for side in (old, new)]
    found: dict[Shared, tuple[date, list[PolicyQuestion]]] = {}
    tried = days or tuple(dict.fromkeys((TODAY, *days_after(TODAY, old, new))))
    for day, kind in walk(tuple(product(tried, KINDS))):
        touched = touching(old, new, day)
        for papers in Papers:
            asked = space(kind, old, new, day, papers, touched)
            first = next(asked, None)
            if first is not None:  # else no pack need be made
                packs = tuple(pack(kind, papers) for pack in packing)
                _compare(packs, chain((first,), asked), day, found)
    return tuple(
        Flip(
            category=category,
            disclosure=disclosure,
            discloser=discloser,
            stage=stage,
            before=before,
            after=after,
            count=len(asked),
            example=asked[0],
            on=day,
        )
        for (category, disclosure, discloser, stage, before, after), (day, asked) in sorted(found.items())
    )


def _compare(
    packs: tuple[Pack, ...], asked: Iterable[PolicyQuestion], day: date, found: dict[Shared, tuple[date, list[PolicyQuestion]]]
) -> None:
    at = datetime.combine(day, time(12), UTC)
    for question in asked:
        before, after = (decide(question, pack, at).outcome for pack in packs)
        if before is not after:
            shared = (question.category, question.disclosure, question.discloser_kind, question.stage, before, after)
            first, questions = found.setdefault(shared, (day, []))
            if first == day:
                questions.append(question)


def space(
    kind: ControllerKind, old: Sides, new: Sides, day: date = TODAY, papers: Papers = Papers.whole, touched: Touched = lambda _: True
) -> Iterator[PolicyQuestion]:
    """What a body of a kind may tell: each category of either law, in each kind of disclosure, at every stage about every role.

    Where it is within reach, on each set of facts of the papers, and to other recipients or for other purposes; of what nobody asked for,
    which no rule tells apart by role, about one role at each stage. Only what the change may have touched.
    """
    told: dict[tuple[CategoryId, Kind], list[Category]] = {}
    for table in (old.categories, new.categories):
        for each in table.every:
            for disclosure in table.told_by(kind, each):
                told.setdefault((each.id, disclosure), []).append(each)
    for (category, disclosure), stage in product(sorted(told), STAGES):
        within = [role for role in ROLES if any(stage in each.stages and role in each.roles for each in told[category, disclosure])]
        asked = disclosing(disclosure).asker is Asker.recipient
        contexts = CONTEXTS if asked else OTHERS
        for role in ROLES:
            base = _question(kind, category, disclosure, stage, role, day)
            reached = role in (within if asked else within[:1])
            if touched(base):
                yield from (replace(base, facts=facts) for facts in papers.value) if reached else (base,)
            if reached:
                others = (replace(base, recipient_kind=other, purpose=purpose) for other, purpose in contexts)
                yield from filter(touched, others)


def _question(kind: ControllerKind, category: CategoryId, disclosure: Kind, stage: Stage, role: SubjectRole, day: date) -> PolicyQuestion:
    other, purpose = WELFARE
    return PolicyQuestion(
        discloser=HOLDER,
        discloser_kind=kind,
        recipient=ASKER,
        recipient_kind=other,
        disclosure=disclosure,
        stage=stage,
        rag=Rag.red,
        purpose=purpose,
        role=role,
        category=category,
        since=day,
        until=day,
        facts=IN_ORDER,
    )


def _packing(side: Sides) -> Callable[[ControllerKind, Papers], Pack]:
    """`pack(kind, papers)`: every paper and an agreement over everything, the same but for considerations, or nothing at all."""
    assemble = assembling(side.law)
    every = side.categories.every
    agreement = trial_agreement({HOLDER, ASKER}, {each.id for each in every}, side.law.rules[0].id, secrecy={ASKER})

    def pack(kind: ControllerKind, papers: Papers) -> Pack:
        if papers is Papers.bare:
            return assemble(side.categories, trial_controller(HOLDER, kind, papers=(), documents=()), ())
        considered = [each.id for each in every if papers is Papers.whole and side.categories.told_by(kind, each)]
        controller = trial_controller(
            HOLDER, kind, papers=frozenset(Paper), documents=side.law.documents, considered=[(each, STAGES, ROLES) for each in considered]
        )
        return assemble(side.categories, controller, (agreement,))

    return pack
