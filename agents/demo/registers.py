"""Who is on whose books, and how: each agency's record of a person, with the dirt such systems gather."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from random import Random
from typing import Final

from agents.demo.names import NICKNAMES, VARIANTS, bare, latin
from agents.demo.people import ABSENT, UNTRACED, Dirt, Home, Person, Town
from agents.demo.schooling import PUPILS, upn
from schemas.enums import Sex

COPIES: Final = 100_003  # added to a serial for a second record: beyond any serial, and coprime to what the keys are taken by
SWAPPABLE: Final = 12  # days that could be months
LEAST_TYPO: Final = 4  # letters of a name in which two can change places
RATES: Final[dict[str, dict[Dirt, float]]] = {  # of records, each agency's own troubles
    "csc": {
        Dirt.no_number: 0.3, Dirt.unverified_number: 0.1, Dirt.typo: 0.02, Dirt.nickname: 0.04, Dirt.name_variant: 0.03,
        Dirt.former_name: 0.1, Dirt.swapped_date: 0.01, Dirt.date_form: 0.02, Dirt.missing_birth: 0.02, Dirt.stale_address: 0.2,
        Dirt.duplicate: 0.03,
    },
    "police": {
        Dirt.typo: 0.02, Dirt.nickname: 0.05, Dirt.name_variant: 0.04, Dirt.former_name: 0.1, Dirt.swapped_date: 0.01,
        Dirt.stale_address: 0.3, Dirt.duplicate: 0.03,
    },
    "trust": {
        Dirt.no_number: 0.03, Dirt.unverified_number: 0.07, Dirt.typo: 0.01, Dirt.nickname: 0.01, Dirt.name_variant: 0.02,
        Dirt.former_name: 0.05, Dirt.swapped_date: 0.005, Dirt.stale_address: 0.2, Dirt.duplicate: 0.01,
    },
    "gp": {
        Dirt.no_number: 0.01, Dirt.unverified_number: 0.02, Dirt.typo: 0.005, Dirt.name_variant: 0.01, Dirt.former_name: 0.05,
        Dirt.stale_address: 0.15, Dirt.duplicate: 0.004,
    },
    "schools": {Dirt.typo: 0.01, Dirt.nickname: 0.08, Dirt.name_variant: 0.02, Dirt.swapped_date: 0.005, Dirt.stale_address: 0.2},
    "housing": {
        Dirt.typo: 0.03, Dirt.nickname: 0.07, Dirt.name_variant: 0.04, Dirt.former_name: 0.1, Dirt.swapped_date: 0.02,
        Dirt.date_form: 0.04, Dirt.missing_birth: 0.05, Dirt.stale_address: 0.1,
    },
    "probation": {
        Dirt.typo: 0.02, Dirt.nickname: 0.06, Dirt.name_variant: 0.03, Dirt.swapped_date: 0.01, Dirt.stale_address: 0.3,
        Dirt.duplicate: 0.02,
    },
}  # fmt: skip
AGENCIES: Final = tuple(RATES)
NARROW: Final = frozenset({"trust", "schools"})  # write cp1252
_COPIED: Final = (Dirt.typo, Dirt.nickname, Dirt.stale_address, Dirt.name_variant)  # why somebody is entered a second time


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Recorded:
    """One record of a person in one agency's system, as that system has it."""

    agency: str
    key: str
    person: Person
    family_name: str
    given_names: str
    born_on: date | None
    home: Home
    trace_status: str
    nhs_number: str
    dirt: frozenset[Dirt]


def settle(town: Town) -> None:
    """Say who knows whom, where a scene has not said it: most people their GP and the hospital, few people probation."""
    for person in town.people:
        known = town.known.setdefault(person.serial, {})
        for agency, knows in _KNOWS.items():
            if agency not in known:
                known[agency] = (None,) if knows(town, person) else ()


def registers(town: Town, agency: str) -> list[Recorded]:
    """Every record of one agency, in an order that tells nothing."""
    random = Random(f"{town.offset} {agency}")  # each agency's dirt is its own, whoever else is made
    rates = RATES[agency]
    kinds, weights, total = tuple(rates), tuple(rates.values()), sum(rates.values())
    found: list[Recorded] = []
    for person in town.people:
        said = list(town.known[person.serial][agency])
        for copy, dirt in enumerate(said):
            if dirt is None:
                dirt = frozenset(random.choices(kinds, weights)) if random.random() < total else frozenset()  # noqa: PLW2901 - drawn only where nobody has said it
                if Dirt.duplicate in dirt:
                    said.append(frozenset({Dirt.duplicate, random.choice(_COPIED)}))
            found.append(_recorded(random, town, person, agency, copy, dirt))
    for index, each in enumerate(found):
        if (number := town.misfiled.get((each.person.serial, agency))) is not None:
            found[index] = replace(each, nhs_number=number, dirt=each.dirt | {Dirt.wrong_number})
    return sorted(found, key=lambda each: each.key)


def key_of(town: Town, person: Person, agency: str, copy: int) -> str:
    """An agency's own key; nothing in it says whose it is."""
    number = person.serial + copy * COPIES
    if agency == "schools":
        return upn(number, person.born_on)
    stem, factor, modulus, start, width = _KEYS[agency]
    return f"{stem}{start + (number * factor + town.offset) % modulus:0{width}d}"


