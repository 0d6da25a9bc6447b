"""What an agency's reviewers see and decide, kept there and never sent."""

from __future__ import annotations

from schemas.enums import Outcome
from schemas.identifiers import CategoryId, Digest, SubjectRef
from schemas.record import Instant, Long, Words, record
from schemas.records import Officer


@record
class Shown:
    """Found items as a reviewer saw them: never the items, only their salted digest, HMAC-SHA256."""

    request_digest: Digest
    subject_ref: SubjectRef
    category: CategoryId
    officer: Officer
    shown_at: Instant
    salt: Digest
    digest: Digest


@record
class Reviewed:
    """A professional's decision on one question that waited for a person."""

    request_digest: Digest
    subject_ref: SubjectRef
    category: CategoryId
    officer: Officer
    decided_at: Instant
    outcome: Outcome
    reason: Words


@record
class GlassReviewed:
    """What a named person found who looked, by the next working day, at answers given while glass was broken."""

    request_digest: Digest
    revision: Long  # the newest that was looked at
    officer: Officer
    due_at: Instant
    closed_at: Instant
    words: Words
