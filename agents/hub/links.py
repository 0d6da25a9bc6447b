"""Repeat contacts: an earlier contact about the same person or household is told beside the new one. Pure but for the store's index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from agents.identity import household_names, person_names
from broker.effect import Mention
from broker.party import Party
from schemas.events import Contact
from schemas.identifiers import Digest, Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """Another contact, and whether it is about the same person or only the same household."""

    case_id: UUID
    contact_ref: Slug
    received_at: datetime
    same_person: bool


def mentions_of(key: bytes, contact: Contact, case_id: UUID, digest: Digest) -> tuple[Mention, ...]:
    """Everybody and every household a contact is about."""
    names = _people(key, contact) | _homes(key, contact)
    return tuple(Mention(name=name, case_id=case_id, digest=digest) for name in sorted(names))


def linked(party: Party, case_id: UUID) -> list[Linked]:
    """Other contacts about somebody of this one or their household, oldest first."""
    contact = _contact(party, case_id)
    if contact is None:
        return []
    people = _people(party.keys.store, contact)
    found = party.store.mentioned(people | _homes(party.keys.store, contact))
    others = {each.case_id: any(one.name in people for one in found if one.case_id == each.case_id) for each in found}
    return sorted(_linked(party, others, case_id), key=lambda each: (each.received_at, each.contact_ref))


def _linked(party: Party, others: dict[UUID, bool], own: UUID) -> Iterable[Linked]:
    for case_id, same_person in others.items():
        contact = _contact(party, case_id) if case_id != own else None
        if contact is not None:
            yield Linked(case_id=case_id, contact_ref=contact.contact_ref, received_at=contact.received_at, same_person=same_person)


def _contact(party: Party, case_id: UUID) -> Contact | None:
    return next((each.body for each in party.store.events(case_id) if isinstance(each.body, Contact)), None)


def _people(key: bytes, contact: Contact) -> frozenset[Digest]:
    return frozenset().union(*(person_names(key, each) for each in contact.subjects))


def _homes(key: bytes, contact: Contact) -> frozenset[Digest]:
    return frozenset().union(*(household_names(key, each) for each in contact.subjects))
