"""FHIR Bundles as a source: UK Core Patients found, their resources by declared paths, and nothing broken passes for "nothing held"."""

import json
from datetime import date

import pytest
from peak import Peak

from agents.adapter.ports import Candidate, PersonAnswersError
from agents.adapter.sources import bundle
from agents.adapter.sources.opening import open_source, source_faults
from agents.adapter.sources.places import WHOSE
from agents.adapter.sources.settings import SourceSettings
from schemas.enums import SubjectRole
from schemas.errors import ConfigurationError, SourceUnavailableError
from schemas.identifiers import CategoryId, SubjectRef
from schemas.records import NHS_NUMBER, Identifier, Subject

INJURIES = CategoryId("gp.injuries")
NUMBER = "9434765919"
SINCE, UNTIL = date(2026, 1, 1), date(2026, 6, 30)
SNOMED = "http://snomed.info/sct"
RESTRICTED = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}


def settings(category=INJURIES, **place):
    plain = {"resource": "Condition", "at": {"column": "recordedDate"}, "assertion": "fact"}
    plain |= {"fields": {"injury": "code.coding[1].display", "explanation": "note.text"}} | place
    given = {"kind": "fhir", "name": "gp", "folder": ".", "allowed_lag": "P1D", "category": ({"category": category, **plain},)}
    return SourceSettings.model_validate(given)


def patient(key="p1", *, number=NUMBER, status="number-present-and-verified", **changes):
    verification = {"url": bundle.VERIFICATION, "valueCodeableConcept": {"coding": [{"system": "x", "code": status}]}}
    return {
        "resourceType": "Patient",
        "id": key,
        "identifier": [
            {"system": "https://example.org/local", "value": "1"},
            {"system": bundle.NHS_NUMBER, "value": number, "extension": [verification]},
        ],
        "name": [
            {"use": "maiden", "family": "Jones"},
            {"use": "usual", "family": "Obrien"},
            {"use": "official", "family": "O'Brien", "given": ["Zoë", "Ann"]},
        ],
        "birthDate": "2015-02-01",
        "address": [{"use": "old", "postalCode": "XX9 9XX"}, {"use": "home", "line": ["1 The Road"], "postalCode": "XX1 1AA"}],
    } | changes


def condition(whose="Patient/p1", *, shown="Fracture", coded="1", **changes):
    coding = [{"system": SNOMED, "code": coded}, {"system": "http://read.info/ctv3", "code": "S", "display": shown}]
    plain = {"resourceType": "Condition", "subject": {"reference": whose}, "recordedDate": "2026-02-03T10:00:00+00:00"}
    return plain | {"code": {"coding": coding}, "note": [{"text": "fell"}, {"text": "later"}]} | changes


def write(folder, *resources, file="a.json", urls=()):
    entries = [{"resource": each} for each in resources]
    for entry, url in zip(entries, urls, strict=False):
        entry["fullUrl"] = url
    (folder / file).write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))


def opened(folder, *resources, **place):
    write(folder, *resources)
    return open_source(settings(**place), folder)


def subject(**values):
    number = values.pop("number", None)
    identifiers = (Identifier(system=NHS_NUMBER, value=number, verified=True),) if number else ()
    return Subject(
        ref=SubjectRef("s1"), role=SubjectRole.child, relation_to_child="the child", known_as="x", identifiers=identifiers, **values
    )


ZOE = subject(number=NUMBER)


def person(key):
    return Candidate(key=key, family_name=None, given_names=None, born_on=None, postcode=None, nhs_number=None, nhs_number_verified=False)


def held(source, key="p1", category=INJURIES):
    return [dict(row.fields) for row in source.fetch(person(key), category, SINCE, UNTIL).rows]


def injuries(source, key="p1"):
    return [each["injury"] for each in held(source, key)]


def unavailable(source, key="p1"):
    with pytest.raises(SourceUnavailableError) as error:
        source.fetch(person(key), INJURIES, SINCE, UNTIL)
    return error.value


def told(source):
    return [(each.file, each.field) for each in source.faults()]


# --- people


