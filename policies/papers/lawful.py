"""Parts drawn from the law and from what the controller says of itself: task, basis, conditions, policy documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from policies.law import Rule
from policies.papers import gaps
from policies.papers.agreed import name_of
from policies.papers.document import Block, Cell, Gap, Grid, Paragraph
from policies.papers.material import Material
from policies.papers.words import day, listed, spoken
from policies.sentences import MEANINGS
from policies.vocabulary import Fact, RuleEffect
from schemas.enums import Layer
from schemas.identifiers import Slug


def controller(material: Material) -> Iterator[Block]:
    """Who the paper is of."""
    own = material.pack.controller
    entry = material.listed(own.party)
    kind: Cell = (spoken(own.kind),)
    if entry is not None and entry.kind is not own.kind:
        kind = (*kind, gaps.other_kind(own.party, own.kind, entry.kind))
    rows: list[tuple[Cell, Cell]] = [
        (("Party",), (own.party,)),
        (("Name",), name_of(material, own.party)),
        (("What sort of body",), kind),
        (("Its own statement (controller.toml)",), (f"version {own.version}",)),
        (("Law and categories",), _law(material)),
    ]
    yield Grid(headings=("About the controller", "As recorded"), rows=tuple(rows))


def own_law(material: Material) -> Iterator[Block]:
    """What rules for this kind of controller turn on, as it states it."""
    own = material.pack.controller
    stated = {
        Fact.own_task: f"{own.own_task.task} ({own.own_task.citation})" if own.own_task is not None else None,
        Fact.official_authority: own.official_authority,
        Fact.relevant_person: own.relevant_person,
        Fact.interests_balanced: own.legitimate_interests,
    }
    rows = [
        ((MEANINGS[fact],), (said if said is not None else gaps.controller_silent(fact),))
        for fact, said in stated.items()
        if said is not None or _turns_on(material, fact)
    ]
    if rows:
        yield Grid(headings=("What rules turn on", "As the controller states it"), rows=tuple(rows))


def basis(material: Material) -> Iterator[Block]:
    """Every rule that an agreement names as its basis, with its citation, whatever its layer."""
    named = {rule for each in material.pack.agreements for rule in each.basis}
    rules = [rule for rule in material.pack.law.rules if rule.id in named]
    yield _rules(material, rules) if rules else Paragraph(text=(gaps.no_agreement(),))


def article(layer: Layer) -> Callable[[Material], Iterator[Block]]:
    """The part for Article 6, 9 or 10: what agreements chose, or all that is open where one chose nothing."""

    def part(material: Material) -> Iterator[Block]:
        touched = material.touches(layer)
        if not material.pack.agreements:
            yield Paragraph(text=(gaps.no_agreement(),))
            return
        if not touched:
            yield Paragraph(text=("No category that an agreement covers may hold such data.",))
            return
        silent = material.silent(layer)
        if silent:
            yield Paragraph(text=tuple(gaps.no_choice(each, layer) for each in silent))
        rules = material.relied_on(layer)
        yield _rules(material, rules) if rules else Paragraph(text=(gaps.not_for_us(layer),))

    return part


def policy_documents(material: Material) -> Iterator[Block]:
    """Each condition relied on that needs an appropriate policy document, and which is held."""
    rows = tuple(
        ((condition,), (rule.id,), gaps.cited(rule), _document(material, condition))
        for condition, rules in material.documents().items()
        for rule in rules
    )
    if rows:
        yield Grid(headings=("Condition", "Rule that needs its document", "Law", "Document held"), rows=rows)
    else:
        yield Paragraph(text=("No rule named or open here needs an appropriate policy document.",))


def considerations(material: Material) -> Iterator[Block]:
    """What the controller has considered in advance."""
    rows = tuple(
        (
            (each.category,),
            (listed(each.stages),),
            (listed(each.roles),),
            (each.reason,),
            ("yes" if each.detriment_considered else "no",),
            ("yes" if each.overriding_public_interest else "no",),
            (each.decided_by,),
            (day(each.review_by), gaps.consideration_over(each.category, day(each.review_by)))
            if each.review_by < material.on
            else (day(each.review_by),),
        )
        for each in material.pack.controller.considerations
    )
    headings = (
        "Category",
        "Stages",
        "About",
        "Reason",
        "Detriment weighed",
        "Public interest overrides confidence",
        "Decided by",
        "Review by",
    )
    yield Grid(headings=headings, rows=rows) if rows else Paragraph(text=("The controller has recorded no standing consideration.",))


def risks(material: Material) -> Iterator[Block]:
    """The risks that were assessed."""
    rows = tuple(
        ((each.risk,), (each.likelihood.value,), (each.severity.value,), (each.measures,), (each.left.value,))
        for each in material.statements.risks
    )
    headings = ("Risk to people", "Likelihood", "Severity", "What is done about it", "What is left of it")
    yield Grid(headings=headings, rows=rows) if rows else Paragraph(text=(gaps.no_risks(),))


def _document(material: Material, condition: Slug) -> Cell:
    held = material.held(condition)
    return (f"version {', '.join(held)}" if held else gaps.no_document(condition),)


def _rules(material: Material, rules: Iterable[Rule]) -> Grid:
    rows = tuple(
        (
            (rule.id,),
            gaps.cited(rule),
            (rule.says,),
            (listed(rule.holders) or "anybody",),
            _span(material, rule),
            _turning(material, rule),
        )
        for rule in rules
    )
    return Grid(headings=("Rule", "Law", "What it says", "Who may rely on it", "In force", "Turns on"), rows=rows)


def _span(material: Material, rule: Rule) -> Cell:
    span = rule.in_force
    said = f"from {day(span.since)}" + (f" until {day(span.until)}" if span.until is not None else "")
    return (said,) if span.on(material.on) else (said, gaps.rule_not_in_force(rule, day(material.on)))


def _turning(material: Material, rule: Rule) -> Cell:
    """What must hold and must not, and what of it the controller has not stated."""
    needed = [MEANINGS[fact] for fact in Fact if fact in rule.requires and fact in MEANINGS]
    barred = [f"not where {MEANINGS[fact]}" for fact in Fact if fact in rule.unless]
    said = "; ".join([*needed, *barred])
    own = material.pack.controller.facts
    missing: list[str | Gap] = []
    if material.for_us(rule):
        missing += [gaps.controller_silent(fact) for fact in Fact if fact in rule.requires & gaps.CONTROLLER_KEYS.keys() - own]
        if rule.needs_apd is not None and not material.held(rule.needs_apd):
            missing.append(gaps.no_document(rule.needs_apd))
    return (*([said] if said else []), *missing)


def _turns_on(material: Material, fact: Fact) -> bool:
    """Whether a rule in force for this kind of controller needs a fact that it must state."""
    rules = (rule for rule in material.pack.law.rules if rule.effect is RuleEffect.permit and material.for_us(rule))
    return any(fact in rule.requires and rule.in_force.on(material.on) for rule in rules)


def _law(material: Material) -> Cell:
    law = material.pack.law
    said = f"{law.jurisdiction}, version {law.version}, as of {day(law.as_of)}; categories {material.pack.categories.version}"
    listed_there = material.directory is not None and material.pack.law_digest not in material.directory.packs
    return (said, gaps.not_accepted()) if listed_there else (said,)
