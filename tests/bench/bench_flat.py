"""What one more case costs when many are stored: CPU a case of hub, police and trust in one process, as their stores fill up.

`MASH_BENCH_STORED` says how many cases the stores hold at each measurement (100 to 100000 unless told). Beyond the cases that were
worked, rows are piled up: as many a case as a real one has, under random names, in every table and in the transport, with short
contents in place of the padded ones, indexed and signed by the log's own sequencer. The aim is a flat line (ratio 1).
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from agents.cli.agencies import Agencies
from agents.cli.compose import adapter_of, hub_of
from agents.cli.demo import Borough, prepare
from agents.demo.ceremony import MEMBERS, renew
from broker.follow import publish_statements
from broker.party import utc_now
from broker.transport.embedded import EmbeddedTransport

STORED = [int(each) for each in os.environ.get("MASH_BENCH_STORED", "100,1000,10000,100000").split(",")]
MORE = 40  # cases worked at each size
BATCH = 5000  # cases piled up in one transaction
NAMED = """
CREATE TEMP TABLE named AS
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
    SELECT i, lower(hex(randomblob(18))) AS case_id FROM n;
"""
OF_A_CASE = """
CREATE TEMP TABLE model AS SELECT case_id FROM event ORDER BY id DESC LIMIT 1;
CREATE TEMP TABLE before AS SELECT max(id) AS id FROM entry;
INSERT INTO event (case_id, digest, kind, sender, at, enveloped, key_id, content)
    SELECT n.case_id, randomblob(32), m.kind, m.sender, m.at, m.enveloped, randomblob(16), zeroblob(256)
    FROM named n, event m WHERE m.case_id = (SELECT case_id FROM model);
INSERT INTO mention (name, digest, case_id)
    SELECT randomblob(32), randomblob(32), n.case_id FROM named n, mention m WHERE m.case_id = (SELECT case_id FROM model);
INSERT INTO work (id, kind, case_id, digest, not_before, done)
    SELECT m.kind || '/' || hex(randomblob(16)), m.kind, n.case_id, randomblob(32), m.not_before, 1
    FROM named n, work m WHERE m.case_id = (SELECT case_id FROM model);
INSERT INTO received (digest, topic, incarnation, sequence, state)
    SELECT randomblob(32), m.topic, randomblob(16), m.sequence, m.state FROM named n, (SELECT * FROM received LIMIT 4) m;
INSERT INTO outbox (topic, recipient, key, value, digest, state)
    SELECT m.topic, m.recipient, m.key, zeroblob(256), randomblob(32), 'sent'
    FROM named n, (SELECT * FROM outbox WHERE state = 'sent' LIMIT 3) m;
INSERT INTO entry (key_name, leaf, sealed)
    SELECT 'entry/' || n.case_id || '/-', randomblob(32), zeroblob(64) FROM named n, (SELECT 1 FROM entry LIMIT 40);
INSERT INTO unindexed SELECT id FROM entry WHERE id > (SELECT id FROM before);
"""
KEYS_OF_A_CASE = """
INSERT INTO case_key (name, wrapped)
    SELECT 'entry/' || n.case_id || '/' || m.i, zeroblob(60) FROM named n, (SELECT i FROM named LIMIT 4) m;
INSERT INTO content_key (id, case_name, wrapped)
    SELECT randomblob(16), 'case/' || n.case_id, zeroblob(60) FROM named n, (SELECT i FROM named LIMIT 5) m;
"""
ON_THE_WIRE = """
INSERT INTO record (topic, offset, appended_at, key, value) SELECT 'mash.bench.pile', {first} + n.i, 0, x'00', zeroblob(256) FROM named n;
"""


def measure() -> dict[str, float]:
    """Figures by name; milliseconds of CPU a case."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "borough"
        prepare(folder, STORED[0] + MORE * len(STORED), 47, people=2000, members=MEMBERS[:3])
        transport = EmbeddedTransport(folder / "transport.sqlite")
        publish_statements(transport, renew(folder, utc_now()))
        hub = hub_of(folder / "hub", transport)
        adapters = tuple(adapter_of(folder / each.folder, transport) for each in MEMBERS[1:3])
        borough = Borough(hub=hub, agencies=Agencies(adapters), transport=transport)
        lines = (folder / "contacts.jsonl").read_bytes().splitlines(keepends=True)
        _cases(borough, lines[: STORED[0]])
        held, figures = STORED[0], dict[str, float]()
        for at, stored in enumerate(STORED):
            while held < stored:
                count = min(BATCH, stored - held)
                _pile(borough, folder, count, held)
                held += count
                sys.stderr.write(f"{held} cases stored\n")
            first = STORED[0] + at * MORE
            figures[f"cpu a case at {stored} stored"] = _cases(borough, lines[first : first + MORE])
            held += MORE
        figures["ratio of the last to the first"] = (
            figures[f"cpu a case at {STORED[-1]} stored"] / figures[f"cpu a case at {STORED[0]} stored"]
        )
        borough.agencies.close()
        hub.party.store.close()
        transport.close()
    return figures


def _cases(borough: Borough, lines: list[bytes]) -> float:
    """Work so many contacts, until nothing moves; CPU milliseconds a case."""
    began = time.process_time()
    borough.hub.intake(b"".join(lines), "contacts.jsonl")
    services = (borough.hub, *borough.agencies.adapters)
    while any([each.step() for each in services]):  # noqa: C419 - each takes its turn
        pass
    for each in services:
        each.tick()
    return (time.process_time() - began) / len(lines) * 1e3


def _pile(borough: Borough, folder: Path, count: int, held: int) -> None:
    """So many cases more in every party's store, its keys and the transport, and their entries under a signed checkpoint."""
    for service in (borough.hub, *borough.agencies.adapters):
        place = service.party.folder.path
        _run(place / "store.sqlite", count, OF_A_CASE)
        _run(place / "keys.db", count, KEYS_OF_A_CASE)
        service.tick()
    _run(folder / "transport.sqlite", count, ON_THE_WIRE.format(first=held * 10))


def _run(file: Path, count: int, script: str) -> None:
    with closing(sqlite3.connect(file, timeout=30)) as database:
        database.executescript("PRAGMA synchronous=OFF; BEGIN;" + NAMED.format(count=count) + script + "COMMIT;")
