"""`mash directory`: who exists, agreed by k of n officers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from agents.cli.output import AsJson, Exit, guarded, tell
from broker import keystore
from broker.directory import LARGE, Root, Taken, Trust, cosign, digest_of, open_directory, open_enrolment, parse_root, signers, take
from broker.follow import publish_statements
from broker.founding import Changes, draft_directory, root_text, snapshot_of
from broker.packfiles import listing_of
from broker.party import open_transport
from broker.settings import Folder, read_text
from broker.trustfiles import keep, load_trust, path_of, read_root, read_statement, write_whole
from schemas import codec
from schemas.enums import KeyUse, StatementKind
from schemas.errors import ConfigurationError, Fault, SharingError
from schemas.identifiers import Digest, Kid, PartyId, Slug
from schemas.statements import AgreementListing, Revocation, Statement

T = TypeVar("T")
R = TypeVar("R")
PUBLIC: Final = frozenset({StatementKind.directory, StatementKind.announcement, StatementKind.snapshot})
app = typer.Typer(no_args_is_help=True, help="Make, sign, check and publish the directory of parties and its snapshot.")
RootOption = Annotated[Path, typer.Option("--root", help="The network's pinned root.toml.")]
File = Annotated[Path, typer.Argument(help="The directory's file.")]


@app.command("root")
@guarded
def make_root(
    officers: Annotated[list[Path], typer.Argument(help="Folders that each hold one officer key.")],
    snapshot: Annotated[Path, typer.Option(help="Folder that holds the snapshot key.")],
    outside: Annotated[list[Path], typer.Option(help="Which officer folders are outside the hub: at least one.")],
    threshold: Annotated[int, typer.Option(help="How many officers must sign.")] = 2,
    out: Annotated[Path, typer.Option(help="Where to write it.")] = Path("root.toml"),
    as_json: AsJson = False,
) -> None:
    """Write a new network's root.toml, to be carried to every party out of band.

    Example: mash directory root anne/ ben/ cara/ --outside cara/ --snapshot office/ --threshold 2
    """
    _refuse_existing(out)
    online = keystore.one(keystore.load(snapshot).snapshot, KeyUse.snapshot, snapshot)
    keys = [(folder.name, keystore.one(keystore.load(folder).officer, KeyUse.officer, folder), folder in outside) for folder in officers]
    text = root_text(keys, online, threshold)
    root = parse_root(text, str(out))
    write_whole(out, text.encode())
    tell(as_json, {"root": str(out), "network": str(root.network), "threshold": threshold}, f"network {root.network} is pinned in {out}")


@app.command()
@guarded
def draft(
    root: RootOption,
    enrolments: Annotated[list[Path] | None, typer.Argument(help="enrolment.avro of each party to list, or to list anew.")] = None,
    out: Annotated[Path, typer.Option(help="Where to write the unsigned directory.")] = Path("directory.avro"),
    previous: Annotated[Path | None, typer.Option(help="The directory now in force, if there is one.")] = None,
    pack: Annotated[list[str] | None, typer.Option(help="Digest of an accepted law and categories pack.")] = None,
    agreement: Annotated[
        list[str] | None, typer.Option(help="A sharing agreement to list: its file, or ID=DIGEST. One of the same id gives way.")
    ] = None,
    end_agreement: Annotated[list[str] | None, typer.Option(help="The id of an agreement that ends.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="A party that leaves.")] = None,
    revoke: Annotated[list[str] | None, typer.Option(help="A kid that is no longer believed (mash keys show).")] = None,
    suspected_from: Annotated[datetime | None, typer.Option(help="UTC: since when the revoked keys may have been misused.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draft the next directory from the one in force and the parties' enrolments; nobody has signed it yet.

    Example: mash directory draft hub/enrolment.avro police/enrolment.avro --root root.toml
    Example: mash directory draft --root root.toml --previous directory.avro --agreement borough-mash.toml --out next.avro
    Example: mash directory draft --root root.toml --previous directory.avro --revoke 3f0c… --out next.avro
    """
    pinned, at = _root(root), datetime.now(UTC)
    held = read_statement(previous) if previous else None
    with _blaming() as blame:
        blame.each([out], _refuse_existing)
        wishes = blame.each(enrolments or (), lambda path: open_enrolment(pinned.network, read_statement(path)))
        packs = blame.each(pack or (), Digest.parse, "--pack")
        agreed = blame.each(agreement or (), _listing, "--agreement")
        leaving = blame.each(remove or (), PartyId, "--remove")
        kids = blame.each(revoke or (), Kid.parse, "--revoke")
    since = suspected_from.replace(tzinfo=UTC) if suspected_from else at
    revoked = [Revocation(kid=kid, suspected_from=since) for kid in kids]
    changes = Changes(wishes=wishes, packs=packs, leaving=leaving, revoked=revoked, agreements=agreed, ended=end_agreement or ())
    directory = draft_directory(pinned, held, changes, at)
    write_whole(out, codec.encode(Statement(kind=StatementKind.directory, body=codec.encode(directory, LARGE), signatures=()), LARGE))
    facts = {"directory": str(out), "sequence": directory.sequence, "parties": [party.id for party in directory.parties]}
    facts |= {"packs": len(directory.packs), "agreements": {each.id: str(each.digest) for each in directory.agreements}}
    lawless = "" if directory.packs else "; it accepts no law, so nobody would be asked (mash doctor FOLDER shows a digest for --pack)"
    tell(
        as_json,
        facts,
        f"directory {directory.sequence} with {len(directory.parties)} parties is drafted in {out}{lawless}; officers sign it next",
    )


