"""`mash review` as an officer types it: on files, by exit code, in words and as JSON."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest
from desks import REASON
from small_borough import SmallBorough, entries_of
from typer.testing import CliRunner

from agents.cli.app import app
from broker.party import utc_now
from schemas.enums import Status
from schemas.records import Correction, Response

RUN = CliRunner()
ED = "acute.ed_attendances"
AS = ("--as", "p.shah", "--role", "named nurse")


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """A borough on disk whose first six contacts were answered."""
    folder = tmp_path_factory.mktemp("worked")
    made = SmallBorough(folder, at=utc_now(), in_memory=False, contacts=6)
    made.take_in()
    made.work()
    made.close()
    return folder


@pytest.fixture
def folder(worked, tmp_path):
    shutil.copytree(worked, tmp_path / "b")
    return tmp_path / "b"


def mash(folder, *arguments, json_too=True):
    more = ("--json",) if json_too else ()
    return RUN.invoke(app, ["review", *(str(each) for each in arguments), "--folder", str(folder / "trust"), *more])


def said(result):
    return json.loads(result.stdout)


def error(result):
    return json.loads(result.stderr)["error"]


def waiting(folder, status="in_review"):
    rows = said(mash(folder, "list"))["waiting"]
    return next(each for each in rows if each["status"] == status and each["subject"] == "s1" and each["category"] == ED)


def question(folder, status="in_review"):
    row = waiting(folder, status)
    return row["request"][:16], row["subject"], row["category"]


def bodies(folder, kind):
    made = SmallBorough(folder.parent / "again", like=folder, at=utc_now(), in_memory=False)
    store = made.trust.party.store
    found = [each.body for case in store.cases() for each in store.events(case) if isinstance(each.body, kind)]
    entries = entries_of(made.trust.party)
    made.close()
    return found, entries


def test_the_list_says_who_asks_about_whom_in_what_by_when_and_why_it_waits(folder):
    row = waiting(folder)
    assert (row["hub"], row["role"], row["why"], row["stage"]) == ("hub.borough", "child", ["row_none"], "screening")
    shown = mash(folder, "list", json_too=False)
    assert shown.exit_code == 0
    assert row["request"][:16] in shown.stdout
    assert "Lee" not in shown.stdout  # nobody is named before somebody looks


def test_an_officer_looks_cuts_down_and_releases(folder, tmp_path):
    asked = question(folder)
    look = mash(folder, "show", *asked, *AS)
    assert look.exit_code == 0
    facts = said(look)
    assert facts["may_be_released"]
    assert facts["would_say"] == "released"
    assert {each["layer"] for each in facts["ladder"]} >= {"gateway", "art9", "agreement"}
    assert facts["asked_about"]["family_name"]
    facts["items"][0]["item"]["fields"] = facts["items"][0]["item"]["fields"][:1]
    facts["items"][0]["item"]["assertion"] = "professional_judgement"
    draft = tmp_path / "cut.json"
    draft.write_text(json.dumps(facts))
    done = mash(folder, "edit", *asked, draft, *AS, "--interpretation", "It fits the account that was given.")
    assert (done.exit_code, said(done)) == (0, {"done": "released as edited"})
    found, entries = bodies(folder, Response)
    answer = next(each for one in found if one.revision == 2 for each in one.answers if (each.subject_ref, each.category) == ("s1", ED))
    assert (answer.status, answer.interpretation) == (Status.released, "It fits the account that was given.")
    assert (answer.reviewed_by.id, answer.reviewed_by.role) == ("p.shah", "named nurse")
    assert [each.name for each in answer.items[0].fields] == [facts["items"][0]["item"]["fields"][0]["name"]]
    assert [str(each.outcome) for each in entries if each.actor.id == "p.shah"][-2:] == ["release", "released"]
    assert error(mash(folder, "show", *asked, *AS))["code"] == "configuration-refused"  # it waits no more


def test_a_look_in_words_shows_the_request_the_ladder_and_what_would_leave(folder):
    look = mash(folder, "show", *question(folder), *AS, json_too=False)
    assert look.exit_code == 0
    for words in ("Necessary because", "Lawful basis", "Would say: released", "diagnosis:", "This view is in the access log"):
        assert words in look.stdout


def test_what_an_officer_states_is_decided_with_and_only_what_is_theirs_to_state_on_grounds(folder):
    asked = question(folder)
    grounds = "The detective in charge rang this morning and asked us to wait."
    facts = said(mash(folder, "show", *asked, *AS, "--states", "live_investigation", "--grounds", grounds))
    assert facts["stated"] == ["live_investigation"]
    assert "live_investigation" in facts["why"]
    words = mash(folder, "show", *asked, *AS, "--states", "live_investigation", "--grounds", grounds, json_too=False).stdout
    assert "You state: a live investigation may be prejudiced" in words
    refused = mash(folder, "release", *asked, *AS, "--states", "break_glass", "--states", "court_order")
    assert refused.exit_code == 3
    assert [each["file"] for each in error(refused)["faults"]] == ["--states", "--grounds"]
    assert "court_order" in error(refused)["faults"][0]["fix"]


def test_a_look_says_in_short_who_asks_why_one_may_answer_what_protects_and_whom_to_ring(folder):
    short = said(mash(folder, "show", *question(folder), *AS))["in_short"]
    assert [each.split()[0] for each in short] == ["hub.borough", "You", "What", "Ring"]


def test_a_release_without_a_look_shows_and_releases_nothing_then_does(folder):
    asked = question(folder)
    first = mash(folder, "release", *asked, *AS)
    assert first.exit_code == 1
    assert (said(first)["done"], said(first)["hindrance"], len(said(first)["items"])) == (None, "unseen", 1)
    assert "not done: what is held" in first.stderr
    assert bodies(folder, Response)[0][0].revision == 1
    assert mash(folder, "release", *asked, *AS, json_too=False).exit_code == 0


def test_what_changed_since_the_look_is_shown_and_not_released(folder):
    asked = question(folder)
    mash(folder, "show", *asked, *AS)
    path = folder / "trust" / "ed_attendances.csv"
    head, *attended = path.read_bytes().split(b"\r\n")
    path.write_bytes(b"\r\n".join([head, *(re.sub(rb"^([^,]+,[^,]+,)", rb"\1Fall ", each) for each in attended)]))
    changed = mash(folder, "release", *asked, *AS)
    assert (changed.exit_code, said(changed)["hindrance"]) == (1, "unseen")


def test_an_ambiguous_person_must_be_named_by_the_number_shown(folder):
    asked = question(folder, "ambiguous")
    look = said(mash(folder, "show", *asked, *AS))
    assert (look["items"], look["would_say"], look["people"]) == ([], None, [])
    assert [each["number"] for each in look["candidates"]] == [1, 2]
    assert "key" not in look["candidates"][0]
    refused = mash(folder, "release", *asked, *AS)
    assert (refused.exit_code, said(refused)["hindrance"]) == (1, "no_person")
    assert error(mash(folder, "show", *asked, *AS, "--person", "3"))["faults"][0]["file"] == "--person"
    chosen = mash(folder, "show", *asked, *AS, "--person", "1", json_too=False)
    assert ">1" in chosen.stdout
    assert mash(folder, "release", *asked, *AS, "--person", "1").exit_code == 0


PAPER = """

