"""Rules compiled to bits: one bit a rule, so that which rules speak of a question is a handful of ANDs.

Bits are in order of preference, so the lowest bit of a layer's carrying rules is the rule relied on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeVar

from policies.law import Rule
from policies.vocabulary import DERIVED, ClassCode, Fact, LegalReview, RuleEffect, RuleKind, Side
from schemas.enums import ControllerKind, Kind, Layer, Purpose, Stage, SubjectRole
from schemas.identifiers import Slug

E = TypeVar("E", bound=StrEnum)
MISSING_CONSIDERATION: Final = Slug("missing_standing_consideration")
DETRIMENT_UNASSESSED: Final = Slug("detriment_unassessed")
CONSIDERED: Final = ((Fact.holder_considered, MISSING_CONSIDERATION), (Fact.detriment_considered, DETRIMENT_UNASSESSED))
REMEMBERED: Final = 1024  # distinct sets of facts kept at once; a request has a handful


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """What a set of facts leaves undone, as masks of rules."""

    failing: int  # a stated fact is missing, or an unwanted one holds
    unconsidered: int  # turns on the holder's consideration, and part of that is not recorded
    caps: tuple[Slug, ...]  # the parts, as reported where such a duty carries alone


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RuleIndex:
    """The rules one kind of body may rely on, as masks by every facet."""

    rules: tuple[Rule, ...]
    recipients: Mapping[ControllerKind, int]
    disclosures: Mapping[Kind, int]
    purposes: Mapping[Purpose, int]
    stages: Mapping[Stage, int]
    roles: Mapping[SubjectRole, int]
    classes: Mapping[ClassCode, int]
    excluded: Mapping[ClassCode, int]
    layers: Mapping[Layer, int]  # permits of the discloser's side
    recipient_side: int
    forbids: int
    reviews: int
    duties: int
    turning: int  # on what the holder considers
    lifting: int  # confidence
    capping: int
    without_apd: int  # the body lacks the policy document
    needs: Mapping[Fact, int]
    changes: tuple[date, ...]
    spans: tuple[int, ...]
    lacking: Callable[[frozenset[Fact], frozenset[Fact]], Lacking]  # remembered: the same facts come back twelve times a request

    def on(self, day: date) -> int:
        """Rules in force on a day."""
        return self.spans[bisect_right(self.changes, day)]

    def of(self, mask: int) -> tuple[Rule, ...]:
        """The rules of a mask, most preferred first."""
        return tuple(self.rules[bit] for bit in bits(mask))


def bits(mask: int) -> Iterator[int]:
    """Positions of the bits set, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def build_index(rules: Iterable[Rule], kind: ControllerKind, documents: Collection[Slug]) -> RuleIndex:
    """Keep the rules such a body may rely on, order them by preference and turn every facet into masks.

    `documents`: the conditions whose appropriate policy document it holds.
    """
    mine = sorted((rule for rule in rules if not rule.holders or kind in rule.holders), key=_preference)
    needs = _naming(Fact, [rule.requires for rule in mine])
    unwanted = _naming(Fact, [rule.unless for rule in mine])
    turning = _mask(rule.turns_on_holder for rule in mine)
    changes = _changes(mine)
    return RuleIndex(
        rules=tuple(mine),
        recipients=_facet(ControllerKind, [rule.recipients for rule in mine]),
        disclosures=_facet(Kind, [rule.disclosures for rule in mine]),
        purposes=_facet(Purpose, [rule.purposes for rule in mine]),
        stages=_facet(Stage, [rule.stages for rule in mine]),
        roles=_facet(SubjectRole, [rule.roles for rule in mine]),
        classes=_facet(ClassCode, [rule.classes for rule in mine]),
        excluded=_naming(ClassCode, [rule.excludes for rule in mine]),
        layers=_naming(Layer, [{rule.layer} if _permits(rule) else set() for rule in mine]),
        recipient_side=_mask(rule.side is Side.recipient and rule.effect is RuleEffect.permit for rule in mine),
        forbids=_mask(rule.effect is RuleEffect.forbid for rule in mine),
        reviews=_mask(rule.effect is RuleEffect.review for rule in mine),
        duties=_mask(rule.kind is RuleKind.duty for rule in mine),
        turning=turning,
        lifting=_mask(rule.lifts_confidence for rule in mine),
        capping=_mask(rule.cap is not None for rule in mine),
        without_apd=_mask(rule.needs_apd is not None and rule.needs_apd not in documents for rule in mine),
        needs=needs,
        changes=changes,
        spans=(0, *(_mask(rule.in_force.on(day) for rule in mine) for day in changes)),
        lacking=lru_cache(maxsize=REMEMBERED)(_lacking(needs, unwanted, turning)),
    )


def _preference(rule: Rule) -> tuple[bool, bool, bool]:
    """Uncapped before capped, duty before power, confirmed before unconfirmed; else as the file has them."""
    return rule.cap is not None, rule.kind is not RuleKind.duty, rule.legal_review is not LegalReview.confirmed


def _mask(holds: Iterable[bool]) -> int:
    return sum(1 << bit for bit, held in enumerate(holds) if held)


def _naming(values: type[E], named: Iterable[Iterable[E]]) -> Mapping[E, int]:
    """For each value, the rules that name it."""
    masks = dict.fromkeys(values, 0)
    for bit, each in enumerate(named):
        for value in each:
            masks[value] |= 1 << bit
    return masks


def _facet(values: type[E], named: list[frozenset[E]]) -> Mapping[E, int]:
    """For each value, the rules that name it or name nothing, which means any."""
    every = tuple(values)
    return _naming(values, [each or every for each in named])


def _permits(rule: Rule) -> bool:
    return rule.effect is RuleEffect.permit and rule.side is Side.discloser


def _changes(rules: Iterable[Rule]) -> tuple[date, ...]:
    """Days on which some rule begins to hold, or first no longer does."""
    spans = [rule.in_force for rule in rules]
    ends = {span.until + timedelta(days=1) for span in spans if span.until is not None and span.until < date.max}
    return tuple(sorted({span.since for span in spans} | ends))


def _lacking(
    needs: Mapping[Fact, int], unwanted: Mapping[Fact, int], turning: int
) -> Callable[[frozenset[Fact], frozenset[Fact]], Lacking]:
    """Over stated and granted facts; what `decide` works out itself is neither believed nor missed here."""
    told = tuple((fact, needs[fact], unwanted[fact]) for fact in Fact if fact not in DERIVED and needs[fact] | unwanted[fact])

    def lacking(stated: frozenset[Fact], granted: frozenset[Fact]) -> Lacking:
        held = stated | granted
        failing = 0
        for fact, need, refusal in told:
            failing |= refusal if fact in held else need
        caps = tuple(cap for fact, cap in CONSIDERED if fact not in held)
        return Lacking(failing=failing, unconsidered=turning if caps else 0, caps=caps)

    return lacking
