"""`mash demo`: a synthetic borough, prepared and worked from contact to joined record, with nothing faked on the way."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Group
from rich.live import Live

from agents.adapter.settings import Sources
from agents.cli.agencies import NOBODY, Agencies, Apart, AtWork, Verified, verified
from agents.cli.board import REFRESH, Renderings, picture
from agents.cli.compose import adapter_of, hub_of
from agents.cli.course import Later, decide, late, read_script, withdraw
from agents.cli.hub import keep_aside
from agents.cli.output import ERR, AsJson, Exit, guarded, tell
from agents.cli.show import record_file
from agents.cli.tour import tour
from agents.demo.borough import write_borough
from agents.demo.ceremony import MEMBERS, Member, clear, found_network, members_of, renew
from agents.hub.board import WAITING
from agents.hub.service import Hub, Taken
from broker.follow import publish_statements
from broker.party import Party, utc_now
from broker.ports import Transport
from broker.streams import DIRECTORY, SNAPSHOTS, party_topic, topic_between
from broker.telemetry import configure
from broker.transport.embedded import EmbeddedTransport
from broker.trustfiles import write_whole
from schemas.errors import ConfigurationError, Fault, TransportUnavailableError
from schemas.events import CaseRecord
from schemas.identifiers import PartyId
from schemas.records import Officer

MARKER: Final = "borough.json"  # written last: a folder without it was interrupted while being prepared
PEOPLE: Final = 20_000  # of the whole borough
WHOLE: Final = 40  # contacts, each made to show one thing
PREPARING: Final = ".preparing"
NEWS: Final = 0.25  # seconds that a hub with nothing to do gives the agencies before it looks again, so that they come to more at a time
PATIENCE: Final = 120.0  # seconds without any progress before the demo says who is awaited
SOURCE_FILE: Final = "source.toml"
LONGEST: Final = ("gp", "trust", "schools", "probation", "police", "housing", "csc")  # to read, first: so they are written in this order


@dataclass(frozen=True, slots=True, kw_only=True)
class Borough:
    """Hub and agencies at work on one transport."""

    hub: Hub
    agencies: AtWork
    transport: Transport


def _address(kafka: str | None) -> str | None:
    """HOST:PORT, looked at before anything is written."""
    if kafka is not None and not re.fullmatch(r"[^\s:,]+:\d{1,5}", kafka):
        message = "is not HOST:PORT, for example localhost:9092"
        raise typer.BadParameter(message)
    return kafka


@guarded
def demo(
    folder: Annotated[Path, typer.Option(help="Where everything is written; an earlier run there is continued.")] = Path("mash-demo"),
    cases: Annotated[int, typer.Option(help="How many contacts.", min=1, max=2000)] = 40,
    people: Annotated[
        int | None, typer.Option(help=f"How many live there; without it {PEOPLE} for 40 contacts, fewer for fewer.", min=1, max=50_000)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the synthetic people.")] = 47,
    kafka: Annotated[
        str | None, typer.Option(callback=_address, help="HOST:PORT of a Kafka broker; without it one file is the transport.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Work synthetic contacts from intake to joined case record: real keys, real policy, real sources, an access log for each party.

    Example: mash demo --cases 2 --json
    """
    began = time.monotonic()
    configure(_devnull())
    with at_work(folder, partial(prepare, folder, cases, seed, people=people), kafka) as borough:
        check_same_transport(borough, folder)
        taken = take_in(borough.hub, folder)
        aside = keep_aside(borough.hub.party.folder.path, "contacts.jsonl", taken.aside)
        facts, lines = report(folder, borough, work(borough, read_script(folder)), began)
    tell(as_json, facts | {"aside": len(taken.aside)}, lines)
    if aside:
        raise typer.Exit(Exit.refused)


