"""`mash keys`: make and show a party's keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agents.cli.output import AsJson, Exit, guarded, tell
from broker import keystore
from broker.founding import announce_due, new_lone_key, new_party
from broker.keys import OpeningKey, SigningKey
from broker.settings import Folder
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
    """Make keys. For a party also enrolment.avro, which goes to the directory's officers, and its first announcements.

    Example: mash keys new hub/    mash keys new officers/anne --use officer
    """
    if use is not None:
        _lone(folder, use, as_json=as_json)
        return
    party, at = Folder(folder), datetime.now(UTC)
    new_party(party, at)
    name, paths = party.settings().id, [str(path) for path in announce_due(party, at)]
    facts = {"party": name, "enrolment": str(party.enrolment), "announcements": paths, "kids": _kids(keystore.load(party.keys))}
    tell(as_json, facts, f"{name}: keys are in {party.keys}; send {party.enrolment} to the directory's officers")


@app.command("announce")
@guarded
def announce_key(folder: Annotated[Path, typer.Argument(help="The party's folder.")], as_json: AsJson = False) -> None:
    """Make this week's and next week's encryption key, where missing, and the announcements, which go to the snapshot maker.

    Example: mash keys announce hub/
    """
    paths = [str(path) for path in announce_due(Folder(folder), datetime.now(UTC))]
    tell(
        as_json, {"announcements": paths}, "\n".join([*paths, "announce this week's and next week's key; send them to the snapshot maker"])
    )


def _lone(folder: Path, use: KeyUse, *, as_json: bool) -> None:
    if use not in LONE:
        fault = Fault(
            file="--use", message=f"{use.value} is not a lone key", fix="officer or snapshot; a party's keys come together without --use"
        )
        raise ConfigurationError([fault])
    key = new_lone_key(folder, use)
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
    home = Folder(folder)
    path = home.keys if home.keys.is_dir() or home.party_file.exists() else folder
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
