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
        sa.select(table.c.topic, table.c.reason, minute, sa.func.count().label("rows"), sa.func.min(table.c.offset).label("first"))
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
            count=row.rows,
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
    told = each.reason is Refusal.unreadable  # a gap has its own entry, at once
    row = {"topic": each.topic, "offset": each.offset, "reason": each.reason.value, "digest": each.digest, "raw": each.raw}
    tables.insert_new(connection, tables.quarantine, at=at, told=told, **row)


def _tell_of(connection: sa.Connection, tally: Tally) -> None:
    """Exactly the rows that were counted, or another process has told of some."""
    table = tables.quarantine
    counted = (table.c.topic == tally.topic, table.c.reason == tally.reason.value, table.c.at >= tally.since, table.c.at < tally.until)
    if connection.execute(sa.update(table).where(*counted, table.c.told.is_(False)).values(told=True)).rowcount != tally.count:
        message = "what is quarantined changed while it was counted"
        raise StoreUnavailableError(message)
