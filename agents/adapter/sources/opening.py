"""From settings to a source, and what `mash doctor` says about it."""

from __future__ import annotations

from pathlib import Path

from agents.adapter.ports import SourceSystem
from agents.adapter.sources.files import FilesSource
from agents.adapter.sources.manual import ManualSource
from agents.adapter.sources.settings import SourceSettings
from agents.adapter.sources.sql import SqlSource
from schemas.errors import ConfigurationError, Fault, SourceUnavailableError


def open_source(settings: SourceSettings, folder: Path) -> SourceSystem:
    """The source these settings name; `folder` is where adapter.toml stands, and relative paths start there."""
    return _opened(settings, folder)


def _opened(settings: SourceSettings, folder: Path) -> SqlSource | FilesSource | ManualSource:
    if settings.kind == "sql":
        return SqlSource(settings, folder)
    return ManualSource(settings) if settings.kind == "manual" else FilesSource(settings, folder)


def source_faults(settings: SourceSettings, folder: Path) -> tuple[Fault, ...]:
    """All that is wrong with a source now: unreachable, a name that is not there, a missing index, rows kept aside."""
    try:
        source = _opened(settings, folder)
    except ConfigurationError as error:
        return error.faults
    try:
        return source.faults()
    except SourceUnavailableError as error:
        return (Fault(file="adapter.toml", field="source", message=str(error), fix="is it there, and may this account read it?"),)
    finally:
        source.close()
