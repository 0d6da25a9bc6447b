"""docs/setup.md, done as it says: every file written, every command run, and a case answered at the end."""

from __future__ import annotations

import glob
import json
import re
import shlex
import shutil
import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.adapter.sources.opening import close_sources
from agents.cli.app import app
from agents.cli.compose import adapter_of, hub_of
from broker.transport.embedded import EmbeddedTransport
from schemas.enums import Status

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/setup.md").read_text(encoding="utf-8")
NAMED = re.compile(r"^`([\w/.-]+)`[^\n]*\n\n```(?:toml|json)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = dict(NAMED.findall(PAGE))
    assert set(files) == {
        *("hub/party.toml", "police/party.toml", "hub/hub.toml", "police/adapter.toml", "hub/pack/controller.toml"),
        *("police/pack/controller.toml", "contacts.jsonl", "decision.json"),
    }
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text.replace('"PT1M"', "0"))
    for party in ("hub", "police"):
        Path(party, "pack/agreements").mkdir()
        example = resources.files("policies").joinpath("agreements/example.toml").read_text(encoding="utf-8")
        Path(party, "pack/agreements/borough-mash.toml").write_text(example)
    with closing(sqlite3.connect("police/records.sqlite")) as records, records:
        records.executescript("""
            CREATE TABLE nominals (nominal_ref TEXT PRIMARY KEY, surname TEXT, forenames TEXT, dob TEXT, home_postcode TEXT);
            CREATE INDEX by_name ON nominals (dob, surname);
            CREATE TABLE occurrences (nominal_ref TEXT, occurred_at TEXT, headline TEXT, narrative TEXT, result TEXT);
            CREATE INDEX of_person ON occurrences (nominal_ref, occurred_at);
            INSERT INTO nominals VALUES ('N1', 'EXAMPLE', 'Robin', '2018-08-27', 'XX17 2HX');
            INSERT INTO occurrences VALUES ('N1', '2026-10-02 21:10', 'Disturbance', 'Shouting heard', 'Words of advice');
        """)
    return tmp_path


def run(line, said, ok=(0,)):
    words = [word for part in shlex.split(line.replace("LAW", said.get("law", "LAW")).replace("CASE", said.get("case", "CASE")))[1:]
             for word in (sorted(glob.glob(part)) if "*" in part else [part])]  # fmt: skip # noqa: PTH207 - as a shell does
    done = CliRunner().invoke(app, words)
    assert done.exit_code in ok, f"{line}\n{done.output}\n{done.stderr}"
    return done.stdout


def test_whoever_does_what_the_page_says_has_a_network_that_answers(place):
    said, checks = {}, 0
    blocks = [line for block in COMMANDS.findall(PAGE) for line in block.splitlines()]
    assert len(blocks) > 20
    for line in blocks:
        if line == "mash keys new hub":
            for party in ("hub", "police"):
                shutil.copy("root.toml", party)
        if line.startswith("mash directory draft"):
            said["law"] = re.search(r"[0-9a-f]{64}", run("mash doctor hub", said, ok=(1,)))[0]
        if line.startswith("mash hub checks"):
            said["case"] = json.loads(run("mash hub show --folder hub --json", said))["cases"][0]["case"]
        if line.startswith("mash case show"):
            work(place)
        checks += line.startswith("mash directory check")
        shown = run(line, said, ok=(1,) if line.startswith("mash directory check") and checks == 1 else (0,))
        if line.startswith("mash case show"):
            assert "Shouting heard" in shown


def work(place):
    with closing(EmbeddedTransport(place / "transport.sqlite")) as transport:
        hub, police = hub_of(place / "hub", transport), adapter_of(place / "police", transport)
        while any([hub.step(), police.step()]):
            pass
        for each in (hub, police):
            each.tick()
        (case,) = hub.party.store.cases()
        answers = {each.answer.category: each.answer.status for each in hub.record(case).answers}
        assert answers["pol.incidents"] is Status.released
        close_sources(police.sources)
        for each in (hub, police):
            each.party.store.close()
