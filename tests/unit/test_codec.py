"""docs/protocol.md §2: strict decoding, and the schema lint."""

from __future__ import annotations

import io
import json
import struct
import time
import tracemalloc
from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from enum import StrEnum
from importlib import resources
from typing import Annotated

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st
from network import NOW, TestNetwork, acknowledgement
from pydantic import TypeAdapter, ValidationError

from schemas import codec
from schemas.derive import schema_of
from schemas.enums import Kind, Refusal
from schemas.envelope import Header
from schemas.errors import MalformedRecordError, OversizeRecordError, UnknownSchemaError
from schemas.identifiers import NhsNumber, PartyId
from schemas.lock import text_of
from schemas.records import Acknowledgement, Rejection
from schemas.streams import Hole, StreamStatus

HEADER = TestNetwork().header()


@pytest.mark.parametrize("record", codec.RELEASED, ids=lambda record: record.__name__)
def test_the_lock_file_is_what_the_dataclass_derives(record):
    text = resources.files("schemas").joinpath("avro", f"{record.__name__}.1.avsc").read_text(encoding="utf-8")
    assert text == text_of(record), "a released record changed: give the new shape a new number"


def test_no_two_released_schemas_share_a_fingerprint():
    assert len({codec.codec_of(record).prefix for record in codec.RELEASED}) == len(codec.RELEASED)


def test_what_is_encoded_decodes_to_an_equal_record():
    assert codec.decode(Header, codec.encode(HEADER)) == HEADER


def test_a_time_in_another_zone_is_the_same_instant_and_one_without_a_zone_is_refused():
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    assert codec.decode(Header, codec.encode(replace(HEADER, sent_at=elsewhere))).sent_at == NOW
    with pytest.raises(MalformedRecordError):
        codec.encode(replace(HEADER, sent_at=NOW.replace(tzinfo=None)))


def test_bytes_of_another_record_or_of_none_are_refused():
    with pytest.raises(UnknownSchemaError, match="not a Header"):
        codec.decode(Header, codec.encode(acknowledgement()))
    with pytest.raises(UnknownSchemaError, match="fingerprint"):
        codec.decode(Header, b"\xc3\x01" + bytes(200))


def test_more_bytes_than_the_limit_are_refused_unread():
    with pytest.raises(OversizeRecordError):
        codec.decode(Header, bytes(codec.MAX_BODY + 1))


@pytest.mark.parametrize("tail", [b"\0", b"\xc3\x01", b"x" * 100])
def test_trailing_bytes_are_refused(tail):
    with pytest.raises(MalformedRecordError, match="strictly"):
        codec.decode(Header, codec.encode(HEADER) + tail)


def kind_at(data: bytes) -> int:
    """Where the header's enum index stands: after prefix, protocol and network."""
    at = codec.PREFIX + 1 + 32
    assert data[at] == list(Kind).index(HEADER.kind) * 2
    return at


def varint(number: int) -> bytes:
    out = bytearray()
    number = (number << 1) ^ (number >> 63)
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


SYMBOLS = len(Kind)


@pytest.mark.parametrize("index", [-1, -SYMBOLS, SYMBOLS, 2**31, 2**32 + 2, SYMBOLS - 1])
def test_an_enum_index_that_wraps_or_is_the_default_is_refused(index):
    """fastavro reads index -1 as the last symbol; ours would be refused even so, because it re-encodes differently."""
    data = codec.encode(HEADER)
    at = kind_at(data)
    with pytest.raises(MalformedRecordError):
        codec.decode(Header, data[:at] + varint(index) + data[at + 1 :])


@pytest.mark.parametrize("branch", [-1, -2, 2, 3, 2**31])
def test_a_union_index_that_wraps_is_refused(branch):
    status = StreamStatus(
        incarnation=HEADER.incarnation,
        highest_sent=0,
        oldest_unsent_at=None,
        received_incarnation=HEADER.incarnation,
        highest_received=0,
    )
    data = codec.encode(status)
    at = codec.PREFIX + 8 + 1
    assert data[at] == 0
    with pytest.raises(MalformedRecordError):
        codec.decode(StreamStatus, data[:at] + varint(branch) + data[at + 1 :])


def test_an_over_long_varint_is_refused():
    data = codec.encode(HEADER)
    at = kind_at(data)
    with pytest.raises(MalformedRecordError, match="strictly"):
        codec.decode(Header, data[:at] + bytes([data[at] | 0x80, 0x00]) + data[at + 1 :])


