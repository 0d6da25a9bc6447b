"""Timescales: what the presets say, how working hours run across nights, weekends, bank holidays and changes of the clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from agents.calendars import LONDON, OFFICE_HOURS, ROUND_THE_CLOCK, WEEK, Calendar, Hours, bank_holidays
from agents.hub.settings import HubSettings, preset, preset_text, presets, read_settings
from agents.hub.timescales import Deadline, Duration, Notice, RunsBy, StartsOn, Timescales, Told, due
from policies.vocabulary import LegalReview
from schemas.enums import Rag
from schemas.errors import ConfigurationError, MalformedRecordError
from schemas.identifiers import PartyId, Slug

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STAGE = '[stages.s47]\ntask = "Enquiries"\ncitation = "Children Act 1989 s.47(1)"\nconcern = "Enquiries are being made."\n'
NIGHTS = Calendar(week=dict.fromkeys(WEEK, Hours("00:00-08:00")), bank_holidays=False)


def local(text: str) -> datetime:
    """A time as clocks in London show it, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=LONDON).astimezone(UTC)


def clocks(name: str, **changes):
    return HubSettings(stages={}, timescales=name, **changes).clocks


def timescale(duration: Duration, runs_by: RunsBy = RunsBy.hub_hours):
    first = preset("timescales", "southwark-2014", Timescales).timescales[0]
    return first.model_copy(update={"duration": duration, "runs_by": runs_by, "escalation": ()})