def _recorded(random: Random, town: Town, person: Person, agency: str, copy: int, dirt: frozenset[Dirt]) -> Recorded:
    record = Recorded(
        agency=agency,
        key=key_of(town, person, agency, copy),
        person=person,
        family_name=person.family_name,
        given_names=person.given_names,
        born_on=person.born_on,
        home=person.home,
        trace_status=person.trace_status,
        nhs_number=person.nhs_number,
        dirt=frozenset(),
    )
    for kind in sorted(dirt):
        soiled = _SOILED[kind](random, record)
        if soiled is not None:
            record = replace(soiled, dirt=record.dirt | {kind})
    names = latin(record.family_name), latin(record.given_names)
    if agency in NARROW and names != (record.family_name, record.given_names):
        record = replace(record, family_name=names[0], given_names=names[1], dirt=record.dirt | {Dirt.name_variant})
    return record


def _typo(random: Random, record: Recorded) -> Recorded | None:
    """Two letters changed places, one was left out, or one was struck twice."""
    field = random.choice(("family_name", "given_names"))
    name: str = getattr(record, field)
    if len(name) < LEAST_TYPO:
        return None
    at = random.randrange(1, len(name) - 1)
    wrong = random.choice(
        (name[:at] + name[at + 1] + name[at] + name[at + 2 :], name[:at] + name[at + 1 :], name[:at] + name[at] + name[at:])
    )
    return replace(record, **{field: wrong}) if wrong != name else None  # type: ignore[arg-type]  # one of two fields of text


def _swapped(_: Random, record: Recorded) -> Recorded | None:
    """Day and month, as an American form has them."""
    born = record.born_on
    if born is None or born.day > SWAPPABLE or born.day == born.month:
        return None
    return replace(record, born_on=born.replace(month=born.day, day=born.month))


def _nickname(_: Random, record: Recorded) -> Recorded | None:
    first, _space, rest = record.given_names.partition(" ")
    called = NICKNAMES.get(first)
    return replace(record, given_names=f"{called} {rest}".strip()) if called else None


def _variant(random: Random, record: Recorded) -> Recorded | None:
    """The same name in another spelling, or without its marks; a second given name is the first to be left out."""
    first, _space, rest = record.given_names.partition(" ")
    if record.family_name in VARIANTS:
        return replace(record, family_name=random.choice(VARIANTS[record.family_name]))
    if first in VARIANTS:
        return replace(record, given_names=f"{random.choice(VARIANTS[first])} {rest}".strip())
    if bare(record.family_name) != record.family_name:
        return replace(record, family_name=bare(record.family_name))
    return replace(record, given_names=first) if rest else None


def _former_name(_: Random, record: Recorded) -> Recorded | None:
    names = record.person.former_names
    return replace(record, family_name=names[0]) if names else None


def _stale(random: Random, record: Recorded) -> Recorded | None:
    homes = record.person.former_homes
    return replace(record, home=random.choice(homes)) if homes else None


def _same(_: Random, record: Recorded) -> Recorded:
    return record


_SOILED: Final[dict[Dirt, Callable[[Random, Recorded], Recorded | None]]] = {
    Dirt.typo: _typo,
    Dirt.swapped_date: _swapped,
    Dirt.nickname: _nickname,
    Dirt.name_variant: _variant,
    Dirt.former_name: _former_name,
    Dirt.no_number: lambda _, record: replace(record, trace_status=ABSENT),
    Dirt.unverified_number: lambda _, record: replace(record, trace_status=UNTRACED),
    Dirt.stale_address: _stale,
    Dirt.date_form: _same,  # the writer's
    Dirt.missing_birth: lambda _, record: replace(record, born_on=None),
    Dirt.duplicate: _same,
    Dirt.wrong_number: _same,  # says whose: `misfiled`
}
_KEYS: Final = {  # stem, factor, modulus (a prime above any serial), first, digits
    "csc": ("", 40692, 900_001, 4_000_000, 7),
    "police": ("N", 48271, 200_003, 700_000, 6),
    "trust": ("H", 69621, 900_001, 1_000_000, 7),
    "gp": ("p", 16807, 999_983, 0, 6),
    "housing": ("HP", 48271, 999_983, 0, 6),
    "probation": ("X", 69621, 299_993, 500_000, 6),
}
_KNOWS: Final[dict[str, Callable[[Town, Person], bool]]] = {
    "csc": lambda town, person: town.random.random() < _known_to_care(town, person),
    "police": lambda town, person: town.random.random() < (0.35 if town.is_grown(person) else 0.2),
    "trust": lambda town, _: town.random.random() < 0.85,  # noqa: PLR2004 - shares of the borough
    "gp": lambda town, _: town.random.random() < 0.96,  # noqa: PLR2004 - likewise
    "schools": lambda town, person: PUPILS[0] <= town.age(person) <= PUPILS[1] and town.random.random() < 0.7,  # noqa: PLR2004 - likewise
    "housing": lambda _, person: person.home.council,
    "probation": lambda town, person: town.is_grown(person) and town.random.random() < (0.025 if person.sex is Sex.male else 0.005),
}


def _known_to_care(town: Town, person: Person) -> float:
    """Children by how they live; a tenth of parents beside them."""
    if town.is_grown(person):
        return 0.05
    return 1.0 if person.care is not None else 0.15
