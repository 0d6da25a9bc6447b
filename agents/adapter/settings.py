"""adapter.toml: the agency's source, how long an answer waits so that its time tells nothing, and when people are on duty."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from agents.adapter.duty import Duty
from agents.adapter.sources.places import Part
from agents.adapter.sources.settings import SourceSettings


class AdapterSettings(Part):
    """The whole file; without `duty`, somebody always is."""

    source: SourceSettings
    answer_after: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(hours=4))] = timedelta(seconds=60)
    duty: Duty | None = None

    def off_duty(self, at: datetime) -> Duty | None:
        """The hours kept here, when nobody is on duty now."""
        return self.duty if self.duty is not None and not self.duty.is_on(at) else None
