"""Opening an agency's sources: one that cannot be opened keeps nobody from starting, and is tried again whenever it is asked."""

from __future__ import annotations

from datetime import date

import pytest
from sources_of import declared

from agents.adapter.ports import Candidate
from agents.adapter.sources.opening import Unopened, close_sources, open_sources
from agents.adapter.sources.settings import SourceSettings
from schemas.enums import SubjectRole
from schemas.errors import ConfigurationError, SourceUnavailableError
from schemas.identifiers import CategoryId, SubjectRef
from schemas.records import Subject

ED = CategoryId("acute.ed_attendances")
PEOPLE = "REF,SURNAME,DOB\r\n1,Example,2018-08-27\r\n"
VISITS = "REF,AT,WHY\r\n1,2026-11-01,Fall\r\n"
ROBIN = Subject(
    ref=SubjectRef("s1"),
    role=SubjectRole.child,
    relation_to_child="the child",
    family_name="Example",
    born_on=date(2018, 8, 27),
)


def extract(name="older"):
    whole = {
        "kind": "extracts",
        "name": name,
        "folder": ".",
        "allowed_lag": "P31D",
        "person": {"file": "people.csv", "key": "REF", "family_name": "SURNAME", "born_on": {"column": "DOB"}},
        "category": [
            {
                "category": ED,
                "file": "visits.csv",
                "person": "REF",
                "at": {"column": "AT"},
                "fields": {"diagnosis": "WHY"},
                "assertion": "fact",
            }
        ],
    }
    return SourceSettings.model_validate(whole)


def manual():
    return declared("paper", ED, kind="manual")


def test_sources_are_opened_in_the_order_declared(tmp_path):
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "visits.csv").write_text(VISITS)
    opened = open_sources([manual(), extract()], tmp_path)
    assert list(opened) == ["paper", "older"]
    assert [each.settings.name for each in opened.values()] == ["paper", "older"]
    close_sources(opened)


@pytest.mark.proves("I7")
def test_one_that_cannot_be_opened_is_unavailable_until_it_can_and_keeps_nobody_from_starting(tmp_path):
    opened = open_sources([extract(), manual()], tmp_path)
    system = opened["older"].system
    assert isinstance(system, Unopened)
    assert system.categories() == (ED,)
    nobody = Candidate(key="", family_name=None, given_names=None, born_on=None, postcode=None, nhs_number=None, nhs_number_verified=False)
    for ask in (lambda: system.candidates(ROBIN), lambda: system.fetch(nobody, ED, date(2026, 1, 1), date(2026, 12, 1))):
        with pytest.raises(SourceUnavailableError, match="source older cannot be opened"):
            ask()
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "visits.csv").write_text(VISITS)
    (person,) = system.candidates(ROBIN).rows
    assert len(system.fetch(person, ED, date(2026, 1, 1), date(2026, 12, 1)).rows) == 1
    close_sources(opened)


def test_where_not_one_can_be_opened_every_fault_is_told(tmp_path):
    with pytest.raises(ConfigurationError) as refused:
        open_sources([extract(), extract("other")], tmp_path)
    assert len(refused.value.faults) > 1
