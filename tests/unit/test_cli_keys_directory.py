"""`mash keys` and `mash directory` as people type them: the ceremony that founds a network, and everything that can go wrong in it."""

from __future__ import annotations

import errno
import json
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from network import HUB, NOW, POLICE, TestNetwork, member
from typer.testing import CliRunner

from agents.cli.app import app
from broker import keystore
from broker.directory import Taken, make_snapshot, sign
from broker.enrol import announce
from broker.settings import Folder
from broker.times import epoch_at
from broker.trustfiles import keep, load_trust, path_of, read_statement
from schemas import codec
from schemas.enums import StatementKind
from schemas.errors import ConfigurationError, SharingError
from schemas.statements import Statement

PARTIES = {"hub": ("hub.borough", "local_authority"), "police": ("agency.police", "police"), "trust": ("agency.acute-trust", "nhs_body")}
PARTY_FILE = """\
id = "{id}"
kind = "{kind}"
name = "{id} (synthetic)"

[duty_contact]
name = "Duty officer (synthetic)"
phone = "01632 960001"
hours = "24 hours"

[transport]
kind = "embedded"
path = "wire.sqlite"
"""


def mash(*words):
    """One command line, in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


def done(*words):
    """A command that must succeed, and its JSON."""
    got = mash(*words, "--json")
    assert (got.exit_code, got.stderr) == (0, "")
    return json.loads(got.stdout)


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Ceremony:
    """A folder in which three officers found a network of three parties."""

    def __init__(self, path):
        self.path = path
        self.root = path / "root.toml"
        self.directory = path / "directory.avro"
        self.snapshot = path / "snapshot.avro"
        self.officers = [path / name for name in ("anne", "ben", "cara")]
        self.office = path / "office"
        self.parties = [path / name for name in PARTIES]
        self.told = {}

    def found(self):
        for officer in self.officers:
            self.told[officer.name] = done("keys", "new", officer, "--use", "officer")
        self.told["office"] = done("keys", "new", self.office, "--use", "snapshot")
        outside = ("--outside", self.officers[2], "--snapshot", self.office, "--threshold", 2, "--out", self.root)
        self.told["root"] = done("directory", "root", *self.officers, *outside)

    def enrol(self):
        for party in self.parties:
            identity, kind = PARTIES[party.name]
            party.mkdir()
            shutil.copy(self.root, party)
            (party / "party.toml").write_text(PARTY_FILE.format(id=identity, kind=kind))
            self.told[party.name] = done("keys", "new", party)

    def sign(self):
        wishes = [party / "enrolment.avro" for party in self.parties]
        self.told["draft"] = done("directory", "draft", *wishes, "--root", self.root, "--out", self.directory)
        self.told["signed"] = [done("directory", "sign", self.directory, "--officer", officer) for officer in self.officers[1:]]
        self.told["check"] = done("directory", "check", self.directory, "--root", self.root)

    def publish(self):
        keys = ("--root", self.root, "--key", self.office, "--out", self.snapshot)
        self.told["snapshot"] = done("directory", "snapshot", self.directory, *self.announcements, *keys)
        to = [word for party in self.parties for word in ("--to", party)]
        self.told["publish"] = done("directory", "publish", self.directory, *self.announcements, self.snapshot, *to)

    @property
    def announcements(self):
        return [Path(self.told[party.name]["announcements"][0]) for party in self.parties]


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    ceremony = Ceremony(tmp_path_factory.mktemp("network"))
    ceremony.found()
    ceremony.enrol()
    ceremony.sign()
    ceremony.publish()
    return ceremony


@pytest.fixture
def network(founded, tmp_path):
    """A copy of the founded network that a test may harm."""
    shutil.copytree(founded.path, tmp_path / "network")
    copy = Ceremony(tmp_path / "network")
    copy.told = json.loads(json.dumps(founded.told).replace(str(founded.path), str(copy.path)))
    return copy


def test_each_step_of_the_ceremony_says_what_it_did(founded):
    told = founded.told
    assert told["anne"]["use"] == "officer"
    assert (told["root"]["threshold"], len(told["root"]["network"])) == (2, 64)
    assert set(told["hub"]["kids"]) == {"signing", "log", "witness", "encryption"}
    assert (told["draft"]["sequence"], told["draft"]["parties"]) == (1, sorted(identity for identity, _ in PARTIES.values()))
    assert [each["signatures"] for each in told["signed"]] == [1, 2]
    assert (told["check"]["valid"], told["check"]["signed"], told["check"]["threshold"]) == (True, 2, 2)
    assert told["snapshot"] == {"snapshot": str(founded.snapshot), "announcements": 3}
    assert told["publish"] == {"published": 5, "parties": 3, "topics": False}


def test_what_was_published_is_believed_and_fresh_in_every_party(founded):
    now = datetime.now(UTC)
    for party in founded.parties:
        trust = load_trust(Folder(party), now)
        assert trust.is_fresh(now)
        for identity, _ in PARTIES.values():
            kids = founded.told[next(name for name, each in PARTIES.items() if each[0] == identity)]["kids"]
            assert str(trust.sealing_key(identity, now).kid) in kids["encryption"]


def test_private_keys_are_their_owners_only_and_nothing_shows_them(founded):
    for party in founded.parties:
        keys = sorted((party / "keys").iterdir())
        assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
        assert stat.S_IMODE((party / "keys").stat().st_mode) == 0o700
        shown = mash("keys", "show", party).stdout + json.dumps(done("keys", "show", party))
        secrets = [line for path in keys for line in path.read_text().splitlines() if not line.startswith("-----")]
        assert not [secret for secret in secrets if secret in shown]


def test_keys_show_names_every_kid_by_use(founded):
    for party in founded.parties:
        kids = founded.told[party.name]["kids"]
        assert done("keys", "show", party) == {"keys": kids}
        lines = mash("keys", "show", party).stdout.splitlines()
        assert [line.split() for line in lines] == [[use, kid] for use, each in kids.items() for kid in each]


def test_people_get_one_line_where_programs_get_json(founded):
    got = mash("directory", "check", founded.directory, "--root", founded.root)
    assert (got.exit_code, got.stderr, len(got.stdout.splitlines())) == (0, "", 1)
    assert "3 parties, 2 of 3 officers" in got.stdout


def test_the_second_directory_follows_the_first_and_keeps_its_parties(network):
    first = ("--root", network.root, "--previous", network.directory)
    told = done("directory", "draft", network.parties[0] / "enrolment.avro", *first, "--out", network.path / "next.avro")
    assert (told["sequence"], len(told["parties"])) == (2, 3)
    for officer in network.officers[:2]:
        done("directory", "sign", network.path / "next.avro", "--officer", officer)
    now = datetime.now(UTC)
    folder = Folder(network.parties[0])
    trust, taken = keep(folder, load_trust(folder, now), read_statement(network.path / "next.avro"), now)
    assert (taken, trust.directory.sequence) == (Taken.taken, 2)


def test_a_directory_below_its_threshold_is_checked_with_a_no_and_the_reason(network):
    wish = network.parties[0] / "enrolment.avro"
    network.directory.unlink()
    done("directory", "draft", wish, "--root", network.root, "--out", network.directory)
    done("directory", "sign", network.directory, "--officer", network.officers[0])
    got = mash("directory", "check", network.directory, "--root", network.root, "--json")
    assert got.exit_code == 1
    assert json.loads(got.stdout) == {"valid": False, "signed": 1, "reason": "fewer than 2 officers have signed the directory"}
    assert "not valid: fewer than 2" in mash("directory", "check", network.directory, "--root", network.root).stdout


def refused(*arguments):
    """The faults of a command that was refused, and that nothing was changed by."""
    got = mash(*arguments, "--json")
    assert got.exit_code == 3, got.output
    return json.loads(got.stderr.splitlines()[-1])["error"]["faults"]


def next_directory(network, *changes):
    """The directory after the one in force, signed by two."""
    out = network.path / f"next-{len(list(network.path.glob('next-*')))}.avro"
    done("directory", "draft", "--root", network.root, "--previous", network.directory, "--out", out, *changes)
    for officer in network.officers[:2]:
        done("directory", "sign", out, "--officer", officer)
    return out


@pytest.mark.proves("I15")
def test_a_key_is_revoked_and_a_party_removed_by_the_next_directory(network):
    kid = network.told["police"]["kids"]["signing"][0]
    since = "2026-11-01T09:00:00"
    revoked = next_directory(network, "--revoke", kid, "--suspected-from", since)
    done("directory", "publish", revoked, "--to", network.parties[0])
    trust = load_trust(Folder(network.parties[0]), datetime.now(UTC))
    assert [(str(each.kid), each.suspected_from.isoformat()) for each in trust.directory.revoked] == [(kid, f"{since}+00:00")]
    assert trust.signing_key(POLICE, trust.directory.revoked[0].kid) is None
    gone = next_directory(network, "--remove", POLICE)
    assert POLICE not in done("directory", "check", gone, "--root", network.root)["parties"]
    out = ("--previous", network.directory, "--root", network.root, "--out", network.path / "no.avro")
    assert "is not listed" in refused("directory", "draft", "--remove", "agency.nobody", *out)[0]["message"]
    assert {each["file"] for each in refused("directory", "draft", "--revoke", "no kid", "--remove", "no party", *out)} == {
        "--revoke",
        "--remove",
    }


def test_what_officers_signed_or_parties_pinned_is_never_overwritten(network):
    held = {path: path.read_bytes() for path in (network.root, network.directory)}
    wish = network.parties[0] / "enrolment.avro"
    assert refused("directory", "draft", wish, "--root", network.root, "--out", network.directory)[0]["message"] == "exists already"
    folders = (*network.officers, "--outside", network.officers[2], "--snapshot", network.office)
    assert refused("directory", "root", *folders, "--out", network.root)[0]["message"] == "exists already"
    assert {path: path.read_bytes() for path in held} == held


def test_a_party_keeps_a_newer_directory_than_the_one_it_is_given(network):
    party = network.parties[0]
    done("directory", "publish", next_directory(network), "--to", party)
    newer = (party / "directory.avro").read_bytes()
    done("directory", "publish", network.directory, "--to", party)
    assert (party / "directory.avro").read_bytes() == newer


def test_only_what_is_public_is_published_and_only_a_directory_signed(network):
    enrolment = network.parties[0] / "enrolment.avro"
    assert "enrolment" in refused("directory", "publish", enrolment, "--to", network.parties[0])[0]["message"]
    assert "holds no root.toml" in refused("directory", "publish", network.snapshot, "--to", network.officers[0])[0]["message"]
    assert "no directory" in refused("directory", "sign", network.snapshot, "--officer", network.officers[0])[0]["message"]


def test_every_bad_file_is_told_at_once(network):
    bad = [network.path / name for name in ("one.avro", "two.avro")]
    for path in bad:
        path.write_bytes(b"nonsense")
    out = ("--root", network.root, "--out", network.path / "no.avro")
    assert {each["file"] for each in refused("directory", "draft", *bad, *out)} == {str(path) for path in bad}
    snapshot = ("directory", "snapshot", network.directory, *bad, "--key", network.office, *out)
    assert {each["file"] for each in refused(*snapshot)} == {str(path) for path in bad}


def test_a_directory_that_accepts_no_law_says_so_when_it_is_drafted(network):
    wish, out = network.parties[0] / "enrolment.avro", network.path / "lawless.avro"
    assert "accepts no law" in mash("directory", "draft", wish, "--root", network.root, "--out", out).stdout


def test_a_party_folder_without_keys_blames_no_other_file(network, tmp_path):
    shutil.copy(network.parties[0] / "party.toml", tmp_path)
    got = mash("keys", "show", tmp_path)
    assert (got.exit_code, "no keys in" in got.stdout) == (1, True)


def test_next_weeks_key_is_announced_with_this_weeks(network):
    made = done("keys", "announce", network.parties[0])["announcements"]
    now = epoch_at(datetime.now(UTC))
    assert [Path(each).stem.rpartition("-")[2] for each in made] == [str(now), str(now + 1)]


def test_a_write_that_fails_names_the_file_and_leaves_no_half_key(network, monkeypatch, tmp_path):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("broker.keystore.os.fsync", full)
    got = mash("keys", "new", tmp_path / "lone", "--use", "officer")
    assert got.exit_code == 4
    assert "No space left on device" in got.stderr
    assert str(tmp_path / "lone") in got.stderr
    assert list((tmp_path / "lone").iterdir()) == []


def test_an_officer_who_signs_twice_has_signed_once(network):
    assert done("directory", "sign", network.directory, "--officer", network.officers[1])["signatures"] == 2


def test_two_announcements_of_one_epoch_make_no_snapshot(network):
    now = datetime.now(UTC)
    hub = Folder(network.parties[0])
    other = announce(HUB, load_trust(hub, now).root.network, member(HUB).opening, keystore.load(hub.keys).signing[0], epoch_at(now))
    (network.path / "other.avro").write_bytes(codec.encode(other))
    offered = (network.announcements[0], network.path / "other.avro")
    before = contents(network.path)
    got = mash(
        "directory", "snapshot", network.directory, *offered, "--root", network.root, "--key", network.office, "--out", network.snapshot
    )
    assert got.exit_code == 3
    assert "two announcements of one party and epoch" in got.stderr
    assert contents(network.path) == before


def test_no_keys_is_a_no(tmp_path):
    got = mash("keys", "show", tmp_path, "--json")
    assert (got.exit_code, json.loads(got.stdout)) == (1, {"keys": {}})


@pytest.mark.parametrize(
    "words",
    [
        ["keys", "new"],
        ["keys", "new", "x", "--use", "bogus"],
        ["keys", "lose", "x"],
        ["directory", "check", "directory.avro"],
        ["directory", "sign", "directory.avro", "--oficer", "anne"],
        ["directory", "root", "anne", "--snapshot", "office", "--outside", "anne", "--threshold", "two"],
    ],
    ids=" ".join,
)
def test_a_misspelt_command_is_a_usage_error_and_does_nothing(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    got = mash(*words)
    assert (got.exit_code, got.stdout) == (2, "")
    assert got.stderr
    assert not contents(tmp_path)


def harm(path):
    path.write_bytes(b"not what it was")
    return path


REFUSED = {
    "a party's keys made a second time": (lambda n: ["keys", "new", n.parties[0]], ["hub/keys", "holds keys already", "made once"]),
    "a party without a folder": (lambda n: ["keys", "new", n.path / "nowhere"], ["nowhere/party.toml", "is missing", "mash keys new"]),
    "a use that is no lone key": (
        lambda n: ["keys", "new", n.path / "x", "--use", "log"],
        ["--use", "not a lone key", "officer or snapshot"],
    ),
    "a second officer's key in one folder": (
        lambda n: ["keys", "new", n.officers[0], "--use", "officer"],
        ["anne", "holds a key for officer already", "another folder"],
    ),
    "a broken key": (lambda n: ["keys", "show", harm(next(n.officers[0].iterdir())).parent], ["anne/officer-", "restore it"]),
    "officers' folders without a key": (
        lambda n: ["directory", "root", n.path / "nobody", "--outside", n.path / "nobody", "--snapshot", n.office],
        ["nobody", "0 officer keys", "mash keys new --use officer"],
    ),
    "an officer's folder without an officer's key": (
        lambda n: ["directory", "sign", n.directory, "--officer", n.office],
        ["office", "0 officer keys", "mash keys new --use officer"],
    ),
    "no such directory": (
        lambda n: ["directory", "check", n.path / "gone.avro", "--root", n.root],
        ["gone.avro", "cannot be read", "mash directory --help"],
    ),
    "no such root": (
        lambda n: ["directory", "check", n.directory, "--root", n.path / "gone.toml"],
        ["gone.toml", "is missing", "out of band"],
    ),
    "a root that is no TOML": (lambda n: ["directory", "check", n.directory, "--root", harm(n.root)], ["root.toml:1", "is not TOML"]),
    "a directory that is no statement": (
        lambda n: ["directory", "sign", harm(n.directory), "--officer", n.officers[0]],
        ["directory.avro", "no released schema"],
    ),
    "an enrolment that is none": (
        lambda n: ["directory", "draft", n.announcements[0], "--root", n.root, "--out", n.path / "next.avro"],
        [".avro", "not a Enrolment", "ask its sender"],
    ),
    "an enrolment that was changed": (
        lambda n: ["directory", "draft", flip(n.parties[0] / "enrolment.avro"), "--root", n.root, "--out", n.path / "next.avro"],
        ["hub/enrolment.avro", "not signed by each of its keys", "ask its sender for a new one"],
    ),
    "an announcement that was changed": (
        lambda n: ["directory", "snapshot", n.directory, flip(n.announcements[1]), "--root", n.root, "--key", n.office],
        ["agency.police-", "not signed by agency.police"],
    ),
    "a snapshot with an officer's key": (
        lambda n: ["directory", "snapshot", n.directory, n.announcements[0], "--root", n.root, "--key", n.officers[0]],
        ["anne", "0 snapshot keys", "mash keys new --use snapshot"],
    ),
    "something else published": (
        lambda n: ["directory", "publish", harm(n.snapshot), "--to", n.parties[0]],
        ["snapshot.avro", "no released schema"],
    ),
}


def flip(path, at=-2):
    """One bit of a statement's file; the last byte but one is its last signature's."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("about", REFUSED)
