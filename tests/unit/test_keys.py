"""docs/protocol.md §3.1: a key that would let anybody sign is refused at load."""

from __future__ import annotations

import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from broker import keys, keystore
from broker.keys import OpeningKey, SigningKey, sealing_key, verifies, verifying_key
from schemas.enums import KeyUse
from schemas.errors import ConfigurationError, VerificationError

# The eight points of small order, and the non-canonical encodings a lenient decoder takes for them (y + p, or x = 0 with the sign bit).
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


@pytest.mark.parametrize("encoded", SMALL_ORDER)
def test_every_encoding_of_a_small_order_point_is_refused(encoded):
    with pytest.raises(VerificationError):
        verifying_key(bytes.fromhex(encoded))


def test_the_library_alone_would_believe_one_constant_signature_for_any_message():
    point = bytes.fromhex(SMALL_ORDER[0])
    constant = point + bytes(32)
    Ed25519PublicKey.from_public_bytes(point).verify(constant, b"any message")
    with pytest.raises(VerificationError):
        verifies(point, constant, b"any message")


def encoded_point(point):
    x, y, z, _ = point
    inverse = pow(z, -1, keys.P)
    return ((y * inverse % keys.P) | ((x * inverse % keys.P) & 1) << 255).to_bytes(32, "little")


def test_a_mixed_order_key_is_refused():
    """A real public key plus a point of order 8: it still verifies some signatures, and more than one key verifies each."""
    honest = keys._decompress(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    torsion = keys._decompress(bytes.fromhex(SMALL_ORDER[4]))
    mixed = encoded_point(keys._add(honest, torsion))
    Ed25519PublicKey.from_public_bytes(mixed)
    with pytest.raises(VerificationError):
        verifying_key(mixed)


@pytest.mark.parametrize("encoded", [b"", bytes(31), b"\x02" + bytes(31)])
def test_what_is_no_point_is_refused(encoded):
    with pytest.raises(VerificationError):
        verifying_key(encoded)


def test_an_honest_key_is_believed_and_only_for_its_own_signature():
    key = SigningKey.of(Ed25519PrivateKey.generate())
    assert verifies(key.public, key.sign(b"this"), b"this")
    assert not verifies(key.public, key.sign(b"this"), b"that")


@pytest.mark.parametrize("public", [bytes(1216), b"\xff" * 1216, OpeningKey.generate().public[:1184] + bytes(32), bytes(10)])
def test_an_encryption_key_that_fails_its_trial_seal_is_refused(public):
    with pytest.raises(VerificationError):
        sealing_key(public)


@pytest.fixture
def folder(tmp_path):
    keystore.write_signing(tmp_path, KeyUse.signing, Ed25519PrivateKey.generate())
    keystore.write_opening(tmp_path, OpeningKey.generate())
    keystore.write_store(tmp_path, bytes(range(32)))
    return tmp_path


def test_keys_are_written_for_their_owner_only_and_read_back(folder):
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    keys_read = keystore.load(folder)
    assert len(keys_read.signing) == len(keys_read.opening) == 1
    assert keys_read.store == bytes(range(32))


def test_a_key_file_is_never_overwritten(folder):
    with pytest.raises(FileExistsError):
        keystore.write_store(folder, bytes(range(32)))


def test_every_file_that_is_too_open_misnamed_or_broken_is_named_at_once(folder):
    paths = sorted(folder.iterdir())
    paths[0].chmod(0o640)
    paths[1].write_bytes(b"nonsense")
    paths[2].rename(paths[2].with_name("store-" + "0" * 32 + ".key"))
    with pytest.raises(ConfigurationError) as told:
        keystore.load(folder)
    assert len(told.value.faults) == 3
    assert all(fault.file and fault.fix for fault in told.value.faults)


def test_private_keys_have_no_telling_repr(folder):
    keys_read = keystore.load(folder)
    assert bytes(range(32)).hex() not in repr(keys_read)
    assert "0x" not in repr(keys_read.signing[0]).replace("public", "")
