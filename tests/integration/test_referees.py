"""Forty contacts answered by seven agencies, and truth for a referee: nobody's records are taken for another's."""

from __future__ import annotations

import json
import sys

import borough
import pytest
from referees import judge, table, words_of

from agents.cli import demo
from agents.demo.ceremony import MEMBERS
from schemas.enums import AgencyStatus, Stage, Status

PEOPLE = 600  # enough that every agency knows others of the same name, birthday or address
LEAST = {
    "police": 40,
    "trust": 35,
    "csc": 40,
    "gp": 1,
    "schools": 15,
    "housing": 10,
    "probation": 1,
}  # most that GPs are asked, a person answers


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """The whole cast worked to its end: records by contact, and what is true."""
    folder = tmp_path_factory.mktemp("referees") / "demo"
    demo.prepare(folder, 40, borough.SEED, people=PEOPLE)
    with borough.opened(folder) as opened:
        borough.run_to_end(opened, folder)
        records = [opened.hub.record(case) for case in opened.hub.party.store.cases()]
    return {str(each.contact_ref): each for each in records}, json.loads((folder / "truth.json").read_text())


def named(worked, scene):
    records, truth = worked
    return next(records[name] for name, each in truth["contacts"].items() if each["scene"] == scene)


def test_every_agency_that_is_asked_answers_every_case(worked):
    records, _ = worked
    assert len(records) == 40
    asked = {state.agency for record in records.values() for state in record.agencies}
    assert asked == {member.id for member in MEMBERS[1:]}
    assert {state.status for record in records.values() for state in record.agencies} == {AgencyStatus.answered}


@pytest.mark.proves("I10")
def test_the_only_wrong_person_is_the_one_whose_number_was_misfiled_and_will_be_corrected(worked):
    records, truth = worked
    verdict = judge(records.values(), truth)
    misfiled = [name for name, each in truth["contacts"].items() if each["scene"] == "wrong_person"]
    assert verdict.wrong == [(misfiled[0], "s1", "trust")]


def test_who_is_missed_is_missed_for_a_reason_that_is_reported_by_agency_and_kind_of_dirt(worked):
    records, truth = worked
    verdict = judge(records.values(), truth)
    sys.stdout.write(table(verdict))  # shown with -rP
    assert verdict.needless == []
    assert all(verdict.found[agency] >= least for agency, least in LEAST.items()), verdict.found
    assert {agency for agency, _ in verdict.missed} <= {member.folder for member in MEMBERS[1:]}


def test_what_must_stay_hidden_is_in_no_answer(worked):
    records, truth = worked
    hidden = {name: each["never"] for name, each in truth["contacts"].items() if each["never"]}
    assert len(hidden) == 3
    for name, words in hidden.items():
        assert words_of(records[name]) != "[]"
        assert not [each for each in words if each in words_of(records[name])]


def test_a_screening_question_is_carried_by_no_section_47_duty_whatever_the_referrer_calls_it(worked):
    record = named(worked, "screening_only")
    assert record.stage is Stage.screening
    assert record.answers
    carried = {step.rule for joined in record.answers for step in joined.answer.ladder if step.met}
    assert not [rule for rule in carried if rule and "s47-9" in rule]


def test_of_the_unborn_nothing_is_released_without_a_person(worked):
    record = named(worked, "unborn")
    statuses = {joined.answer.status for joined in record.answers if joined.answer.subject_ref == "s1"}
    assert statuses
    assert not statuses & {Status.released, Status.none_held}


def test_duplicates_and_twins_are_asked_about_not_guessed(worked):
    for scene, subjects in (("twins", {"s1", "s2"}), ("duplicates", {"s1"})):
        record = named(worked, scene)
        for joined in record.answers:
            if joined.agency.slug in {"police", "trust", "csc"} and joined.answer.subject_ref in subjects:
                assert joined.answer.status not in {Status.released, Status.none_held}


def test_the_forty_contacts_come_to_every_status_that_a_working_source_can_give(worked):
    records, _ = worked
    met = {joined.answer.status for record in records.values() for joined in record.answers}
    assert met == {
        *(Status.released, Status.none_held, Status.withheld, Status.contact_us, Status.in_review),
        *(Status.not_found, Status.ambiguous),
    }
