"""Whole cases on the embedded transport: CPU and wall time a case, time spent up to each milestone, memory as cases pile up.

`MASH_BENCH_CASES` says how many cases (60 unless told; 10000 for a soak). Milliseconds unless the name says otherwise.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from agents.cli.agencies import Agencies
from agents.cli.compose import adapter_of, hub_of
from agents.cli.demo import Borough, prepare, work
from agents.demo.ceremony import MEMBERS, renew
from broker.effect import Effect, Milestone, Position, Receipt
from broker.follow import publish_statements
from broker.party import utc_now
from broker.receive import note
from broker.transport.embedded import EmbeddedTransport
from schemas.identifiers import Digest, Incarnation

CASES = int(os.environ.get("MASH_BENCH_CASES", "60"))


class Stages:
    """CPU time since the last milestone, by milestone."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.last = time.process_time()

    def reached(self, milestone: Milestone) -> None:
        now = time.process_time()
        self.spent[milestone.value] += now - self.last
        self.last = now


def measure() -> dict[str, float]:
    """Figures by name."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "borough"
        prepare(folder, CASES, 47, people=2000, members=MEMBERS[:3])
        transport = EmbeddedTransport(folder / "transport.sqlite")
        publish_statements(transport, renew(folder, utc_now()))
        stages = Stages()
        hub = hub_of(folder / "hub", transport, reached=stages.reached)
        adapters = tuple(adapter_of(folder / each.folder, transport, reached=stages.reached) for each in MEMBERS[1:3])
        borough = Borough(hub=hub, agencies=Agencies(adapters), transport=transport)
        cpu, wall = time.process_time(), time.perf_counter()
        tenths = [_tenth(borough, lines) for lines in _tenths(folder / "contacts.jsonl")]
        figures = {
            "cases": float(CASES),
            "wall a case": (time.perf_counter() - wall) / CASES * 1e3,
            "cpu a case, all three parties": (time.process_time() - cpu) / CASES * 1e3,
            "cpu a case, first tenth": tenths[0][0],
            "cpu a case, last tenth": tenths[-1][0],
            "resident after two tenths, MiB": tenths[1][1],
            "resident after all, MiB": tenths[-1][1],
        }
        figures |= {f"cpu a case up to {name}": spent / CASES * 1e3 for name, spent in stages.spent.items()}
        figures["one consume transaction"] = _consume(borough)
        transport.close()
    return figures


def _consume(borough: Borough) -> float:
    """A position, a receipt and an entry."""
    party, times = borough.hub.party, []
    party.store.positions(["mash.bench.responses.none"])
    for index in range(200):
        receipt = Receipt(digest=Digest(os.urandom(32)), topic="x", incarnation=Incarnation.zero(), sequence=index, state="accepted")
        effect = Effect(received=receipt, entries=(note(party, "bench", party.now()),))
        began = time.perf_counter()
        party.store.apply([effect], party.seal, party.now(), Position(topic="mash.bench.responses.none", before=index, after=index + 1))
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


def _tenths(file: Path) -> list[bytes]:
    lines = file.read_bytes().splitlines(keepends=True)
    size = -(-len(lines) // 10)
    return [b"".join(lines[at : at + size]) for at in range(0, len(lines), size)]


def _tenth(borough: Borough, contacts: bytes) -> tuple[float, float]:
    """CPU milliseconds a case, and resident MiB after a tenth of the contacts."""
    cpu = time.process_time()
    borough.hub.intake(contacts, "contacts.jsonl")
    work(borough)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return (time.process_time() - cpu) / contacts.count(b"\n") * 1e3, pages * os.sysconf("SC_PAGE_SIZE") / 2**20
