"""A party's private keys as files: `keys/<use>-<kid>.pem`, mode 0600, never backed up (the store key alone is escrowed)."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from broker.keys import OpeningKey, SigningKey
from schemas.enums import KeyUse
from schemas.errors import ConfigurationError, Fault

STORE: Final = "store"  # the store key's use: 32 bytes, hex, not a key pair
STORE_KEY_SIZE: Final = 32
END: Final = b"-----END PRIVATE KEY-----\n"
PrivateKey = Ed25519PrivateKey | MLKEM768PrivateKey | X25519PrivateKey


@dataclass(frozen=True, slots=True)
class Keys:
    """What a party's folder holds; a use it has no key for is missing, and asking for it says so."""

    signing: tuple[SigningKey, ...] = ()
    log: tuple[SigningKey, ...] = ()
    witness: tuple[SigningKey, ...] = ()
    officer: tuple[SigningKey, ...] = ()
    snapshot: tuple[SigningKey, ...] = ()
    opening: dict[bytes, OpeningKey] = field(default_factory=dict)
    store: bytes = field(default=b"", repr=False)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all; one that exists is never overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from None


def write_signing(folder: Path, use: KeyUse, private: Ed25519PrivateKey) -> SigningKey:
    """Keep a signing, log, witness, officer or snapshot key."""
    key = SigningKey.of(private)
    write_private(folder / f"{use.value}-{key.kid}.pem", _pem(private))
    return key


def write_opening(folder: Path, key: OpeningKey) -> None:
    """Keep an encryption key: two PKCS#8 blocks, ML-KEM-768 then X25519."""
    write_private(folder / f"{KeyUse.encryption.value}-{key.kid}.pem", _pem(key.mlkem) + _pem(key.x25519))


def write_store(folder: Path, key: bytes) -> None:
    """Keep the store key, named by its digest."""
    write_private(folder / f"{STORE}-{hashlib.sha256(key).hexdigest()[:32]}.key", key.hex().encode() + b"\n")


def _pem(private: PrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load(folder: Path) -> Keys:
    """Load every key of a folder; ConfigurationError names every file that is too open, misnamed or unreadable."""
    faults: list[Fault] = []
    signing: dict[str, list[SigningKey]] = {}
    opening: dict[bytes, OpeningKey] = {}
    store = b""
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            faults.append(Fault(file=str(path), message="others may read this key", fix=f"chmod 600 {path}"))
            continue
        try:
            use, name = _use_of(path)
            if use == STORE:
                store = _load_store(path, name)
            elif use == KeyUse.encryption:
                key = _load_opening(path, name)
                opening[key.kid] = key
            else:
                signing.setdefault(use, []).append(_load_signing(path, name))
        except (ValueError, TypeError):
            faults.append(Fault(file=str(path), message="is not the key its name says", fix="restore it, or make a new one: mash keys new"))
    if faults:
        raise ConfigurationError(faults)
    series = {use: tuple(keys) for use, keys in signing.items()}
    return Keys(**series, opening=opening, store=store)


def _use_of(path: Path) -> tuple[str, str]:
    use, _, name = path.stem.rpartition("-")
    if use != STORE:
        KeyUse(use)
    return use, name


def _load_store(path: Path, name: str) -> bytes:
    key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    if len(key) != STORE_KEY_SIZE or hashlib.sha256(key).hexdigest()[:32] != name:
        message = "not the store key its name says"
        raise ValueError(message)
    return key


def _load_signing(path: Path, name: str) -> SigningKey:
    private = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(private, Ed25519PrivateKey) or str(SigningKey.of(private).kid) != name:
        message = "not the Ed25519 key its name says"
        raise ValueError(message)
    return SigningKey.of(private)


def _load_opening(path: Path, name: str) -> OpeningKey:
    first, end, second = path.read_bytes().partition(END)
    mlkem, x25519 = load_pem_private_key(first + end, None), load_pem_private_key(second, None)
    if not isinstance(mlkem, MLKEM768PrivateKey) or not isinstance(x25519, X25519PrivateKey):
        message = "not an ML-KEM-768 and an X25519 key"
        raise TypeError(message)
    key = OpeningKey.of(mlkem, x25519)
    if str(key.kid) != name:
        message = "not the key its name says"
        raise ValueError(message)
    return key


def one(keys: tuple[SigningKey, ...], use: KeyUse, folder: Path) -> SigningKey:
    """The only key of a use; ConfigurationError when there is none or more than one to choose from."""
    if len(keys) != 1:
        message = f"{len(keys)} {use.value} keys here, one is needed"
        fix = "keep one of them here" if keys else f"mash keys new --use {use.value}"
        raise ConfigurationError([Fault(file=str(folder), message=message, fix=fix)])
    return keys[0]
