"""The outbox: sealed bytes wait here until the transport has them, and go in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from broker.ports import Publication
from broker.store import leases, tables
from broker.store.leases import Lease
from schemas.identifiers import PartyId


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row that waits to be published."""

    id: int
    recipient: PartyId | None
    publication: Publication


_OUT: Final = tables.outbox
_TOPICS: Final = sa.select(_OUT.c.topic).where(_OUT.c.state == "ready").distinct().order_by(_OUT.c.topic)
_OF_TOPIC: Final = sa.select(_OUT).where(_OUT.c.state == "ready", _OUT.c.topic == sa.bindparam("of")).order_by(_OUT.c.id)
_WAITING: Final = _OF_TOPIC.limit(sa.bindparam("most"))
_SENT: Final = sa.update(_OUT).where(_OUT.c.id == sa.bindparam("of")).values(state="sent")
_ENQUEUE: Final = sa.insert(_OUT)


def topics_waiting(engine: sa.Engine) -> list[str]:
    """Topics with something to send, in name order."""
    with tables.reading(engine) as connection:
        return list(connection.scalars(_TOPICS))


def waiting(engine: sa.Engine, topic: str, limit: int) -> list[Waiting]:
    """The next rows of a topic, in order."""
    with tables.reading(engine) as connection:
        rows = connection.execute(_WAITING, {"of": topic, "most": limit}).all()
    return [
        Waiting(
            row.id,
            PartyId(row.recipient) if row.recipient else None,
            Publication(topic=row.topic, key=row.key, value=row.value),
        )
        for row in rows
    ]


def settle(engine: sa.Engine, ids: list[int], lease: Lease) -> bool:
    """Mark rows sent and give the lease back; False when another has taken over (the receiver makes a resend one)."""
    with tables.fleeting(engine) as connection:
        if not leases.end(connection, lease):
            return False
        connection.execute(_SENT, [{"of": each} for each in ids])
        return True


def enqueue(connection: sa.Connection, publication: Publication) -> None:
    """Put a public statement into the outbox, inside the transaction that made it."""
    row = {"topic": publication.topic, "key": publication.key, "value": publication.value}
    connection.execute(_ENQUEUE, {"state": "ready", **row})
