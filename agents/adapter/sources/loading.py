"""Extracts into a DuckDB of our own, in memory: declared columns only, indexed, and nothing outside within its reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Final

import duckdb

from agents.adapter.matching import fold
from agents.adapter.sources.extract import Line, read_extract
from agents.adapter.sources.reading import day_of, number_of, text_of
from agents.adapter.sources.settings import CategoryPlace, SourceSettings
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import CategoryId

BATCH: Final = 10_000  # rows that cross into the database at once
MAX_ASIDE: Final = 1000  # rows of one file kept aside: more, and it is the file that is broken
MAX_LISTED: Final = 50  # of them named one by one
ENCLOSED: Final[dict[str, str | bool | int | float | list[str]]] = {
    "enable_external_access": "false",  # no file, no network
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "temp_directory": "",  # what is personal is not spilled to disk
    "memory_limit": "2GB",
    "threads": 1,
}
_TABLES: Final = """
    CREATE TABLE person (key VARCHAR, family_name VARCHAR, given_names VARCHAR, born_on DATE, postcode VARCHAR,
        nhs_number VARCHAR, verified BOOLEAN, sought VARCHAR);
    CREATE TABLE held (whose VARCHAR, happened DATE, line INTEGER, fields VARCHAR[])
"""
_INDEXES: Final = (
    "CREATE INDEX by_number ON person (nhs_number); CREATE INDEX by_name ON person (sought); CREATE INDEX by_person ON held (whose)"
)
_INTO_PERSON: Final = """
    INSERT INTO person SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]), unnest($3::VARCHAR[]), unnest($4::DATE[]),
        unnest($5::VARCHAR[]), unnest($6::VARCHAR[]), unnest($7::BOOLEAN[]), unnest($8::VARCHAR[])
"""
_INTO_HELD: Final = """
    INSERT INTO held SELECT unnest($1::VARCHAR[]), unnest($2::DATE[]), unnest($3::INTEGER[]), unnest($4::VARCHAR[][])
"""


@dataclass(slots=True, repr=False)
class Aside:
    """Rows of one place that could not be read: whose they are where that can be told, and how many nobody's."""

    file: str
    keys: set[str] = field(default_factory=set)
    nobodys: int = 0
    count: int = 0
    faults: list[Fault] = field(default_factory=list)

    def keep(self, line: int, column: str, wrong: str, key: str | None) -> None:
        """Note one row; ConfigurationError when there are too many."""
        self.count += 1
        if key:
            self.keys.add(key)
        else:
            self.nobodys += 1
        if len(self.faults) < MAX_LISTED:
            message = f"row kept aside: {wrong}"
            self.faults.append(Fault(file=self.file, line=line, field=column, message=message, fix="correct the extract"))
        if self.count > MAX_ASIDE:
            message = f"more than {MAX_ASIDE} rows cannot be read"
            raise ConfigurationError([Fault(file=self.file, message=message, fix="check encoding and delimiter"), *self.faults[:3]])


@dataclass(frozen=True, slots=True, repr=False)
class Loaded:
    """A folder of extracts as it was at one moment."""

    database: duckdb.DuckDBPyConnection
    aside: dict[str, Aside]


def sought(family_name: str | None, born_on: date | None) -> str | None:
    """The one text by which a person is looked up without a number."""
    folded = fold(family_name)
    return f"{folded} {born_on.isoformat()}" if folded and born_on else None


def whose(category: CategoryId, key: str) -> str:
    """The one text by which what is held is looked up: DuckDB uses an index for one condition only."""
    return f"{category} {key}"


