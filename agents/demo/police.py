"""The police's records as such systems look: nominals and occurrences, joined by who was involved and how. No NHS numbers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from agents.demo.database import new_database
from agents.demo.histories import Row, category_toml, in_columns
from agents.demo.registers import Recorded

OCCURRENCES: Final = {  # category: occurrence class, columns of its fields in their order
    "pol.incidents": ("INC", ("headline", "narrative", "result")),
    "pol.da_callouts_dash": ("DAC", ("grade", "narrative", "children")),
    "pol.crime_reports": ("CRI", ("headline", "result", "narrative")),
    "pol.missing_episodes": ("MIS", ("headline", "result", "narrative")),
    "pol.child_come_to_notice": ("CTN", ("headline", "narrative")),
}
NOMINAL_TABLES: Final = {  # category: table, date column, columns of its fields in their order
    "pol.pnc_convictions": ("pnc_disposals", "court_date", ("offence_title", "disposal_text")),
    "pol.warnings_markers": ("warning_signals", "set_on", ("signal_text",)),
    "pol.custody": ("custody_records", "arrived_at", ("arrest_reason", "detention_outcome")),
    "pol.intelligence": ("intel_reports", "submitted_on", ("sanitised_text",)),
    "pol.rso_mappa": ("visor_entries", "registered_on", ("mappa_category", "mappa_level")),
    "pol.civil_orders": ("civil_orders", "granted_on", ("order_type", "condition_text", "expiry_date")),
}
_HEAD: Final = """# SYNTHETIC. Occurrence-centred records; people are found by name, date of birth and postcode.
[[source]]
kind = "sql"
name = "police-records"
url = "sqlite:///records.sqlite"
allowed_lag = "P31D"

[source.person]
table = "nominals"
key = "nominal_ref"
family_name = "surname"
given_names = "forenames"
born_on = { column = "dob", format = "%Y-%m-%d" }
postcode = "home_postcode"
"""
_SCHEMA: Final = """
CREATE TABLE nominals (nominal_ref TEXT PRIMARY KEY, surname TEXT NOT NULL, forenames TEXT, sex TEXT, dob TEXT,
    home_line TEXT, home_postcode TEXT);
CREATE INDEX nominals_dob ON nominals (dob);
CREATE TABLE occurrences (occ_no INTEGER PRIMARY KEY, occ_class TEXT NOT NULL, occurred_at TEXT NOT NULL, headline TEXT, narrative TEXT,
    result TEXT, grade TEXT, children TEXT);
CREATE TABLE involvements (occ_no INTEGER NOT NULL, nominal_ref TEXT NOT NULL, occ_class TEXT NOT NULL, capacity TEXT NOT NULL);
CREATE INDEX involvements_nominal ON involvements (nominal_ref, occ_class);
"""


def write_police(folder: Path, people: Iterable[Recorded], rows: Iterable[Row]) -> None:
    """`records.sqlite` and `source.toml`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.toml").write_text(source_toml(), encoding="utf-8")
    schema = _schema()
    with new_database(folder / "records.sqlite", schema) as database:
        database.executemany("INSERT INTO nominals VALUES (?, ?, ?, ?, ?, ?, ?)", map(_nominal, people))
        for number, row in enumerate(rows, 1):
            _insert(database, number, row)


def _schema() -> str:
    views = [
        f"CREATE VIEW occ_{name.lower()} AS SELECT i.nominal_ref, o.occurred_at, o.{', o.'.join(columns)} "  # noqa: S608 - our own names above
        f"FROM involvements i JOIN occurrences o ON o.occ_no = i.occ_no WHERE i.occ_class = '{name}';"
        for name, columns in OCCURRENCES.values()
    ]
    tables = [
        f"CREATE TABLE {name} (nominal_ref TEXT NOT NULL, {at} TEXT, {' TEXT, '.join(columns)} TEXT);"
        f"CREATE INDEX {name}_nominal ON {name} (nominal_ref);"
        for name, at, columns in NOMINAL_TABLES.values()
    ]
    return "\n".join([_SCHEMA, *views, *tables])


def _nominal(record: Recorded) -> tuple[str | None, ...]:
    sex = record.person.sex.value[0].upper()
    born_on = record.born_on.isoformat() if record.born_on else None
    return (record.key, record.family_name, record.given_names, sex, born_on, record.home.line, record.home.postcode)


def _insert(database: sqlite3.Connection, number: int, row: Row) -> None:
    key, held = row
    if held.category in OCCURRENCES:
        name, columns = OCCURRENCES[held.category]
        values = dict(zip(columns, in_columns(held), strict=True))
        occurrence = (number, name, f"{held.at.isoformat()} {8 + number % 14:02d}:{number % 60:02d}")
        rest = tuple(values.get(column) for column in ("headline", "narrative", "result", "grade", "children"))
        database.execute("INSERT INTO occurrences VALUES (?, ?, ?, ?, ?, ?, ?, ?)", occurrence + rest)
        database.execute("INSERT INTO involvements VALUES (?, ?, ?, 'named')", (number, key, name))
        return
    name, _, names = NOMINAL_TABLES[held.category]
    marks = ", ".join("?" * (len(names) + 2))
    values_of = (key, held.at.isoformat(), *in_columns(held))
    database.execute(f"INSERT INTO {name} VALUES ({marks})", values_of)  # noqa: S608 - our own names above


def source_toml() -> str:
    """The `[[source]]` part of the police's adapter.toml."""
    parts = [_HEAD]
    for category, (name, columns) in OCCURRENCES.items():
        parts.append(category_toml(category, f'table = "occ_{name.lower()}"', "nominal_ref", ("occurred_at", "%Y-%m-%d %H:%M"), columns))
    for category, (name, at, columns) in NOMINAL_TABLES.items():
        parts.append(category_toml(category, f'table = "{name}"', "nominal_ref", (at, "%Y-%m-%d"), columns))
    return "\n".join(parts)