@contextmanager
def at_work(folder: Path, preparing: Callable[[Callable[[Path], None]], None], kafka: str | None = None) -> Iterator[Borough]:
    """A borough for as long as it is needed, its agencies in a process of their own, which reads each source as soon as it is written."""
    with ExitStack() as ending:
        agencies = ending.enter_context(closing(Apart(partial(open_agencies, folder, kafka))))
        preparing(agencies.read)
        transport = ending.enter_context(closing(_transport(folder, kafka)))
        publish_statements(transport, renew(folder, utc_now()))
        agencies.open()
        hub = hub_of(folder / members_of(folder)[0].folder, transport)
        ending.callback(hub.party.store.close)
        yield Borough(hub=hub, agencies=agencies, transport=transport)


def _devnull() -> object:
    """Alarms of the demo are counted in its summary; a terminal is for the story."""
    return open("/dev/null", "w", encoding="utf-8")  # noqa: PTH123 - lives as long as the process


def prepare(
    folder: Path,
    cases: int,
    seed: int,
    written: Callable[[Path], None] = lambda _: None,
    *,
    people: int | None = None,
    members: Sequence[Member] = MEMBERS,
) -> None:
    """Write the borough once; a second run continues it, and an interrupted preparation starts again.

    `written` hears of each agency's folder as soon as its sources are there.
    """
    marker = folder / MARKER
    people = people or min(PEOPLE, PEOPLE * cases // WHOLE)
    wanted = {"synthetic": True, "cases": cases, "people": people, "seed": seed}
    if marker.is_file():
        held = _marked(marker)
        if {**held, "day": None} != {**wanted, "day": None}:
            fault = Fault(
                file=str(marker),
                message=f"holds a borough of {held.get('cases')} cases, {held.get('people')} people and seed {held.get('seed')}",
                fix="another --folder",
            )
            raise ConfigurationError([fault])
        for member in members_of(folder)[1:]:
            written(folder / member.folder)
        return
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError([Fault(file=str(folder), message="is no folder", fix="another --folder")])
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PREPARING).exists():
        raise ConfigurationError([Fault(file=str(folder), message="is not empty and holds no borough", fix="another --folder")])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PREPARING).touch()
    clear(folder, PREPARING)
    at = utc_now()
    agencies = sorted((member.folder for member in members[1:]), key=LONGEST.index)

    def declared(agency: str) -> None:
        write_whole(folder / agency / "adapter.toml", b"answer_after = 0\n\n" + (folder / agency / SOURCE_FILE).read_bytes())
        written(folder / agency)

    write_borough(folder, today=at.date(), seed=seed, people=people, contacts=cases, agencies=agencies, written=declared)
    found_network(folder, at, members)
    write_whole(marker, json.dumps({**wanted, "day": at.date().isoformat()}).encode())
    (folder / PREPARING).unlink()


def _marked(marker: Path) -> dict[str, Any]:
    try:
        held = json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        held = None
    if not isinstance(held, dict):
        raise ConfigurationError([Fault(file=str(marker), message="does not say which borough this is", fix="another --folder")])
    return held


def _transport(folder: Path, kafka: str | None) -> Transport:
    if kafka is None:
        return EmbeddedTransport(folder / "transport.sqlite")
    from broker.transport.kafka import KafkaTransport, create_topics  # noqa: PLC0415 - only loaded where it is used
    from broker.transport.kafka_settings import KafkaSettings  # noqa: PLC0415 - likewise

    settings = KafkaSettings(bootstrap=kafka)
    members = members_of(folder)
    hub = members[0].id
    pairs = [(hub, each.id) for each in members[1:]]
    topics = {topic_between(a, b) for a, b in [*pairs, *((b, a) for a, b in pairs)]}
    create_topics(settings, [DIRECTORY, SNAPSHOTS, *topics, *(party_topic(each.id) for each in members)], 1)
    return KafkaTransport(settings)


def open_agencies(folder: Path, kafka: str | None, read: Mapping[Path, Sources]) -> Agencies:
    """Each from its own folder alone, with the sources that were read ahead, on a transport of their own."""
    configure(_devnull())
    transport, places = _transport(folder, kafka), [folder / each.folder for each in members_of(folder)[1:]]
    return Agencies(tuple(adapter_of(each, transport, sources=read.get(each)) for each in places), transport)