def load(settings: SourceSettings, folder: Path) -> Loaded:
    """Read every file; ConfigurationError names all that is wrong with all of them."""
    database = duckdb.connect(":memory:", config=ENCLOSED)
    database.execute(_TABLES)
    aside = {"person": Aside(settings.person.name)} | {str(each.category): Aside(each.name) for each in settings.category}
    faults: list[Fault] = []
    for name, statement, rows in _sections(settings, folder, aside):
        try:
            _insert(database, statement, rows)
        except ConfigurationError as error:
            faults.extend(fault for fault in error.faults if fault not in faults)
        except duckdb.Error as error:
            message = f"cannot be loaded ({type(error).__name__})"
            faults.append(Fault(file=aside[name].file, message=message, fix="ask for a smaller extract"))
    if faults:
        database.close()
        raise ConfigurationError(faults)
    database.execute(_INDEXES)
    database.execute("SET lock_configuration = true")
    return Loaded(database, aside)


def _sections(settings: SourceSettings, folder: Path, aside: dict[str, Aside]) -> Iterator[tuple[str, str, Iterator[tuple[Any, ...]]]]:
    yield "person", _INTO_PERSON, _people(settings, folder, aside["person"])
    for place in settings.category:
        yield place.category, _INTO_HELD, _held(settings, place, folder, aside[place.category])


def _insert(database: duckdb.DuckDBPyConnection, statement: str, rows: Iterator[tuple[Any, ...]]) -> None:
    while batch := list(islice(rows, BATCH)):
        database.execute(statement, [list(values) for values in zip(*batch, strict=True)])


def _people(settings: SourceSettings, folder: Path, aside: Aside) -> Iterator[tuple[Any, ...]]:
    person, number = settings.person, settings.person.nhs_number
    wanted = [person.key, person.family_name, person.given_names, person.born_on.column, person.postcode]
    wanted += [number.column if number else None, number.verified.column if number and number.verified else None]
    equals = number.verified.equals if number and number.verified else None
    for line, values in _readable(settings, folder / person.name, wanted, aside):
        key, family_name, given_names, born_text, postcode, number_text, status = values
        born_on = _born_on(born_text, person.born_on.format, line.number, person.born_on.column, aside, key)
        verified = status is not None and status == equals
        yield key, family_name, given_names, born_on, postcode, number_of(number_text), verified, sought(family_name, born_on)


def _held(settings: SourceSettings, place: CategoryPlace, folder: Path, aside: Aside) -> Iterator[tuple[Any, ...]]:
    wanted = [place.person, place.at.column if place.at else None, *place.fields.values()]
    for line, (key, at, *fields) in _readable(settings, folder / place.name, wanted, aside):
        try:
            happened = day_of(at, place.at.format) if place.at else None
        except ValueError as error:
            aside.keep(line.number, place.at.column if place.at else "", str(error), key)
            continue
        yield whose(place.category, str(key)), happened, line.number, fields


def _readable(settings: SourceSettings, path: Path, wanted: list[str | None], aside: Aside) -> Iterator[tuple[Line, list[str | None]]]:
    """Rows whose every wanted value can be carried, None where there is no such column; the others are kept aside."""
    columns = [name for name in wanted if name]
    for line in read_extract(path, columns, settings.encoding, settings.delimiter):
        if line.wrong or line.values is None:
            aside.keep(line.number, "", line.wrong, line.values[0].strip() if line.values else None)
            continue
        given = dict(zip(columns, line.values, strict=True))
        try:
            values = [text_of(given[name]) if name else None for name in wanted]
        except ValueError as error:
            aside.keep(line.number, _first_bad(given), str(error), given[columns[0]].strip()[:200])
            continue
        if values[0] is None:
            aside.keep(line.number, columns[0], "no key, so nobody's", None)
            continue
        yield line, values


def _first_bad(given: dict[str, str]) -> str:
    for name, text in given.items():
        try:
            text_of(text)
        except ValueError:
            return name
    return ""


def _born_on(text: str | None, form: str | None, line: int, column: str, aside: Aside, key: str | None) -> date | None:
    """A person with an unreadable date of birth can still be found by number."""
    try:
        return day_of(text, form)
    except ValueError as error:
        aside.keep(line, column, str(error), key)
        return None
