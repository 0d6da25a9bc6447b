"""A folder of extracts as a source: what cannot be read is named and never passes for "nothing held"."""

import os
from datetime import date

import duckdb
import pytest

from agents.adapter.ports import Candidate
from agents.adapter.sources import extract, files, loading
from agents.adapter.sources.files import FilesSource
from agents.adapter.sources.opening import open_source, source_faults
from agents.adapter.sources.reading import MAX_ROWS, MAX_VALUE
from agents.adapter.sources.settings import SourceSettings
from schemas.enums import SubjectRole
from schemas.errors import ConfigurationError, SourceUnavailableError
from schemas.identifiers import CategoryId, SubjectRef
from schemas.records import NHS_NUMBER, Identifier, Subject

ED = CategoryId("acute.ed_attendances")
NUMBER = "9434765919"
SINCE, UNTIL = date(2026, 1, 1), date(2026, 6, 30)
PEOPLE = "NO,NHS,STATUS,NAME,FIRST,BORN,PC,REMARK\n"
GOOD_PEOPLE = PEOPLE + "H1,943 476 5919,01,O'BRIEN,Zoë,01/02/2015,XX1 1AA,r\nH2,9449305552,02,Smith-Jones,Al,03/04/1990,XX2,r\n"
VISITS = "NO,ARRIVED,WHY,END\n"
GOOD_VISITS = VISITS + 'H1,01/01/2026 23:59,"Fall, stairs",Home\nH1,30/06/2026 00:00,Burn,Ward\nH1,01/07/2026 00:00,late,x\nH1,,undated,\n'


def settings(**changes):
    plain = {
        "kind": "csv",
        "name": "extracts",
        "folder": ".",
        "allowed_lag": "P1D",
        "person": {
            "file": "people.csv",
            "key": "NO",
            "family_name": "NAME",
            "given_names": "FIRST",
            "born_on": {"column": "BORN", "format": "%d/%m/%Y"},
            "postcode": "PC",
            "nhs_number": {"column": "NHS", "verified": {"column": "STATUS", "equals": "01"}},
        },
        "category": (
            {
                "category": ED,
                "file": "visits.csv",
                "person": "NO",
                "at": {"column": "ARRIVED", "format": "%d/%m/%Y %H:%M"},
                "fields": {"presenting_complaint": "WHY", "disposal": "END"},
                "assertion": "fact",
            },
        ),
    }
    return SourceSettings.model_validate(plain | changes)


def write(folder, people=GOOD_PEOPLE, visits=GOOD_VISITS, encoding="utf-8"):
    for name, content in (("people.csv", people), ("visits.csv", visits)):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode(encoding))


@pytest.fixture
def source(tmp_path):
    write(tmp_path)
    opened = open_source(settings(), tmp_path)
    yield opened
    opened.close()


def subject(**values):
    number = values.pop("number", None)
    identifiers = (Identifier(system=NHS_NUMBER, value=number, verified=True),) if number else ()
    return Subject(
        ref=SubjectRef("s1"), role=SubjectRole.child, relation_to_child="the child", known_as="x", identifiers=identifiers, **values
    )


def person(key):
    return Candidate(key=key, family_name=None, given_names=None, born_on=None, postcode=None, nhs_number=None, nhs_number_verified=False)


def reasons(found):
    return [dict(row.fields)["presenting_complaint"] for row in found.rows]


def refused(folder, **changes):
    with pytest.raises(ConfigurationError) as error:
        open_source(settings(**changes), folder)
    assert "Smith" not in str(error.value)
    return error.value.faults


def test_people_are_found_by_number_or_by_name_and_birth(source):
    by_number = source.candidates(subject(number=NUMBER)).rows
    by_name = source.candidates(subject(family_name="o brien", born_on=date(2015, 2, 1))).rows
    assert by_number == by_name
    assert (by_number[0].key, by_number[0].nhs_number, by_number[0].nhs_number_verified) == ("H1", NUMBER, True)
    assert not source.candidates(subject(family_name="SMITH JONES", born_on=date(1990, 4, 3))).rows[0].nhs_number_verified
    assert source.candidates(subject(family_name="Smith-Jones", born_on=date(1990, 3, 4))).rows == ()
    assert source.candidates(subject(family_name="Smith-Jones")).rows == ()


def test_rows_are_within_the_days_newest_first_undated_last(source):
    found = source.fetch(person("H1"), ED, SINCE, UNTIL)
    assert reasons(found) == ["Burn", "Fall, stairs", "undated"]
    assert [row.at for row in found.rows] == [date(2026, 6, 30), date(2026, 1, 1), None]
    assert found.rows[2].fields == (("presenting_complaint", "undated"),)
    assert source.fetch(person("H2"), ED, SINCE, UNTIL).rows == ()