def test_a_patient_is_read_as_uk_core_says(tmp_path):
    found = opened(tmp_path, patient()).candidates(ZOE).rows
    assert [(each.key, each.family_name, each.given_names, each.born_on, each.postcode) for each in found] == [
        ("p1", "O'Brien", "Zoë Ann", date(2015, 2, 1), "XX1 1AA")
    ]
    assert (found[0].nhs_number, found[0].nhs_number_verified) == (NUMBER, True)


@pytest.mark.parametrize("status", ["number-present-but-not-traced", "trace-required", "02", ""])
def test_an_untraced_number_is_not_verified(tmp_path, status):
    assert not opened(tmp_path, patient(status=status)).candidates(ZOE).rows[0].nhs_number_verified


def test_a_status_of_another_extension_verifies_nothing(tmp_path):
    there = patient()
    there["identifier"][1]["extension"][0]["url"] = "https://example.org/trust-me"
    assert not opened(tmp_path, there).candidates(ZOE).rows[0].nhs_number_verified


@pytest.mark.parametrize("code", ["R", "V", "S"])
def test_a_restricted_address_is_never_read(tmp_path, code):
    there = patient(meta={"security": [{"code": "N"}, {"code": code}]})
    source = opened(tmp_path, there)
    assert source.candidates(ZOE).rows[0].postcode is None
    assert source._loaded.database.execute("SELECT count(*) FROM person WHERE postcode IS NOT NULL").fetchone() == (0,)


def test_an_open_address_is_read(tmp_path):
    assert opened(tmp_path, patient(meta={"security": [{"code": "U"}]})).candidates(ZOE).rows[0].postcode == "XX1 1AA"


def test_a_patient_without_name_and_number_is_told_and_hides_nobody(tmp_path):
    source = opened(tmp_path, patient(), {"resourceType": "Patient", "id": "p2"})
    assert told(source) == [("a.json", "entry[1].Patient.family")]
    assert source.candidates(subject(family_name="Nobody", born_on=date(2000, 1, 1))).rows == ()


def test_a_patient_without_name_is_found_by_number(tmp_path):
    source = opened(tmp_path, patient(name=[]))
    assert [each.family_name for each in source.candidates(ZOE).rows] == [None]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "O'Brien"},
        {"name": [7, None]},
        {"identifier": {"system": bundle.NHS_NUMBER, "value": NUMBER}},
        {"identifier": [{"system": [], "value": {}}, 3]},
        {"address": [{"postalCode": 12}, "x"]},
        {"meta": 7},
        {"meta": {"security": [{"code": ["R"]}, "R", None]}},
        {"birthDate": 20150201},
        {"birthDate": "2015"},
    ],
)
@pytest.mark.proves("I19")
def test_a_patient_of_another_shape_does_no_harm(tmp_path, changes):
    write(tmp_path, patient("p2", number="9449305552"), patient(**changes), condition("Patient/p2"))
    source = open_source(settings(), tmp_path)
    assert [each.key for each in source.candidates(subject(number="9449305552")).rows] == ["p2"]
    assert injuries(source, "p2") == ["Fracture"]


# --- what is held


def test_resources_are_read_by_their_paths_within_the_days(tmp_path):
    early, late = condition(recordedDate="2025-12-31"), condition(recordedDate="2026-07-01T00:00:00Z")
    source = opened(tmp_path, patient(), condition(), early, late)
    assert held(source) == [{"injury": "Fracture", "explanation": "fell"}]


@pytest.mark.parametrize(
    ("whose", "urls"),
    [
        ("Patient/p1", ()),
        ("https://gp.example/fhir/Patient/p1", ()),
        ("Patient/p1/_history/3", ()),
        ("urn:uuid:1f", ("urn:uuid:1f",)),
        ("https://gp.example/x/1", ("https://gp.example/x/1",)),
    ],
)
def test_a_reference_is_followed_to_its_patient(tmp_path, whose, urls):
    write(tmp_path, patient(), condition(whose), urls=urls)
    assert injuries(open_source(settings(), tmp_path)) == ["Fracture"]


def test_a_patient_and_what_is_held_may_come_in_different_files(tmp_path):
    write(tmp_path, condition(), file="b.json")
    assert injuries(opened(tmp_path, patient())) == ["Fracture"]


