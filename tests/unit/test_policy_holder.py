"""The frontline holder is told who asks, why they must or may answer, what protects them and whom to ring."""

from __future__ import annotations

import pytest
from policy_support import (
    COUNCIL,
    FACTS,
    NOW,
    OWN_MOTION,
    POLICE,
    TRUST,
    agreement_text,
    asking,
    pack_for,
    question,
    request,
    teller,
    telling,
)

from policies.decision import decide
from policies.holder import OUTCOMES, STAGES, holder_told
from policies.sentences import FAILURES, REVIEW_NEEDED
from policies.vocabulary import Fact
from schemas.enums import ControllerKind, Kind, Layer, Outcome, Stage
from schemas.identifiers import CategoryId

RING = request().duty_contact


def told(kind=TRUST, *, ring=RING, **changes):
    return holder_told(decide(question(kind, **changes), pack_for(kind), NOW), ring)


def test_a_duty_says_must_with_its_law_and_a_release_says_that_nobody_need_act() -> None:
    said = told()
    assert said.who_asks == (
        "hub.borough (local authority) asks you, while enquiring into significant harm (section 47), for safeguarding: "
        "Emergency department attendances, about the child."
    )
    assert said.why.startswith("You must answer by Children Act 1989 s.47(9)-(11): When a council making section 47 enquiries calls on it")
    assert said.why.endswith(OUTCOMES[Outcome.release])
    assert said.protects.startswith("What protects you: UK GDPR Art. 6(1)(c); ")
    assert "Human Rights Act 1998 s.6" in said.protects
    assert said.ring == "Ring Duty officer, 020 7946 0000 (24 hours)."
    assert said.lines == (said.who_asks, said.why, said.protects, said.ring)


def test_what_may_not_go_is_never_told_as_a_must_or_a_may() -> None:
    said = told(facts=FACTS - {Fact.openness_recorded})
    assert said.why.startswith("What it would rest on: Children Act")
    assert OUTCOMES[Outcome.withhold] in said.why
    assert "You must" not in said.why
    assert "You may" not in said.why


def test_a_power_says_may_and_what_no_lawyer_has_confirmed_says_so() -> None:
    said = told(POLICE, stage=Stage.screening, category=CategoryId("pol.child_come_to_notice"), facts=FACTS | {Fact.detriment_more})
    assert said.why.startswith("You may answer by Children Act 2004 s.11")
    assert f"({REVIEW_NEEDED})" in said.why
    assert said.why.endswith(OUTCOMES[Outcome.review])


def test_the_recipients_half_that_no_lawyer_has_confirmed_says_so_as_well() -> None:
    said = told(
        ControllerKind.maintained_school, stage=Stage.screening, category=CategoryId("edu.attendance"), facts=FACTS | {Fact.detriment_more}
    )
    assert said.why.startswith("You may answer by Education Act 2002 s.175")  # itself confirmed; the council's function at screening is not
    assert f"({REVIEW_NEEDED})" in said.why


def test_where_nothing_carries_it_says_so_and_what_protects_nobody_comes_first() -> None:
    decision = decide(question(ControllerKind.charity, recipient_kind=POLICE), pack_for(ControllerKind.charity), NOW)
    said = holder_told(decision)
    assert said.why == f"Nothing lets you answer: {FAILURES[Layer.gateway]} {OUTCOMES[Outcome.withhold]}"
    assert said.ring == "Ring the duty contact that the request names."
    unsure = told(facts=FACTS - {Fact.necessity_stated})
    assert unsure.protects.startswith(f"Nothing protects you yet on proportionality: {FAILURES[Layer.proportionality]}")


def test_a_hubs_own_question_is_told_as_what_it_would_tell() -> None:
    pack = pack_for(COUNCIL, agreement=agreement_text(TRUST))
    assert "agency.nhs-body (nhs body) would be told by you" in holder_told(decide(asking(), pack, NOW)).who_asks


@pytest.mark.parametrize(
    ("disclosure", "who", "why", "ring"),
    [
        (
            Kind.contact,
            (
                "hub.borough (local authority) would be told by you, of your own motion, to decide whether a child needs help or "
                "protection, for safeguarding: A worry about a child, and whom it is about, about the child."
            ),
            "You may tell this by Children Act 2004 s.11",
            "Ring the duty officer of the hub.",
        ),
        (
            Kind.product,
            (
                "agency.nhs-body (nhs body) would be sent this by you, in the information product, while enquiring into significant harm "
                "(section 47), for safeguarding: Missing episodes, about the child."
            ),
            "You must pass this on by Children Act 2004 s.16LA",
            "Ring the body whose information it is.",
        ),
        (
            Kind.feedback,
            (
                "agency.nhs-body (nhs body) would be told by you what came of its contact, while enquiring into significant harm "
                "(section 47), for safeguarding: What came of a contact, about the child."
            ),
            "You may tell this by Children Act 1989 ss.17(1), 47(1)",
            "Ring your duty officer.",
        ),
        (
            Kind.transfer,
            (
                "agency.other (local authority) would be handed this by you, with the case, while enquiring into significant harm "
                "(section 47), for safeguarding: Child protection plan history, about the child."
            ),
            "You must hand this over by Children Act 2004 s.16LA",
            "Ring the duty officer of the hub that takes over.",
        ),
    ],
)
def test_what_is_told_of_ones_own_motion_is_spoken_of_as_what_it_is(disclosure, who, why, ring) -> None:
    said = holder_told(decide(telling(disclosure), teller(disclosure), NOW))
    assert (said.who_asks, said.ring) == (who, ring)
    assert said.why.startswith(why)
    assert said.why.endswith(OUTCOMES[Outcome.release])
    assert said.protects.startswith("What protects you: UK GDPR Art. 6(1)")


def test_a_bar_is_told_to_the_holder_in_its_own_words() -> None:
    said = holder_told(decide(telling(Kind.product, facts=OWN_MOTION - {Fact.owner_released}), teller(Kind.product), NOW))
    assert said.protects.startswith("Nothing protects you yet on bar: What a body told the hub stays that body's")
    assert said.why.endswith(OUTCOMES[Outcome.withhold])


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_and_every_outcome_has_words_even_after_an_error(stage) -> None:
    assert set(STAGES) == set(Stage) - {Stage.unknown}
    assert set(OUTCOMES) == set(Outcome) - {Outcome.unknown}
    assert all(told(stage=stage).lines)
    broken = holder_told(decide(question(discloser_kind=POLICE, stage=stage), pack_for(TRUST), NOW), RING)
    assert broken.why.startswith("Nothing lets you answer: The decision could not be made")
    assert all(broken.lines)
