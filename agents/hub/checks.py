"""Checks: which agencies are asked what about whom, least by default, and only what the hub's own ladder lets it say. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from agents.hub.settings import HubSettings
from policies.categories import CONCERN, Category
from policies.decision import Decision, decide
from policies.explain import ladder, near_misses
from policies.facts import question_of, request_facts
from policies.pack import Pack
from policies.vocabulary import Audience, Fact
from schemas.enums import Kind, Outcome
from schemas.events import Contact, OfficerDecision, Unasked
from schemas.identifiers import PartyId
from schemas.records import DutyContact, Question, Request, Subject
from schemas.statements import Party


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plan:
    """What will be asked of one agency, if anything, the decisions that allow it, and what may not be asked."""

    agency: PartyId
    request: Request | None
    decisions: tuple[tuple[Question, Decision], ...]
    unasked: tuple[Unasked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The hub as it asks; `standing`: what is so here today and keeps it from asking."""

    party: Party
    settings: HubSettings
    contact: DutyContact
    standing: frozenset[Fact] = frozenset()


def questions_for(agency: Party, subjects: Iterable[Subject], decision: OfficerDecision, pack: Pack, at: datetime) -> list[Question]:
    """Every category this agency's kind, and by agreement it, holds whose threshold stage, RAG and role are reached."""
    return [
        Question(
            subject_ref=subject.ref,
            category=category.id,
            since=(at - timedelta(days=category.look_back_days)).date(),
            until=at.date(),
        )
        for subject in subjects
        for category in pack.categories.categories
        if _asks(category, agency, subject, decision) and pack.may_ask(agency.id, category.id)
    ]


def _asks(category: Category, agency: Party, subject: Subject, decision: OfficerDecision) -> bool:
    return (
        category.id != CONCERN
        and agency.kind in category.held_by
        and decision.stage in category.stages
        and decision.rag in category.rags
        and subject.role in category.roles
    )


def plan(case_id: UUID, contact: Contact, decision: OfficerDecision, agency: Party, asker: Asker, pack: Pack, at: datetime) -> Plan:
    """One agency's request, less what the hub may not say to it."""
    wanted = questions_for(agency, contact.subjects, decision, pack, at)
    if not wanted or decision.stage not in asker.settings.stages:
        return Plan(agency=agency.id, request=None, decisions=(), unasked=())
    stage = asker.settings.stages[decision.stage]
    request = Request(
        case_id=case_id,
        hub=asker.party.id,
        agency=agency.id,
        stage=decision.stage,
        rag=decision.rag,
        purpose=decision.purpose,
        necessity=decision.necessity,
        concern=stage.concern,
        requester_basis=stage.basis,
        officer=decision.officer,
        decided_at=decision.decided_at,
        duty_contact=asker.contact,
        consents=decision.consents,
        break_glass=decision.break_glass,
        due_at=at + asker.settings.due_in(decision.rag),
        subjects=contact.subjects,
        questions=tuple(wanted),
    )
    return _climb(request, agency, asker, pack, at)


def _climb(request: Request, agency: Party, asker: Asker, pack: Pack, at: datetime) -> Plan:
    """The request is itself a disclosure: of each subject, to this agency."""
    decided, unasked = [], []
    for question in request.questions:
        asked = question_of(
            request,
            replace(question, since=at.date(), until=at.date()),  # what is told is today's concern, whatever span is asked about
            disclosure=Kind.request,
            hub_kind=asker.party.kind,
            agency_kind=agency.kind,
            facts=request_facts(request, now=at) | {Fact.match_confirmed} | asker.standing,  # of its own contact a hub knows whom it means
        )
        decision = decide(asked, pack, at)
        if decision.outcome is Outcome.release:
            decided.append((question, decision))
        else:
            misses = near_misses(asked, pack, at, Audience.reviewer)
            unasked.append(
                Unasked(
                    agency=agency.id,
                    subject_ref=question.subject_ref,
                    category=question.category,
                    ladder=ladder(decision, Audience.reviewer),
                    near_misses=misses,
                )
            )
    return Plan(agency=agency.id, request=_narrowed(request, decided), decisions=tuple(decided), unasked=tuple(unasked))


def _narrowed(request: Request, decided: list[tuple[Question, Decision]]) -> Request | None:
    """Only the questions that may be asked, and only the people they are about."""
    if not decided:
        return None
    kept = {question.subject_ref for question, _ in decided}
    return replace(
        request,
        subjects=tuple(subject for subject in request.subjects if subject.ref in kept),
        questions=tuple(question for question, _ in decided),
    )
