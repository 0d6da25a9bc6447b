"""A database as a source: read-only, parameters only, one indexed query per question. Nothing a driver says leaves this module."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import quote

from sqlalchemy import Column, Index, MetaData, Table, and_, bindparam, column, create_engine, event, func, inspect, or_, select, table
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql import Select
from sqlalchemy.sql.elements import ColumnElement

from agents.adapter.matching import MAX_CANDIDATES, nhs_numbers
from agents.adapter.ports import BY_NAME, BY_NUMBER, Candidate, Found, Row
from agents.adapter.sources.places import CategoryPlace, Dated, Place
from agents.adapter.sources.reading import MAX_ROWS, STATEMENT_SECONDS, day_of, named, number_of, shape, stored, text_of
from agents.adapter.sources.settings import SourceSettings
from agents.adapter.sources.spelling import PUNCTUATION, spellings
from schemas.errors import Fault, SourceUnavailableError
from schemas.identifiers import CategoryId, Slug
from schemas.records import Subject

LAST_DAY: Final = date.max - timedelta(days=1)
PROGRESS_STEPS: Final = 10_000  # SQLite instructions between two looks at the clock: about a millisecond
_SESSION: Final = (
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    f"SET statement_timeout = {STATEMENT_SECONDS * 1000}",
    f"SET lock_timeout = {STATEMENT_SECONDS * 1000}",
)
Values = dict[str, Any]  # a driver's row or parameters, by column label
Question = tuple[list[str], Select[Any]]  # the columns an index on which answers it, and itself
Asked = tuple[str, Place, list[str], list[Question]]  # setting, place, its columns, the questions asked of it
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingIndex:
    """An index that a declared question needs; a view has no `statement`, since the tables below it are its owner's to know."""

    field: str
    table: str
    columns: tuple[str, ...]
    statement: str

    @property
    def cure(self) -> str:
        """What to ask for."""
        where = "" if self.statement else "the tables below the view, for "
        return f"ask its owner for an index on {where}{', '.join(self.columns)}"


