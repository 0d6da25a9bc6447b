"""Parquet, Excel and records spread over several files: the same path as CSV, and hostile files cost bounded time and memory."""

import os
import time
import zipfile
from datetime import date, datetime

import duckdb
import openpyxl
import pytest
from peak import Peak

from agents.adapter.ports import Candidate
from agents.adapter.sources import formats, loading, parquet, workbook
from agents.adapter.sources.opening import open_source, source_faults
from agents.adapter.sources.parquet import read_parquet
from agents.adapter.sources.reading import MAX_VALUE
from agents.adapter.sources.settings import SourceSettings
from agents.adapter.sources.workbook import read_workbook
from schemas.enums import SubjectRole
from schemas.errors import ConfigurationError, SourceUnavailableError
from schemas.identifiers import CategoryId, SubjectRef
from schemas.records import NHS_NUMBER, Identifier, Subject

ED = CategoryId("acute.ed_attendances")
NUMBER = "9434765919"
SINCE, UNTIL = date(2026, 1, 1), date(2026, 6, 30)
PEOPLE = """SELECT * FROM (VALUES
    (1.0::DOUBLE, 'O''BRIEN', 'Zoë', DATE '2015-02-01', 'XX1 1AA', '943 476 5919', true, 'r'),
    (2.0::DOUBLE, 'Smith', NULL, DATE '1990-04-03', 'XX2', NULL, false, 'r')) t(NO, NAME, FIRST, BORN, PC, NHS, TRACED, REMARK)"""
VISITS = """SELECT * FROM (VALUES
    (1, TIMESTAMP '2026-01-01 23:59:00', 'Fall', 1.5::DECIMAL(4, 2)),
    (1, TIMESTAMP '2026-06-30 00:00:00', 'Burn', 2),
    (1, NULL, 'undated', NULL)) t(NO, ARRIVED, WHY, STAY)"""


def settings(people="people.parquet", visits="visits.parquet", key="NO", person=None, **changes):
    plain = {
        "kind": "extracts",
        "name": "extracts",
        "folder": ".",
        "allowed_lag": "P1D",
        "person": {
            "file": people,
            "key": key,
            "family_name": "NAME",
            "given_names": "FIRST",
            "born_on": {"column": "BORN"},
            "postcode": "PC",
            "nhs_number": {"column": "NHS", "verified": {"column": "TRACED", "equals": "true"}},
        },
        "category": (
            {
                "category": ED,
                "file": visits,
                "person": person or key,
                "at": {"column": "ARRIVED"},
                "fields": {"presenting_complaint": "WHY", "disposal": "STAY"},
                "assertion": "fact",
            },
        ),
    }
    return SourceSettings.model_validate(plain | changes)


def write_parquet(folder, people=PEOPLE, visits=VISITS):
    for name, query in (("people", people), ("visits", visits)):
        duckdb.sql(query).write_parquet(str(folder / f"{name}.parquet"))


def write_workbook(path, *rows, sheet="Sheet", others=()):
    book = openpyxl.Workbook()
    for name in others:
        book.create_sheet(name)
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(row)
    book.save(path)


def subject(**values):
    number = values.pop("number", None)
    identifiers = (Identifier(system=NHS_NUMBER, value=number, verified=True),) if number else ()
    return Subject(
        ref=SubjectRef("s1"), role=SubjectRole.child, relation_to_child="the child", known_as="x", identifiers=identifiers, **values
    )


def person(key):
    return Candidate(key=key, family_name=None, given_names=None, born_on=None, postcode=None, nhs_number=None, nhs_number_verified=False)


def held(source, key):
    return [dict(row.fields) for row in source.fetch(person(key), ED, SINCE, UNTIL).rows]


def reasons(source, key):
    return [each["presenting_complaint"] for each in held(source, key)]


def refused(folder, **changes):
    with pytest.raises(ConfigurationError) as error:
        open_source(settings(**changes), folder)
    assert "Smith" not in str(error.value)
    return error.value.faults


# --- Parquet


