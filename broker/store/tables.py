"""The store's tables, and its engines on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import StaticPool

from schemas.errors import ConfigurationError, Fault, StoreUnavailableError

SCHEMA: Final = "2"  # a store of another schema is refused by name until the first release
READING: Final = "reading"  # a connection's option
FLEETING: Final = "fleeting"  # likewise
BUSY_MS: Final = 5000  # milliseconds to wait for another process' transaction
IDLE_MS: Final = 10000  # milliseconds a transaction may sit idle on PostgreSQL


class Instant(sa.TypeDecorator[datetime]):
    """UTC microseconds since 1970: the same on both servers, and never naive."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """To microseconds."""
        return None if value is None else (value - START) // TICK

    def process_result_value(self, value: int | None, dialect: object) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """From microseconds."""
        return None if value is None else START + value * TICK


START: Final = datetime(1970, 1, 1, tzinfo=UTC)
TICK: Final = timedelta(microseconds=1)
DATA: Final = sa.MetaData()
KEYS: Final = sa.MetaData()
UNUSABLE: Final = ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_READONLY")
_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts rows only in INTEGER

meta = sa.Table("meta", DATA, sa.Column("name", sa.String, primary_key=True), sa.Column("value", sa.String, nullable=False))
position = sa.Table("position", DATA, sa.Column("topic", sa.String, primary_key=True), sa.Column("next", sa.BigInteger, nullable=False))
received = sa.Table(
    "received",
    DATA,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("topic", sa.String, nullable=False),
    sa.Column("incarnation", sa.LargeBinary, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Index("received_number", "topic", "incarnation", "sequence"),
)
quarantine = sa.Table(
    "quarantine",
    DATA,
    sa.Column("topic", sa.String, primary_key=True),
    sa.Column("offset", sa.BigInteger, primary_key=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("at", Instant(), nullable=False),
    sa.Column("digest", sa.LargeBinary),  # of an envelope whose signature held
    sa.Column("count", sa.BigInteger, nullable=False),  # records that it stands for
    sa.Column("told", sa.Boolean, nullable=False),  # whether the log tells of it
    sa.Column("raw", sa.LargeBinary, nullable=False),
    sa.Index("quarantine_untold", "told", "at"),
)
quarantine_size = sa.Table(  # what is kept of each stream and reason, apart for what somebody signed and what nobody did
    "quarantine_size",
    DATA,
    sa.Column("topic", sa.String, primary_key=True),
    sa.Column("reason", sa.String, primary_key=True),
    sa.Column("signed", sa.Boolean, primary_key=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("gone", sa.BigInteger, nullable=False),  # records without bytes, of which the log has told
)
event = sa.Table(
    "event",
    DATA,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("case_id", sa.String, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("sender", sa.String),
    sa.Column("at", Instant(), nullable=False),
    sa.Column("enveloped", sa.Boolean, nullable=False),
    sa.Column("key_id", sa.LargeBinary, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("case_id", "digest"),
    sa.Index("event_when", "kind", "at"),
    sa.Index("event_from", "sender", "kind", "at"),
)
mention = sa.Table(
    "mention",
    DATA,
    sa.Column("name", sa.LargeBinary, primary_key=True),
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("case_id", sa.String, nullable=False, index=True),
)
work = sa.Table(
    "work",
    DATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("case_id", sa.String, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("not_before", Instant(), nullable=False),
    sa.Column("done", sa.Boolean, nullable=False, default=False),
    sa.Index("work_open", "kind", "done", "not_before"),
)
mark = sa.Table("mark", DATA, sa.Column("case_id", sa.String, primary_key=True), sa.Column("digest", sa.LargeBinary, primary_key=True))
waiting = sa.Table(  # for a person: no process leases it
    "waiting", DATA, sa.Column("case_id", sa.String, primary_key=True), sa.Column("digest", sa.LargeBinary, primary_key=True)
)
stream = sa.Table(
    "stream",
    DATA,
    sa.Column("topic", sa.String, primary_key=True),
    sa.Column("incarnation", sa.LargeBinary, nullable=False),
    sa.Column("next", sa.BigInteger, nullable=False),
)
outbox = sa.Table(
    "outbox",
    DATA,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("topic", sa.String, nullable=False),
    sa.Column("recipient", sa.String),
    sa.Column("key", sa.LargeBinary, nullable=False),
    sa.Column("value", sa.LargeBinary, nullable=False),
    sa.Column("digest", sa.LargeBinary),
    sa.Column("state", sa.String, nullable=False),
    sa.Index("outbox_open", "state", "topic", "id"),
)
lease = sa.Table(
    "lease",
    DATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("term", sa.BigInteger, nullable=False),
    sa.Column("until", Instant(), nullable=False),
)
entry = sa.Table(
    "entry",
    DATA,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("key_name", sa.String, nullable=False, index=True),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
unindexed = sa.Table("unindexed", DATA, sa.Column("entry_id", sa.BigInteger, primary_key=True, autoincrement=False))
leaf = sa.Table(
    "leaf",
    DATA,
    sa.Column("index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("entry_id", sa.BigInteger, unique=True),  # an entry has one index; a blank has no entry
    sa.Column("salt", sa.LargeBinary),
)
checkpoint = sa.Table(
    "checkpoint",
    DATA,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Instant(), nullable=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
    sa.Column("frontier", sa.LargeBinary, nullable=False),
)
case_key = sa.Table("case_key", KEYS, sa.Column("name", sa.String, primary_key=True), sa.Column("wrapped", sa.LargeBinary, nullable=False))
content_key = sa.Table(
    "content_key",
    KEYS,
    sa.Column("id", sa.LargeBinary, primary_key=True),
    sa.Column("case_name", sa.String, nullable=False, index=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)
unproven = sa.Table(  # content keys of which nobody knows yet whether anything was sealed under them
    "unproven",
    KEYS,
    sa.Column("id", sa.LargeBinary, primary_key=True),
    sa.Column("case_name", sa.String, nullable=False),
    sa.Column("made_at", Instant(), nullable=False, index=True),
)
sweep_mark = sa.Table(  # the store's mark as the keys know it: one row
    "sweep_mark",
    KEYS,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", sa.String, nullable=False),
    sa.Column("next", sa.String),  # announced, while the store may have it or not
    sa.Column("at", Instant(), nullable=False),  # when the last one was settled
)


def engine_of(url: str, tables: sa.MetaData) -> sa.Engine:
    """Open a store and make its tables; ConfigurationError for a store of another schema or an unusable URL."""
    try:
        parsed = sa.make_url(url)
        memory = parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}
        options: dict[str, Any] = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}} if memory else {}
        engine = sa.create_engine(parsed, **options)
    except (sa.exc.ArgumentError, ImportError):
        message = "is not a usable store URL"
        raise ConfigurationError([Fault(file="party.toml", field="store", message=message, fix="sqlite:///store.sqlite")]) from None
    if engine.dialect.name == "sqlite":
        _settle_sqlite(engine)
        _check_sqlite(engine)
    else:
        _settle_postgresql(engine)
    with transaction(engine) as connection:
        if engine.dialect.name == "sqlite":
            for statement in _sqlite_ddl(tables):
                connection.exec_driver_sql(statement)
        else:
            tables.create_all(connection)  # by name: IF NOT EXISTS would want the right to create, and lock what is there
    return engine


@cache
def _sqlite_ddl(tables: sa.MetaData) -> tuple[str, ...]:
    """What makes those tables and indexes that are not there yet; the same for every store, and slow to put into words."""
    made: list[sa.schema.ExecutableDDLElement] = [sa.schema.CreateTable(table, if_not_exists=True) for table in tables.sorted_tables]
    made += [sa.schema.CreateIndex(index, if_not_exists=True) for table in tables.sorted_tables for index in table.indexes]
    return tuple(str(each.compile(dialect=sqlite.dialect())) for each in made)


def _settle_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def settle(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's connection
        connection.isolation_level = None  # Python's own BEGIN let three writers take duplicate numbers
        for pragma in ("journal_mode=WAL", "secure_delete=ON", f"busy_timeout={BUSY_MS}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        driver: Any = connection.connection.driver_connection  # itself: a tenth of the time, and there are a hundred a case
        if options.get(READING):
            driver.execute("BEGIN")
        else:
            driver.execute("PRAGMA synchronous=NORMAL" if options.get(FLEETING) else "PRAGMA synchronous=FULL")
            driver.execute("BEGIN IMMEDIATE")


def _settle_postgresql(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def settle(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's connection
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {BUSY_MS}")
            cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_MS}")
        connection.commit()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get(FLEETING):
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")


def _check_sqlite(engine: sa.Engine) -> None:
    """A file that is no database, or that this account cannot use, is not worth trying again."""
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA schema_version")
    except sa.exc.DBAPIError as error:
        name = str(getattr(error.orig, "sqlite_errorname", ""))
        if not name.startswith(UNUSABLE):
            return
        file, message = str(engine.url.database), f"is not a usable database ({name})"
        raise ConfigurationError([Fault(file=file, message=message, fix="restore it, or give this account the right to it")]) from None


@contextmanager
def transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction; whatever the driver raises leaves as StoreUnavailableError, without a value in it."""
    try:
        with engine.begin() as connection:
            yield connection
    except (sa.exc.StatementError, sqlite3.Error) as error:
        message = f"the store did not finish a transaction ({_name(error)})"
        raise StoreUnavailableError(message) from None


