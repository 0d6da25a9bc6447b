"""`mash adapter`: an agency's side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agents.adapter.sources.opening import make_indexes, missing_indexes
from agents.cli.compose import adapter_of, adapter_settings
from agents.cli.output import AsJson, Exit, guarded, tell
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


@app.command()
@guarded
def index(
    folder: Home = Path(),
    apply: Annotated[bool, typer.Option("--apply", help="Make those missing (SQLite; a PostgreSQL owner runs the statements).")] = False,
    as_json: AsJson = False,
) -> None:
    """Say which indexes the source's declared questions need. Exit 1 while one is missing.

    Example: mash adapter index --folder police/ --apply
    """
    source = adapter_settings(folder).source
    missing = make_indexes(source, folder) if apply else missing_indexes(source, folder)
    lines = [f"{each.field}: {each.statement or each.cure}" + (";" if each.statement else "") for each in missing]
    facts = [{"field": each.field, "table": each.table, "columns": list(each.columns), "statement": each.statement} for each in missing]
    tell(as_json, {"missing": facts}, lines or ["every declared question is answered from an index"])
    if missing:
        raise typer.Exit(Exit.no)
