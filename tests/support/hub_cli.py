"""A hub on disk that has asked about one contact, and its officers' commands."""

from __future__ import annotations

from small_borough import SmallBorough
from typer.testing import CliRunner

from agents.cli.app import app
from broker.party import utc_now

RUN = CliRunner()


def asked_on_disk(folder, *answering):
    """The folder of a borough whose hub has asked; `answering`: which of its agencies have worked, by attribute."""
    made = SmallBorough(folder, at=utc_now(), in_memory=False, contacts=1)
    made.take_in()
    made.work(made.hub, *(getattr(made, each) for each in answering))
    made.close()
    return folder


def mash(folder, *arguments, json_too=True):
    """One command of the hub in that borough."""
    more = ("--json",) if json_too else ()
    return RUN.invoke(app, [*(str(each) for each in arguments), "--folder", str(folder / "hub"), *more])
