"""What a party believes, kept as files: the newest directory, the snapshot and the announcements, each written whole or not at all."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from broker.directory import LARGE, Root, Taken, Trust, digest_of, open_directory, parse_root, take
from broker.settings import Folder, read_bytes, read_text
from schemas import codec
from schemas.enums import StatementKind
from schemas.errors import ConfigurationError, Fault, SharingError
from schemas.statements import Announcement, Statement


def write_whole(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Replace a file so that a crash leaves the old bytes or the new; at no instant may more people read it than `mode` says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)  # what an earlier process of this number left
    with open(beside, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def read_root(folder: Folder) -> Root:
    """The pinned root."""
    return parse_root(read_text(folder.root_file, "copy the network's root.toml here; it travels out of band"), str(folder.root_file))


def read_statement(path: Path) -> Statement:
    """A statement from a file; ConfigurationError when it is none."""
    data = read_bytes(path, "mash directory --help lists what makes these files")
    try:
        return codec.decode(Statement, data, LARGE)
    except SharingError as error:
        raise ConfigurationError([Fault(file=str(path), message=str(error))]) from None


def load_trust(folder: Folder, at: datetime) -> Trust:
    """Believe what the folder holds, each part verified anew; ConfigurationError says which file is not to be believed."""
    root = read_root(folder)
    statement = read_statement(folder.directory)
    try:
        directory = open_directory(root, statement, at)
    except SharingError as error:
        raise ConfigurationError([Fault(file=str(folder.directory), message=str(error), fix="fetch the newest directory")]) from None
    trust = Trust(root=root, directory=directory, directory_digest=digest_of(statement.body))
    for path in [*sorted(folder.announcements.glob("*.avro")), folder.snapshot]:
        if path.is_file():
            offered = read_statement(path)
            trust = _offer(trust, offered, path, at)
    return trust


def _offer(trust: Trust, statement: Statement, path: Path, at: datetime) -> Trust:
    try:
        after, taken = take(trust, statement, at)
    except SharingError as error:
        if _outlived(trust, statement, at):
            return trust
        raise _disbelieved(path, f"is not to be believed: {error}") from None
    if taken is Taken.alarm:
        raise _disbelieved(path, "contradicts what else this folder holds")
    return after


def _outlived(trust: Trust, statement: Statement, at: datetime) -> bool:
    """Whether it is an announcement of a party, or by a key, that the directory no longer lists or believes."""
    try:
        party = codec.decode(Announcement, statement.body).party
    except SharingError:
        return False
    return trust.signing_in_force(party, at).keys().isdisjoint(each.kid for each in statement.signatures)


def _disbelieved(path: Path, message: str) -> ConfigurationError:
    return ConfigurationError([Fault(file=str(path), message=message, fix=f"remove {path}; it is sent anew")])


def keep(folder: Folder, trust: Trust, statement: Statement, at: datetime) -> tuple[Trust, Taken]:
    """Offer a statement and, when it is taken, make it durable before it is believed."""
    after, taken = take(trust, statement, at)
    if taken is Taken.taken:
        write_whole(path_of(folder, statement), codec.encode(statement, LARGE))
    return after, taken


def path_of(folder: Folder, statement: Statement) -> Path:
    """Where a statement is kept."""
    if statement.kind is StatementKind.directory:
        return folder.directory
    if statement.kind is StatementKind.snapshot:
        return folder.snapshot
    announcement = codec.decode(Announcement, statement.body)
    return folder.announcements / f"{announcement.party}-{announcement.epoch}.avro"
