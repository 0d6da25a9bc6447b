"""The `[[source]]` part of adapter.toml: every fault at once, with its line, and nothing but names."""

import re

import pytest
from tree import ROOT

from agents.adapter.settings import MAX_SOURCES, AdapterSettings
from policies.located import parse
from schemas.errors import ConfigurationError

SQL = """
[[source]]
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


EXTRACTS = CSV.replace('"csv"', '"extracts"')
FHIR = """
[[source]]
kind = "fhir"
name = "gp"
folder = "bundles"
allowed_lag = "P2D"

[[source.category]]
category = "gp.injuries"
resource = "Condition"
codes = ["http://snomed.info/sct|125605004"]
at = { column = "recordedDate" }
fields = { injury = "code.coding[0].display" }
assertion = "fact"
"""
MANUAL = """
[[source]]
kind = "manual"
name = "paper"

[[source.category]]
category = "vcs.support"
fields = ["summary", "support_given"]
assertion = "opinion"
"""


def faults(text):
    with pytest.raises(ConfigurationError) as refused:
        parse(text, "adapter.toml", AdapterSettings)
    return refused.value.faults


@pytest.mark.parametrize("text", [SQL, CSV, CSV.replace('folder = "."', 'folder = "/srv/extracts"\nencoding = "cp1252"\ndelimiter = "|"')])
def test_good_settings_are_read(text):
    settings = parse(text, "adapter.toml", AdapterSettings).source[0]
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
    assert parse(SQL.replace("[source.person]", freshness), "adapter.toml", AdapterSettings).source[0].as_of is not None
    assert faults(CSV.replace("[source.person]", freshness))[0].field == "source.0.as_of"


def test_the_former_name_of_extracts_means_the_same():
    assert parse(CSV, "adapter.toml", AdapterSettings) == parse(EXTRACTS, "adapter.toml", AdapterSettings)


def test_every_source_on_the_setup_page_is_good():
    page = (ROOT / "docs" / "setup.md").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "[[source]]" in block]
    files = [parse(block[block.index("[[source]]") :], "adapter.toml", AdapterSettings) for block in blocks]
    assert {each.kind for file in files for each in file.source} == {"extracts", "fhir", "manual", "sql"}
    assert max(len(file.source) for file in files) > 1


def test_several_sources_stand_side_by_side_each_with_its_own_categories_and_lag():
    both = parse(SQL + EXTRACTS.replace('"records"', '"older"') + MANUAL, "adapter.toml", AdapterSettings).source
    assert [(each.name, each.kind) for each in both][::2] == [("records", "sql"), ("paper", "manual")]
    assert len({each.name for each in both}) == 3


def test_two_sources_of_one_name_more_than_an_answer_can_state_and_none_at_all_are_refused():
    (twice,) = faults(MANUAL + MANUAL)
    assert (twice.field, "two sources have one name" in twice.message) == ("source", True)
    many = "".join(MANUAL.replace('"paper"', f'"paper-{number}"') for number in range(MAX_SOURCES + 1))
    assert [each.field for each in faults(many)] == ["source"]
    assert [each.field for each in faults("")] == ["source"]


def test_a_lone_source_table_is_refused_with_what_to_write():
    (fault,) = faults(MANUAL.replace("[[source]]", "[source]"))
    assert "[[source]]" in fault.message


def test_a_fault_of_the_second_source_is_told_with_the_line_it_stands_on():
    (fault,) = faults(MANUAL + SQL.replace('table = "nominals"', 'table = "a.b.c"'))
    assert fault.line > MANUAL.count("\n") + 2


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        (EXTRACTS, '"people.csv"', '"people*-*.csv"'),
        (EXTRACTS, '"people.csv"', '"*/people.csv"'),
        (EXTRACTS, '"people.csv"', '"people-[ab].csv"'),
        (EXTRACTS, '"people.csv"', '"people.xls"'),
        (EXTRACTS, '"people.csv"', '"people.csv"\nsheet = "x"'),
        (EXTRACTS, '"people.csv"', '"people.csv"\nheader = 2'),
        (EXTRACTS, '"people.csv"', '"people.xlsx"\nheader = 0'),
        (EXTRACTS, '"people.csv"', '"people.csv"\nresource = "Patient"'),
        (EXTRACTS, 'key = "ref"', "key = []"),
        (EXTRACTS, 'key = "ref"', 'key = "*"'),
        (EXTRACTS, 'key = "ref"', 'key = ["ref", "school"]'),
        (EXTRACTS, 'key = "ref"', 'key = ["ref\\"", "school"]'),
        (EXTRACTS, 'person = "ref"', 'person = "*"'),
        (EXTRACTS, 'person = "ref"\n', ""),
        (EXTRACTS, 'person = "ref"', 'person = "ref"\ncodes = ["http://x|1"]'),
        (EXTRACTS, 'folder = "."\n', ""),
        (EXTRACTS, 'allowed_lag = "P1D"\n', ""),
        (SQL, 'allowed_lag = "P1D"\n', ""),
        (SQL, 'allowed_lag = "P1D"', 'allowed_lag = "P4000D"'),
        (SQL, 'person = "ref"', 'person = ["ref", "at"]'),
        (SQL, 'key = "ref"', 'key = "*"'),
        (SQL, SQL[SQL.index("[source.person]") : SQL.index("[[source.category")], ""),
        (FHIR, 'folder = "bundles"\n', ""),
        (FHIR, "[[source.", '[source.person]\nresource = "Patient"\nkey = "id"\nfamily_name = "x"\nborn_on = { column = "b" }\n[[source.'),
        (FHIR, '"Condition"', '"Patient"'),
        (FHIR, '"Condition"', '"Basic"'),
        (FHIR, '"Condition"', '"Condition"\nperson = "subject"'),
        (FHIR, '"Condition"', '"Condition"\nfile = "x.csv"'),
        (FHIR, "sct|125605004", "sct"),
        (FHIR, '"recordedDate" }', '"recordedDate", format = "%Y-%m-%d" }'),
        (FHIR, '"recordedDate"', '"recorded date"'),
        (FHIR, '"code.coding[0].display"', '"code.coding[0].display()"'),
        (FHIR, '"code.coding[0].display"', '"code..display"'),
        (FHIR, '"code.coding[0].display"', '"code.coding[x].display"'),
        (FHIR, '"code.coding[0].display"', '"code.coding.where(system = 1)"'),
        (MANUAL, 'name = "paper"', 'name = "paper"\nfolder = "."'),
        (MANUAL, 'name = "paper"', 'name = "paper"\nallowed_lag = "P1D"'),
        (MANUAL, "fields = [", 'file = "x.csv"\nfields = ['),
        (MANUAL, "fields = [", 'person = "x"\nfields = ['),
        (MANUAL, "fields = [", 'at = { column = "x" }\nfields = ['),
        (MANUAL, '"support_given"', '"summary"'),
        (MANUAL, '"support_given"', "7"),
        (MANUAL, '["summary", "support_given"]', "[]"),
    ],
)
def test_a_wrong_setting_of_another_kind_is_refused_with_its_line(text, good, bad):
    assert good in text
    parse(text, "adapter.toml", AdapterSettings)
    found = faults(text.replace(good, bad, 1))
    assert all(each.file == "adapter.toml" and each.line for each in found)
