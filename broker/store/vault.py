"""Keys that open what the store keeps, in a small database of their own, wrapped by the party's store key.

Case keys wrap the content keys of their events; entry keys seal access-log entries, which outlive content. A key is durable
before the transaction that seals under it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.store import tables
from schemas.errors import ConfigurationError, Fault, StoreUnavailableError

NONCE: Final = 12  # bytes: random, for the few seals under one wrapping key
KEY: Final = 32  # bytes, AES-256
ID: Final = 16  # bytes, random name of a content key
NEVER: Final = datetime.max.replace(tzinfo=UTC)  # made then: kept, and no orphan
Random = Callable[[int], bytes]
_NAMED: Final = sa.select(tables.case_key).where(tables.case_key.c.name.in_(sa.bindparam("names", expanding=True)))
_CONTENT: Final = sa.select(tables.content_key).where(tables.content_key.c.id.in_(sa.bindparam("ids", expanding=True)))

_UNPROVEN: Final = (
    sa.select(tables.unproven)
    .where(tables.unproven.c.made_at < sa.bindparam("before", type_=tables.Instant()))
    .order_by(tables.unproven.c.made_at, tables.unproven.c.id)
    .limit(sa.bindparam("most"))
)
_OF: Final = sa.bindparam("of", type_=sa.LargeBinary())
_LOSE: Final = sa.delete(tables.content_key).where(tables.content_key.c.id == _OF)
_NEAR: Final = (
    sa.select(tables.content_key)
    .join(tables.unproven, tables.unproven.c.id == tables.content_key.c.id)
    .where(tables.content_key.c.case_name.in_(sa.bindparam("cases", expanding=True)))
)
_KNOWN: Final = sa.delete(tables.unproven).where(tables.unproven.c.id == _OF)


def seal_under(key: bytes, name: bytes, data: bytes, random: Random = os.urandom) -> bytes:
    """AES-256-GCM, a random nonce before it, bound to a name."""
    nonce = random(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, data, b"mash/1 store" + name)


def open_under(key: bytes, name: bytes, sealed: bytes) -> bytes:
    """Open what `seal_under` sealed; StoreUnavailableError when it was changed or the key is another."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], b"mash/1 store" + name)
    except InvalidTag:
        message = "a stored row does not open: it was changed, or its key is another"
        raise StoreUnavailableError(message) from None


