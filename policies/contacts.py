"""A contact as a disclosure: what is known of whoever told is put to its ladder, the hub's own conditions beside it. Pure.

Whatever comes of it, the contact is taken in: information once received is received, and a child may need it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Final

from policies.answers import NO_BODY, LayerAnswer, Standing
from policies.categories import CONTACT
from policies.compiled import compile_pack
from policies.considerations import Controller, PolicyDocument
from policies.decision import ON_ERROR, decide
from policies.explain import code_of
from policies.facts import contact_facts
from policies.pack import Pack
from policies.question import Decision, PolicyQuestion, decision_name
from policies.verdict import Verdict, judge_of
from policies.vocabulary import Fact
from schemas.enums import ControllerKind, Kind, Layer, Outcome, Purpose, Rag, Stage
from schemas.events import Contact
from schemas.identifiers import DecisionId, Digest, PartyId, Slug, SubjectRef, Thread
from schemas.records import DecisionIdentity, Subject

TAKEN: Final = frozenset({Fact.own_task, Fact.holder_considered, Fact.detriment_considered})
"""What no hub can look up and is taken as given: a body that tells of its own motion has a task, and has considered what it tells."""
CONDITIONS: Final = frozenset({Layer.art6, Layer.art9, Layer.art10})  # what a hub needs of its own to hold what it was told
UNHEARD: Final = Verdict(outcome=Outcome.release, answers=NO_BODY, caps=(), alerts=())
REMEMBERED: Final = 64  # bodies that told of something lately


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Whoever brought a contact: the kind of body, and which party where the directory lists it."""

    kind: ControllerKind
    party: PartyId | None = None

    @property
    def name(self) -> Slug:
        """As an entry names it."""
        return Slug(self.party or self.kind.value)

    @property
    def id(self) -> PartyId:
        """As a question names it; a body that no directory lists has no agreement either."""
        return self.party or PartyId(f"agency.unlisted-{self.kind.value.replace('_', '-')}")


