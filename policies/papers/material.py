"""What a paper is put together from, and the questions its parts ask of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from policies.agreements import Agreement
from policies.categories import Category
from policies.law import Rule
from policies.pack import Pack
from policies.papers.statements import Statements
from policies.vocabulary import RuleEffect
from schemas.enums import ControllerKind, Layer, Purpose
from schemas.identifiers import CategoryId, PartyId, Slug
from schemas.statements import Directory, Party


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Material:
    """A pack, what the controller says beside it, the checked directory where there is one, and the day."""

    pack: Pack
    statements: Statements
    directory: Directory | None
    on: date

    @property
    def covered(self) -> tuple[Category, ...]:
        """The categories that an agreement covers, in the order of the category table."""
        agreed = {category for each in self.pack.agreements for category in each.categories}
        return tuple(each for each in self.pack.categories.every if each.id in agreed)

    @property
    def purposes(self) -> tuple[Purpose, ...]:
        """The purposes agreed, in the order of the vocabulary."""
        agreed = {purpose for each in self.pack.agreements for purpose in each.purposes}
        return tuple(purpose for purpose in Purpose if purpose in agreed)

    @property
    def parties(self) -> tuple[PartyId, ...]:
        """The controller and everybody it has an agreement with, by id."""
        return tuple(sorted({self.pack.controller.party, *(party for each in self.pack.agreements for party in each.parties)}))

    @property
    def own_name(self) -> str | None:
        """The controller's name, as it says itself or as the directory lists it."""
        entry = self.listed(self.pack.controller.party)
        return self.statements.name or (entry.name if entry is not None else None)

    def listed(self, party: PartyId) -> Party | None:
        """What the directory says of a party."""
        return next((each for each in self.directory.parties if each.id == party), None) if self.directory is not None else None

    def kind_of(self, party: PartyId) -> ControllerKind | None:
        """What sort of body a party is, where the pack or the directory says so."""
        if party == self.pack.controller.party:
            return self.pack.controller.kind
        listed = self.listed(party)
        return None if listed is None else listed.kind

    def agreed_of(self, agreement: Agreement) -> tuple[Category, ...]:
        """The categories of one agreement, in the order of the category table."""
        return tuple(each for each in self.covered if each.id in agreement.categories)

    def holders(self, agreement: Agreement, category: Category) -> tuple[tuple[PartyId, ...], tuple[PartyId, ...]]:
        """Which parties supply a category under an agreement, and which may, since nobody says what they hold."""
        named = [party for party in agreement.parties if category.id in agreement.supplies.get(party, frozenset())]
        silent = [party for party in agreement.parties if party not in agreement.supplies]
        holding = [party for party in silent if self.kind_of(party) in category.held_by]
        unsaid = [party for party in silent if self.kind_of(party) is None]
        return tuple(sorted([*named, *holding])), tuple(sorted(unsaid))

    def named(self, layer: Layer) -> tuple[Rule, ...]:
        """The rules of a layer that agreements say they rely on, in the order of the law."""
        basis = {rule for each in self.pack.agreements for rule in each.basis}
        return tuple(rule for rule in self.pack.law.rules if rule.id in basis and rule.layer is layer)

    def silent(self, layer: Layer) -> tuple[Agreement, ...]:
        """The agreements that name no rule of a layer."""
        named = {rule.id for rule in self.named(layer)}
        return tuple(each for each in self.pack.agreements if not named & set(each.basis))

    def opened(self, layer: Layer) -> tuple[Rule, ...]:
        """The rules of a layer in force that day which this kind of controller might rely on for an agreed purpose."""
        return tuple(rule for rule in self.pack.law.rules if rule.layer is layer and self._opens(rule))

    def relied_on(self, layer: Layer) -> tuple[Rule, ...]:
        """What agreements name; with it, where one of them names nothing, all that is open."""
        found = {rule.id for rule in self.named(layer)} | ({rule.id for rule in self.opened(layer)} if self.silent(layer) else set())
        return tuple(rule for rule in self.pack.law.rules if rule.id in found)

    def touches(self, layer: Layer) -> tuple[Category, ...]:
        """The covered categories that a layer has something to say of."""
        law = self.pack.law.applies
        classes = {Layer.art9: law.art9, Layer.art10: law.art10, Layer.confidence: law.confidence}.get(layer)
        return tuple(each for each in self.covered if classes is None or classes & each.presumed_classes)

    def documents(self) -> Mapping[Slug, tuple[Rule, ...]]:
        """Each condition that needs an appropriate policy document, with the rules relied on that lean on it."""
        found: dict[Slug, tuple[Rule, ...]] = {}
        for rule in self._conditions():
            if rule.needs_apd is not None and self.for_us(rule):
                found[rule.needs_apd] = (*found.get(rule.needs_apd, ()), rule)
        return dict(sorted(found.items()))

    def held(self, condition: Slug) -> tuple[str, ...]:
        """The versions of the policy documents held for a condition."""
        return tuple(each.version for each in self.pack.controller.apds if each.condition == condition)

    def for_us(self, rule: Rule) -> bool:
        """Whether a rule is one for this kind of controller."""
        return not rule.holders or self.pack.controller.kind in rule.holders

    def _conditions(self) -> Iterable[Rule]:
        for layer in (Layer.regime, Layer.art9, Layer.art10):
            if self._answers(layer):
                yield from self.relied_on(layer)

    def _answers(self, layer: Layer) -> bool:
        """Part 3 matters only to a competent authority with law-enforcement data; the others where such data may be held."""
        if layer is not Layer.regime:
            return bool(self.touches(layer))
        competent = self.pack.controller.kind in self.pack.law.applies.competent_authorities
        return competent and any(each.law_enforcement for each in self.covered)

    def _opens(self, rule: Rule) -> bool:
        ours = rule.effect is RuleEffect.permit and self.for_us(rule) and rule.in_force.on(self.on)
        return ours and (not rule.purposes or not rule.purposes.isdisjoint(self.purposes))


def categories_listed(ids: Iterable[CategoryId]) -> str:
    """Category ids in one order, for a sentence."""
    return ", ".join(sorted(ids))
