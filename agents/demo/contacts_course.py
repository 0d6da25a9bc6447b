"""Contacts whose course is what they show: urgent ones, three about one household, and those that go another way afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta
from typing import Final

from agents.demo.family import CHILD, COLLEGE, LANDLORD, MOTHER, NEIGHBOUR, PARTNER, SCHOOL, VISITOR, WARD, Family
from agents.demo.histories import Held, something
from agents.demo.people import Person, Town
from agents.demo.scenes import Later, Part, Scene, changed, last_friday
from schemas.enums import Consent, NecessityReason, Openness, Para18Reason, Purpose, Rag, Stage, SubjectRole

AGREED: Final = changed(sharing=Consent.given, service=Consent.given, openness=Openness.informed, para18_reason=None)


def _friday_dave(town: Town) -> Scene:
    family = Family(town, (5, 9))
    return Scene(
        name="friday_dave",
        referrer=SCHOOL,
        words=f"{family.child.given_names} begged not to be sent home for the weekend: 'Dave' will be there. Nobody knows his surname.",
        parts=(*family.parts(), Part(role=PARTNER, relation="mother's partner", known_as="Dave")),
        held=(
            something(town, family.mother, "pol.da_callouts_dash", (8, 40), risk_grade="High", children_present="Yes"),
            something(town, family.child, "edu.dsl_concerns", (4, 20), "schools", kind="Disclosure"),
            something(town, family.child, "csc.contacts_referrals", (30, 90), reason="Domestic abuse"),
            something(town, family.child, "gp.consultation_summary", (9, 30), reason="Injury"),
        ),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="It is Friday half past four and the child goes home at five to a man nobody can name; who holds what decides tonight.",
        came=last_friday(town),
    )


def _visited_before(town: Town, person: Person) -> Held:
    """The same damp, more than a year ago: the system of that time has it."""
    told = {
        "visited_for": "Repair",
        "hazard": "Damp and mould",
        "condition": "Mould on the wall beside the cot; the window does not close.",
    }
    return Held(agency="housing", category="hou.property_condition", person=person, at=town.today - timedelta(days=480), fields=told)


def _needs(town: Town) -> Scene:
    family = Family(town, (3, 8), council=True)
    return Scene(
        name="needs",
        referrer=VISITOR,
        words=f"{family.mother.given_names} asked me for help: two jobs, damp flat, the little one not talking yet. She agrees to checks.",
        parts=family.parts(),
        held=(
            something(town, family.child, "gp.was_not_brought", (20, 80), appointment_with="Speech and language therapy"),
            something(town, family.mother, "hou.property_condition", (15, 60), hazard="Damp and mould"),
            _visited_before(town, family.mother),
            something(town, family.mother, "hou.rent_arrears", (10, 40), band="£500 to £2,000"),
            something(town, family.child, "csc.contacts_referrals", (100, 300), outcome="Early help offered"),
        ),
        stage=Stage.s17,
        rag=Rag.amber,
        reason=NecessityReason.plan_services,
        necessity="Housing, health and nursery each see a part of what this family needs; a plan of services has to start from all three.",
        consents=AGREED,
        purpose=Purpose.promoting_welfare,
    )


def _emergency_ward(town: Town) -> Scene:
    family = Family(town, (0, 0))
    partner = family.partner(on_probation=True)
    return Scene(
        name="emergency_ward",
        referrer=WARD,
        words=f"{family.child.given_names}, a baby, has bleeding behind both eyes. A man rang to say he is coming to fetch the child now.",
        parts=(*family.parts(), Part(role=PARTNER, relation="mother's partner, lives in the home", person=partner)),
        held=(
            something(town, family.child, "acute.ed_attendances", (12, 25), diagnosis="None recorded"),
            something(town, partner, "prob.risk_of_serious_harm", (20, 90), level="High", towards="Children"),
            something(town, partner, "pol.pnc_convictions", (300, 900)),
        ),
        stage=Stage.emergency,
        rag=Rag.red,
        reason=NecessityReason.immediate_danger,
        necessity="An injured baby may be taken from the ward within the hour; whether he is a danger must be known before.",
        consents=changed(openness=Openness.delays_protection),
        break_glass=True,
    )


def low_level(town: Town) -> tuple[Scene, ...]:
    """Three small worries about one household, weeks apart, from three people who do not know of each other."""
    family = Family(town, (6, 9), council=True)
    sibling = family.join(town.child(family.home, family.mother.family_name, ages=(2, 4)))
    parts = (*family.parts(numbered=False), Part(role=SubjectRole.sibling, relation="younger sibling", person=sibling))
    held = (
        something(town, family.child, "edu.dsl_concerns", (5, 30), "schools", kind="Appearance"),
        something(town, family.child, "csc.contacts_referrals", (200, 500), outcome="Advice given"),
        something(town, sibling, "gp.was_not_brought", (10, 60)),
    )
    first = Scene(
        name="low_level_1",
        referrer=SCHOOL,
        words=f"{family.child.given_names} has been late most days and tired. It may be nothing.",
        parts=parts,
        held=held,
        stage=Stage.screening,
        rag=Rag.green,
        reason=NecessityReason.threshold_decision,
        necessity="Lateness alone is no threshold; whether any other service has noticed these two children would tell.",
        consents=changed(openness=Openness.cannot_be_contacted, para18_reason=Para18Reason.not_reasonably_obtained),
        came=(16, time(11, 5)),
    )
    second = replace(
        first,
        name="low_level_2",
        referrer=LANDLORD,
        words="Our gas engineer found no heating on and two children in coats at the table. We have left a card.",
        held=(),
        necessity="A cold home with small children in it, seen once by an engineer; earlier visits of others would show whether it lasts.",
        came=(8, time(15, 40)),
    )
    third = replace(
        first,
        name="low_level_3",
        referrer=NEIGHBOUR,
        words="The boy and the little girl were on the stairs again last night, alone, past eleven. Somebody ought to look.",
        held=(),
        rag=Rag.amber,
        necessity="The third small worry about this household in three weeks; together they may meet a threshold that none meets alone.",
        came=(1, time(9, 20)),
    )
    return first, second, third


def _open_case(town: Town) -> Scene:
    family = Family(town, (7, 13))
    return Scene(
        name="open_case",
        referrer=SCHOOL,
        words=f"{family.child.given_names} came without a coat again; I know that a social worker visits, but not who.",
        parts=family.parts(),
        held=(
            something(town, family.child, "csc.cin_plan", (60, 120), status="Open"),
            something(town, family.child, "csc.assessments", (130, 200), outcome="Child in need plan"),
        ),
        stage=Stage.s17,
        rag=Rag.green,
        reason=NecessityReason.assess_need,
        necessity="The child has a social worker already, who should have this; only whether the plan is still open needs to be known.",
        consents=changed(openness=Openness.informed, para18_reason=Para18Reason.not_reasonably_obtained),
    )


def _wrong_person(town: Town) -> Scene:
    """Two children of one name and birthday, and a number that went onto the other's record: the search finds the wrong one."""
    family = Family(town, (5, 12), among=("csc", "police", "gp", "schools"))
    other = family.join(town.another(replace(family.child, home=town.home())))
    town.known[family.child.serial]["trust"] = ()
    town.known[other.serial] = {**dict.fromkeys(town.known[other.serial], ()), "trust": (frozenset(),)}
    town.misfiled[other.serial, "trust"] = family.child.nhs_number
    child, mother = family.parts()
    return Scene(
        name="wrong_person",
        referrer=SCHOOL,
        words=f"{family.child.given_names} has a burn on the forearm and two stories about it. Mum says they were never at hospital.",
        parts=(replace(child, wrong=("trust",)), mother),
        held=(
            something(town, other, "acute.ed_attendances", (15, 60), presenting_complaint="Burn or scald"),
            something(town, family.child, "edu.dsl_concerns", (5, 20), "schools", kind="Appearance"),
        ),
        stage=Stage.s47,
        rag=Rag.amber,
        reason=NecessityReason.significant_harm_suspected,
        necessity="Two accounts of one burn; whether it was treated, and what was said then, decides if enquiries have to begin.",
        later=(Later(event="correct", agency="trust", after_minutes=190, reason="wrong_person"),),
    )


