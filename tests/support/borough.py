"""The demo's borough of a few cases: prepared once, copied for each test, worked in this process or in forked ones.

A parent that forks opens no database, engine or transport itself: it asks children, and they answer in JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb  # noqa: F401 - as with holidays: what is loaded where it is used, loaded here before anything forks
import holidays  # noqa: F401 - likewise
import sqlalchemy as sa

from agents.adapter.service import Adapter
from agents.adapter.sources.opening import close_sources
from agents.cli import compose, demo
from agents.cli.agencies import Agencies
from agents.cli.log import verify_party
from agents.demo.ceremony import MEMBERS, members_of, renew
from agents.hub.casework import substance
from agents.hub.service import Hub
from broker.accesslog import verify_openings
from broker.effect import Milestone, digest_of
from broker.envelope import header_of
from broker.follow import publish_statements
from broker.packfiles import read_pack
from broker.party import Party, utc_now
from broker.ports import TopicRecord, Transport
from broker.store import log, tables
from broker.streams import topic_between
from broker.transport.embedded import EmbeddedTransport
from policies.pack import Pack
from schemas.enums import Operation
from schemas.events import Entry
from schemas.records import Request, Response

SEED = 47
PEOPLE = 60  # not the demo's 2,000, which every opening of the trust's extracts would read
SMALL = MEMBERS[:3]  # a hub, police and a trust: all that killing, leasing and losing need
FOLDERS = tuple(each.folder for each in SMALL)
HUB, *AGENCIES = SMALL
Reached = Callable[[str, Milestone], None]
PACKS: dict[tuple[str, int], Pack] = {}  # of the demo's parties, read once: it costs more than all else in opening one


def prepared(tmp_path_factory, cases: int = 3) -> Path:
    """A borough's folder, made once for each run and number of cases: copy it, work on the copy."""
    return _prepared(tmp_path_factory.getbasetemp(), cases)


@cache
def _prepared(base: Path, cases: int) -> Path:
    folder = base / f"borough-of-{cases}"
    demo.prepare(folder, cases, SEED, people=PEOPLE, members=SMALL)
    PACKS.update({(each, len(FOLDERS)): read_pack(folder / each) for each in FOLDERS})
    return folder


def copied(template: Path, folder: Path) -> Path:
    """A borough of one's own, its sources as fresh as the template's."""
    return Path(shutil.copytree(template, folder))


def nobody(_: str, __: Milestone) -> None:
    """Nobody watches."""


def open_service(
    folder: Path, name: str, transport: Transport, *, now: Callable[[], datetime] = utc_now, reached: Reached = nobody
) -> Hub | Adapter:
    """One party at work, from its own folder."""
    open_one = compose.hub_of if name == HUB.folder else compose.adapter_of
    with patch.object(compose, "read_pack", lambda path: PACKS.get((path.name, len(members_of(folder)))) or read_pack(path)):
        return open_one(folder / name, transport, now, partial(reached, name))


def open_borough(
    folder: Path, transport: Transport | None = None, *, now: Callable[[], datetime] = utc_now, reached: Reached = nobody
) -> demo.Borough:
    """As the demo opens it: statements renewed and published, each party from its own folder; `reached` hears whose milestone it is."""
    transport = transport or EmbeddedTransport(folder / "transport.sqlite")
    publish_statements(transport, renew(folder, now()))
    names = [each.folder for each in members_of(folder)]
    hub, *adapters = (open_service(folder, name, transport, now=now, reached=reached) for name in names)
    return demo.Borough(hub=hub, agencies=Agencies(tuple(adapters)), transport=transport)


def close_service(service: Hub | Adapter) -> None:
    """Let go of a party's store and source."""
    if isinstance(service, Adapter):
        close_sources(service.sources)
    service.party.store.close()


def parties_of(borough: demo.Borough) -> tuple[Party, ...]:
    """Hub first."""
    return (borough.hub.party, *(each.party for each in borough.agencies.adapters))