def test_a_category_the_source_has_not_is_an_error(source):
    with pytest.raises(SourceUnavailableError):
        source.fetch(person("H1"), CategoryId("mat.booking_concerns"), SINCE, UNTIL)


def test_only_declared_columns_are_loaded(source):
    columns = {row[0] for row in source._loaded.database.execute("DESCRIBE person").fetchall()}
    assert "REMARK" not in columns
    assert source._loaded.database.execute("SELECT count(*) FROM held WHERE list_contains(fields, 'r')").fetchone() == (0,)


def test_a_question_is_answered_from_an_index(tmp_path):
    others = "".join(f"P{index},,02,Name{index},x,01/02/2015,XX3,r\n" for index in range(3000))
    write(tmp_path, people=GOOD_PEOPLE + others, visits=GOOD_VISITS + "".join(f"P{index},01/01/2026 10:00,x,y\n" for index in range(3000)))
    source = open_source(settings(), tmp_path)
    for statement, value in ((files._BY_NUMBER, NUMBER), (files._BY_NAME, "obrien 2015-02-01"), (files._HELD, f"{ED} H1")):
        plan = source._loaded.database.execute(f"EXPLAIN ANALYZE {statement}", [value, 20]).fetchall()[0][1]
        assert "Index Scan" in plan
        assert "Sequential Scan" not in plan


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY person TO '/tmp/people.csv'",
        "ATTACH '/tmp/x.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET threads = 2",
    ],
)
def test_the_database_reaches_nothing_outside(source, statement):
    with pytest.raises(duckdb.Error):
        source._loaded.database.execute(statement)


def test_a_windows_extract_is_read_as_declared(tmp_path):
    write(tmp_path, encoding="cp1252")
    source = open_source(settings(encoding="cp1252"), tmp_path)
    assert source.candidates(subject(number=NUMBER)).rows[0].given_names == "Zoë"


def test_a_byte_order_mark_and_crlf_are_no_trouble(tmp_path):
    write(tmp_path, people=b"\xef\xbb\xbf" + GOOD_PEOPLE.replace("\n", "\r\n").encode(), visits=GOOD_VISITS.replace("\n", "\r\n"))
    source = open_source(settings(), tmp_path)
    assert len(source.candidates(subject(number=NUMBER)).rows) == 1
    assert reasons(source.fetch(person("H1"), ED, SINCE, UNTIL))[0] == "Burn"


def test_a_quoted_value_may_hold_lines(tmp_path):
    write(tmp_path, visits=VISITS + 'H1,01/02/2026 10:00,"Fall\nfrom ""bed""",Home\nH1,01/03/2026 10:00,Cut,Home\n')
    assert reasons(open_source(settings(), tmp_path).fetch(person("H1"), ED, SINCE, UNTIL)) == ["Cut", 'Fall\nfrom "bed"']


# --- files that are refused whole


@pytest.mark.parametrize(
    ("visits", "field"),
    [
        (GOOD_VISITS.replace(",", ";"), "NO"),
        (GOOD_VISITS.replace(",", "\t"), "NO"),
        ("NO,ARRIVED,END\nH1,01/01/2026 10:00,Smith\n", "WHY"),
        ("NO,ARRIVED,WHY,WHY,END\n", "WHY"),
        (GOOD_VISITS.removeprefix(VISITS), "NO"),
        ("", ""),
        (b"NO,ARR\x00IVED,WHY,END\n", ""),
        (GOOD_VISITS.encode("utf-16"), ""),
        (b"\xff\xfe\xfd" * 100, ""),
        (b"x" * (extract.MAX_LINE + 5), ""),
        (VISITS + 'H1,01/01/2026 10:00,"Smith never closed,Home\n' + "H1,01/02/2026 10:00,a,b\n" * 600, ""),
        (VISITS + 'H1,01/01/2026 10:00,"Smith" x,Home\n', ""),
        (GOOD_VISITS.replace("\n", "\r"), ""),
        (VISITS + 'H1,01/01/2026 10:00,"open to the end', ""),
    ],
    ids=[
        "semicolons",
        "tabs",
        "missing column",
        "column twice",
        "no header",
        "empty",
        "NUL in header",
        "utf-16",
        "no text",
        "one huge line",
        "quote never closed",
        "text after a quote",
        "old Mac line ends",
        "truncated in a quote",
    ],
)
@pytest.mark.proves("I19")
def test_a_broken_file_is_refused_with_file_line_and_field(tmp_path, visits, field):
    write(tmp_path, visits=visits)
    found = refused(tmp_path)
    assert (found[0].file, found[0].field) == ("visits.csv", field)
    assert found[0].line


