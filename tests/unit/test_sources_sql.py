"""A database as a source: indexed, read-only, bounded, and silent about what it holds when it fails."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from agents.adapter.ports import Candidate
from agents.adapter.sources import reading
from agents.adapter.sources import sql as sql_source
from agents.adapter.sources.opening import open_source, source_faults
from agents.adapter.sources.reading import MAX_ROWS, MAX_VALUE, day_of, is_stale
from agents.adapter.sources.settings import SourceSettings
from agents.adapter.sources.spelling import spellings
from schemas.enums import SubjectRole
from schemas.errors import SourceUnavailableError
from schemas.identifiers import CategoryId, SubjectRef
from schemas.records import NHS_NUMBER, Identifier, Subject

CUSTODY, MARKERS = CategoryId("pol.custody"), CategoryId("pol.warnings_markers")
NUMBER = "9434765919"
SINCE, UNTIL = date(2026, 1, 1), date(2026, 6, 30)
SCHEMA = """
CREATE TABLE people (ref INTEGER PRIMARY KEY, surname TEXT, forename TEXT, dob TEXT, pcode TEXT, nhs TEXT, traced TEXT);
CREATE INDEX people_dob ON people (dob);
CREATE INDEX people_nhs ON people (nhs);
CREATE TABLE custody (ref INTEGER, arrived TEXT, why TEXT, what TEXT);
CREATE INDEX custody_ref ON custody (ref);
CREATE TABLE markers (ref INTEGER, said TEXT);
CREATE INDEX markers_ref ON markers (ref);
INSERT INTO people VALUES (1, 'GARCÍA-O''NEILL', 'Ana', '01/02/2015', 'XX1 1AA', '943 476 5919', 'Y'),
    (2, 'García-O''Neill', 'Eva', '01/02/2015', 'XX1 1AA', NULL, 'N'), (3, 'Smith', 'Ana', '01/02/2015', 'XX2', '9449305552', 'N');
INSERT INTO custody VALUES (1, '2026-01-01 23:59:59', 'theft', 'bailed'), (1, '2026-06-30 23:59:59', 'assault', 'charged'),
    (1, '2026-07-01 00:00:00', 'late', 'x'), (1, '2025-12-31 23:59:59', 'early', 'x'), (1, NULL, 'undated', ''),
    (3, '2026-03-03 01:02:03', 'x', 'y');
