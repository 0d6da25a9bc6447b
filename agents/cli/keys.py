"""`mash keys`: make and show a party's keys."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.cli.output import AsJson, Exit, guarded, tell
from broker import keystore
from broker.enrol import announce, enrolment_of
from broker.keys import OpeningKey, SigningKey
from broker.settings import Folder
from broker.times import epoch_at
from broker.trustfiles import read_root, write_whole
from schemas import codec
from schemas.enums import KeyUse
from schemas.errors import ConfigurationError, Fault

app = typer.Typer(no_args_is_help=True, help="Make and show keys. Private keys are files that only their owner may read.")
LONE = (KeyUse.officer, KeyUse.snapshot)


@app.command()
@guarded
def new(
    folder: Annotated[Path, typer.Argument(help="The party's folder (with party.toml and root.toml), or any folder for a lone key.")],
    use: Annotated[KeyUse | None, typer.Option(help="A lone key: officer or snapshot. Without it, all keys of a party.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make keys. For a party also enrolment.avro, which goes to the directory's officers, and its first announcement.

    Example: mash keys new hub/    mash keys new officers/anne --use officer
    """
    if use is not None:
        _lone(folder, use, as_json=as_json)
        return
    party = Folder(folder)
    settings, root, at = party.settings(), read_root(party), datetime.now(UTC)
    if any(party.keys.glob("*")):
        raise ConfigurationError([Fault(file=str(party.keys), message="holds keys already", fix="a party's keys are made once")])
    for kind in (KeyUse.signing, KeyUse.log, KeyUse.witness):
        keystore.write_signing(party.keys, kind, Ed25519PrivateKey.generate())
    keystore.write_store(party.keys, os.urandom(keystore.STORE_KEY_SIZE))
    keystore.write_opening(party.keys, OpeningKey.generate())
    keys = keystore.load(party.keys)
    write_whole(party.enrolment, codec.encode(enrolment_of(settings, root.network, keys, at)))
    opening = next(iter(keys.opening.values()))
    statement = announce(settings.id, root.network, opening, keys.signing[-1], epoch_at(at))
    path = party.announcements / f"{settings.id}-{epoch_at(at)}.avro"
    write_whole(path, codec.encode(statement))
    facts = {"party": settings.id, "enrolment": str(party.enrolment), "announcement": str(path), "kids": _kids(keys)}
    tell(as_json, facts, f"{settings.id}: keys are in {party.keys}; send {party.enrolment} to the directory's officers")


def _lone(folder: Path, use: KeyUse, *, as_json: bool) -> None:
    if use not in LONE:
        fault = Fault(
            file="--use", message=f"{use.value} is not a lone key", fix="officer or snapshot; a party's keys come together without --use"
        )
        raise ConfigurationError([fault])
    key = keystore.write_signing(folder, use, Ed25519PrivateKey.generate())
    tell(as_json, {"use": use.value, "kid": str(key.kid), "public": key.public.hex()}, f"{use.value} {key.kid} public {key.public.hex()}")


@app.command()
@guarded
def show(
    folder: Annotated[Path, typer.Argument(help="The party's folder.")],
    as_json: AsJson = False,
) -> None:
    """Show which keys a folder holds, by name and use; never a private key.

    Example: mash keys show hub/
    """
    path = folder / "keys" if (folder / "keys").is_dir() else folder
    keys = keystore.load(path)
    names = _kids(keys)
    if not names:
        tell(as_json, {"keys": {}}, f"no keys in {path}")
        raise typer.Exit(Exit.no)
    tell(as_json, {"keys": names}, "\n".join(f"{use:10} {kid}" for use, kids in names.items() for kid in kids))


def _kids(keys: keystore.Keys) -> dict[str, list[str]]:
    series: dict[str, Iterable[SigningKey | OpeningKey]] = {
        "signing": keys.signing,
        "log": keys.log,
        "witness": keys.witness,
        "officer": keys.officer,
        "snapshot": keys.snapshot,
        "encryption": keys.opening.values(),
    }
    return {use: [str(key.kid) for key in held] for use, held in series.items() if held}
