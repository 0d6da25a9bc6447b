"""What happens later in the demo: withdrawn, late and revised, corrected, reviewed; each once, and each a stop of its tour."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

import borough
import pytest
from rich.console import Console

from agents.cli import demo
from agents.cli.course import REVIEWER, WHAT_IT_MEANS, late, read_script
from agents.cli.tour import NONE, tour
from schemas.enums import AgencyStatus, CorrectionReason, Operation, Status
from schemas.events import CaseRecord

TWINS, WRONG, WITHDRAWN, REVISED = "demo-006", "demo-029", "demo-030", "demo-031"
STOPS = ("joined", "refusal", "ambiguity", "correction", "review")


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Those four contacts after the whole course, and after it was run once more."""

    records: dict[str, CaseRecord]
    again: dict[str, CaseRecord]
    lines: list[str]
    without: list[str]
    board: str
    entries: dict[str, list]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course") / "demo"
    demo.prepare(folder, 40, borough.SEED, people=600)
    kept = [line for line in (folder / "contacts.jsonl").read_text().splitlines() if json.loads(line)["contact_ref"] in NAMES]
    (folder / "contacts.jsonl").write_text("".join(f"{line}\n" for line in kept))
    script, screen = read_script(folder), Console(file=io.StringIO(), force_terminal=True, width=160)
    with borough.opened(folder) as opened, pytest.MonkeyPatch.context() as patched:
        patched.setattr(demo, "ERR", screen)
        patched.setattr(demo, "REFRESH", 0.0)  # the board with every round
        borough.take_in(opened, folder)
        demo.work(opened, script)
        first = records_of(opened)
        demo.work(opened, script)
        parties = {str(party.id): borough.entries_of(party) for party in borough.parties_of(opened)}
        ordered = [first[name] for name in sorted(first)]
        return Played(
            records=first,
            again=records_of(opened),
            lines=tour(ordered, opened.hub.party),
            without=tour([], opened.hub.party),
            board=screen.file.getvalue(),
            entries=parties,
        )


NAMES = {TWINS, WRONG, WITHDRAWN, REVISED}


def records_of(opened):
    found = [opened.hub.record(case) for case in opened.hub.party.store.cases()]
    return {str(each.contact_ref): each for each in found}


def states(record):
    return {each.agency: each for each in record.agencies}


def test_what_is_withdrawn_is_answered_by_nobody(played):
    record = played.records[WITHDRAWN]
    assert {each.status for each in record.agencies} == {AgencyStatus.cancelled}
    assert len(record.agencies) > 1
    assert record.answers == ()
    searched = [each for entries in played.entries.values() for each in entries if each.case_id == record.case_id]
    assert not [each for each in searched if str(each.outcome).startswith("searched.")]


def test_who_is_late_answers_after_everybody_else_and_then_revises(played):
    script = [each.agency for each in played.records[REVISED].agencies]
    assert "agency.gp" in script
    record, gp = played.records[REVISED], "agency.gp"
    first = min(each.at for each in played.entries[gp] if each.case_id == record.case_id and each.operation is Operation.disclosure)
    assert all(state.answered_at < first for agency, state in states(record).items() if agency != gp)
    assert states(record)[gp].status is AgencyStatus.answered
    assert states(record)[gp].revision == 3  # the first, its correction, and the whole anew
    assert [(each.agency, each.reason) for each in record.corrected] == [(gp, CorrectionReason.inaccurate)]


def test_the_wrong_person_is_taken_back_and_the_agency_is_rung_instead(played):
    record, trust = played.records[WRONG], "agency.trust"
    assert [(each.agency, each.reason) for each in record.corrected] == [(trust, CorrectionReason.wrong_person)]
    assert {each.answer.status for each in record.answers if each.agency == trust} == {Status.contact_us}
    for party in ("hub.borough", trust):
        erased = {each.envelope for each in played.entries[party] if each.operation is Operation.erasure and each.case_id == record.case_id}
        assert erased == set(record.corrected[0].corrects)


def test_one_answer_that_waited_is_released_by_a_person_with_what_it_means(played):
    reviewed = [each for record in played.records.values() for each in record.answers if each.answer.reviewed_by is not None]
    assert [(each.answer.reviewed_by.id, each.answer.interpretation, each.answer.status) for each in reviewed] == [
        (REVIEWER, WHAT_IT_MEANS, Status.released)
    ]


def test_the_course_run_again_changes_nothing(played):
    assert played.again == played.records


def test_the_tour_has_its_five_stops_and_says_so_where_there_is_nothing_to_show(played):
    headings = [before for before, line in zip(played.lines, played.lines[1:], strict=False) if set(line) == {"="}]
    assert [word in heading.lower() for word, heading in zip(STOPS, headings, strict=True)] == [True] * 5
    assert NONE not in played.lines
    assert any(WHAT_IT_MEANS in line for line in played.lines)
    assert any("took back its answer (wrong_person)" in line for line in played.lines)
    assert any("not sure who is meant" in line for line in played.lines)
    assert played.without.count(NONE) == 3


def test_the_board_is_live_while_the_demo_runs(played):
    for words in ("time left", "asked", "received", "answered", "withdrawn", WRONG, "acknowledged"):
        assert words in played.board


def test_a_borough_without_a_script_has_no_course(tmp_path):
    assert read_script(tmp_path) == ()
    assert late(()) == frozenset()
