"""`mash policy replay`: which decisions of a party's access log would flip under another pack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from agents.cli.compose import check_own, officer_of, own_pack, party_of
from agents.cli.explain import IGO
from agents.cli.output import AsJson, Exit, guarded, shown, tell
from agents.logged import Found, Lost, found
from broker.effect import Effect
from broker.packfiles import read_draft
from broker.party import Party
from broker.receive import note
from broker.store import log
from policies.pack import Pack
from policies.replay import AnyLogged, Flip, Replayed, flips
from policies.replay import replay as decided_again
from schemas.enums import Operation
from schemas.errors import ConfigurationError, Fault
from schemas.records import Officer

DAY: Final = "%Y-%m-%d"
NAMED: Final = 3  # decisions a line of text names; --json names all


@guarded
def replay(
    new: Annotated[str, typer.Argument(metavar="NEWPACK", help="A pack folder, or the word shipped; what it lacks is the party's own.")],
    folder: Annotated[Path, typer.Option("--party", help="The party's folder.")],
    viewer: Annotated[str, typer.Option("--as", help="Your staff id: reading the log is an entry.")],
    role: Annotated[str, typer.Option(help="Your role.")] = IGO,
    since: Annotated[datetime | None, typer.Option(help="Only decisions from this day on (UTC).", formats=[DAY])] = None,
    until: Annotated[datetime | None, typer.Option(help="Only decisions up to this day, included (UTC).", formats=[DAY])] = None,
    as_json: AsJson = False,
) -> None:
    """Decide each logged decision again by the present pack and by a new one, and list what flips (exit 1 where any does).

    Example: mash policy replay draft --party police/ --as i.officer --since 2026-10-01
    """
    first, last = since.date() if since else date.min, until.date() if until else date.max
    if last < first:
        raise ConfigurationError([Fault(file="--until", message="is before --since", fix="give a later day")])
    present, drafted = own_pack(folder), read_draft(folder, new)
    check_own(folder, drafted, f"{new}/controller.toml")
    party = party_of(folder)
    try:
        _enter(party, drafted, officer_of(viewer, role, party.id))
        log.sequence(party.store, party.log_key, party.now())
        lost: Counter[Lost] = Counter()
        every = found(party, lambda cases: shown(cases, "deciding again"), first, last)
        done = list(decided_again(_kept(every, lost), present, drafted))
    finally:
        party.close()
    flipped = flips(done)
    packs = {"present": str(present.digest), "new": str(drafted.digest)}
    tell(as_json, packs | _facts(done, flipped, lost), _lines(done, flipped, lost))
    if flipped:
        raise typer.Exit(Exit.no)


def _enter(party: Party, drafted: Pack, officer: Officer) -> None:
    read = replace(note(party, "replayed", party.now()), actor=officer, operation=Operation.consultation, pack_digest=drafted.digest)
    party.store.apply([Effect(entries=(read,))], party.seal, party.now())


def _kept(every: Iterable[Found | Lost], lost: Counter[Lost]) -> Iterator[AnyLogged]:
    """The decisions that can be made again; the others are counted."""
    for each in every:
        if isinstance(each, Lost):
            lost[each] += 1
        else:
            yield each.logged


def _facts(done: Sequence[Replayed], flipped: Iterable[Flip], lost: Counter[Lost]) -> dict[str, Any]:
    return {
        "decided_again": len(done),
        "flips": [
            {
                "disclosure": each.disclosure.value,
                "category": str(each.category),
                "stage": each.stage.value,
                "before": each.before.value,
                "after": each.after.value,
                "count": len(each.decisions),
                "decisions": [str(one) for one in each.decisions],
            }
            for each in flipped
        ],
        "on_other_grounds": sum(each.on_other_grounds for each in done),
        "changed_since": sum(each.changed_since for each in done),
        "not_replayed": [{"reason": why.name, "says": why.value, "count": lost[why]} for why in Lost if lost[why]],
        "decisions": [_decision(each) for each in done],
        "log": "unwitnessed",
    }


def _decision(each: Replayed) -> dict[str, Any]:
    logged = each.logged
    return {
        "decision": str(logged.id),
        "disclosure": logged.disclosure.value,
        "category": str(logged.category),
        "stage": logged.stage.value,
        "decided_at": logged.at.isoformat(),
        "before": each.before.outcome.value,
        "after": each.after.outcome.value,
    }


def _lines(done: Sequence[Replayed], flipped: Iterable[Flip], lost: Counter[Lost]) -> Iterator[str]:
    for each in flipped:
        named = [str(one)[:16] for one in each.decisions[:NAMED]] + (["…"] if len(each.decisions) > NAMED else [])
        yield (
            f"{each.disclosure.value} {each.category} at {each.stage.value}: {each.before.value} -> {each.after.value} "
            f"in {len(each.decisions)} ({', '.join(named)})"
        )
    others, since = sum(each.on_other_grounds for each in done), sum(each.changed_since for each in done)
    yield f"{len(done)} decisions, {sum(each.flips for each in done)} flip, {others} stay on other rules or caps"
    if since:
        yield f"{since} come out otherwise by the present pack already than was logged"
    yield from (f"not replayed: {lost[why]}: {why.value}" for why in Lost if lost[why])
    yield "Reading the log is in the log (unwitnessed)."
