"""The synthetic borough: the same from the same seed, nobody real in it, and every true person found and no other."""

import json
import re
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import BaseModel, TypeAdapter

from agents.adapter.matching import MatchOutcome, match
from agents.adapter.sources import sql as sql_source
from agents.adapter.sources.opening import close_sources, open_sources, source_faults
from agents.adapter.sources.settings import SourceSettings
from agents.cli import demo
from agents.demo.archive import KEPT_IN_USE
from agents.demo.borough import write_borough
from agents.demo.ceremony import MEMBERS, members_of, settings_files
from agents.demo.contacts import scenes
from agents.demo.histories import FIELDS, HISTORIES, HOLDS, OF_COURSE
from agents.demo.people import Care, Dirt, Town
from agents.demo.registers import AGENCIES, registers, settle
from agents.demo.schooling import check_letter, upn
from policies import categories as told
from policies.agreements import Agreement
from policies.categories import CONCERN, Categories
from policies.considerations import Controller
from policies.located import parse
from policies.pack import shipped
from schemas.enums import Stage, SubjectRole
from schemas.errors import ConfigurationError
from schemas.events import Contact
from schemas.identifiers import CategoryId, NhsNumber, SubjectRef
from schemas.records import NHS_NUMBER, Address, Identifier, Subject

TODAY = date(2026, 11, 24)
PEOPLE = 2000  # the whole borough has ten times as many, of the same kinds
CONTACT = TypeAdapter(Contact)
TWELVE = [
    *("s47_red", "openness_missing", "screening", "emergency", "only_dave", "twins"),
    *("nobody_holds", "nothing_held", "s17_amber", "intelligence", "missing", "expecting"),
]
SCENES = [
    *TWELVE,
    *("friday_dave", "needs", "emergency_ward", "low_level_1", "low_level_2", "low_level_3"),
    *("unborn", "two_boroughs", "sibling_in_care", "adopted", "safe_address", "kinship", "asylum_age", "fostered", "step_family"),
    *("open_case", "wrong_person", "withdrawn", "late_then_revised", "screening_only", "early_help"),
    *("transliterated", "patronymic", "name_change", "moved", "same_name", "duplicates", "swapped_day"),
]


class Adapter(BaseModel):
    source: tuple[SourceSettings, ...]


@pytest.fixture(scope="module")
def borough(tmp_path_factory):
    folder = tmp_path_factory.mktemp("borough")
    write_borough(folder, today=TODAY, people=PEOPLE, contacts=40)
    return folder


@pytest.fixture(scope="module")
def truth(borough):
    return json.loads((borough / "truth.json").read_text())