def test_every_broken_file_is_told_at_once(tmp_path):
    write(tmp_path, people="NO;NHS\n", visits="x\n")
    assert {each.file for each in refused(tmp_path)} == {"people.csv", "visits.csv"}


def test_a_missing_file_is_named(tmp_path):
    write(tmp_path)
    (tmp_path / "visits.csv").unlink()
    assert refused(tmp_path)[0].file == "visits.csv"
    assert source_faults(settings(), tmp_path)[0].file == "visits.csv"


def test_a_file_whose_every_row_is_wrong_is_refused(tmp_path):
    write(tmp_path, visits=VISITS + "H1,tomorrow,Smith,x\n" * (loading.MAX_ASIDE + 1))
    assert str(loading.MAX_ASIDE) in refused(tmp_path)[0].message


# --- rows that are kept aside


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (b"H1,01/02/2026 10:00,Smith\n", ""),
        (b"H1,01/02/2026 10:00,Smith,x,y\n", ""),
        (b"H1,01/02/2026 10:00,Sm\x00ith,x\n", ""),
        (b"H1,01/02/2026 10:00,Smith \xe9,x\n", ""),
        (b"H1,30/02/2026 10:00,Smith,x\n", "ARRIVED"),
        (b"H1,2026-02-01,Smith,x\n", "ARRIVED"),
        (b"H1,01/02/2026 10:00," + b"x" * (MAX_VALUE + 1) + b",x\n", "WHY"),
        (b"H1,01/02/2026 10:00," + b"x" * 10_000_000 + b",x\n", ""),
        (b",01/02/2026 10:00,Smith,x\n", "NO"),
    ],
    ids=["short", "long", "NUL", "encoding", "no such day", "another format", "too long a value", "10 MB", "no key"],
)
@pytest.mark.proves("I14", "I19")
def test_a_broken_row_is_kept_aside_and_the_rest_goes_on(tmp_path, row, field):
    write(tmp_path, visits=VISITS.encode() + row + b"H2,01/03/2026 10:00,Cut,Home\n")
    source = open_source(settings(), tmp_path)
    assert reasons(source.fetch(person("H2"), ED, SINCE, UNTIL)) == ["Cut"]
    faults = source_faults(settings(), tmp_path)
    assert [(each.file, each.line, each.field) for each in faults] == [("visits.csv", 2, field)]
    assert "Smith" not in str(faults)
    with pytest.raises(SourceUnavailableError):  # never "none held" for whom it may be
        source.fetch(person("H1"), ED, SINCE, UNTIL)


def test_a_row_of_nobody_stops_every_none_held_but_no_finding(tmp_path):
    write(tmp_path, visits=VISITS + "broken\nH2,01/03/2026 10:00,Cut,Home\n")
    source = open_source(settings(), tmp_path)
    assert reasons(source.fetch(person("H2"), ED, SINCE, UNTIL)) == ["Cut"]
    with pytest.raises(SourceUnavailableError):
        source.fetch(person("H9"), ED, SINCE, UNTIL)


def test_utf8_where_cp1252_is_declared_is_noticed(tmp_path):
    write(tmp_path, visits=VISITS.encode() + "H1,01/02/2026 10:00,café,x\n".encode() + "H2,01/02/2026 10:00,café,x\n".encode("cp1252"))
    source = open_source(settings(encoding="cp1252"), tmp_path)
    assert reasons(source.fetch(person("H2"), ED, SINCE, UNTIL)) == ["café"]
    assert [(each.file, each.line) for each in source.faults()] == [("people.csv", 2), ("visits.csv", 2)]


def test_a_file_of_two_encodings_is_read_line_by_line_where_that_is_declared(tmp_path):
    lines = ["H1,01/02/2026 10:00,café,x\n".encode(), "H1,1/3/2026 10:00,crèche,x\n".encode("cp1252"), b"H1,02/03/2026 10:00,\x81,x\n"]
    write(tmp_path, visits=VISITS.encode() + b"".join(lines[:2]))
    source = open_source(settings(encoding="mixed"), tmp_path)
    assert reasons(source.fetch(person("H1"), ED, SINCE, UNTIL)) == ["crèche", "café"]
    write(tmp_path, visits=VISITS.encode() + b"".join(lines) + b"H2,01/03/2026 10:00,Cut,Home\n")
    source = open_source(settings(encoding="mixed"), tmp_path)
    (fault,) = source.faults()
    assert (fault.file, fault.line, fault.message) == ("visits.csv", 4, "row kept aside: bytes that are not cp1252")
    assert reasons(source.fetch(person("H2"), ED, SINCE, UNTIL)) == ["Cut"]


