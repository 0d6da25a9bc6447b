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
from broker.envelope import Sealed
from broker.store import leases, quarantine, queries, rows, tables
from broker.store.leases import Lease
from broker.store.recent import Recent
from broker.store.vault import ID, KEY, Vault, seal_under
from broker.streams import UNSEQUENCED, topic_between
from schemas import codec
from schemas.enums import Kind
from schemas.errors import ConfigurationError, Fault, StoreUnavailableError
from schemas.events import Entry
from schemas.identifiers import Digest, Incarnation, PartyId, SubjectRef

Sealer = Callable[[Outgoing, Incarnation, int, bytes], Sealed]
SALT: Final = 32  # bytes, of each entry's leaf
CASE_KEY: Final = "case/"  # before a case's id: the name of the key that wraps its content keys
TRIES: Final = 3  # of one effect that a sweep of keys overtook; there is one a minute at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of some effects: how many happened, how many were seen before, and whether a lost lease discarded all.

    `renumbered` of them came under a number of their stream that another digest has: both happen, and people are told.
    """

    applied: int = 0
    happened: tuple[int, ...] = ()  # which of them, by their place
    duplicates: int = 0
    renumbered: int = 0
    discarded: bool = False


class _LeaseLostError(Exception):
    pass


class _SweptError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Keys made durable before the transaction that seals under them."""

    events: Mapping[int, tuple[bytes, bytes]]  # by id(event or outgoing): id and key of its content
    entries: Mapping[str, bytes]
    swept: str | None  # the mark of the last sweep before they were made; None where there are none to sweep


