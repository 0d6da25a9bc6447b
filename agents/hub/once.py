"""Names under which a hub's own effects happen once: whoever comes second finds the name taken. Pure."""

from __future__ import annotations

import hmac
from datetime import datetime
from uuid import UUID

from broker.effect import Work, digest_of
from schemas.events import Contact, OfficerDecision
from schemas.identifiers import Digest


def contact_name(contact: Contact) -> Digest:
    """Of a contact, by its reference."""
    return digest_of(b"mash/1 contact" + contact.contact_ref.encode())


def necessity_name(store_key: bytes, decision: OfficerDecision) -> Digest:
    """Of why it is necessary: keyed, so that the same words are known again and cannot be guessed from the store."""
    words = " ".join(decision.necessity.text.casefold().split())
    return Digest(hmac.digest(store_key, b"mash/1 necessity" + words.encode(), "sha256"))


def work_named(kind: str, of: tuple[str, ...], case_id: UUID, at: datetime) -> Work:
    """Work named by its kind and what it is about."""
    name = "/".join((kind, *of))
    return Work(id=name, kind=kind, case_id=case_id, digest=digest_of(name.encode()), not_before=at)
