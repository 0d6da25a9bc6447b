"""Who is this? One test for each sentence of what may be confirmed."""

from dataclasses import replace
from datetime import date

import pytest

from agents.adapter.matching import MAX_CANDIDATES, Match, MatchOutcome, match
from agents.adapter.ports import Candidate
from agents.identity import fold
from schemas.enums import SubjectRole
from schemas.identifiers import NhsNumber, SubjectRef
from schemas.records import NHS_NUMBER, Address, Identifier, Subject

NUMBER, OTHER = NhsNumber("9434765919"), NhsNumber("9449305552")
BORN = date(2017, 3, 4)
HELD = Candidate(
    key="N1",
    family_name="O’Connor",
    given_names="Zoë  Ann",
    born_on=BORN,
    postcode="XX1 1AA",
    nhs_number=NUMBER,
    nhs_number_verified=True,
)


def asked(*, number=None, verified=True, postcode="xx11aa", **values):
    identifiers = (Identifier(system=NHS_NUMBER, value=number, verified=verified),) if number else ()
    addresses = (Address(postcode=postcode),) if postcode else ()
    named = {"family_name": "O'CONNOR", "given_names": "zoë ann", "born_on": BORN} | values
    return Subject(
        ref=SubjectRef("s1"), role=SubjectRole.child, relation_to_child="the child", identifiers=identifiers, addresses=addresses, **named
    )


def outcome(subject, *candidates):
    return match(subject, candidates).outcome.value


def test_a_traced_number_on_both_sides_confirms_and_says_what_agreed():
    found = match(asked(number=NUMBER, postcode=None), [HELD])
    assert found.outcome is MatchOutcome.confirmed
    assert found.person is HELD
    assert found.agreed_fields == ("nhs_number", "family_name", "given_names", "born_on")


def test_a_traced_number_alone_confirms_when_the_contact_knows_nothing_else():
    subject = asked(number=NUMBER, postcode=None, family_name=None, given_names=None, born_on=None)
    assert outcome(subject, HELD) == "confirmed"


@pytest.mark.parametrize(
    ("subject", "person"),
    [
        (asked(number=NUMBER, born_on=date(2017, 4, 3)), HELD),
        (asked(number=NUMBER, family_name="Grey", given_names="Tom"), HELD),
        (asked(number=NUMBER, verified=False, postcode=None), HELD),
        (asked(number=NUMBER, postcode=None), replace(HELD, nhs_number_verified=False)),
        (asked(number=NUMBER, verified=False, family_name=None, given_names=None, born_on=None, postcode=None), HELD),
    ],
    ids=["another birth date", "other names", "untraced by the asker", "untraced by the holder", "nothing but an untraced number"],
)
def test_a_number_that_is_contradicted_or_untraced_is_ambiguous(subject, person):
    assert outcome(subject, person) == "ambiguous"


def test_a_married_name_under_one_traced_number_is_the_same_person():
    assert outcome(asked(number=NUMBER, family_name="Grey"), HELD) == "confirmed"


def test_exact_name_birth_and_postcode_confirm_without_a_number():
    found = match(asked(), [replace(HELD, nhs_number=None, nhs_number_verified=False)])
    assert found.outcome is MatchOutcome.confirmed
    assert found.agreed_fields == ("family_name", "given_names", "born_on", "postcode")


@pytest.mark.parametrize(
    ("subject", "person"),
    [
        (asked(postcode=None), HELD),
        (asked(postcode="XX9 9ZZ"), HELD),
        (asked(), replace(HELD, postcode=None)),
        (asked(given_names=None), HELD),
        (asked(), replace(HELD, given_names=None)),
        (asked(given_names="Zoe"), HELD),
        (asked(born_on=None), HELD),
        (asked(), replace(HELD, born_on=None)),
        (asked(number=OTHER), HELD),
    ],
)
def test_less_than_all_of_it_is_ambiguous(subject, person):
    assert outcome(subject, person) == "ambiguous"


