"""What a decision needs of a pack, worked out once: masks, plans by category, prebuilt answers, agreements by category."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from itertools import product
from typing import Final

from policies.agreements import Agreement
from policies.answers import FAILED, NO_BAR, WITHOUT_DOCUMENT, LayerAnswer, Reason, absent, carried, failed
from policies.categories import Categories, Category
from policies.considerations import Controller
from policies.index import RuleIndex, bits, build_index
from policies.law import LAYERS, Applies, Law, Row
from policies.vocabulary import Automatic, Fact
from schemas.enums import ControllerKind, Kind, Layer, Outcome, Purpose, Rag, Stage, SubjectRole
from schemas.identifiers import CategoryId, PartyId, Slug

NEVER_AUTOMATIC: Final = Slug("never_automatic")
ROW_NO: Final = Slug("row_no")
ROW_NONE: Final = Slug("row_none")
Context = tuple[ControllerKind, Stage, Purpose]  # whose kind asks, at which stage, for what
Contexts = Mapping[Context, tuple[int, tuple[Slug, ...]]]  # which rules speak of it, and its cap by the release table
PLACEHOLDERS: Final = {Layer.bar: NO_BAR, Layer.gateway: FAILED[Layer.gateway]}  # until a bar is met or a gateway carried


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One layer of one category: which rules may carry it, or the answer that it has nothing to say."""

    layer: Layer
    mask: int
    absent: LayerAnswer | None
    failed: LayerAnswer
    without_document: LayerAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What the controller says of itself and has considered, until a day."""

    facts: frozenset[Fact]
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """An agreement as it bears on one other party, category and purpose."""

    since: date
    until: date
    review_by: date
    secrecy: bool  # the other party's recipients are bound to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One category in one kind of disclosure."""

    contexts: Contexts
    unmet: int  # rules that can never be met: this body holds no such category, or it may not be told so


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """How one category climbs the ladder of one controller."""

    mask: int  # rules that speak of its classes
    ways: Mapping[Kind, Way]
    stages: frozenset[Stage]
    rags: frozenset[Rag]
    roles: frozenset[SubjectRole]
    look_back_days: int
    steps: tuple[Step, ...]
    caps: tuple[Slug, ...]
    granted: Mapping[tuple[Stage, SubjectRole], Granted]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Compiled:
    """Everything `decide` looks up."""

    party: PartyId
    kind: ControllerKind
    index: RuleIndex
    plans: Mapping[CategoryId, Plan]
    unknown: Plan  # for a category this pack does not know
    facts: frozenset[Fact]  # true of the controller in every decision
    carried: Mapping[int, LayerAnswer]  # by the rule's bit
    barred: Mapping[int, LayerAnswer]
    bar_reviewed: Mapping[int, LayerAnswer]
    gateways: Mapping[int, LayerAnswer]  # by both halves' bits
    agreements: Mapping[tuple[PartyId, CategoryId, Purpose], tuple[Agreed, ...]]  # with the controller, by the other party


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Reading:
    """A law as one kind of body with certain policy documents may rely on it: nothing here turns on what else it says of itself."""

    law: Law
    kind: ControllerKind
    index: RuleIndex
    contexts: Callable[[tuple[int, ...]], Contexts]  # by the positions of the rows that speak; many categories share theirs
    carried: Mapping[int, LayerAnswer]
    barred: Mapping[int, LayerAnswer]
    bar_reviewed: Mapping[int, LayerAnswer]
    gateways: Mapping[int, LayerAnswer]


def read_law(law: Law, kind: ControllerKind, documents: frozenset[Slug]) -> Reading:
    """All that does not change with categories, agreements and the controller's own words; most of the work of a pack."""
    index = build_index(law.rules, kind, documents)
    rules = {1 << bit: rule for bit, rule in enumerate(index.rules)}
    mine = tuple(bits(index.layers[Layer.gateway]))
    halves = {1 << bit: index.rules[bit] for bit in bits(index.recipient_side)}
    return Reading(
        law=law,
        kind=kind,
        index=index,
        contexts=lru_cache(maxsize=None)(partial(_contexts, index, law.rows)),
        carried={bit: carried(rule) for bit, rule in rules.items()},
        barred={bit: failed(rule.layer, Reason.barred, Outcome.withhold, rule) for bit, rule in rules.items()},
        bar_reviewed={bit: failed(rule.layer, Reason.barred, Outcome.review, rule) for bit, rule in rules.items()},
        gateways={1 << bit | theirs: carried(index.rules[bit], half) for bit in mine for theirs, half in halves.items()},
    )


def compile_pack(law: Law, categories: Categories, agreements: Iterable[Agreement], controller: Controller) -> Compiled:
    """Build it all."""
    return compile_by(read_law(law, controller.kind, controller.documents), categories, agreements, controller)


def compile_by(reading: Reading, categories: Categories, agreements: Iterable[Agreement], controller: Controller) -> Compiled:
    """Build the rest upon a reading, which is that of the controller's kind and documents."""
    index, applies = reading.index, reading.law.applies
    nothing = _nothing(categories.concern)
    return Compiled(
        party=controller.party,
        kind=controller.kind,
        index=index,
        plans={each.id: _plan(each, _ways(each, categories, reading), applies, index, controller) for each in categories.every},
        unknown=_plan(nothing, _ways(nothing, categories, reading), applies, index, controller),
        facts=controller.facts,
        carried=reading.carried,
        barred=reading.barred,
        bar_reviewed=reading.bar_reviewed,
        gateways=reading.gateways,
        agreements=agreed_with(controller.party, agreements),
    )


