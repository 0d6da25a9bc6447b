"""Extracts into a DuckDB of our own, in memory: declared columns only, indexed, and nothing outside within its reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb

from agents.adapter.matching import fold
from agents.adapter.sources.formats import Reader, files_of, open_extract, star_of
from agents.adapter.sources.places import PATIENT, STAR, CategoryPlace, Key, Place
from agents.adapter.sources.reading import Line, day_of, number_of, text_of
from agents.adapter.sources.settings import SourceSettings
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import CategoryId

BATCH: Final = 10_000  # rows that cross into the database at once
BATCH_WEIGHT: Final = 8 * 1024 * 1024  # characters likewise
MAX_ASIDE: Final = 1000  # rows of one file kept aside: more, and it is the file that is broken
MAX_LISTED: Final = 50  # of them named one by one
MAX_KEY: Final = 200  # characters of one part of a key
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
        nhs_number VARCHAR, verified BOOLEAN, sought VARCHAR, file VARCHAR);
    CREATE TABLE held (whose VARCHAR, happened DATE, line INTEGER, fields VARCHAR[])
"""
_INDEXES: Final = (
    "CREATE INDEX by_number ON person (nhs_number); CREATE INDEX by_name ON person (sought); CREATE INDEX by_person ON held (whose)"
)
_INTO_PERSON: Final = """
    INSERT INTO person SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]), unnest($3::VARCHAR[]), unnest($4::DATE[]),
        unnest($5::VARCHAR[]), unnest($6::VARCHAR[]), unnest($7::BOOLEAN[]), unnest($8::VARCHAR[]),
        unnest($9::VARCHAR[])
"""
_INTO_HELD: Final = """
    INSERT INTO held SELECT unnest($1::VARCHAR[]), unnest($2::DATE[]), unnest($3::INTEGER[]), unnest($4::VARCHAR[][])
"""


_SHARED: Final = "SELECT key FROM person GROUP BY key HAVING count(DISTINCT file) > 1 AND count(DISTINCT born_on) > 1"
ABSENT: Final = "?"  # instead of a date of birth: there is none
UNREADABLE: Final = "!"  # or there is one that nobody can read


@dataclass(slots=True, repr=False)
class Aside:
    """Rows of one place that could not be read: whose they are where that can be told, and how many nobody's."""

    place: Place
    keys: set[str] = field(default_factory=set)
    by_person: set[str] = field(default_factory=set)  # whose rows are there, for a person to say
    nobodys: int = 0
    count: int = 0
    faults: list[Fault] = field(default_factory=list)

    def keep(self, file: str, line: Line, column: str, wrong: str, key: str | None) -> None:
        """Keep one row out; ConfigurationError when there are too many."""
        self.count += 1
        if key:
            self.keys.add(key)
        else:
            self.nobodys += 1
        self.note(file, line, column, f"kept aside: {wrong}")
        if self.count > MAX_ASIDE:
            message = f"more than {MAX_ASIDE} rows cannot be read"
            raise ConfigurationError([Fault(file=file, message=message, fix="check encoding and delimiter"), *self.faults[:3]])

    def note(self, file: str, line: Line, column: str, wrong: str) -> None:
        """Say what is wrong with one row, that nothing else follows from."""
        if len(self.faults) >= MAX_LISTED:
            return
        if self.place.resource is None:
            self.faults.append(Fault(file=file, line=line.number, field=column, message=f"row {wrong}", fix="correct the extract"))
        else:
            name = f"entry[{line.number}].{self.place.resource}{'.' if column else ''}{column}"
            self.faults.append(Fault(file=file, field=name, message=f"resource {wrong}", fix="correct it where it came from"))


@dataclass(frozen=True, slots=True, repr=False)
class Loaded:
    """A folder of extracts as it was at one moment; `shared`: keys that different people have in different files."""

    database: duckdb.DuckDBPyConnection
    aside: dict[str, Aside]
    shared: frozenset[str]


def sought(family_name: str | None, born: date | str | None) -> str | None:
    """The one text by which a person is looked up without a number; a mark stands for a date of birth that cannot be told."""
    folded = fold(family_name)
    return f"{folded} {born.isoformat() if isinstance(born, date) else born}" if folded and born else None


def whose(category: CategoryId, key: str) -> str:
    """The one text by which what is held is looked up: DuckDB uses an index for one condition only."""
    return f"{category} {key}"


def load(settings: SourceSettings, folder: Path) -> Loaded:
    """Read every file once; ConfigurationError names all that is wrong with all of them."""
    database = duckdb.connect(":memory:", config=ENCLOSED)
    database.execute(_TABLES)
    aside = {"person": Aside(settings.person)} | {str(each.category): Aside(each) for each in settings.category}
    faults: list[Fault] = []
    for path, places in files_of(settings, folder).items():
        try:
            read = open_extract(settings, path)
            for place in places:
                faults += [each for each in _load_place(database, settings, path, place, read, aside) if each not in faults]
        except ConfigurationError as error:
            faults += error.faults
    if faults:
        database.close()
        raise ConfigurationError(faults)
    database.execute(_INDEXES)
    shared = frozenset(str(row[0]) for row in database.execute(_SHARED).fetchall())
    database.execute("SET lock_configuration = true")
    return Loaded(database, aside, shared)


