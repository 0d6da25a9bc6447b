"""The ladder in words, by reader; near misses that flip; and what an asker never learns."""

from __future__ import annotations

import pytest
from policy_support import ASKED, COUNCIL, FACTS, NOW, POLICE, TRUST, agreement_text, asking, pack_for, question

from policies.answers import Reason
from policies.decision import decide
from policies.explain import apply, ladder, near_misses, shown_caps
from policies.nearmiss import RANK
from policies.sentences import BAR_UNSAID, FAILURES, MEANINGS, REASONS, REVIEW_NEEDED
from policies.vocabulary import DERIVED, PRIVATE, SUPPLIABLE, Audience, Fact
from schemas.enums import Layer, Purpose, Rag, Stage, SubjectRole
from schemas.identifiers import CategoryId

BARS = (Fact.adoption_record, Fact.legal_privilege, Fact.gender_recognition, Fact.protected_person, Fact.whereabouts_hidden)
LABELS = {"stage", "rag", "purpose", "requester_kind"}


def names(question, pack, audience) -> set[str]:
    return {f"{each.fact}={each.value}" for each in near_misses(question, pack, NOW, audience)}


def test_every_layer_is_said_with_rule_and_citation_or_why_it_does_not_apply() -> None:
    steps = ladder(decide(question(POLICE), pack_for(POLICE), NOW), Audience.igo)
    assert [step.layer for step in steps] == [layer for layer in Layer if layer is not Layer.unknown]
    for step in steps:
        assert step.met
        assert step.applies == (step.rule is not None) == (step.citation is not None)
        assert step.says


def test_a_rule_whose_legal_review_is_needed_says_so() -> None:
    steps = {step.layer: step for step in ladder(decide(question(POLICE), pack_for(POLICE), NOW), Audience.reviewer)}
    assert steps[Layer.gateway].legal_review_needed
    assert steps[Layer.gateway].says.endswith(REVIEW_NEEDED)
    assert not steps[Layer.art6].legal_review_needed
    assert REVIEW_NEEDED not in steps[Layer.art6].says


def test_both_halves_of_the_gateway_are_said() -> None:
    gateway = ladder(decide(question(), pack_for(TRUST), NOW), Audience.reviewer)[3]
    assert gateway.rule == "ca1989.s47-9"
    assert "must help" in gateway.says
    assert "is making section 47 enquiries" in gateway.says


def test_a_failed_layer_says_what_is_not_met() -> None:
    failed = [step for step in ladder(decide(question(rag=Rag.blue), pack_for(TRUST), NOW), Audience.reviewer) if not step.met]
    assert [(step.layer, step.applies, step.rule, step.says) for step in failed] == [
        (Layer.proportionality, True, None, FAILURES[Layer.proportionality])
    ]


def test_every_reason_and_fact_has_its_sentence() -> None:
    assert set(FAILURES) == {layer for layer in Layer if layer is not Layer.unknown}
    assert set(REASONS) == set(Reason) - {Reason.none, Reason.no_rule, Reason.no_agreement, Reason.barred}
    assert set(MEANINGS) == set(Fact) - DERIVED


def test_a_machine_reads_codes() -> None:
    says = [step.says for step in ladder(decide(question(), pack_for(TRUST), NOW), Audience.machine)]
    assert says[3] == "gateway.carried.none"
    assert says[2] == "regime.absent.not_law_enforcement"


def test_an_error_explains_itself_to_everybody() -> None:
    broken = decide(question(discloser_kind=POLICE), pack_for(TRUST), NOW)
    for audience in Audience:
        steps = ladder(broken, audience)
        assert len(steps) == 11
        assert not any(step.met for step in steps)


@pytest.mark.parametrize("fact", sorted(PRIVATE))
def test_an_asker_never_learns_what_is_held_or_thought_of_it(fact) -> None:
    pack = pack_for(POLICE, own_task=False)
    clear = decide(question(POLICE), pack, NOW)
    toggled = decide(question(POLICE, facts=FACTS ^ {fact}), pack, NOW)
    assert ladder(toggled, Audience.requester) == ladder(clear, Audience.requester)
    assert shown_caps(toggled, Audience.requester) == shown_caps(clear, Audience.requester)
    assert ladder(toggled, Audience.requester)[1].says == BAR_UNSAID


