"""`mash policy explain --party` and `mash policy replay`: on a party's own folder, by exit code, in words and as JSON."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace

import pytest
from small_borough import SmallBorough, entries_of, packs_read_once
from typer.testing import CliRunner

from agents import logged
from agents.cli import explain
from agents.cli.app import app
from broker.party import utc_now
from broker.store.store import Store
from policies.facts import Kinds
from policies.pack import shipped
from policies.sentences import BAR_UNSAID
from schemas.enums import ControllerKind, Operation
from schemas.errors import StoreUnavailableError

RUN = CliRunner()
AS = ("--as", "i.officer")
VOICES = ("machine", "requester", "holder", "reviewer", "igo")


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """A borough on disk whose first six contacts were answered."""
    folder = tmp_path_factory.mktemp("worked")
    made = SmallBorough(folder, at=utc_now(), in_memory=False, contacts=6)
    made.take_in()
    made.work()
    made.close()
    return folder


@pytest.fixture(autouse=True, scope="module")
def read_once():
    with packs_read_once():
        yield


@pytest.fixture
def folder(worked, tmp_path):
    shutil.copytree(worked, tmp_path / "b")
    return tmp_path / "b"


def mash(*words, json_too=True):
    done = RUN.invoke(app, ["policy", *map(str, words), *(("--json",) if json_too else ())])
    return done.exit_code, json.loads(done.stdout) if json_too and done.stdout else done.stdout, done.stderr


def replayed(folder, party="trust", draft="shipped", *more):
    return mash("replay", draft, "--party", folder / party, *AS, *more)


def explained(folder, name, *more, party="trust", json_too=True):
    return mash("explain", name, "--party", folder / party, *AS, *more, json_too=json_too)


def decisions(folder, party="trust"):
    return replayed(folder, party)[1]["decisions"]


def one(folder, before, party="trust"):
    return next(each["decision"] for each in decisions(folder, party) if each["before"] == before)


def entries(folder, party="trust"):
    made = SmallBorough(folder.parent / "again", like=folder, at=utc_now(), in_memory=False)
    found = entries_of(getattr(made, party).party)
    made.close()
    return found


def fault(stderr):
    return json.loads(stderr)["error"]["faults"][0]


# ----------------------------------------------------------------------------------------------- explain


@pytest.mark.parametrize("voice", VOICES)
def test_a_logged_decision_is_explained_by_the_pack_that_made_it_in_each_voice(folder, voice):
    name = one(folder, "review")
    code, said, _ = explained(folder, name, "--voice", voice)
    assert code == 0
    assert (said["decision"], said["outcome"], said["differs"], said["pack_at_hand"]) == (name, "review", [], True)
    assert said["pack"] == said["explained_by"]
    assert [each["layer"] for each in said["ladder"]][:4] == ["asked", "bar", "regime", "gateway"]
    bar = said["ladder"][1]["says"]
    assert (bar == BAR_UNSAID, bar == "bar.absent.no_bar") == (voice == "requester", voice == "machine")
    stages = any(each["fact"] == "stage" for each in said["near_misses"])
    assert stages == (voice in {"machine", "reviewer", "igo"})  # never the asker, and never the holder: nobody is coached


def test_a_hubs_own_question_is_explained_too(folder):
    each = next(each for each in decisions(folder, "hub") if each["disclosure"] == "request")
    code, said, _ = explained(folder, each["decision"], party="hub")
    assert (code, said["disclosure"], said["said"], said["outcome"], said["differs"]) == (0, "request", "asked", "release", [])
    assert (said["discloser"], said["decided_by"][:4]) == ("hub.borough", "hub-")
    assert explain.ABOUT_CONCERN in said["taken_as_given"]


def test_an_explanation_in_words_says_what_was_logged_by_which_pack_and_what_is_taken_as_given(folder):
    code, out, _ = explained(folder, one(folder, "release"), json_too=False)
    assert code == 0
    for words in (
        "its answer to hub.borough about s",
        "logged: ",
        "it comes out as logged",
        "taken as given: the ladder takes",
        "unwitnessed",
    ):
        assert words in out


def test_a_look_is_an_entry_by_the_officer_about_that_question(folder):
    name = one(folder, "review")
    _, said, _ = explained(folder, name[:12].upper(), "--role", "dpo")
    (entry,) = [each for each in entries(folder) if each.outcome == "explained"]
    assert (entry.operation, entry.actor.id, entry.actor.role) == (Operation.consultation, "i.officer", "dpo")
    assert (str(entry.case_id), str(entry.subject_ref), str(entry.category)) == (said["case"], said["subject"], said["category"])
    assert (str(entry.pack_digest), str(entry.envelope)) == (said["pack"], said["request"])


@pytest.mark.proves("I8")
@pytest.mark.parametrize("command", ["explain", "replay"])
def test_without_its_entry_nothing_is_shown(folder, command, monkeypatch):
    name = one(folder, "review")

    def down(*_):
        raise StoreUnavailableError("the store did not finish a transaction")

    monkeypatch.setattr(Store, "apply", down)
    code, said, _ = explained(folder, name) if command == "explain" else replayed(folder)
    assert (code, said) == (4, "")


def test_a_pack_that_has_changed_since_is_not_the_one_it_is_explained_by(folder):
    name = one(folder, "review")
    controller = folder / "trust/pack/controller.toml"
    controller.write_text(controller.read_text() + "\n# a later edition\n")
    code, said, _ = explained(folder, name)
    assert (code, said["pack_at_hand"], said["differs"]) == (0, True, [])
    shutil.rmtree(folder / "trust/packs")
    code, said, _ = explained(folder, name)
    assert (code, said["pack_at_hand"], said["differs"]) == (0, False, [])
    assert said["pack"] != said["explained_by"]
    _, out, _ = explained(folder, name, json_too=False)
    assert "EXPLAINED BY ANOTHER PACK, the present one" in out
    assert "by it, as logged" in out
    (folder / "trust/pack/agreements/borough-mash.toml").unlink()
    _, out, _ = explained(folder, name, json_too=False)
    assert "by it, not as logged: " in out


def test_what_does_not_come_out_as_logged_by_its_own_pack_is_answered_no(folder, monkeypatch):
    """As when the directory lists the hub as another kind of body today."""
    name = one(folder, "release")
    monkeypatch.setattr(logged, "_kinds", lambda *_: Kinds(ControllerKind.charity, ControllerKind.nhs_body))
    code, said, _ = explained(folder, name)
    assert code == 1
    assert {"rules", "ladder"} <= set(said["differs"])
    code, out, _ = explained(folder, name, json_too=False)
    assert code == 1
    assert "NOT AS LOGGED, though by the pack that decided" in out


def test_what_the_ladder_does_not_say_is_said_to_all_but_the_asker(folder, monkeypatch):
    """A question that a source leaves to a person, or that a person's word holds, though the ladder would release."""
    name = one(folder, "release")
    real = explain.named
    for status, words in (("contact_us", explain.NO_MACHINE), ("in_review", explain.LEFT_TO_PERSON)):
        monkeypatch.setattr(explain, "named", lambda *known, to=status: _answered(real(*known), to))
        assert words in explained(folder, name)[1]["taken_as_given"]
        assert words not in explained(folder, name, "--voice", "requester")[1]["taken_as_given"]


