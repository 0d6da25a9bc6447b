"""Names under which a hub's own effects happen once: whoever comes second finds the name taken. Pure."""

from __future__ import annotations

import hmac
from datetime import datetime
from uuid import UUID

from broker.effect import Work, digest_of
from schemas.enums import Happening
from schemas.events import Contact, OfficerDecision
from schemas.identifiers import Digest


def contact_name(contact: Contact) -> Digest:
    """Of a contact, by its reference."""
    return digest_of(b"mash/1 contact" + contact.contact_ref.encode())


def necessity_name(store_key: bytes, decision: OfficerDecision) -> Digest:
    """Of why it is necessary: keyed, so that the same words are known again and cannot be guessed from the store."""
    words = " ".join(decision.necessity.text.casefold().split())
    return Digest(hmac.digest(store_key, b"mash/1 necessity" + words.encode(), "sha256"))


def rating_name(case_id: UUID, number: int) -> Digest:
    """Of one rating of a case, by its number."""
    return digest_of(b"mash/1 rating" + case_id.bytes + number.to_bytes(8, "big"))


def happened_name(case_id: UUID, happening: Happening, happened_at: datetime, taken_back: int) -> Digest:
    """Of something that happened in a case, by what it is and when, and how often that was taken back before."""
    return digest_of(b"mash/1 happened" + case_id.bytes + f"{happening.value}/{happened_at.timestamp():.6f}/{taken_back}".encode())


def in_error_name(case_id: UUID, number: int) -> Digest:
    """Of taking back what was recorded of a case, by its number there: two at once would each count on what the other takes back."""
    return digest_of(b"mash/1 in error" + case_id.bytes + number.to_bytes(8, "big"))


def work_named(kind: str, of: tuple[str, ...], case_id: UUID, at: datetime) -> Work:
    """Work named by its kind and what it is about."""
    name = "/".join((kind, *of))
    return Work(id=name, kind=kind, case_id=case_id, digest=digest_of(name.encode()), not_before=at)
