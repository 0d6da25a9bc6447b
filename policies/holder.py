"""What the agency's frontline holder needs to know: who asks, why they must or may answer, what protects them, whom to ring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from policies.answers import LayerAnswer, Standing
from policies.decision import Decision
from policies.disclosures import disclosing
from policies.law import Rule
from policies.sentences import FAILURES, REASONS, REVIEW_NEEDED
from policies.vocabulary import LegalReview, RuleKind
from schemas.enums import Layer, Outcome, Stage
from schemas.records import DutyContact

STAGES: Final[Mapping[Stage, str]] = MappingProxyType(
    {
        Stage.screening: "to decide whether a child needs help or protection",
        Stage.early_help: "to arrange early help",
        Stage.s17: "to assess a child in need (section 17)",
        Stage.s47: "while enquiring into significant harm (section 47)",
        Stage.emergency: "in an emergency",
    }
)
OUTCOMES: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        Outcome.release: "Every layer is carried, so it may go without you.",
        Outcome.review: "It goes only if a professional of your body decides so.",
        Outcome.withhold: "It may not go as it stands.",
    }
)
PROTECTING: Final = (Layer.art6, Layer.art9, Layer.art10, Layer.confidence, Layer.proportionality, Layer.agreement)


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderTold:
    """Four sentences, made from one decision."""

    who_asks: str
    why: str
    protects: str
    ring: str

    @property
    def lines(self) -> tuple[str, ...]:
        """In the order in which somebody at a desk asks them."""
        return self.who_asks, self.why, self.protects, self.ring


def holder_told(decision: Decision, ring: DutyContact | None = None) -> HolderTold:
    """The decision for whoever holds the information; `ring`: the asker's duty contact, where there is a request."""
    return HolderTold(
        who_asks=_who_asks(decision),
        why=f"{_why(decision)} {OUTCOMES[decision.outcome]}",
        protects=_protects(decision),
        ring=f"Ring {ring.name}, {ring.phone} ({ring.hours})." if ring is not None else disclosing(decision.question.disclosure).ring,
    )


def _who_asks(decision: Decision) -> str:
    """By name and kind of body, in which matter, for what, about whom and what."""
    asked = decision.question
    every = decision.pack.categories.every
    title = next((each.title for each in every if each.id == asked.category), str(asked.category))
    how = disclosing(asked.disclosure).how
    matter = STAGES.get(asked.stage, "at a stage nobody knows")
    role, purpose, kind = (str(each).replace("_", " ") for each in (asked.role, asked.purpose, asked.recipient_kind))
    return f"{asked.recipient} ({kind}) {how}, {matter}, for {purpose}: {title}, about the {role}."


def _why(decision: Decision) -> str:
    """Must, may, or not: by the gateway relied on."""
    gateway, act = _answer(decision, Layer.gateway), disclosing(decision.question.disclosure).act
    if gateway.rule is None:
        return f"Nothing lets you {act}: {REASONS.get(gateway.reason, FAILURES[Layer.gateway])}"
    if decision.outcome is Outcome.withhold:
        return f"What it would rest on: {gateway.rule.citation}: {gateway.rule.says}{_unconfirmed(gateway.rule, gateway.recipient_rule)}"
    verb = "must" if gateway.rule.kind is RuleKind.duty else "may"
    return f"You {verb} {act} by {gateway.rule.citation}: {gateway.rule.says}{_unconfirmed(gateway.rule, gateway.recipient_rule)}"


def _protects(decision: Decision) -> str:
    """The law each layer rests on; what nothing carries protects nobody, and is said first."""
    failed = [
        f"{answer.layer.value}: {answer.rule.says if answer.rule is not None else FAILURES[answer.layer]}"
        for answer in decision.failed
        if answer.layer is not Layer.gateway
    ]
    carried = list(dict.fromkeys(_carrying(decision)))
    said = [f"Nothing protects you yet on {'; '.join(failed)}"] if failed else []
    said += [f"What protects you: {'; '.join(carried)}. The decision and its rules are entered in the access log."] if carried else []
    return " ".join(said)


def _carrying(decision: Decision) -> Iterator[str]:
    for layer in PROTECTING:
        answer = _answer(decision, layer)
        if answer.standing is Standing.carried and answer.rule is not None:
            yield f"{answer.rule.citation}{_unconfirmed(answer.rule)}"


def _unconfirmed(*rules: Rule | None) -> str:
    return f" ({REVIEW_NEEDED})" if any(rule is not None and rule.legal_review is LegalReview.needed for rule in rules) else ""


def _answer(decision: Decision, layer: Layer) -> LayerAnswer:
    return next(each for each in decision.answers if each.layer is layer)
