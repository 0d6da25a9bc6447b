"""The envelope on the wire: what is signed, what is sealed, and what travels in clear."""

from __future__ import annotations

from schemas.enums import Kind
from schemas.identifiers import Digest, Incarnation, Kid, Network, PartyId, Signature, Thread, WrappedKey
from schemas.record import Instant, Long, record


@record
class Envelope:
    """One sealed message for one recipient: Ed25519 over "mash/1 envelope" ‖ SHA-256(signed)."""

    signed: bytes
    signature: Signature


@record
class Signed:
    """What the signature covers; SHA-256 of its encoding is the envelope's digest, its only name."""

    header: bytes
    wrapped_key: WrappedKey
    ciphertext: bytes


@record
class Header:
    """What travels in clear: who, to whom, when and where in the stream; nothing about a person."""

    protocol: Long
    network: Network
    kind: Kind
    sender: PartyId
    sender_kid: Kid
    recipient: PartyId
    recipient_kid: Kid
    thread: Thread
    sent_at: Instant
    expires_at: Instant
    incarnation: Incarnation
    sequence: Long
    directory_sequence: Long
    commitment: Digest
