"""Sealed records through our transport over a real Kafka, as a ratio to the same bytes through bare aiokafka in the same run."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka_server import some_kafka

from broker.ports import Publication
from broker.transport.kafka import KafkaTransport, create_topics
from broker.transport.kafka_settings import KafkaSettings

RECORDS, SIZE, ROUNDS, BATCH = 2000, 4096, 3, 100


def measure() -> dict[str, float]:
    """Records a second, and the ratio."""
    with tempfile.TemporaryDirectory() as place, some_kafka(Path(place), os.environ | {"MASH_REQUIRE_KAFKA": "1"}) as broker:
        bootstrap = broker.address
        ours, bare = [], []
        for _ in range(ROUNDS):
            names = [f"mash.bench.requests.{os.urandom(4).hex()}" for _ in range(2)]
            create_topics(KafkaSettings(bootstrap=bootstrap), names, 1)
            ours.append(_ours(bootstrap, names[0]))
            bare.append(asyncio.run(_bare(bootstrap, names[1])))
    figures = {"ours, records/s": RECORDS / statistics.median(ours), "bare aiokafka, records/s": RECORDS / statistics.median(bare)}
    return figures | {"ours / bare, time": statistics.median(ours) / statistics.median(bare)}


def _ours(bootstrap: str, topic: str) -> float:
    transport = KafkaTransport(KafkaSettings(bootstrap=bootstrap))
    record = Publication(topic=topic, key=bytes(16), value=os.urandom(SIZE))
    began, position = time.perf_counter(), 0
    for _ in range(0, RECORDS, BATCH):
        transport.publish([record] * BATCH)
    while position < RECORDS:
        for batch in transport.fetch({topic: position}, 1):
            position = batch.after
    took = time.perf_counter() - began
    transport.close()
    return took


async def _bare(bootstrap: str, topic: str) -> float:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all")
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await producer.start()
    await consumer.start()
    value = os.urandom(SIZE)
    began = time.perf_counter()
    for _ in range(0, RECORDS, BATCH):
        sent = [await producer.send(topic, value, key=bytes(16)) for _ in range(BATCH)]
        await asyncio.gather(*sent)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek(partition, 0)
    seen = 0
    while seen < RECORDS:
        for records in (await consumer.getmany(partition, timeout_ms=1000)).values():
            seen += len(records)
    took = time.perf_counter() - began
    await producer.stop()
    await consumer.stop()
    return took
