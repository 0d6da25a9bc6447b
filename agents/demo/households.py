"""The rest of the borough: couples, step-families, single parents, sharers, and who of them police and hospital know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agents.demo.people import ABSENT, TRACED, UNTRACED, Home, Person, Town
from schemas.enums import Sex

TWIN_BIRTHS: Final = 0.03
MOTHERS: Final = (22, 46)


def populate(town: Town, people: int) -> None:
    """Add households until there are that many people, not one more."""
    kinds: tuple[Callable[[Town], None], ...] = (_couple, _step_family, _single_parent, _sharers, _alone)
    while len(town.people) < people:
        before = len(town.people)
        town.random.choices(kinds, weights=(40, 12, 16, 12, 20))[0](town)
        for person in town.people[before:]:
            _register(town, person)
    del town.people[people:]


def children(town: Town, home: Home, family_name: str, least: int = 0) -> list[Person]:
    """Brothers and sisters, now and then twins."""
    born: list[Person] = []
    for _ in range(town.random.choice((1, 1, 2, 2, 2, 3, 4)) if least == 0 else least):
        if town.random.random() < TWIN_BIRTHS:
            born.extend(town.twins(home, family_name))
        else:
            born.append(town.child(home, family_name))
    return born


def _couple(town: Town) -> None:
    home = town.home()
    father = town.adult(home, sex=Sex.male, ages=(24, 70))
    own_name = town.random.random() < 1 / 3
    mother = town.adult(home, None if own_name else father.family_name, Sex.female, ages=MOTHERS)
    if town.random.random() < 3 / 5:
        name = f"{mother.family_name}-{father.family_name}" if own_name and town.random.random() < 1 / 4 else father.family_name
        children(town, home, name)


def _step_family(town: Town) -> None:
    """Her children bear their father's name, the youngest the new partner's."""
    home = town.home()
    mother = town.adult(home, sex=Sex.female, ages=MOTHERS)
    partner = town.adult(home, sex=Sex.male)
    children(town, home, mother.family_name)
    if town.random.random() < 1 / 2:
        town.child(home, partner.family_name, ages=(0, 3))


def _single_parent(town: Town) -> None:
    home = town.home()
    parent = town.adult(home, sex=town.random.choice((Sex.female, Sex.female, Sex.male)), ages=MOTHERS)
    children(town, home, parent.family_name)


def _sharers(town: Town) -> None:
    home = town.home()
    for _ in range(town.random.randint(2, 4)):
        town.adult(home, ages=(18, 35))


def _alone(town: Town) -> None:
    town.adult(town.home(), ages=(20, 88))


def _register(town: Town, person: Person) -> None:
    """A third of adults and a fifth of children are known to police, most people to the hospital; a tenth not by a traced number."""
    grown = (town.today - person.born_on).days > 18 * 365
    status = town.random.choices((TRACED, UNTRACED, ABSENT), weights=(90, 7, 3))[0]
    police = town.random.random() < (0.35 if grown else 0.2)
    town.known_to(person, police=police, trust=town.random.random() < 0.85, trace_status=status)  # noqa: PLR2004 - shares of the borough
