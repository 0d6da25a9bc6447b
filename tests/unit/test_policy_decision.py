"""The ladder as a whole: agreement, emergency, policy documents, detriment, caps, thresholds, and what errors come to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from policy_support import (
    ASKED,
    COUNCIL,
    FACTS,
    HUB,
    NOW,
    POLICE,
    TRUST,
    agreement_text,
    asking,
    pack_for,
    party_of,
    question,
)

from policies.answers import Standing
from policies.categories import CONCERN
from policies.decision import decide
from policies.vocabulary import Alert, Fact
from schemas.enums import ControllerKind, Kind, Layer, Outcome, Purpose, Rag, Stage, SubjectRole
from schemas.identifiers import CategoryId, PartyId

GLASS = {"stage": Stage.emergency, "facts": FACTS | {Fact.break_glass}}
PROBATION = ControllerKind.probation
CHARITY = ControllerKind.charity
CRIMES = CategoryId("pol.crime_reports")
BAR_FACTS = (Fact.adoption_record, Fact.legal_privilege, Fact.gender_recognition, Fact.protected_person, Fact.whereabouts_hidden)


def layers(decision) -> list[str]:
    return [answer.layer.value for answer in decision.failed]


def held_by(pack, kind):
    """The same pack, had that kind of body the trust's attendances."""
    plan = pack.compiled.plans[CategoryId("acute.ed_attendances")]
    plan = replace(plan, ways={told: replace(way, unmet=0) for told, way in plan.ways.items()})
    return replace(pack, compiled=replace(pack.compiled, plans={**pack.compiled.plans, CategoryId("acute.ed_attendances"): plan}))


def test_a_question_in_order_is_released_with_a_rule_on_every_layer() -> None:
    decision = decide(question(), pack_for(TRUST), NOW)
    assert (decision.outcome, decision.caps, decision.alerts, decision.failed) == (Outcome.release, (), (), ())
    assert [answer.layer for answer in decision.answers] == [layer for layer in Layer if layer is not Layer.unknown]


@pytest.mark.parametrize(
    ("kind", "changes", "outcome", "alerts"),
    [
        (TRUST, {}, Outcome.review, (Alert.agreement_missing,)),  # a duty carries
        (TRUST, {"stage": Stage.s17}, Outcome.review, (Alert.agreement_missing,)),
        (POLICE, {"stage": Stage.s47, "facts": FACTS}, Outcome.review, (Alert.agreement_missing,)),  # section 16LA among what carries
        (TRUST, {"stage": Stage.emergency}, Outcome.review, (Alert.agreement_missing,)),
        (TRUST, GLASS, Outcome.release, (Alert.next_working_day_review, Alert.agreement_missing)),
    ],
)
@pytest.mark.parametrize("agreement", [None, "expired"])
def test_a_gap_in_the_agreement_where_a_duty_carries_or_in_an_emergency(kind, changes, outcome, alerts, agreement) -> None:
    pack = pack_for(kind, agreement=agreement and agreement_text(kind, until="2026-11-23"))
    decision = decide(question(kind, **changes), pack, NOW)
    assert (decision.outcome, decision.alerts) == (outcome, alerts)


@pytest.mark.parametrize("agreement", [None, "expired"])
def test_a_gap_in_the_agreement_withholds_where_only_a_power_carries(agreement) -> None:
    before_16la = datetime(2026, 9, 29, tzinfo=UTC)
    pack = pack_for(POLICE, agreement=agreement and agreement_text(POLICE, until="2026-09-28"))
    decision = decide(question(POLICE), pack, before_16la)
    assert (decision.outcome, layers(decision), decision.alerts) == (Outcome.withhold, ["agreement"], ())
    assert decide(question(POLICE), pack_for(POLICE), before_16la).outcome is Outcome.release


def test_a_gap_in_the_agreement_withholds_from_a_private_body() -> None:
    pack = held_by(pack_for(CHARITY, agreement=None), CHARITY)
    asked = question(CHARITY, category=CategoryId("acute.ed_attendances"))
    assert "agreement" in layers(decide(asked, pack, NOW))


def test_an_agreement_holds_through_its_last_day() -> None:
    pack = pack_for(TRUST, agreement=agreement_text(TRUST, until="2026-11-24"))
    assert decide(question(), pack, NOW).outcome is Outcome.release
    assert layers(decide(question(), pack, NOW + timedelta(days=1))) == ["agreement"]


def test_an_agreement_past_its_review_date_alerts_and_still_holds() -> None:
    decision = decide(question(), pack_for(TRUST, agreement=agreement_text(TRUST, review_by="2026-11-01")), NOW)
    assert (decision.outcome, decision.alerts) == (Outcome.release, (Alert.agreement_review_due,))