def test_a_parquet_extract_is_read_with_its_own_types(tmp_path):
    write_parquet(tmp_path)
    source = open_source(settings(), tmp_path)
    found = source.candidates(subject(family_name="o brien", born_on=date(2015, 2, 1))).rows
    assert found == source.candidates(subject(number=NUMBER)).rows
    assert (found[0].key, found[0].nhs_number, found[0].nhs_number_verified) == ("1", NUMBER, True)
    assert [row.at for row in source.fetch(person("1"), ED, SINCE, UNTIL).rows] == [date(2026, 6, 30), date(2026, 1, 1), None]
    assert [each.get("disposal") for each in held(source, "1")] == ["2.00", "1.50", None]


def test_an_instant_is_a_day_in_london(tmp_path):
    write_parquet(tmp_path, visits="SELECT 1 NO, TIMESTAMPTZ '2026-05-31 23:30:00+00' ARRIVED, 'late' WHY, 'x' STAY")
    assert [row.at for row in open_source(settings(), tmp_path).fetch(person("1"), ED, SINCE, UNTIL).rows] == [date(2026, 6, 1)]


@pytest.mark.parametrize("column", ["[1]", "{'a': 1}", "'x'::BLOB", "MAP {'a': 1}"])
@pytest.mark.proves("I19")
def test_a_nested_column_is_refused_by_name(tmp_path, column):
    write_parquet(tmp_path, visits=f"SELECT 1 NO, DATE '2026-01-01' ARRIVED, {column} WHY, 'x' STAY")
    assert [(each.file, each.field) for each in refused(tmp_path)] == [("visits.parquet", "WHY")]


def test_a_missing_column_is_refused_by_name(tmp_path):
    write_parquet(tmp_path, visits="SELECT 1 NO, DATE '2026-01-01' ARRIVED")
    assert [(each.file, each.field) for each in refused(tmp_path)] == [("visits.parquet", "WHY"), ("visits.parquet", "STAY")]


@pytest.mark.parametrize("keep", [0, 3, 40, -1, -30])
@pytest.mark.proves("I19")
def test_a_truncated_parquet_file_is_refused(tmp_path, keep):
    write_parquet(tmp_path)
    path = tmp_path / "visits.parquet"
    path.write_bytes(path.read_bytes()[:keep])
    assert refused(tmp_path)[0].file == "visits.parquet"


@pytest.mark.proves("I19")
def test_a_parquet_file_damaged_anywhere_is_read_or_refused_in_words_of_ours(tmp_path):
    write_parquet(tmp_path)
    path = tmp_path / "visits.parquet"
    whole = path.read_bytes()
    refusals = [error for place in range(4, len(whole), 23) if (error := _damaged(path, whole, place))]
    assert len(refusals) > 3
    assert all(error.__context__ is None for error in refusals)  # the reader's words, which may quote a value, are not even its context
    assert {each.file for error in refusals for each in error.faults} == {"visits.parquet"}


def _damaged(path, whole, place):
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
    try:
        list(read_parquet(path, ["NO", "WHY"]))
    except ConfigurationError as error:
        return error
    return None


def test_a_value_too_long_or_with_a_nul_is_kept_aside_with_row_and_column(tmp_path):
    rows = f"(1, 'a' || chr(0) || 'b'), (1, repeat('x', 10000000)), (2, repeat('y', {MAX_VALUE}))"
    visits = f"SELECT NO, DATE '2026-01-01' ARRIVED, WHY, 'x' STAY FROM (VALUES {rows}) t(NO, WHY)"  # noqa: S608 - our own words
    write_parquet(tmp_path, visits=visits)
    source = open_source(settings(), tmp_path)
    assert [(each.file, each.line, each.field) for each in source.faults()] == [("visits.parquet", n, "WHY") for n in (1, 2)]
    assert len(reasons(source, "2")) == 1
    with pytest.raises(SourceUnavailableError):
        source.fetch(person("1"), ED, SINCE, UNTIL)


