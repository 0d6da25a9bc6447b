"""What was logged is decided again: by the same pack it is the same, by another exactly what the change touches flips."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_support import COUNCIL, NOW, TRUST, agreement_text, files_for, pack_for, request

from policies.decision import decide
from policies.explain import ladder, shown_caps
from policies.facts import Kinds, before_answering, before_asking
from policies.pack import load_pack, shipped
from policies.replay import DAY, Logged, decide_again, differences, flips, replay
from policies.vocabulary import Audience, Fact, RuleEffect
from schemas.enums import Kind, NecessityReason, Outcome, Rag, Stage
from schemas.identifiers import CategoryId, DecisionId
from schemas.records import Necessity

ED = CategoryId("acute.ed_attendances")
KINDS = Kinds(COUNCIL, TRUST)
REASONS = {Stage.s47: NecessityReason.significant_harm_suspected, Stage.s17: NecessityReason.assess_need}
HUBS_OWN = pack_for(COUNCIL, agreement=agreement_text(TRUST))


def logged(pack=None, *, number=1, standing=frozenset(), **changes):
    """As an agency that decided by a pack would have logged it."""
    asked = request(**changes)
    pack = pack or pack_for(TRUST)
    decision = decide(before_answering(asked, asked.questions[0], KINDS, NOW, standing), pack, NOW)
    return Logged(
        id=DecisionId(number.to_bytes(16, "big")),
        disclosure=Kind.response,
        request=asked,
        question=asked.questions[0],
        kinds=KINDS,
        at=NOW,
        pack_digest=pack.digest,
        outcomes=frozenset({decision.outcome}),
        rules=decision.rules,
        caps=shown_caps(decision, Audience.requester),
        ladder=ladder(decision, Audience.requester),
    )


def at_stage(stage, **changes):
    text = "Unexplained bruising seen by the school nurse."
    return {"stage": stage, "necessity": Necessity(reason=REASONS[stage], text=text)} | changes


def about(category):
    question = request().questions[0]
    return {"questions": (replace(question, category=category),)}


def law_with(old, new):
    """The trust's pack with one place of the law changed."""
    files = files_for(TRUST)
    assert files["law/england.toml"].count(old) == 1
    return load_pack(files | {"law/england.toml": files["law/england.toml"].replace(old, new)})


@given(
    st.sampled_from(sorted(REASONS)),
    st.sampled_from([Rag.red, Rag.amber, Rag.green, Rag.blue]),
    st.frozensets(st.sampled_from(sorted(DAY))),
    st.booleans(),
    st.sampled_from([ED, CategoryId("acute.sexual_health"), CategoryId("nobody.knows")]),
)
@settings(max_examples=60)
def test_by_the_pack_that_made_it_every_decision_comes_out_as_logged_and_none_flips(stage, rag, standing, glass, category):
    pack = pack_for(TRUST)
    one = logged(pack, standing=standing, **at_stage(stage, rag=rag, break_glass=glass), **about(category))
    unsaid = {Fact.log_unwitnessed} if stage is Stage.s47 else set()  # its rule says nothing at that stage, and so changes nothing
    assert one.standing == standing - unsaid
    assert differences(one, decide_again(one, pack)) == ()
    (again,) = replay([one], pack, pack)
    assert (again.flips, again.on_other_grounds, again.changed_since) == (False, False, False)


def test_what_was_so_that_day_is_named_by_a_cap_of_its_own():
    """Else an answer would not tell it, and it could not be known again."""
    caps = {tuple(rule.requires): rule.cap for rule in pack_for(TRUST).law.rules if rule.effect is RuleEffect.review}
    assert {fact: caps[(fact,)] for fact in DAY} == {fact: fact.value for fact in DAY}


def test_a_hubs_own_asking_is_decided_again_as_it_was():
    asked = request()
    made = decide(before_asking(asked, asked.questions[0], KINDS, NOW, frozenset()), HUBS_OWN, NOW)
    one = replace(logged(), disclosure=Kind.request, pack_digest=HUBS_OWN.digest, rules=made.rules, caps=(), ladder=None)
    assert made.outcome is Outcome.release
    assert differences(one, decide_again(one, HUBS_OWN)) == ()


