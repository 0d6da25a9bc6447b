"""Avro single-object encoding, strict: what decodes must re-encode to the same bytes, or it is refused."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, TypeVar, cast

import fastavro
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form
from pydantic import TypeAdapter, ValidationError

from schemas import envelope, events, happenings, notices, records, reviews, statements, streams
from schemas.errors import MalformedRecordError, OversizeRecordError, UnknownSchemaError

MARKER: Final = b"\xc3\x01"  # Avro specification, single-object encoding
PREFIX: Final = len(MARKER) + 8  # marker and CRC-64-AVRO fingerprint, little-endian
MAX_BODY: Final = 512 * 1024 - 4  # the largest size class less its length prefix

RELEASED: Final[tuple[type, ...]] = (
    envelope.Envelope,
    envelope.Signed,
    envelope.Header,
    records.Request,
    records.Response,
    records.Acknowledgement,
    records.Rejection,
    records.Cancel,
    notices.Notice,
    records.Correction,
    streams.StreamStatus,
    records.DecisionIdentity,
    statements.Statement,
    statements.Directory,
    statements.Announcement,
    statements.Snapshot,
    statements.Enrolment,
    events.Contact,
    events.Decided,
    events.CaseOpened,
    events.CaseRecord,
    events.FollowUp,
    events.Rerated,
    events.Overdue,
    happenings.Happened,
    happenings.RecordedInError,
    events.OralAnswer,
    reviews.Shown,
    reviews.Reviewed,
    reviews.GlassReviewed,
    events.Entry,
)
R = TypeVar("R")
Parsed = Any  # fastavro's parsed schema has no better type


@dataclass(frozen=True, slots=True)
class Codec:
    """The released schema of one record and how to build it."""

    record: type
    prefix: bytes
    schema: Parsed
    adapter: TypeAdapter[Any]


def codec_of(record: type[object]) -> Codec:
    """The codec of a released record, from its committed lock file."""
    return _load(record.__name__)


@cache
def _load(name: str) -> Codec:
    record = {each.__name__: each for each in RELEASED}[name]
    text = resources.files("schemas").joinpath("avro", f"{record.__name__}.1.avsc").read_text(encoding="utf-8")
    schema = json.loads(text)
    crc = bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
    return Codec(record, MARKER + crc, parse_schema(schema), TypeAdapter(record))


@cache
def _by_prefix() -> dict[bytes, Codec]:
    return {codec_of(record).prefix: codec_of(record) for record in RELEASED}


def encode(value: object, limit: int = MAX_BODY) -> bytes:
    """Encode a record; MalformedRecordError if it breaks its own rules, OversizeRecordError above `limit` bytes."""
    codec = codec_of(type(value))
    plain = codec.adapter.dump_python(value, warnings=False)  # its warnings quote values; _build refuses what they are about
    _build(codec, plain)
    data = _write(codec, plain)
    if len(data) > limit:
        message = f"{type(value).__name__} of {len(data)} bytes is over {limit}"
        raise OversizeRecordError(message)
    return data


def decode(expected: type[R], data: bytes, limit: int = MAX_BODY) -> R:
    """Decode the record expected: size, fingerprint, strict bytes, then its own rules."""
    plain = decode_plain(expected, data, limit)
    return cast("R", _build(codec_of(expected), plain))


def reread(expected: type[R], data: bytes) -> R:
    """Decode again what this party itself encoded, or decoded strictly, before it kept it."""
    if record_of(data) is not expected:
        message = f"not a {expected.__name__}"
        raise UnknownSchemaError(message)
    codec = codec_of(expected)
    return cast("R", _build(codec, _read(codec, data)))


def record_of(data: bytes) -> type:
    """Which released record these bytes say they are, by fingerprint."""
    codec = _by_prefix().get(data[:PREFIX])
    if codec is None:
        message = "no released schema has this fingerprint"
        raise UnknownSchemaError(message)
    return codec.record


def decode_plain(expected: type, data: bytes, limit: int = MAX_BODY) -> Parsed:
    """Decode to plain values, strictly (size, fingerprint, re-encoding), before any rule of the record is looked at."""
    if len(data) > limit:
        message = f"{len(data)} bytes are over the limit of {limit}"
        raise OversizeRecordError(message)
    if record_of(data) is not expected:
        message = f"not a {expected.__name__}"
        raise UnknownSchemaError(message)
    codec = codec_of(expected)
    plain = _read(codec, data)
    if _write(codec, plain) != data:
        message = f"{expected.__name__} is not strictly encoded"
        raise MalformedRecordError(message)
    return plain


def build(expected: type[R], plain: Parsed) -> R:
    """Apply the record's own rules to plain values."""
    return cast("R", _build(codec_of(expected), plain))


def _read(codec: Codec, data: bytes) -> Parsed:
    try:
        return fastavro.schemaless_reader(io.BytesIO(data[PREFIX:]), codec.schema, None)
    except Exception as error:  # noqa: BLE001 - hostile bytes raise nearly anything from the decoder
        message = f"{codec.record.__name__} does not decode ({type(error).__name__})"
        raise MalformedRecordError(message) from None


def _write(codec: Codec, plain: Parsed) -> bytes:
    out = io.BytesIO()
    out.write(codec.prefix)
    try:
        fastavro.schemaless_writer(out, codec.schema, plain, strict=True, disable_tuple_notation=True)
    except Exception as error:  # noqa: BLE001 - a value that no encoding has raises nearly anything from the encoder
        message = f"{codec.record.__name__} does not encode ({type(error).__name__})"
        raise MalformedRecordError(message) from None
    return out.getvalue()


def _build(codec: Codec, plain: Parsed) -> object:
    try:
        return codec.adapter.validate_python(plain)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        first = ".".join(str(part) for part in faults[0]["loc"])
        message = f"{codec.record.__name__} is not valid: {len(faults)} faults, the first in {first or 'the whole'}"
        raise MalformedRecordError(message) from None
