"""Hub and adapter start under no pack but the one that their controller signed, to the byte; each step breaks alone."""

from __future__ import annotations

import json
import shutil

import borough
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from agents.cli.app import app
from agents.cli.compose import adapter_of, hub_of, signed_own_pack
from agents.demo.ceremony import renew
from broker import keystore
from broker.founding import new_lone_key
from broker.packfiles import read_pack
from broker.packsigning import DOMAIN, NAME, check_signed, sign_pack
from broker.party import utc_now
from broker.settings import Folder
from broker.transport.embedded import EmbeddedTransport
from broker.trustfiles import load_trust
from schemas.enums import KeyUse
from schemas.errors import ConfigurationError


@pytest.fixture
def folder(tmp_path_factory, tmp_path):
    """A borough of one's own, with its directory."""
    own = borough.copied(borough.prepared(tmp_path_factory), tmp_path / "borough")
    renew(own, utc_now())
    return own


def refusal(party):
    with pytest.raises(ConfigurationError) as refused:
        signed_own_pack(party, utc_now())
    (fault,) = refused.value.faults
    return f"{fault.field}: {fault.message}; {fault.fix}"


def rewrite(party, **parts):
    """The signature file with some of its parts exchanged."""
    held = dict(line.split(" = ") for line in (party / NAME).read_text().splitlines())
    held |= {name: f'"{value}"' for name, value in parts.items()}
    (party / NAME).write_text("".join(f"{name} = {value}\n" for name, value in held.items()))


def test_the_pack_that_was_signed_is_the_one_decided_by(folder):
    assert signed_own_pack(folder / "police", utc_now()).digest == read_pack(folder / "police").digest


@pytest.mark.parametrize(("party", "open_one"), [("hub", hub_of), ("police", adapter_of)])
def test_neither_hub_nor_adapter_starts_under_an_unsigned_pack(folder, party, open_one):
    (folder / party / NAME).unlink()
    transport = EmbeddedTransport(folder / "transport.sqlite")
    with pytest.raises(ConfigurationError, match="is missing"):
        open_one(folder / party, transport)
    transport.close()


def test_step_1_no_signature_is_refused_with_what_to_do(folder):
    (folder / "police" / NAME).unlink()
    assert refusal(folder / "police") == ": is missing; mash policy sign"


@pytest.mark.parametrize("name", ["controller.toml", "agreements/borough-mash.toml"])
def test_step_2_a_pack_of_which_one_letter_changed_is_refused(folder, name):
    file = folder / "police/pack" / name
    file.write_text(file.read_text() + " ")
    assert refusal(folder / "police").startswith("digest: the pack is now ")


def test_step_2_a_digest_written_over_is_no_signature(folder):
    file = folder / "police/pack/controller.toml"
    file.write_text(file.read_text() + " ")
    rewrite(folder / "police", digest=str(read_pack(folder / "police").digest))
    assert refusal(folder / "police").startswith("signature: does not hold")


def test_step_3_another_partys_key_is_refused_though_its_signature_holds(folder):
    (theirs,) = keystore.load(folder / "trust/keys").signing
    pack = read_pack(folder / "police")
    rewrite(folder / "police", kid=str(theirs.kid), signature=theirs.sign(DOMAIN + pack.digest).hex())
    assert refusal(folder / "police").startswith("kid: is no signing key that the directory lists for this party")


def test_step_3_a_key_that_no_directory_lists_is_refused(folder, tmp_path):
    stranger = new_lone_key(tmp_path / "stranger", KeyUse.signing)
    pack = read_pack(folder / "police")
    rewrite(folder / "police", kid=str(stranger.kid), signature=stranger.sign(DOMAIN + pack.digest).hex())
    assert refusal(folder / "police").startswith("kid: ")


def test_step_4_a_signature_of_which_one_bit_flipped_is_refused(folder):
    (own,) = keystore.load(folder / "police/keys").signing
    good = own.sign(DOMAIN + read_pack(folder / "police").digest)
    rewrite(folder / "police", signature=(good[:-1] + bytes([good[-1] ^ 1])).hex())
    assert refusal(folder / "police").startswith("signature: does not hold")


def test_step_4_what_the_key_signed_for_another_purpose_is_no_signature_of_a_pack(folder):
    (own,) = keystore.load(folder / "police/keys").signing
    rewrite(folder / "police", signature=own.sign(b"mash/1 envelope" + read_pack(folder / "police").digest).hex())
    assert refusal(folder / "police").startswith("signature: does not hold")


def test_a_signature_file_that_says_something_else_is_refused_with_its_line(folder):
    (folder / "police" / NAME).write_text('digest = "00"\nkid = 7\n')
    with pytest.raises(ConfigurationError) as refused:
        signed_own_pack(folder / "police", utc_now())
    assert {each.line for each in refused.value.faults} >= {1, 2}


def test_signing_picks_a_key_that_the_directory_lists(folder):
    home, at = Folder(folder / "police"), utc_now()
    (listed,) = keystore.load(home.keys).signing
    keystore.write_signing(home.keys, KeyUse.signing, Ed25519PrivateKey.generate())  # made for a rotation that no directory knows of yet
    assert sign_pack(home, read_pack(home.path), at).kid == listed.kid
    check_signed(home, read_pack(home.path), load_trust(home, at))


def test_signing_without_a_key_says_so(folder):
    shutil.rmtree(folder / "police/keys")
    done = CliRunner().invoke(app, ["policy", "sign", str(folder / "police"), "--json"])
    assert done.exit_code == 3
    assert "holds no signing key" in done.stderr


def test_whoever_changed_a_pack_on_purpose_signs_it_again(folder):
    file = folder / "police/pack/controller.toml"
    file.write_text(file.read_text().replace('version = "demo"', 'version = "demo 2"', 1))
    doctor = CliRunner().invoke(app, ["doctor", str(folder / "police"), "--json"])
    assert "when it was signed" in next(each for each in json.loads(doctor.stdout)["findings"] if each["what"] == "pack")["says"]
    done = CliRunner().invoke(app, ["policy", "sign", str(folder / "police"), "--json"])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["pack"] == str(signed_own_pack(folder / "police", utc_now()).digest)


def test_a_bad_pack_is_never_signed(folder):
    (folder / "police/pack/controller.toml").write_text('party = "agency.police"\n')
    before = (folder / "police" / NAME).read_bytes()
    done = CliRunner().invoke(app, ["policy", "sign", str(folder / "police")])
    assert done.exit_code == 3
    assert (folder / "police" / NAME).read_bytes() == before
