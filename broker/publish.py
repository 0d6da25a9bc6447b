"""Drain: what the outbox holds goes to the transport in order; a resend is the same bytes, and the receiver's digest makes it one."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from broker.effect import Done, Effect, Milestone
from broker.envelope import header_of
from broker.keys import kid_of
from broker.party import Party
from broker.receive import note
from broker.store import leases, outbox
from schemas.enums import KeyUse
from schemas.errors import SharingError, TransportExhaustedError
from schemas.identifiers import PartyId

BATCH: Final = 100  # rows of one publication
LEASE: Final = timedelta(seconds=60)  # a send is bounded to 30 s
AGAIN: Final = timedelta(seconds=5)  # before a topic that could not be sent to is tried again


def drain(party: Party) -> bool:
    """Publish what waits, each topic by itself; says whether anything was sent."""
    return any([_drain_topic(party, topic) for topic in outbox.topics_waiting(party.store.engine)])  # noqa: C419 - each takes its turn


def _drain_topic(party: Party, topic: str) -> bool:
    """One topic's rows in order. A send that raises is unknown: its lease is the back-off, the other topics go on."""
    lease = leases.acquire(party.store.engine, f"stream/{topic}", party.owner, party.now(), LEASE)
    if lease is None:
        return False
    rows = outbox.waiting(party.store.engine, topic, BATCH)
    gone = [row.id for row in rows if row.recipient is not None and not _receives(party, row.recipient, row.publication.value)]
    if gone:
        party.alarm("withdrawn", topic=topic, count=len(gone))
        entry = note(party, f"withdrawn.{len(gone)}", party.now())
        effect = Effect(done=Done(lease=lease.name, term=lease.term, goes_on=True), withdrawn=tuple(gone), entries=(entry,))
        party.store.apply([effect], party.seal, party.now())
    going = [row for row in rows if row.id not in set(gone)]
    if not going:
        leases.release(party.store.engine, lease)
        return False
    try:
        party.transport.publish([row.publication for row in going])
    except TransportExhaustedError:
        raise
    except SharingError as error:
        party.alarm("unavailable", topic=topic, error=error.code)
        leases.hold(party.store.engine, lease, party.now() + AGAIN)
        return False
    party.reached(Milestone.published)
    outbox.settle(party.store.engine, [row.id for row in going], lease)
    party.reached(Milestone.marked_sent)
    return True


def _receives(party: Party, recipient: PartyId, value: bytes) -> bool:
    """Whether the newest directory still believes the recipient, and the key that this was sealed to."""
    if party.trust.directory.revoked and header_of(value).recipient_kid in {each.kid for each in party.trust.directory.revoked}:
        return False
    listed = party.trust.party(recipient)
    signing = [key for key in listed.keys if key.use is KeyUse.signing] if listed else []
    return any(party.trust.signing_key(recipient, kid_of(key.type, key.public)) for key in signing)
