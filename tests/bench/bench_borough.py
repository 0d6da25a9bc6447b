"""The whole borough: built, opened, and its forty cases asked, answered and joined; CPU and wall seconds of each stage, one process.

`MASH_BENCH_PEOPLE` says how many live there (20,000 unless told). Missed subjects are counted beside it, by agency and kind of dirt.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

from referees import judge

from agents.cli.compose import adapter_of, hub_of
from agents.cli.demo import PEOPLE, WHOLE, Borough, close, prepare, work
from agents.demo.ceremony import members_of, renew
from broker.follow import publish_statements
from broker.party import utc_now
from broker.transport.embedded import EmbeddedTransport

MANY = int(os.environ.get("MASH_BENCH_PEOPLE", str(PEOPLE)))


class Stages:
    """Figures by name; seconds since the last one."""

    def __init__(self) -> None:
        self.figures: dict[str, float] = {}
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def end(self, name: str) -> None:
        cpu, wall = time.process_time(), time.perf_counter()
        self.figures |= {f"{name}, cpu s": cpu - self.cpu, f"{name}, wall s": wall - self.wall}
        self.cpu, self.wall = cpu, wall


def measure() -> dict[str, float]:
    """Figures by name."""
    with tempfile.TemporaryDirectory() as place:
        folder, stages = Path(place) / "borough", Stages()
        prepare(folder, WHOLE, 47, people=MANY)
        stages.end("borough built, network founded")
        transport = EmbeddedTransport(folder / "transport.sqlite")
        publish_statements(transport, renew(folder, utc_now()))
        hub, *agencies = members_of(folder)
        adapters = []
        for each in agencies:
            adapters.append(adapter_of(folder / each.folder, transport))
            stages.end(f"opened {each.folder}")
        borough = Borough(hub=hub_of(folder / hub.folder, transport), adapters=tuple(adapters), transport=transport)
        borough.hub.intake((folder / "contacts.jsonl").read_bytes(), "contacts.jsonl")
        stages.end("contacts taken in")
        work(borough)
        stages.end("asked, answered and joined")
        records = [record for case in borough.hub.party.store.cases() if (record := borough.hub.record(case)) is not None]
        verdict = judge(records, json.loads((folder / "truth.json").read_text()))
        close(borough)
        transport.close()
    found = {f"found by {agency}": float(count) for agency, count in sorted(verdict.found.items())}
    missed = {f"missed by {agency}: {kind}": float(count) for (agency, kind), count in sorted(verdict.missed.items())}
    return stages.figures | {"wrong person": float(len(verdict.wrong))} | found | missed
