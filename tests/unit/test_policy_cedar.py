"""A referee: Cedar, given the same two layers from the same data, carries the gateway and Article 6 exactly where our decision does."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import product
from random import Random

import pytest
from cedar import LAYERS, Cedar
from policy_support import HUB, TRUST, pack_for, party_of

from policies.answers import Reason, Standing
from policies.categories import Categories
from policies.considerations import Controller
from policies.decision import decide
from policies.law import InForce, Law, Rule
from policies.pack import Pack
from policies.question import PolicyQuestion
from policies.trial import assembling
from policies.vocabulary import DERIVED, Fact
from schemas.enums import ControllerKind, Kind, Layer, Purpose, Rag, Stage, SubjectRole, Symbol

SEED = 5
LAW = pack_for(TRUST).law
EVERY = pack_for(TRUST).categories
TOLD = [rule for rule in LAW.rules if rule.layer in LAYERS]
FACTS = sorted(
    {fact for rule in TOLD for fact in rule.requires | rule.unless} - DERIVED | {Fact.holder_considered, Fact.detriment_considered}
)
# one whose classes section 16 of the 2022 Act leaves out, one that it does not, and one that never was law-enforcement data
NAMES = ("acute.ed_attendances", "pol.pnc_convictions", "edu.attendance")
TABLE = EVERY.model_copy(update={"categories": tuple(each for each in EVERY.categories if each.id in NAMES)})
BOUNDS = sorted({day for rule in TOLD for day in (rule.in_force.since, rule.in_force.until) if day is not None})
DAYS = [day + timedelta(days=step) for day in BOUNDS for step in (-1, 0, 1)]


def alike(values: type[Symbol], named: Callable[[Rule], frozenset[Symbol]]) -> list[list[Symbol]]:
    """The values of a facet in groups that no rule of the two layers tells apart."""
    groups: dict[Hashable, list[Symbol]] = {}
    for value in values:
        if value.value != "unknown":
            groups.setdefault(tuple(value in named(rule) for rule in TOLD), []).append(value)
    return list(groups.values())


FACETS = [
    alike(ControllerKind, lambda rule: rule.holders),
    alike(ControllerKind, lambda rule: rule.recipients),
    alike(Kind, lambda rule: rule.disclosures),
    alike(Stage, lambda rule: rule.stages),
    alike(Purpose, lambda rule: rule.purposes),
]


def questions(seed: int) -> Iterator[tuple[PolicyQuestion, date]]:
    """Every way in which two questions may differ to these layers; facts, category and day are drawn for each."""
    drawn = Random(seed)
    for groups in product(*FACETS):
        discloser, recipient, disclosure, stage, purpose = (drawn.choice(group) for group in groups)
        day = drawn.choice(DAYS[-6:] if drawn.random() < 0.5 else DAYS)
        question = PolicyQuestion(
            discloser=party_of(discloser),
            discloser_kind=discloser,
            recipient=HUB,
            recipient_kind=recipient,
            disclosure=disclosure,
            stage=stage,
            rag=Rag.red,
            purpose=purpose,
            role=SubjectRole.child,
            category=drawn.choice(TABLE.categories).id,
            since=day,
            until=day,
            facts=frozenset(drawn.sample(FACTS, drawn.randint(len(FACTS) // 2, len(FACTS)))),
        )
        yield question, day


ASSEMBLE = assembling(LAW)


@cache
def bare(kind: ControllerKind) -> Pack:
    """A controller that says nothing of itself: what is so, the question states."""
    return ASSEMBLE(TABLE, Controller(party=party_of(kind), kind=kind, version="bare"), ())


def disagreements(law: Law, seed: int, every: int = 1) -> tuple[list[str], dict[Layer, int]]:
    """Where Cedar by one law and our decision by the shipped one differ; and how often each layer was carried."""
    known = {each.id: each for each in TABLE.categories}
    asked = list(questions(seed))[::every]
    told = Cedar(law).climb(
        [(question, known[question.category], bare(question.discloser_kind).controller, day) for question, day in asked]
    )
    found, carried = [], dict.fromkeys(LAYERS, 0)
    for (question, day), by_layer in zip(asked, told, strict=True):
        decision = decide(question, bare(question.discloser_kind), datetime.combine(day, time(12), UTC))
        answers = {answer.layer: answer for answer in decision.answers}
        for layer, rules in zip(LAYERS, by_layer, strict=True):
            answer = answers[layer]
            if answer.reason is Reason.part_3:
                continue  # UK GDPR does not govern there; Cedar was not told of the regime
            ours = answer.rule.id if answer.standing is Standing.carried else None
            carried[layer] += ours is not None
            if (ours in rules) is not bool(rules):
                found.append(f"{question} on {day}: {layer.value} by {ours}, Cedar by {sorted(rules)}")
    return found, carried


def test_cedar_and_our_two_layers_agree_on_the_whole_space() -> None:
    found, carried = disagreements(LAW, SEED)
    assert found == []
    assert min(carried.values()) > 500  # the space is not one long no


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("ca2004.s10", {"in_force": InForce.model_validate({"from": date(2005, 4, 1)})}),
        ("ca2004.s16la", {"unless": frozenset()}),
        ("gdpr.art6-1-e", {"requires": frozenset()}),
        ("recipient.emergency", {"requires": frozenset()}),
    ],
)
def test_the_referee_tells_when_one_rule_is_otherwise(rule, changes) -> None:
    rules = tuple(each.model_copy(update=changes) if each.id == rule else each for each in LAW.rules)
    assert disagreements(LAW.model_copy(update={"rules": rules}), SEED, every=7)[0]


def test_the_space_holds_every_kind_stage_purpose_and_disclosure_that_a_rule_tells_apart() -> None:
    assert isinstance(TABLE, Categories)
    assert {len(groups) > 1 for groups in FACETS} == {True}
    assert {value for group in FACETS[0] for value in group} == set(ControllerKind) - {ControllerKind.unknown}
