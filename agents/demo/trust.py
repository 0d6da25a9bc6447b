"""An acute trust's nightly extracts: CSV in cp1252 with UK dates and the NHS number as a patient index prints it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from agents.demo.histories import Held, Row, category_toml, in_columns
from agents.demo.people import ABSENT
from agents.demo.registers import Recorded

PATIENTS: Final = ("HOSP_NO", "NHS_NO", "NHS_NO_STATUS", "SURNAME", "FORENAMES", "SEX", "DATE OF BIRTH", "ADDRESS 1", "POSTCODE", "REMARK")
EXTRACTS: Final = {  # category: file, date column, its format, columns of its fields in their order
    "acute.ed_attendances": ("ed_attendances.csv", "ARRIVAL", "%d/%m/%Y %H:%M", ("COMPLAINT", "DIAG_TEXT", "DISPOSAL")),
    "acute.injury_admissions": ("injury_admissions.csv", "ADM DATE", "%d-%b-%Y", ("INJURY", "HISTORY GIVEN", "LOS")),
    "mat.booking_concerns": ("maternity_bookings.csv", "BOOKED", "%d/%m/%Y", ("CONCERN", "GEST_WKS")),
}
_HEAD: Final = """# SYNTHETIC. Nightly extracts of a patient index, an emergency department, surgical wards and a maternity unit.
[[source]]
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


def write_trust(folder: Path, people: Iterable[Recorded], rows: Sequence[Row]) -> None:
    """`patients.csv`, one file for each category, and `source.toml`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.toml").write_text(source_toml(), encoding="utf-8")
    (folder / "SYNTHETIC.txt").write_text("SYNTHETIC: nobody in these files exists.\n", encoding="utf-8")
    write_csv(folder / "patients.csv", PATIENTS, map(_patient, people))
    for category, (file, at, form, columns) in EXTRACTS.items():
        of_this = [row for row in rows if row[1].category == category]
        lines = ((key, _at(held, number, form), *in_columns(held)) for number, (key, held) in enumerate(of_this))
        write_csv(folder / file, ("PAT_NO", at, *columns), lines)


def source_toml() -> str:
    """The `[[source]]` part of the trust's adapter.toml."""
    parts = [
        category_toml(category, f'file = "{file}"', "PAT_NO", (at, form), columns)
        for category, (file, at, form, columns) in EXTRACTS.items()
    ]
    return "\n".join([_HEAD, *parts])


def _patient(record: Recorded) -> tuple[str, ...]:
    number = record.nhs_number
    printed = "" if record.trace_status == ABSENT else f"{number[:3]} {number[3:6]} {number[6:]}"
    born_on = record.born_on.strftime("%d/%m/%Y") if record.born_on else ""
    names = (record.family_name.upper(), record.given_names)
    sex = "2" if record.person.sex.value == "female" else "1"
    return (record.key, printed, record.trace_status, *names, sex, born_on, record.home.line, record.home.postcode, "SYNTHETIC")


def _at(held: Held, number: int, form: str) -> str:
    text = held.at.strftime(form)
    return text.replace("00:00", f"{7 + number % 16:02d}:{number * 7 % 60:02d}") if "%H" in form else text


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], *, mixed: bool = False) -> None:
    """As such systems write it: cp1252, carriage return and line feed; `mixed`: every second line in UTF-8, as after a merger."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    encodings = ("cp1252", "utf-8") if mixed else ("cp1252", "cp1252")
    texts = lines.getvalue().splitlines(keepends=True)
    path.write_bytes(b"".join(text.encode(encodings[number % 2]) for number, text in enumerate(texts)))
