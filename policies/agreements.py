"""Sharing agreements a machine can read: who shares what with whom and why, in which capacity, until when, and kept how long."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field

from policies.categories import Category, Retention
from policies.headings import Terms
from policies.law import Date, InForce, Sentence
from policies.located import Table
from schemas.enums import Purpose
from schemas.identifiers import CategoryId, Digest, PartyId, Slug
from schemas.record import ShortText


class Processing(Table):
    """One thing the parties do with the data, and in which capacity each of them takes part in it."""

    name: Slug
    says: Sentence
    categories: frozenset[CategoryId] = frozenset()  # none named: all that are agreed
    controllers: frozenset[PartyId] = frozenset()  # each decides for itself
    joint: frozenset[PartyId] = frozenset()  # decide together
    arrangement: ShortText | None = None  # where the joint controllers' arrangement is written down (UK GDPR Art. 26)
    processors: frozenset[PartyId] = frozenset()  # on behalf of the controllers named here, never in their own name
    contract: ShortText | None = None  # where what binds the processors is written down (UK GDPR Art. 28)

    @property
    def in_own_name(self) -> frozenset[PartyId]:
        """Who decides, alone or with others."""
        return self.controllers | self.joint

    @property
    def roles(self) -> Mapping[str, frozenset[PartyId]]:
        """The three capacities, by the key that names each."""
        return {"controllers": self.controllers, "joint": self.joint, "processors": self.processors}

    def concerns(self, category: CategoryId) -> bool:
        """Whether it speaks of a category."""
        return not self.categories or category in self.categories


class Keeping(Table):
    """How long whoever received it keeps a copy."""

    days: Annotated[int, Field(ge=1, le=36600)]
    counted_from: ShortText  # the event, in words


class RetentionTerms(Table):
    """How long copies are kept: by the category table's retention class, and by category where that says otherwise."""

    by_class: Mapping[Retention, Keeping] = Field(default_factory=dict)
    by_category: Mapping[CategoryId, Keeping] = Field(default_factory=dict)

    def of(self, category: Category) -> Keeping | None:
        """What holds for one category."""
        return self.by_category.get(category.id) or self.by_class.get(category.retention)


class Agreement(Table):
    """One sharing agreement; `basis` names the rules its parties mean to rely on."""

    id: Slug
    version: ShortText
    title: ShortText
    parties: frozenset[PartyId] = Field(min_length=2)
    categories: frozenset[CategoryId] = Field(min_length=1)
    purposes: frozenset[Purpose] = Field(min_length=1)
    basis: tuple[Slug, ...] = Field(min_length=1)
    bound_to_secrecy: frozenset[PartyId] = frozenset()  # whose recipients are professionals under a duty of secrecy (UK GDPR Art. 9(3))
    in_force: InForce
    review_by: Date
    processings: tuple[Processing, ...] = Field(alias="processing", min_length=1)
    retention: RetentionTerms
    terms: Terms
    supplies: Mapping[PartyId, frozenset[CategoryId]] = Field(default_factory=dict)  # a party named here holds these and no other

    def supplied_by(self, party: PartyId, category: CategoryId) -> bool:
        """Whether a party is one to ask for a category: of whom the agreement says nothing, it may be."""
        return category in self.supplies.get(party, {category})

    def in_own_name(self, party: PartyId, category: CategoryId) -> bool:
        """Whether a party decides about a category, alone or with others: a processor relies on no agreement."""
        return any(party in each.in_own_name and each.concerns(category) for each in self.processings)

    def covers(self, discloser: PartyId, recipient: PartyId, category: CategoryId, purpose: Purpose, at: datetime) -> bool:
        """Whether this disclosure is one the parties agreed to, each in its own name, and the agreement holds on that day."""
        agreed = category in self.categories and purpose in self.purposes and self.supplied_by(discloser, category)
        joined = all(party in self.parties and self.in_own_name(party, category) for party in (discloser, recipient))
        return agreed and joined and self.in_force.on(at.date())

    def capacities(self, party: PartyId) -> Iterator[tuple[Processing, str]]:
        """In which processings a party takes part, each with the key of its capacity."""
        for each in self.processings:
            yield from ((each, role) for role, named in each.roles.items() if party in named)


def digest_of_agreement(text: str) -> Digest:
    """What the directory lists when an agreement is signed: SHA-256 of its text, lines ended by LF, so that any tool can check it."""
    return Digest(hashlib.sha256(text.encode()).digest())
