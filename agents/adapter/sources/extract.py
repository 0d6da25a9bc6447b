"""A CSV extract read strictly: what cannot be read is named by line and kept aside; what makes a file unreadable refuses it."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from agents.adapter.sources.reading import Line, places_of, refused

MIXED: Final = "mixed"  # files put together from several systems: each line by itself, cp1252 where it is not utf-8
MAX_LINE: Final = 1024 * 1024  # bytes: a longer line is not a row, and is skipped without being held
MAX_RECORD_LINES: Final = 500  # lines of one quoted value: more means that a quote was never closed


@dataclass(slots=True)
class Lines:
    """Decoded lines of a file, remembering which could not be taken as they are."""

    stream: BinaryIO
    encoding: str
    number: int = 0
    wrong: dict[int, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[str]:
        """One text per physical line; a bad one keeps its quotes and is noted."""
        while line := self.stream.readline(MAX_LINE + 1):
            self.number += 1
            if len(line) > MAX_LINE:
                self._skip()
                self.wrong[self.number] = f"a line longer than {MAX_LINE} bytes"
                yield "\n"
                continue
            if self.number == 1 and self.encoding != "cp1252":
                line = line.removeprefix(codecs.BOM_UTF8)  # the mark is not part of the first name
            yield self._decoded(line)

    def _skip(self) -> None:
        while (rest := self.stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
            pass

    def _decoded(self, line: bytes) -> str:
        if b"\0" in line:
            self.wrong[self.number] = "a NUL byte"
            line = line.replace(b"\0", b"")
        utf8 = line.isascii() or _is_utf8(line)
        encoding = self.encoding if self.encoding != MIXED else "utf-8" if utf8 else "cp1252"
        text = line.decode(encoding, errors="replace")
        if "\ufffd" in text:
            self.wrong[self.number] = f"bytes that are not {encoding}"
        elif self.encoding == "cp1252" and utf8 and not line.isascii():
            self.wrong[self.number] = f"text in utf-8 where {encoding} is declared"
        return text


def read_extract(path: Path, columns: Sequence[str], encoding: str, delimiter: str) -> Iterator[Line]:
    """The asked columns of every row. ConfigurationError: no such file, a header without them, a quote that never closes."""
    file = path.name
    try:
        stream = path.open("rb")
    except OSError as error:
        raise refused(file, None, f"cannot be read ({type(error).__name__})", "ask for the extract again") from None
    with stream:
        lines = Lines(stream, encoding)
        reader = csv.reader(_bounded(lines), delimiter=delimiter, strict=True)
        yield from _rows(file, lines, reader, columns)


def _rows(file: str, lines: Lines, reader: Iterator[list[str]], columns: Sequence[str]) -> Iterator[Line]:
    header: list[str] | None = None
    places: list[int] = []
    while True:
        first = lines.number + 1
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            raise refused(file, first, "a quote or a line end is wrong, so that rows run into each other", "ask for it again") from None
        wrong = "; ".join(lines.wrong.pop(number) for number in range(first, lines.number + 1) if number in lines.wrong)
        if header is None:
            header = row
            places = _places(file, header, columns, wrong)
        elif row or wrong:
            yield _line(first, row, len(header), places, wrong)
    if header is None:
        raise refused(file, 1, "is empty: not even a header", "ask for it again")


def _line(number: int, row: list[str], width: int, places: list[int], wrong: str) -> Line:
    if len(row) != width:
        return Line(number, None, wrong or f"{len(row)} values where the header has {width}")
    return Line(number, tuple(row[place] for place in places), wrong)


def _places(file: str, header: list[str], columns: Sequence[str], wrong: str) -> list[int]:
    """Where each column stands. The header itself is never quoted: it may be somebody's row."""
    if wrong:
        raise refused(file, 1, f"the header has {wrong}", "ask for it again, in the declared encoding")
    return places_of(file, 1, [name.strip() for name in header], columns)


def _bounded(lines: Lines) -> Iterator[str]:
    """Count the lines of one quoted value: the reader asks again only inside quotes."""
    quoted = 0
    open_quotes = False
    for text in lines:
        open_quotes ^= text.count('"') % 2 == 1
        quoted = quoted + 1 if open_quotes else 0
        if quoted > MAX_RECORD_LINES:
            message = "a quote is never closed"
            raise csv.Error(message)
        yield text


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
