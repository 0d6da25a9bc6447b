"""The board: most urgent first, a word for every state, time left, nobody's name."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from joining import OPENED, SENT, answer
from network import NOW, POLICE, TRUST
from rich.console import Console
from small_borough import SmallBorough

from agents.cli.board import Renderings, board_json, picture, span
from agents.hub.board import rows, totals
from agents.hub.casework import case_record
from broker.effect import digest_of
from schemas.enums import AgencyStatus, Rag, Status
from schemas.identifiers import PartyId, Slug

AGENCIES = ("csc", "gp", "housing", "police", "probation", "schools", "trust")
RECORD = case_record([OPENED, SENT[POLICE]])


def case(ref, rag, *due, status=AgencyStatus.awaited):
    states = tuple(
        replace(RECORD.agencies[0], agency=agency, due_at=NOW + timedelta(minutes=each) if each is not None else None, status=status)
        for agency, each in zip((POLICE, TRUST), due, strict=False)
    )
    return replace(RECORD, case_id=UUID(bytes=digest_of(ref.encode())[:16], version=4), contact_ref=Slug(ref), rag=rag, agencies=states)


def drawn(held, at=NOW):
    console = Console(width=140, record=True, force_terminal=False)
    with console.capture() as said:
        console.print(picture(held, at))
    return said.get()


def test_the_most_urgent_rating_comes_first_then_the_soonest_deadline_and_settled_cases_last():
    held = rows(
        [
            case("green", Rag.green, 5),
            case("settled", Rag.red, 5, status=AgencyStatus.answered),
            case("later", Rag.red, 90, 60),
            case("sooner", Rag.red, 90, 30),
            case("amber", Rag.amber, -5),
        ]
    )
    assert [each.contact_ref for each in held] == ["sooner", "later", "amber", "green", "settled"]
    assert totals(held) == {Rag.red: 2, Rag.amber: 1, Rag.green: 1}


@pytest.mark.parametrize("status", [each for each in AgencyStatus if each is not AgencyStatus.unknown])
def test_every_state_has_a_word_of_its_own(status):
    text = drawn(rows([case("c-1", Rag.red, 5, status=status)]))
    words = {"awaited": "asked", "acknowledged": "received", "partial": "in part", "cancelled": "withdrawn", "not_asked": "not asked"}
    assert words.get(status.value, status.value).lower() in text.lower()


def test_who_refused_is_to_be_rung_and_who_reviews_is_awaited_though_no_deadline_runs():
    refused, waits = case("refused", Rag.green, None, status=AgencyStatus.rejected), case("waits", Rag.green, None)
    joined = type("Joined", (), {"agency": POLICE, "answer": replace(answer("s1", "a"), status=Status.in_review)})()
    answered = replace(waits.agencies[0], status=AgencyStatus.answered)
    held = rows([replace(waits, agencies=(answered,), answers=(joined,)), refused])
    assert totals(held) == {Rag.green: 2}
    assert "ring the agency" in drawn(held[:1])
    assert "with reviewers" in drawn(held[1:])
    assert "settled" not in drawn(held)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_narrow_screen_cuts_off_no_case_rating_or_time(width):
    many = [replace(RECORD.agencies[0], agency=PartyId(f"agency.{name}"), due_at=NOW + timedelta(minutes=90)) for name in AGENCIES]
    console = Console(width=width, record=True, force_terminal=False)
    with console.capture() as said:
        console.print(picture(rows([replace(case("demo-017", Rag.amber, 5), agencies=tuple(many))]), NOW))
    assert all(word in said.get() for word in ("demo-017", "AMBER", "1 h 30 min"))


def test_of_an_agency_asked_twice_what_is_worse_is_shown():
    states = [replace(RECORD.agencies[0], status=each) for each in (AgencyStatus.answered, AgencyStatus.overdue)]
    assert "OVERDUE" in drawn(rows([replace(RECORD, agencies=tuple(states))]))


def test_answers_that_wait_for_a_person_are_counted():
    waiting = replace(answer("s1", "a"), status=Status.in_review)
    record = case_record([OPENED, SENT[POLICE]])
    joined = type("Joined", (), {"agency": POLICE, "answer": waiting})()
    (row,) = rows([replace(record, answers=(joined, joined))])
    assert row.cells[POLICE].in_review == 2
    assert "2 in review" in drawn([row])


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(minutes=61), "1 h 01 min"),
        (timedelta(minutes=-1), "0 h 01 min over"),
        (timedelta(days=3, hours=2), "3 d 2 h"),
        (timedelta(0), "0 h 00 min"),
    ],
)
def test_time_left_is_said_in_hours_and_minutes(left, said):
    assert span(left) == said


@pytest.fixture
def borough(tmp_path):
    made = SmallBorough(tmp_path, contacts=2)
    yield made
    made.close()


def test_the_board_comes_from_events_and_names_nobody(borough, monkeypatch):
    watched = Renderings(borough.hub)
    assert watched.rows() == []
    borough.take_in()
    borough.work(borough.hub)
    before = watched.rows()
    assert {cell.status for each in before for cell in each.cells.values()} <= {AgencyStatus.awaited}
    borough.work()
    after = watched.rows()
    assert {cell.status for each in after for cell in each.cells.values()} <= {AgencyStatus.answered}
    rendered = []
    monkeypatch.setattr(borough.hub, "record", rendered.append)
    assert watched.rows() == after
    assert rendered == []  # nothing has changed, nothing is rendered again
    names = {
        name
        for line in (borough.folder / "contacts.jsonl").read_text().splitlines()
        for subject in json.loads(line)["subjects"]
        for name in (subject["family_name"], subject["given_names"])
        if name
    }
    told = drawn(before) + drawn(after) + json.dumps(board_json(after))
    assert not [name for name in names if name in told]
