"""Events that this process opened lately: a case is joined anew with each answer, and what came before is opened once for all of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

import sqlalchemy as sa

from broker.effect import Kept
from broker.store import rows

MOST: Final = (
    32 * 1024 * 1024
)  # bytes of stored content: about a thousand envelopes, which are nearly all padding and as objects a third of that


class Recent:
    """By the name of their content key, which nothing else is sealed under. Only what still has its key is given, whoever destroyed it."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._size = most, 0
        self._held: OrderedDict[bytes, tuple[int, Kept]] = OrderedDict()
        self._lock = threading.Lock()

    def opened(self, found: Iterable[sa.Row[tuple[object, ...]]], keys: Mapping[bytes, bytes]) -> list[Kept]:
        """These rows, opened; one without its key has no body, and is forgotten here too."""
        return [self._one(row, keys.get(row.key_id)) for row in found]

    def forget(self, ids: Iterable[bytes]) -> None:
        """What is sealed under these keys."""
        with self._lock:
            for each in ids:
                self._size -= self._held.pop(each, (0, None))[0]

    def clear(self) -> None:
        """Everything: nothing stays open in memory for longer than somebody works with it."""
        with self._lock:
            self._held.clear()
            self._size = 0

    def _one(self, row: sa.Row[tuple[object, ...]], key: bytes | None) -> Kept:
        if key is None:
            self.forget([row.key_id])
            return rows.opened(row, None)
        with self._lock:
            held = self._held.get(row.key_id)
            if held is not None:
                self._held.move_to_end(row.key_id)
                return held[1]
        kept, size = rows.opened(row, key), len(row.content)
        with self._lock:
            if row.key_id not in self._held:
                self._held[row.key_id] = (size, kept)
                self._size += size
            while self._size > self._most:
                _, (gone, _) = self._held.popitem(last=False)
                self._size -= gone
        return kept
