"""Sharing agreements a machine can read: which parties, which categories, for which purposes, from when until when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from pydantic import Field

from policies.law import InForce
from policies.located import Table
from schemas.enums import Purpose
from schemas.identifiers import CategoryId, PartyId, Slug
from schemas.record import ShortText


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
    supplies: Mapping[PartyId, frozenset[CategoryId]] = Field(default_factory=dict)  # a party named here holds these and no other
    in_force: InForce
    review_by: date

    def supplied_by(self, party: PartyId, category: CategoryId) -> bool:
        """Whether a party is one to ask for a category: of whom the agreement says nothing, it may be."""
        return category in self.supplies.get(party, {category})

    def covers(self, discloser: PartyId, recipient: PartyId, category: CategoryId, purpose: Purpose, at: datetime) -> bool:
        """Whether this disclosure is one the parties agreed to and the agreement holds on that day."""
        joined = discloser in self.parties and recipient in self.parties
        agreed = category in self.categories and purpose in self.purposes and self.supplied_by(discloser, category)
        return joined and agreed and self.in_force.on(at.date())
