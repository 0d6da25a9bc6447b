"""Which questions a change of law may touch: what no changed rule, row or category speaks of cannot come out otherwise. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final

from policies.categories import Categories
from policies.law import InForce, Law, Rule
from policies.question import PolicyQuestion
from schemas.enums import ControllerKind, Kind, Purpose, Stage, SubjectRole
from schemas.identifiers import CategoryId

EVER: Final = InForce.model_validate({"from": date.min})
Touched = Callable[[PolicyQuestion], bool]
_Asked = tuple[ControllerKind, ControllerKind, Kind, Stage, Purpose, SubjectRole, CategoryId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A law and its category table."""

    law: Law
    categories: Categories


def days_after(day: date, old: Sides, new: Sides) -> tuple[date, ...]:
    """The later days on which a changed rule begins to hold, or first no longer does."""
    spans = [rule.in_force for rule in set(old.law.rules) ^ set(new.law.rules)]
    ends = {span.until + timedelta(days=1) for span in spans if span.until is not None and span.until < date.max}
    return tuple(sorted(each for each in {span.since for span in spans} | ends if each > day))


def touching(old: Sides, new: Sides, day: date) -> Touched:
    """`touched(question)`: whether it may come out otherwise that day; its facts, rating and look-back are not looked at."""
    if _everything(old, new):
        return lambda _: True
    rules = _in_force(old, day) ^ _in_force(new, day)
    rows = set(old.law.rows) ^ set(new.law.rows)
    categories = {each.id for each in set(old.categories.every) ^ set(new.categories.every)}

    @cache
    def touched(asked: _Asked) -> bool:
        discloser, recipient, disclosure, stage, purpose, _, category = asked
        return (
            category in categories
            or any(_speaks(rule, asked) for rule in rules)
            or any(
                row.matches(discloser, recipient, stage, purpose)
                and (not row.disclosures or disclosure in row.disclosures)
                and (not row.categories or category in row.categories)
                for row in rows
            )
        )

    return lambda each: touched(
        (each.discloser_kind, each.recipient_kind, each.disclosure, each.stage, each.purpose, each.role, each.category)
    )


def _everything(old: Sides, new: Sides) -> bool:
    """Whether the layers apply to other classes, another kind of body is a hub, or rules stand in another order of preference."""
    held = [side.categories.concern.held_by for side in (old, new)]
    return old.law.applies != new.law.applies or held[0] != held[1] or _reordered(old.law.rules, new.law.rules)


def _in_force(side: Sides, day: date) -> set[Rule]:
    """What a law says that day: since when and until when makes no difference on it."""
    return {rule.model_copy(update={"in_force": EVER}) for rule in side.law.rules if rule.in_force.on(day)}


def _reordered(old: Iterable[Rule], new: Iterable[Rule]) -> bool:
    """Whether what both have stands in another order, so that another rule would be relied on."""
    mine, theirs = [rule.id for rule in old], [rule.id for rule in new]
    common = set(mine) & set(theirs)
    return [each for each in mine if each in common] != [each for each in theirs if each in common]


def _speaks(rule: Rule, asked: _Asked) -> bool:
    """An empty list means any."""
    discloser, recipient, disclosure, stage, purpose, role, _ = asked
    named = (
        (discloser, rule.holders),
        (recipient, rule.recipients),
        (disclosure, rule.disclosures),
        (stage, rule.stages),
        (purpose, rule.purposes),
        (role, rule.roles),
    )
    return all(not values or value in values for value, values in named)