def _name(error: Exception) -> str:
    """The driver's name of what happened; its text may quote values."""
    return type(getattr(error, "orig", error)).__name__


def forget_deleted(engine: sa.Engine) -> None:
    """Let nothing deleted stand in SQLite's write-ahead log; StoreUnavailableError while another process still reads from it."""
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()  # outside any transaction, or it is refused
    try:
        cursor = connection.cursor()
        busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        cursor.close()
    except sqlite3.Error as error:
        message = f"the store did not empty its write-ahead log ({type(error).__name__})"
        raise StoreUnavailableError(message) from None
    finally:
        connection.close()
    if busy:
        message = "another process holds the store's write-ahead log"
        raise StoreUnavailableError(message)


@contextmanager
def fleeting(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that power loss may undo, though nothing that stops a process: of what is only to be done once more then."""
    with transaction(engine.execution_options(**{FLEETING: True})) as connection:
        yield connection


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that only looks: on SQLite it waits for no writer and holds none up."""
    try:
        with engine.connect().execution_options(**{READING: True}) as connection, connection.begin():
            yield connection
    except (sa.exc.StatementError, sqlite3.Error) as error:
        message = f"the store did not finish reading ({_name(error)})"
        raise StoreUnavailableError(message) from None


def insert_new(connection: sa.Connection, table: sa.Table, **row: object) -> bool:
    """Insert unless a row of this key stands; says whether it was new."""
    return connection.execute(_telling(table, connection.dialect.name), row).first() is not None


def insert_all(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert those of these rows, of the same columns, whose key does not stand yet."""
    if rows:
        connection.execute(_unless_there(table, connection.dialect.name), rows)


@cache
def _unless_there(table: sa.Table, dialect: str) -> Any:  # noqa: ANN401 - two dialects' inserts
    made = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    return made.on_conflict_do_nothing()


@cache
def _telling(table: sa.Table, dialect: str) -> Any:  # noqa: ANN401 - likewise
    return _unless_there(table, dialect).returning(sa.literal(1))
