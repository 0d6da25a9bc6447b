"""On which line of a TOML text does each key path stand? One walk over a syntax tree that has been guarded."""

from __future__ import annotations

import tomllib

import tree_sitter

Path = tuple[str | int, ...]


class TooDeepError(ValueError):
    """A key path is longer than anybody's table is deep: tables within tables by dots, brackets and braces together."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def lines_of(root: tree_sitter.Node, deepest: int) -> dict[Path, int]:
    """The line, from 1, of every key path; array items by index. TooDeepError at the first path of more than `deepest` parts."""
    return _Lines(root, deepest).found


def _said(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    return [child for child in node.named_children if child.type != "comment"]


class _Lines:
    """The walk; tables of one array are counted as they come."""

    def __init__(self, root: tree_sitter.Node, deepest: int) -> None:
        self.found: dict[Path, int] = {(): 1}
        self._deepest = deepest
        self._counts: dict[Path, int] = {}
        for node in root.named_children:
            if node.type == "pair":
                self._pair((), node)
            elif node.type in {"table", "table_array_element"}:
                self._table(node)

    def _note(self, path: Path, node: tree_sitter.Node) -> None:
        line = node.start_point[0] + 1
        if len(path) > self._deepest:
            raise TooDeepError(line)
        self.found.setdefault(path, line)

    def _key_parts(self, node: tree_sitter.Node) -> Path:
        if node.type == "dotted_key":
            return tuple(part for child in node.named_children for part in self._key_parts(child))
        key = (node.text or b"").decode()
        return (next(iter(tomllib.loads(f"{key}=0"))) if node.type == "quoted_key" else key,)

    def _value(self, path: Path, node: tree_sitter.Node) -> None:
        if node.type == "inline_table":
            for child in node.named_children:
                if child.type == "pair":
                    self._pair(path, child)
        elif node.type == "array":
            for index, child in enumerate(_said(node)):
                self._note((*path, index), child)
                self._value((*path, index), child)

    def _pair(self, base: Path, node: tree_sitter.Node) -> None:
        key, item = _said(node)[:2]
        for part in self._key_parts(key):
            base = (*base, part)
            self._note(base, key)
        self._value(base, item)

    def _resolve(self, parts: Path) -> Path:
        path: Path = ()
        for part in parts:
            path = (*path, part)
            if path in self._counts:
                path = (*path, self._counts[path])
        return path

    def _table(self, node: tree_sitter.Node) -> None:
        children = _said(node)
        parts = self._key_parts(children[0])
        if node.type == "table_array_element":
            array = (*self._resolve(parts[:-1]), parts[-1])
            self._counts[array] = self._counts.get(array, -1) + 1
            base: Path = (*array, self._counts[array])
            self._note(array, node)
        else:
            base = self._resolve(parts)
        for length in range(1, len(base) + 1):
            self._note(base[:length], node)
        for child in children[1:]:
            if child.type == "pair":
                self._pair(base, child)