def _answered(every, status):
    return [replace(each, answer=replace(each.answer, status=type(each.answer.status)(status), items=())) for each in every]


@pytest.mark.parametrize("name", ["1234567", "not-an-id!", "0" * 33, "s47-9.binds.nhs_body"])
def test_what_is_no_id_is_refused(folder, name):
    code, said, error = explained(folder, name)
    assert (code, said, fault(error)["file"], fault(error)["message"]) == (3, "", "ID", "is no decision's id")


def test_an_id_that_no_decision_here_has_is_refused_with_where_to_look(folder):
    elsewhere = one(folder, "release", "police")
    code, _, error = explained(folder, elsewhere)
    assert (code, fault(error)["file"], fault(error)["message"]) == (3, elsewhere, "is no decision of agency.trust that can still be read")
    assert "folder of whoever made it" in fault(error)["fix"]
    assert [each for each in entries(folder) if each.outcome == "explained"] == []


def test_an_id_that_two_decisions_begin_with_is_refused(folder, monkeypatch):
    name, real = one(folder, "release"), explain.named
    monkeypatch.setattr(explain, "named", lambda *known: [each for each in real(*known) for _ in range(2)])
    code, _, error = explained(folder, name)
    assert (code, fault(error)["message"]) == (3, "is how 2 decisions begin")


def test_a_logged_decision_wants_an_officer_and_no_options_of_scenarios(folder):
    name = one(folder, "release")
    code, _, error = mash("explain", name, "--party", folder / "trust")
    assert (code, fault(error)["file"]) == (3, "--as")
    code, _, error = explained(folder, name, "--pack", folder)
    assert (code, fault(error)["file"]) == (3, "--from, --pack or --categories")


# ------------------------------------------------------------------------------------------------ replay


@pytest.mark.parametrize("party", ["hub", "police", "trust"])
def test_an_unchanged_pack_flips_nothing(folder, party):
    code, said, _ = replayed(folder, party)
    assert (code, said["flips"], said["on_other_grounds"], said["changed_since"]) == (0, [], 0, 0)
    assert said["present"] == said["new"]
    assert said["decided_again"] == len(said["decisions"]) > 0


