"""Entries of a hub's access log. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from agents.hub.checks import Plan
from agents.identity import decisions_mentioned
from agents.logged import TOLD, asking_id
from broker.effect import Mention, Work
from policies.categories import CONTACT
from policies.contacts import Teller, Told
from schemas.enums import Operation
from schemas.events import Entry, OfficerDecision
from schemas.identifiers import Digest, Slug, Thread
from schemas.records import Officer, Request, Response


def case_entry(
    at: datetime, operation: Operation, actor: Officer, case_id: UUID, why: OfficerDecision | Request | None, outcome: str
) -> Entry:
    """About a case as a whole."""
    return Entry(
        at=at,
        operation=operation,
        actor=actor,
        case_id=case_id,
        subject_ref=None,
        category=None,
        purpose=why.purpose if why else None,
        stage=why.stage if why else None,
        rules=(),
        pack_digest=None,
        outcome=Slug(outcome),
        envelope=None,
    )


def told_entries(
    every: Iterable[Told], teller: Teller | None, contact: Digest, case_id: UUID, pack: Digest, actor: Officer, at: datetime
) -> tuple[Entry, ...]:
    """One for each subject of a contact: a contact is a disclosure by whoever told, on both sides' conditions."""
    return tuple(
        Entry(
            at=at,
            operation=Operation.collection,
            actor=actor,
            case_id=case_id,
            subject_ref=each.subject_ref,
            category=CONTACT,
            purpose=each.telling.question.purpose,
            stage=each.telling.question.stage,
            rules=each.telling.rules,
            pack_digest=pack,
            outcome=Slug(TOLD[each.telling.outcome]),
            envelope=contact,
            told_by=teller.name if teller is not None else None,
            layers=each.layers,
            recipient_rules=each.recipient_rules,
        )
        for each in every
    )


def asked_entries(planned: Plan, decision: OfficerDecision, case_id: UUID, pack: Digest, at: datetime) -> tuple[Entry, ...]:
    """One for each question: the request is itself a disclosure."""
    return tuple(
        Entry(
            at=at,
            operation=Operation.disclosure,
            actor=decision.officer,
            case_id=case_id,
            subject_ref=question.subject_ref,
            category=question.category,
            purpose=decision.purpose,
            stage=decision.stage,
            rules=decided.rules,
            pack_digest=pack,
            outcome=Slug("asked"),
            envelope=None,
        )
        for question, decided in planned.decisions
    )


def asked_mentions(key: bytes, planned: Plan, thread: Thread, pack: Digest, work: Work, at: datetime) -> tuple[Mention, ...]:
    """The decisions to ask, by their keyed names."""
    ids = (asking_id(question, planned.agency, thread, pack, at) for question, _ in planned.decisions)
    return decisions_mentioned(key, ids, work.case_id, work.digest)


def collected_entries(body: Response, asked: Request, envelope: Digest, actor: Officer, at: datetime) -> Iterable[Entry]:
    """One for each answer that came."""
    for answer in body.answers:
        yield Entry(
            at=at,
            operation=Operation.collection,
            actor=actor,
            case_id=asked.case_id,
            subject_ref=answer.subject_ref,
            category=answer.category,
            purpose=asked.purpose,
            stage=asked.stage,
            rules=tuple(step.rule for step in answer.ladder if step.rule is not None),
            pack_digest=body.pack_digest,
            outcome=Slug(answer.status.value),
            envelope=envelope,
        )
