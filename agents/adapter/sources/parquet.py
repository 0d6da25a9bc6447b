"""A Parquet extract through DuckDB's own reader: declared columns only, the one file and nothing else within its reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import duckdb

from agents.adapter.sources.reading import MAX_VALUE, Line, places_of, plain, refused

PAGE: Final = 8192  # rows of one query: a result is held whole until it is read
ENCLOSED: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "temp_directory": "",  # what is personal is not spilled to disk
    "memory_limit": "1GB",  # a row group that swells beyond it is refused
    "threads": 1,  # and rows come in the file's order
}
TEXTS: Final = frozenset({"VARCHAR", "UUID"})
DAYS: Final = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"})
INSTANT: Final = "TIMESTAMP WITH TIME ZONE"
NUMBERS: Final = frozenset(
    {"BOOLEAN", "FLOAT", "DOUBLE", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)
LONDON: Final = "Europe/London"  # an instant is a day only where people live
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[Line]:
    """The asked columns of every row. ConfigurationError: no such file, no Parquet, a column missing or nested, too large to hold."""
    try:
        with duckdb.connect(":memory:", config=ENCLOSED) as database:
            only = str(path.resolve()).replace("'", "''")
            database.execute(f"SET allowed_paths = ['{only}']")
            database.execute("SET enable_external_access = false")
            database.execute("SET lock_configuration = true")
            yield from _rows(database, path, columns)
    except (duckdb.Error, OSError, OverflowError) as error:
        failed = type(error).__name__
    else:
        return
    raise refused(path.name, None, f"cannot be read as Parquet ({failed})", "ask for the extract again")


def _rows(database: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str]) -> Iterator[Line]:
    file = str(path.resolve())
    there = database.execute("DESCRIBE SELECT * FROM read_parquet(?)", [file]).fetchall()
    kinds = [there[place][1] for place in places_of(path.name, 1, [str(each[0]) for each in there], columns)]
    asked = ", ".join(_asked(path.name, name, kind) for name, kind in zip(columns, kinds, strict=True))
    rows = "read_parquet($1, file_row_number = true) WHERE file_row_number >= $2 AND file_row_number < $3 ORDER BY file_row_number"
    query = f"SELECT {asked} FROM {rows}"  # noqa: S608 - names by their pattern, which has no quote
    instants = [kind == INSTANT for kind in kinds]
    number = 0
    while page := database.execute(query, [file, number, number + PAGE]).fetchall():
        for row in page:
            number += 1
            yield Line(number, tuple(_value(value, instant=instant) for value, instant in zip(row, instants, strict=True)))


def _asked(file: str, name: str, kind: str) -> str:
    """The column as SQL; a text is cut one character beyond what is carried, so that a huge one never becomes ours."""
    if kind in TEXTS:
        return f'left(CAST("{name}" AS VARCHAR), {MAX_VALUE + 1})'
    if kind == INSTANT:
        return f'epoch_us("{name}")'
    if kind in DAYS | NUMBERS or kind.startswith("DECIMAL"):
        return f'"{name}"'
    raise refused(file, 1, f"the column is no text, number, date or time ({kind.partition('(')[0][:30]})", "export it flat", name)


def _value(value: object, *, instant: bool) -> object:
    if instant and isinstance(value, int):
        return plain((EPOCH + timedelta(microseconds=value)).astimezone(ZoneInfo(LONDON)).replace(tzinfo=None))
    return plain(value)
