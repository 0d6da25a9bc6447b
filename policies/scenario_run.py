"""A scenario run: decided by a law and a table of categories, with a controller and an agreement made up for it, and compared. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from policies.agreements import Agreement
from policies.categories import CONCERN, Categories
from policies.decision import Decision, decide
from policies.explain import near_misses
from policies.law import Law
from policies.pack import Pack
from policies.scenario import AgreementState, Expected, Scenario, party_of, question_of
from policies.trial import Assemble, Paper, assembling, trial_agreement, trial_controller
from policies.vocabulary import Audience, RuleEffect
from schemas.enums import ControllerKind
from schemas.identifiers import Slug

DAY: Final = timedelta(days=1)
SECRET: Final = frozenset({ControllerKind.local_authority, ControllerKind.nhs_body, ControllerKind.gp_practice})


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One scenario run; `wrong` says in words where it came out otherwise."""

    scenario: Scenario
    decision: Decision
    met: frozenset[Slug]  # rules that carried, forbade or held
    wrong: tuple[str, ...]


def running(law: Law, categories: Categories) -> Callable[[Scenario], Result]:
    """`run(scenario)` by one law and table: what many scenarios share of the law is worked out once."""
    packs = packing(law, categories)

    def run(scenario: Scenario) -> Result:
        decision = decide(question_of(scenario), packs(scenario), datetime.combine(scenario.on, time(12), UTC))
        met = frozenset(_met(decision))
        return Result(scenario=scenario, decision=decision, met=met, wrong=tuple(_wrong(scenario.expect, decision, met)))

    return run


def packing(law: Law, categories: Categories) -> Callable[[Scenario], Pack]:
    """`pack(scenario)`: that of the scenario's controller; only the category asked about is compiled."""
    assemble = assembling(law)
    return lambda scenario: _pack(scenario, law, categories, assemble)


def _pack(scenario: Scenario, law: Law, categories: Categories, assemble: Assemble) -> Pack:
    asked = tuple(each for each in categories.categories if each.id == scenario.category)
    told = tuple(each for each in categories.told if each.id in (scenario.category, CONCERN))
    controller = trial_controller(
        party_of(scenario.discloser, "discloser"),
        scenario.discloser,
        papers=set(Paper) - scenario.lacks,
        documents=law.documents - scenario.lacks_documents,
        considered=[(scenario.category, {scenario.stage}, {scenario.role})],
    )
    return assemble(categories.model_copy(update={"categories": asked, "told": told}), controller, tuple(_agreements(scenario, law)))


def _agreements(scenario: Scenario, law: Law) -> Iterator[Agreement]:
    if scenario.agreement is AgreementState.none:
        return
    discloser, recipient = party_of(scenario.discloser, "discloser"), party_of(scenario.recipient, "recipient")
    secret = scenario.recipient in SECRET and scenario.agreement is not AgreementState.without_secrecy
    acting = {AgreementState.discloser_processor: discloser, AgreementState.recipient_processor: recipient}
    yield trial_agreement(
        {discloser, recipient},
        {scenario.category},
        law.rules[0].id,
        secrecy={recipient} if secret else (),
        processors={acting[scenario.agreement]} if scenario.agreement in acting else (),
        until=scenario.on - DAY if scenario.agreement is AgreementState.expired else None,
        review_by=scenario.on - DAY if scenario.agreement is AgreementState.review_overdue else date.max,
    )


def _met(decision: Decision) -> Iterator[Slug]:
    """Rules that carried a layer, forbade it, or hold the question for a person."""
    yield from decision.rules
    yield from (answer.rule.id for answer in decision.failed if answer.rule is not None)
    yield from (rule.id for rule in decision.pack.law.rules if rule.effect is RuleEffect.review and rule.cap in decision.caps)


def _wrong(expect: Expected, decision: Decision, met: frozenset[Slug]) -> Iterator[str]:
    if decision.outcome is not expect.outcome:
        yield f"outcome: {expect.outcome.value} expected, {decision.outcome.value} came"
    for rule in sorted(expect.rules - met):
        yield f"rule {rule} is not met"
    for rule in sorted(expect.never & met):
        yield f"rule {rule} is met and should not be"
    failed = frozenset(answer.layer for answer in decision.failed)
    if expect.failed is not None and failed != expect.failed:
        yield f"failed layers: {_listed(expect.failed)} expected, {_listed(failed)} came"
    if expect.caps is not None and frozenset(decision.caps) != expect.caps:
        yield f"caps: {_listed(expect.caps)} expected, {_listed(decision.caps)} came"
    yield from _wrong_misses(expect, decision)


def _wrong_misses(expect: Expected, decision: Decision) -> Iterator[str]:
    """What the reviewer and the asker are told would have changed the answer."""
    if expect.near_misses:
        shown = {each.fact for each in near_misses(decision.question, decision.pack, decision.at, Audience.igo)}
        if expect.near_misses - shown:
            yield f"near misses: {_listed(expect.near_misses - shown)} not shown"
    if expect.asker_sees is not None:
        seen = {each.fact for each in near_misses(decision.question, decision.pack, decision.at, Audience.requester)}
        if seen != expect.asker_sees:
            yield f"the asker sees: {_listed(expect.asker_sees)} expected, {_listed(seen)} came"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
