"""The tree of commands."""

from __future__ import annotations

import io
import sys
from typing import Final, cast

import typer

from agents.cli import adapter, case, demo, directory, doctor, hub, keys, log, policy, review
from agents.cli.memory import search_seldom
from agents.cli.output import Exit, fail
from broker.telemetry import configure

# of every wrong word on a command line; typer does not export it
USAGE_ERROR: Final = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
app = typer.Typer(
    name="mash",
    help="The MASH broker: lawful, sealed and logged information sharing about children at risk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("demo")(demo.demo)
app.add_typer(hub.app, name="hub")
app.add_typer(adapter.app, name="adapter")
app.add_typer(case.app, name="case")
app.add_typer(review.app, name="review")
app.add_typer(log.app, name="log")
app.command("doctor")(doctor.doctor)
app.add_typer(keys.app, name="keys")
app.add_typer(directory.app, name="directory")
app.add_typer(policy.app, name="policy")


def main() -> None:
    """Run a command."""
    search_seldom()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows fewer letters still shows the record
    configure()  # an alarm goes to stderr, so that --json leaves one object on stdout
    try:
        code = app(standalone_mode="--json" not in sys.argv)  # for people it tells of a wrong word itself, and exits
    except USAGE_ERROR as error:
        fail(True, "usage", error.format_message(), [])
        code = Exit.usage
    sys.exit(code)