def test_parquet_rows_of_nothing_but_long_texts_cost_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "PAGE", 500)
    wide = ", ".join(f"repeat(chr(65 + {n}), {MAX_VALUE}) C{n}" for n in range(20))
    duckdb.sql(f"SELECT {wide} FROM range(6000)").write_parquet(str(tmp_path / "wide.parquet"))  # noqa: S608 - a query of this file
    peak = Peak()
    lines = read_parquet(tmp_path / "wide.parquet", [f"C{n}" for n in range(20)])
    assert [line.number for line in lines] == list(range(1, 6001))
    assert peak.grown() < 650 * 2**20  # all the texts are 960 MB, a vector of them 330


def test_rows_cross_into_the_database_few_enough_and_light_enough():
    light, heavy = ("key", None, 1, ["x"]), ("key", None, 1, ["x" * 8000] * 20)
    assert [len(each) for each in loading._batches(iter([light] * (loading.BATCH + 1)))] == [loading.BATCH, 1]
    assert max(len(each) for each in loading._batches(iter([heavy] * 200))) * 160_000 <= loading.BATCH_WEIGHT + 160_000
    assert sum(len(each) for each in loading._batches(iter([heavy] * 200))) == 200


def test_a_file_that_is_still_being_written_under_a_dot_is_not_read(tmp_path):
    write_parquet(tmp_path)
    (tmp_path / "oak.csv").write_text(MARKS + "1,2026-02-01,Oak,\n")
    (tmp_path / ".elm.csv").write_text("half")
    assert reasons(open_source(settings(visits="*.csv"), tmp_path), "1") == ["Oak"]


def test_the_reader_reaches_one_file_only(tmp_path):
    write_parquet(tmp_path)
    (tmp_path / "it's.parquet").write_bytes((tmp_path / "visits.parquet").read_bytes())
    assert len(list(read_parquet(tmp_path / "it's.parquet", ["NO"]))) == 3  # a quote in a folder's name is no way out


def test_a_person_without_name_and_number_is_told_and_hides_nobody(tmp_path):
    nameless = " UNION ALL SELECT 3, NULL, 'x', DATE '2000-01-01', NULL, NULL, false, NULL"
    write_parquet(tmp_path, people=PEOPLE + nameless)
    source = open_source(settings(), tmp_path)
    assert [(each.file, each.line, each.field) for each in source.faults()] == [("people.parquet", 3, "NAME")]
    assert source.candidates(subject(family_name="Nobody", born_on=date(2000, 1, 1))).rows == ()


def test_a_person_without_a_date_of_birth_is_found_before_anybody_says_nobody(tmp_path):
    write_parquet(tmp_path, people=PEOPLE + " UNION ALL SELECT 3, 'Jones', 'x', NULL, 'XX3', NULL, false, NULL")
    source = open_source(settings(), tmp_path)
    assert [each.key for each in source.candidates(subject(family_name="JONES", born_on=date(2000, 1, 1))).rows] == ["3"]
    assert source.candidates(subject(family_name="Nobody", born_on=date(2000, 1, 1))).rows == ()
    assert source.faults() == ()


# --- Excel

HEADER = ("NO", "NAME", "FIRST", "BORN", "PC", "NHS", "TRACED")
ZOE = (1, "O'Brien", "Zoë", datetime(2015, 2, 1), "XX1 1AA", "943 476 5919", True)  # noqa: DTZ001 - a cell has no zone
ARRIVALS = ("NO", "ARRIVED", "WHY", "STAY")
FALL = (1, datetime(2026, 2, 3, 10, 30), "Fall", 2)  # noqa: DTZ001 - as above
EXCEL = {"people": "people.xlsx", "visits": "visits.xlsx"}


def write_excel(folder, *visits):
    write_workbook(folder / "people.xlsx", HEADER, ZOE)
    write_workbook(folder / "visits.xlsx", ARRIVALS, *visits)


def excel(**of_visits):
    first = settings(**EXCEL)
    return first.model_copy(update={"category": (first.category[0].model_copy(update=of_visits),)})


