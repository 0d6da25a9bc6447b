"""`mash adapter`: an agency's side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agents.cli.compose import adapter_of
from agents.cli.output import guarded
from agents.cli.run import run_until_stopped

app = typer.Typer(no_args_is_help=True, help="Work at an agency.")
Home = Annotated[Path, typer.Option("--folder", help="The agency's folder.")]


@app.callback()
def adapter() -> None:
    """Work at an agency."""


@app.command()
@guarded
def run(folder: Home = Path()) -> None:
    """Answer requests until stopped (Ctrl-C or SIGTERM).

    Example: mash adapter run --folder police/
    """
    service = adapter_of(folder)
    run_until_stopped(service, service.party.id)
    service.source.close()
    service.party.close()