@pytest.mark.parametrize(
    "person",
    [
        replace(HELD, born_on=date(2017, 3, 5)),
        replace(HELD, family_name="Connolly"),
        replace(HELD, given_names="Tyler"),
        replace(HELD, born_on=None, postcode=None),
        replace(HELD, family_name=None),
    ],
)
def test_somebody_else_is_nobody(person):
    assert outcome(asked(), person) == "none"


def test_no_candidates_are_none():
    assert outcome(asked()) == "none"


@pytest.mark.proves("I10")
@pytest.mark.parametrize("twin", ["Zoe Ann", "Zara", None])
def test_a_twin_makes_an_exact_match_ambiguous(twin):
    plain = replace(HELD, nhs_number=None, nhs_number_verified=False)
    assert outcome(asked(), plain, replace(plain, key="N2", given_names=twin)) == "ambiguous"


def test_twins_with_traced_numbers_are_told_apart():
    twin = replace(HELD, key="N2", given_names="Zara", nhs_number=OTHER)
    assert match(asked(number=NUMBER), [HELD, twin]).person is HELD


def test_a_twin_of_quite_another_name_does_not_matter():
    assert outcome(asked(), HELD, replace(HELD, key="N2", given_names="Tyler", nhs_number=OTHER)) == "confirmed"


def test_one_person_in_two_records_is_ambiguous():
    assert outcome(asked(number=NUMBER), HELD, replace(HELD, key="N2")) == "ambiguous"


def test_the_same_row_found_twice_is_one():
    assert outcome(asked(number=NUMBER), HELD, HELD) == "confirmed"


def test_more_candidates_than_anybody_can_tell_apart_are_ambiguous():
    others = [replace(HELD, key=f"N{index}", family_name="Else", nhs_number=None) for index in range(MAX_CANDIDATES)]
    assert outcome(asked(number=NUMBER), HELD, *others) == "ambiguous"
    assert outcome(asked(number=NUMBER), HELD, *others[1:]) == "confirmed"


@pytest.mark.parametrize("text", ["Smith-Jones", "SMITH JONES", "smith  jones", "Smith\u2010Jones", "\uff33mith-Jones"])
def test_spelling_folds(text):
    assert fold(text) == "smithjones"


def test_diacritics_do_not_fold():
    assert fold("Zoë") == fold("Zoe\u0308") != fold("Zoe")


@pytest.mark.proves("I10")
@pytest.mark.parametrize("sure", [MatchOutcome.confirmed, MatchOutcome.probable])
def test_ambiguity_cannot_be_made_to_hold_a_person(sure):
    for unsure in (MatchOutcome.ambiguous, MatchOutcome.none):
        with pytest.raises(ValueError):
            Match(outcome=unsure, person=HELD)
    with pytest.raises(ValueError):
        Match(outcome=sure)


@pytest.mark.proves("I18")
def test_neither_candidate_nor_match_shows_a_person():
    shown = repr(HELD) + repr(match(asked(), [HELD]))
    assert "Connor" not in shown
    assert NUMBER not in shown


def test_a_twins_number_does_not_confirm_the_other_twin():
    twin = replace(HELD, given_names="Noah")
    assert outcome(asked(number=NUMBER, given_names="Ella"), twin) == "ambiguous"
    assert outcome(asked(number=NUMBER, given_names="Ella", born_on=None), twin) == "ambiguous"  # nor a child its mother
    assert outcome(asked(number=NUMBER, given_names="Eleanor", known_as="Noah"), twin) == "confirmed"


def test_of_several_addresses_none_is_said_to_be_theirs():
    one = asked(number=NUMBER)
    two = replace(one, addresses=(*one.addresses, Address(postcode="XX9 9ZZ")))
    assert "postcode" in match(one, [HELD]).agreed_fields
    assert "postcode" not in match(two, [HELD]).agreed_fields
