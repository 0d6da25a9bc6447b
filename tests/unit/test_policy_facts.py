"""What a request says of itself, as facts, and the question each side asks its own ladder."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from policy_support import ASKED, COUNCIL, HUB, NOW, POLICE, TRUST, agreement_text, pack_for, party_of, request

from policies.categories import CONCERN
from policies.decision import decide
from policies.facts import SKEW, controller_facts, question_of, request_facts
from policies.vocabulary import Fact
from schemas.enums import Consent, Kind, NecessityReason, Openness, Outcome, Para18Reason, Purpose, Stage
from schemas.identifiers import CategoryId, SubjectRef
from schemas.records import Necessity, Question, RequesterBasis

OFFICER = request().officer
CONSENTS = request().consents


def necessity(reason: NecessityReason, text: str = "Seen by the school nurse this morning.") -> Necessity:
    return Necessity(reason=reason, text=text)


def test_a_request_in_order_states_all_that_a_request_can() -> None:
    assert request_facts(request(), now=NOW) == (ASKED - {Fact.relation_stated}) | {Fact.para18_prejudices_protection}


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"officer": replace(OFFICER, id="unknown")}, Fact.stage_set_by_named_officer),
        ({"officer": replace(OFFICER, role=" - ")}, Fact.stage_set_by_named_officer),
        ({"decided_at": NOW + SKEW + timedelta(seconds=1)}, Fact.stage_set_by_named_officer),
        ({"necessity": necessity(NecessityReason.assess_need)}, Fact.reason_fits_stage),
        ({"stage": Stage.unknown}, Fact.reason_fits_stage),
        ({"consents": replace(CONSENTS, openness=Openness.not_recorded)}, Fact.openness_recorded),
        ({"necessity": necessity(NecessityReason.significant_harm_suspected, " n/a ")}, Fact.necessity_stated),
        ({"requester_basis": replace(request().requester_basis, citation="not known")}, Fact.requester_task_stated),
        ({"consents": replace(CONSENTS, para18_reason=None)}, Fact.para18_prejudices_protection),
    ],
)
def test_what_is_not_said_is_no_fact(changes, missing) -> None:
    assert missing in request_facts(request(), now=NOW)
    assert missing not in request_facts(request(**changes), now=NOW)


def test_clocks_may_differ_a_little() -> None:
    assert Fact.stage_set_by_named_officer in request_facts(request(decided_at=NOW + SKEW), now=NOW)


@pytest.mark.parametrize(
    ("reason", "fact"),
    [
        (Para18Reason.cannot_be_given, Fact.para18_cannot_be_given),
        (Para18Reason.not_reasonably_obtained, Fact.para18_not_reasonably_obtained),
        (Para18Reason.prejudices_protection, Fact.para18_prejudices_protection),
    ],
)
def test_exactly_one_reason_under_paragraph_18(reason, fact) -> None:
    found = request_facts(request(consents=replace(CONSENTS, para18_reason=reason)), now=NOW)
    assert {each for each in found if each.startswith("para18")} == {fact}


@pytest.mark.parametrize("sharing", list(Consent))
def test_only_consent_to_sharing_is_consent(sharing) -> None:
    consents = replace(CONSENTS, sharing=sharing, service=Consent.given, treatment=Consent.given)
    assert (Fact.consent_sharing_given in request_facts(request(consents=consents), now=NOW)) is (sharing is Consent.given)


@pytest.mark.parametrize(
    ("stage", "reason", "fits"),
    [
        (Stage.screening, NecessityReason.threshold_decision, True),
        (Stage.screening, NecessityReason.plan_services, False),
        (Stage.early_help, NecessityReason.assess_need, True),
        (Stage.early_help, NecessityReason.significant_harm_suspected, False),
        (Stage.s17, NecessityReason.plan_services, True),
        (Stage.s17, NecessityReason.significant_harm_suspected, False),
        (Stage.s47, NecessityReason.significant_harm_suspected, True),
        (Stage.s47, NecessityReason.threshold_decision, False),
        (Stage.emergency, NecessityReason.immediate_danger, True),
        (Stage.emergency, NecessityReason.assess_need, False),
    ],
)
def test_the_reason_must_fit_the_stage(stage, reason, fits) -> None:
    found = request_facts(request(stage=stage, necessity=necessity(reason)), now=NOW)
    assert (Fact.reason_fits_stage in found) is fits


def test_glass_breaks_only_in_an_emergency() -> None:
    assert Fact.break_glass not in request_facts(request(break_glass=True), now=NOW)
    assert Fact.break_glass in request_facts(request(break_glass=True, stage=Stage.emergency), now=NOW)


@pytest.mark.parametrize(
    ("purpose", "openness", "sharing", "holds"),
    [
        (Purpose.crime_and_disorder, Openness.prejudices_enquiry, Consent.not_sought, True),
        (Purpose.crime_and_disorder, Openness.prejudices_enquiry, Consent.given, False),
        (Purpose.crime_and_disorder, Openness.increases_risk, Consent.not_sought, False),
        (Purpose.crime_and_disorder, Openness.informed, Consent.refused, False),
        (Purpose.safeguarding, Openness.prejudices_enquiry, Consent.not_sought, False),
    ],
)
def test_whoever_may_not_be_told_of_an_enquiry_against_crime_cannot_be_asked_for_consent(purpose, openness, sharing, holds) -> None:
    consents = replace(CONSENTS, openness=openness, sharing=sharing)
    found = request_facts(request(purpose=purpose, consents=consents), now=NOW)
    assert (Fact.consent_prejudices_purpose in found) is holds


def asked(subject: str, disclosure: Kind, **changes: object):
    question = Question(
        subject_ref=SubjectRef(subject), category=CategoryId("acute.ed_attendances"), since=date(2026, 1, 1), until=date(2026, 11, 24)
    )
    return question_of(
        request(**changes), question, disclosure=disclosure, hub_kind=COUNCIL, agency_kind=TRUST, facts=frozenset({Fact.match_confirmed})
    )


def test_the_agency_answers_the_hub() -> None:
    made = asked("s1", Kind.response)
    assert (made.discloser, made.discloser_kind) == (party_of(TRUST), TRUST)
    assert (made.recipient, made.recipient_kind) == (HUB, COUNCIL)
    assert made.category == "acute.ed_attendances"
    assert made.facts == {Fact.match_confirmed, Fact.relation_stated}


def test_the_hub_discloses_its_concern_when_it_asks() -> None:
    made = asked("s1", Kind.request)
    assert (made.discloser, made.recipient, made.category) == (HUB, party_of(TRUST), CONCERN)
    assert Fact.public_interest_recorded in made.facts
    assert Fact.public_interest_recorded not in asked("s1", Kind.request, consents=replace(CONSENTS, para18_reason=None)).facts


def test_an_adults_relation_to_the_child_is_stated_person_by_person() -> None:
    assert Fact.relation_stated in asked("s2", Kind.response).facts
    subjects = (request().subjects[0], replace(request().subjects[1], relation_to_child="Unknown"))
    assert Fact.relation_stated not in asked("s2", Kind.response, subjects=subjects).facts
    assert Fact.relation_stated in asked("s1", Kind.response, subjects=subjects).facts


def test_a_whole_request_climbs_on_both_sides() -> None:
    stated = request_facts(request(), now=NOW)
    question = request().questions[0]
    for disclosure, kind, facts in ((Kind.request, COUNCIL, stated), (Kind.response, TRUST, stated | {Fact.match_confirmed})):
        made = question_of(request(), question, disclosure=disclosure, hub_kind=COUNCIL, agency_kind=TRUST, facts=facts)
        assert decide(made, pack_for(kind, agreement=agreement_text(TRUST)), NOW).outcome is Outcome.release


def test_what_a_controller_says_of_itself() -> None:
    said = {Fact.own_task, Fact.official_authority, Fact.relevant_person, Fact.interests_balanced}
    assert controller_facts(pack_for(POLICE)) == said
    silent = pack_for(TRUST, own_task=False, official_authority=False, relevant_person=False, interests=False)
    assert controller_facts(silent) == frozenset()


def test_a_request_under_section_16h_says_so_in_its_citation() -> None:
    basis = RequesterBasis(task="Functions of the partnership", citation="Children Act 2004 s.16H(1)")
    assert Fact.partnership_request in request_facts(request(requester_basis=basis), now=NOW)
    assert Fact.partnership_request not in request_facts(request(), now=NOW)
