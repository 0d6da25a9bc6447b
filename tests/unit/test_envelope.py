"""docs/protocol.md §4: each numbered step of Open refuses what only it can refuse."""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from network import HUB, NOW, POLICE, TRUST, TestNetwork, acknowledgement, route, signing_key

from broker import envelope as module
from broker.envelope import MAX_ENVELOPE, Opened, Refused, open_envelope, reopen, seal
from broker.keys import SUITE, kid_of
from broker.times import LIFETIME, SKEW
from schemas import codec
from schemas.enums import KeyType, Kind, Refusal
from schemas.envelope import Envelope, Header, Signed
from schemas.errors import OversizeRecordError
from schemas.identifiers import Digest, Network, WrappedKey
from schemas.statements import Revocation


@pytest.fixture(scope="module")
def net():
    return TestNetwork()


@pytest.fixture(scope="module")
def trust(net):
    return net.trust()


def opened(net, trust, data, at=NOW):
    return open_envelope(data, route(), net.keys(), trust, at)


def resigned(net, sealed, sender=HUB, **changes):
    """The same envelope with some parts exchanged and signed anew, so that only the exchange is wrong."""
    signed = codec.encode(replace(parts(sealed), **changes), MAX_ENVELOPE)
    signature = net.members[sender].signing.sign(b"mash/1 envelope" + hashlib.sha256(signed).digest())
    return codec.encode(Envelope(signed=signed, signature=signature), MAX_ENVELOPE)


def parts(sealed):
    return codec.decode(Signed, codec.decode(Envelope, sealed.envelope, MAX_ENVELOPE).signed, MAX_ENVELOPE)


def hand_sealed(net, key, wrapped=None, framed=None, commitment=None):
    """An envelope made by a sender who does one thing otherwise than `seal` does."""
    header = codec.encode(replace(net.header(), commitment=commitment or module._commitment(key)))
    h = hashlib.sha256(header).digest()
    framed = module._frame(Kind.acknowledgement, codec.encode(acknowledgement())) if framed is None else framed
    ciphertext = AESGCM(key).encrypt(module.ZERO_NONCE, framed, b"mash/1 body" + h)
    recipient = net.trust().sealing_key(POLICE, NOW)
    wrapped = WrappedKey(recipient.wrap(key if wrapped is None else wrapped, b"mash/1 key" + h))
    signed = codec.encode(Signed(header=header, wrapped_key=wrapped, ciphertext=ciphertext), MAX_ENVELOPE)
    signature = net.members[HUB].signing.sign(b"mash/1 envelope" + hashlib.sha256(signed).digest())
    return codec.encode(Envelope(signed=signed, signature=signature), MAX_ENVELOPE)


def test_what_is_sealed_opens_to_the_same_body_and_reopens_by_its_content_key_alone(net, trust):
    body = acknowledgement()
    sealed = net.sealed(body=body)
    got = opened(net, trust, sealed.envelope)
    assert isinstance(got, Opened)
    assert (got.body, got.digest, got.key) == (body, sealed.digest, sealed.key)
    assert reopen(sealed.envelope, sealed.key)[1] == body


def test_step_1_refuses_by_size_before_anything_is_read(net, trust):
    assert opened(net, trust, b"\xc3\x01" + bytes(MAX_ENVELOPE)) == Refused(1, Refusal.oversize)


@pytest.mark.parametrize("cut", [0, 1, 9, 10, 11, 100, -1])
def test_step_2_refuses_what_does_not_decode(net, trust, cut):
    assert opened(net, trust, net.sealed().envelope[:cut]) == Refused(2, Refusal.malformed)


def test_step_2_refuses_trailing_bytes(net, trust):
    assert opened(net, trust, net.sealed().envelope + b"\0") == Refused(2, Refusal.malformed)


def test_step_2_refuses_a_header_that_is_not_strict(net, trust):
    sealed = net.sealed()
    assert opened(net, trust, resigned(net, sealed, header=parts(sealed).header + b"\0")) == Refused(2, Refusal.malformed)