def test_nobody_found_while_people_cannot_be_read_is_not_nobody(tmp_path):
    write(tmp_path, people=GOOD_PEOPLE + "H3,short\n")
    source = open_source(settings(), tmp_path)
    assert source.candidates(subject(number=NUMBER)).rows
    with pytest.raises(SourceUnavailableError):
        source.candidates(subject(family_name="Nobody", born_on=date(2000, 1, 1)))


def test_an_unreadable_birth_leaves_the_number_to_find_by(tmp_path):
    write(tmp_path, people=GOOD_PEOPLE.replace("01/02/2015", "31/02/2015"))
    source = open_source(settings(), tmp_path)
    assert source.candidates(subject(number=NUMBER)).rows[0].born_on is None
    assert [(each.line, each.field) for each in source.faults()] == [(2, "BORN")]


@pytest.mark.proves("I14")
def test_an_unreadable_birth_stops_a_nobody_of_that_name_only(tmp_path):
    write(tmp_path, people=GOOD_PEOPLE.replace("01/02/2015", "31/02/2015"))
    source = open_source(settings(), tmp_path)
    with pytest.raises(SourceUnavailableError, match="1 people"):
        source.candidates(subject(family_name="O'Brien", born_on=date(2015, 2, 3)))
    assert source.candidates(subject(family_name="Nobody", born_on=date(2015, 2, 3))).rows == ()


def test_a_malformed_nhs_number_is_no_number(tmp_path):
    write(tmp_path, people=GOOD_PEOPLE.replace("943 476 5919", "943 476 5918"))
    found = open_source(settings(), tmp_path).candidates(subject(family_name="O'Brien", born_on=date(2015, 2, 1)))
    assert found.rows[0].nhs_number is None


def test_more_rows_than_the_limit_are_an_error(tmp_path):
    write(tmp_path, visits=VISITS + "H1,01/02/2026 10:00,x,y\n" * (MAX_ROWS + 1))
    with pytest.raises(SourceUnavailableError, match=str(MAX_ROWS)):
        open_source(settings(), tmp_path).fetch(person("H1"), ED, SINCE, UNTIL)


# --- files that change


def later(path):
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 2_000_000_000))


def test_a_changed_extract_is_read_again(tmp_path, source):
    before = source.fetch(person("H1"), ED, SINCE, UNTIL)
    write(tmp_path, visits=VISITS + "H1,05/05/2026 10:00,New,x\n")
    later(tmp_path / "people.csv")
    later(tmp_path / "visits.csv")
    after = source.fetch(person("H1"), ED, SINCE, UNTIL)
    assert reasons(after) == ["New"]
    assert after.as_of > before.as_of


@pytest.mark.parametrize("change", ["gone", "broken"])
def test_an_extract_that_goes_bad_is_down_until_it_is_mended(tmp_path, source, change):
    path = tmp_path / "visits.csv"
    if change == "gone":
        path.unlink()
    else:
        path.write_text("NO;ARRIVED\nSmith;x\n")
    for ask in (lambda: source.fetch(person("H1"), ED, SINCE, UNTIL), lambda: source.candidates(subject(number=NUMBER))):
        with pytest.raises(SourceUnavailableError) as failed:
            ask()
        assert "Smith" not in str(failed.value)
    write(tmp_path)
    assert len(source.fetch(person("H1"), ED, SINCE, UNTIL).rows) == 3


def test_an_extract_that_is_still_being_written_is_no_answer(tmp_path, source, monkeypatch):
    stamps = iter([(("a", 1, 1, 1),), (("a", 2, 1, 1),)])
    monkeypatch.setattr(FilesSource, "_stamp_now", lambda self, **_: next(stamps))
    with pytest.raises(SourceUnavailableError, match="being written"):
        source.candidates(subject(number=NUMBER))


def test_a_closed_source_is_down(source):
    source.close()
    with pytest.raises(SourceUnavailableError) as failed:
        source.candidates(subject(number=NUMBER))
    assert failed.value.__context__ is None


NASTY = ["' OR 1=1--", "'; DROP TABLE person;--", "%", "?", "$1", "\x00", "\u202eSmith", "=cmd|'/c calc'!A1", "a" * 200]


@pytest.mark.parametrize("nasty", NASTY)
def test_hostile_words_find_nobody(source, nasty):
    assert source.candidates(subject(family_name=nasty, given_names=nasty, born_on=date(2015, 2, 1))).rows == ()
    assert source.fetch(person(nasty), ED, SINCE, UNTIL).rows == ()
    assert source._loaded.database.execute("SELECT count(*) FROM person").fetchone() == (2,)