class Store:
    """One party's store. Every method is one transaction, and raises StoreUnavailableError when it cannot finish."""

    def __init__(self, url: str, vault: Vault, party: PartyId) -> None:
        self.engine = tables.engine_of(url, tables.DATA)
        self.vault = vault
        self.party = party
        self.recent = Recent()
        try:
            self._check_own()
            self._check_keys()
            with tables.transaction(self.engine) as connection:
                tables.insert_new(connection, tables.meta, name="swept", value="")
            self.last_sweep = self.read_last_sweep()
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

    def read_last_sweep(self) -> str:
        """The mark that the last sweep of keys left."""
        with tables.reading(self.engine) as connection:
            return connection.scalar(queries.SWEPT) or ""

    def close(self) -> None:
        """Let go of connections."""
        self.engine.dispose()
        self.vault.close()

    def positions(self, topics: Iterable[str]) -> dict[str, int]:
        """The next offset of each topic, 0 for one never read."""
        wanted = list(topics)
        with tables.reading(self.engine) as connection:
            held = {row.topic: row.next for row in connection.execute(queries.POSITIONS, {"topics": wanted})}
        if missing := [topic for topic in wanted if topic not in held]:
            with tables.fleeting(self.engine) as connection:
                tables.insert_all(connection, tables.position, [{"topic": topic, "next": 0} for topic in missing])
        return {topic: held.get(topic, 0) for topic in wanted}

    def seen(self, digests: Iterable[Digest]) -> set[Digest]:
        """Which of these envelopes were received before."""
        if not (wanted := list(digests)):
            return set()
        with tables.reading(self.engine) as connection:
            return {Digest(digest) for digest in connection.scalars(queries.SEEN, {"digests": wanted})}

    def apply(self, effects: Sequence[Effect], sealer: Sealer, at: datetime, position: Position | None = None) -> Applied:
        """Apply effects and move a position, whole or not at all; an effect whose receipt was seen before is nothing."""
        for _ in range(TRIES):
            try:
                return self._apply(effects, sealer, at, position)
            except _LeaseLostError:
                return Applied(discarded=True)
            except _SweptError:  # the keys that were made for it may be gone: once more, with others
                self.last_sweep = self.read_last_sweep()
        message = "keys were swept again and again while an effect was applied"
        raise StoreUnavailableError(message)

    def _apply(self, effects: Sequence[Effect], sealer: Sealer, at: datetime, position: Position | None) -> Applied:
        prepared = self._prepare(effects, at)
        with tables.transaction(self.engine) as connection:
            # (0) the keys made for it are not swept
            if prepared.swept is not None and connection.scalar(queries.UNSWEPT) != prepared.swept:
                raise _SweptError
            # (1) the position moves from exactly where the batch began
            if position is not None:
                _move(connection, position)
            fresh, renumbered, happened = [], 0, []
            for place, effect in enumerate(effects):
                # (2) a digest is received once
                if effect.received is not None and not _receive(connection, effect):
                    continue
                fresh.append(effect)
                happened.append(place)
                renumbered += effect.received is not None and _has_twin(connection, effect.received)
                # (3) leases, quarantine, events, work and marks
                _change(connection, effect, at)
            self._insert(connection, fresh, prepared)
            # (4) outgoing, streams in name order: take the next sequence, seal here
            entries = self._send(connection, fresh, prepared, sealer, at)
            # (5) entries, which now name what they disclose
            self._log(connection, [entry for effect in fresh for entry in effect.entries] + entries, prepared)
        return Applied(applied=len(fresh), happened=tuple(happened), duplicates=len(effects) - len(fresh), renumbered=renumbered)

    def _prepare(self, effects: Sequence[Effect], at: datetime) -> _Prepared:
        swept = self.last_sweep
        content: dict[int, tuple[bytes, bytes]] = {}
        kept: dict[bytes, tuple[str, bytes]] = {}
        names: set[str] = set()
        for effect in effects:
            for event in effect.events:
                content[id(event)] = (os.urandom(ID), event.key or os.urandom(KEY))
                kept[content[id(event)][0]] = (f"{CASE_KEY}{event.case_id}", content[id(event)][1])
            for outgoing in effect.outgoing:
                content[id(outgoing)] = (os.urandom(ID), os.urandom(KEY))
                names.update(_key_name(entry) for entry in outgoing.entries)
                if outgoing.keep:
                    kept[content[id(outgoing)][0]] = (f"{CASE_KEY}{outgoing.case_id}", content[id(outgoing)][1])
            names.update(_key_name(entry) for entry in effect.entries)
        return _Prepared(content, self.vault.keep(names, kept, at), swept if kept else None)

    def _insert(self, connection: sa.Connection, effects: Sequence[Effect], prepared: _Prepared) -> None:
        events = [rows.kept(each, *prepared.events[id(each)]) for effect in effects for each in effect.events]
        mentions = [
            {"name": each.name, "digest": each.digest, "case_id": str(each.case_id)} for effect in effects for each in effect.mentions
        ]
        tables.insert_all(connection, tables.event, events)
        tables.insert_all(connection, tables.mention, mentions)
        tables.insert_all(connection, tables.work, [rows.waiting(each) for effect in effects for each in effect.work])
        if rendered := [rows.marked(each) for effect in effects for each in effect.rendered]:
            connection.execute(queries.UNMARK, rendered)
        tables.insert_all(connection, tables.mark, [rows.marked(each) for effect in effects for each in effect.marks])
        if settled := [rows.marked(each) for effect in effects for each in effect.settled]:
            connection.execute(queries.SETTLE, settled)
        tables.insert_all(connection, tables.waiting, [rows.marked(each) for effect in effects for each in effect.waits])

    def _send(self, connection: sa.Connection, effects: Sequence[Effect], prepared: _Prepared, sealer: Sealer, at: datetime) -> list[Entry]:
        entries: list[Entry] = []
        outgoing = [each for effect in effects for each in effect.outgoing]
        for each in sorted(outgoing, key=lambda one: topic_between(self.party, one.recipient)):
            topic = topic_between(self.party, each.recipient)
            incarnation, sequence = (Incarnation.zero(), 0) if each.kind in UNSEQUENCED else _next_sequence(connection, topic)
            key_id, key = prepared.events[id(each)]
            sealed = sealer(each, incarnation, sequence, key)
            row = {"topic": topic, "recipient": each.recipient, "key": each.thread, "value": sealed.envelope, "digest": sealed.digest}
            connection.execute(queries.SEND, {"state": "ready", **row})
            if each.keep and each.case_id is not None:
                content = sealed.envelope
                event = Event(
                    case_id=each.case_id, digest=sealed.digest, kind=each.kind.value, at=at, content=content, key=key, sender=self.party
                )
                tables.insert_all(connection, tables.event, [rows.kept(event, key_id, key)])
            entries.extend(each.named(sealed.digest))
        return entries

    def _log(self, connection: sa.Connection, entries: Sequence[Entry], prepared: _Prepared) -> None:
        if not entries:
            return
        sealed = [self._entry_row(entry, prepared) for entry in entries]
        ids = connection.scalars(queries.ENTER, sealed).all()
        connection.execute(queries.WAIT, [{"entry_id": each} for each in ids])

    def _entry_row(self, entry: Entry, prepared: _Prepared) -> dict[str, object]:
        data, salt = codec.encode(entry), os.urandom(SALT)
        name = _key_name(entry)
        return {"key_name": name, "leaf": leaf_of(salt, data), "sealed": seal_under(prepared.entries[name], name.encode(), salt + data)}

    def case_of(self, digest: Digest) -> UUID | None:
        """The case an event belongs to, by its digest."""
        with tables.reading(self.engine) as connection:
            found = connection.scalar(queries.CASE_OF, {"digest": digest})
        return UUID(found) if found else None

    def cases(self) -> list[UUID]:
        """Every case that has an event, oldest first."""
        table = tables.event
        query = sa.select(table.c.case_id).group_by(table.c.case_id).order_by(sa.func.min(table.c.id))
        with tables.reading(self.engine) as connection:
            return [UUID(row.case_id) for row in connection.execute(query)]

    def mentioned(self, names: Iterable[Digest]) -> list[Mention]:
        """Where these names were mentioned, each event once a name."""
        with tables.reading(self.engine) as connection:
            found = connection.execute(queries.MENTIONED, {"names": list(names)}).all()
        return [Mention(name=Digest(row.name), case_id=UUID(row.case_id), digest=Digest(row.digest)) for row in found]

    def sizes(self) -> dict[UUID, int]:
        """How many events each case has: what has as many as before has not changed."""
        table = tables.event
        query = sa.select(table.c.case_id, sa.func.count()).group_by(table.c.case_id)
        with tables.reading(self.engine) as connection:
            return {UUID(case_id): count for case_id, count in connection.execute(query)}

    def events(self, case_id: UUID) -> list[Kept]:
        """Everything kept about one case, opened, in the order it was kept; one whose key is destroyed has no body."""
        with tables.reading(self.engine) as connection:
            found = connection.execute(queries.EVENTS, {"case_id": str(case_id)}).all()
        keys = self.vault.content_keys(row.key_id for row in found)
        return self.recent.opened(found, keys)

    def event(self, case_id: UUID, digest: Digest) -> Kept | None:
        """One event of a case; None also when its key is destroyed."""
        with tables.reading(self.engine) as connection:
            row = connection.execute(queries.EVENT, {"case_id": str(case_id), "digest": digest}).one_or_none()
        keys = self.vault.content_keys([row.key_id] if row else [])
        return self.recent.opened([row], keys)[0] if row is not None and row.key_id in keys else None

    def erase(self, case_id: UUID, digests: Iterable[Digest]) -> int:
        """Destroy the content keys of these events of a case, so that nobody reads them again; says how many there were."""
        table = tables.event
        with tables.reading(self.engine) as connection:
            ids = sa.select(table.c.key_id).where(table.c.case_id == str(case_id), table.c.digest.in_(list(digests)))
            found = list(connection.scalars(ids))
        self.recent.forget(found)
        return self.vault.destroy(found)

    def due_work(self, kind: str, at: datetime) -> Work | None:
        """The oldest open work item that is due and that nobody else holds."""
        with tables.reading(self.engine) as connection:
            row = connection.execute(queries.DUE, {"kind": kind, "at": at}).one_or_none()
        if row is None:
            return None
        return Work(id=row.id, kind=row.kind, case_id=UUID(row.case_id), digest=Digest(row.digest), not_before=row.not_before)

    def kept_from(self, case_id: UUID, sender: PartyId) -> int:
        """How many envelopes of one sender a case holds."""
        with tables.reading(self.engine) as connection:
            return connection.scalar(queries.KEPT_FROM, {"case_id": str(case_id), "sender": sender}) or 0

    def early(self, kind: Kind, first: Kind, sender: PartyId, since: datetime) -> int:
        """How many envelopes of a kind came of one sender since then in cases of which no `first` of it has come."""
        asked = {"kind": kind.value, "first": first.value, "sender": sender, "at": since}
        with tables.reading(self.engine) as connection:
            return connection.scalar(queries.EARLY, asked) or 0

    def marked(self, at: datetime) -> UUID | None:
        """A case whose record is to be rendered and that nobody is rendering."""
        with tables.reading(self.engine) as connection:
            found = connection.scalar(queries.MARKED, {"at": at})
        return UUID(found) if found else None

    def marks(self, case_id: UUID) -> list[Digest]:
        """The marks of one case."""
        with tables.reading(self.engine) as connection:
            return [Digest(digest) for digest in connection.scalars(queries.MARKS, {"case_id": str(case_id)})]

    def waiting(self) -> list[UUID]:
        """Cases of which something waits for a person; one may stand here a little after nothing does."""
        with tables.reading(self.engine) as connection:
            return [UUID(case_id) for case_id in connection.scalars(queries.WAITING)]

    def counts(self) -> dict[str, int]:
        """How many rows of each kind, for people and metrics."""
        some = {"received": tables.received, "entries": tables.entry, "events": tables.event}
        with tables.reading(self.engine) as connection:
            found = {name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for name, table in some.items()}
            table = tables.event
            kinds = connection.execute(sa.select(table.c.kind, sa.func.count()).group_by(table.c.kind))
            found |= {f"events.{kind}": count for kind, count in kinds}
        return found | {"quarantined": quarantine.count(self.engine)}

    def has_work(self, by: datetime | None = None) -> bool:
        """Whether anything waits: work to do (by a time, if one is given), a case to render, a row to send."""
        asked = queries.ANYTHING if by is None else queries.ANYTHING_BY
        with tables.reading(self.engine) as connection:
            return bool(connection.scalar(asked, {} if by is None else {"at": by}))


