"""Whether anybody is on duty: opening hours of an agency's safeguarding team, on England's clocks."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Final, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from agents.adapter.sources.places import Part
from broker.settings import DutyContactSettings
from schemas.records import DutyContact

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: Final[tuple[str, ...]] = get_args(Weekday)
ENGLAND: Final = ZoneInfo("Europe/London")


def _span(text: str) -> str:
    """Two times of one day, the earlier first."""
    since, _, until = text.partition("-")
    try:
        right = time.fromisoformat(since) < time.fromisoformat(until)
    except ValueError:
        right = False
    if not right:
        message = "hours are written as 09:00-17:00, within one day"
        raise ValueError(message)
    return text


class Duty(Part):
    """When somebody decides what waits for a person, and whom to ring at any other time."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = ("mon", "tue", "wed", "thu", "fri")
    hours: Annotated[str, AfterValidator(_span)]
    out_of_hours: DutyContactSettings

    def is_on(self, at: datetime) -> bool:
        """Whether it is one of the days, and within the hours, in England."""
        local = at.astimezone(ENGLAND)
        since, _, until = self.hours.partition("-")
        return WEEK[local.weekday()] in self.days and time.fromisoformat(since) <= local.time() < time.fromisoformat(until)

    @property
    def contact(self) -> DutyContact:
        """Whom to ring when nobody is on duty."""
        return DutyContact(name=self.out_of_hours.name, phone=self.out_of_hours.phone, hours=self.out_of_hours.hours)
