"""The access log: salted leaves, and its verification from checkpoint, leaves and public key alone. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from broker.checkpoint import Checkpoint, open_checkpoint
from broker.merkle import HASH_SIZE, Frontier
from schemas import codec
from schemas.errors import InconsistentLogError
from schemas.events import Entry
from schemas.identifiers import PartyId

GENERATION: Final = 1  # a log opened anew after a loss gets the next one
FILL: Final = 64  # leaves: the tree grows by multiples, so its growth tells nobody what one request caused
BLANK: Final = b"mash/1 blank"
BUNDLE: Final = 256  # leaves in one file, C2SP tlog-tiles' entry bundle


def origin_of(party: PartyId, generation: int = GENERATION) -> str:
    """The log's name in its checkpoints."""
    return f"{party}/log/{generation}"


def leaf_of(salt: bytes, entry: bytes) -> bytes:
    """HMAC-SHA256(salt, entry): all that a tile publishes of an entry."""
    return hmac.digest(salt, entry, "sha256")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf as the store holds it: its data, and what opens it (an entry, or a blank's salt, or neither after disposal)."""

    data: bytes
    salt: bytes | None = None
    entry: bytes | None = None


def verify_log(note: bytes, leaves: Iterable[bytes], origin: str, public: bytes) -> Checkpoint:
    """That these leaves are exactly what the log's key signed for; InconsistentLogError otherwise."""
    checkpoint = open_checkpoint(note, origin, public)
    frontier = Frontier().append(leaves)
    if frontier.size != checkpoint.size:
        message = f"{origin}: the checkpoint counts {checkpoint.size} leaves, {frontier.size} are here"
        raise InconsistentLogError(message)
    if not hmac.compare_digest(frontier.root(), checkpoint.root):
        message = f"{origin}: the leaves are not those of the checkpoint"
        raise InconsistentLogError(message)
    return checkpoint


def verify_openings(leaves: Iterable[Leaf]) -> list[Entry]:
    """That every leaf opens to its entry or is an honest blank; gives the entries in log order."""
    entries = []
    for index, leaf in enumerate(leaves):
        content = BLANK if leaf.entry is None else leaf.entry
        if leaf.salt is None or not hmac.compare_digest(leaf_of(leaf.salt, content), leaf.data):
            message = f"leaf {index} does not open to what is stored beside it"
            raise InconsistentLogError(message)
        if leaf.entry is not None:
            entries.append(codec.decode(Entry, leaf.entry))
    return entries


def bundles(leaves: list[bytes]) -> dict[str, bytes]:
    """C2SP tlog-tiles entry bundles by path: each leaf behind its length, 2 bytes."""
    files = {}
    for start in range(0, len(leaves), BUNDLE):
        part = leaves[start : start + BUNDLE]
        width = "" if len(part) == BUNDLE else f".p/{len(part)}"
        files[f"tile/entries/{_tile_number(start // BUNDLE)}{width}"] = b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in part)
    return files


def read_bundle(data: bytes) -> list[bytes]:
    """The leaves of one bundle; InconsistentLogError unless each is 32 bytes."""
    size = HASH_SIZE + 2
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    if any(len(part) != size or part[:2] != HASH_SIZE.to_bytes(2, "big") for part in parts):
        message = "an entry bundle is not a list of 32-byte leaves"
        raise InconsistentLogError(message)
    return [part[2:] for part in parts]


def _tile_number(number: int) -> str:
    """Three digits a level, all but the last behind an x (C2SP tlog-tiles)."""
    parts = [f"{number % 1000:03d}"]
    while number >= 1000:  # noqa: PLR2004 - three digits
        number //= 1000
        parts.append(f"x{number % 1000:03d}")
    return "/".join(reversed(parts))