def test_bad_input_is_refused_with_its_file_its_fault_and_a_cure_and_changes_nothing(network, about):
    words, fragments = REFUSED[about]
    typed = words(network)
    before = contents(network.path)
    got = mash(*typed)
    assert (got.exit_code, got.stdout) == (3, "")
    assert not [fragment for fragment in fragments if fragment not in got.stderr]
    assert "Traceback" not in got.stderr
    error = json.loads(mash(*typed, "--json").stderr)["error"]
    assert (error["code"], bool(error["faults"])) == ("configuration-refused", True)
    assert contents(network.path) == before


def test_every_fault_of_a_party_file_is_told_at_once_with_its_line(network):
    party = network.parties[0]
    shutil.rmtree(party / "keys")
    text = PARTY_FILE.format(id="hub.Borough", kind="circus").replace('hours = "24 hours"\n', "extra = 1\n")
    (party / "party.toml").write_text(text)
    error = json.loads(mash("keys", "new", party, "--json").stderr)["error"]
    places = {(each["line"], each["field"]) for each in error["faults"]}
    assert places == {(1, "id"), (2, "kind"), (5, "duty_contact.hours"), (8, "duty_contact.extra")}
    assert {each["file"] for each in error["faults"]} == {str(party / "party.toml")}
    assert not (party / "keys").exists()


