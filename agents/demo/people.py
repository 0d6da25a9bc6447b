"""People in households, drawn from one seed: every number is from a range kept for tests, every postcode in an area there is not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Final

from agents.demo.names import BOYS, FAMILY, GIRLS, MEN, STREETS, TWINS, WOMEN
from schemas.enums import Sex
from schemas.identifiers import NhsNumber

SERIALS: Final = 1_000_000  # NHS numbers 999 000 000x to 999 999 999x, reserved for tests
POSTCODES: Final = 19 * 10 * 20 * 20
LETTERS: Final = "ABDEFGHJLNPQRSTUWXYZ"  # those that end a postcode
TRACED, UNTRACED, ABSENT = "01", "02", "07"  # NHS Data Dictionary, NHS NUMBER STATUS INDICATOR CODE
YEAR: Final = 365.25


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Home:
    """Where a household lives."""

    line: str
    postcode: str


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
    nominal: str | None = None  # the police's key, if they know the person
    hospital: str | None = None  # the trust's key, likewise


class Town:
    """Makes people and remembers them, so that no two who should differ share a name and a birthday."""

    def __init__(self, seed: int, today: date) -> None:
        self.random = Random(seed)  # the same people every time is what it is for
        self.today = today
        self.people: list[Person] = []
        self._names: set[tuple[str, str, date]] = set()
        self._homes = 0
        self._serial = 0
        self._offset = self.random.randrange(SERIALS)
        self._numbers = self._offset

    def home(self) -> Home:
        """A new address."""
        place = (self._homes * 7919 + self._offset) % POSTCODES
        self._homes += 1
        area, rest = divmod(place, 4000)
        sector, letters = divmod(rest, 400)
        postcode = f"XX{area + 1} {sector}{LETTERS[letters // 20]}{LETTERS[letters % 20]}"
        return Home(line=f"{self.random.randint(1, 180)} {self.random.choice(STREETS)}", postcode=postcode)

    def adult(self, home: Home, family_name: str | None = None, sex: Sex | None = None, *, ages: tuple[int, int] = (20, 52)) -> Person:
        """Somebody grown up."""
        sex = sex or self.random.choice((Sex.female, Sex.male))
        return self._person(home, family_name or self.random.choice(FAMILY), WOMEN if sex is Sex.female else MEN, sex, ages)

    def child(self, home: Home, family_name: str, *, ages: tuple[int, int] = (0, 16)) -> Person:
        """Somebody under eighteen."""
        sex = self.random.choice((Sex.female, Sex.male))
        return self._person(home, family_name, GIRLS if sex is Sex.female else BOYS, sex, ages)

    def twins(self, home: Home, family_name: str, *, ages: tuple[int, int] = (1, 15)) -> tuple[Person, Person]:
        """Two of one birth, with names as alike as parents like them."""
        first = self.child(home, family_name, ages=ages)
        one, other = self.random.choice(TWINS)
        second = replace(first, given_names=other, serial=self._next(), nhs_number=self._number(), nominal=None, hospital=None)
        first = self.change(replace(first, given_names=one))
        self.people.append(second)
        return first, second

    def known_to(self, person: Person, *, police: bool, trust: bool, trace_status: str | None = None) -> Person:
        """Give a person a row in the police's and the trust's systems, or take it away."""
        nominal = f"N{700000 + (person.serial * 48271 + self._offset) % 200003:06d}" if police else None
        hospital = f"H{1000000 + (person.serial * 69621 + self._offset) % 900001:07d}" if trust else None
        return self.change(replace(person, nominal=nominal, hospital=hospital, trace_status=trace_status or person.trace_status))

    def change(self, person: Person) -> Person:
        """Put a person in the place of the one of that serial."""
        self.people[person.serial - 1] = person
        return person

    def day(self, ago: tuple[int, int]) -> date:
        """A day between so many and so many days ago."""
        return self.today - timedelta(days=self.random.randint(*ago))

    def _person(self, home: Home, family_name: str, given: tuple[str, ...], sex: Sex, ages: tuple[int, int]) -> Person:
        while True:
            born_on = self.day((int(ages[0] * YEAR) + 20, int((ages[1] + 1) * YEAR) - 20))
            given_names = self.random.choice(given)
            if self.random.random() < 1 / 5:
                given_names += f" {self.random.choice(given)}"
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
            stem = f"999{self._numbers * 314159 % SERIALS:06d}"
            total = sum(int(digit) * weight for digit, weight in zip(stem, range(10, 1, -1), strict=True))
            check = (11 - total % 11) % 11
            if check < 10:  # noqa: PLR2004 - one decimal digit
                return NhsNumber(f"{stem}{check}")
