"""The outbox: sealed bytes wait here until the transport has them, and go in order."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from broker.ports import Publication
from broker.store import tables
from broker.store.leases import Lease
from schemas.identifiers import PartyId


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row that waits to be published."""

    id: int
    recipient: PartyId | None
    publication: Publication


def topics_waiting(engine: sa.Engine) -> list[str]:
    """Topics with something to send, in name order."""
    table = tables.outbox
    query = sa.select(table.c.topic).where(table.c.state == "ready").distinct().order_by(table.c.topic)
    with tables.reading(engine) as connection:
        return list(connection.scalars(query))


def waiting(engine: sa.Engine, topic: str, limit: int) -> list[Waiting]:
    """The next rows of a topic, in order."""
    table = tables.outbox
    query = sa.select(table).where(table.c.state == "ready", table.c.topic == topic).order_by(table.c.id).limit(limit)
    with tables.reading(engine) as connection:
        rows = connection.execute(query).all()
    return [
        Waiting(
            row.id,
            PartyId(row.recipient) if row.recipient else None,
            Publication(topic=row.topic, key=row.key, value=row.value),
        )
        for row in rows
    ]


def settle(engine: sa.Engine, ids: list[int], state: str, lease: Lease) -> bool:
    """Mark rows sent or withdrawn under a lease's term; False when another has taken over (the receiver makes a resend one)."""
    held, table = tables.lease, tables.outbox
    with tables.transaction(engine) as connection:
        term = connection.scalar(sa.select(held.c.term).where(held.c.name == lease.name).with_for_update())
        if term != lease.term:
            return False
        connection.execute(sa.update(table).where(table.c.id.in_(ids)).values(state=state))
        return True


def enqueue(connection: sa.Connection, publication: Publication) -> None:
    """Put a public statement into the outbox, inside the transaction that made it."""
    row = {"topic": publication.topic, "key": publication.key, "value": publication.value}
    connection.execute(sa.insert(tables.outbox).values(state="ready", **row))
