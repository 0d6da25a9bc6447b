"""Checks: which agencies are asked what about whom, least by default, and only what the hub's own ladder lets it say. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from agents.hub.matrix import Matrix, may_ask
from agents.hub.settings import HubSettings
from agents.hub.timescales import Deadline
from policies.categories import Category
from policies.decision import Decision, decide
from policies.explain import ladder, near_misses
from policies.facts import Kinds, before_asking
from policies.pack import Pack
from policies.vocabulary import Audience, Fact
from schemas.enums import Layer, Outcome
from schemas.events import ChosenQuestion, Contact, OfficerDecision, Unasked
from schemas.identifiers import Digest, PartyId, Slug
from schemas.record import MAX_QUESTIONS
from schemas.records import DutyContact, NearMiss, Question, Request, Subject
from schemas.statements import Party

TOO_MANY: Final = NearMiss(
    layer=Layer.proportionality,
    fact=Slug("questions_within_limit"),
    value=Slug("true"),
    says=f"one request asks {MAX_QUESTIONS} questions at most: narrow the checks",
)
NOT_ALLOWED: Final = NearMiss(
    layer=Layer.proportionality,
    fact=Slug("chosen_within_categories"),
    value=Slug("true"),
    says="it was chosen, but the categories file does not let this agency be asked it about this person, or not so far back",
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plan:
    """What will be asked of one agency, if anything, by when, the decisions that allow it, and what may not be asked."""

    agency: PartyId
    request: Request | None
    decisions: tuple[tuple[Question, Decision], ...]
    unasked: tuple[Unasked, ...]
    deadline: Deadline | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The hub as it asks; `standing`: what is so here today and keeps it from asking."""

    party: Party
    settings: HubSettings
    contact: DutyContact
    standing: frozenset[Fact] = frozenset()

    @classmethod
    def of(cls, party: Party, settings: HubSettings, contact: DutyContact, pack: Pack, accepted: Collection[Digest]) -> Asker:
        """The hub as it stands: law that the directory does not accept asks nobody."""
        standing = frozenset() if pack.law_digest in accepted else frozenset({Fact.pack_not_accepted})
        return cls(party=party, settings=settings, contact=contact, standing=standing)


def questions_for(
    agency: Party, subjects: Iterable[Subject], decision: OfficerDecision, pack: Pack, at: datetime, matrix: Matrix | None = None
) -> list[Question]:
    """What this agency holds by kind and agreement, where stage, RAG and role reach the threshold and a matrix, if any, asks for it."""
    return [
        Question(subject_ref=subject.ref, category=category.id, since=since_of(category, days, at.date()), until=at.date())
        for subject in subjects
        for category in pack.categories.categories
        if may_ask(category, agency.kind, subject.role, decision) and pack.may_ask(agency.id, category.id)
        for days in _look_back(category, agency, subject, decision, matrix)
    ]


def _look_back(category: Category, agency: Party, subject: Subject, decision: OfficerDecision, matrix: Matrix | None) -> Iterator[int]:
    """How many days back, the furthest of the rows that ask; nothing where none does."""
    if matrix is None:
        yield category.look_back_days
    elif rows := matrix.rows(agency.kind, subject.role, decision, category.id):
        yield max(row.look_back_days or category.look_back_days for row in rows)


def since_of(category: Category, days: int, until: date) -> date:
    """The first day asked about: so many days back, and never further than the category allows."""
    return until - timedelta(days=min(days, category.look_back_days))


def chosen_for(agency: Party, subjects: Iterable[Subject], decision: OfficerDecision, pack: Pack, at: datetime) -> list[Question]:
    """What the officer chose to ask this agency, less what the categories file does not allow whoever chose it."""
    roles = {subject.ref: subject.role for subject in subjects}
    allowed = {each.id: each for each in pack.categories.categories}
    return [
        Question(subject_ref=each.subject_ref, category=each.category, since=each.since, until=each.until)
        for each in (decision.checks.asked if decision.checks else ())
        if each.agency == agency.id and each.subject_ref in roles and each.category in allowed
        if may_ask(allowed[each.category], agency.kind, roles[each.subject_ref], decision) and pack.may_ask(agency.id, each.category)
        if each.until <= at.date() and each.since >= since_of(allowed[each.category], allowed[each.category].look_back_days, each.until)
    ]


def plan(case_id: UUID, contact: Contact, decision: OfficerDecision, agency: Party, asker: Asker, pack: Pack, at: datetime) -> Plan:
    """One agency's request: what the officer chose, else what the matrix asks for, less what the hub may not say to it."""
    settings, subjects = asker.settings, contact.subjects
    if decision.checks is not None:
        wanted = chosen_for(agency, subjects, decision, pack, at)
    else:
        wanted = questions_for(agency, subjects, decision, pack, at, settings.checks)
    barred = _barred(agency, decision, wanted)
    if not wanted or decision.stage not in settings.stages:
        return Plan(agency=agency.id, request=None, decisions=(), unasked=barred)
    stage = settings.stages[decision.stage]
    deadline = settings.clocks.answer_by(decision.rag, at, agency.id, _timescales(wanted, agency, contact, decision, settings.checks))
    request = Request(
        case_id=case_id,
        hub=asker.party.id,
        agency=agency.id,
        stage=decision.stage,
        rag=decision.rag,
        purpose=decision.purpose,
        necessity=decision.necessity,
        concern=stage.concern_for(agency.kind),
        requester_basis=stage.basis,
        officer=decision.officer,
        decided_at=decision.decided_at,
        duty_contact=asker.contact,
        consents=decision.consents,
        break_glass=decision.break_glass,
        due_at=deadline.due_at,
        subjects=subjects,
        questions=tuple(wanted[:MAX_QUESTIONS]),
        reasking=decision.reasking,
    )
    planned = climb(request, agency, asker, pack, at)
    over = tuple(_unasked(agency, each, TOO_MANY) for each in wanted[MAX_QUESTIONS:])
    return replace(planned, unasked=(*planned.unasked, *over, *barred), deadline=deadline if planned.request else None)


def _timescales(
    wanted: list[Question], agency: Party, contact: Contact, decision: OfficerDecision, matrix: Matrix | None
) -> frozenset[Slug]:
    """The timescales that the rows behind these questions name."""
    roles = {subject.ref: subject.role for subject in contact.subjects}
    rows = [
        row for each in wanted for row in (matrix.rows(agency.kind, roles[each.subject_ref], decision, each.category) if matrix else ())
    ]
    return frozenset(row.timescale for row in rows if row.timescale is not None)


def _barred(agency: Party, decision: OfficerDecision, wanted: list[Question]) -> tuple[Unasked, ...]:
    """What was chosen of this agency and may be asked by nobody: told, never dropped in silence."""
    kept = {(each.subject_ref, each.category) for each in wanted}
    mine = [each for each in (decision.checks.asked if decision.checks else ()) if each.agency == agency.id]
    return tuple(_unasked(agency, each, NOT_ALLOWED) for each in mine if (each.subject_ref, each.category) not in kept)


def _unasked(agency: Party, each: Question | ChosenQuestion, why: NearMiss) -> Unasked:
    return Unasked(agency=agency.id, subject_ref=each.subject_ref, category=each.category, ladder=(), near_misses=(why,))


def climb(request: Request, agency: Party, asker: Asker, pack: Pack, at: datetime) -> Plan:
    """The request is itself a disclosure: of each subject, to this agency."""
    decided, unasked = [], []
    for question in request.questions:
        asked = before_asking(request, question, Kinds(asker.party.kind, agency.kind), at, asker.standing)
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
