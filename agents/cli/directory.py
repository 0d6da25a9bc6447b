"""`mash directory`: who exists, agreed by k of n officers."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agents.cli.output import AsJson, Exit, guarded, tell
from broker import keystore
from broker.directory import (
    LARGE,
    Root,
    Trust,
    cosign,
    digest_of,
    make_snapshot,
    open_directory,
    open_enrolment,
    parse_root,
    sign,
    signers,
    take,
)
from broker.settings import Folder, read_text
from broker.times import DIRECTORY_LIFE
from broker.trustfiles import path_of, read_statement, write_whole
from schemas import codec
from schemas.enums import KeyUse, StatementKind
from schemas.errors import ConfigurationError, Fault, SharingError
from schemas.identifiers import Digest
from schemas.statements import Directory, Party, Statement

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
    lines = [f'network = "{os.urandom(32).hex()}"', f"threshold = {threshold}", f'snapshot_key = "{online.public.hex()}"']
    for folder in officers:
        key = keystore.one(keystore.load(folder).officer, KeyUse.officer, folder)
        lines += ["", "[[officer]]", f'name = "{folder.name}"', f'key = "{key.public.hex()}"']
        lines += ["outside_hub = true"] if folder in outside else []
    text = "\n".join(lines) + "\n"
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
    pinned, at = _root(root), datetime.now(UTC).replace(microsecond=0)
    held = read_statement(previous) if previous else None
    before = open_directory(pinned, held, at) if held else None
    listed = {party.id: party for party in (before.parties if before else ())}
    for path in enrolments:
        try:
            wish = open_enrolment(pinned.network, read_statement(path))
        except ConfigurationError:
            raise
        except SharingError as error:
            raise ConfigurationError([Fault(file=str(path), message=str(error), fix="ask the party for a new enrolment")]) from None
        listed[wish.party] = Party(id=wish.party, kind=wish.kind, name=wish.name, duty_contact=wish.duty_contact, keys=wish.keys)
    directory = Directory(
        network=pinned.network,
        sequence=before.sequence + 1 if before else 1,
        previous=digest_of(held.body) if held else None,
        issued_at=at,
        expires_at=at + DIRECTORY_LIFE,
        minimum_protocol=1,
        parties=tuple(sorted(listed.values(), key=lambda party: party.id)),
        agreements=before.agreements if before else (),
        packs=tuple(Digest.parse(each) for each in pack) if pack else (before.packs if before else ()),
        revoked=before.revoked if before else (),
    )
    write_whole(out, codec.encode(Statement(kind=StatementKind.directory, body=codec.encode(directory, LARGE), signatures=()), LARGE))
    facts = {"directory": str(out), "sequence": directory.sequence, "parties": [party.id for party in directory.parties]}
    tell(as_json, facts, f"directory {directory.sequence} with {len(listed)} parties is drafted in {out}; officers sign it next")


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
    trust = _trust(_root(root), read_statement(file), at)
    for path in announcements:
        try:
            trust, _ = take(trust, read_statement(path), at)
        except SharingError as error:
            raise ConfigurationError([Fault(file=str(path), message=str(error))]) from None
    made = make_snapshot(trust, at)
    write_whole(out, codec.encode(sign(StatementKind.snapshot, codec.encode(made, LARGE), [online]), LARGE))
    facts = {"snapshot": str(out), "directory": made.directory_sequence, "announcements": len(made.announcements)}
    tell(as_json, facts, f"snapshot of directory {made.directory_sequence} with {len(made.announcements)} announcements is in {out}")


@app.command()
@guarded
def publish(
    files: Annotated[list[Path], typer.Argument(help="Directory, announcements and snapshot.")],
    to: Annotated[list[Path], typer.Option(help="Party folders to put them into.")],
    as_json: AsJson = False,
) -> None:
    """Put signed statements where parties read them; each party verifies them itself.

    Example: mash directory publish directory.avro snapshot.avro --to hub/ --to police/
    """
    for path in files:
        statement = read_statement(path)
        for party in to:
            write_whole(path_of(Folder(party), statement), codec.encode(statement, LARGE))
    tell(as_json, {"published": len(files), "parties": len(to)}, f"{len(files)} statements are with {len(to)} parties")


def _root(path: Path) -> Root:
    return parse_root(read_text(path, "it travels out of band"), str(path))


def _trust(root: Root, statement: Statement, at: datetime) -> Trust:
    return Trust(root=root, directory=open_directory(root, statement, at), directory_digest=digest_of(statement.body))
