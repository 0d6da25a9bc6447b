"""`mash directory`: who exists, agreed by k of n officers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agents.cli.output import AsJson, Exit, guarded, tell
from broker import keystore
from broker.directory import LARGE, Root, Trust, cosign, digest_of, open_directory, open_enrolment, parse_root, signers, take
from broker.follow import publish_statements
from broker.founding import draft_directory, root_text, snapshot_of
from broker.party import open_transport
from broker.settings import Folder, read_text
from broker.trustfiles import path_of, read_statement, write_whole
from schemas import codec
from schemas.enums import KeyUse, StatementKind
from schemas.errors import ConfigurationError, Fault, SharingError
from schemas.identifiers import Digest
from schemas.statements import Statement

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
    online = keystore.one(keystore.load(snapshot).snapshot, KeyUse.snapshot, snapshot)
    keys = [(folder.name, keystore.one(keystore.load(folder).officer, KeyUse.officer, folder), folder in outside) for folder in officers]
    text = root_text(keys, online, threshold)
    root = parse_root(text, str(out))
    write_whole(out, text.encode())
    tell(as_json, {"root": str(out), "network": str(root.network), "threshold": threshold}, f"network {root.network} is pinned in {out}")


@app.command()
@guarded
def draft(
    enrolments: Annotated[list[Path], typer.Argument(help="enrolment.avro of each party to list.")],
    root: RootOption,
    out: Annotated[Path, typer.Option(help="Where to write the unsigned directory.")] = Path("directory.avro"),
    previous: Annotated[Path | None, typer.Option(help="The directory now in force, if there is one.")] = None,
    pack: Annotated[list[str] | None, typer.Option(help="Digest of an accepted law and categories pack.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draft the next directory from the parties' enrolments; nobody has signed it yet.

    Example: mash directory draft hub/enrolment.avro police/enrolment.avro --root root.toml
    """
    pinned, at = _root(root), datetime.now(UTC)
    held = read_statement(previous) if previous else None
    wishes = []
    for path in enrolments:
        with _blaming(path):
            wishes.append(open_enrolment(pinned.network, read_statement(path)))
    with _blaming(Path("--pack")):
        packs = [Digest.parse(each) for each in pack or ()]
    directory = draft_directory(pinned, wishes, held, packs, at)
    write_whole(out, codec.encode(Statement(kind=StatementKind.directory, body=codec.encode(directory, LARGE), signatures=()), LARGE))
    facts = {"directory": str(out), "sequence": directory.sequence, "parties": [party.id for party in directory.parties]}
    tell(as_json, facts, f"directory {directory.sequence} with {len(directory.parties)} parties is drafted in {out}; officers sign it next")


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
    statement = cosign(read_statement(file), key)
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
    until = f"{directory.expires_at:%d %B %Y}"
    text = f"directory {directory.sequence}: {len(parties)} parties, {signed} of {len(pinned.officers)} officers, until {until}"
    tell(as_json, facts, text)


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
    offered = []
    for path in announcements:
        with _blaming(path):
            offered.append(_verified(pinned, statement, path, at))
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
    statements = [read_statement(path) for path in files]
    for statement in statements:
        for party in to or ():
            write_whole(path_of(Folder(party), statement), codec.encode(statement, LARGE))
    if over is not None:
        transport = open_transport(Folder(over), Folder(over).settings())
        publish_statements(transport, statements)
        transport.close()
    facts = {"published": len(files), "parties": len(to or ()), "topics": over is not None}
    tell(as_json, facts, f"{len(files)} statements are with {len(to or ())} parties{' and on the topics' if over else ''}")


def _root(path: Path) -> Root:
    return parse_root(read_text(path, "it travels out of band"), str(path))


@contextmanager
def _blaming(path: Path) -> Iterator[None]:
    """What cannot be believed is a fault of its file."""
    try:
        yield
    except ConfigurationError:
        raise
    except (SharingError, ValueError) as error:
        raise ConfigurationError([Fault(file=str(path), message=str(error), fix="ask its sender for a new one")]) from None