@pytest.mark.parametrize("whose", ["urn:uuid:elsewhere", "Patient?identifier=1", "", None, 7, "Patient/a b"])
@pytest.mark.proves("I14", "I19")
def test_a_resource_whose_patient_cannot_be_told_stops_every_none_held(tmp_path, whose):
    source = opened(tmp_path, patient(), patient("p2"), condition("Patient/p2"), condition(whose))
    assert injuries(source, "p2") == ["Fracture"]
    unavailable(source)
    assert told(source) == [("a.json", "entry[3].Condition.Patient")]


def test_a_resource_of_no_patient_is_nobody_and_stops_nothing(tmp_path):
    source = opened(tmp_path, patient(), condition("Group/herd"))
    assert (held(source), told(source)) == ([], [])


def test_an_appointment_is_of_the_patients_among_its_participants(tmp_path):
    actors = [{"actor": {"reference": reference}} for reference in ("Practitioner/d1", "Patient/p1", "Patient/p2")]
    meeting = {"resourceType": "Appointment", "start": "2026-02-03T10:00:00Z", "status": "noshow", "participant": actors}
    slot = meeting | {"participant": actors[:1]}
    place = {"category": "gp.appointments", "resource": "Appointment", "at": {"column": "start"}, "fields": {"status": "status"}}
    source = opened(tmp_path, patient(), patient("p2"), meeting, slot, **place)
    for key in ("p1", "p2"):
        assert held(source, key, CategoryId("gp.appointments")) == [{"status": "noshow"}]
    assert source.faults() == ()


def test_only_the_asked_codes_are_read(tmp_path):
    there = [patient(), condition(coded="1", shown="Fracture"), condition(coded="2", shown="Flu"), condition(coded="11", shown="Other")]
    assert injuries(opened(tmp_path, *there, codes=[f"{SNOMED}|1"])) == ["Fracture"]
    assert injuries(opened(tmp_path, *there, codes=["http://other.example|1"])) == []
    assert sorted(injuries(opened(tmp_path, *there))) == ["Flu", "Fracture", "Other"]


@pytest.mark.parametrize("changes", [{"status": "entered-in-error"}, {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}}])
def test_what_was_entered_in_error_is_not_held(tmp_path, changes):
    assert held(opened(tmp_path, patient(), condition(**changes))) == []


@pytest.mark.proves("I14")
def test_a_restricted_resource_leaves_the_answer_to_a_person(tmp_path):
    source = opened(tmp_path, patient(), patient("p2"), condition(), condition(meta=RESTRICTED), condition("Patient/p2"))
    assert isinstance(unavailable(source), PersonAnswersError)
    assert injuries(source, "p2") == ["Fracture"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "broken leg"}, "code.coding[1].display"),
        ({"note": [{"text": {"div": "x"}}]}, "note.text"),
        ({"note": [{"text": "x" * 9000}]}, "note.text"),
        ({"note": [{"text": "a\0b"}]}, "note.text"),
        ({"recordedDate": "2026"}, "recordedDate"),
        ({"recordedDate": "2026-02-30"}, "recordedDate"),
    ],
)
@pytest.mark.proves("I14", "I19")
def test_a_broken_resource_is_kept_aside_with_file_entry_and_path(tmp_path, changes, field):
    source = opened(tmp_path, patient(), patient("p2"), condition(**changes), condition("Patient/p2"))
    assert told(source) == [("a.json", f"entry[2].Condition.{field}")]
    assert injuries(source, "p2") == ["Fracture"]
    assert not isinstance(unavailable(source), PersonAnswersError)


@pytest.mark.parametrize("changes", [{"code": None}, {"code": {}}, {"code": {"coding": []}}, {"code": {"coding": [None, None]}}])
def test_an_absent_element_is_an_empty_field(tmp_path, changes):
    assert held(opened(tmp_path, patient(), condition(**changes))) == [{"explanation": "fell"}]


# --- files


def doubled(folder, text):
    write(folder, patient(), patient("p2"), condition(), condition("Patient/p2"))
    path = folder / "a.json"
    path.write_text(path.read_text().replace(*text, 1))


