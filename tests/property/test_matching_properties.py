"""Order does not matter, more candidates never make surer, and ambiguity gives nobody."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.adapter.matching import MatchOutcome, match
from agents.adapter.ports import Candidate
from schemas.enums import SubjectRole
from schemas.identifiers import NhsNumber, SubjectRef
from schemas.records import NHS_NUMBER, Address, Identifier, Subject

# so few values that agreement, twins and contradiction all happen
FAMILY = st.sampled_from([None, "Khan", "KHAN", "O'Neill", "ONeill"])
GIVEN = st.sampled_from([None, "Ella", "Ellie", "Tom", "ella"])
BORN = st.sampled_from([None, date(2016, 1, 1), date(2016, 1, 2)])
POSTCODE = st.sampled_from([None, "XX1 1AA", "xx11aa", "XX2 2BB"])
NUMBER = st.sampled_from([None, NhsNumber("9434765919"), NhsNumber("9449305552")])
PEOPLE = st.builds(
    Candidate,
    key=st.sampled_from("ABCDEF"),
    family_name=FAMILY,
    given_names=GIVEN,
    born_on=BORN,
    postcode=POSTCODE,
    nhs_number=NUMBER,
    nhs_number_verified=st.booleans(),
)


@st.composite
def subjects(draw):
    number, postcode = draw(NUMBER), draw(POSTCODE)
    return Subject(
        ref=SubjectRef("s1"),
        role=SubjectRole.unborn,
        relation_to_child="the child",
        family_name=draw(FAMILY),
        given_names=draw(GIVEN),
        born_on=draw(BORN),
        addresses=(Address(postcode=postcode),) if postcode else (),
        identifiers=(Identifier(system=NHS_NUMBER, value=number, verified=draw(st.booleans())),) if number else (),
    )


@pytest.mark.proves("I10")
@given(subjects(), st.lists(PEOPLE, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_matter(subject, people, random):
    shuffled = random.sample(people, len(people))
    assert match(subject, people) == match(subject, shuffled)


@pytest.mark.proves("I10")
@given(subjects(), st.lists(PEOPLE, max_size=5), PEOPLE)
def test_another_candidate_never_turns_ambiguous_into_confirmed(subject, people, another):
    if match(subject, people).outcome is MatchOutcome.ambiguous:
        assert match(subject, [*people, another]).outcome is MatchOutcome.ambiguous


@pytest.mark.proves("I10")
@given(subjects(), st.lists(PEOPLE, max_size=25))
def test_only_a_sure_match_gives_a_person_and_one_of_those_found(subject, people):
    found = match(subject, people)
    if found.outcome is MatchOutcome.confirmed:
        assert found.person in people
        assert found.agreed_fields
    else:
        assert found.person is None
        assert found.agreed_fields == ()


@given(subjects(), PEOPLE)
def test_a_person_born_on_another_day_is_never_confirmed(subject, person):
    if subject.born_on and person.born_on and subject.born_on != person.born_on:
        assert match(subject, [person]).person is None
