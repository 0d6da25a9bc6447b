"""Why: the ladder of a decision in words, for whoever reads it. An asker never learns what is held or thought of it."""

from __future__ import annotations

from typing import Final

from policies.answers import LayerAnswer, Reason, Standing
from policies.decision import Decision, decide
from policies.law import Rule
from policies.nearmiss import apply, as_asked, near_misses
from policies.sentences import BAR_UNSAID, FAILURES, REASONS, REVIEW_NEEDED
from policies.vocabulary import Audience, LegalReview
from schemas.enums import ControllerKind, Layer, Outcome
from schemas.identifiers import Slug
from schemas.records import LadderStep

__all__ = ["apply", "as_asked", "ladder", "near_misses", "shown_caps", "shown_outcome"]

_REQUESTER: Final = Audience.requester  # bound once: looking it up costs a third of telling a ladder


def ladder(decision: Decision, audience: Audience) -> tuple[LadderStep, ...]:
    """Every layer in climbing order; for an asker, as it stands on the question alone."""
    verdict = (_as_asked(decision) if audience is _REQUESTER else decision).verdict
    told = verdict.told.get(audience)
    if told is None:  # every decision that came out so reads alike, so its words are made once
        told = verdict.told[audience] = tuple(_step(answer, audience) for answer in verdict.answers)
    return told


def shown_caps(decision: Decision, audience: Audience) -> tuple[Slug, ...]:
    """The caps a reader may know of; an asker those that follow from the question alone."""
    return _as_asked(decision).caps if audience is Audience.requester else decision.caps


def shown_outcome(decision: Decision, audience: Audience) -> Outcome:
    """What it comes to; for an asker, as the question stands by itself: what is answered, the answer's own status says."""
    return _as_asked(decision).outcome if audience is Audience.requester else decision.outcome


def _as_asked(decision: Decision) -> Decision:
    if decision.question.discloser_kind is ControllerKind.unknown:  # no body's ladder: there is nothing to decide again
        return decision
    question = as_asked(decision.question)
    return decision if question is decision.question else decide(question, decision.pack, decision.at)


def _step(answer: LayerAnswer, audience: Audience) -> LadderStep:
    unsaid = audience is Audience.requester and answer.layer is Layer.bar
    rules = tuple(rule for rule in (answer.rule, answer.recipient_rule) if rule is not None)
    return LadderStep(
        layer=answer.layer,
        applies=answer.standing in (Standing.carried, Standing.failed),
        met=answer.standing is not Standing.failed,
        rule=rules[0].id if rules else None,
        citation=rules[0].citation if rules else None,
        legal_review_needed=any(rule.legal_review is LegalReview.needed for rule in rules),
        says=code_of(answer) if audience is Audience.machine else BAR_UNSAID if unsaid else _says(answer, rules),
    )


def code_of(answer: LayerAnswer) -> str:
    """For machines: layer, standing and reason."""
    return f"{answer.layer.value}.{answer.standing.value}.{answer.reason.value}"


def _says(answer: LayerAnswer, rules: tuple[Rule, ...]) -> str:
    """The rules' own sentences, or why none carried; a rule no lawyer has confirmed says so."""
    needed = [REVIEW_NEEDED] if any(rule.legal_review is LegalReview.needed for rule in rules) else []
    if rules:
        return " ".join([*(rule.says for rule in rules), *needed])
    if answer.reason in (Reason.no_rule, Reason.no_agreement):
        return FAILURES[answer.layer]
    return REASONS[answer.reason]