NOBODY: Final = Teller(kind=ControllerKind.unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearer:
    """The hub that was told, and what it decides by."""

    id: PartyId
    kind: ControllerKind
    pack: Pack


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Told:
    """What a contact tells of one subject: the ladder of whoever told, and the hub's own conditions for holding it."""

    subject_ref: SubjectRef
    telling: Decision
    holding: Decision

    @property
    def recipient_rules(self) -> tuple[Slug, ...]:
        """The hub's own conditions, in climbing order."""
        return tuple(each.rule.id for each in _conditions(self.holding) if each.standing is Standing.carried and each.rule is not None)

    @property
    def layers(self) -> tuple[Slug, ...]:
        """Why each layer that no rule carries is not carried: first of whoever told, then of the hub."""
        mine = [code_of(each) for each in self.telling.answers if each.standing is not Standing.carried]
        return tuple(map(Slug, [*mine, *(f"recipient.{code_of(each)}" for each in _uncarried(self.holding))]))

    @property
    def is_concern(self) -> bool:
        """Whether it may not have been said."""
        return self.telling.outcome is Outcome.withhold


def climb_contact(contact: Contact, teller: Teller | None, hearer: Hearer, at: datetime) -> tuple[Told, ...]:
    """Decide a contact, subject by subject; total, like `decide`: what cannot be decided is a concern."""
    return tuple(
        Told(
            subject_ref=each.ref,
            telling=telling(contact, each, teller, hearer, at),
            holding=_decided(_holding(contact, each, hearer, at), partial(_holding_pack, hearer.pack), hearer, at),
        )
        for each in contact.subjects
    )


def telling(contact: Contact, subject: Subject, teller: Teller | None, hearer: Hearer, at: datetime) -> Decision:
    """The ladder of whoever told of one subject; where no kind of body is known, every layer says so."""
    question = _question(contact, subject, teller or NOBODY, hearer, at)
    if teller is None:
        return Decision(question, hearer.pack, at, UNHEARD)
    return _decided(question, partial(_pack_of, hearer.pack, teller), hearer, at)


def contact_decision_id(contact: Digest, hub: PartyId, subject: SubjectRef, pack_digest: Digest, at: datetime) -> DecisionId:
    """The name of one decision about a contact; no envelope carried it, so its thread is zero and it answers the contact itself."""
    identity = DecisionIdentity(
        answers=contact,
        thread=Thread.zero(),
        kind=Kind.contact,
        recipient=hub,
        subject_ref=subject,
        category=CONTACT,
        pack_digest=pack_digest,
        decided_at=at,
    )
    return decision_name(identity)


def _decided(question: PolicyQuestion, pack: Callable[[], Pack], hearer: Hearer, at: datetime) -> Decision:
    try:
        return decide(question, pack(), at)
    except Exception:  # noqa: BLE001 - a contact is taken in whatever goes wrong; that it was not decided is a concern
        return Decision(question, hearer.pack, at, ON_ERROR)


def _question(contact: Contact, subject: Subject, teller: Teller, hearer: Hearer, at: datetime) -> PolicyQuestion:
    """Before anybody has set a stage a worry is told at screening, to safeguard, rated by nobody."""
    decision = contact.decision
    return PolicyQuestion(
        discloser=teller.id,
        discloser_kind=teller.kind,
        recipient=hearer.id,
        recipient_kind=hearer.kind,
        disclosure=Kind.contact,
        stage=decision.stage if decision is not None else Stage.screening,
        rag=decision.rag if decision is not None else Rag.blue,
        purpose=decision.purpose if decision is not None else Purpose.safeguarding,
        role=subject.role,
        category=CONTACT,
        since=at.date(),
        until=at.date(),
        facts=contact_facts(contact, subject, now=at) | TAKEN,
    )


def _holding(contact: Contact, subject: Subject, hearer: Hearer, at: datetime) -> PolicyQuestion:
    """A hub that was told enters it in its own record of the case, which is the ladder its own conditions are read from."""
    told = _question(contact, subject, Teller(kind=hearer.kind, party=hearer.id), hearer, at)
    return replace(told, disclosure=Kind.product, facts=told.facts - TAKEN)


@lru_cache(maxsize=REMEMBERED)
def _pack_of(pack: Pack, teller: Teller) -> Pack:
    """The hub's law and agreements in the hands of whoever told, its policy documents taken as there."""
    conditions = sorted({rule.needs_apd for rule in pack.law.rules if rule.needs_apd is not None})
    documents = tuple(PolicyDocument(condition=each, version="its own") for each in conditions)
    return _of_told(pack, Controller(party=teller.id, kind=teller.kind, version="as far as the hub knows", apd=documents))


@lru_cache(maxsize=REMEMBERED)
def _holding_pack(pack: Pack) -> Pack:
    """The hub's own pack, less what it has considered in advance: whoever is told has nothing to consider, and no duty to tell itself."""
    return _of_told(pack, pack.controller.model_copy(update={"considerations": ()}))


def _of_told(pack: Pack, controller: Controller) -> Pack:
    """Another controller's pack of the same law; only what is told of one's own motion is compiled."""
    told = pack.categories.model_copy(update={"categories": ()})
    agreed = tuple(each for each in pack.agreements if each.id not in pack.unsigned)
    compiled = compile_pack(pack.law, told, agreed, controller)
    read = replace(pack, categories=told, agreements=agreed, controller=controller, unsigned=())
    return replace(read, compiled=compiled, judge=judge_of(compiled))


def _conditions(holding: Decision) -> Iterator[LayerAnswer]:
    return (each for each in holding.answers if each.layer in CONDITIONS)


def _uncarried(holding: Decision) -> Iterator[LayerAnswer]:
    return (each for each in _conditions(holding) if each.standing is not Standing.carried)
