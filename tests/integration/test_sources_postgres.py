"""The SQL source on a real PostgreSQL: native types, the reading role, the statement timeout, the plan."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from agents.adapter.sources import sql as sql_source
from agents.adapter.sources.opening import make_indexes, missing_indexes, open_source, source_faults
from agents.adapter.sources.settings import SourceSettings
from schemas.enums import SubjectRole
from schemas.errors import SourceUnavailableError
from schemas.identifiers import CategoryId, SubjectRef
from schemas.records import NHS_NUMBER, Identifier, Subject

pytestmark = pytest.mark.postgres
CUSTODY = CategoryId("pol.custody")
NUMBER = "9434765919"
SCHEMA = """
CREATE SCHEMA rms;
CREATE TABLE rms.people (id bigint PRIMARY KEY, surname text, forename text, dob date, nhs text, traced boolean);
CREATE INDEX people_dob ON rms.people (dob);
CREATE INDEX people_nhs ON rms.people (nhs);
CREATE TABLE rms.custody (person_id bigint, arrived timestamptz, why text);
CREATE INDEX custody_person ON rms.custody (person_id);
INSERT INTO rms.people VALUES (1, 'ÖZDEMİR-Ó BRIEN', 'Ana', '2015-02-01', '9434765919', true);
INSERT INTO rms.custody VALUES (1, '2026-06-30 12:00Z', 'theft'), (1, NULL, 'undated'), (1, '2026-07-02 12:00Z', 'late');
"""


@pytest.fixture
def url(postgres, tmp_path):
    name = f"source_{uuid4().hex}"
    postgres.psql(f"CREATE DATABASE {name};")
    url = postgres.get_uri(database=name)
    engine = sql_source.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql(SCHEMA)
    engine.dispose()
    return url


def settings(url, **changes):
    person = {
        "table": "rms.people",
        "key": "id",
        "family_name": "surname",
        "given_names": "forename",
        "born_on": {"column": "dob"},
        "nhs_number": {"column": "nhs", "verified": {"column": "traced", "equals": "True"}},
    }
    custody = {
        "category": CUSTODY,
        "table": "rms.custody",
        "person": "person_id",
        "at": {"column": "arrived"},
        "fields": {"reason": "why"},
        "assertion": "fact",
    }
    plain = {"kind": "sql", "name": "rms", "url": url.replace(":@", "@"), "allowed_lag": "P1D", "person": person, "category": (custody,)}
    return SourceSettings.model_validate(plain | changes)


@pytest.fixture
def source(url, tmp_path):
    opened = open_source(settings(url), tmp_path)
    yield opened
    opened.close()


def subject(**values):
    number = Identifier(system=NHS_NUMBER, value=NUMBER, verified=True)
    return Subject(ref=SubjectRef("s1"), role=SubjectRole.child, relation_to_child="the child", identifiers=(number,), **values)


def test_people_and_rows_are_found_by_native_types(source):
    found = source.candidates(subject())
    person = found.rows[0]
    assert (person.key, person.born_on, person.nhs_number_verified) == ("1", date(2015, 2, 1), True)
    assert abs(datetime.now(UTC) - found.as_of) < timedelta(minutes=1)
    rows = source.fetch(person, CUSTODY, date(2026, 6, 30), date(2026, 6, 30)).rows
    assert [dict(row.fields)["reason"] for row in rows] == ["theft", "undated"]


def test_a_name_is_found_by_a_database_that_folds_unicode(source):
    by_name = Subject(
        ref=SubjectRef("s1"),
        role=SubjectRole.child,
        relation_to_child="the child",
        family_name="Ózdemir",
        born_on=date(2015, 2, 1),
    )
    assert source.candidates(by_name).rows == ()
    assert source.candidates(subject(family_name="özdemİr Ó brien", born_on=date(2015, 2, 1))).rows


def test_the_reading_role_cannot_write_and_not_wait(url, tmp_path):
    engine = sql_source.read_only_engine(settings(url).url, tmp_path)
    for statement in ("INSERT INTO rms.custody VALUES (1, now(), 'x')", "DROP TABLE rms.custody", "CREATE TABLE t (x int)"):
        with engine.connect() as connection, pytest.raises(DBAPIError, match="read-only"):
            connection.execute(text(statement))
    with engine.connect() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar() == f"{sql_source.STATEMENT_SECONDS}s"
    engine.dispose()


def test_doctor_reads_the_plan_and_names_a_missing_index(url, tmp_path):
    assert source_faults(settings(url), tmp_path) == ()
    engine = sql_source.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX rms.custody_person")
    engine.dispose()
    assert [each.field for each in source_faults(settings(url), tmp_path)] == ["source.category.pol.custody"]
    (missing,) = missing_indexes(settings(url), tmp_path)
    with pytest.raises(SourceUnavailableError, match="its owner's"):
        make_indexes(settings(url), tmp_path)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(missing.statement)  # as the owner would, word for word
    engine.dispose()
    assert missing_indexes(settings(url), tmp_path) == ()


def test_a_server_that_is_not_there_is_down(url, tmp_path):
    gone = open_source(settings(url.replace("source_", "gone_")), tmp_path)
    with pytest.raises(SourceUnavailableError) as failed:
        gone.candidates(subject())
    assert failed.value.__context__ is None
    gone.close()