@pytest.mark.parametrize("changes", [{"protocol": 2}, {"network": Network(bytes(32))}, {"kind": Kind.recall}])
def test_step_3_refuses_an_unknown_protocol_network_or_kind(net, trust, changes):
    header = net.header(**{key: value for key, value in changes.items() if key != "kind"})
    sealed = net.sealed(header)
    if "kind" in changes:
        sent = codec.decode(Header, parts(sealed).header)
        data = resigned(net, sealed, header=codec.encode(replace(sent, **changes)))
    else:
        data = sealed.envelope
    assert opened(net, trust, data) == Refused(3, Refusal.unsupported)


@pytest.mark.parametrize("kind", [Kind.response])
def test_step_4_refuses_a_kind_that_does_not_travel_on_this_topic(net, trust, kind):
    sealed = net.sealed()
    sent = codec.decode(Header, parts(sealed).header)
    assert opened(net, trust, resigned(net, sealed, header=codec.encode(replace(sent, kind=kind)))) == Refused(4, Refusal.not_for_me)


@pytest.mark.proves("I2")
def test_step_5_refuses_a_kid_that_is_not_the_senders(net, trust):
    header = net.header(sender_kid=net.members[TRUST].signing.kid)
    assert opened(net, trust, net.sealed(header).envelope) == Refused(5, Refusal.untrusted)


@pytest.mark.proves("I15")
def test_step_5_refuses_a_revoked_key_from_the_next_message_on_whatever_sent_at_claims(net, trust):
    data = net.sealed(net.header(sent_at=NOW - timedelta(days=2), expires_at=NOW - timedelta(days=2) + LIFETIME)).envelope
    assert isinstance(opened(net, trust, data), Opened)
    revoked = replace(trust, directory=net.directory(revoked=(Revocation(kid=net.members[HUB].signing.kid, suspected_from=NOW),)))
    assert opened(net, revoked, data) == Refused(5, Refusal.untrusted)


def test_step_5_parks_a_header_that_names_a_newer_directory(net, trust):
    assert opened(net, trust, net.sealed(net.header(directory_sequence=2)).envelope) == Refused(5, Refusal.directory_ahead)


@pytest.mark.parametrize(
    ("sent", "at", "fine"), [(-1, 0, True), (1, 1, False), (0, 1, False), (-1, 14 * 24 * 60, False), (-1, 14 * 24 * 60 - 2, True)]
)
def test_step_5_believes_a_retired_key_for_what_it_signed_in_time_and_while_that_may_arrive(net, trust, sent, at, fine):
    party = net.members[HUB].listed()
    retired = replace(party, keys=(replace(party.keys[0], not_after=NOW), party.keys[1]))
    parties = tuple(retired if each.id == HUB else each.listed() for each in net.members.values())
    trust = replace(trust, directory=net.directory(parties=parties))
    sent_at = NOW + timedelta(minutes=sent)
    data = net.sealed(net.header(sent_at=sent_at, expires_at=sent_at + LIFETIME)).envelope
    got = opened(net, trust, data, NOW + timedelta(minutes=at))
    assert isinstance(got, Opened) if fine else got == Refused(5, Refusal.untrusted)


def test_step_6_refuses_a_flipped_bit_anywhere_in_what_is_signed(net, trust):
    data = net.sealed().envelope
    refused = {opened(net, trust, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]).step for at in range(0, len(data), 97)}
    assert refused <= {2, 3, 4, 5, 6}
    flipped = bytearray(data)
    flipped[-1] ^= 1
    assert opened(net, trust, bytes(flipped)) == Refused(6, Refusal.tampered)


@pytest.mark.parametrize(
    ("sent", "life", "reason"),
    [
        (SKEW + timedelta(seconds=1), LIFETIME, Refusal.outside_times),
        (timedelta(0), LIFETIME + timedelta(seconds=1), Refusal.outside_times),
        (timedelta(0), LIFETIME - timedelta(seconds=1), Refusal.outside_times),
        (-LIFETIME - SKEW, LIFETIME, Refusal.expired),
    ],
)
def test_step_7_refuses_the_future_a_false_lifetime_and_the_expired_but_names_the_digest(net, trust, sent, life, reason):
    sealed = net.sealed(net.header(sent_at=NOW + sent, expires_at=NOW + sent + life))
    got = opened(net, trust, sealed.envelope)
    assert (got.step, got.reason, got.digest) == (7, reason, sealed.digest)