def faults_of(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(text, "hub.toml")
    return [str(fault) for fault in caught.value.faults]


# ------------------------------------------------------------------------------------------------ what the presets say


@pytest.mark.parametrize(
    ("name", "red", "amber", "green", "runs_by"),
    [
        ("southwark-2014", 4, 24, 48, {"24x7"}),
        ("surrey-police", 4, 24, 72, {"24x7", "hub_hours"}),
        ("merton", 2, 6, 24, {"24x7"}),
    ],
)
def test_each_local_preset_gives_the_hours_its_area_published(name, red, amber, green, runs_by):
    own = preset("timescales", name, Timescales).timescales
    hours = {rag: each.duration.hours for each in own for rag in each.rags}
    assert hours == {Rag.red: red, Rag.amber: amber, Rag.green: green}
    assert {each.runs_by.value for each in own} == runs_by
    assert all(each.starts_on is StartsOn.request and each.escalation for each in own)


def test_surreys_red_and_amber_are_working_hours_and_its_green_is_not():
    by = {rag: each.runs_by for each in preset("timescales", "surrey-police", Timescales).timescales for rag in each.rags}
    assert by == {Rag.red: RunsBy.hub_hours, Rag.amber: RunsBy.hub_hours, Rag.green: RunsBy.round_the_clock}


def test_the_national_timescales_say_which_of_them_a_lawyer_has_still_to_read():
    national = preset("timescales", "national", Timescales).timescales
    said = {str(each.id): (each.duration.hours, each.duration.days, each.runs_by.value, each.legal_review) for each in national}
    needed = LegalReview.needed
    assert said == {
        "national.decision": (None, 1, "hub_hours", needed),
        "national.acknowledgement": (None, 1, "hub_hours", needed),
        "national.assessment": (None, 45, "hub_hours", needed),
        "national.conference": (None, 15, "hub_hours", needed),
        "national.police_protection": (72, None, "24x7", needed),
        "national.protection_order": (None, 8, "24x7", needed),
        "national.protection_order_extended": (None, 7, "24x7", needed),
    }
    assert all("not read" in each.citation for each in national if each.legal_review is needed)


@pytest.mark.parametrize("name", presets("timescales"))
def test_a_preset_can_be_copied_into_hub_toml_as_a_hubs_own(name):
    own = preset_text("timescales", name).replace("[[timescale]]", "[[timescales.timescale]]").replace("version =", "timescales.version =")
    if name == "national":
        assert faults_of(own + STAGE) == [
            'hub.toml:6 [timescales.timescale]: gives agencies no time to answer (add one with starts_on = "request")'
        ]
    else:
        read_own = read_settings(own + STAGE, "hub.toml").clocks
        assert read_own == clocks(name)


def test_the_national_timescales_hold_beside_a_hubs_own_and_one_of_the_same_id_takes_their_place():
    assert len(clocks("merton").timescales) == 3 + 7
    stricter = preset("timescales", "national", Timescales).timescales[0].model_copy(update={"duration": Duration(hours=4)})
    own = Timescales(version="x", timescale=(*preset("timescales", "merton", Timescales).timescales, stricter))
    made = HubSettings(stages={}, timescales=own).clocks
    assert len(made.timescales) == 3 + 7
    assert made.named(Slug("national.decision")).duration.hours == 4


def test_plain_hours_run_round_the_clock_and_an_unlisted_rag_has_the_shortest():
    made = HubSettings(stages={}, hours={Rag.red: 4, Rag.amber: 24}).clocks
    at = local("2026-11-27T16:30")
    assert made.answer_by(Rag.red, at).due_at == at + 4 * HOUR
    assert made.answer_by(Rag.amber, at).due_at == at + 24 * HOUR
    assert made.answer_by(Rag.blue, at).due_at == at + 4 * HOUR


def test_a_named_timescale_comes_before_the_rags_and_the_soonest_of_several_counts():
    made, at = clocks("southwark-2014"), local("2026-11-27T16:30")
    assert made.answer_by(Rag.red, at, named=[Slug("southwark.green")]).due_at == at + 48 * HOUR
    assert made.answer_by(Rag.red, at, named=[Slug("southwark.green"), Slug("southwark.amber")]).due_at == at + 24 * HOUR
    assert made.answer_by(Rag.red, at, named=[Slug("gone")]).due_at == at + 4 * HOUR


# ------------------------------------------------------------------------------------------------ nights, weekends, bank holidays


@pytest.mark.parametrize(
    ("name", "rag", "due_at"),
    [
        ("southwark-2014", Rag.red, "2026-11-27T20:30"),  # round the clock: the same evening
        ("merton", Rag.red, "2026-11-27T18:30"),
        ("surrey-police", Rag.red, "2026-11-30T12:30"),  # half an hour on Friday, three and a half on Monday
        ("surrey-police", Rag.amber, "2026-12-02T16:30"),
        ("surrey-police", Rag.green, "2026-11-30T16:30"),
    ],
)
def test_a_case_of_friday_half_past_four(name, rag, due_at):
    assert clocks(name).answer_by(rag, local("2026-11-27T16:30")).due_at == local(due_at)


def test_the_hubs_own_hours_move_a_working_hours_deadline():
    week = dict.fromkeys(("friday", "saturday"), "08:00-20:00")
    assert clocks("surrey-police", calendar={"week": week}).answer_by(Rag.red, local("2026-11-27T16:30")).due_at == local(
        "2026-11-28T08:30"
    )


@pytest.mark.parametrize(
    ("started_at", "duration", "due_at"),
    [
        ("2026-04-02T16:00", Duration(hours=2), "2026-04-07T10:00"),  # Maundy Thursday over Good Friday and Easter Monday
        ("2026-04-02T16:00", Duration(days=1), "2026-04-07T16:00"),
        ("2026-12-24T16:00", Duration(hours=2), "2026-12-29T10:00"),  # Boxing Day 2026 is a Saturday: Monday 28 stands for it
        ("2027-12-24T16:00", Duration(hours=2), "2027-12-29T10:00"),  # both days on a weekend: Monday 27 and Tuesday 28
        ("2022-12-23T16:00", Duration(hours=2), "2022-12-28T10:00"),  # Christmas Day on a Sunday: Tuesday 27 stands for it
        ("2021-12-31T16:00", Duration(hours=2), "2022-01-04T10:00"),  # New Year's Day on a Saturday
        ("2022-09-16T16:00", Duration(hours=2), "2022-09-20T10:00"),  # proclaimed: the State Funeral
        ("2020-05-07T16:00", Duration(hours=2), "2020-05-11T10:00"),  # moved: VE Day
        ("2020-05-01T16:00", Duration(hours=2), "2020-05-04T10:00"),  # whence it was moved
        ("2026-08-28T16:00", Duration(hours=2), "2026-09-01T10:00"),
        ("2026-08-01T16:00", Duration(hours=2), "2026-08-03T11:00"),  # Scotland's August holiday is not England's
        ("2026-03-17T09:00", Duration(hours=2), "2026-03-17T11:00"),  # nor is St Patrick's Day
        ("2026-11-27T05:00", Duration(hours=1), "2026-11-27T10:00"),  # before opening
        ("2026-11-27T16:00", Duration(hours=1), "2026-11-27T17:00"),  # to the minute of closing, not the next opening
        ("2026-11-27T17:00", Duration(minutes=1), "2026-11-30T09:01"),
        ("2026-11-28T12:00", Duration(days=1), "2026-11-30T17:00"),  # a Saturday's referral has Monday
        ("2026-11-30T09:00", Duration(days=1), "2026-11-30T17:00"),
        ("2026-11-30T09:01", Duration(days=1), "2026-12-01T09:01"),
        ("2026-11-27T18:00", Duration(days=2), "2026-12-01T17:00"),
        ("2026-11-27T10:15", Duration(days=15), "2026-12-18T10:15"),
        ("2026-11-27T10:15", Duration(days=45), "2027-02-03T10:15"),  # past Christmas, its substitute and New Year
    ],
)
def test_working_time_runs_only_while_the_hub_is_open(started_at, duration, due_at):
    assert due(timescale(duration), local(started_at), OFFICE_HOURS) == local(due_at)


def test_englands_bank_holidays_are_known_until_the_end_of_the_century():
    assert sorted(bank_holidays(2027)) == [
        date(2027, 1, 1),
        date(2027, 3, 26),
        date(2027, 3, 29),
        date(2027, 5, 3),
        date(2027, 5, 31),
        date(2027, 8, 30),
        date(2027, 12, 25),
        date(2027, 12, 26),
        date(2027, 12, 27),
        date(2027, 12, 28),
    ]
    assert all(len(bank_holidays(year)) >= 8 for year in range(2000, 2101))


def test_a_hub_closes_and_opens_on_days_of_its_own():
    closed = OFFICE_HOURS.model_copy(update={"closed": frozenset({date(2026, 11, 30)})})
    opened = OFFICE_HOURS.model_copy(update={"open": frozenset({date(2026, 12, 28)})})
    two = timescale(Duration(hours=2))
    assert due(two, local("2026-11-27T16:00"), closed) == local("2026-12-01T10:00")
    assert due(two, local("2026-12-24T16:00"), opened) == local("2026-12-28T10:00")


def test_a_day_of_hours_cut_short_ends_a_working_day_at_its_close():
    short_friday = Calendar(week=dict.fromkeys(WEEK[:4], Hours("09:00-17:00")) | {"friday": Hours("09:00-13:00")})
    assert due(timescale(Duration(days=1)), local("2026-11-26T16:00"), short_friday) == local("2026-11-27T13:00")


# ------------------------------------------------------------------------------------------------ when the clocks change


@pytest.mark.parametrize(
    ("started_at", "duration", "calendar", "due_at"),
    [
        # 28 March 2027 has 23 hours, 31 October 2027 has 25
        (
            "2027-03-27T20:00+00:00",
            Duration(hours=24),
            ROUND_THE_CLOCK,
            "2027-03-28T20:00+00:00",
        ),  # 24 hours are 24 hours: 21:00 by the clock
        ("2027-10-30T19:00+00:00", Duration(hours=24), ROUND_THE_CLOCK, "2027-10-31T19:00+00:00"),
        ("2027-03-27T20:00+00:00", Duration(days=1), ROUND_THE_CLOCK, "2027-03-28T19:00+00:00"),  # a day later by the clock: 20:00 in BST
        ("2027-10-30T19:00+00:00", Duration(days=1), ROUND_THE_CLOCK, "2027-10-31T20:00+00:00"),
        ("2027-03-28T00:00+00:00", Duration(hours=7), NIGHTS, "2027-03-28T07:00+00:00"),  # midnight to 8:00 BST is seven hours
        ("2027-03-28T00:00+00:00", Duration(minutes=421), NIGHTS, "2027-03-28T23:01+00:00"),  # the next begins at midnight BST
        ("2027-10-30T23:00+00:00", Duration(hours=9), NIGHTS, "2027-10-31T08:00+00:00"),  # midnight BST to 8:00 GMT is nine
        ("2027-10-30T23:00+00:00", Duration(minutes=541), NIGHTS, "2027-11-01T00:01+00:00"),
        ("2027-03-25T16:00+00:00", Duration(hours=2), OFFICE_HOURS, "2027-03-30T09:00+00:00"),  # Easter between: Tuesday is in BST
        ("2027-10-29T15:00+00:00", Duration(hours=2), OFFICE_HOURS, "2027-11-01T10:00+00:00"),  # Friday in BST, Monday in GMT
    ],
)
def test_hours_pass_as_they_pass_and_openings_follow_the_clocks(started_at, duration, calendar, due_at):
    assert due(timescale(duration), datetime.fromisoformat(started_at), calendar) == datetime.fromisoformat(due_at)


def test_a_time_the_clocks_skip_or_show_twice_is_read_as_before_they_change():
    odd = Calendar(week={"sunday": Hours("01:15-02:30")}, bank_holidays=False)
    assert odd.week["sunday"].on(date(2027, 3, 28)) == (datetime(2027, 3, 28, 1, 15, tzinfo=UTC), datetime(2027, 3, 28, 1, 30, tzinfo=UTC))
    assert odd.week["sunday"].on(date(2027, 10, 31)) == (
        datetime(2027, 10, 31, 0, 15, tzinfo=UTC),
        datetime(2027, 10, 31, 2, 30, tzinfo=UTC),
    )


def test_time_left_is_told_by_the_deadlines_own_calendar_and_is_negative_once_overdue():
    made = clocks("surrey-police")
    red = made.answer_by(Rag.red, local("2026-11-27T16:30"))
    assert made.time_left(red, local("2026-11-27T16:30")) == 4 * HOUR
    assert made.time_left(red, local("2026-11-28T12:00")) == 3.5 * HOUR  # a weekend takes none of it
    assert made.time_left(red, red.due_at) == timedelta()
    assert made.time_left(red, local("2026-11-30T13:00")) == -0.5 * HOUR
    assert made.time_left(replace(red, timescale=Slug("gone")), red.due_at - 2 * HOUR) == 2 * HOUR


# ------------------------------------------------------------------------------------------------ escalation, re-rating


def test_escalations_are_told_in_order_by_the_same_calendar():
    made = clocks("surrey-police")
    red = made.answer_by(Rag.red, local("2026-11-27T16:30"))
    assert made.notices(red) == (
        Notice(at=local("2026-11-30T11:30"), tell=Told.agency),
        Notice(at=local("2026-11-30T12:31"), tell=Told.officer),
        Notice(at=local("2026-11-30T12:31"), tell=Told.agency_lead),
        Notice(at=local("2026-11-30T13:30"), tell=Told.hub_lead),
    )
    late = replace(red, due_at=local("2026-11-30T17:00"))
    assert made.notices(late)[1].at == local("2026-12-01T09:01")  # a minute of working time after closing
    assert made.notices(replace(red, due_at=red.started_at))[0].at == red.started_at  # never before the start
    assert made.notices(replace(red, timescale=Slug("gone"))) == ()


def test_an_upgrade_shortens_to_now_plus_the_new_duration_and_never_lengthens():
    made, at = clocks("southwark-2014"), local("2026-11-24T09:00")
    green = made.answer_by(Rag.green, at, PartyId("agency.police"))
    (red,) = made.rebase([green], Rag.green, Rag.red, at + HOUR)
    assert red == Deadline(
        timescale=Slug("southwark.red"),
        calendar=ROUND_THE_CLOCK.version,
        started_at=at,
        due_at=at + 5 * HOUR,
        agency=PartyId("agency.police"),
    )
    assert made.rebase([green], Rag.green, Rag.red, green.due_at - HOUR) == (green,)  # it has less left than red would give


def test_a_downgrade_gives_the_longer_time_from_the_start_but_nothing_to_who_is_late():
    made, at = clocks("southwark-2014"), local("2026-11-24T09:00")
    red = made.answer_by(Rag.red, at)
    assert made.rebase([red], Rag.red, Rag.amber, at + HOUR)[0].due_at == at + 24 * HOUR
    assert made.rebase([red], Rag.red, Rag.amber, red.due_at) == (red,)
    assert made.rebase([red], Rag.red, Rag.amber, red.due_at + HOUR) == (red,)


def test_what_does_not_turn_on_the_rag_stays():
    made, at = clocks("southwark-2014"), local("2026-11-24T09:00")
    national = made.starting_with(StartsOn.contact, None, at)
    assert {each.timescale for each in national} == {"national.decision", "national.acknowledgement", "national.assessment"}
    assert made.rebase(national, Rag.green, Rag.red, at) == national
    red = made.answer_by(Rag.red, at)
    assert made.rebase([red], Rag.red, Rag.red, at) == (red,)
    assert made.rebase([red], Rag.red, Rag.blue, at) == (red,)  # of blue nothing is said
    unknown = replace(red, timescale=Slug("gone"))
    assert made.rebase([unknown], Rag.amber, Rag.red, at) == (unknown,)


# ------------------------------------------------------------------------------------------------ the version, and what is refused


def test_a_calendar_of_other_hours_days_or_holidays_has_another_version():
    others = [
        OFFICE_HOURS,
        ROUND_THE_CLOCK,
        OFFICE_HOURS.model_copy(update={"bank_holidays": False}),
        OFFICE_HOURS.model_copy(update={"closed": frozenset({date(2026, 12, 29)})}),
        OFFICE_HOURS.model_copy(update={"open": frozenset({date(2026, 12, 28)})}),
        OFFICE_HOURS.model_copy(update={"week": dict.fromkeys(WEEK[:5], Hours("09:00-17:30"))}),
    ]
    fresh = [Calendar.model_validate(each.model_dump()) for each in others]
    assert len({each.version for each in fresh}) == len(others)
    turned = Calendar(week=dict.fromkeys(reversed(WEEK[:5]), Hours("09:00-17:00")))
    assert turned.version == OFFICE_HOURS.version  # the order of the days tells nothing


def test_another_edition_of_the_bank_holidays_has_another_version(monkeypatch):
    before = Calendar(week={"monday": Hours("09:00-17:00")}).version
    monkeypatch.setattr("holidays.version.__version__", "999.0")
    assert Calendar(week={"monday": Hours("09:00-17:00")}).version != before


@pytest.mark.parametrize("started_at", [datetime(1999, 12, 31, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), datetime(2026, 1, 1)])  # noqa: DTZ001 - without a zone on purpose
def test_a_start_without_a_zone_or_of_no_sensible_year_is_refused(started_at):
    with pytest.raises(MalformedRecordError):
        due(timescale(Duration(hours=1)), started_at, OFFICE_HOURS)


@pytest.mark.parametrize(
    "text", ["9:00-17:00", "09:00-09:59", "17:00-09:00", "09:00-24:01", "09:00-25:00", "09:00-17:00\n", "٠٩:00-17:00", ""]
)
def test_hours_that_are_none_are_refused(text):
    with pytest.raises(ValueError):
        Hours(text)


def test_every_fault_of_hub_toml_is_told_at_once_with_its_line():
    told = faults_of(
        'timescales = "londinium"\n\n[calendar]\nbank_holidays = "no"\nclosed = ["soon"]\n'
        '[calendar.week]\nmonday = "9-5"\nfunday = "09:00-17:00"\n' + STAGE + "\n[timescale]\n"
    )
    assert told == [
        "hub.toml:1 [timescales]: is no preset; there are merton, national, southwark-2014, surrey-police",
        "hub.toml:7 [calendar.week.monday]: Hours must be HH:MM-HH:MM, an hour at least, 24:00 at the latest",
        f"hub.toml:8 [calendar.week.funday.[key]]: is not one of the allowed values (allowed: {', '.join(WEEK)})",
        "hub.toml:4 [calendar.bank_holidays]: Input should be a valid boolean",
        "hub.toml:5 [calendar.closed.0]: is no day (allowed: a day such as 2026-09-30, in TOML without quotes)",
        "hub.toml:14 [timescale]: is not a known key (allowed: stages, hours, timescales, calendar, referrers, checks)",
    ]


OWN = """
[timescales]
version = "own"
[[timescales.timescale]]
id = "own.red"
says = "Red: an answer within four hours."
starts_on = "request"
rags = ["red"]
duration = { hours = 4 }
runs_by = "24x7"
escalation = [{ after = { hours = 1 }, tell = "officer" }, { before = { hours = 4 }, tell = "agency" }]
citation = "Our own"
legal_review = "confirmed"
[[timescales.timescale]]
id = "own.red"
says = "Red again: an answer within two hours."
starts_on = "request"
rags = ["red", "amber"]
duration = { hours = 2 }
runs_by = "hub_hours"
citation = "Our own"
legal_review = "confirmed"
"""


def test_what_no_table_shows_alone_is_found_too():
    assert faults_of(STAGE + OWN) == [
        "hub.toml:15 [timescales.timescale.0.escalation]: is not in order of time (earliest first)",
        "hub.toml:15 [timescales.timescale.0.escalation]: tells somebody before the timescale starts (shorten before)",
        "hub.toml:19 [timescales.timescale.1.id]: is the id of an earlier timescale (give each its own id)",
        "hub.toml:22 [timescales.timescale.1.rags]: has a timescale for answers already: red (one for each RAG)",
    ]


@pytest.mark.parametrize(
    ("was", "now", "line", "field", "said"),
    [
        ("{ hours = 2 }", "{ hours = 2, days = 1 }", 23, "duration", "give exactly one of minutes, hours, days"),
        ("{ hours = 2 }", "{}", 23, "duration", "give exactly one of minutes, hours, days"),
        ("{ hours = 2 }", "{ hours = 0 }", 23, "duration.hours", "greater than or equal to 1"),
        ("{ hours = 2 }", "{ hours = 1e99 }", 23, "duration.hours", "exceeded maximum size"),
        ("{ hours = 2 }", "{ weeks = 1 }", 23, "duration.weeks", "is not a known key (allowed: minutes, hours, days)"),
        (
            'tell = "agency" }',
            'tell = "somebody" }',
            15,
            "escalation.1.tell",
            "allowed: agency, agency_lead, officer, hub_lead, head_of_service",
        ),
        ("before = { hours = 4 }, ", "", 15, "escalation.1", "give exactly one of before, after"),
        ('"hub_hours"', '"office"', 24, "runs_by", "allowed: 24x7, hub_hours"),
        ('["red", "amber"]', '["puce"]', 22, "rags.0", "allowed: red, amber, green, blue"),
    ],
)
def test_a_bad_timescale_names_its_line_and_what_is_allowed(was, now, line, field, said):
    text = STAGE + OWN
    assert text.count(was) == 1
    (told,) = [each for each in faults_of(text.replace(was, now)) if f".{field}]" in each]
    assert told.startswith(f"hub.toml:{line} [timescales.timescale.")
    assert said in told


@pytest.mark.parametrize(
    ("starts_on", "ends_on"),
    [("strategy_discussion", ""), ("contact", ""), ("decided", ""), ("request", 'ends_on = ["conference"]\n')],
)
def test_every_deadline_of_a_case_needs_an_end_and_one_for_an_answer_has_none(starts_on, ends_on):
    was, now = 'starts_on = "request"\nrags = ["red", "amber"]\n', f'starts_on = "{starts_on}"\n{ends_on}'
    assert OWN.count(was) == 1
    (told,) = [each for each in faults_of(STAGE + OWN.replace(was, now)) if "ends_on" in each]
    assert told == "hub.toml:18 [timescales.timescale.1]: ends_on is given with every starts_on but request, and not there"


def test_a_contact_that_nobody_has_rated_yet_starts_nothing_by_its_rating():
    was, now = 'starts_on = "request"\nrags = ["red", "amber"]\n', 'starts_on = "contact"\nends_on = ["decided"]\nrags = ["red"]\n'
    (told,) = [each for each in faults_of(STAGE + OWN.replace(was, now)) if "rags" in each]
    assert told == "hub.toml:18 [timescales.timescale.1]: rags are not given with starts_on = contact: nobody has rated it yet"


def test_a_timescale_with_too_long_a_name_for_the_log_is_refused():
    (told,) = [
        each
        for each in faults_of(STAGE + OWN.replace('id = "own.red"\nsays = "Red again', f'id = "{"x" * 41}"\nsays = "Red again'))
        if ".id]" in each
    ]
    assert told.startswith("hub.toml:19 [timescales.timescale.1.id]")
    assert "xxx" not in told


@pytest.mark.parametrize("top", ["", 'timescales = "merton"\nhours = { red = 4 }\n'])
def test_a_hub_gives_either_hours_or_timescales(top):
    (told,) = faults_of(top + STAGE)
    assert told.startswith("hub.toml:1: needs either [hours] or timescales, and not both")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("closed = [2026-12-28]\nopen = [2026-12-28]\n", "a day stands in closed and in open"),
        ("open = [2026-12-26]\n", "open names a day whose weekday has no hours in week"),
    ],
)
def test_a_calendar_that_contradicts_itself_is_refused(lines, said):
    text = f'timescales = "merton"\n[calendar]\nweek = {{ monday = "09:00-17:00" }}\n{lines}{STAGE}'
    assert faults_of(text) == [f"hub.toml:2 [calendar]: {said}"]
