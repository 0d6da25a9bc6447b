"""Every rule of the shipped law, both ways: with it alone on its layer, once it carries and once it does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from policy_support import ASKED, COUNCIL, FACTS, HUB, NOW, POLICE, TRUST, asking, isolated, pack_for, question

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
CONSENTED = FACTS - {Fact.para18_prejudices_protection} | {Fact.consent_sharing_given}


def with_reason(reason: Fact) -> frozenset[Fact]:
    return FACTS - {Fact.para18_prejudices_protection} | {reason}


# rule: (who answers or asks, question that it carries, change that it does not survive)
PERMITS = {
    "asked.haringey": (TRUST, {}, {"facts": FACTS - {Fact.stage_set_by_named_officer}}),
    "dpa2018.s36-4": (POLICE, {"category": CRIMES}, {"category": CRIMES, "purpose": CRIME}),
    "ca1989.s47-9": (TRUST, {}, {"stage": Stage.screening}),
    "ca1989.s47-1": (COUNCIL, {}, {"stage": Stage.s17}),
    "ca1989.s27": (TRUST, {"stage": Stage.s17}, {"stage": Stage.s47}),
    "ca1989.s17-1": (COUNCIL, {"stage": Stage.s17}, {"stage": Stage.screening}),
    "ca1989.s47-s17.screening": (COUNCIL, {"stage": Stage.screening}, {"purpose": CRIME, "stage": Stage.screening}),
    "ca2004.s16la": (POLICE, {}, {"facts": FACTS | {Fact.detriment_more}}),
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
    "recipient.school": (COUNCIL, {"recipient_kind": SCHOOL}, {"recipient_kind": CHARITY}),
    "gdpr.annex2.para8": (TRUST, {}, {"purpose": WELFARE}),
    "gdpr.annex2.para8.welfare": (TRUST, {"purpose": WELFARE}, {}),
    "gdpr.art6-1-c": (TRUST, {}, {"stage": Stage.screening, "facts": FACTS | {Fact.detriment_more}}),
    "gdpr.art6-1-e": (POLICE, {}, None),
    "gdpr.art6-1-d": (TRUST, {"stage": Stage.emergency}, {}),
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
    "art10.para30": (
        POLICE,
        {"category": CRIMES, "stage": Stage.emergency, "facts": FACTS | {Fact.subject_incapable}},
        {"category": CRIMES, "stage": Stage.emergency},
    ),
    "confidence.consent": (TRUST, {"facts": CONSENTED}, {}),
    "confidence.public-interest": (TRUST, {}, None),
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
}
ELSEWHERE = {"ca2004.s10", "confidence.statute"}  # below: one by its dates, one by a law that lifts confidence


def of(kind: ControllerKind, changes: dict[str, object]):
    return asking(**changes) if kind is COUNCIL else question(kind, **changes)


def test_every_rule_has_a_case() -> None:
    shipped = {rule.id for rule in pack_for(TRUST).law.rules}
    assert shipped == {*PERMITS, *CAPS, *BARS, *ELSEWHERE}


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
        ("art10.para6", {"own_task": False}),
        ("art10.official-authority", {"official_authority": False}),
        ("confidence.public-interest", {"public_interest": False}),
    ],
)
def test_a_permit_that_leans_on_the_controllers_own_word_falls_with_it(rule, without) -> None:
    category = {"category": CRIMES}
    assert rule not in decide(question(POLICE, **category), pack_for(POLICE, **without), NOW).rules


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
    assert {kind for rule in gateways for kind in rule.disclosures} == {Kind.request, Kind.response}
