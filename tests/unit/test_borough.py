"""The synthetic borough: the same from the same seed, nobody real in it, and every true person found and no other."""

import json
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta

import pytest
from pydantic import BaseModel, TypeAdapter

from agents.adapter.matching import MatchOutcome, match
from agents.adapter.sources import sql as sql_source
from agents.adapter.sources.opening import open_source, source_faults
from agents.adapter.sources.settings import SourceSettings
from agents.demo.borough import write_borough
from agents.demo.histories import FIELDS
from policies.located import parse
from schemas.enums import SubjectRole
from schemas.events import Contact
from schemas.identifiers import CategoryId, NhsNumber, SubjectRef
from schemas.records import NHS_NUMBER, Address, Identifier, Subject

TODAY = date(2026, 11, 24)
AGENCIES = ("police", "trust")
CONTACT = TypeAdapter(Contact)
SCENES = [
    *("s47_red", "openness_missing", "screening", "emergency", "only_dave", "twins"),
    *("nobody_holds", "nothing_held", "s17_amber", "intelligence", "missing", "expecting"),
]


class Adapter(BaseModel):
    source: SourceSettings


@pytest.fixture(scope="module")
def borough(tmp_path_factory):
    folder = tmp_path_factory.mktemp("borough")
    write_borough(folder, today=TODAY)
    return folder


@pytest.fixture(scope="module")
def truth(borough):
    return json.loads((borough / "truth.json").read_text())


