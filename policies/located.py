"""TOML with faults that name file, line and key: hostile text costs bounded time, and every fault is told at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final, Generic, TypeVar, get_args

import tree_sitter
import tree_sitter_toml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from policies.lines import Path, TooDeepError, lines_of
from schemas.errors import ConfigurationError, Fault

MAX_TEXT: Final = 1024 * 1024  # bytes; tree-sitter and the walk together take about two seconds for the worst of that size
MAX_DEPTH: Final = 32  # of nesting, by dots, brackets and braces together: tomllib recurses, and every path is kept with its line
MAX_KEY: Final = 400  # bytes of one dotted key: tomllib's time grows with its square
MAX_SYNTAX_FAULTS: Final = 20  # one missing bracket may make every later line wrong
MAX_FAULTS: Final = 200  # more than anybody reads at once
REMEMBERED: Final = 16  # texts: two boroughs' laws, category tables and agreements
NESTING: Final = frozenset({"array", "inline_table", "dotted_key"})  # a key of n parts is a tree n deep
M = TypeVar("M", bound=BaseModel)
_PARSER: Final = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))


class Table(BaseModel):
    """A table of ours in TOML: no key that is not ours, and never changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Located(Generic[M]):
    """A model read from a text that can still say on which line each of its parts stood."""

    file: str
    model: M
    lines: dict[Path, int]

    def fault(self, place: Path, message: str, fix: str = "") -> Fault:
        """A fault at the nearest line known for a place; the field is the place, dotted."""
        return _fault(self.file, self.lines, place, message, fix)


def parse(text: str, file: str, model: type[M]) -> M:
    """Read a TOML text into a model; ConfigurationError lists every fault with its line and never quotes a value."""
    return read(text, file, model).model


def read(text: str, file: str, model: type[M]) -> Located[M]:
    """As `parse`, keeping the lines, so that a check across files can still point at one."""
    lines = _lines(_tree(text, file), file)
    try:
        return Located(file=file, model=model.model_validate(_loaded(text, file)), lines=lines)
    except ValidationError as error:
        raise ConfigurationError(validation_faults(error, model, lines, file)) from None


def validation_faults(error: ValidationError, model: type[BaseModel], lines: dict[Path, int], file: str) -> list[Fault]:
    """Every fault pydantic found, in its place and with what would be allowed there; no value is ever told."""
    found = _errors(error)
    within = {place[:end] for place in (tuple(each["loc"]) for each in found) for end in range(len(place))}
    told = (each for each in found if each["type"] != "too_short" or tuple(each["loc"]) not in within)  # short of what is told already
    return [_told(each, model, lines, file) for each in islice(told, MAX_FAULTS)]


def read_once(text: str, file: str, model: type[M]) -> Located[M]:
    """As `read`, remembering the last few texts: parties of one process share their law, and reading it costs more than the rest."""
    return _remembered(text, file, model)


_remembered = lru_cache(maxsize=REMEMBERED)(read)


def _tree(text: str, file: str) -> tree_sitter.Node:
    """Guard in this order: size, syntax, depth and key length; only then may tomllib see the text."""
    data = guarded(text, file)
    root = _PARSER.parse(data).root_node
    faults = list(_syntax_faults(root, file)) if root.has_error else list(_shape_faults(root, file))
    if faults:
        raise ConfigurationError(faults)
    return root


def _lines(root: tree_sitter.Node, file: str) -> dict[Path, int]:
    try:
        return lines_of(root, MAX_DEPTH + 1)  # the name of what is nested counts as well
    except TooDeepError as error:
        raise ConfigurationError([_too_deep(file, error.line)]) from None


def _too_deep(file: str, line: int) -> Fault:
    return Fault(file=file, line=line, message=f"is nested deeper than {MAX_DEPTH}", fix="use tables")


