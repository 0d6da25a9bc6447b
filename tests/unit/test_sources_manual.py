"""A system nobody may query: every question of it is a person's, and it is never said that nothing is held."""

from datetime import date

import pytest

from agents.adapter.ports import Candidate, PersonAnswersError
from agents.adapter.sources.opening import open_source, source_faults
from agents.adapter.sources.settings import SourceSettings
from schemas.enums import SubjectRole
from schemas.errors import SourceUnavailableError
from schemas.identifiers import CategoryId, SubjectRef
from schemas.records import Subject

SUPPORT = CategoryId("vcs.support")
FORM = {"category": SUPPORT, "fields": ["summary", "support_given"], "assertion": "professional_judgement"}


def settings(**changes):
    return SourceSettings.model_validate({"kind": "manual", "name": "paper-files", "category": (FORM,)} | changes)


def test_a_form_names_its_fields():
    place = settings().place_of(SUPPORT)
    assert tuple(place.fields) == ("summary", "support_given")


def test_every_question_is_a_persons(tmp_path):
    source = open_source(settings(), tmp_path)
    somebody = Subject(ref=SubjectRef("s1"), role=SubjectRole.child, relation_to_child="the child", known_as="x")
    nobody = Candidate(key="", family_name=None, given_names=None, born_on=None, postcode=None, nhs_number=None, nhs_number_verified=False)
    for ask in (lambda: source.candidates(somebody), lambda: source.fetch(nobody, SUPPORT, date(2026, 1, 1), date(2026, 2, 1))):
        with pytest.raises(PersonAnswersError):
            ask()
    assert source.categories() == (SUPPORT,)
    assert source_faults(settings(), tmp_path) == ()
    source.close()


def test_who_does_not_know_the_signal_says_unavailable_and_not_none_held():
    assert issubclass(PersonAnswersError, SourceUnavailableError)
