"""Probation's weekly extract: Parquet with real dates, one file of people and one of each kind of record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agents.demo.histories import FIELDS, HOLDS, Row, category_toml, in_columns
from agents.demo.registers import Recorded

if TYPE_CHECKING:
    import duckdb

_PEOPLE: Final = (("crn", "VARCHAR"), ("surname", "VARCHAR"), ("forenames", "VARCHAR"), ("date_of_birth", "DATE"), ("postcode", "VARCHAR"))
_HEAD: Final = """# SYNTHETIC. A weekly Parquet extract of people under supervision, found by name, date of birth and postcode.
[[source]]
kind = "extracts"
name = "probation-cases"
folder = "."
allowed_lag = "P31D"

[source.person]
file = "people.parquet"
key = "crn"
family_name = "surname"
given_names = "forenames"
born_on = { column = "date_of_birth" }
postcode = "postcode"
"""


def write_probation(folder: Path, people: Iterable[Recorded], rows: Sequence[Row]) -> None:
    """`people.parquet`, one file for each category, and `source.toml`."""
    import duckdb  # noqa: PLC0415 - every command of the demo loads this module, and only the first run writes

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.toml").write_text(source_toml(), encoding="utf-8")
    (folder / "SYNTHETIC.txt").write_text("SYNTHETIC: nobody in these files exists.\n", encoding="utf-8")
    persons = [(each.key, each.family_name, each.given_names, each.born_on, each.home.postcode) for each in people]
    with duckdb.connect(":memory:", config={"threads": 1}) as database:
        _write(database, folder / "people.parquet", _PEOPLE, persons)
        for category in HOLDS["probation"]:
            columns = (("crn", "VARCHAR"), ("recorded_on", "DATE"), *((field, "VARCHAR") for field in FIELDS[category]))
            lines = [(key, held.at, *in_columns(held)) for key, held in rows if held.category == category]
            _write(database, folder / _file(category), columns, lines)


def source_toml() -> str:
    """The `[[source]]` part of its adapter.toml."""
    parts = [
        category_toml(category, f'file = "{_file(category)}"', "crn", ("recorded_on", ""), FIELDS[category])
        for category in HOLDS["probation"]
    ]
    return "\n".join([_HEAD, *parts])


def _file(category: str) -> str:
    return f"{category.partition('.')[2]}.parquet"


def _write(database: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[object]]) -> None:
    names = ", ".join(f'"{name}" {kind}' for name, kind in columns)
    database.execute(f"CREATE OR REPLACE TABLE extract ({names})")
    if rows:
        lists = ", ".join(f"unnest(${number}::{kind}[])" for number, (_, kind) in enumerate(columns, 1))
        database.execute(f"INSERT INTO extract SELECT {lists}", [list(values) for values in zip(*rows, strict=True)])
    database.table("extract").write_parquet(str(path))
