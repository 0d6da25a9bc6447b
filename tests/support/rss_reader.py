"""A reading process that tells how its memory grew: `rss_reader.py guarded|bare ADDRESS TOPIC COUNT`, one JSON object on stdout.

`guarded` reads with our transport until COUNT offsets are passed; `bare` asks aiokafka alone, as the control.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from aiokafka import AIOKafkaConsumer, TopicPartition  # noqa: E402 – the path comes first

from broker.transport.kafka import KafkaTransport  # noqa: E402 – likewise
from broker.transport.kafka_settings import KafkaSettings  # noqa: E402 – likewise


def peak() -> int:
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))[1]) * 1024


def guarded(address: str, topic: str, count: int) -> tuple[list[str], int]:
    transport = KafkaTransport(KafkaSettings(bootstrap=address))
    list(transport.fetch({topic: 0}, 0.0))
    base, position, found = peak(), 0, []
    deadline = time.monotonic() + 30
    while position < count and time.monotonic() < deadline:
        for fetched in transport.fetch({topic: position}, 1.0):
            found += [f"{skip.first}-{skip.after} {skip.reason}" for skip in fetched.skips]
            found += [record.value.decode() for record in fetched.records]
            position = fetched.after
    transport.close()
    return found, peak() - base


async def bare(address: str, topic: str, count: int) -> tuple[list[str], int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=address)
    await consumer.start()
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek(partition, 0)
    base, found = peak(), []
    while len(found) < count:
        records = await consumer.getmany(partition, timeout_ms=5000)
        found += [f"{len(record.value)} bytes" for record in records.get(partition, [])]
    await consumer.stop()
    return found, peak() - base


kind, address, topic, count = sys.argv[1:]
found, grown = guarded(address, topic, int(count)) if kind == "guarded" else asyncio.run(bare(address, topic, int(count)))
print(json.dumps({"found": found, "grown": grown}))  # noqa: T201 – its parent reads it
