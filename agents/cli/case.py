"""`mash case`: look at one case; every look is an entry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from agents.cli.compose import hub_of, officer_of
from agents.cli.output import AsJson, guarded, tell
from agents.cli.show import record_json, record_lines
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
    as_json: AsJson = False,
) -> None:
    """A joined case record in full: what each agency said, on which rule, in which envelope.

    Example: mash case show 0b6f… --as a.officer --folder hub/
    """
    hub = hub_of(folder)
    record = hub.view(case_id, officer_of(viewer, role, hub.party.id))
    hub.party.close()
    if record is None:
        raise ConfigurationError([Fault(file=str(case_id), message="no such case has been opened here", fix="mash hub show")])
    tell(
        as_json, record_json(record) | {"log": "unwitnessed"}, [*record_lines(record), "", "This view is in the access log (unwitnessed)."]
    )
