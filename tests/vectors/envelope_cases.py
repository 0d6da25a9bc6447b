"""Envelopes that open, and envelopes that fail at one step each: docs/protocol.md §4.4."""

from __future__ import annotations

import functools
import hashlib
import json
import struct
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import synthetic as net
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from synthetic import HUB, NOW, POLICE, TRUST, made, plain

from broker import envelope as sealing
from broker.keys import SUITE, OpeningKey, SigningKey, sealing_key
from broker.streams import topic_between
from broker.times import LIFETIME, SKEW
from schemas import codec, statements
from schemas.enums import Kind, Refusal
from schemas.envelope import Envelope, Header, Signed
from schemas.identifiers import Digest, Network, WrappedKey
from schemas.records import Acknowledgement, Rejection

WRAPPED = Path(__file__).with_name("wrapped_keys.json")
MAX = sealing.MAX_ENVELOPE
DAY = timedelta(days=1)
ACKNOWLEDGEMENT = Acknowledgement(answers=net.REQUEST_DIGEST, received_at=NOW, duty_contact=net.DUTY)
FRAMED = sealing._frame(Kind.acknowledgement, codec.encode(ACKNOWLEDGEMENT))
KEY = made("content key", 32)


@functools.cache
def _book() -> dict[str, dict[str, str]]:
    """Wrapped keys by the name of their envelope; those of this run are added."""
    return json.loads(WRAPPED.read_text(encoding="utf-8"))["keys"] if WRAPPED.exists() else {}


def wrap(about: str, key: bytes, recipient: OpeningKey, info: bytes) -> bytes:
    """The wrapped key kept for an envelope, or a fresh one where it would not fit any more."""
    context = hashlib.sha256(key + recipient.public + info).hexdigest()
    kept = _book().get(about)
    if kept is None or kept["context"] != context:
        wrapped = SUITE.encrypt(key, sealing_key(recipient.public).public, info)
        _book()[about] = {"context": context, "wrapped": wrapped.hex()}
    return bytes.fromhex(_book()[about]["wrapped"])


def wrapped_keys() -> dict[str, object]:
    """The book, as far as it is used."""
    used = ["another content", *(each.about for each in everything())]
    return {"keys": {about: _book()[about] for about in used if about in _book()}}