def check_same_transport(borough: Borough, folder: Path) -> None:
    """A folder continues on the transport it began on: elsewhere its positions lie beyond what the topics hold."""
    hub = borough.hub.party
    topics = [topic_between(each.id, hub.id) for each in borough.hub.agencies]
    held = hub.store.positions(topics)
    ends = borough.transport.ends(topics)
    if any(held[topic] > (ends[topic].end if topic in ends else 0) for topic in topics):
        fault = Fault(
            file=str(folder), message="was begun on another transport or broker", fix="continue it there, or take another --folder"
        )
        raise ConfigurationError([fault])


def take_in(hub: Hub, folder: Path) -> Taken:
    """The borough's contacts, and what was recorded of each on the day it came."""
    taken = hub.intake((folder / "contacts.jsonl").read_bytes(), "contacts.jsonl")
    decide(hub)
    return taken


def work(borough: Borough, script: Sequence[Later] = ()) -> Renderings:
    """The hub asks; what is withdrawn is withdrawn; agencies answer, the late ones last; then people correct and review."""
    hub, agencies, held_back = borough.hub, borough.agencies, late(script)
    with Live(console=ERR, transient=True, auto_refresh=False) as live:
        board = _Board(Renderings(hub), live)
        _work(board, hub.step, lambda: _asked(hub))
        withdraw(hub, board.shown.records(), script)
        if held_back:
            _answer(board, borough, held_back)
        _answer(board, borough)
        if script:  # nothing happens later to the first contacts
            agencies.take_back(board.shown.records(), script)
            agencies.review(board.shown.records())
            _answer(board, borough)
    hub.tick()
    agencies.tick()
    _answer(board, borough)
    return board.shown


@dataclass(frozen=True, slots=True)
class _Board:
    """What is shown while it runs."""

    shown: Renderings
    live: Live

    def draw(self) -> None:
        """As it stands now."""
        hub = self.shown.hub
        self.live.update(Group(picture(self.shown.rows(), hub.party.now()), _progress(hub)), refresh=True)


def _answer(board: _Board, borough: Borough, without: Collection[PartyId] = NOBODY) -> None:
    expected = frozenset(borough.agencies.names()) - frozenset(without)
    _work(board, partial(_round, borough, without), lambda: _answered(board.shown, borough, expected, without))


def _work(board: _Board, round_: Callable[[], bool], over: Callable[[], bool]) -> None:
    """Rounds of these, with the board as it stands each second, until it is over and nothing moves."""
    moved = drawn = time.monotonic()
    while (busy := round_()) or not over():
        at = time.monotonic()
        if busy:
            moved = at
        elif at - moved > PATIENCE:
            message = f"nothing has moved for {PATIENCE:.0f} s; {_progress(board.shown.hub)}; run the demo again to continue"
            raise TransportUnavailableError(message)
        if ERR.is_terminal and at - drawn > REFRESH:
            board.draw()
            drawn = time.monotonic()


def _round(borough: Borough, without: Collection[PartyId] = NOBODY) -> bool:
    """One step of each, whatever the others did; agencies elsewhere get time for theirs when the hub has nothing to do."""
    moved = borough.hub.step()
    return borough.agencies.step(0 if moved else NEWS, without) or moved


def _asked(hub: Hub) -> bool:
    """Every contact is a case, and every request is out."""
    counts = hub.party.store.counts()
    return counts.get("events.case_opened", 0) == counts.get("events.contact", 0) and not hub.party.store.has_work(hub.party.now())


def _answered(cases: Renderings, borough: Borough, expected: Collection[PartyId], without: Collection[PartyId]) -> bool:
    """Nothing waits anywhere, and no case awaits any of these agencies."""
    hub = cases.hub.party
    if hub.store.has_work(hub.now()) or not borough.agencies.at_rest(without):
        return False
    return not any(each.agency in expected and each.status in WAITING for record in cases.records() for each in record.agencies)


