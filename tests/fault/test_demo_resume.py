"""`mash demo` in a process of its own, stopped in every way there is, and started again."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import borough
import pytest
from borough import in_child

from agents.cli import demo
from agents.cli.output import Exit
from agents.demo.ceremony import MEMBERS
from broker import trustfiles
from schemas.errors import ConfigurationError

MASH = Path(sys.executable).with_name("mash")
BOROUGH = ["demo", "--cases", "2", "--people", "200"]
DEADLINE = 120  # seconds for anything awaited
KEYS = {
    *("contacts", "cases", "requests", "acknowledgements", "responses", "answers", "entries", "logs_verified", "quarantined"),
    *("duplicates_ignored", "seconds", "folder"),
}  # of the issue
UNCHANGED = ("contacts", "cases", "requests", "acknowledgements", "responses", "answers", "not_asked", "entries")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run: its facts, and all that two runs of the same seed agree on."""
    folder = tmp_path_factory.mktemp("whole") / "demo"
    return {"facts": finished(folder), "seen": look(folder), "folder": folder}


def started(folder):
    listening = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a run in the background has it ignored, and children inherit that
    try:
        return subprocess.Popen([MASH, *BOROUGH, "--folder", folder, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, listening)


def finished(folder):
    """Its facts, when it ran to its end."""
    process = started(folder)
    said, complained = process.communicate(timeout=DEADLINE)
    assert process.returncode == Exit.done, complained
    return json.loads(said.splitlines()[-1])


def interrupted(folder, number, until, delay):
    """Whether a signal reached it `delay` seconds after a sign of its work; its exit code and what it complained of."""
    with started(folder) as process:
        try:
            deadline = time.monotonic() + DEADLINE
            while not until() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002)
            try:
                process.wait(delay)
            except subprocess.TimeoutExpired:
                process.send_signal(number)
            said, complained = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
    assert process.returncode == Exit.done or not said, "what was interrupted has no result"
    return process.returncode, complained


