"""Contact, request, response, product, feedback, transfer: each climbs the ladder, and what is no such disclosure tells nobody anything."""

from __future__ import annotations

from dataclasses import replace

import pytest
from policy_support import COUNCIL, HUB, NOW, OWN_MOTION, POLICE, TELLING, TRUST, asking, pack_for, question, teller, telling

from policies.categories import Retention
from policies.decision import decide
from policies.disclosures import DISCLOSURES, HELD, OTHER, disclosing
from policies.explain import ladder, near_misses
from policies.sentences import BAR_UNSAID
from policies.vocabulary import Audience, Fact
from schemas.enums import Handling, Kind, Layer, Outcome, Stage
from schemas.identifiers import CategoryId

VOICES = (Audience.machine, Audience.requester, Audience.holder, Audience.reviewer)


@pytest.mark.parametrize("kind", Kind)
def test_only_the_six_kinds_of_disclosure_tell_anything_of_anybody(kind) -> None:
    every = (question(), asking(), *(telling(each) for each in TELLING))
    packs = {TRUST: pack_for(TRUST), COUNCIL: teller(Kind.product)}
    outcomes = {decide(replace(each, disclosure=kind), packs[each.discloser_kind], NOW).outcome for each in every}
    assert (Outcome.release in outcomes) is (kind in DISCLOSURES)
    if kind not in DISCLOSURES:
        assert outcomes == {Outcome.withhold}
        assert disclosing(kind) is OTHER


@pytest.mark.parametrize("kind", TELLING)
@pytest.mark.parametrize("voice", VOICES)
def test_both_halves_of_every_kind_are_recorded_and_a_layer_that_says_nothing_says_why(kind, voice) -> None:
    decision = decide(telling(kind), teller(kind), NOW)
    steps = ladder(decision, voice)
    assert len(steps) == 11
    assert all(step.met and step.says for step in steps)
    gateway = next(each for each in decision.answers if each.layer is Layer.gateway)
    assert gateway.rule is not None
    assert gateway.recipient_rule is not None
    assert {rule.id for rule in (gateway.rule, gateway.recipient_rule)} <= set(decision.rules)


def test_what_a_category_may_be_told_in_is_read_from_its_table() -> None:
    table = pack_for(TRUST).categories
    known = {each.id: each for each in table.every}
    attendances, concern = known["acute.ed_attendances"], known["hub.concern"]
    assert table.told_by(TRUST, attendances) == {Kind.contact, Kind.response} == HELD - {Kind.product, Kind.transfer}
    assert table.told_by(COUNCIL, attendances) == {Kind.product, Kind.transfer}
    assert table.told_by(POLICE, attendances) == frozenset()
    assert table.told_by(COUNCIL, concern) == {Kind.request, Kind.transfer}
    assert table.told_by(TRUST, concern) == frozenset()


def test_a_category_goes_on_only_where_its_handling_and_its_retention_allow_it() -> None:
    known = {each.id: each for each in pack_for(TRUST).categories.categories}
    open_one = known["acute.ed_attendances"]
    assert open_one.onward
    assert not open_one.model_copy(update={"handling": Handling.hub_only}).onward
    assert not open_one.model_copy(update={"retention": Retention.restricted}).onward


def test_who_is_sent_a_product_learns_of_no_release_that_was_not_given() -> None:
    asked, pack = telling(Kind.product), teller(Kind.product)
    barred = replace(asked, facts=asked.facts - {Fact.owner_released})
    assert ladder(decide(barred, pack, NOW), Audience.requester) == ladder(decide(asked, pack, NOW), Audience.requester)
    assert ladder(decide(barred, pack, NOW), Audience.requester)[1].says == BAR_UNSAID
    (shown,) = near_misses(barred, pack, NOW, Audience.holder)
    assert (shown.layer, shown.fact) == (Layer.bar, "owner_released")


def test_a_products_items_are_decided_owner_by_owner() -> None:
    pack = teller(Kind.product)
    items = {
        "pol.missing_episodes": OWN_MOTION,
        "gp.was_not_brought": OWN_MOTION - {Fact.owner_released},
        "edu.attendance": OWN_MOTION,
        "pol.da_callouts_dash": OWN_MOTION,
    }
    outcomes = {
        each: decide(telling(Kind.product, category=CategoryId(each), facts=facts), pack, NOW).outcome for each, facts in items.items()
    }
    assert [each for each, outcome in outcomes.items() if outcome is Outcome.release] == ["pol.missing_episodes", "edu.attendance"]


def test_in_an_emergency_broken_glass_brings_what_is_not_released_before_a_person_and_lets_nothing_go_by_itself() -> None:
    glass = {"stage": Stage.emergency, "facts": OWN_MOTION - {Fact.owner_released} | {Fact.break_glass}}
    for kind in (Kind.product, Kind.transfer):
        assert decide(telling(kind, **glass), teller(kind), NOW).outcome is Outcome.review
    for kind in (Kind.contact, Kind.feedback):
        assert decide(telling(kind, **glass), teller(kind), NOW).outcome is Outcome.release


def test_a_hub_that_decides_by_another_bodys_pack_decides_nothing() -> None:
    contact = telling(Kind.contact)
    assert contact.recipient == HUB
    assert decide(contact, teller(Kind.product), NOW).caps == ("error",)