def _withdrawn(town: Town) -> Scene:
    family = Family(town, (10, 14))
    return Scene(
        name="withdrawn",
        referrer=COLLEGE,
        words=f"We believe {family.child.given_names} was driven off by an adult after school. Checking with the family in parallel.",
        parts=family.parts(),
        held=(something(town, family.child, "pol.missing_episodes", (30, 200)),),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="A child taken by car from the gate; earlier episodes and known adults would say whether the child is in danger.",
        later=(Later(event="withdraw", after_minutes=35, reason="It was an aunt, with the mother's knowledge; nothing more is needed."),),
    )


def _late_then_revised(town: Town) -> Scene:
    family = Family(town, (2, 6), clean=("police", "trust", "gp"))
    return Scene(
        name="late_then_revised",
        referrer=VISITOR,
        words=f"{family.child.given_names} has lost weight since spring; bruises of different ages on the back, 'from the stairs'.",
        parts=family.parts(),
        held=(
            something(town, family.child, "gp.was_not_brought", (20, 60)),
            something(town, family.child, "gp.consultation_summary", (15, 40), reason="Injury"),
            something(town, family.child, "acute.injury_admissions", (60, 200)),
        ),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="Bruises of different ages on a small child who loses weight; what doctors have seen decides about a medical today.",
        later=(
            Later(event="late", agency="gp", after_minutes=300, reason="The practice's duty doctor was out on visits."),
            Later(event="revise", agency="gp", after_minutes=420, reason="A letter from outpatients had been filed without a code."),
        ),
    )


