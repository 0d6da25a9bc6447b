"""One lease table for topics, streams, work and rendering: whoever acts names its term in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from broker.liveness import is_gone
from broker.store import tables


@dataclass(frozen=True, slots=True)
class Lease:
    """A name held by one owner for a term."""

    name: str
    term: int


def acquire(engine: sa.Engine, name: str, owner: str, at: datetime, life: timedelta) -> Lease | None:
    """Take a lease that nobody holds, or renew one's own in the same term; None when another holds it."""
    table = tables.lease
    with tables.transaction(engine) as connection:
        if tables.insert_new(connection, table, name=name, owner=owner, term=1, until=at + life):
            return Lease(name, 1)
        row = connection.execute(sa.select(table).where(table.c.name == name).with_for_update()).one()
        if row.until > at and row.owner != owner:
            return None
        term = row.term if row.owner == owner and row.until > at else row.term + 1
        connection.execute(sa.update(table).where(table.c.name == name).values(owner=owner, term=term, until=at + life))
        return Lease(name, term)


def free_the_gone(engine: sa.Engine, at: datetime) -> int:
    """Let go of every lease whose owner was a process of this machine that no longer runs; says how many."""
    table = tables.lease
    with tables.transaction(engine) as connection:
        held = connection.execute(sa.select(table.c.name, table.c.owner, table.c.term).where(table.c.until > at)).all()
        gone = [row for row in held if is_gone(row.owner)]
        for row in gone:
            same = sa.update(table).where(table.c.name == row.name, table.c.term == row.term)
            connection.execute(same.values(owner="", term=row.term + 1, until=tables.START))
    return len(gone)


def hold(engine: sa.Engine, lease: Lease, until: datetime) -> None:
    """Keep a lease for no longer than until then: the back-off of what failed."""
    table = tables.lease
    with tables.transaction(engine) as connection:
        held = sa.update(table).where(table.c.name == lease.name, table.c.term == lease.term)
        connection.execute(held.values(owner="", until=until))


def release(engine: sa.Engine, lease: Lease) -> None:
    """Give a lease back; its term is never used again."""
    table = tables.lease
    with tables.transaction(engine) as connection:
        held = sa.update(table).where(table.c.name == lease.name, table.c.term == lease.term)
        connection.execute(held.values(owner="", term=lease.term + 1, until=tables.START))
