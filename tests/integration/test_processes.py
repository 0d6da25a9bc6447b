"""A hub and two agencies as the operating system sees them: three processes, each with its own folder and nothing of another's."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import borough
import pytest
from borough import AGENCIES, FOLDERS, HUB, in_child

from agents.cli.agencies import Agencies
from agents.cli.output import Exit
from agents.demo.ceremony import renew
from broker.follow import publish_statements
from broker.party import utc_now
from broker.transport.embedded import EmbeddedTransport
from schemas.enums import AgencyStatus

MASH = Path(sys.executable).with_name("mash")
CASES = 3
DEADLINE = 120  # seconds for anything awaited
COUNTED = "SELECT count(*) FROM event WHERE kind = ?"


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """What the same borough comes to when all three work in one process."""
    return in_child(partial(worked, borough.copied(borough.prepared(tmp_path_factory, CASES), tmp_path_factory.mktemp("together") / "b")))


def worked(folder):
    with borough.opened(folder) as opened:
        borough.run_to_end(opened, folder)
        return borough.seen(opened)


@pytest.fixture
def homes(tmp_path_factory):
    """Each party's folder in a place of its own, and the file that is the only thing they share."""
    template = borough.prepared(tmp_path_factory, CASES)
    source = borough.copied(template, tmp_path_factory.mktemp("office") / "borough")
    statements = renew(source, utc_now())
    transport = tmp_path_factory.mktemp("transport") / "transport.sqlite"
    found = {"transport": transport, "contacts": source / "contacts.jsonl"}
    for name in FOLDERS:
        found[name] = Path(shutil.copytree(source / name, tmp_path_factory.mktemp(name) / "home"))
        settings = found[name] / "party.toml"
        settings.write_text(settings.read_text().replace("../transport.sqlite", str(transport)))
        assert not any((found[name] / ".." / other).exists() for other in FOLDERS)
    in_child(partial(announce, transport, statements))
    for name in FOLDERS:
        shutil.rmtree(source / name)
    return found


def announce(transport, statements):
    with closing(EmbeddedTransport(transport)) as opened:
        publish_statements(opened, statements)


@contextmanager
def service(homes, room, name):
    """`mash hub run` or `mash adapter run`, until SIGTERM; it must end well."""
    with (homes[name].parent / "log").open("wb") as log:
        process = subprocess.Popen([MASH, room, "run"], cwd=homes[name], stdout=log, stderr=log)
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == Exit.done
    finally:
        process.kill()
        process.wait()


def mash(homes, name, *words):
    done = subprocess.run([MASH, *words, "--json"], cwd=homes[name], capture_output=True, text=True, timeout=DEADLINE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def wait_until_answered(homes, processes):
    """Until every request has its response at the hub, and every response is in the record."""
    deadline = time.monotonic() + DEADLINE
    with closing(sqlite3.connect(f"file:{homes[HUB.folder]}/store.sqlite?mode=ro", uri=True)) as store:
        while True:
            opened, asked, answered = (store.execute(COUNTED, [kind]).fetchone()[0] for kind in ("case_opened", "request", "response"))
            marked = store.execute("SELECT count(*) FROM mark").fetchone()[0]
            if opened == CASES and answered == asked and not marked:
                return
            assert all(process.poll() is None for process in processes), "a process ended"
            assert time.monotonic() < deadline, f"{opened} opened, {asked} asked, {answered} answered"
            time.sleep(0.05)


def open_files(process):
    return {str(link.readlink()) for link in Path(f"/proc/{process.pid}/fd").iterdir()}


def look(homes):
    def parties():
        transport = EmbeddedTransport(homes["transport"])
        hub, *adapters = FOLDERS
        with closing(transport):
            opened = borough.demo.Borough(
                hub=borough.compose.hub_of(homes[hub], transport),
                agencies=Agencies(tuple(borough.compose.adapter_of(homes[each], transport) for each in adapters)),
                transport=transport,
            )
            found = borough.seen(opened)
            borough.close(opened)
            return found

    return in_child(parties)


def test_three_processes_with_nothing_in_common_but_the_transport_come_to_the_same_records(homes, together):
    taken = mash(homes, HUB.folder, "hub", "intake", str(homes["contacts"]))
    assert (taken["taken"], taken["aside"]) == (CASES, 0)
    with (
        service(homes, "hub", HUB.folder) as hub,
        service(homes, "adapter", AGENCIES[0].folder) as police,
        service(homes, "adapter", AGENCIES[1].folder) as trust,
    ):
        processes = dict(zip(FOLDERS, (hub, police, trust), strict=True))
        wait_until_answered(homes, processes.values())
        for name, process in processes.items():
            files = open_files(process)
            assert any(file.startswith(str(homes[name])) for file in files)
            assert not any(file.startswith(str(homes[other].parent)) for other in FOLDERS if other != name for file in files)
    cases = mash(homes, HUB.folder, "hub", "show")["cases"]
    assert len(cases) == CASES
    assert {agency["status"] for case in cases for agency in case["agencies"].values()} == {AgencyStatus.answered.value}
    found = look(homes)
    assert found["records"] == together["records"]
    assert found == together


def test_processes_told_to_stop_in_the_middle_go_on_at_their_next_start(homes, together):
    mash(homes, HUB.folder, "hub", "intake", str(homes["contacts"]))
    rooms = dict(zip(FOLDERS, ("hub", "adapter", "adapter"), strict=True))
    for name, room in rooms.items():
        with service(homes, room, name) as process:  # each alone: nobody is there to answer it
            wait_until_started(homes[name].parent / "log", process)
    with ExitStack() as running:
        wait_until_answered(homes, [running.enter_context(service(homes, room, name)) for name, room in rooms.items()])
    assert look(homes) == together


def wait_until_started(log, process):
    deadline = time.monotonic() + DEADLINE
    while b"started" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
