"""docs/protocol.md §6: the tree of RFC 6962, its checkpoints, and the verification of a log."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from network import HUB, signing_key

from broker.accesslog import BLANK, Leaf, bundles, leaf_of, origin_of, read_bundle, verify_log, verify_openings
from broker.checkpoint import (
    Checkpoint,
    parse_verifier_key,
    sign_checkpoint,
    verifier_key,
)
from broker.merkle import EMPTY_ROOT, Frontier, leaf_hash, node_hash
from schemas.errors import InconsistentLogError

ORIGIN = origin_of(HUB)
# RFC 6962's eight-leaf example as Certificate Transparency's own implementations publish it
LEAVES = [
    bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def by_definition(leaves):
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(by_definition(leaves[:split]), by_definition(leaves[split:]))


@pytest.mark.parametrize("size", sorted(ROOTS))
def test_published_roots_are_ours(size):
    assert Frontier().append(LEAVES[:size]).root().hex() == ROOTS[size]


@given(st.lists(st.binary(max_size=8), max_size=70), st.integers(0, 70))
def test_a_tree_grown_in_any_two_steps_is_the_tree_of_the_definition(leaves, cut):
    grown = Frontier.decode(Frontier().append(leaves[:cut]).encode()).append(leaves[cut:])
    assert (grown.size, grown.root()) == (len(leaves), by_definition(leaves))


def test_a_frontier_that_does_not_fit_its_size_is_refused():
    with pytest.raises(ValueError, match="frontier"):
        Frontier(3, (bytes(32),))


@pytest.fixture(scope="module")
def key():
    return signing_key()


@pytest.fixture(scope="module")
def leaves():
    return [hashlib.sha256(bytes([index])).digest() for index in range(64)]


@pytest.fixture(scope="module")
def note(key, leaves):
    return sign_checkpoint(Checkpoint(origin=ORIGIN, size=64, root=Frontier().append(leaves).root()), key)


def test_a_checkpoint_is_a_c2sp_signed_note(note, key):
    lines = note.decode().split("\n")
    assert lines[:2] == ["hub.borough/log/1", "64"]
    assert lines[3] == ""
    assert lines[4].startswith("— hub.borough/log/1 ")
    signature = base64.b64decode(lines[4].rsplit(" ", 1)[1])
    assert signature[:4] == hashlib.sha256(ORIGIN.encode() + b"\n\x01" + key.public).digest()[:4]
    assert len(signature) == 68


def test_a_verifier_key_reads_back_and_a_changed_one_is_refused(key):
    text = verifier_key(ORIGIN, key.public)
    assert parse_verifier_key(text) == (ORIGIN, key.public)
    with pytest.raises(ValueError, match="verifier key"):
        parse_verifier_key(text.replace("borough", "burgh"))


@pytest.mark.proves("I9")
def test_a_log_verifies_from_checkpoint_leaves_and_public_key_alone(note, key, leaves):
    assert verify_log(note, leaves, ORIGIN, key.public).size == 64


@pytest.mark.proves("I9")
def test_any_flipped_bit_of_the_checkpoint_is_noticed(note, key, leaves):
    for at in range(len(note)):
        flipped = note[:at] + bytes([note[at] ^ 1]) + note[at + 1 :]
        with pytest.raises(InconsistentLogError):
            verify_log(flipped, leaves, ORIGIN, key.public)


@pytest.mark.proves("I9")
def test_a_signature_has_one_spelling(note, key, leaves):
    """Spare bits of base64's last character are refused, so that a note has exactly one form."""
    body, _, line = note[:-1].rpartition(b" ")
    assert line.endswith(b"=")
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = line.rstrip(b"=")[-1]
    other = alphabet[alphabet.index(last) ^ 1]
    respelt = body + b" " + line.replace(bytes([last]) + b"=", bytes([other]) + b"=") + b"\n"
    assert respelt != note
    with pytest.raises(InconsistentLogError):
        verify_log(respelt, leaves, ORIGIN, key.public)


@pytest.mark.proves("I5")
@pytest.mark.proves("I9")
@pytest.mark.parametrize("harm", ["flip", "drop", "swap", "add", "truncate"])
def test_any_change_of_the_leaves_is_noticed(note, key, leaves, harm):
    for at in range(len(leaves) - 1):
        changed = list(leaves)
        match harm:
            case "flip":
                changed[at] = bytes([changed[at][0] ^ 1]) + changed[at][1:]
            case "drop":
                del changed[at]
            case "swap":
                changed[at], changed[at + 1] = changed[at + 1], changed[at]
            case "add":
                changed.insert(at, bytes(32))
            case "truncate":
                del changed[at:]
        with pytest.raises(InconsistentLogError):
            verify_log(note, changed, ORIGIN, key.public)


def test_another_logs_key_or_name_does_not_verify_it(note, leaves, key):
    with pytest.raises(InconsistentLogError):
        verify_log(note, leaves, ORIGIN, signing_key().public)
    with pytest.raises(InconsistentLogError):
        verify_log(note, leaves, "hub.borough/log/2", key.public)


def test_a_leaf_opens_only_to_its_own_entry_or_blank():
    salt = bytes(32)
    honest = Leaf(leaf_of(salt, BLANK), salt)
    assert verify_openings([honest]) == []
    for leaf in (Leaf(honest.data, bytes(31) + b"\1"), Leaf(bytes(32), salt), Leaf(honest.data, None), Leaf(honest.data, salt, b"other")):
        with pytest.raises(InconsistentLogError):
            verify_openings([honest, leaf])


@pytest.mark.parametrize("count", [1, 64, 256, 257, 600])
def test_entry_bundles_hold_every_leaf_under_c2sp_paths(count):
    leaves = [hashlib.sha256(count.to_bytes(4, "big") + index.to_bytes(4, "big")).digest() for index in range(count)]
    files = bundles(leaves)
    assert [leaf for data in files.values() for leaf in read_bundle(data)] == leaves
    assert next(iter(files)) == ("tile/entries/000" if count >= 256 else f"tile/entries/000.p/{count}")
    with pytest.raises(InconsistentLogError):
        read_bundle(files[next(iter(files))][:-1])