def runs(process):
    """Whether this process is there, and no mere remains of one."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def look(folder):
    def seen():
        with borough.opened(folder) as opened:
            return borough.seen(opened)

    return in_child(seen)


def records(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "records").glob("*.json"))}


def is_preparing(folder):
    return (folder / demo.PREPARING).exists()


def is_prepared(folder):
    return (folder / demo.MARKER).exists() and (folder / "transport.sqlite").exists()


@pytest.mark.proves("I13")
def test_killed_while_preparing_and_while_working_it_ends_as_if_never_interrupted(whole, tmp_path):
    folder = tmp_path / "demo"
    caught = set()
    for delay in (0, 0.15):
        code, _ = interrupted(folder, signal.SIGKILL, partial(is_preparing, folder), delay)
        caught.add((code, is_preparing(folder)))
    assert (-signal.SIGKILL, True) in caught, "none was killed while preparing"
    codes = [interrupted(folder, signal.SIGKILL, partial(is_prepared, folder), delay)[0] for delay in (0, 0.4, 0.8)]
    assert -signal.SIGKILL in codes
    facts = finished(folder)
    counted = [key for key in UNCHANGED if key != "entries"]  # how often a case was joined on the way is its own affair
    assert {key: facts[key] for key in counted} == {key: whole["facts"][key] for key in counted}
    assert look(folder) == whole["seen"]


def test_killed_it_leaves_nobody_behind(whole, tmp_path):
    folder = tmp_path / "demo"
    shutil.copytree(whole["folder"], folder)
    with started(folder) as process:
        children, deadline = Path(f"/proc/{process.pid}/task/{process.pid}/children"), time.monotonic() + DEADLINE
        while not (left := children.read_text().split()) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
    while any(map(runs, left)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert left
    assert not any(map(runs, left))


def test_a_record_already_written_stays_byte_identical(whole, tmp_path):
    folder = tmp_path / "demo"
    code, _ = interrupted(folder, signal.SIGKILL, partial(records, folder), 0)
    assert code == -signal.SIGKILL
    kept = records(folder)
    assert kept
    finished(folder)
    assert {name: data for name, data in records(folder).items() if name in kept} == kept
    assert look(folder)["records"] == whole["seen"]["records"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder / "records").iterdir())


def test_run_again_in_the_same_folder_it_doubles_nothing(whole):
    kept = records(whole["folder"])
    again = finished(whole["folder"])
    assert {key: again[key] for key in UNCHANGED} == {key: whole["facts"][key] for key in UNCHANGED}
    assert records(whole["folder"]) == kept
    assert len(kept) == again["cases"] == 2
    assert look(whole["folder"]) == whole["seen"]


@pytest.mark.parametrize("while_", [is_preparing, is_prepared])
def test_ctrl_c_says_so_and_the_next_run_goes_on(while_, whole, tmp_path):
    folder = tmp_path / "demo"
    code, complained = interrupted(folder, signal.SIGINT, partial(while_, folder), 0.05)
    assert code == Exit.interrupted, complained
    assert json.loads(complained.splitlines()[-1])["error"]["code"] == "interrupted"
    finished(folder)
    assert look(folder) == whole["seen"]


def test_interrupted_while_clearing_away_an_interrupted_preparation_it_still_knows_the_folder(tmp_path, monkeypatch):
    folder = tmp_path / "demo"
    folder.mkdir()
    for name in (demo.PREPARING, "half", "made"):
        (folder / name).touch()
    removed = []
    unlink, iterdir = Path.unlink, Path.iterdir

    def interrupted_unlink(path, **how):
        if removed:
            raise KeyboardInterrupt
        removed.append(path.name)
        unlink(path, **how)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", lambda path: sorted(iterdir(path)))
        patched.setattr(Path, "unlink", interrupted_unlink)
        with pytest.raises(KeyboardInterrupt):
            demo.prepare(folder, 2, borough.SEED)
    assert removed
    demo.prepare(folder, 2, borough.SEED)
    assert is_preparing(folder) is False
    assert (folder / demo.MARKER).exists()


def test_what_a_crash_leaves_of_a_private_file_is_private(tmp_path, monkeypatch):
    def power_cut(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(trustfiles.os, "fsync", power_cut)
        with pytest.raises(KeyboardInterrupt):
            trustfiles.write_whole(tmp_path / "record.json", b"a name", mode=0o600)
    (left,) = tmp_path.iterdir()
    assert left.stat().st_mode & 0o077 == 0
    trustfiles.write_whole(tmp_path / "record.json", b"a name", mode=0o600)
    (made,) = tmp_path.iterdir()
    assert (made.name, made.stat().st_mode & 0o777) == ("record.json", 0o600)


def test_what_is_shown_is_one_record_one_refusal_every_log_and_where_it_all_is(whole):
    shown = subprocess.run(
        [MASH, *BOROUGH, "--folder", whole["folder"]], capture_output=True, text=True, timeout=DEADLINE, check=True
    ).stdout
    story, _, rest = shown.partition("One refusal, and what would have made it lawful")
    refusal, _, rest = rest.partition("The access logs")
    logs, _, rest = rest.partition("Counts")
    assert "released" in story
    assert re.search(r"from envelope [0-9a-f]{16} decision [0-9a-f]{16}", story)
    assert re.search(r"gateway +yes +\S+ \(Children Act", story)
    assert "Lawful basis A" in story
    assert "What would have changed the answer:" in refusal
    assert "NO" in refusal
    assert "nothing the asker can honestly supply" not in refusal
    assert logs.count("verified, ") == len(MEMBERS) == 8
    assert logs.count("unwitnessed") == 8
    assert re.search(r"2 contacts, 2 cases\n +\d+ requests, \d+ acknowledgements\n +\d+ responses with ", rest)
    assert all(f"{whole['folder']}/{name}" in rest for name in ("records", "hub/log", "police/log", "trust/log", "summary.json"))


def test_each_record_that_was_written_was_entered_first(whole):
    lines = subprocess.run(
        [MASH, "log", "show", "--as", "i.officer", "--folder", whole["folder"] / "hub", "--last", "500"],
        capture_output=True, text=True, timeout=DEADLINE, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert sum(" viewed." in line for line in lines) == len(records(whole["folder"])) == 2


def test_a_bad_contact_line_is_told_kept_aside_and_the_rest_goes_on(whole, tmp_path):
    folder = tmp_path / "demo"
    shutil.copytree(whole["folder"], folder)
    with (folder / "contacts.jsonl").open("ab") as contacts:
        contacts.write(b"{no contact\n")
    process = started(folder)
    told, complained = process.communicate(timeout=DEADLINE)
    assert process.returncode == Exit.refused
    assert json.loads(told.splitlines()[-1])["aside"] == 1
    assert "contacts.jsonl:3" in complained
    assert (folder / "hub" / "refused" / "contacts.jsonl").read_bytes() == b"{no contact\n"


def test_a_folder_whose_marker_is_broken_is_named(tmp_path):
    folder = tmp_path / "demo"
    folder.mkdir()
    for marker in (b"", b"[]", b"\xff", b"{"):
        (folder / demo.MARKER).write_bytes(marker)
        with pytest.raises(ConfigurationError) as refused:
            demo.prepare(folder, 2, borough.SEED)
        assert demo.MARKER in str(refused.value)
    process = started(folder)
    _, complained = process.communicate(timeout=DEADLINE)
    assert process.returncode == Exit.refused
    assert demo.MARKER in complained


def test_the_result_is_one_object_last_on_stdout(whole):
    facts = whole["facts"]
    assert facts.keys() >= KEYS
    assert facts["contacts"] == facts["cases"] == 2
    assert facts["requests"] == facts["acknowledgements"] == facts["responses"] > 0
    assert sum(facts["answers"].values()) > 0
    assert set(facts["entries"]) == {each.id for each in MEMBERS}
    assert facts["logs_verified"] is True
    assert facts["quarantined"] == 0
    assert Path(facts["folder"]) == whole["folder"]
    assert json.loads((whole["folder"] / "summary.json").read_text()).keys() == facts.keys() - {"aside"}
