"""A housing authority's records as such systems look: tenancies, who lives in them, cases about either, and an archive beside."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Final

from agents.demo.archive import FOLDER, archive_toml, is_archived, write_archive
from agents.demo.database import new_database
from agents.demo.histories import Row, category_toml, in_columns
from agents.demo.people import Dirt
from agents.demo.registers import Recorded

CASES: Final = {  # category: table, date column, columns of its fields in their order
    "hou.tenancy_household": ("occupations", "moved_in", ("tenure", "relationship", "start_text", "end_text")),
    "hou.homelessness": ("homeless_applications", "decided_on", ("decision", "priority_need", "placed_in")),
    "hou.asb": ("asb_cases", "reported_on", ("asb_type", "report_text", "closing_text")),
    "hou.rent_arrears": ("arrears_actions", "actioned_on", ("band", "stage")),
    "hou.property_condition": ("visits", "visited_on", ("reason", "hazard", "notes")),
    "hou.domestic_abuse_move": ("management_moves", "agreed_on", ("moved", "lead_worker")),
}
_HEAD: Final = """# SYNTHETIC. Tenancies first; a person is somebody of a household. No NHS numbers; dates of birth as a tenant wrote them.
[[source]]
kind = "sql"
name = "housing-records"
url = "sqlite:///records.sqlite"
allowed_lag = "P31D"

[source.person]
table = "household_members"
key = "member_ref"
family_name = "surname"
given_names = "forename"
born_on = { column = "dob", format = "%d/%m/%Y" }
postcode = "property_postcode"
"""
_SCHEMA: Final = """
CREATE TABLE tenancies (tenancy_ref TEXT PRIMARY KEY, property_line TEXT NOT NULL, property_postcode TEXT NOT NULL);
CREATE TABLE members (member_ref TEXT PRIMARY KEY, tenancy_ref TEXT NOT NULL, surname TEXT NOT NULL, forename TEXT, dob TEXT);
CREATE INDEX members_dob ON members (dob);
CREATE VIEW household_members AS SELECT m.*, t.property_postcode FROM members m JOIN tenancies t ON t.tenancy_ref = m.tenancy_ref;
"""


def write_housing(folder: Path, today: date, people: Iterable[Recorded], rows: Iterable[Row]) -> None:
    """`records.sqlite`, `archive/` with what is older, and `source.toml`, which names both."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.toml").write_text(source_toml(), encoding="utf-8")
    members, old, kept = list(people), list[Row](), list[Row]()
    for row in rows:
        (old if is_archived(row[1], today) else kept).append(row)
    write_archive(folder / FOLDER, members, old)
    homes = {record.home.number: record.home for record in members}
    schema = "\n".join([_SCHEMA, *(_table(*place) for place in CASES.values())])
    with new_database(folder / "records.sqlite", schema) as database:
        tenancies = ((_tenancy(number), home.line, home.postcode) for number, home in sorted(homes.items()))
        database.executemany("INSERT INTO tenancies VALUES (?, ?, ?)", tenancies)
        database.executemany("INSERT INTO members VALUES (?, ?, ?, ?, ?)", map(_member, members))
        for key, held in kept:
            table, _, columns = CASES[held.category]
            marks = ", ".join("?" * (len(columns) + 2))
            database.execute(f"INSERT INTO {table} VALUES ({marks})", (key, held.at.isoformat(), *in_columns(held)))  # noqa: S608 - our own names above


def source_toml() -> str:
    """The two `[[source]]` parts of its adapter.toml."""
    parts = [
        category_toml(category, f'table = "{table}"', "member_ref", (at, "%Y-%m-%d"), columns)
        for category, (table, at, columns) in CASES.items()
    ]
    return "\n".join([_HEAD, *parts, archive_toml()])


def _table(name: str, at: str, columns: tuple[str, ...]) -> str:
    return (
        f"CREATE TABLE {name} (member_ref TEXT NOT NULL, {at} TEXT, {' TEXT, '.join(columns)} TEXT);"
        f"CREATE INDEX {name}_member ON {name} (member_ref);"
    )


def _tenancy(number: int) -> str:
    return f"T{number:06d}"


def _member(record: Recorded) -> tuple[str | None, ...]:
    born, other = record.born_on, Dirt.date_form in record.dirt
    text = None if born is None else born.strftime("%d-%b-%Y" if other else "%d/%m/%Y")
    return (record.key, _tenancy(record.home.number), record.family_name, record.given_names, text)
