"""What a party tells itself: contacts, decisions, case records and access-log entries."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from schemas.enums import AgencyStatus, Assertion, CorrectionReason, Operation, Purpose, Rag, Stage
from schemas.happenings import MAX_HAPPENED, MAX_TIMESCALES, Happened, Moved, RecordedInError, TimescaleState
from schemas.identifiers import CategoryId, Digest, PartyId, Slug, SubjectRef, Thread
from schemas.record import MAX_QUESTIONS, MAX_SUBJECTS, Instant, Long, ShortText, Words, record, several
from schemas.records import Answer, Consents, LadderStep, NearMiss, Necessity, Officer, Question, Reasking, Reason, Subject

MAX_CHOSEN = 2000  # questions of one case to all agencies; a decision and its adjustments fit one record
MAX_ADJUSTMENTS = 20
MAX_RATINGS = 200  # of one case, as a message holds them: the newest
MAX_SAID = 1000  # oral items, and corrections, likewise
FIRST_BIRTH_YEAR = 1900  # nobody older is asked about: an earlier year is a typing error


@record
class Referrer:
    """Who brought the worry."""

    kind: ShortText
    name: ShortText
    organisation: ShortText | None = None
    phone: ShortText | None = None


@record
class ChosenQuestion(Question):
    """One question an officer chose to ask of one agency."""

    agency: PartyId


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
    reasking: Reasking | None = None


@record
class Contact:
    """A worry as received, in the referrer's own words."""

    contact_ref: Slug
    received_at: Instant
    referrer: Referrer
    words: Words
    subjects: Annotated[tuple[Subject, ...], several(MAX_SUBJECTS, 1)]
    decision: OfficerDecision | None = None
    consents: Consents | None = None  # as whoever told said them; without it what is known is the decision's

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
    timescale: Slug
    calendar: Slug


@record
class FollowUp:
    """A further question to one agency of an open case, by a decision of its own."""

    case_id: UUID
    decision: OfficerDecision
    asked_at: Instant
    asked: AskedAgency


@record
class Rebased:
    """A new deadline of what one agency was asked: with the case, or by a follow-up."""

    follow_up: Digest | None
    asked: AskedAgency


@record
class Rerated:
    """An officer rated the case anew as information came in: why, on what, and which deadlines moved; `number` counts from 1."""

    case_id: UUID
    number: Long
    officer: Officer
    rerated_at: Instant
    rag: Rag
    rationale: Annotated[str, StringConstraints(min_length=20, max_length=2000, strip_whitespace=True)]
    relied_on: Annotated[tuple[Digest, ...], several(MAX_QUESTIONS)]
    due: Annotated[tuple[Rebased, ...], several(200)]
    moved: Annotated[tuple[Moved, ...], several(MAX_HAPPENED * MAX_TIMESCALES)]


@record
class Overdue:
    """A deadline passed in silence: an agency's, or one of the case as a whole that runs from what `happened`."""

    case_id: UUID
    timescale: Slug
    agency: PartyId | None
    follow_up: Digest | None
    happened: Digest | None
    due_at: Instant

    def __post_init__(self) -> None:
        """It is either an agency that is silent, or nothing recorded."""
        if (self.agency is None) == (self.happened is None):
            message = "an overdue names either an agency or what happened"
            raise ValueError(message)


@record
class OralAnswer:
    """What somebody of an agency said, written down by a hub member; unconfirmed until the agency signs an answer of its own."""

    case_id: UUID
    agency: PartyId
    subject_ref: SubjectRef
    category: CategoryId
    said_by: Officer
    written_by: Officer
    happened_at: Instant
    recorded_at: Instant
    words: Words
    assertion: Assertion

    def __post_init__(self) -> None:
        """Nothing is written down before it is said."""
        if self.recorded_at < self.happened_at:
            message = "recorded_at is before happened_at"
            raise ValueError(message)


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
    """Where one agency's answer to one request stands: to the first, or to a follow-up."""

    agency: PartyId
    follow_up: Digest | None
    status: AgencyStatus
    request_digest: Digest | None
    due_at: Instant | None
    acknowledged_at: Instant | None
    answered_at: Instant | None
    revision: Long
    conflict: bool


@record
class JoinedAnswer:
    """One answer with its provenance: who said it, to which request, in which envelope, when received."""

    agency: PartyId
    request_digest: Digest
    envelope: Digest
    received_at: Instant
    revision: Long
    answer: Answer


@record
class OralItem:
    """An oral answer in the join."""

    said: OralAnswer
    confirmed: bool


@record
class Corrected:
    """An answer that its agency took back: which envelopes are hidden, why, when that was known, and by whose decision."""

    agency: PartyId
    correction: Digest
    corrects: Annotated[tuple[Digest, ...], several(MAX_QUESTIONS, 1)]
    reason: CorrectionReason
    received_at: Instant
    officer: Officer


@record
class Rating:
    """One rating of a case and why it was given."""

    at: Instant
    rag: Rag
    officer: Officer
    rationale: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


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
    ratings: Annotated[tuple[Rating, ...], several(MAX_RATINGS)]
    agencies: Annotated[tuple[AgencyState, ...], several(400)]
    answers: Annotated[tuple[JoinedAnswer, ...], several(MAX_QUESTIONS * 40)]
    oral: Annotated[tuple[OralItem, ...], several(MAX_SAID)]
    corrected: Annotated[tuple[Corrected, ...], several(MAX_SAID)]
    happened: Annotated[tuple[Happened, ...], several(MAX_HAPPENED)]
    in_error: Annotated[tuple[RecordedInError, ...], several(MAX_HAPPENED)]
    timescales: Annotated[tuple[TimescaleState, ...], several(MAX_HAPPENED * MAX_TIMESCALES)]
    left_out: Long  # how much of this did not fit, older ratings and words first: it is to be read at the hub
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
    told_by: Slug | None = None  # of a contact: the listed party that told, else the kind of body; none where neither is known
    layers: Annotated[tuple[Slug, ...], several(22)] = ()  # of a contact: why no rule carries a layer, as layer.standing.reason
    recipient_rules: Annotated[tuple[Slug, ...], several(40)] = ()  # of a contact: the hub's own conditions
