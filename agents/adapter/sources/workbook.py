"""An Excel extract, row by row: what the archive could swell to is counted before any of it is unpacked."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Final
from zipfile import ZipFile

from agents.adapter.sources.reading import Line, places_of, plain, refused
from schemas.errors import ConfigurationError

MAX_UNPACKED: Final = 256 * 1024 * 1024  # bytes of all parts together; Python's zip reader never gives more than a part declares
MAX_STRINGS: Final = 64 * 1024 * 1024  # bytes of the shared strings, the one part that is held whole
MAX_PARTS: Final = 1000
MAX_COLUMNS: Final = 512  # a cell far to the right would widen every row to 16,384
MAX_ROWS_OF_SHEET: Final = 1_048_576  # Excel's own limit
HELD_WHOLE: Final = ("sharedStrings.xml", "styles.xml", "workbook.xml", ".rels", "Content_Types].xml")


def read_workbook(path: Path, columns: Sequence[str], sheet: str | None, header: int) -> Iterator[Line]:
    """The asked columns of every row after the header. ConfigurationError: no workbook, no such sheet or column, too large."""
    from openpyxl import load_workbook  # noqa: PLC0415 - a tenth of a second, and few extracts are workbooks

    file = path.name
    try:
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of extensions and styles that are not read anyway
            _measure(file, stream)
            with closing(load_workbook(stream, read_only=True, data_only=True, keep_links=False)) as book:
                yield from _rows(file, _sheet(file, book, sheet), columns, header)
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - the library lets through whatever zip, XML and number readers raise
        failed = type(error).__name__
    else:
        return
    raise refused(file, None, f"cannot be read as a workbook ({failed})", "save it again as .xlsx, or export it as CSV")


def _measure(file: str, stream: IO[bytes]) -> None:
    with ZipFile(stream) as archive:
        parts = archive.infolist()
        held = sum(each.file_size for each in parts if each.filename.endswith(HELD_WHOLE))
        if len(parts) > MAX_PARTS or sum(each.file_size for each in parts) > MAX_UNPACKED or held > MAX_STRINGS:
            raise refused(
                file, None, f"unpacks to more than {MAX_UNPACKED} bytes, {MAX_STRINGS} of text or {MAX_PARTS} parts", "export it as CSV"
            )
    stream.seek(0)


def _sheet(file: str, book: Any, name: str | None) -> Any:  # noqa: ANN401 - the library has no types
    names = [each.title for each in book.worksheets]
    if name is None and names:
        return book.worksheets[0]
    if name not in names:
        raise refused(file, None, f"the sheet is not among its {len(names)}", "correct its name here or in the workbook", "sheet")
    return book.worksheets[names.index(name)]


def _rows(file: str, sheet: Any, columns: Sequence[str], header: int) -> Iterator[Line]:  # noqa: ANN401 - as above
    places: list[int] | None = None
    for number, row in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS, max_row=MAX_ROWS_OF_SHEET + 1, values_only=True), 1):
        if number > MAX_ROWS_OF_SHEET:
            raise refused(file, number, f"has a row beyond {MAX_ROWS_OF_SHEET}", "ask for the extract again")
        if number < header or (places is not None and row.count(None) == len(row)):
            continue
        if places is None:
            places = places_of(file, number, _names(row), columns)
            continue
        yield Line(number, tuple(plain(row[place]) for place in places))
    if places is None:
        raise refused(file, header, "has no such row, so no header", "correct the header's row or ask for the extract again", "header")


def _names(row: tuple[object, ...]) -> list[str]:
    """The header's texts up to the last one."""
    names = [str(value).strip() if value is not None else "" for value in row]
    while names and not names[-1]:
        names.pop()
    return names