def draft_of(tmp_path, name, old, new, begin=""):
    """A draft with one place of a shipped file changed, the first after `begin`."""
    text = shipped()[name]
    start = text.index(begin)
    assert old in text[start:]
    path = tmp_path / "draft" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text[:start] + text[start:].replace(old, new, 1))
    return tmp_path / "draft"


def test_a_changed_category_flips_exactly_its_own_decisions(folder, tmp_path):
    category = Counter(each["category"] for each in decisions(folder, "police") if each["before"] == "release").most_common(1)[0][0]
    draft = draft_of(tmp_path, "categories.toml", "automatic = true", "automatic = false", f'id = "{category}"')
    code, said, _ = replayed(folder, "police", draft)
    wanted = [each for each in said["decisions"] if each["category"] == category and each["before"] == "release"]
    assert code == 1
    assert {each["category"] for each in said["flips"]} == {category}
    assert {(each["disclosure"], each["before"], each["after"]) for each in said["flips"]} == {("response", "release", "review")}
    assert sorted(one for each in said["flips"] for one in each["decisions"]) == sorted(each["decision"] for each in wanted)
    assert [each["count"] for each in said["flips"]] == [len(each["decisions"]) for each in said["flips"]]
    code, out, _ = mash("replay", draft, "--party", folder / "police", *AS, json_too=False)
    assert code == 1
    assert f"response {category} at s47: release -> review in " in out
    assert f"decisions, {len(wanted)} flip, " in out


def test_what_a_hub_may_no_longer_say_at_a_stage_flips_exactly_its_questions_at_that_stage(folder, tmp_path):
    draft = draft_of(tmp_path, "categories.toml", '"s47", "emergency"]', '"emergency"]', 'id = "hub.concern"')
    code, said, _ = replayed(folder, "hub", draft)
    assert code == 1
    assert {(each["disclosure"], each["stage"], each["after"]) for each in said["flips"]} == {("request", "s47", "withhold")}
    asked = [each["decision"] for each in said["decisions"] if (each["disclosure"], each["stage"]) == ("request", "s47")]
    assert sorted(one for each in said["flips"] for one in each["decisions"]) == sorted(asked)


def test_a_replay_names_nobody_and_counts_what_it_cannot_decide_again(folder):
    _, said, _ = replayed(folder, "hub")
    (lost,) = said["not_replayed"]
    assert (lost["reason"], lost["count"] > 0) == ("unasked", True)
    _, out, _ = mash("replay", "shipped", "--party", folder / "hub", *AS, json_too=False)
    assert f"not replayed: {lost['count']}: {lost['says']}" in out
    contacts = [json.loads(line) for line in (folder / "contacts.jsonl").read_text().splitlines()]
    names = {each["family_name"] for contact in contacts for each in contact["subjects"] if each.get("family_name")}
    assert names
    assert not [name for name in names if name in json.dumps(said) + out]


def test_what_the_present_pack_already_decides_otherwise_is_told(folder):
    (folder / "trust/pack/agreements/borough-mash.toml").unlink()
    code, said, _ = replayed(folder)
    assert (code, said["flips"]) == (0, [])
    assert said["changed_since"] > 0
    _, out, _ = mash("replay", "shipped", "--party", folder / "trust", *AS, json_too=False)
    assert f"{said['changed_since']} come out otherwise by the present pack already than was logged" in out


def test_a_replay_is_an_entry_that_names_the_draft(folder):
    _, said, _ = replayed(folder)
    (entry,) = [each for each in entries(folder) if each.outcome == "replayed"]
    assert (entry.operation, entry.actor.id, entry.case_id) == (Operation.consultation, "i.officer", None)
    assert str(entry.pack_digest) == said["new"]


def test_days_narrow_what_is_replayed(folder):
    today = utc_now().date().isoformat()
    assert replayed(folder, "trust", "shipped", "--since", today, "--until", today)[1]["decided_again"] == len(decisions(folder))
    assert replayed(folder, "trust", "shipped", "--until", "2020-01-01")[1]["decided_again"] == 0
    code, _, error = replayed(folder, "trust", "shipped", "--since", "2026-02-01", "--until", "2026-01-01")
    assert (code, fault(error)["file"]) == (3, "--until")


def test_another_controllers_papers_are_refused(folder, tmp_path):
    draft = tmp_path / "draft"
    draft.mkdir()
    shutil.copy(folder / "police/pack/controller.toml", draft)
    code, _, error = replayed(folder, "trust", draft)
    assert (code, fault(error)["file"]) == (3, f"{draft}/controller.toml")
