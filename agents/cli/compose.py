"""From a folder to a working hub or adapter: every command builds exactly what it needs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from agents.adapter.service import Adapter
from agents.adapter.settings import AdapterSettings, Sources
from agents.adapter.sources.opening import open_sources
from agents.cli.run import tell_unsigned
from agents.hub.service import Hub
from agents.hub.settings import HubSettings, read_settings
from broker.effect import Milestone
from broker.packfiles import keep_pack, read_pack, signed_pack
from broker.packsigning import check_signed
from broker.party import Party, open_transport, utc_now
from broker.ports import Transport
from broker.settings import Folder, read_text
from broker.trustfiles import load_trust
from policies.categories import Categories
from policies.located import parse
from policies.pack import Pack
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


def hub_settings(path: Path, categories: Categories | None = None) -> HubSettings:
    """hub.toml; with `categories`, what its checks matrix names is looked up too."""
    file = path / "hub.toml"
    return read_settings(read_text(file, "a hub says its stages and hours there"), str(file), categories)


def hub_of(path: Path, transport: Transport | None = None, now: Clock = utc_now, reached: Reached = unseen) -> Hub:
    """The hub of a folder."""
    hub_settings(path)  # its own faults first: a pack is no part of them
    _check_kind(path, "hub")
    pack = signed_own_pack(path, now())
    keep_pack(path, pack)
    settings = hub_settings(path, pack.categories)
    hub = Hub(party_of(path, transport, now, reached), settings, pack)
    _by_directory(hub, pack)
    return hub


def adapter_settings(path: Path) -> AdapterSettings:
    """adapter.toml."""
    file = path / "adapter.toml"
    return parse(read_text(file, "an adapter says its sources there"), str(file), AdapterSettings)


def sources_of(path: Path) -> Sources:
    """The sources that adapter.toml declares; reading them writes nothing."""
    return open_sources(adapter_settings(path).source, path)


def adapter_of(
    path: Path, transport: Transport | None = None, now: Clock = utc_now, reached: Reached = unseen, sources: Sources | None = None
) -> Adapter:
    """The adapter of a folder, with its sources where they are open already."""
    settings = adapter_settings(path)
    _check_kind(path, "agency")
    pack = signed_own_pack(path, now())
    keep_pack(path, pack)
    adapter = Adapter(party_of(path, transport, now, reached), settings, pack, sources or sources_of(path))
    _by_directory(adapter, pack)
    return adapter


def _by_directory(service: Hub | Adapter, pack: Pack) -> None:
    """Decide by the agreements that the directory lists: those of today at once, and those of a newer one as soon as it is believed."""
    service.pack = signed_pack(pack, service.party.trust.directory)

    def renewed() -> None:
        service.pack = signed_pack(pack, service.party.trust.directory)
        tell_unsigned(service)

    service.party.on_directory(renewed)


def signed_own_pack(path: Path, at: datetime) -> Pack:
    """The policy pack that a party runs under: its own, and signed by it."""
    pack = own_pack(path)
    check_signed(Folder(path), pack, load_trust(Folder(path), at))
    return pack


def own_pack(path: Path) -> Pack:
    """The policy pack of a folder, refused when it is another controller's."""
    pack = read_pack(path)
    check_own(path, pack, str(path / "pack" / "controller.toml"))
    return pack


def check_own(path: Path, pack: Pack, file: str) -> None:
    """Refuse a pack that is another controller's."""
    party = Folder(path).settings()
    if (pack.controller.party, pack.controller.kind) != (party.id, party.kind):
        message = f"is of {pack.controller.party} ({pack.controller.kind.value}), not of {party.id} ({party.kind.value})"
        raise ConfigurationError([Fault(file=file, message=message, fix="put this party's own pack there")])


def _check_kind(path: Path, kind: str) -> None:
    found = Folder(path).settings().id
    if found.kind != kind:
        fix = "name the folder of the right party with --folder"
        raise ConfigurationError([Fault(file=str(path / "party.toml"), field="id", message=f"{found} is no {kind}", fix=fix)])
