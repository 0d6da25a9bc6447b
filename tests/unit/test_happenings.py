"""What an officer records of a case: timescales run from it, show, escalate, pass in silence, and end with what ends them."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from typing import get_args

import pytest
from hub_cli import asked_on_disk, mash
from pydantic import TypeAdapter
from rich.console import Console
from small_borough import NOW, SmallBorough, alarms, contact_of, entries_of, outcomes, rows, write_files

from agents.calendars import OFFICE_HOURS
from agents.cli.board import board_json, picture
from agents.cli.casetext import missing
from agents.cli.choices import Recordable
from agents.cli.page import case_page
from agents.cli.show import record_lines
from agents.hub import board, desk, recording
from agents.hub.settings import HubSettings, preset
from agents.hub.timescales import BY_THE_HUB, STARTS, Duration, StartsOn, Timescales
from broker.party import utc_now
from broker.store import tables
from schemas.enums import Happening, Operation, Rag
from schemas.errors import ConfigurationError
from schemas.events import OfficerDecision, Overdue
from schemas.happenings import Happened
from schemas.identifiers import Slug
from schemas.records import Officer

OFFICER = Officer(id="hub-0142", role="team leader", organisation="Borough children's services (SYNTHETIC)")
WHY = "The ward reports a second injury since Monday."
HOUR = timedelta(hours=1)
DUE_OF_CONTACT = {
    "national.acknowledgement": Happening.referrer_acknowledged,
    "national.decision": Happening.response_decided,
    "national.assessment": Happening.assessment_not_needed,
}
PROTECTED, DISCUSSED = Happening.police_protection, Happening.strategy_discussion


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("happenings")
    write_files(folder, contacts=1)
    return folder


@pytest.fixture
def asked(template, tmp_path):
    made = SmallBorough(tmp_path, like=template)
    made.take_in()
    made.work()
    yield made
    made.close()


@pytest.fixture
def borough(asked):
    """What runs from the contact has ended, so that only what a test records runs."""
    (found,) = asked.hub.party.store.cases()
    for happening in DUE_OF_CONTACT.values():
        recording.record(asked.hub, found, OFFICER, happening, NOW)
    return asked


@pytest.fixture
def case_id(borough):
    (found,) = borough.hub.party.store.cases()
    return found


def timescales(borough, case_id):
    return {str(each.timescale): each for each in borough.hub.record(case_id).timescales}


def events_of(borough, case_id, kind):
    return [each for each in borough.hub.party.store.events(case_id) if isinstance(each.body, kind)]


def drawn(borough):
    console = Console(width=200, record=True, force_terminal=False)
    with console.capture() as said:
        console.print(picture(board.rows([borough.hub.record(each) for each in borough.hub.party.store.cases()]), borough.clock.at))
    return said.get()


def test_a_timescale_runs_from_when_it_happened_and_not_from_when_it_was_recorded(borough, case_id):
    assert recording.record(borough.hub, case_id, OFFICER, PROTECTED, NOW - 2 * HOUR)
    assert timescales(borough, case_id)["national.police_protection"].due_at == NOW + 70 * HOUR
    (body,) = [each.body for each in events_of(borough, case_id, Happened) if each.body.happening is PROTECTED]
    assert (body.happened_at, body.recorded_at, body.officer) == (NOW - 2 * HOUR, NOW, OFFICER)
    (told,) = [each for each in entries_of(borough.hub.party) if each.outcome == "recorded.police_protection"]
    assert (told.operation, told.actor, told.case_id) == (Operation.collection, OFFICER, case_id)


def test_a_conference_is_due_in_working_days_by_the_hubs_calendar(borough, case_id):
    recording.record(borough.hub, case_id, OFFICER, DISCUSSED, NOW)
    assert timescales(borough, case_id)["national.conference"].due_at == OFFICE_HOURS.days_after(NOW, 15)


def test_what_is_recorded_twice_changes_nothing(borough, case_id):
    assert recording.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    before = (borough.hub.record(case_id), len(entries_of(borough.hub.party)), len(rows(borough.hub.party, tables.work)))
    borough.clock.move(minutes=5)
    assert not recording.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    assert (borough.hub.record(case_id), len(entries_of(borough.hub.party)), len(rows(borough.hub.party, tables.work))) == before


def test_what_has_not_happened_yet_or_is_nothing_or_of_no_case_is_refused_with_every_fault(borough, case_id, monkeypatch):
    monkeypatch.setattr(recording, "MAX_HAPPENED", 0)
    with pytest.raises(ConfigurationError) as refused:
        recording.record(borough.hub, case_id, OFFICER, Happening.unknown, NOW + timedelta(microseconds=1))
    assert [each.field for each in refused.value.faults] == ["happening", "happened_at", ""]
    for own in (Happening.contact, Happening.decided):
        with pytest.raises(ConfigurationError, match="is nothing that an officer records"):
            recording.record(borough.hub, case_id, OFFICER, own, NOW)
    with pytest.raises(ConfigurationError, match="no contact of this hub"):
        recording.record(borough.hub, type(case_id)(int=0), OFFICER, PROTECTED, NOW)
    assert PROTECTED not in {each.happening for each in borough.hub.record(case_id).happened}


def test_it_escalates_and_silence_at_the_deadline_is_an_event_an_entry_and_an_alarm_once(borough, case_id):
    before = alarms(borough.hub.party).get("overdue", 0)  # of what runs from the contact
    recording.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    for hours, told in ((48, "told.hub_lead"), (68, "told.head_of_service"), (72, "overdue")):
        said = f"{told}.case.national.police_protection"
        borough.clock.at = NOW + timedelta(hours=hours) - timedelta(microseconds=1)
        borough.work(borough.hub)
        assert said not in outcomes(borough.hub.party)
        borough.clock.at = NOW + timedelta(hours=hours)
        for _ in range(2):
            borough.work(borough.hub)
        assert outcomes(borough.hub.party).count(said) == 1
    (silence,) = [each.body for each in events_of(borough, case_id, Overdue) if each.body.timescale == "national.police_protection"]
    assert silence.agency is None
    assert timescales(borough, case_id)["national.police_protection"].overdue
    assert alarms(borough.hub.party)["overdue"] == before + 1
    record = borough.hub.record(case_id)
    assert record.version == len(borough.hub.party.store.events(case_id))


def test_what_ends_it_stops_escalation_and_silence(borough, case_id):
    recording.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    borough.clock.at = NOW + 20 * HOUR
    assert recording.record(borough.hub, case_id, OFFICER, Happening.police_protection_ended, NOW + 20 * HOUR)
    borough.clock.at = NOW + 80 * HOUR
    borough.work(borough.hub)
    state = timescales(borough, case_id)["national.police_protection"]
    assert (state.ended_at, state.overdue) == (NOW + 20 * HOUR, False)
    assert not [each for each in outcomes(borough.hub.party) if "case.national.police_protection" in each]


def test_an_end_of_an_earlier_one_does_not_end_a_later_one(borough, case_id):
    borough.clock.at = NOW + 9 * HOUR
    for happening, hours in ((PROTECTED, 0), (Happening.police_protection_ended, 3), (PROTECTED, 5)):
        recording.record(borough.hub, case_id, OFFICER, happening, NOW + hours * HOUR)
    found = sorted((each.started_at, each.ended_at) for each in borough.hub.record(case_id).timescales if each.happening is PROTECTED)
    assert found == [(NOW, NOW + 3 * HOUR), (NOW + 5 * HOUR, None)]


def test_an_extension_ends_the_first_orders_time_and_begins_its_own(borough, case_id):
    recording.record(borough.hub, case_id, OFFICER, Happening.protection_order, NOW)
    borough.clock.at = NOW + timedelta(days=7)
    recording.record(borough.hub, case_id, OFFICER, Happening.protection_order_extended, borough.clock.at)
    found = timescales(borough, case_id)
    assert found["national.protection_order"].ended_at == borough.clock.at
    assert found["national.protection_order_extended"].due_at == borough.clock.at + timedelta(days=7)
    assert found["national.protection_order_extended"].ended_at is None


def test_it_stands_on_the_board_in_the_case_and_on_its_page_and_silence_is_said_plainly(borough, case_id):
    assert "timescale" not in drawn(borough)
    assert "settled" in drawn(borough)
    recording.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    recording.record(borough.hub, case_id, OFFICER, DISCUSSED, NOW)
    assert "police protection 3 d 0 h, 1 more" in drawn(borough)
    assert "[legal review needed]: police protection" in drawn(borough)
    (told,) = board_json(board.rows([borough.hub.record(case_id)]))["cases"]
    assert [each["timescale"] for each in told["timescales"]] == ["national.police_protection", "national.conference"]
    assert told["due_at"] == (NOW + 72 * HOUR).isoformat()
    lines = "\n".join(record_lines(borough.hub.record(case_id)))
    assert "police protection at 12:00 on Tue 24 Nov 2026, recorded at 12:00 on Tue 24 Nov 2026 by hub-0142 (team leader)" in lines
    said = "national.police_protection is to end by 12:00 on Fri 27 Nov 2026 [legal review needed] "
    assert said + "No child is kept in police protection for more than 72 hours. (Children Act 1989 s.46" in " ".join(lines.split())
    borough.clock.at = NOW + 72 * HOUR
    borough.work(borough.hub)
    assert "police protection OVERDUE, 1 more" in drawn(borough)
    gap = "national.police_protection: nothing recorded by 12:00 on Fri 27 Nov 2026 [legal review needed]"
    record = borough.hub.record(case_id)
    assert gap in missing(record)
    page = case_page(record, {}, OFFICER, borough.clock.at)
    assert gap in page
    assert "strategy discussion at 12:00" in page
    assert "No child is kept in police protection for more than 72 hours. (Children Act 1989 s.46" in page
    decision = next(line for line in page.split("<tr>") if "national.decision" in line)
    assert "Within one working day of a referral the type of response" in decision
    assert "legal review needed" in decision
    borough.clock.move(hours=1)
    recording.record(borough.hub, case_id, OFFICER, Happening.police_protection_ended, borough.clock.at)
    late = "ended at 13:00 on Fri 27 Nov 2026, after it was due by 12:00 on Fri 27 Nov 2026"
    assert late in case_page(borough.hub.record(case_id), {}, OFFICER, borough.clock.at)
    assert gap not in missing(borough.hub.record(case_id))


def test_a_timescale_that_turns_on_the_rating_moves_with_it_and_only_the_new_deadline_is_told(borough, case_id):
    clocks = borough.hub.settings.clocks
    plain = next(each for each in clocks.timescales if each.id == "national.police_protection")
    own = [
        plain.model_copy(update={"id": Slug(f"own.{rag.value}"), "rags": frozenset({rag}), "duration": Duration(hours=hours)})
        for rag, hours in ((Rag.red, 30), (Rag.amber, 60))
    ]
    kept = preset("timescales", "merton", Timescales).timescales
    timed = Timescales.model_validate({"version": "own", "timescale": [*kept, *own]})
    borough.hub.settings = HubSettings(stages=borough.hub.settings.stages, timescales=timed)
    recording.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    assert timescales(borough, case_id)["own.red"].due_at == NOW + 30 * HOUR
    desk.rerate(borough.hub, case_id, OFFICER, Rag.amber, WHY)
    assert timescales(borough, case_id)["own.amber"].due_at == NOW + 60 * HOUR
    borough.clock.at = NOW + 40 * HOUR
    borough.work(borough.hub)
    assert "overdue.case.own.red" not in outcomes(borough.hub.party)
    desk.rerate(borough.hub, case_id, OFFICER, Rag.red, WHY)
    assert timescales(borough, case_id)["own.amber"].due_at == NOW + 60 * HOUR  # now and 30 hours would be later
    borough.clock.at = NOW + 60 * HOUR
    borough.work(borough.hub)
    assert outcomes(borough.hub.party).count("overdue.case.own.amber") == 1


def test_every_event_that_starts_a_national_timescale_can_be_recorded():
    held = preset("timescales", "national", Timescales).timescales
    assert {each.starts_on for each in held} | {StartsOn.decided} == set(STARTS.values())
    assert set(Happening) == {*get_args(Recordable), *BY_THE_HUB, Happening.unknown}


# ---------------------------------------------------------------------------------------------- what a contact and a decision start


def test_a_recorded_contact_starts_what_is_due_from_its_receipt_and_a_decision_what_is_due_from_it(asked):
    (found,) = asked.hub.party.store.cases()
    contact = contact_of(asked.hub, found)
    states = timescales(asked, found)
    assert {name: (each.happening, each.started_at) for name, each in states.items()} == dict.fromkeys(
        DUE_OF_CONTACT, (Happening.contact, contact.received_at)
    )
    assert states["national.decision"].due_at == OFFICE_HOURS.days_after(contact.received_at, 1)
    assert states["national.assessment"].due_at == OFFICE_HOURS.days_after(contact.received_at, 45)
    decided = next(each for each in asked.hub.record(found).happened if each.happening is Happening.decided)
    assert (decided.happened_at, decided.officer) == (contact.decision.decided_at, contact.decision.officer)


@pytest.mark.parametrize(("timescale", "happening"), DUE_OF_CONTACT.items())
def test_it_stops_with_what_it_waits_for_and_with_nothing_else(asked, timescale, happening):
    (found,) = asked.hub.party.store.cases()
    recording.record(asked.hub, found, OFFICER, happening, NOW)
    assert {name for name, each in timescales(asked, found).items() if each.ended_at is not None} == {timescale}


def own_hub(made, starts_on, ends_on, hours, rags=frozenset()):
    """That hub with a timescale of its own beside the others."""
    plain = next(each for each in made.hub.settings.clocks.timescales if each.id == "national.police_protection")
    changes = {"id": Slug("own.screening"), "starts_on": starts_on, "ends_on": frozenset({ends_on}), "duration": Duration(hours=hours)}
    kept = preset("timescales", "merton", Timescales).timescales
    timed = Timescales.model_validate({"version": "own", "timescale": [*kept, plain.model_copy(update=changes | {"rags": rags})]})
    made.hub.settings = HubSettings(stages=made.hub.settings.stages, timescales=timed)


@pytest.fixture
def undecided(template, tmp_path):
    """A contact that nobody has decided about; its decision is kept aside."""
    made = SmallBorough(tmp_path, like=template)
    own_hub(made, StartsOn.contact, Happening.decided, 30)
    line = json.loads((tmp_path / "contacts.jsonl").read_text().splitlines()[0])
    made.decision = TypeAdapter(OfficerDecision).validate_json(json.dumps(line.pop("decision")), strict=True)
    made.hub.intake(json.dumps(line).encode(), "f")
    yield made
    made.close()


def test_a_contact_that_nobody_decides_about_escalates_and_its_silence_is_told_and_stands_on_the_board(undecided):
    hub, (found,) = undecided.hub, undecided.hub.party.store.cases()
    held = hub.standing(found)
    assert {str(each.timescale) for each in held.timescales} == {*DUE_OF_CONTACT, "own.screening"}
    (row,) = board.rows([held])
    assert (row.rag, row.stage, row.is_open) == (None, None, True)
    told = board_json([row])
    assert (told["open"], told["cases"][0]["rag"]) == ({"not_rated": 1}, None)
    console = Console(width=200, record=True, force_terminal=False)
    with console.capture() as said:
        console.print(picture([row], undecided.clock.at))
    assert all(each in said.get() for each in ("not rated", "contact", ", 3 more", "open: 1 not rated"))
    undecided.clock.at = held.received_at + timedelta(days=4)
    for _ in range(2):
        undecided.work(hub)
    passed = [each for each in outcomes(hub.party) if each.startswith("overdue.")]
    assert sorted(passed) == [f"overdue.case.{each}" for each in ("national.acknowledgement", "national.decision", "own.screening")]
    assert outcomes(hub.party).count("told.hub_lead.case.national.decision") == 1
    late = {str(each.timescale) for each in hub.standing(found).timescales if each.overdue}
    assert late == {"national.acknowledgement", "national.decision", "own.screening"}


def test_the_decision_ends_what_waits_for_it_and_the_rest_runs_on_in_the_case(undecided):
    hub, (found,) = undecided.hub, undecided.hub.party.store.cases()
    recording.record(hub, found, OFFICER, Happening.referrer_acknowledged, undecided.clock.at)  # before anybody has decided
    hub.decide(found, undecided.decision)
    undecided.work(hub)
    states = timescales(undecided, found)
    assert states["own.screening"].ended_at == undecided.decision.decided_at
    assert states["national.acknowledgement"].ended_at == undecided.clock.at
    assert states["national.decision"].ended_at is None


@pytest.mark.parametrize(("rags", "runs"), [(frozenset(), True), (frozenset({Rag.blue}), False)])
def test_a_timescale_that_starts_on_decided_runs_from_the_officers_decision_if_it_is_of_that_rating(template, tmp_path, rags, runs):
    made = SmallBorough(tmp_path, like=template)
    own_hub(made, StartsOn.decided, Happening.response_decided, 6, rags)
    made.take_in()
    made.work(made.hub)
    (found,) = made.hub.party.store.cases()
    states = timescales(made, found)
    assert ("own.screening" in states) is runs
    if runs:
        decided = contact_of(made.hub, found).decision.decided_at
        assert states["own.screening"].due_at == decided + 6 * HOUR
        made.clock.at = decided + 6 * HOUR
        made.work(made.hub)
        assert timescales(made, found)["own.screening"].overdue
    made.close()


def test_a_contact_of_a_year_in_which_no_timescale_runs_is_kept_aside(template, tmp_path):
    made = SmallBorough(tmp_path, like=template)
    line = json.loads((tmp_path / "contacts.jsonl").read_text().splitlines()[0])
    del line["decision"]
    old = line | {"received_at": "1999-12-31T12:00:00+00:00", "subjects": [each | {"born_on": None} for each in line["subjects"]]}
    (aside,) = made.hub.intake(json.dumps(old).encode(), "f").aside
    assert [each.field for each in aside.faults] == ["received_at"]
    made.close()


# ---------------------------------------------------------------------------------------------- recorded in error


MISTYPED = "It was another child of the same name at the station."


def test_what_was_recorded_in_error_is_taken_back_with_a_reason_what_it_started_stops_and_both_stay_told(borough, case_id):
    recording.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    borough.clock.move(minutes=5)
    assert recording.record_in_error(borough.hub, case_id, OFFICER, PROTECTED, NOW, MISTYPED)
    assert not recording.record_in_error(borough.hub, case_id, OFFICER, PROTECTED, NOW, MISTYPED)  # once more changes nothing
    record = borough.hub.record(case_id)
    assert "national.police_protection" not in timescales(borough, case_id)
    assert PROTECTED not in {each.happening for each in record.happened}
    (back,) = record.in_error
    assert (back.happening, back.happened_at, back.reason, back.taken_back_at) == (PROTECTED, NOW, MISTYPED, borough.clock.at)
    assert record.version == len(borough.hub.party.store.events(case_id))
    borough.clock.at = NOW + 80 * HOUR
    borough.work(borough.hub)
    said = outcomes(borough.hub.party)
    assert not [each for each in said if "case.national.police_protection" in each]
    assert (said.count("recorded.police_protection"), said.count("in_error.police_protection")) == (1, 1)
    by = "taken back at 12:05 on Tue 24 Nov 2026 by hub-0142 (team leader)"
    line = f"RECORDED IN ERROR: police protection at 12:00 on Tue 24 Nov 2026; {by}: {MISTYPED}"
    assert line in "\n".join(record_lines(record))
    assert line in case_page(record, {}, OFFICER, borough.clock.at)
    assert recording.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)  # it was right after all
    assert timescales(borough, case_id)["national.police_protection"].due_at == NOW + 72 * HOUR


def test_an_end_recorded_in_error_lets_the_timescale_run_on_and_what_fell_due_meanwhile_is_told_once(borough, case_id):
    recording.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    borough.clock.at = NOW + 40 * HOUR
    recording.record(borough.hub, case_id, OFFICER, Happening.police_protection_ended, NOW + 40 * HOUR)
    borough.clock.at = NOW + 73 * HOUR
    borough.work(borough.hub)
    assert not [each for each in outcomes(borough.hub.party) if "case.national.police_protection" in each]
    recording.record_in_error(borough.hub, case_id, OFFICER, Happening.police_protection_ended, NOW + 40 * HOUR, MISTYPED)
    for _ in range(2):
        borough.work(borough.hub)
        borough.clock.move(hours=1)
    told = sorted(each for each in outcomes(borough.hub.party) if "case.national.police_protection" in each)
    assert told == [f"{each}.case.national.police_protection" for each in ("overdue", "told.head_of_service", "told.hub_lead")]
    state = timescales(borough, case_id)["national.police_protection"]
    assert (state.ended_at, state.overdue) == (None, True)


def ended_twice(borough, case_id):
    """Police protection with two ends, each recorded in error."""
    recording.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    ends = [NOW + 40 * HOUR, NOW + 41 * HOUR]
    for each in ends:
        borough.clock.at = each
        recording.record(borough.hub, case_id, OFFICER, Happening.police_protection_ended, each)
    return ends


def test_of_two_who_take_back_an_end_each_at_once_one_looks_again_and_no_silence_is_lost(borough, case_id, monkeypatch):
    first, second = ended_twice(borough, case_id)
    before = borough.hub.party.store.events(case_id)
    ended = Happening.police_protection_ended
    borough.clock.at = NOW + 73 * HOUR
    borough.work(borough.hub)
    recording.record_in_error(borough.hub, case_id, OFFICER, ended, first, MISTYPED)
    with monkeypatch.context() as patched:
        patched.setattr(recording, "_contacted", lambda *_: before)  # read before the first was taken back
        with pytest.raises(ConfigurationError, match="taken back a moment ago"):
            recording.record_in_error(borough.hub, case_id, OFFICER, ended, second, MISTYPED)
    assert recording.record_in_error(borough.hub, case_id, OFFICER, ended, second, MISTYPED)
    borough.work(borough.hub)
    assert outcomes(borough.hub.party).count("overdue.case.national.police_protection") == 1


def test_an_end_taken_back_while_the_deadline_falls_due_loses_no_silence(borough, case_id, monkeypatch):
    recording.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    borough.clock.at = NOW + 40 * HOUR
    recording.record(borough.hub, case_id, OFFICER, Happening.police_protection_ended, NOW + 40 * HOUR)
    borough.clock.at = NOW + 72 * HOUR - timedelta(milliseconds=200)
    apply = borough.hub.party.store.apply

    def late(effects, sealer, at):
        monkeypatch.setattr(borough.hub.party.store, "apply", apply)
        borough.clock.at = NOW + 72 * HOUR + timedelta(seconds=1)
        borough.work(borough.hub)  # finds it ended still
        return apply(effects, sealer, at)

    monkeypatch.setattr(borough.hub.party.store, "apply", late)
    assert recording.record_in_error(borough.hub, case_id, OFFICER, Happening.police_protection_ended, NOW + 40 * HOUR, MISTYPED)
    borough.work(borough.hub)
    borough.clock.move(hours=1)
    borough.work(borough.hub)
    told = [each for each in outcomes(borough.hub.party) if "case.national.police_protection" in each]
    assert told.count("overdue.case.national.police_protection") == 1
    assert "told.head_of_service.case.national.police_protection" in told


def test_only_what_an_officer_recorded_is_taken_back_and_only_with_a_reason(borough, case_id):
    with pytest.raises(ConfigurationError) as refused:
        recording.record_in_error(borough.hub, case_id, OFFICER, Happening.contact, NOW - HOUR, "typing error")
    assert [each.field for each in refused.value.faults] == ["happening", "reason", "happened_at"]
    assert borough.hub.record(case_id).in_error == ()


# ---------------------------------------------------------------------------------------------- as an officer types it


AS = ("--as", "a.officer", "--role", "team leader")


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    return asked_on_disk(tmp_path_factory.mktemp("typed"))


@pytest.fixture
def folder(worked, tmp_path):
    shutil.copytree(worked, tmp_path / "b")
    return tmp_path / "b"


def test_an_officer_records_what_happened_and_what_ended_and_sees_it(folder):
    (case,) = [each["case"] for each in json.loads(mash(folder, "hub", "board").stdout)["cases"]]
    at = utc_now() - timedelta(minutes=30)
    typed = ("hub", "record", case, "police_protection", "--happened-at", at.isoformat(), *AS)
    done = json.loads(mash(folder, *typed).stdout)
    assert (done["recorded"], done["due"]) == (True, {"national.police_protection": (at + 72 * HOUR).isoformat()})
    twice = mash(folder, *typed, json_too=False)
    assert twice.exit_code == 0
    assert "recorded already" in twice.stdout
    shown = mash(folder, "case", "show", case, "--as", "a.officer", json_too=False)
    assert "police protection at" in shown.stdout
    ended = mash(folder, "hub", "record", case, "police_protection_ended", "--happened-at", utc_now().isoformat(), *AS)
    assert json.loads(ended.stdout)["ended"] == ["national.police_protection"]
    back = mash(folder, *typed, "--in-error", MISTYPED, json_too=False)
    assert back.exit_code == 0
    assert "taken back as recorded in error, police protection at" in back.stdout
    again = json.loads(mash(folder, *typed, "--in-error", MISTYPED).stdout)
    assert (again["taken_back"], again["due"]) == (False, {})


@pytest.mark.parametrize(
    ("what", "at", "field"),
    [
        ("police_protection", "2026-11-24T12:00", "--happened-at"),  # without its zone
        ("police_protection", "yesterday", "--happened-at"),
        ("police_protection", "2099-01-01T12:00+00:00", "happened_at"),
    ],
)
def test_what_cannot_be_recorded_is_refused_by_its_field(folder, what, at, field):
    (case,) = [each["case"] for each in json.loads(mash(folder, "hub", "board").stdout)["cases"]]
    refused = mash(folder, "hub", "record", case, what, "--happened-at", at, *AS)
    assert refused.exit_code == 3
    assert [each["field"] or each["file"] for each in json.loads(refused.stderr)["error"]["faults"]] == [field]
    assert "yesterday" not in refused.stderr
