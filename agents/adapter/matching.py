"""Who is this? A subject against an agency's candidates: sure, or not at all. Pure; ambiguity never gives a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum, StrEnum
from typing import Final

from agents.adapter.ports import Candidate
from agents.identity import fold
from schemas.identifiers import NhsNumber, Slug
from schemas.records import NHS_NUMBER, Subject

MAX_CANDIDATES: Final = 20  # a search that finds more has no discriminator; it is ambiguous, whatever the rest looks like
SIMILAR: Final = 0.6  # of difflib's ratio: Ella/Ellie 0.67, Jayden/Jaydon 0.83, Amelia/Oliver 0.33


class MatchOutcome(StrEnum):
    """How sure we are; `probable` (a person decides) waits for weights."""

    confirmed = "confirmed"
    probable = "probable"
    ambiguous = "ambiguous"
    none = "none"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Match:
    """What the search came to. Only a confirmed or probable match names a person or says what agreed."""

    outcome: MatchOutcome
    person: Candidate | None = None
    agreed_fields: tuple[Slug, ...] = ()

    def __post_init__(self) -> None:
        """Ambiguity gives nobody, by construction."""
        if (self.person is not None) != (self.outcome in {MatchOutcome.confirmed, MatchOutcome.probable}):
            message = "a person stands in a confirmed or probable match, and only there"
            raise ValueError(message)


UNSEARCHED: Final = Match(outcome=MatchOutcome.ambiguous)  # nothing was given to look by: that is no "nobody"


class _Fit(Enum):
    """How well one candidate fits, looked at alone."""

    no = "somebody else"
    plausible = "perhaps"
    strong = "by itself, sure"


def match(subject: Subject, candidates: Iterable[Candidate]) -> Match:
    """Confirm one candidate only if it is sure by itself and nobody else is even plausible."""
    people = list(dict.fromkeys(candidates))
    if len(people) > MAX_CANDIDATES:
        return Match(outcome=MatchOutcome.ambiguous)
    fitting = [(person, fit) for person in people if (fit := _fit(subject, person)) is not _Fit.no]
    if not fitting:
        return Match(outcome=MatchOutcome.none)
    if len(fitting) > 1 or fitting[0][1] is not _Fit.strong:
        return Match(outcome=MatchOutcome.ambiguous)
    person = fitting[0][0]
    return Match(outcome=MatchOutcome.confirmed, person=person, agreed_fields=_agreed(subject, person))


def plausible(subject: Subject, candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Who it may be, for the agency's own reviewer to choose from, in an order that a source's own does not change."""
    people = [each for each in dict.fromkeys(candidates) if _fit(subject, each) is not _Fit.no]
    return tuple(sorted(people, key=lambda each: (fold(each.family_name), fold(each.given_names), str(each.born_on), each.key)))[
        :MAX_CANDIDATES
    ]


def nhs_numbers(subject: Subject) -> tuple[NhsNumber, ...]:
    """Every NHS number of a subject, traced or not."""
    return tuple(NhsNumber(each.value) for each in subject.identifiers if each.system == NHS_NUMBER)


def _fit(subject: Subject, person: Candidate) -> _Fit:
    if _number_agrees(subject, person):
        return _fit_by_number(subject, person)
    return _fit_by_name(subject, person)


def _fit_by_number(subject: Subject, person: Candidate) -> _Fit:
    """A traced number on both sides, unless the rest contradicts it; an untraced one proves nothing."""
    if _born_differs(subject, person) or _names_differ(subject, person) or not _given_alike(subject, person):
        return _Fit.plausible
    if _number_agrees(subject, person, verified=True):
        return _Fit.strong
    return _Fit.strong if _all_agree(subject, person) else _Fit.plausible


def _fit_by_name(subject: Subject, person: Candidate) -> _Fit:
    """Exact name, date of birth and postcode; anything a twin, a move or a missing part could explain is plausible only."""
    if _born_differs(subject, person):
        return _Fit.no
    exact = _same(subject.family_name, person.family_name) and _same(subject.given_names, person.given_names)
    if _numbers_differ(subject, person):  # two traced numbers are two people, unless all else says one
        return _Fit.plausible if exact else _Fit.no
    if _all_agree(subject, person):
        return _Fit.strong
    anchored = _same_birth(subject, person) or _same_postcode(subject, person)
    return _Fit.plausible if anchored and _could_be_called(subject, person) else _Fit.no


def _agreed(subject: Subject, person: Candidate) -> tuple[Slug, ...]:
    tests = {
        "nhs_number": _number_agrees(subject, person),
        "family_name": _same(subject.family_name, person.family_name),
        "given_names": _same(subject.given_names, person.given_names),
        "born_on": _same_birth(subject, person),
        "postcode": len(subject.addresses) == 1 and _same_postcode(subject, person),  # of several, it would tell which is theirs
    }
    return tuple(Slug(name) for name, agrees in tests.items() if agrees)


def _all_agree(subject: Subject, person: Candidate) -> bool:
    names = _same(subject.family_name, person.family_name) and _same(subject.given_names, person.given_names)
    return names and _same_birth(subject, person) and _same_postcode(subject, person)


def _number_agrees(subject: Subject, person: Candidate, *, verified: bool = False) -> bool:
    if person.nhs_number is None or (verified and not person.nhs_number_verified):
        return False
    return any(_is_nhs(each.system) and each.value == person.nhs_number and (each.verified or not verified) for each in subject.identifiers)


def _numbers_differ(subject: Subject, person: Candidate) -> bool:
    if person.nhs_number is None or not person.nhs_number_verified:
        return False
    return any(_is_nhs(each.system) and each.verified and each.value != person.nhs_number for each in subject.identifiers)


def _is_nhs(system: str) -> bool:
    return system == NHS_NUMBER


def _same_birth(subject: Subject, person: Candidate) -> bool:
    return subject.born_on is not None and subject.born_on == person.born_on


def _born_differs(subject: Subject, person: Candidate) -> bool:
    return subject.born_on is not None and person.born_on is not None and subject.born_on != person.born_on


def _same_postcode(subject: Subject, person: Candidate) -> bool:
    held = fold(person.postcode)
    return bool(held) and any(fold(address.postcode) == held for address in subject.addresses)


def _same(asked: str | None, held: str | None) -> bool:
    return bool(fold(asked)) and fold(asked) == fold(held)


def _names_differ(subject: Subject, person: Candidate) -> bool:
    """Both sides have names, and no part of them agrees."""
    pairs = ((subject.family_name, person.family_name), (subject.given_names, person.given_names))
    known = [(asked, held) for asked, held in pairs if fold(asked) and fold(held)]
    return bool(known) and not any(_same(asked, held) for asked, held in known)


def _could_be_called(subject: Subject, person: Candidate) -> bool:
    """The same family name, and given names that are alike or missing on one side: twins, or one person twice."""
    if not _same(subject.family_name, person.family_name):
        return False
    return _given_alike(subject, person)


def _given_alike(subject: Subject, person: Candidate) -> bool:
    """Whether the given names could be one person's, or are missing on one side: a twin has the other's birth and home."""
    held, known = fold(person.given_names), [fold(name) for name in (subject.given_names, subject.known_as) if fold(name)]
    return not held or not known or any(_alike(asked, held) for asked in known)


def _alike(asked: str, held: str) -> bool:
    return asked[0] == held[0] or asked in held or held in asked or SequenceMatcher(None, asked, held, autojunk=False).ratio() >= SIMILAR