@pytest.fixture(scope="module")
def contacts(borough):
    return [CONTACT.validate_json(line) for line in (borough / "contacts.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def sources(borough):
    opened = {agency: open_source(settings_of(borough / agency), borough / agency) for agency in AGENCIES}
    yield opened
    for each in opened.values():
        each.close()


def settings_of(folder):
    return parse((folder / "source.toml").read_text(), "source.toml", Adapter).source


def content(folder):
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".sqlite"}
    with closing(sqlite3.connect(folder / "police" / "records.sqlite")) as database:
        return files | {"police/records.sqlite": list(database.iterdump())}


def test_the_same_seed_writes_the_same_borough(borough, tmp_path):
    started = time.monotonic()
    write_borough(tmp_path, today=TODAY, seed=47)
    assert time.monotonic() - started < 10  # it takes half a second; only a runaway is caught here
    assert content(tmp_path) == content(borough)
    write_borough(tmp_path, today=TODAY, seed=47)
    assert content(tmp_path) == content(borough)


def test_another_seed_writes_other_people(borough, tmp_path):
    write_borough(tmp_path, today=TODAY, seed=48)
    assert (tmp_path / "contacts.jsonl").read_bytes() != (borough / "contacts.jsonl").read_bytes()


def test_two_thousand_people_none_of_them_real(borough, truth):
    people = truth["people"]
    assert len(people) == 2000
    assert len({each["nhs_number"] for each in people}) == 2000
    assert all(NhsNumber(each["nhs_number"]).startswith("999") for each in people)
    assert all(each["postcode"].startswith("XX") for each in people)
    for agency in AGENCIES:
        keys = [each[agency] for each in people if each[agency]]
        assert len(set(keys)) == len(keys) > 400
    everything = b"".join(path.read_bytes() for path in borough.rglob("*") if path.is_file())
    assert all(number.startswith("01632 960") for number in re.findall(r"\b0\d{4} ?\d{6}\b", (borough / "contacts.jsonl").read_text()))
    assert everything.count(b"SYNTHETIC") > 1700


def test_the_borough_has_children_twins_and_shared_names(truth):
    people = truth["people"]
    children = [each for each in people if each["born_on"] > (TODAY - timedelta(days=18 * 365)).isoformat()]
    births = [(each["family_name"], each["born_on"], each["postcode"]) for each in people]
    assert 600 < len(children) < 1200
    assert len(set(births)) < len(births)
    assert len({each["family_name"] for each in people}) < 250


def test_police_have_no_nhs_numbers(borough, truth):
    with closing(sqlite3.connect(borough / "police" / "records.sqlite")) as database:
        dump = "\n".join(database.iterdump())
    assert not any(each["nhs_number"] in dump for each in truth["people"])


def test_the_sources_are_in_order(borough):
    assert {agency: source_faults(settings_of(borough / agency), borough / agency) for agency in AGENCIES} == {"police": (), "trust": ()}


def test_between_them_they_answer_every_category_by_its_own_field_names(borough):
    declared = {each.category: tuple(each.fields) for agency in AGENCIES for each in settings_of(borough / agency).category}
    assert declared == FIELDS
    assert len(declared) == 14


def test_every_contact_is_a_contact_decided_the_day_before(contacts, truth):
    assert [each["scene"] for each in truth["contacts"].values()] == SCENES
    assert [str(contact.contact_ref) for contact in contacts] == list(truth["contacts"])
    assert {contact.received_at.date() for contact in contacts} == {TODAY - timedelta(days=1)}
    assert all(contact.decision for contact in contacts)


def test_more_contacts_come_round_with_other_people_and_other_words(tmp_path):
    write_borough(tmp_path, today=TODAY, contacts=30)
    lines = [CONTACT.validate_json(line) for line in (tmp_path / "contacts.jsonl").read_text().splitlines()]
    assert len({contact.contact_ref for contact in lines}) == 30
    assert len({contact.decision.necessity.text for contact in lines}) == 30
    children = [(contact.subjects[0].family_name, contact.subjects[0].given_names, contact.subjects[0].born_on) for contact in lines]
    assert len(set(children)) == 30
    assert [each["scene"] for each in json.loads((tmp_path / "truth.json").read_text())["contacts"].values()] == (SCENES * 3)[:30]


def test_few_people_are_enough_when_the_contacts_need_more(tmp_path):
    write_borough(tmp_path, today=TODAY, people=3, contacts=12)
    assert source_faults(settings_of(tmp_path / "trust"), tmp_path / "trust") == ()


@pytest.mark.proves("I10")
@pytest.mark.parametrize("agency", AGENCIES)
def test_each_contact_is_matched_and_answered_as_it_truly_is(sources, contacts, truth, agency):
    source = sources[agency]
    for contact in contacts:
        for subject in contact.subjects:
            true = truth["contacts"][contact.contact_ref]["subjects"][subject.ref][agency]
            found = match(subject, source.candidates(subject).rows)
            assert (contact.contact_ref, subject.ref, found.outcome.value) == (contact.contact_ref, subject.ref, true["outcome"])
            if found.person is None:
                continue
            assert found.person.key == true["key"]
            assert held(source, found.person) == sorted(map(plain, true["rows"]))


def held(source, person):
    rows = ((category, row) for category in source.categories() for row in source.fetch(person, category, date(1990, 1, 1), TODAY).rows)
    return sorted(json.dumps([category, row.at.isoformat(), dict(row.fields)], sort_keys=True) for category, row in rows)


def plain(row):
    return json.dumps([row["category"], row["at"], row["fields"]], sort_keys=True)


def as_subject(person, **changes):
    number = Identifier(system=NHS_NUMBER, value=person["nhs_number"], verified=person["verified"])
    whole = Subject(
        ref=SubjectRef("s1"),
        role=SubjectRole.child,
        relation_to_child="the child",
        family_name=person["family_name"],
        given_names=person["given_names"],
        born_on=date.fromisoformat(person["born_on"]),
        addresses=(Address(postcode=person["postcode"]),),
        identifiers=(number,),
    )
    return replace(whole, **changes)


@pytest.mark.proves("I10")
@pytest.mark.parametrize("agency", AGENCIES)
@pytest.mark.parametrize(
    "known",
    [{}, {"identifiers": ()}, {"addresses": ()}, {"given_names": "Sam"}, {"given_names": None}, {"born_on": None}],
    ids=["all", "no number", "no address", "another given name", "no given name", "no birth"],
)
def test_no_wrong_person_is_ever_confirmed(sources, truth, agency, known):
    confirmed = wrong = 0
    for person in truth["people"][::7]:
        subject = as_subject(person, **known)
        found = match(subject, sources[agency].candidates(subject).rows)
        if found.outcome is MatchOutcome.confirmed:
            confirmed += 1
            wrong += found.person.key != person[agency]
    assert wrong == 0
    if not known:
        assert confirmed > 0.9 * sum(1 for person in truth["people"][::7] if person[agency])


def test_one_subject_costs_the_rows_of_one_subject(sources, contacts, truth, monkeypatch):
    returned = []
    asked = sql_source._rows
    monkeypatch.setattr(sql_source, "_rows", lambda *arguments: returned.append(asked(*arguments)) or returned[-1])
    subject = contacts[0].subjects[2]
    person = match(subject, sources["police"].candidates(subject).rows).person
    for category in sources["police"].categories():
        sources["police"].fetch(person, CategoryId(category), date(1990, 1, 1), TODAY)
    assert sum(map(len, returned)) == 1 + len(truth["contacts"]["demo-001"]["subjects"]["s3"]["police"]["rows"])