def test_a_question_is_cut_to_its_look_back_as_it_was_on_that_day():
    late = NOW + timedelta(days=1)
    long = next(each.look_back_days for each in pack_for(TRUST).categories.categories if each.id == ED)
    question = replace(request().questions[0], since=NOW.date() - timedelta(days=long), until=NOW.date())
    one = replace(logged(), question=question, at=late)
    assert decide_again(one, pack_for(TRUST)).outcome is Outcome.release


def test_a_new_law_flips_exactly_what_leaned_on_it():
    """The trust loses its row of the release table: what went without a person at section 47 waits for one, and nothing else flips."""
    kept = [logged(number=1), logged(number=2, **at_stage(Stage.s17)), logged(number=3, rag=Rag.amber), logged(number=4, rag=Rag.blue)]
    reworded = law_with('id = "r1"\n', 'id = "r1"\n# with a remark\n')
    assert flips(replay(kept, pack_for(TRUST), reworded)) == ()
    stricter = law_with(
        'says = "Section 47: a council asks a body that section 47(9) binds; low-risk structured categories only."\n'
        'disclosures = ["response"]\n'
        'holders = ["local_authority", "district_council", "housing_authority", "nhs_body"]',
        'says = "Section 47: a council asks a body that section 47(9) binds; low-risk structured categories only."\n'
        'disclosures = ["response"]\n'
        'holders = ["local_authority", "district_council", "housing_authority"]',
    )
    (flip,) = flips(replay(kept, pack_for(TRUST), stricter))
    assert (flip.disclosure, flip.category, flip.stage) == (Kind.response, ED, Stage.s47)
    assert (flip.before, flip.after) == (Outcome.release, Outcome.review)
    assert [each[-1] for each in flip.decisions] == [1, 3]
    (back,) = flips(replay(kept, stricter, pack_for(TRUST)))
    assert (back.before, back.after, back.decisions) == (Outcome.review, Outcome.release, flip.decisions)


def test_flips_are_grouped_by_what_they_share_and_name_no_more_than_ids():
    text = shipped()["categories.toml"]
    found = flips(replay([logged(number=1), logged(number=2, rag=Rag.amber)], pack_for(TRUST), without_category(text)))
    (flip,) = found
    assert (flip.after, len(flip.decisions)) == (Outcome.withhold, 2)
    assert set(type(flip).__dataclass_fields__) == {"disclosure", "category", "stage", "before", "after", "decisions"}


def without_category(text):
    """The trust no longer holds what it is asked."""
    start = text.index(f'id = "{ED}"')
    changed = text[:start] + text[start:].replace('held_by = ["nhs_body"]', 'held_by = ["gp_practice"]', 1)
    assert changed != text
    return load_pack(files_for(TRUST) | {"categories.toml": changed})


def test_another_rule_for_the_same_outcome_is_no_flip_and_is_counted():
    other = law_with('id = "ca1989.s47-9"', 'id = "ca1989.s47-9.as-amended"')
    one = logged()
    assert "ca1989.s47-9" in one.rules
    (again,) = replay([one], pack_for(TRUST), other)
    assert (again.flips, again.on_other_grounds) == (False, True)
    assert differences(one, again.after) == ("rules", "ladder")


def test_what_the_present_pack_decides_otherwise_already_is_told():
    strict = without_category(shipped()["categories.toml"])
    (again,) = replay([logged()], strict, strict)
    assert (again.flips, again.changed_since) == (False, True)
    assert "outcome" in differences(again.logged, again.before)


@pytest.mark.parametrize("fact", sorted(DAY - {Fact.log_unwitnessed}))
def test_a_fact_of_that_day_stands_in_both_decisions(fact):
    one = logged(standing=frozenset({fact}))
    (again,) = replay([one], pack_for(TRUST), pack_for(TRUST, law="\n# draft\n"))
    assert again.before.caps == again.after.caps
    assert fact.value in again.after.caps
