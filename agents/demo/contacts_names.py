"""Contacts in which finding the right person is hard: names, births and addresses that differ between those who write them down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agents.demo.family import CHILD, COLLEGE, MOTHER, SCHOOL, VISITOR, Family
from agents.demo.histories import Held, something
from agents.demo.people import Dirt, Person, Town
from agents.demo.scenes import Part, Scene
from schemas.enums import NecessityReason, Rag, Sex, Stage, SubjectRole


def _scene(name: str, referrer: tuple[str, str, str], words: str, parts: tuple[Part, ...], held: tuple[Held, ...], necessity: str) -> Scene:
    return Scene(
        name=name,
        referrer=referrer,
        words=words,
        parts=parts,
        held=held,
        stage=Stage.s47,
        rag=Rag.amber,
        reason=NecessityReason.significant_harm_suspected,
        necessity=necessity,
    )


def _dirty(town: Town, person: Person, *dirt: Dirt) -> Person:
    """Every agency that knows the person has the same thing wrong."""
    return town.know(person, [agency for agency, records in town.known[person.serial].items() if records], *dirt)


def _parts(child: Person, mother: Person) -> tuple[Part, Part]:
    """Without a number: there is nothing to go by but what is written down."""
    return Part(role=CHILD, relation="the child", person=child), Part(role=MOTHER, relation="mother", person=mother)


def _transliterated(town: Town) -> Scene:
    family = Family(town, (6, 12), name="Hussain")
    child = town.change(replace(family.child, given_names="Muhammad"))
    _dirty(town, child, Dirt.name_variant)
    return _scene(
        "transliterated",
        SCHOOL,
        "Muhammad has cuts on both palms, and his cousin in the year above says that it is done with a ruler.",
        _parts(child, family.mother),
        (something(town, child, "acute.ed_attendances", (10, 60)), something(town, child, "edu.dsl_concerns", (3, 20), "schools")),
        "Cuts that a cousin explains as a punishment; the register, the surgery and the ward may each spell the boy another way.",
    )


def _patronymic(town: Town) -> Scene:
    """The child's last name is the father's first; mother, father and child share none."""
    family = Family(town, (5, 10))
    father = town.change(replace(family.partner(), given_names="Tesfay"))
    child = town.change(replace(family.child, family_name="Tesfay"))
    return _scene(
        "patronymic",
        VISITOR,
        f"{child.given_names} flinches from the father's voice. Nobody in the family bears the same last name, so I give all three.",
        (*_parts(child, family.mother), Part(role=MOTHER, relation="father", person=father)),
        (something(town, father, "pol.incidents", (10, 90)), something(town, child, "gp.consultation_summary", (10, 60))),
        "A child afraid of its father's voice; records of the three are under three names and have to be looked for one by one.",
    )


def _name_change(town: Town) -> Scene:
    """She married; half the agencies have not heard of it."""
    family = Family(town, (3, 8))
    mother = town.change(replace(family.mother, family_name="Ashworth", former_names=(family.mother.family_name,)))
    town.know(mother, ("police", "csc", "gp"), Dirt.former_name)
    return _scene(
        "name_change",
        SCHOOL,
        f"{family.child.given_names} was brought by a man the office did not know. The mother has a new name since the summer.",
        _parts(family.child, mother),
        (something(town, mother, "pol.da_callouts_dash", (200, 400)), something(town, family.child, "csc.contacts_referrals", (200, 500))),
        "Who the man is and whether she is safe may stand in records under the name she had before; both children need it settled.",
    )


def _moved(town: Town) -> Scene:
    """They moved twice; each agency is as far behind as it is."""
    family = Family(town, (7, 13))
    left = (town.home(), town.home())
    child, mother = (town.change(replace(each, former_homes=left)) for each in (family.child, family.mother))
    for each in (child, mother):
        _dirty(town, each, Dirt.stale_address)
    return _scene(
        "moved",
        SCHOOL,
        f"{child.given_names} is in the third school this year and has stopped speaking. They moved again at half-term.",
        _parts(child, mother),
        (something(town, child, "acute.ed_attendances", (40, 200)), something(town, mother, "pol.incidents", (60, 300))),
        "A child who has fallen silent in a family that moves on whenever somebody asks; earlier addresses hold what is known.",
    )


def _same_name(town: Town) -> Scene:
    """Father and son are both called this, and live at one address."""
    family = Family(town, (9, 14))
    father = family.partner()
    father = town.change(replace(father, given_names="Joseph Aidan"))
    child = town.change(replace(family.child, family_name=father.family_name, given_names="Joseph Aidan"))
    return _scene(
        "same_name",
        COLLEGE,
        "Joseph says his dad 'has been inside for what he did to me'. His dad is Joseph too, and the letters get mixed up at home.",
        (
            Part(role=CHILD, relation="the child", person=child, numbered=True),
            Part(role=SubjectRole.household_adult, relation="father", person=father),
        ),
        (something(town, father, "pol.pnc_convictions", (900, 2000)), something(town, child, "pol.child_come_to_notice", (30, 300))),
        "What the father did and what the son suffered must not change places: both records are needed, each for the right one.",
    )


def _duplicates(town: Town) -> Scene:
    """The child stands twice in three systems, once with what the ward knows and once with what the clinic knows."""
    family = Family(town, (2, 5))
    twice = (frozenset[Dirt](), frozenset({Dirt.duplicate}))
    town.known[family.child.serial] |= dict.fromkeys(("trust", "police", "csc"), twice)
    return _scene(
        "duplicates",
        VISITOR,
        f"{family.child.given_names} has been to two hospitals and three surgeries that I know of, under one name and two numbers.",
        _parts(family.child, family.mother),
        tuple(something(town, family.child, "acute.ed_attendances", (days, days)) for days in (12, 33, 71, 95)),
        "Injuries shown to a different doctor each time; only all records of this child side by side show how many there are.",
    )


def _swapped_day(town: Town) -> Scene:
    family = Family(town, (6, 12))
    child = town.change(replace(family.child, born_on=family.child.born_on.replace(month=4, day=9)))
    _dirty(town, child, Dirt.swapped_date)
    town.know(child, ("gp",))
    grandmother = family.join(town.adult(family.home, sex=Sex.female, ages=(50, 70)))
    return _scene(
        "swapped_day",
        SCHOOL,
        f"{child.given_names} wept on a birthday that the register has in another month, and asked to stay with us overnight.",
        (
            *_parts(child, family.mother),
            Part(role=SubjectRole.household_adult, relation="grandmother, lives in the home", person=grandmother),
        ),
        (something(town, child, "acute.ed_attendances", (10, 80)), something(town, child, "gp.consultation_summary", (10, 80))),
        "A child who asks not to go home; where day and month were swapped, earlier injuries are filed under another birthday.",
    )


SCENES: Final[tuple[Callable[[Town], Scene], ...]] = (
    *(_transliterated, _patronymic, _name_change, _moved),
    *(_same_name, _duplicates, _swapped_day),
)
