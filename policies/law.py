"""The law as data: typed rules with citation and dates. There is no condition language, so nothing to inject."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from pydantic import Field, StringConstraints, model_validator

from policies.citation import Citation
from policies.located import Table
from policies.vocabulary import DERIVED, Automatic, ClassCode, Fact, LegalReview, RuleEffect, RuleKind, Side
from schemas.enums import ControllerKind, Kind, Layer, Purpose, Stage, SubjectRole
from schemas.identifiers import CategoryId, Slug
from schemas.record import ShortText

LAYERS: Final = tuple(layer for layer in Layer if layer is not Layer.unknown)  # in climbing order
Flag = Annotated[bool, Field(strict=True)]  # "no" in quotes is a mistake, not a false
Date = Annotated[date, Field(strict=True)]  # a number is no day: 20260930 would be taken for seconds since 1970
Sentence = Annotated[str, StringConstraints(min_length=20, max_length=600)]


class InForce(Table):
    """The days on which something holds, both included; no end means until it is changed."""

    since: Date = Field(alias="from")
    until: Date | None = None

    @model_validator(mode="after")
    def ordered(self) -> InForce:
        """Refuse an end before the beginning."""
        if self.until is not None and self.until < self.since:
            message = "until is before from"
            raise ValueError(message)
        return self

    def on(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.since <= day and (self.until is None or day <= self.until)


class Rule(Table):
    """One rule: an empty list means any; every fact in `requires` and none in `unless` must hold."""

    id: Slug
    layer: Layer
    side: Side = Side.discloser
    effect: RuleEffect
    kind: RuleKind
    citation: Citation
    says: Sentence
    holders: frozenset[ControllerKind] = frozenset()
    recipients: frozenset[ControllerKind] = frozenset()
    disclosures: frozenset[Kind] = frozenset()
    purposes: frozenset[Purpose] = frozenset()
    stages: frozenset[Stage] = frozenset()
    roles: frozenset[SubjectRole] = frozenset()
    classes: frozenset[ClassCode] = frozenset()
    excludes: frozenset[ClassCode] = frozenset()  # says nothing of a category that may hold one of these
    requires: frozenset[Fact] = frozenset()
    unless: frozenset[Fact] = frozenset()
    needs_apd: Slug | None = None  # the condition whose appropriate policy document the controller must hold
    lifts_confidence: Flag = False
    keeps_part_3: Flag = False  # of the regime: the data stay under Part 3 of DPA 2018, and UK GDPR says nothing of them
    turns_on_holder: Flag = False  # a duty that bites only if the holder considers that it does
    cap: Slug | None = None  # carried by this rule alone, or asked by this review rule, a person decides
    in_force: InForce
    legal_review: LegalReview

    @model_validator(mode="after")
    def whole(self) -> Rule:
        """A review names its cap, no fact is both wanted and unwanted, and only the gateway has two sides."""
        if self.effect is RuleEffect.review and self.cap is None:
            raise ValueError("a rule with effect review needs a cap, the word reported")
        if self.requires & self.unless:
            raise ValueError("a fact stands in requires and in unless")
        if self.unless & DERIVED:
            raise ValueError("unless may not name a fact that is worked out by the decision itself")
        if self.side is Side.recipient and (self.layer is not Layer.gateway or self.effect is not RuleEffect.permit):
            raise ValueError("only a permit of the gateway layer has a recipient's side")
        if self.keeps_part_3 and (self.layer is not Layer.regime or self.effect is not RuleEffect.permit):
            raise ValueError("only a permit of the regime layer keeps data under Part 3")
        return self


class Row(Table):
    """A row of the release table: may what every layer carries be told without a person? An empty list means any."""

    id: Slug
    says: Sentence
    holders: frozenset[ControllerKind] = frozenset()
    requesters: frozenset[ControllerKind] = frozenset()
    disclosures: frozenset[Kind] = frozenset()
    stages: frozenset[Stage] = frozenset()
    purposes: frozenset[Purpose] = frozenset()
    categories: frozenset[CategoryId] = frozenset()
    automatic: Automatic

    def matches(self, holder: ControllerKind, requester: ControllerKind, stage: Stage, purpose: Purpose) -> bool:
        """Whether the row speaks of this question; an empty list means any."""
        asked = ((holder, self.holders), (requester, self.requesters), (stage, self.stages), (purpose, self.purposes))
        return all(not named or value in named for value, named in asked)


class Applies(Table):
    """On which classes of data a layer has anything to say, and who holds data for law enforcement."""

    art9: frozenset[ClassCode]
    art10: frozenset[ClassCode]
    confidence: frozenset[ClassCode]
    competent_authorities: frozenset[ControllerKind]


class NotReliedOn(Table):
    """Law that somebody might look for here, and why no rule leans on it."""

    id: Slug
    citation: Citation
    says: Sentence
    legal_review: LegalReview


class Law(Table):
    """One law file."""

    jurisdiction: ShortText
    version: ShortText
    as_of: Date
    applies: Applies
    rules: tuple[Rule, ...] = Field(alias="rule", min_length=1)
    rows: tuple[Row, ...] = Field(alias="row", default=())
    not_relied_on: tuple[NotReliedOn, ...] = ()

    @property
    def documents(self) -> frozenset[Slug]:
        """The conditions for which some rule needs an appropriate policy document."""
        return frozenset(rule.needs_apd for rule in self.rules if rule.needs_apd is not None)
