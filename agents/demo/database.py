"""A new SQLite file of an agency's system, written in one go."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_FAST = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;"  # half a file is written anew, not recovered
_NOTICE = (
    "CREATE TABLE synthetic_notice (notice TEXT NOT NULL); INSERT INTO synthetic_notice VALUES ('SYNTHETIC: nobody in this file exists');"
)


@contextmanager
def new_database(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """In place of any file there; all that is written in the context is one transaction."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(f"{_FAST}\n{_NOTICE}\n{schema}")
        yield database
