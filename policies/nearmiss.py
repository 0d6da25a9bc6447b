"""Which single fact, if true, would change the answer? Found by search, and each one checked by deciding again with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from policies.decision import Decision, decide
from policies.disclosures import Asker, disclosing
from policies.pack import Pack
from policies.question import PolicyQuestion
from policies.sentences import MEANINGS
from policies.vocabulary import DERIVED, FOUND, PRIVATE, SUPPLIABLE, Audience, Fact
from schemas.enums import ControllerKind, Layer, Outcome, Purpose, Rag, Stage, Symbol
from schemas.identifiers import Slug
from schemas.records import NearMiss

MAX_SHOWN: Final = 40  # as many as an answer may carry
TRUE: Final = Slug("true")
FALSE: Final = Slug("false")
STAGE: Final = Slug("stage")
RAG: Final = Slug("rag")
PURPOSE: Final = Slug("purpose")
REQUESTER_KIND: Final = Slug("requester_kind")
HINDERING: Final = frozenset(  # facts that hold back, so that a reviewer may ask what their absence would change
    {
        Fact.detriment_more,
        Fact.considered_not_relevant,
        Fact.live_investigation,
        Fact.adoption_record,
        Fact.legal_privilege,
        Fact.gender_recognition,
        Fact.protected_person,
        Fact.whereabouts_hidden,
        Fact.third_party_told_of,
        Fact.reasked,
        Fact.directory_stale,
        Fact.pack_not_accepted,
        Fact.log_unwitnessed,
    }
)
PARA18: Final = frozenset({Fact.para18_cannot_be_given, Fact.para18_not_reasonably_obtained, Fact.para18_prejudices_protection})
RANK: Final = {Outcome.withhold: 0, Outcome.review: 1, Outcome.release: 2}
LABELLERS: Final = frozenset({Audience.reviewer, Audience.igo, Audience.machine})  # never the asker: nobody is coached to relabel a case


def near_misses(question: PolicyQuestion, pack: Pack, at: datetime, audience: Audience) -> tuple[NearMiss, ...]:
    """Single changes that lead to a better outcome; an asker sees what it can honestly supply, as the question stands by itself."""
    asker = audience is Audience.requester
    if asker:
        question = as_asked(question)  # whatever is found or thought of it, the same near misses are told
    decision = decide(question, pack, at)
    if decision.outcome is Outcome.release or (asker and (decision.bar is not None or _unasked(question))):
        return ()
    found = []
    for fact, value, says in _candidates(question, audience):
        changed = decide(_changed(question, fact, value), pack, at)
        if RANK[changed.outcome] > RANK[decision.outcome]:
            found.append(NearMiss(layer=_layer(decision, changed), fact=fact, value=value, says=says))
    return tuple(found[:MAX_SHOWN])


def as_asked(question: PolicyQuestion) -> PolicyQuestion:
    """Without what turns on data found or the holder's view of it, as if the right person were found and all released."""
    facts = (question.facts - PRIVATE) | FOUND
    return question if facts == question.facts else replace(question, facts=facts)


def apply(question: PolicyQuestion, near_miss: NearMiss) -> PolicyQuestion:
    """The question as it would be with the near miss true."""
    return _changed(question, near_miss.fact, near_miss.value)


def _unasked(question: PolicyQuestion) -> bool:
    """Whether nobody asked: who is told of another's own motion has nothing to supply."""
    return disclosing(question.disclosure).asker is Asker.nobody


def _candidates(question: PolicyQuestion, audience: Audience) -> Iterator[tuple[Slug, Slug, str]]:
    """What to try, in the order of the vocabulary."""
    for fact in Fact:
        if fact in DERIVED or (audience is Audience.requester and fact not in SUPPLIABLE):
            continue
        if fact in HINDERING:
            if fact in question.facts:
                yield Slug(fact.value), FALSE, f"If it were not so that {MEANINGS[fact]}."
        elif fact not in question.facts:
            yield Slug(fact.value), TRUE, f"If {MEANINGS[fact]}."
    if audience in LABELLERS:
        yield from _labels(question)


def _labels(question: PolicyQuestion) -> Iterator[tuple[Slug, Slug, str]]:
    labels: list[tuple[Slug, Symbol, type[Symbol]]] = [
        (STAGE, question.stage, Stage),
        (RAG, question.rag, Rag),
        (PURPOSE, question.purpose, Purpose),
    ]
    if disclosing(question.disclosure).asker is Asker.recipient:
        labels.append((REQUESTER_KIND, question.recipient_kind, ControllerKind))
    for name, now, values in labels:
        for value in values:
            if value is not now and value.value != "unknown":
                yield name, Slug(value.value), f"If the {name.replace('_', ' ')} were truly {value.value}."


def _changed(question: PolicyQuestion, name: Slug, value: Slug) -> PolicyQuestion:
    if name == STAGE:
        return replace(question, stage=Stage(value))
    if name == RAG:
        return replace(question, rag=Rag(value))
    if name == PURPOSE:
        return replace(question, purpose=Purpose(value))
    if name == REQUESTER_KIND:
        return replace(question, recipient_kind=ControllerKind(value))
    fact = Fact(name)
    if value == FALSE:
        return replace(question, facts=question.facts - {fact})
    replaced = PARA18 if fact in PARA18 else frozenset()  # exactly one of the three reasons
    return replace(question, facts=(question.facts - replaced) | {fact})


def _layer(before: Decision, after: Decision) -> Layer:
    """The first layer that failed and no longer does; a cap belongs to proportionality."""
    for mine, theirs in zip(before.answers, after.answers, strict=True):
        if mine.outcome is not Outcome.release and theirs.outcome is Outcome.release:
            return mine.layer
    return Layer.proportionality
