"""Own history: other contacts and cases about the same person or household, told beside a new one. Pure but for the store's index."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from agents.hub.board import rows
from agents.hub.casework import case_record
from agents.identity import household_names, person_names
from broker.effect import Kept, Mention
from broker.party import Party
from schemas.events import CaseRecord, Contact, JoinedAnswer
from schemas.identifiers import Digest, Slug, SubjectRef
from schemas.records import Item

CARE: Final = "csc."  # categories of children's social care: its plans have a worker
GOING_ON: Final = frozenset({"open", "active", "current"})
ENDED: Final = frozenset({"closed", "ended"})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Linked:
    """Another contact, whether it is about the same person or only the same household, and what became of it.

    `record`: its case, if one has been opened; `allocated`: the plans of one of these people that it was told are going on.
    """

    case_id: UUID
    contact_ref: Slug
    received_at: datetime
    same_person: bool
    record: CaseRecord | None = None
    allocated: tuple[Plan, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether anything of its case is awaited or runs still."""
        return self.record is not None and any(each.is_open for each in rows([self.record]))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plan:
    """Something that children's social care has begun with a child and told no end of: a worker there is allocated."""

    answer: JoinedAnswer
    item: Item


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
    others = {each.case_id for each in found} - {case_id}
    return sorted(_linked(party, others, people), key=lambda each: (each.received_at, each.contact_ref))


def _linked(party: Party, others: Iterable[UUID], people: frozenset[Digest]) -> Iterable[Linked]:
    for case_id in others:
        events = party.store.events(case_id)
        contact, record = _contact_in(events), case_record(events)
        if contact is None:
            continue
        same = {each.ref for each in contact.subjects if not people.isdisjoint(person_names(party.keys.store, each))}
        yield Linked(
            case_id=case_id,
            contact_ref=contact.contact_ref,
            received_at=contact.received_at,
            same_person=bool(same),
            record=record,
            allocated=tuple(going_on(record, same)) if record is not None else (),
        )


def going_on(record: CaseRecord, about: Collection[SubjectRef]) -> Iterable[Plan]:
    """What is told of these people with a beginning and without an end."""
    for joined in record.answers:
        if joined.answer.subject_ref not in about or not joined.answer.category.startswith(CARE):
            continue
        for item in joined.answer.items:
            told = {str(each.name): each.value.strip() for each in item.fields}
            begun = told.get("started_on") or told.get("status", "").casefold() in GOING_ON
            if begun and not told.get("ended_on") and told.get("status", "").casefold() not in ENDED:
                yield Plan(answer=joined, item=item)


def _contact(party: Party, case_id: UUID) -> Contact | None:
    return _contact_in(party.store.events(case_id))


def _contact_in(events: Iterable[Kept]) -> Contact | None:
    return next((each.body for each in events if isinstance(each.body, Contact)), None)


def _people(key: bytes, contact: Contact) -> frozenset[Digest]:
    return frozenset().union(*(person_names(key, each) for each in contact.subjects))


def _homes(key: bytes, contact: Contact) -> frozenset[Digest]:
    return frozenset().union(*(household_names(key, each) for each in contact.subjects))
