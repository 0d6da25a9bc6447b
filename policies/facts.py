"""What a request says of itself, as facts, and the question each side puts to its own ladder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from policies.categories import CONCERN
from policies.pack import Pack
from policies.question import PolicyQuestion
from policies.vocabulary import Fact
from schemas.enums import Consent, ControllerKind, Kind, NecessityReason, Openness, Para18Reason, Purpose, Rag, Stage, SubjectRole
from schemas.events import Contact
from schemas.identifiers import SubjectRef
from schemas.records import Question, Request, Subject

REASKED_WITHIN: Final = timedelta(days=14)  # of the same question: after that it is a new one
SKEW: Final = timedelta(minutes=5)  # as far as two parties' clocks may differ
PARTNERSHIP: Final = "Children Act 2004 s.16H"  # as the first words of the law a request leans on
CHILDREN: Final = frozenset({SubjectRole.child, SubjectRole.sibling, SubjectRole.unborn})
UNSTATED: Final = frozenset({"", "-", "?", "n/a", "na", "none", "not known", "not stated", "unknown", "tbc"})
PARA18: Final[Mapping[Para18Reason, Fact]] = MappingProxyType(
    {
        Para18Reason.cannot_be_given: Fact.para18_cannot_be_given,
        Para18Reason.not_reasonably_obtained: Fact.para18_not_reasonably_obtained,
        Para18Reason.prejudices_protection: Fact.para18_prejudices_protection,
    }
)
UNTOLD: Final = frozenset({Openness.not_recorded, Openness.unknown})
STAGES: Final = (Stage.screening, Stage.early_help, Stage.s17, Stage.s47, Stage.emergency)  # each weightier than the one before
RATINGS: Final = (Rag.blue, Rag.green, Rag.amber, Rag.red)
_SERIOUS: Final = frozenset({NecessityReason.immediate_danger, NecessityReason.significant_harm_suspected})
_NEED: Final = frozenset({NecessityReason.assess_need, NecessityReason.plan_services})
FITTING: Final[Mapping[Stage, frozenset[NecessityReason]]] = MappingProxyType(  # a reason that overstates the stage is inaccurate
    {
        Stage.screening: frozenset({NecessityReason.threshold_decision}) | _SERIOUS,
        Stage.early_help: _NEED,
        Stage.s17: _NEED,
        Stage.s47: _SERIOUS,
        Stage.emergency: frozenset({NecessityReason.immediate_danger}),
    }
)


@dataclass(frozen=True, slots=True)
class Kinds:
    """What kind of body each of two parties is."""

    hub: ControllerKind
    agency: ControllerKind


def request_facts(request: Request, *, now: datetime) -> frozenset[Fact]:
    """What the request itself states; whether an adult's relation to the child is stated is asked subject by subject."""
    officer, basis, consents = request.officer, request.requester_basis, request.consents
    stated = {
        Fact.stage_set_by_named_officer: _said(officer.id, officer.role, officer.organisation) and request.decided_at <= now + SKEW,
        Fact.reason_fits_stage: request.necessity.reason in FITTING.get(request.stage, frozenset()),
        Fact.openness_recorded: consents.openness not in UNTOLD,
        Fact.necessity_stated: _said(request.necessity.text),
        Fact.requester_task_stated: _said(basis.task, basis.citation),
        Fact.partnership_request: basis.citation.startswith(PARTNERSHIP),
        Fact.consent_sharing_given: consents.sharing is Consent.given,
        Fact.break_glass: request.break_glass and request.stage is Stage.emergency,
        Fact.consent_prejudices_purpose: _asking_would_prejudice(request),
    }
    reason = PARA18.get(consents.para18_reason) if consents.para18_reason is not None else None
    return frozenset(fact for fact, holds in stated.items() if holds) | ({reason} if reason is not None else frozenset())


def contact_facts(contact: Contact, subject: Subject, *, now: datetime) -> frozenset[Fact]:
    """What a contact states of one subject: the consents as whoever told said them, else as the decision that came with it has them."""
    decision = contact.decision
    consents = contact.consents or (decision.consents if decision is not None else None)
    stated = {
        Fact.match_confirmed: True,  # whoever told knows whom it means
        Fact.necessity_stated: _said(contact.words) and contact.received_at <= now + SKEW,
        Fact.break_glass: decision is not None and decision.break_glass and decision.stage is Stage.emergency,
    }
    facts = frozenset(fact for fact, holds in stated.items() if holds) | _of_subject(subject)
    if consents is None:
        return facts
    reason = PARA18.get(consents.para18_reason) if consents.para18_reason is not None else None
    consented = {
        Fact.openness_recorded: consents.openness not in UNTOLD,
        Fact.consent_sharing_given: consents.sharing is Consent.given,
        Fact.public_interest_recorded: reason is not None,  # going ahead without consent, for a recorded reason
    }
    return facts | frozenset(fact for fact, holds in consented.items() if holds) | ({reason} if reason is not None else frozenset())


