"""Sending case records to their consumers: the newest version, sealed anew when it came too late, and cut down when it is too large."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from agents.hub.casework import case_record
from agents.hub.entries import case_entry
from agents.hub.once import work_named
from broker.anew import MOST
from broker.effect import Effect, Mention, Outgoing, Work, digest_of, once
from broker.envelope import Opened
from broker.party import Party
from broker.times import epoch_at, epoch_span
from schemas import codec
from schemas.enums import Kind, Operation, Refusal
from schemas.errors import MalformedRecordError, OversizeRecordError
from schemas.events import MAX_RATINGS, MAX_SAID, CaseRecord
from schemas.identifiers import Digest, PartyId, Thread
from schemas.records import Rejection

TELL: Final = "tell"


def telling_work(case_id: UUID, version: int, consumer: PartyId, at: datetime, anew: int = 0) -> Work:
    """To send one version of a case to one consumer: once, and so often anew."""
    return work_named(TELL, (str(case_id), str(version), consumer, str(anew)), case_id, at)


def told(party: Party, work: Work, at: datetime) -> Effect:
    """The newest version of a case to one consumer; of an older one nothing is sent."""
    _, _, version, named, anew = work.id.split("/")
    consumer, record = PartyId(named), case_record(party.store.events(work.case_id))
    if record is None or str(record.version) != version or party.trust.party(consumer) is None:
        return Effect()
    going = next((each for each in _ever_less(record) if _fits(each)), None)
    if going is None or going.left_out:
        party.alarm("too_large", digest=str(work.digest))
    if going is None:
        return Effect()
    name = _name(work.case_id, consumer)
    outcome = f"version.{version}.without.{going.left_out}" if going.left_out else f"version.{version}"
    outgoing = Outgoing(
        kind=Kind.case_record,
        recipient=consumer,
        thread=_thread(name),
        case_id=work.case_id,
        body=going,
        entries=(case_entry(at, Operation.disclosure, party.actor, work.case_id, None, outcome),),
    )
    mention = Mention(name=digest_of(_thread(name)), case_id=work.case_id, digest=name)
    return Effect(received=once("told", _telling(name, int(version), int(anew))), outgoing=(outgoing,), mentions=(mention,))


def told_anew(party: Party, opened: Opened, said: Rejection, at: datetime) -> Effect:
    """What a consumer's rejection does: the newest version once more, if what it refused came too late; otherwise people are told.

    Whatever it names, it can only make the case of its own thread be sent to itself, three times in as many weeks.
    """
    consumer = opened.header.sender
    found = [each for each in party.store.mentioned([digest_of(opened.header.thread)]) if each.digest == _name(each.case_id, consumer)]
    events = party.store.events(found[0].case_id) if found else []
    record = case_record(events)
    if record is None or said.reason is not Refusal.expired:
        party.alarm("rejected", digest=str(said.answers))
        return Effect()
    names = [_telling(found[0].digest, record.version, each) for each in range(MOST + 1)]
    sealed = len(party.store.seen(names))
    if sealed == 0:  # its newest version is on its way
        return Effect()
    if sealed > MOST:
        party.alarm("expired_again", digest=str(said.answers))
        return Effect()
    sealed_at = max(each.at for each in events) if sealed == 1 else at
    _, over = epoch_span(epoch_at(sealed_at))
    return Effect(work=(telling_work(record.case_id, record.version, consumer, max(at, over), sealed),))


def _ever_less(record: CaseRecord) -> Iterator[CaseRecord]:
    """A record with the newest of what grows for ever, and less and less of what takes most room; how much is left out is said."""
    newest = replace(record, ratings=record.ratings[-MAX_RATINGS:], oral=record.oral[-MAX_SAID:], corrected=record.corrected[-MAX_SAID:])
    older = sum(len(all_of) - len(kept) for all_of, kept in zip(_growing(record), _growing(newest), strict=True))
    record = replace(newest, left_out=older)
    yield record
    record = replace(record, answers=(), left_out=record.left_out + len(record.answers))
    yield record
    record = replace(record, oral=(), unasked=(), left_out=record.left_out + len(record.oral) + len(record.unasked))
    yield record


def _fits(record: CaseRecord) -> bool:
    try:
        codec.encode(record)
    except (OversizeRecordError, MalformedRecordError):  # more bytes, or more of something, than a message holds
        return False
    return True


def _growing(record: CaseRecord) -> tuple[Sized, ...]:
    return record.ratings, record.oral, record.corrected


def _name(case_id: UUID, consumer: PartyId) -> Digest:
    """Of a case as one consumer has it."""
    return digest_of(b"mash/1 record thread" + case_id.bytes + consumer.encode())


def _thread(name: Digest) -> Thread:
    return Thread(name[: Thread.size])


def _telling(name: Digest, version: int, anew: int) -> Digest:
    """The name under which one version is sealed once, or one time anew."""
    return digest_of(b"mash/1 told" + name + version.to_bytes(8, "big") + anew.to_bytes(1, "big"))
