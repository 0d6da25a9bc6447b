"""The fixed vectors of tests/vectors, each read and held against the code; whoever writes another implementation does the same."""

from __future__ import annotations

import hashlib
import hmac
import importlib
import json
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tree import ROOT

from broker import accesslog, checkpoint
from broker.accesslog import Leaf, read_bundle, verify_log, verify_openings
from broker.directory import Taken, Trust, digest_of, open_directory, open_enrolment, parse_root, take
from broker.envelope import MAX_ENVELOPE, Opened, Refused, open_envelope, reopen
from broker.keys import MLKEM_PUBLIC, OpeningKey, kid_of, sealing_key, verifies, verifying_key
from broker.merkle import EMPTY_ROOT, Frontier
from broker.streams import route_of
from schemas import codec
from schemas.enums import KeyType
from schemas.envelope import Envelope, Header, Signed
from schemas.errors import ConfigurationError, InconsistentLogError, MalformedRecordError, UntrustedSenderError, VerificationError
from schemas.identifiers import Network
from schemas.statements import Statement

VECTORS = ROOT / "tests" / "vectors"
RECORDS = {record.__name__: record for record in codec.RELEASED}

# What the code says at each numbered refusal of docs/protocol.md §3, and as which error.
REFUSALS = {
    "D1": (VerificationError, "not a directory"),
    "D2": (UntrustedSenderError, "fewer than 2 officers"),
    "D3": (MalformedRecordError, "strictly"),
    "D4": (VerificationError, "another network"),
    "D5": (VerificationError, "times are not within 90 days"),
    "D6": (VerificationError, "does not follow"),
    "D7": (VerificationError, "a party stands twice"),
    "D8": (VerificationError, "one key stands twice"),
    "D10": (VerificationError, "was another's or of another role"),
    "P1": (VerificationError, "no signing key or no log key"),
    "P2": (VerificationError, "one key twice"),
    "P3": (VerificationError, "use or type"),
    "P4": (VerificationError, "ends before it begins"),
    "P5": (VerificationError, "not canonical or not of prime order"),
    "A1": (MalformedRecordError, "strictly"),
    "A2": (VerificationError, "another network or an unlisted party"),
    "A3": (UntrustedSenderError, "not signed by"),
    "A4": (VerificationError, "not its epoch's"),
    "A5": (VerificationError, "malformed or of low order"),
    "A6": (VerificationError, "announced twice"),
    "N1": (UntrustedSenderError, "not signed by the root's snapshot key"),
    "N2": (MalformedRecordError, "strictly"),
    "N3": (VerificationError, "another network"),
    "N4": (VerificationError, "not within 24 hours"),
    "E1": (MalformedRecordError, "strictly"),
    "E2": (VerificationError, "not an enrolment of this network"),
    "E4": (UntrustedSenderError, "not signed by each"),
}


def read(name):
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def cases(name, part="cases"):
    """Each case of a file as a parameter of its own, named by what it is about."""
    return [pytest.param(case, id=str(case.get("about") or case.get("why") or index)) for index, case in enumerate(read(name)[part])]


def instant(text):
    return datetime.fromisoformat(text)


def statement(text):
    return codec.decode(Statement, bytes.fromhex(text))


@pytest.fixture(scope="module")
def generate():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(VECTORS))
        yield importlib.import_module("generate")


def test_the_generator_writes_every_file_as_it_is_committed(generate):
    assert {path.stem for path in VECTORS.glob("*.json")} == set(generate.FILES)
    for name in generate.FILES:
        assert generate.text_of(name) == (VECTORS / f"{name}.json").read_text(encoding="utf-8"), name


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.json")), ids=lambda path: path.stem)
def test_every_file_says_that_it_is_synthetic(path):
    assert read(path.stem)["synthetic"] is True


@pytest.mark.parametrize("case", cases("kids", "kids"))
def test_a_kid_is_named_by_its_type_and_key(case):
    assert str(kid_of(KeyType(case["type"]), bytes.fromhex(case["public"]))) == case["kid"]