@app.command("sign")
@guarded
def sign_it(
    file: File,
    officer: Annotated[Path, typer.Option(help="Folder that holds the officer key.")],
    as_json: AsJson = False,
) -> None:
    """Add one officer's signature.

    Example: mash directory sign directory.avro --officer anne/
    """
    key = keystore.one(keystore.load(officer).officer, KeyUse.officer, officer)
    statement = read_statement(file)
    if statement.kind is not StatementKind.directory:
        raise ConfigurationError([Fault(file=str(file), message=f"is a {statement.kind.value}, no directory", fix="sign what was drafted")])
    statement = cosign(statement, key)
    write_whole(file, codec.encode(statement, LARGE))
    tell(
        as_json,
        {"kid": str(key.kid), "signatures": len(statement.signatures)},
        f"{key.kid} has signed; {len(statement.signatures)} signatures",
    )


@app.command()
@guarded
def check(file: File, root: RootOption, as_json: AsJson = False) -> None:
    """Check a directory as every party will: exit 1 and the reason when it is not to be believed.

    Example: mash directory check directory.avro --root root.toml
    """
    pinned, statement = _root(root), read_statement(file)
    signed = len(signers(statement, pinned.officers))
    try:
        directory = open_directory(pinned, statement, datetime.now(UTC))
    except SharingError as error:
        tell(as_json, {"valid": False, "signed": signed, "reason": str(error)}, f"not valid: {error}")
        raise typer.Exit(Exit.no) from None
    parties = [party.id for party in directory.parties]
    facts = {"valid": True, "sequence": directory.sequence, "signed": signed, "threshold": pinned.threshold, "parties": parties}
    facts["agreements"] = {each.id: str(each.digest) for each in directory.agreements}
    until = f"{directory.expires_at:%d %B %Y}"
    text = f"directory {directory.sequence}: {len(parties)} parties, {signed} of {len(pinned.officers)} officers, until {until}"
    tell(as_json, facts, [text, *(f"agreement {each.id}, digest {each.digest}" for each in directory.agreements)])


@app.command()
@guarded
def snapshot(
    file: File,
    announcements: Annotated[list[Path], typer.Argument(help="Announcements of the parties.")],
    root: RootOption,
    key: Annotated[Path, typer.Option(help="Folder that holds the snapshot key.")],
    out: Annotated[Path, typer.Option(help="Where to write it.")] = Path("snapshot.avro"),
    as_json: AsJson = False,
) -> None:
    """Make the online part, valid for a day: the newest directory and every announcement in force.

    Example: mash directory snapshot directory.avro hub/announcements/*.avro --root root.toml --key office/
    """
    at = datetime.now(UTC)
    online = keystore.one(keystore.load(key).snapshot, KeyUse.snapshot, key)
    pinned, statement = _root(root), read_statement(file)
    with _blaming() as blame:
        offered = blame.each(announcements, lambda path: _verified(pinned, statement, path, at))
    made = snapshot_of(pinned, statement, offered, online, at)
    write_whole(out, codec.encode(made, LARGE))
    facts = {"snapshot": str(out), "announcements": len(offered)}
    tell(as_json, facts, f"snapshot with {len(offered)} announcements is in {out}")


