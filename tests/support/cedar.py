"""The gateway and Article 6 layers once more, as Cedar policies generated from the law's data: a referee, and a yardstick.

Every permit of a layer is one Cedar policy under its own id. A gateway has two halves: each permit of the discloser's side is a
policy, and one `forbid … unless` says that some function of the recipient must be met as well. What our decision works out by itself
(`duty_carries`) is worked out here from the policies that Cedar names, by the order of preference that `docs/governance.md` states.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from cedarpy import Decision as CedarDecision
from cedarpy import Entities, PolicySet, is_authorized_batch

from policies.categories import Category
from policies.considerations import Controller
from policies.law import Law, Rule
from policies.question import PolicyQuestion
from policies.vocabulary import Fact, RuleEffect, RuleKind, Side
from schemas.enums import Layer

LAYERS = (Layer.gateway, Layer.art6)
NOBODY = Entities.from_json_str("[]")


class Cedar:
    """Both layers of one law, parsed once."""

    def __init__(self, law: Law) -> None:
        self.rules = {str(rule.id): rule for rule in law.rules if rule.layer in LAYERS and rule.effect is RuleEffect.permit}
        self.text = "\n".join(_policies(self.rules.values()))
        self._policies = PolicySet.from_str(self.text)

    def ask(self, requests: Sequence[dict[str, object]]) -> list[frozenset[str]]:
        """Of each request the rules that carry it; none where Cedar denies."""
        answered = is_authorized_batch(requests, self._policies, NOBODY)
        return [_carrying(each) for each in answered]

    def climb(self, asked: Sequence[tuple[PolicyQuestion, Category, Controller, date]]) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
        """For each question the rules that carry its gateway, and those that carry Article 6."""
        gateways = self.ask([request_of(*each, Layer.gateway) for each in asked])
        duties = [self._duty_is_relied_on(rules, each[0].facts) for rules, each in zip(gateways, asked, strict=True)]
        second = [request_of(*each, Layer.art6, duty=duty) for each, duty in zip(asked, duties, strict=True)]
        return zip(gateways, self.ask(second), strict=True)

    def _duty_is_relied_on(self, carrying: Iterable[str], facts: frozenset[Fact]) -> bool:
        """Uncapped before capped, duty before power; a duty that turns on an unrecorded consideration comes last of all."""
        considered = {Fact.holder_considered, Fact.detriment_considered} <= facts
        rules = [self.rules[each] for each in carrying]
        order = [(rule.turns_on_holder and not considered, rule.cap is not None, rule.kind is not RuleKind.duty) for rule in rules]
        return bool(order) and not min(order)[2]


def request_of(
    question: PolicyQuestion, category: Category, controller: Controller, day: date, layer: Layer, *, duty: bool = False
) -> dict[str, object]:
    """A question as Cedar is asked it: all facets in its context."""
    facts = question.facts | controller.facts | ({Fact.duty_carries} if duty else frozenset())
    return {
        "principal": {"type": "Kind", "id": question.discloser_kind.value},
        "action": {"type": "Action", "id": layer.value},
        "resource": {"type": "Category", "id": str(question.category)},
        "context": {
            "discloser": question.discloser_kind.value,
            "recipient": question.recipient_kind.value,
            "disclosure": question.disclosure.value,
            "purpose": question.purpose.value,
            "stage": question.stage.value,
            "role": question.role.value,
            "classes": sorted(code.value for code in category.presumed_classes),
            "facts": sorted(fact.value for fact in facts),
            "day": _number(day),
        },
    }


def _carrying(answered: object) -> frozenset[str]:
    if answered.diagnostics.errors:
        raise AssertionError(answered.diagnostics.errors)
    if answered.decision is not CedarDecision.Allow:
        return frozenset()
    return frozenset(answered.diagnostics.id_annotations_by_reason.values())


def _policies(rules: Iterable[Rule]) -> Iterator[str]:
    every = list(rules)
    for rule in every:
        if rule.side is Side.discloser:
            yield f'@id("{rule.id}")\npermit (principal, action == Action::"{rule.layer.value}", resource) when {{ {_condition(rule)} }};'
    functions = " || ".join(f"({_condition(rule)})" for rule in every if rule.side is Side.recipient)
    yield f'forbid (principal, action == Action::"{Layer.gateway.value}", resource) unless {{ {functions} }};'


def _condition(rule: Rule) -> str:
    """All that a rule names, the cheapest and the most telling first; an empty list means any."""
    facets = {
        "stage": rule.stages,
        "purpose": rule.purposes,
        "disclosure": rule.disclosures,
        "discloser": rule.holders,
        "recipient": rule.recipients,
        "role": rule.roles,
    }
    told = [f"{_listed(values)}.contains(context.{name})" for name, values in facets.items() if values]
    told.append(f"context.day >= {_number(rule.in_force.since)}")
    if rule.in_force.until is not None:
        told.append(f"context.day <= {_number(rule.in_force.until)}")
    sets = (("facts.containsAll", rule.requires), ("classes.containsAny", rule.classes))
    told += [f"context.{name}({_listed(values)})" for name, values in sets if values]
    against = (("facts", rule.unless), ("classes", rule.excludes))
    told += [f"!context.{name}.containsAny({_listed(values)})" for name, values in against if values]
    if rule.needs_apd is not None:
        raise AssertionError("no rule of these two layers needs a policy document")
    return " && ".join(told)


def _listed(values: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in sorted(str(getattr(each, "value", each)) for each in values)) + "]"


def _number(day: date) -> int:
    """A day as a number that orders as days do."""
    return day.year * 10_000 + day.month * 100 + day.day
