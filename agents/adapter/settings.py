"""adapter.toml: the agency's sources, how long an answer waits so that its time tells nothing, and when people are on duty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, field_validator

from agents.adapter.duty import Duty
from agents.adapter.ports import SourceSystem
from agents.adapter.sources.places import Part
from agents.adapter.sources.settings import SourceSettings
from agents.calendars import OFFICE_HOURS, Calendar
from schemas.identifiers import Slug

MAX_SOURCES: Final = 20  # an answer states as many


def _listed(value: Any) -> Any:  # noqa: ANN401 - what TOML gave, before it is validated
    """Each source is one of a list."""
    if isinstance(value, dict):
        message = "is a list: write [[source]], and below it [source.person] and [[source.category]]"
        raise ValueError(message)  # noqa: TRY004 - pydantic's own kind
    return value


class AdapterSettings(Part):
    """The whole file; without `duty`, somebody always is."""

    source: Annotated[tuple[SourceSettings, ...], BeforeValidator(_listed), Field(min_length=1, max_length=MAX_SOURCES)]
    answer_after: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(hours=4))] = timedelta(seconds=60)
    duty: Duty | None = None
    calendar: Calendar = OFFICE_HOURS  # its working days: by the end of the next, broken glass is looked at

    @field_validator("source")
    @classmethod
    def _named_once(cls, source: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
        names = [each.name for each in source]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            message = f"{', '.join(twice)}: two sources have one name"
            raise ValueError(message)
        return source

    def off_duty(self, at: datetime) -> Duty | None:
        """The hours kept here, when nobody is on duty now."""
        return self.duty if self.duty is not None and not self.duty.is_on(at) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One of an agency's systems, and what adapter.toml declares of it."""

    settings: SourceSettings
    system: SourceSystem


Sources = Mapping[Slug, Source]  # by name, in the order declared