def _verified(root: Root, directory: Statement, path: Path, at: datetime) -> Statement:
    offered = read_statement(path)
    take(Trust(root=root, directory=open_directory(root, directory, at), directory_digest=digest_of(directory.body)), offered, at)
    return offered


@app.command()
@guarded
def publish(
    files: Annotated[list[Path], typer.Argument(help="Directory, announcements and snapshot.")],
    to: Annotated[list[Path] | None, typer.Option(help="Party folders to put them into.")] = None,
    over: Annotated[Path | None, typer.Option(help="A party folder whose transport carries them onto the topics.")] = None,
    as_json: AsJson = False,
) -> None:
    """Put signed statements where parties read them; each party verifies them itself.

    Example: mash directory publish directory.avro snapshot.avro --to hub/ --to police/ --over hub/
    """
    at = datetime.now(UTC)
    with _blaming() as blame:
        statements = blame.each(files, _public)
        homes = blame.each(to or (), _party_folder, "--to")
    for statement in statements:
        for home in homes:
            _give(home, statement, at)
    if over is not None:
        for statement in statements:
            _believed(Folder(over), statement, at)
        transport = open_transport(Folder(over), Folder(over).settings())
        publish_statements(transport, statements)
        transport.close()
    facts = {"published": len(files), "parties": len(to or ()), "topics": over is not None}
    tell(as_json, facts, f"{len(files)} statements are with {len(to or ())} parties{' and on the topics' if over else ''}")


def _listing(said: str) -> AgreementListing:
    """An agreement by its file, or by the id and digest that its parties told the officers."""
    name, found, digest = said.partition("=")
    return AgreementListing(id=Slug(name), digest=Digest.parse(digest)) if found else listing_of(Path(said))


def _root(path: Path) -> Root:
    return parse_root(read_text(path, "it travels out of band"), str(path))


def _refuse_existing(out: Path) -> None:
    """What officers may have signed, or parties may have pinned, is never overwritten."""
    if out.exists():
        raise ConfigurationError([Fault(file=str(out), message="exists already", fix="name another file with --out")])


def _public(path: Path) -> Statement:
    statement = read_statement(path)
    if statement.kind not in PUBLIC:
        message = f"is a {statement.kind.value}, which is not published"
        raise ConfigurationError([Fault(file=str(path), message=message, fix="publish directories, announcements and snapshots")])
    return statement


def _party_folder(path: Path) -> Folder:
    home = Folder(path)
    if not home.root_file.is_file():
        raise ConfigurationError([Fault(file=str(path), message="holds no root.toml", fix="name a party's folder")])
    return home


def _give(home: Folder, statement: Statement, at: datetime) -> None:
    """Put a statement into a party's folder, unless the party already holds a newer one of its kind."""
    if home.directory.is_file():
        trust = load_trust(home, at)
        if keep(home, trust, statement, at)[1] is Taken.alarm:
            raise ConfigurationError([Fault(file=str(home.path), message="holds another statement of this number", fix="ask the officers")])
        return
    write_whole(path_of(home, statement), codec.encode(statement, LARGE))


def _believed(home: Folder, statement: Statement, at: datetime) -> None:
    """What every party would refuse is not put on the topics."""
    if statement.kind is StatementKind.directory:
        open_directory(read_root(home), statement, at)
    elif home.directory.is_file():
        take(load_trust(home, at), statement, at)


class _Blame:
    """Faults of several files, told at once."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def each(self, items: Iterable[T], read: Callable[[T], R], what: str = "") -> list[R]:
        """What each item reads as; one that cannot be read is a fault of its own."""
        found = []
        for item in items:
            try:
                found.append(read(item))
            except ConfigurationError as error:
                self.faults += error.faults
            except (SharingError, ValueError) as error:
                self.faults.append(Fault(file=what or str(item), message=str(error), fix="ask its sender for a new one"))
        return found


@contextmanager
def _blaming() -> Iterator[_Blame]:
    blame = _Blame()
    yield blame
    if blame.faults:
        raise ConfigurationError(blame.faults)
