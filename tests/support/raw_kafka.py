"""What our own transport never does to Kafka: hostile batches, trimmed and deleted topics."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time

import confluent_kafka.admin
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

CRC_AT, CRC_FROM = 17, 21  # in the head of a batch: where its checksum stands, and from where it is taken


def batch_of(values, *, header=b"good"):
    """The bytes of one batch; a `header` that is no UTF-8 makes its records unreadable and its checksum right."""
    builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 1 << 20)
    for delta, value in enumerate(values):
        builder.append(delta, None, b"k" * 16, value, [("HEAD", b"")] if header != b"good" else [])
    raw = bytearray(builder.build())
    if header != b"good":
        assert len(header) == 4
        raw = bytearray(bytes(raw).replace(b"HEAD", header))
        raw[CRC_AT:CRC_FROM] = struct.pack(">I", calc_crc32c(bytes(raw[CRC_FROM:])))
    return bytes(raw)


def batch_around(log, at):
    """First offset of the batch that holds byte `at` of a log file, and one past its last."""
    start = 0
    while True:
        base, length = struct.unpack_from(">qi", log, start)
        (last,) = struct.unpack_from(">i", log, start + 23)
        if start <= at < start + 12 + length:
            return base, base + last + 1
        start += 12 + length


def append_batch(address, topic, batch):
    """Send the bytes of a batch as they are."""

    async def send():
        client = AIOKafkaClient(bootstrap_servers=address)
        await client.bootstrap()
        try:
            await client._wait_on_metadata(topic)
            node = client.cluster.leader_for_partition(TopicPartition(topic, 0))
            answer = await client.send(node, ProduceRequest(None, -1, 5000, [(topic, [(0, batch)])]))
            return for_code(answer.topics[0][1][0][1])
        finally:
            await client.close()

    deadline = time.monotonic() + 10
    while (error := asyncio.run(send())) is not NoError:
        assert error.retriable, error  # a topic that was made just now may have no leader yet
        assert time.monotonic() < deadline, error
        time.sleep(0.05)


def append_compressed(address, topic, codec, value, count=1):
    """Send `count` records in one batch compressed by `codec`, with librdkafka."""
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": address, "compression.type": codec, "linger.ms": 50, "message.max.bytes": 1_000_000_000, "log_level": 3}
    )
    failures = []
    for _ in range(count):
        producer.produce(topic, value, partition=0, on_delivery=lambda error, _: failures.append(error))
    assert producer.flush(60) == 0
    assert failures == [None] * count


def delete_records(address, topic, before):
    """Move the start of a topic to `before`."""
    with contextlib.suppress(KeyError):
        _admin(address, lambda admin: admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before)}))


def delete_topic(address, topic):
    """Remove a topic, and wait until it is gone."""
    _admin(address, lambda admin: admin.delete_topics([topic]))
    deadline = time.monotonic() + 10
    while topic in _admin(address, lambda admin: admin.list_topics()):
        assert time.monotonic() < deadline, f"{topic} was not deleted"
        time.sleep(0.05)


def configs(address, topic):
    """The configuration of a topic as the broker tells it."""
    client = confluent_kafka.admin.AdminClient({"bootstrap.servers": address})
    resource = confluent_kafka.admin.ConfigResource("topic", topic)
    return {name: entry.value for name, entry in client.describe_configs([resource])[resource].result(10).items()}


def _admin(address, work):
    async def run():
        admin = AIOKafkaAdminClient(bootstrap_servers=address)
        await admin.start()
        try:
            return await work(admin)
        finally:
            await admin.close()

    return asyncio.run(run())
