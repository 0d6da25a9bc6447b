"""Keyed names of people and households: whoever was mentioned before is known again, and nobody can guess who from a store. Pure."""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from broker.effect import Mention
from schemas.identifiers import CategoryId, DecisionId, Digest, PartyId
from schemas.records import NHS_NUMBER, Subject

DECISION_PREFIX: Final = 4  # bytes of a decision's id


def fold(text: str | None) -> str:
    """What two spellings of one name or postcode have in common: case, white space, punctuation and code points folded away."""
    if not text:
        return ""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(letter for letter in folded if letter.isalnum() or unicodedata.category(letter).startswith("M"))


def person_names(key: bytes, subject: Subject) -> frozenset[Digest]:
    """Of one person, HMAC-SHA256 under a party's own key: by NHS number, and by names with date of birth."""
    numbers = [each.value for each in subject.identifiers if each.system == NHS_NUMBER]
    known = [f"nhs {number}" for number in numbers]
    if subject.born_on is not None and fold(subject.family_name) and fold(subject.given_names):
        known.append(f"born {subject.born_on.isoformat()} {fold(subject.family_name)} {fold(subject.given_names)}")
    return frozenset(_keyed(key, each) for each in known)


def household_names(key: bytes, subject: Subject) -> frozenset[Digest]:
    """Of each address that is known whole: a postcode alone is a street."""
    whole = [f"home {fold(each.postcode)} {fold(each.line)}" for each in subject.addresses if fold(each.postcode) and fold(each.line)]
    return frozenset(_keyed(key, each) for each in whole)


def question_names(key: bytes, hub: PartyId, subject: Subject, category: CategoryId) -> frozenset[Digest]:
    """Of one question of one hub about one person."""
    return frozenset(_keyed(key, f"asked {hub} {category} {name}") for name in person_names(key, subject))


def decision_name(key: bytes, first: bytes) -> Digest:
    """Of the decisions whose id begins so, `DECISION_PREFIX` bytes: as many letters as people type at least."""
    return _keyed(key, f"decision {first[:DECISION_PREFIX].hex()}")


def decisions_mentioned(key: bytes, ids: Iterable[DecisionId], case_id: UUID, digest: Digest) -> tuple[Mention, ...]:
    """Each decision by its keyed name, so that it is found by its id: in the clear an id would tell what was asked about."""
    return tuple(Mention(name=decision_name(key, each), case_id=case_id, digest=digest) for each in ids)


def _keyed(key: bytes, text: str) -> Digest:
    return Digest(hmac.digest(key, b"mash/1 mention" + text.encode(), "sha256"))
