"""Forty contacts answered by seven agencies, and truth for a referee: nobody's records are taken for another's."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NamedTuple

import borough
import pytest
from referees import judge, table, words_of
from sources_of import only, put

from agents.adapter.sources.opening import close_sources, open_source
from agents.cli import demo
from agents.demo.ceremony import MEMBERS
from agents.hub.links import Linked, linked
from schemas.enums import AgencyStatus, Rag, Stage, Status
from schemas.events import CaseRecord

BROKEN = "demo-041"
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
        records = records_of(opened)
        contacts = json.loads((folder / "truth.json").read_text())["contacts"]
        links = {contacts[name]["scene"]: linked(opened.hub.party, record.case_id) for name, record in records.items()}
        ask_while_two_sources_fail(opened, folder)
        late = records_of(opened)[BROKEN]
    return Worked(records, json.loads((folder / "truth.json").read_text()), links, late)


class Worked(NamedTuple):
    """The whole cast, what is true of it, earlier contacts by scene, and one contact asked while two sources failed."""

    records: dict[str, CaseRecord]
    truth: dict[str, Any]
    links: dict[str, list[Linked]]
    broken: CaseRecord


def records_of(opened):
    found = [opened.hub.record(case) for case in opened.hub.party.store.cases()]
    return {str(each.contact_ref): each for each in found}


def ask_while_two_sources_fail(opened, folder):
    """The contact of which nothing is held, once more: the police's system is gone, and the trust's extracts are two months old."""
    police, trust = (next(each for each in opened.agencies.adapters if each.party.id.slug == name) for name in ("police", "trust"))
    close_sources(police.sources)
    (folder / "police" / "records.sqlite").rename(folder / "police" / "gone")
    for path in (folder / "trust").glob("*.csv"):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 60 * 24 * 3600))
    close_sources(trust.sources)
    put(trust, open_source(only(trust).settings, folder / "trust"))
    line = json.loads((folder / "contacts.jsonl").read_text().splitlines()[7])  # nothing_held
    line["contact_ref"] = BROKEN
    line["decision"]["necessity"]["text"] = "The drawing was shown again today; what was not known last week may be known now."
    opened.hub.intake(json.dumps(line).encode(), "contacts.jsonl")
    demo.work(opened)


def named(worked, scene):
    return next(worked.records[name] for name, each in worked.truth["contacts"].items() if each["scene"] == scene)


def answers_of(record, subject, status):
    return [each for each in record.answers if each.answer.subject_ref == subject and each.answer.status is status]


def test_every_agency_that_is_asked_answers_every_case(worked):
    records = worked.records
    assert len(records) == 40
    asked = {state.agency for record in records.values() for state in record.agencies}
    assert asked == {member.id for member in MEMBERS[1:]}
    assert {state.status for record in records.values() for state in record.agencies} == {AgencyStatus.answered}


@pytest.mark.proves("I10")
def test_the_only_wrong_person_is_the_one_whose_number_was_misfiled_and_will_be_corrected(worked):
    records, truth = worked.records, worked.truth
    verdict = judge(records.values(), truth)
    misfiled = [name for name, each in truth["contacts"].items() if each["scene"] == "wrong_person"]
    assert verdict.wrong == [(misfiled[0], "s1", "trust")]


def test_who_is_missed_is_missed_for_a_reason_that_is_reported_by_agency_and_kind_of_dirt(worked):
    records, truth = worked.records, worked.truth
    verdict = judge(records.values(), truth)
    sys.stdout.write(table(verdict))  # shown with -rP
    assert verdict.needless == []
    assert all(verdict.found[agency] >= least for agency, least in LEAST.items()), verdict.found
    assert {agency for agency, _ in verdict.missed} <= {member.folder for member in MEMBERS[1:]}


def test_what_must_stay_hidden_is_in_no_answer(worked):
    records, truth = worked.records, worked.truth
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


def test_every_status_is_met_and_a_failing_source_never_says_that_nothing_is_held(worked):
    met = {joined.answer.status for record in worked.records.values() for joined in record.answers}
    assert met == set(Status) - {Status.unknown, Status.source_unavailable, Status.stale}
    by_agency = {slug: {each.answer.status for each in worked.broken.answers if each.agency.slug == slug} for slug in ("police", "trust")}
    assert Status.source_unavailable in by_agency["police"]
    assert Status.stale in by_agency["trust"]
    assert not (by_agency["police"] | by_agency["trust"]) & {Status.none_held, Status.released, Status.not_found}


def test_a_partner_known_only_as_dave_is_never_somebody(worked):
    record = named(worked, "friday_dave")
    assert (record.rag, record.subjects[2].known_as, record.subjects[2].family_name) == (Rag.red, "Dave", None)
    assert not answers_of(record, "s3", Status.released)
    assert not answers_of(record, "s3", Status.not_found), "nothing was given to look by, so nobody may say that he is not known"
    assert answers_of(record, "s3", Status.ambiguous)
    assert answers_of(record, "s1", Status.released)


def test_a_case_of_needs_is_answered_at_section_17(worked):
    record = named(worked, "needs")
    assert (record.stage, record.rag) == (Stage.s17, Rag.amber)
    assert answers_of(record, "s1", Status.released)


def test_three_low_level_contacts_about_one_household_are_seen_together(worked):
    one, two, three = (named(worked, f"low_level_{number}").contact_ref for number in (1, 2, 3))
    assert {each.contact_ref for each in worked.links["low_level_3"]} == {one, two}
    assert {each.contact_ref for each in worked.links["low_level_1"]} == {two, three}


def test_a_child_of_two_boroughs_and_a_sibling_in_care_are_each_found_where_they_are(worked):
    assert answers_of(named(worked, "two_boroughs"), "s1", Status.released)
    care = [each for each in answers_of(named(worked, "sibling_in_care"), "s3", Status.released) if each.agency.slug == "csc"]
    assert "csc.lac_status_legal" in {each.answer.category for each in care}


def test_a_case_already_open_to_a_worker_waits_for_that_worker_and_is_never_said_to_be_nothing(worked):
    """At section 17 one part of a council asks another: a person answers."""
    record = named(worked, "open_case")
    open_there = {row["category"] for row in worked.truth["contacts"][record.contact_ref]["subjects"]["s1"]["csc"]["rows"]}
    said = {
        each.answer.category: each.answer.status for each in record.answers if each.agency.slug == "csc" and each.answer.subject_ref == "s1"
    }
    assert open_there & set(said)
    assert {said[category] for category in open_there & set(said)} == {Status.in_review}


def test_an_emergency_is_answered_by_breaking_glass_and_never_what_no_machine_answers(worked):
    for scene in ("emergency", "emergency_ward"):
        record = named(worked, scene)
        assert record.stage is Stage.emergency
        assert [each for each in record.answers if each.answer.status is Status.released]
        assert [each for each in record.answers if each.answer.status is Status.contact_us]


@pytest.mark.parametrize(("scene", "category"), [("adopted", "csc.adoption"), ("safe_address", "hou.domestic_abuse_move")])
def test_adoption_and_a_safe_address_are_told_by_telephone_whether_or_not_anything_is_held(worked, scene, category):
    for record in worked.records.values():
        told = {each.answer.status for each in record.answers if each.answer.category == category}
        assert told <= {Status.contact_us, Status.withheld}
    assert [each for each in named(worked, scene).answers if each.answer.category == category]


def test_housings_answer_joins_what_its_system_and_its_archive_hold_each_item_naming_its_source(worked):
    answers = [each.answer for each in named(worked, "needs").answers if each.answer.category == "hou.property_condition"]
    both = [each for each in answers if {item.source for item in each.items} == {"housing-records", "housing-archive"}]
    assert both
    assert all([one.source for one in each.searched] == ["housing-records", "housing-archive"] for each in both)
    assert all(item.source for record in worked.records.values() for joined in record.answers for item in joined.answer.items)
