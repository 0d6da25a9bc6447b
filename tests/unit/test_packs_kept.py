"""A party keeps every pack it has run under, by digest; a draft is its own pack with some parts replaced."""

from __future__ import annotations

import pytest
from policy_support import POLICE, files_for
from structlog.testing import capture_logs

from broker import packfiles
from broker.packfiles import keep_pack, kept_pack, read_draft, read_pack
from policies.pack import CATEGORIES, shipped
from schemas.errors import ConfigurationError
from schemas.identifiers import Digest

LAW = "law/england.toml"
OTHER = "\n# a draft\n"


@pytest.fixture
def party(tmp_path):
    """A folder with a controller and an agreement of its own."""
    write(tmp_path / "pack", {name: text for name, text in files_for(POLICE).items() if name not in shipped()})
    return tmp_path


def write(folder, texts):
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def kept(party):
    return sorted(path.name for path in (party / "packs").iterdir())


def test_a_pack_is_kept_whole_by_its_digest_and_read_back_the_same(party):
    pack = read_pack(party)
    keep_pack(party, pack)
    assert kept(party) == [str(pack.digest)]
    again = kept_pack(party, pack.digest)
    assert (again.digest, again.law_digest, again.controller) == (pack.digest, pack.law_digest, pack.controller)


def test_a_changed_pack_is_kept_beside_the_one_before_it_and_an_unchanged_one_is_not_written_again(party):
    first = read_pack(party)
    keep_pack(party, first)
    written = (party / "packs" / str(first.digest) / CATEGORIES).stat().st_mtime_ns
    keep_pack(party, first)
    assert (party / "packs" / str(first.digest) / CATEGORIES).stat().st_mtime_ns == written
    controller = party / "pack" / "controller.toml"
    controller.write_text(controller.read_text() + OTHER)
    second = read_pack(party)
    keep_pack(party, second)
    assert kept(party) == sorted([str(first.digest), str(second.digest)])
    assert kept_pack(party, first.digest).digest == first.digest


def test_a_kept_pack_that_was_changed_or_does_not_read_is_not_believed(party):
    pack = read_pack(party)
    keep_pack(party, pack)
    file = party / "packs" / str(pack.digest) / "controller.toml"
    whole = file.read_text()
    file.write_text(whole + OTHER)
    assert kept_pack(party, pack.digest) is None
    file.write_text("strange = 1\n")
    assert kept_pack(party, pack.digest) is None
    file.write_text(whole)
    assert kept_pack(party, pack.digest) is not None
    assert kept_pack(party, Digest(bytes(32))) is None


def test_a_pack_that_cannot_be_kept_is_told_and_stops_nobody(party):
    (party / "packs").write_text("a file where a folder should be")
    with capture_logs() as told:
        keep_pack(party, read_pack(party))
    assert [(each["event"], each["error"]) for each in told] == [("pack_not_kept", "FileExistsError")]


def test_a_pack_edited_after_it_was_read_is_not_kept_under_the_other_ones_name(party):
    read = read_pack(party)
    controller = party / "pack" / "controller.toml"
    controller.write_text(controller.read_text() + OTHER)
    with capture_logs() as told:
        keep_pack(party, read)
    assert [each["reason"] for each in told] == ["changed"]
    assert not (party / "packs").exists()


def test_of_two_processes_that_keep_a_pack_at_once_the_second_finds_it_there(party):
    pack = read_pack(party)
    keep_pack(party, pack)
    packfiles._write(party / "packs" / str(pack.digest), {"late": "another process came first"})
    assert kept(party) == [str(pack.digest)]
    assert kept_pack(party, pack.digest).digest == pack.digest


def test_a_draft_replaces_each_part_that_it_has_whole_and_leaves_the_rest(party, tmp_path):
    held, draft = read_pack(party), tmp_path / "draft"
    write(draft, {"law/borough.toml": shipped()[LAW].replace("Section 47: a council asks", "At section 47 a council asks", 1)})
    drafted = read_draft(party, str(draft))
    assert drafted.law_digest != held.law_digest
    assert (drafted.categories, drafted.agreements, drafted.controller) == (held.categories, held.agreements, held.controller)
    write(party / "pack", {"law/borough.toml": (draft / "law/borough.toml").read_text()})
    assert read_pack(party).digest == drafted.digest  # as it will be once the draft's files are the party's own
    agreement = next((party / "pack" / "agreements").iterdir()).read_text()
    write(draft, {"agreements/new.toml": agreement.replace('version = "1"', 'version = "2"', 1)})
    assert [each.version for each in read_draft(party, str(draft)).agreements] == ["2"]


def test_the_word_shipped_is_the_law_and_categories_that_come_along(party):
    write(party / "pack", {CATEGORIES: shipped()[CATEGORIES] + OTHER})
    held, drafted = read_pack(party), read_draft(party, "shipped")
    assert drafted.digest != held.digest
    assert drafted.controller == held.controller
    (party / "pack" / CATEGORIES).unlink()
    assert read_pack(party).digest == drafted.digest


def test_a_draft_without_any_part_of_a_pack_is_refused(party, tmp_path):
    for draft in (tmp_path / "nowhere", tmp_path / "empty"):
        with pytest.raises(ConfigurationError) as refused:
            read_draft(party, str(draft))
        assert refused.value.faults[0].file == str(draft)
    write(tmp_path / "strange", {"party.toml": "x = 1\n"})
    with pytest.raises(ConfigurationError, match=r"party\.toml"):
        read_draft(party, str(tmp_path / "strange"))
