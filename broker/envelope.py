"""The sealed, signed envelope: `seal` and `open_envelope`, step by step as docs/protocol.md numbers them. Pure."""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.directory import Trust
from broker.keys import OpeningKey, SealingKey, SigningKey, verifies
from broker.streams import SMALL, Route
from broker.times import LIFETIME, SKEW
from schemas import codec
from schemas.enums import Kind, Refusal
from schemas.envelope import Envelope, Header, Signed
from schemas.errors import MalformedRecordError, OversizeRecordError, UnknownSchemaError
from schemas.events import CaseRecord
from schemas.identifiers import Digest, WrappedKey
from schemas.notices import Notice
from schemas.records import Acknowledgement, Cancel, Correction, Rejection, Request, Response
from schemas.streams import StreamStatus

PROTOCOL: Final = 1
MAX_ENVELOPE: Final = 640 * 1024  # the largest size class, its tag, header and keys, with room
MAX_HEADER: Final = 1024  # about 170 bytes are used
SMALL_CLASS: Final = 2 * 1024  # acknowledgement and status
FIRST_CLASS: Final = 32 * 1024  # everything else, doubling up to:
LAST_CLASS: Final = 512 * 1024
KEY_SIZE: Final = 32  # bytes, AES-256
TAG_SIZE: Final = 16  # bytes, AES-GCM
ZERO_NONCE: Final = bytes(12)  # a key seals once, so no nonce is ever repeated under it

BODIES: Final[dict[Kind, type]] = {
    Kind.request: Request,
    Kind.response: Response,
    Kind.acknowledgement: Acknowledgement,
    Kind.rejection: Rejection,
    Kind.cancel: Cancel,
    Kind.notice: Notice,
    Kind.correction: Correction,
    Kind.status: StreamStatus,
    Kind.case_record: CaseRecord,
}


@dataclass(frozen=True, slots=True)
class Sealed:
    """An envelope ready to publish, its digest, and the key that opens its content."""

    envelope: bytes = field(repr=False)
    digest: Digest
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope that passed every step."""

    header: Header
    digest: Digest
    body: object
    key: bytes = field(repr=False)
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """An envelope that failed at a step. `header` and `digest` are believed, and given, only once the signature holds."""

    step: int
    reason: Refusal
    header: Header | None = None
    digest: Digest | None = None


class _Stop(Exception):  # noqa: N818 - control flow inside open_envelope, never seen outside
    def __init__(self, step: int, reason: Refusal) -> None:
        super().__init__()
        self.step, self.reason = step, reason


def size_class(kind: Kind, length: int) -> int:
    """Bytes a framed body of `length` is padded to; OversizeRecordError above the last class."""
    size = SMALL_CLASS if kind in SMALL else FIRST_CLASS
    while size < length + 4:
        size = FIRST_CLASS if size < FIRST_CLASS else size * 2
    if size > LAST_CLASS:
        message = f"a body of {length} bytes is over the largest size class"
        raise OversizeRecordError(message)
    return size


def seal(body: object, header: Header, recipient: SealingKey, sender: SigningKey, key: bytes) -> Sealed:
    """Seal a record for one recipient. `header` comes with any commitment; `key` is 32 fresh random bytes, used once."""
    # (1) encode the body, strict
    encoded = codec.encode(body)
    # (2) frame to its size class
    framed = _frame(header.kind, encoded)
    # (3) a fresh key and its commitment
    commitment = _commitment(key)
    # (4) encode the header
    header_bytes = codec.encode(replace(header, commitment=commitment))
    h = hashlib.sha256(header_bytes).digest()
    # (5) encrypt under the key, bound to the header
    ciphertext = AESGCM(key).encrypt(ZERO_NONCE, framed, b"mash/1 body" + h)
    # (6) seal the key to the recipient, bound to the header
    wrapped = WrappedKey(recipient.wrap(key, b"mash/1 key" + h))
    # (7) sign the digest of all of it
    signed = codec.encode(Signed(header=header_bytes, wrapped_key=wrapped, ciphertext=ciphertext), MAX_ENVELOPE)
    digest = Digest(hashlib.sha256(signed).digest())
    signature = sender.sign(b"mash/1 envelope" + digest)
    return Sealed(codec.encode(Envelope(signed=signed, signature=signature), MAX_ENVELOPE), digest, key)


def open_envelope(data: bytes, route: Route, keys: dict[bytes, OpeningKey], trust: Trust, at: datetime) -> Opened | Refused:
    """Open what arrived on a topic at an instant, as the route's recipient; hostile bytes give a Refused, never an exception."""
    header, digest = None, None
    try:
        signed, signature = _outer(data)
        unproven = _identify(signed, route, trust)
        public = _sender_key(unproven, trust, at)
        # (6) signature; from here on digest and sequence are recorded whatever the later steps say
        name = Digest(hashlib.sha256(signed.encoded).digest())
        if not verifies(public, signature, b"mash/1 envelope" + name):
            raise _Stop(6, Refusal.tampered)
        header, digest = unproven, name
        _times(header, at)
        key, framed = _decrypt(signed.parts, header, keys)
        body = _body(header.kind, framed)
    except _Stop as stop:
        return Refused(stop.step, stop.reason, header, digest)
    return Opened(header, digest, body, key, data)