def guarded(text: str, file: str) -> bytes:
    """A text as UTF-8; ConfigurationError where it is none, is too long, or begins with a mark that no other reader expects."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError([Fault(file=file, message="is not Unicode text", fix="save it as UTF-8")]) from None
    if len(data) > MAX_TEXT:
        raise ConfigurationError([Fault(file=file, message=f"is longer than {MAX_TEXT} bytes", fix="split it")])
    if text.startswith("\ufeff"):
        raise ConfigurationError([Fault(file=file, line=1, message="begins with a byte order mark", fix="save it as UTF-8 without BOM")])
    return data


def _nodes(root: tree_sitter.Node) -> Iterator[tuple[tree_sitter.Node, int]]:
    """Every node and how deeply it is nested, without recursion: a hostile tree is half a million deep."""
    cursor, depth = root.walk(), 0
    while True:
        node = cursor.node
        if node is None:  # never: a cursor stands on a node
            return
        yield node, depth
        nests = node.type in NESTING
        if cursor.goto_first_child():
            depth += nests
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            depth -= cursor.node is not None and cursor.node.type in NESTING


def _syntax_faults(root: tree_sitter.Node, file: str) -> Iterator[Fault]:
    told: set[int] = set()
    for node, _ in _nodes(root):
        line = node.start_point[0] + 1
        if (node.is_error or node.is_missing) and line not in told:
            told.add(line)
            yield Fault(file=file, line=line, message="is not TOML from here on", fix="check quotes, brackets and the line before")
        if len(told) >= MAX_SYNTAX_FAULTS:
            return


def _shape_faults(root: tree_sitter.Node, file: str) -> Iterator[Fault]:
    for node, depth in _nodes(root):
        line = node.start_point[0] + 1
        if node.type == "dotted_key" and node.end_byte - node.start_byte > MAX_KEY:
            yield Fault(file=file, line=line, message=f"has a key longer than {MAX_KEY} bytes", fix="use tables")
            return
        if depth > MAX_DEPTH:
            yield _too_deep(file, line)
            return


def _loaded(text: str, file: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or Python's own refusal of a number with thousands of digits
        stated = re.search(r"at line (\d+)", str(error))
        line = int(stated[1]) if stated else None
        raise ConfigurationError(
            [Fault(file=file, line=line, message="is not TOML here", fix="a key twice, a day that does not exist, or a malformed value")]
        ) from None


def _errors(error: ValidationError) -> Sequence[ErrorDetails]:
    return error.errors(include_input=False, include_url=False)


def _told(each: ErrorDetails, model: type[BaseModel], lines: dict[Path, int], file: str) -> Fault:
    """One of pydantic's faults, in a place and with what would be allowed there; the value itself is never told."""
    place: Path = tuple(each["loc"])
    if each["type"] == "extra_forbidden":
        return _fault(file, lines, place, "is not a known key", f"allowed: {', '.join(_keys(model, place[:-1]))}")
    allowed = re.findall(r"'([^']*)'", str(each.get("ctx", {}).get("expected", "")))
    if allowed:
        known = ", ".join(value for value in allowed if value != "unknown")
        return _fault(file, lines, place, "is not one of the allowed values", f"allowed: {known}")
    if each["type"].startswith("date_"):
        return _fault(file, lines, place, "is no day", "allowed: a day such as 2026-09-30, in TOML without quotes")
    if each["type"] == "missing":
        return _fault(file, lines, place, "is missing", "")
    message, _, forms = each["msg"].removeprefix("Value error, ").partition("; allowed: ")
    return _fault(file, lines, place, message, f"allowed: {forms}" if forms else "")


def _fault(file: str, lines: dict[Path, int], place: Path, message: str, fix: str) -> Fault:
    nearest = place
    while nearest and nearest not in lines:
        nearest = nearest[:-1]
    field = ".".join(str(part) for part in place)[:MAX_KEY]
    return Fault(file=file, line=lines.get(nearest, 1), field=field, message=message, fix=fix)


def _keys(model: type[BaseModel], place: Path) -> list[str]:
    """The keys a table may hold, found by walking the model along the place."""
    for part in place:
        field = next((each for name, each in model.model_fields.items() if part in (name, each.alias)), None)
        if field is not None:  # an index into an array changes nothing
            model = next((each for each in _within(field.annotation) if issubclass(each, BaseModel)), model)
    return [each.alias or name for name, each in model.model_fields.items()]


def _within(annotation: object) -> Iterator[type]:
    """Every class named in an annotation, at any depth."""
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for each in get_args(annotation):
        yield from _within(each)
