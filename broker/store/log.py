"""The access log in the store: entries get their index at a tick, and a checkpoint is signed over them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from broker.accesslog import BLANK, FILL, Leaf, leaf_of, origin_of
from broker.checkpoint import Checkpoint, sign_checkpoint
from broker.keys import SigningKey
from broker.merkle import Frontier
from broker.ports import Publication
from broker.store import tables
from broker.store.outbox import enqueue
from broker.store.store import SALT, Store, key_name
from broker.store.vault import open_under
from broker.streams import party_topic
from schemas import codec
from schemas.enums import StatementKind
from schemas.errors import InconsistentLogError, StoreUnavailableError
from schemas.events import Entry
from schemas.identifiers import SubjectRef
from schemas.statements import Statement

BATCH: Final = 4096  # entries of one tick's transaction
# One by one: a list of thousands is another statement at each tick, and the driver remembers 128 of them, 400 KiB each.
_INDEXED: Final = sa.delete(tables.unindexed).where(tables.unindexed.c.entry_id == sa.bindparam("of"))


def sequence(store: Store, key: SigningKey, at: datetime) -> Checkpoint | None:
    """Index all that waits, fill up with blanks, sign and enqueue a checkpoint; None when nothing waits."""
    newest = None
    while (made := _sequence(store, key, at)) is not None:
        newest = made
    return newest


def waiting(store: Store) -> int:
    """How many entries have no index yet."""
    with tables.reading(store.engine) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(tables.unindexed)) or 0


def _sequence(store: Store, key: SigningKey, at: datetime) -> Checkpoint | None:
    """One transaction. Two sequencers would write the same index, so one of them fails and tries again.

    The frontier is read first: were another to commit between the two reads, an older frontier meets its indices and fails,
    while an older list of what waits would be indexed a second time behind them.
    """
    with tables.transaction(store.engine) as connection:
        frontier = _frontier(connection)
        waiting = _waiting(connection)
        if not waiting:
            return None
        size = frontier.size
        rows: list[dict[str, Any]] = [
            {"index": size + at_, "data": data, "entry_id": entry, "salt": None} for at_, (entry, data) in enumerate(waiting)
        ]
        for index in range(size + len(rows), -(-(size + len(rows)) // FILL) * FILL):
            salt = os.urandom(SALT)
            rows.append({"index": index, "data": leaf_of(salt, BLANK), "entry_id": None, "salt": salt})
        connection.execute(sa.insert(tables.leaf), rows)
        connection.execute(_INDEXED, [{"of": entry} for entry, _ in waiting])
        frontier = frontier.append(row["data"] for row in rows)
        checkpoint = Checkpoint(origin=origin_of(store.party), size=frontier.size, root=frontier.root())
        note = sign_checkpoint(checkpoint, key)
        connection.execute(sa.insert(tables.checkpoint).values(size=frontier.size, at=at, note=note, frontier=frontier.encode()))
        statement = codec.encode(Statement(kind=StatementKind.checkpoint, body=note, signatures=()))
        enqueue(connection, Publication(topic=party_topic(store.party), key=b"", value=statement))
    return checkpoint


def _waiting(connection: sa.Connection) -> list[tuple[int, bytes]]:
    entry, waits = tables.entry, tables.unindexed
    query = sa.select(entry.c.id, entry.c.leaf).join(waits, waits.c.entry_id == entry.c.id).order_by(entry.c.id).limit(BATCH)
    return [(row.id, row.leaf) for row in connection.execute(query)]


def _frontier(connection: sa.Connection) -> Frontier:
    newest = sa.select(tables.checkpoint.c.frontier).order_by(tables.checkpoint.c.size.desc()).limit(1)
    held = connection.scalar(newest)
    return Frontier.decode(held) if held is not None else Frontier()


def newest_note(store: Store) -> bytes | None:
    """The newest signed checkpoint."""
    with tables.reading(store.engine) as connection:
        return connection.scalar(sa.select(tables.checkpoint.c.note).order_by(tables.checkpoint.c.size.desc()).limit(1))


def leaves(store: Store) -> Iterator[Leaf]:
    """Every leaf in order, with what opens it where its key still exists."""
    table, entry = tables.leaf, tables.entry
    query = sa.select(table.c.data, table.c.salt, entry.c.key_name, entry.c.sealed).join(
        entry, entry.c.id == table.c.entry_id, isouter=True
    )
    with tables.reading(store.engine) as connection:
        rows = connection.execute(query.order_by(table.c.index)).all()
    keys = store.vault.held_keys({row.key_name for row in rows if row.key_name is not None})
    for row in rows:
        key = keys.get(row.key_name)
        yield Leaf(row.data, row.salt) if key is None else _opened(row, key, row.data)


def entries_of_case(store: Store, case_id: UUID, about: Iterable[SubjectRef | None] = (None,)) -> list[Entry]:
    """What was logged of one case `about` these subjects, None for the case as a whole; oldest first, indexed or not."""
    table, names = tables.entry, [key_name(case_id, each) for each in about]
    with tables.reading(store.engine) as connection:
        rows = connection.execute(sa.select(table).where(table.c.key_name.in_(names)).order_by(table.c.id)).all()
    keys = store.vault.held_keys(names)
    found = [_opened(row, keys[row.key_name], row.leaf).entry for row in rows if row.key_name in keys]
    return [codec.decode(Entry, each) for each in found if each is not None]


def _opened(row: Any, key: bytes, data: bytes) -> Leaf:  # noqa: ANN401 - rows of two queries
    try:
        opened = open_under(key, row.key_name.encode(), row.sealed)
    except StoreUnavailableError:
        message = f"the entry {row.key_name} does not open: it or its key was changed"
        raise InconsistentLogError(message) from None
    return Leaf(data, opened[:SALT], opened[SALT:])