def _asking_would_prejudice(request: Request) -> bool:
    """DPA 2018 Sch. 1 para. 10: whoever may not be told lest the enquiry suffer cannot be asked for consent either."""
    untold = request.consents.openness is Openness.prejudices_enquiry and request.consents.sharing is not Consent.given
    return untold and request.purpose is Purpose.crime_and_disorder


def only_raised(earlier: Request, later: Request) -> bool:
    """Whether one request says no more for itself than another, but for a higher stage or rating."""
    raised = STAGES.index(later.stage) > STAGES.index(earlier.stage) or RATINGS.index(later.rag) > RATINGS.index(earlier.rag)
    grounds = [(each.purpose, each.consents, each.break_glass) for each in (earlier, later)]
    return raised and grounds[0] == grounds[1]


def controller_facts(pack: Pack) -> frozenset[Fact]:
    """What the controller says of itself in its pack; `decide` adds these, and its standing considerations, by itself."""
    return pack.controller.facts


def still_within(question: Question, pack: Pack, at: datetime) -> Question:
    """The question less the days that have left its look-back since it was asked: midnight makes no lawful question unlawful."""
    look_back = next((each.look_back_days for each in pack.categories.categories if each.id == question.category), None)
    if look_back is None or (question.until - question.since).days > look_back:
        return question
    earliest = at.date() - timedelta(days=look_back)
    return replace(question, since=max(question.since, earliest)) if earliest <= question.until else question


def before_answering(request: Request, question: Question, kinds: Kinds, at: datetime, standing: frozenset[Fact]) -> PolicyQuestion:
    """What an agency puts to its ladder before any search, taking the person as surely found; `standing`: what is so there that day."""
    reasked = {Fact.reasked} if request.reasking is not None else frozenset()  # as the request says itself, on a manager's rationale
    facts = request_facts(request, now=at) | {Fact.match_confirmed} | reasked | standing
    return question_of(request, question, disclosure=Kind.response, hub_kind=kinds.hub, agency_kind=kinds.agency, facts=facts)


def before_asking(request: Request, question: Question, kinds: Kinds, at: datetime, standing: frozenset[Fact]) -> PolicyQuestion:
    """What a hub puts to its ladder: what is told is today's concern, whatever span is asked about, of somebody it knows it means."""
    told = replace(question, since=at.date(), until=at.date())
    facts = request_facts(request, now=at) | {Fact.match_confirmed} | standing
    return question_of(request, told, disclosure=Kind.request, hub_kind=kinds.hub, agency_kind=kinds.agency, facts=facts)


def question_of(
    request: Request,
    question: Question,
    *,
    disclosure: Kind,
    hub_kind: ControllerKind,
    agency_kind: ControllerKind,
    facts: frozenset[Fact],
) -> PolicyQuestion:
    """What the agency asks itself before it answers (`response`), or the hub before it asks (`request`)."""
    subject = _subject(request, question.subject_ref)
    asking = disclosure is Kind.request
    hub, agency = (request.hub, hub_kind), (request.agency, agency_kind)
    (discloser, discloser_kind), (recipient, recipient_kind) = (hub, agency) if asking else (agency, hub)
    return PolicyQuestion(
        discloser=discloser,
        discloser_kind=discloser_kind,
        recipient=recipient,
        recipient_kind=recipient_kind,
        disclosure=disclosure,
        stage=request.stage,
        rag=request.rag,
        purpose=request.purpose,
        role=subject.role,
        category=CONCERN if asking else question.category,
        since=question.since,
        until=question.until,
        facts=facts | _of_subject(subject) | (_of_asking(request) if asking else frozenset()),
    )


def _said(*texts: str) -> bool:
    return all(text.strip().casefold() not in UNSTATED for text in texts)


def _subject(request: Request, ref: SubjectRef) -> Subject:
    return next(subject for subject in request.subjects if subject.ref == ref)


def _of_subject(subject: Subject) -> frozenset[Fact]:
    """A child needs no relation to itself; an adult's must be said."""
    stated = subject.role in CHILDREN or _said(subject.relation_to_child)
    return frozenset({Fact.relation_stated}) if stated else frozenset()


def _of_asking(request: Request) -> frozenset[Fact]:
    """The officer's recorded reason for going ahead without consent is the hub's own record of overriding public interest."""
    recorded = request.consents.para18_reason is not None and _said(request.necessity.text)
    return frozenset({Fact.public_interest_recorded}) if recorded else frozenset()
