"""`mash hub follow-up | rerate | withdraw | say | record`: what an officer decides about an open case, or writes down of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from pydantic import TypeAdapter, ValidationError

from agents.cli.casetext import asks_line, running, standing, what_happened, when
from agents.cli.checks import read_decision
from agents.cli.choices import Rated, Recordable, Unwanted
from agents.cli.compose import hub_of, officer_of
from agents.cli.output import AsJson, Exit, guarded, tell
from agents.hub import desk, recording
from agents.hub.happenings import timescale_states
from agents.hub.intake import faults_of
from broker.settings import read_bytes
from schemas.errors import ConfigurationError, Fault
from schemas.events import OralAnswer
from schemas.identifiers import Digest, PartyId
from schemas.record import Instant

Home = Annotated[Path, typer.Option("--folder", help="The hub's folder.")]
Case = Annotated[UUID, typer.Argument(help="The case.")]
By = Annotated[str, typer.Option("--as", help="Your staff id.")]
Role = Annotated[str, typer.Option(help="Your role.")]
_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


@guarded
def follow_up(
    case: Case,
    agency: Annotated[str, typer.Argument(help="The agency, such as agency.police.")],
    file: Annotated[Path, typer.Argument(help="The decision to ask again, as for `mash hub decide`.")],
    folder: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Ask one agency of an open case again, by a decision of its own.

    Example: mash hub follow-up 0b6f… agency.police decision.json --folder hub/
    """
    decision, hub = read_decision(file), hub_of(folder)
    try:
        asked = desk.follow_up(hub, case, _agency(agency), decision)
    finally:
        hub.party.close()
    said = "mash hub run asks" if asked else "the hub's own ladder allows none of it; mash hub checks says why"
    tell(as_json, {"case": str(case), "agency": agency, "asked": asked}, f"{case}: {said}")
    if not asked:
        raise typer.Exit(Exit.no)


