"""A folder of extracts or FHIR Bundles as a source, through a DuckDB in memory that is made anew when a file changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final, NoReturn

import duckdb

from agents.adapter.matching import MAX_CANDIDATES, nhs_numbers
from agents.adapter.ports import BY_NAME, BY_NUMBER, Candidate, Found, PersonAnswersError, Row
from agents.adapter.sources.formats import files_of
from agents.adapter.sources.loading import ABSENT, UNREADABLE, Loaded, load, sought, whose
from agents.adapter.sources.reading import MAX_ROWS, named, number_of
from agents.adapter.sources.settings import SourceSettings
from schemas.errors import ConfigurationError, Fault, SourceUnavailableError
from schemas.identifiers import CategoryId
from schemas.records import Subject

Stamp = tuple[tuple[str, int, int, int], ...]
_PERSON: Final = "SELECT key, family_name, given_names, born_on, postcode, nhs_number, verified FROM person"
_BY_NUMBER: Final = f"{_PERSON} WHERE nhs_number = ? LIMIT ?"  # no second condition and no order: DuckDB would scan instead
_BY_NAME: Final = f"{_PERSON} WHERE sought = ? LIMIT ?"
_HELD: Final = "SELECT happened, line, fields FROM held WHERE whose = ? LIMIT ?"


class FilesSource:
    """A source of extracts. Files are only read at opening and when they change; a question is asked of the index."""

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        """`folder`: what a relative `settings.folder` starts from. ConfigurationError lists every fault of every file."""
        self._settings = settings
        self._folder = folder / (settings.folder or ".")
        self._lock = Lock()  # a DuckDB connection serves one thread at a time
        self._stamp: Stamp = ()
        self._stamp = self._stamp_now(missing_ok=True)
        self._loaded = load(settings, self._folder)

    def candidates(self, subject: Subject) -> Found[Candidate]:
        """By NHS number, or by family name and date of birth. Nobody found while rows cannot be read is not "nobody"."""
        with self._lock:
            loaded = self._current()
            rows: list[tuple[Any, ...]] = []
            numbers, name = nhs_numbers(subject), sought(subject.family_name, subject.born_on)
            for number in numbers:
                rows += self._ask(loaded, _BY_NUMBER, [str(number), MAX_CANDIDATES + 1])
            if name:
                rows += self._ask(loaded, _BY_NAME, [name, MAX_CANDIDATES + 1])
            rows = rows or self._undated(loaded, subject)
            return Found(
                as_of=self._as_of(),
                by=(BY_NUMBER if numbers else ()) + (BY_NAME if name else ()),
                rows=tuple(dict.fromkeys(_candidate(row) for row in sorted(rows, key=lambda row: str(row[0])))),
            )

    def _undated(self, loaded: Loaded, subject: Subject) -> list[tuple[Any, ...]]:
        """People of that name without a date of birth, before anybody says "nobody"; who cannot be read may be the one."""
        unread = loaded.aside["person"].count
        rows: list[tuple[Any, ...]] = []
        if name := sought(subject.family_name, ABSENT):
            rows = self._ask(loaded, _BY_NAME, [name, MAX_CANDIDATES + 1])
        if name := sought(subject.family_name, UNREADABLE):
            unread += len(self._ask(loaded, _BY_NAME, [name, MAX_CANDIDATES + 1]))
        if unread:
            self._refuse(f"has {unread} people whose rows cannot be read")
        return rows

    def fetch(self, person: Candidate, category: CategoryId, since: date, until: date) -> Found[Row]:
        """Newest first, undated last. A row that cannot be read makes this person's answer an error, never a shorter one."""
        place = self._settings.place_of(category)
        if place is None:
            self._refuse(f"has no {category}")
        with self._lock:
            loaded = self._current()
            everything = self._ask(loaded, _HELD, [whose(category, person.key), MAX_ROWS + 1])
            aside, shared, as_of = loaded.aside[category], loaded.shared, self._as_of()
        if person.key in shared:
            self._refuse("has different people of one key in different files")
        if person.key in aside.by_person:
            message = f"source {self._settings.name} {category}: restricted, a person answers"
            raise PersonAnswersError(message)
        if len(everything) > MAX_ROWS:
            self._refuse(f"{category}: more than {MAX_ROWS} rows for one person")
        found = [row for row in everything if row[0] is None or since <= row[0] <= until]
        found.sort(key=lambda row: (row[0] or date.min, -row[1]), reverse=True)
        if person.key in aside.keys or (aside.nobodys and not found):
            self._refuse(f"{category}: rows that may be this person's cannot be read")
        rows = tuple(Row(at=at, fields=named(place.fields, fields), assertion=place.assertion.value) for at, _, fields in found)
        return Found(as_of=as_of, rows=rows)

    def categories(self) -> Sequence[CategoryId]:
        """As declared."""
        return tuple(each.category for each in self._settings.category)

    def close(self) -> None:
        """Forget everything loaded."""
        with self._lock:
            self._loaded.database.close()

    def faults(self) -> tuple[Fault, ...]:
        """Rows kept aside, by file, line and column."""
        with self._lock:
            listed = [fault for aside in self._current().aside.values() for fault in aside.faults]
            shared = bool(self._loaded.shared)
        if shared:
            message, fix = "different people have one key in different files", 'tell the files apart: key = ["*", ...]'
            listed.append(Fault(file=self._settings.person.name, field="source.person.key", message=message, fix=fix))
        return tuple(dict.fromkeys(listed))

    def _current(self) -> Loaded:
        """What the files say now: all are loaded again when any has changed, and half a change is no answer."""
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return self._loaded
        try:
            fresh = load(self._settings, self._folder)
        except ConfigurationError as error:
            self._refuse(f"changed and cannot be read: {error.faults[0]}")
        if self._stamp_now() != stamp:
            fresh.database.close()
            self._refuse("is being written")
        self._loaded.database.close()
        self._stamp, self._loaded = stamp, fresh
        return fresh

    def _stamp_now(self, *, missing_ok: bool = False) -> Stamp:
        """Every file as it is now; one that was there and is gone is no smaller source but a broken one."""
        try:
            paths = sorted(files_of(self._settings, self._folder))
            stats = [(path.name, path.stat()) for path in paths]
        except (OSError, ConfigurationError) as error:
            if missing_ok:
                return ()
            self._refuse(f"did not answer ({type(error).__name__})")
        if gone := {each[0] for each in self._stamp} - {path.name for path in paths}:
            self._refuse(f"misses {len(gone)} of its files")
        return tuple((name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in stats)

    def _as_of(self) -> datetime:
        """As fresh as the oldest file."""
        return datetime.fromtimestamp(min(each[1] for each in self._stamp) / 1e9, UTC)

    def _ask(self, loaded: Loaded, statement: str, values: list[object]) -> list[tuple[Any, ...]]:
        try:
            return loaded.database.execute(statement, values).fetchall()
        except (duckdb.Error, RuntimeError) as error:
            failed = type(error).__name__
        return self._refuse(f"did not answer ({failed})")  # outside: the driver's words are not even its context

    def _refuse(self, why: str) -> NoReturn:
        message = f"source {self._settings.name} {why}"
        raise SourceUnavailableError(message)


def _candidate(row: tuple[Any, ...]) -> Candidate:
    key, family_name, given_names, born_on, postcode, nhs_number, verified = row
    return Candidate(
        key=key,
        family_name=family_name,
        given_names=given_names,
        born_on=born_on,
        postcode=postcode,
        nhs_number=number_of(nhs_number),
        nhs_number_verified=verified,
    )