def close(borough: demo.Borough) -> None:
    """Let go of everything, the transport too."""
    borough.agencies.close()
    borough.hub.party.store.close()
    borough.transport.close()


@contextmanager
def opened(folder: Path, **how: Any):
    """A borough for as long as it is needed."""
    borough = open_borough(folder, **how)
    try:
        yield borough
    finally:
        close(borough)


def take_in(borough: demo.Borough, folder: Path) -> None:
    """The borough's contacts; those taken in before are known."""
    taken = borough.hub.intake((folder / "contacts.jsonl").read_bytes(), "contacts.jsonl")
    assert not taken.aside


def run_to_end(borough: demo.Borough, folder: Path) -> None:
    """What the demo does between opening and reporting."""
    take_in(borough, folder)
    demo.work(borough)


def substances(borough: demo.Borough) -> dict[str, Any]:
    """What every record says, by contact; as JSON would give it back."""
    records = [borough.hub.record(case) for case in borough.hub.party.store.cases()]
    return json.loads(json.dumps({each.contact_ref: substance(each) for each in records if each is not None}))


def seen(borough: demo.Borough) -> dict[str, Any]:
    """Everything two runs of the same borough must agree on, after checks of what every run must keep by itself."""
    topics = sealed_topics(borough)
    parties = {party.id: _party_seen(party, topics) for party in parties_of(borough)}
    streams = {topic: kinds_on(borough.transport, topic) for topic in sealed_topics(borough)}
    _check_answers(borough)
    return json.loads(json.dumps({"records": substances(borough), "parties": parties, "streams": streams}))


def _party_seen(party: Party, topics: list[str]) -> dict[str, Any]:
    entries = entries_of(party)
    renderings = [(each.case_id, each.outcome) for each in entries if each.operation is Operation.combination]
    # How many events one rendering takes in is a matter of timing, so their number may differ; but no version comes twice.
    assert len(renderings) == len(set(renderings)), "a version was rendered twice"
    assert rows(party, tables.unindexed) == [], "an entry is not in the log"
    assert {row.state for row in rows(party, tables.outbox)} <= {"sent"}, "something was not sent"
    assert not party.store.has_work(party.now())
    assert rows(party, tables.quarantine) == []
    counts = party.store.counts()
    verified = verify_party(party)
    assert verified["verified"]
    assert verified["entries"] == len(entries) == counts["entries"]
    said = Counter(_said(each) for each in entries if each.operation is not Operation.combination)
    events = {name: count for name, count in counts.items() if name.startswith("events.")}
    positions = {row.topic: row.next for row in rows(party, tables.position)}
    for topic, extent in party.transport.ends(set(positions) & set(topics)).items():
        assert positions[topic] == extent.end, "something on the topic was not taken"
    return {"entries": said, "events": events, "received": counts["received"]}


def _said(entry: Entry) -> str:
    return f"{entry.operation.value} {entry.subject_ref} {entry.category} {entry.outcome} {','.join(entry.rules)}"


def _check_answers(borough: demo.Borough) -> None:
    """At the hub each request has one acknowledgement and one whole response; each answer has one disclosure at its agency."""
    hub, answers, questions = borough.hub.party, Counter(), 0
    for case in hub.store.cases():
        events = hub.store.events(case)
        for request in (each for each in events if isinstance(each.body, Request)):
            questions += len(request.body.questions)
            acknowledged = [each for each in events if each.kind == "acknowledgement" and each.body.answers == request.digest]
            responses = [each for each in events if isinstance(each.body, Response) and each.body.request_digest == request.digest]
            assert len(acknowledged) == 1
            assert sorted(each.body.part for each in responses) == list(range(1, responses[0].body.parts + 1))
            answers[request.body.agency] += sum(len(each.body.answers) for each in responses)
            assert sum(len(each.body.answers) for each in responses) == len(request.body.questions)
    disclosures = {party.id: sum(each.operation is Operation.disclosure for each in entries_of(party)) for party in parties_of(borough)}
    assert disclosures == {hub.id: questions, **{each.id: answers[each.id] for each in parties_of(borough)[1:]}}


