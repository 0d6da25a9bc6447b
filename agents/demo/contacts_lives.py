"""Contacts about the ways children live: not yet born, between two homes, in care, adopted, in hiding, with others than their parents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from agents.demo.family import CHILD, COLLEGE, CONSTABLE, COUNCIL, MIDWIFE, MOTHER, PARTNER, SCHOOL, VISITOR, Family
from agents.demo.histories import something
from agents.demo.people import Care, Town
from agents.demo.scenes import Part, Scene, at_home, changed
from schemas.enums import NecessityReason, Openness, Rag, Sex, Stage, SubjectRole

SIBLING: Final = SubjectRole.sibling


def _unborn(town: Town) -> Scene:
    family = Family(town, (2, 4), clean=("police", "trust", "gp"))
    due_on = town.today + timedelta(days=70)
    mother = town.change(replace(family.mother, due_on=due_on))
    return Scene(
        name="unborn",
        referrer=MIDWIFE,
        words="Booked at 29 weeks. Her last child lives with a grandmother; she says that the father of this one must not know.",
        parts=(
            Part(role=SubjectRole.unborn, relation="the unborn child", due_on=due_on, known_as=f"Baby {mother.family_name}"),
            Part(role=MOTHER, relation="mother", person=mother, numbered=True),
        ),
        held=(
            something(town, mother, "mat.booking_concerns", (5, 12), concern="Late booking", gestation_weeks="29"),
            something(town, mother, "pol.da_callouts_dash", (20, 60), risk_grade="High"),
            something(town, mother, "gp.parental_mh_substance", (30, 200), condition="Depression"),
        ),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="A child will be born into a home with violence; what is known of the mother's safety sets the plan before the birth.",
    )


def _two_boroughs(town: Town) -> Scene:
    """Half the week here, half with a father in the next borough, whose council has a plan of its own."""
    family = Family(town, (6, 11))
    father_home = town.home(council=False)
    father = family.partner(father_home)
    child, mother = family.parts()
    return Scene(
        name="two_boroughs",
        referrer=COUNCIL,
        words=f"{family.child.given_names} is on our plan and spends Sunday to Wednesday with Mum on your side. We hear of shouting.",
        parts=(
            replace(child, said=at_home(family.home, father_home)),
            mother,
            Part(role=MOTHER, relation="father, lives in the next borough", person=father),
        ),
        held=(
            something(town, family.child, "csc.cp_plan_history", (60, 200), council="Next Borough Council"),
            something(town, family.mother, "pol.incidents", (10, 50)),
        ),
        stage=Stage.s47,
        rag=Rag.amber,
        reason=NecessityReason.significant_harm_suspected,
        necessity="Two councils each see half of this child's week; calls and attendances on this side complete the other's plan.",
    )


def _sibling_in_care(town: Town) -> Scene:
    family = Family(town, (4, 7))
    placement = town.home(council=False)
    elder = town.child(placement, family.mother.family_name, ages=(10, 14))
    elder = family.join(town.change(replace(elder, care=Care.fostered, protected=True, former_homes=(family.home,))))
    return Scene(
        name="sibling_in_care",
        referrer=SCHOOL,
        words=f"{family.child.given_names} says that a big sister was taken away and that it will be the same again now.",
        parts=(*family.parts(), Part(role=SIBLING, relation="elder sibling, in foster care", person=elder, said=at_home(family.home))),
        held=(
            something(town, elder, "csc.lac_status_legal", (200, 600), status="Looked after", legal_status="Full care order"),
            something(town, elder, "csc.section47_history", (610, 700), category_of_harm="Physical abuse"),
            something(town, family.child, "edu.dsl_concerns", (3, 20), "schools", kind="Disclosure"),
        ),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="Why the elder child was removed is the best evidence of what this one may be suffering in the same home now.",
        never=(placement.postcode, placement.line),
    )


def _adopted(town: Town) -> Scene:
    """A new name and number; the life before is on file, and no answer may join the two."""
    family = Family(town, (7, 11))
    child = town.change(replace(family.child, care=Care.adopted))
    birth_home = town.home()
    birth_mother = family.join(town.adult(birth_home, sex=Sex.female, ages=(26, 38)))
    before = town.another(replace(child, family_name=birth_mother.family_name, given_names="Kaydence Rae", home=birth_home, care=None))
    family.join(before)
    return Scene(
        name="adopted",
        referrer=SCHOOL,
        words=f"{child.given_names} asked a teacher whether 'the other mum' can find the house, and has not slept since.",
        parts=(
            Part(role=CHILD, relation="the child", person=child, numbered=True),
            Part(role=MOTHER, relation="mother", person=family.mother),
        ),
        held=(
            something(town, child, "csc.adoption", (900, 1500)),
            something(town, before, "csc.section47_history", (1600, 2000)),
            something(town, before, "acute.injury_admissions", (1600, 2000), explanation_given="Kaydence fell downstairs"),
        ),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="The child fears to be found and does not sleep; whether there has been any contact or call decides what keeps it safe.",
        never=("Kaydence", birth_home.postcode, str(before.nhs_number)),
    )


def _safe_address(town: Town) -> Scene:
    """They fled; the contact has only the old address, and the man who lives there asks questions."""
    left = town.home(council=True)
    family = Family(town, (4, 9), council=True)
    child, mother = (town.change(replace(each, protected=True, former_homes=(left,))) for each in (family.child, family.mother))
    partner = family.partner(left)
    return Scene(
        name="safe_address",
        referrer=SCHOOL,
        words=f"A man came to ask which way {child.given_names} walks home now. The family moved in a hurry in June.",
        parts=(
            Part(role=CHILD, relation="the child", person=child, numbered=True, said=at_home(left)),
            Part(role=MOTHER, relation="mother", person=mother, said=at_home(left)),
            Part(role=PARTNER, relation="mother's former partner", person=partner),
        ),
        held=(
            something(town, mother, "hou.domestic_abuse_move", (140, 170)),
            something(town, partner, "pol.civil_orders", (100, 160), order="Non-molestation order"),
            something(town, mother, "pol.da_callouts_dash", (150, 200), risk_grade="High"),
        ),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="A violent man looks for a family in hiding; orders and earlier calls decide how the way to school is made safe.",
        never=(family.home.postcode, family.home.line),
    )


def _kinship(town: Town) -> Scene:
    family = Family(town, (5, 10))
    grandmother_home = town.home()
    grandmother = family.join(town.adult(grandmother_home, family.mother.family_name, Sex.female, ages=(50, 62)))
    child = town.change(replace(family.child, home=grandmother_home, care=Care.kinship, former_homes=(family.home,)))
    family.join(child)
    return Scene(
        name="kinship",
        referrer=VISITOR,
        words=f"{child.given_names} lives with a grandmother under a special guardianship order; the mother turns up at night and shouts.",
        parts=(
            Part(role=CHILD, relation="the child", person=child, numbered=True),
            Part(role=MOTHER, relation="grandmother, special guardian", person=grandmother),
            Part(role=PARTNER, relation="mother, lives elsewhere", person=family.mother),
        ),
        held=(
            something(town, family.mother, "pol.incidents", (3, 30), kind="Disturbance at address"),
            something(town, child, "csc.family_network", (100, 300), name="Maternal grandmother"),
        ),
        stage=Stage.s47,
        rag=Rag.amber,
        reason=NecessityReason.significant_harm_suspected,
        necessity="Visits at night frighten a child who was placed for safety; calls to both addresses show how often it happens.",
    )


def _asylum_age(town: Town) -> Scene:
    """1 January, because nobody knows; the year is disputed, and another record says another."""
    family = Family(town, (15, 16), name="Rahimi", among=("csc", "police", "gp", "trust"), clean=())
    born_on = date(town.today.year - 16, 1, 1)
    child = town.change(replace(family.child, born_on=born_on, care=Care.unaccompanied))
    carer = town.adult(child.home, sex=Sex.female, ages=(45, 60))
    family.join(carer)
    return Scene(
        name="asylum_age",
        referrer=COLLEGE,
        words=f"{child.given_names} gets messages from men who want money back. Came alone last year; says sixteen, papers say otherwise.",
        parts=(
            Part(role=CHILD, relation="the child", person=child),
            Part(role=SubjectRole.household_adult, relation="supported lodgings carer", person=carer),
        ),
        held=(something(town, child, "csc.lac_status_legal", (90, 300), status="Looked after", legal_status="Accommodated under s.20"),),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="Debts and threats point to trafficking of a child alone here; anything known of those men or of absences matters now.",
        consents=changed(openness=Openness.increases_risk),
    )


def _fostered(town: Town) -> Scene:
    """Placed here by another council: the child's name is not the carers', and older records have the parents' address."""
    family = Family(town, (8, 13), council=False)
    parents = town.home()
    child = town.change(replace(family.child, family_name="Lindqvist", care=Care.fostered, former_homes=(parents,)))
    return Scene(
        name="fostered",
        referrer=SCHOOL,
        words=f"{child.given_names} returned from contact with marks on the neck and would not say whose hands they were.",
        parts=(
            Part(role=CHILD, relation="the child", person=child, numbered=True),
            Part(role=SubjectRole.household_adult, relation="foster carer", person=family.mother),
        ),
        held=(
            something(town, child, "csc.lac_status_legal", (100, 300), status="Looked after", legal_status="Interim care order"),
            something(town, child, "acute.ed_attendances", (2, 20)),
        ),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="Marks on the neck after contact; earlier injuries and what police know of the family decide about the next visit.",
    )


