"""The embedded transport: a durable log in one SQLite file, for the processes of one machine."""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    CursorResult,
    Engine,
    LargeBinary,
    MetaData,
    QueuePool,
    Row,
    Table,
    Text,
    and_,
    bindparam,
    create_engine,
    delete,
    event,
    select,
    update,
)
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from broker.ports import Extent, Fetched, Publication, Skip, SkipReason, TopicRecord
from broker.transport.limits import FETCH_RECORDS, MAX_MESSAGE_BYTES, refuse_oversize
from schemas.errors import ConfigurationError, Fault, TransportUnavailableError

FORMAT: Final = 1  # `PRAGMA user_version` of the file; another one is refused by name
LOCK_SECONDS: Final = 10.0  # the longest wait for another writer; four of them were seen to hold one up 0.5 s
POLL_SECONDS: Final = 0.010  # between two looks at `data_version` (2 µs each): a reader wakes within 11 ms
FETCH_BYTES: Final = 4 * 1024 * 1024  # of one topic in one fetch, so that memory is bounded
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = (datetime(9999, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)  # what Python can say of a time

METADATA: Final = MetaData()
TOPIC: Final = Table(
    "topic",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
    Column("log_start", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
RECORD: Final = Table(
    "record",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("appended_at", BigInteger, nullable=False),  # microseconds since 1970, UTC
    Column("key", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)


# Built once: building a statement takes three times as long as running it.
_NAMED: Final = TOPIC.c.name == bindparam("of", type_=Text())
_KNOWN: Final = select(TOPIC.c.name).where(TOPIC.c.name.in_(bindparam("names", expanding=True)))
_NEXT: Final = update(TOPIC).where(_NAMED).values(next_offset=TOPIC.c.next_offset + bindparam("count")).returning(TOPIC.c.next_offset)
_MAKE: Final = TOPIC.insert()
_APPEND: Final = RECORD.insert()
_RECORDS: Final = (
    select(TOPIC.c.log_start, TOPIC.c.next_offset, RECORD.c.offset, RECORD.c.appended_at, RECORD.c.key, RECORD.c.value)
    .select_from(TOPIC.outerjoin(RECORD, and_(RECORD.c.topic == TOPIC.c.name, RECORD.c.offset >= bindparam("position"))))
    .where(_NAMED)
    .order_by(RECORD.c.offset)
    .limit(FETCH_RECORDS)
    .execution_options(yield_per=8)
)


def utc_now() -> datetime:
    """Time of day, UTC."""
    return datetime.now(UTC)


class EmbeddedTransport:
    """A Transport on one SQLite file, or in memory when `path` is None (then it lives and dies with this object).

    Safe for several threads, and on a file for several processes of one machine; made after a fork, never before. No ACLs
    and no replication: whoever can open the file can read and write every topic.
    """

    def __init__(self, path: Path | None, *, now: Callable[[], datetime] = utc_now) -> None:
        """Open or create the log. ConfigurationError: not a log of this format; TransportUnavailableError: locked, unwritable."""
        self._now = now
        self._news = threading.Condition()
        self._published = 0  # publications by this object; those of others are seen by `data_version`
        self._closed = False
        self._known: set[str] = set()
        self._engine = _engine(path)
        with _translated():
            try:
                self._anchor = self._engine.raw_connection()  # a log in memory lasts while one connection is open
                _prepare(self._engine, path)
            except (sqlite3.DatabaseError, DatabaseError) as error:
                if _code(error) == sqlite3.SQLITE_NOTADB:
                    raise ConfigurationError([_foreign(path, "is no SQLite database")]) from error
                raise

    def publish(self, records: Sequence[Publication]) -> None:
        """Append all or none, in order; on return they survive power loss.

        OversizeRecordError: nothing was written. TransportUnavailableError: unknown, send again.
        """
        refuse_oversize(records)
        appended_at = (self._now() - EPOCH) // timedelta(microseconds=1)
        with self._writing() as connection:
            for topic, group in _by_topic(records).items():
                rows = _numbered(_take_offsets(connection, topic, len(group)), group)
                connection.execute(_APPEND, [{**row, "appended_at": appended_at} for row in rows])
        with self._news:
            self._published += 1
            self._news.notify_all()

    def fetch(self, positions: Mapping[str, int], wait: float) -> Sequence[Fetched]:
        """Read each topic from its position, waiting up to `wait` seconds for the first; a topic is created when first read.

        TransportUnavailableError: the file is gone or locked, or this transport was closed.
        """
        deadline = time.monotonic() + wait
        with self._reading() as connection:
            self._create_missing(connection, positions)
            while True:
                published, version = self._published, _version(connection)
                found = [_read(connection, topic, position) for topic, position in positions.items()]
                fetched = [each for each in found if each is not None]
                if fetched or not self._wait(connection, published, version, deadline):
                    return fetched

    def ends(self, topics: Iterable[str]) -> Mapping[str, Extent]:
        """Extent of each topic that exists. TransportUnavailableError: the file is gone or locked."""
        with self._reading() as connection:
            rows = connection.execute(select(TOPIC).where(TOPIC.c.name.in_(list(topics)))).all()
        return {row.name: Extent(start=row.log_start, end=row.next_offset) for row in rows}

    def trim(self, topic: str, before: int) -> None:
        """Forget the records of `topic` before offset `before`, at most all of them; readers are told of the gap.

        TransportUnavailableError: the file is gone or locked.
        """
        with self._writing() as connection:
            named = TOPIC.c.name == topic
            start = min(before, connection.execute(select(TOPIC.c.next_offset).where(named)).scalar() or 0)
            connection.execute(update(TOPIC).where(named, TOPIC.c.log_start < start).values(log_start=start))
            connection.execute(delete(RECORD).where(RECORD.c.topic == topic, RECORD.c.offset < start))

    def close(self) -> None:
        """Let waiting readers go within POLL_SECONDS and close the file; nothing published is lost."""
        with self._news:
            if self._closed:
                return
            self._closed = True
            self._news.notify_all()
        self._anchor.close()
        self._engine.dispose()

    def _create_missing(self, connection: Connection, topics: Iterable[str]) -> None:
        wanted = [topic for topic in topics if topic not in self._known]
        if not wanted:
            return
        known = set(connection.execute(_KNOWN, {"names": wanted}).scalars())
        if missing := [topic for topic in wanted if topic not in known]:
            with self._writing() as writing:
                for topic in missing:
                    _take_offsets(writing, topic, 0)
        self._known.update(wanted)  # a topic is never unmade

    def _wait(self, connection: Connection, published: int, version: int, deadline: float) -> bool:
        """Whether there is news since `published` and `version`; False once `deadline` (monotonic seconds) has passed."""
        while self._published == published and _version(connection) == version:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._news:
                if self._published == published and not self._closed:
                    self._news.wait(min(POLL_SECONDS, left))
            self._open()
        return True

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _translated(), self._open().begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _translated(), self._open().connect() as connection:
            yield connection.execution_options(read_only=True)

    def _open(self) -> Engine:
        if self._closed:
            raise TransportUnavailableError("this transport was closed")
        return self._engine


def _engine(path: Path | None) -> Engine:
    """Engine whose every transaction begins IMMEDIATE; a reader's statement is a transaction of its own."""
    where = path.absolute().as_uri() if path else f"file:/mash-{secrets.token_hex(16)}?vfs=memdb"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(where, uri=True, timeout=0, isolation_level=None, check_same_thread=False)
        if path is not None:
            _write_ahead(connection)
        connection.execute(f"PRAGMA busy_timeout={int(LOCK_SECONDS * 1000)}")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, max_overflow=-1)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    if not connection.get_execution_options().get("read_only"):
        _driver(connection).execute("BEGIN IMMEDIATE")


def _driver(connection: Connection) -> sqlite3.Connection:
    """What SQLAlchemy adds to a bare word costs ten times as much as the word."""
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on, without SQLite's own waiting: two that do it at once wait for each other for seconds."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return


def _prepare(engine: Engine, path: Path | None) -> None:
    """Make the tables where the file is new; one that has them is only looked at, so that opening waits for no writer."""
    with engine.connect() as connection:
        if _format(connection.execution_options(read_only=True), path) == FORMAT:
            return
    with engine.begin() as connection:
        if _format(connection, path) != FORMAT:  # another process may have been faster
            METADATA.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version={FORMAT}")


def _format(connection: Connection, path: Path | None) -> int:
    """FORMAT, or 0 for a new file. ConfigurationError: neither."""
    found = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
    if found != FORMAT and (found or tables):
        raise ConfigurationError([_foreign(path, f"is not a transport log of format {FORMAT} (format {found})")])
    return found


def _foreign(path: Path | None, message: str) -> Fault:
    return Fault(file=str(path), field="transport", message=message, fix="name another file, or move this one away")


@contextmanager
def _translated() -> Iterator[None]:
    """Let out nothing but our own errors; a driver's text is left behind, since it may quote values."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise TransportUnavailableError(f"the embedded log did not answer (SQLite {_code(error)})") from error


def _code(error: Exception) -> int | None:
    """SQLite's own number for what happened, if it came from there."""
    return getattr(getattr(error, "orig", error), "sqlite_errorcode", None)


def _version(connection: Connection) -> int:
    """What changes with every commit of another connection; asked of the driver, as it is asked a hundred times a second."""
    return int(_driver(connection).execute("PRAGMA data_version").fetchone()[0])


def _by_topic(records: Sequence[Publication]) -> dict[str, list[Publication]]:
    groups: dict[str, list[Publication]] = {}
    for record in records:
        groups.setdefault(record.topic, []).append(record)
    return groups


def _take_offsets(connection: Connection, topic: str, count: int) -> int:
    """First of `count` offsets, taken under the write lock of this transaction; the topic is made when missing."""
    after = connection.execute(_NEXT, {"of": topic, "count": count}).scalar()
    if after is None:
        connection.execute(_MAKE, {"name": topic, "next_offset": count, "log_start": 0})
        return 0
    return int(after) - count


def _numbered(first: int, records: Sequence[Publication]) -> list[dict[str, Any]]:
    return [
        {"topic": record.topic, "offset": offset, "key": record.key, "value": record.value}
        for offset, record in enumerate(records, start=first)
    ]


def _read(connection: Connection, topic: str, position: int) -> Fetched | None:
    """What `topic` gives from `position`, in one statement so that trimming cannot slip in between; None without news."""
    rows = _within_bytes(connection.execute(_RECORDS, {"of": topic, "position": position}))
    start, end = rows[0].log_start, rows[0].next_offset
    if position > end:
        return Fetched(topic=topic, before=position, after=position, beyond_end=True)
    held = [row for row in rows if row.offset is not None]
    records = tuple(_record(topic, row) for row in held if _is_sound(row))
    skips = [Skip(first=position, after=start, reason=SkipReason.behind_start)] if position < start else []
    skips += (Skip(first=row.offset, after=row.offset + 1, reason=SkipReason.undecodable) for row in held if not _is_sound(row))
    if not records and not skips:
        return None
    after = held[-1].offset + 1 if held else start
    return Fetched(topic=topic, before=position, after=after, records=records, skips=tuple(skips))


def _within_bytes(result: CursorResult[Any]) -> list[Row[Any]]:
    """The first rows, up to FETCH_BYTES of values and at least one; the rest is not read."""
    rows: list[Row[Any]] = []
    size = 0
    for row in result:
        rows.append(row)
        size += len(row.value or b"")
        if size >= FETCH_BYTES:
            break
    result.close()
    return rows


def _is_sound(row: Row[Any]) -> bool:
    """Whether somebody else who can write to the file left a row of the right types and size."""
    sizes = isinstance(row.key, bytes) and isinstance(row.value, bytes) and len(row.value) <= MAX_MESSAGE_BYTES
    return sizes and isinstance(row.appended_at, int) and 0 <= row.appended_at <= LATEST


def _record(topic: str, row: Row[Any]) -> TopicRecord:
    appended_at = EPOCH + timedelta(microseconds=row.appended_at)
    return TopicRecord(topic=topic, offset=row.offset, key=row.key, value=row.value, appended_at=appended_at)
