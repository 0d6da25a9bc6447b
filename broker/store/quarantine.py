"""What could not be believed or read, kept as it came: what waits for a newer directory, and what the log has yet to say of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from broker.effect import Effect, Quarantined, Tally
from broker.store import tables
from schemas.enums import Refusal
from schemas.errors import StoreUnavailableError
from schemas.identifiers import Digest

MINUTE: Final = timedelta(minutes=1)
MOST_BYTES: Final = 8 * 1024 * 1024  # kept of one stream and reason: two hundred envelopes of the usual size, a dozen of the largest
ROW: Final = 256  # bytes that a row takes beside what it keeps, about: a flood of empty records is bounded, too


def parked(engine: sa.Engine) -> Iterator[Quarantined]:
    """What waits for a newer directory, oldest first, read one by one."""
    table = tables.quarantine
    names = sa.select(table.c.topic, table.c.offset).where(table.c.reason == Refusal.directory_ahead.value)
    with tables.reading(engine) as connection:
        waiting = connection.execute(names.order_by(table.c.topic, table.c.offset)).all()
    for topic, offset in waiting:
        with tables.reading(engine) as connection:
            row = connection.execute(sa.select(table).where(table.c.topic == topic, table.c.offset == offset)).one_or_none()
        if row is not None:
            yield Quarantined(topic=row.topic, offset=row.offset, reason=Refusal(row.reason), raw=row.raw, at=row.at)


def parked_on(engine: sa.Engine, topic: str) -> int:
    """How much of one topic waits for a newer directory."""
    table = tables.quarantine
    query = sa.select(sa.func.count()).where(table.c.topic == topic, table.c.reason == Refusal.directory_ahead.value)
    with tables.reading(engine) as connection:
        return connection.scalar(query) or 0


def untold(engine: sa.Engine, at: datetime) -> list[Tally]:
    """What the log does not tell of yet, by topic, reason and minute; the minute that is running is left to fill."""
    table = tables.quarantine
    minute = (sa.type_coerce(table.c.at, sa.BigInteger) // sa.literal(MINUTE // tables.TICK, sa.BigInteger)).label("minute")
    query = (
        sa.select(table.c.topic, table.c.reason, minute, sa.func.min(table.c.offset).label("first"))
        .add_columns(sa.func.count().label("rows"), sa.func.sum(table.c.count).label("records"))
        .where(table.c.told.is_(False), table.c.at < at - (at - tables.START) % MINUTE)
        .group_by(table.c.topic, table.c.reason, minute)
        .order_by(minute, table.c.topic, table.c.reason)
    )
    with tables.reading(engine) as connection:
        found = connection.execute(query).all()
        digest = sa.select(table.c.digest).where(table.c.topic == sa.bindparam("topic"), table.c.offset == sa.bindparam("first"))
        firsts = [connection.scalar(digest, {"topic": row.topic, "first": row.first}) for row in found]
    return [
        Tally(
            topic=row.topic,
            reason=Refusal(row.reason),
            since=tables.START + row.minute * MINUTE,
            until=tables.START + (row.minute + 1) * MINUTE,
            rows=row.rows,
            count=int(row.records),
            first=None if first is None else Digest(first),
        )
        for row, first in zip(found, firsts, strict=True)
    ]


def change(connection: sa.Connection, effect: Effect, at: datetime) -> None:
    """What an effect takes out, puts in and tells of."""
    table = tables.quarantine
    for topic, offset in effect.unparked:
        connection.execute(sa.delete(table).where(table.c.topic == topic, table.c.offset == offset))
    for each in effect.quarantined:
        _keep(connection, each, at)
    for tally in effect.tallied:
        _tell_of(connection, tally)


def _keep(connection: sa.Connection, each: Quarantined, at: datetime) -> None:
    """The earliest bytes are kept and later ones only counted: who floods a topic cannot wash away how it began.

    What an authenticated sender signed has room of its own, so that nobody else's flood takes it.
    """
    table = tables.quarantine
    if connection.scalar(sa.select(sa.exists().where(table.c.topic == each.topic, table.c.offset == each.offset))):
        return
    bounded = each.reason not in {Refusal.unreadable, Refusal.directory_ahead}  # no bytes; or to be opened yet, and bounded in number
    raw = each.raw if not bounded or _has_room(connection, each) else b""
    row = {"topic": each.topic, "offset": each.offset, "reason": each.reason.value, "digest": each.digest, "raw": raw}
    tables.insert_new(connection, table, at=at, told=each.told, count=each.count, **row)


def _has_room(connection: sa.Connection, each: Quarantined) -> bool:
    """Whether its bytes can be kept, which are counted then."""
    table, size, signed = tables.quarantine_size, len(each.raw) + ROW, each.digest is not None
    tables.insert_new(connection, table, topic=each.topic, reason=each.reason.value, signed=signed, bytes=0, gone=0)
    taken = sa.update(table).where(*_size_of(each.topic, each.reason, signed=signed), table.c.bytes <= MOST_BYTES - size)
    return connection.execute(taken.values(bytes=table.c.bytes + size)).rowcount == 1


def _size_of(topic: str, reason: Refusal, *, signed: bool) -> tuple[sa.ColumnElement[bool], ...]:
    table = tables.quarantine_size
    return table.c.topic == topic, table.c.reason == reason.value, table.c.signed.is_(signed)


def _tell_of(connection: sa.Connection, tally: Tally) -> None:
    """Exactly the rows that were counted, or another process has told of some."""
    table = tables.quarantine
    counted = (table.c.topic == tally.topic, table.c.reason == tally.reason.value, table.c.at >= tally.since, table.c.at < tally.until)
    if connection.execute(sa.update(table).where(*counted, table.c.told.is_(False)).values(told=True)).rowcount != tally.rows:
        message = "what is quarantined changed while it was counted"
        raise StoreUnavailableError(message)
    for signed in (False, True):  # a row that kept no bytes has now said all it has to say
        empty = (sa.func.length(table.c.raw) == 0, table.c.digest.is_not(None) if signed else table.c.digest.is_(None))
        gone = connection.scalars(sa.delete(table).where(*counted, *empty).returning(table.c.count)).all()
        if gone:
            size = tables.quarantine_size
            tables.insert_new(connection, size, topic=tally.topic, reason=tally.reason.value, signed=signed, bytes=0, gone=0)
            counting = sa.update(size).where(*_size_of(tally.topic, tally.reason, signed=signed))
            connection.execute(counting.values(gone=size.c.gone + sum(gone)))


def count(engine: sa.Engine) -> int:
    """How many records were ever quarantined, whether or not their bytes were kept."""
    rows, gone = sa.select(sa.func.sum(tables.quarantine.c.count)), sa.select(sa.func.sum(tables.quarantine_size.c.gone))
    with tables.reading(engine) as connection:
        return int(connection.scalar(rows) or 0) + int(connection.scalar(gone) or 0)
