"""The calendars a timescale runs by: round the clock, or a hub's working hours less English bank holidays, offline. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache, cached_property
from hashlib import sha256
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from policies.law import Flag
from policies.located import Table
from schemas.errors import MalformedRecordError
from schemas.identifiers import Name, Slug

LONDON: Final = ZoneInfo("Europe/London")
YEARS: Final = range(2000, 2099)  # in which a timescale may start: bank holidays are known to 2100
LEAST_OPEN: Final = timedelta(hours=1)  # of a working day, so that no duration needs more days than can be walked
MOST_DAYS: Final = 400  # days closed or open out of the ordinary, in one calendar
DAY: Final = timedelta(days=1)
Dated = Annotated[date, Field(strict=True)]  # a number is no day
Opening = tuple[datetime, datetime]  # UTC: from when until when the hub is open


class Weekday(StrEnum):
    """Days of the week, Monday first."""

    monday = "monday"
    tuesday = "tuesday"
    wednesday = "wednesday"
    thursday = "thursday"
    friday = "friday"
    saturday = "saturday"
    sunday = "sunday"


WEEK: Final = tuple(Weekday)


class Hours(Name):
    """`09:00-17:00`, as clocks in London show it."""

    __slots__ = ()
    pattern = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)")
    form = "HH:MM-HH:MM, an hour at least, 24:00 at the latest"

    @classmethod
    def accepts(cls, text: str) -> bool:
        """The pattern, and an hour between its two times."""
        return cls.pattern.fullmatch(text) is not None and cls._at(text[6:]) - cls._at(text[:5]) >= LEAST_OPEN

    @staticmethod
    def _at(text: str) -> timedelta:
        return timedelta(hours=int(text[:2]), minutes=int(text[3:]))

    def on(self, day: date) -> Opening:
        """The hours of that day, in UTC; a time that the clocks skip or show twice is read as before they change."""
        return _instant(day, self._at(self[:5])), _instant(day, self._at(self[6:]))


def _instant(day: date, clock: timedelta) -> datetime:
    """When clocks in London show that time on that day, in UTC; 24:00 is midnight of the next."""
    shown = datetime.combine(day, time()) + clock
    return shown.replace(tzinfo=LONDON).astimezone(UTC)


@cache
def bank_holidays(year: int) -> frozenset[date]:
    """England's, with substitute days and what was proclaimed."""
    from holidays import country_holidays  # noqa: PLC0415 - its calendars of all countries load in a tenth of a second

    return frozenset(country_holidays("GB", subdiv="ENG", years=[year], expand=False))


class Calendar(Table):
    """When a hub is open; the same hours every week, but for bank holidays and days named one by one."""

    week: dict[Weekday, Hours] = Field(min_length=1)
    bank_holidays: Flag = True  # closed on them
    closed: frozenset[Dated] = Field(default=frozenset(), max_length=MOST_DAYS)
    open: frozenset[Dated] = Field(default=frozenset(), max_length=MOST_DAYS)  # though a bank holiday

    @model_validator(mode="after")
    def ordered(self) -> Calendar:
        """Refuse a day both open and closed, and an opening on a weekday without hours."""
        if self.closed & self.open:
            raise ValueError("a day stands in closed and in open")
        if any(WEEK[day.weekday()] not in self.week for day in self.open):
            raise ValueError("open names a day whose weekday has no hours in week")
        return self

    @cached_property
    def version(self) -> Slug:
        """What a deadline was worked out by: other hours, other days or other bank holidays have another."""
        from holidays.version import __version__ as holidays_version  # noqa: PLC0415 - as in bank_holidays

        hours = {name.value: str(hours) for name, hours in sorted(self.week.items())}
        days = [sorted(map(str, self.closed)), sorted(map(str, self.open))]
        known = holidays_version if self.bank_holidays else ""
        said = json.dumps([hours, days, known]).encode()
        return Slug(f"calendar-{sha256(said).hexdigest()[:16]}")

    def is_open(self, day: date) -> bool:
        """Whether the hub works on that day."""
        if day in self.closed or WEEK[day.weekday()] not in self.week:
            return False
        return not self.bank_holidays or day in self.open or day not in bank_holidays(day.year)

    def after(self, at: datetime, amount: timedelta) -> datetime:
        """The first instant by which that much opening time has run since `at`."""
        for opens, closes in self._openings(at, DAY):
            begins = max(opens, at)
            if begins + amount <= closes:
                return begins + amount
            amount -= max(closes - begins, timedelta())
        raise AssertionError  # pragma: no cover – a calendar opens again and again

    def before(self, at: datetime, amount: timedelta) -> datetime:
        """The last instant from which that much opening time runs until `at`."""
        for opens, closes in self._openings(at, -DAY):
            ends = min(closes, at)
            if ends - amount >= opens:
                return ends - amount
            amount -= max(ends - opens, timedelta())
        raise AssertionError  # pragma: no cover – a calendar was open before, and before that

    def days_after(self, at: datetime, days: int) -> datetime:
        """That many working days on: the same time of day, or the close of the last where one begins with the opening."""
        ahead = ((opens, closes) for opens, closes in self._openings(at, DAY) if closes > at)
        opens, closes = next(ahead)
        whole = at <= opens
        for _ in range(days - whole):
            opens, closes = next(ahead)
        if whole:
            return closes
        clock = at.astimezone(LONDON)
        shown = _instant(opens.astimezone(LONDON).date(), timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second))
        return min(max(shown + timedelta(microseconds=clock.microsecond), opens), closes)

    def end_of_next_day(self, at: datetime) -> datetime:
        """When the first working day after the day of `at` closes."""
        day = at.astimezone(LONDON).date()
        return next(closes for opens, closes in self._openings(at, DAY) if opens.astimezone(LONDON).date() > day)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Opening time from one instant to another; negative where the second came first."""
        if end < start:
            return -self.between(end, start)
        run = timedelta()
        for opens, closes in self._openings(start, DAY):
            if opens >= end:
                return run
            run += max(min(closes, end) - max(opens, start), timedelta())
        raise AssertionError  # pragma: no cover – a calendar opens again and again

    def _openings(self, at: datetime, step: timedelta) -> Iterator[Opening]:
        """Openings from the day of `at` on, or back."""
        if at.tzinfo is None or at.year not in YEARS:
            raise MalformedRecordError(f"a timescale runs in UTC, from {YEARS.start} until {YEARS.stop}")
        day = at.astimezone(LONDON).date()
        while True:
            if self.is_open(day):
                yield self.week[WEEK[day.weekday()]].on(day)
            day += step


ROUND_THE_CLOCK: Final = Calendar(week=dict.fromkeys(WEEK, Hours("00:00-24:00")), bank_holidays=False)
OFFICE_HOURS: Final = Calendar(week=dict.fromkeys(WEEK[:5], Hours("09:00-17:00")))  # unless hub.toml says its own
