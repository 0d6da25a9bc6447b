"""What one step of a service does to the world, as a value: applied whole or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from broker.streams import PERSONAL
from schemas import codec
from schemas.enums import Kind, Refusal
from schemas.events import Entry
from schemas.identifiers import Digest, Incarnation, PartyId, Thread


class Milestone(StrEnum):
    """Named points that a service passes; tests kill it at each, the benchmark measures between them."""

    fetched = "fetched"
    verified = "verified"
    decided = "decided"
    searched = "searched"
    committed = "committed"
    published = "published"
    marked_sent = "marked_sent"
    joined = "joined"
    logged = "logged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A topic's next offset before and after a batch; it moves only from exactly `before`."""

    topic: str
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """An envelope whose signature held; a digest seen before makes its whole effect nothing."""

    digest: Digest
    topic: str
    incarnation: Incarnation
    sequence: int
    state: str  # accepted, quarantined or expired


def once(what: str, name: Digest) -> Receipt:
    """A receipt of our own: an effect that names it happens once, and whoever comes second finds the name taken."""
    return Receipt(digest=name, topic=what, incarnation=Incarnation.zero(), sequence=0, state="accepted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """What could not be believed or read, kept as it came."""

    topic: str
    offset: int
    reason: Refusal
    raw: bytes = field(repr=False)
    digest: Digest | None = None  # of an envelope whose signature held
    at: datetime | None = None  # when it was kept, once it is read back
    count: int = 1  # records; more where the transport could not hand them over one by one
    told: bool = False  # by an entry of its own, at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was quarantined of one topic for one reason in one minute, of which the log is now told."""

    topic: str
    reason: Refusal
    since: datetime
    until: datetime
    rows: int
    count: int  # records
    first: Digest | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Event:
    """Something that belongs to a case, kept sealed: an envelope with its content key, or a record of our own."""

    case_id: UUID
    digest: Digest
    kind: str
    at: datetime
    content: bytes
    key: bytes | None  # an envelope's own content key; None: a record of ours, sealed under a fresh one
    sender: PartyId | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Kept:
    """An event read back and opened; its body is None once its key is destroyed."""

    digest: Digest
    kind: str
    at: datetime
    sender: PartyId | None
    body: object
    thread: Thread | None = None  # of an envelope


def local_event(case_id: UUID, kind: str, body: object, at: datetime) -> Event:
    """A record of our own as an event; its digest is SHA-256 of its strict encoding."""
    data = codec.encode(body)
    return Event(case_id=case_id, digest=digest_of(data), kind=kind, at=at, content=data, key=None)


def digest_of(data: bytes) -> Digest:
    """SHA-256."""
    return Digest(hashlib.sha256(data).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something to do later, by whoever leases it."""

    id: str
    kind: str
    case_id: UUID
    digest: Digest
    not_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Something finished under a lease, which ends with it; once another term has taken over nothing of the effect happens."""

    lease: str
    term: int
    work: str | None = None
    goes_on: bool = False  # the lease is still wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An event of a case, because of which its record is to be rendered anew or something of it waits for a person."""

    case_id: UUID
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """That an event of a case is about whoever or whatever has this keyed name."""

    name: Digest
    case_id: UUID
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Outgoing:
    """A record to seal for one recipient, with the entries that say so: no entry, no disclosure."""

    kind: Kind
    recipient: PartyId
    thread: Thread
    case_id: UUID | None
    body: object
    entries: tuple[Entry, ...] = ()
    keep: bool = False  # also an event of its case, under the envelope's digest

    def __post_init__(self) -> None:
        """Refuse a personal record without its entries."""
        if self.kind in PERSONAL and not self.entries:
            message = f"a {self.kind.value} leaves only with an access-log entry"
            raise ValueError(message)

    def named(self, digest: Digest) -> tuple[Entry, ...]:
        """Its entries, naming the envelope that carries it."""
        return tuple(replace(entry, envelope=digest) for entry in self.entries)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Effect:
    """Everything one envelope, one piece of work or one command changes."""

    received: Receipt | None = None
    quarantined: tuple[Quarantined, ...] = ()
    tallied: tuple[Tally, ...] = ()
    unparked: tuple[tuple[str, int], ...] = ()  # topic and offset of quarantined bytes that are tried again
    withdrawn: tuple[int, ...] = ()  # outbox rows that are not to be sent after all
    events: tuple[Event, ...] = ()
    mentions: tuple[Mention, ...] = ()
    work: tuple[Work, ...] = ()
    done: Done | None = None
    marks: tuple[Mark, ...] = ()
    waits: tuple[Mark, ...] = ()  # events about which something waits for a person now
    settled: tuple[Mark, ...] = ()  # and those about which nothing does any more
    rendered: tuple[Mark, ...] = ()
    entries: tuple[Entry, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()

    @classmethod
    def of(cls, *parts: Self) -> Self:
        """Several effects of one cause as one; at most one of them may name a receipt or a lease."""
        receipts = [part.received for part in parts if part.received is not None]
        finished = [part.done for part in parts if part.done is not None]
        if len(receipts) > 1 or len(finished) > 1:
            message = "one effect has one cause"
            raise ValueError(message)
        return cls(
            received=receipts[0] if receipts else None,
            quarantined=tuple(each for part in parts for each in part.quarantined),
            tallied=tuple(each for part in parts for each in part.tallied),
            unparked=tuple(each for part in parts for each in part.unparked),
            withdrawn=tuple(each for part in parts for each in part.withdrawn),
            events=tuple(each for part in parts for each in part.events),
            mentions=tuple(each for part in parts for each in part.mentions),
            work=tuple(each for part in parts for each in part.work),
            done=finished[0] if finished else None,
            marks=tuple(each for part in parts for each in part.marks),
            waits=tuple(each for part in parts for each in part.waits),
            settled=tuple(each for part in parts for each in part.settled),
            rendered=tuple(each for part in parts for each in part.rendered),
            entries=tuple(each for part in parts for each in part.entries),
            outgoing=tuple(each for part in parts for each in part.outgoing),
        )