def test_an_agreement_covers_only_its_parties_categories_purposes_and_days() -> None:
    agreement = pack_for(TRUST).agreements[0]
    trust, category = party_of(TRUST), CategoryId("acute.ed_attendances")
    assert agreement.covers(trust, HUB, category, Purpose.safeguarding, NOW)
    assert not agreement.covers(trust, PartyId("hub.elsewhere"), category, Purpose.safeguarding, NOW)
    assert not agreement.covers(PartyId("agency.elsewhere"), HUB, category, Purpose.safeguarding, NOW)
    assert not agreement.covers(trust, HUB, CategoryId("pol.unknown"), Purpose.safeguarding, NOW)
    assert not agreement.covers(trust, HUB, category, Purpose.crime_and_disorder, NOW)
    assert not agreement.covers(trust, HUB, category, Purpose.safeguarding, datetime(2019, 12, 31, tzinfo=UTC))
    assert agreement.covers(trust, HUB, CONCERN, Purpose.safeguarding, NOW)


def test_broken_glass_carries_the_gateway_and_waives_the_agreement_only() -> None:
    police = pack_for(POLICE, agreement=None, considerations=False, own_task=False)
    decision = decide(question(POLICE, **GLASS, category=CRIMES), police, NOW)
    assert decision.outcome is Outcome.release
    assert {"gdpr.art6-1-d", "confidence.emergency"} <= set(decision.rules)
    assert decision.answers[-1].standing is Standing.waived
    assert Alert.next_working_day_review in decision.alerts
    careless = decide(question(POLICE, **GLASS, rag=Rag.blue), police, NOW)
    assert (careless.outcome, layers(careless)) == (Outcome.withhold, ["proportionality"])


def test_broken_glass_means_nothing_outside_an_emergency() -> None:
    decision = decide(question(facts=FACTS | {Fact.break_glass}), pack_for(TRUST, agreement=None), NOW)
    assert (decision.outcome, decision.alerts) == (Outcome.review, (Alert.agreement_missing,))


@pytest.mark.parametrize("fact", BAR_FACTS)
def test_broken_glass_brings_a_bar_before_a_person(fact) -> None:
    pack = pack_for(TRUST)
    assert decide(question(stage=Stage.emergency, facts=FACTS | {fact}), pack, NOW).outcome is Outcome.withhold
    assert decide(question(stage=Stage.emergency, facts=FACTS | {fact, Fact.break_glass}), pack, NOW).outcome is Outcome.review


@pytest.mark.parametrize("category", ["pol.intelligence", "pol.warnings_markers"])
@pytest.mark.parametrize("changes", [{}, GLASS])
def test_a_never_automatic_category_goes_to_a_person_even_with_broken_glass(category, changes) -> None:
    role = SubjectRole.alleged_source
    decision = decide(question(POLICE, category=CategoryId(category), role=role, **changes), pack_for(POLICE), NOW)
    assert (decision.outcome, decision.never_automatic, decision.failed) == (Outcome.review, True, ())


def test_broken_glass_displaces_the_cap_of_a_private_body() -> None:
    pack = held_by(pack_for(CHARITY, relevant_person=False), CHARITY)
    consent = FACTS | {Fact.consent_sharing_given}
    asked = question(CHARITY, stage=Stage.emergency, facts=consent, category=CategoryId("acute.ed_attendances"))
    capped = decide(asked, pack, NOW)
    assert {"private_body", "row_no"} <= set(capped.caps)
    broken = decide(replace(asked, facts=consent | {Fact.break_glass, Fact.subject_incapable}), pack, NOW)
    assert (broken.outcome, broken.caps) == (Outcome.release, ())


def test_the_cap_of_a_private_body_is_no_failed_layer() -> None:
    pack = held_by(pack_for(CHARITY, relevant_person=False), CHARITY)
    asked = question(CHARITY, stage=Stage.emergency, facts=FACTS | {Fact.subject_incapable}, category=CategoryId("acute.ed_attendances"))
    decision = decide(asked, pack, NOW)
    assert (decision.outcome, decision.failed) == (Outcome.review, ())
    assert set(decision.caps) == {"private_body", "row_no"}


@pytest.mark.parametrize(
    ("apds", "own_task", "outcome"),
    [
        (("sch1.para18", "sch1.para6"), True, Outcome.release),
        (("sch1.para6",), True, Outcome.release),  # another condition carries
        ((), True, Outcome.review),
        ((), False, Outcome.review),
    ],
)
def test_an_absent_policy_document_sends_to_review_unless_another_condition_carries(apds, own_task, outcome) -> None:
    pack = pack_for(TRUST, apds=apds, own_task=own_task, agreement=agreement_text(TRUST, secrecy=False))
    decision = decide(question(), pack, NOW)
    assert decision.outcome is outcome
    assert layers(decision) == ([] if outcome is Outcome.release else ["art9", "art10"])


