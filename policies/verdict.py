"""How a ladder comes out: from the rules that hold, every layer's answer, the caps and the alerts. Pure, and remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final

from policies.answers import AGREEMENT_WAIVED, DETRIMENT, FAILED, LEANING, NO_AGREEMENT, NO_AGREEMENT_REVIEW, UNDER_PART_3, LayerAnswer
from policies.compiled import Compiled, Plan
from policies.index import bits
from policies.law import LAYERS
from policies.vocabulary import Alert, Audience, Fact
from schemas.enums import Layer, Outcome
from schemas.identifiers import Slug
from schemas.records import LadderStep

REMEMBERED: Final = 4096  # distinct ways a ladder came out; a pack's real traffic has some dozens
POSITION: Final[Mapping[Layer, int]] = {layer: position for position, layer in enumerate(LAYERS)}
EMERGENCY: Final = 1
GLASS: Final = 2  # broken, in an emergency
DETRIMENT_RECORDED: Final = 4
AGREED: Final = 8
REVIEW_DUE: Final = 16  # of the agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome, every layer's answer, what held it for a person, and whom to tell; shared by all decisions that came out so."""

    outcome: Outcome
    answers: tuple[LayerAnswer, ...]
    caps: tuple[Slug, ...]
    alerts: tuple[Alert, ...]
    told: dict[Audience, tuple[LadderStep, ...]] = field(default_factory=dict, compare=False, repr=False)  # its words, once somebody reads


Judge = Callable[[Plan, int, int, tuple[Slug, ...], tuple[Slug, ...], int], Verdict]


@dataclass(frozen=True, slots=True)
class _Gateway:
    """What the gateway settles for the layers that lean on it."""

    answer: LayerAnswer
    first: int = 0  # the rule relied on, as a bit; 0 where the gateway is not carried
    every: int = 0  # all rules that carry the discloser's half


def judge_of(compiled: Compiled) -> Judge:
    """`judge(plan, can, turning, unconsidered, rows, flags)` for one pack."""
    return lru_cache(maxsize=REMEMBERED)(partial(_judge, compiled))


def _judge(
    compiled: Compiled, plan: Plan, can: int, turning: int, unconsidered: tuple[Slug, ...], rows: tuple[Slug, ...], flags: int
) -> Verdict:
    """In this order: the gateway, since other layers lean on it; every layer; prohibitions; caps; alerts."""
    gateway = _gateway(compiled, can, turning, considered=not unconsidered, flags=flags)
    answers = _layers(compiled, plan, can, gateway, flags)
    _prohibit(compiled, can & compiled.index.forbids, answers, flags)
    caps = _caps(compiled, plan, can, gateway, unconsidered, rows)
    alerts = _alerts(answers[POSITION[Layer.agreement]], flags)
    return Verdict(outcome=_outcome(answers, caps), answers=tuple(answers), caps=caps, alerts=alerts)


def _gateway(compiled: Compiled, can: int, turning: int, *, considered: bool, flags: int) -> _Gateway:
    """A rule of the discloser and a function of the recipient; a duty nobody has considered comes after any other rule."""
    index = compiled.index
    mine = can & index.layers[Layer.gateway]
    theirs = can & index.recipient_side
    if mine and theirs:
        preferred = mine if considered else mine & ~index.turning or mine
        first = preferred & -preferred
        return _Gateway(compiled.gateways[first | (theirs & -theirs)], first, mine)
    # in force or not, a recorded detriment goes to a named person where the duty it removes speaks of the question
    return _Gateway(DETRIMENT if theirs and turning and flags & DETRIMENT_RECORDED else FAILED[Layer.gateway])


def _leaning(compiled: Compiled, gateway: _Gateway) -> int:
    """Rules of other layers that lean on a gateway which does not hold them."""
    index = compiled.index
    leaning = 0 if gateway.first else index.needs[Fact.gateway_carried]
    if not gateway.first & index.duties:
        leaning |= index.needs[Fact.duty_carries]
    if not gateway.first & index.lifting:
        leaning |= index.needs[Fact.confidence_lifted]
    return leaning


def _layers(compiled: Compiled, plan: Plan, can: int, gateway: _Gateway, flags: int) -> list[LayerAnswer]:
    """Every layer's answer in climbing order."""
    sound = can & ~_leaning(compiled, gateway)
    with_document = sound & ~compiled.index.without_apd
    answers: list[LayerAnswer] = []
    for step in plan.steps:
        hit = with_document & step.mask
        if step.absent is not None:
            answers.append(step.absent)
        elif hit:
            answers.append(compiled.carried[hit & -hit])
        elif sound & step.mask:
            answers.append(step.without_document)
        elif step.layer is Layer.agreement:
            answers.append(_without_agreement(gateway.every & compiled.index.duties, flags))
        else:
            removed = gateway.answer is DETRIMENT and can & step.mask
            answers.append(LEANING[step.layer] if removed else step.failed)
    answers[POSITION[Layer.gateway]] = gateway.answer
    regime = answers[POSITION[Layer.regime]].rule
    if regime is not None and regime.keeps_part_3:
        for layer, answer in UNDER_PART_3.items():
            answers[POSITION[layer]] = answer
    return answers


def _without_agreement(duties: int, flags: int) -> LayerAnswer:
    """Broken glass waives it; a duty or an emergency sends it to a person; where only a power carries, it withholds."""
    if flags & GLASS:
        return AGREEMENT_WAIVED
    return NO_AGREEMENT_REVIEW if duties or flags & EMERGENCY else NO_AGREEMENT


def _prohibit(compiled: Compiled, forbidden: int, answers: list[LayerAnswer], flags: int) -> None:
    """A prohibition fails its layer, whatever carried it; broken glass brings a bar, and only a bar, before a person."""
    for bit in bits(forbidden):
        layer = compiled.index.rules[bit].layer
        softened = flags & GLASS and layer is Layer.bar
        answers[POSITION[layer]] = (compiled.bar_reviewed if softened else compiled.barred)[1 << bit]


def _caps(
    compiled: Compiled, plan: Plan, can: int, gateway: _Gateway, unconsidered: tuple[Slug, ...], rows: tuple[Slug, ...]
) -> tuple[Slug, ...]:
    """Of the category, of review rules, of the gateway rule relied on, and of the release table."""
    index = compiled.index
    holding = (can & index.reviews) | gateway.first
    caps = [*plan.caps, *(cap for rule in index.of(holding) if (cap := rule.cap) is not None)]
    if gateway.first & index.turning:
        caps.extend(unconsidered)
    return tuple(dict.fromkeys([*caps, *rows]))


def _outcome(answers: list[LayerAnswer], caps: tuple[Slug, ...]) -> Outcome:
    """A failed layer withholds unless it says review; a cap holds only what would otherwise be released."""
    outcomes = {each.outcome for each in answers}
    if Outcome.withhold in outcomes:
        return Outcome.withhold
    return Outcome.review if caps or Outcome.review in outcomes else Outcome.release


def _alerts(agreement: LayerAnswer, flags: int) -> tuple[Alert, ...]:
    told = {
        Alert.next_working_day_review: bool(flags & GLASS),
        Alert.agreement_missing: not flags & AGREED and agreement is not NO_AGREEMENT,
        Alert.agreement_review_due: bool(flags & REVIEW_DUE),
    }
    return tuple(alert for alert, holds in told.items() if holds)
