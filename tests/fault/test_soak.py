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
    sys.modules.pop("bench_case", None)
    import bench_case  # noqa: PLC0415 - it reads how many cases when it is imported

    figures = bench_case.measure()
    assert figures["cases"] == float(CASES)
    assert figures["resident after all, MiB"] < 1.25 * figures["resident after two tenths, MiB"]
    assert figures["cpu a case, last tenth"] < 1.5 * figures["cpu a case, first tenth"]
