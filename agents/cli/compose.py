"""From a folder to a working hub or adapter: every command builds exactly what it needs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from agents.adapter.service import Adapter
from agents.adapter.settings import AdapterSettings
from agents.adapter.sources.opening import open_source
from agents.hub.service import Hub
from agents.hub.settings import HubSettings
from broker.effect import Milestone
from broker.packfiles import read_pack
from broker.party import Party, open_transport, utc_now
from broker.ports import Transport
from broker.settings import Folder, read_text
from policies.located import parse
from schemas.errors import ConfigurationError, Fault
from schemas.records import Officer

Reached = Callable[[Milestone], None]
Clock = Callable[[], datetime]


def unseen(_: Milestone) -> None:
    """Nobody watches."""


def officer_of(staff_id: str, role: str, organisation: str) -> Officer:
    """Who looks, as an entry names them."""
    try:
        return TypeAdapter(Officer).validate_python({"id": staff_id, "role": role, "organisation": organisation})
    except ValidationError:
        raise ConfigurationError(
            [Fault(file="--as", message="is empty or too long", fix="your staff id, 200 characters at most")]
        ) from None


def party_of(path: Path, transport: Transport | None = None, now: Clock = utc_now, reached: Reached = unseen) -> Party:
    """The party of a folder, on its own transport unless one is given."""
    folder = Folder(path)
    return Party(path, transport or open_transport(folder, folder.settings()), now=now, reached=reached)


def hub_of(path: Path, transport: Transport | None = None, now: Clock = utc_now, reached: Reached = unseen) -> Hub:
    """The hub of a folder."""
    file = path / "hub.toml"
    settings = parse(read_text(file, "a hub says its stages and hours there"), str(file), HubSettings)
    return Hub(party_of(path, transport, now, reached), settings, read_pack(path))


def adapter_of(path: Path, transport: Transport | None = None, now: Clock = utc_now, reached: Reached = unseen) -> Adapter:
    """The adapter of a folder."""
    file = path / "adapter.toml"
    settings = parse(read_text(file, "an adapter says its source there"), str(file), AdapterSettings)
    return Adapter(party_of(path, transport, now, reached), settings, read_pack(path), open_source(settings.source, path))
