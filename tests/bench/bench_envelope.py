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
from schemas.envelope import Envelope, Header, Signed

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
    encoded = codec.encode(body)
    framed = envelope._frame(header.kind, encoded)
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
        "aes-256-gcm seal": lambda: AESGCM(key).encrypt(envelope.ZERO_NONCE, framed, b"mash/1 body" + h),
        "hpke seal": lambda: recipient.wrap(key, b"mash/1 key" + h),
        "ed25519 sign": lambda: signing.sign(b"mash/1 envelope" + sealed.digest),
    }
    open_parts: dict[str, Callable[[], object]] = {
        "decode envelope": lambda: codec.decode(Envelope, sealed.envelope, envelope.MAX_ENVELOPE),
        "decode signed": lambda: codec.decode(Signed, outer.signed, envelope.MAX_ENVELOPE),
        "decode header": lambda: codec.decode(Header, signed.header),
        "decode body": lambda: codec.decode(type(body), encoded),
        "hmac and sha-256": lambda: (
            hmac.digest(key, b"mash/1 commitment", "sha256"),
            hashlib.sha256(signed.header),
            hashlib.sha256(outer.signed),
        ),
        "ed25519 verify": lambda: verifies(public, outer.signature, b"mash/1 envelope" + sealed.digest),
        "hpke open": lambda: opening.unwrap(signed.wrapped_key, b"mash/1 key" + h),
        "aes-256-gcm open": lambda: AESGCM(key).decrypt(envelope.ZERO_NONCE, signed.ciphertext, b"mash/1 body" + h),
    }
    way, keys = route(), net.keys()
    wholes: dict[str, Callable[[], object]] = {
        "seal": lambda: envelope.seal(body, header, recipient, signing, key),
        "open": lambda: envelope.open_envelope(sealed.envelope, way, keys, trust, NOW),
    }
    parts = {f"seal: {name}": work for name, work in seal_parts.items()} | {f"open: {name}": work for name, work in open_parts.items()}
    figures = _medians(parts | wholes)
    for kind in wholes:
        figures[f"{kind} / sum of primitives"] = figures[kind] / sum(figures[name] for name in parts if name.startswith(f"{kind}:"))
    return figures


def _medians(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Taken in turn, so that each finds the caches as the whole does, and none the quieter half of the run."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(REPEATS):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - began)
    return {name: statistics.median(each) * 1e6 for name, each in times.items()}
