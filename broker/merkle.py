"""The Merkle tree of RFC 6962 §2.1, grown leaf by leaf. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()  # RFC 6962 §2.1: the hash of an empty list


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The hashes of the full subtrees of a tree of `size` leaves, largest first: all that growing it needs."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """One hash for each one-bit of the size."""
        if len(self.hashes) != self.size.bit_count() or any(len(each) != HASH_SIZE for each in self.hashes):
            message = "not the frontier of a tree of this size"
            raise ValueError(message)

    def append(self, leaves: Iterable[bytes]) -> Frontier:
        """The frontier after these leaves' data."""
        size, hashes = self.size, list(self.hashes)
        for data in leaves:
            hashes.append(leaf_hash(data))
            size += 1
            for _ in range((size & -size).bit_length() - 1):  # as many subtrees fill up as the size has trailing zeros
                right = hashes.pop()
                hashes.append(node_hash(hashes.pop(), right))
        return Frontier(size, tuple(hashes))

    def root(self) -> bytes:
        """The tree's head."""
        if not self.hashes:
            return EMPTY_ROOT
        head = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            head = node_hash(left, head)
        return head

    def encode(self) -> bytes:
        """Size, 8 bytes, and the hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)

    @classmethod
    def decode(cls, data: bytes) -> Frontier:
        """Read what `encode` wrote."""
        rest = data[8:]
        return cls(int.from_bytes(data[:8], "big"), tuple(rest[at : at + HASH_SIZE] for at in range(0, len(rest), HASH_SIZE)))
