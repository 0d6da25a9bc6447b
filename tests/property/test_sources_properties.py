"""Whatever bytes an extract holds, it is read, or refused by file; nothing else ever happens. A spelling always finds its own name."""

import json
import sqlite3
import unicodedata
from contextlib import closing
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agents.adapter.sources.bundle import NHS_NUMBER as NHS_SYSTEM
from agents.adapter.sources.bundle import VERIFICATION, read_bundle
from agents.adapter.sources.extract import read_extract
from agents.adapter.sources.loading import _key, load
from agents.adapter.sources.parquet import read_parquet
from agents.adapter.sources.places import Dated
from agents.adapter.sources.reading import day_of, stored
from agents.adapter.sources.settings import SourceSettings
from agents.adapter.sources.spelling import PUNCTUATION, spellings
from agents.adapter.sources.workbook import read_workbook
from schemas.errors import ConfigurationError

PIECES = st.sampled_from(
    [b"A,B,C\n", b"A;B;C\n", b'"', b",", b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xc3\xa9", b"\xe9", b"x", b"1,2,3\n", b"\xef\xbb\xbf"]
)


@pytest.mark.proves("I19")
@given(
    st.one_of(st.binary(max_size=400), st.lists(PIECES, max_size=40).map(b"".join)),
    st.sampled_from(["utf-8", "cp1252"]),
    st.sampled_from(",;|"),
)
@settings(max_examples=400)
def test_any_bytes_are_read_or_refused(tmp_path_factory, data, encoding, delimiter):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(data)
    try:
        lines = list(read_extract(path, ["A", "C"], encoding, delimiter))
    except ConfigurationError as refused:
        lines = []
        files = {fault.file for fault in refused.faults}
    else:
        files = {"any.csv"}
    assert files == {"any.csv"}
    numbers = [line.number for line in lines]
    assert numbers == sorted(set(numbers))
    for line in lines:
        assert line.wrong or len(line.values) == 2
        assert line.values is None or not any("\0" in value for value in line.values)


@pytest.fixture(scope="module")
def database():
    with closing(sqlite3.connect(":memory:")) as opened:
        yield opened


@given(st.text(st.characters(categories=["L", "M", "P", "Zs"]), max_size=20), st.sampled_from([str, str.upper, str.lower, str.title]))
def test_what_a_database_makes_of_a_stored_name_is_among_the_spellings_asked(database, name, case):
    name = unicodedata.normalize("NFC", name)
    folded = database.execute("SELECT lower(?)", (case(name),)).fetchone()[0]
    for mark in PUNCTUATION:
        folded = folded.replace(mark, "")
    assert not folded.strip() or folded in spellings(name)


@given(st.dates(date(1900, 1, 1), date(2100, 12, 30)), st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%Y-%m-%d %H:%M", "%Y/%m/%d", None]))
def test_a_format_that_is_said_to_sort_sorts(day, form):
    assert Dated(column="at", format=form).sorts
    assert stored(day, form) < stored(day + timedelta(days=1), form)


@given(st.text(alphabet="%YmdbBHMSyZ /.:-", max_size=14))
def test_an_accepted_format_never_fails_on_a_day(form):
    try:
        dated = Dated(column="at", format=form)
    except ValidationError:
        return
    assert day_of(stored(date(2015, 2, 3), dated.format), dated.format) == date(2015, 2, 3)


# --- bundles, workbooks, Parquet: any content is read, or refused by file; nothing else ever happens

NAMES = [
    "resourceType",
    "resource",
    "entry",
    "id",
    "fullUrl",
    "subject",
    "reference",
    "code",
    "coding",
    "system",
    "meta",
    "security",
    "name",
    "given",
]
NAMES += [
    "use",
    "identifier",
    "value",
    "extension",
    "url",
    "valueCodeableConcept",
    "birthDate",
    "address",
    "postalCode",
    "status",
    "at",
    "\0twice",
]
WORDS = st.sampled_from(
    ["Patient", "Condition", "Bundle", "Patient/p1", "p1", "urn:uuid:1", "R", "official", NHS_SYSTEM, VERIFICATION, "2026-02-03", "a\0b"]
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 10**20) | st.floats(allow_nan=False, allow_infinity=False) | WORDS
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5), max_leaves=20
)
SHAPES = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6)
ENTRIES = st.lists(
    JSON | st.builds(lambda kind, rest: {"resource": {**rest, "resourceType": kind}, "fullUrl": "urn:uuid:1"}, WORDS, SHAPES), max_size=5
)
FHIR = SourceSettings.model_validate(
    {"kind": "fhir", "name": "gp", "folder": ".", "allowed_lag": "P1D"}
    | {
        "category": [
            {
                "category": "gp.injuries",
                "resource": "Condition",
                "codes": [],
                "at": {"column": "at"},
                "fields": {"a": "code.coding[1].system", "b": "status"},
                "assertion": "fact",
            }
        ]
    }
)


@pytest.mark.proves("I19")
@given(ENTRIES)
@settings(max_examples=60, deadline=None)
def test_a_bundle_of_any_shape_is_loaded_row_by_row(tmp_path_factory, entries):
    folder = tmp_path_factory.getbasetemp() / "bundles"
    folder.mkdir(exist_ok=True)
    (folder / "any.json").write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
    loaded = load(FHIR, folder)
    held = loaded.database.execute("SELECT count(*) FROM held").fetchone()[0]
    meant = [each for each in entries if isinstance(each, dict) and isinstance(each.get("resource"), dict)]
    assert held <= 3 * len(meant)
    assert all(fault.file == "any.json" and fault.field.startswith("entry[") for aside in loaded.aside.values() for fault in aside.faults)
    loaded.database.close()


@pytest.mark.proves("I19")
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_a_bundle_or_refused(tmp_path_factory, data):
    assert _named_or_read(tmp_path_factory, "any.json", data, read_bundle)


@pytest.mark.proves("I19")
@given(st.binary(max_size=300).map(lambda data: b"PK\x03\x04" + data) | st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_a_workbook_or_refused(tmp_path_factory, data):
    assert _named_or_read(tmp_path_factory, "any.xlsx", data, lambda path: list(read_workbook(path, ["A"], None, 1)))


@pytest.mark.proves("I19")
@given(st.binary(max_size=300).map(lambda data: b"PAR1" + data + b"PAR1"))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_parquet_or_refused(tmp_path_factory, data):
    assert _named_or_read(tmp_path_factory, "any.parquet", data, lambda path: list(read_parquet(path, ["A"])))


def _named_or_read(tmp_path_factory, name, data, read):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    try:
        read(path)
    except ConfigurationError as refused:
        return {fault.file for fault in refused.faults} == {name} and refused.__context__ is None
    return True


@given(
    st.lists(st.text(min_size=1, max_size=5).filter(str.strip), min_size=2, max_size=3),
    st.lists(st.text(min_size=1, max_size=5).filter(str.strip), min_size=2, max_size=3),
)
def test_keys_of_several_parts_are_the_same_only_if_their_parts_are(these, those):
    same = [part.strip() for part in these] == [part.strip() for part in those]
    assert (_key(list(these)) == _key(list(those))) == same
