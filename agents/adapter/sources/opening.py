"""From settings to a source, and what `mash doctor` says about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agents.adapter.ports import SourceSystem
from agents.adapter.sources.files import FilesSource
from agents.adapter.sources.manual import ManualSource
from agents.adapter.sources.settings import SourceSettings
from agents.adapter.sources.sql import MissingIndex, SqlSource
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


def missing_indexes(settings: SourceSettings, folder: Path) -> tuple[MissingIndex, ...]:
    """Indexes that declared questions need; none for what is loaded into an index of ours. ConfigurationError: a name that is not there."""
    return _indexes(settings, folder, SqlSource.missing_indexes)


def make_indexes(settings: SourceSettings, folder: Path) -> tuple[MissingIndex, ...]:
    """Make them where that is ours to do, and say what is still missing."""
    return _indexes(settings, folder, SqlSource.make_indexes)


def _indexes(settings: SourceSettings, folder: Path, work: Callable[[SqlSource], tuple[MissingIndex, ...]]) -> tuple[MissingIndex, ...]:
    if settings.kind != "sql":
        return ()
    source = SqlSource(settings, folder)
    try:
        if faults := source.name_faults():
            raise ConfigurationError(faults)
        return work(source)
    finally:
        source.close()
