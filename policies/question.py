"""What is decided, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import NamedTuple

from policies.answers import LayerAnswer, Reason, Standing
from policies.compiled import NEVER_AUTOMATIC
from policies.law import Rule
from policies.pack import Pack
from policies.verdict import Verdict
from policies.vocabulary import Alert, Fact
from schemas import codec
from schemas.enums import ControllerKind, Kind, Layer, Outcome, Purpose, Rag, Stage, SubjectRole
from schemas.identifiers import CategoryId, DecisionId, PartyId, Slug
from schemas.records import DecisionIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyQuestion:
    """One disclosure: who would tell whom what about a person in which role, and all the facts a rule may turn on."""

    discloser: PartyId
    discloser_kind: ControllerKind
    recipient: PartyId
    recipient_kind: ControllerKind
    disclosure: Kind
    stage: Stage
    rag: Rag
    purpose: Purpose
    role: SubjectRole
    category: CategoryId
    since: date
    until: date
    facts: frozenset[Fact]


class Decision(NamedTuple):  # a tuple, since a frozen dataclass takes a third of the time a whole decision may
    """A question, the pack and the time it was decided by, and the verdict."""

    question: PolicyQuestion
    pack: Pack
    at: datetime
    verdict: Verdict

    @property
    def outcome(self) -> Outcome:
        """Release, review or withhold."""
        return self.verdict.outcome

    @property
    def answers(self) -> tuple[LayerAnswer, ...]:
        """Every layer's answer, in climbing order."""
        return self.verdict.answers

    @property
    def caps(self) -> tuple[Slug, ...]:
        """What holds an otherwise released question for a person; never a failed layer."""
        return self.verdict.caps

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """What a person must be told."""
        return self.verdict.alerts

    @property
    def rules(self) -> tuple[Slug, ...]:
        """Ids of the rules relied on, in climbing order."""
        relied = [rule for each in self.answers if each.standing is Standing.carried for rule in (each.rule, each.recipient_rule)]
        return tuple(rule.id for rule in relied if rule is not None)

    @property
    def bar(self) -> Rule | None:
        """The prohibition that was met, if any."""
        return next((each.rule for each in self.answers if each.layer is Layer.bar and each.reason is Reason.barred), None)

    @property
    def never_automatic(self) -> bool:
        """Whether the category is answered by a person always."""
        return NEVER_AUTOMATIC in self.caps

    @property
    def failed(self) -> tuple[LayerAnswer, ...]:
        """The layers nothing carries."""
        return tuple(each for each in self.answers if each.standing is Standing.failed)


def decision_name(identity: DecisionIdentity) -> DecisionId:
    """The name of one decision: first 16 bytes of SHA-256 over its strict encoding."""
    return DecisionId(sha256(codec.encode(identity)).digest()[: DecisionId.size])
