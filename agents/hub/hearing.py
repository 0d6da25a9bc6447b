"""What a contact is as a disclosure to this hub: its entries, its decisions' names, and what may not have been said. Pure but for trust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from agents.hub.entries import told_entries
from agents.hub.referrers import teller_of
from agents.identity import decisions_mentioned
from broker.effect import Mention
from broker.party import Party
from policies.contacts import Hearer, climb_contact, contact_decision_id
from policies.pack import Pack
from schemas.enums import ControllerKind
from schemas.events import Contact, Entry
from schemas.identifiers import DecisionId, Digest, Slug, SubjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """What may not have been said of one subject of a contact that was taken in all the same: for the information governance officer."""

    contact_ref: Slug
    subject_ref: SubjectRef
    decision: DecisionId
    layers: tuple[Slug, ...]  # why no rule carries a layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A contact as it was decided."""

    entries: tuple[Entry, ...]
    mentions: tuple[Mention, ...]
    concerns: tuple[Concern, ...]


def heard_of(
    contact: Contact, digest: Digest, case_id: UUID, party: Party, words: Mapping[str, ControllerKind], pack: Pack, at: datetime
) -> Heard:
    """Climb for each subject what whoever told has said of it; `digest`: of the contact as it is kept, `words`: hub.toml's referrers."""
    teller = teller_of(contact.referrer, party.trust.directory.parties, words)
    hearer = Hearer(id=party.id, kind=party.settings.kind, pack=pack)
    told = climb_contact(contact, teller, hearer, at)
    ids = {each.subject_ref: contact_decision_id(digest, party.id, each.subject_ref, pack.digest, at) for each in told}
    return Heard(
        entries=told_entries(told, teller, digest, case_id, pack.digest, party.actor, at),
        mentions=decisions_mentioned(party.keys.store, ids.values(), case_id, digest),
        concerns=tuple(
            Concern(contact_ref=contact.contact_ref, subject_ref=each.subject_ref, decision=ids[each.subject_ref], layers=each.layers)
            for each in told
            if each.is_concern
        ),
    )
