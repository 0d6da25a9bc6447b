"""At the hub's door and desk: a bad line is kept aside with its reason, every look is an entry, and what is broken is named."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from importlib import resources
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_borough import FOLDERS, NOW, Clock, SmallBorough, entries_of, packs_read_once, write_files
from typer import testing
from typer.main import get_command
from typer.testing import CliRunner

from agents.cli import case as case_module
from agents.cli.app import app
from agents.cli.compose import hub_of, party_of
from agents.cli.output import tell
from agents.demo.ceremony import renew
from agents.hub.intake import MAX_LINE, Aside, Line, read_contacts
from broker import keystore
from broker.directory import make_snapshot, sign
from broker.logfiles import verify_export
from broker.party import utc_now
from policies.wording import boilerplate
from schemas import codec
from schemas.enums import Operation, Stage, StatementKind
from schemas.errors import ConfigurationError, InconsistentLogError, StoreUnavailableError
from schemas.records import NHS_NUMBER, Officer

CANARY = "Zebedee"  # stands in every value that is somebody's
RUN, COMMANDS = CliRunner(), get_command(app)
WHY = "The bruise and the disclosure make earlier attendances decisive tonight."


def contact(number=1, **changes):
    """A contact as JSON would have it."""
    plain = {
        "contact_ref": f"c-{number}",
        "received_at": "2026-11-24T08:30:00Z",
        "referrer": {"kind": "school", "name": CANARY, "organisation": CANARY, "phone": "01632 960123"},
        "words": f"{CANARY} has a bruise.",
        "subjects": [
            {
                "ref": "s1",
                "role": "child",
                "relation_to_child": "the child",
                "family_name": CANARY,
                "given_names": CANARY,
                "born_on": "2018-03-04",
                "addresses": [{"line": f"1 {CANARY} Street", "postcode": "XX1 1XX"}],
                "identifiers": [{"system": NHS_NUMBER, "value": "9990000018", "verified": True}],
            }
        ],
    }
    return plain | changes


def decision(**changes):
    plain = {
        "officer": {"id": "hub-0117", "role": "team leader", "organisation": "Borough"},
        "decided_at": "2026-11-24T09:00:00Z",
        "stage": "s47",
        "rag": "red",
        "purpose": "safeguarding",
        "necessity": {"reason": "significant_harm_suspected", "text": WHY},
        "consents": {
            "sharing": "not_sought",
            "service": "not_applicable",
            "treatment": "not_applicable",
            "openness": "increases_risk",
            "para18_reason": "prejudices_protection",
        },
    }
    return plain | changes


def lines(*contacts):
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in contacts)


def subject(**changes):
    return {**contact()["subjects"][0], **changes}


def necessity(text, reason="significant_harm_suspected"):
    return contact(decision=decision(necessity={"reason": reason, "text": text}))


def without(plain, *path):
    cut = json.loads(json.dumps(plain))
    inner = cut
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return cut


BAD = {
    "no JSON": (CANARY.encode(), "", "Invalid JSON"),
    "half a line": (json.dumps(contact()).encode()[:-20], "", "Invalid JSON"),
    "no UTF-8": (b'{"contact_ref": "\xff"}', "", "Invalid JSON"),
    "a list": (b"[1, 2]", "", ""),
    "nothing": (b"null", "", ""),
    "deeply nested": (b"[" * 5000, "", ""),
    "an unknown key": (contact(surname=CANARY), "surname", "Unexpected"),
    "a key that is no word": (contact(**{f"{CANARY}\x1b[2J ": 1}), "?", "Unexpected"),
    "an unknown key of a subject": (contact(subjects=[subject(dob="2018-03-04")]), "subjects.0.dob", "Unexpected"),
    "no words": (without(contact(), "words"), "words", "required"),
    "a subject without a role": (contact(subjects=[without(subject(), "role")]), "subjects.0.role", "required"),
    "no subjects": (contact(subjects=[]), "subjects", "at least 1"),
    "too many subjects": (contact(subjects=[subject(ref=f"s{number}") for number in range(1, 18)]), "subjects", "at most 16"),
    "a day that is none": (contact(subjects=[subject(born_on="2018-02-30")]), "subjects.0.born_on", "YYYY-MM-DD"),
    "a number for a day": (contact(subjects=[subject(born_on=0)]), "subjects.0.born_on", "date"),
    "words for a day": (contact(subjects=[subject(born_on=CANARY)]), "subjects.0.born_on", "YYYY-MM-DD"),
    "a number in words for a day": (contact(subjects=[subject(born_on="0")]), "subjects.0.born_on", "YYYY-MM-DD"),
    "born after the contact": (contact(subjects=[subject(born_on="2026-11-25")]), "", "born_on is after"),
    "born next year": (contact(subjects=[subject(born_on="2027-01-01")]), "", "born_on is before 1900 or after"),
    "born too long ago": (contact(subjects=[subject(born_on="1899-12-31")]), "", "born_on is before 1900"),
    "due and born": (contact(subjects=[subject(due_on="2027-01-01")]), "subjects.0", "due_on is for the unborn"),
    "a time without its zone": (contact(received_at="2026-11-24T08:30:00"), "received_at", "zone"),
    "words for a time": (contact(received_at=CANARY), "received_at", "with its zone"),
    "a number in words for a time": (contact(received_at="0"), "received_at", "with its zone"),
    "decided before it came": (contact(decision=decision(decided_at="2026-11-24T08:29:59Z")), "", "decided_at is before received_at"),
    "nobody": (contact(subjects=[{"ref": "s1", "role": "child", "relation_to_child": CANARY}]), "subjects.0", "needs a name"),
    "an address of nothing": (contact(subjects=[subject(addresses=[{}])]), "subjects.0.addresses.0", "line or a postcode"),
    "two of one ref": (contact(subjects=[subject(), subject()]), "", "same ref"),
    "a ref that names somebody": (contact(subjects=[subject(ref=CANARY)]), "subjects.0.ref", "s1 to s99"),
    "a false NHS number": (
        contact(subjects=[subject(identifiers=[{"system": NHS_NUMBER, "value": "9990000019"}])]),
        "subjects.0.identifiers.0",
        "modulus-11",
    ),
    "a role nobody has": (contact(subjects=[subject(role=CANARY)]), "subjects.0.role", "Input should be"),
    "the symbol nobody means": (contact(subjects=[subject(role="unknown")]), "subjects.0.role", "known symbol"),
    "yes for true": (contact(decision=decision(break_glass="yes")), "decision.break_glass", "boolean"),
    "a stage that is none": (contact(decision=decision(stage=CANARY)), "decision.stage", "Input should be"),
    "a decision in words": (contact(decision=CANARY), "decision", "object"),
    "no officer": (contact(decision=without(decision(), "officer")), "decision.officer", "required"),
    "an empty necessity": (necessity(""), "decision.necessity.text", "at least 20"),
    "a blank necessity": (necessity(" " * 40), "decision.necessity.text", "at least 20"),
    "a short necessity": (necessity("We need to know now"), "decision.necessity.text", "at least 20"),
    "one word over and over": (necessity("necessary " * 12), "decision.necessity.text", "says nothing"),
    "one letter over and over": (necessity("x" * 60), "decision.necessity.text", "says nothing"),
    "dots and dashes": (necessity("... --- ... --- ... --- ..."), "decision.necessity.text", "says nothing"),
    "a reason off the list": (necessity(WHY, reason=CANARY), "decision.necessity.reason", "Input should be"),
    "a line too long": (contact(words=CANARY * 10_000), "", f"over {MAX_LINE}"),
}


@pytest.mark.proves("I18")
@pytest.mark.parametrize(("bad", "field", "message"), BAD.values(), ids=BAD)
def test_a_bad_line_is_kept_aside_with_file_line_field_and_cure_and_the_others_go_on(bad, field, message):
    raw = bad if isinstance(bad, bytes) else json.dumps(bad).encode()
    first, second = contact(8), contact(9)
    read = list(read_contacts(lines(first, raw, b"", second), "monday.jsonl"))
    assert [type(each) for each in read] == [Line, Aside, Line]
    aside = read[1]
    assert (aside.line, aside.raw) == (2, raw)
    assert {(fault.file, fault.line) for fault in aside.faults} == {("monday.jsonl", 2)}
    assert any(fault.field == field and message in fault.message for fault in aside.faults), [str(fault) for fault in aside.faults]
    assert all(fault.fix for fault in aside.faults)
    said = " ".join(map(str, aside.faults))
    assert CANARY not in said
    assert said.isprintable()


def test_every_fault_of_a_line_is_told_at_once():
    bad = contact(received_at="yesterday", surname="x", decision=decision(stage="s48", rag="purple"))
    (aside,) = read_contacts(lines(without(bad, "words")), "f")
    assert {fault.field for fault in aside.faults} == {"received_at", "surname", "decision.stage", "decision.rag", "words"}


def test_the_longest_line_that_is_allowed_is_read():
    room = MAX_LINE - len(json.dumps(contact(words="")))
    assert room > 8000  # more than words may have, so that it is their own limit which is met first
    (aside,) = read_contacts(lines(contact(words="x" * 8001)), "f")
    assert [fault.field for fault in aside.faults] == ["words"]
    padded = json.dumps(contact()).encode().ljust(MAX_LINE)
    assert [type(each) for each in read_contacts(padded, "f")] == [Line]
    assert [type(each) for each in read_contacts(padded + b" ", "f")] == [Aside]


def test_a_contact_may_come_without_a_decision_with_windows_line_ends_and_without_a_last_one():
    data = lines(contact(1), contact(2, decision=decision())).replace(b"\n", b"\r\n").rstrip()
    found = list(read_contacts(data, "f"))
    assert [each.contact.contact_ref for each in found] == ["c-1", "c-2"]
    assert [each.contact.decision is None for each in found] == [True, False]


def test_a_necessity_copied_from_another_contact_is_refused_and_names_where_it_was_first():
    again = decision(necessity={"reason": "significant_harm_suspected", "text": f"  {WHY.upper()} "})
    read = list(read_contacts(lines(contact(1, decision=decision()), contact(2), contact(3, decision=again)), "f"))
    assert [type(each) for each in read] == [Line, Line, Aside]
    assert "repeats line 1" in read[2].faults[0].message
    twice = lines(contact(1, decision=decision()), contact(1, decision=decision()))
    assert [type(each) for each in read_contacts(twice, "f")] == [Line, Line]  # one contact twice is one contact


@pytest.mark.parametrize("text", ["aaaa bbbb cccc", "the the the", "12 12 12", "", "a b c d e f"])
def test_boilerplate_is_the_same_few_words(text):
    assert boilerplate(text)
    assert not boilerplate(WHY)


@settings(max_examples=60)
@given(st.lists(st.just(json.dumps(contact()).encode()) | st.binary(max_size=40).filter(lambda raw: b"\n" not in raw), max_size=8))
def test_whatever_a_file_holds_no_line_of_it_is_lost(stream):
    read = list(read_contacts(b"\n".join(stream), "f"))
    assert [each.raw for each in read] == [raw for raw in stream if raw.strip()]
    good = sum(raw == json.dumps(contact()).encode() for raw in stream)
    assert sum(isinstance(each, Line) for each in read) == good


# ------------------------------------------------------------------------------------------------------ into the store


@pytest.fixture(scope="module", autouse=True)
def built_once():
    """Policy packs, and the tree of commands."""
    with packs_read_once(), patch.object(testing, "_get_command", lambda _: COMMANDS):
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template")
    write_files(folder, contacts=1)
    return folder


def test_the_same_file_again_is_known_and_nothing_is_doubled(borough):
    data = lines(contact(1), contact(2, decision=decision()))
    first, again = borough.hub.intake(data, "f"), borough.hub.intake(data + data, "f")
    assert (first.taken, first.known) == (2, 0)
    assert (again.taken, again.known, again.aside) == (0, 4, ())
    counts = borough.hub.party.store.counts()
    assert (counts["events.contact"], counts["events.happened"]) == (2, 3)  # both came, and of one it was decided to ask
    assert [str(each.outcome) for each in entries_of(borough.hub.party)] == ["contact", "told"] * 2


def test_one_contact_ref_with_other_words_is_refused_by_name_and_kept_as_it_came(borough):
    first, other = contact(1), contact(1, words="Other words.")
    taken = borough.hub.intake(lines(first, contact(2), other), "f")
    assert (taken.taken, len(taken.aside)) == (2, 1)
    (aside,) = taken.aside
    assert (aside.line, aside.raw) == (3, json.dumps(other).encode())
    assert (aside.faults[0].line, aside.faults[0].field) == (3, "contact_ref")
    assert "c-1" in aside.faults[0].message
    assert len(borough.hub.party.store.cases()) == 2


def test_a_contact_waits_for_its_decision_and_is_then_asked_about(borough):
    hub = borough.hub
    hub.intake(lines(contact(1)), "f")
    (case,) = hub.party.store.cases()
    assert not hub._open()
    made = next(read_contacts(lines(contact(2, decision=decision())), "f")).contact.decision
    early = replace(made, decided_at=made.decided_at - timedelta(hours=1))
    with pytest.raises(ConfigurationError, match="before the contact was received"):
        hub.decide(case, early)
    assert not hub.standing(case).is_decided
    hub.decide(case, made)
    assert hub.standing(case).is_decided
    with pytest.raises(ConfigurationError, match="no contact waits"):
        hub.decide(case, made)
    with pytest.raises(ConfigurationError, match="no contact waits"):
        hub.decide(uuid4(), made)
    assert hub._open()
    assert hub._ask()
    assert {each.agency for each in hub.record(case).agencies} == {"agency.police", "agency.trust"}
    entered = [(each.operation, each.actor.id) for each in entries_of(hub.party)]
    assert (Operation.decision, "hub-0117") in entered
    disclosed = {actor for operation, actor in entered if operation is Operation.disclosure}
    assert disclosed == {"hub-0117"}


def test_a_stage_of_which_the_hub_says_nothing_is_kept_aside_and_not_decided(borough):
    settings = borough.folder / "hub" / "hub.toml"
    said = settings.read_text()
    start = said.index("[stages.early_help]")
    settings.write_text(said[:start] + said[said.index("[stages.s17]") :])
    taken = borough.hub.intake(lines(contact(1, decision=decision(stage="early_help")), contact(2)), "f")
    assert (taken.taken, [each.line for each in taken.aside]) == (1, [1])
    assert "[stages.early_help]" in taken.aside[0].faults[0].fix
    (case,) = borough.hub.party.store.cases()
    made = next(read_contacts(lines(contact(2, decision=decision())), "f")).contact.decision
    with pytest.raises(ConfigurationError, match="early_help"):
        borough.hub.decide(case, replace(made, stage=Stage.early_help))


@pytest.mark.proves("I8")
def test_no_view_without_its_entry(borough, monkeypatch):
    hub = borough.hub
    borough.take_in()
    hub._open()
    (case,) = hub.party.store.cases()
    viewer = Officer(id="a.officer", role="hub_member", organisation="hub.borough")
    assert hub.view(case, viewer) == hub.record(case)
    seen = [each for each in entries_of(hub.party) if each.outcome.startswith("viewed.")]
    assert [(each.actor, each.case_id, each.operation) for each in seen] == [(viewer, case, Operation.consultation)]
    assert hub.view(uuid4(), viewer) is None

    def full(*_, **__):
        raise StoreUnavailableError("disk full")

    monkeypatch.setattr(hub.party.store, "apply", full)
    with pytest.raises(StoreUnavailableError):
        hub.view(case, viewer)


# ----------------------------------------------------------------------------------------------------- the command line


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """A borough of this very day on disk, with one case worked to its end."""
    folder = tmp_path_factory.mktemp("worked")
    made = SmallBorough(folder, at=utc_now(), in_memory=False, contacts=1)
    made.take_in()
    made.work()
    for party in made.parties:
        entries_of(party)
    made.work()
    made.close()
    return folder


@pytest.fixture
def folder(worked, tmp_path):
    """A copy that a test may break."""
    shutil.copytree(worked, tmp_path / "b")
    return tmp_path / "b"


def mash(*arguments):
    return RUN.invoke(app, [str(each) for each in arguments])


def told(result):
    """The one JSON object."""
    return json.loads(result.stdout.strip().splitlines()[-1])


def test_mash_hub_intake_takes_in_keeps_aside_and_exits_3(folder, tmp_path):
    hub, file = folder / "hub", tmp_path / "monday.jsonl"
    today = (utc_now() - timedelta(hours=1)).isoformat()
    good, bad = contact(21, received_at=today), contact(22, received_at=CANARY)
    file.write_bytes(lines(good))
    done = mash("hub", "intake", file, "--folder", hub, "--json")
    assert done.exit_code == 0
    assert told(done) == {"taken": 1, "known": 0, "aside": 0, "faults": [], "concerns": []}
    assert not (hub / "refused").exists()
    file.write_bytes(lines(good, bad))
    for _ in range(2):
        refused = mash("hub", "intake", file, "--folder", hub)
        assert refused.exit_code == 3
        assert "monday.jsonl:2 [received_at]" in refused.stderr
        assert "0 contacts taken in, 1 known already, 1 kept aside" in refused.stdout
        assert CANARY not in refused.output
        assert (hub / "refused" / "monday.jsonl").read_bytes() == lines(bad)
        assert (hub / "refused" / "monday.jsonl.reasons.txt").read_text().count("\n") == 1
    other = lines(contact(23, surname="x"))
    file.write_bytes(other)  # next Monday's file of the same name
    assert mash("hub", "intake", file, "--folder", hub).exit_code == 3
    assert (hub / "refused" / "monday.jsonl").read_bytes() == lines(bad) + other
    assert {stat.S_IMODE(path.stat().st_mode) for path in (hub / "refused").iterdir()} == {0o600}


def test_mash_hub_intake_says_what_it_cannot_read(folder, tmp_path):
    missing = mash("hub", "intake", tmp_path / "nothing.jsonl", "--folder", folder / "hub", "--json")
    assert missing.exit_code == 3
    fault = json.loads(missing.stderr)["error"]["faults"][0]
    assert fault["file"].endswith("nothing.jsonl")
    assert fault["fix"]
    assert mash("hub", "intake").exit_code == 2
    assert mash("hub", "intake", folder / "contacts.jsonl", "--folder", tmp_path).exit_code == 3


def test_mash_hub_decide_and_show_go_from_contact_to_decision_to_case(folder, tmp_path):
    hub, file, choice = folder / "hub", tmp_path / "one.jsonl", tmp_path / "decision.json"
    came, at = utc_now() - timedelta(hours=1), utc_now() - timedelta(minutes=30)
    file.write_bytes(lines(contact(31, received_at=came.isoformat())))
    assert mash("hub", "intake", file, "--folder", hub).exit_code == 0
    waiting = {each["case"]: each for each in told(mash("hub", "show", "--folder", hub, "--json"))["cases"]}
    (case,) = [name for name, each in waiting.items() if each.get("waits_for") == "decision"]
    assert "waits for a decision" in mash("hub", "show", "--folder", hub).stdout
    for bad, field in (
        (decision(stage=CANARY), "stage"),
        (decision(necessity={"reason": "assess_need", "text": "x " * 20}), "necessity.text"),
    ):
        choice.write_text(json.dumps(bad))
        refused = mash("hub", "decide", case, choice, "--folder", hub)
        assert refused.exit_code == 3
        assert f"[{field}]" in refused.stderr
        assert CANARY not in refused.output
    choice.write_text(json.dumps(decision(decided_at=(came - timedelta(hours=1)).isoformat())))
    assert mash("hub", "decide", case, choice, "--folder", hub).exit_code == 3
    choice.write_text(json.dumps(decision(decided_at=at.isoformat())))
    assert mash("hub", "decide", uuid4(), choice, "--folder", hub).exit_code == 3
    assert mash("hub", "decide", case, choice, "--folder", hub).exit_code == 0
    assert mash("hub", "decide", case, choice, "--folder", hub).exit_code == 3
    now = {each["case"]: each for each in told(mash("hub", "show", "--folder", hub, "--json"))["cases"]}
    assert now[case]["waits_for"] == "opening"
    service = hub_of(hub)
    service.step()
    service.party.close()
    shown = {each["case"]: each for each in told(mash("hub", "show", "--folder", hub, "--json"))["cases"]}
    assert shown[case]["contact"] == "c-31"
    assert {each["status"] for each in shown[case]["agencies"].values()} == {"awaited"}
    assert all(each["due_at"] for each in shown[case]["agencies"].values())


def first_case(folder):
    service = hub_of(folder / "hub")
    (case,) = service.party.store.cases()
    service.party.close()
    return case


def log_entries(folder, party="hub"):
    opened = party_of(folder / party)
    found = entries_of(opened)
    opened.close()
    return found


@pytest.mark.proves("I8")
def test_mash_case_show_is_entered_before_it_is_shown(folder, monkeypatch):
    case = first_case(folder)
    shown = mash("case", "show", case, "--as", "a.officer", "--role", "hub_member", "--folder", folder / "hub", "--json")
    assert shown.exit_code == 0
    record = told(shown)
    assert record["case_id"] == str(case)
    assert {each["agency"] for each in record["agencies"]} == {"agency.police", "agency.trust"}
    views = [each for each in log_entries(folder) if each.outcome.startswith("viewed.")]
    assert [(each.actor.id, each.actor.role, each.case_id) for each in views] == [("a.officer", "hub_member", UUID(str(case)))]
    assert "released" in mash("case", "show", case, "--as", "a.officer", "--folder", folder / "hub").stdout
    assert len([each for each in log_entries(folder) if each.outcome.startswith("viewed.")]) == 2
    assert mash("case", "show", uuid4(), "--as", "a.officer", "--folder", folder / "hub").exit_code == 3
    assert mash("case", "show", case, "--folder", folder / "hub").exit_code == 2  # nobody looks without a name

    def unavailable(path):
        service = hub_of(path)

        def full(*_, **__):
            raise StoreUnavailableError("disk full")

        service.party.store.apply = full
        return service

    monkeypatch.setattr(case_module, "hub_of", unavailable)
    refused = mash("case", "show", case, "--as", "a.officer", "--folder", folder / "hub")
    assert refused.exit_code == 4
    assert refused.stdout == ""


@pytest.mark.proves("I8")
def test_mash_log_show_enters_the_reading_and_shows_it(folder):
    before = len(log_entries(folder))
    shown = mash("log", "show", "--as", "i.officer", "--folder", folder / "hub", "--last", 3, "--json")
    assert shown.exit_code == 0
    entries = told(shown)["entries"]
    assert len(entries) == 3
    assert (entries[-1]["outcome"], entries[-1]["actor"]["id"], entries[-1]["operation"]) == ("log_read", "i.officer", "consultation")
    after = log_entries(folder)
    assert len(after) == before + 1
    assert after[-1].actor.role == "information_governance"
    text = mash("log", "show", "--as", "i.officer", "--folder", folder / "hub").stdout
    assert "log_read" in text
    assert len(log_entries(folder)) == before + 2


def test_a_fault_of_ours_says_where_it_is_and_nothing_of_whom_it_is_about(folder, monkeypatch):
    def broken(path):
        raise RuntimeError(CANARY)

    monkeypatch.setattr(case_module, "hub_of", broken)
    failed = mash("case", "show", uuid4(), "--as", "a.officer", "--folder", folder / "hub")
    assert failed.exit_code == 70
    assert "RuntimeError in test_intake.py" in failed.stderr
    assert CANARY not in failed.output


def test_an_agencys_text_moves_no_cursor_on_a_terminal(capsys):
    tell(False, {}, "released: \x1b[2J\x9b1A\x07 gone\r\nnext")
    assert capsys.readouterr().out == "released: \ufffd[2J\ufffd1A\ufffd gone\ufffd\nnext\n"


# ------------------------------------------------------------------------------------------------------------- the logs


@pytest.fixture(scope="module")
def exported(worked, tmp_path_factory):
    """The hub's log as files, and its verifier key apart from them."""
    copy = tmp_path_factory.mktemp("exported")
    shutil.copytree(worked / "hub", copy / "hub")
    assert mash("log", "export", "--folder", copy / "hub").exit_code == 0
    log = copy / "hub" / "log"
    key = (log / "key").read_text().strip()
    return log, key


