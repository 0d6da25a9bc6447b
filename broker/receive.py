"""Accept: from a fetched batch to one transaction. Hostile bytes are quarantined and told; the stream goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from broker.effect import Effect, Milestone, Outgoing, Position, Quarantined, Receipt
from broker.envelope import Opened, Refused, open_envelope
from broker.party import Party
from broker.ports import Fetched, Skip, SkipReason, TopicRecord
from broker.store import quarantine
from broker.streams import route_of
from broker.times import PARKED_LIFE
from schemas.enums import Kind, Operation, Refusal
from schemas.envelope import Header
from schemas.errors import ConfigurationError, StoreUnavailableError, TransientError
from schemas.events import Entry
from schemas.identifiers import Digest, Slug
from schemas.records import Rejection

React = Callable[[Opened, datetime], Effect | Refusal]
NEVER_REJECTED: Final = frozenset({Kind.rejection, Kind.acknowledgement, Kind.status})  # or two parties would reject for ever
UNWRAP: Final = 8  # the step of Open that needs the private key
MOST_PARKED: Final = 256  # of one topic: nobody has signed for what waits for a newer directory
PARKED: Final = timedelta(minutes=1)  # before a parked topic is looked at again
LOG: Final = structlog.get_logger()


def receive(party: Party, topics: Iterable[str], react: React, wait: float) -> bool:
    """Fetch and accept once; says whether anything was consumed."""
    at = party.now()
    asked = [topic for topic in topics if party.parked.get(topic, at) <= at]
    batches = party.transport.fetch(party.store.positions(asked), wait)
    consumed = False
    for batch in batches:
        if batch.beyond_end:
            party.alarm("beyond_end", topic=batch.topic, first=batch.before)
            party.parked[batch.topic] = at + PARKED  # a topic made anew is for people to look at; the others go on
            continue
        party.reached(Milestone.fetched)
        consumed = _accept(party, batch, react) or consumed
    return consumed


def _accept(party: Party, batch: Fetched, react: React) -> bool:
    """A batch in one transaction; if something in it cannot be applied, each record in its own, so that one never stops the rest."""
    at = party.now()
    effects = _effects(party, batch.records, react, at)
    party.reached(Milestone.verified)
    effects += [_skipped(party, batch, at)]
    _tell(party, effects, batch.topic)
    try:
        _apply(party, effects, Position(topic=batch.topic, before=batch.before, after=batch.after))
    except (TransientError, ConfigurationError) as error:  # our own store, keys or recipient's key: nothing is wrong with the batch
        party.alarm("not_accepted", topic=batch.topic, error=error.code)
        return False
    except Exception as error:  # noqa: BLE001 - what cannot be applied is found below, record by record
        party.alarm("not_applied", topic=batch.topic, error=type(error).__name__)
        return _singly(party, batch, effects)
    return True


def _apply(party: Party, effects: list[Effect], position: Position) -> None:
    applied = party.store.apply(effects, party.seal, party.now(), position)
    party.reached(Milestone.committed)
    party.meters.duplicates.labels(topic=position.topic).inc(applied.duplicates)
    if applied.renumbered:
        party.alarm("renumbered", topic=position.topic, count=applied.renumbered)


def _singly(party: Party, batch: Fetched, effects: list[Effect]) -> bool:
    """Each record by itself; the one that cannot be applied is quarantined as invalid."""
    before = batch.before
    for record, effect in zip(batch.records, effects, strict=False):
        position = Position(topic=batch.topic, before=before, after=record.offset + 1)
        try:
            _apply(party, [effect], position)
        except (TransientError, ConfigurationError) as error:
            party.alarm("not_accepted", topic=batch.topic, error=error.code)
            return False
        except Exception as error:  # noqa: BLE001 - this is the one; its bytes are kept and the stream goes on
            party.alarm("not_applied", topic=batch.topic, first=record.offset, error=type(error).__name__)
            digest = effect.received.digest if effect.received is not None else None
            kept = Quarantined(topic=record.topic, offset=record.offset, reason=Refusal.invalid, raw=record.value, digest=digest)
            receipt = replace(effect.received, state="quarantined") if effect.received is not None else None
            _apply(party, [Effect(received=receipt, quarantined=(kept,))], position)
        before = position.after
    _apply(party, effects[len(batch.records) :], Position(topic=batch.topic, before=before, after=batch.after))
    return True


def _effects(party: Party, records: Iterable[TopicRecord], react: React, at: datetime) -> list[Effect]:
    """What each record does. What was received before is only counted: a flood of replays makes no keys, no rows and no notes."""
    party.coming.clear()
    effects: list[Effect] = []
    came: set[Digest] = set()
    for record in records:
        opened = _opened(party, record, at)
        header, digest = opened.header, opened.digest
        if header is not None and digest is not None and (digest in came or party.store.seen([digest])):
            effects.append(Effect(received=_receipt(record, header, digest, "accepted")))
            continue
        effects.append(_effect(party, record, opened, react, at))
        party.coming.extend(effects[-1].events)
        came |= {digest} if digest is not None else set()  # the same bytes twice in one batch
    return effects


def reopen_parked(party: Party, react: React) -> bool:
    """Try again what named a newer directory than was held; after a day it is refused for good."""
    tried = [_reopen(party, kept, react) for kept in quarantine.parked(party.store.engine)]
    return any(tried)


def _reopen(party: Party, kept: Quarantined, react: React) -> bool:
    """One that waited; whatever goes wrong with it, the others are tried too."""
    at = party.now()
    try:
        record = TopicRecord(topic=kept.topic, offset=kept.offset, key=b"", value=kept.raw, appended_at=kept.at or at)
        party.coming.clear()
        effect = _effect(party, record, _opened(party, record, at), react, at)
        if any(each.reason is Refusal.directory_ahead for each in effect.quarantined):
            if at < record.appended_at + PARKED_LIFE:
                return False
            refused = Quarantined(topic=kept.topic, offset=kept.offset, reason=Refusal.untrusted, raw=kept.raw)
            effect = Effect(quarantined=(refused,))
        _tell(party, [effect], kept.topic)
        party.store.apply([Effect(unparked=((kept.topic, kept.offset),)), effect], party.seal, at)
    except Exception as error:  # noqa: BLE001 - it stays where it is and is tried again
        party.alarm("not_accepted", topic=kept.topic, error=type(error).__name__)
        return False
    return True


def _effect(party: Party, record: TopicRecord, opened: Opened | Refused, react: React, at: datetime) -> Effect:
    """What one record does: any error inside withholds, quarantines and tells, and the stream goes on."""
    if isinstance(opened, Refused):
        crowded = opened.reason is Refusal.directory_ahead and quarantine.parked_on(party.store.engine, record.topic) >= MOST_PARKED
        return _refused(party, record, Refusal.untrusted if crowded else opened.reason, opened.header, opened.digest)
    try:
        effect = react(opened, at)
    except StoreUnavailableError:
        raise
    except Exception as error:  # noqa: BLE001 - a fault of ours on one record must not stop the others
        party.alarm("react_failed", topic=record.topic, error=type(error).__name__, digest=str(opened.digest))
        effect = Refusal.invalid
    if isinstance(effect, Refusal):
        return _refused(party, record, effect, opened.header, opened.digest)
    party.meters.received.labels(topic=record.topic).inc()
    return Effect.of(Effect(received=_receipt(record, opened.header, opened.digest, "accepted")), effect)


def _opened(party: Party, record: TopicRecord, at: datetime) -> Opened | Refused:
    """Open it; a fault of ours on hostile bytes must not stop the others."""
    try:
        return _tried(party, record, at)
    except Exception as error:  # noqa: BLE001 - it is quarantined like whatever cannot be opened
        party.alarm("open_failed", topic=record.topic, error=type(error).__name__)
        return Refused(1, Refusal.malformed)


def _tried(party: Party, record: TopicRecord, at: datetime) -> Opened | Refused:
    """When its key is not here, once more if a new one is: the week may have turned since this process began."""
    route = route_of(record.topic)
    opened = open_envelope(record.value, route, party.keys.opening, party.trust, at)
    if isinstance(opened, Refused) and opened.step == UNWRAP and opened.reason is Refusal.expired and party.reload_keys():
        return open_envelope(record.value, route, party.keys.opening, party.trust, at)
    return opened


def _receipt(record: TopicRecord, header: Header, digest: Digest, state: str) -> Receipt:
    return Receipt(digest=digest, topic=record.topic, incarnation=header.incarnation, sequence=header.sequence, state=state)


def _refused(party: Party, record: TopicRecord, reason: Refusal, header: Header | None, digest: Digest | None) -> Effect:
    kept = (Quarantined(topic=record.topic, offset=record.offset, reason=reason, raw=record.value, digest=digest),)
    party.meters.quarantined.labels(topic=record.topic, reason=reason.value).inc()
    if header is None or digest is None:
        return Effect(quarantined=kept)
    state = "expired" if reason is Refusal.expired else "quarantined"
    told: tuple[Outgoing, ...] = ()
    if header.kind not in NEVER_REJECTED and party.trust.sealing_key(header.sender, party.now()) is not None:
        body = Rejection(answers=digest, reason=reason, duty_contact=party.settings.contact)
        told = (Outgoing(kind=Kind.rejection, recipient=header.sender, thread=header.thread, case_id=None, body=body),)
    return Effect(received=_receipt(record, header, digest, state), quarantined=kept if state == "quarantined" else (), outgoing=told)


def _skipped(party: Party, batch: Fetched, at: datetime) -> Effect:
    """Offsets without a record are named, entered and told: never a silent jump. What cannot be read is entered once a minute."""
    for skip in batch.skips:
        party.meters.skipped.labels(topic=batch.topic, reason=skip.reason.value).inc(skip.after - skip.first)
        party.alarm("skipped", topic=batch.topic, first=skip.first, after=skip.after)
    gaps = [skip for skip in batch.skips if skip.reason is SkipReason.behind_start]
    entries = tuple(note(party, f"skipped.{skip.reason.value}.{skip.after - skip.first}", at) for skip in gaps)
    return Effect(quarantined=tuple(_unread(batch.topic, skip) for skip in batch.skips), entries=entries)


def _unread(topic: str, skip: Skip) -> Quarantined:
    """What a skip leaves: how many offsets, and whether it has an entry of its own."""
    told = skip.reason is SkipReason.behind_start
    return Quarantined(topic=topic, offset=skip.first, reason=Refusal.unreadable, raw=b"", count=skip.after - skip.first, told=told)


def _tell(party: Party, effects: list[Effect], topic: str) -> None:
    """People at once; the log once a minute."""
    reasons = Counter(each.reason for effect in effects for each in effect.quarantined if each.reason is not Refusal.unreadable)
    for reason, count in reasons.items():
        party.alarm("quarantined", topic=topic, count=count)
        LOG.warning("quarantined", party=party.id, topic=topic, reason=reason.value, count=count)


def tell_log(party: Party) -> bool:
    """One entry per stream, reason and minute that is over, with count and first digest: a flood fills the quarantine, not the log."""
    at = party.now()
    tallies = quarantine.untold(party.store.engine, at)
    entries = tuple(note(party, f"quarantined.{each.reason.value}.{each.count}", at, each.first) for each in tallies)
    if tallies:
        party.store.apply([Effect(tallied=tuple(tallies), entries=entries)], party.seal, at)
    return bool(tallies)


def note(party: Party, outcome: str, at: datetime, envelope: Digest | None = None) -> Entry:
    """An entry of administration, of no case."""
    return Entry(
        at=at,
        operation=Operation.administration,
        actor=party.actor,
        case_id=None,
        subject_ref=None,
        category=None,
        purpose=None,
        stage=None,
        rules=(),
        pack_digest=None,
        outcome=Slug(outcome),
        envelope=envelope,
    )
