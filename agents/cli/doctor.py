"""`mash doctor`: is this folder fit to run? One line for each thing, with cause and cure."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from agents.adapter.sources.opening import freshness, source_faults
from agents.adapter.sources.settings import SourceSettings
from agents.cli.casetext import when
from agents.cli.compose import adapter_settings, hub_settings, own_pack
from agents.cli.log import verify_party
from agents.cli.output import AsJson, Exit, guarded, tell
from broker import keystore
from broker.packfiles import signed_pack
from broker.packsigning import check_signed
from broker.party import Party, open_transport, utc_now
from broker.settings import Folder
from broker.streams import DIRECTORY
from broker.trustfiles import load_trust, read_root
from policies.agreements import Agreement
from policies.pack import Pack
from policies.reach import undocumented
from schemas.errors import ConfigurationError, Fault, InconsistentLogError, SharingError

SQLITE: Final = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    what: str
    ok: bool
    says: str


@guarded
def doctor(
    folder: Annotated[Path, typer.Argument(help="A party's folder.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Check configuration, keys, permissions, directory, pack, each source, store, log and transport. Exit 1 when something is wrong.

    Example: mash doctor police/
    """
    findings = examine(folder)
    facts = {
        "healthy": all(each.ok for each in findings),
        "findings": [{"what": each.what, "ok": each.ok, "says": each.says} for each in findings],
    }
    tell(as_json, facts, "\n".join(f"{'ok   ' if each.ok else 'WRONG'} {each.what:10} {each.says}" for each in findings))
    if not facts["healthy"]:
        raise typer.Exit(Exit.no)


def examine(folder: Path) -> list[Finding]:
    """Every check, each by itself, so that one fault never hides another."""
    home = Folder(folder)
    checks: list[tuple[str, Callable[[], str]]] = [
        ("settings", lambda: str(home.settings().id)),
        (
            "root",
            lambda: f"network {str(read_root(home).network)[:16]}, {read_root(home).threshold} of {len(read_root(home).officers)} officers",
        ),
        ("keys", lambda: f"{len(list(home.keys.glob('*')))} key files, readable by their owner only{_loaded(home)}"),
        ("directory", lambda: _directory(home)),
        ("ready", lambda: _ready(home)),
        ("pack", lambda: _pack(home)),
        ("agreements", lambda: _agreements(home)),
        ("store", lambda: _store(folder)),
        ("log", lambda: _log(folder)),
        ("transport", lambda: _transport(home)),
    ]
    checks.append(("service", lambda: _service(home)))
    checks += [(f"source {each.name}", partial(_source, each, folder)) for each in _sources(folder)]
    return [_finding(what, check) for what, check in checks]


def _finding(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, ok=True, says=check())
    except ConfigurationError as error:
        says = "; ".join(str(fault) for fault in error.faults)
    except InconsistentLogError as error:
        says = f"{error} (stop this party, keep the folder as it is, tell the information governance officer)"
    except SharingError as error:
        says = f"{error} (is everything it needs there, and may this account read it?)"
    except Exception as error:  # noqa: BLE001 - what is broken may break the check itself; the other checks go on
        says = f"could not be checked: {type(error).__name__} (mend what the other lines name first)"
    return Finding(what, ok=False, says=says)


def _loaded(home: Folder) -> str:
    keystore.load(home.keys)
    return ""


def _directory(home: Folder) -> str:
    trust = load_trust(home, utc_now())
    if not trust.is_fresh(utc_now()):
        fault = Fault(
            file=str(home.snapshot), message="directory or snapshot is stale: automatic release is review", fix="fetch today's snapshot"
        )
        raise ConfigurationError([fault])
    until = when(trust.directory.expires_at, "%d %b %Y")
    return f"directory {trust.directory.sequence}, {len(trust.directory.parties)} parties, until {until}"


def _ready(home: Folder) -> str:
    """Whether this party can sign what it says and open what it is sent, now."""
    at, party = utc_now(), home.settings().id
    keys, trust = keystore.load(home.keys), load_trust(home, at)
    listed, sealing = trust.signing_in_force(party, at), trust.sealing_key(party, at)
    faults = []
    if not any(key.kid in listed for key in keys.signing):
        message = "no signing key here is listed and in force"
        faults.append(Fault(file=str(home.keys), message=message, fix="restore it, or mash keys new and a directory that lists it"))
    if sealing is None or sealing.kid not in keys.opening:
        message = "no encryption key here is announced and in force: nothing that is sent here can be opened"
        faults.append(Fault(file=str(home.keys), message=message, fix="restore it, or announce one and wait for a snapshot"))
    if faults:
        raise ConfigurationError(faults)
    return "can sign, and can open what is sealed to it"


def _party(folder: Path) -> Party:
    home = Folder(folder)
    return Party(folder, open_transport(home, home.settings()))


def _service(home: Folder) -> str:
    """hub.toml or adapter.toml, by what kind of party this is."""
    if home.settings().id.kind == "hub":
        categories = None
        with suppress(ConfigurationError):  # the pack's own faults have a line of their own
            categories = own_pack(home.path).categories
        return f"hub.toml words {len(hub_settings(home.path, categories).stages)} stages"
    return f"adapter.toml names {', '.join(each.name for each in adapter_settings(home.path).source)}"


