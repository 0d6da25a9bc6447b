"""What every source shares: how a stored value becomes a date, a number or a named field. Errors never quote the value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from agents.adapter.ports import Found, T
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import NhsNumber, Slug

MAX_ROWS: Final = 1000  # of one person in one category: more is not an answer but a copy of the file, and a person must look
MAX_VALUE: Final = 8000  # characters of one field: what an item of an answer can carry
STATEMENT_SECONDS: Final = 10  # of one query; an indexed one takes milliseconds


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """One row of a file as read: the asked columns in their order (None where the row has another shape), and what is wrong with it.

    `number`: the line, or the row, counted from 1 with the header; in a bundle, the entry counted from 0.
    `where`: the field at fault. `by_person`: it is there, and only a person may say what it is.
    """

    number: int
    values: tuple[object, ...] | None
    wrong: str = ""
    where: str = ""
    by_person: bool = False


def refused(file: str, line: int | None, message: str, fix: str, field: str = "") -> ConfigurationError:
    """A file that cannot be used."""
    return ConfigurationError([Fault(file=file, line=line, field=field, message=message, fix=fix)])


def places_of(file: str, line: int, header: list[str], columns: Iterable[str]) -> list[int]:
    """Where each column stands in a header; ConfigurationError names all that do not stand there once. A header is never quoted."""
    faults = []
    for name in dict.fromkeys(columns):
        if header.count(name) != 1:
            message = f"the column stands {header.count(name)} times among {len(header)} of the header"
            fix = "is the delimiter right?" if len(header) == 1 else "correct its name here or in the extract"
            faults.append(Fault(file=file, line=line, field=name, message=message, fix=fix))
    if faults:
        raise ConfigurationError(faults)
    return [header.index(name) for name in columns]


def plain(value: object) -> object:
    """A typed cell as an extract would write it: whole numbers without a point, midnight as a day, the rest as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, datetime) and value.time() == time():
        return value.date()
    return value


def is_stale(found: Found[T], now: datetime, allowed_lag: timedelta) -> bool:
    """Whether a source is further behind than its agency allows; then nothing may be called not held."""
    return now - found.as_of > allowed_lag


def day_of(value: object, form: str | None) -> date | None:
    """A stored date; ValueError when it does not fit its format."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = str(value).strip()
    timed = form is not None and "%H" in form  # hardly one is like another: to remember them would only fill the memory
    return _parsed(text, form) if timed else _remembered(text, form)


def _parsed(text: str, form: str | None) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10]) if form is None else datetime.strptime(text, form).replace(tzinfo=UTC).date()
    except ValueError:
        pass
    message = "a date does not fit its format"
    raise ValueError(message)


_remembered: Final = lru_cache(maxsize=16384)(_parsed)  # strptime is the slowest step of loading an extract, and days come again and again


def stored(day: date, form: str | None) -> str:
    """A day as the source writes it."""
    return day.isoformat() if form is None else day.strftime(form)


def shape(form: str) -> str:
    """The LIKE pattern that every date in this format has."""
    return form.replace("%Y", "____").replace("%d", "__").replace("%m", "__").replace("%H", "__").replace("%M", "__").replace("%S", "__")


def number_of(value: object) -> NhsNumber | None:
    """A well-formed NHS number, however it is spaced; anything else is no number."""
    text = "" if value is None else str(value).replace(" ", "").replace("-", "")
    return NhsNumber(text) if NhsNumber.accepts(text) else None


def text_of(value: object) -> str | None:
    """A stored text; ValueError for what no answer can carry."""
    text = "" if value is None else str(value).strip()
    if len(text) > MAX_VALUE or "\0" in text:
        message = f"a value is longer than {MAX_VALUE} characters or holds a NUL"
        raise ValueError(message)
    return text or None


def named(names: Iterable[Slug], values: Iterable[object]) -> tuple[tuple[Slug, str], ...]:
    """Fields with their names; an empty one is left out."""
    pairs = ((name, text_of(value)) for name, value in zip(names, values, strict=True))
    return tuple((name, text) for name, text in pairs if text is not None)
