"""What a hub tells an agency of a request that is still open: it is more urgent now, or less."""

from __future__ import annotations

from uuid import UUID

from schemas.enums import Rag
from schemas.identifiers import Digest
from schemas.record import Instant, Long, record


@record
class Notice:
    """A hub rated a case anew: how urgent it holds it to be now, and by when an open request is answered. Nothing about any person."""

    request_digest: Digest
    case_id: UUID
    number: Long  # of the case's ratings: of two notices the higher one holds, in whatever order they come
    rag: Rag
    due_at: Instant
    decided_at: Instant

    def __post_init__(self) -> None:
        """Ratings count from 1."""
        if self.number < 1:
            message = "number counts from 1"
            raise ValueError(message)
