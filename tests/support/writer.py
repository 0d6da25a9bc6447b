"""A writing process: `writer.py file|kafka WHERE TOPIC WRITER COUNT`; COUNT 0 writes one by one, telling each, until it is killed."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from benches import publication, write  # noqa: E402 – the path comes first

from broker.transport.embedded import EmbeddedTransport  # noqa: E402 – likewise
from broker.transport.kafka import KafkaTransport  # noqa: E402 – likewise
from broker.transport.kafka_settings import KafkaSettings  # noqa: E402 – likewise

kind, where, topic, writer, count = sys.argv[1:]
transport = EmbeddedTransport(Path(where)) if kind == "file" else KafkaTransport(KafkaSettings(bootstrap=where))
if int(count):
    write(transport, topic, int(writer), int(count))
    transport.close()
else:
    for number in itertools.count():
        transport.publish([publication(topic, b"%d" % number + b" " * 5000)])
        print(number, flush=True)  # noqa: T201 – its parent reads it
