"""What only the embedded transport promises: one file, several processes, kill -9."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading

import pytest
from benches import ROOT, WRITER, FileBench, numbered, publication, read, records_of, skips_of, values

from broker.ports import Skip, SkipReason
from broker.transport.embedded import FETCH_BYTES, EmbeddedTransport
from schemas.errors import ConfigurationError, TransportUnavailableError


@pytest.fixture
def bench(tmp_path):
    with contextlib.closing(FileBench(tmp_path)) as bench:
        yield bench


@pytest.mark.proves("I13")
@pytest.mark.parametrize("kill_after", [1, 20, 57])
def test_what_publish_returned_for_survives_kill_9(bench, kill_after):
    topic = bench.topic()
    command = [sys.executable, WRITER, *bench.named(), topic, "0", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        told = [int(process.stdout.readline()) for _ in range(kill_after)]
        process.kill()
        told += [int(line) for line in process.stdout.read().splitlines() if line]
    assert process.returncode == -9
    reopened = bench.open()
    end = reopened.ends([topic])[topic].end
    assert end >= len(told) >= kill_after
    assert [int(value) for value in values(reopened, topic, end)] == list(range(end))
    reopened.publish([publication(topic, b"after")])
    assert values(reopened, topic, 1, end) == [b"after"]


def test_four_processes_may_create_the_file_at_once(bench):
    topic = bench.topic()
    bench.write_at_once(topic, writers=4, count=50)
    found = records_of(read(bench.open(), {topic: 0}, lambda all_: len(records_of(all_)) >= 200))
    assert [record.offset for record in found] == list(range(200))
    assert len({record.value for record in found}) == 200


def test_a_publication_is_whole_or_not_at_all(bench):
    first, second = bench.topics(2)
    writer = bench.open()
    writer.publish(numbered(first, 3))
    with contextlib.closing(sqlite3.connect(bench.path)) as connection:
        refuse = f"WHEN new.topic = '{second}' BEGIN SELECT raise(ABORT, 'no'); END"
        connection.execute(f"CREATE TRIGGER refuse BEFORE INSERT ON record {refuse}")
    with pytest.raises(TransportUnavailableError):
        writer.publish(numbered(first, 2) + numbered(second, 2))
    assert {topic: extent.end for topic, extent in writer.ends([first, second]).items()} == {first: 3}


def test_every_connection_syncs_fully_and_writes_ahead(bench):
    transport = bench.open()
    with transport._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_one_answer_is_bounded_in_bytes(bench):
    topic = bench.topic()
    writer = bench.open()
    for _ in range(12):
        writer.publish([publication(topic, b"x" * 900_000)])
    everything = read(writer, {topic: 0}, lambda all_: len(records_of(all_)) >= 12)
    assert max(sum(len(record.value) for record in fetched.records) for fetched in everything) < FETCH_BYTES + 900_001
    assert len(everything) > 1


@pytest.mark.parametrize(("before", "start"), [(-5, 0), (0, 0), (3, 3), (5, 5), (99, 5)])
def test_trimming_moves_the_start_forward_and_never_past_the_end(bench, before, start):
    topic = bench.topic()
    transport = bench.open()
    transport.publish(numbered(topic, 5))
    transport.trim(topic, before)
    transport.trim(topic, 0)
    transport.trim("mash.nobody", 7)
    assert (transport.ends([topic])[topic].start, transport.ends([topic])[topic].end) == (start, 5)
    transport.publish(numbered(topic, 1))
    assert transport.ends([topic])[topic].end == 6


def test_a_topic_that_was_trimmed_whole_tells_the_gap(bench):
    topic = bench.topic()
    transport = bench.open()
    transport.publish(numbered(topic, 5))
    transport.trim(topic, 5)
    (fetched,) = transport.fetch({topic: 2}, 0.0)
    assert (fetched.after, fetched.records) == (5, ())
    assert skips_of([fetched]) == [Skip(first=2, after=5, reason=SkipReason.behind_start)]


def test_a_topic_is_made_by_its_first_reader(bench):
    topic = bench.topic()
    transport = bench.open()
    assert transport.ends([topic]) == {}
    assert list(transport.fetch({topic: 0}, 0.0)) == []
    assert transport.ends([topic])[topic].end == 0


def test_a_file_of_another_format_is_refused_by_name(bench):
    bench.open()
    with contextlib.closing(sqlite3.connect(bench.path)) as connection:
        connection.execute("PRAGMA user_version=7")
    with pytest.raises(ConfigurationError, match=r"log\.sqlite.*format 7"):
        EmbeddedTransport(bench.path)


def test_a_database_of_someone_else_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "store.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(ConfigurationError, match=r"store\.sqlite"):
        EmbeddedTransport(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to look at " * 40, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"notes\.txt"):
        EmbeddedTransport(path)


def test_a_folder_that_is_missing_is_unavailable_and_named(tmp_path):
    with pytest.raises(TransportUnavailableError):
        EmbeddedTransport(tmp_path / "nowhere" / "log.sqlite")


def test_a_writer_that_holds_the_lock_makes_others_wait_not_fail(bench):
    topic = bench.topic()
    transport = bench.open()
    transport.publish(numbered(topic, 1))
    holder = sqlite3.connect(bench.path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    assert len(values(bench.open(), topic, 1)) == 1  # readers are not held up
    timer = threading.Timer(0.3, lambda: (holder.execute("COMMIT"), holder.close()))
    timer.start()
    transport.publish(numbered(topic, 1))
    timer.join()
    assert transport.ends([topic])[topic].end == 2
