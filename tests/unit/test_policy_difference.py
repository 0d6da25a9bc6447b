"""What flips between two laws is found: over scenarios and over the enumerated space, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from policies.categories import CONCERN, Categories
from policies.difference import KINDS, ROLES, STAGES, STATED, TODAY, VARIATIONS, Papers, scenario_flips, space, space_flips
from policies.disclosures import DISCLOSURES
from policies.law import InForce, Law
from policies.located import parse
from policies.pack import shipped
from policies.scenario import IN_ORDER, Scenario
from policies.touched import Sides, touching
from policies.vocabulary import Automatic, Fact
from schemas.enums import ControllerKind, Kind, Outcome, Purpose, Stage

LAW = parse(shipped()["law/england.toml"], "law/england.toml", Law)
WHOLE = parse(shipped()["categories.toml"], "categories.toml", Categories)
FEW = ("acute.ed_attendances", "edu.attendance", "prob.risk_of_serious_harm")
TABLE = WHOLE.model_copy(update={"categories": tuple(each for each in WHOLE.categories if each.id in FEW)})
SHIPPED = Sides(law=LAW, categories=TABLE)
TRUST = ControllerKind.nhs_body


def without(*rules: str) -> Sides:
    return replace(SHIPPED, law=LAW.model_copy(update={"rules": tuple(each for each in LAW.rules if each.id not in rules)}))


def test_a_law_does_not_differ_from_itself() -> None:
    assert space_flips(SHIPPED, SHIPPED) == ()


def test_a_duty_taken_away_flips_what_it_carried_and_nothing_else() -> None:
    flips = space_flips(SHIPPED, without("ca1989.s47-9"))
    assert {(each.category, each.discloser, each.stage) for each in flips} == {("acute.ed_attendances", TRUST, Stage.s47)}
    assert (Outcome.release, Outcome.review) in {(each.before, each.after) for each in flips}
    assert all(each.count >= 1 and each.example.stage is Stage.s47 for each in flips)


def test_a_threshold_lowered_is_found_at_the_stage_that_is_now_within_reach() -> None:
    lower = tuple(
        each.model_copy(update={"stages": each.stages | {Stage.early_help}}) if each.id == "acute.ed_attendances" else each
        for each in TABLE.categories
    )
    flips = space_flips(SHIPPED, replace(SHIPPED, categories=TABLE.model_copy(update={"categories": lower})))
    assert {(each.category, each.stage, each.before) for each in flips} == {("acute.ed_attendances", Stage.early_help, Outcome.withhold)}
    answers = [each for each in flips if each.discloser is TRUST and each.disclosure is Kind.response]
    assert {each.after for each in answers} == {Outcome.review}
    assert {Kind.contact, Kind.product, Kind.transfer} & {each.disclosure for each in flips}


@pytest.mark.parametrize(("day", "flips"), [(date(2026, 9, 29), False), (date(2026, 9, 30), True)])
def test_a_rule_not_yet_in_force_flips_nothing_on_the_day_before(day, flips) -> None:
    found = space_flips(SHIPPED, without("ca2004.s16la"), [day])
    assert any(each.before is Outcome.release for each in found) is flips


def test_the_hubs_own_questions_are_in_the_space() -> None:
    asked = [each for each in space(ControllerKind.local_authority, SHIPPED, SHIPPED) if each.disclosure is Kind.request]
    assert {each.category for each in asked} == {CONCERN}
    assert {each.recipient_kind for each in asked} == set(KINDS)
    flips = space_flips(SHIPPED, without("recipient.provider"))
    assert {each.category for each in flips} == {CONCERN}
    assert {each.example.recipient_kind for each in flips} <= set(KINDS)


def test_every_stated_fact_is_turned_over_by_itself() -> None:
    assert len(VARIATIONS) == 1 + len(STATED)
    asked = list(space(TRUST, SHIPPED, SHIPPED))
    assert {each.stage for each in asked} == set(STAGES)
    assert {each.role for each in asked} == set(ROLES)
    assert {each.facts for each in asked} == set(VARIATIONS)
    assert {each.disclosure for each in asked} == {Kind.contact, Kind.response}
    hub = list(space(ControllerKind.local_authority, SHIPPED, SHIPPED))
    for told in set(DISCLOSURES) - {Kind.response}:  # the few categories tried here hold none of a council's own
        assert {each.facts for each in hub if each.disclosure is told} == set(VARIATIONS)


def changed(rule: str, **to: object) -> Sides:
    rules = tuple(each.model_copy(update=to) if each.id == rule else each for each in LAW.rules)
    return replace(SHIPPED, law=LAW.model_copy(update={"rules": rules}))


def row_closed(name: str) -> Sides:
    rows = tuple(each.model_copy(update={"automatic": Automatic.no}) if each.id == name else each for each in LAW.rows)
    return replace(SHIPPED, law=LAW.model_copy(update={"rows": rows}))


def turned_round() -> Sides:
    return replace(SHIPPED, law=LAW.model_copy(update={"rules": tuple(reversed(LAW.rules))}))


@pytest.mark.parametrize(
    "new",
    [
        without("ca1989.s47-9"),
        without("recipient.partner", "review.unborn"),
        changed("sch1.para6", unless=frozenset({Fact.match_confirmed})),
        changed("oma2007.s14", purposes=frozenset({Purpose.safeguarding})),
        row_closed("r3"),
    ],
)
def test_what_no_changed_rule_or_row_speaks_of_does_not_flip(new, monkeypatch) -> None:
    some = space_flips(SHIPPED, new)
    monkeypatch.setattr("policies.difference.touching", lambda *_: lambda _: True)
    assert some == space_flips(SHIPPED, new)


def test_a_law_that_does_not_change_asks_nothing() -> None:
    touched = touching(SHIPPED, SHIPPED, TODAY)
    assert not any(list(space(kind, SHIPPED, SHIPPED, touched=touched)) for kind in KINDS)


def test_another_order_of_preference_may_touch_everything() -> None:
    touched = touching(SHIPPED, turned_round(), TODAY)
    assert all(touched(each) for each in space(TRUST, SHIPPED, SHIPPED, papers=Papers.bare))


def test_a_rule_that_ends_next_year_flips_on_the_day_after_and_not_before() -> None:
    ending = changed("ca1989.s47-9", in_force=InForce.model_validate({"from": date(1991, 10, 14), "until": date(2027, 3, 31)}))
    assert {each.on for each in space_flips(SHIPPED, ending)} == {date(2027, 4, 1)}
    assert space_flips(SHIPPED, ending, [TODAY]) == ()
    steps: list[object] = []
    assert space_flips(SHIPPED, ending, walk=lambda every: (steps.append(each) or each for each in every))
    assert steps == [(day, kind) for day in (TODAY, date(2027, 4, 1)) for kind in KINDS]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("asked.contact", Kind.contact),
        ("recipient.referrer", Kind.feedback),
        ("recipient.taking-over", Kind.transfer),
        ("bar.owner-release", Kind.product),
        ("review.second-person", Kind.product),
    ],
)
def test_a_rule_about_what_is_told_of_ones_own_motion_flips_that_kind(rule, told) -> None:
    found = {each.disclosure for each in space_flips(SHIPPED, without(rule))}
    assert told in found
    assert Kind.response not in found


def test_without_a_bar_less_is_withheld_and_without_papers_nothing_goes() -> None:
    for each in space_flips(SHIPPED, without("bar.owner-release")):
        assert (each.before, each.disclosure in {Kind.product, Kind.transfer}) == (Outcome.withhold, True)
    assert {each.facts for each in space(TRUST, SHIPPED, SHIPPED, papers=Papers.bare)} == {IN_ORDER}


def test_a_scenario_flips_when_another_rule_carries_it_even_if_the_outcome_stays() -> None:
    case = Scenario.model_validate(
        {
            "id": "one",
            "source": "Children Act 1989 s.47(9)-(11)",
            "says": "A council making section 47 enquiries asks a trust.",
            "discloser": "nhs_body",
            "stage": "s47",
            "category": "acute.ed_attendances",
            "expect": {"outcome": "release"},
        }
    )
    (flip,) = scenario_flips([case], SHIPPED, without("ca1989.s47-9"))
    assert (flip.before, flip.after) == (Outcome.release, Outcome.release)
    assert (flip.lost, flip.won) == (("ca1989.s47-9",), ("ca2004.s16la",))
    assert list(scenario_flips([case], SHIPPED, SHIPPED)) == []