def _step_family(town: Town) -> Scene:
    """Three children, three surnames, one home."""
    family = Family(town, (9, 12))
    partner = family.partner(on_probation=True)
    middle = family.join(town.child(family.home, "Okafor", ages=(5, 7)))
    youngest = family.join(town.child(family.home, f"{family.mother.family_name}-{partner.family_name}", ages=(0, 2)))
    return Scene(
        name="step_family",
        referrer=CONSTABLE,
        words="Called to a loud argument; three children in one bed with the door wedged from inside. The eldest had a cut lip.",
        parts=(
            *family.parts(),
            Part(role=SIBLING, relation="half-sibling", person=middle),
            Part(role=SIBLING, relation="half-sibling", person=youngest),
            Part(role=PARTNER, relation="mother's partner, father of the youngest", person=partner),
        ),
        held=(
            something(town, partner, "pol.da_callouts_dash", (10, 60), risk_grade="Medium", children_present="Yes"),
            something(town, partner, "prob.licence_conditions", (100, 300), condition="Not to contact the victim"),
            something(town, middle, "edu.dsl_concerns", (10, 40), "schools"),
        ),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="Three children hide from an adult at night and one is hurt; what is known of him and of each child decides tonight.",
    )


SCENES: Final[tuple[Callable[[Town], Scene], ...]] = (
    *(_unborn, _two_boroughs, _sibling_in_care, _adopted, _safe_address),
    *(_kinship, _asylum_age, _fostered, _step_family),
)