def entries_of(party: Party) -> list[Entry]:
    """Every indexed entry of a party's access log."""
    return list(verify_openings(log.leaves(party.store)))


def alarms(party: Party) -> dict[str, int]:
    """How often each alarm went off."""
    samples = [sample for metric in party.meters.alarms.collect() for sample in metric.samples]
    return {each.labels["reason"]: int(each.value) for each in samples if each.name.endswith("_total")}


def rows(party: Party, table: sa.Table) -> list[Any]:
    """Every row of a table of a party's store."""
    with tables.transaction(party.store.engine) as connection:
        return list(connection.execute(sa.select(table)).all())


def sealed_topics(borough: demo.Borough | None = None) -> list[str]:
    """Both ways between the hub and each agency."""
    agencies = [each.id for each in AGENCIES] if borough is None else [each.id for each in parties_of(borough)[1:]]
    return [topic_between(a, b) for each in agencies for a, b in ((HUB.id, each), (each, HUB.id))]


def records_on(transport: Transport, topic: str) -> list[TopicRecord]:
    """Every record of a topic as it lies there."""
    found, position = [], 0
    while batch := next((each for each in transport.fetch({topic: position}, 0) if each.records), None):
        found += batch.records
        position = batch.after
    return found


def kinds_on(transport: Transport, topic: str) -> dict[str, int]:
    """What a stream's envelopes are, after a check that its sequence has neither a hole nor two envelopes under one number."""
    envelopes = {digest_of(each.value): header_of(each.value) for each in records_on(transport, topic)}
    headers = list(envelopes.values())
    assert len({each.incarnation for each in headers}) == 1
    assert [each.sequence for each in headers] == list(range(1, len(headers) + 1)), topic
    return dict(sorted(Counter(each.kind.value for each in headers).items()))


class Child:
    """A forked process. What it returns, or why it failed, comes back through a file that has no name."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - as long as this object
        self._code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            self._be(work)

    def _be(self, work: Callable[[], object]) -> None:
        code = 1
        try:
            said = json.dumps(work()).encode()
            code = 0
        except BaseException:  # noqa: BLE001 - the child must end here, whatever happens
            said = traceback.format_exc().encode()
        try:
            os.pwrite(self._file.fileno(), said, 0)
        finally:
            os._exit(code)

    def wait_until_stopped(self) -> None:
        """Until it has stopped itself with SIGSTOP."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            self._code = os.waitstatus_to_exitcode(status)
        assert os.WIFSTOPPED(status), self._said()

    def go_on(self) -> None:
        """Let it run again."""
        os.kill(self.pid, signal.SIGCONT)

    @property
    def code(self) -> int:
        """Its exit code, or minus the signal that ended it; waits for the end."""
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code

    def answer(self) -> Any:
        """What it returned; it must have ended well."""
        assert self.code == 0, f"{self.code}\n{self._said()}"
        return json.loads(self._said())

    def was_killed(self) -> bool:
        """Whether SIGKILL ended it; a failure of its own is raised here."""
        assert self.code in {0, -signal.SIGKILL}, f"{self.code}\n{self._said()}"
        return self.code == -signal.SIGKILL

    def end(self) -> None:
        """Whatever it does, it ends now."""
        if self._code is None:
            os.kill(self.pid, signal.SIGKILL)
            _ = self.code
        self._file.close()

    def _said(self) -> str:
        size = os.fstat(self._file.fileno()).st_size
        return os.pread(self._file.fileno(), size, 0).decode()


def in_child(work: Callable[[], object]) -> Any:
    """What a forked process answers."""
    child = Child(work)
    try:
        return child.answer()
    finally:
        child.end()
