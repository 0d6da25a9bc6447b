"""Which files a source has, and how each is read: by its ending, once, for every place that is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from agents.adapter.sources.bundle import read_bundle
from agents.adapter.sources.extract import read_extract
from agents.adapter.sources.parquet import read_parquet
from agents.adapter.sources.places import STAR, Place
from agents.adapter.sources.reading import Line, refused
from agents.adapter.sources.settings import SourceSettings
from agents.adapter.sources.workbook import read_workbook

MAX_FILES: Final = 2000  # of one source; each is looked at again before every question
BUNDLES: Final = "*.json"
Reader = Callable[[Place, Sequence[str]], Iterator[Line]]


def files_of(settings: SourceSettings, folder: Path) -> dict[Path, list[Place]]:
    """Every file with the places in it, in the settings' order. ConfigurationError: none for a pattern, or too many."""
    found: dict[Path, list[Place]] = {}
    for place in (settings.person, *settings.category):
        pattern = BUNDLES if settings.kind == "fhir" else place.name
        paths = sorted(each for each in folder.glob(pattern) if _is_there(each)) if STAR in pattern else [folder / pattern]
        if not paths:
            raise refused(pattern, None, "no file is so called", "correct the name or ask for the extracts again")
        for path in paths:
            found.setdefault(path, []).append(place)
    if len(found) > MAX_FILES:
        raise refused(str(settings.folder), None, f"holds more than {MAX_FILES} files", "ask for fewer, larger extracts")
    return found


def _is_there(path: Path) -> bool:
    """Whether this is a file, and not one that is still being written under a name with a dot."""
    return not path.name.startswith(".") and path.is_file()


def star_of(file: str, pattern: str) -> str:
    """What the star stands for in this file's name."""
    before, star, after = pattern.partition(STAR)
    return file[len(before) : len(file) - len(after)] if star else ""


def open_extract(settings: SourceSettings, path: Path) -> Reader:
    """How the rows of a place in this file are read. ConfigurationError, here or while reading: the file cannot be used."""
    if settings.kind == "fhir":
        return read_bundle(path).lines
    if path.suffix == ".parquet":
        return lambda _, columns: read_parquet(path, columns)
    if path.suffix == ".xlsx":
        return lambda place, columns: read_workbook(path, columns, place.sheet, place.header)
    return lambda _, columns: read_extract(path, columns, settings.encoding, settings.delimiter)