def test_mash_log_verify_on_a_folder_and_on_files_alone(worked, exported, tmp_path):
    for name in FOLDERS:
        verified = mash("log", "verify", worked / name, "--json")
        assert verified.exit_code == 0
        assert told(verified)["verified"]
        assert told(verified)["size"] % 64 == 0
        assert told(verified)["entries"] > 0
    log, key = exported
    alone = tmp_path / "posted"
    shutil.copytree(log, alone)
    (alone / "key").unlink()
    assert mash("log", "verify", alone, "--key", key).exit_code == 0
    assert mash("log", "verify", alone).exit_code == 3  # no key, no verification
    other = mash("log", "verify", alone, "--key", (key[:-8] + "AAAAAAA="))
    assert other.exit_code != 0


def flip(path, position, bit=0):
    data = bytearray(path.read_bytes())
    data[position] ^= 1 << bit
    path.write_bytes(bytes(data))


def files_of(log):
    return sorted(path for path in log.rglob("*") if path.is_file())


def test_one_flipped_bit_anywhere_in_checkpoint_leaves_or_key_is_refused(exported, tmp_path):
    log, key = exported
    copy = tmp_path / "flipped"
    shutil.copytree(log, copy)
    tried = 0
    for path in files_of(copy):
        whole = path.read_bytes()
        step = max(1, len(whole) // 150)
        for position in range(0, len(whole), step):
            flip(path, position, position % 8)
            with pytest.raises((InconsistentLogError, ConfigurationError)):
                verify_export(copy, None if path.name == "key" else key)
            path.write_bytes(whole)
            tried += 1
    assert tried > 400
    assert verify_export(copy, key).size % 64 == 0


@pytest.mark.parametrize("name", ["checkpoint", "key", "tile"])
def test_mash_log_verify_exits_1_or_refuses_what_was_changed(exported, tmp_path, name):
    log, _ = exported
    copy = tmp_path / "flipped"
    shutil.copytree(log, copy)
    path = next(each for each in files_of(copy) if name in each.relative_to(copy).parts)
    flip(path, len(path.read_bytes()) // 2)
    failed = mash("log", "verify", copy)
    assert failed.exit_code == (3 if name == "key" else 1)
    assert "NOT verified" in failed.stdout or "is not a verifier key" in failed.stderr


def test_leaves_that_are_missing_added_or_exchanged_are_refused(exported, tmp_path):
    log, key = exported
    copy = tmp_path / "changed"
    shutil.copytree(log, copy)
    path = next(each for each in files_of(copy) if "tile" in each.parts)
    whole = path.read_bytes()
    for changed in (whole[:-34], whole + whole[-34:], whole[34:68] + whole[:34] + whole[68:], b""):
        path.write_bytes(changed)
        assert mash("log", "verify", copy, "--key", key).exit_code == 1
    path.unlink()
    assert mash("log", "verify", copy, "--key", key).exit_code == 1


def flip_stored(store, table, column, order):
    """Flip the last bit of one stored value."""
    with closing(sqlite3.connect(store)) as database, database:
        found = f"select rowid, {column} from {table} where {column} is not null order by {order}"  # noqa: S608 - our own names
        row, value = database.execute(found).fetchone()
        flipped = value[:-1] + bytes([value[-1] ^ 1])
        database.execute(f"update {table} set {column} = ? where rowid = ?", (flipped, row))  # noqa: S608 - likewise


def forget_last_leaf(store):
    with closing(sqlite3.connect(store)) as database, database:
        assert database.execute('delete from leaf where "index" = (select max("index") from leaf)').rowcount == 1


@pytest.mark.parametrize(
    "harm",
    [
        lambda store: flip_stored(store, "leaf", "data", '"index"'),
        lambda store: flip_stored(store, "entry", "sealed", "id"),
        lambda store: flip_stored(store, "entry", "sealed", "id desc"),
        lambda store: flip_stored(store, "leaf", "salt", '"index" desc'),
        lambda store: flip_stored(store, "checkpoint", "note", "size desc"),
        forget_last_leaf,
    ],
    ids=["leaf", "first entry", "last entry", "blank", "checkpoint", "last leaf gone"],
)
def test_what_was_changed_in_the_store_is_noticed(folder, harm):
    harm(folder / "trust" / "store.sqlite")
    failed = mash("log", "verify", folder / "trust")
    assert failed.exit_code in {1, 4}
    assert "NOT verified" in failed.stdout or "does not open" in failed.stderr
    sick = mash("doctor", folder / "trust", "--json")
    assert sick.exit_code == 1
    assert [each["what"] for each in told(sick)["findings"] if not each["ok"]] == ["log"]


# ----------------------------------------------------------------------------------------------------------- the doctor


def wrong(result):
    """What the doctor found, by name."""
    return {each["what"]: each["says"] for each in told(result)["findings"] if not each["ok"]}


@pytest.mark.parametrize("party", FOLDERS)
def test_a_healthy_folder_is_found_healthy(worked, party):
    result = mash("doctor", worked / party, "--json")
    assert (result.exit_code, wrong(result)) == (0, {})
    names = [each["what"] for each in told(result)["findings"]]
    assert names[:10] == ["settings", "root", "keys", "directory", "ready", "pack", "agreements", "store", "log", "transport"]
    assert any(each.startswith("source ") for each in names) == (party != "hub")
    assert "WRONG" not in mash("doctor", worked / party).stdout


def key_of(folder, use):
    (path,) = (folder / "keys").glob(f"{use}-*")
    return path


def without_documents(folder):
    own = folder / "police" / "pack" / "controller.toml"
    own.write_text(
        own.read_text()
        .replace('[[apd]]\ncondition = "sch1.para18"\nversion = "demo"\n', "")
        .replace('[[apd]]\ncondition = "sch1.para6"\nversion = "demo"\n', "")
    )


def no_encryption_key(folder):
    for path in (folder / "police" / "keys").glob("encryption-*"):
        path.unlink()


def stale(folder):
    """Yesterday's snapshot, and none since."""
    hub = party_of(folder / "police")
    old = make_snapshot(hub.trust, utc_now() - timedelta(hours=25))
    hub.close()
    key = keystore.load(folder / "office" / "snapshot").snapshot[0]
    signed = sign(StatementKind.snapshot, codec.encode(old), [key])
    (folder / "police" / "snapshot.avro").write_bytes(codec.encode(signed))


def unlist(folder):
    made = SmallBorough.__new__(SmallBorough)
    made.folder, made.clock = folder, Clock(utc_now())
    made.hub = hub_of(folder / "hub")
    parties = tuple(each for each in made.hub.party.trust.directory.parties if each.id != "agency.police")
    statement = made.next_directory(parties=parties)
    made.hub.party.close()
    (folder / "police" / "directory.avro").write_bytes(codec.encode(statement, 1 << 24))


def mistype(folder):
    file = folder / "police" / "adapter.toml"
    file.write_text(file.read_text().replace("family_name =", "surname =", 1))


def drop_index(folder):
    with closing(sqlite3.connect(folder / "police" / "records.sqlite")) as database, database:
        names = [row[0] for row in database.execute("select name from sqlite_master where type = 'index' and sql is not null")]
        for name in names:
            database.execute(f'drop index "{name}"')
        assert names


def scrawl(name):
    def write(folder):
        (folder / "police" / name).write_text("nonsense = [")

    return write


BROKEN = {
    "others may read a key": (lambda folder: key_of(folder / "police", "signing").chmod(0o644), {"keys"}, "chmod 600"),
    "a key of another name": (
        lambda folder: shutil.move(key_of(folder / "police", "log"), folder / "police/keys/log-00.pem"),
        {"keys"},
        "is not the key",
    ),
    "no signing key": (lambda folder: key_of(folder / "police", "signing").unlink(), {"ready"}, "no signing key"),
    "no encryption key": (no_encryption_key, {"ready"}, "no encryption key"),
    "no log key": (lambda folder: key_of(folder / "police", "log").unlink(), {"store", "log"}, "0 log keys"),
    "no store key": (lambda folder: key_of(folder / "police", "store").unlink(), {"store", "log"}, "no store key"),
    "a stale snapshot": (stale, {"directory"}, "stale"),
    "unlisted": (unlist, {"store", "log"}, "is not listed"),
    "no directory": (lambda folder: (folder / "police/directory.avro").unlink(), {"directory"}, "directory.avro"),
    "a bad adapter.toml": (mistype, {"service"}, "adapter.toml:"),
    "an adapter.toml that is none": (scrawl("adapter.toml"), {"service"}, "adapter.toml:1"),
    "no party.toml": (lambda folder: (folder / "police/party.toml").unlink(), {"settings"}, "party.toml"),
    "a bad party.toml": (scrawl("party.toml"), {"settings"}, "party.toml:1"),
    "no root": (lambda folder: (folder / "police/root.toml").unlink(), {"root"}, "root.toml"),
    "a bad pack": (scrawl("pack/controller.toml"), {"pack"}, "controller.toml:1"),
    "no source": (lambda folder: (folder / "police/records.sqlite").unlink(), {"source police-records"}, "may this account read it"),
    "no index": (drop_index, {"source police-records"}, "index"),
    "a store that is none": (scrawl("store.sqlite"), {"store", "log"}, "is not a usable database"),
    "no policy documents": (without_documents, {"pack"}, "no appropriate policy document for sch1.para18"),
    "a transport that is none": (
        lambda folder: (folder / "transport.sqlite").write_text("nonsense" * 1000),
        {"transport"},
        "is no SQLite database",
    ),
}


@pytest.mark.parametrize(("harm", "expected", "words"), BROKEN.values(), ids=BROKEN)
def test_each_thing_that_is_broken_is_one_line_with_cause_and_cure(folder, harm, expected, words):
    harm(folder)
    result = mash("doctor", folder / "police", "--json")
    found = wrong(result)
    assert result.exit_code == 1
    assert expected <= set(found)
    assert any(words in found[name] for name in expected), found
    assert all("\n" not in says and "(" in says for says in found.values()), found


def test_the_doctors_text_has_a_line_for_each_thing_right_or_wrong(folder):
    key_of(folder / "police", "signing").chmod(0o644)
    drop_index(folder)
    facts, shown = mash("doctor", folder / "police", "--json"), mash("doctor", folder / "police")
    assert shown.exit_code == 1
    findings = told(facts)["findings"]
    for line, each in zip(shown.stdout.splitlines(), findings, strict=True):
        assert line.startswith(("ok" if each["ok"] else "WRONG").ljust(6) + each["what"])
    assert {"keys", "source police-records"} <= set(wrong(facts))


def test_today_is_what_a_new_snapshot_makes_it(folder):
    stale(folder)
    assert "directory" in wrong(mash("doctor", folder / "police", "--json"))
    renew(folder, utc_now())
    assert wrong(mash("doctor", folder / "police", "--json")) == {}


# ------------------------------------------------------------------------------------- what was lost, exchanged or not accepted


def test_a_store_that_was_lost_is_named_and_its_exported_log_not_overwritten(folder):
    assert mash("log", "export", "--folder", folder / "hub").exit_code == 0
    before = (folder / "hub/log/checkpoint").read_bytes()
    for path in (folder / "hub").glob("store.sqlite*"):
        path.unlink()
    got = mash("log", "verify", folder / "hub")
    assert (got.exit_code, "it was lost or put back" in got.stdout) == (1, True)
    assert mash("log", "export", "--folder", folder / "hub").exit_code == 3
    assert (folder / "hub/log/checkpoint").read_bytes() == before


def test_a_keys_database_that_was_lost_stops_the_party(folder):
    for path in (folder / "hub").glob("keys.db*"):
        path.unlink()
    got = mash("hub", "show", "--folder", folder / "hub")
    assert got.exit_code == 3
    assert "keys.db: is empty" in got.stderr
    assert "restore" in got.stderr


def test_another_controllers_pack_is_refused_by_name(folder):
    shutil.copy(folder / "trust/pack/controller.toml", folder / "police/pack/controller.toml")
    assert "is of agency.trust" in finding(folder / "police", "pack")


def test_a_hub_does_not_run_as_an_agency_nor_an_agency_as_a_hub(folder):
    shutil.copy(folder / "police/adapter.toml", folder / "hub/adapter.toml")
    got = mash("adapter", "run", "--folder", folder / "hub")
    assert (got.exit_code, "hub.borough is no agency" in got.stderr) == (3, True)
    shutil.copy(folder / "hub/hub.toml", folder / "police/hub.toml")
    got = mash("hub", "show", "--folder", folder / "police")
    assert (got.exit_code, "agency.police is no hub" in got.stderr) == (3, True)


def finding(folder, what):
    """What the doctor says is wrong with this."""
    found = {each["what"]: each for each in told(mash("doctor", folder, "--json"))["findings"]}
    assert not found[what]["ok"]
    return found[what]["says"]


def test_the_doctor_names_law_that_is_not_accepted_and_how_to_have_it_accepted(folder):
    with (folder / "hub/pack/categories.toml").open("w") as own:
        own.write(resources.files("policies").joinpath("categories.toml").read_text() + "\n# ours\n")
    said = finding(folder / "hub", "pack")
    assert re.search(r"law and categories [0-9a-f]{64} are not accepted", said)
    assert "mash directory draft --pack" in said


@pytest.mark.parametrize(("party", "file"), [("hub", "hub.toml"), ("police", "adapter.toml")])
def test_the_doctor_misses_the_file_that_a_service_needs(party, file, folder):
    (folder / party / file).unlink()
    assert file in finding(folder / party, "service")


def test_the_doctor_makes_no_store(folder):
    for path in (folder / "hub").glob("store.sqlite*"):
        path.unlink()
    mash("doctor", folder / "hub")
    assert not list((folder / "hub").glob("store.sqlite*"))


def test_a_waiting_contact_is_shown_by_its_reference_and_when_it_came(folder, tmp_path):
    file = tmp_path / "new.jsonl"
    file.write_bytes(lines(contact(7)))
    assert mash("hub", "intake", file, "--folder", folder / "hub").exit_code == 0
    waiting = [each for each in told(mash("hub", "show", "--folder", folder / "hub", "--json"))["cases"] if "waits_for" in each]
    assert [(each["contact"], each["received_at"][:16]) for each in waiting] == [(contact(7)["contact_ref"], "2026-11-24T08:30")]


@pytest.mark.parametrize("staff", ["", "x" * 201])
def test_who_looks_says_who_they_are(staff, folder):
    got = mash("log", "show", "--as", staff, "--folder", folder / "hub")
    assert (got.exit_code, "--as" in got.stderr) == (3, True)


def test_log_commands_say_that_nobody_has_witnessed(folder):
    for words in (("log", "verify", folder / "hub"), ("log", "show", "--as", "i.officer", "--folder", folder / "hub")):
        assert "(unwitnessed)" in mash(*words).stdout
        assert told(mash(*words, "--json"))["witnessed"] is False


def test_a_key_that_is_given_and_empty_is_no_key(folder):
    assert mash("log", "export", "--folder", folder / "hub").exit_code == 0
    got = mash("log", "verify", folder / "hub/log", "--key", "")
    assert (got.exit_code, "--key" in got.stderr) == (3, True)


def test_a_decision_of_tomorrow_is_kept_aside(borough):
    tomorrow = (NOW + timedelta(days=1)).isoformat()
    taken = borough.hub.intake(lines(contact(1, decision=decision(decided_at=tomorrow))), "f")
    assert taken.taken == 0
    assert taken.aside[0].faults[0].field == "decision.decided_at"


def test_a_necessity_said_of_an_earlier_file_is_refused_in_a_later_one_and_when_deciding(borough):
    hub = borough.hub
    assert hub.intake(lines(contact(1, decision=decision())), "monday").taken == 1
    again = hub.intake(lines(contact(2, decision=decision()), contact(3)), "tuesday")
    assert (again.taken, [each.line for each in again.aside]) == (1, [1])
    assert "of an earlier contact" in again.aside[0].faults[0].message
    assert hub.intake(lines(contact(1, decision=decision())), "monday").known == 1
    waits = hub.party.store.cases()[-1]
    made = next(read_contacts(lines(contact(3, decision=decision())), "f")).contact.decision
    with pytest.raises(ConfigurationError, match="of an earlier contact"):
        hub.decide(waits, made)


def test_of_two_officers_who_decide_at_one_moment_one_has_decided(borough, monkeypatch):
    hub = borough.hub
    hub.intake(lines(contact(3)), "f")
    (case,) = hub.party.store.cases()
    made = next(read_contacts(lines(contact(3, decision=decision())), "f")).contact.decision
    before = hub.party.store.events(case)
    hub.decide(case, made)
    other = replace(made, necessity=replace(made.necessity, text="Another officer gives another reason for the very same questions."))
    monkeypatch.setattr(hub.party.store, "events", lambda _: before)  # as the second read it, a moment before
    with pytest.raises(ConfigurationError, match="a moment ago"):
        hub.decide(case, other)
    monkeypatch.undo()
    assert [each.kind for each in hub.party.store.events(case)] == ["contact", "happened", "decided", "happened"]
