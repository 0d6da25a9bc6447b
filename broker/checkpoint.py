"""Signed checkpoints as C2SP tlog-checkpoint and signed-note write them, so that other people's tools verify them. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from broker.keys import SigningKey, verifies
from broker.merkle import HASH_SIZE
from schemas.errors import InconsistentLogError

ED25519: Final = b"\x01"  # C2SP signed-note, signature types
KEY_ID_SIZE: Final = 4  # bytes of the key's name in a signature line
MAX_NOTE: Final = 16 * 1024  # bytes: a checkpoint and 32 cosignatures are under 8 KiB
_LINE: Final = re.compile(r"— (\S+) ([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A log's head: its origin, its size in leaves and its root hash."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note's signed text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def key_id(name: str, public: bytes) -> bytes:
    """First 4 bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key)."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:KEY_ID_SIZE]


def verifier_key(name: str, public: bytes) -> str:
    """`name+id+key`, the form in which signed-note tools take a key."""
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(ED25519 + public).decode()}"


def parse_verifier_key(text: str) -> tuple[str, bytes]:
    """Name and public key of a verifier key; ValueError when it is none."""
    name, _, rest = text.removesuffix("\n").partition("+")
    identity, _, encoded = rest.partition("+")
    data = base64.b64decode(encoded, validate=True)
    if data[:1] != ED25519 or key_id(name, data[1:]).hex() != identity:
        message = "not an Ed25519 verifier key: NAME+ID+KEY"
        raise ValueError(message)
    return name, data[1:]


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """A signed note; the key's name is the origin."""
    text = checkpoint.text()
    signature = key_id(checkpoint.origin, key.public) + key.sign(text.encode())
    return f"{text}\n— {checkpoint.origin} {base64.b64encode(signature).decode()}\n".encode()


def open_checkpoint(note: bytes, origin: str, public: bytes) -> Checkpoint:
    """Verify a signed note under the log's key; InconsistentLogError when anything is off."""
    try:
        # (1) one text, one blank line, signature lines
        text, lines = note[:MAX_NOTE].decode().split("\n\n")
        if len(note) > MAX_NOTE or not lines.endswith("\n"):
            raise ValueError
        # (2) three lines, in their only form
        checkpoint = _parse(text + "\n")
        # (3) a signature of this key, and every line well formed
        parts = [_signature(line) for line in lines[:-1].split("\n")]
        mine = [data for name, data in parts if name == origin and data[:KEY_ID_SIZE] == key_id(origin, public)]
        if checkpoint.origin != origin or len(mine) != 1 or not verifies(public, mine[0][KEY_ID_SIZE:], (text + "\n").encode()):
            raise ValueError
    except (ValueError, binascii.Error):
        message = f"the checkpoint is not one that {origin} signed"
        raise InconsistentLogError(message) from None
    return checkpoint


def _parse(text: str) -> Checkpoint:
    origin, size, root = text[:-1].split("\n")
    checkpoint = Checkpoint(origin=origin, size=int(size), root=base64.b64decode(root, validate=True))
    if checkpoint.text() != text or len(checkpoint.root) != HASH_SIZE:
        raise ValueError
    return checkpoint


def _signature(line: str) -> tuple[str, bytes]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError
    data = base64.b64decode(match[2], validate=True)
    if base64.b64encode(data).decode() != match[2]:  # spare bits of the last character would let two notes be one
        raise ValueError
    return match[1], data