@guarded
def rerate(
    case: Case,
    rag: Annotated[Rated, typer.Option(help="The new rating.")],
    rationale: Annotated[str, typer.Option(help="What has changed and why, of this case.")],
    by: By,
    role: Role = "hub_officer",
    relied_on: Annotated[list[str] | None, typer.Option("--relied-on", help="Digest of an envelope relied on; may be repeated.")] = None,
    folder: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Rate a case anew: open deadlines get shorter on upgrade, and never longer once they have passed; who is awaited is told.

    Example: mash hub rerate 0b6f… --rag red --rationale "The ward reports a second injury since Monday." --as a.officer
    """
    relied = tuple(_digest(each) for each in relied_on or ())
    hub = hub_of(folder)
    try:
        record = desk.rerate(hub, case, officer_of(by, role, hub.party.id), rag, rationale, relied)
    finally:
        hub.party.close()
    due = {each.agency: each.due_at for each in record.agencies if each.due_at}
    lines = [f"{case}: {record.rag.value}; mash hub run tells whoever is awaited"]
    lines += [f"  {each.agency} {standing(each)}" for each in record.agencies]
    facts = {"case": str(case), "rag": record.rag.value, "due": {agency: at.isoformat() for agency, at in due.items()}}
    tell(as_json, facts, lines)


@guarded
def withdraw(
    case: Case,
    reason: Annotated[Unwanted, typer.Option(help="Why an answer is no longer wanted.")],
    by: By,
    role: Role = "hub_officer",
    agency: Annotated[list[str] | None, typer.Option(help="Only of this agency; may be repeated.")] = None,
    folder: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Tell agencies that an answer is no longer wanted; what has been answered stands.

    Example: mash hub withdraw 0b6f… --reason withdrawn --as a.officer
    """
    hub = hub_of(folder)
    try:
        told = desk.withdraw(hub, case, officer_of(by, role, hub.party.id), reason, [_agency(each) for each in agency or ()])
    finally:
        hub.party.close()
    tell(as_json, {"case": str(case), "told": told}, f"{case}: told to {told} of them; mash hub run sends it")


@guarded
def say(
    file: Annotated[Path, typer.Argument(help="JSON: case_id, agency, subject_ref, category, said_by, written_by, happened_at, words, …")],
    folder: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Write down what somebody of an agency said aloud: in the case at once, unconfirmed until the agency signs.

    Example: mash hub say call.json --folder hub/
    """
    try:
        said = TypeAdapter(OralAnswer).validate_json(read_bytes(file), strict=True)
    except ValidationError as error:
        raise ConfigurationError(faults_of(error, str(file))) from None
    hub = hub_of(folder)
    try:
        desk.write_down(hub, said)
    finally:
        hub.party.close()
    tell(as_json, {"case": str(said.case_id), "written": True}, f"{said.case_id}: written down, unconfirmed")


@guarded
def record(
    case: Case,
    happening: Annotated[Recordable, typer.Argument(help="What happened.")],
    happened_at: Annotated[str, typer.Option(help="When, with its zone, such as 2026-11-27T14:05+00:00.")],
    by: By,
    role: Role = "hub_officer",
    in_error: Annotated[
        str | None, typer.Option("--in-error", help="It was recorded by mistake: take it back, and why, of this case.")
    ] = None,
    folder: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Record what happened in a case or contact: timescales run from it, or end with it. Recorded twice it changes nothing.

    What was recorded by mistake is taken back with --in-error: what it started stops, what it ended runs on, and both stay in the log.

    Example: mash hub record 0b6f… strategy_discussion --happened-at 2026-11-27T14:05+00:00 --as a.officer

    Example: mash hub record 0b6f… strategy_discussion --happened-at 2026-11-27T14:05+00:00 --as a.b --in-error "It was a telephone call."
    """
    at, hub = _instant(happened_at), hub_of(folder)
    try:
        officer = officer_of(by, role, hub.party.id)
        before = list(timescale_states(hub.party.store.events(case)))
        if in_error is None:
            changed = recording.record(hub, case, officer, happening, at)
        else:
            changed = recording.record_in_error(hub, case, officer, happening, at, in_error)
        held = list(timescale_states(hub.party.store.events(case)))
    finally:
        hub.party.close()
    own = [each for each in held if (each.happening, each.started_at) == (happening, at)]
    ended = [each for each in held if each.ended_at == at]
    ended_before = {(each.happened, each.timescale) for each in before if each.ended_at is not None}
    resumed = [each for each in held if each.ended_at is None and (each.happened, each.timescale) in ended_before]
    facts = {
        "case": str(case),
        "recorded" if in_error is None else "taken_back": changed,
        "due": {each.timescale: each.due_at.isoformat() for each in (*own, *resumed)},
        "ended": [each.timescale for each in ended],
    }
    done = "recorded" if in_error is None else "taken back as recorded in error"
    lines = [f"{case}: {done if changed else f'{done} already'}, {what_happened(happening)} at {when(at)}"]
    lines += [line for each in (*own, *ended, *resumed) for line in (f"  {each.timescale}: {running(each)}", f"    {asks_line(each)}")]
    tell(as_json, facts, lines)


def _instant(text: str) -> datetime:
    try:
        return _INSTANT.validate_python(text)
    except ValidationError:  # its message would quote the text
        fix = "write it with its zone, as 2026-11-27T14:05+00:00"
        raise ConfigurationError([Fault(file="--happened-at", message="is no time", fix=fix)]) from None


def _agency(name: str) -> PartyId:
    try:
        return PartyId(name)
    except ValueError:
        raise ConfigurationError([Fault(file="agency", message="is no party id", fix="agency.NAME, as mash hub show lists it")]) from None


def _digest(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except ValueError:
        fix = "64 hexadecimal digits, as mash case show --json gives them"
        raise ConfigurationError([Fault(file="--relied-on", message="is no digest", fix=fix)]) from None
