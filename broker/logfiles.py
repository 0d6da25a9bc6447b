"""The access log as files that other people's tools verify: checkpoint, public key and entry bundles. A rebuildable export."""

from __future__ import annotations

import shutil
from pathlib import Path

from broker.accesslog import bundles, origin_of, read_bundle, verify_log
from broker.checkpoint import Checkpoint, open_checkpoint, parse_verifier_key, verifier_key
from broker.keys import SigningKey
from broker.settings import read_bytes, read_text
from broker.store import log
from broker.store.store import Store
from broker.trustfiles import write_whole
from schemas.errors import ConfigurationError, Fault, InconsistentLogError
from schemas.identifiers import PartyId

BUNDLES = "tile/entries"


def export_log(store: Store, key: SigningKey, folder: Path) -> None:
    """Write the newest checkpoint, the verifier key and every leaf; what was there before is replaced."""
    note = log.newest_note(store)
    size = open_checkpoint(note, origin_of(store.party), key.public).size if note is not None else 0
    check_not_behind(folder, store.party, key, size)
    if note is None:
        return
    shutil.rmtree(folder / BUNDLES, ignore_errors=True)
    for name, data in bundles([leaf.data for leaf in log.leaves(store)]).items():
        write_whole(folder / name, data)
    write_whole(folder / "key", verifier_key(origin_of(store.party), key.public).encode() + b"\n")
    write_whole(folder / "checkpoint", note)


def check_not_behind(folder: Path, party: PartyId, key: SigningKey, size: int) -> None:
    """InconsistentLogError when an exported checkpoint shows more leaves than the store has: the store was lost or put back."""
    exported = folder / "checkpoint"
    if not exported.is_file():
        return
    before = open_checkpoint(exported.read_bytes(), origin_of(party), key.public).size
    if before > size:
        message = f"{exported} was signed over {before} leaves, the store has {size}: it was lost or put back to an earlier day"
        raise InconsistentLogError(message)


def verify_export(folder: Path, key: str | None = None) -> Checkpoint:
    """Verify an exported log by its files and a verifier key alone; InconsistentLogError when anything was changed."""
    try:
        name, public = parse_verifier_key(read_text(folder / "key", "give the log's verifier key with --key") if key is None else key)
    except ValueError:
        raise ConfigurationError(
            [
                Fault(
                    file="--key" if key is not None else str(folder / "key"),
                    message="is not a verifier key",
                    fix="NAME+ID+KEY, from the directory",
                )
            ]
        ) from None
    files = sorted((folder / BUNDLES).rglob("*"), key=_order)
    leaves = [leaf for path in files if path.is_file() for leaf in read_bundle(path.read_bytes())]
    return verify_log(read_bytes(folder / "checkpoint", "mash log export"), leaves, name, public)


def _order(path: Path) -> tuple[int, ...]:
    """Bundles in number order: full ones before the partial one of the next number."""
    parts = [part.removesuffix(".p").removeprefix("x") for part in path.parts[path.parts.index("entries") + 1 :]]
    partial = path.parent.name.endswith(".p")
    try:
        return tuple(int(part) for part in (parts[:-1] if partial else parts))
    except ValueError:
        message = f"{path.name} under {BUNDLES} is no bundle of this log"
        raise InconsistentLogError(message) from None