def _screening_only(town: Town) -> Scene:
    """The referrer asks for section 47 by name; nothing shows it, so the question stays a screening question."""
    family = Family(town, (4, 11))
    return Scene(
        name="screening_only",
        referrer=NEIGHBOUR,
        words="I demand a section 47 investigation. Their music is always on and the children run about in the yard.",
        parts=family.parts(numbered=False),
        held=(something(town, family.mother, "pol.incidents", (20, 90), kind="Neighbour dispute"),),
        stage=Stage.screening,
        rag=Rag.amber,
        reason=NecessityReason.threshold_decision,
        necessity="A neighbour quarrels and calls it abuse; only whether anything else is known can tell if a threshold is met at all.",
        consents=changed(openness=Openness.cannot_be_contacted, para18_reason=Para18Reason.not_reasonably_obtained),
    )


def _early_help(town: Town) -> Scene:
    family = Family(town, (8, 14), council=True)
    return Scene(
        name="early_help",
        referrer=SCHOOL,
        words=f"{family.child.given_names} misses every other Monday. Dad left in May; Mum would welcome somebody to talk to.",
        parts=(Part(role=CHILD, relation="the child", person=family.child), Part(role=MOTHER, relation="mother", person=family.mother)),
        held=(something(town, family.mother, "hou.rent_arrears", (20, 90), band="Under £500"),),
        stage=Stage.early_help,
        rag=Rag.green,
        reason=NecessityReason.plan_services,
        necessity="The family asks for help with attendance; school and housing together can say which service would fit first.",
        consents=AGREED,
        purpose=Purpose.promoting_welfare,
    )


Template = Callable[[Town], Scene]
URGENT: Final[tuple[Template, ...]] = (_friday_dave, _needs, _emergency_ward)
COURSES: Final[tuple[Template, ...]] = (_open_case, _wrong_person, _withdrawn, _late_then_revised, _screening_only, _early_help)
