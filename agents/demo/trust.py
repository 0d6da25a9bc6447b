"""An acute trust's nightly extracts: CSV in cp1252 with UK dates and the NHS number as a patient index prints it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from agents.demo.histories import Held, category_toml
from agents.demo.people import ABSENT, Person

PATIENTS: Final = ("HOSP_NO", "NHS_NO", "NHS_NO_STATUS", "SURNAME", "FORENAMES", "SEX", "DATE OF BIRTH", "ADDRESS 1", "POSTCODE", "REMARK")
EXTRACTS: Final = {  # category: file, date column, its format, columns of its fields in their order
    "acute.ed_attendances": ("ed_attendances.csv", "ARRIVAL", "%d/%m/%Y %H:%M", ("COMPLAINT", "DIAG_TEXT", "DISPOSAL")),
    "acute.injury_admissions": ("injury_admissions.csv", "ADM DATE", "%d-%b-%Y", ("INJURY", "HISTORY GIVEN", "LOS")),
    "mat.booking_concerns": ("maternity_bookings.csv", "BOOKED", "%d/%m/%Y", ("CONCERN", "GEST_WKS")),
}
_HEAD: Final = """# SYNTHETIC. Nightly extracts of a patient index, an emergency department, surgical wards and a maternity unit.
[source]
kind = "csv"
name = "trust-extracts"
folder = "."
encoding = "cp1252"
allowed_lag = "P31D"

[source.person]
file = "patients.csv"
key = "HOSP_NO"
family_name = "SURNAME"
given_names = "FORENAMES"
born_on = { column = "DATE OF BIRTH", format = "%d/%m/%Y" }
postcode = "POSTCODE"
nhs_number = { column = "NHS_NO", verified = { column = "NHS_NO_STATUS", equals = "01" } }
"""


def write_trust(folder: Path, people: Iterable[Person], held: Sequence[Held]) -> None:
    """`patients.csv`, one file for each category, and `source.toml`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.toml").write_text(source_toml(), encoding="utf-8")
    (folder / "SYNTHETIC.txt").write_text("SYNTHETIC: nobody in these files exists.\n", encoding="utf-8")
    _write(folder / "patients.csv", PATIENTS, sorted(_patient(each) for each in people if each.hospital))
    for category, (file, at, form, columns) in EXTRACTS.items():
        of_this = [each for each in held if each.category == category]
        rows = [(str(each.person.hospital), _at(each, number, form), *each.fields.values()) for number, each in enumerate(of_this)]
        _write(folder / file, ("PAT_NO", at, *columns), rows)


def source_toml() -> str:
    """The `[source]` part of the trust's adapter.toml."""
    parts = [
        category_toml(category, f'file = "{file}"', "PAT_NO", (at, form), columns)
        for category, (file, at, form, columns) in EXTRACTS.items()
    ]
    return "\n".join([_HEAD, *parts])


def _patient(person: Person) -> tuple[str, ...]:
    number = person.nhs_number
    printed = "" if person.trace_status == ABSENT else f"{number[:3]} {number[3:6]} {number[6:]}"
    born_on = person.born_on.strftime("%d/%m/%Y")
    names = (person.family_name.upper(), person.given_names)
    sex = "2" if person.sex.value == "female" else "1"
    return (str(person.hospital), printed, person.trace_status, *names, sex, born_on, person.home.line, person.home.postcode, "SYNTHETIC")


def _at(held: Held, number: int, form: str) -> str:
    text = held.at.strftime(form)
    return text.replace("00:00", f"{7 + number % 16:02d}:{number * 7 % 60:02d}") if "%H" in form else text


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="cp1252", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(rows)
