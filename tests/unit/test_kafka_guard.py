"""A compressed batch is never opened, and every fault of a batch says where the batch ends, in both twins of aiokafka."""

from __future__ import annotations

import gzip
import importlib
from functools import partial

import pytest
from aiokafka import codec
from aiokafka.consumer import fetcher
from aiokafka.record import _crecords, default_records, memory_records
from aiokafka.structs import TopicPartition

from broker.ports import SkipReason
from broker.transport import kafka
from broker.transport.kafka_guard import UNKNOWN_END, GuardedBatches, RefusedBatchError

TWINS = {
    "python": (memory_records._MemoryRecordsPy, default_records._DefaultRecordBatchPy),
    "c": (_crecords.MemoryRecords, _crecords.DefaultRecordBatch),
}
CODEC_NUMBERS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
AT_ATTRIBUTES = 22  # the byte of a batch's head that tells its codec
AT_MAGIC = 16


def batch(count=3, codec_number=0, first=10):
    builder = default_records._DefaultRecordBatchBuilderPy(2, 1 if codec_number == 1 else 0, 0, -1, -1, -1, 1 << 20)
    for delta in range(count):
        builder.append(delta, 0, b"key", b"value" * 20, [])
    raw = builder.build()
    raw[0:8] = first.to_bytes(8, "big")
    raw[AT_ATTRIBUTES] |= codec_number
    return bytes(raw)


@pytest.fixture(params=TWINS)
def read(request, monkeypatch):
    """Guarded batches over one twin; the parts of aiokafka that the Python twin looks up are its own."""
    reader, modern = TWINS[request.param]
    monkeypatch.setattr(memory_records, "DefaultRecordBatch", default_records._DefaultRecordBatchPy)
    return partial(GuardedBatches, reader, modern)


def test_a_plain_batch_is_read_as_it_is(read):
    batches = read(batch() + batch(first=13))
    assert batches.size_in_bytes() == 2 * len(batch())
    offsets = []
    while batches.has_next():
        found = batches.next_batch()
        assert found.validate_crc()
        assert not found.is_control_batch
        offsets += [record.offset for record in found]
        assert found.next_offset == offsets[-1] + 1
    assert offsets == [10, 11, 12, 13, 14, 15]


@pytest.mark.proves("I19")
@pytest.mark.parametrize("number", CODEC_NUMBERS.values(), ids=CODEC_NUMBERS)
def test_a_compressed_batch_is_refused_and_its_end_is_told(read, number):
    with pytest.raises(RefusedBatchError) as refused:
        read(batch(codec_number=number)).next_batch()
    assert (refused.value.after, refused.value.reason) == (13, SkipReason.compressed)


def test_a_wrong_checksum_is_told_with_the_end(read):
    raw = bytearray(batch())
    raw[-3] ^= 1
    found = read(bytes(raw)).next_batch()
    with pytest.raises(RefusedBatchError) as refused:
        found.validate_crc()
    assert (refused.value.after, refused.value.reason) == (13, SkipReason.undecodable)


def test_an_unreadable_record_is_told_with_the_end(read):
    raw = bytearray(batch())
    raw[61] = 0x7F  # the length of the first record
    with pytest.raises(RefusedBatchError) as refused:
        list(read(bytes(raw)).next_batch())
    assert (refused.value.after, refused.value.reason) == (13, SkipReason.undecodable)


def test_a_batch_of_an_old_format_is_refused(read):
    raw = bytearray(batch())
    raw[AT_MAGIC] = 1
    with pytest.raises(RefusedBatchError) as refused:
        read(bytes(raw)).next_batch()
    assert (refused.value.after, refused.value.reason) == (UNKNOWN_END, SkipReason.undecodable)


@pytest.mark.proves("I14")
def test_wrong_framing_fails_only_when_a_batch_is_asked_for():
    def fail(_data):
        raise ValueError("no framing")

    batches = GuardedBatches(fail, default_records.DefaultRecordBatch, b"x" * 20)
    assert (batches.has_next(), batches.size_in_bytes()) == (True, 20)
    with pytest.raises(RefusedBatchError) as refused:
        batches.next_batch()
    assert (refused.value.after, refused.value.reason) == (UNKNOWN_END, SkipReason.undecodable)


# The hook itself. These fail when aiokafka moves what it replaces.


@pytest.mark.proves("I19")
def test_what_aiokafka_fetches_goes_through_the_guard():
    kafka.install_guard()
    records = fetcher.PartitionRecords(
        TopicPartition("t", 0), fetcher.MemoryRecords(batch(codec_number=1)), [], 10, None, None, True, fetcher.READ_UNCOMMITTED
    )
    with pytest.raises(RefusedBatchError):
        next(records)
    names = fetcher.Fetcher._proc_fetch_request.__code__.co_names
    assert "MemoryRecords" in names  # looked up in the module at each call, where the guard stands


@pytest.mark.proves("I19")
@pytest.mark.parametrize("opener", [default_records._DefaultRecordBatchPy, _crecords.DefaultRecordBatch], ids=["python", "c"])
def test_behind_the_guard_no_decoder_opens_anything_either(opener):
    kafka.install_guard()
    with pytest.raises(RefusedBatchError):
        list(opener(batch(codec_number=1)))


@pytest.mark.parametrize("module", kafka.CODEC_MODULES)
def test_every_decoder_that_aiokafka_looks_up_is_replaced(module):
    kafka.install_guard()
    found = vars(importlib.import_module(f"aiokafka.record.{module}"))
    decoders = {name: found[name] for name in found if name.endswith("_decode")}
    assert set(decoders) >= {"gzip_decode", "snappy_decode", "lz4_decode"}
    for decode in decoders.values():
        with pytest.raises(RefusedBatchError):
            decode(gzip.compress(b"x"))


def test_aiokafka_has_no_decoder_that_the_guard_does_not_know():
    assert {name for name in vars(codec) if name.endswith("_decode")} == set(kafka.CODECS)


def test_the_sample_is_really_compressed():
    assert gzip.decompress(batch(count=3, codec_number=1)[61:]).count(b"value") == 60
