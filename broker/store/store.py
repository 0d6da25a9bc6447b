"""The store: effects applied once, events and entries sealed at rest. It keeps cases and never knows what one is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from broker.accesslog import leaf_of
from broker.effect import Done, Effect, Event, Kept, Mention, Outgoing, Position, Receipt, Work
from broker.envelope import Sealed, header_of, reopen
from broker.store import quarantine, tables
from broker.store.vault import ID, KEY, Vault, open_under, seal_under
from broker.streams import UNSEQUENCED, topic_between
from schemas import codec
from schemas.errors import ConfigurationError, Fault, StoreUnavailableError
from schemas.events import Entry
from schemas.identifiers import Digest, Incarnation, PartyId, SubjectRef

Sealer = Callable[[Outgoing, Incarnation, int, bytes], Sealed]
SALT: Final = 32  # bytes, of each entry's leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of some effects: how many happened, how many were seen before, and whether a lost lease discarded all.

    `renumbered` of them came under a number of their stream that another digest has: both happen, and people are told.
    """

    applied: int = 0
    duplicates: int = 0
    renumbered: int = 0
    discarded: bool = False


class _LeaseLostError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Keys made durable before the transaction that seals under them."""

    events: Mapping[int, tuple[bytes, bytes]]  # by id(event or outgoing): id and key of its content
    entries: Mapping[str, bytes]


class Store:
    """One party's store. Every method is one transaction, and raises StoreUnavailableError when it cannot finish."""

    def __init__(self, url: str, vault: Vault, party: PartyId) -> None:
        self.engine = tables.engine_of(url, tables.DATA)
        self.vault = vault
        self.party = party
        try:
            self._check_own()
            self._check_keys()
        except ConfigurationError:
            self.close()
            raise

    def _check_own(self) -> None:
        """This store is this party's, and of this schema."""
        with tables.transaction(self.engine) as connection:
            for name, value in (("schema", tables.SCHEMA), ("party", self.party)):
                tables.insert_new(connection, tables.meta, name=name, value=value)
                held = connection.scalar(sa.select(tables.meta.c.value).where(tables.meta.c.name == name))
                if held != value:
                    message = f"this store's {name} is {held}, not {value}"
                    raise ConfigurationError([Fault(file="store", message=message, fix="point party.toml at this party's own store")])

    def _check_keys(self) -> None:
        """What is stored can be opened only with its keys: an empty keys database beside a used store was lost."""
        with tables.reading(self.engine) as connection:
            used = connection.scalar(sa.select(sa.exists(sa.select(tables.entry))))
        if used and self.vault.is_empty():
            fix = "stop, restore the newest keys.db; without it nothing here can be read"
            raise ConfigurationError([Fault(file="keys.db", message="is empty, and the store beside it is not: it was lost", fix=fix)])

    def close(self) -> None:
        """Let go of connections."""
        self.engine.dispose()
        self.vault.close()

    def positions(self, topics: Iterable[str]) -> dict[str, int]:
        """The next offset of each topic, 0 for one never read."""
        wanted, table = list(topics), tables.position
        with tables.reading(self.engine) as connection:
            held = {row.topic: row.next for row in connection.execute(sa.select(table).where(table.c.topic.in_(wanted)))}
        if missing := [topic for topic in wanted if topic not in held]:
            with tables.transaction(self.engine) as connection:
                for topic in missing:
                    tables.insert_new(connection, table, topic=topic, next=0)
        return {topic: held.get(topic, 0) for topic in wanted}

    def seen(self, digests: Iterable[Digest]) -> set[Digest]:
        """Which of these envelopes were received before."""
        table = tables.received
        with tables.reading(self.engine) as connection:
            rows = connection.execute(sa.select(table.c.digest).where(table.c.digest.in_(list(digests))))
            return {Digest(row.digest) for row in rows}

    def apply(self, effects: Sequence[Effect], sealer: Sealer, at: datetime, position: Position | None = None) -> Applied:
        """Apply effects and move a position, whole or not at all; an effect whose receipt was seen before is nothing."""
        prepared = self._prepare(effects)
        try:
            with tables.transaction(self.engine) as connection:
                # (1) the position moves from exactly where the batch began
                if position is not None:
                    _move(connection, position)
                fresh, renumbered = [], 0
                for effect in effects:
                    # (2) a digest is received once
                    if effect.received is not None and not _receive(connection, effect):
                        continue
                    fresh.append(effect)
                    renumbered += effect.received is not None and _has_twin(connection, effect.received)
                    # (3) quarantine, events, work and marks
                    self._insert(connection, effect, prepared, at)
                # (4) outgoing, streams in name order: take the next sequence, seal here
                entries = self._send(connection, fresh, prepared, sealer, at)
                # (5) entries, which now name what they disclose
                self._log(connection, [entry for effect in fresh for entry in effect.entries] + entries, prepared)
        except _LeaseLostError:
            return Applied(discarded=True)
        return Applied(applied=len(fresh), duplicates=len(effects) - len(fresh), renumbered=renumbered)

    def _prepare(self, effects: Sequence[Effect]) -> _Prepared:
        content: dict[int, tuple[bytes, bytes]] = {}
        kept: dict[bytes, tuple[str, bytes]] = {}
        names: set[str] = set()
        for effect in effects:
            for event in effect.events:
                content[id(event)] = (os.urandom(ID), event.key or os.urandom(KEY))
                kept[content[id(event)][0]] = (f"case/{event.case_id}", content[id(event)][1])
            for outgoing in effect.outgoing:
                content[id(outgoing)] = (os.urandom(ID), os.urandom(KEY))
                names.update(_key_name(entry) for entry in outgoing.entries)
                if outgoing.keep:
                    kept[content[id(outgoing)][0]] = (f"case/{outgoing.case_id}", content[id(outgoing)][1])
            names.update(_key_name(entry) for entry in effect.entries)
        self.vault.keep_content(kept)
        return _Prepared(content, self.vault.named_keys(names) if names else {})

    def _insert(self, connection: sa.Connection, effect: Effect, prepared: _Prepared, at: datetime) -> None:
        if effect.done is not None:
            _finish(connection, effect.done, at)
        if effect.withdrawn:
            connection.execute(sa.update(tables.outbox).where(tables.outbox.c.id.in_(effect.withdrawn)).values(state="withdrawn"))
        quarantine.change(connection, effect, at)
        for event in effect.events:
            key_id, key = prepared.events[id(event)]
            content = event.content if event.key is not None else seal_under(key, event.digest, event.content)
            _keep(connection, event, key_id, content)
        for mention in effect.mentions:
            row = {"name": mention.name, "digest": mention.digest, "case_id": str(mention.case_id)}
            tables.insert_new(connection, tables.mention, **row)
        for work in effect.work:
            tables.insert_new(
                connection,
                tables.work,
                id=work.id,
                kind=work.kind,
                case_id=str(work.case_id),
                digest=work.digest,
                not_before=work.not_before,
                done=False,
            )
        for mark in effect.marks:
            tables.insert_new(connection, tables.mark, case_id=str(mark.case_id), digest=mark.digest)
        for mark in effect.rendered:
            table = tables.mark
            connection.execute(sa.delete(table).where(table.c.case_id == str(mark.case_id), table.c.digest == mark.digest))

    def _send(self, connection: sa.Connection, effects: Sequence[Effect], prepared: _Prepared, sealer: Sealer, at: datetime) -> list[Entry]:
        entries: list[Entry] = []
        outgoing = [each for effect in effects for each in effect.outgoing]
        for each in sorted(outgoing, key=lambda one: topic_between(self.party, one.recipient)):
            topic = topic_between(self.party, each.recipient)
            incarnation, sequence = (Incarnation.zero(), 0) if each.kind in UNSEQUENCED else _next_sequence(connection, topic)
            key_id, key = prepared.events[id(each)]
            sealed = sealer(each, incarnation, sequence, key)
            row = {"topic": topic, "recipient": each.recipient, "key": each.thread, "value": sealed.envelope, "digest": sealed.digest}
            connection.execute(sa.insert(tables.outbox).values(state="ready", **row))
            if each.keep and each.case_id is not None:
                event = Event(
                    case_id=each.case_id, digest=sealed.digest, kind=each.kind.value, at=at, content=b"", key=key, sender=self.party
                )
                _keep(connection, event, key_id, sealed.envelope)
            entries.extend(each.named(sealed.digest))
        return entries

    def _log(self, connection: sa.Connection, entries: Sequence[Entry], prepared: _Prepared) -> None:
        if not entries:
            return
        rows = [self._entry_row(entry, prepared) for entry in entries]
        made = sa.insert(tables.entry).returning(tables.entry.c.id, sort_by_parameter_order=True)
        ids = connection.scalars(made, rows).all()
        connection.execute(sa.insert(tables.unindexed), [{"entry_id": each} for each in ids])

    def _entry_row(self, entry: Entry, prepared: _Prepared) -> dict[str, object]:
        data, salt = codec.encode(entry), os.urandom(SALT)
        name = _key_name(entry)
        return {"key_name": name, "leaf": leaf_of(salt, data), "sealed": seal_under(prepared.entries[name], name.encode(), salt + data)}

    def case_of(self, digest: Digest) -> UUID | None:
        """The case an event belongs to, by its digest."""
        with tables.reading(self.engine) as connection:
            found = connection.scalar(sa.select(tables.event.c.case_id).where(tables.event.c.digest == digest))
        return UUID(found) if found else None

    def cases(self) -> list[UUID]:
        """Every case that has an event, oldest first."""
        table = tables.event
        query = sa.select(table.c.case_id).group_by(table.c.case_id).order_by(sa.func.min(table.c.id))
        with tables.reading(self.engine) as connection:
            return [UUID(row.case_id) for row in connection.execute(query)]

    def mentioned(self, names: Iterable[Digest]) -> list[Mention]:
        """Where these names were mentioned, each event once a name."""
        table, wanted = tables.mention, list(names)
        with tables.reading(self.engine) as connection:
            rows = connection.execute(sa.select(table).where(table.c.name.in_(wanted)).order_by(table.c.case_id, table.c.digest)).all()
        return [Mention(name=Digest(row.name), case_id=UUID(row.case_id), digest=Digest(row.digest)) for row in rows]

    def sizes(self) -> dict[UUID, int]:
        """How many events each case has: what has as many as before has not changed."""
        table = tables.event
        query = sa.select(table.c.case_id, sa.func.count()).group_by(table.c.case_id)
        with tables.reading(self.engine) as connection:
            return {UUID(case_id): count for case_id, count in connection.execute(query)}

    def events(self, case_id: UUID) -> list[Kept]:
        """Everything kept about one case, opened, in the order it was kept; one whose key is destroyed has no body."""
        table = tables.event
        with tables.reading(self.engine) as connection:
            rows = connection.execute(sa.select(table).where(table.c.case_id == str(case_id)).order_by(table.c.id)).all()
        keys = self.vault.content_keys(row.key_id for row in rows)
        return [_opened(row, keys.get(row.key_id)) for row in rows]

    def event(self, case_id: UUID, digest: Digest) -> Kept | None:
        """One event of a case; None also when its key is destroyed."""
        table = tables.event
        with tables.reading(self.engine) as connection:
            row = connection.execute(sa.select(table).where(table.c.case_id == str(case_id), table.c.digest == digest)).one_or_none()
        keys = self.vault.content_keys([row.key_id] if row else [])
        return _opened(row, keys[row.key_id]) if row is not None and row.key_id in keys else None

    def erase(self, case_id: UUID, digests: Iterable[Digest]) -> int:
        """Destroy the content keys of these events of a case, so that nobody reads them again; says how many there were."""
        table = tables.event
        with tables.reading(self.engine) as connection:
            ids = sa.select(table.c.key_id).where(table.c.case_id == str(case_id), table.c.digest.in_(list(digests)))
            found = list(connection.scalars(ids))
        return self.vault.destroy(found)

    def due_work(self, kind: str, at: datetime) -> Work | None:
        """The oldest open work item that is due and that nobody else holds."""
        table, held = tables.work, tables.lease
        free = sa.not_(sa.exists().where(held.c.name == "work/" + table.c.id, held.c.until > at))
        query = sa.select(table).where(table.c.kind == kind, table.c.done.is_(False), table.c.not_before <= at, free)
        with tables.reading(self.engine) as connection:
            row = connection.execute(query.order_by(table.c.not_before, table.c.id).limit(1)).one_or_none()
        if row is None:
            return None
        return Work(id=row.id, kind=row.kind, case_id=UUID(row.case_id), digest=Digest(row.digest), not_before=row.not_before)

    def kept_from(self, case_id: UUID, sender: PartyId) -> int:
        """How many envelopes of one sender a case holds."""
        table = tables.event
        query = sa.select(sa.func.count()).where(table.c.case_id == str(case_id), table.c.sender == sender)
        with tables.reading(self.engine) as connection:
            return connection.scalar(query) or 0

    def marked(self, at: datetime) -> UUID | None:
        """A case whose record is to be rendered and that nobody is rendering."""
        held = tables.lease
        free = sa.not_(sa.exists().where(held.c.name == "render/" + tables.mark.c.case_id, held.c.until > at))
        with tables.reading(self.engine) as connection:
            found = connection.scalar(sa.select(tables.mark.c.case_id).where(free).limit(1))
        return UUID(found) if found else None

    def marks(self, case_id: UUID) -> list[Digest]:
        """The marks of one case."""
        with tables.reading(self.engine) as connection:
            rows = connection.execute(sa.select(tables.mark.c.digest).where(tables.mark.c.case_id == str(case_id)))
            return [Digest(row.digest) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many rows of each kind, for people and metrics."""
        some = {"received": tables.received, "quarantined": tables.quarantine, "entries": tables.entry, "events": tables.event}
        with tables.reading(self.engine) as connection:
            found = {name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for name, table in some.items()}
            table = tables.event
            kinds = connection.execute(sa.select(table.c.kind, sa.func.count()).group_by(table.c.kind))
            return found | {f"events.{kind}": count for kind, count in kinds}

    def has_work(self, by: datetime | None = None) -> bool:
        """Whether anything waits: work to do (by a time, if one is given), a case to render, a row to send."""
        due = sa.true() if by is None else tables.work.c.not_before <= by
        open_work = sa.exists().where(tables.work.c.done.is_(False), due)
        to_send = sa.exists().where(tables.outbox.c.state == "ready")
        to_render = sa.exists(sa.select(tables.mark))
        with tables.reading(self.engine) as connection:
            return bool(connection.scalar(sa.select(sa.or_(open_work, to_send, to_render))))


def _key_name(entry: Entry) -> str:
    return f"entry/standing/{entry.at.year}" if entry.case_id is None else key_name(entry.case_id, entry.subject_ref)


def key_name(case_id: UUID, subject_ref: SubjectRef | None) -> str:
    """Of the key of a case's entries about one subject, or about the case as a whole."""
    return f"entry/{case_id}/{subject_ref or '-'}"


def _move(connection: sa.Connection, position: Position) -> None:
    table = tables.position
    moved = connection.execute(
        sa.update(table).where(table.c.topic == position.topic, table.c.next == position.before).values(next=position.after)
    )
    if moved.rowcount != 1:
        message = f"another process has {position.topic}"
        raise StoreUnavailableError(message)


def _receive(connection: sa.Connection, effect: Effect) -> bool:
    receipt = effect.received
    return receipt is not None and tables.insert_new(
        connection,
        tables.received,
        digest=receipt.digest,
        topic=receipt.topic,
        incarnation=receipt.incarnation,
        sequence=receipt.sequence,
        state=receipt.state,
    )


def _has_twin(connection: sa.Connection, receipt: Receipt) -> bool:
    """Whether another digest came under the same number of the same stream."""
    table = tables.received
    same = (table.c.topic == receipt.topic, table.c.incarnation == receipt.incarnation, table.c.sequence == receipt.sequence)
    return receipt.sequence > 0 and bool(connection.scalar(sa.select(sa.exists().where(*same, table.c.digest != receipt.digest))))


def _finish(connection: sa.Connection, done: Done, at: datetime) -> None:
    held = tables.lease
    lease = connection.execute(sa.select(held).where(held.c.name == done.lease).with_for_update()).one_or_none()
    if lease is None or lease.term != done.term or lease.until <= at:
        raise _LeaseLostError
    table = tables.work
    if (
        done.work is not None
        and connection.execute(sa.update(table).where(table.c.id == done.work, table.c.done.is_(False)).values(done=True)).rowcount != 1
    ):
        raise _LeaseLostError


def _keep(connection: sa.Connection, event: Event, key_id: bytes, content: bytes) -> None:
    tables.insert_new(
        connection,
        tables.event,
        case_id=str(event.case_id),
        digest=event.digest,
        kind=event.kind,
        sender=event.sender,
        at=event.at,
        enveloped=event.key is not None,
        key_id=key_id,
        content=content,
    )


def _next_sequence(connection: sa.Connection, topic: str) -> tuple[Incarnation, int]:
    table = tables.stream
    tables.insert_new(connection, table, topic=topic, incarnation=os.urandom(Incarnation.size), next=1)
    row = connection.execute(sa.select(table).where(table.c.topic == topic).with_for_update()).one()
    connection.execute(sa.update(table).where(table.c.topic == topic).values(next=row.next + 1))
    return Incarnation(row.incarnation), row.next


def _opened(row: sa.Row[tuple[object, ...]], key: bytes | None) -> Kept:
    body: object = None
    if key is not None and row.enveloped:
        body = reopen(row.content, key)
    elif key is not None:
        data = open_under(key, row.digest, row.content)
        body = codec.decode(codec.record_of(data), data)
    thread = header_of(row.content).thread if row.enveloped else None
    sender = PartyId(row.sender) if row.sender else None
    return Kept(digest=Digest(row.digest), kind=row.kind, at=row.at, sender=sender, body=body, thread=thread)
