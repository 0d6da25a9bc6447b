"""What a party tells itself: contacts, decisions, case records and access-log entries."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from schemas.enums import AgencyStatus, Operation, Purpose, Rag, Stage
from schemas.identifiers import CategoryId, Digest, PartyId, Slug, SubjectRef, Thread
from schemas.record import MAX_QUESTIONS, MAX_SUBJECTS, Instant, Long, ShortText, Words, record, several
from schemas.records import Answer, Consents, LadderStep, NearMiss, Necessity, Officer, Reason, Subject

MAX_CHOSEN = 2000  # questions of one case to all agencies; a decision and its adjustments fit one record
MAX_ADJUSTMENTS = 20
FIRST_BIRTH_YEAR = 1900  # nobody older is asked about: an earlier year is a typing error


@record
class Referrer:
    """Who brought the worry."""

    kind: ShortText
    name: ShortText
    organisation: ShortText | None = None
    phone: ShortText | None = None


@record
class ChosenQuestion:
    """One question an officer chose to ask of one agency."""

    agency: PartyId
    subject_ref: SubjectRef
    category: CategoryId
    since: date
    until: date

    def __post_init__(self) -> None:
        """Refuse a span that ends before it begins."""
        if self.until < self.since:
            message = "until is before since"
            raise ValueError(message)


@record
class Adjustment:
    """How an officer changed what was proposed, and why: the questions added or shortened to, or the ones taken away."""

    widens: bool
    reason: Reason
    questions: Annotated[tuple[ChosenQuestion, ...], several(MAX_CHOSEN, 1)]


@record
class Checks:
    """Which agencies are asked what about whom, as an officer chose it from what a version of the matrix proposed."""

    matrix: Slug
    asked: Annotated[tuple[ChosenQuestion, ...], several(MAX_CHOSEN, 1)]
    adjustments: Annotated[tuple[Adjustment, ...], several(MAX_ADJUSTMENTS)]

    def __post_init__(self) -> None:
        """Refuse the same question twice."""
        if len({(each.agency, each.subject_ref, each.category) for each in self.asked}) != len(self.asked):
            message = "a question stands twice"
            raise ValueError(message)


@record
class OfficerDecision:
    """A hub officer's decision to ask: stage and reason fixed before anyone is asked; without `checks`, all that is proposed."""

    officer: Officer
    decided_at: Instant
    stage: Stage
    rag: Rag
    purpose: Purpose
    necessity: Necessity
    consents: Consents
    break_glass: bool = False
    checks: Checks | None = None


@record
class Contact:
    """A worry as received, in the referrer's own words."""

    contact_ref: Slug
    received_at: Instant
    referrer: Referrer
    words: Words
    subjects: Annotated[tuple[Subject, ...], several(MAX_SUBJECTS, 1)]
    decision: OfficerDecision | None = None

    def __post_init__(self) -> None:
        """Refuse two subjects of one name, impossible births, and a decision made before the contact came."""
        if len({subject.ref for subject in self.subjects}) != len(self.subjects):
            message = "two subjects have the same ref"
            raise ValueError(message)
        for subject in self.subjects:
            if subject.born_on is not None and not FIRST_BIRTH_YEAR <= subject.born_on.year <= self.received_at.year:
                message = f"subjects {subject.ref}: born_on is before 1900 or after the contact"
                raise ValueError(message)
            if subject.born_on is not None and subject.born_on > self.received_at.date():
                message = f"subjects {subject.ref}: born_on is after the contact; the unborn have due_on"
                raise ValueError(message)
        if self.decision is not None and self.decision.decided_at < self.received_at:
            message = "decision.decided_at is before received_at"
            raise ValueError(message)


@record
class Decided:
    """The decision to ask about a contact that came without one."""

    contact: Digest
    decision: OfficerDecision


@record
class AskedAgency:
    """One agency that is asked, on which thread and by when, worked out by which timescale and which version of a calendar."""

    agency: PartyId
    thread: Thread
    due_at: Instant
    timescale: Slug | None = None
    calendar: Slug | None = None


@record
class Unasked:
    """A question the hub's own ladder would not let it ask."""

    agency: PartyId
    subject_ref: SubjectRef
    category: CategoryId
    ladder: Annotated[tuple[LadderStep, ...], several(11)]
    near_misses: Annotated[tuple[NearMiss, ...], several(40)]


@record
class CaseOpened:
    """A MASH enquiry: the contact it comes from, who is asked, and what could not be asked."""

    case_id: UUID
    hub: PartyId
    opened_at: Instant
    contact: Contact
    decision: OfficerDecision
    asked: Annotated[tuple[AskedAgency, ...], several(40)]
    unasked: Annotated[tuple[Unasked, ...], several(MAX_QUESTIONS * 40)]


@record
class AgencyState:
    """Where one agency's answer stands."""

    agency: PartyId
    status: AgencyStatus
    request_digest: Digest | None
    due_at: Instant | None
    acknowledged_at: Instant | None
    answered_at: Instant | None
    revision: Long
    conflict: bool


@record
class JoinedAnswer:
    """One answer with its provenance: who said it, in which envelope, when received."""

    agency: PartyId
    envelope: Digest
    received_at: Instant
    revision: Long
    answer: Answer


@record
class CaseRecord:
    """The join: what every agency said about the subjects of one case, as far as it has come."""

    case_id: UUID
    hub: PartyId
    version: Long
    contact_ref: Slug
    opened_at: Instant
    stage: Stage
    rag: Rag
    purpose: Purpose
    subjects: Annotated[tuple[Subject, ...], several(MAX_SUBJECTS)]
    agencies: Annotated[tuple[AgencyState, ...], several(40)]
    answers: Annotated[tuple[JoinedAnswer, ...], several(MAX_QUESTIONS * 40)]
    unasked: Annotated[tuple[Unasked, ...], several(MAX_QUESTIONS * 40)]


@record
class Entry:
    """One entry of an access log: who, what, why, when and with what outcome; never the content."""

    at: Instant
    operation: Operation
    actor: Officer
    case_id: UUID | None
    subject_ref: SubjectRef | None
    category: CategoryId | None
    purpose: Purpose | None
    stage: Stage | None
    rules: Annotated[tuple[Slug, ...], several(40)]
    pack_digest: Digest | None
    outcome: Slug
    envelope: Digest | None