@pytest.mark.proves("I14", "I19")
def test_a_key_twice_keeps_its_resource_aside(tmp_path):
    doubled(tmp_path, ('"subject": {"reference": "Patient/p1"}', '"subject": {"reference": "Patient/p9", "reference": "Patient/p1"}'))
    source = open_source(settings(), tmp_path)
    assert told(source) == [("a.json", "entry[2].Condition.reference")]
    unavailable(source)
    assert injuries(source, "p2") == ["Fracture"]


def test_a_key_twice_around_the_entries_refuses_the_file(tmp_path):
    doubled(tmp_path, ('"type": "collection"', '"type": "collection", "type": "searchset"'))
    assert [(each.file, each.field) for each in source_faults(settings(), tmp_path)] == [("a.json", "type")]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", 1),
        (b'{"resourceType": "Bundle",\n"entry": [}', 2),
        (b"[" * 200_000, None),
        (b'{"resourceType": "Bundle", "entry": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", None),
        (b'{"a":' * 200_000, None),
        (b'{"resourceType": "Bundle", "total": NaN}', None),
        (b'{"resourceType": "Bundle", "total": ' + b"9" * 10_000 + b"}", None),
        (b'{"resourceType": "Bundle", "id": "\xff"}', None),
        (b'{"resourceType": "Patient"}', 1),
        (b'{"resourceType": "Bundle", "entry": {}}', 1),
        (b"[]", 1),
    ],
    ids=["empty", "syntax", "deep", "deep entry", "deep objects", "NaN", "huge number", "no UTF-8", "no Bundle", "no entries", "a list"],
)
@pytest.mark.proves("I19")
def test_a_broken_bundle_is_refused_by_name(tmp_path, data, line):
    write(tmp_path, patient())
    (tmp_path / "z.json").write_bytes(data)
    with pytest.raises(ConfigurationError) as error:
        open_source(settings(), tmp_path)
    assert [(each.file, each.line) for each in error.value.faults] == [("z.json", line)]


@pytest.mark.proves("I19")
def test_a_bundle_larger_than_the_limit_is_refused_unread(tmp_path, monkeypatch):
    write(tmp_path, patient())
    size = (tmp_path / "a.json").stat().st_size
    monkeypatch.setattr(bundle, "MAX_BUNDLE", size)
    open_source(settings(), tmp_path)
    monkeypatch.setattr(bundle, "MAX_BUNDLE", size - 1)
    with pytest.raises(ConfigurationError, match="larger"):
        open_source(settings(), tmp_path)


@pytest.mark.proves("I19")
def test_a_bundle_of_countless_small_objects_costs_bounded_memory(tmp_path):
    (tmp_path / "a.json").write_bytes(b'{"resourceType": "Bundle", "entry": [' + b"{}," * 10_000_000 + b"{}]}")
    peak = Peak()
    with pytest.raises(ConfigurationError):
        open_source(settings(), tmp_path)
    assert peak.grown() < 400 * 2**20  # all of them would take more than 700


def test_more_entries_than_the_limit_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "MAX_ENTRIES", 1)
    opened(tmp_path, patient())
    with pytest.raises(ConfigurationError, match="entries"):
        opened(tmp_path, patient(), condition())


@pytest.mark.parametrize(
    "entry", [None, 7, [], {}, {"resource": None}, {"resource": {"id": "x"}}, {"resource": {"resourceType": ["Patient"]}}]
)
@pytest.mark.proves("I14", "I19")
def test_an_entry_without_a_resource_may_be_anybody(tmp_path, entry):
    write(tmp_path, patient())
    read = json.loads((tmp_path / "a.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps(read | {"entry": [*read["entry"], entry]}))
    source = open_source(settings(), tmp_path)
    unavailable(source)
    with pytest.raises(SourceUnavailableError):
        source.candidates(subject(family_name="Nobody", born_on=date(2000, 1, 1)))


def test_every_type_that_may_be_declared_says_whose_it_is(tmp_path):
    for kind, path in WHOSE.items():
        reference = {"reference": "Patient/p1"}
        element = {"participant": [{"actor": reference}]} if kind == "Appointment" else {path: reference}
        source = opened(
            tmp_path, patient(), {"resourceType": kind, "status": "final", **element}, resource=kind, at=None, fields={"s": "status"}
        )
        assert held(source) == [{"s": "final"}], kind