def test_every_fault_of_a_root_is_told_at_once_and_no_root_is_written(network):
    out = network.path / "other.toml"
    one = network.officers[0]
    words = ("directory", "root", one, one, "--outside", network.path / "nobody", "--snapshot", network.office)
    error = json.loads(mash(*words, "--threshold", 3, "--out", out, "--json").stderr)["error"]
    assert sorted(each["field"] for each in error["faults"]) == ["officer", "officer", "threshold"]
    assert not out.exists()


def test_every_key_that_others_may_read_is_told_at_once_with_its_cure(network):
    keys = sorted((network.parties[0] / "keys").iterdir())
    for path in keys[:3]:
        path.chmod(0o644)
    error = json.loads(mash("keys", "show", network.parties[0], "--json").stderr)["error"]
    assert [(each["file"], each["fix"]) for each in error["faults"]] == [(str(path), f"chmod 600 {path}") for path in keys[:3]]


def run(*words, **options):
    """One command line as its own process."""
    command = [str(Path(sys.executable).with_name("mash")), *(str(word) for word in words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)


def test_the_installed_command_speaks_json_last_on_stdout_and_exits_as_promised(network, tmp_path):
    made = run("keys", "new", "dora", "--use", "officer", "--json", cwd=tmp_path)
    told = json.loads(made.stdout.splitlines()[-1])
    assert (made.returncode, made.stderr) == (0, "")
    assert (tmp_path / "dora" / f"officer-{told['kid']}.pem").is_file()
    checked = run("directory", "check", network.directory, "--root", network.root, "--json")
    assert (checked.returncode, json.loads(checked.stdout)["valid"]) == (0, True)
    empty = run("keys", "show", tmp_path / "empty")
    assert (empty.returncode, empty.stderr) == (1, "")
    assert run("keys", "show").returncode == 2
    refused = run("keys", "show", tmp_path / "dora" / "..", "--json")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert json.loads(refused.stderr)["error"]["faults"]


def refused_at_load(folder):
    with pytest.raises(ConfigurationError) as told:
        load_trust(Folder(folder), datetime.now(UTC))
    (fault,) = told.value.faults
    assert fault.fix
    return Path(fault.file).name


@pytest.mark.proves("I2")
def test_a_directory_with_any_bit_changed_is_refused_and_named(network):
    party = network.parties[0]
    honest = (party / "directory.avro").read_bytes()
    for at in (0, 12, 40, 200, len(honest) // 2, len(honest) - 70, len(honest) - 2):
        (party / "directory.avro").write_bytes(honest)
        flip(party / "directory.avro", at)
        with pytest.raises(ConfigurationError, match=r"directory\.avro"):
            load_trust(Folder(party), datetime.now(UTC))


@pytest.mark.proves("I2")
def test_a_snapshot_with_any_bit_changed_is_refused_and_named(network):
    party = network.parties[0]
    honest = (party / "snapshot.avro").read_bytes()
    for at in (0, 12, 40, 100, len(honest) // 2, len(honest) - 2):
        (party / "snapshot.avro").write_bytes(honest)
        flip(party / "snapshot.avro", at)
        with pytest.raises(ConfigurationError, match=r"snapshot\.avro"):
            load_trust(Folder(party), datetime.now(UTC))


@pytest.mark.proves("I2")
@pytest.mark.parametrize("at", [0, 12, 500, 1000, -2])
def test_an_announcement_that_was_changed_is_refused_and_named(network, at):
    party = network.parties[0]
    path = flip(party / "announcements" / network.announcements[1].name, at)
    with pytest.raises(ConfigurationError, match=path.name):
        load_trust(Folder(party), datetime.now(UTC))


@pytest.mark.proves("I2")
def test_no_changed_bit_of_an_announcement_makes_another_key_believed(network):
    folder, now = Folder(network.parties[0]), datetime.now(UTC)
    path = folder.announcements / network.announcements[1].name
    honest, expected = path.read_bytes(), load_trust(folder, now).announcements
    for at in range(0, len(honest), 61):
        path.write_bytes(honest)
        flip(path, at)
        try:
            got = load_trust(folder, now).announcements
        except ConfigurationError:
            continue
        assert got.items() <= expected.items()


def test_an_announcement_by_a_party_or_key_no_longer_listed_is_left_out(network):
    """A newer directory may end a party or a key; its old announcement must not keep the others from starting."""
    folder, now = Folder(network.parties[0]), datetime.now(UTC)
    stranger = member(POLICE)
    trust = load_trust(folder, now)
    told = announce(POLICE, trust.root.network, stranger.opening, stranger.signing, epoch_at(now))
    shutil.copy(path_of(folder, told), network.path / "aside.avro")
    path_of(folder, told).write_bytes(codec.encode(told))
    assert (POLICE, epoch_at(now)) not in load_trust(folder, now).announcements


def test_a_snapshot_that_contradicts_the_directory_is_refused_and_named(network):
    wish = network.parties[0] / "enrolment.avro"
    network.directory.unlink()
    done("directory", "draft", wish, "--root", network.root, "--out", network.directory)
    for officer in network.officers[:2]:
        done("directory", "sign", network.directory, "--officer", officer)
    shutil.copy(network.directory, network.parties[0])
    assert refused_at_load(network.parties[0]) == "snapshot.avro"


@pytest.mark.parametrize(("name", "cure"), [("root.toml", "out of band"), ("directory.avro", "mash directory")])
def test_a_folder_without_root_or_directory_says_which_and_how_to_get_it(network, name, cure):
    (network.parties[0] / name).unlink()
    with pytest.raises(ConfigurationError, match=cure) as told:
        load_trust(Folder(network.parties[0]), datetime.now(UTC))
    assert Path(told.value.faults[0].file).name == name


def test_a_folder_without_a_snapshot_is_believed_but_not_fresh_and_nobody_is_sealed_to(network):
    (network.parties[0] / "snapshot.avro").unlink()
    now = datetime.now(UTC)
    trust = load_trust(Folder(network.parties[0]), now)
    assert not trust.is_fresh(now)
    assert trust.sealing_key(POLICE, now) is None


@pytest.fixture(scope="module")
def net():
    return TestNetwork()


@pytest.fixture
def kept(net, tmp_path):
    """A folder in which a party's first trust is kept, and that trust."""
    folder, trust = Folder(tmp_path), net.trust()
    for statement in (net.signed(net.directory()), sign(StatementKind.snapshot, codec.encode(trust.snapshot), [net.online])):
        path_of(folder, statement).write_bytes(codec.encode(statement))
    return folder, trust


def later_snapshot(net, trust, minutes=1, **changes):
    made = replace(make_snapshot(trust, NOW + timedelta(minutes=minutes)), **changes)
    return sign(StatementKind.snapshot, codec.encode(made), [net.online])


def test_what_is_taken_is_on_disk_when_keep_returns(net, kept):
    folder, trust = kept
    later = NOW + timedelta(minutes=2)
    statements = [
        net.signed(net.directory(sequence=2, previous=trust.directory_digest)),
        announce(HUB, net.root.network, member(HUB).opening, net.members[HUB].signing, epoch_at(NOW) + 1),
        later_snapshot(net, trust, directory_sequence=3),
    ]
    for statement in statements:
        trust, taken = keep(folder, trust, statement, later)
        assert taken is Taken.taken
        assert codec.decode(Statement, path_of(folder, statement).read_bytes()) == statement
    assert (folder.announcements / f"{HUB}-{epoch_at(NOW) + 1}.avro").is_file()
    assert not [path for path in folder.path.rglob(".*") if path.is_file()]


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        (lambda net, trust: net.signed(net.directory()), Taken.known),
        (lambda net, trust: net.signed(net.directory(sequence=0)), Taken.ignored),
        (lambda net, trust: net.signed(net.directory(expires_at=NOW + timedelta(days=5))), Taken.alarm),
        (lambda net, trust: later_snapshot(net, trust, 0), Taken.known),
        (lambda net, trust: later_snapshot(net, trust, -5), Taken.ignored),
        (lambda net, trust: later_snapshot(net, trust, 0, announcements=()), Taken.alarm),
        (lambda net, trust: announce(HUB, net.root.network, member(HUB).opening, net.members[HUB].signing, epoch_at(NOW)), Taken.alarm),
    ],
)
def test_what_is_known_ignored_or_alarms_changes_no_file_and_no_belief(net, kept, offered, expected):
    folder, trust = kept
    before = contents(folder.path)
    assert keep(folder, trust, offered(net, trust), NOW) == (trust, expected)
    assert contents(folder.path) == before


def test_what_is_refused_changes_no_file(net, kept):
    folder, trust = kept
    before = contents(folder.path)
    for statement in (
        net.signed(net.directory(sequence=2), 1),
        later_snapshot(net, trust, 60),
        Statement(kind=StatementKind.checkpoint, body=b"", signatures=()),
    ):
        with pytest.raises(SharingError):
            keep(folder, trust, statement, NOW)
    assert contents(folder.path) == before
