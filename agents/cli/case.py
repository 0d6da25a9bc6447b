"""`mash case`: look at one case; every look is an entry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from agents.cli.casetext import link_lines, seen_line
from agents.cli.compose import hub_of, officer_of
from agents.cli.output import AsJson, guarded, tell
from agents.cli.page import case_page
from agents.cli.show import record_json, record_lines
from agents.hub.erasure import seen_by
from agents.hub.links import linked
from broker.trustfiles import write_whole
from schemas.errors import ConfigurationError, Fault

app = typer.Typer(no_args_is_help=True, help="Look at a case.")


@app.callback()
def case() -> None:
    """Look at a case."""


@app.command()
@guarded
def show(
    case_id: Annotated[UUID, typer.Argument(help="The case.")],
    viewer: Annotated[str, typer.Option("--as", help="Your staff id: the view is entered in the access log.")],
    role: Annotated[str, typer.Option(help="Your role.")] = "hub_member",
    folder: Annotated[Path, typer.Option(help="The hub's folder.")] = Path(),
    page: Annotated[Path | None, typer.Option(help="Write an HTML page that prints well to this file, readable by you only.")] = None,
    as_json: AsJson = False,
) -> None:
    """A joined case record in full: what each agency said, on which rule, in which envelope, and what is missing.

    Example: mash case show 0b6f… --as a.officer --folder hub/ --page case.html
    """
    hub = hub_of(folder)
    officer = officer_of(viewer, role, hub.party.id)
    try:
        record = hub.view(case_id, officer)
        if record is None:
            raise ConfigurationError([Fault(file=str(case_id), message="no such case has been opened here", fix="mash hub show")])
        seen = {each.correction: seen_by(hub.party, case_id, each) for each in record.corrected}
        links = linked(hub.party, case_id)
        if page is not None:
            write_whole(page, case_page(record, seen, officer, hub.party.now(), links).encode(), mode=0o600)
    finally:
        hub.party.close()
    lines = [*record_lines(record), "", *(f"Other contact: {each}" for each in link_lines(links))]
    lines += [f"{each.agency} took back: {seen_line(seen[each.correction])}" for each in record.corrected]
    lines.append("This view is in the access log (unwitnessed).")
    told = {str(digest): [each.actor.id for each in entries] for digest, entries in seen.items()}
    tell(
        as_json,
        record_json(record)
        | {"log": "unwitnessed", "seen_before_correction": told, "other_contacts": [each.contact_ref for each in links]},
        lines,
    )
