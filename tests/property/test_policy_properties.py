"""Properties of every decision, over the whole space of questions, facts, packs and days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from policy_support import (
    CATEGORIES,
    COUNCIL,
    FACTS,
    HUB,
    NOW,
    OWN_MOTION,
    POLICE,
    TELLING,
    TOLD,
    TRUST,
    agreement_text,
    asking,
    pack_for,
    party_of,
    question,
    telling,
)

from policies.answers import Standing
from policies.compiled import compile_pack
from policies.decision import decide
from policies.disclosures import DISCLOSURES, Asker
from policies.explain import apply, as_asked, ladder, near_misses, shown_caps, shown_outcome
from policies.law import InForce, Rule
from policies.nearmiss import RANK
from policies.pack import Pack
from policies.question import PolicyQuestion
from policies.verdict import judge_of
from policies.vocabulary import DERIVED, PRIVATE, Alert, Audience, Fact, RuleEffect
from schemas.enums import ControllerKind, Kind, Layer, Outcome, Purpose, Rag, Stage, SubjectRole
from schemas.identifiers import CategoryId

AGREEMENTS = st.sampled_from([None, "in force", "expired", "no secrecy"])
APDS = st.sampled_from([(), ("sch1.para18",), ("sch1.para6",), ("sch1.para18", "sch1.para6")])
NEAR = st.sampled_from([TRUST, POLICE, COUNCIL])
KINDS = st.sampled_from([TRUST, POLICE, COUNCIL, ControllerKind.probation, ControllerKind.charity])
PUBLIC = sorted(set(Fact) - DERIVED)
INCLINED = st.one_of(
    st.frozensets(st.sampled_from(PUBLIC)),
    *(st.frozensets(st.sampled_from(PUBLIC), max_size=3).map(near.__xor__) for near in (FACTS, OWN_MOTION)),  # so that releases occur
)
UK_GDPR = frozenset({Layer.compatibility, Layer.art6, Layer.art9, Layer.art10})  # says nothing of data that stay under Part 3
DAYS = st.dates(date(2025, 1, 1), date(2028, 12, 31))


def moments(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@st.composite
def packs(draw: st.DrawFn, kind: ControllerKind, *, whole: bool) -> Pack:
    said = "in force" if whole else draw(AGREEMENTS)
    other, until = TRUST if kind is COUNCIL else kind, "2026-11-23" if said == "expired" else "2027-12-31"
    text = agreement_text(other, until=until, secrecy=said != "no secrecy")
    if whole:
        return pack_for(kind, agreement=text)
    own_task, considerations = draw(st.booleans()), draw(st.booleans())
    return pack_for(kind, agreement=text if said else None, apds=draw(APDS), own_task=own_task, considerations=considerations)


def in_order(kind: ControllerKind) -> list[PolicyQuestion]:
    """Every kind of disclosure such a body makes here, each of which would be released."""
    if kind is COUNCIL:
        return [asking(), *(telling(told) for told in TELLING if told is not Kind.contact)]
    return [question(kind), telling(Kind.contact, discloser=party_of(kind), discloser_kind=kind)]


@st.composite
def cases(draw: st.DrawFn) -> tuple[PolicyQuestion, Pack, datetime]:
    """A question that would be released, changed in one way or in many, and a pack that is whole or not."""
    near = draw(st.booleans())
    kind = draw(NEAR if near else KINDS)
    base = draw(st.sampled_from(in_order(kind)))
    now = draw(st.one_of(st.just(NOW), DAYS.map(moments)))
    changes: dict[str, st.SearchStrategy[object]] = {
        "recipient": st.just(HUB),
        "recipient_kind": st.sampled_from(ControllerKind),
        "disclosure": st.sampled_from(Kind),
        "stage": st.sampled_from(Stage),
        "rag": st.sampled_from(Rag),
        "purpose": st.sampled_from(Purpose),
        "role": st.sampled_from(SubjectRole),
        "category": st.sampled_from([CategoryId(each) for each in [*TOLD, *CATEGORIES, "pol.unknown"]]),
        "since": st.sampled_from([0, 365, 1096, 1097, 7305, 40000]).map(lambda days: now.date() - timedelta(days=days)),
        "until": st.just(now.date()),
        "facts": INCLINED,
    }
    changed = draw(st.lists(st.sampled_from(sorted(changes)), unique=True, max_size=1 if near else 11))
    asked = replace(base, **{name: draw(changes[name]) for name in changed})  # type: ignore[arg-type]  # fields of the question
    return asked, draw(packs(kind, whole=near or draw(st.booleans()))), now


@st.composite
def told_of_own_motion(draw: st.DrawFn) -> tuple[PolicyQuestion, Pack, datetime]:
    """A case whose disclosure is one that nobody asks for."""
    asked, pack, now = draw(cases())
    return replace(asked, disclosure=draw(st.sampled_from(sorted(TELLING)))), pack, now


def with_rules(pack: Pack, rules: tuple[Rule, ...]) -> Pack:
    law = pack.law.model_copy(update={"rules": rules})
    compiled = compile_pack(law, pack.categories, pack.agreements, pack.controller)
    return replace(pack, law=law, compiled=compiled, judge=judge_of(compiled))


def rule_holds(rule: Rule, asked: PolicyQuestion, day: date) -> bool:
    """Independently of the index: does the rule speak of the question on that day?"""
    facets = (
        (rule.holders, asked.discloser_kind),
        (rule.recipients, asked.recipient_kind),
        (rule.disclosures, asked.disclosure),
        (rule.purposes, asked.purpose),
        (rule.stages, asked.stage),
        (rule.roles, asked.role),
    )
    return rule.in_force.on(day) and all(not named or value in named for named, value in facets)


@given(cases())
@pytest.mark.proves("I6")
def test_every_release_has_a_rule_on_every_applicable_layer_in_force_that_day(case) -> None:
    asked, pack, now = case
    decision = decide(asked, pack, now)
    if decision.outcome is not Outcome.release:
        return
    part_3 = any(each.rule is not None and each.rule.keeps_part_3 for each in decision.answers)
    glass = asked.stage is Stage.emergency and Fact.break_glass in asked.facts
    for answer in decision.answers:
        if answer.standing is Standing.carried:
            for rule in filter(None, (answer.rule, answer.recipient_rule)):
                assert rule_holds(rule, asked, now.date())
                assert rule.effect is RuleEffect.permit
                assert not rule.unless & asked.facts
                assert rule.requires - DERIVED <= asked.facts | pack.controller.facts | granted(pack, asked, now.date())
                assert rule.needs_apd is None or rule.needs_apd in {document.condition for document in pack.controller.apds}
        elif answer.standing is Standing.absent:
            assert not applies(answer.layer, asked, pack) or (part_3 and answer.layer in UK_GDPR)
        else:
            assert answer.layer is Layer.agreement
            assert glass
    always = {Layer.asked, Layer.gateway, Layer.compatibility, Layer.art6, Layer.proportionality}
    assert always - (UK_GDPR if part_3 else frozenset()) <= {
        answer.layer for answer in decision.answers if answer.standing is Standing.carried
    }


def applies(layer: Layer, asked: PolicyQuestion, pack: Pack) -> bool:
    """Independently of the plan: has the layer anything to say about this category?"""
    known = {each.id: each for each in pack.categories.every}
    category, law = known[asked.category], pack.law.applies
    if layer is Layer.bar:
        return False  # no bar was met
    if layer is Layer.regime:
        return category.law_enforcement and asked.discloser_kind in law.competent_authorities
    named = {Layer.art9: law.art9, Layer.art10: law.art10, Layer.confidence: law.confidence}
    return layer not in named or bool(named[layer] & category.presumed_classes)


def granted(pack: Pack, asked: PolicyQuestion, day: date) -> frozenset[Fact]:
    return frozenset(
        fact
        for each in pack.controller.considerations
        if each.category == asked.category and asked.stage in each.stages and asked.role in each.roles and day <= each.review_by
        for fact in each.facts
    )


@given(cases(), st.sampled_from([ControllerKind.police, ControllerKind.probation, ControllerKind.youth_justice]))
def test_data_stay_under_part_3_between_competent_authorities_for_law_enforcement_only(case, competent) -> None:
    asked, pack, now = case
    serious = replace(asked, stage=Stage.emergency, recipient_kind=competent, category=CategoryId("pol.rso_mappa"))
    for each in (asked, replace(serious, purpose=Purpose.offender_management, facts=serious.facts | {Fact.break_glass})):
        decision = decide(each, pack, now)
        if any(answer.rule is not None and answer.rule.keeps_part_3 for answer in decision.answers):
            assert {each.discloser_kind, each.recipient_kind} <= pack.law.applies.competent_authorities
            assert each.purpose in (Purpose.crime_and_disorder, Purpose.offender_management)
            assert not any(rule.startswith(("gdpr.", "sch1.", "art10.")) for rule in decision.rules)


@given(cases())
def test_total_and_repeatable(case) -> None:
    asked, pack, now = case
    first, again = decide(asked, pack, now), decide(asked, with_rules(pack, pack.law.rules), now)
    assert first.outcome in RANK
    assert first.verdict == again.verdict
    assert len(first.answers) == 11
    for audience in Audience:
        assert len(ladder(first, audience)) == 11


@given(st.sampled_from(["compiled", "judge", "digest"]), st.sampled_from([None, 7, "x", object()]), cases())
@pytest.mark.proves("I7")
def test_any_error_inside_withholds_and_alerts(part, broken, case) -> None:
    asked, pack, now = case
    decision = decide(asked, replace(pack, **{part: broken}), now)
    if part != "digest":
        assert (decision.outcome, decision.caps, decision.alerts) == (Outcome.withhold, ("error",), (Alert.error,))
        assert all(not step.met for audience in Audience for step in ladder(decision, audience))


@given(st.sampled_from(sorted(PolicyQuestion.__slots__)), st.sampled_from([None, 7, "x", object(), ["x"]]))
@pytest.mark.proves("I7")
def test_any_nonsense_in_a_question_never_raises_and_never_releases_unless_it_changes_nothing(field, nonsense) -> None:
    decision = decide(replace(question(), **{field: nonsense}), pack_for(TRUST), NOW)
    assert decision.outcome is Outcome.withhold or field == "recipient"
    assert decision.outcome is not Outcome.release


@given(cases())
@pytest.mark.proves("I10")
def test_an_unconfirmed_match_never_releases(case) -> None:
    asked, pack, now = case
    unsure = replace(asked, disclosure=Kind.response, facts=asked.facts - {Fact.match_confirmed})
    assert decide(unsure, pack, now).outcome is not Outcome.release


@given(
    cases(), st.sampled_from([layer for layer in Layer if layer is not Layer.unknown]), st.frozensets(st.sampled_from(PUBLIC), max_size=1)
)
def test_adding_a_forbid_never_releases_more(case, layer, requires) -> None:
    asked, pack, now = case
    forbid = Rule(
        id="test.forbid",
        layer=layer,
        effect="forbid",
        kind="condition",
        citation="A test Act s.4",
        says="A made-up prohibition on any layer.",
        requires=requires,
        in_force=InForce.model_validate({"from": date(2020, 1, 1)}),
        legal_review="confirmed",
    )
    before, after = decide(asked, pack, now), decide(asked, with_rules(pack, (*pack.law.rules, forbid)), now)
    softened = layer is Layer.bar and asked.stage is Stage.emergency and Fact.break_glass in asked.facts
    assert RANK[after.outcome] <= RANK[before.outcome]
    if requires <= asked.facts:
        assert after.outcome is (Outcome.withhold if not softened else min(Outcome.review, before.outcome, key=RANK.__getitem__))


@given(cases(), st.data())
def test_removing_a_fact_never_releases_more_than_a_rule_allows(case, data) -> None:
    """Only a fact that some rule forbids, reviews or refuses by may, by its absence, release more."""
    asked, pack, now = case
    assume(asked.facts)
    fact = data.draw(st.sampled_from(sorted(asked.facts)))
    before = decide(asked, pack, now)
    after = decide(replace(asked, facts=asked.facts - {fact}), pack, now)
    if RANK[after.outcome] > RANK[before.outcome]:
        hindering = [
            rule for rule in pack.law.rules if fact in rule.unless or (rule.effect is not RuleEffect.permit and fact in rule.requires)
        ]
        assert hindering
    if after.outcome is Outcome.release:
        assert not any(fact in rule.requires for rule in pack.law.rules if rule.id in after.rules) or fact in granted(
            pack, asked, now.date()
        )


@given(cases(), st.sampled_from(Audience))
def test_every_near_miss_shown_flips_when_applied(case, audience) -> None:
    asked, pack, now = case
    told = as_asked(asked) if audience is Audience.requester else asked  # an asker is told of its question, not of what is found
    before = decide(told, pack, now)
    for each in near_misses(asked, pack, now, audience):
        assert RANK[decide(apply(told, each), pack, now).outcome] > RANK[before.outcome]


@given(cases(), st.frozensets(st.sampled_from(sorted(PRIVATE))))
def test_an_askers_ladder_turns_on_nothing_held_or_thought_of_it(case, private) -> None:
    asked, pack, now = case
    one = decide(replace(asked, facts=asked.facts - PRIVATE), pack, now)
    other = decide(replace(asked, facts=(asked.facts - PRIVATE) | private), pack, now)
    assert ladder(one, Audience.requester) == ladder(other, Audience.requester)
    assert shown_caps(one, Audience.requester) == shown_caps(other, Audience.requester)
    assert shown_outcome(one, Audience.requester) is shown_outcome(other, Audience.requester)
    misses = [near_misses(each.question, pack, now, Audience.requester) for each in (one, other)]
    assert misses[0] == misses[1]
    assert not PRIVATE & {each.fact for each in misses[0]}


@pytest.mark.parametrize("kind", [TRUST, POLICE, COUNCIL])
def test_what_the_cases_are_drawn_around_is_released_in_every_kind_of_disclosure(kind) -> None:
    whole = pack_for(kind, agreement=agreement_text(TRUST if kind is COUNCIL else kind))
    assert {decide(each, whole, NOW).outcome for each in in_order(kind)} == {Outcome.release}
    assert {each.disclosure for each in (*in_order(TRUST), *in_order(COUNCIL))} == set(DISCLOSURES)


@given(told_of_own_motion(), st.sampled_from([Kind.product, Kind.transfer]))
def test_nothing_is_passed_on_without_its_owners_release_nor_from_a_closed_category(case, passed_on) -> None:
    asked, pack, now = case
    asked = replace(asked, disclosure=passed_on)
    category = next((each for each in pack.categories.every if each.id == asked.category), None)
    closed = category is None or not category.onward
    for each in (
        asked,
        replace(asked, facts=asked.facts - {Fact.owner_released}),
        replace(asked, facts=asked.facts | {Fact.owner_released}),
    ):
        if closed or Fact.owner_released not in each.facts:
            decision = decide(each, pack, now)
            glass = each.stage is Stage.emergency and Fact.break_glass in each.facts
            assert decision.outcome is Outcome.withhold or (glass and decision.outcome is Outcome.review)


@given(told_of_own_motion())
def test_what_is_told_is_a_category_of_that_disclosure_by_whoever_holds_it_or_passes_it_on(case) -> None:
    asked, pack, now = case
    if decide(asked, pack, now).outcome is Outcome.withhold:
        return
    category = next(each for each in pack.categories.every if each.id == asked.category)
    assert asked.disclosure in category.disclosures
    holders = pack.categories.concern.held_by if DISCLOSURES[asked.disclosure].passes_on else category.held_by
    assert asked.discloser_kind in holders


@given(told_of_own_motion())
def test_feedback_is_the_safe_minimum_for_whoever_told_and_a_case_moves_with_the_child_only(case) -> None:
    asked, pack, now = case
    back, over = (replace(asked, disclosure=each) for each in (Kind.feedback, Kind.transfer))
    if decide(back, pack, now).outcome is not Outcome.withhold:
        assert (back.category, Fact.recipient_told_of_child in back.facts) == ("hub.feedback", True)
    if decide(over, pack, now).outcome is not Outcome.withhold:
        assert (over.recipient_kind, Fact.child_in_recipients_area in over.facts) == (COUNCIL, True)


@given(told_of_own_motion())
def test_who_is_told_without_asking_is_shown_no_near_miss(case) -> None:
    asked, pack, now = case
    assert DISCLOSURES[asked.disclosure].asker is Asker.nobody
    assert near_misses(asked, pack, now, Audience.requester) == ()


@given(told_of_own_motion())
def test_one_pair_of_eyes_passes_nothing_on_and_holds_up_nothing_else(case) -> None:
    asked, pack, now = case
    alone, checked = (decide(replace(asked, facts=asked.facts ^ flip), pack, now) for flip in _either(asked))
    passed_on = DISCLOSURES[asked.disclosure].passes_on
    assert alone.outcome is not Outcome.release or not passed_on
    assert passed_on or alone.verdict == checked.verdict


def _either(asked: PolicyQuestion) -> tuple[frozenset[Fact], frozenset[Fact]]:
    """What to turn over so that a second person has not checked, and has."""
    fact = frozenset({Fact.second_person_checked})
    return asked.facts & fact, fact - asked.facts


@given(cases())
def test_section_47_9_is_relied_on_at_section_47_only(case) -> None:
    asked, pack, now = case
    if "ca1989.s47-9" in decide(asked, pack, now).rules:
        assert asked.stage is Stage.s47
        assert asked.discloser == party_of(TRUST) or asked.discloser == HUB


@given(cases())
def test_caps_never_make_a_failed_layer_nor_a_release(case) -> None:
    asked, pack, now = case
    decision = decide(asked, pack, now)
    if decision.caps:
        assert decision.outcome is not Outcome.release
    if decision.outcome is Outcome.review:
        assert decision.caps or decision.failed
    if decision.outcome is Outcome.withhold:
        assert decision.failed
