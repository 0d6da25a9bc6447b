"""Children's social care as such systems look: people, steps of work, and every step's form as questions and answers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from agents.demo.database import new_database
from agents.demo.histories import FIELDS, HOLDS, Row, category_toml
from agents.demo.people import ABSENT, Dirt
from agents.demo.registers import Recorded

_HEAD: Final = """# SYNTHETIC. People, steps and forms; a view for each kind of step. Many people have no NHS number here.
[[source]]
kind = "sql"
name = "social-care-records"
url = "sqlite:///records.sqlite"
allowed_lag = "P31D"

[source.person]
table = "person_current"
key = "person_id"
family_name = "last_name"
given_names = "first_names"
born_on = { column = "date_of_birth", format = "%Y-%m-%d" }
postcode = "post_code"
nhs_number = { column = "nhs_number", verified = { column = "nhs_checked", equals = "01" } }
"""
_SCHEMA: Final = """
CREATE TABLE persons (person_id TEXT PRIMARY KEY, last_name TEXT NOT NULL, first_names TEXT, gender TEXT, date_of_birth TEXT,
    nhs_number TEXT, nhs_checked TEXT);
CREATE INDEX persons_born ON persons (date_of_birth);
CREATE INDEX persons_nhs ON persons (nhs_number);
CREATE TABLE addresses (person_id TEXT NOT NULL, line_1 TEXT, post_code TEXT, ended_on TEXT);
CREATE INDEX addresses_person ON addresses (person_id, ended_on);
CREATE VIEW person_current AS SELECT p.*, a.post_code FROM persons p
    LEFT JOIN addresses a ON a.person_id = p.person_id AND a.ended_on IS NULL;
CREATE TABLE steps (step_id INTEGER PRIMARY KEY, person_id TEXT NOT NULL, step_type TEXT NOT NULL, started_at TEXT NOT NULL);
CREATE INDEX steps_person ON steps (person_id, step_type);
CREATE TABLE answers (step_id INTEGER NOT NULL, question TEXT NOT NULL, answer TEXT, PRIMARY KEY (step_id, question)) WITHOUT ROWID;
"""


def write_csc(folder: Path, people: Iterable[Recorded], rows: Iterable[Row]) -> None:
    """`records.sqlite` and `source.toml`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.toml").write_text(source_toml(), encoding="utf-8")
    schema = "\n".join([_SCHEMA, *map(_view, HOLDS["csc"])])
    with new_database(folder / "records.sqlite", schema) as database:
        for record in people:
            database.execute("INSERT INTO persons VALUES (?, ?, ?, ?, ?, ?, ?)", _person(record))
            database.executemany("INSERT INTO addresses VALUES (?, ?, ?, ?)", _addresses(record))
        for number, (key, held) in enumerate(rows, 1):
            step = (number, key, held.category, held.at.isoformat())
            database.execute("INSERT INTO steps VALUES (?, ?, ?, ?)", step)
            database.executemany("INSERT INTO answers VALUES (?, ?, ?)", [(number, *pair) for pair in held.fields.items()])


def source_toml() -> str:
    """The `[[source]]` part of its adapter.toml."""
    parts = [
        category_toml(category, f'table = "{_name(category)}"', "person_id", ("started_at", "%Y-%m-%d"), FIELDS[category])
        for category in HOLDS["csc"]
    ]
    return "\n".join([_HEAD, *parts])


def _name(category: str) -> str:
    return f"step_{category.replace('.', '_')}"


def _view(category: str) -> str:
    answers = ", ".join(
        f"(SELECT answer FROM answers a WHERE a.step_id = s.step_id AND a.question = '{field}') AS {field}"  # noqa: S608 - names of the pack
        for field in FIELDS[category]
    )
    return f"CREATE VIEW {_name(category)} AS SELECT s.person_id, s.started_at, {answers} FROM steps s WHERE s.step_type = '{category}';"  # noqa: S608 - likewise


def _person(record: Recorded) -> tuple[str | None, ...]:
    """A birth in another form is how a clerk once typed it."""
    born = record.born_on
    text = None if born is None else born.strftime("%d/%m/%Y") if Dirt.date_form in record.dirt else born.isoformat()
    number = None if record.trace_status == ABSENT else str(record.nhs_number)
    gender = record.person.sex.value
    return (record.key, record.family_name, record.given_names, gender, text, number, record.trace_status)


def _addresses(record: Recorded) -> list[tuple[str | None, ...]]:
    """Where they live and where they lived, each once."""
    former = [home for home in record.person.former_homes if home is not record.home]
    homes = [(record.home, None), *((home, "2024-03-31") for home in former)]
    return [(record.key, home.line, home.postcode, ended) for home, ended in homes]
