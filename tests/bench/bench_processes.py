"""A hub and two adapters as processes of their own: CPU a case and resident memory of each, as cases pile up.

`MASH_BENCH_CASES` says how many cases (60 unless told; 10000 for the long run). Milliseconds and MiB.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from agents.cli.demo import prepare
from agents.demo.ceremony import MEMBERS, renew
from broker.follow import publish_statements
from broker.party import utc_now
from broker.transport.embedded import EmbeddedTransport

CASES = int(os.environ.get("MASH_BENCH_CASES", "60"))
MASH = Path(sys.executable).with_name("mash")
ROOMS = {"hub": "hub", "police": "adapter", "trust": "adapter"}
PATIENCE = max(600, CASES)  # seconds for one tenth
TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


def measure() -> dict[str, float]:
    """Figures by party."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as running:
        folder = Path(place) / "borough"
        prepare(folder, CASES, 47, people=2000, members=MEMBERS[:3])
        with closing(EmbeddedTransport(folder / "transport.sqlite")) as transport:
            publish_statements(transport, renew(folder, utc_now()))
        pids = {name: running.enter_context(_service(folder / name, room)) for name, room in ROOMS.items()}
        lines = (folder / "contacts.jsonl").read_bytes().splitlines(keepends=True)
        size, taken, samples = -(-len(lines) // 10), 0, [{name: _spent(pid) for name, pid in pids.items()}]
        while taken < len(lines):
            part = folder / "part.jsonl"
            part.write_bytes(b"".join(lines[taken : taken + size]))
            subprocess.run([MASH, "hub", "intake", part, "--folder", folder / "hub"], check=True, capture_output=True)
            taken = min(taken + size, len(lines))
            _wait(folder / "hub/store.sqlite", taken)
            samples.append({name: _spent(pid) for name, pid in pids.items()})
            sys.stderr.write(f"{taken} of {CASES} cases; CPU s and resident MiB so far: {samples[-1]}\n")
    figures = {"cases": float(CASES)}
    for name in ROOMS:
        (began, _), (early, two_tenths), (before, _), (ended, resident) = (samples[at][name] for at in (1, 2, -2, -1))
        figures |= {
            f"{name}: cpu a case, without the start": (ended - began) / (CASES - size) * 1e3,
            f"{name}: cpu a case, second tenth": (early - began) / size * 1e3,
            f"{name}: cpu a case, last tenth": (ended - before) / (CASES - size * (len(samples) - 2)) * 1e3,
            f"{name}: resident after two tenths": two_tenths,
            f"{name}: resident after all": resident,
        }
    return figures


@contextmanager
def _service(folder: Path, room: str):
    """`mash hub run` or `mash adapter run`; its process id."""
    process = subprocess.Popen([MASH, room, "run", "--folder", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def _spent(pid: int) -> tuple[float, float]:
    """CPU seconds and resident MiB."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return (int(fields[11]) + int(fields[12])) / TICKS, pages * PAGE / 2**20


def _wait(store: Path, cases: int) -> None:
    """Until so many cases are open and every request has its response."""
    deadline = time.monotonic() + PATIENCE
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30)) as held:
        while time.monotonic() < deadline:
            kinds = dict(held.execute("SELECT kind, count(*) FROM event GROUP BY kind"))
            waits = held.execute(
                "SELECT (SELECT count(*) FROM mark) + (SELECT count(*) FROM work WHERE NOT done AND kind <> 'due')"
            ).fetchone()[0]
            if kinds.get("case_opened", 0) == cases and kinds.get("request", 0) == kinds.get("response", 0) and not waits:
                return
            time.sleep(0.05)
    raise TimeoutError