def test_a_workbook_is_read_with_its_own_types(tmp_path):
    write_excel(tmp_path, FALL, (None, None, None, None), (1, None, 4.0, 2.5))
    source = open_source(settings(**EXCEL), tmp_path)
    assert source.candidates(subject(number=NUMBER)).rows[0].born_on == date(2015, 2, 1)
    assert held(source, "1") == [{"presenting_complaint": "Fall", "disposal": "2"}, {"presenting_complaint": "4", "disposal": "2.5"}]
    assert source.faults() == ()


def test_a_sheet_and_a_header_further_down_are_found(tmp_path):
    write_excel(tmp_path)
    write_workbook(tmp_path / "visits.xlsx", ("Made on", "Monday"), (), ARRIVALS, FALL, sheet="Visits", others=["Notes"])
    assert reasons(open_source(excel(sheet="Visits", header=3), tmp_path), "1") == ["Fall"]
    for wrong in ({"sheet": "Smith"}, {"header": 9}, {"header": 1}):
        with pytest.raises(ConfigurationError) as error:
            open_source(excel(**wrong), tmp_path)
        assert {each.file for each in error.value.faults} == {"visits.xlsx"}


def test_a_date_that_is_none_is_kept_aside_with_its_row(tmp_path):
    write_excel(tmp_path, FALL, (1, "tomorrow", "Smith", 1))
    source = open_source(settings(**EXCEL), tmp_path)
    assert [(each.file, each.line, each.field) for each in source.faults()] == [("visits.xlsx", 3, "ARRIVED")]
    with pytest.raises(SourceUnavailableError):
        source.fetch(person("1"), ED, SINCE, UNTIL)