class SqlSource:
    """A source in SQLite or PostgreSQL."""

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        """`folder`: what a relative SQLite path starts from. Nothing is opened before the first question."""
        self._settings = settings
        self._path = _sqlite_path(settings.url or "", folder)
        self._engine = read_only_engine(settings.url or "", folder)
        self._by_number, self._by_name, self._undated = _person_statements(settings)
        self._held = {each.category: _held_statement(each) for each in settings.category}

    def candidates(self, subject: Subject) -> Found[Candidate]:
        """By NHS number, or by family name and date of birth; one more than MAX_CANDIDATES tells that there are too many."""

        def search(connection: Connection) -> Found[Candidate]:
            rows: list[Values] = []
            by: tuple[Slug, ...] = ()
            if self._by_number is not None and (numbers := nhs_numbers(subject)):
                rows += _rows(connection, self._by_number, {"numbers": [form for each in numbers for form in _spaced(each)]})
                by += BY_NUMBER
            if subject.family_name and subject.born_on and (names := spellings(subject.family_name)):
                born = stored(subject.born_on, self._settings.person.born_on.format)
                rows += _rows(connection, self._by_name, {"names": names, "born": born})
                rows = rows or _rows(connection, self._undated, {"names": names})  # before anybody says "nobody"
                by += BY_NAME
            people = tuple(dict.fromkeys(self._candidate(row) for row in rows))
            return Found(as_of=self._as_of(connection), rows=people, by=by)

        return self._read(search)

    def fetch(self, person: Candidate, category: CategoryId, since: date, until: date) -> Found[Row]:
        """Newest first, undated last; what does not fit a format or is too much is an error, never a shorter answer."""
        place = self._settings.place_of(category)
        if place is None:
            self._refuse(f"has no {category}")
        parameters: Values = {"key": person.key}
        if place.at is not None and place.at.sorts:
            after = min(until, LAST_DAY) + timedelta(days=1)
            parameters |= {"since": stored(since, place.at.format), "after": stored(after, place.at.format)}

        def search(connection: Connection) -> tuple[list[Row], datetime]:
            found = _rows(connection, self._held[category], parameters)
            return [_row(place, each) for each in found], self._as_of(connection)

        everything, as_of = self._read(search)
        if len(everything) > MAX_ROWS:
            self._refuse(f"{category}: more than {MAX_ROWS} rows for one person")
        rows = [row for row in everything if row.at is None or since <= row.at <= until]
        rows.sort(key=lambda row: row.at or date.min, reverse=True)
        return Found(as_of=as_of, rows=tuple(rows))

    def categories(self) -> Sequence[CategoryId]:
        """As declared."""
        return tuple(self._held)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def faults(self, file: str = "adapter.toml") -> tuple[Fault, ...]:
        """Tables and columns that are not there, and questions no index answers."""
        unindexed = (
            Fault(file=file, field=each.field, message=f"{each.table} is read whole to find one person", fix=each.cure)
            for each in self.missing_indexes()
        )
        return (*self.name_faults(file), *unindexed)

    def name_faults(self, file: str = "adapter.toml") -> tuple[Fault, ...]:
        """Tables and columns that are not there."""
        return self._read(lambda connection: tuple(one for each in self._places() for one in _name_faults(connection, file, each)))

    def missing_indexes(self) -> tuple[MissingIndex, ...]:
        """What its owner would have to make, so that no question reads a table from end to end."""
        return self._read(lambda connection: tuple(dict.fromkeys(one for each in self._places() for one in _missing(connection, each))))

    def make_indexes(self) -> tuple[MissingIndex, ...]:
        """Make them, in SQLite only, and say which are still missing: the one time that anything is written to a source."""
        if self._path is None:
            self._refuse("is its owner's to index")
        path, statements = self._path, [each.statement for each in self.missing_indexes() if each.statement]
        self._engine.dispose()  # a reader that stays open would keep the writer waiting

        def make() -> None:
            with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=STATEMENT_SECONDS)) as database, database:
                for statement in statements:
                    database.execute(statement)

        self._failing_quietly(make)
        return self.missing_indexes()

    def _places(self) -> list[Asked]:
        person = self._settings.person
        places: list[Asked] = [("source.person", person, _person_columns(self._settings), self._person_questions())]
        for each in self._settings.category:
            indexed = [*each.person, *([each.at.column] if each.at else [])]
            places.append((f"source.category.{each.category}", each, _category_columns(each), [(indexed, self._held[each.category])]))
        return places

    def _person_questions(self) -> list[Question]:
        person = self._settings.person
        by_number = [([person.nhs_number.column], self._by_number)] if person.nhs_number and self._by_number is not None else []
        return [*by_number, ([person.born_on.column], self._by_name), ([person.born_on.column], self._undated)]

    def _read(self, work: Callable[[Connection], R]) -> R:
        """One connection that can only read, and not for long."""

        def read() -> R:
            with self._engine.connect() as connection, _time_limit(connection):
                return work(connection)

        return self._failing_quietly(read)

    def _failing_quietly(self, work: Callable[[], R]) -> R:
        """Any failure of the driver becomes one error that quotes nothing, not even as its context."""
        try:
            return work()
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            failed = f"did not answer ({type(error).__name__})"
        except ValueError:
            failed = "holds a value that does not fit its declared format or is too long for an answer"
        return self._refuse(failed)

    def _refuse(self, why: str) -> NoReturn:
        message = f"source {self._settings.name} {why}"
        raise SourceUnavailableError(message)

    def _candidate(self, row: Values) -> Candidate:
        person = self._settings.person
        number = person.nhs_number
        verified = number is not None and number.verified is not None and str(row["verified"]) == number.verified.equals
        return Candidate(
            key=str(row["key"]),
            family_name=text_of(row["family_name"]),
            given_names=text_of(row.get("given_names")),
            born_on=_born_on(row["born_on"], person.born_on.format),
            postcode=text_of(row.get("postcode")),
            nhs_number=number_of(row.get("nhs_number")),
            nhs_number_verified=verified,
        )

    def _as_of(self, connection: Connection) -> datetime:
        fresh = self._settings.as_of
        if fresh is not None:
            newest = connection.execute(select(func.max(column(fresh.column))).select_from(_table(fresh.table))).scalar()
            return _instant(newest, fresh.format)
        if self._path is not None:
            wal = self._path.with_name(self._path.name + "-wal")
            return datetime.fromtimestamp(max(each.stat().st_mtime for each in (self._path, wal) if each.exists()), UTC)
        return _instant(connection.execute(select(func.now())).scalar(), None)


