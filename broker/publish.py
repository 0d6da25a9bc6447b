"""Drain: what the outbox holds goes to the transport in order; a resend is the same bytes, and the receiver's digest makes it one."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from broker.effect import Effect, Milestone
from broker.keys import kid_of
from broker.party import Party
from broker.receive import note
from broker.store import leases, outbox
from schemas.enums import KeyUse
from schemas.identifiers import PartyId

BATCH: Final = 100  # rows of one publication
LEASE: Final = timedelta(seconds=60)  # a send is bounded to 30 s


def drain(party: Party) -> bool:
    """Publish what waits, topic by topic; says whether anything was sent. TransportUnavailableError: unknown, sent again later."""
    sent = False
    for topic in outbox.topics_waiting(party.store.engine):
        lease = leases.acquire(party.store.engine, f"stream/{topic}", party.owner, party.now(), LEASE)
        if lease is None:
            continue
        rows = outbox.waiting(party.store.engine, topic, BATCH)
        withdrawn = [row.id for row in rows if row.recipient is not None and not _listed(party, row.recipient)]
        if withdrawn:
            party.alarm("withdrawn", topic=topic, count=len(withdrawn))
            entry = note(party, f"withdrawn.{len(withdrawn)}", party.now())
            party.store.apply([Effect(entries=(entry,))], party.seal, party.now())
            outbox.settle(party.store.engine, withdrawn, "withdrawn", lease)
        going = [row for row in rows if row.id not in set(withdrawn)]
        if going:
            party.transport.publish([row.publication for row in going])
            party.reached(Milestone.published)
            outbox.settle(party.store.engine, [row.id for row in going], "sent", lease)
            party.reached(Milestone.marked_sent)
            sent = True
        leases.release(party.store.engine, lease)
    return sent


def _listed(party: Party, recipient: PartyId) -> bool:
    """Whether the newest directory still believes the recipient."""
    listed = party.trust.party(recipient)
    signing = [key for key in listed.keys if key.use is KeyUse.signing] if listed else []
    return any(party.trust.signing_key(recipient, kid_of(key.type, key.public)) for key in signing)
