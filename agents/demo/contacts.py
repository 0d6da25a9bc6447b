"""The first twelve contacts, each made to show one thing, and how all forty come round again with other people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agents.demo import contacts_course, contacts_lives, contacts_names
from agents.demo.family import CHILD, COLLEGE, CONSTABLE, MIDWIFE, MOTHER, NEIGHBOUR, PARTNER, SCHOOL, VISITOR, Family
from agents.demo.histories import Held, something
from agents.demo.people import UNTRACED, Town
from agents.demo.registers import AGENCIES
from agents.demo.scenes import Part, Scene, changed
from schemas.enums import Consent, NecessityReason, Openness, Para18Reason, Rag, Stage, SubjectRole


def _s47_red(town: Town) -> Scene:
    family, held = Family(town, (6, 10), clean=AGENCIES), list[Held]()
    partner = family.partner()
    for days, grade in ((40, "Medium"), (19, "High"), (6, "High")):
        held.append(something(town, partner, "pol.da_callouts_dash", (days, days), risk_grade=grade, children_present="Yes, upstairs"))
    held += [
        something(town, partner, "pol.crime_reports", (6, 20), offence="Common assault"),
        something(town, partner, "pol.pnc_convictions", (200, 600)),
    ]
    held += [something(town, family.child, "acute.ed_attendances", (days, days)) for days in (9, 51)]
    held.append(something(town, family.child, "pol.child_come_to_notice", (19, 19), reason="Present at domestic incident"))
    return Scene(
        name="s47_red",
        referrer=SCHOOL,
        words=f"{family.child.given_names} has a bruise along the jaw: Mum's boyfriend 'got angry again'. Afraid to go home.",
        parts=(*family.parts(), Part(role=PARTNER, relation="mother's partner, lives in the home", person=partner)),
        held=tuple(held),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="A fresh facial injury and a disclosure; what is known of the partner and of earlier injuries decides about tonight.",
    )


def _s17_amber(town: Town) -> Scene:
    family = Family(town, (3, 9))
    return Scene(
        name="s17_amber",
        referrer=VISITOR,
        words=f"Home cold, little food, {family.mother.given_names} low and behind with the rent. She wants help and knows I am calling.",
        parts=family.parts(),
        held=(
            something(town, family.child, "acute.ed_attendances", (20, 90)),
            something(town, family.child, "pol.child_come_to_notice", (30, 120), reason="Found alone at home"),
            something(town, family.mother, "pol.incidents", (15, 100)),
        ),
        stage=Stage.s17,
        rag=Rag.amber,
        reason=NecessityReason.assess_need,
        necessity="The assessment of need cannot say what support fits without knowing of earlier attendances and of calls to the address.",
        consents=changed(sharing=Consent.given, service=Consent.given, openness=Openness.informed, para18_reason=None),
    )


def _screening(town: Town) -> Scene:
    family = Family(town, (4, 12))
    child = town.change(replace(family.child, trace_status=UNTRACED))
    family.child = child
    return Scene(
        name="screening",
        referrer=NEIGHBOUR,
        words="There is shouting most evenings and the little one is often at the window late at night. I do not know if it is anything.",
        parts=family.parts(),
        held=(something(town, family.mother, "pol.incidents", (5, 60)), something(town, child, "acute.ed_attendances", (10, 80))),
        stage=Stage.screening,
        rag=Rag.amber,
        reason=NecessityReason.threshold_decision,
        necessity="One neighbour's call does not show whether a threshold is met; recent calls to the address would settle it.",
        consents=changed(openness=Openness.cannot_be_contacted, para18_reason=Para18Reason.not_reasonably_obtained),
    )


def _emergency(town: Town) -> Scene:
    family = Family(town, (1, 5))
    partner = family.partner()
    return Scene(
        name="emergency",
        referrer=CONSTABLE,
        words="Officers found the child alone; the mother may be with her partner, who threatens to take the child tonight.",
        parts=(*family.parts(), Part(role=PARTNER, relation="mother's partner", person=partner)),
        held=(
            something(town, partner, "pol.da_callouts_dash", (2, 12), risk_grade="High"),
            something(town, partner, "pol.custody", (2, 30)),
            something(town, family.child, "acute.ed_attendances", (4, 25)),
        ),
        stage=Stage.emergency,
        rag=Rag.red,
        reason=NecessityReason.immediate_danger,
        necessity="A threat to remove a small child tonight: where the child may safely sleep has to be decided within the hour.",
        consents=changed(openness=Openness.delays_protection),
        break_glass=True,
    )


def _only_dave(town: Town) -> Scene:
    family = Family(town, (7, 12))
    return Scene(
        name="only_dave",
        referrer=SCHOOL,
        words=f"{family.child.given_names} talks of 'Dave' who stays over and has a temper. We have no surname and no address for him.",
        parts=(
            *family.parts(),
            Part(role=PARTNER, relation="mother's partner", known_as="Dave"),
        ),
        held=(
            something(town, family.mother, "pol.da_callouts_dash", (10, 50)),
            something(town, family.child, "acute.ed_attendances", (12, 40)),
        ),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="An unnamed man with a temper stays there; calls and the child's injuries are the only way to know the risk.",
    )


def _twins(town: Town) -> Scene:
    family = Family(town, (13, 15), clean=AGENCIES)
    first, second = map(family.join, town.twins(family.home, family.mother.family_name, ages=(4, 9)))
    ambiguous = dict.fromkeys(AGENCIES, "ambiguous")
    return Scene(
        name="twins",
        referrer=SCHOOL,
        words=f"{first.given_names} has stopped eating at lunch and has marks on both wrists. A twin is in the parallel class.",
        parts=(
            Part(role=CHILD, relation="the child", person=first, expected=ambiguous),
            Part(role=SubjectRole.sibling, relation="twin", person=second, expected=ambiguous),
            Part(role=MOTHER, relation="mother", person=family.mother),
        ),
        held=(
            something(town, first, "acute.ed_attendances", (5, 40)),
            something(town, second, "acute.ed_attendances", (5, 40)),
            something(town, first, "pol.child_come_to_notice", (20, 60)),
            something(town, second, "pol.missing_episodes", (20, 60)),
        ),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="Marks on both wrists of a child who has stopped eating; earlier attendances would tell an accident from a pattern.",
    )


def _nobody_holds(town: Town) -> Scene:
    family = Family(town, (2, 6), among=())
    return Scene(
        name="nobody_holds",
        referrer=VISITOR,
        words="The family moved here last week from far away; their last health visitor rang to say that she was worried.",
        parts=family.parts(),
        held=(),
        stage=Stage.s47,
        rag=Rag.amber,
        reason=NecessityReason.significant_harm_suspected,
        necessity="A worry handed over by telephone about a family new here; what local services know decides how soon to visit.",
    )


def _nothing_held(town: Town) -> Scene:
    family = Family(town, (5, 11))
    return Scene(
        name="nothing_held",
        referrer=SCHOOL,
        words=f"{family.child.given_names} drew a frightening picture of home and would not talk about it afterwards.",
        parts=family.parts(),
        held=(),
        stage=Stage.s47,
        rag=Rag.amber,
        reason=NecessityReason.significant_harm_suspected,
        necessity="A drawing that suggests violence at home; the absence of calls and attendances would weigh as much as their presence.",
    )


def _openness_missing(town: Town) -> Scene:
    family = Family(town, (6, 12))
    return Scene(
        name="openness_missing",
        referrer=SCHOOL,
        words=f"{family.child.given_names} was collected twice by an adult who smelled strongly of alcohol, and flinched when called.",
        parts=family.parts(),
        held=(something(town, family.child, "acute.ed_attendances", (5, 60)), something(town, family.mother, "pol.incidents", (5, 60))),
        stage=Stage.s47,
        rag=Rag.amber,
        reason=NecessityReason.significant_harm_suspected,
        necessity="A child who flinches, collected by adults in drink; earlier injuries and calls decide whether enquiries go on.",
        consents=changed(openness=Openness.not_recorded),
    )


def _intelligence(town: Town) -> Scene:
    family = Family(town, (8, 14))
    partner = family.partner(town.home())
    return Scene(
        name="intelligence",
        referrer=CONSTABLE,
        words="Information that a man with a history of offences against children has moved in with a mother and her child.",
        parts=(*family.parts(), Part(role=PARTNER, relation="mother's new partner, said to have moved in", person=partner)),
        held=(
            something(town, partner, "pol.intelligence", (3, 40)),
            something(town, partner, "pol.warnings_markers", (60, 200)),
            something(town, partner, "pol.rso_mappa", (100, 250), category="Category 1", level="Level 2"),
            something(town, partner, "pol.civil_orders", (30, 200)),
            something(town, partner, "pol.custody", (100, 300)),
            something(town, partner, "pol.pnc_convictions", (300, 700)),
        ),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="A man who may pose a risk of sexual harm may live with the child; orders, registration, convictions settle it.",
    )


def _missing(town: Town) -> Scene:
    family = Family(town, (14, 15))
    held = [something(town, family.child, "pol.missing_episodes", (days, days)) for days in (4, 17, 33)]
    return Scene(
        name="missing",
        referrer=COLLEGE,
        words=f"{family.child.given_names} has been absent since Monday and was seen getting into an unknown car near the station.",
        parts=family.parts(),
        held=(*held, something(town, family.child, "acute.ed_attendances", (15, 18), presenting_complaint="Overdose", disposal="Admitted")),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="A child seen entering an unknown car; earlier missing episodes show where to look and whether it is exploitation.",
    )


def _expecting(town: Town) -> Scene:
    family = Family(town, (0, 1))
    return Scene(
        name="expecting",
        referrer=MIDWIFE,
        words=f"Booked late with her second; the baby at home, {family.child.given_names}, had a fracture she could not explain.",
        parts=family.parts(),
        held=(
            something(town, family.mother, "mat.booking_concerns", (10, 30), concern="Late booking"),
            something(town, family.child, "acute.injury_admissions", (12, 28), injury="Fracture of femur", explanation_given="None given"),
            something(town, family.mother, "pol.da_callouts_dash", (14, 50)),
        ),
        stage=Stage.s47,
        rag=Rag.red,
        reason=NecessityReason.significant_harm_suspected,
        necessity="An unexplained fracture in a baby and a late booking; the ward's and the police's records say how safe both are.",
    )


def _alone(scene: Callable[[Town], Scene]) -> Callable[[Town], tuple[Scene, ...]]:
    return lambda town: (scene(town),)


TEMPLATES: Final[tuple[Callable[[Town], tuple[Scene, ...]], ...]] = (
    *map(_alone, (_s47_red, _openness_missing, _screening, _emergency, _only_dave, _twins)),
    *map(_alone, (_nobody_holds, _nothing_held, _s17_amber, _intelligence, _missing, _expecting)),
    *map(_alone, contacts_course.URGENT),
    contacts_course.low_level,
    *map(_alone, (*contacts_lives.SCENES, *contacts_course.COURSES, *contacts_names.SCENES)),
)


def scenes(town: Town, contacts: int) -> list[Scene]:
    """That many contacts, in the order of the templates, round and round."""
    cast: list[Scene] = []
    while len(cast) < contacts:
        for template in TEMPLATES:
            cast += template(town)
            if len(cast) >= contacts:
                break
    return cast[:contacts]
