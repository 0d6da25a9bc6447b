"""Faults no single file of a pack can show: a name used twice, a reference to nothing, a layer nobody can climb."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.agreement_checks import reference_faults
from policies.agreements import Agreement
from policies.categories import CONCERN, Categories
from policies.considerations import Controller
from policies.law import LAYERS, Law
from policies.lines import Path
from policies.located import Located
from policies.vocabulary import ClassCode, RuleEffect
from schemas.enums import Layer
from schemas.errors import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFiles:
    """The files of a pack, each read without fault."""

    law: Located[Law]
    categories: Located[Categories]
    agreements: tuple[Located[Agreement], ...]
    controller: Located[Controller]


def cross_faults(files: PackFiles) -> Iterator[Fault]:
    """Every fault between files, or between tables of one file."""
    yield from _law(files.law)
    yield from _row_categories(files)
    yield from _categories(files.categories)
    yield from _agreements(files)
    yield from _controller(files)


def _law(law: Located[Law]) -> Iterator[Fault]:
    for place in _repeated((("rule", at, "id"), rule.id) for at, rule in enumerate(law.model.rules)):
        yield law.fault(place, "is the id of an earlier rule", "give each rule its own id")
    for place in _repeated((("row", at, "id"), row.id) for at, row in enumerate(law.model.rows)):
        yield law.fault(place, "is the id of an earlier row", "give each row its own id")
    for place in _repeated((("not_relied_on", at, "id"), each.id) for at, each in enumerate(law.model.not_relied_on)):
        yield law.fault(place, "is the id of an earlier entry", "give each entry its own id")
    permitted = {rule.layer for rule in law.model.rules if rule.effect is RuleEffect.permit}
    for layer in LAYERS:
        if layer is not Layer.bar and layer not in permitted:
            yield law.fault((), f"no rule permits on layer {layer.value}, so nothing could ever be released", "add one")


def _row_categories(files: PackFiles) -> Iterator[Fault]:
    known = {each.id for each in files.categories.model.categories}
    for at, row in enumerate(files.law.model.rows):
        if row.categories - known:
            yield files.law.fault(("row", at, "categories"), f"names unknown categories: {_listed(row.categories - known)}")


def _categories(categories: Located[Categories]) -> Iterator[Fault]:
    tables = (("told", categories.model.told), ("category", categories.model.categories))
    named: list[tuple[Path, str]] = [((table, at, "id"), each.id) for table, found in tables for at, each in enumerate(found)]
    if CONCERN not in {name for _, name in named[: len(categories.model.told)]}:
        yield categories.fault(("told",), f"has no {CONCERN}, which a hub tells when it asks", "add one")
    for place in _repeated(named):
        yield categories.fault(place, "is the id of an earlier category", "give each category its own id")
    for at, category in enumerate(categories.model.categories):
        if category.automatic and ClassCode.intelligence in category.classes:
            yield categories.fault(("category", at, "automatic"), "intelligence is never released automatically", "allowed: false")
        fields: list[tuple[Path, str]] = [(("category", at, "fields", n), field.name) for n, field in enumerate(category.fields)]
        for place in _repeated(fields):
            yield categories.fault(place, "is the name of an earlier field", "give each field its own name")


def _agreements(files: PackFiles) -> Iterator[Fault]:
    seen: set[str] = set()
    for agreement in files.agreements:
        if agreement.model.id in seen:
            yield agreement.fault(("id",), "is the id of another agreement", "give each agreement its own id")
        seen.add(agreement.model.id)
        yield from reference_faults(agreement, files.law.model, files.categories.model)
        if files.controller.model.party not in agreement.model.parties:
            yield agreement.fault(("parties",), "does not name this pack's own controller", "keep only agreements this party has signed")


def _controller(files: PackFiles) -> Iterator[Fault]:
    known = {each.id for each in files.categories.model.every}
    conditions = files.law.model.documents
    for at, document in enumerate(files.controller.model.apds):
        if document.condition not in conditions:
            yield files.controller.fault(
                ("apd", at, "condition"), "is no condition that needs a document", f"allowed: {_listed(conditions)}"
            )
    for at, each in enumerate(files.controller.model.considerations):
        if each.category not in known:
            yield files.controller.fault(("consideration", at, "category"), "is not a known category", f"known: {_listed(known)}")


def _repeated(named: Iterable[tuple[Path, str]]) -> Iterator[Path]:
    seen: set[str] = set()
    for place, name in named:
        if name in seen:
            yield place
        seen.add(name)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
