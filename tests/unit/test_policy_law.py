"""Every rule of the shipped law, both ways: with it alone on its layer, once it carries and once it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from policy_support import (
    ASKED,
    COUNCIL,
    FACTS,
    HUB,
    NOW,
    OWN_MOTION,
    POLICE,
    TRUST,
    agreement_text,
    asking,
    isolated,
    pack_for,
    question,
    teller,
    telling,
)

from policies.answers import Reason
from policies.decision import decide
from policies.vocabulary import Fact, LegalReview, RuleEffect
from schemas.enums import ControllerKind, Kind, Outcome, Purpose, Stage, SubjectRole
from schemas.identifiers import CategoryId

WELFARE = Purpose.promoting_welfare
CRIME = Purpose.crime_and_disorder
CRIMES = CategoryId("pol.crime_reports")
EMERGENCY = {"stage": Stage.emergency, "facts": FACTS | {Fact.break_glass}}
HOUSING = ControllerKind.housing_authority
SCHOOL = ControllerKind.maintained_school
CHARITY = ControllerKind.charity
GP = ControllerKind.gp_practice
ACADEMY = ControllerKind.academy
PROBATION = ControllerKind.probation
OFFENDERS = Purpose.offender_management
CONVICTIONS = CategoryId("pol.pnc_convictions")
TO_PROBATION = {"recipient_kind": PROBATION, "purpose": OFFENDERS}
TO_COUNCIL = {"recipient_kind": ControllerKind.local_authority}
UNLAWFUL = {"purpose": CRIME, "facts": FACTS | {Fact.consent_prejudices_purpose}}
CONSENTED = FACTS - {Fact.para18_prejudices_protection} | {Fact.consent_sharing_given}


def with_reason(reason: Fact) -> frozenset[Fact]:
    return FACTS - {Fact.para18_prejudices_protection} | {reason}


# rule: (who answers or asks, question that it carries, change that it does not survive)
PERMITS = {
    "asked.haringey": (TRUST, {}, {"facts": FACTS - {Fact.stage_set_by_named_officer}}),
    "dpa2018.s36-4": (POLICE, {"category": CRIMES}, {"category": CRIMES, "purpose": OFFENDERS}),
    "dpa2018.part3": (POLICE, {**TO_PROBATION, "category": CONVICTIONS}, {**TO_PROBATION, "category": CRIMES}),
    "dpa2018.part3.sch8": (POLICE, {**TO_PROBATION, "category": CRIMES}, {"purpose": OFFENDERS, "category": CRIMES}),
    "ca1989.s47-9": (TRUST, {}, {"stage": Stage.screening}),
    "ca1989.s47-1": (COUNCIL, {}, {"stage": Stage.s17}),
    "ca1989.s27": (TRUST, {"stage": Stage.s17}, {"stage": Stage.s47}),
    "ca1989.s17-1": (COUNCIL, {"stage": Stage.s17}, {"stage": Stage.screening}),
    "ca1989.s47-s17.screening": (COUNCIL, {"stage": Stage.screening}, {"purpose": CRIME, "stage": Stage.screening}),
    "ca2004.s16la": (POLICE, {}, {"facts": FACTS | {Fact.detriment_more}}),
    "ca2004.s16la.designated": (SCHOOL, {}, {"facts": FACTS | {Fact.detriment_more}}),
    "ca2004.s16la.contracted": (GP, {}, {"recipient_kind": CHARITY}),
    "ca2004.s16h": (GP, {"facts": FACTS | {Fact.partnership_request}}, {}),
    "function.council-onward": (COUNCIL, {"disclosure": Kind.feedback}, {}),
    "asked.contact": (TRUST, {"disclosure": Kind.contact}, {"disclosure": Kind.contact, "facts": OWN_MOTION - {Fact.openness_recorded}}),
    "asked.feedback": (
        COUNCIL,
        {"disclosure": Kind.feedback},
        {"disclosure": Kind.feedback, "facts": OWN_MOTION - {Fact.recipient_told_of_child}},
    ),
    "recipient.referrer": (
        COUNCIL,
        {"disclosure": Kind.feedback},
        {"disclosure": Kind.feedback, "facts": OWN_MOTION - {Fact.recipient_told_of_child}},
    ),
    "recipient.taking-over": (
        COUNCIL,
        {"disclosure": Kind.transfer},
        {"disclosure": Kind.transfer, "facts": OWN_MOTION - {Fact.child_in_recipients_area}},
    ),
    "education2002.s175": (SCHOOL, {}, {"purpose": CRIME}),
    "education2002.s157": (ACADEMY, {}, {"recipient_kind": POLICE}),
    "cda1998.s115": (TRUST, {"purpose": CRIME, "recipient_kind": POLICE}, {"recipient_kind": POLICE}),
    "pcsca2022.s16": (POLICE, {"purpose": CRIME, "category": CONVICTIONS}, {"purpose": CRIME, "category": CRIMES}),
    "oma2007.s14": (PROBATION, {"purpose": OFFENDERS}, {}),
    "cja2003.s325": (POLICE, TO_PROBATION, {"purpose": OFFENDERS}),
    "function.own-task": (POLICE, {"stage": Stage.screening}, {"stage": Stage.s47}),
    "police.common-law": (POLICE, {}, {"stage": Stage.s17}),
    "vital-interests": (TRUST, EMERGENCY, {"stage": Stage.emergency}),
    "no-prohibition": (CHARITY, {}, {"purpose": CRIME}),
    "recipient.s47": (TRUST, {}, {"facts": FACTS - {Fact.requester_task_stated}}),
    "recipient.s17": (TRUST, {"stage": Stage.s17}, {"stage": Stage.s17, "facts": FACTS - {Fact.requester_task_stated}}),
    "recipient.screening": (TRUST, {"stage": Stage.screening}, {"stage": Stage.screening, "facts": FACTS - {Fact.requester_task_stated}}),
    "recipient.early-help": (TRUST, {"stage": Stage.early_help}, {"stage": Stage.early_help, "recipient_kind": POLICE}),
    "recipient.emergency": (TRUST, EMERGENCY, {"facts": EMERGENCY["facts"]}),
    "recipient.partner": (COUNCIL, {}, {"recipient_kind": CHARITY}),
    "recipient.housing": (COUNCIL, {"recipient_kind": HOUSING}, {"recipient_kind": CHARITY}),
    "recipient.housing.told": (COUNCIL, {"recipient_kind": HOUSING, "disclosure": Kind.product}, {"recipient_kind": HOUSING}),
    "recipient.school": (COUNCIL, {"recipient_kind": SCHOOL}, {"recipient_kind": CHARITY}),
    "recipient.academy": (COUNCIL, {"recipient_kind": ACADEMY}, {"recipient_kind": CHARITY}),
    "recipient.provider": (COUNCIL, {"recipient_kind": GP}, {"recipient_kind": GP, "stage": Stage.early_help}),
    "recipient.council": (COUNCIL, {**TO_COUNCIL, "disclosure": Kind.product}, {**TO_COUNCIL, "disclosure": Kind.transfer}),
    "recipient.crime": (TRUST, {"purpose": CRIME}, {}),
    "recipient.offender-management": (POLICE, TO_PROBATION, {**TO_PROBATION, "facts": FACTS - {Fact.requester_task_stated}}),
    "gdpr.annex2.crime": (TRUST, {"purpose": CRIME}, {}),
    "gdpr.annex2.para8": (TRUST, {}, {"purpose": WELFARE}),
    "gdpr.annex2.para8.welfare": (TRUST, {"purpose": WELFARE}, {}),
    "gdpr.art6-1-c": (TRUST, {}, {"stage": Stage.screening, "facts": FACTS | {Fact.detriment_more}}),
    "gdpr.art6-1-c.court-order": (CHARITY, {"facts": FACTS | {Fact.court_order}}, {}),
    "gdpr.art6-1-e": (POLICE, {}, None),
    "gdpr.art6-1-d": (TRUST, {"stage": Stage.emergency}, {}),
    "gdpr.art6-1-ea.request": (CHARITY, {}, {"facts": FACTS - {Fact.requester_task_stated}}),
    "gdpr.art6-1-ea.emergency": (CHARITY, {"stage": Stage.emergency}, {}),
    "gdpr.art6-1-ea.crime": (CHARITY, {"purpose": CRIME}, {}),
    "gdpr.art6-1-ea.safeguarding": (CHARITY, {}, {"purpose": WELFARE}),
    "gdpr.art6-1-f": (CHARITY, {}, None),
    "gdpr.art6-1-a": (CHARITY, {"facts": CONSENTED}, {}),
    "sch1.para1": (COUNCIL, {}, {"purpose": CRIME}),
    "sch1.para10.authority": (TRUST, {**UNLAWFUL, "recipient_kind": POLICE}, UNLAWFUL),
    "sch1.para10": (TRUST, UNLAWFUL, {"purpose": CRIME}),
    "gdpr.art9-2-f": (TRUST, {"facts": FACTS | {Fact.legal_claim}}, {}),
    "gdpr.art9-2-h": (TRUST, {}, {"recipient_kind": POLICE}),
    "sch1.para18-a": (TRUST, {"facts": with_reason(Fact.para18_cannot_be_given)}, {}),
    "sch1.para18-b": (TRUST, {"facts": with_reason(Fact.para18_not_reasonably_obtained)}, {}),
    "sch1.para18-c": (TRUST, {}, {"facts": with_reason(Fact.para18_cannot_be_given)}),
    "sch1.para6": (TRUST, {}, None),
    "gdpr.art9-2-a": (TRUST, {"facts": CONSENTED}, {}),
    "gdpr.art9-2-c": (TRUST, {"stage": Stage.emergency, "facts": FACTS | {Fact.subject_incapable}}, {"stage": Stage.emergency}),
    "art10.official-authority": (POLICE, {"category": CRIMES}, None),
    "art10.para18-a": (POLICE, {"category": CRIMES, "facts": with_reason(Fact.para18_cannot_be_given)}, {"category": CRIMES}),
    "art10.para18-b": (POLICE, {"category": CRIMES, "facts": with_reason(Fact.para18_not_reasonably_obtained)}, {"category": CRIMES}),
    "art10.para18-c": (POLICE, {"category": CRIMES}, {"category": CRIMES, "facts": with_reason(Fact.para18_cannot_be_given)}),
    "art10.para6": (POLICE, {"category": CRIMES}, None),
    "art10.para2": (TRUST, {}, {"recipient_kind": POLICE}),
    "art10.para1": (COUNCIL, {}, {"purpose": CRIME}),
    "art10.para10.authority": (TRUST, {**UNLAWFUL, "recipient_kind": POLICE}, UNLAWFUL),
    "art10.para10": (TRUST, UNLAWFUL, {"purpose": CRIME}),
    "art10.para30": (
        POLICE,
        {"category": CRIMES, "stage": Stage.emergency, "facts": FACTS | {Fact.subject_incapable}},
        {"category": CRIMES, "stage": Stage.emergency},
    ),
    "confidence.consent": (TRUST, {"facts": CONSENTED}, {}),
    "confidence.public-interest": (TRUST, {}, None),
    "confidence.court-order": (TRUST, {"facts": FACTS | {Fact.court_order}}, {}),
    "confidence.emergency": (TRUST, EMERGENCY, {"stage": Stage.emergency}),
    "hra1998.art8": (TRUST, {}, {"facts": FACTS - {Fact.necessity_stated}}),
    "agreement.in-force": (TRUST, {}, {"purpose": CRIME}),
}
CAPS = {
    "asked.reasked": (TRUST, {"facts": FACTS | {Fact.reasked}}, "reasked"),
    "asked.stale-directory": (TRUST, {"facts": FACTS | {Fact.directory_stale}}, "directory_stale"),
    "asked.pack-not-accepted": (TRUST, {"facts": FACTS | {Fact.pack_not_accepted}}, "pack_not_accepted"),
    "asked.unwitnessed-log": (TRUST, {"stage": Stage.s17, "facts": FACTS | {Fact.log_unwitnessed}}, "log_unwitnessed"),
    "review.match": (TRUST, {"facts": FACTS - {Fact.match_confirmed}}, "match_unconfirmed"),
    "review.live-investigation": (POLICE, {"facts": FACTS | {Fact.live_investigation}}, "live_investigation"),
    "review.detriment": (TRUST, {"facts": FACTS | {Fact.detriment_more}}, "detriment_more"),
    "review.unborn": (TRUST, {"role": SubjectRole.unborn, "category": CategoryId("mat.booking_concerns")}, "unborn"),
}
BARS = {
    "bar.adoption": Fact.adoption_record,
    "bar.privilege": Fact.legal_privilege,
    "bar.gender-recognition": Fact.gender_recognition,
    "bar.protected-person": Fact.protected_person,
    "bar.s-flag": Fact.whereabouts_hidden,
}
PASSED_ON = {  # rule: what is changed of a product or a transfer, and how it comes out
    "bar.owner-release": ({"facts": OWN_MOTION - {Fact.owner_released}}, Outcome.withhold),
    "bar.hub-only": ({"category": CategoryId("pol.da_callouts_dash")}, Outcome.withhold),
    "review.second-person": ({"facts": OWN_MOTION - {Fact.second_person_checked}}, Outcome.review),
    "review.third-party": ({"facts": OWN_MOTION | {Fact.third_party_told_of}}, Outcome.review),
}
ELSEWHERE = {"ca2004.s10", "confidence.statute"}  # below: one by its dates, one by a law that lifts confidence


def of(kind: ControllerKind, changes: dict[str, object]):
    if "disclosure" in changes:
        return telling(**changes)
    return asking(**changes) if kind is COUNCIL else question(kind, **changes)


def test_every_rule_has_a_case() -> None:
    shipped = {rule.id for rule in pack_for(TRUST).law.rules}
    assert shipped == {*PERMITS, *CAPS, *BARS, *PASSED_ON, *ELSEWHERE}


@pytest.mark.parametrize("rule", PERMITS)
def test_a_permit_carries_its_layer(rule) -> None:
    kind, changes, _ = PERMITS[rule]
    assert rule in decide(of(kind, changes), isolated(kind, rule), NOW).rules


@pytest.mark.parametrize("rule", [rule for rule, (_, _, broken) in PERMITS.items() if broken is not None])
def test_a_permit_does_not_carry_another_case(rule) -> None:
    kind, _, changes = PERMITS[rule]
    assert rule not in decide(of(kind, changes), isolated(kind, rule), NOW).rules


@pytest.mark.parametrize(
    ("rule", "without"),
    [
        ("gdpr.art6-1-e", {"own_task": False}),
        ("sch1.para6", {"own_task": False}),
        ("gdpr.art6-1-f", {"interests": False}),
        ("art10.para6", {"own_task": False}),
        ("art10.official-authority", {"official_authority": False}),
        ("confidence.public-interest", {"public_interest": False}),
    ],
)
def test_a_permit_that_leans_on_the_controllers_own_word_falls_with_it(rule, without) -> None:
    kind, changes, _ = PERMITS[rule]
    assert rule not in decide(of(kind, changes), pack_for(kind, **without), NOW).rules


@pytest.mark.parametrize("rule", CAPS)
def test_a_review_rule_holds_and_is_no_failed_layer(rule) -> None:
    kind, changes, cap = CAPS[rule]
    held = decide(question(kind, **changes), pack_for(kind), NOW)
    assert (held.outcome, cap in held.caps, held.failed) == (Outcome.review, True, ())
    assert cap not in decide(question(kind), pack_for(kind), NOW).caps


@pytest.mark.parametrize(("rule", "fact"), BARS.items())
def test_a_bar_beats_everything(rule, fact) -> None:
    barred = decide(question(facts=FACTS | {fact}), pack_for(TRUST), NOW)
    assert (barred.outcome, barred.bar and barred.bar.id) == (Outcome.withhold, rule)
    assert decide(question(), pack_for(TRUST), NOW).bar is None


@pytest.mark.parametrize("told", [Kind.product, Kind.transfer])
@pytest.mark.parametrize(("rule", "changes", "outcome"), [(rule, *each) for rule, each in PASSED_ON.items()])
def test_what_is_passed_on_is_held_back_by_its_owner_its_category_and_a_second_person(rule, changes, outcome, told) -> None:
    decision = decide(telling(told, **changes), teller(told), NOW)
    bar = decision.bar.id if decision.bar is not None else None
    assert (decision.outcome, bar) == (outcome, rule if outcome is Outcome.withhold else None)
    assert decide(telling(told), teller(told), NOW).outcome is Outcome.release


def test_section_47_9_binds_the_trust_and_not_the_police() -> None:
    assert "ca1989.s47-9" in decide(question(TRUST), pack_for(TRUST), NOW).rules
    police = decide(question(POLICE), pack_for(POLICE), NOW)
    assert police.outcome is Outcome.release
    assert not {"ca1989.s47-9", "ca1989.s27"} & set(police.rules)


@pytest.mark.parametrize(
    ("kind", "bound"),
    [(kind, kind in (COUNCIL, TRUST, HOUSING, ControllerKind.district_council)) for kind in ControllerKind if kind.value != "unknown"],
)
def test_who_section_47_9_binds(kind, bound) -> None:
    rule = next(rule for rule in pack_for(TRUST).law.rules if rule.id == "ca1989.s47-9")
    assert (kind in rule.holders) is bound


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.s47])
def test_section_47_9_carries_no_other_stage_least_of_all_screening(stage) -> None:
    decision = decide(question(stage=stage), isolated(TRUST, "ca1989.s47-9"), NOW)
    assert "ca1989.s47-9" not in decision.rules
    assert decision.outcome is not Outcome.release


@pytest.mark.parametrize(
    ("at", "carried"),
    [(datetime(2026, 9, 29, 23, 59, 59, tzinfo=UTC), False), (datetime(2026, 9, 30, tzinfo=UTC), True)],
)
def test_section_16la_begins_on_its_day(at, carried) -> None:
    asked = question(stage=Stage.early_help, category=CategoryId("acute.ed_attendances"))
    decision = decide(asked, pack_for(TRUST), at)
    assert ("ca2004.s16la" in decision.rules) is carried
    assert ("ca2004.s10" in decision.rules) is not carried


def test_before_section_16la_section_10_carries_early_help_at_most_to_review() -> None:
    asked = question(POLICE, stage=Stage.early_help, category=CategoryId("pol.child_come_to_notice"))
    decision = decide(asked, pack_for(POLICE), datetime(2026, 9, 29, tzinfo=UTC))
    assert decision.outcome is Outcome.review
    assert "weak_gateway" in decision.caps
    assert "weak_gateway" not in decide(asked, pack_for(POLICE), NOW).caps


@pytest.mark.parametrize("reason", [Fact.para18_cannot_be_given, Fact.para18_not_reasonably_obtained, Fact.para18_prejudices_protection])
def test_consent_closes_paragraph_18(reason) -> None:
    pack = pack_for(TRUST, apds=("sch1.para18",), agreement=None)
    without = decide(question(facts=with_reason(reason)), pack, NOW)
    given = decide(question(facts=with_reason(reason) | {Fact.consent_sharing_given}), pack, NOW)
    assert any(rule.startswith("sch1.para18") for rule in without.rules)
    assert not any("para18" in rule for rule in given.rules)
    assert "gdpr.art9-2-a" in given.rules


def test_article_6_1_c_never_supplies_article_9() -> None:
    bare = pack_for(TRUST, apds=(), own_task=False, agreement=None)
    decision = decide(question(facts=ASKED | {Fact.match_confirmed}), bare, NOW)
    assert "gdpr.art6-1-c" in decision.rules
    assert "art9" in {answer.layer.value for answer in decision.failed}


def test_secrecy_of_the_recipient_is_what_the_agreement_says_of_it() -> None:
    asked = question(facts=ASKED | {Fact.match_confirmed})
    with_it = pack_for(TRUST, apds=())
    assert "gdpr.art9-2-h" in decide(asked, with_it, NOW).rules
    elsewhere = question(facts=ASKED | {Fact.match_confirmed, Fact.recipient_bound_to_secrecy}, recipient=asked.discloser)
    assert "gdpr.art9-2-h" not in decide(elsewhere, with_it, NOW).rules
    assert elsewhere.recipient != HUB


def test_no_duty_of_this_law_lifts_confidence_by_itself() -> None:
    for kind in (TRUST, POLICE):
        decision = decide(question(kind), pack_for(kind, public_interest=False), NOW)
        assert [answer.layer.value for answer in decision.failed] == ["confidence"]


def test_a_rule_marked_so_lifts_confidence() -> None:
    law = """
