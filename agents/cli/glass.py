"""An agency's desk, opened for one command; and `mash review close`: a look back at answers given while glass was broken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.adapter.glass import GlassReview
from agents.adapter.review import Desk
from agents.adapter.sources.opening import close_sources
from agents.adapter.stated import stated
from agents.cli.casetext import when
from agents.cli.compose import adapter_of, officer_of
from agents.cli.output import AsJson, guarded, tell
from schemas.errors import ConfigurationError, Fault


@contextmanager
def opened_desk(folder: Path, states: list[str] | None = None, grounds: str | None = None) -> Iterator[Desk]:
    """The desk of an agency's folder, with what the officer states."""
    said = stated(states or (), grounds)
    adapter = adapter_of(folder)
    try:
        desk = Desk(adapter.party, adapter.settings, adapter.pack, adapter.sources)
        desk.stated = said
        yield desk
    finally:
        close_sources(adapter.sources)
        adapter.party.close()


def said_request(argument: str) -> str:
    """What somebody typed, as far as it can be the name of a request."""
    return argument if len(argument) <= 64 and argument.isalnum() else "REQUEST"  # noqa: PLR2004 - letters of a digest


def glass_json(review: GlassReview, at: datetime) -> dict[str, Any]:
    """Which request, whose, by when it is looked at, and whether that has passed; it names nobody it is about."""
    request = review.dossier.request
    return {
        "request": str(review.dossier.kept.digest),
        "hub": str(request.hub),
        "officer": request.officer.id,
        "asked_at": review.dossier.kept.at.isoformat(),
        "due_at": review.due_at.isoformat(),
        "overdue": review.is_overdue(at),
    }


def glass_line(review: GlassReview, at: datetime) -> str:
    """The same on one line."""
    dossier = review.dossier
    late = "OVERDUE since" if review.is_overdue(at) else "look by"
    return (
        f"{str(dossier.kept.digest)[:16]}  glass was broken {when(dossier.kept.at, '%d %b %H:%M')} by {dossier.request.officer.id} "
        f"for {dossier.request.hub}; {late} {when(review.due_at, '%H:%M on %d %b')}: mash review close"
    )


@guarded
def close(
    request: Annotated[str, typer.Argument(help="The request, as `mash review list` names it.")],
    viewer: Annotated[str, typer.Option("--as", help="Your staff id: that you looked is entered in the access log.")],
    words: Annotated[str, typer.Option(help="What you found, in a sentence about this case; it is kept here and not sent.")],
    role: Annotated[str, typer.Option(help="Your role.")] = "reviewer",
    folder: Annotated[Path, typer.Option("--folder", help="The agency's folder.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Close the next-working-day review of what was answered while glass was broken.

    Example: mash review close 3f0c12ab --as p.shah --words "The glass was rightly broken: she was alone with him." --folder police/
    """
    with opened_desk(folder) as desk:
        named = {each.kept.digest for each in desk.named(request)}
        found = [each for each in desk.glass() if each.dossier.kept.digest in named]
        if len(found) != 1 or not desk.look_back(found[0], officer_of(viewer, role, desk.party.id), words):
            message = "names no one answer behind broken glass that is still to be looked at"
            raise ConfigurationError([Fault(file=said_request(request), message=message, fix="mash review list")])
    tell(
        as_json, {"closed": str(found[0].dossier.kept.digest)}, "closed; your words are kept here, and that you looked is in the access log"
    )
