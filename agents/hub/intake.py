"""Contacts from a JSON Lines file: each line taken in, or kept aside with every reason at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError

from policies.wording import boilerplate
from schemas.errors import Fault
from schemas.events import Contact

MAX_LINE: Final = 64 * 1024  # bytes of one contact
NECESSITY: Final = "decision.necessity.text"
SAY_WHY: Final = "say in a sentence why these questions are needed for this child"
MEND: Final = "mend the field and hand it in again"
CURES: Final = {
    "missing": "add the field",
    "unexpected_keyword_argument": "remove the field, or mend its name",
    "json_invalid": "one JSON object a line, in UTF-8",
    "string_too_short": "say more",
}
_CONTACT: Final = TypeAdapter(Contact)
_WORD: Final = re.compile(r"[A-Za-z0-9_]{1,40}")


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """A line that holds a contact."""

    number: int
    raw: bytes
    contact: Contact

    def refused(self, file: str, field: str, message: str, fix: str) -> Aside:
        """The same line, not taken in."""
        return Aside(self.number, self.raw, (Fault(file=file, line=self.number, field=field, message=message, fix=fix),))


@dataclass(frozen=True, slots=True, repr=False)
class Aside:
    """A line that was not taken in, and why."""

    line: int
    raw: bytes
    faults: tuple[Fault, ...]


def read_contacts(data: bytes, file: str) -> Iterator[Line | Aside]:
    """Each line of a file, in order; a bad one never stops the others."""
    said: dict[str, Line] = {}
    for number, raw in enumerate(data.split(b"\n"), start=1):
        if raw.strip():
            read = _read(raw, file, number)
            yield read if isinstance(read, Aside) else _reasoned(read, file, said)


def _read(raw: bytes, file: str, number: int) -> Line | Aside:
    if len(raw) > MAX_LINE:
        return Aside(
            number, raw, (Fault(file=file, line=number, message=f"is {len(raw)} bytes, over {MAX_LINE}", fix="one contact a line"),)
        )
    try:
        return Line(number, raw, _CONTACT.validate_json(raw, strict=True))
    except ValidationError as error:
        return Aside(number, raw, faults_of(error, file, number))


def _reasoned(line: Line, file: str, said: dict[str, Line]) -> Line | Aside:
    """Refuse a necessity that says nothing of this case, or what another contact of the file has said already."""
    decision = line.contact.decision
    if decision is None:
        return line
    text = " ".join(decision.necessity.text.casefold().split())
    first = said.setdefault(text, line)
    if boilerplate(text):
        message = "says nothing of this case"
    elif first.contact.contact_ref != line.contact.contact_ref:
        message = f"repeats line {first.number} word for word"
    else:
        return line
    return line.refused(file, NECESSITY, message, SAY_WHY)


def faults_of(error: ValidationError, file: str, line: int | None = None) -> tuple[Fault, ...]:
    """Every fault pydantic found, with a cure and without any value."""
    return tuple(
        Fault(file=file, line=line, field=_place(each["loc"]), message=_said(each["msg"]), fix=CURES.get(each["type"], MEND))
        for each in error.errors(include_input=False, include_url=False, include_context=False)
    )


def _place(loc: tuple[int | str, ...]) -> str:
    """Where a fault is; a key that is no plain word may be anything and is not repeated."""
    return ".".join(part if _WORD.fullmatch(part) else "?" for part in map(str, loc))


def _said(message: str) -> str:
    """Pydantic's message, which for JSON that does not parse quotes nothing but a position."""
    return message.removeprefix("Value error, ")
