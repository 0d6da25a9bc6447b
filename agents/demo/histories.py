"""What is held about people, by category and field name: each writer turns it into its own system's shape."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files as resources
from typing import Annotated, Final

from pydantic import BaseModel, Field, TypeAdapter

from agents.demo.people import Person, Town
from schemas.enums import Assertion


class History(BaseModel):
    """One category of histories.toml."""

    adults: float
    children: float
    words: dict[str, tuple[str, ...]]
    ages: tuple[int, int] = (0, 120)
    ago: tuple[int, int] = (5, 2400)
    once: bool = False
    assertion: Annotated[Assertion, Field(validate_default=True)] = Assertion.fact


HISTORIES: Final = TypeAdapter(dict[str, History]).validate_python(
    tomllib.loads(resources("agents.demo").joinpath("histories.toml").read_text(encoding="utf-8"))
)


def _all(*stems: str) -> tuple[str, ...]:
    return tuple(category for category in HISTORIES if category.startswith(stems))


FIELDS: Final = {category: tuple(history.words) for category, history in HISTORIES.items()}
HOLDS: Final[dict[str, tuple[str, ...]]] = {  # what each agency of this borough keeps, and its sharing agreement says so
    "csc": (*_all("csc."), "edu.elective_home_ed", "edu.children_missing"),
    "police": _all("pol."),
    "trust": _all("acute.", "mat."),
    "gp": (*_all("gp."), "health.sexual_health"),
    "schools": tuple(category for category in _all("edu.") if category not in {"edu.elective_home_ed", "edu.children_missing"}),
    "housing": _all("hou."),
    "probation": _all("prob."),
}
OF_COURSE: Final = frozenset(
    {"gp.registration", "edu.enrolment", "hou.tenancy_household", "prob.current_order_licence"}
)  # of all on the books


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Held:
    """One thing held about one person by one agency; an empty field is left out."""

    agency: str
    category: str
    person: Person
    at: date
    fields: dict[str, str]


Row = tuple[str, Held]  # under which key of that agency's system


def something(town: Town, person: Person, category: str, ago: tuple[int, int] = (5, 300), /, agency: str = "", **fields: str) -> Held:
    """One item of a category, its words drawn unless given; not before birth."""
    at = max(town.day(ago), person.born_on)
    drawn = {name: town.pick(words) for name, words in HISTORIES[category].words.items()} | fields
    said = {name: _drawn(town, word, at) if word.startswith("{") else word for name, word in drawn.items() if word}
    return Held(agency=agency or _first_holder(category), category=category, person=person, at=at, fields=said)


def usual(town: Town, person: Person, agency: str, *, only: Sequence[str] | None = None) -> list[Held]:
    """What an agency happens to hold about somebody it knows; `only`: of these categories."""
    age, held = town.age(person), list[Held]()
    for category in HOLDS[agency] if only is None else only:
        history = HISTORIES[category]
        chance = history.adults if age >= 18 else history.children  # noqa: PLR2004 - the age of majority
        if chance and history.ages[0] <= age <= history.ages[1] and town.random.random() < chance:
            times = 1 if history.once else town.pick((1, 1, 1, 2, 3))
            held.extend(something(town, person, category, history.ago, agency=agency) for _ in range(times))
    return held


def category_toml(category: str, place: str, person: str, at: tuple[str, str], columns: Sequence[str]) -> str:
    """One `[[source.category]]` of an adapter.toml: which columns hold which fields. `at`: column and format, if it needs one."""
    fields = ", ".join(f'{name} = "{column}"' for name, column in zip(FIELDS[category], columns, strict=True))
    form = f', format = "{at[1]}"' if at[1] else ""
    whose = f'person = "{person}"\n' if person else ""
    return (
        f'[[source.category]]\ncategory = "{category}"\n{place}\n{whose}'
        f'at = {{ column = "{at[0]}"{form} }}\nfields = {{ {fields} }}\nassertion = "{HISTORIES[category].assertion.value}"\n'
    )


def in_columns(held: Held) -> tuple[str, ...]:
    """The fields in the order of their category, empty where left out."""
    return tuple(held.fields.get(name, "") for name in FIELDS[held.category])


def _first_holder(category: str) -> str:
    return next(agency for agency, categories in HOLDS.items() if category in categories)


def _drawn(town: Town, word: str, at: date) -> str:
    if word == "{at}":
        return at.isoformat()
    ago = 40 + int(town.random.random() * 660)
    return (town.today + timedelta(days=ago if word == "{future}" else -ago)).isoformat()
