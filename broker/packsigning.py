"""A controller signs its pack: what it considered in advance is its word, and a pack that somebody else changed decides nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, NoReturn

from pydantic import StringConstraints

from broker import keystore
from broker.directory import Trust
from broker.keys import SigningKey, verifies
from broker.settings import Folder, read_text
from broker.trustfiles import load_trust, write_whole
from policies.located import Table, parse
from policies.pack import Pack
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import Digest, Kid

NAME: Final = "pack.sig"
DOMAIN: Final = b"mash/1 pack signature"
Hex = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}){8,64}$")]


class PackSignature(Table):
    """`pack.sig`: Ed25519 by a signing key of the party over the domain and the pack's digest."""

    digest: Hex
    kid: Hex
    signature: Hex


def sign_pack(folder: Folder, pack: Pack, at: datetime) -> SigningKey:
    """Sign with a signing key that the directory lists, or before there is a directory with one of the folder; says with which."""
    keys = keystore.load(folder.keys).signing
    if folder.directory.is_file():
        listed = load_trust(folder, at).signing_in_force(folder.settings().id, at)
        keys = tuple(key for key in keys if key.kid in listed)
    if not keys:
        message = "holds no signing key" + (" that the directory lists" if folder.directory.is_file() else "")
        raise ConfigurationError([Fault(file=str(folder.keys), message=message, fix="mash keys new")])
    signature = keys[-1].sign(DOMAIN + pack.digest)
    lines = [f'digest = "{pack.digest}"', f'kid = "{keys[-1].kid}"', f'signature = "{signature.hex()}"']
    write_whole(folder.path / NAME, ("\n".join(lines) + "\n").encode())
    return keys[-1]


def check_signed(folder: Folder, pack: Pack, trust: Trust) -> None:
    """Refuse a pack that is not, to the byte, what this party signed with a key of its own; ConfigurationError says which step failed."""
    file = str(folder.path / NAME)
    # (1) there is a signature
    signed = parse(read_text(folder.path / NAME, "mash policy sign"), file, PackSignature)
    # (2) it is of this very pack
    if signed.digest != str(pack.digest):
        _refuse(file, "digest", f"the pack is now {str(pack.digest)[:16]}, and was {signed.digest[:16]} when it was signed")
    # (3) by a signing key that the directory lists for this party, and that is not revoked
    key = trust.signing_key(folder.settings().id, Kid(bytes.fromhex(signed.kid))) if len(signed.kid) == 2 * Kid.size else None
    if key is None:
        _refuse(file, "kid", "is no signing key that the directory lists for this party")
    # (4) and it holds
    if not verifies(key.public, bytes.fromhex(signed.signature), DOMAIN + Digest(pack.digest)):
        _refuse(file, "signature", "does not hold")


def _refuse(file: str, field: str, message: str) -> NoReturn:
    fix = "look at what changed (mash policy diff, replay), then mash policy sign"
    raise ConfigurationError([Fault(file=file, field=field, message=message, fix=fix)])