@pytest.fixture(scope="module")
def contacts(borough):
    return [CONTACT.validate_json(line) for line in (borough / "contacts.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def sources(borough):
    opened = {agency: open_sources(settings_of(borough / agency), borough / agency) for agency in AGENCIES}
    yield {agency: tuple(each.system for each in found.values()) for agency, found in opened.items()}
    for each in opened.values():
        close_sources(each)


def scene(contacts, truth, name):
    """The contact made to show this, and what is true of its subjects."""
    number = SCENES.index(name)
    return contacts[number], list(truth["contacts"].values())[number]


def settings_of(folder):
    return parse((folder / "source.toml").read_text(), "source.toml", Adapter).source


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_and_day_write_the_same_bytes(borough, tmp_path):
    started = time.process_time()
    write_borough(tmp_path, today=TODAY, seed=47, people=PEOPLE, contacts=40)
    assert time.process_time() - started < 8  # the whole borough of 20,000 may take as long: only a runaway is caught here
    assert content(tmp_path) == content(borough)
    write_borough(tmp_path, today=TODAY, seed=47, people=PEOPLE, contacts=40)
    assert content(tmp_path) == content(borough)


def test_another_seed_and_another_day_write_another_borough(borough, tmp_path):
    for name, changed in (("seed", {"seed": 48}), ("day", {"today": TODAY - timedelta(days=1)})):
        write_borough(tmp_path / name, **({"today": TODAY, "people": 60, "contacts": 40} | changed))
        assert (tmp_path / name / "contacts.jsonl").read_bytes() != (borough / "contacts.jsonl").read_bytes()


def test_only_the_agencies_asked_for_are_written_and_each_as_it_would_be_among_all(borough, tmp_path):
    write_borough(tmp_path, today=TODAY, people=PEOPLE, contacts=40, agencies=("police", "probation"))
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"police", "probation"}
    for agency in ("police", "probation"):
        assert content(tmp_path / agency) == content(borough / agency)


def test_two_thousand_people_none_of_them_real(borough, truth):
    people = truth["people"]
    assert len(people) == PEOPLE
    assert len({each["nhs_number"] for each in people}) == PEOPLE
    assert all(NhsNumber(each["nhs_number"]).startswith("999") for each in people)
    assert all(each["postcode"].startswith("XX") for each in people)
    for agency in AGENCIES:
        keys = [key for each in people for key in each["keys"].get(agency, ())]
        assert len(set(keys)) == len(keys) > (10 if agency == "probation" else 150), agency
    everything = b"".join(content(borough).values())
    assert all(number.startswith("01632 960") for number in re.findall(r"\b0\d{4} ?\d{6}\b", (borough / "contacts.jsonl").read_text()))
    assert everything.count(b"SYNTHETIC") > PEOPLE * 0.85
    assert set(re.findall(rb"\bXX\d\d? \d[A-Z]{2}\b", everything)) >= {each["postcode"].encode() for each in people}


def test_the_borough_has_households_as_england_has_them(truth):
    people = truth["people"]
    children = [each for each in people if each["born_on"] > (TODAY - timedelta(days=18 * 365)).isoformat()]
    births = [(each["family_name"], each["born_on"], each["postcode"]) for each in people]
    assert 0.3 * PEOPLE < len(children) < 0.6 * PEOPLE
    assert len(set(births)) < len(births), "no twins"
    assert {each["care"] for each in people} == {None, *(care.value for care in Care)}
    assert any("-" in each["family_name"] for each in people)
    assert any(each["family_name"] in {"Tesfay", "Jónsdóttir", "Warsame", "Petrovna", "Ivanovich"} for each in children)
    assert sum(each["born_on"].endswith("-01-01") for each in children) > 1
    homes = Counter(each["postcode"] for each in people)
    assert max(homes.values()) > 4


def test_every_kind_of_dirt_lies_on_some_record_and_most_records_are_clean(truth):
    found = Counter(kind for each in truth["people"] for kinds in each["dirt"].values() for kind in kinds)
    assert set(found) == {kind.value for kind in Dirt}
    clean = sum(not kinds for each in truth["people"] for kinds in each["dirt"].values())
    assert clean > 0.7 * sum(len(each["dirt"]) for each in truth["people"])


@pytest.mark.parametrize("agency", ["police", "housing", "schools", "probation"])
def test_an_agency_without_a_reason_has_no_nhs_numbers(borough, truth, agency):
    everything = b"".join(content(borough / agency).values()).decode("latin-1")
    assert not any(each["nhs_number"] in everything for each in truth["people"])


def test_a_pupil_number_has_the_check_letter_of_its_digits():
    assert check_letter("801200005001") == "B"  # a published number whose sum, 93, was checked by hand
    assert check_letter("207000016049") == "P"  # and one that is published with a letter that is not its own
    assert upn(5001, date(2008, 3, 4))[1:] == "000000512001"


def test_the_sources_are_in_order(borough):
    faults = {each.name: source_faults(each, borough / agency) for agency in AGENCIES for each in settings_of(borough / agency)}
    assert (len(faults), {each for found in faults.values() for each in found}) == (len(AGENCIES) + 1, set())


def test_between_them_they_answer_every_category_they_say_they_hold_by_its_own_field_names(borough):
    table = {each.id: each for each in parse(shipped()["categories.toml"], "categories.toml", Categories).categories}
    kinds = {member.folder: member.kind for member in MEMBERS}
    for agency in AGENCIES:
        (first, *others) = ({each.category: tuple(each.fields) for each in source.category} for source in settings_of(borough / agency))
        declared = first
        assert all(each.items() <= declared.items() for each in others)
        assert declared == {category: FIELDS[category] for category in HOLDS[agency]}
        assert declared == {category: tuple(field.name for field in table[category].fields) for category in declared}
        assert all(kinds[agency] in table[category].held_by for category in declared)
    assert {category for held in HOLDS.values() for category in held} == set(HISTORIES)
    assert len(HISTORIES) == 50


def test_the_network_is_a_hub_and_an_agency_of_each_kind_that_agrees_to_supply_what_it_holds():
    kinds = [member.kind.value for member in MEMBERS]
    assert kinds == [
        *("local_authority", "police", "nhs_body", "local_authority", "gp_practice", "academy", "housing_authority", "probation"),
    ]
    files = {member.folder: settings_files(member, TODAY, MEMBERS) for member in MEMBERS}
    agreements = {text for each in files.values() for name, text in each.items() if name.startswith("pack/agreements/")}
    agreed = parse(agreements.pop(), "borough-mash.toml", Agreement)
    assert not agreements, "every party keeps the same text"
    assert agreed.parties == {member.id for member in MEMBERS}
    supplied = {f"agency.{name}": {told.CONTACT, *held} for name, held in HOLDS.items()}  # any of them may be the one that worries
    assert {party: set(held) for party, held in agreed.supplies.items()} == supplied
    assert agreed.categories == {CONCERN, told.CONTACT, *HISTORIES}
    for member in MEMBERS[1:]:
        said = parse(files[member.folder]["pack/controller.toml"], "controller.toml", Controller)
        assert {each.category for each in said.considerations} == set(HOLDS[member.folder])
        assert {each.condition for each in said.apds} == {"sch1.para18", "sch1.para6"}
        assert said.own_task.citation == member.citation


def test_a_folder_of_more_or_fewer_people_is_refused_not_mixed(tmp_path):
    demo.prepare(tmp_path / "demo", 1, 47, people=20, members=MEMBERS[:2])
    before = content(tmp_path / "demo")
    demo.prepare(tmp_path / "demo", 1, 47, people=20, members=MEMBERS[:2])
    with pytest.raises(ConfigurationError, match="1 cases, 20 people and seed 47"):
        demo.prepare(tmp_path / "demo", 1, 47, people=21, members=MEMBERS[:2])
    assert content(tmp_path / "demo") == before
    assert [member.folder for member in members_of(tmp_path / "demo")] == ["hub", "police"]


def test_the_whole_borough_is_made_for_the_whole_cast_and_less_of_it_for_less(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(demo, "write_borough", lambda _, **how: asked.append((how["contacts"], how["people"])))
    monkeypatch.setattr(demo, "found_network", lambda *_: None)
    for cases, people in ((2, None), (40, None), (400, None), (2, 7)):
        demo.prepare(tmp_path / f"{cases} {people}", cases, 47, people=people)
    assert asked == [(2, 1000), (40, 20_000), (400, 20_000), (2, 7)]


def test_every_contact_is_a_contact_decided_when_it_came(contacts, truth):
    assert [each["scene"] for each in truth["contacts"].values()] == SCENES
    assert [str(contact.contact_ref) for contact in contacts] == list(truth["contacts"])
    assert {contact.received_at.date() for contact in contacts[:12]} == {TODAY - timedelta(days=1)}
    assert all(contact.received_at < datetime.combine(TODAY, datetime.min.time(), UTC) for contact in contacts)
    assert all(contact.decision for contact in contacts)


def test_more_contacts_come_round_with_other_people_and_other_words(tmp_path):
    write_borough(tmp_path, today=TODAY, people=60, contacts=90)
    lines = [CONTACT.validate_json(line) for line in (tmp_path / "contacts.jsonl").read_text().splitlines()]
    assert len({contact.contact_ref for contact in lines}) == 90
    assert len({contact.decision.necessity.text for contact in lines}) == 90
    named = [contact for contact in lines if contact.subjects[0].family_name]
    children = {(contact.subjects[0].family_name, contact.subjects[0].given_names, contact.subjects[0].born_on) for contact in named}
    households = sum(
        each["scene"] in {"low_level_2", "low_level_3"} for each in json.loads((tmp_path / "truth.json").read_text())["contacts"].values()
    )
    assert len(children) == len(named) - households
    assert [each["scene"] for each in json.loads((tmp_path / "truth.json").read_text())["contacts"].values()] == (SCENES * 3)[:90]


def test_few_people_are_enough_when_the_contacts_need_more(tmp_path):
    write_borough(tmp_path, today=TODAY, people=3, contacts=40)
    assert all(source_faults(each, tmp_path / agency) == () for agency in AGENCIES for each in settings_of(tmp_path / agency))


def test_half_past_four_on_a_friday_a_man_is_known_as_dave_and_by_nothing_else(contacts, truth):
    contact, true = scene(contacts, truth, "friday_dave")
    assert contact.received_at == datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
    dave = contact.subjects[2]
    assert (dave.known_as, dave.family_name, dave.given_names, dave.born_on, dave.addresses) == ("Dave", None, None, None, ())
    assert {each["outcome"] for each in true["subjects"]["s3"].values()} == {"none"}


def test_three_small_worries_are_about_one_household_on_three_days(contacts, truth):
    three = [scene(contacts, truth, f"low_level_{number}")[0] for number in (1, 2, 3)]
    assert len({contact.subjects for contact in three}) == 1
    assert len({contact.received_at.date() for contact in three}) == 3
    assert len({contact.referrer.kind for contact in three}) == 3


def test_the_unborn_have_a_due_day_and_no_record_of_their_own(contacts, truth):
    contact, true = scene(contacts, truth, "unborn")
    assert contact.subjects[0].role is SubjectRole.unborn
    assert contact.subjects[0].due_on > TODAY
    assert {each["outcome"] for each in true["subjects"]["s1"].values()} == {"none"}


def test_a_child_of_two_boroughs_has_two_addresses(contacts, truth):
    assert len(set(scene(contacts, truth, "two_boroughs")[0].subjects[0].addresses)) == 2


def test_what_must_stay_hidden_is_in_no_contact(contacts, truth):
    for contact in contacts:
        hidden = truth["contacts"][contact.contact_ref]["never"]
        assert not [words for words in hidden if words in CONTACT.dump_json(contact).decode()]
    assert {each["scene"] for each in truth["contacts"].values() if each["never"]} == {"sibling_in_care", "adopted", "safe_address"}


def test_a_screening_question_stays_one_whatever_the_referrer_calls_it(contacts, truth):
    contact, _ = scene(contacts, truth, "screening_only")
    assert "section 47" in contact.words
    assert contact.decision.stage is Stage.screening


def test_of_people_in_contacts_nothing_is_held_but_what_the_contact_is_about_and_what_all_on_the_books_have(contacts, truth):
    _, true = scene(contacts, truth, "nothing_held")
    held = {row["category"] for subject in true["subjects"].values() for agency in subject.values() for row in agency["rows"]}
    assert held <= OF_COURSE
    _, true = scene(contacts, truth, "s47_red")
    assert Counter(row["category"] for row in true["subjects"]["s3"]["police"]["rows"]) == {
        "pol.da_callouts_dash": 3,
        "pol.crime_reports": 1,
        "pol.pnc_convictions": 1,
    }


def test_a_child_with_a_social_worker_has_an_open_plan_on_record(contacts, truth):
    _, true = scene(contacts, truth, "open_case")
    plans = [row for row in true["subjects"]["s1"]["csc"]["rows"] if row["category"] == "csc.cin_plan"]
    assert [row["fields"]["status"] for row in plans] == ["Open"]


def test_what_happens_later_is_written_down_for_the_demo(borough, truth):
    later = json.loads((borough / "script.json").read_text())["contacts"]
    scenes = {name: each["scene"] for name, each in truth["contacts"].items()}
    assert {scenes[name]: [each["event"] for each in events] for name, events in later.items()} == {
        "wrong_person": ["correct"],
        "withdrawn": ["withdraw"],
        "late_then_revised": ["late", "revise"],
    }
    agencies = {member.id for member in MEMBERS}
    assert all(each["agency"] in {*agencies, ""} and each["after_minutes"] > 0 for events in later.values() for each in events)


@pytest.mark.proves("I10")
@pytest.mark.parametrize("agency", AGENCIES)
def test_each_contact_is_matched_and_answered_as_it_truly_is(sources, contacts, truth, agency):
    every = sources[agency]
    for contact in contacts:
        for subject in contact.subjects:
            true = truth["contacts"][contact.contact_ref]["subjects"][subject.ref][agency]
            people = [(source, match(subject, source.candidates(subject).rows)) for source in every]
            said = (contact.contact_ref, subject.ref, *(found.outcome.value for _, found in people))
            if true["outcome"] == "wrong":
                assert not any(found.person.key in true["keys"] for _, found in people), said
                continue
            if not true["dirt"] and true["as_told"]:
                assert said[2:] == (true["outcome"],) * len(every), said
            assert all(found.person.key in true["keys"] for _, found in people if found.person), said
            if len(true["keys"]) == len(every) and all(found.person for _, found in people):
                assert sorted(row for source, found in people for row in held(source, found.person)) == sorted(map(plain, true["rows"])), (
                    said
                )


def test_what_housing_holds_of_a_family_stands_in_its_system_and_in_the_archive_beside_it(sources, contacts, truth):
    contact, _ = scene(contacts, truth, "needs")
    mother = next(each for each in contact.subjects if each.role is SubjectRole.parent_carer)
    found = [(source, match(mother, source.candidates(mother).rows).person) for source in sources["housing"]]
    visits = [source.fetch(person, CategoryId("hou.property_condition"), date(1990, 1, 1), TODAY).rows for source, person in found]
    assert [len(rows) for rows in visits] == [1, 1]
    assert visits[1][0].at < TODAY - KEPT_IN_USE <= visits[0][0].at
    assert found[0][1].key != found[1][1].key


def held(source, person):
    rows = ((category, row) for category in source.categories() for row in source.fetch(person, category, date(1990, 1, 1), TODAY).rows)
    return [json.dumps([category, row.at.isoformat(), dict(row.fields)], sort_keys=True) for category, row in rows]


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
    confirmed = clean = 0
    known_there = [each for each in truth["people"] if agency in each["keys"]]
    for person in known_there[:50] + truth["people"][::67]:
        subject, keys = as_subject(person, **known), person["keys"].get(agency, [])
        matches = [match(subject, source.candidates(subject).rows) for source in sources[agency]]
        sure = [each.person.key for each in matches if each.outcome is MatchOutcome.confirmed]
        assert all(key in keys or is_misfiled(truth, key) for key in sure)
        confirmed += bool(sure)
        clean += bool(keys) and not person["dirt"][agency]
    if not known:
        assert confirmed > 0.85 * clean


def is_misfiled(truth, key):
    """The one record of the borough that bears another's traced number, which a correction will put right."""
    return any(key in keys and "wrong_number" in each["dirt"][agency] for each in truth["people"] for agency, keys in each["keys"].items())


def test_one_subject_costs_the_rows_of_one_subject(sources, contacts, truth, monkeypatch):
    returned = []
    asked = sql_source._rows
    monkeypatch.setattr(sql_source, "_rows", lambda *arguments: returned.append(asked(*arguments)) or returned[-1])
    subject = contacts[0].subjects[2]
    (police,) = sources["police"]
    person = match(subject, police.candidates(subject).rows).person
    for category in police.categories():
        police.fetch(person, CategoryId(category), date(1990, 1, 1), TODAY)
    assert sum(map(len, returned)) == 1 + len(truth["contacts"]["demo-001"]["subjects"]["s3"]["police"]["rows"])


@pytest.mark.parametrize("seed", [47, 48])
def test_contacts_come_round_again_with_other_people_whom_each_agency_that_holds_of_them_knows(seed):
    town = Town(seed, TODAY)
    cast = scenes(town, 160)
    settle(town)
    books = {agency: registers(town, agency) for agency in AGENCIES}
    known = {(agency, record.person.serial) for agency, records in books.items() for record in records}
    assert not [each for scene in cast for each in scene.held if (each.agency, each.person.serial) not in known]
