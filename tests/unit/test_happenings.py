"""What an officer records of a case: timescales run from it, show, escalate, pass in silence, and end with what ends them."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import pytest
from hub_cli import asked_on_disk, mash
from rich.console import Console
from small_borough import NOW, SmallBorough, alarms, entries_of, outcomes, rows, write_files

from agents.calendars import OFFICE_HOURS
from agents.cli.board import board_json, picture
from agents.cli.casetext import missing
from agents.cli.page import case_page
from agents.cli.show import record_lines
from agents.hub import board, desk
from agents.hub.settings import HubSettings, preset
from agents.hub.timescales import RECORDED, Duration, Timescales
from broker.party import utc_now
from broker.store import tables
from schemas.enums import Happening, Operation, Rag
from schemas.errors import ConfigurationError
from schemas.events import Happened, Overdue
from schemas.identifiers import Slug
from schemas.records import Officer

OFFICER = Officer(id="hub-0142", role="team leader", organisation="Borough children's services (SYNTHETIC)")
WHY = "The ward reports a second injury since Monday."
HOUR = timedelta(hours=1)
PROTECTED, DISCUSSED = Happening.police_protection, Happening.strategy_discussion


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("happenings")
    write_files(folder, contacts=1)
    return folder


@pytest.fixture
def borough(template, tmp_path):
    made = SmallBorough(tmp_path, like=template)
    made.take_in()
    made.work()
    yield made
    made.close()


@pytest.fixture
def case_id(borough):
    (found,) = borough.hub.party.store.cases()
    return found


def timescales(borough, case_id):
    return {str(each.timescale): each for each in borough.hub.record(case_id).timescales}


def drawn(borough):
    console = Console(width=200, record=True, force_terminal=False)
    with console.capture() as said:
        console.print(picture(board.rows([borough.hub.record(each) for each in borough.hub.party.store.cases()]), borough.clock.at))
    return said.get()


def test_a_timescale_runs_from_when_it_happened_and_not_from_when_it_was_recorded(borough, case_id):
    assert desk.record(borough.hub, case_id, OFFICER, PROTECTED, NOW - 2 * HOUR)
    assert timescales(borough, case_id)["national.police_protection"].due_at == NOW + 70 * HOUR
    (body,) = [each.body for each in borough.hub.party.store.events(case_id) if isinstance(each.body, Happened)]
    assert (body.happened_at, body.recorded_at, body.officer) == (NOW - 2 * HOUR, NOW, OFFICER)
    (told,) = [each for each in entries_of(borough.hub.party) if each.outcome == "recorded.police_protection"]
    assert (told.operation, told.actor, told.case_id) == (Operation.collection, OFFICER, case_id)


def test_a_conference_is_due_in_working_days_by_the_hubs_calendar(borough, case_id):
    desk.record(borough.hub, case_id, OFFICER, DISCUSSED, NOW)
    assert timescales(borough, case_id)["national.conference"].due_at == OFFICE_HOURS.days_after(NOW, 15)


def test_what_is_recorded_twice_changes_nothing(borough, case_id):
    assert desk.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    before = (borough.hub.record(case_id), len(entries_of(borough.hub.party)), len(rows(borough.hub.party, tables.work)))
    borough.clock.move(minutes=5)
    assert not desk.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    assert (borough.hub.record(case_id), len(entries_of(borough.hub.party)), len(rows(borough.hub.party, tables.work))) == before


def test_what_has_not_happened_yet_or_is_nothing_or_of_no_case_is_refused_with_every_fault(borough, case_id, monkeypatch):
    monkeypatch.setattr(desk, "MAX_HAPPENED", 0)
    with pytest.raises(ConfigurationError) as refused:
        desk.record(borough.hub, case_id, OFFICER, Happening.unknown, NOW + timedelta(microseconds=1))
    assert [each.field for each in refused.value.faults] == ["happening", "happened_at", ""]
    with pytest.raises(ConfigurationError, match="no such case"):
        desk.record(borough.hub, type(case_id)(int=0), OFFICER, PROTECTED, NOW)
    assert borough.hub.record(case_id).happened == ()


def test_it_escalates_and_silence_at_the_deadline_is_an_event_an_entry_and_an_alarm_once(borough, case_id):
    desk.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    for hours, told in ((48, "told.hub_lead"), (68, "told.head_of_service"), (72, "overdue")):
        said = f"{told}.case.national.police_protection"
        borough.clock.at = NOW + timedelta(hours=hours) - timedelta(microseconds=1)
        borough.work(borough.hub)
        assert said not in outcomes(borough.hub.party)
        borough.clock.at = NOW + timedelta(hours=hours)
        for _ in range(2):
            borough.work(borough.hub)
        assert outcomes(borough.hub.party).count(said) == 1
    (silence,) = [each.body for each in borough.hub.party.store.events(case_id) if isinstance(each.body, Overdue)]
    assert (silence.agency, silence.timescale) == (None, "national.police_protection")
    assert timescales(borough, case_id)["national.police_protection"].overdue
    assert alarms(borough.hub.party)["overdue"] == 1
    record = borough.hub.record(case_id)
    assert record.version == len(borough.hub.party.store.events(case_id))


def test_what_ends_it_stops_escalation_and_silence(borough, case_id):
    desk.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    borough.clock.at = NOW + 20 * HOUR
    assert desk.record(borough.hub, case_id, OFFICER, Happening.police_protection_ended, NOW + 20 * HOUR)
    borough.clock.at = NOW + 80 * HOUR
    borough.work(borough.hub)
    state = timescales(borough, case_id)["national.police_protection"]
    assert (state.ended_at, state.overdue) == (NOW + 20 * HOUR, False)
    assert not [each for each in outcomes(borough.hub.party) if "case.national" in each]


def test_an_end_of_an_earlier_one_does_not_end_a_later_one(borough, case_id):
    borough.clock.at = NOW + 9 * HOUR
    for happening, hours in ((PROTECTED, 0), (Happening.police_protection_ended, 3), (PROTECTED, 5)):
        desk.record(borough.hub, case_id, OFFICER, happening, NOW + hours * HOUR)
    found = sorted((each.started_at, each.ended_at) for each in borough.hub.record(case_id).timescales)
    assert found == [(NOW, NOW + 3 * HOUR), (NOW + 5 * HOUR, None)]


def test_an_extension_ends_the_first_orders_time_and_begins_its_own(borough, case_id):
    desk.record(borough.hub, case_id, OFFICER, Happening.protection_order, NOW)
    borough.clock.at = NOW + timedelta(days=7)
    desk.record(borough.hub, case_id, OFFICER, Happening.protection_order_extended, borough.clock.at)
    found = timescales(borough, case_id)
    assert found["national.protection_order"].ended_at == borough.clock.at
    assert found["national.protection_order_extended"].due_at == borough.clock.at + timedelta(days=7)
    assert found["national.protection_order_extended"].ended_at is None


def test_it_stands_on_the_board_in_the_case_and_on_its_page_and_silence_is_said_plainly(borough, case_id):
    assert "timescale" not in drawn(borough)
    assert "settled" in drawn(borough)
    desk.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
    desk.record(borough.hub, case_id, OFFICER, DISCUSSED, NOW)
    assert "police protection 3 d 0 h, 1 more" in drawn(borough)
    (told,) = board_json(board.rows([borough.hub.record(case_id)]))["cases"]
    assert [each["timescale"] for each in told["timescales"]] == ["national.police_protection", "national.conference"]
    assert told["due_at"] == (NOW + 72 * HOUR).isoformat()
    lines = "\n".join(record_lines(borough.hub.record(case_id)))
    assert "police protection at 12:00 on Tue 24 Nov 2026, recorded at 12:00 on Tue 24 Nov 2026 by hub-0142 (team leader)" in lines
    assert "national.police_protection is to end by 12:00 on Fri 27 Nov 2026" in " ".join(lines.split())
    borough.clock.at = NOW + 72 * HOUR
    borough.work(borough.hub)
    assert "police protection OVERDUE, 1 more" in drawn(borough)
    gap = "national.police_protection: nothing recorded by 12:00 on Fri 27 Nov 2026"
    record = borough.hub.record(case_id)
    assert gap in missing(record)
    page = case_page(record, {}, OFFICER, borough.clock.at)
    assert gap in page
    assert "strategy discussion at 12:00" in page
    borough.clock.move(hours=1)
    desk.record(borough.hub, case_id, OFFICER, Happening.police_protection_ended, borough.clock.at)
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
    desk.record(borough.hub, case_id, OFFICER, PROTECTED, NOW)
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
    assert {each.starts_on for each in held if each.ends_on} == set(RECORDED.values())
    assert len(RECORDED) == 4


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
    assert "stands already" in twice.stdout
    shown = mash(folder, "case", "show", case, "--as", "a.officer", json_too=False)
    assert "police protection at" in shown.stdout
    ended = mash(folder, "hub", "record", case, "police_protection_ended", "--happened-at", utc_now().isoformat(), *AS)
    assert json.loads(ended.stdout)["ended"] == ["national.police_protection"]


@pytest.mark.parametrize(
    ("what", "at", "field"),
    [
        ("police_protection", "2026-11-24T12:00", "--happened-at"),  # without its zone
        ("police_protection", "yesterday", "--happened-at"),
        ("police_protection", "2099-01-01T12:00+00:00", "happened_at"),
        ("unknown", "2026-11-24T12:00+00:00", "happening"),
    ],
)
def test_what_cannot_be_recorded_is_refused_by_its_field(folder, what, at, field):
    (case,) = [each["case"] for each in json.loads(mash(folder, "hub", "board").stdout)["cases"]]
    refused = mash(folder, "hub", "record", case, what, "--happened-at", at, *AS)
    assert refused.exit_code == 3
    assert [each["field"] or each["file"] for each in json.loads(refused.stderr)["error"]["faults"]] == [field]
    assert "yesterday" not in refused.stderr
