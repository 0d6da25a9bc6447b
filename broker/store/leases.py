"""One lease table for topics, streams, work and rendering: whoever acts names its term in the same transaction.

A term is 62 random bits, so that no other term is like it though nothing is kept of a lease that was given back. Power loss ends
whoever holds a lease, so that it may take the lease along.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from broker.liveness import is_gone
from broker.store import tables


@dataclass(frozen=True, slots=True)
class Lease:
    """A name held by one owner for a term."""

    name: str
    term: int


TERM: Final = 62  # bits
_HELD: Final = sa.select(tables.lease).where(tables.lease.c.name == sa.bindparam("of")).with_for_update()
_END: Final = sa.delete(tables.lease).where(
    tables.lease.c.name == sa.bindparam("of"),
    tables.lease.c.term == sa.bindparam("under"),
    tables.lease.c.until > sa.bindparam("at", type_=tables.Instant()),
)


def acquire(engine: sa.Engine, name: str, owner: str, at: datetime, life: timedelta) -> Lease | None:
    """Take a lease that nobody holds, or renew one's own in the same term; None when another holds it."""
    with tables.fleeting(engine) as connection:
        taken = {"name": name, "owner": owner, "term": secrets.randbits(TERM), "until": at + life, "at": at}
        term = connection.scalar(_take(connection.dialect.name), taken)
        return None if term is None else Lease(name, term)


@cache
def _take(dialect: str) -> Any:  # noqa: ANN401 - two dialects' inserts
    """In one statement: a lease nobody holds, or that has run out, in a new term; one's own in the same."""
    table, at = tables.lease, sa.bindparam("at", type_=tables.Instant())
    made = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    columns = ("name", "owner", "term", "until")
    given = made.values({column: sa.bindparam(column, type_=table.c[column].type) for column in columns})
    mine, free = table.c.owner == given.excluded.owner, table.c.until <= at
    term = sa.case((free, given.excluded.term), else_=table.c.term)
    renewed = {"owner": given.excluded.owner, "term": term, "until": given.excluded.until}
    return given.on_conflict_do_update(index_elements=["name"], set_=renewed, where=sa.or_(free, mine)).returning(table.c.term)


def end(connection: sa.Connection, lease: Lease, at: datetime = tables.START) -> bool:
    """Give a lease back in the transaction of what was done under it; False when its term is over, or its time at `at`."""
    return connection.execute(_END, {"of": lease.name, "under": lease.term, "at": at}).rowcount == 1


def holds(connection: sa.Connection, lease: Lease, at: datetime) -> bool:
    """Whether a lease's term still runs; nobody takes it before this transaction ends."""
    held = connection.execute(_HELD, {"of": lease.name}).one_or_none()
    return held is not None and held.term == lease.term and held.until > at


def free_the_gone(engine: sa.Engine, at: datetime) -> int:
    """Let go of every lease whose owner was a process of this machine that no longer runs; says how many."""
    table = tables.lease
    with tables.fleeting(engine) as connection:
        held = connection.execute(sa.select(table.c.name, table.c.owner, table.c.term).where(table.c.until > at)).all()
        gone = [Lease(row.name, row.term) for row in held if is_gone(row.owner)]
        for each in gone:
            end(connection, each)
    return len(gone)


def hold(engine: sa.Engine, lease: Lease, until: datetime) -> None:
    """Keep a lease for no longer than until then: the back-off of what failed."""
    table = tables.lease
    with tables.fleeting(engine) as connection:
        held = sa.update(table).where(table.c.name == lease.name, table.c.term == lease.term)
        connection.execute(held.values(owner="", until=until))


def release(engine: sa.Engine, lease: Lease) -> None:
    """Give a lease back."""
    with tables.fleeting(engine) as connection:
        end(connection, lease)
