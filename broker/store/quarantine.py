"""What could not be believed or read, kept as it came: what waits for a newer directory, and what the log has yet to say of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from broker.effect import Quarantined, Tally
from broker.store import tables
from broker.store.store import Store
from schemas.enums import Refusal
from schemas.identifiers import Digest

MINUTE: Final = timedelta(minutes=1)


def parked(store: Store) -> Iterator[Quarantined]:
    """What waits for a newer directory, oldest first, read one by one."""
    table = tables.quarantine
    names = sa.select(table.c.topic, table.c.offset).where(table.c.reason == Refusal.directory_ahead.value)
    with tables.transaction(store.engine) as connection:
        waiting = connection.execute(names.order_by(table.c.topic, table.c.offset)).all()
    for topic, offset in waiting:
        with tables.transaction(store.engine) as connection:
            row = connection.execute(sa.select(table).where(table.c.topic == topic, table.c.offset == offset)).one_or_none()
        if row is not None:
            yield Quarantined(topic=row.topic, offset=row.offset, reason=Refusal(row.reason), raw=row.raw, at=row.at)


def parked_on(store: Store, topic: str) -> int:
    """How much of one topic waits for a newer directory."""
    table = tables.quarantine
    query = sa.select(sa.func.count()).where(table.c.topic == topic, table.c.reason == Refusal.directory_ahead.value)
    with tables.transaction(store.engine) as connection:
        return connection.scalar(query) or 0


def untold(store: Store, at: datetime) -> list[Tally]:
    """What the log does not tell of yet, by topic, reason and minute; the minute that is running is left to fill."""
    table = tables.quarantine
    minute = (sa.type_coerce(table.c.at, sa.BigInteger) // sa.literal(MINUTE // tables.TICK, sa.BigInteger)).label("minute")
    query = (
        sa.select(table.c.topic, table.c.reason, minute, sa.func.count().label("rows"), sa.func.min(table.c.offset).label("first"))
        .where(table.c.told.is_(False), table.c.at < at - (at - tables.START) % MINUTE)
        .group_by(table.c.topic, table.c.reason, minute)
        .order_by(minute, table.c.topic, table.c.reason)
    )
    with tables.transaction(store.engine) as connection:
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
