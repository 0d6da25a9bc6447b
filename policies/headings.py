"""What a sharing agreement must say in words, under the headings of the ICO's Data Sharing Code (DPA 2018 s.121)."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from policies.located import Table

Prose = Annotated[str, StringConstraints(strip_whitespace=True, min_length=20, max_length=4000)]  # a sentence, or a page of them


class Governance(Table):
    """How the sharing is looked after; title and description are the heading and the question that it answers."""

    quality: Prose = Field(title="Quality", description="How is what is shared kept accurate, and who is told when it was not?")
    security: Prose = Field(title="Security", description="How is it protected on its way and where it is kept, and who may see it?")
    retention: Prose = Field(title="Retention", description="How long is it kept by whoever received it, and why so long?")
    deletion: Prose = Field(title="Deletion", description="How is it destroyed or given back at the end, and who confirms that?")
    breach: Prose = Field(title="Breach", description="Who tells whom, how soon, when something went to the wrong place?")
    training: Prose = Field(title="Training", description="What must staff have learnt before they take part?")
    review: Prose = Field(title="Review", description="Who reviews this agreement, when, and what brings a review forward?")
    termination: Prose = Field(title="Termination", description="How does a party leave, and what becomes of what it received?")


class Terms(Table):
    """The headings; each is answered, none is left for later."""

    purpose: Prose = Field(title="Purpose", description="Why do the parties share: which aims, in precise terms, and what is out of scope?")
    parties: Prose = Field(title="Parties", description="Who takes part, in which function, and whom does one ring at each?")
    joint_controllership: Prose = Field(
        title="Joint controllership", description="Who decides what together, who for itself, and where is the arrangement between them?"
    )
    data_items: Prose = Field(title="Data items", description="What is shared about whom, and what never is?")
    lawful_basis: Prose = Field(title="Lawful basis", description="On which power or duty and which condition does each party rely?")
    special_category: Prose = Field(
        title="Special category and criminal-offence data", description="Which conditions are met for it, and where is the policy document?"
    )
    individual_rights: Prose = Field(
        title="Individual rights and access procedure", description="Who answers a request for access, correction or erasure, and how?"
    )
    governance: Governance
    further_details: Prose | None = Field(default=None, title="Further details", description="Is anything else agreed?")


def _titles() -> Iterator[tuple[str, str]]:
    for name, field in Terms.model_fields.items():
        if name == "governance":
            yield from ((f"{name}.{part}", each.title or part) for part, each in Governance.model_fields.items())
        else:
            yield name, field.title or name


HEADINGS: Final = MappingProxyType(dict(_titles()))  # each heading by its key under [terms], in the order of the code


def under(terms: Terms, key: str) -> str | None:
    """What stands under one heading of HEADINGS, or None where it may be left out and is."""
    said: str | None = attrgetter(key)(terms)
    return said


def headings(terms: Terms) -> Iterator[tuple[str, str]]:
    """Every heading that is answered, with what stands under it, in the order of the code."""
    for key, title in HEADINGS.items():
        said = under(terms, key)
        if said is not None:
            yield title, said
