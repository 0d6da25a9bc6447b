"""adapter.toml: the agency's source, and how long an answer waits so that its time tells nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from agents.adapter.sources.places import Part
from agents.adapter.sources.settings import SourceSettings


class AdapterSettings(Part):
    """The whole file."""

    source: SourceSettings
    answer_after: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(hours=4))] = timedelta(seconds=60)
