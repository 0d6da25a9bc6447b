"""Keys that open what the store keeps, in a small database of their own, wrapped by the party's store key.

Case keys wrap the content keys of their events; entry keys seal access-log entries, which outlive content. A key is durable
before the transaction that seals under it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.store import tables
from schemas.errors import ConfigurationError, Fault, StoreUnavailableError

NONCE: Final = 12  # bytes: random, for the few seals under one wrapping key
KEY: Final = 32  # bytes, AES-256
ID: Final = 16  # bytes, random name of a content key
Random = Callable[[int], bytes]


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

    def named_keys(self, names: Iterable[str]) -> dict[str, bytes]:
        """The case or entry keys of these names, made where missing: inserted unless there, and read back."""
        wanted = sorted(set(names))
        held = self.held_keys(wanted)
        if len(held) == len(wanted):
            return held
        with tables.transaction(self._engine) as connection:
            for name in wanted:
                if name not in held:
                    wrapped = seal_under(self._store_key, name.encode(), os.urandom(KEY))
                    tables.insert_new(connection, tables.case_key, name=name, wrapped=wrapped)
            return self._read(connection, wanted)

    def is_empty(self) -> bool:
        """Whether there is no key at all."""
        with tables.reading(self._engine) as connection:
            return not connection.scalar(sa.select(sa.exists(sa.select(tables.case_key))))

    def held_keys(self, names: Iterable[str]) -> dict[str, bytes]:
        """Those of these keys that exist; looking makes none."""
        with tables.reading(self._engine) as connection:
            return self._read(connection, sorted(set(names)))

    def _read(self, connection: sa.Connection, names: list[str]) -> dict[str, bytes]:
        table = tables.case_key
        rows = connection.execute(sa.select(table).where(table.c.name.in_(names)))
        return {row.name: open_under(self._store_key, row.name.encode(), row.wrapped) for row in rows}

    def keep_content(self, keys: Mapping[bytes, tuple[str, bytes]]) -> None:
        """Keep content keys by random id, each wrapped by its case's key."""
        if not keys:
            return
        cases = self.named_keys(case for case, _ in keys.values())
        rows = [{"id": key_id, "case_name": case, "wrapped": seal_under(cases[case], key_id, key)} for key_id, (case, key) in keys.items()]
        with tables.transaction(self._engine) as connection:
            connection.execute(sa.insert(tables.content_key), rows)

    def content_keys(self, ids: Iterable[bytes]) -> dict[bytes, bytes]:
        """Content keys by id; one that a disposal destroyed is missing."""
        wanted = list(ids)
        table = tables.content_key
        with tables.reading(self._engine) as connection:
            rows = connection.execute(sa.select(table).where(table.c.id.in_(wanted))).all()
            cases = self._read(connection, sorted({row.case_name for row in rows}))
        return {row.id: open_under(cases[row.case_name], row.id, row.wrapped) for row in rows if row.case_name in cases}

    def destroy(self, ids: Iterable[bytes]) -> int:
        """Destroy content keys by id, here and in SQLite's write-ahead log; says how many there were. Doing it again does no harm."""
        table = tables.content_key
        with tables.transaction(self._engine) as connection:
            gone = connection.execute(sa.delete(table).where(table.c.id.in_(list(ids)))).rowcount
        tables.forget_deleted(self._engine)
        return gone