def _pack(home: Folder) -> str:
    """The law in use must be law that the network has accepted, or nothing is asked and nothing released without a person."""
    pack = own_pack(home.path)
    accepted = load_trust(home, utc_now()).directory.packs if home.directory.is_file() else ()
    if pack.law_digest not in accepted:
        message = f"law and categories {pack.law_digest} are not accepted by the directory: nobody is asked, nothing released"
        fix = f"mash directory draft --pack {pack.law_digest}, or the shipped law"
        raise ConfigurationError([Fault(file=str(home.path / "pack"), message=message, fix=fix)])
    if missing := undocumented(pack):
        message = f"no appropriate policy document for {', '.join(missing)}: a body that has none does not join; live, a person decides"
        raise ConfigurationError(
            [Fault(file=str(home.path / "pack" / "controller.toml"), message=message, fix="write it, and name it as [[apd]]")]
        )
    check_signed(home, pack, load_trust(home, utc_now()))
    return f"policy pack {str(pack.digest)[:16]}, signed, with accepted law {pack.law_digest}"


def _agreements(home: Folder) -> str:
    """Each agreement of the pack must be one the directory lists by its digest: that is how the parties have signed it."""
    try:
        pack = own_pack(home.path)
    except ConfigurationError:  # its faults have a line of their own
        fault = Fault(
            file=str(home.path / "pack"), message="cannot be read, so no agreement can be looked at", fix="mend what is wrong with it"
        )
        raise ConfigurationError([fault]) from None
    if home.directory.is_file():
        pack = signed_pack(pack, load_trust(home, utc_now()).directory)
    faults = [_unsigned(home, pack, each) for each in pack.unsigned]
    if faults:
        raise ConfigurationError(faults)
    on = utc_now().date()
    said = [f"{each.id} {each.version}{_standing(each, on)}" for each in pack.agreements]
    return f"signed: {', '.join(said)}" if said else "none: only what needs no agreement is asked or released without a person"


def _unsigned(home: Folder, pack: Pack, agreement: str) -> Fault:
    digest = next(digest for each, digest in pack.agreement_digests.items() if each == agreement)
    message = f"agreement {agreement} with digest {digest} is not listed by the directory: nobody has signed it, and it covers nothing"
    fix = "mash directory draft --agreement FILE, or the text that the directory lists"
    return Fault(file=str(home.path / "pack" / "agreements"), message=message, fix=fix)


def _standing(agreement: Agreement, on: date) -> str:
    if not agreement.in_force.on(on):
        return " (not in force today)"
    return " (its review is due)" if on > agreement.review_by else ""


def _has_store(folder: Path) -> bool:
    """Looking must not make what is not there."""
    home = Folder(folder)
    url = home.url(home.settings().store.url)
    return not url.startswith(SQLITE) or Path(url.removeprefix(SQLITE)).is_file()


def _store(folder: Path) -> str:
    if not _has_store(folder):
        return "none yet: the first start makes it (if this party has run before, it is lost: do not start, restore it)"
    party = _party(folder)
    counts = party.store.counts()
    party.close()
    return f"{counts['events']} events, {counts['entries']} entries, {counts['quarantined']} quarantined"


def _log(folder: Path) -> str:
    if not _has_store(folder):
        return "none yet"
    party = _party(folder)
    facts = verify_party(party)
    party.close()
    return f"verified: {facts['size']} leaves, {facts['entries']} entries (unwitnessed)"


def _transport(home: Folder) -> str:
    transport = open_transport(home, home.settings())
    try:
        return f"{home.settings().transport.kind} answers; {len(transport.ends([DIRECTORY]))} directory topic"
    finally:
        transport.close()


def _sources(folder: Path) -> tuple[SourceSettings, ...]:
    """An agency's sources, each with a line of its own; none where adapter.toml has faults, which another line tells."""
    with suppress(ConfigurationError):
        return adapter_settings(folder).source if (folder / "adapter.toml").is_file() else ()
    return ()


def _source(source: SourceSettings, folder: Path) -> str:
    if faults := source_faults(source, folder):
        raise ConfigurationError(faults)
    said = f"kind {source.kind}, answers {len(source.category)} categories"
    as_of = freshness(source, folder)
    if as_of is None:
        return f"{said}: a person does"
    stands = f"as of {as_of:%d %b %Y %H:%M} UTC, {_long(source.allowed_lag)} allowed"
    if utc_now() - as_of > source.allowed_lag:
        message = f"is stale, {stands}: nothing it does not hold is called not held, and what it holds a person releases"
        fix = "bring it up to date, see what writes it; or say how far behind it may be (allowed_lag)"
        raise ConfigurationError([Fault(file=str(folder / "adapter.toml"), field=f"source {source.name}", message=message, fix=fix)])
    return f"{said}, {stands}"


def _long(lag: timedelta) -> str:
    hours, rest = divmod(lag, timedelta(hours=1))
    return f"{lag.days} days" if lag == timedelta(days=lag.days) else f"{hours} h {rest // timedelta(minutes=1)} min"
