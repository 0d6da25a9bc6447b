"""A schools trust's extracts: CSV in cp1252, one file a school and kind, found by name, date of birth and postcode."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from agents.demo.histories import Held, Row, category_toml, in_columns
from agents.demo.people import Town
from agents.demo.registers import Recorded
from agents.demo.schooling import PRIMARIES, SECONDARIES, school_of
from agents.demo.trust import write_csv

PUPILS: Final = ("UPN", "Legal Surname", "Preferred Forename", "DOB", "Post Code", "Remark")
EXTRACTS: Final = {  # category: file, date column, columns of its fields in their order
    "edu.enrolment": ("enrolment", "Entered", ("School", "NC Year", "Start", "Leaving")),
    "edu.attendance": ("attendance", "Term ending", ("Term", "Possible", "Attended", "Unauthorised")),
    "edu.exclusions": ("suspensions", "Start", ("Type", "Reason", "Sessions")),
    "edu.sen_ehcp": ("sen", "Review", ("SEN Status", "Primary need", "Since")),
    "edu.dsl_concerns": ("concerns", "Logged", ("Category", "Concern", "Action")),
    "edu.fsm": ("meals", "Checked", ("FSM", "Since")),
}
MERGED: Final = frozenset({PRIMARIES[0], SECONDARIES[-1]})  # two schools in one file: the lines of the second are in another encoding
_HEAD: Final = """# SYNTHETIC. One file a school and kind, as each school's system writes it. No NHS numbers; a UPN stays with the trust.
[[source]]
kind = "extracts"
name = "schools-extracts"
folder = "."
encoding = "mixed"
allowed_lag = "P31D"

[source.person]
file = "pupils-*.csv"
key = "UPN"
family_name = "Legal Surname"
given_names = "Preferred Forename"
born_on = { column = "DOB", format = "%d/%m/%Y" }
postcode = "Post Code"
"""


def write_schools(folder: Path, town: Town, people: Sequence[Recorded], rows: Sequence[Row]) -> None:
    """A file of pupils and one for each category, for each school, and `source.toml`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.toml").write_text(source_toml(), encoding="utf-8")
    (folder / "SYNTHETIC.txt").write_text("SYNTHETIC: nobody in these files exists.\n", encoding="utf-8")
    schools = {record.key: school_of(record.person.serial, town.age(record.person)) for record in people}
    pupils: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for record in people:
        pupils[schools[record.key]].append(_pupil(record))
    lines: dict[tuple[str, str], list[tuple[str, Held]]] = defaultdict(list)
    for key, held in rows:
        lines[schools[key], held.category].append((key, held))
    for school in (*PRIMARIES, *SECONDARIES):
        write_csv(folder / f"pupils-{school}.csv", PUPILS, pupils[school], mixed=school in MERGED)
        for category, (file, at, columns) in EXTRACTS.items():
            found = ((key, _day(held.at, school), *in_columns(held)) for key, held in lines[school, category])
            write_csv(folder / f"{file}-{school}.csv", ("UPN", at, *columns), found, mixed=school in MERGED)


def _day(at: date, school: str) -> str:
    """Day first always; without leading zeros where somebody types it."""
    return f"{at.day}/{at.month}/{at.year}" if school in MERGED else at.strftime("%d/%m/%Y")


def source_toml() -> str:
    """The `[[source]]` part of its adapter.toml."""
    parts = [
        category_toml(category, f'file = "{file}-*.csv"', "UPN", (at, "%d/%m/%Y"), columns)
        for category, (file, at, columns) in EXTRACTS.items()
    ]
    return "\n".join([_HEAD, *parts])


def _pupil(record: Recorded) -> tuple[str, ...]:
    born_on = record.born_on.strftime("%d/%m/%Y") if record.born_on else ""
    return (record.key, record.family_name, record.given_names, born_on, record.home.postcode, "SYNTHETIC")
