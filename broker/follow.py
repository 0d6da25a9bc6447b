"""Following the network: newer directories, announcements and snapshots from their topics, believed only when they verify."""

from __future__ import annotations

from typing import Final

import structlog

from broker.directory import LARGE, Taken
from broker.effect import Effect
from broker.keys import kid_of
from broker.party import Party
from broker.ports import Fetched, Publication, SkipReason, TopicRecord, Transport
from broker.receive import note
from broker.streams import DIRECTORY, SNAPSHOTS
from broker.trustfiles import keep
from schemas import codec
from schemas.enums import KeyType, StatementKind
from schemas.errors import SharingError
from schemas.statements import Announcement, Statement

TOPICS: Final = (DIRECTORY, SNAPSHOTS)
FETCHES: Final = 20  # of one round: a flood of statements must not keep a service from its work
LOG: Final = structlog.get_logger()


def follow(party: Party, wait: float = 0) -> bool:
    """Take what is new; what does not verify alarms and is passed over.

    Each process reads from the beginning when it starts, so that none misses a revocation that another has read, and a
    directory file of yesterday does not stay believed.
    """
    news = False
    for _ in range(FETCHES):
        more = False
        positions = {topic: party.followed.get(topic, 0) for topic in TOPICS}
        for batch in party.transport.fetch(positions, wait):
            news = any([_take(party, record) for record in batch.records]) or news  # noqa: C419 - each is taken
            _tell_gaps(party, batch)
            party.followed[batch.topic] = 0 if batch.beyond_end else batch.after
            more = more or bool(batch.records)
        if not more:
            break
    return news


def _take(party: Party, record: TopicRecord) -> bool:
    try:
        statement = codec.decode(Statement, record.value, LARGE)
        believed, taken = keep(party.folder, party.trust, statement, party.now())
    except SharingError as error:
        party.alarm("statement_refused", topic=record.topic, error=error.code)
        return False
    party.believe(believed)
    if taken is Taken.alarm:
        party.alarm("statement_contradicts", topic=record.topic)
    if taken is Taken.taken and _forged(party, statement):
        party.alarm("announcement_not_mine", topic=record.topic)
    return taken is Taken.taken


def _tell_gaps(party: Party, batch: Fetched) -> None:
    """A directory that is missing may be the one that revokes; snapshots leave by retention and only the newest counts."""
    if batch.beyond_end:
        party.alarm("beyond_end", topic=batch.topic, first=batch.before)
    for skip in batch.skips:
        if batch.topic == SNAPSHOTS and skip.reason is SkipReason.behind_start:
            continue
        party.alarm("skipped", topic=batch.topic, first=skip.first, after=skip.after)
        entry = note(party, f"skipped.{skip.reason.value}.{skip.after - skip.first}", party.now())
        party.store.apply([Effect(entries=(entry,))], party.seal, party.now())


def _forged(party: Party, statement: Statement) -> bool:
    """Whether it announces, in this party's name, a key that nobody here holds: others would seal to whoever made it."""
    if statement.kind is not StatementKind.announcement:
        return False
    announced = codec.decode(Announcement, statement.body)
    kid = kid_of(KeyType.xwing, announced.public)
    if announced.party == party.id and kid not in party.keys.opening:
        party.reload_keys()
    return announced.party == party.id and kid not in party.keys.opening


def publish_statements(transport: Transport, statements: list[Statement]) -> None:
    """Put public statements on their topics: snapshots on theirs, a checkpoint on its party's, the rest on the directory's."""
    publications = [
        Publication(topic=SNAPSHOTS if each.kind is StatementKind.snapshot else DIRECTORY, key=b"", value=codec.encode(each, LARGE))
        for each in statements
    ]
    transport.publish(publications)