def read_only_engine(url: str, folder: Path) -> Engine:
    """An engine whose every connection can only read, and not for long."""
    path = _sqlite_path(url, folder)
    if path is not None:
        return create_engine("sqlite://", creator=lambda: _open_sqlite(path), hide_parameters=True, pool_size=2)
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), hide_parameters=True, pool_size=2, pool_pre_ping=True)
    event.listen(engine, "connect", _prepare_session)
    return engine


def _open_sqlite(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, check_same_thread=False, timeout=STATEMENT_SECONDS)
    for pragma in ("PRAGMA query_only = ON", "PRAGMA trusted_schema = OFF"):
        connection.execute(pragma)
    return connection


def _prepare_session(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
    with connection.cursor() as cursor:
        for statement in _SESSION:
            cursor.execute(statement)
    connection.commit()


@contextmanager
def _time_limit(connection: Connection) -> Iterator[None]:
    """SQLite has no statement timeout: stop it from inside."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    until = time.monotonic() + STATEMENT_SECONDS
    driver.set_progress_handler(lambda: time.monotonic() > until, PROGRESS_STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def _sqlite_path(url: str, folder: Path) -> Path | None:
    return folder / url.removeprefix("sqlite:///") if url.startswith("sqlite:") else None


def _table(name: str) -> Any:  # noqa: ANN401 - SQLAlchemy's table() has an unspecific type
    schema, _, last = name.rpartition(".")
    return table(last, schema=schema or None)


def _person_statements(settings: SourceSettings) -> tuple[Select[Any] | None, Select[Any], Select[Any]]:
    """By number, if the source has any; by name and date of birth; and by name, those without a date of birth."""
    person = settings.person
    number = person.nhs_number
    wanted = {"key": person.key[0], "family_name": person.family_name, "given_names": person.given_names, "postcode": person.postcode}
    wanted |= {"born_on": person.born_on.column, "nhs_number": number.column if number else None}
    wanted |= {"verified": number.verified.column if number and number.verified else None}
    columns: list[ColumnElement[Any]] = [column(name).label(label) for label, name in wanted.items() if name]
    everyone = select(*columns).select_from(_table(person.name)).order_by(column(person.key[0])).limit(MAX_CANDIDATES + 1)
    by_number = everyone.where(column(number.column).in_(bindparam("numbers", expanding=True))) if number else None
    named_so = _folded(column(person.family_name)).in_(bindparam("names", expanding=True))
    born: ColumnElement[Any] = column(person.born_on.column)
    undated = born.is_(None) if person.born_on.format is None else or_(born.is_(None), born == "")
    return by_number, everyone.where(born == bindparam("born"), named_so), everyone.where(undated, named_so)


def _folded(name: ColumnElement[Any]) -> ColumnElement[Any]:
    """Lower case without punctuation, as every database can; `spellings` gives what may come out."""
    folded: ColumnElement[Any] = func.lower(name)
    for mark in PUNCTUATION:
        folded = func.replace(folded, mark, "")
    return folded


def _held_statement(place: CategoryPlace) -> Select[Any]:
    fields: list[ColumnElement[Any]] = [column(name).label(f"field_{index}") for index, name in enumerate(place.fields.values())]
    statement = select(*fields).select_from(_table(place.name)).where(column(place.person[0]) == bindparam("key")).limit(MAX_ROWS + 1)
    if place.at is None:
        return statement
    at: ColumnElement[Any] = column(place.at.column)
    statement = statement.add_columns(at.label("at")).order_by(at.desc().nulls_last())
    return statement.where(_span(at, place.at.format)) if place.at.sorts else statement


def _span(at: ColumnElement[Any], form: str | None) -> ColumnElement[bool]:
    """What has no date may fall into any span; text that is no date is fetched too, and is then an error instead of a gap."""
    asked = [at.is_(None), and_(at >= bindparam("since"), at < bindparam("after"))]
    return or_(*asked) if form is None else or_(*asked, at.not_like(shape(form)))


def _rows(connection: Connection, statement: Select[Any], parameters: Values) -> list[Values]:
    return [dict(row) for row in connection.execute(statement, parameters).mappings()]


def _row(place: CategoryPlace, row: Values) -> Row:
    at = day_of(row["at"], place.at.format) if place.at else None
    fields = named(place.fields, (row[f"field_{index}"] for index in range(len(place.fields))))
    return Row(at=at, fields=fields, assertion=place.assertion.value)


def _born_on(value: object, form: str | None) -> date | None:
    """A person with an unreadable date of birth can still be found by number."""
    try:
        return day_of(value, form)
    except ValueError:
        return None


def _spaced(number: str) -> tuple[str, str]:
    return number, f"{number[:3]} {number[3:6]} {number[6:]}"


def _instant(value: object, form: str | None) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if form is None else datetime.strptime(value, form).replace(tzinfo=UTC)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        message = "no time of the newest row"
        raise ValueError(message)  # noqa: TRY004 - it is the stored value that is wrong
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _person_columns(settings: SourceSettings) -> list[str]:
    person, number = settings.person, settings.person.nhs_number
    names = [*person.key, person.family_name, person.given_names, person.born_on.column, person.postcode]
    names += [number.column if number else None, number.verified.column if number and number.verified else None]
    return [name for name in names if name]


def _category_columns(place: CategoryPlace) -> list[str]:
    dated: list[Dated] = [place.at] if place.at else []
    return [*place.person, *(each.column for each in dated), *place.fields.values()]


def _name_faults(connection: Connection, file: str, asked: Asked) -> list[Fault]:
    field, place, columns, _ = asked
    schema, _, name = place.name.rpartition(".")
    try:
        there = {each["name"] for each in inspect(connection).get_columns(name, schema=schema or None)}
    except NoSuchTableError:
        return [Fault(file=file, field=field, message=f"there is no table or view {place.name}", fix="name one the reading role may see")]
    absent = [each for each in columns if each not in there]
    return [Fault(file=file, field=field, message=f"{place.name} has no column {each}", fix="correct the name") for each in absent]


def _missing(connection: Connection, asked: Asked) -> Iterator[MissingIndex]:
    field, place, _, questions = asked
    if _name_faults(connection, "", asked):
        return
    for columns, statement in questions:
        if _scans(connection, statement):
            made = _index_statement(connection, place.name, columns)
            yield MissingIndex(field=field, table=place.name, columns=tuple(columns), statement=made)


def _index_statement(connection: Connection, place: str, columns: list[str]) -> str:
    """In the database's own words; empty for a view. On PostgreSQL it is made without holding anybody up."""
    schema, _, name = place.rpartition(".")
    if name in inspect(connection).get_view_names(schema=schema or None):
        return ""
    there = Table(name, MetaData(schema=schema or None), *(Column(each) for each in columns))
    index = Index(f"mash_{'_'.join([name, *columns])}"[:63], *there.columns, postgresql_concurrently=True)
    return str(CreateIndex(index, if_not_exists=True).compile(dialect=connection.dialect)).strip()


def _scans(connection: Connection, statement: Select[Any]) -> bool:
    """Whether the database would read a table from end to end to answer."""
    asked = {"numbers": ["-"], "names": ["-"], "born": "1900-01-01", "key": "0", "since": "1900-01-01", "after": "1900-01-02"}
    compiled = statement.compile(connection)
    ready = compiled.construct_expanded_state({name: asked[name] for name in compiled.bind_names.values() if name in asked})
    if connection.dialect.name == "sqlite":
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {ready.statement}", tuple(ready.positional_parameters))
        return any(str(row[3]).startswith("SCAN") for row in plan)
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # or a small table would be scanned although an index stands ready
    plan = connection.exec_driver_sql(f"EXPLAIN {ready.statement}", ready.parameters)
    return any("Seq Scan" in str(row[0]) for row in plan)
