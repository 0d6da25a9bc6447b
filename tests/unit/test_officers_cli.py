"""`mash hub follow-up | rerate | withdraw | say | board` and `mash case show --page` as an officer types them."""

from __future__ import annotations

import json
import shutil
from typing import get_args

import pytest
from hub_cli import RUN, asked_on_disk, mash
from pydantic import TypeAdapter
from small_borough import SmallBorough

from agents.cli import board
from agents.cli.app import app
from agents.cli.choices import Mistaken, Rated, Recordable, Unwanted
from agents.hub.timescales import BY_THE_HUB
from broker.party import utc_now
from schemas.enums import Happening
from schemas.events import OfficerDecision
from schemas.records import Request

AS = ("--as", "a.officer", "--role", "team leader")
WHY = "The ward rang: there is a second injury since Monday."
DECISION = TypeAdapter(OfficerDecision)
NOBODY = "0b6f8a52-95b0-4d4c-9d9b-5a2c1c3e0b11"  # a case that is nowhere


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """A hub on disk that asked about one contact; the police are silent."""
    return asked_on_disk(tmp_path_factory.mktemp("officers"), "trust")


@pytest.fixture
def folder(worked, tmp_path):
    shutil.copytree(worked, tmp_path / "b")
    return tmp_path / "b"


def said(result):
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def faults(result):
    error = json.loads(result.stderr)["error"]
    return result.exit_code, [each["field"] or each["file"] for each in error["faults"]]


def only(folder):
    (case,) = said(mash(folder, "hub", "board"))["cases"]
    return case


def decision_file(folder, tmp_path, **changes):
    """The case's own decision, made anew."""
    made = SmallBorough(folder.parent / "look", like=folder, at=utc_now(), in_memory=False)
    store = made.hub.party.store
    asked = next(each.body for each in store.events(store.cases()[0]) if isinstance(each.body, Request))
    made.close()
    span = {"since": asked.questions[0].since.isoformat(), "until": asked.questions[0].until.isoformat()}
    chosen = {"agency": "agency.trust", "subject_ref": "s1", "category": "acute.ed_attendances", **span}
    plain = {
        "officer": {"id": "hub-0142", "role": "team leader", "organisation": "Borough (SYNTHETIC)"},
        "decided_at": utc_now().isoformat(),
        "stage": asked.stage.value,
        "rag": asked.rag.value,
        "purpose": asked.purpose.value,
        "necessity": {"reason": asked.necessity.reason.value, "text": "Was the second injury seen at the hospital since Monday?"},
        "consents": json.loads(TypeAdapter(type(asked.consents)).dump_json(asked.consents)),
        "checks": {"matrix": "by-hand", "asked": [chosen | changes], "adjustments": []},
    }
    path = tmp_path / "decision.json"
    path.write_text(json.dumps(plain))
    return path


def test_a_follow_up_is_asked_and_one_that_the_ladder_forbids_says_no(folder, tmp_path):
    case = only(folder)["case"]
    assert said(mash(folder, "hub", "follow-up", case, "agency.trust", decision_file(folder, tmp_path)))["asked"]
    forbidden = decision_file(folder, tmp_path, category="pol.incidents")
    text = json.loads(forbidden.read_text())
    text["necessity"]["text"] = "Is anything known to them that only the police would hold?"
    forbidden.write_text(json.dumps(text))
    no = mash(folder, "hub", "follow-up", case, "agency.trust", forbidden)
    assert (no.exit_code, json.loads(no.stdout)["asked"]) == (1, False)
    assert faults(mash(folder, "hub", "follow-up", case, "no party", forbidden)) == (3, ["agency"])


def test_a_new_rating_moves_what_is_open_and_needs_a_reason(folder):
    case, (before,) = only(folder)["case"], said(mash(folder, "hub", "show"))["cases"]
    done = said(mash(folder, "hub", "rerate", case, "--rag", "amber", "--rationale", WHY, *AS))
    assert done["rag"] == "amber"
    assert done["due"]["agency.police"] > before["agencies"]["agency.police"]["due_at"]
    assert faults(mash(folder, "hub", "rerate", before["case"], "--rag", "amber", "--rationale", "why why why why", *AS)) == (
        3,
        ["rationale", "rag"],
    )
    wrong = mash(folder, "hub", "rerate", before["case"], "--rag", "red", "--rationale", WHY, "--relied-on", "abc", *AS)
    assert faults(wrong) == (3, ["--relied-on"])
    told = mash(folder, "hub", "rerate", before["case"], "--rag", "red", "--rationale", WHY, *AS, json_too=False).stdout
    assert "agency.trust answered at" in told  # what was answered has no deadline any more
    assert "agency.police asked, not yet received; an answer is due by" in told
    assert "+00:00" not in told