@pytest.mark.parametrize("case", [pytest.param(each, id=f"{each['record']} {at}") for at, each in enumerate(read("records")["records"])])
def test_a_record_decodes_to_its_value_and_encodes_to_its_bytes(generate, case):
    data = bytes.fromhex(case["encoded"])
    value = codec.decode(RECORDS[case["record"]], data)
    assert generate.plain(value) == case["value"]
    assert codec.encode(value) == data
    assert data[:10].hex() == "c301" + case["fingerprint"]


def test_every_released_record_has_a_vector():
    assert {case["record"] for case in read("records")["records"]} == set(RECORDS)


def test_what_is_to_be_refused_differs_from_every_honest_encoding_of_its_record():
    file = read("records")
    honest = {(case["record"], case["encoded"]) for case in file["records"]}
    assert not honest & {(case["record"], case["encoded"]) for case in file["refused"]}


@pytest.mark.parametrize("case", cases("records", "refused"))
@pytest.mark.proves("I19")
def test_bytes_that_a_lenient_decoder_takes_are_refused(case):
    with pytest.raises(MalformedRecordError):
        codec.decode(RECORDS[case["record"]], bytes.fromhex(case["encoded"]))


def test_the_decision_id_is_the_start_of_sha_256_over_the_identity(generate):
    case = read("decision_id")
    value = codec.decode(RECORDS["DecisionIdentity"], bytes.fromhex(case["encoded"]))
    assert generate.plain(value) == case["identity"]
    assert hashlib.sha256(codec.encode(value)).hexdigest()[:32] == case["decision_id"]
    answers = {each["value"]["answers"][0]["decision_id"] for each in read("records")["records"] if each["record"] == "Response"}
    assert answers == {case["decision_id"]}


@pytest.mark.parametrize("case", cases("keys", "keys"))
def test_a_key_is_believed_or_refused(case):
    load = {"ed25519": verifying_key, "xwing": sealing_key}[case["type"]]
    if case["refused"] is None:
        assert load(bytes.fromhex(case["public"]))
    else:
        with pytest.raises(VerificationError):
            load(bytes.fromhex(case["public"]))


def test_the_root_names_network_threshold_and_keys():
    case = read("root")
    root = parse_root(case["root"], "root.toml")
    assert (str(root.network), root.threshold, root.snapshot_key.hex()) == (case["network"], case["threshold"], case["snapshot_key"])
    assert [str(kid) for kid in root.officers] == case["officers"]


@pytest.mark.parametrize("case", [pytest.param(each, id=f"{each['refusal']} {each['field']}") for each in read("root")["refused"]])
def test_a_root_is_refused_and_the_field_named(case):
    with pytest.raises(ConfigurationError) as told:
        parse_root(case["root"], "root.toml")
    assert [fault.field for fault in told.value.faults] == [case["field"]]


def believe(root, statements, at):
    """What a party believes that was offered these in this order, the directory first."""
    first, *others = statements
    trust = Trust(root=root, directory=open_directory(root, first, at), directory_digest=digest_of(first.body))
    for each in others:
        trust, taken = take(trust, each, at)
        assert taken is Taken.taken
    return trust


def outcome(call):
    """A refusal's number, or what the call gives."""
    try:
        return call()
    except (VerificationError, MalformedRecordError) as error:
        found = {number for number, (kind, words) in REFUSALS.items() if type(error) is kind and words in str(error)}
        return found or str(error)


@pytest.mark.parametrize("case", cases("directory") + cases("announcement") + cases("snapshot"))
def test_a_statement_that_is_offered_comes_to_what_the_vector_says(case):
    root, at, offered = parse_root(read("directory")["root"], "root.toml"), instant(case["at"]), statement(case["offered"])
    if case["held"]:
        trust = believe(root, [statement(each) for each in case["held"]], at)
        got = outcome(lambda: take(trust, offered, at)[1].value)
    else:
        got = outcome(lambda: "taken" if open_directory(root, offered, at) else "")
    expected = case["expected"].rpartition("/")[2]
    assert got == expected or expected in got