def _progress(hub: Hub) -> str:
    counts = hub.party.store.counts()
    asked, answered = counts.get("events.request", 0), counts.get("events.response", 0)
    acknowledged = counts.get("events.acknowledgement", 0)
    return f"{counts.get('events.contact', 0)} contacts, {asked} requests, {acknowledged} acknowledged, {answered} answered"


def report(folder: Path, borough: Borough, shown: Renderings, began: float) -> tuple[dict[str, Any], list[str]]:
    """Write what came of it, each record once and entered in the log first; verify all logs, and say it."""
    verifying, hub = borough.agencies.verifying(), borough.hub
    records = shown.records()
    viewer = Officer(id="demo", role="demonstration", organisation=hub.party.id)
    for record in records:
        path = folder / "records" / f"{record.contact_ref}.v{record.version}.json"
        if not path.exists():
            hub.view(record.case_id, viewer, only_once=True)
            write_whole(path, record_file(record), mode=0o600)
    hub.tick()
    while hub.step():  # what it signed goes out
        pass
    held = {**verified([hub.party]), **verifying()}
    facts = summary(folder, hub, records, held, began)
    write_whole(folder / "summary.json", json.dumps(facts, indent=1).encode() + b"\n")
    return facts, _story(folder, hub.party, records, facts, held)


def summary(folder: Path, hub: Hub, records: Sequence[CaseRecord], held: Verified, began: float) -> dict[str, Any]:
    """The one JSON object."""
    counts = hub.party.store.counts()
    statuses = Counter(each.answer.status.value for record in records for each in record.answers)
    return {
        "synthetic": True,
        "contacts": counts.get("events.contact", 0),
        "cases": len(records),
        "requests": counts.get("events.request", 0),
        "acknowledgements": counts.get("events.acknowledgement", 0),
        "responses": counts.get("events.response", 0),
        "answers": dict(sorted(statuses.items())),
        "withdrawn": counts.get("events.cancel", 0),
        "corrected": counts.get("events.correction", 0),
        "reviewed": sum(each.answer.reviewed_by is not None for record in records for each in record.answers),
        "not_asked": sum(len(record.unasked) for record in records),
        "entries": {party: each["entered"] for party, each in held.items()},
        "logs_verified": all(each["verified"] for each in held.values()),
        "quarantined": sum(each["quarantined"] for each in held.values()),
        "duplicates_ignored": sum(each["duplicates"] for each in held.values()),
        "seconds": round(time.monotonic() - began, 2),
        "folder": str(folder),
    }


def _story(folder: Path, hub: Party, records: Sequence[CaseRecord], facts: Mapping[str, Any], held: Verified) -> list[str]:
    lines = tour(records, hub)
    lines += ["", "The access logs", "==============="]
    for party, each in held.items():
        said = (
            f"verified, {each['size']} leaves, {each['entries']} entries, unwitnessed"
            if each["verified"]
            else f"NOT verified: {each['reason']}"
        )
        lines.append(f"  {party:16} {said}")
    answers = ", ".join(f"{count} {status}" for status, count in facts["answers"].items())
    lines += ["", "Counts", "======"]
    lines.append(f"  {facts['contacts']} contacts, {facts['cases']} cases")
    lines.append(f"  {facts['requests']} requests, {facts['acknowledgements']} acknowledgements")
    lines.append(f"  {facts['responses']} responses with {answers}")
    lines.append(f"  {facts['quarantined']} quarantined, {facts['duplicates_ignored']} duplicates ignored, {facts['seconds']} s")
    lines += ["", "Everything here is synthetic. It was written to", f"  {folder}/records     case records as JSON"]
    lines += [f"  {folder}/{member.folder}/log     checkpoint, key and leaves of its access log" for member in members_of(folder)]
    lines.append(f"  {folder}/summary.json")
    return lines