def _ways(category: Category, categories: Categories, reading: Reading) -> Mapping[Kind, Way]:
    """A category in each kind of disclosure."""
    told = categories.told_by(reading.kind, category)
    needs = reading.index.needs
    closed = needs[Fact.onward_closed] if category.onward else 0
    return {
        kind: Way(
            contexts=reading.contexts(_speaking(reading.law.rows, category.id, reading.kind, kind)),
            unmet=closed if kind in told else closed | needs[Fact.category_held],
        )
        for kind in Kind
    }


def _plan(category: Category, ways: Mapping[Kind, Way], applies: Applies, index: RuleIndex, controller: Controller) -> Plan:
    classes = category.presumed_classes
    mask = excluded = 0
    for code in classes:
        mask |= index.classes[code]
        excluded |= index.excluded[code]
    return Plan(
        mask=mask & ~excluded,
        ways=ways,
        stages=category.stages,
        rags=category.rags,
        roles=category.roles,
        look_back_days=category.look_back_days,
        steps=tuple(_step(layer, _nothing_to_say(layer, category, applies, controller), index) for layer in LAYERS),
        caps=() if category.automatic else (NEVER_AUTOMATIC,),
        granted=_granted(category.id, controller),
    )


def _nothing(concern: Category) -> Category:
    """A category nobody may tell: it reaches no stage, and stands in no kind of disclosure."""
    return concern.model_copy(update={"held_by": frozenset(), "disclosures": frozenset(), "stages": frozenset(), "automatic": False})


def _step(layer: Layer, reason: Reason | None, index: RuleIndex) -> Step:
    return Step(
        layer=layer,
        mask=index.layers[layer],
        absent=PLACEHOLDERS.get(layer) or (None if reason is None else absent(layer, reason)),
        failed=FAILED[layer],
        without_document=WITHOUT_DOCUMENT[layer],
    )


def _nothing_to_say(layer: Layer, category: Category, applies: Applies, controller: Controller) -> Reason | None:
    """Why a layer does not apply to a category, or None where it does."""
    named = {Layer.art9: applies.art9, Layer.art10: applies.art10, Layer.confidence: applies.confidence}.get(layer)
    if named is not None and not named & category.presumed_classes:
        return Reason.class_not_held
    if layer is Layer.regime and not (category.law_enforcement and controller.kind in applies.competent_authorities):
        return Reason.not_law_enforcement
    return None


def _granted(category: CategoryId, controller: Controller) -> Mapping[tuple[Stage, SubjectRole], Granted]:
    """The standing considerations of a category; where two speak of one stage and role, the later in the file holds."""
    return {
        (stage, role): Granted(facts=controller.facts | each.facts, until=each.review_by)
        for each in controller.considerations
        if each.category == category
        for stage in each.stages
        for role in each.roles
    }


def _speaking(rows: tuple[Row, ...], category: CategoryId, holder: ControllerKind, kind: Kind) -> tuple[int, ...]:
    """Positions of the rows that speak of a category in its holder's hands in a kind of disclosure; an empty list means any."""
    return tuple(
        at
        for at, row in enumerate(rows)
        if (not row.disclosures or kind in row.disclosures)
        and (not row.holders or holder in row.holders)
        and (not row.categories or category in row.categories)
    )


def _contexts(index: RuleIndex, rows: tuple[Row, ...], speaking: tuple[int, ...]) -> Contexts:
    """Of every (requester, stage, purpose) the rules that speak of it, and its cap: the most restrictive matching row wins."""
    caps: dict[Context, tuple[Slug, ...]] = dict.fromkeys(product(ControllerKind, Stage, Purpose), (ROW_NONE,))
    for row in sorted((rows[at] for at in speaking), key=lambda row: row.automatic is Automatic.no):
        matching = product(row.requesters or ControllerKind, row.stages or Stage, row.purposes or Purpose)
        caps.update(dict.fromkeys(matching, (ROW_NO,) if row.automatic is Automatic.no else ()))
    spoken = ((key, index.recipients[key[0]] & index.stages[key[1]] & index.purposes[key[2]]) for key in caps)
    return {key: (mask, caps[key]) for key, mask in spoken}


def agreed_with(mine: PartyId, agreements: Iterable[Agreement]) -> Mapping[tuple[PartyId, CategoryId, Purpose], tuple[Agreed, ...]]:
    """What a controller may rely on, by the other party: each of the two in its own name, never as somebody's processor."""
    table: dict[tuple[PartyId, CategoryId, Purpose], tuple[Agreed, ...]] = {}
    for each in agreements:
        supplied = [category for category in each.categories if each.supplied_by(mine, category) and each.in_own_name(mine, category)]
        for key in product(each.parties, supplied, each.purposes):
            if each.in_own_name(key[0], key[1]):
                span = each.in_force
                agreed = Agreed(
                    since=span.since, until=span.until or date.max, review_by=each.review_by, secrecy=key[0] in each.bound_to_secrecy
                )
                table[key] = (*table.get(key, ()), agreed)
    return table
