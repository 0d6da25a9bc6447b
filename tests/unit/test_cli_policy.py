"""`mash policy`: what it prints, and how it ends."""

from __future__ import annotations

import json
import re
from importlib.resources import files as resources

import pytest
from typer.testing import CliRunner

from agents.cli.app import app
from policies.pack import shipped

ONE = {
    "id": "one",
    "source": "Children Act 1989 s.47(9)-(11)",
    "says": "A council making section 47 enquiries asks a trust.",
    "discloser": "nhs_body",
    "stage": "s47",
    "category": "acute.ed_attendances",
    "expect": {"outcome": "release", "rules": ["ca1989.s47-9"]},
}
ENACTMENTS = ["asked.feedback", "bar.adoption", "bar.protected-person", "bar.s-flag", "recipient.referrer", "gdpr.annex2.crime"]


def mash(*words):
    done = CliRunner().invoke(app, ["policy", *map(str, words)])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def matrix(tmp_path):
    def write(*scenarios, name="own.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(each) + "\n" for each in scenarios))
        return path

    return write


def test_the_shipped_law_is_checked_without_fault():
    code, out, _ = mash("check", "--json")
    said = json.loads(out)
    assert code == 0
    assert (said["unreachable_rules"], said["categories_never_released"]) == ([], [])
    assert said["enactment_to_be_named"] == ENACTMENTS


def test_the_examples_that_come_along_are_checked_without_fault(tmp_path):
    examples = resources("policies").joinpath("agreements")
    (tmp_path / "agreements").mkdir()
    (tmp_path / "controller.toml").write_text(examples.joinpath("controller.toml").read_text())
    (tmp_path / "agreements/example.toml").write_text(examples.joinpath("example.toml").read_text())
    code, out, _ = mash("check", tmp_path)
    assert code == 0
    assert "1 agreements: no fault" in out


def test_a_pack_without_its_policy_documents_is_told_before_it_joins(tmp_path):
    examples = resources("policies").joinpath("agreements")
    (tmp_path / "agreements").mkdir()
    own = examples.joinpath("controller.toml").read_text()
    (tmp_path / "controller.toml").write_text(re.sub(r"\[\[apd\]\]\ncondition = .*\nversion = .*\n", "", own))
    (tmp_path / "agreements/example.toml").write_text(examples.joinpath("example.toml").read_text())
    code, out, _ = mash("check", tmp_path)
    assert code == 1
    assert "policy documents missing: sch1.para18\npolicy documents missing: sch1.para6\n" in out


def test_every_fault_of_every_file_comes_at_once_with_its_line(tmp_path):
    (tmp_path / "law").mkdir()
    law = shipped()["law/england.toml"]
    (tmp_path / "law/england.toml").write_text(law.replace('effect = "permit"', 'effect = "perhaps"', 1) + "\n[strange]\n")
    (tmp_path / "categories.toml").write_text(shipped()["categories.toml"].replace("look_back_days = 1096", "look_back_days = 0", 1))
    code, _, err = mash("check", tmp_path, "--json")
    faults = json.loads(err)["error"]["faults"]
    assert code == 3
    assert {each["file"] for each in faults} == {"law/england.toml", "categories.toml"}
    assert len(faults) == 3
    assert all(each["line"] > 1 for each in faults)


def test_a_law_with_a_rule_out_of_reach_is_answered_no(tmp_path):
    (tmp_path / "law").mkdir()
    law = shipped()["law/england.toml"].replace('id = "ca1989.s47-9"', 'id = "ca1989.s47-9"\nexcludes = ["personal", "health"]', 1)
    law = law.replace(
        'stages = ["s47"]\nin_force = { from = 1991-10-14 }',
        'stages = ["s47"]\nroles = ["unborn"]\nclasses = ["intelligence"]\nin_force = { from = 1991-10-14 }',
        1,
    )
    (tmp_path / "law/england.toml").write_text(law)
    code, out, _ = mash("check", tmp_path)
    assert code == 1
    assert "unreachable rules: ca1989.s47-9" in out


def test_a_folder_without_a_pack_is_refused(tmp_path):
    assert mash("check", tmp_path)[0] == 3
    assert mash("check", tmp_path / "nowhere")[0] == 3


def test_all_shipped_scenarios_come_out_and_cover_every_rule_both_ways():
    code, out, _ = mash("test", "--json")
    said = json.loads(out)
    assert (code, said["wrong"]) == (0, [])
    assert said["scenarios"] >= 150
    code, out, _ = mash("coverage", "--json")
    covered = json.loads(out)
    assert (code, covered["untried"]) == (0, [])
    assert all(each["met"] and each["never"] for each in covered["rules"].values())


def test_an_outsiders_matrix_runs_and_says_where_it_comes_out_otherwise(matrix):
    assert mash("test", matrix(ONE))[0] == 0
    code, out, _ = mash("test", matrix(ONE, ONE | {"id": "two", "expect": {"outcome": "withhold"}}))
    assert code == 1
    assert "two: outcome: withhold expected, release came" in out
    code, out, _ = mash("coverage", matrix(ONE))
    assert code == 1
    assert "untried: ca1989.s47-9 is never" in out


def test_an_outsiders_matrix_may_bring_its_own_categories(matrix, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(shipped()["categories.toml"].replace("acute.ed_attendances", "acute.our_own"))
    file = matrix(ONE | {"category": "acute.our_own"})
    assert mash("test", file)[0] == 3
    assert mash("test", file, "--categories", own)[0] == 0


def test_a_broken_matrix_is_refused_with_every_line(matrix):
    code, _, err = mash("test", matrix(ONE, ONE | {"id": "two", "stage": "s48"}, {"id": "three"}), "--json")
    faults = json.loads(err)["error"]["faults"]
    assert code == 3
    assert {each["line"] for each in faults} == {2, 3}


@pytest.mark.parametrize("voice", ["machine", "requester", "holder", "reviewer", "igo"])
def test_a_scenario_is_explained_in_every_voice(voice):
    code, out, _ = mash("explain", "s47-9.task-not-stated", "--voice", voice, "--json")
    said = json.loads(out)
    assert (code, said["outcome"], len(said["ladder"])) == (0, "withhold", 11)
    assert "requester_task_stated" in {each["fact"] for each in said["near_misses"]}
    assert [each.split()[0] for each in said["in_short"]] == (
        ["agency.local-authority-recipient", "Nothing", "What", "Ring"] if voice == "holder" else []
    )


def test_an_asker_is_told_nothing_of_a_bar():
    code, out, _ = mash("explain", "bar.adoption", "--voice", "requester")
    assert code == 0
    assert "near miss:" not in out
    assert "adoption record" not in out.split("\n", 1)[1]


def test_a_scenario_nobody_wrote_is_refused():
    assert mash("explain", "no.such")[0] == 3


def test_a_draft_that_flips_decisions_says_which_and_one_that_does_not_says_so(tmp_path, matrix):
    few = shipped()["categories.toml"].split("\n[[category]]")
    table = "\n[[category]]".join([few[0], *(each for each in few[1:] if "acute.ed_attendances" in each)])
    for name in ("old", "new"):
        (tmp_path / name / "law").mkdir(parents=True)
        (tmp_path / name / "categories.toml").write_text(table)
    law = shipped()["law/england.toml"]
    (tmp_path / "old/law/england.toml").write_text(law)
    (tmp_path / "new/law/england.toml").write_text(law.replace('id = "ca1989.s47-9"', 'id = "ca1989.s47-9"\nroles = ["sibling"]', 1))
    words = ("--scenarios", matrix(ONE), "--json")
    code, out, _ = mash("diff", tmp_path / "old", tmp_path / "old", *words)
    assert (code, json.loads(out)) == (0, {"scenarios": [], "space": []})
    code, out, _ = mash("diff", tmp_path / "old", tmp_path / "new", *words)
    said = json.loads(out)
    assert code == 1
    assert said["scenarios"] == [
        {"scenario": "one", "before": "release", "after": "release", "lost": ["ca1989.s47-9"], "won": ["ca2004.s16la"]}
    ]
    assert {(each["category"], each["stage"]) for each in said["space"]} == {("acute.ed_attendances", "s47")}
