"""Broken glass always raises a review for the next working day: queued, seen until it is closed, and closed by a named person's words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from desks import CONTACT, SHAH, about, again, asked, desk_of, request_for, take_back
from hypothesis import given
from hypothesis import strategies as st
from small_borough import NOW, SmallBorough
from typer.testing import CliRunner

from agents.adapter.glass import glass_reviews
from agents.adapter.settings import AdapterSettings
from agents.calendars import LONDON, OFFICE_HOURS
from agents.cli.app import app
from agents.cli.glass import glass_line
from agents.demo.ceremony import renew
from broker.party import utc_now
from policies.located import parse
from schemas.enums import CorrectionReason, NecessityReason, Operation, Stage
from schemas.errors import ConfigurationError
from schemas.records import Necessity
from schemas.reviews import GlassReviewed

RUN = CliRunner()
DANGER = Necessity(reason=NecessityReason.immediate_danger, text="She is alone with him tonight and he has threatened to kill her.")
BROKEN = {"stage": Stage.emergency, "break_glass": True, "necessity": DANGER}
WORDS = "Rightly broken: she was alone with him, and only the last attendance was told."


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    made = SmallBorough(tmp_path_factory.mktemp("glass"))
    made.close()
    return made.folder


@pytest.fixture
def broken(borough):
    return asked(borough, borough.trust, "s47", **BROKEN)


def logged(borough, dossier, outcome):
    return [each for each in about(borough.trust.party, dossier) if each.outcome == outcome]


def test_broken_glass_always_raises_a_review_due_at_the_end_of_the_next_working_day(borough, broken):
    (review,) = desk_of(borough.trust).glass()
    assert review.dossier.kept.digest == broken.kept.digest
    assert review.due_at == datetime(2026, 11, 25, 17, 0, tzinfo=UTC)  # asked on Tuesday the 24th at noon
    assert len(logged(borough, broken, "glass_review.queued")) == 1


def test_what_was_asked_without_breaking_glass_raises_none(borough):
    asked(borough, borough.trust, "s47")
    assert desk_of(borough.trust).glass() == []


def test_nothing_is_queued_before_anything_is_answered(borough):
    request = request_for(borough, borough.trust, "s47", **BROKEN)
    assert glass_reviews([replace(asked(borough, borough.trust, "s47"), request=request, revision=0)], OFFICE_HOURS) == []


def test_taking_back_what_was_said_does_not_end_the_review(borough, broken):
    take_back(borough.trust, broken, CorrectionReason.inaccurate, silent=True)
    assert len(desk_of(borough.trust).glass()) == 1


def test_what_is_said_after_somebody_looked_is_looked_at_as_well(borough, broken):
    (review,) = desk_of(borough.trust).glass()
    assert desk_of(borough.trust).look_back(review, SHAH, WORDS)
    assert desk_of(borough.trust).glass() == []
    borough.clock.move(hours=48)  # Thursday the 26th
    borough.tell(*renew(borough.folder, borough.clock.at))
    take_back(borough.trust, again(borough.trust, broken), CorrectionReason.inaccurate)
    borough.work(borough.trust)
    (later,) = desk_of(borough.trust).glass()
    assert later.dossier.revision > review.dossier.revision
    assert later.due_at == datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
    assert not desk_of(borough.trust).look_back(review, SHAH, WORDS)  # that was done, and does not count for this
    assert len(desk_of(borough.trust).glass()) == 1
    assert desk_of(borough.trust).look_back(later, SHAH, WORDS)
    assert desk_of(borough.trust).glass() == []


def test_an_overdue_review_stays_in_the_list_until_somebody_closes_it(borough, broken):
    borough.clock.move(days=40)
    borough.tell(*renew(borough.folder, borough.clock.at))
    (review,) = desk_of(borough.trust).glass()
    assert review.is_overdue(borough.clock.at)
    assert "OVERDUE since 17:00 on 25 Nov" in glass_line(review, borough.clock.at)
    assert desk_of(borough.trust).look_back(review, SHAH, WORDS)
    assert desk_of(borough.trust).glass() == []


def test_a_named_person_closes_it_with_words_and_an_entry_that_the_log_signs(borough, broken):
    desk = desk_of(borough.trust)
    assert desk.look_back(desk.glass()[0], SHAH, f"  {WORDS}  ")
    (entry,) = logged(borough, broken, "glass_review.closed")
    assert (entry.operation, entry.actor, entry.envelope) == (Operation.decision, SHAH, broken.kept.digest)
    kept = again(borough.trust, broken).looked_back
    assert kept == GlassReviewed(
        request_digest=broken.kept.digest,
        revision=1,
        officer=SHAH,
        due_at=datetime(2026, 11, 25, 17, tzinfo=UTC),
        closed_at=NOW,
        words=WORDS,
    )


def test_of_two_who_close_it_at_once_one_is_told(borough, broken):
    desk = desk_of(borough.trust)
    (review,) = desk.glass()
    assert desk.look_back(review, SHAH, WORDS)
    assert not desk.look_back(review, replace(SHAH, id="r.cole"), WORDS)
    assert len(logged(borough, broken, "glass_review.closed")) == 1


@pytest.mark.parametrize("words", ["", "ok", "n/a", "x" * 8001])
def test_words_that_say_nothing_close_nothing(borough, broken, words):
    desk = desk_of(borough.trust)
    with pytest.raises(ConfigurationError, match="--words"):
        desk.look_back(desk.glass()[0], SHAH, words)
    assert len(desk.glass()) == 1


@pytest.mark.parametrize(
    ("asked_at", "due_at"),
    [
        ("2026-11-27T16:59+00:00", "2026-11-30T17:00+00:00"),  # Friday: Monday
        ("2026-11-28T03:00+00:00", "2026-11-30T17:00+00:00"),  # in the night to Saturday
        ("2026-11-29T23:59+00:00", "2026-11-30T17:00+00:00"),  # Sunday
        ("2026-12-24T10:00+00:00", "2026-12-29T17:00+00:00"),  # Christmas Eve: Boxing Day's substitute is Monday the 28th
        ("2026-06-30T23:30+00:00", "2026-07-02T16:00+00:00"),  # half past midnight in London is the next day already
    ],
)
def test_the_next_working_day_is_that_of_the_calendar_with_english_bank_holidays(asked_at, due_at):
    assert OFFICE_HOURS.end_of_next_day(datetime.fromisoformat(asked_at)) == datetime.fromisoformat(due_at)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - the zone is given beside them
def test_it_is_always_a_later_day_on_which_somebody_works_and_none_lies_between(at):
    due = OFFICE_HOURS.end_of_next_day(at)
    day, found = at.astimezone(LONDON).date(), due.astimezone(LONDON).date()
    assert day < found
    assert OFFICE_HOURS.is_open(found)
    assert not any(OFFICE_HOURS.is_open(day + timedelta(days=each)) for each in range(1, (found - day).days))


def test_an_agency_may_say_its_own_working_days(borough, broken):
    said = (borough.folder / "trust" / "adapter.toml").read_text() + '\n[calendar.week]\nthursday = "10:00-12:00"\n'
    read = parse(said, "adapter.toml", AdapterSettings)
    assert glass_reviews([broken], read.calendar)[0].due_at == datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def test_mash_review_list_shows_it_and_mash_review_close_ends_it(tmp_path):
    made = SmallBorough(tmp_path, at=utc_now(), in_memory=False, contacts=1)
    contact = CONTACT.validate_json((tmp_path / "contacts.jsonl").read_text())
    made.hub.intake(CONTACT.dump_json(replace(contact, decision=replace(contact.decision, **BROKEN))), "contacts.jsonl")
    made.work(made.hub, made.trust)
    made.close()

    def mash(*arguments, json_too=True):
        more = ("--json",) if json_too else ()
        return RUN.invoke(app, ["review", *arguments, "--folder", str(tmp_path / "trust"), *more])

    (row,) = json.loads(mash("list").stdout)["glass"]
    assert row["overdue"] is False
    assert "glass was broken" in mash("list", json_too=False).stdout
    refused = mash("close", row["request"], "--as", "p.shah", "--words", "ok")
    assert (refused.exit_code, json.loads(refused.stderr)["error"]["faults"][0]["file"]) == (3, "--words")
    assert json.loads(mash("close", row["request"][:12], "--as", "p.shah", "--words", WORDS).stdout) == {"closed": row["request"]}
    assert json.loads(mash("list").stdout)["glass"] == []
    assert mash("close", row["request"], "--as", "p.shah", "--words", WORDS).exit_code == 3
