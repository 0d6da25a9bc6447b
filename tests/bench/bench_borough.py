"""The whole borough, as `mash demo` works it: built, opened, its forty cases asked, answered and joined, on two cores; wall seconds.

`MASH_BENCH_PEOPLE` says how many live there (20,000 unless told). CPU seconds are those of both processes together. Missed subjects
are counted beside it, by agency and kind of dirt.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from functools import partial
from pathlib import Path

from referees import judge

from agents.cli.course import read_script
from agents.cli.demo import PEOPLE, WHOLE, at_work, prepare, take_in, work

MANY = int(os.environ.get("MASH_BENCH_PEOPLE", str(PEOPLE)))


def measure() -> dict[str, float]:
    """Figures by name."""
    with tempfile.TemporaryDirectory() as place:
        folder, began, spent = Path(place) / "borough", time.perf_counter(), sum(os.times()[:4])
        with at_work(folder, partial(prepare, folder, WHOLE, 47, people=MANY)) as borough:
            built = time.perf_counter()
            take_in(borough.hub, folder)
            records = work(borough, read_script(folder)).records()
            ended = time.perf_counter()
        verdict = judge(records, json.loads((folder / "truth.json").read_text()))
        cpu = sum(os.times()[:4]) - spent
    stages = {"built, network founded": built - began, "asked, answered, joined, corrected": ended - built, "whole": ended - began}
    found = {f"found by {agency}": float(count) for agency, count in sorted(verdict.found.items())}
    missed = {f"missed by {agency}: {kind}": float(count) for (agency, kind), count in sorted(verdict.missed.items())}
    return stages | {"cpu, both processes": cpu, "wrong person": float(len(verdict.wrong))} | found | missed
