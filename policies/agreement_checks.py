"""Faults of a sharing agreement: what contradicts itself, and what names something the law or the category table does not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from policies.agreements import Agreement, Processing
from policies.categories import Categories
from policies.law import Law
from policies.lines import Path
from policies.located import Located, read
from schemas.errors import ConfigurationError, Fault

IN_PARTIES = "add them to parties or leave them out"


def read_agreement(text: str, file: str) -> Located[Agreement]:
    """An agreement by itself; ConfigurationError lists every fault that needs no law to be seen."""
    agreement = read(text, file, Agreement)
    if faults := list(inner_faults(agreement)):
        raise ConfigurationError(faults)
    return agreement


def inner_faults(agreement: Located[Agreement]) -> Iterator[Fault]:
    """What is wrong within the agreement, whatever the law says."""
    model = agreement.model
    if strangers := model.bound_to_secrecy - model.parties:
        yield agreement.fault(("bound_to_secrecy",), f"names who is not in parties: {_listed(strangers)}", IN_PARTIES)
    seen: set[str] = set()
    for at, each in enumerate(model.processings):
        if each.name in seen:
            yield agreement.fault(("processing", at, "name"), "is the name of an earlier processing", "give each processing its own name")
        seen.add(each.name)
        yield from _processing(agreement, each, ("processing", at))
    yield from _everybody(agreement)
    yield from _supplies(agreement)
    if unknown := model.retention.by_category.keys() - model.categories:
        yield agreement.fault(
            ("retention", "by_category"), f"names categories not agreed: {_listed(unknown)}", "list them in categories or leave them out"
        )


def _processing(agreement: Located[Agreement], each: Processing, place: Path) -> Iterator[Fault]:
    model = agreement.model
    for role, named in each.roles.items():
        if strangers := named - model.parties:
            yield agreement.fault((*place, role), f"names who is not in parties: {_listed(strangers)}", IN_PARTIES)
    for (_, some), (role, others) in combinations(each.roles.items(), 2):
        if twice := some & others:
            yield agreement.fault((*place, role), f"gives a second capacity to {_listed(twice)}", "one capacity in one processing")
    if unknown := each.categories - model.categories:
        yield agreement.fault((*place, "categories"), f"names categories not agreed: {_listed(unknown)}", "list them in categories")
    if not each.in_own_name:
        yield agreement.fault(place, "names no controller: a processor acts for one", "name controllers, or joint and their arrangement")
    if len(each.joint) == 1:
        yield agreement.fault((*place, "joint"), "names one party, and nobody decides jointly alone", "name the others, or use controllers")
    yield from _written_down(agreement, each, place)


def _written_down(agreement: Located[Agreement], each: Processing, place: Path) -> Iterator[Fault]:
    """What UK GDPR wants in writing for a capacity is named where somebody takes part in it, and nowhere else."""
    if each.joint and each.arrangement is None:
        yield agreement.fault((*place, "joint"), "are joint controllers without an arrangement", "name it: arrangement = (UK GDPR Art. 26)")
    if each.arrangement is not None and not each.joint:
        yield agreement.fault((*place, "arrangement"), "is one between joint controllers, and none is named", "name them in joint")
    if each.processors and each.contract is None:
        yield agreement.fault((*place, "processors"), "are processors without a contract", "name it: contract = (UK GDPR Art. 28)")
    if each.contract is not None and not each.processors:
        yield agreement.fault((*place, "contract"), "is one with processors, and none is named", "name them in processors")


def _everybody(agreement: Located[Agreement]) -> Iterator[Fault]:
    """Of every party and every category it is said who decides."""
    model = agreement.model
    if idle := {party for party in model.parties if next(model.capacities(party), None) is None}:
        yield agreement.fault(("parties",), f"takes part in no processing: {_listed(idle)}", "say in which capacity, in a [[processing]]")
    if silent := {each for each in model.categories if not any(one.concerns(each) for one in model.processings)}:
        yield agreement.fault(("categories",), f"no processing speaks of {_listed(silent)}", "name them in the categories of one")


def _supplies(agreement: Located[Agreement]) -> Iterator[Fault]:
    model = agreement.model
    for party, supplied in model.supplies.items():
        if party not in model.parties:
            yield agreement.fault(("supplies", party), "names somebody who is not in parties", IN_PARTIES)
        elif borrowed := {each for each in supplied & model.categories if not model.in_own_name(party, each)}:
            message = f"has a party supply what it is no controller of: {_listed(borrowed)}"
            yield agreement.fault(("supplies", party), message, "a processor supplies nothing in its own name")
        if supplied - model.categories:
            yield agreement.fault(
                ("supplies", party), f"names categories not agreed: {_listed(supplied - model.categories)}", "list them in categories"
            )


def whole_agreement(text: str, file: str, law: Law, categories: Categories) -> Located[Agreement]:
    """An agreement with what it names looked up; ConfigurationError lists every fault."""
    agreement = read_agreement(text, file)
    if faults := list(reference_faults(agreement, law, categories)):
        raise ConfigurationError(faults)
    return agreement


def reference_faults(agreement: Located[Agreement], law: Law, categories: Categories) -> Iterator[Fault]:
    """What it names that the law or the category table does not have, and categories of which it does not say how long they are kept."""
    model = agreement.model
    table = {each.id: each for each in categories.every}
    if model.categories - table.keys():
        yield agreement.fault(
            ("categories",), f"names unknown categories: {_listed(model.categories - table.keys())}", f"known: {_listed(table)}"
        )
    if unknown := set(model.basis) - {rule.id for rule in law.rules}:
        yield agreement.fault(("basis",), f"names unknown rules: {_listed(unknown)}", "use ids of rules in the law file")
    agreed = (table[each] for each in sorted(model.categories & table.keys()))
    if unkept := {each.retention.value for each in agreed if model.retention.of(each) is None}:
        message = f"does not say how long categories of these retention classes are kept: {_listed(unkept)}"
        yield agreement.fault(("retention",), message, "add [retention.by_class]")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
