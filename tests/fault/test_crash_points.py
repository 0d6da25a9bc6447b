"""kill -9 at each named milestone, twenty times, in another process: nothing is lost and nothing doubled.

Each trial forks from a warm parent that has opened no database; the child works a borough and is killed by SIGKILL at the n-th passing of
a milestone by one party; a second child opens the same folders, finishes and looks at what is there.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import traceback
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from small_borough import FOLDERS, entries_of, rows, write_files

from agents.adapter.service import Adapter
from agents.adapter.settings import AdapterSettings
from agents.adapter.sources.opening import open_source
from agents.cli.log import verify_party
from agents.demo.ceremony import renew
from agents.hub.casework import substance
from agents.hub.service import Hub
from agents.hub.settings import HubSettings
from broker.effect import Milestone
from broker.envelope import header_of
from broker.follow import publish_statements
from broker.packfiles import read_pack
from broker.party import Party, utc_now
from broker.store import tables
from broker.streams import topic_between
from broker.transport.embedded import EmbeddedTransport
from policies.located import parse
from schemas.enums import Operation

KILLS = 20  # at each milestone
ROUNDS = 200  # of work: far more than a borough of one contact needs


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash") / "borough"
    write_files(folder, contacts=1, at=utc_now(), in_memory=False)
    return folder


@pytest.fixture(scope="module")
def packs(template):
    return {name: read_pack(template / name) for name in FOLDERS}


@pytest.fixture(scope="module")
def reference(template, packs, tmp_path_factory):
    """An uninterrupted run: what it comes to, and how often each party passes each milestone."""
    place = tmp_path_factory.mktemp("reference")
    folder = fresh(template, place)
    assert in_child(partial(run, folder, packs, place / "seen.json", place / "passed.json")) == 0
    return json.loads((place / "seen.json").read_text()), json.loads((place / "passed.json").read_text())


def fresh(template, place):
    return Path(shutil.copytree(template, place / "borough"))


def in_child(work):
    """Exit code of a forked child, or minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - the child must end here, whatever happens
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def open_services(folder, packs, reached):
    transport = EmbeddedTransport(folder / "transport.sqlite")
    publish_statements(transport, renew(folder, utc_now()))
    parties = {name: Party(folder / name, transport, reached=partial(reached, name)) for name in FOLDERS}
    hub = Hub(parties["hub"], parse((folder / "hub/hub.toml").read_text(), "hub.toml", HubSettings), packs["hub"])
    adapters = []
    for name in FOLDERS[1:]:
        settings = parse((folder / name / "adapter.toml").read_text(), "adapter.toml", AdapterSettings)
        adapters.append(Adapter(parties[name], settings, packs[name], open_source(settings.source, folder / name)))
    return transport, [hub, *adapters]


def work(folder, services):
    hub = services[0]
    hub.intake((folder / "contacts.jsonl").read_bytes(), "contacts.jsonl")
    for _ in range(ROUNDS):
        if not any([service.step() for service in services]):  # noqa: C419 - each of them takes its step
            break
    else:
        raise AssertionError("never idle")
    for service in services:
        service.tick()
    for service in services:
        service.step()


def run(folder, packs, seen, passed=None):
    """Work to the end and look, counting who passes what."""
    counts = defaultdict(int)

    def reached(name, milestone):
        counts[f"{name}/{milestone.value}"] += 1

    transport, services = open_services(folder, packs, reached)
    work(folder, services)
    look(transport, services, seen)
    if passed is not None:
        passed.write_text(json.dumps(counts))


def run_until_killed(folder, packs, party, milestone, nth):
    passed = 0

    def reached(name, point):
        nonlocal passed
        if (name, point) == (party, milestone):
            passed += 1
            if passed == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    _, services = open_services(folder, packs, reached)
    work(folder, services)


def look(transport, services, out):
    """What is there, without ids, times and digests."""
    hub = services[0]
    seen = {"records": [substance(hub.record(case)) for case in hub.party.store.cases()], "parties": {}}
    for service in services:
        party = service.party
        counts = party.store.counts()
        entries = Counter(
            f"{each.operation.value} {each.subject_ref} {each.category} {each.outcome}"
            for each in entries_of(party)
            if each.operation is not Operation.combination  # a record may be rendered once more, never wrongly
        )
        with tables.transaction(party.store.engine) as connection:
            unsent = connection.scalar(sa.select(sa.func.count()).select_from(tables.outbox).where(tables.outbox.c.state != "sent"))
        seen["parties"][party.id] = {
            "events": {name: count for name, count in counts.items() if name.startswith("events.")},
            "received": len(rows(party, tables.received)),
            "quarantined": counts["quarantined"],
            "entries": entries,
            "unsent": unsent,
            "waits": party.store.has_work(),
            "verified": verify_party(party)["verified"],
        }
    seen["streams"] = {topic: stream(transport, topic) for topic in sealed_topics(hub)}
    out.write_text(json.dumps(seen))


def sealed_topics(hub):
    pairs = [(hub.party.id, each.id) for each in hub.agencies]
    return [topic_between(a, b) for pair in pairs for a, b in (pair, pair[::-1])]


def stream(transport, topic):
    """The distinct envelopes of a topic: kinds in order, and whether their sequence has no hole and no twin."""
    envelopes, position = {}, 0
    while batch := next((each for each in transport.fetch({topic: position}, 0)), None):
        envelopes |= {record.value: header_of(record.value) for record in batch.records}
        position = batch.after
    headers = sorted(envelopes.values(), key=lambda each: each.sequence)
    assert len({each.incarnation for each in headers}) == 1
    assert [each.sequence for each in headers] == list(range(1, len(headers) + 1))
    return [each.kind.value for each in headers]


def places(passed, milestone):
    """Which party at which passing, so that twenty kills spread over all there are."""
    found = [(name, nth) for name in FOLDERS for nth in range(1, passed.get(f"{name}/{milestone.value}", 0) + 1)]
    assert found, f"nobody passes {milestone.value}"
    return [found[index % len(found)] for index in range(KILLS)]


@pytest.mark.proves("I13")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("milestone", list(Milestone))
def test_a_kill_at_this_milestone_loses_and_doubles_nothing(milestone, template, packs, reference, tmp_path):
    expected, passed = reference
    for number, (party, nth) in enumerate(places(passed, milestone)):
        place = tmp_path / str(number)
        folder = fresh(template, place)
        assert in_child(partial(run_until_killed, folder, packs, party, milestone, nth)) == -signal.SIGKILL
        assert in_child(partial(run, folder, packs, place / "seen.json")) == 0
        assert json.loads((place / "seen.json").read_text()) == expected, (party, nth)
        shutil.rmtree(place)
