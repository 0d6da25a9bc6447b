"""What a law leaves undone: rules no question can reach, categories nothing can release, and what no scenario tries. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Final

from policies.categories import Categories, Category
from policies.law import Law, Rule
from policies.pack import Pack
from policies.scenario import Scenario
from policies.scenario_run import Result, running
from policies.vocabulary import RuleEffect, Side
from schemas.enums import ControllerKind, Kind, Layer, Outcome, Purpose, Stage
from schemas.identifiers import CategoryId, Slug

UNNAMED: Final = "to be named"  # how a citation says that a lawyer must still find the enactment
PURPOSES: Final = tuple(purpose for purpose in Purpose if purpose is not Purpose.unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """The scenarios in which a rule is met, and those that say it must not be."""

    met: tuple[Slug, ...]
    never: tuple[Slug, ...]


def unreachable(law: Law, categories: Categories) -> tuple[Slug, ...]:
    """Rules that no question about any category, by anybody who holds it, could meet."""
    return tuple(rule.id for rule in law.rules if not any(_speaks(rule, each, law) for each in categories.every) or _alone(rule, law))


def _speaks(rule: Rule, category: Category, law: Law) -> bool:
    """Whether rule and category have kind of body and of disclosure, stage, role and classes in common, and the layer applies."""
    classes = category.presumed_classes
    holders = category.held_by & (rule.holders or category.held_by)
    shared = (
        (rule.holders, category.held_by),
        (rule.disclosures, category.disclosures),
        (rule.stages, category.stages),
        (rule.roles, category.roles),
        (rule.classes, classes),
    )
    applied = {Layer.art9: law.applies.art9, Layer.art10: law.applies.art10, Layer.confidence: law.applies.confidence}.get(rule.layer)
    return (
        all(not named or named & held for named, held in shared)
        and not rule.excludes & classes
        and (applied is None or bool(applied & classes))
        and (rule.layer is not Layer.regime or (category.law_enforcement and bool(holders & law.applies.competent_authorities)))
    )


def _alone(rule: Rule, law: Law) -> bool:
    """Whether a gateway's half never meets the other half: no recipient, disclosure, purpose, stage or day in common."""
    if rule.layer is not Layer.gateway or rule.effect is not RuleEffect.permit:
        return False
    other = Side.discloser if rule.side is Side.recipient else Side.recipient
    return not any(_meet(rule, half) for half in law.rules if half.layer is Layer.gateway and half.side is other)


def _meet(one: Rule, two: Rule) -> bool:
    pairs: tuple[tuple[frozenset[object], frozenset[object]], ...] = (
        (frozenset(one.recipients), frozenset(two.recipients)),
        (frozenset(one.disclosures), frozenset(two.disclosures)),
        (frozenset(one.purposes), frozenset(two.purposes)),
        (frozenset(one.stages), frozenset(two.stages)),
    )
    ends = one.in_force.until or date.max, two.in_force.until or date.max
    return all(not mine or not theirs or mine & theirs for mine, theirs in pairs) and max(one.in_force.since, two.in_force.since) <= min(
        ends
    )


def uncited(law: Law) -> tuple[Slug, ...]:
    """Rules whose enactment a lawyer must still name."""
    return tuple(rule.id for rule in law.rules if UNNAMED in rule.citation)


def undocumented(pack: Pack) -> tuple[Slug, ...]:
    """Conditions whose appropriate policy document this controller must have before it joins, and has not.

    Those that an agreement's basis names; and where it holds no document at all, each one its kind of body may lean on for what is agreed.
    """
    controller = pack.controller
    held = controller.documents
    named = {rule for agreement in pack.agreements for rule in agreement.basis}
    agreed = {purpose for agreement in pack.agreements for purpose in agreement.purposes}
    mine = [rule for rule in pack.law.rules if rule.needs_apd is not None and (not rule.holders or controller.kind in rule.holders)]
    leaned_on = [rule for rule in mine if rule.id in named or (not held and agreed and (not rule.purposes or rule.purposes & agreed))]
    return tuple(dict.fromkeys(rule.needs_apd for rule in leaned_on if rule.needs_apd is not None and rule.needs_apd not in held))


def never_released(law: Law, categories: Categories) -> tuple[CategoryId, ...]:
    """Categories meant to be told automatically that no rules let go to a council, even with all in order."""
    run = running(law, categories)
    return tuple(each.id for each in categories.every if each.automatic and not _released(each, run))


def _released(category: Category, run: Callable[[Scenario], Result]) -> bool:
    """Tried over kinds, stages, ratings, roles and purposes, with every paper there and broken glass in an emergency."""
    disclosures = {Kind.response} & category.disclosures or category.disclosures
    stages = sorted(category.stages, key=lambda stage: stage is not Stage.emergency)  # the likeliest first
    for stage, kind, rag, role, purpose, told in product(
        stages, category.held_by, category.rags, category.roles, PURPOSES, sorted(disclosures)
    ):
        best = _best(category.id, kind, stage, rag=rag, role=role, purpose=purpose, disclosure=told)
        if run(best).decision.outcome is Outcome.release:
            return True
    return False


def _best(category: CategoryId, kind: ControllerKind, stage: Stage, **facets: object) -> Scenario:
    """The case in which everything speaks for release."""
    also = ["break_glass", "subject_incapable"] if stage is Stage.emergency else []
    told = {"id": "best", "source": "none", "says": "Everything speaks for release here.", "expect": {"outcome": "release"}}
    case = {"discloser": kind, "stage": stage, "category": category, "look_back_days": 0, "also": also}
    return Scenario.model_validate(told | case | facets)


def coverage(law: Law, results: Iterable[Result]) -> Mapping[Slug, Covered]:
    """For each rule the scenarios that meet it and those that forbid it, by id, in the order of the law."""
    ran = tuple(results)
    return {
        rule.id: Covered(
            met=tuple(each.scenario.id for each in ran if rule.id in each.met and rule.id in each.scenario.expect.rules),
            never=tuple(each.scenario.id for each in ran if rule.id in each.scenario.expect.never and rule.id not in each.met),
        )
        for rule in law.rules
    }


def untried(covered: Mapping[Slug, Covered]) -> Iterator[tuple[Slug, str]]:
    """Each rule and the way in which no scenario tries it."""
    for rule, found in covered.items():
        if not found.met:
            yield rule, "met"
        if not found.never:
            yield rule, "never"
