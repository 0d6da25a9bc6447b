"""`mash hub`: take contacts in, decide, run, look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from agents.cli import officers
from agents.cli.board import board, timescale_json
from agents.cli.casetext import running, when
from agents.cli.checks import checks, read_decision
from agents.cli.compose import hub_of
from agents.cli.output import ERR, AsJson, Exit, guarded, plain, tell
from agents.cli.run import run_until_stopped
from agents.hub.board import Unopened
from agents.hub.intake import Aside
from broker.settings import read_bytes
from broker.trustfiles import write_whole

app = typer.Typer(no_args_is_help=True, help="Work at a hub.")
app.command()(checks)
app.command()(board)
app.command()(officers.follow_up)
app.command()(officers.rerate)
app.command()(officers.withdraw)
app.command()(officers.say)
app.command()(officers.record)
Home = Annotated[Path, typer.Option("--folder", help="The hub's folder.")]


@app.command()
@guarded
def intake(
    file: Annotated[Path, typer.Argument(help="Contacts, one JSON object a line.")],
    folder: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Take contacts in. A bad line is kept aside with its reasons in refused/, and the rest go on (exit 3).

    Example: mash hub intake contacts.jsonl --folder hub/
    """
    hub = hub_of(folder)
    taken = hub.intake(read_bytes(file, "contacts are one JSON object a line"), file.name)
    faults = keep_aside(folder, file.name, taken.aside)
    concerns = [
        {"contact": each.contact_ref, "subject": each.subject_ref, "decision": str(each.decision), "layers": list(each.layers)}
        for each in taken.concerns
    ]
    facts = {"taken": taken.taken, "known": taken.known, "aside": len(taken.aside), "faults": faults, "concerns": concerns}
    lines = [f"{taken.taken} contacts taken in, {taken.known} known already, {len(taken.aside)} kept aside in {folder / 'refused'}"]
    if concerns:
        lines.append(
            f"{len(concerns)} told of by somebody who may not have been allowed to tell; taken in all the same. "
            "For the information governance officer:"
        )
        lines += [f"  mash policy explain {each['decision']} --party {folder} --as ID" for each in concerns]
    tell(as_json, facts, lines)
    hub.party.close()
    if taken.aside:
        raise typer.Exit(Exit.refused)


def keep_aside(folder: Path, name: str, aside: Sequence[Aside]) -> list[str]:
    """Keep bad lines beside what was kept of an earlier file of this name, each once; tell and give back why."""
    faults = [str(fault) for each in aside for fault in each.faults]
    if aside:
        _add(folder / "refused" / name, [each.raw for each in aside])
        _add(folder / "refused" / f"{name}.reasons.txt", [fault.encode() for fault in faults])
    for fault in faults:
        ERR.print(plain(fault), markup=False)
    return faults


def _add(path: Path, lines: list[bytes]) -> None:
    held = path.read_bytes().split(b"\n") if path.is_file() else []
    write_whole(path, b"".join(line + b"\n" for line in dict.fromkeys([*held, *lines]) if line), mode=0o600)  # people's names


@app.command()
@guarded
def decide(
    case: Annotated[UUID, typer.Argument(help="The case of a contact that came without a decision.")],
    file: Annotated[
        Path, typer.Argument(help="The officer's decision as JSON: officer, decided_at, stage, rag, purpose, necessity, consents.")
    ],
    folder: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Record a named officer's decision to ask the agencies.

    Example: mash hub decide 0b6f… decision.json --folder hub/
    """
    decision = read_decision(file)
    hub = hub_of(folder)
    hub.decide(case, decision)
    hub.party.close()
    tell(as_json, {"case": str(case), "decided": True}, f"{case}: decided; mash hub run asks the agencies")


@app.command()
@guarded
def run(folder: Home = Path()) -> None:
    """Ask, receive and join until stopped (Ctrl-C or SIGTERM).

    Example: mash hub run --folder hub/
    """
    hub = hub_of(folder)
    run_until_stopped(hub, hub.party.id)
    hub.party.close()


@app.command()
@guarded
def show(folder: Home = Path(), as_json: AsJson = False) -> None:
    """Every case with who is awaited and by when; and contacts that wait for a decision.

    Example: mash hub show --folder hub/
    """
    hub = hub_of(folder)
    rows: list[dict[str, Any]] = []
    lines: list[str] = []
    for case_id in hub.party.store.cases():
        record = hub.standing(case_id)
        if record is None:
            continue
        if isinstance(record, Unopened):
            rows.append(_contact_json(record))
            lines += _contact_lines(record)
            continue
        agencies = {
            each.agency: {"status": each.status.value, "due_at": each.due_at.isoformat() if each.due_at else None}
            for each in record.agencies
        }
        rows.append(
            {"case": str(case_id), "contact": record.contact_ref, "rag": record.rag.value, "version": record.version, "agencies": agencies}
        )
        said = "  ".join(f"{each.agency.slug} {each.status.value} (due {when(each.due_at)})" for each in record.agencies if each.due_at)
        lines.append(f"{case_id}  {record.contact_ref:12} {record.rag.value:6} {said or 'nobody was asked: mash case show says why'}")
    hub.party.close()
    tell(as_json, {"cases": rows}, lines or ["no cases yet: mash hub intake contacts.jsonl"])


def _contact_json(held: Unopened) -> dict[str, Any]:
    return {
        "case": str(held.case_id),
        "waits_for": "opening" if held.is_decided else "decision",
        "contact": held.contact_ref,
        "received_at": held.received_at.isoformat(),
        "timescales": [timescale_json(each) for each in held.timescales],
    }


def _contact_lines(held: Unopened) -> list[str]:
    """A contact, what it waits for, and what of its timescales has not ended."""
    cure = "its requests: mash hub run" if held.is_decided else f"a decision: mash hub decide {held.case_id} decision.json"
    still = [f"  {each.timescale:24} {running(each)}" for each in held.timescales if each.ended_at is None]
    return [f"{held.case_id}  {held.contact_ref:12} received {when(held.received_at)}  waits for {cure}", *still]