@dataclass(frozen=True, kw_only=True)
class Made:
    """An envelope by a sender who may do one thing otherwise than §4.3 says."""

    about: str
    header: Header
    framed: bytes = FRAMED
    key: bytes = KEY
    commitment: bytes | None = None
    sender: SigningKey | None = None
    recipient: OpeningKey = net.OPENING[POLICE]
    wrapped: bytes | None = None
    info: bytes = b"mash/1 key"
    shorter: int = 0
    tail: bytes = b""

    def parts(self) -> Signed:
        header = replace(self.header, commitment=Digest(self.commitment or sealing._commitment(self.key)))
        encoded = codec.encode(header) + self.tail
        h = hashlib.sha256(encoded).digest()
        ciphertext = AESGCM(self.key).encrypt(bytes(12), self.framed, b"mash/1 body" + h)
        unwrapped = self.key[: len(self.key) - self.shorter]
        wrapped = self.wrapped or wrap(self.about, unwrapped, self.recipient, self.info + h) + bytes(self.shorter)
        return Signed(header=encoded, wrapped_key=WrappedKey(wrapped), ciphertext=ciphertext)

    def data(self, **changes) -> bytes:
        signed = codec.encode(replace(self.parts(), **changes), MAX)
        sender = self.sender or net.SIGNING[self.header.sender]
        signature = sender.sign(b"mash/1 envelope" + hashlib.sha256(signed).digest())
        return codec.encode(Envelope(signed=signed, signature=signature), MAX)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Bytes on a topic, and what becomes of them."""

    about: str
    envelope: bytes
    body: object = None
    step: int = 0
    reason: Refusal | None = None
    world: str = "plain"
    writer: str = HUB
    reader: str = POLICE
    at: datetime = NOW
    key: bytes | None = KEY

    def told(self) -> dict[str, object]:
        cut = self.envelope.rstrip(b"\0") if self.step == 1 else self.envelope
        facts = {
            "about": self.about,
            "world": self.world,
            "topic": topic_between(self.writer, self.reader),
            "at": plain(self.at),
            "envelope": cut.hex(),
            "zeros_after": len(self.envelope) - len(cut),
        }
        if self.reason is not None:
            return facts | {"step": self.step, "reason": self.reason.value}
        signed = codec.decode(Envelope, self.envelope, MAX).signed
        return facts | {
            "digest": hashlib.sha256(signed).hexdigest(),
            "content_key": self.key.hex(),
            "header": plain(codec.decode(Header, codec.decode(Signed, signed, MAX).header)),
            "record": type(self.body).__name__,
            "body": plain(self.body),
        }


def _opened(about: str, body: object, kind: Kind, sender: str = HUB, recipient: str = POLICE) -> Case:
    header = net.header(
        kind=kind,
        sender=sender,
        sender_kid=net.SIGNING[sender].kid,
        recipient=recipient,
        recipient_kid=net.OPENING[recipient].kid,
        sequence=0 if kind is Kind.status else 1,
    )
    framed = sealing._frame(kind, codec.encode(body))
    made_ = Made(about=about, header=header, framed=framed, recipient=net.OPENING[recipient])
    return Case(about=about, envelope=made_.data(), body=body, writer=sender, reader=recipient)


def good() -> list[Case]:
    """One of each kind that has a body in version 1, and the borders of time."""
    rejection = Rejection(answers=net.REQUEST_DIGEST, reason=Refusal.expired, duty_contact=net.DUTY)
    early = net.header(sent_at=NOW + SKEW, expires_at=NOW + SKEW + LIFETIME)
    late = net.header(sent_at=NOW - LIFETIME, expires_at=NOW)
    return [
        _opened("an acknowledgement", ACKNOWLEDGEMENT, Kind.acknowledgement),
        _opened("a request", net.request(), Kind.request),
        _opened("a response", net.response(), Kind.response, POLICE, HUB),
        _opened("a rejection", rejection, Kind.rejection, POLICE, HUB),
        _opened("a status", net.status(), Kind.status),
        Case(about="sent SKEW ahead", envelope=Made(about="sent SKEW ahead", header=early).data(), body=ACKNOWLEDGEMENT),
        Case(
            about="expired less than SKEW ago", envelope=Made(about="expired less than SKEW ago", header=late).data(), body=ACKNOWLEDGEMENT
        ),
        Case(
            about="by a key that ends with the calendar",
            envelope=Made(about="by a key that ends with the calendar", header=net.header()).data(),
            body=ACKNOWLEDGEMENT,
            world="for_ever",
        ),
        Case(
            about="by a key that has ended since",
            envelope=Made(
                about="by a key that has ended since", header=net.header(sent_at=NOW - DAY, expires_at=NOW - DAY + LIFETIME)
            ).data(),
            body=ACKNOWLEDGEMENT,
            world="retired",
        ),
    ]


def _bad(step: int, reason: Refusal, about: str, case: dict | None = None, signed: dict | None = None, **changes) -> Case:
    return Case(
        about=about,
        envelope=Made(about=about, **{"header": net.header(), **changes}).data(**signed or {}),
        step=step,
        reason=reason,
        **case or {},
    )


def outer() -> list[Case]:
    """Steps 1 to 3."""
    data = good()[0].envelope
    malformed = {"step": 2, "reason": Refusal.malformed}
    longer = len(codec.encode(net.header()))
    return [
        Case(about="a byte over the limit", envelope=data[:10] + bytes(MAX - 9), step=1, reason=Refusal.oversize),
        Case(about="nothing", envelope=b"", **malformed),
        Case(about="cut off", envelope=data[:-1], **malformed),
        Case(about="a byte after the end", envelope=data + b"\0", **malformed),
        Case(about="not an envelope", envelope=codec.encode(net.header()), **malformed),
        _bad(2, Refusal.malformed, "a byte after the header", tail=b"\0"),
        _bad(2, Refusal.malformed, "a header over 1,024 bytes", tail=bytes(1025 - longer)),
        _bad(3, Refusal.unsupported, "protocol 2", header=net.header(protocol=2)),
        _bad(3, Refusal.unsupported, "another network", header=net.header(network=Network(bytes(32)))),
        _bad(3, Refusal.unsupported, "a kind without a body", header=net.header(kind=Kind.recall)),
    ]


def identity() -> list[Case]:
    """Steps 4 to 6."""
    retired, before = {"world": "retired"}, NOW - LIFETIME
    as_trust = {"header": net.header(sender=TRUST, sender_kid=net.SIGNING[TRUST].kid)}
    flipped = bytearray(good()[0].envelope)
    flipped[-1] ^= 1
    return [
        _bad(4, Refusal.not_for_me, "the sender is not the topic's writer", **as_trust),
        _bad(4, Refusal.not_for_me, "the recipient is not the topic's reader", header=net.header(recipient=TRUST)),
        _bad(4, Refusal.not_for_me, "a response where the hub writes", header=net.header(kind=Kind.response)),
        _bad(5, Refusal.directory_ahead, "a newer directory than mine", header=net.header(directory_sequence=2)),
        _bad(5, Refusal.untrusted, "another party's key", header=net.header(sender_kid=net.SIGNING[TRUST].kid), sender=net.SIGNING[TRUST]),
        _bad(5, Refusal.untrusted, "its log key", header=net.header(sender_kid=net.LOGS[HUB].kid), sender=net.LOGS[HUB]),
        _bad(5, Refusal.untrusted, "a revoked key", {"world": "revoked"}),
        _bad(5, Refusal.untrusted, "sent before the key began", {"world": "not_yet"}),
        _bad(5, Refusal.untrusted, "sent when the key had ended", retired),
        _bad(
            5,
            Refusal.untrusted,
            "come LIFETIME after the key's end",
            retired | {"at": NOW + LIFETIME},
            header=net.header(sent_at=NOW - DAY, expires_at=NOW - DAY + LIFETIME),
        ),
        Case(about="a flipped bit in the signature", envelope=bytes(flipped), step=6, reason=Refusal.tampered),
        _bad(6, Refusal.tampered, "signed by another", sender=net.SIGNING[TRUST]),
        _bad(
            6,
            Refusal.tampered,
            "signed by another, and expired",
            sender=net.SIGNING[TRUST],
            header=net.header(sent_at=before, expires_at=NOW),
        ),
    ]


def content() -> list[Case]:
    """Steps 7 to 10."""
    late, end = NOW - LIFETIME - SKEW, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    soon = NOW + SKEW + timedelta(microseconds=1)
    other = Made(about="another content", header=net.header(sequence=2)).parts()
    return [
        _bad(7, Refusal.outside_times, "sent more than SKEW ahead", header=net.header(sent_at=soon, expires_at=soon + LIFETIME)),
        _bad(7, Refusal.outside_times, "sent on the last day of the calendar", header=net.header(sent_at=end, expires_at=end)),
        _bad(7, Refusal.outside_times, "a second too long a life", header=net.header(expires_at=NOW + LIFETIME + timedelta(seconds=1))),
        _bad(7, Refusal.outside_times, "a second too short a life", header=net.header(expires_at=NOW + LIFETIME - timedelta(seconds=1))),
        _bad(7, Refusal.expired, "expired SKEW ago", header=net.header(sent_at=late, expires_at=late + LIFETIME)),
        _bad(8, Refusal.expired, "sealed to a key that is destroyed", header=net.header(recipient_kid=net.opening("gone").kid)),
        _bad(8, Refusal.tampered, "a key wrapped for another header", info=b"mash/1 key" + bytes(32)),
        _bad(8, Refusal.tampered, "a key wrapped under another domain", info=b"mash/1 kex"),
        _bad(8, Refusal.tampered, "a wrapped key of 24 bytes, filled up with zeros", shorter=8),
        _bad(8, Refusal.tampered, "an encapsulation of zeros", wrapped=bytes(1168)),
        _bad(9, Refusal.tampered, "a commitment to another key", commitment=bytes(31) + b"\1"),
        _bad(10, Refusal.tampered, "the content of another envelope", signed={"ciphertext": other.ciphertext}),
        _bad(10, Refusal.tampered, "no content", signed={"ciphertext": b""}),
    ]


def body() -> list[Case]:
    """Steps 11 to 13."""
    encoded = codec.encode(ACKNOWLEDGEMENT)
    name = net.DUTY.name.encode()
    at = encoded.index(name) - 1
    unnamed = encoded[:at] + b"\0" + encoded[at + 1 + len(name) :]

    def framed(data: bytes) -> bytes:
        return sealing._frame(Kind.acknowledgement, data)

    return [
        _bad(11, Refusal.tampered, "filling that is not zero", framed=FRAMED[:-1] + b"\1"),
        _bad(11, Refusal.tampered, "a larger class than it needs", framed=FRAMED + bytes(30 * 1024)),
        _bad(11, Refusal.tampered, "no size class", framed=FRAMED + b"\0"),
        _bad(11, Refusal.tampered, "a length beyond the end", framed=struct.pack(">I", 5000) + FRAMED[4:]),
        _bad(11, Refusal.tampered, "no room for a length", framed=b"\0\0\0"),
        _bad(12, Refusal.malformed, "another record than its kind's", framed=framed(codec.encode(net.header()))),
        _bad(12, Refusal.malformed, "a byte after the body", framed=framed(encoded + b"\0")),
        _bad(12, Refusal.malformed, "no body", framed=framed(b"")),
        _bad(13, Refusal.invalid, "a duty contact without a name", framed=framed(unnamed)),
    ]


def everything() -> list[Case]:
    """All of them."""
    return [*good(), *outer(), *identity(), *content(), *body()]


def _world(**changes) -> str:
    return codec.encode(net.signed_directory(**changes)).hex()


def _with_hub_key(**changes) -> dict[str, object]:
    hub = net.listed(HUB)
    return {"parties": (replace(hub, keys=(replace(hub.keys[0], **changes), hub.keys[1])), net.listed(POLICE), net.listed(TRUST))}


def envelopes() -> dict[str, object]:
    """§4.4: worlds (the directory held), private keys, cases."""
    gone = statements.Revocation(kid=net.SIGNING[HUB].kid, suspected_from=NOW - DAY)
    opening = {
        party: {
            "mlkem_seed": made(f"{party} encryption mlkem", 64).hex(),
            "x25519_private": made(f"{party} encryption x25519", 32).hex(),
            "kid": str(net.OPENING[party].kid),
        }
        for party in (HUB, POLICE)
    }
    return {
        "root": net.root_text(),
        "worlds": {
            "plain": _world(),
            "revoked": _world(revoked=(gone,)),
            "for_ever": _world(**_with_hub_key(not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))),
            "retired": _world(**_with_hub_key(not_after=NOW)),
            "not_yet": _world(**_with_hub_key(not_before=NOW + timedelta(seconds=1))),
        },
        "opening_keys": opening,
        "cases": [case.told() for case in everything()],
    }
