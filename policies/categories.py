"""Categories of data an agency may be asked for: what they hold, when they may be asked, what is cut from them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from policies.disclosures import HELD, disclosing
from policies.law import Flag, Sentence
from policies.located import Table
from policies.vocabulary import EVERY_CLASS, ClassCode
from schemas.enums import ControllerKind, Handling, Kind, Rag, Stage, SubjectRole
from schemas.identifiers import CategoryId, Slug
from schemas.record import ShortText

CONTACT: Final = CategoryId("hub.contact")  # what a body tells a hub of its own motion
CONCERN: Final = CategoryId("hub.concern")  # what a hub itself discloses when it asks: who, and why it worries


class Redaction(StrEnum):
    """What is cut from free text unless a reviewer puts it back."""

    address = "address"
    postcode = "postcode"
    phone = "phone"
    email = "email"
    nhs_number = "nhs_number"


class Retention(StrEnum):
    """How the hub keeps its copy; the controller's own table gives the days."""

    standard = "standard"
    restricted = "restricted"  # goes first, and enters no product


class CategoryField(Table):
    """One named value of an item; free text may hold anything, so it is presumed to hold every class."""

    name: Slug
    free_text: Flag = False


class Category(Table):
    """One category; its threshold says how serious and how close a case must be before it may be asked."""

    id: CategoryId
    title: ShortText
    says: Sentence
    held_by: frozenset[ControllerKind] = Field(min_length=1)
    disclosures: frozenset[Kind] = HELD  # in which kinds of disclosure it may be told
    classes: frozenset[ClassCode] = Field(min_length=1)
    stages: frozenset[Stage] = Field(min_length=1)
    rags: frozenset[Rag] = Field(min_length=1)
    roles: frozenset[SubjectRole] = Field(min_length=1)
    look_back_days: Annotated[int, Field(ge=1, le=36600)]
    law_enforcement: Flag = False  # collected by a competent authority for law enforcement (DPA 2018 s.31)
    automatic: Flag
    redact: frozenset[Redaction] = frozenset()
    handling: Handling
    retention: Retention = Retention.standard
    fields: tuple[CategoryField, ...] = Field(min_length=1, max_length=40)

    @property
    def presumed_classes(self) -> frozenset[ClassCode]:
        """The classes the law is asked about: all of them where there is free text."""
        return EVERY_CLASS if any(field.free_text for field in self.fields) else self.classes

    @property
    def onward(self) -> bool:
        """Whether a hub may pass it on at all, once its owner has released it."""
        return self.handling is Handling.onward_with_owner_release and self.retention is not Retention.restricted


class Categories(Table):
    """The categories file: what an agency may be asked for, and what is told of one's own motion."""

    version: ShortText
    told: tuple[Category, ...] = Field(min_length=1)
    categories: tuple[Category, ...] = Field(alias="category", min_length=1)

    @property
    def every(self) -> tuple[Category, ...]:
        """All of them, what nobody is asked for first."""
        return (*self.told, *self.categories)

    @property
    def concern(self) -> Category:
        """What a hub itself discloses when it asks."""
        return next(each for each in self.told if each.id == CONCERN)

    def told_by(self, body: ControllerKind, category: Category) -> frozenset[Kind]:
        """In which kinds of disclosure a kind of body may tell a category: a hub alone passes on, of whatever it was told."""
        holds, hub = body in category.held_by, body in self.concern.held_by
        return frozenset(kind for kind in category.disclosures if (hub if disclosing(kind).passes_on else holds))
