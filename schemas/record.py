"""The one way to write a record, and the checked field types they share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, TypeVar, dataclass_transform

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def record(cls: type[T]) -> type[T]:
    """Make a frozen, slotted, keyword-only dataclass without a repr, since most records hold personal data."""
    made = dataclass(frozen=True, slots=True, kw_only=True, repr=False)(cls)
    made.__pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)  # type: ignore[attr-defined]  # pydantic's own hook
    return made


def _day(value: object) -> object:
    """Text is a day only when written as one: pydantic would read "0" as the first of January 1970."""
    return _read(date, value, "write a day as YYYY-MM-DD") if isinstance(value, str) else value


def _instant(value: object) -> object:
    """Likewise for a time."""
    return _read(datetime, value, "write a time as YYYY-MM-DDTHH:MM:SS with its zone") if isinstance(value, str) else value


def _read(kind: type[date], text: str, fix: str) -> date:
    try:
        return kind.fromisoformat(text if _DASHED.match(text) else "")
    except ValueError:  # its message would quote the text
        raise ValueError(fix) from None


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        message = "a time needs its zone"
        raise ValueError(message)
    return at.astimezone(UTC)


_DASHED = re.compile(r"\d{4}-\d{2}-\d{2}")
Instant = Annotated[datetime, BeforeValidator(_instant), AfterValidator(_utc)]  # UTC, microseconds
Day = Annotated[date, BeforeValidator(_day)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200)]  # a name, a place, a role
Words = Annotated[str, StringConstraints(min_length=1, max_length=8000)]  # somebody's own words: two printed pages
Long = Annotated[int, Field(ge=0, le=2**63 - 1)]
MAX_SUBJECTS = 16
MAX_QUESTIONS = 200
MAX_ITEMS = 2000  # of one answer; a body of 512 KiB holds no more


def several(limit: int, least: int = 0) -> object:
    """Bound a tuple's length, both ways."""
    return Field(min_length=least, max_length=limit)