INSERT INTO markers VALUES (1, 'blade');
"""


def settings(**changes):
    person = {
        "table": "people",
        "key": "ref",
        "family_name": "surname",
        "given_names": "forename",
        "born_on": {"column": "dob", "format": "%d/%m/%Y"},
        "postcode": "pcode",
        "nhs_number": {"column": "nhs", "verified": {"column": "traced", "equals": "Y"}},
    }
    custody = {
        "category": CUSTODY,
        "table": "custody",
        "person": "ref",
        "at": {"column": "arrived", "format": "%Y-%m-%d %H:%M:%S"},
        "fields": {"reason": "why", "outcome": "what"},
        "assertion": "fact",
    }
    markers = {"category": MARKERS, "table": "markers", "person": "ref", "fields": {"marker": "said"}, "assertion": "opinion"}
    plain = {
        "kind": "sql",
        "name": "records",
        "url": "sqlite:///records.sqlite",
        "allowed_lag": "P1D",
        "person": person,
        "category": (custody, markers),
    }
    return SourceSettings.model_validate(plain | changes)


@pytest.fixture
def folder(tmp_path):
    run(tmp_path, SCHEMA)
    return tmp_path


@pytest.fixture
def source(folder):
    opened = open_source(settings(), folder)
    yield opened
    opened.close()


def run(folder, script):
    with closing(sqlite3.connect(folder / "records.sqlite")) as database, database:
        database.executescript(script)


def insert(folder, table, *rows):
    with closing(sqlite3.connect(folder / "records.sqlite")) as database, database:
        database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608 - a name of this file


def subject(**values):
    number = values.pop("number", None)
    identifiers = (Identifier(system=NHS_NUMBER, value=number, verified=True),) if number else ()
    return Subject(
        ref=SubjectRef("s1"), role=SubjectRole.child, relation_to_child="the child", known_as="x", identifiers=identifiers, **values
    )


def person(key):
    return Candidate(key=key, family_name=None, given_names=None, born_on=None, postcode=None, nhs_number=None, nhs_number_verified=False)


def keys(found):
    return [each.key for each in found.rows]


def test_people_are_found_by_number_however_it_is_spaced(source):
    found = source.candidates(subject(number=NUMBER))
    assert keys(found) == ["1"]
    assert found.rows[0].nhs_number == NUMBER
    assert found.rows[0].nhs_number_verified
    assert found.rows[0].born_on == date(2015, 2, 1)


@pytest.mark.parametrize("name", ["García-O'Neill", "GARCÍA O’NEILL", "garcía oneill", "Garci\u0301a-O'Neill"])
def test_people_are_found_by_any_spelling_of_the_family_name_and_birth(source, name):
    assert keys(source.candidates(subject(family_name=name, born_on=date(2015, 2, 1)))) == ["1", "2"]


def test_a_name_without_a_birth_finds_nobody(source):
    assert keys(source.candidates(subject(family_name="Smith"))) == []


@pytest.mark.parametrize(
    ("given", "by"),
    [
        ({"number": NUMBER}, ("nhs_number",)),
        ({"family_name": "Nobody", "born_on": date(2015, 2, 1)}, ("family_name", "born_on")),
        ({"number": NUMBER, "family_name": "Smith", "born_on": date(2015, 2, 1)}, ("nhs_number", "family_name", "born_on")),
        ({"family_name": "Smith"}, ()),
        ({}, ()),
    ],
)
def test_a_search_says_by_which_identifiers_whether_or_not_it_finds(source, given, by):
    assert source.candidates(subject(**given)).by == by


@pytest.mark.parametrize(
    "insert",
    [
        "INSERT INTO people VALUES (8, 'Nowhere', 'Ana', NULL, 'XX1', NULL, 'N')",
        "INSERT INTO people VALUES (8, 'Nowhere', 'Ana', '', 'XX1', NULL, 'N')",
    ],
)
def test_a_person_without_a_date_of_birth_is_found_before_anybody_says_nobody(folder, source, insert):
    run(folder, insert)
    assert keys(source.candidates(subject(family_name="Nowhere", born_on=date(2015, 2, 1)))) == ["8"]
    assert keys(source.candidates(subject(family_name="Smith", born_on=date(2015, 2, 1)))) == ["3"]


def test_a_number_and_a_name_that_find_the_same_row_find_it_once(source):
    assert keys(source.candidates(subject(number="9449305552", family_name="Smith", born_on=date(2015, 2, 1)))) == ["3"]


def test_a_row_is_within_the_days_asked_both_included_newest_first_undated_last(source):
    rows = source.fetch(person("1"), CUSTODY, SINCE, UNTIL).rows
    assert [dict(row.fields)["reason"] for row in rows] == ["assault", "theft", "undated"]
    assert [row.at for row in rows] == [date(2026, 6, 30), date(2026, 1, 1), None]


def test_no_time_of_day_is_remembered_since_hardly_one_comes_again():
    before = reading._remembered.cache_info().currsize
    assert {day_of(f"2026-02-0{day} 10:0{day}:00", "%Y-%m-%d %H:%M:%S") for day in (1, 2)} == {date(2026, 2, 1), date(2026, 2, 2)}
    assert reading._remembered.cache_info().currsize == before


def test_an_empty_value_is_no_field(source):
    assert [len(row.fields) for row in source.fetch(person("1"), CUSTODY, SINCE, UNTIL).rows] == [2, 2, 1]


def test_a_category_without_a_date_gives_all(source):
    row = source.fetch(person("1"), MARKERS, SINCE, UNTIL).rows[0]
    assert (row.at, row.fields, row.assertion) == (None, (("marker", "blade"),), "opinion")


def test_days_that_do_not_sort_as_text_are_cut_out_too(folder):
    run(folder, "UPDATE custody SET arrived = substr(arrived, 9, 2) || '/' || substr(arrived, 6, 2) || '/' || substr(arrived, 1, 4)")
    custody = settings().category[0].model_dump() | {"at": {"column": "arrived", "format": "%d/%m/%Y"}}
    rows = open_source(settings(category=(custody,)), folder).fetch(person("1"), CUSTODY, SINCE, UNTIL).rows
    assert [dict(row.fields)["reason"] for row in rows] == ["assault", "theft", "undated"]


def test_the_last_day_there_is_can_be_asked_for(source):
    assert len(source.fetch(person("1"), CUSTODY, date.min, date.max).rows) == 5


def test_freshness_is_the_files_time_or_a_columns(folder):
    as_of = open_source(settings(), folder).candidates(subject(number=NUMBER)).as_of
    assert abs(as_of - datetime.now(UTC)) < timedelta(minutes=5)
    column = {"table": "custody", "column": "arrived", "format": "%Y-%m-%d %H:%M:%S"}
    found = open_source(settings(as_of=column), folder).candidates(subject(number=NUMBER))
    assert found.as_of == datetime(2026, 7, 1, tzinfo=UTC)
    assert is_stale(found, found.as_of + timedelta(days=1, seconds=1), settings().allowed_lag)
    assert not is_stale(found, found.as_of + timedelta(days=1), settings().allowed_lag)


@pytest.mark.proves("I19")
def test_more_rows_than_the_limit_are_an_error_never_a_shorter_answer(folder, source):
    insert(folder, "custody", *[(3, "2026-05-05 00:00:00", "x", "y")] * MAX_ROWS)
    with pytest.raises(SourceUnavailableError, match=str(MAX_ROWS)):
        source.fetch(person("3"), CUSTODY, SINCE, UNTIL)
    run(folder, "DELETE FROM custody WHERE rowid = (SELECT max(rowid) FROM custody)")
    assert len(source.fetch(person("3"), CUSTODY, SINCE, UNTIL).rows) == MAX_ROWS


@pytest.mark.proves("I18")
@pytest.mark.parametrize("value", ["not a day", "2026-02-30 00:00:00", "02/03/2026"])
def test_a_value_that_does_not_fit_its_format_is_an_error_without_the_value(folder, source, value):
    insert(folder, "custody", (2, value, "x", "y"))
    with pytest.raises(SourceUnavailableError) as failed:
        source.fetch(person("2"), CUSTODY, date.min, date.max)
    assert value not in str(failed.value)
    assert failed.value.__context__ is None
    assert failed.value.__cause__ is None


@pytest.mark.proves("I19")
@pytest.mark.parametrize("value", ["x" * (MAX_VALUE + 1), "a\0b"])
def test_a_value_no_answer_can_carry_is_an_error(folder, source, value):
    insert(folder, "markers", (2, value))
    with pytest.raises(SourceUnavailableError):
        source.fetch(person("2"), MARKERS, SINCE, UNTIL)


def test_an_unreadable_birth_leaves_the_number_to_find_by(folder, source):
    run(folder, "UPDATE people SET dob = '31/02/2015' WHERE ref = 1")
    assert source.candidates(subject(number=NUMBER)).rows[0].born_on is None


def test_a_category_the_source_has_not_is_an_error(source):
    with pytest.raises(SourceUnavailableError):
        source.fetch(person("1"), CategoryId("pol.incidents"), SINCE, UNTIL)


@pytest.mark.parametrize("damage", ["missing", "garbage", "no table", "locked"])
def test_a_source_that_is_down_says_so_and_never_none_held(folder, monkeypatch, damage):
    monkeypatch.setattr(sql_source, "STATEMENT_SECONDS", 0.1)
    path = folder / "records.sqlite"
    lock = sqlite3.connect(path, isolation_level=None)
    if damage == "missing":
        path.unlink()
    elif damage == "garbage":
        path.write_bytes(b"\x00Smith\xff" * 5000)
    elif damage == "no table":
        run(folder, "DROP TABLE custody; DROP TABLE people")
    else:
        lock.execute("BEGIN EXCLUSIVE")
    source = open_source(settings(), folder)
    for ask in (lambda: source.candidates(subject(number=NUMBER)), lambda: source.fetch(person("1"), CUSTODY, SINCE, UNTIL)):
        with pytest.raises(SourceUnavailableError) as failed:
            ask()
        assert failed.value.__context__ is None
        assert "records.sqlite" not in str(failed.value)
    assert source_faults(settings(), folder)
    lock.close()


@pytest.mark.proves("I19")
def test_a_statement_that_takes_too_long_is_stopped(folder, monkeypatch):
    monkeypatch.setattr(sql_source, "STATEMENT_SECONDS", -1)
    monkeypatch.setattr(sql_source, "PROGRESS_STEPS", 1)
    with pytest.raises(SourceUnavailableError, match="OperationalError"):
        open_source(settings(), folder).candidates(subject(number=NUMBER))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO markers VALUES (1, 'x')",
        "UPDATE people SET surname = 'x'",
        "DELETE FROM custody",
        "DROP TABLE people",
        "CREATE TABLE t (x)",
    ],
)
def test_the_reading_role_cannot_write(folder, statement):
    engine = sql_source.read_only_engine("sqlite:///records.sqlite", folder)
    with engine.connect() as connection:
        connection.execute(text("PRAGMA query_only = OFF"))  # the file itself is opened for reading
        with pytest.raises(OperationalError):
            connection.execute(text(statement))
    engine.dispose()


NASTY = [
    "' OR '1'='1",
    "1; DROP TABLE people--",
    "') UNION SELECT ref, surname, forename, dob, pcode, nhs, traced FROM people--",
    "%",
    "_",
    "\\",
    "\x00",
    "${jndi:ldap://x}",
    ":names",
    "?1",
    "{}",
    "Robert'); DROP TABLE people;--",
    "\u202e\u200bSmith",
    "ﬁ",
    "ß" * 100,
    "İ",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_hostile_words_find_nobody_and_change_nothing(folder, source, nasty):
    before = (folder / "records.sqlite").read_bytes()
    hostile = subject(family_name=nasty, given_names=nasty, born_on=date(2015, 2, 1))
    assert keys(source.candidates(hostile)) == []
    assert source.fetch(person(nasty), CUSTODY, SINCE, UNTIL).rows == ()
    assert (folder / "records.sqlite").read_bytes() == before


def test_doctor_finds_nothing_wrong(folder):
    assert source_faults(settings(), folder) == ()


@pytest.mark.parametrize(
    ("script", "field", "fix"),
    [
        ("DROP INDEX people_nhs", "source.person", "index on nhs"),
        ("DROP INDEX people_dob", "source.person", "index on dob"),
        ("DROP INDEX custody_ref", "source.category.pol.custody", "index on ref"),
        ("DROP TABLE custody", "source.category.pol.custody", "reading role"),
        ("ALTER TABLE custody RENAME COLUMN why TO reason", "source.category.pol.custody", "correct the name"),
        (
            "DROP TABLE markers; CREATE VIEW markers AS SELECT ref + 0 AS ref, what AS said FROM custody",
            "source.category.pol.warnings_markers",
            "index",
        ),
    ],
)
def test_doctor_names_what_is_missing(folder, script, field, fix):
    run(folder, script)
    found = source_faults(settings(), folder)
    assert [each.field for each in found] == [field]
    assert fix in found[0].fix


@pytest.mark.parametrize("name", ["", "-", "''", " . "])
def test_a_name_of_nothing_but_marks_has_no_spelling(name):
    assert spellings(name) == []
