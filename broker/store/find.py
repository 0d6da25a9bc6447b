"""Events by the first letters of their name, as people type it, and cases by when something happened in them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from broker.store import tables
from broker.store.store import Store
from schemas.identifiers import Digest

LEAST: Final = 8  # hexadecimal letters: fewer could name another event by a typing error
_PREFIX: Final = re.compile(rf"[0-9a-f]{{{LEAST},{2 * Digest.size}}}")


def cases_between(store: Store, kind: str, since: date, until: date) -> list[UUID]:
    """The cases with an event of a kind kept between two days, both included (UTC), oldest first; none of them is opened."""
    table, first, last = tables.event, datetime.combine(since, time(), UTC), datetime.combine(until, time.max, UTC)
    query = sa.select(table.c.case_id).where(table.c.kind == kind, table.c.at.between(first, last)).order_by(table.c.id)
    with tables.reading(store.engine) as connection:
        return list(dict.fromkeys(UUID(each) for each in connection.scalars(query)))


def events_named(store: Store, kind: str, prefix: str) -> list[tuple[UUID, Digest]]:
    """Case and digest of each event of a kind whose digest begins so, in hexadecimal; none for what is no such beginning."""
    wanted, table, letters = prefix.lower(), tables.event, 2 * Digest.size
    if _PREFIX.fullmatch(wanted) is None:
        return []
    first, last = bytes.fromhex(wanted.ljust(letters, "0")), bytes.fromhex(wanted.ljust(letters, "f"))
    query = sa.select(table.c.case_id, table.c.digest).where(table.c.digest.between(first, last), table.c.kind == kind)
    with tables.reading(store.engine) as connection:
        return [(UUID(row.case_id), Digest(row.digest)) for row in connection.execute(query.order_by(table.c.id))]
