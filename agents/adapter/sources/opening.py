"""From settings to sources, and what `mash doctor` says about each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agents.adapter.ports import Candidate, Found, PersonAnswersError, Row, SourceSystem
from agents.adapter.settings import Source, Sources
from agents.adapter.sources.manual import ManualSource
from agents.adapter.sources.settings import SourceSettings
from agents.adapter.sources.sql import MissingIndex, SqlSource
from schemas.enums import SubjectRole
from schemas.errors import ConfigurationError, Fault, SourceUnavailableError
from schemas.identifiers import CategoryId, SubjectRef
from schemas.records import Subject

if TYPE_CHECKING:
    from agents.adapter.sources.files import FilesSource

NOBODY: Final = Subject(ref=SubjectRef("s1"), role=SubjectRole.child, relation_to_child="nobody", known_as="nobody")


class Unopened:
    """A source that could not be opened yet: it is tried again whenever it is asked, and the others answer meanwhile."""

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        self._settings, self._folder = settings, folder
        self._opened: SourceSystem | None = None

    def candidates(self, subject: Subject) -> Found[Candidate]:
        """As the source opened at last; SourceUnavailableError until then."""
        return self._system().candidates(subject)

    def fetch(self, person: Candidate, category: CategoryId, since: date, until: date) -> Found[Row]:
        """Likewise."""
        return self._system().fetch(person, category, since, until)

    def categories(self) -> Sequence[CategoryId]:
        """Those declared."""
        return tuple(each.category for each in self._settings.category)

    def close(self) -> None:
        """Whatever was opened at last."""
        if self._opened is not None:
            self._opened.close()

    def _system(self) -> SourceSystem:
        if self._opened is None:
            try:
                self._opened = open_source(self._settings, self._folder)
            except ConfigurationError as error:
                message = f"source {self._settings.name} cannot be opened: {error.faults[0]}"
                raise SourceUnavailableError(message) from None
        return self._opened


def open_sources(settings: Iterable[SourceSettings], folder: Path) -> Sources:
    """Each by itself, in the order declared; ConfigurationError lists every fault when not one of them can be opened."""
    opened: dict[str, SourceSystem] = {}
    faults: list[Fault] = []
    declared = {each.name: each for each in settings}
    for name, each in declared.items():
        try:
            opened[name] = open_source(each, folder)
        except ConfigurationError as error:
            faults += error.faults
    if not opened:
        raise ConfigurationError(faults)
    return {name: Source(settings=each, system=opened.get(name) or Unopened(each, folder)) for name, each in declared.items()}


def close_sources(sources: Sources) -> None:
    """Let go of all of them."""
    for each in sources.values():
        each.system.close()


def open_source(settings: SourceSettings, folder: Path) -> SourceSystem:
    """The source these settings name; `folder` is where adapter.toml stands, and relative paths start there."""
    return _opened(settings, folder)


def _opened(settings: SourceSettings, folder: Path) -> SqlSource | FilesSource | ManualSource:
    if settings.kind == "sql":
        return SqlSource(settings, folder)
    if settings.kind == "manual":
        return ManualSource(settings)
    from agents.adapter.sources.files import FilesSource  # noqa: PLC0415 - with it DuckDB, which only files need

    return FilesSource(settings, folder)


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


def freshness(settings: SourceSettings, folder: Path) -> datetime | None:
    """How fresh a source says it is, asked with nothing to look by; None where a person answers. SourceUnavailableError: it is down."""
    source = _opened(settings, folder)
    try:
        return source.candidates(NOBODY).as_of
    except PersonAnswersError:
        return None
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