def _key_name(entry: Entry) -> str:
    return f"entry/standing/{entry.at.year}" if entry.case_id is None else key_name(entry.case_id, entry.subject_ref)


def key_name(case_id: UUID, subject_ref: SubjectRef | None) -> str:
    """Of the key of a case's entries about one subject, or about the case as a whole."""
    return f"entry/{case_id}/{subject_ref or '-'}"


def _move(connection: sa.Connection, position: Position) -> None:
    moved = connection.execute(queries.MOVE, {"of": position.topic, "before": position.before, "after": position.after})
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
    number = {"topic": receipt.topic, "incarnation": receipt.incarnation, "sequence": receipt.sequence}
    return receipt.sequence > 0 and bool(connection.scalar(queries.TWIN, number | {"digest": receipt.digest}))


def _change(connection: sa.Connection, effect: Effect, at: datetime) -> None:
    """What an effect does to what stands already."""
    if effect.done is not None:
        _finish(connection, effect.done, at)
    if effect.withdrawn:
        connection.execute(queries.WITHDRAW, [{"of": each} for each in effect.withdrawn])
    quarantine.change(connection, effect, at)


def _finish(connection: sa.Connection, done: Done, at: datetime) -> None:
    lease = Lease(done.lease, done.term)
    if not (leases.holds(connection, lease, at) if done.goes_on else leases.end(connection, lease, at)):
        raise _LeaseLostError
    if done.work is not None and connection.execute(queries.FINISH, {"of": done.work}).rowcount != 1:
        raise _LeaseLostError


def _next_sequence(connection: sa.Connection, topic: str) -> tuple[Incarnation, int]:
    """The next number of a stream, and which stream it is: one of this topic begins when it is first written to."""
    if (row := connection.execute(queries.NEXT, {"of": topic}).one_or_none()) is None:
        tables.insert_new(connection, tables.stream, topic=topic, incarnation=os.urandom(Incarnation.size), next=1)
        row = connection.execute(queries.NEXT, {"of": topic}).one()
    return Incarnation(row.incarnation), row.next - 1
