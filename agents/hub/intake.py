"""Contacts from a JSON Lines file: each line taken in, or kept aside with every reason at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError

from schemas.errors import Fault
from schemas.events import Contact

MAX_LINE: Final = 64 * 1024  # bytes of one contact
LEAST_WORDS: Final = 4  # different words that a necessity needs to say anything of this case
_CONTACT: Final = TypeAdapter(Contact)


@dataclass(frozen=True, slots=True, repr=False)
class Aside:
    """A line that was not taken in, and why."""

    line: int
    raw: bytes
    faults: tuple[Fault, ...]


def read_contacts(data: bytes, file: str) -> Iterator[Contact | Aside]:
    """Each line of a file, in order; a bad one never stops the others."""
    for number, raw in enumerate(data.split(b"\n"), start=1):
        if raw.strip():
            yield _read(raw, file, number)


def _read(raw: bytes, file: str, number: int) -> Contact | Aside:
    if len(raw) > MAX_LINE:
        return Aside(
            number, raw, (Fault(file=file, line=number, message=f"is {len(raw)} bytes, over {MAX_LINE}", fix="one contact a line"),)
        )
    try:
        contact = _CONTACT.validate_json(raw, strict=False)
    except ValidationError as error:
        told = error.errors(include_input=False, include_url=False, include_context=False)
        faults = [
            Fault(file=file, line=number, field=".".join(str(part) for part in each["loc"]), message=_said(each["msg"])) for each in told
        ]
        return Aside(number, raw, tuple(faults))
    weak = contact.decision is not None and boilerplate(contact.decision.necessity.text)
    if weak:
        fault = Fault(
            file=file,
            line=number,
            field="decision.necessity.text",
            message="says nothing of this case",
            fix="say in a sentence why these questions are needed for this child",
        )
        return Aside(number, raw, (fault,))
    return contact


def boilerplate(text: str) -> bool:
    """Whether a necessity is the same few words or letters over and over."""
    return len(set(re.findall(r"\w{2,}", text.casefold()))) < LEAST_WORDS


def _said(message: str) -> str:
    """Pydantic's message, which for JSON that does not parse quotes nothing but a position."""
    return message.removeprefix("Value error, ")