class Vault:
    """keys.db."""

    def __init__(self, url: str, store_key: bytes) -> None:
        if len(store_key) != KEY:
            raise ConfigurationError([Fault(file="keys", message="there is no store key", fix="mash keys new, or restore it from escrow")])
        self._engine = tables.engine_of(url, tables.KEYS)
        self._store_key = store_key

    def close(self) -> None:
        """Let go of connections."""
        self._engine.dispose()

    def keep(self, names: Iterable[str], content: Mapping[bytes, tuple[str, bytes]], at: datetime) -> dict[str, bytes]:
        """Make what is missing durable: keys of these names, and content keys by random id, each wrapped by its case's key.

        Returns the keys of the names; those made were inserted unless there, and read back.
        """
        wanted = sorted({*names, *(case for case, _ in content.values())})
        held = self.held_keys(wanted)
        missing = [name for name in wanted if name not in held]
        if not missing and not content:
            return held
        with tables.transaction(self._engine) as connection:
            made = [{"name": name, "wrapped": seal_under(self._store_key, name.encode(), os.urandom(KEY))} for name in missing]
            tables.insert_all(connection, tables.case_key, made)
            held |= self._read(connection, missing)
            rows = [{"id": at, "case_name": case, "wrapped": seal_under(held[case], at, key)} for at, (case, key) in content.items()]
            tables.insert_all(connection, tables.content_key, rows)
            tables.insert_all(
                connection, tables.unproven, [{"id": each["id"], "case_name": each["case_name"], "made_at": at} for each in rows]
            )
        return held

    def is_empty(self) -> bool:
        """Whether there is no key at all."""
        with tables.reading(self._engine) as connection:
            return not connection.scalar(sa.select(sa.exists(sa.select(tables.case_key))))

    def held_keys(self, names: Iterable[str]) -> dict[str, bytes]:
        """Those of these keys that exist; looking makes none."""
        with tables.reading(self._engine) as connection:
            return self._read(connection, sorted(set(names)))

    def _read(self, connection: sa.Connection, names: list[str]) -> dict[str, bytes]:
        rows = connection.execute(_NAMED, {"names": names}) if names else ()
        return {row.name: open_under(self._store_key, row.name.encode(), row.wrapped) for row in rows}

    def content_keys(self, ids: Iterable[bytes]) -> dict[bytes, bytes]:
        """Content keys by id; one that a disposal destroyed is missing."""
        if not (wanted := list(ids)):
            return {}
        with tables.reading(self._engine) as connection:
            rows = connection.execute(_CONTENT, {"ids": wanted}).all()
            cases = self._read(connection, sorted({row.case_name for row in rows}))
        return {row.id: open_under(cases[row.case_name], row.id, row.wrapped) for row in rows if row.case_name in cases}

    def unproven(self, before: datetime, most: int) -> list[tuple[bytes, str]]:
        """Content keys made before an instant of which it is not known whether they are used, oldest first: id and their case's key."""
        with tables.reading(self._engine) as connection:
            return [(row.id, row.case_name) for row in connection.execute(_UNPROVEN, {"before": before, "most": most})]

    def agreed(self, read: Callable[[], str], at: datetime) -> str | None:
        """The store's mark, if it is the last or the next: it is the store that these keys were made for.

        None if it is not: no key that is here now is ever taken for an orphan, and that store is believed from now on.
        """
        table = tables.sweep_mark
        with tables.transaction(self._engine) as connection:
            tables.insert_new(connection, table, id=0, last=read(), next=None, at=at)
            row = connection.execute(sa.select(table).with_for_update()).one()
            mark = read()  # while nobody else changes ours, so that no change under way looks like another store
            if mark == row.next:  # whoever announced it was cut off after the store had it
                connection.execute(sa.update(table).values(last=mark, next=None, at=at))
            if mark in {row.last, row.next}:
                return mark
            connection.execute(sa.update(tables.unproven).values(made_at=NEVER))
            connection.execute(sa.update(table).values(last=mark, next=None, at=at))
        return None

    def made_since_mark(self, settled_before: datetime) -> bool:
        """Whether keys were made after the mark was settled, and that was before an instant."""
        table, keys = tables.sweep_mark, tables.unproven
        made = sa.exists().where(keys.c.made_at > table.c.at, keys.c.made_at < NEVER)
        with tables.reading(self._engine) as connection:
            return bool(connection.scalar(sa.select(sa.exists().where(table.c.at <= settled_before, made))))

    def next_mark(self, last: str, proposed: str) -> str | None:
        """Announce what mark comes after `last`: the one proposed, or the one announced already; None when `last` is not the last."""
        table = tables.sweep_mark
        with tables.transaction(self._engine) as connection:
            connection.execute(sa.update(table).where(table.c.last == last, table.c.next.is_(None)).values(next=proposed))
            return connection.scalar(sa.select(table.c.next).where(table.c.last == last))

    def settle_mark(self, mark: str, at: datetime) -> None:
        """The store has the mark that was announced."""
        table = tables.sweep_mark
        with tables.transaction(self._engine) as connection:
            connection.execute(sa.update(table).where(table.c.next == mark).values(last=mark, next=None, at=at))

    def prove(self, used: Sequence[bytes], orphaned: Sequence[bytes]) -> None:
        """Known from now on: these are used; those never will be, and go, also from SQLite's write-ahead log."""
        with tables.transaction(self._engine) as connection:
            if orphaned:
                connection.execute(_LOSE, [{"of": each} for each in orphaned])
            connection.execute(_KNOWN, [{"of": each} for each in (*used, *orphaned)])
        if orphaned:
            tables.forget_deleted(self._engine)

    def destroy(self, ids: Iterable[bytes]) -> int:
        """Destroy content keys by id, here and in SQLite's write-ahead log; says how many there were. Doing it again does no harm."""
        table, wanted = tables.content_key, list(ids)
        with tables.transaction(self._engine) as connection:
            copies = self._copies(connection, wanted)
            gone = connection.execute(sa.delete(table).where(table.c.id.in_(wanted))).rowcount
            if copies:
                connection.execute(_LOSE, [{"of": each} for each in copies])
        tables.forget_deleted(self._engine)
        return gone

    def _copies(self, connection: sa.Connection, ids: list[bytes]) -> list[bytes]:
        """Other ids of the same keys: a received envelope brings its own, and a preparation that came to nothing made it durable too."""
        rows = connection.execute(_CONTENT, {"ids": ids}).all()
        cases = self._read(connection, sorted({row.case_name for row in rows}))
        going = {open_under(cases[row.case_name], row.id, row.wrapped) for row in rows if row.case_name in cases}
        near = connection.execute(_NEAR, {"cases": list(cases)}).all() if cases else ()
        return [row.id for row in near if row.id not in ids and open_under(cases[row.case_name], row.id, row.wrapped) in going]
