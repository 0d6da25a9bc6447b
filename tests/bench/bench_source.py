"""A request of five subjects over a source of a million people in SQLite: five searches and fifteen fetches, in milliseconds.

`MASH_BENCH_PEOPLE` says how many people (1,000,000 unless told). Indexed by what `mash adapter index --apply` runs, and by nothing else.
"""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from agents.adapter.matching import match
from agents.adapter.sources.opening import make_indexes, missing_indexes, open_source
from agents.adapter.sources.settings import SourceSettings
from schemas.enums import SubjectRole
from schemas.identifiers import CategoryId, SubjectRef
from schemas.records import Subject

PEOPLE = int(os.environ.get("MASH_BENCH_PEOPLE", "1000000"))
REQUESTS, SUBJECTS, SEED = 200, 5, 47
TODAY = date(2026, 11, 24)
FIRST = [a + b for a in ("Al", "Be", "Ca", "Da", "El", "Fa", "Ha", "Jo", "Li", "Ma", "No", "Sa") for b in ("ya", "n", "lia", "mir", "den")]
FAMILY = [
    a + b for a in ("Ash", "Brad", "Cart", "Dun", "Farr", "Gold", "Hart", "Kav", "Lang", "Pat") for b in ("ley", "er", "ton", "ell", "son")
]
TABLES = ("incidents", "missing", "custody")
SCHEMA = "CREATE TABLE nominals (ref INTEGER PRIMARY KEY, surname TEXT, forename TEXT, dob TEXT, pcode TEXT);" + "".join(
    f"CREATE TABLE {name} (ref INTEGER, at TEXT, what TEXT, story TEXT);" for name in TABLES
)
CATEGORIES = ("pol.incidents", "pol.missing_episodes", "pol.custody")


def settings() -> SourceSettings:
    """As adapter.toml would say it."""
    category = [
        {"category": name, "table": table, "person": "ref", "at": {"column": "at", "format": "%Y-%m-%d"}, "assertion": "fact"}
        | {"fields": {"kind": "what", "summary": "story"}}
        for name, table in zip(CATEGORIES, TABLES, strict=True)
    ]
    person = {"table": "nominals", "key": "ref", "family_name": "surname", "given_names": "forename", "postcode": "pcode"}
    person |= {"born_on": {"column": "dob", "format": "%Y-%m-%d"}}
    plain = {
        "kind": "sql",
        "name": "million",
        "url": "sqlite:///million.sqlite",
        "allowed_lag": "P1D",
        "category": category,
        "person": person,
    }
    return SourceSettings.model_validate(plain)


def people(chance: random.Random) -> Iterator[tuple[int, str, str, str, str]]:
    """Born over a century, one in a hundred on a 1 January, as where dates of birth are guessed."""
    days = [(TODAY - timedelta(days=age)).isoformat() for age in range(36_500)]
    news = [day for day in days if day.endswith("-01-01")]
    for ref in range(PEOPLE):
        born = chance.choice(news if ref % 100 == 0 else days)
        yield ref, chance.choice(FAMILY), chance.choice(FIRST), born, f"XX{ref % 97} {ref % 9}XX"


def build(folder: Path) -> None:
    """A million people and three million rows, without any index."""
    chance = random.Random(SEED)
    with closing(sqlite3.connect(folder / "million.sqlite")) as database:
        database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA)
        with database:
            database.executemany("INSERT INTO nominals VALUES (?, ?, ?, ?, ?)", people(chance))
            for name in TABLES:
                held = (
                    (int(PEOPLE * chance.random() ** 2), f"2026-{1 + at % 11:02}-{1 + at % 28:02}", "kind", "x" * 200)
                    for at in range(PEOPLE)
                )
                database.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?)", held)  # noqa: S608 - a name of this file


def subjects(folder: Path) -> list[Subject]:
    """Of whom to ask: people who are there, one in ten born on a 1 January, one in ten of another name."""
    chance = random.Random(SEED + 1)
    with closing(sqlite3.connect(folder / "million.sqlite")) as database:
        asked = []
        for number in range(REQUESTS * SUBJECTS):
            ref = chance.randrange(PEOPLE // 100) * 100 if number % 10 == 0 else chance.randrange(PEOPLE)
            found = database.execute("SELECT surname, forename, dob, pcode FROM nominals WHERE ref = ?", (ref,)).fetchone()
            family = "Nobody" if number % 10 == 1 else found[0]
            asked.append(
                Subject(
                    ref=SubjectRef("s1"),
                    role=SubjectRole.child,
                    relation_to_child="the child",
                    known_as="x",
                    family_name=family,
                    given_names=found[1],
                    born_on=date.fromisoformat(found[2]),
                )
            )
    return asked


def measure() -> dict[str, float]:
    """Figures by name."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        began = time.perf_counter()
        build(folder)
        built = time.perf_counter()
        if not missing_indexes(settings(), folder) or make_indexes(settings(), folder):
            message = "the indexes were there before, or are still missing"
            raise SystemExit(message)
        indexed = time.perf_counter()
        times = sorted(_request(folder))
        return {
            "people": float(PEOPLE),
            "building the source, s": built - began,
            "mash adapter index --apply, s": indexed - built,
            "request of 5 subjects, p50": times[len(times) // 2],
            "request of 5 subjects, p95": times[len(times) * 95 // 100],
            "request of 5 subjects, worst": times[-1],
        }


def _request(folder: Path) -> Iterator[float]:
    source = open_source(settings(), folder)
    everybody = subjects(folder)
    for at in range(0, len(everybody), SUBJECTS):
        began = time.perf_counter()
        for each in everybody[at : at + SUBJECTS]:
            found = source.candidates(each)
            match(each, found.rows)
            for person in found.rows[:1]:  # as if confirmed: a match here would need its postcode, and costs the same
                for name in CATEGORIES:
                    source.fetch(person, CategoryId(name), date(2021, 11, 24), TODAY)
        yield (time.perf_counter() - began) * 1e3
    source.close()
