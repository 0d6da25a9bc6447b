"""`mash adapter index`: what indexes a source needs is said from its own plans, and made only when told to."""

import json
import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from agents.adapter.sources.opening import make_indexes, missing_indexes
from agents.adapter.sources.settings import SourceSettings
from agents.cli.app import app
from agents.cli.doctor import examine
from schemas.errors import ConfigurationError, SourceUnavailableError

SCHEMA = """
CREATE TABLE people (ref INTEGER PRIMARY KEY, surname TEXT, dob TEXT, nhs TEXT);
CREATE TABLE "order" (ref INTEGER, at TEXT, why TEXT);
INSERT INTO people VALUES (1, 'Smith', '2015-02-01', '9434765919');
INSERT INTO "order" VALUES (1, '2026-01-01', 'x');
"""
TOML = """
[[source]]
kind = "sql"
name = "records"
url = "sqlite:///records.sqlite"
allowed_lag = "P1D"

[source.person]
table = "people"
key = "ref"
family_name = "surname"
born_on = { column = "dob" }
nhs_number = { column = "nhs" }

[[source.category]]
category = "pol.custody"
table = "order"
person = "ref"
at = { column = "at" }
fields = { reason = "why" }
assertion = "fact"
"""
COLUMNS = [("nhs",), ("dob",), ("ref", "at")]


@pytest.fixture
def folder(tmp_path):
    run(tmp_path, SCHEMA)
    (tmp_path / "adapter.toml").write_text(TOML)
    return tmp_path


def settings(**changes):
    plain = {
        "kind": "sql",
        "name": "records",
        "url": "sqlite:///records.sqlite",
        "allowed_lag": "P1D",
        "person": {
            "table": "people",
            "key": "ref",
            "family_name": "surname",
            "born_on": {"column": "dob"},
            "nhs_number": {"column": "nhs"},
        },
        "category": (
            {
                "category": "pol.custody",
                "table": "order",
                "person": "ref",
                "at": {"column": "at"},
                "fields": {"reason": "why"},
                "assertion": "fact",
            },
        ),
    }
    return SourceSettings.model_validate(plain | changes)


def run(folder, script):
    with closing(sqlite3.connect(folder / "records.sqlite")) as database, database:
        database.executescript(script)