@pytest.mark.parametrize("case", cases("enrolment"))
def test_an_enrolment_comes_to_what_the_vector_says(case):
    network = Network.parse(read("enrolment")["network"])
    got = outcome(lambda: "taken" if open_enrolment(network, statement(case["offered"])) else "")
    expected = case["expected"].rpartition("/")[2]
    assert got == expected or expected in got


def test_every_numbered_refusal_has_a_vector():
    files = [read(name) for name in ("directory", "announcement", "snapshot", "enrolment")]
    expected = {each for file in files for case in file["cases"] for each in case["expected"].split("/")}
    assert expected >= set(REFUSALS) | {"taken", "known", "ignored", "alarm", "D9", "E3"}
    assert {case["refused"] for case in read("keys")["keys"]} == {None, "K1", "K2", "K3", "K4"}
    assert {case["refusal"] for case in read("root")["refused"]} == {f"R{number}" for number in range(1, 7)}


@pytest.fixture(scope="module")
def sealed():
    """The worlds and keys of the envelope vectors."""
    file = read("envelopes")
    root = parse_root(file["root"], "root.toml")
    at = instant(file["cases"][0]["at"])
    worlds = {name: believe(root, [statement(text)], at) for name, text in file["worlds"].items()}
    return worlds, {party: opening_key(each) for party, each in file["opening_keys"].items()}


def opening_key(case):
    mlkem = MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(case["mlkem_seed"]))
    key = OpeningKey.of(mlkem, X25519PrivateKey.from_private_bytes(bytes.fromhex(case["x25519_private"])))
    assert str(key.kid) == case["kid"]
    return key


def envelope_of(case):
    return bytes.fromhex(case["envelope"]) + bytes(case["zeros_after"])


@pytest.mark.parametrize("case", cases("envelopes"))
def test_an_envelope_opens_or_fails_at_its_step(generate, sealed, case):
    worlds, keys = sealed
    route, data = route_of(case["topic"]), envelope_of(case)
    own = {keys[route.recipient].kid: keys[route.recipient]}
    got = open_envelope(data, route, own, worlds[case["world"]], instant(case["at"]))
    if "step" in case:
        assert isinstance(got, Refused)
        assert (got.step, got.reason.value) == (case["step"], case["reason"])
        assert (got.digest is not None) == (got.header is not None) == (case["step"] > 6)
        return
    assert isinstance(got, Opened)
    assert (str(got.digest), got.key.hex(), type(got.body).__name__) == (case["digest"], case["content_key"], case["record"])
    assert (generate.plain(got.header), generate.plain(got.body)) == (case["header"], case["body"])
    assert reopen(data, got.key) == (got.header, got.body)


def test_every_step_of_open_has_an_envelope_that_fails_there():
    assert {case.get("step") for case in read("envelopes")["cases"]} == {None, *range(1, 14)}


def unwrapped(key, wrapped, info):
    """RFC 9180 with X-Wing from its parts, as docs/protocol.md §4 tells it: no HPKE library."""
    enc, sealed = wrapped[:1120], wrapped[1120:]
    own = key.public[MLKEM_PUBLIC:]
    secrets = key.mlkem.decapsulate(enc[:1088]) + key.x25519.exchange(X25519PublicKey.from_public_bytes(enc[1088:]))
    shared = hashlib.sha3_256(secrets + enc[1088:] + own + bytes.fromhex("5c2e2f2f5e5c")).digest()
    suite = b"HPKE-v1HPKE" + bytes.fromhex("647a 0001 0002")

    def extract(label, material, salt=b""):
        return hmac.digest(salt, suite + label + material, "sha256")

    def expand(secret, label, context, size):
        return hmac.digest(secret, size.to_bytes(2, "big") + suite + label + context + b"\x01", "sha256")[:size]

    context = b"\0" + extract(b"psk_id_hash", b"") + extract(b"info_hash", info)
    secret = extract(b"secret", b"", shared)
    return AESGCM(expand(secret, b"key", context, 32)).decrypt(expand(secret, b"base_nonce", context, 12), sealed, b"")