def test_paragraph_2_needs_no_policy_document() -> None:
    decision = decide(question(), pack_for(TRUST, apds=()), NOW)
    assert "gdpr.art9-2-h" in decision.rules


def test_where_section_16la_alone_carries_a_missing_consideration_or_unweighed_detriment_is_a_cap() -> None:
    risk = {"category": CategoryId("prob.risk_of_serious_harm"), "role": SubjectRole.alleged_source}
    for kwargs, caps in (
        ({"considerations": False}, {"missing_standing_consideration", "detriment_unassessed"}),
        ({"detriment": False}, {"detriment_unassessed"}),
        ({"review_by": "2026-11-23"}, {"missing_standing_consideration", "detriment_unassessed"}),
        ({}, set()),
    ):
        asked = question(PROBATION, **risk, facts=FACTS | {Fact.public_interest_recorded})
        decision = decide(asked, pack_for(PROBATION, **kwargs), NOW)
        assert set(decision.caps) == caps
        assert decision.outcome is (Outcome.review if caps else Outcome.release)
        assert not decision.failed


def test_where_another_rule_carries_too_no_consideration_is_missed() -> None:
    facts = FACTS | {Fact.public_interest_recorded}
    for kind in (TRUST, POLICE):
        decision = decide(question(kind, facts=facts), pack_for(kind, considerations=False), NOW)
        assert decision.outcome is Outcome.release
        assert "ca2004.s16la" not in decision.rules


def test_detriment_removes_the_duty_and_a_named_person_decides() -> None:
    more = FACTS | {Fact.detriment_more}
    still_carried = decide(question(facts=more), pack_for(TRUST), NOW)
    assert (still_carried.outcome, still_carried.caps, still_carried.failed) == (Outcome.review, ("detriment_more",), ())
    assert "ca2004.s16la" not in still_carried.rules
    pack = held_by(pack_for(PROBATION), PROBATION)
    for at in (NOW, datetime(2026, 9, 29, tzinfo=UTC)):
        removed = decide(question(PROBATION, category=CategoryId("acute.ed_attendances"), facts=more), pack, at)
        assert removed.outcome is Outcome.review
        assert "gateway" in layers(removed)
    untouched = replace(question(PROBATION, category=CategoryId("acute.ed_attendances")), purpose=Purpose.crime_and_disorder, facts=more)
    assert decide(untouched, pack, NOW).outcome is Outcome.withhold


def test_detriment_leaves_no_leaning_layer_to_withhold() -> None:
    pack = pack_for(POLICE, own_task=False)
    asked = question(POLICE, category=CRIMES, stage=Stage.s17, facts=FACTS | {Fact.detriment_more})
    decision = decide(asked, pack, NOW)
    assert decision.outcome is Outcome.review
    assert layers(decision) == ["regime", "gateway", "art6"]
    assert decide(replace(asked, facts=FACTS), pack, NOW).failed == ()


@pytest.mark.parametrize(
    ("kind", "stage", "cap"),
    [
        (TRUST, Stage.s47, None),
        (TRUST, Stage.s17, None),
        (TRUST, Stage.screening, "row_none"),
        (TRUST, Stage.early_help, "row_no"),
        (TRUST, Stage.emergency, "row_none"),
        (POLICE, Stage.s47, None),
        (POLICE, Stage.s17, "row_none"),
    ],
)
def test_the_release_table(kind, stage, cap) -> None:
    caps = decide(question(kind, stage=stage), pack_for(kind), NOW).caps
    assert [each for each in caps if each.startswith("row_")] == ([cap] if cap else [])


@pytest.mark.parametrize(
    "changes",
    [
        {"stage": Stage.early_help},
        {"rag": Rag.blue},
        {"role": SubjectRole.alleged_source},
        {"since": date(2023, 11, 23)},
        {"until": date(2025, 11, 23)},
        {"facts": FACTS - {Fact.necessity_stated}},
        {"facts": FACTS - {Fact.relation_stated}},
        {"facts": FACTS | {Fact.considered_not_relevant}},
    ],
)
def test_necessity_and_proportionality(changes) -> None:
    decision = decide(question(**changes), pack_for(TRUST), NOW)
    assert decision.outcome is Outcome.withhold
    assert "proportionality" in layers(decision)


def test_the_look_back_holds_on_its_last_day() -> None:
    assert decide(question(since=date(2023, 11, 24)), pack_for(TRUST), NOW).outcome is Outcome.release