def reopen(envelope: bytes, key: bytes) -> tuple[Header, object]:
    """Header and body of an envelope kept in a store, by its content key; it was verified, and strict, when it came."""
    signed, header = _kept(envelope)
    h = hashlib.sha256(signed.header).digest()
    framed = AESGCM(key).decrypt(ZERO_NONCE, signed.ciphertext, b"mash/1 body" + h)  # the very bytes that were verified
    return header, codec.reread(BODIES[header.kind], framed[4 : 4 + int.from_bytes(framed[:4], "big")])


def header_of(envelope: bytes) -> Header:
    """The header of an envelope of our own store or outbox, unverified."""
    return _kept(envelope)[1]


def _kept(envelope: bytes) -> tuple[Signed, Header]:
    signed = codec.reread(Signed, codec.reread(Envelope, envelope).signed)
    return signed, codec.reread(Header, signed.header)


@dataclass(frozen=True, slots=True)
class _SignedBytes:
    encoded: bytes
    parts: Signed


def _frame(kind: Kind, encoded: bytes) -> bytes:
    return (struct.pack(">I", len(encoded)) + encoded).ljust(size_class(kind, len(encoded)), b"\0")


def _commitment(key: bytes) -> Digest:
    return Digest(hmac.digest(key, b"mash/1 commitment", "sha256"))


def _outer(data: bytes) -> tuple[_SignedBytes, bytes]:
    # (1) size
    if len(data) > MAX_ENVELOPE:
        raise _Stop(1, Refusal.oversize)
    # (2) decode the outer record, strict; the header follows in _identify
    try:
        envelope = codec.decode(Envelope, data, MAX_ENVELOPE)
        return _SignedBytes(envelope.signed, codec.decode(Signed, envelope.signed, MAX_ENVELOPE)), envelope.signature
    except (MalformedRecordError, UnknownSchemaError):
        raise _Stop(2, Refusal.malformed) from None


def _identify(signed: _SignedBytes, route: Route, trust: Trust) -> Header:
    try:
        plain = codec.decode_plain(Header, signed.parts.header, MAX_HEADER)
        header = codec.build(Header, plain)
    except MalformedRecordError:
        raise _Stop(2, Refusal.malformed) from None
    # (3) protocol, network and kind known
    known = header.protocol == PROTOCOL >= trust.directory.minimum_protocol and header.kind in BODIES
    if not known or header.network != trust.root.network:
        raise _Stop(3, Refusal.unsupported)
    # (4) the recipient is me, the sender is not, and sender, kind and recipient fit this topic
    fits = header.sender == route.sender and header.recipient == route.recipient and header.kind in route.kinds
    if not fits or header.sender == header.recipient:
        raise _Stop(4, Refusal.not_for_me)
    return header


def _sender_key(header: Header, trust: Trust, at: datetime) -> bytes:
    # (5) the kid is the sender's in the directory, valid at sent_at, received in time, not revoked
    if header.directory_sequence > trust.directory.sequence:
        raise _Stop(5, Refusal.directory_ahead)
    key = trust.signing_key(header.sender, header.sender_kid)
    if key is None or header.sent_at < key.not_before:
        raise _Stop(5, Refusal.untrusted)
    if key.not_after is not None and (header.sent_at >= key.not_after or at - LIFETIME >= key.not_after):
        raise _Stop(5, Refusal.untrusted)
    return key.public


def _times(header: Header, at: datetime) -> None:
    # (7) times; the future first, or a sent_at at the end of the year 9999 could not be added to
    if header.sent_at > at + SKEW or header.expires_at != header.sent_at + LIFETIME:
        raise _Stop(7, Refusal.outside_times)
    if at >= header.expires_at + SKEW:
        raise _Stop(7, Refusal.expired)


def _decrypt(signed: Signed, header: Header, keys: dict[bytes, OpeningKey]) -> tuple[bytes, bytes]:
    h = hashlib.sha256(signed.header).digest()
    opening = keys.get(header.recipient_kid)
    if opening is None:  # an epoch whose key is destroyed, or never was
        raise _Stop(8, Refusal.expired)
    # (8) unwrap: exactly 32 bytes (HMAC pads a shorter key with zeros, so an AES-192 twin would share its commitment)
    try:
        key = opening.unwrap(signed.wrapped_key, b"mash/1 key" + h)
    except InvalidTag:
        raise _Stop(8, Refusal.tampered) from None
    if len(key) != KEY_SIZE:
        raise _Stop(8, Refusal.tampered)
    # (9) commitment
    if not hmac.compare_digest(_commitment(key), header.commitment):
        raise _Stop(9, Refusal.tampered)
    # (10) decrypt
    try:
        return key, AESGCM(key).decrypt(ZERO_NONCE, signed.ciphertext, b"mash/1 body" + h)
    except InvalidTag:
        raise _Stop(10, Refusal.tampered) from None


def _body(kind: Kind, framed: bytes) -> object:
    # (11) unframe: a known size class, padding all zero
    length = int.from_bytes(framed[:4], "big")
    encoded = framed[4 : 4 + length]
    if len(encoded) != length or length > codec.MAX_BODY or _frame(kind, encoded) != framed:
        raise _Stop(11, Refusal.tampered)
    # (12) decode the body, strict
    try:
        plain = codec.decode_plain(BODIES[kind], encoded)
    except MalformedRecordError:
        raise _Stop(12, Refusal.malformed) from None
    # (13) validate
    try:
        return codec.build(BODIES[kind], plain)
    except MalformedRecordError:
        raise _Stop(13, Refusal.invalid) from None