def stored(folder):
    with closing(sqlite3.connect(folder / "records.sqlite")) as database:
        names = sorted(row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'index'"))
        return names, database.execute("SELECT * FROM people").fetchall(), database.execute('SELECT * FROM "order"').fetchall()


def ask(folder, *options):
    done = CliRunner().invoke(app, ["adapter", "index", "--folder", str(folder), "--json", *options])
    return done.exit_code, json.loads(done.stdout) if done.stdout else None


def test_what_is_missing_is_said_and_nothing_is_written(folder):
    before = (folder / "records.sqlite").read_bytes()
    assert [each.columns for each in missing_indexes(settings(), folder)] == COLUMNS
    code, told = ask(folder)
    assert (code, [each["columns"] for each in told["missing"]]) == (1, [list(each) for each in COLUMNS])
    assert (folder / "records.sqlite").read_bytes() == before


def test_the_statements_are_the_ones_an_owner_would_run(folder):
    for each in missing_indexes(settings(), folder):
        run(folder, each.statement)
    assert missing_indexes(settings(), folder) == ()


def test_they_are_made_when_told_and_no_row_changes(folder):
    _, *rows = stored(folder)
    assert ask(folder, "--apply") == (0, {"missing": []})
    assert ask(folder) == (0, {"missing": []})
    names, *after = stored(folder)
    assert names == ["mash_order_ref_at", "mash_people_dob", "mash_people_nhs"]
    assert after == rows


def test_a_second_time_makes_nothing(folder):
    assert make_indexes(settings(), folder) == ()
    before = (folder / "records.sqlite").read_bytes()
    assert make_indexes(settings(), folder) == ()
    assert (folder / "records.sqlite").read_bytes() == before


def test_an_index_of_the_owners_own_is_enough(folder):
    run(folder, "CREATE INDEX theirs ON people (dob, surname)")
    assert ("dob",) not in [each.columns for each in missing_indexes(settings(), folder)]


def test_a_view_is_its_owners_to_index(folder):
    run(folder, "CREATE VIEW everybody AS SELECT * FROM people UNION ALL SELECT * FROM people")
    over = settings().model_copy(update={"person": settings().person.model_copy(update={"table": "everybody"})})
    assert [(each.columns, each.statement) for each in make_indexes(over, folder)] == [(("nhs",), ""), (("dob",), "")]
    run(folder, "CREATE INDEX a ON people (nhs); CREATE INDEX b ON people (dob)")
    assert missing_indexes(over, folder) == ()


def test_a_name_that_is_not_there_is_refused_and_nothing_is_made(folder):
    run(folder, "ALTER TABLE people DROP COLUMN nhs")
    with pytest.raises(ConfigurationError) as error:
        make_indexes(settings(), folder)
    assert [each.field for each in error.value.faults] == ["source.person"]
    assert stored(folder)[0] == []
    assert ask(folder, "--apply")[0] == 3


def test_a_source_that_cannot_be_written_says_so_and_quotes_nothing(folder, monkeypatch):
    monkeypatch.setattr("agents.adapter.sources.sql.STATEMENT_SECONDS", 0.1)
    with closing(sqlite3.connect(folder / "records.sqlite")) as owner:
        owner.execute("BEGIN IMMEDIATE")
        with pytest.raises(SourceUnavailableError) as failed:
            make_indexes(settings(), folder)
    assert failed.value.__context__ is None
    assert stored(folder)[0] == []


def test_what_is_loaded_into_our_own_index_needs_none(tmp_path):
    manual = {"kind": "manual", "name": "m", "category": ({"category": "vcs.support", "fields": ["summary"], "assertion": "fact"},)}
    assert missing_indexes(SourceSettings.model_validate(manual), tmp_path) == ()
    assert make_indexes(SourceSettings.model_validate(manual), tmp_path) == ()


def test_each_source_is_looked_at_by_itself_and_one_that_does_not_answer_hides_no_other(folder):
    text = (folder / "adapter.toml").read_text()
    (folder / "adapter.toml").write_text(text + text.replace("records", "gone"))
    done = CliRunner().invoke(app, ["adapter", "index", "--folder", str(folder), "--json"])
    assert done.exit_code == 4
    assert {each["source"] for each in json.loads(done.stdout)["missing"]} == {"records"}
    assert "source gone did not answer" in json.loads(done.stderr)["error"]["message"]
    (folder / "gone.sqlite").write_bytes((folder / "records.sqlite").read_bytes())
    code, told = ask(folder)
    assert (code, sorted({each["source"] for each in told["missing"]})) == (1, ["gone", "records"])
    assert ask(folder, "--apply") == (0, {"missing": []})


def test_the_doctor_has_a_line_for_each_source(folder):
    text = (folder / "adapter.toml").read_text()
    (folder / "adapter.toml").write_text(text + text.replace("records", "gone"))
    ask(folder, "--apply")
    lines = {each.what: each for each in examine(folder) if each.what.startswith("source ")}
    assert {name: each.ok for name, each in lines.items()} == {"source records": True, "source gone": False}
    assert re.fullmatch(
        r"kind sql, answers 1 categories, as of \d\d \w{3} \d{4} \d\d:\d\d UTC, 1 days allowed", lines["source records"].says
    )


def source_line(folder):
    return next(each for each in examine(folder) if each.what == "source records")


def test_the_doctor_names_a_stale_source_with_how_fresh_it_is_and_may_be(folder):
    ask(folder, "--apply")
    behind = datetime(2020, 2, 3, 4, 5, tzinfo=UTC).timestamp()
    for path in folder.glob("records.sqlite*"):
        os.utime(path, (behind, behind))
    line = source_line(folder)
    assert not line.ok
    assert "is stale, as of 03 Feb 2020 04:05 UTC, 1 days allowed" in line.says


@pytest.mark.parametrize(("lag", "says"), [("PT90M", "1 h 30 min allowed"), ("P2D", "2 days allowed")])
def test_the_doctor_says_how_far_behind_a_source_may_be(folder, lag, says):
    text = (folder / "adapter.toml").read_text()
    (folder / "adapter.toml").write_text(re.sub(r'allowed_lag = "\w+"', f'allowed_lag = "{lag}"', text))
    ask(folder, "--apply")
    assert source_line(folder).says.endswith(says)
