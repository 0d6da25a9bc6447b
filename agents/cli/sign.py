"""`mash policy sign`: a controller gives its word for its pack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agents.cli.compose import own_pack
from agents.cli.output import AsJson, guarded, tell
from broker.packsigning import NAME, sign_pack
from broker.party import utc_now
from broker.settings import Folder


@guarded
def sign(folder: Annotated[Path, typer.Argument(help="The party's folder, with its keys.")], as_json: AsJson = False) -> None:
    """Check a party's pack and sign it with the party's signing key; hub and adapter start under no other.

    What the controller considered in advance counts from here on: read what changed first (mash policy diff, replay).

    Example: mash policy sign police/
    """
    pack = own_pack(folder)
    key = sign_pack(Folder(folder), pack, utc_now())
    facts = {"pack": str(pack.digest), "law": str(pack.law_digest), "kid": str(key.kid), "file": str(folder / NAME)}
    said = f"signed policy pack {pack.digest} with {key.kid}: {folder / NAME}"
    tell(as_json, facts, f"{said}; what runs decides by it once it is restarted")