def test_a_split_array_block_is_refused():
    status = codec.encode(
        StreamStatus(
            incarnation=HEADER.incarnation,
            highest_sent=0,
            oldest_unsent_at=None,
            received_incarnation=HEADER.incarnation,
            highest_received=0,
            holes=(Hole(first=1, last=1), Hole(first=3, last=3)),
        )
    )
    whole = varint(2) + varint(1) * 2 + varint(3) * 2 + b"\0"
    split = varint(1) + varint(1) * 2 + varint(1) + varint(3) * 2 + b"\0"
    assert whole in status
    with pytest.raises(MalformedRecordError, match="strictly"):
        codec.decode(StreamStatus, status.replace(whole, split))


@pytest.mark.proves("I19")
@pytest.mark.parametrize(
    "tail",
    [
        varint(20_000_000) + b"\0",  # twenty million items promised
        varint(-20_000_000) + varint(5) + b"\0",  # likewise with a byte count
        varint(2**62),
        b"\xff" * 9 + b"\x01",
        b"\xff" * 300_000,
    ],
)
def test_a_bomb_costs_bounded_time_and_memory(tail):
    data = codec.codec_of(StreamStatus).prefix + bytes(8) + b"\0\0" + bytes(8) + b"\0" + tail
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(MalformedRecordError):
        codec.decode(StreamStatus, data)
    took, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 0.5
    assert peak < 10 * 1024 * 1024


@given(st.binary(max_size=400))
@pytest.mark.proves("I19")
def test_no_bytes_raise_anything_but_malformed(data):
    for start in (b"", codec.codec_of(Header).prefix, codec.codec_of(Acknowledgement).prefix):
        try:
            codec.decode(Header if start else Acknowledgement, start + data)
        except MalformedRecordError:
            continue


@given(at=st.integers(0, 164), byte=st.integers(0, 255))
def test_every_mutation_that_is_accepted_re_encodes_to_itself(at, byte):
    data = codec.encode(HEADER)
    mutant = data[:at] + bytes([byte]) + data[at + 1 :]
    try:
        got = codec.decode(Header, mutant)
    except MalformedRecordError:
        return
    assert codec.encode(got) == mutant


def test_a_value_that_steers_union_branches_is_not_written():
    body = Rejection(answers=HEADER.commitment, reason=Refusal.expired, duty_contact=("DutyContact", {"name": "x"}))
    with pytest.raises(MalformedRecordError):
        codec.encode(body)


def test_an_error_never_quotes_a_value():
    with pytest.raises(MalformedRecordError) as told:
        codec.encode(replace(acknowledgement(), duty_contact=replace(acknowledgement().duty_contact, name="SECRET" * 100)))
    assert "SECRET" not in str(told.value)


def test_words_of_a_vocabulary_are_read_once_and_an_nhs_number_is_kept_by_its_record_alone():
    words, numbers = TypeAdapter(PartyId), TypeAdapter(NhsNumber)
    held = words.validate_python("agency.gp")
    assert words.validate_python("agency.gp") is held
    assert type(held) is PartyId
    number = numbers.validate_python("9990000018")
    assert numbers.validate_python("9990000018") is not number
    with pytest.raises(ValidationError):
        words.validate_python("agency.parties")


def test_records_have_no_telling_repr():
    assert "01632" not in repr(acknowledgement().duty_contact)


class Colour(StrEnum):
    red = "red"


class Empty:
    pass


@dataclass
class Nothing:
    pass


@dataclass
class Node:
    children: tuple[Node, ...]


@pytest.mark.parametrize(
    "hint",
    [
        float,
        dict[str, int],
        list[int],
        int | str,
        tuple[int, str],
        Colour,
        Empty,
        tuple[Nothing, ...],
        Node,
        Annotated[complex, "x"],
        "str",
    ],
    ids=str,
)
def test_the_lint_refuses_every_type_that_is_not_a_wire_type(hint):
    with pytest.raises(TypeError):
        schema_of(hint)


def test_derived_schemas_are_avro_to_another_reader():
    for record in codec.RELEASED:
        fastavro.parse_schema(json.loads(text_of(record)))
    plain = fastavro.schemaless_reader(io.BytesIO(codec.encode(HEADER)[codec.PREFIX :]), json.loads(text_of(Header)))
    assert plain["sent_at"] == NOW
    assert struct.unpack("<Q", codec.codec_of(Header).prefix[2:])