def test_step_8_refuses_a_key_wrapped_for_another_header(net, trust):
    sealed = net.sealed()
    got = opened(net, trust, resigned(net, sealed, wrapped_key=parts(net.sealed()).wrapped_key))
    assert (got.step, got.reason) == (8, Refusal.tampered)


def test_step_8_says_expired_when_the_epochs_key_is_destroyed(net, trust):
    got = open_envelope(net.sealed().envelope, route(), {}, trust, NOW)
    assert (got.step, got.reason) == (8, Refusal.expired)


def test_step_8_refuses_the_aes_192_twin_which_shares_the_commitment_and_decrypts(net, trust):
    """HMAC pads keys with zeros: a 24-byte key and the same key with 8 zero bytes commit alike and open two ciphertexts."""
    short = os.urandom(24)
    twin = short + bytes(8)
    assert module._commitment(short) == module._commitment(twin)
    signed = codec.decode(Envelope, hand_sealed(net, twin), MAX_ENVELOPE).signed
    assert opened(net, trust, hand_sealed(net, twin)).__class__ is Opened
    h = hashlib.sha256(codec.decode(Signed, signed, MAX_ENVELOPE).header).digest()
    wrapped = SUITE.encrypt(short, net.trust().sealing_key(POLICE, NOW).public, b"mash/1 key" + h)
    assert len(wrapped) == 1160
    with pytest.raises(ValueError, match="1168"):
        WrappedKey(wrapped)
    shorter = replace(codec.decode(Signed, signed, MAX_ENVELOPE), wrapped_key=WrappedKey(wrapped + bytes(8)))
    encoded = codec.encode(shorter, MAX_ENVELOPE)
    signature = net.members[HUB].signing.sign(b"mash/1 envelope" + hashlib.sha256(encoded).digest())
    got = opened(net, trust, codec.encode(Envelope(signed=encoded, signature=signature), MAX_ENVELOPE))
    assert (got.step, got.reason) == (8, Refusal.tampered)


def test_step_8_refuses_any_unwrapped_key_that_is_not_32_bytes(net, trust, monkeypatch):
    sealed = net.sealed()

    class Short:
        def unwrap(self, wrapped, info):
            return bytes(24)

    got = open_envelope(sealed.envelope, route(), {net.members[POLICE].opening.kid: Short()}, trust, NOW)
    assert (got.step, got.reason) == (8, Refusal.tampered)


def test_step_9_refuses_a_key_that_is_not_the_one_committed_to(net, trust):
    got = opened(net, trust, hand_sealed(net, os.urandom(32), commitment=Digest(bytes(32))))
    assert (got.step, got.reason) == (9, Refusal.tampered)


def test_step_10_refuses_a_ciphertext_of_another_envelope(net, trust):
    got = opened(net, trust, resigned(net, net.sealed(), ciphertext=parts(net.sealed()).ciphertext))
    assert (got.step, got.reason) == (10, Refusal.tampered)


@pytest.mark.parametrize(
    "break_it", [lambda f: f[:-1] + b"\1", lambda f: f + bytes(2048), lambda f: struct.pack(">I", 5000) + f[4:], lambda f: f[:3]]
)
def test_step_11_refuses_padding_that_is_not_zero_a_wrong_class_and_a_false_length(net, trust, break_it):
    framed = module._frame(Kind.acknowledgement, codec.encode(acknowledgement()))
    got = opened(net, trust, hand_sealed(net, os.urandom(32), framed=break_it(framed)))
    assert (got.step, got.reason) == (11, Refusal.tampered)


