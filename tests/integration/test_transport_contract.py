"""What every Transport promises, whatever it is made of."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from benches import numbered, publication, read, records_of, skips_of, values

from broker.ports import Extent, Skip, SkipReason
from broker.transport.limits import FRAMING_BYTES, MAX_MESSAGE_BYTES
from schemas.errors import OversizeRecordError, TransportUnavailableError


def test_what_is_published_is_read_by_another_handle_in_order_and_densely(bench):
    topic = bench.topic()
    before = datetime.now(UTC)
    with_keys = [publication(topic, b"%d" % number, key=bytes([number]) * 16) for number in range(250)]
    bench.open().publish(with_keys)
    records = records_of(read(bench.open(), {topic: 0}, lambda all_: len(records_of(all_)) >= 250))
    assert [(record.offset, record.key, record.value) for record in records] == [
        (offset, one.key, one.value) for offset, one in enumerate(with_keys)
    ]
    assert all(timedelta(seconds=-2) < record.appended_at - before < timedelta(seconds=30) for record in records)


def test_no_answer_holds_more_records_than_one_transaction_should(bench):
    topic = bench.topic()
    bench.open().publish(numbered(topic, 250))
    everything = read(bench.open(), {topic: 0}, lambda all_: len(records_of(all_)) >= 250)
    assert max(len(fetched.records) for fetched in everything) <= 100


def test_keys_and_values_are_any_bytes(bench):
    topic = bench.topic()
    sent = [(b"", b""), (b"\0" * 16, bytes(range(256))), (b"k", b"")]
    bench.open().publish([publication(topic, value, key) for key, value in sent])
    records = records_of(read(bench.open(), {topic: 0}, lambda all_: len(records_of(all_)) >= 3))
    assert [(record.key, record.value) for record in records] == sent


@pytest.mark.parametrize("position", [0, 1, 99, 137, 149])
def test_a_topic_is_read_from_any_position(bench, position):
    topic = bench.topic()
    bench.open().publish(numbered(topic, 150))
    assert values(bench.open(), topic, 150 - position, position) == [b"%d" % number for number in range(position, 150)]


def test_a_reader_that_goes_back_gets_the_same_again(bench):
    topic = bench.topic()
    bench.open().publish(numbered(topic, 30))
    reader = bench.open()
    first = values(reader, topic, 30)
    assert values(reader, topic, 30) == first
    assert values(reader, topic, 10, 20) == first[20:]


def test_an_answer_that_was_not_kept_comes_again(bench):
    topic = bench.topic()
    bench.open().publish(numbered(topic, 3))
    reader = bench.open()
    first, second = (read(reader, {topic: 0}, records_of) for _ in range(2))
    assert first[0].before == second[0].before == 0
    assert first[0].records[0] == second[0].records[0]


def test_every_topic_has_its_own_offsets(bench):
    topics = bench.topics(3)
    writer = bench.open()
    for number in range(20):
        writer.publish([publication(topic, b"%d" % number) for topic in topics])
    everything = read(bench.open(), dict.fromkeys(topics, 0), lambda all_: len(records_of(all_)) >= 60)
    for topic in topics:
        assert [(one.offset, one.value) for one in records_of(everything, topic)] == [(number, b"%d" % number) for number in range(20)]


def test_many_topics_are_read_together(bench):
    topics = bench.topics(40)
    writer = bench.open()
    writer.publish([publication(topic, topic.encode()) for topic in topics])
    everything = read(bench.open(), dict.fromkeys(topics, 0), lambda all_: len(records_of(all_)) >= 40)
    assert {record.topic: record.value for record in records_of(everything)} == {topic: topic.encode() for topic in topics}


def test_topics_may_come_and_go_between_two_fetches(bench):
    first, second = bench.topics(2)
    bench.open().publish(numbered(first, 10) + numbered(second, 10))
    reader = bench.open()
    assert len(values(reader, first, 10)) == 10
    everything = read(reader, {first: 5, second: 0}, lambda all_: len(records_of(all_)) >= 15)
    assert [len(records_of(everything, topic)) for topic in (first, second)] == [5, 10]
    assert len(values(reader, second, 3, 7)) == 3


def test_a_quiet_topic_is_left_out_and_the_wait_is_bounded(bench):
    topic = bench.topic()
    writer, reader = bench.open(), bench.open()
    writer.publish(numbered(topic, 5))
    assert len(values(reader, topic, 5)) == 5
    started = time.monotonic()
    assert list(reader.fetch({topic: 5}, 0.5)) == []
    assert 0.45 < time.monotonic() - started < 2.0
    started = time.monotonic()
    assert list(reader.fetch({topic: 5}, 0.0)) == []
    assert time.monotonic() - started < 0.5


def test_a_waiting_reader_wakes_for_a_new_record(bench):
    topic = bench.topic()
    writer, reader = bench.open(), bench.open()
    writer.publish(numbered(topic, 1))
    assert len(values(reader, topic, 1)) == 1
    delays = []
    for number in range(1, 12):
        published_at = []

        def publish(number=number, published_at=published_at):
            writer.publish([publication(topic, b"%d" % number)])
            published_at.append(time.monotonic())

        timer = threading.Timer(0.05, publish)
        timer.start()
        (fetched,) = reader.fetch({topic: number}, 10.0)
        woken_at = time.monotonic()
        timer.join()
        assert [record.value for record in fetched.records] == [b"%d" % number]
        delays.append(woken_at - published_at[0])
    assert sorted(delays)[len(delays) // 2] < 0.1


def test_the_ends_are_those_of_the_topics_that_exist(bench):
    full, empty = bench.topics(2)
    writer = bench.open()
    writer.publish(numbered(full, 7))
    writer.fetch({empty: 0}, 0.1)
    ends = writer.ends([full, "mash.nobody.responses.nowhere"])
    assert ends == {full: Extent(start=0, end=7)}
    assert writer.ends([empty]).get(empty, Extent(start=0, end=0)) == Extent(start=0, end=0)


def test_a_gap_at_the_start_is_told_and_the_rest_is_read(bench, request):
    if "kafka" in request.node.callspec.id:
        request.getfixturevalue("real_kafka")
    topic = bench.topic()
    writer = bench.open()
    writer.publish(numbered(topic, 60))
    reader = bench.open()
    assert len(values(reader, topic, 60)) == 60
    bench.trim(topic, 40)
    for each in (reader, bench.open()):
        everything = read(each, {topic: 10}, lambda all_: len(records_of(all_)) >= 20)
        assert skips_of(everything) == [Skip(first=10, after=40, reason=SkipReason.behind_start)]
        assert [record.offset for record in records_of(everything)] == list(range(40, 60))
    assert writer.ends([topic]) == {topic: Extent(start=40, end=60)}


def test_a_position_beyond_the_end_is_told_and_consumes_nothing(bench):
    topic, other = bench.topics(2)
    bench.open().publish(numbered(topic, 5) + numbered(other, 5))
    reader = bench.open()
    everything = read(reader, {topic: 9, other: 0}, lambda all_: any(one.beyond_end for one in all_) and len(records_of(all_)) >= 5)
    beyond = [(one.topic, one.before, one.after, one.records) for one in everything if one.beyond_end]
    assert set(beyond) == {(topic, 9, 9, ())}
    assert len(records_of(everything, other)) == 5


def test_an_oversize_record_is_refused_before_anything_is_written_and_the_next_is_taken(bench):
    topic = bench.topic()
    writer = bench.open()
    writer.publish(numbered(topic, 1))
    largest = MAX_MESSAGE_BYTES - FRAMING_BYTES - 16
    with pytest.raises(OversizeRecordError, match=topic):
        writer.publish([publication(topic, b"small"), publication(topic, b"x" * (largest + 1))])
    writer.publish([publication(topic, b"x" * largest)])
    writer.publish([publication(topic, b"after")])
    assert [len(value) for value in values(bench.open(), topic, 3)] == [1, largest, 5]


def test_two_writing_processes_share_a_topic_each_in_its_own_order(bench):
    topic = bench.topic()
    bench.open().publish([publication(topic, b"9:0")])
    bench.write_at_once(topic, writers=2, count=150)
    found = records_of(read(bench.open(), {topic: 0}, lambda all_: len(records_of(all_)) >= 301))
    assert [record.offset for record in found] == list(range(301))
    for writer in (0, 1):
        own = [record.value for record in found if record.value.startswith(b"%d:" % writer)]
        assert own == [b"%d:%d" % (writer, number) for number in range(150)]


def test_threads_may_share_a_handle(bench):
    topic = bench.topic()
    shared = bench.open()

    def publish(first):
        for number in range(first, first + 20):
            shared.publish([publication(topic, b"%d" % number)])

    threads = [threading.Thread(target=publish, args=(first,)) for first in (0, 20, 40, 60)]
    for thread in threads:
        thread.start()
    found = values(shared, topic, 80)
    for thread in threads:
        thread.join()
    assert sorted(map(int, found)) == list(range(80))


def test_publishing_nothing_does_nothing(bench):
    topic = bench.topic()
    writer = bench.open()
    writer.publish([])
    writer.publish(numbered(topic, 1))
    assert writer.ends([topic])[topic].end == 1


def test_closing_is_quick_lets_a_waiting_reader_go_and_ends_it_all(bench):
    topic = bench.topic()
    transport = bench.open()
    transport.publish(numbered(topic, 3))
    assert len(values(transport, topic, 3)) == 3
    seen = []

    def wait():
        try:
            seen.append(list(transport.fetch({topic: 3}, 30.0)))
        except TransportUnavailableError:
            seen.append([])

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.2)
    started = time.monotonic()
    transport.close()
    assert time.monotonic() - started < 5.0
    thread.join(5.0)
    assert seen == [[]]
    transport.close()
    with pytest.raises(TransportUnavailableError):
        transport.publish(numbered(topic, 1))
    with pytest.raises(TransportUnavailableError):
        transport.fetch({topic: 0}, 0.1)
