"""`mash log`: read, export and verify an access log."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter

from agents.cli.casetext import when
from agents.cli.compose import officer_of, party_of
from agents.cli.output import AsJson, Exit, guarded, tell
from broker.accesslog import origin_of, verify_log, verify_openings
from broker.checkpoint import open_checkpoint
from broker.effect import Effect
from broker.logfiles import check_not_behind, export_log, verify_export
from broker.party import Party
from broker.receive import note
from broker.store import log
from schemas.enums import Operation
from schemas.errors import InconsistentLogError
from schemas.events import Entry

app = typer.Typer(no_args_is_help=True, help="Read, export and verify an access log.")
Home = Annotated[Path, typer.Option("--folder", help="The party's folder.")]
_ENTRY = TypeAdapter(Entry)


@app.command()
@guarded
def verify(
    where: Annotated[Path, typer.Argument(help="A party's folder, or an exported log (checkpoint, tile/entries).")],
    key: Annotated[str | None, typer.Option(help="The log's verifier key NAME+ID+KEY; without it the one in the folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a log: from its files and public key alone, or, in a party's folder, every stored entry too. Exit 1 when it fails.

    Example: mash log verify hub/    mash log verify copied-log/ --key 'hub.borough/log/1+…'
    """
    try:
        facts = _verify_party(where) if (where / "party.toml").is_file() and key is None else _verify_files(where, key)
    except InconsistentLogError as error:
        tell(as_json, {"verified": False, "reason": str(error)}, f"NOT verified: {error}")
        raise typer.Exit(Exit.no) from None
    waits = f", {facts['unindexed']} more wait for the next checkpoint" if facts.get("unindexed") else ""
    said = f"{facts['origin']} has {facts['size']} leaves, {facts.get('entries', 'unopened')} entries{waits}"
    tell(as_json, facts | {"witnessed": False}, f"verified: {said} (unwitnessed)")


def _verify_files(where: Path, key: str | None) -> dict[str, Any]:
    checkpoint = verify_export(where if (where / "checkpoint").is_file() else where / "log", key)
    return {"verified": True, "origin": checkpoint.origin, "size": checkpoint.size}


def _verify_party(where: Path) -> dict[str, Any]:
    party = party_of(where)
    facts = verify_party(party)
    party.close()
    return facts


def verify_party(party: Party) -> dict[str, Any]:
    """Verify a party's stored log: leaves against the checkpoint, openings against the leaves."""
    found, head = list(log.leaves(party.store)), log.newest_note(party.store)
    checked = open_checkpoint(head, origin_of(party.id), party.log_key.public).size if head is not None else 0
    check_not_behind(party.folder.log, party.id, party.log_key, checked)
    if head is None:
        return {"verified": True, "origin": origin_of(party.id), "size": 0, "entries": 0, "unindexed": log.waiting(party.store)}
    checkpoint = verify_log(head, [leaf.data for leaf in found], origin_of(party.id), party.log_key.public)
    opened, waits = len(verify_openings(found)), log.waiting(party.store)
    return {"verified": True, "origin": checkpoint.origin, "size": checkpoint.size, "entries": opened, "unindexed": waits}


@app.command()
@guarded
def show(
    viewer: Annotated[str, typer.Option("--as", help="Your staff id: reading the log is an entry.")],
    folder: Home = Path(),
    last: Annotated[int, typer.Option(help="How many of the newest entries.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the newest entries: who, what, why, when and with what outcome; never content.

    Example: mash log show --as i.officer --folder hub/ --last 20
    """
    party = party_of(folder)
    actor = officer_of(viewer, "information_governance", party.id)
    seen = replace(note(party, "log_read", party.now()), actor=actor, operation=Operation.consultation)
    party.store.apply([Effect(entries=(seen,))], party.seal, party.now())
    log.sequence(party.store, party.log_key, party.now())
    entries = verify_openings(log.leaves(party.store))[-last:]
    party.close()
    facts = {"entries": [json.loads(_ENTRY.dump_json(each)) for each in entries], "witnessed": False}
    tell(as_json, facts, [*_lines(entries), "(unwitnessed)"])


def _lines(entries: Iterable[Entry]) -> Iterable[str]:
    for each in entries:
        about = f"{each.case_id or '-'} {each.subject_ref or '-'} {each.category or '-'}"
        at = when(each.at, "%Y-%m-%d %H:%M:%S")
        yield f"{at} {each.operation.value:14} {each.actor.id:12} {about} {each.outcome} {','.join(each.rules)}"


@app.command()
@guarded
def export(folder: Home = Path(), as_json: AsJson = False) -> None:
    """Write log/ anew: checkpoint, verifier key and every leaf.

    Example: mash log export --folder hub/
    """
    party = party_of(folder)
    export_log(party.store, party.log_key, party.folder.log)
    party.close()
    tell(as_json, {"log": str(party.folder.log)}, f"the log is in {party.folder.log}; mash log verify {party.folder.log}")