def test_step_12_refuses_a_body_of_another_record(net, trust):
    framed = module._frame(Kind.acknowledgement, codec.encode(net.header()))
    got = opened(net, trust, hand_sealed(net, os.urandom(32), framed=framed))
    assert (got.step, got.reason) == (12, Refusal.malformed)


def test_step_13_refuses_a_body_that_breaks_its_own_rules(net, trust):
    body = acknowledgement()
    encoded = codec.encode(body)
    name = body.duty_contact.name.encode()
    at = encoded.index(name) - 1
    empty = encoded[:at] + b"\0" + encoded[at + 1 + len(name) :]  # strictly encoded, but the duty contact has no name
    got = opened(net, trust, hand_sealed(net, os.urandom(32), framed=module._frame(Kind.acknowledgement, empty)))
    assert (got.step, got.reason) == (13, Refusal.invalid)


def test_a_signature_and_a_decryption_failure_read_the_same_from_outside(net, trust):
    flipped = bytearray(net.sealed().envelope)
    flipped[-1] ^= 1
    reasons = {
        opened(net, trust, bytes(flipped)).reason,
        opened(net, trust, hand_sealed(net, os.urandom(32), commitment=Digest(bytes(32)))).reason,
        opened(net, trust, resigned(net, net.sealed(), ciphertext=parts(net.sealed()).ciphertext)).reason,
    }
    assert reasons == {Refusal.tampered}


@pytest.mark.proves("I2")
def test_the_matrix_of_sender_key_and_topic_accepts_only_the_diagonal(net, trust):
    agencies = [POLICE, TRUST]
    accepted = set()
    for claimed, signing, topic in product(agencies, repeat=3):
        header = net.header(sender=claimed, recipient=HUB, sender_kid=net.members[signing].signing.kid)
        sealed = seal(acknowledgement(), header, trust.sealing_key(HUB, NOW), net.members[signing].signing, os.urandom(32))
        if isinstance(open_envelope(sealed.envelope, route(topic, HUB), net.keys(HUB), trust, NOW), Opened):
            accepted.add((claimed, signing, topic))
    assert accepted == {(each, each, each) for each in agencies}


@pytest.mark.proves("I1")
def test_the_matrix_of_recipient_and_key_accepts_only_the_diagonal(net, trust):
    accepted = set()
    for recipient, holder, reader in product([POLICE, TRUST], repeat=3):
        sealed = net.sealed(net.header(recipient=recipient), trust=trust)
        if isinstance(open_envelope(sealed.envelope, route(HUB, reader), net.keys(holder), trust, NOW), Opened):
            accepted.add((recipient, holder, reader))
    assert accepted == {(each, each, each) for each in (POLICE, TRUST)}


def test_a_signed_message_cannot_be_signed_again_by_another(net, trust):
    stolen = codec.decode(Envelope, net.sealed().envelope, MAX_ENVELOPE).signed
    thief = signing_key()
    data = codec.encode(Envelope(signed=stolen, signature=thief.sign(b"mash/1 envelope" + hashlib.sha256(stolen).digest())), MAX_ENVELOPE)
    assert opened(net, trust, data) == Refused(6, Refusal.tampered)


def test_a_message_is_no_message_back_at_its_sender(net, trust):
    got = open_envelope(net.sealed().envelope, route(POLICE, HUB), net.keys(HUB), trust, NOW)
    assert got == Refused(4, Refusal.not_for_me)


def test_sizes_are_classes_so_that_length_tells_little(net):
    assert [module.size_class(Kind.response, n) for n in (1, 32 * 1024 - 4, 32 * 1024 - 3, 512 * 1024 - 4)] == [32768, 32768, 65536, 524288]
    assert module.size_class(Kind.acknowledgement, 100) == 2048
    with pytest.raises(OversizeRecordError):
        module.size_class(Kind.response, 512 * 1024 - 3)


def test_a_kid_is_the_first_half_of_a_labelled_sha_256(net):
    public = net.members[HUB].signing.public
    assert kid_of(KeyType.ed25519, public) == hashlib.sha256(b"ed25519" + public).digest()[:16]
