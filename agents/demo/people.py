"""People in households, drawn from one seed: every number is from a range kept for tests, every postcode in an area there is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from random import Random
from typing import Final, TypeVar

from agents.demo.names import BOYS, FAMILY, GIRLS, MEN, STREETS, TWINS, WOMEN
from schemas.enums import Sex
from schemas.identifiers import NhsNumber

SERIALS: Final = 1_000_000  # NHS numbers 999 000 000x to 999 999 999x, reserved for tests
POSTCODES: Final = 19 * 10 * 20 * 20
LETTERS: Final = "ABDEFGHJLNPQRSTUWXYZ"  # those that end a postcode
TRACED, UNTRACED, ABSENT = "01", "02", "07"  # NHS Data Dictionary, NHS NUMBER STATUS INDICATOR CODE
YEAR: Final = 365.25
T = TypeVar("T")
SECOND_NAMES: Final = 1 / 5
COUNCIL: Final = 0.3  # of homes: let by the council


class Care(StrEnum):
    """With whom a child lives, where that is not simply its parents."""

    fostered = "fostered"
    kinship = "kinship"
    adopted = "adopted"
    unaccompanied = "unaccompanied"  # sought asylum alone; the age may be disputed


class Dirt(StrEnum):
    """What is wrong with a record of a person, as against the person."""

    typo = "typo"
    swapped_date = "swapped_date"
    nickname = "nickname"
    name_variant = "name_variant"
    former_name = "former_name"
    no_number = "no_number"
    unverified_number = "unverified_number"
    stale_address = "stale_address"
    date_form = "date_form"  # a date of birth in another of the UK's forms than the rest of the column
    missing_birth = "missing_birth"
    duplicate = "duplicate"  # the person stands there twice
    wrong_number = "wrong_number"  # somebody else's traced NHS number


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Home:
    """Where a household lives."""

    number: int
    line: str
    postcode: str
    council: bool


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Person:
    """Somebody who does not exist."""

    serial: int
    family_name: str
    given_names: str
    sex: Sex
    born_on: date
    home: Home
    nhs_number: NhsNumber
    trace_status: str = TRACED
    former_homes: tuple[Home, ...] = ()
    former_names: tuple[str, ...] = ()  # family names
    care: Care | None = None
    protected: bool = False  # the address may not be told
    due_on: date | None = None  # of the child she expects


class Town:
    """Makes people and remembers them, so that no two who should differ share a name and a birthday."""

    def __init__(self, seed: int, today: date) -> None:
        self.random = Random(seed)  # the same people every time is what it is for
        self.today = today
        self.people: list[Person] = []
        self.homes: list[Home] = []
        self.known: dict[int, dict[str, tuple[frozenset[Dirt] | None, ...]]] = {}  # what is wrong with each record, by agency; None: drawn
        self.misfiled: dict[tuple[int, str], NhsNumber] = {}  # somebody else's traced number on a record, by serial and agency
        self._names: set[tuple[str, str, date]] = set()
        self._serial = 0
        self.offset = self.random.randrange(SERIALS)
        self._numbers = self.offset

    def pick(self, several: Sequence[T]) -> T:
        """Any of them: a third of the time that `choice` takes, a million times over."""
        return several[int(self.random.random() * len(several))]

    def home(self, *, council: bool | None = None) -> Home:
        """A new address."""
        number = len(self.homes)
        place = (number * 7919 + self.offset) % POSTCODES
        area, rest = divmod(place, 4000)
        sector, letters = divmod(rest, 400)
        postcode = f"XX{area + 1} {sector}{LETTERS[letters // 20]}{LETTERS[letters % 20]}"
        line = f"{self.random.randint(1, 180)} {self.pick(STREETS)}"
        drawn = self.random.random() < COUNCIL
        self.homes.append(Home(number=number, line=line, postcode=postcode, council=drawn if council is None else council))
        return self.homes[-1]

    def adult(self, home: Home, family_name: str | None = None, sex: Sex | None = None, *, ages: tuple[int, int] = (20, 52)) -> Person:
        """Somebody grown up."""
        sex = sex or self.pick((Sex.female, Sex.male))
        return self._person(home, family_name or self.pick(FAMILY), WOMEN if sex is Sex.female else MEN, sex, ages)

    def child(self, home: Home, family_name: str, *, ages: tuple[int, int] = (0, 16)) -> Person:
        """Somebody under eighteen."""
        sex = self.pick((Sex.female, Sex.male))
        return self._person(home, family_name, GIRLS if sex is Sex.female else BOYS, sex, ages)

    def twins(self, home: Home, family_name: str, *, ages: tuple[int, int] = (1, 15)) -> tuple[Person, Person]:
        """Two of one birth, with names as alike as parents like them."""
        first = self.child(home, family_name, ages=ages)
        one, other = self.pick(TWINS)
        first = self.change(replace(first, given_names=one))
        return first, self.another(replace(first, given_names=other))

    def another(self, like: Person) -> Person:
        """Somebody else who is like this person in all but number."""
        person = replace(like, serial=self._next(), nhs_number=self._number())
        self.people.append(person)
        return person

    def know(self, person: Person, agencies: Iterable[str], *dirt: Dirt) -> Person:
        """These agencies have one record of the person, with exactly this wrong."""
        self.known.setdefault(person.serial, {}).update(dict.fromkeys(agencies, (frozenset(dirt),)))
        return person

    def change(self, person: Person) -> Person:
        """Put a person in the place of the one of that serial."""
        self.people[person.serial - 1] = person
        return person

    def is_grown(self, person: Person) -> bool:
        """Eighteen or older."""
        return (self.today - person.born_on).days > 18 * YEAR

    def age(self, person: Person) -> int:
        """In whole years."""
        return int((self.today - person.born_on).days / YEAR)

    def day(self, ago: tuple[int, int]) -> date:
        """A day between so many and so many days ago."""
        return self.today - timedelta(days=ago[0] + int(self.random.random() * (ago[1] - ago[0] + 1)))

    def _person(self, home: Home, family_name: str, given: tuple[str, ...], sex: Sex, ages: tuple[int, int]) -> Person:
        while True:
            born_on = self.day((int(ages[0] * YEAR) + 20, int((ages[1] + 1) * YEAR) - 20))
            given_names = self.pick(given)
            if self.random.random() < SECOND_NAMES:
                given_names += f" {self.pick(given)}"
            if (family_name, given_names, born_on) not in self._names:
                break
        self._names.add((family_name, given_names, born_on))
        person = Person(
            serial=self._next(),
            family_name=family_name,
            given_names=given_names,
            sex=sex,
            born_on=born_on,
            home=home,
            nhs_number=self._number(),
        )
        self.people.append(person)
        return person

    def _next(self) -> int:
        self._serial += 1
        return self._serial

    def _number(self) -> NhsNumber:
        """The number of the newest serial; one in eleven has no check digit and is passed over."""
        while True:
            self._numbers += 1
            stem = self._numbers * 314159 % SERIALS
            total = 9 * (10 + 9 + 8) + sum(stem // 10**place % 10 * (place + 2) for place in range(6))
            check = (11 - total % 11) % 11
            if check < 10:  # noqa: PLR2004 - one decimal digit
                return NhsNumber(f"999{stem:06d}{check}")
