"""Whatever bytes an extract holds, it is read, or refused by file; nothing else ever happens. A spelling always finds its own name."""

import sqlite3
import unicodedata
from contextlib import closing
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agents.adapter.sources.extract import read_extract
from agents.adapter.sources.reading import day_of, stored
from agents.adapter.sources.settings import Dated
from agents.adapter.sources.spelling import PUNCTUATION, spellings
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
