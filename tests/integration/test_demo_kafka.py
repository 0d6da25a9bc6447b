"""`mash demo --kafka` in a process of its own, on a real broker: the same cases, the same records, and nothing doubled."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.cli.app import app
from agents.cli.output import Exit

MASH = Path(sys.executable).with_name("mash")
COUNTED = ("contacts", "cases", "requests", "acknowledgements", "responses", "answers", "not_asked")


def demo(folder, *words):
    done = subprocess.run(
        [MASH, "demo", "--cases", "2", "--people", "200", "--folder", folder, "--json", *words],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == Exit.done, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def said(folder):
    """What the written records say, without ids, times and digests."""
    found = {}
    for path in (folder / "records").glob("*.json"):
        record = json.loads(path.read_text())
        found[record["contact_ref"]] = sorted(
            (
                each["agency"],
                each["answer"]["subject_ref"],
                each["answer"]["category"],
                each["answer"]["status"],
                json.dumps([item["fields"] for item in each["answer"]["items"]]),
                json.dumps([(step["layer"], step["rule"], step["met"]) for step in each["answer"]["ladder"]]),
            )
            for each in record["answers"]
        )
    return found


@pytest.mark.kafka
def test_the_demo_over_kafka_comes_to_the_same_records_and_run_again_doubles_nothing(real_kafka, tmp_path):
    embedded = demo(tmp_path / "embedded")
    kafka = ("--kafka", real_kafka.address)
    once = demo(tmp_path / "kafka", *kafka)
    again = demo(tmp_path / "kafka", *kafka)
    assert {key: once[key] for key in COUNTED} == {key: embedded[key] for key in COUNTED}
    assert again["entries"] == once["entries"]
    assert {key: again[key] for key in COUNTED} == {key: once[key] for key in COUNTED}
    assert once["logs_verified"]
    assert once["quarantined"] == 0
    assert said(tmp_path / "kafka") == said(tmp_path / "embedded") != {}


@pytest.mark.parametrize("address", ["nonsense", "host:port", "a b:9092", ""])
def test_an_address_that_is_none_is_refused_before_anything_is_written(address, tmp_path):
    done = CliRunner().invoke(app, ["demo", "--folder", str(tmp_path / "demo"), "--kafka", address])
    assert done.exit_code == Exit.usage
    assert "HOST:PORT" in done.stderr
    assert not (tmp_path / "demo").exists()