[[rule]]
id = "test.override"
layer = "gateway"
effect = "permit"
kind = "duty"
citation = "A test Act s.1"
says = "A made-up duty that stands against any duty of confidence."
lifts_confidence = true
in_force = { from = 2020-01-01 }
legal_review = "confirmed"
"""
    lifted = decide(question(POLICE), pack_for(POLICE, public_interest=False, law=law), NOW)
    assert {"test.override", "confidence.statute"} <= set(lifted.rules)
    assert "confidence.statute" not in decide(question(POLICE), pack_for(POLICE, law=law.replace("= true", "= false")), NOW).rules


def test_what_no_lawyer_has_confirmed_says_so() -> None:
    needed = {rule.id for rule in pack_for(TRUST).law.rules if rule.legal_review is LegalReview.needed}
    assert {"ca2004.s16la", "ca2004.s10", "police.common-law", "no-prohibition", "vital-interests"} <= needed


def test_a_permit_of_every_kind_of_disclosure_is_named() -> None:
    gateways = [rule for rule in pack_for(TRUST).law.rules if rule.layer.value == "gateway" and rule.effect is RuleEffect.permit]
    told = {Kind.contact, Kind.request, Kind.response, Kind.product, Kind.feedback, Kind.transfer}
    assert {kind for rule in gateways for kind in rule.disclosures} == told


@pytest.mark.parametrize("kind", [ControllerKind.police, PROBATION, SCHOOL, ACADEMY, GP, ControllerKind.youth_justice, CHARITY])
@pytest.mark.parametrize("stage", Stage)
def test_section_47_9_and_section_27_bind_neither_police_nor_probation_nor_schools_nor_gp_practices(kind, stage) -> None:
    decision = decide(question(kind, stage=stage), pack_for(kind), NOW)
    assert not {"ca1989.s47-9", "ca1989.s27"} & set(decision.rules)


@pytest.mark.parametrize(
    ("kind", "category", "role", "stages"),
    [
        (COUNCIL, "csc.cp_plan_history", "child", ["s47", "emergency"]),
        (POLICE, "pol.crime_reports", "parent_carer", ["s47", "emergency"]),
        (TRUST, "acute.ed_attendances", "child", ["s17", "s47", "emergency"]),
        (GP, "gp.was_not_brought", "child", ["s17", "s47", "emergency"]),
        (SCHOOL, "edu.attendance", "child", ["screening", "s17", "s47", "emergency"]),
        (ACADEMY, "edu.exclusions", "child", ["screening", "s17", "s47", "emergency"]),
        (HOUSING, "hou.property_condition", "parent_carer", ["s17", "s47", "emergency"]),
        (ControllerKind.district_council, "hou.tenancy_household", "parent_carer", ["s17", "s47", "emergency"]),
        (PROBATION, "prob.risk_of_serious_harm", "alleged_source", ["s17", "s47", "emergency"]),
        (ControllerKind.youth_justice, "yjs.assetplus_summary", "child", ["s17", "s47", "emergency"]),
        (ControllerKind.independent_school, "edu.attendance", "child", ["emergency"]),
        (CHARITY, "hou.tenancy_household", "parent_carer", []),
    ],
)
def test_each_kind_of_body_releases_by_itself_at_the_stages_its_law_and_the_release_table_allow(kind, category, role, stages) -> None:
    released = []
    for stage in ("screening", "early_help", "s17", "s47", "emergency"):
        facts = FACTS | ({Fact.break_glass} if stage == "emergency" else frozenset())
        asked = question(kind, category=CategoryId(category), role=SubjectRole(role), stage=Stage(stage), facts=facts)
        if decide(asked, pack_for(kind, agreement=agreement_text(kind)), NOW).outcome is Outcome.release:
            released.append(stage)
    assert released == stages


def test_data_under_part_3_leave_uk_gdpr_out_and_stay_between_competent_authorities() -> None:
    asked = question(POLICE, **TO_PROBATION, category=CONVICTIONS, role=SubjectRole.alleged_source)
    kept = decide(asked, pack_for(POLICE), NOW)
    assert [answer.layer.value for answer in kept.answers if answer.reason is Reason.part_3] == ["compatibility", "art6", "art9", "art10"]
    out = decide(replace(asked, recipient_kind=COUNCIL, purpose=CRIME), pack_for(POLICE), NOW)
    assert "dpa2018.s36-4" in out.rules
    assert not any(answer.reason is Reason.part_3 for answer in out.answers)


def test_sensitive_data_under_part_3_need_the_policy_document_of_schedule_8() -> None:
    asked = question(POLICE, **TO_PROBATION, category=CRIMES)
    assert "dpa2018.part3.sch8" in decide(asked, pack_for(POLICE), NOW).rules
    assert "dpa2018.s36-4" in decide(asked, pack_for(POLICE, apds=("sch1.para18",)), NOW).rules


def test_what_may_hold_health_data_never_goes_by_the_serious_violence_power() -> None:
    facts = {"purpose": CRIME}
    convicted = decide(question(POLICE, category=CONVICTIONS, **facts), isolated(POLICE, "pcsca2022.s16"), NOW)
    assert {"pcsca2022.s16"} <= set(convicted.rules)
    assert "pcsca2022.s16" not in decide(question(POLICE, category=CRIMES, **facts), isolated(POLICE, "pcsca2022.s16"), NOW).rules


@pytest.mark.parametrize("private", ["independent_school", "early_years_provider", "registered_provider", "charity", "contracted_provider"])
@pytest.mark.parametrize(
    ("at", "rule"), [(datetime(2026, 2, 4, tzinfo=UTC), None), (datetime(2026, 2, 5, tzinfo=UTC), "gdpr.art6-1-ea.request")]
)
def test_recognised_legitimate_interest_begins_on_5_february_2026_for_private_bodies(private, at, rule) -> None:
    kind = ControllerKind(private)
    decision = decide(question(kind), pack_for(kind, interests=False), at)
    relied = [each for each in decision.rules if each.startswith("gdpr.art6")]
    assert relied == ([rule] if rule else [])


@pytest.mark.parametrize("kind", [each for each in ControllerKind if each.value != "unknown"])
def test_consent_and_legitimate_interests_are_never_a_public_authoritys_point_of_article_6(kind) -> None:
    private = {"independent_school", "early_years_provider", "registered_provider", "charity", "contracted_provider"}
    for rule in pack_for(TRUST).law.rules:
        if rule.id.startswith(("gdpr.art6-1-ea", "gdpr.art6-1-f", "gdpr.art6-1-a")):
            assert (kind in rule.holders) is (kind.value in private)


def test_paragraph_19_is_there_only_as_never_for_children() -> None:
    law = pack_for(TRUST).law
    assert not [rule.id for rule in law.rules if "para. 19" in rule.citation]
    (entry,) = [each for each in law.not_relied_on if each.id == "sch1.para19"]
    assert entry.says.startswith("Never for children")


def test_a_row_that_names_categories_speaks_of_no_other() -> None:
    attendance = decide(question(SCHOOL, category=CategoryId("edu.attendance")), pack_for(SCHOOL), NOW)
    concerns = decide(question(SCHOOL, category=CategoryId("edu.dsl_concerns")), pack_for(SCHOOL), NOW)
    assert (attendance.outcome, attendance.caps) == (Outcome.release, ())
    assert (concerns.outcome, concerns.caps) == (Outcome.review, ("row_none",))
