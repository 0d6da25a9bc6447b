"""One bench for each transport: how a test opens it, names topics in it, trims them, and writes from elsewhere."""

from __future__ import annotations

import itertools
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path

import raw_kafka

from broker.ports import Publication
from broker.transport.embedded import EmbeddedTransport
from broker.transport.kafka import KafkaTransport, create_topics

ROOT = Path(__file__).resolve().parents[2]
WRITER = Path(__file__).with_name("writer.py")


class Bench:
    """Opens handles on one log, and closes them all."""

    def __init__(self):
        self._open = []
        self._names = itertools.count()
        self._run = secrets.token_hex(4)  # a broker outlives a test

    def open(self):
        transport = self.connect()
        self._open.append(transport)
        return transport

    def topics(self, count):
        return [f"mash.test-{self._run}.responses.t{next(self._names)}" for _ in range(count)]

    def topic(self):
        return self.topics(1)[0]

    def write_at_once(self, topic, writers, count):
        """Let `writers` processes append `count` records each at the same time."""
        processes = [
            subprocess.Popen([sys.executable, "-W", "error", WRITER, *self.named(), topic, str(number), str(count)], cwd=ROOT)
            for number in range(writers)
        ]
        assert [process.wait(60) for process in processes] == [0] * writers

    def close(self):
        for transport in self._open:
            transport.close()


class FileBench(Bench):
    def __init__(self, folder):
        super().__init__()
        self.path = folder / "log.sqlite"

    def connect(self):
        return EmbeddedTransport(self.path)

    def named(self):
        return ["file", str(self.path)]

    def trim(self, topic, before):
        self.open().trim(topic, before)


class MemoryBench(Bench):
    """One object, since such a log lives in it; "elsewhere" is another thread."""

    def __init__(self):
        super().__init__()
        self._one = EmbeddedTransport(None)

    def connect(self):
        return self._one

    def trim(self, topic, before):
        self._one.trim(topic, before)

    def write_at_once(self, topic, writers, count):
        threads = [threading.Thread(target=write, args=(self._one, topic, number, count)) for number in range(writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)


class KafkaBench(Bench):
    def __init__(self, broker):
        super().__init__()
        self.broker = broker

    def connect(self):
        return KafkaTransport(self.broker.settings)

    def topics(self, count):
        names = super().topics(count)
        if self.broker.real:  # the mock cluster makes them when first written to
            create_topics(self.broker.settings, names, 1)
        return names

    def named(self):
        return ["kafka", self.broker.address]

    def trim(self, topic, before):
        raw_kafka.delete_records(self.broker.address, topic, before)


def publication(topic, value, key=b"k" * 16):
    return Publication(topic=topic, key=key, value=value)


def numbered(topic, count):
    return [publication(topic, b"%d" % number) for number in range(count)]


def write(transport, topic, writer, count):
    """Append the values `writer:0`, `writer:1`, … in batches of ten."""
    for first in range(0, count, 10):
        transport.publish([publication(topic, b"%d:%d" % (writer, number)) for number in range(first, min(first + 10, count))])


def read(transport, positions, until, seconds=20.0):
    """Fetch from `positions` until `until(fetched so far)`; every answer must follow on the one before."""
    positions, everything = dict(positions), []
    deadline = time.monotonic() + seconds
    while not until(everything):
        assert time.monotonic() < deadline, f"not all within {seconds} s: {[(one.topic, one.after) for one in everything][-10:]}"
        for fetched in transport.fetch(positions, 1.0):
            assert fetched.before == positions[fetched.topic]
            positions[fetched.topic] = fetched.after
            everything.append(fetched)
    return everything


def records_of(everything, topic=None):
    return [record for fetched in everything for record in fetched.records if topic in {None, record.topic}]


def skips_of(everything):
    return [skip for fetched in everything for skip in fetched.skips]


def values(transport, topic, count, position=0):
    """The values of the next `count` records of a topic."""
    found = records_of(read(transport, {topic: position}, lambda all_: len(records_of(all_)) >= count))
    return [record.value for record in found]
