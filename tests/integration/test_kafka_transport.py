"""What only the Kafka transport has to stand: hostile batches, lost producers, brokers that come and go, TLS."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import raw_kafka
from aiokafka.consumer.fetcher import Fetcher
from benches import ROOT, KafkaBench, numbered, publication, read, records_of, skips_of, values
from kafka_server import own_kafka as start_own_kafka

from broker.ports import Skip, SkipReason
from broker.transport import kafka as module
from broker.transport.kafka import KafkaTransport, create_topics
from broker.transport.kafka_settings import KafkaSettings
from schemas.errors import OversizeRecordError, TransportExhaustedError, TransportUnavailableError

pytestmark = pytest.mark.kafka

NOT_UTF8 = b"\xff\xfe\xff\xfe"
MIB = 1024 * 1024


@pytest.fixture
def bench(kafka_bench):
    return kafka_bench


@pytest.fixture
def own_bench(own_kafka):
    with contextlib.closing(KafkaBench(own_kafka)) as bench:
        yield bench


@pytest.fixture
def lonely_bench(own_kafka, tmp_path):
    """A broker that no other test uses, to be stopped."""
    with start_own_kafka(tmp_path) as broker, contextlib.closing(KafkaBench(broker)) as bench:
        yield bench


def limited_topic(bench, limit):
    """A topic whose broker takes less than we do."""
    topic = bench.topic()
    client = raw_kafka.confluent_kafka.admin.AdminClient({"bootstrap.servers": bench.broker.address})
    entry = raw_kafka.confluent_kafka.admin.ConfigEntry(
        "max.message.bytes", str(limit), incremental_operation=raw_kafka.confluent_kafka.admin.AlterConfigOpType.SET
    )
    resource = raw_kafka.confluent_kafka.admin.ConfigResource("topic", topic, incremental_configs=[entry])
    client.incremental_alter_configs([resource])[resource].result(10)
    return topic


# Poison


@pytest.mark.proves("I14")
def test_poison_in_one_topic_withholds_nothing_of_the_others(bench):
    poisoned, *good = bench.topics(5)
    writer = bench.open()
    for _ in range(3):
        raw_kafka.append_batch(bench.broker.address, poisoned, raw_kafka.batch_of([b"poison"], header=NOT_UTF8))
    writer.publish([one for topic in good for one in numbered(topic, 5)])
    everything = read(
        bench.open(), dict.fromkeys([poisoned, *good], 0), lambda all_: len(records_of(all_)) >= 20 and len(skips_of(all_)) >= 3
    )
    assert len(records_of(everything)) == 20
    assert skips_of(everything) == [Skip(first=n, after=n + 1, reason=SkipReason.undecodable) for n in range(3)]


@pytest.mark.proves("I14")
@pytest.mark.parametrize("size", [1, 10])
def test_a_poisoned_batch_among_a_thousand_costs_only_itself(bench, size):
    topic = bench.topic()
    writer = bench.open()
    writer.publish(numbered(topic, 537))  # so that good records of one answer stand before it
    raw_kafka.append_batch(bench.broker.address, topic, raw_kafka.batch_of([b"poison"] * size, header=NOT_UTF8))
    writer.publish(numbered(topic, 463 - size))
    everything = read(bench.open(), {topic: 0}, lambda all_: len(records_of(all_)) >= 1000 - size)
    assert [record.offset for record in records_of(everything)] == [*range(537), *range(537 + size, 1000)]
    assert skips_of(everything) == [Skip(first=537, after=537 + size, reason=SkipReason.undecodable)]


@pytest.mark.proves("I14")
def test_a_bit_flipped_on_the_brokers_disk_costs_its_batch_alone(own_bench):
    topic = own_bench.topic()
    writer = own_bench.open()
    for first in range(0, 1000, 40):
        writer.publish([publication(topic, b"%08d" % number) for number in range(first, first + 40)])
    (log,) = (own_bench.broker.data / f"{topic}-0").glob("*.log")
    raw = bytearray(log.read_bytes())
    at = raw.index(b"00000555")
    raw[at] ^= 1
    log.write_bytes(raw)
    first, after = raw_kafka.batch_around(bytes(raw), at)
    everything = read(own_bench.open(), {topic: 0}, lambda all_: all_ and all_[-1].after == 1000)
    assert first <= 555 < after
    assert skips_of(everything) == [Skip(first=first, after=after, reason=SkipReason.undecodable)]
    assert [record.offset for record in records_of(everything)] == [*range(first), *range(after, 1000)]


@pytest.mark.proves("I14")
def test_a_reader_may_start_inside_a_poisoned_batch(bench):
    topic = bench.topic()
    raw_kafka.append_batch(bench.broker.address, topic, raw_kafka.batch_of([b"poison"] * 10, header=NOT_UTF8))
    bench.open().publish(numbered(topic, 3))
    everything = read(bench.open(), {topic: 4}, lambda all_: len(records_of(all_)) >= 3)
    assert skips_of(everything) == [Skip(first=4, after=10, reason=SkipReason.undecodable)]


# Compression


@pytest.mark.proves("I19")
@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_compressed_bomb_is_skipped_unopened_and_memory_stays_flat(bench, codec):
    topic = bench.topic()
    size = 16 * MIB if codec == "snappy" else 100 * MIB  # snappy shrinks to a twentieth only, and a batch is 1 MiB at most
    writer = bench.open()
    writer.publish([publication(topic, b"before")])
    raw_kafka.append_compressed(bench.broker.address, topic, codec, bytes(size))
    writer.publish([publication(topic, b"after")])
    told = memory_of("guarded", bench.broker.address, topic, 3)
    assert told["found"] == ["before", "1-2 compressed", "after"]
    assert told["grown"] < 8 * MIB


def test_the_measure_of_memory_sees_a_bomb_that_is_opened(bench):
    topic = bench.topic()
    raw_kafka.append_compressed(bench.broker.address, topic, "gzip", bytes(100 * MIB))
    told = memory_of("bare", bench.broker.address, topic, 1)
    assert told["found"] == [f"{100 * MIB} bytes"]
    assert told["grown"] > 100 * MIB


def test_a_compressed_batch_of_many_records_is_passed_over_in_one_step(bench):
    topic = bench.topic()
    raw_kafka.append_compressed(bench.broker.address, topic, "gzip", b"small", count=5000)
    bench.open().publish([publication(topic, b"after")])
    everything = read(bench.open(), {topic: 0}, lambda all_: len(records_of(all_)) >= 1)
    skips = skips_of(everything)
    assert {skip.reason for skip in skips} == {SkipReason.compressed}
    assert (skips[0].first, skips[-1].after) == (0, 5000)
    assert len(skips) < 20
    assert [record.value for record in records_of(everything)] == [b"after"]


def memory_of(kind, address, topic, count):
    reader = Path(raw_kafka.__file__).with_name("rss_reader.py")
    done = subprocess.run(
        [sys.executable, reader, kind, address, topic, str(count)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


# Places that are no longer, or not yet


def test_a_topic_made_anew_and_a_trimmed_one_are_told_beside_a_good_one(bench):
    anew, trimmed, good = bench.topics(3)
    writer = bench.open()
    writer.publish([one for topic in (anew, trimmed, good) for one in numbered(topic, 30)])
    reader = bench.open()
    assert len(values(reader, anew, 30)) == 30
    raw_kafka.delete_topic(bench.broker.address, anew)
    create_topics(bench.broker.settings, [anew], 1)
    bench.open().publish(numbered(anew, 2))
    bench.trim(trimmed, 20)
    positions = {anew: 30, trimmed: 5, good: 0}
    everything = read(reader, positions, lambda all_: len(records_of(all_)) >= 40 and any(one.beyond_end for one in all_))
    assert {(one.topic, one.before, one.after) for one in everything if one.beyond_end} == {(anew, 30, 30)}
    assert skips_of(everything) == [Skip(first=5, after=20, reason=SkipReason.behind_start)]
    assert [len(records_of(everything, topic)) for topic in (anew, trimmed, good)] == [0, 10, 30]


def test_a_topic_that_is_made_later_is_read_from_then_on(bench):
    late = f"{bench.topic()}-late"
    reader = bench.open()
    assert list(reader.fetch({late: 0}, 0.3)) == []
    create_topics(bench.broker.settings, [late], 1)
    bench.open().publish(numbered(late, 2))
    assert len(values(reader, late, 2)) == 2


def test_a_topic_that_does_not_exist_costs_no_producer(bench, monkeypatch):
    monkeypatch.setattr(module, "KNOWN_SECONDS", 0.5)
    topic = bench.topic()
    writer = bench.open()
    writer.publish(numbered(topic, 1))
    producer = writer._writer._producer
    with pytest.raises(TransportUnavailableError):
        writer.publish([publication(f"{topic}-nowhere", b"x")])
    writer.publish(numbered(topic, 1))
    assert writer._writer._producer is producer


def test_a_topic_nobody_asks_for_any_more_is_dropped(bench, monkeypatch):
    monkeypatch.setattr("broker.transport.lanes.IDLE_SECONDS", 0.0)
    first, second = bench.topics(2)
    bench.open().publish(numbered(first, 1) + numbered(second, 1))
    reader = bench.open()
    assert len(values(reader, first, 1)) == 1
    assert len(values(reader, second, 1)) == 1
    assert [lane.topic for lane in reader._reader.lanes.all()] == [second]
    assert len(values(reader, first, 1)) == 1


def test_a_busy_topic_holds_up_no_quiet_one(bench):
    busy, quiet = bench.topics(2)
    writer, reader = bench.open(), bench.open()
    writer.publish(numbered(quiet, 1))
    for _ in range(30):
        writer.publish([publication(busy, b"x" * 30_000) for _ in range(40)])
    sent_at, delays = [time.monotonic()], []

    def publish():
        for number in range(1, 15):
            sent_at.append(time.monotonic())
            writer.publish([publication(quiet, b"%d" % number)])
            time.sleep(0.06)

    thread = threading.Thread(target=publish)
    positions = {busy: 0, quiet: 0}
    read(reader, {quiet: 0}, records_of)
    thread.start()
    deadline = time.monotonic() + 20
    while positions[quiet] < 15:
        assert time.monotonic() < deadline
        for fetched in reader.fetch(positions, 1.0):
            positions[fetched.topic] = fetched.after % 1200 if fetched.topic == busy else fetched.after  # round and round
            delays += [time.monotonic() - sent_at[record.offset] for record in fetched.records if record.topic == quiet]
        time.sleep(0.004)  # what a transaction takes
    thread.join()
    assert sorted(delays[1:])[7] < 0.06  # 8 ms as a rule; 30 ms with aiokafka's own setting
    assert reader._reader._consumer._fetcher._prefetch_backoff == 0.0
    assert "_prefetch_backoff" in Fetcher._proc_fetch_request.__code__.co_names


# Producers


def test_a_batch_the_cluster_refuses_is_oversize_and_the_next_publication_works(bench):
    small, other = limited_topic(bench, 64 * 1024), bench.topic()
    writer = bench.open()
    writer.publish(numbered(small, 2))
    first = writer._writer._producer
    with pytest.raises(OversizeRecordError, match=r"max\.message\.bytes"):
        writer.publish([publication(small, b"x" * 100_000)])
    writer.publish(numbered(small, 2) + numbered(other, 2))
    assert writer._writer._producer is not first
    assert values(bench.open(), small, 4) == [b"0", b"1", b"0", b"1"]


def test_many_good_records_are_not_refused_for_their_sum(bench):
    small = limited_topic(bench, 64 * 1024)
    bench.open().publish([publication(small, b"x" * 30_000) for _ in range(12)])
    assert len(values(bench.open(), small, 12)) == 12


def test_three_lost_producers_in_five_minutes_end_the_process(bench):
    small = limited_topic(bench, 64 * 1024)
    writer = bench.open()
    for _ in range(2):
        with pytest.raises(OversizeRecordError):
            writer.publish([publication(small, b"x" * 100_000)])
    with pytest.raises(TransportExhaustedError):
        writer.publish([publication(small, b"x" * 100_000)])
    with pytest.raises(TransportExhaustedError):
        writer.publish(numbered(small, 1))


def test_three_lost_producers_in_a_longer_time_do_not(bench, monkeypatch):
    monkeypatch.setattr(module, "DISCARD_SECONDS", 0.0)
    small = limited_topic(bench, 64 * 1024)
    writer = bench.open()
    for _ in range(4):
        with pytest.raises(OversizeRecordError):
            writer.publish([publication(small, b"x" * 100_000)])
    writer.publish(numbered(small, 1))


def test_a_refused_batch_fails_every_thread_that_shares_the_producer_and_the_next_works(bench):
    small = limited_topic(bench, 64 * 1024)
    writer = bench.open()
    writer.publish(numbered(small, 1))
    raised = []

    def publish():
        try:
            writer.publish([publication(small, b"x" * 100_000)])
        except (OversizeRecordError, TransportUnavailableError) as error:
            raised.append(error)

    threads = [threading.Thread(target=publish) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(raised) == 2
    writer.publish(numbered(small, 1))


def test_a_producer_is_discarded_once_however_many_sends_it_failed(bench):
    topic = bench.topic()
    writer = bench.open()
    writer.publish(numbered(topic, 1))
    producer = writer._writer._producer

    async def discard_twice():
        await asyncio.gather(writer._writer._discard(producer), writer._writer._discard(producer))

    writer._thread.call(discard_twice(), 10)
    assert len(writer._writer._discarded) == 1
    writer.publish(numbered(topic, 1))


# Brokers that stop


def test_a_broker_that_stops_answering_makes_a_send_unknown_and_nothing_is_lost(lonely_bench, monkeypatch):
    monkeypatch.setattr(module, "SEND_SECONDS", 1.0)
    topic = lonely_bench.topic()
    writer, reader = lonely_bench.open(), lonely_bench.open()
    writer.publish([publication(topic, b"before")])
    assert values(reader, topic, 1) == [b"before"]
    os.kill(lonely_bench.broker.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(TransportUnavailableError):
            writer.publish([publication(topic, b"during")])
        assert time.monotonic() - started < 6.0
    finally:
        os.kill(lonely_bench.broker.pid, signal.SIGCONT)
    writer.publish([publication(topic, b"during")])
    writer.publish([publication(topic, b"after")])
    found = [
        record.value for record in records_of(read(reader, {topic: 1}, lambda all_: b"after" in [one.value for one in records_of(all_)]))
    ]
    assert found in ([b"during", b"after"], [b"during", b"during", b"after"])


def test_no_broker_is_unavailable_at_once(bench):
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        settings = KafkaSettings(bootstrap=f"127.0.0.1:{taken.getsockname()[1]}")
        with contextlib.closing(KafkaTransport(settings)) as transport:
            for ask in (
                lambda: transport.publish([publication("t", b"x")]),
                lambda: transport.fetch({"t": 0}, 0.1),
                lambda: transport.ends(["t"]),
                lambda: create_topics(settings, ["t"], 1),
            ):
                started = time.monotonic()
                with pytest.raises(TransportUnavailableError):
                    ask()
                assert time.monotonic() - started < 5.0
            assert not transport._writer._discarded


def test_a_port_that_never_answers_is_unavailable_in_bounded_time(monkeypatch):
    monkeypatch.setattr(module, "START_SECONDS", 0.5)
    with contextlib.closing(socket.socket()) as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with contextlib.closing(KafkaTransport(KafkaSettings(bootstrap=f"127.0.0.1:{mute.getsockname()[1]}"))) as transport:
            started = time.monotonic()
            with pytest.raises(TransportUnavailableError):
                transport.publish([publication("t", b"x")])
            with pytest.raises(TransportUnavailableError):
                transport.fetch({"t": 0}, 0.1)
            assert time.monotonic() - started < 9.0


def test_a_reader_whose_fetching_died_silently_is_made_anew(bench):
    topic = bench.topic()
    writer, reader = bench.open(), bench.open()
    writer.publish(numbered(topic, 5))
    assert len(values(reader, topic, 5)) == 5
    dead = reader._reader._consumer
    reader._thread.post(dead._fetcher._fetch_task.cancel)
    writer.publish(numbered(topic, 5))
    assert len(values(reader, topic, 5, 5)) == 5
    assert reader._reader._consumer is not dead


def test_health_tells_a_stuck_loop(bench, monkeypatch):
    topic = bench.topic()
    transport = bench.open()
    transport.publish(numbered(topic, 1))
    assert len(values(transport, topic, 1)) == 1
    monkeypatch.setattr(module, "STALE_SECONDS", 1.0)
    assert transport.healthy()
    stuck = threading.Event()
    transport._thread.post(lambda: stuck.wait(10))
    deadline = time.monotonic() + 5
    while transport.healthy():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    stuck.set()
    deadline = time.monotonic() + 5
    while not transport.healthy():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# Set-up


def test_topics_are_made_as_designed_and_only_once(bench):
    names = [f"{bench.topic()}-made", "mash.snapshots", "mash.directory"]
    for _ in range(2):
        create_topics(bench.broker.settings, names, 1)
    found = {name: raw_kafka.configs(bench.broker.address, name) for name in names}
    for one in found.values():
        assert one["compression.type"] == "producer"
        assert one["message.timestamp.type"] == "LogAppendTime"
        assert one["max.message.bytes"] == "1048576"
        assert one["min.insync.replicas"] == "1"
        assert one["cleanup.policy"] == "delete"
        assert one["unclean.leader.election.enable"] == "false"
    days = [int(found[name]["retention.ms"]) / 86_400_000 for name in names]
    assert days[:2] == [15, 2]
    assert found["mash.directory"]["retention.ms"] == "-1"


def test_a_refused_topic_is_named(bench):
    with pytest.raises(TransportUnavailableError, match="not a name"):
        create_topics(bench.broker.settings, ["not a name"], 1)


def test_aiokafka_never_logs_requests(bench):
    logging.getLogger("aiokafka").setLevel(logging.DEBUG)
    bench.open()
    assert not logging.getLogger("aiokafka.conn").isEnabledFor(logging.DEBUG)


# TLS


@pytest.fixture
def mtls(own_kafka):
    """Settings that the TLS listener accepts."""
    certfile, keyfile = own_kafka.certificates.client
    return KafkaSettings(bootstrap=own_kafka.tls_address, cafile=own_kafka.certificates.ca, certfile=certfile, keyfile=keyfile)


@contextlib.contextmanager
def opened(settings):
    with contextlib.closing(KafkaTransport(settings)) as transport:
        yield transport


def test_the_right_certificate_is_let_in(own_bench, mtls):
    topic = own_bench.topic()
    with opened(mtls) as transport:
        transport.publish(numbered(topic, 3))
        assert len(values(transport, topic, 3)) == 3
        assert transport.ends([topic])[topic].end == 3
    create_topics(mtls, [f"{topic}-tls"], 1)
    assert set(own_bench.open().ends([f"{topic}-tls"])) == {f"{topic}-tls"}


@pytest.mark.parametrize("wrong", ["none", "stranger", "plain", "server"])
def test_a_wrong_one_is_kept_out(own_bench, own_kafka, mtls, wrong):
    topic = own_bench.topic()
    certfile, keyfile = own_kafka.certificates.stranger
    settings = {
        "none": dataclasses.replace(mtls, certfile=None, keyfile=None),
        "stranger": dataclasses.replace(mtls, certfile=certfile, keyfile=keyfile),
        "plain": KafkaSettings(bootstrap=mtls.bootstrap),
        "server": dataclasses.replace(mtls, cafile=certfile),  # we do not believe the server
    }[wrong]
    with opened(settings) as transport:
        for ask in (
            lambda: transport.publish(numbered(topic, 1)),
            lambda: transport.fetch({topic: 0}, 0.1),
            lambda: transport.ends([topic]),
        ):
            with pytest.raises(TransportUnavailableError):
                ask()
    assert own_bench.open().ends([topic])[topic].end == 0


def test_a_certificate_is_renewed_without_a_restart(own_bench, own_kafka, mtls, tmp_path):
    topic = own_bench.topic()
    certfile, keyfile = tmp_path / "certificate.pem", tmp_path / "certificate.key"

    def install(pair):
        shutil.copy(pair[0], certfile)
        shutil.copy(pair[1], keyfile)

    install(own_kafka.certificates.stranger)
    with opened(dataclasses.replace(mtls, certfile=certfile, keyfile=keyfile)) as transport:
        with pytest.raises(TransportUnavailableError):
            transport.publish(numbered(topic, 1))
        install(own_kafka.certificates.client)
        with pytest.raises(TransportUnavailableError):
            transport.publish(numbered(topic, 1))
        transport.reload_certificate()
        transport.publish(numbered(topic, 1))
        assert len(values(transport, topic, 1)) == 1
