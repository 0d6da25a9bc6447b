"""What a layer of the ladder answers. Every possible answer is built once, when the pack loads; decisions refer to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from policies.law import LAYERS, Rule
from schemas.enums import Layer, Outcome


class Standing(StrEnum):
    """How a layer stands."""

    carried = "carried"
    absent = "absent"  # has nothing to say about this disclosure
    waived = "waived"
    failed = "failed"


class Reason(StrEnum):
    """Why a layer is absent, waived or failed."""

    none = "none"
    class_not_held = "class_not_held"
    not_law_enforcement = "not_law_enforcement"
    part_3 = "part_3"
    no_bar = "no_bar"
    break_glass = "break_glass"
    no_rule = "no_rule"
    no_policy_document = "no_policy_document"
    detriment = "detriment"
    barred = "barred"
    no_agreement = "no_agreement"
    no_body = "no_body"
    error = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerAnswer:
    """One layer's answer; `outcome` is the best that the question can come to with it."""

    layer: Layer
    standing: Standing
    outcome: Outcome = Outcome.release
    rule: Rule | None = None
    recipient_rule: Rule | None = None  # the gateway's other half
    reason: Reason = Reason.none


def carried(rule: Rule, recipient_rule: Rule | None = None) -> LayerAnswer:
    """A rule carries its layer."""
    return LayerAnswer(layer=rule.layer, standing=Standing.carried, rule=rule, recipient_rule=recipient_rule)


def absent(layer: Layer, reason: Reason) -> LayerAnswer:
    """The layer has nothing to say."""
    return LayerAnswer(layer=layer, standing=Standing.absent, reason=reason)


def failed(layer: Layer, reason: Reason, outcome: Outcome = Outcome.withhold, rule: Rule | None = None) -> LayerAnswer:
    """Nothing carries the layer, or a rule forbids."""
    return LayerAnswer(layer=layer, standing=Standing.failed, outcome=outcome, rule=rule, reason=reason)


FAILED: Final[Mapping[Layer, LayerAnswer]] = {layer: failed(layer, Reason.no_rule) for layer in LAYERS}
WITHOUT_DOCUMENT: Final[Mapping[Layer, LayerAnswer]] = {layer: failed(layer, Reason.no_policy_document, Outcome.review) for layer in LAYERS}
LEANING: Final[Mapping[Layer, LayerAnswer]] = {
    layer: failed(layer, Reason.detriment, Outcome.review) for layer in LAYERS
}  # carried by a duty that detriment removed
UNDER_PART_3: Final[Mapping[Layer, LayerAnswer]] = {  # layers of UK GDPR, which does not govern there
    layer: absent(layer, Reason.part_3) for layer in (Layer.compatibility, Layer.art6, Layer.art9, Layer.art10)
}
DETRIMENT: Final = failed(Layer.gateway, Reason.detriment, Outcome.review)
NO_AGREEMENT: Final = failed(Layer.agreement, Reason.no_agreement)
NO_AGREEMENT_REVIEW: Final = failed(Layer.agreement, Reason.no_agreement, Outcome.review)
AGREEMENT_WAIVED: Final = LayerAnswer(layer=Layer.agreement, standing=Standing.waived, reason=Reason.break_glass)
NO_BAR: Final = absent(Layer.bar, Reason.no_bar)
NO_BODY: Final = tuple(absent(layer, Reason.no_body) for layer in LAYERS)  # of a contact from whom no rule speaks of
ERRORS: Final = tuple(failed(layer, Reason.error) for layer in LAYERS)
