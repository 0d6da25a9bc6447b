"""Rows of the store's tables and the values they stand for; what a case holds is sealed and opened here."""

from __future__ import annotations

import sqlalchemy as sa

from broker.effect import Event, Kept, Mark, Work
from broker.envelope import header_of, reopen
from broker.store.vault import open_under, seal_under
from schemas import codec
from schemas.identifiers import Digest, PartyId


def kept(event: Event, key_id: bytes, key: bytes) -> dict[str, object]:
    """An event's row; a record of our own is sealed here."""
    return {
        "case_id": str(event.case_id),
        "digest": event.digest,
        "kind": event.kind,
        "sender": event.sender,
        "at": event.at,
        "enveloped": event.key is not None,
        "key_id": key_id,
        "content": event.content if event.key is not None else seal_under(key, event.digest, event.content),
    }


def waiting(work: Work) -> dict[str, object]:
    """The row of work that is to be done."""
    named = {"id": work.id, "kind": work.kind, "case_id": str(work.case_id), "digest": work.digest}
    return named | {"not_before": work.not_before, "done": False}


def marked(mark: Mark) -> dict[str, object]:
    """The row of a mark."""
    return {"case_id": str(mark.case_id), "digest": mark.digest}


def opened(row: sa.Row[tuple[object, ...]], key: bytes | None) -> Kept:
    """An event as it was kept; without its key it has no body."""
    body, thread = None, None
    if row.enveloped:
        header, body = reopen(row.content, key) if key is not None else (header_of(row.content), None)
        thread = header.thread
    elif key is not None:
        data = open_under(key, row.digest, row.content)
        body = codec.reread(codec.record_of(data), data)
    sender = PartyId(row.sender) if row.sender else None
    return Kept(digest=Digest(row.digest), kind=row.kind, at=row.at, sender=sender, body=body, thread=thread)