def rewrite(path, part, content):
    """The same workbook with one part replaced (or added)."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()} | {part: content}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        for name, data in parts.items():
            new.writestr(name, data)


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
HEAD = b'<row r="1"><c r="A1" t="str"><v>NO</v></c><c r="B1" t="str"><v>ARRIVED</v></c><c r="C1" t="str"><v>WHY</v></c>'
HEAD += b'<c r="D1" t="str"><v>STAY</v></c></row>'
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
PAD = b"<!--" + b" " * 8192 + b"-->"  # pushes the document type beyond where we look: the XML reader's own guard has to act


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("xl/sharedStrings.xml", lambda: b"x" * (workbook.MAX_STRINGS + 1)),  # made when wanted: it is large
        ("xl/media/bomb.xml", lambda: b" " * (workbook.MAX_UNPACKED + 1)),
        ("xl/worksheets/sheet1.xml", LAUGHS + b"]>" + SHEET % b"<row r='1'><c r='A1' t='str'><v>&j;</v></c></row>"),
        ("xl/worksheets/sheet1.xml", PAD + LAUGHS + b"]>" + SHEET % b"<row r='1'><c r='A1' t='str'><v>&j;</v></c></row>"),
        ("xl/worksheets/sheet1.xml", b"<worksheet>"),
        ("xl/worksheets/sheet1.xml", b"<a>" * 100_000),
        ("xl/worksheets/sheet1.xml", b"\0\xff"),
        ("xl/worksheets/sheet1.xml", SHEET % (HEAD + b'<row r="99999999999"><c r="A9"><v>1</v></c></row>')),
        ("xl/worksheets/sheet1.xml", SHEET % (HEAD + b'<row r="x"><c r="A2"><v>1</v></c></row>')),
        ("xl/worksheets/sheet1.xml", SHEET % (HEAD + b'<row r="2"><c r="A2"><v>one</v></c></row>')),
        ("xl/worksheets/sheet1.xml", SHEET % (HEAD + b'<row r="2"><c r="A2" t="s"><v>99</v></c></row>')),
        ("xl/worksheets/sheet1.xml", SHEET % b""),
        ("xl/workbook.xml", b"<workbook/>"),
        ("[Content_Types].xml", b""),
    ],
    ids=[
        *("huge strings", "huge part", "laughs", "laughs further down", "unclosed", "deep", "no XML", "row without end"),
        *("row without number", "number without one", "string not there", "no rows", "no sheets", "no types"),
    ],
)
@pytest.mark.proves("I19")
def test_a_hostile_workbook_is_refused_in_bounded_time_and_memory(tmp_path, part, content):
    write_excel(tmp_path, FALL)
    rewrite(tmp_path / "visits.xlsx", part, content() if callable(content) else content)
    peak, began = Peak(), time.monotonic()
    assert refused(tmp_path, **EXCEL)[0].file == "visits.xlsx"
    assert time.monotonic() - began < 20
    assert peak.grown() < 400 * 2**20


def test_a_cell_far_away_makes_no_room_for_those_between(tmp_path):
    write_excel(tmp_path)
    far = b'<row r="1048576"><c r="A1048576" t="str"><v>1</v></c><c r="XFD1048576" t="str"><v>far</v></c></row>'
    rewrite(tmp_path / "visits.xlsx", "xl/worksheets/sheet1.xml", SHEET % (HEAD + far))
    peak = Peak()
    assert held(open_source(settings(**EXCEL), tmp_path), "1") == [{}]
    assert peak.grown() < 200 * 2**20


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"NO,ARRIVED\n1,x\n", b"\xd0\xcf\x11\xe0" * 200], ids=["empty", "cut", "csv", "xls"])
def test_what_is_no_workbook_is_refused(tmp_path, data):
    write_excel(tmp_path)
    (tmp_path / "visits.xlsx").write_bytes(data)
    assert refused(tmp_path, **EXCEL)[0].file == "visits.xlsx"


@pytest.mark.proves("I19")
def test_a_workbook_damaged_anywhere_is_read_or_refused(tmp_path):
    write_excel(tmp_path, FALL)
    path = tmp_path / "visits.xlsx"
    whole, refusals = path.read_bytes(), 0
    for place in range(4, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            list(read_workbook(path, ["NO", "WHY"], None, 1))
        except ConfigurationError:
            refusals += 1
    assert refusals > 3


def test_a_truncated_workbook_is_refused(tmp_path):
    write_excel(tmp_path, FALL)
    path = tmp_path / "visits.xlsx"
    path.write_bytes(path.read_bytes()[:-100])
    assert refused(tmp_path, **EXCEL)[0].file == "visits.xlsx"


# --- records in several files, and formats side by side

PUPILS = "NO,NAME,FIRST,BORN,PC,NHS,TRACED\n"
MARKS = "NO,ARRIVED,WHY,STAY\n"
SCHOOLS = {"people": "pupils-*.csv", "visits": "marks-*.csv", "key": ["*", "NO"]}


def write_schools(folder, **marks):
    folder.joinpath("pupils-oak.csv").write_text(PUPILS + "7,Smith,Al,2015-02-01,XX1,,\n")
    folder.joinpath("pupils-elm.csv").write_text(PUPILS + "7,Patel,Bo,2016-03-02,XX2,,\n")
    for school, text in ({"oak": "7,2026-02-01,Oak,\n", "elm": "7,2026-03-01,Elm,\n"} | marks).items():
        folder.joinpath(f"marks-{school}.csv").write_text(MARKS + text)


def test_one_number_in_two_schools_is_two_people(tmp_path):
    write_schools(tmp_path)
    source = open_source(settings(**SCHOOLS), tmp_path)
    smith = source.candidates(subject(family_name="Smith", born_on=date(2015, 2, 1))).rows[0]
    patel = source.candidates(subject(family_name="Patel", born_on=date(2016, 3, 2))).rows[0]
    assert (reasons(source, smith.key), reasons(source, patel.key)) == (["Oak"], ["Elm"])


@pytest.mark.proves("I19")
def test_one_key_of_two_people_in_two_files_is_told_and_never_answered(tmp_path):
    write_schools(tmp_path)
    shared = {**SCHOOLS, "key": "NO"}
    source = open_source(settings(**shared), tmp_path)
    with pytest.raises(SourceUnavailableError, match="one key"):
        source.fetch(person("7"), ED, SINCE, UNTIL)
    assert [each.field for each in source_faults(settings(**shared), tmp_path)] == ["source.person.key"]


def test_a_pupil_who_moved_has_one_key_in_two_files(tmp_path):
    write_schools(tmp_path)
    (tmp_path / "pupils-elm.csv").write_text(PUPILS + "7,Smith,Al,2015-02-01,XX1,,\n")
    source = open_source(settings(**{**SCHOOLS, "key": "NO"}), tmp_path)
    assert len(source.candidates(subject(family_name="Smith", born_on=date(2015, 2, 1))).rows) == 1
    assert reasons(source, "7") == ["Elm", "Oak"]


def test_a_fault_names_the_file_it_is_in(tmp_path):
    write_schools(tmp_path, elm="7,yesterday,x,\n")
    source = open_source(settings(**SCHOOLS), tmp_path)
    assert [(each.file, each.line, each.field) for each in source.faults()] == [("marks-elm.csv", 2, "ARRIVED")]
    (tmp_path / "marks-oak.csv").write_text("NO;ARRIVED\n")
    assert {each.file for each in refused(tmp_path, **SCHOOLS)} == {"marks-oak.csv"}


def test_a_new_file_is_read_and_a_vanished_one_is_missed(tmp_path):
    write_schools(tmp_path)
    source = open_source(settings(**SCHOOLS), tmp_path)
    (tmp_path / "pupils-ash.csv").write_text(PUPILS + "7,Jones,Cy,2014-02-01,XX3,,\n")
    assert len(source.candidates(subject(family_name="Jones", born_on=date(2014, 2, 1))).rows) == 1
    (tmp_path / "pupils-ash.csv").unlink()
    with pytest.raises(SourceUnavailableError, match="misses 1"):
        source.candidates(subject(family_name="Jones", born_on=date(2014, 2, 1)))


def test_an_answer_is_as_old_as_the_oldest_file(tmp_path):
    write_schools(tmp_path)
    os.utime(tmp_path / "marks-elm.csv", (1_600_000_000, 1_600_000_000))
    assert open_source(settings(**SCHOOLS), tmp_path).candidates(subject(number=NUMBER)).as_of.timestamp() == 1_600_000_000


def test_a_pattern_that_names_no_file_or_too_many_is_refused(tmp_path, monkeypatch):
    write_schools(tmp_path)
    assert refused(tmp_path, **{**SCHOOLS, "visits": "absences-*.csv"})[0].file == "absences-*.csv"
    monkeypatch.setattr(formats, "MAX_FILES", 3)
    assert "3 files" in refused(tmp_path, **SCHOOLS)[0].message


def test_a_star_names_files_of_the_folder_only(tmp_path):
    (tmp_path / "pupils-").mkdir()
    (tmp_path / "pupils-" / "x.csv").write_text(PUPILS)
    assert refused(tmp_path, **SCHOOLS)[0].file == "pupils-*.csv"


def test_parts_of_a_key_never_run_into_each_other(tmp_path):
    (tmp_path / "people.csv").write_text(PUPILS + "1,ab,c,2015-02-01,XX1,,\n1,a,bc,2015-02-01,XX1,,\n")
    (tmp_path / "visits.csv").write_text("NAME,FIRST,ARRIVED,WHY,STAY\nab,c,2026-02-01,one,\na,bc,2026-02-01,two,\n,c,2026-02-01,nobody,\n")
    source = open_source(settings(people="people.csv", visits="visits.csv", key=["NAME", "FIRST"]), tmp_path)
    keys = [source.candidates(subject(family_name=name, born_on=date(2015, 2, 1))).rows[0].key for name in ("ab", "a")]
    assert [reasons(source, key) for key in keys] == [["one"], ["two"]]
    assert [(each.line, each.field) for each in source.faults()] == [(4, "FIRST")]


def test_formats_stand_side_by_side(tmp_path):
    write_parquet(tmp_path)
    write_excel(tmp_path, FALL)
    assert reasons(open_source(settings(visits="visits.xlsx"), tmp_path), "1") == ["Fall"]
