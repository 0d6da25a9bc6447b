"""`make soak`: many cases in one borough, and neither memory nor the cost of a case grows with those already there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

CASES = os.environ.get("MASH_SOAK_CASES", "2000")


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_the_last_tenth_of_many_cases_costs_what_the_first_did_and_memory_stays_flat(monkeypatch):
    monkeypatch.setenv("MASH_BENCH_CASES", CASES)
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "bench")
    sys.modules.pop("bench_processes", None)
    import bench_processes  # noqa: PLC0415 - it reads how many cases when it is imported

    figures = bench_processes.measure()
    assert figures["cases"] == float(CASES)
    for party in bench_processes.ROOMS:
        assert figures[f"{party}: resident after all"] < 1.25 * figures[f"{party}: resident after two tenths"], figures
        assert figures[f"{party}: cpu a case, last tenth"] < 1.5 * figures[f"{party}: cpu a case, second tenth"], figures
