"""Seal and open against the sum of their primitives, each measured on the same bytes in the same run. Microseconds, medians."""

from __future__ import annotations

import hashlib
import hmac
import os
import statistics
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from network import HUB, NOW, POLICE, TestNetwork, acknowledgement, route

from broker import envelope
from broker.keys import verifies
from schemas import codec
from schemas.records import Envelope, Header, Signed

REPEATS = 400


def measure() -> dict[str, float]:
    """Figures by name; the ratio is whole over sum of parts."""
    net = TestNetwork()
    trust = net.trust()
    body, header = acknowledgement(), net.header()
    recipient, signing, opening = trust.sealing_key(POLICE, NOW), net.members[HUB].signing, net.members[POLICE].opening
    assert recipient is not None
    key = os.urandom(32)
    sealed = envelope.seal(body, header, recipient, signing, key)
    outer = codec.decode(Envelope, sealed.envelope, envelope.MAX_ENVELOPE)
    signed = codec.decode(Signed, outer.signed, envelope.MAX_ENVELOPE)
    framed = envelope._frame(header.kind, codec.encode(body))
    h = hashlib.sha256(signed.header).digest()
    public = signing.public
    seal_parts: dict[str, Callable[[], object]] = {
        "encode body": lambda: codec.encode(body),
        "encode header": lambda: codec.encode(header),
        "encode signed": lambda: codec.encode(signed, envelope.MAX_ENVELOPE),
        "encode envelope": lambda: codec.encode(outer, envelope.MAX_ENVELOPE),
        "hmac and sha-256": lambda: (
            hmac.digest(key, b"mash/1 commitment", "sha256"),
            hashlib.sha256(signed.header),
            hashlib.sha256(outer.signed),
        ),
        "aes-256-gcm seal": lambda: AESGCM(key).encrypt(envelope.ZERO_NONCE, framed, h),
        "hpke seal": lambda: recipient.wrap(key, h),
        "ed25519 sign": lambda: signing.sign(h),
    }
    open_parts: dict[str, Callable[[], object]] = {
        "decode envelope": lambda: codec.decode(Envelope, sealed.envelope, envelope.MAX_ENVELOPE),
        "decode signed": lambda: codec.decode(Signed, outer.signed, envelope.MAX_ENVELOPE),
        "decode header": lambda: codec.decode(Header, signed.header),
        "decode body": lambda: codec.decode(type(body), codec.encode(body)),
        "ed25519 verify": lambda: verifies(public, outer.signature, b"mash/1 envelope" + sealed.digest),
        "hpke open": lambda: opening.unwrap(signed.wrapped_key, b"mash/1 key" + h),
        "aes-256-gcm open": lambda: AESGCM(key).decrypt(envelope.ZERO_NONCE, signed.ciphertext, b"mash/1 body" + h),
    }
    whole_seal = _median(lambda: envelope.seal(body, header, recipient, signing, key))
    whole_open = _median(lambda: envelope.open_envelope(sealed.envelope, route(), net.keys(), trust, NOW))
    figures = {f"seal: {name}": _median(work) for name, work in seal_parts.items()}
    figures |= {f"open: {name}": _median(work) for name, work in open_parts.items()}
    sums = {kind: sum(value for name, value in figures.items() if name.startswith(kind)) for kind in ("seal", "open")}
    return figures | {
        "seal": whole_seal,
        "seal / sum of primitives": whole_seal / sums["seal"],
        "open": whole_open,
        "open / sum of primitives": whole_open / sums["open"],
    }


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6