def _load_place(
    database: duckdb.DuckDBPyConnection, settings: SourceSettings, path: Path, place: Place, read: Reader, aside: dict[str, Aside]
) -> Sequence[Fault]:
    if isinstance(place, CategoryPlace):
        statement, rows = _INTO_HELD, _held(place, path, read, aside[place.category])
    else:
        statement, rows = _INTO_PERSON, _people(settings, path, read, aside["person"])
    try:
        _insert(database, statement, rows)
    except ConfigurationError as error:
        return error.faults
    except duckdb.Error as error:
        return [Fault(file=path.name, message=f"cannot be loaded ({type(error).__name__})", fix="ask for a smaller extract")]
    return []


def _insert(database: duckdb.DuckDBPyConnection, statement: str, rows: Iterator[tuple[Any, ...]]) -> None:
    for batch in _batches(rows):
        database.execute(statement, [list(values) for values in zip(*batch, strict=True)])


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Few enough, and light enough: rows of nothing but long texts would weigh gigabytes."""
    batch: list[tuple[Any, ...]] = []
    weight = 0
    for row in rows:
        batch.append(row)
        weight += sum(len(value) for value in (*row, *(row[-1] if isinstance(row[-1], list) else ())) if isinstance(value, str))
        if len(batch) == BATCH or weight > BATCH_WEIGHT:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def _people(settings: SourceSettings, path: Path, read: Reader, aside: Aside) -> Iterator[tuple[Any, ...]]:
    person, number = settings.person, settings.person.nhs_number
    wanted = [person.family_name, person.given_names, person.born_on.column, person.postcode]
    wanted += [number.column if number else None, number.verified.column if number and number.verified else None]
    equals = number.verified.equals if number and number.verified else None
    for line, key, values in _readable(path, person, person.key, wanted, read, aside):
        family_name, given_names, born, postcode, number_text, status = values
        nhs_number = number_of(number_text)
        if not fold(text_of(family_name)) and nhs_number is None:
            aside.note(path.name, line, person.family_name, "kept aside: a person with neither name nor NHS number, whom nobody can find")
            continue
        born_on, mark = _born_on(born, person.born_on.format)
        if mark == UNREADABLE:
            aside.note(path.name, line, person.born_on.column, "has a date that does not fit its format")
        verified = status is not None and text_of(status) == equals
        texts = (text_of(family_name), text_of(given_names), born_on, text_of(postcode), nhs_number, verified)
        yield key, *texts, sought(texts[0], born_on or mark), path.name


def _held(place: CategoryPlace, path: Path, read: Reader, aside: Aside) -> Iterator[tuple[Any, ...]]:
    wanted = [place.at.column if place.at else None, *place.fields.values()]
    for line, key, (at, *fields) in _readable(path, place, place.person or (PATIENT,), wanted, read, aside):
        try:
            happened = day_of(at, place.at.format) if place.at else None
        except ValueError as error:
            aside.keep(path.name, line, place.at.column if place.at else "", str(error), key)
            continue
        yield whose(place.category, key), happened, line.number, [text_of(each) for each in fields]


def _readable(
    path: Path, place: Place, key_columns: Key, wanted: list[str | None], read: Reader, aside: Aside
) -> Iterator[tuple[Line, str, list[object]]]:
    """Rows with their key, whose every wanted value can be carried, None where there is no such column; the others are kept aside."""
    star = star_of(path.name, place.name)
    of_key = [name for name in key_columns if name != STAR]
    columns = [*of_key, *(name for name in wanted if name)]
    for line in read(place, columns):
        parts = iter(line.values or ())
        key = _key([star if name == STAR else next(parts, None) for name in key_columns]) if line.values else None
        if line.by_person and key:
            aside.by_person.add(key)
            continue
        wrong, where = line.wrong, line.where
        if not wrong and line.values is not None:
            wrong, where = _bad(columns, line.values)
        if not wrong and key is None:
            wrong, where = "no key, so nobody's", key_columns[-1]
        if wrong or line.values is None or key is None:
            aside.keep(path.name, line, where, wrong, key)
            continue
        given = dict(zip(columns, line.values, strict=True))
        yield line, key, [given[name] if name else None for name in wanted]


def _key(parts: list[object]) -> str | None:
    """One key of several parts, none of them empty; no two lists of parts give the same."""
    texts = ["" if part is None else str(part).strip()[:MAX_KEY] for part in parts]
    if not all(texts):
        return None
    return texts[0] if len(texts) == 1 else "".join(f"{len(text)}:{text}" for text in texts)


def _bad(columns: list[str], values: tuple[object, ...]) -> tuple[str, str]:
    """What no answer can carry, and in which column."""
    for name, value in zip(columns, values, strict=True):
        try:
            text_of(value)
        except ValueError as error:
            return str(error), name
    return "", ""


def _born_on(value: object, form: str | None) -> tuple[date | None, str]:
    """A date, or why there is none: a person with an unreadable date of birth can still be found by number."""
    try:
        return day_of(value, form), ABSENT
    except ValueError:
        return None, UNREADABLE
