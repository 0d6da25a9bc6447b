"""What a controller says of itself: its task in law, its policy documents, and what it has considered in advance."""

from __future__ import annotations

from pydantic import Field

from policies.citation import Citation
from policies.law import Date, Flag, Sentence
from policies.located import Table
from policies.vocabulary import Fact
from schemas.enums import ControllerKind, Stage, SubjectRole
from schemas.identifiers import CategoryId, PartyId, Slug
from schemas.record import ShortText


class OwnTask(Table):
    """The controller's own task in the public interest and the law that lays it down (UK GDPR Art. 6(3))."""

    task: ShortText
    citation: Citation


class PolicyDocument(Table):
    """An appropriate policy document (DPA 2018 Sch. 1 Pt 4), by the condition it serves."""

    condition: Slug
    version: ShortText


class Consideration(Table):
    """The controller's word that it considers a category fit for automatic release at these stages about these roles."""

    category: CategoryId
    stages: frozenset[Stage] = Field(min_length=1)
    roles: frozenset[SubjectRole] = Field(min_length=1)
    reason: Sentence
    detriment_considered: Flag
    overriding_public_interest: Flag
    decided_by: ShortText
    review_by: Date

    @property
    def facts(self) -> frozenset[Fact]:
        """What it supplies to a decision until its review date."""
        stated = {
            Fact.holder_considered: True,
            Fact.detriment_considered: self.detriment_considered,
            Fact.public_interest_recorded: self.overriding_public_interest,
        }
        return frozenset(fact for fact, holds in stated.items() if holds)


class Controller(Table):
    """One controller, in its own `controller.toml`."""

    party: PartyId
    kind: ControllerKind
    version: ShortText
    own_task: OwnTask | None = None
    official_authority: ShortText | None = None  # the law under whose authority it processes criminal-offence data (Art. 10)
    relevant_person: ShortText | None = None  # what makes it one under CA 2004 s.16LA(4): its designation, or its contract
    legitimate_interests: ShortText | None = None  # where the balance of Art. 6(1)(f) is written down
    apds: tuple[PolicyDocument, ...] = Field(alias="apd", default=())
    considerations: tuple[Consideration, ...] = Field(alias="consideration", default=())

    @property
    def documents(self) -> frozenset[Slug]:
        """The conditions whose appropriate policy document it holds."""
        return frozenset(document.condition for document in self.apds)

    @property
    def facts(self) -> frozenset[Fact]:
        """What is true of this controller in every decision."""
        stated: dict[Fact, object] = {
            Fact.own_task: self.own_task,
            Fact.official_authority: self.official_authority,
            Fact.relevant_person: self.relevant_person,
            Fact.interests_balanced: self.legitimate_interests,
        }
        return frozenset(fact for fact, said in stated.items() if said is not None)