@pytest.mark.parametrize("fact", [Fact.stage_set_by_named_officer, Fact.reason_fits_stage, Fact.openness_recorded])
def test_a_question_not_properly_asked_is_withheld(fact) -> None:
    decision = decide(question(facts=FACTS - {fact}), pack_for(TRUST), NOW)
    assert (decision.outcome, layers(decision)) == (Outcome.withhold, ["asked"])


@pytest.mark.parametrize("category", ["pol.incidents", "edu.attendance"])
def test_a_category_this_body_does_not_hold_or_the_pack_does_not_know_is_withheld(category) -> None:
    decision = decide(question(category=CategoryId(category)), pack_for(TRUST), NOW)
    assert decision.outcome is Outcome.withhold
    assert "asked" in layers(decision)


def test_law_enforcement_data_leave_part_3_by_the_gateway_that_carries() -> None:
    convictions = question(POLICE, category=CategoryId("pol.pnc_convictions"), role=SubjectRole.alleged_source)
    decision = decide(convictions, pack_for(POLICE), NOW)
    standing = {answer.layer.value: answer.standing.value for answer in decision.answers}
    assert (standing["regime"], standing["art9"], standing["confidence"]) == ("carried", "absent", "absent")
    elsewhere = decide(question(POLICE), pack_for(POLICE), NOW)
    assert next(answer for answer in elsewhere.answers if answer.layer is Layer.regime).standing is Standing.absent


@pytest.mark.parametrize("stage", [Stage.screening, Stage.s17, Stage.s47, Stage.emergency])
@pytest.mark.parametrize("kind", [TRUST, POLICE])
def test_the_hubs_own_request_climbs_too(stage, kind) -> None:
    pack = pack_for(COUNCIL, agreement=agreement_text(kind))
    assert decide(asking(kind, stage=stage), pack, NOW).outcome is Outcome.release
    assert decide(asking(kind, stage=stage, purpose=Purpose.crime_and_disorder), pack, NOW).outcome is Outcome.withhold


def test_the_hub_may_not_ask_a_body_without_a_function() -> None:
    decision = decide(asking(ControllerKind.charity, stage=Stage.early_help), pack_for(COUNCIL, agreement=agreement_text(CHARITY)), NOW)
    assert "gateway" in layers(decision)


@pytest.mark.parametrize(
    "changes",
    [
        {"discloser": PartyId("agency.elsewhere")},
        {"discloser_kind": POLICE},
        {"disclosure": "response"},
        {"category": 7, "since": None},
        {"facts": None},
        {"stage": "nonsense"},
    ],
)
def test_whatever_is_wrong_withholds_and_alerts(changes) -> None:
    decision = decide(question(**changes), pack_for(TRUST), NOW)
    if changes != {"disclosure": "response"}:  # a plain string that equals the symbol is the symbol's key
        assert (decision.outcome, decision.caps, decision.alerts) == (Outcome.withhold, ("error",), (Alert.error,))
    assert len(decision.answers) == 11


@pytest.mark.parametrize("at", [datetime(2026, 11, 24), datetime(2026, 11, 24, tzinfo=timezone(timedelta(hours=1)))])  # noqa: DTZ001 - the point
def test_a_time_that_is_not_utc_withholds(at) -> None:
    assert decide(question(), pack_for(TRUST), at).caps == ("error",)


def test_what_is_worked_out_is_never_believed() -> None:
    forged = frozenset(Fact) & {
        Fact.agreement_in_force,
        Fact.threshold_reached,
        Fact.duty_carries,
        Fact.gateway_carried,
        Fact.category_held,
    }
    decision = decide(question(POLICE, facts=ASKED | forged, rag=Rag.blue), pack_for(POLICE, agreement=None), NOW)
    assert {"proportionality", "agreement"} <= set(layers(decision))


def test_a_prohibition_on_any_layer_fails_it_and_broken_glass_does_not_soften_it() -> None:
    law = """
[[rule]]
id = "test.forbid"
layer = "confidence"
effect = "forbid"
kind = "condition"
citation = "A test Act s.2"
says = "A made-up prohibition on one layer that is no bar."
in_force = { from = 2020-01-01 }
legal_review = "confirmed"
"""
    pack = pack_for(TRUST, law=law)
    for asked in (question(), question(**GLASS)):
        decision = decide(asked, pack, NOW)
        assert (decision.outcome, layers(decision), decision.bar) == (Outcome.withhold, ["confidence"], None)


def test_the_table_speaks_of_answers_only() -> None:
    decision = decide(asking(stage=Stage.screening), pack_for(COUNCIL, agreement=agreement_text(TRUST)), NOW)
    assert decision.caps == ()
    assert decision.question.disclosure is Kind.request
