"""The rest of the borough, in the households England has: how they came together, what they are called, where they lived before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from agents.demo.names import FAMILY, PATRONYMIC
from agents.demo.people import Care, Home, Person, Town
from schemas.enums import Sex

TWIN_BIRTHS: Final = 0.03
MOTHERS: Final = (22, 46)
MOVED: Final = 0.4  # of people: have lived elsewhere in the borough within living records
RENAMED: Final = 0.25  # of women grown up: have borne another family name
EXPECTING: Final = 0.03  # of women of an age to


def populate(town: Town, people: int) -> None:
    """Add households until there are that many people, not one more; whoever is there already stays."""
    people = max(people, len(town.people))
    kinds: tuple[tuple[Callable[[Town], None], float], ...] = (
        *((_couple, 38), (_step_family, 12), (_single_parent, 16), (_sharers, 11), (_alone, 18)),
        *((_three_generations, 2), (_patronymic, 2), (_fostering, 0.8), (_kinship, 0.8), (_adopters, 0.5)),
        *((_unaccompanied, 0.4), (_refuge, 0.5)),
    )
    households, weights = zip(*kinds, strict=True)
    while len(town.people) < people:
        before = len(town.people)
        town.random.choices(households, weights=weights)[0](town)
        for person in town.people[before:]:
            _live(town, person)
    del town.people[people:]


def children(town: Town, home: Home, family_name: str, least: int = 0) -> list[Person]:
    """Brothers and sisters, now and then twins."""
    born: list[Person] = []
    for _ in range(town.pick((1, 1, 2, 2, 2, 3, 4)) if least == 0 else least):
        if town.random.random() < TWIN_BIRTHS:
            born.extend(town.twins(home, family_name))
        else:
            born.append(town.child(home, family_name))
    return born


def _live(town: Town, person: Person) -> None:
    """What has happened to somebody so far: moves, a marriage, a pregnancy."""
    chance = town.random.random
    lived: dict[str, Any] = {}
    if chance() < MOVED and not person.former_homes:
        lived["former_homes"] = tuple(town.pick(town.homes) for _ in range(town.pick((1, 1, 2))))
    if person.sex is Sex.female and town.is_grown(person):
        if chance() < RENAMED:
            lived["former_names"] = (town.pick(FAMILY),)
        if town.age(person) <= MOTHERS[1] and chance() < EXPECTING:
            lived["due_on"] = town.today + timedelta(days=town.random.randint(10, 200))
    if lived:
        town.change(replace(person, **lived))


def _couple(town: Town) -> None:
    """Two parents under one name, two names, or both names joined."""
    home = town.home()
    father = town.adult(home, sex=Sex.male, ages=(24, 70))
    own_name = town.random.random() < 1 / 3
    mother = town.adult(home, None if own_name else father.family_name, Sex.female, ages=MOTHERS)
    if town.random.random() < 3 / 5:
        name = f"{mother.family_name}-{father.family_name}" if own_name and town.random.random() < 1 / 4 else father.family_name
        children(town, home, name)


def _step_family(town: Town) -> None:
    """Her children bear her name, the youngest the new partner's."""
    home = town.home()
    mother = town.adult(home, sex=Sex.female, ages=MOTHERS)
    partner = town.adult(home, sex=Sex.male)
    children(town, home, mother.family_name)
    if town.random.random() < 1 / 2:
        town.child(home, partner.family_name, ages=(0, 3))


def _single_parent(town: Town) -> None:
    home = town.home()
    parent = town.adult(home, sex=town.pick((Sex.female, Sex.female, Sex.male)), ages=MOTHERS)
    children(town, home, parent.family_name)


def _sharers(town: Town) -> None:
    home = town.home()
    for _ in range(town.random.randint(2, 4)):
        town.adult(home, ages=(18, 35))


def _alone(town: Town) -> None:
    town.adult(town.home(), ages=(20, 88))


def _three_generations(town: Town) -> None:
    """A son named after his father, who is named after his: one name three times under one roof."""
    home = town.home()
    grandfather = town.adult(home, sex=Sex.male, ages=(62, 84))
    father = town.adult(home, grandfather.family_name, Sex.male, ages=(30, 45))
    town.adult(home, father.family_name, Sex.female, ages=(28, 42))
    for child in children(town, home, father.family_name):
        if child.sex is Sex.male and town.random.random() < 1 / 2:
            town.change(replace(child, given_names=father.given_names))


def _patronymic(town: Town) -> None:
    """No two generations share a last name: children are called after their father's first."""
    home = town.home()
    first, made = town.pick(PATRONYMIC)
    father = town.adult(home, sex=Sex.male, ages=(28, 50))
    father = town.change(replace(father, given_names=first))
    town.adult(home, sex=Sex.female, ages=MOTHERS)
    children(town, home, made)


def _fostering(town: Town) -> None:
    """A foster family: the child has neither their name nor, in some records, their address."""
    home = town.home(council=False)
    carer = town.adult(home, sex=Sex.female, ages=(38, 62))
    town.adult(home, carer.family_name, Sex.male, ages=(38, 64))
    for _ in range(town.pick((1, 1, 2))):
        child = town.child(home, town.pick(FAMILY), ages=(1, 16))
        town.change(replace(child, care=Care.fostered, former_homes=(town.pick(town.homes),)))


def _kinship(town: Town) -> None:
    """Children with a grandmother; their mother lives elsewhere."""
    home = town.home()
    grandmother = town.adult(home, sex=Sex.female, ages=(48, 68))
    mother = town.adult(town.home(), grandmother.family_name, Sex.female, ages=(22, 34))
    for child in children(town, home, town.pick((grandmother.family_name, town.pick(FAMILY)))):
        town.change(replace(child, care=Care.kinship, former_homes=(mother.home,)))


def _adopters(town: Town) -> None:
    """Their child has their name, a new NHS number, and a life before that nobody may join to this one."""
    home = town.home(council=False)
    parent = town.adult(home, sex=Sex.female, ages=(34, 50))
    town.adult(home, parent.family_name, ages=(34, 52))
    child = town.child(home, parent.family_name, ages=(3, 14))
    town.change(replace(child, care=Care.adopted))


def _unaccompanied(town: Town) -> None:
    """Young people who came alone; nobody knows the day, so it is 1 January, and the year may be disputed."""
    home = town.home()
    for _ in range(town.pick((1, 2, 3))):
        child = town.child(home, town.pick(("Ahmadi", "Rahimi", "Abdi", "Haddad", "Hassan", "Mohamed")), ages=(15, 16))
        town.change(replace(child, born_on=date(child.born_on.year, 1, 1), care=Care.unaccompanied))


def _refuge(town: Town) -> None:
    """A mother and her children who fled: their address is the most dangerous thing anybody holds."""
    refuge, left = town.home(council=True), town.pick(town.homes)
    mother = town.adult(refuge, sex=Sex.female, ages=MOTHERS)
    for person in (mother, *children(town, refuge, mother.family_name)):
        town.change(replace(person, protected=True, former_homes=(left,)))
