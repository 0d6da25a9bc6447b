"""`mash adapter`: an agency's side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agents.adapter.sources.opening import close_sources, make_indexes, missing_indexes
from agents.cli.compose import adapter_of, adapter_settings
from agents.cli.output import AsJson, Exit, guarded, tell
from agents.cli.run import run_until_stopped
from schemas.errors import ConfigurationError, SourceUnavailableError

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
    close_sources(service.sources)
    service.party.close()


@app.command()
@guarded
def index(
    folder: Home = Path(),
    apply: Annotated[bool, typer.Option("--apply", help="Make those missing (SQLite; a PostgreSQL owner runs the statements).")] = False,
    as_json: AsJson = False,
) -> None:
    """Say which indexes the declared questions of each source need. Exit 1 while one is missing.

    Example: mash adapter index --folder police/ --apply
    """
    work = make_indexes if apply else missing_indexes
    missing, failed = [], []
    for source in adapter_settings(folder).source:
        try:
            missing += [(source.name, each) for each in work(source, folder)]
        except (ConfigurationError, SourceUnavailableError) as error:  # the others are looked at all the same
            failed.append(error)
    lines = [f"{name}: {each.field}: {each.statement or each.cure}" + (";" if each.statement else "") for name, each in missing]
    facts = [
        {"source": name, "field": each.field, "table": each.table, "columns": list(each.columns), "statement": each.statement}
        for name, each in missing
    ]
    tell(as_json, {"missing": facts}, lines or ([] if failed else ["every declared question is answered from an index"]))
    if failed:
        raise failed[0]
    if missing:
        raise typer.Exit(Exit.no)