@pytest.mark.parametrize(
    ("typed", "choices"),
    [
        (("hub", "rerate", NOBODY, "--rag"), Rated),
        (("hub", "record", NOBODY), Recordable),
        (("hub", "withdraw", NOBODY, "--reason"), Unwanted),
        (("review", "correct", "3f0c12ab", "--reason"), Mistaken),
    ],
)
def test_an_officer_is_offered_every_symbol_but_unknown_and_what_only_the_hub_records(typed, choices):
    kind = type(get_args(choices)[0])
    assert {*get_args(choices)} == {*kind} - {kind("unknown"), *(BY_THE_HUB if kind is Happening else ())}
    refused = RUN.invoke(app, [*typed, "unknown"])
    assert refused.exit_code == 2
    told = "".join(refused.stderr.replace("│", "").split())
    assert "isnotoneof" + ",".join(repr(each.value) for each in get_args(choices)) in told


def test_what_is_withdrawn_is_told_to_who_has_not_answered(folder):
    case = only(folder)
    done = mash(folder, "hub", "withdraw", case["case"], "--reason", "withdrawn", *AS, json_too=False)
    assert done.exit_code == 0
    assert "told to 1 of them" in done.stdout
    assert only(folder)["agencies"]["agency.police"]["status"] == "cancelled"
    stranger = mash(folder, "hub", "withdraw", case["case"], "--reason", "withdrawn", "--agency", "agency.nobody", *AS)
    assert faults(stranger) == (3, ["agency"])


def test_what_was_said_aloud_is_written_down_and_shown_as_unconfirmed(folder, tmp_path):
    case = only(folder)["case"]
    who = {"id": "pc-4471", "role": "duty sergeant", "organisation": "Borough Police (SYNTHETIC)"}
    call = {
        "case_id": case,
        "agency": "agency.police",
        "subject_ref": "s1",
        "category": "pol.incidents",
        "said_by": who,
        "written_by": who | {"id": "a.officer"},
        "happened_at": utc_now().isoformat(),
        "recorded_at": utc_now().isoformat(),
        "words": "Two calls to the address this month.",
        "assertion": "fact",
    }
    path = tmp_path / "call.json"
    path.write_text(json.dumps(call))
    assert said(mash(folder, "hub", "say", path))["written"]
    page = tmp_path / "case.html"
    shown = mash(folder, "case", "show", case, "--as", "a.officer", "--page", page, json_too=False)
    assert shown.exit_code == 0, shown.stderr
    assert "UNCONFIRMED: Two calls to the address this month." in shown.stdout
    assert "Two calls to the address this month." in page.read_text(encoding="utf-8")
    assert page.stat().st_mode & 0o777 == 0o600
    path.write_text(json.dumps(call | {"assertion": "rumour", "words": ""}))
    code, fields = faults(mash(folder, "hub", "say", path))
    assert (code, sorted(fields)) == (3, ["assertion", "words"])


def test_the_board_is_drawn_and_redrawn_until_it_is_over(folder, monkeypatch):
    assert (
        "received" in mash(folder, "hub", "board", json_too=False).stdout or "asked" in mash(folder, "hub", "board", json_too=False).stdout
    )
    monkeypatch.setattr(board, "REFRESH", 0.0)
    drawn = []
    board.show_until(lambda: drawn.append(1) or board.picture([], utc_now()), lambda: len(drawn) > 3)
    assert len(drawn) == 4


def test_every_command_of_an_officer_says_how_with_an_example():
    for name in ("follow-up", "rerate", "withdraw", "say", "record", "board", "checks"):
        assert "Example: mash hub" in RUN.invoke(app, ["hub", name, "--help"]).stdout
