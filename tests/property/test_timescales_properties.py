"""Timescales under any hours, holidays and moments: monotone, exact to the second both ways, and re-rating keeps its two promises."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agents.calendars import OFFICE_HOURS, ROUND_THE_CLOCK, WEEK, Calendar, Hours
from agents.hub.settings import HubSettings, preset
from agents.hub.timescales import URGENCY, Duration, StartsOn, Timescales, due

LOCAL = ("southwark-2014", "surrey-police", "merton")
CLOCKS = {name: HubSettings(stages={}, timescales=name).clocks for name in LOCAL}
FIRST = preset("timescales", "merton", Timescales).timescales[0]
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
SPANS = st.integers(1, 60 * 24 * 10).map(lambda minutes: timedelta(minutes=minutes))
RAGS = st.sampled_from(URGENCY)


@st.composite
def hours(draw):
    opens = draw(st.integers(0, 22 * 60))
    closes = draw(st.integers(opens + 60, 24 * 60))
    return Hours(f"{opens // 60:02}:{opens % 60:02}-{closes // 60:02}:{closes % 60:02}")


CALENDARS = st.one_of(
    st.sampled_from([OFFICE_HOURS, ROUND_THE_CLOCK]),
    st.builds(
        Calendar,
        week=st.dictionaries(st.sampled_from(WEEK), hours(), min_size=1),
        bank_holidays=st.booleans(),
        closed=st.frozensets(st.dates(date(2020, 1, 1), date(2060, 12, 31)), max_size=5),
    ),
)


def of(duration):
    return FIRST.model_copy(update={"duration": duration})


@given(CALENDARS, MOMENTS, SPANS, SPANS)
def test_a_longer_duration_never_ends_sooner(calendar, at, one, other):
    short, long = sorted((one, other))
    assert at < calendar.after(at, short) <= calendar.after(at, long)


@given(CALENDARS, MOMENTS, st.integers(1, 60))
def test_more_days_never_end_sooner_and_no_day_ends_before_it_began(calendar, at, days):
    one, more = (due(of(Duration(days=each)), at, calendar) for each in (days, days + 1))
    assert at < one < more


@given(CALENDARS, MOMENTS, SPANS)
def test_exactly_the_duration_of_opening_time_runs_until_the_deadline(calendar, at, span):
    ends = calendar.after(at, span)
    assert calendar.between(at, ends) == span
    assert calendar.between(at, ends - timedelta(microseconds=1)) < span  # it is the first such instant
    assert calendar.between(ends, at) == -span


@given(CALENDARS, MOMENTS, SPANS)
def test_before_is_the_last_instant_from_which_that_much_time_runs(calendar, at, span):
    began = calendar.before(at, span)
    assert began < at
    assert calendar.between(began, at) == span
    assert calendar.between(began + timedelta(microseconds=1), at) < span


@given(CALENDARS, MOMENTS, SPANS)
def test_a_deadline_falls_while_the_hub_is_open(calendar, at, span):
    ends = calendar.after(at, span)
    assert calendar.between(ends - timedelta(microseconds=1), ends) == timedelta(microseconds=1)


@given(MOMENTS, SPANS)
def test_round_the_clock_hours_are_elapsed_hours(at, span):
    assert ROUND_THE_CLOCK.after(at, span) == at + span
    assert ROUND_THE_CLOCK.before(at, span) == at - span


def rated(clocks, rag, at):
    """An open deadline of a RAG that has hours; blue has none."""
    return clocks.answer_by(rag, at)


@given(st.sampled_from(LOCAL), MOMENTS, RAGS, RAGS, SPANS)
def test_an_upgrade_is_never_later_and_never_later_than_now_plus_the_new_duration(name, at, one, other, passed):
    clocks, now = CLOCKS[name], at + passed
    new, old = sorted((one, other), key=URGENCY.index)
    held = rated(clocks, old, at)
    (after,) = clocks.rebase([held], old, new, now)
    assert after.due_at <= held.due_at
    if new is not old:
        assert after.due_at == min(held.due_at, clocks.answer_by(new, now).due_at)


@given(st.sampled_from(LOCAL), MOMENTS, RAGS, RAGS, SPANS)
def test_a_downgrade_is_never_sooner_and_never_longer_once_overdue(name, at, one, other, passed):
    clocks, now = CLOCKS[name], at + passed
    old, new = sorted((one, other), key=URGENCY.index)
    held = rated(clocks, old, at)
    (after,) = clocks.rebase([held], old, new, now)
    assert after.due_at >= held.due_at
    if held.due_at <= now:
        assert after == held


@given(st.sampled_from(LOCAL), MOMENTS, st.lists(st.tuples(RAGS, SPANS), max_size=8))
def test_however_often_the_rag_changes_an_overdue_deadline_never_comes_back(name, at, changes):
    clocks, old, now = CLOCKS[name], URGENCY[1], at
    held = rated(clocks, old, at)
    longest = max(rated(clocks, rag, at).due_at for rag in URGENCY)
    for new, passed in changes:
        now += passed
        overdue = held.due_at <= now
        (after,) = clocks.rebase([held], old, new, now)
        assert after.due_at <= held.due_at if overdue else after.due_at <= max(longest, held.due_at)
        assert (after.started_at, after.agency) == (at, held.agency)
        old, held = new, after


@given(st.sampled_from(LOCAL), MOMENTS, RAGS)
def test_notices_are_in_order_and_none_comes_before_the_start(name, at, rag):
    clocks = CLOCKS[name]
    deadlines = [
        rated(clocks, rag, at),
        *(each for event in StartsOn if event is not StartsOn.request for each in clocks.starting_with(event, rag, at)),
    ]
    for held in deadlines:
        told = [each.at for each in clocks.notices(held)]
        assert told == sorted(told)
        assert told[0] >= at
        assert told[-1] > at
