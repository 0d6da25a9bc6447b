"""What parties say to each other: the envelope and the sealed bodies. The dataclass is the truth, the .avsc its lock file."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from schemas.enums import (
    Assertion,
    CancelReason,
    Consent,
    CorrectionReason,
    Handling,
    Kind,
    Layer,
    NecessityReason,
    Openness,
    Para18Reason,
    Purpose,
    Rag,
    Refusal,
    Sex,
    Stage,
    Status,
    SubjectRole,
)
from schemas.identifiers import (
    CategoryId,
    DecisionId,
    Digest,
    NhsNumber,
    PartyId,
    Slug,
    SubjectRef,
    Thread,
)
from schemas.record import MAX_ITEMS, MAX_QUESTIONS, MAX_SUBJECTS, Day, Instant, Long, ShortText, Words, record, several

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"  # HL7 FHIR UK Core's identifier system


Reason = Annotated[str, StringConstraints(min_length=20, max_length=2000, strip_whitespace=True)]  # why, said of this case


@record
class Address:
    """Where somebody lives or is thought to; at least one of the two."""

    line: ShortText | None = None
    postcode: ShortText | None = None

    def __post_init__(self) -> None:
        """Refuse an address that says nothing."""
        if self.line is None and self.postcode is None:
            message = "an address needs a line or a postcode"
            raise ValueError(message)


@record
class Identifier:
    """A number that names a person in one system; `verified` says that it was traced, not only well formed."""

    system: ShortText
    value: ShortText
    verified: bool = False

    def __post_init__(self) -> None:
        """Refuse an NHS number whose check digit fails."""
        if self.system == NHS_NUMBER:
            NhsNumber(self.value)


@record
class Subject:
    """A person a case is about, perhaps only partly known ("Dave, mother's partner")."""

    ref: SubjectRef
    role: SubjectRole
    relation_to_child: ShortText
    family_name: ShortText | None = None
    given_names: ShortText | None = None
    known_as: ShortText | None = None
    born_on: Day | None = None
    due_on: Day | None = None
    sex: Sex = Sex.not_known
    addresses: Annotated[tuple[Address, ...], several(20)] = ()
    identifiers: Annotated[tuple[Identifier, ...], several(10)] = ()

    def __post_init__(self) -> None:
        """Refuse a person by no name or number, and a due date for anyone already born."""
        if not (self.family_name or self.given_names or self.known_as or self.identifiers or self.role is SubjectRole.unborn):
            message = "a person needs a name, a known_as or an identifier"
            raise ValueError(message)
        if self.due_on is not None and (self.role is not SubjectRole.unborn or self.born_on is not None):
            message = "due_on is for the unborn only"
            raise ValueError(message)


@record
class Officer:
    """Who decided or acted: a staff id, a role, an organisation."""

    id: ShortText
    role: ShortText
    organisation: ShortText


@record
class DutyContact:
    """A person to ring, always: no answer leaves the asker without one."""

    name: ShortText
    phone: ShortText
    hours: ShortText


@record
class Necessity:
    """Why the question is necessary: a closed reason and words that say it of this case."""

    reason: NecessityReason
    text: Reason


@record
class RequesterBasis:
    """The asker's own task in law (UK GDPR Annex 1 para. 1 needs it stated in the request)."""

    task: ShortText
    citation: ShortText


@record
class Consents:
    """Four different things called consent, kept apart, and the reason under Sch. 1 para. 18(2) where there is none."""

    sharing: Consent
    service: Consent
    treatment: Consent
    openness: Openness
    para18_reason: Para18Reason | None = None


@record
class Reasking:
    """Why the same is asked again with only its stage or rating raised: a manager's name and words."""

    manager: Officer
    rationale: Reason


@record
class Question:
    """One category about one subject over one span of days, both ends included."""

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
class Request:
    """What a hub asks one agency: only its questions, and a minimal wording of the concern."""

    case_id: UUID
    hub: PartyId
    agency: PartyId
    stage: Stage
    rag: Rag
    purpose: Purpose
    necessity: Necessity
    concern: Words
    requester_basis: RequesterBasis
    officer: Officer
    decided_at: Instant
    duty_contact: DutyContact
    consents: Consents
    break_glass: bool
    due_at: Instant
    subjects: Annotated[tuple[Subject, ...], several(MAX_SUBJECTS, 1)]
    questions: Annotated[tuple[Question, ...], several(MAX_QUESTIONS, 1)]
    reasking: Reasking | None = None

    def __post_init__(self) -> None:
        """Refuse two subjects of one name, a question about nobody, or the same question twice."""
        refs = {subject.ref for subject in self.subjects}
        asked = {(question.subject_ref, question.category) for question in self.questions}
        if len(refs) != len(self.subjects) or len(asked) != len(self.questions):
            message = "a subject or a question stands twice"
            raise ValueError(message)
        if not {ref for ref, _ in asked} <= refs:
            message = "a question names a subject that is not in the request"
            raise ValueError(message)


@record
class LadderStep:
    """One layer's answer: the rule that carried it and its citation, or why it does not apply or is not met."""

    layer: Layer
    applies: bool
    met: bool
    rule: Slug | None
    citation: ShortText | None
    legal_review_needed: bool
    says: Words