@pytest.mark.parametrize("fact", BARS)
def test_a_bar_is_named_to_the_reviewer_and_has_no_near_miss_for_the_asker(fact) -> None:
    barred = question(facts=FACTS | {fact})
    assert near_misses(barred, pack_for(TRUST), NOW, Audience.requester) == ()
    step = ladder(decide(barred, pack_for(TRUST), NOW), Audience.reviewer)[1]
    assert not step.met
    assert step.rule
    assert f"{fact.value}=false" in names(barred, pack_for(TRUST), Audience.reviewer)


@pytest.mark.parametrize(
    ("changes", "kwargs", "shown"),
    [
        ({"facts": FACTS - {Fact.openness_recorded}}, {}, {"openness_recorded=true"}),
        ({"facts": FACTS - {Fact.relation_stated}}, {}, {"relation_stated=true"}),
        ({"facts": FACTS - {Fact.stage_set_by_named_officer}}, {}, {"stage_set_by_named_officer=true"}),
        ({}, {"public_interest": False}, {"consent_sharing_given=true"}),
        (
            {"facts": ASKED | {Fact.match_confirmed}},
            {"own_task": False, "agreement": agreement_text(TRUST, secrecy=False), "category": "acute.ed_attendances"},
            set(),
        ),
        ({"rag": Rag.blue}, {}, set()),
        ({"stage": Stage.early_help}, {}, set()),
    ],
)
def test_an_asker_sees_what_it_can_honestly_supply(changes, kwargs, shown) -> None:
    pack = pack_for(TRUST, **{key: value for key, value in kwargs.items() if key != "category"})
    found = names(question(**changes), pack, Audience.requester)
    assert shown <= found
    assert {each.partition("=")[0] for each in found} <= {fact.value for fact in SUPPLIABLE}


def test_labels_are_shown_to_reviewers_only() -> None:
    asked = question(rag=Rag.blue)
    for audience in Audience:
        shown = {each.partition("=")[0] for each in names(asked, pack_for(TRUST), audience)}
        assert ("rag" in shown) is (audience in (Audience.reviewer, Audience.igo, Audience.machine))
        assert bool(shown & LABELS) is ("rag" in shown)


def test_a_released_question_has_no_near_miss() -> None:
    assert near_misses(question(), pack_for(TRUST), NOW, Audience.igo) == ()


CASES = [
    question(TRUST, stage=Stage.early_help),
    question(TRUST, rag=Rag.green),
    question(TRUST, purpose=Purpose.crime_and_disorder),
    question(TRUST, facts=FACTS - {Fact.match_confirmed}),
    question(TRUST, facts=frozenset()),
    question(TRUST, facts=FACTS | {Fact.detriment_more}),
    question(TRUST, facts=FACTS | {Fact.live_investigation}),
    question(TRUST, stage=Stage.emergency),
    question(TRUST, recipient_kind=POLICE),
    question(POLICE, category=CategoryId("pol.intelligence")),
    question(POLICE, category=CategoryId("pol.pnc_convictions"), role=SubjectRole.parent_carer, stage=Stage.screening),
    question(POLICE, stage=Stage.s17),
]


@pytest.mark.parametrize("asked", CASES, ids=range(len(CASES)))
@pytest.mark.parametrize("kwargs", [{}, {"apds": (), "own_task": False}, {"considerations": False}, {"agreement": None}])
@pytest.mark.parametrize("audience", list(Audience))
def test_every_near_miss_applied_flips_its_decision(asked, kwargs, audience) -> None:
    pack = pack_for(asked.discloser_kind, **kwargs)
    before = decide(asked, pack, NOW)
    for each in near_misses(asked, pack, NOW, audience):
        after = decide(apply(asked, each), pack, NOW)
        assert RANK[after.outcome] > RANK[before.outcome]
        assert len(each.says) <= 200


def test_the_hub_sees_why_it_may_not_ask() -> None:
    pack = pack_for(COUNCIL, agreement=agreement_text(TRUST))
    asked = asking(TRUST, facts=FACTS - {Fact.necessity_stated} | {Fact.public_interest_recorded})
    assert names(asked, pack, Audience.requester) == {"necessity_stated=true"}


@pytest.mark.parametrize("private", sorted(PRIVATE))
def test_an_asker_is_told_the_same_near_miss_whatever_is_found_or_thought_of_it(private) -> None:
    lacking = FACTS - {Fact.necessity_stated}
    told = [near_misses(question(facts=facts), pack_for(TRUST), NOW, Audience.requester) for facts in (lacking, lacking ^ {private})]
    assert [each.fact for each in told[0]] == ["necessity_stated"]
    assert told[0] == told[1]
