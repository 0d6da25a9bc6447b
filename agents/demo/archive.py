"""What housing's earlier system held: CSV extracts that nothing is added to any more, and keys of its own for the same people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from agents.demo.histories import Held, Row, category_toml, in_columns
from agents.demo.names import latin
from agents.demo.registers import Recorded
from agents.demo.trust import write_csv

FOLDER: Final = "archive"
KEPT_IN_USE: Final = timedelta(days=365)  # what is older was not taken over into the system of today
PEOPLE: Final = ("CUST_ID", "SURNAME", "FORENAME", "DOB", "POSTCODE", "REMARK")
EXTRACTS: Final = {  # category: file, date column, columns of its fields in their order
    "hou.homelessness": ("homeless.csv", "DECIDED", ("DECISION", "PRIORITY", "PLACED")),
    "hou.asb": ("asb.csv", "REPORTED", ("TYPE", "REPORT", "CLOSED AS")),
    "hou.rent_arrears": ("arrears.csv", "ACTION DATE", ("BAND", "STAGE")),
    "hou.property_condition": ("visits.csv", "VISITED", ("REASON", "HAZARD", "NOTES")),
}
_FACTOR: Final = 7919
_PRIME: Final = 999_983  # above any number of a key, so that no two give the same
_HEAD: Final = """# SYNTHETIC. The system before, asked beside the one above: what is older than a year, under other keys.
[[source]]
kind = "extracts"
name = "housing-archive"
scope = "Visits, arrears, reports and applications that were a year old when the system was replaced"
folder = "archive"
encoding = "cp1252"
allowed_lag = "P3650D"

[source.person]
file = "customers.csv"
key = "CUST_ID"
family_name = "SURNAME"
given_names = "FORENAME"
born_on = { column = "DOB", format = "%d/%m/%Y" }
postcode = "POSTCODE"
"""


def is_archived(held: Held, today: date) -> bool:
    """Whether only the earlier system has it."""
    return held.agency == "housing" and held.category in EXTRACTS and held.at < today - KEPT_IN_USE


def archive_key(key: str) -> str:
    """The earlier system's key of somebody whom housing knows by this one."""
    return f"C{int(key.removeprefix('HP')) * _FACTOR % _PRIME:06d}"


def write_archive(folder: Path, people: Sequence[Recorded], rows: Sequence[Row]) -> None:
    """`customers.csv` and one file for each category; `rows` under the keys of today's system."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "customers.csv", PEOPLE, sorted(map(_customer, people)))
    for category, (file, at, columns) in EXTRACTS.items():
        lines = ((archive_key(key), held.at.strftime("%d/%m/%Y"), *in_columns(held)) for key, held in rows if held.category == category)
        write_csv(folder / file, ("CUST_ID", at, *columns), lines)


def archive_toml() -> str:
    """Its `[[source]]` part of housing's adapter.toml."""
    parts = [
        category_toml(category, f'file = "{file}"', "CUST_ID", (at, "%d/%m/%Y"), columns)
        for category, (file, at, columns) in EXTRACTS.items()
    ]
    return "\n".join([_HEAD, *parts])


def _customer(record: Recorded) -> tuple[str, ...]:
    born_on = record.born_on.strftime("%d/%m/%Y") if record.born_on else ""
    return (archive_key(record.key), latin(record.family_name), latin(record.given_names), born_on, record.home.postcode, "SYNTHETIC")