@record
class NearMiss:
    """One fact which, if true, would change the answer; the asker is shown only what it can honestly supply."""

    layer: Layer
    fact: Slug
    value: Slug
    says: ShortText


@record
class Searched:
    """A source that was searched: how fresh it is, by which of the subject's identifiers, and what it covers in its agency's words."""

    source: Slug
    as_of: Instant
    identifiers: Annotated[tuple[Slug, ...], several(10)]
    scope: Annotated[str, StringConstraints(max_length=500)]


@record
class Unanswered:
    """A source that should have answered too and could not: it did not answer, or it is too old for finding nothing to mean anything."""

    source: Slug
    status: Status
    scope: Annotated[str, StringConstraints(max_length=500)]

    def __post_init__(self) -> None:
        """Refuse any other reason."""
        if self.status not in {Status.source_unavailable, Status.stale}:
            message = "a source is unanswered because it is source_unavailable or stale"
            raise ValueError(message)


@record
class ItemField:
    """One named value of an item; the names come from the category's own list."""

    name: Slug
    value: Words


@record
class Item:
    """One thing an agency holds and releases."""

    at: date | None
    fields: Annotated[tuple[ItemField, ...], several(40, 1)]
    assertion: Assertion
    relation_to_child: ShortText
    handling: Handling
    third_party: bool = False  # a reviewer's mark: it tells of somebody nobody asked about
    do_not_disclose_to: Annotated[tuple[SubjectRef, ...], several(MAX_SUBJECTS)] = ()
    source: Slug | None = None  # which of the agency's sources holds it


@record
class Answer:
    """What became of one question; a reviewed one names who decided it and may say what it means to their profession."""

    subject_ref: SubjectRef
    category: CategoryId
    status: Status
    agreed_fields: Annotated[tuple[Slug, ...], several(20)]
    searched: Annotated[tuple[Searched, ...], several(20)]
    since: date
    until: date
    ladder: Annotated[tuple[LadderStep, ...], several(11)]
    caps: Annotated[tuple[Slug, ...], several(20)]
    near_misses: Annotated[tuple[NearMiss, ...], several(40)]
    items: Annotated[tuple[Item, ...], several(MAX_ITEMS)]
    decision_id: DecisionId
    decided_by: ShortText
    decided_at: Instant
    duty_contact: DutyContact
    reviewed_by: Officer | None = None
    interpretation: Words | None = None
    unanswered: Annotated[tuple[Unanswered, ...], several(20)] = ()

    def __post_init__(self) -> None:
        """Only a released answer holds items, and it holds some; nothing is called not held while a source is unanswered."""
        if bool(self.items) != (self.status is Status.released):
            message = "items stand in a released answer, and only there"
            raise ValueError(message)
        if self.interpretation is not None and self.reviewed_by is None:
            message = "an interpretation needs the person whose it is"
            raise ValueError(message)
        if self.unanswered and self.status in {Status.none_held, Status.not_found}:
            message = "while a source is unanswered nobody knows that nothing is held"
            raise ValueError(message)


@record
class Response:
    """One agency's answer to one request; a later revision replaces an earlier one whole."""

    request_digest: Digest
    case_id: UUID
    agency: PartyId
    revision: Long
    part: Long
    parts: Long
    pack_digest: Digest
    answers: Annotated[tuple[Answer, ...], several(MAX_QUESTIONS, 1)]

    def __post_init__(self) -> None:
        """Parts count from 1, and no question is answered twice in one part."""
        if not 1 <= self.part <= self.parts or self.revision < 1:
            message = "part and revision count from 1"
            raise ValueError(message)
        if len({(answer.subject_ref, answer.category) for answer in self.answers}) != len(self.answers):
            message = "a question is answered twice"
            raise ValueError(message)


@record
class Cancel:
    """A hub no longer wants an answer: what has not been answered is not looked for."""

    request_digest: Digest
    case_id: UUID
    reason: CancelReason
    officer: Officer
    decided_at: Instant
    duty_contact: DutyContact


@record
class Correction:
    """What an agency said is not to be relied on: every revision up to this one is hidden at once, in whatever order they come."""

    request_digest: Digest
    case_id: UUID
    agency: PartyId
    revision: Long
    corrects: Annotated[tuple[Digest, ...], several(MAX_QUESTIONS, 1)]  # the envelopes whose content is erased
    reason: CorrectionReason
    officer: Officer
    decided_at: Instant
    duty_contact: DutyContact

    def __post_init__(self) -> None:
        """Revisions count from 1."""
        if self.revision < 1:
            message = "revision counts from 1"
            raise ValueError(message)


@record
class Acknowledgement:
    """Sent at receipt, once, whatever follows."""

    answers: Digest
    received_at: Instant
    duty_contact: DutyContact


@record
class Rejection:
    """Why an envelope was not processed; to an authenticated sender, at most once."""

    answers: Digest
    reason: Refusal
    duty_contact: DutyContact


@record
class DecisionIdentity:
    """What a decision id names: the first 16 bytes of SHA-256 over this, strictly encoded."""

    answers: Digest | None
    thread: Thread
    kind: Kind
    recipient: PartyId
    subject_ref: SubjectRef
    category: CategoryId
    pack_digest: Digest
    decided_at: Instant
