"""Following the network: newer directories, announcements and snapshots from their topics, believed only when they verify."""

from __future__ import annotations

from typing import Final

import structlog

from broker.directory import LARGE, Taken
from broker.effect import Position
from broker.keys import kid_of
from broker.party import Party
from broker.ports import Publication, Transport
from broker.streams import DIRECTORY, SNAPSHOTS
from broker.trustfiles import keep
from schemas import codec
from schemas.enums import KeyType, StatementKind
from schemas.errors import SharingError
from schemas.statements import Announcement, Statement

TOPICS: Final = (DIRECTORY, SNAPSHOTS)
LOG: Final = structlog.get_logger()


def follow(party: Party, wait: float = 0) -> bool:
    """Take what is new; what does not verify alarms and is passed over."""
    positions = party.store.positions(TOPICS)
    news = False
    for batch in party.transport.fetch(positions, wait):
        for record in batch.records:
            try:
                statement = codec.decode(Statement, record.value, LARGE)
                party.trust, taken = keep(party.folder, party.trust, statement, party.now())
            except SharingError as error:
                party.alarm("statement_refused", topic=batch.topic, error=error.code)
                continue
            if taken is Taken.alarm:
                party.alarm("statement_contradicts", topic=batch.topic)
            if taken is Taken.taken and _forged(party, statement):
                party.alarm("announcement_not_mine", topic=batch.topic)
            news = news or taken is Taken.taken
        if not batch.beyond_end:
            move = Position(topic=batch.topic, before=batch.before, after=batch.after)
            party.store.apply([], party.seal, party.now(), move)
    return news


def _forged(party: Party, statement: Statement) -> bool:
    """Whether it announces, in this party's name, a key that nobody here holds: others would seal to whoever made it."""
    if statement.kind is not StatementKind.announcement:
        return False
    announced = codec.decode(Announcement, statement.body)
    return announced.party == party.id and kid_of(KeyType.xwing, announced.public) not in party.keys.opening


def publish_statements(transport: Transport, statements: list[Statement]) -> None:
    """Put public statements on their topics: snapshots on theirs, a checkpoint on its party's, the rest on the directory's."""
    publications = [
        Publication(topic=SNAPSHOTS if each.kind is StatementKind.snapshot else DIRECTORY, key=b"", value=codec.encode(each, LARGE))
        for each in statements
    ]
    transport.publish(publications)