[[source]]
kind = "manual"
name = "paper-notes"
scope = "Notes on paper"

[[source.category]]
category = "acute.ed_attendances"
fields = ["diagnosis", "disposal"]
assertion = "professional_judgement"
"""


def test_a_paper_source_beside_gives_a_blank_form_which_filled_in_is_released_with_the_rest(folder, tmp_path):
    with (folder / "trust" / "adapter.toml").open("a") as settings:
        settings.write(PAPER)
    asked = question(folder)
    look = said(mash(folder, "show", *asked, *AS))
    assert (look["would_say"], {each["item"]["source"] for each in look["items"]}) == (None, {"trust-extracts"})
    (form,) = look["forms"]
    assert form == {"source": "paper-notes", "items": [{"at": None, "fields": {"diagnosis": "", "disposal": ""}, "assertion": None}]}
    assert "paper-notes" in mash(folder, "show", *asked, *AS, json_too=False).stdout
    refused = mash(folder, "release", *asked, *AS)
    assert (refused.exit_code, said(refused)["hindrance"]) == (1, "unread")
    form["items"][0] |= {"at": "2026-05-02", "fields": {"diagnosis": "Seen in the corridor clinic"}}
    (tmp_path / "form.json").write_text(json.dumps(form))
    read = ("--form", str(tmp_path / "form.json"))
    whole = said(mash(folder, "show", *asked, *AS, *read))
    assert {each["item"]["source"] for each in whole["items"]} == {"trust-extracts", "paper-notes"}
    assert "paper-notes" in mash(folder, "show", *asked, *AS, *read, json_too=False).stdout
    assert mash(folder, "release", *asked, *AS, *read).exit_code == 0
    found, _ = bodies(folder, Response)
    (answer,) = [each for one in found if one.revision == 2 for each in one.answers if (each.subject_ref, each.category) == ("s1", ED)]
    assert {each.source for each in answer.items} == {"trust-extracts", "paper-notes"}


def test_a_form_that_cannot_be_read_and_a_name_that_no_source_has_are_refused(folder, tmp_path):
    asked = question(folder)
    (tmp_path / "form.json").write_text('{"source": "x", "items": [], "more": 1}')
    broken = mash(folder, "show", *asked, *AS, "--form", str(tmp_path / "form.json"))
    assert (broken.exit_code, {each["file"] for each in error(broken)["faults"]}) == (3, {str(tmp_path / "form.json")})
    for name in ("No Source!", "nowhere"):
        refused = mash(folder, "show", *asked, *AS, "--nothing", name)
        assert (refused.exit_code, error(refused)["faults"][0]["file"]) == (3, "--nothing")


def test_withholding_wants_a_reason_and_keeps_it_at_home(folder):
    asked = question(folder)
    short = mash(folder, "withhold", *asked, *AS, "--reason", "no")
    assert (short.exit_code, error(short)["faults"][0]["file"]) == (3, "--reason")
    assert mash(folder, "withhold", *asked, *AS, "--reason", REASON).exit_code == 0
    found, _ = bodies(folder, Response)
    answer = next(each for one in found if one.revision == 2 for each in one.answers if (each.subject_ref, each.category) == ("s1", ED))
    assert (answer.status, answer.interpretation, answer.items) == (Status.contact_us, None, ())


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{", ""),
        ("[]", ""),
        ('{"items": [{"number": 1}]}', "items.0.item"),
        ('{"items": [{"number": "1", "item": {}}]}', "items.0.number"),
        ("[" * 100000, ""),
        ('{"items": ' + "[" * 5000 + "}", ""),
    ],
    ids=["no JSON", "a list", "no item", "words for a number", "deep", "deep inside"],
)
def test_a_draft_that_cannot_be_read_is_refused_by_field_and_quotes_nothing(folder, tmp_path, text, field):
    draft = tmp_path / "cut.json"
    draft.write_text(text)
    refused = mash(folder, "edit", *question(folder), draft, *AS)
    assert refused.exit_code == 3
    assert field in [each["field"] for each in error(refused)["faults"]]


@pytest.mark.parametrize(
    "arguments",
    [
        ("f" * 16, "s1", ED),
        ("short", "s1", ED),
        ("f" * 16, "no such ref!", ED),
        ("f" * 16, "s1", "NOT A CATEGORY"),
        ("\x1b[2J" * 9, "s1", ED),
    ],
)
def test_a_question_that_does_not_wait_here_is_refused_without_repeating_what_was_typed(folder, arguments):
    refused = mash(folder, "show", *arguments, *AS)
    assert (refused.exit_code, error(refused)["faults"][0]["message"]) == (3, "no such question waits here for a person")
    assert "\x1b" not in refused.stderr


def test_what_was_answered_is_taken_back_and_its_content_erased_once_the_adapter_runs(folder):
    request = waiting(folder)["request"][:16]
    taken = mash(folder, "correct", request, *AS, "--reason", "wrong_person")
    assert taken.exit_code == 0
    found, entries = bodies(folder, Correction)
    assert [(each.reason.value, each.officer.id) for each in found] == [("wrong_person", "p.shah")]
    assert "corrected.wrong_person" in [str(each.outcome) for each in entries]
    for arguments, file in (
        (("wrong_person", "--subject", "s9"), "--subject"),
        (("inaccurate", "--subject", "s1"), "--subject"),
    ):
        refused = mash(folder, "correct", request, *AS, "--reason", *arguments)
        assert (refused.exit_code, error(refused)["faults"][0]["file"]) == (3, file)
    assert mash(folder, "correct", "f" * 16, *AS, "--reason", "inaccurate").exit_code == 3
    assert mash(folder, "correct", request, *AS, "--reason", "unknown").exit_code == 2  # no word that anybody may mean
    assert said(mash(folder, "list"))["waiting"] != []


def test_nothing_found_in_an_extract_too_old_to_tell_is_no_answer_and_to_be_tried_again(folder):
    request, _, category = question(folder)
    for path in (folder / "trust").glob("*.csv"):
        os.utime(path, (0, 0))
    refused = mash(folder, "show", request, "s2", category, *AS)
    assert (refused.exit_code, error(refused)["code"]) == (4, "source-unavailable")
    assert question(folder)


def test_an_extract_that_is_gone_is_named(folder):
    asked = question(folder)
    for path in (folder / "trust").glob("*.csv"):
        path.unlink()
    refused = mash(folder, "show", *asked, *AS)
    assert (refused.exit_code, error(refused)["faults"][0]["file"]) == (3, "patients.csv")
