"""The `[source]` part of adapter.toml: every fault at once, with its line, and nothing but names."""

import pytest
from pydantic import BaseModel

from agents.adapter.sources.settings import SourceSettings
from policies.located import parse
from schemas.errors import ConfigurationError


class Adapter(BaseModel):
    source: SourceSettings


SQL = """
[source]
kind = "sql"
name = "records"
url = "sqlite:///records.sqlite"
allowed_lag = "P1D"

[source.person]
table = "nominals"
key = "ref"
family_name = "surname"
born_on = { column = "dob", format = "%Y-%m-%d" }

[[source.category]]
category = "pol.custody"
table = "custody"
person = "ref"
at = { column = "at" }
fields = { reason = "why", outcome = "what" }
assertion = "fact"
"""
CSV = (
    SQL.replace('"sql"', '"csv"')
    .replace('url = "sqlite:///records.sqlite"', 'folder = "."')
    .replace('table = "nominals"', 'file = "people.csv"')
    .replace('table = "custody"', 'file = "custody.csv"')
)


def faults(text):
    with pytest.raises(ConfigurationError) as refused:
        parse(text, "adapter.toml", Adapter)
    return refused.value.faults


@pytest.mark.parametrize("text", [SQL, CSV, CSV.replace('folder = "."', 'folder = "/srv/extracts"\nencoding = "cp1252"\ndelimiter = "|"')])
def test_good_settings_are_read(text):
    settings = parse(text, "adapter.toml", Adapter).source
    assert [each.category for each in settings.category] == ["pol.custody"]
    assert settings.allowed_lag.days == 1


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ('kind = "sql"', 'kind = "oracle"'),
        ('name = "records"', 'name = "Records!"'),
        ('url = "sqlite:///records.sqlite"', 'url = "mysql://host/db"'),
        ('url = "sqlite:///records.sqlite"', 'url = "postgresql://me:secret@host/db"'),
        ('url = "sqlite:///records.sqlite"', 'url = "sqlite:///records.sqlite?mode=rw"'),
        ('url = "sqlite:///records.sqlite"', 'folder = "."'),
        ('url = "sqlite:///records.sqlite"', ""),
        ('allowed_lag = "P1D"', 'allowed_lag = "-P1D"'),
        ('allowed_lag = "P1D"', 'allowed_lag = "soon"'),
        ('table = "nominals"', 'table = "nominals; DROP TABLE x"'),
        ('table = "nominals"', 'table = "a.b.c"'),
        ('table = "nominals"', 'file = "people.csv"'),
        ('table = "nominals"', ""),
        ('table = "nominals"', 'table = "nominals"\nfile = "people.csv"'),
        ('family_name = "surname"', r'family_name = "surname\""'),
        ('family_name = "surname"', 'family_name = "surname\\n"'),
        ('family_name = "surname"', 'family_name = "lower(surname)"'),
        ('family_name = "surname"', 'family_name = "surname"\nfamilyname = "x"'),
        ('format = "%Y-%m-%d"', 'format = "%d/%m/%y"'),
        ('format = "%Y-%m-%d"', 'format = "%Y-%m"'),
        ('format = "%Y-%m-%d"', 'format = "%Y-%m-%d %Z"'),
        ('category = "pol.custody"', 'category = "custody"'),
        ('fields = { reason = "why", outcome = "what" }', "fields = {}"),
        ('fields = { reason = "why", outcome = "what" }', 'fields = { "Reason Given" = "why" }'),
        ('fields = { reason = "why", outcome = "what" }', 'sql = "SELECT 1"\nfields = { reason = "why" }'),
        ('assertion = "fact"', 'assertion = "unknown"'),
        ('assertion = "fact"', 'assertion = "rumour"'),
    ],
)
def test_a_wrong_setting_is_refused_with_its_line(good, bad):
    assert good in SQL
    found = faults(SQL.replace(good, bad))
    assert all(each.file == "adapter.toml" and each.line for each in found)
    assert "secret" not in str(found)


def test_every_fault_is_told_at_once():
    text = SQL.replace('"nominals"', '"1; x"').replace('"%Y-%m-%d"', '"%y"').replace('"surname"', '"a\'b"').replace('"fact"', '"x"')
    assert len(faults(text)) >= 4


def test_a_category_stands_once():
    again = SQL + SQL[SQL.index("[[source.category]]") :]
    assert "pol.custody" in faults(again)[0].message


def test_a_category_of_another_kind_is_named():
    assert "pol.custody" in faults(SQL.replace('table = "custody"', 'file = "custody.csv"'))[0].message


def test_a_file_is_in_the_folder():
    assert faults(CSV.replace('"people.csv"', '"../people.csv"'))


def test_freshness_is_a_database_matter():
    freshness = '[source.as_of]\ntable = "loads"\ncolumn = "at"\n\n[source.person]'
    assert parse(SQL.replace("[source.person]", freshness), "adapter.toml", Adapter).source.as_of is not None
    assert faults(CSV.replace("[source.person]", freshness))[0].field == "source.as_of"