@pytest.mark.parametrize("case", [case for case in cases("envelopes") if "step" not in case.values[0]])
def test_a_stranger_opens_an_envelope_with_nothing_but_the_documents_words(sealed, case):
    worlds, keys = sealed
    signed = codec.decode(Envelope, envelope_of(case), MAX_ENVELOPE).signed
    parts = codec.decode(Signed, signed, MAX_ENVELOPE)
    h = hashlib.sha256(parts.header).digest()
    header = codec.decode(Header, parts.header)
    key = unwrapped(keys[header.recipient], parts.wrapped_key, b"mash/1 key" + h)
    assert key.hex() == case["content_key"]
    assert hmac.digest(key, b"mash/1 commitment", "sha256") == header.commitment
    framed = AESGCM(key).decrypt(bytes(12), parts.ciphertext, b"mash/1 body" + h)
    length = int.from_bytes(framed[:4], "big")
    assert framed[4 + length :].count(0) == len(framed) - 4 - length
    assert codec.decode(RECORDS[case["record"]], framed[4 : 4 + length])
    public = worlds["plain"].signing_key(header.sender, header.sender_kid).public
    message = b"mash/1 envelope" + hashlib.sha256(signed).digest()
    assert verifies(public, codec.decode(Envelope, envelope_of(case), MAX_ENVELOPE).signature, message)


@pytest.fixture(scope="module")
def log():
    return read("log")


def test_leaves_open_to_their_entries_and_blanks(log):
    leaves = [
        Leaf(bytes.fromhex(each["data"]), bytes.fromhex(each["salt"]), each["entry"] and bytes.fromhex(each["entry"]))
        for each in log["leaves"]
    ]
    assert [entry.operation.value for entry in verify_openings(leaves)] == ["disclosure", "consultation", "disclosure"]
    assert len(leaves) % accesslog.FILL == 0


def test_every_size_of_the_tree_has_its_root(log):
    data = [bytes.fromhex(each["data"]) for each in log["leaves"]]
    assert [Frontier().append(data[:size]).root().hex() for size in range(len(data) + 1)] == log["roots"]
    assert log["roots"][0] == EMPTY_ROOT.hex()


@pytest.mark.proves("I9")
def test_the_log_verifies_from_checkpoint_bundle_and_verifier_key(log):
    name, public = checkpoint.parse_verifier_key(log["verifier_key"])
    assert (name, public.hex(), checkpoint.key_id(name, public).hex()) == (log["origin"], log["public"], log["key_id"])
    leaves = read_bundle(bytes.fromhex(log["bundle"]["data"]))
    for note in (log["checkpoint"], log["cosigned"]):
        verified = verify_log(note.encode(), leaves, name, public)
        assert (verified.size, verified.root.hex()) == (64, log["roots"][64])
    assert accesslog.bundles(leaves) == {log["bundle"]["path"]: bytes.fromhex(log["bundle"]["data"])}


@pytest.mark.parametrize("case", cases("log", "refused"))
@pytest.mark.proves("I9")
def test_a_note_that_is_not_the_logs_is_refused(log, case):
    with pytest.raises(InconsistentLogError):
        checkpoint.open_checkpoint(case["note"].encode(), log["origin"], bytes.fromhex(log["public"]))


def test_bundles_are_named_in_groups_of_three_digits(log):
    assert {number: accesslog._tile_number(int(number)) for number in log["bundle_paths"]} == log["bundle_paths"]


def test_an_encryption_key_that_is_revoked_is_sealed_to_no_more(generate):
    net = generate.net
    root, at = parse_root(net.root_text(), "root.toml"), net.NOW
    held = [net.signed_directory(), net.announced(net.announcement(net.POLICE)), net.signed_snapshot()]
    trust = believe(root, held, at)
    assert trust.sealing_key(net.POLICE, at).kid == net.OPENING[net.POLICE].kid
    revocation = net.statements.Revocation(kid=net.OPENING[net.POLICE].kid, suspected_from=at)
    after = net.signed_directory(sequence=2, previous=digest_of(held[0].body), revoked=(revocation,))
    trust, taken = take(trust, after, at)
    assert (taken, trust.sealing_key(net.POLICE, at)) == (Taken.taken, None)
