"""A stream goes on: whatever lies between good records, each of those is accepted once and every other is kept, entered and told."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_borough import NOW, SmallBorough, alarms, entries_of, outcomes, outcomes_a_minute_later, rows, write_files

from broker import envelope as wire
from broker import receive
from broker.directory import make_snapshot, sign
from broker.effect import Effect
from broker.enrol import announce
from broker.envelope import MAX_ENVELOPE, seal
from broker.follow import follow
from broker.keys import OpeningKey
from broker.ports import Fetched, Publication, Skip, SkipReason
from broker.publish import drain
from broker.settings import Folder
from broker.store import quarantine, tables
from broker.streams import DIRECTORY, topic_between
from broker.times import LIFETIME, SKEW, epoch_at
from broker.trustfiles import load_trust
from schemas import codec
from schemas.enums import Kind, Refusal, StatementKind, Status
from schemas.envelope import Envelope, Header, Signed
from schemas.errors import StoreUnavailableError
from schemas.identifiers import CategoryId, DecisionId, Digest, Incarnation, Kid, Network, PartyId, SubjectRef, Thread, WrappedKey
from schemas.records import Acknowledgement, Answer, Rejection, Response
from schemas.statements import Directory, Revocation, Statement
from schemas.streams import Hole, StreamStatus

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("receive")
    write_files(folder, contacts=1)
    return folder


@pytest.fixture
def police(borough):
    return Sender(borough, borough.police.party)


class Sender:
    """One party that seals what it likes for the hub."""

    def __init__(self, borough, party):
        self.borough, self.party, self.hub = borough, party, borough.hub.party
        self.topic = topic_between(party.id, self.hub.id)
        self.recipient = self.hub.trust.sealing_key(self.hub.id, NOW)

    def header(self, kind=Kind.acknowledgement, **changes):
        plain = Header(
            protocol=1,
            network=self.hub.trust.root.network,
            kind=kind,
            sender=self.party.id,
            sender_kid=self.party.signing.kid,
            recipient=self.hub.id,
            recipient_kid=self.recipient.kid,
            thread=Thread(os.urandom(16)),
            sent_at=NOW,
            expires_at=NOW + LIFETIME,
            incarnation=Incarnation(bytes(8)),
            sequence=next(NUMBERS),
            directory_sequence=1,
            commitment=Digest.zero(),
        )
        return replace(plain, **changes)

    def sealed(self, header=None, body=None, signer=None):
        return seal(body or self.acknowledgement(), header or self.header(), self.recipient, signer or self.party.signing, os.urandom(32))

    def acknowledgement(self):
        return Acknowledgement(answers=Digest(os.urandom(32)), received_at=NOW, duty_contact=self.party.settings.contact)

    def by_hand(self, kind, framed, *, commitment=None, wrapped_for=None):
        """An envelope made by a sender who does one thing otherwise than `seal` does."""
        key = os.urandom(32)
        header = codec.encode(self.header(kind, commitment=commitment or wire._commitment(key)))
        h = hashlib.sha256(header).digest()
        ciphertext = AESGCM(key).encrypt(wire.ZERO_NONCE, framed, b"mash/1 body" + h)
        wrapped = WrappedKey(self.recipient.wrap(key, b"mash/1 key" + (wrapped_for or h)))
        return self.signed(Signed(header=header, wrapped_key=wrapped, ciphertext=ciphertext))

    def signed(self, signed):
        data = codec.encode(signed, MAX_ENVELOPE)
        signature = self.party.signing.sign(b"mash/1 envelope" + hashlib.sha256(data).digest())
        return codec.encode(Envelope(signed=data, signature=signature), MAX_ENVELOPE)

    def publish(self, *values):
        self.borough.transport.publish([Publication(topic=self.topic, key=b"k" * 16, value=value) for value in values])


@dataclass(frozen=True)
class Bad:
    """A hostile record, why it is refused, and whether its sender is sure enough, and of a kind, to be told."""

    value: bytes
    reason: Refusal
    told: bool = False
    kept: bool = True

    @property
    def digest(self):
        return Digest(hashlib.sha256(codec.decode(Envelope, self.value, MAX_ENVELOPE).signed).digest())


def rejection(sender):
    return Rejection(answers=Digest(os.urandom(32)), reason=Refusal.expired, duty_contact=sender.party.settings.contact)


def response(sender):
    """An answer to no request of this hub's."""
    answer = Answer(
        subject_ref=SubjectRef("s1"),
        category=CategoryId("pol.incidents"),
        status=Status.none_held,
        agreed_fields=(),
        searched=(),
        since=NOW.date(),
        until=NOW.date(),
        ladder=(),
        caps=(),
        near_misses=(),
        items=(),
        decision_id=DecisionId(bytes(16)),
        decided_by="nobody",
        decided_at=NOW,
        duty_contact=sender.party.settings.contact,
    )
    return Response(
        request_digest=Digest(os.urandom(32)),
        case_id=uuid4(),
        agency=sender.party.id,
        revision=1,
        part=1,
        parts=1,
        pack_digest=Digest(bytes(32)),
        answers=(answer,),
    )


def nameless(body):
    """Strictly encoded, but decided by somebody without a name."""
    encoded, name = codec.encode(body), b"nobody"
    at = encoded.index(name)
    return wire._frame(Kind.response, encoded[: at - 1] + b"\0" + encoded[at + len(name) :])


def framed(kind, body):
    return wire._frame(kind, codec.encode(body))


def unauthenticated(police, trust):
    """Nobody knows who wrote these, so nobody is told."""
    honest, flipped = police.sealed().envelope, bytearray(police.sealed().envelope)
    flipped[-1] ^= 1
    middle = bytearray(police.sealed().envelope)
    middle[len(middle) // 2] ^= 1
    hub = police.hub
    reflected = police.header(sender=hub.id, sender_kid=hub.signing.kid, recipient=police.party.id)
    return {
        "nothing": Bad(b"", Refusal.malformed),
        "noise": Bad(os.urandom(4000), Refusal.malformed),
        "marker and noise": Bad(b"\xc3\x01" + b"\xff" * 4000, Refusal.malformed),
        "cut short": Bad(honest[:-1], Refusal.malformed),
        "one byte more": Bad(honest + b"\0", Refusal.malformed),
        "too large": Bad(b"\xc3\x01" + bytes(MAX_ENVELOPE), Refusal.oversize),
        "signature flipped": Bad(bytes(flipped), Refusal.tampered),
        "content flipped": Bad(bytes(middle), Refusal.tampered),
        "signed by another": Bad(police.sealed(signer=trust.party.signing).envelope, Refusal.tampered),
        "kid of another": Bad(police.sealed(police.header(sender_kid=trust.party.signing.kid)).envelope, Refusal.untrusted),
        "kid of nobody": Bad(police.sealed(police.header(sender_kid=Kid(bytes(16)))).envelope, Refusal.untrusted),
        "before the key's time": Bad(police.sealed(police.header(sent_at=NOW - timedelta(days=400))).envelope, Refusal.untrusted),
        "another's topic": Bad(trust.sealed().envelope, Refusal.not_for_me),
        "a stranger": Bad(police.sealed(police.header(sender=PartyId("agency.stranger"))).envelope, Refusal.not_for_me),
        "reflected": Bad(police.sealed(reflected, signer=hub.signing).envelope, Refusal.not_for_me),
        "for another": Bad(police.sealed(police.header(recipient=trust.party.id)).envelope, Refusal.not_for_me),
        "a kind of the other way": Bad(police.by_hand(Kind.request, framed(Kind.request, rejection(police))), Refusal.not_for_me),
        "another network": Bad(police.sealed(police.header(network=Network(bytes(32)))).envelope, Refusal.unsupported),
        "another protocol": Bad(police.sealed(police.header(protocol=2)).envelope, Refusal.unsupported),
        "a kind without a body": Bad(police.by_hand(Kind.view, framed(Kind.rejection, rejection(police))), Refusal.unsupported),
        "a newer directory": Bad(police.sealed(police.header(directory_sequence=2)).envelope, Refusal.directory_ahead),
    }


def authenticated(police):
    """Signed by the police, so that they may be told: once, and never about what is itself an answer."""
    in_future = {"sent_at": NOW + SKEW + timedelta(seconds=1), "expires_at": NOW + SKEW + timedelta(seconds=1) + LIFETIME}
    long_past = {"sent_at": NOW - LIFETIME - SKEW, "expires_at": NOW - SKEW}
    status = StreamStatus(
        incarnation=Incarnation(bytes(8)),
        highest_sent=1,
        oldest_unsent_at=None,
        received_incarnation=Incarnation(bytes(8)),
        highest_received=0,
        holes=(Hole(first=1, last=1),),
    )
    said, answered = Kind.response, response(police)
    body = framed(said, answered)
    return {
        "the future": Bad(police.sealed(police.header(said, **in_future), answered).envelope, Refusal.outside_times, told=True),
        "a false life": Bad(police.sealed(police.header(said, expires_at=NOW), answered).envelope, Refusal.outside_times, told=True),
        "a key for another": Bad(police.by_hand(said, body, wrapped_for=bytes(32)), Refusal.tampered, told=True),
        "a false commitment": Bad(police.by_hand(said, body, commitment=Digest(bytes(32))), Refusal.tampered, told=True),
        "false padding": Bad(police.by_hand(said, body[:-1] + b"\1"), Refusal.tampered, told=True),
        "another body": Bad(police.by_hand(said, framed(said, rejection(police))), Refusal.malformed, told=True),
        "an invalid body": Bad(police.by_hand(said, nameless(answered)), Refusal.invalid, told=True),
        "no such request": Bad(police.sealed(police.header(said), answered).envelope, Refusal.no_such_request, told=True),
        "expired": Bad(police.sealed(police.header(said, **long_past), answered).envelope, Refusal.expired, told=True, kept=False),
        "a destroyed key": Bad(
            police.sealed(police.header(said, recipient_kid=Kid(bytes(16))), answered).envelope, Refusal.expired, told=True, kept=False
        ),
        "an acknowledgement from the future": Bad(police.sealed(police.header(**in_future)).envelope, Refusal.outside_times),
        "a rejection from the future": Bad(
            police.sealed(police.header(Kind.rejection, **in_future), rejection(police)).envelope, Refusal.outside_times
        ),
        "a status from the future": Bad(
            police.sealed(police.header(Kind.status, sequence=0, **in_future), status).envelope, Refusal.outside_times
        ),
    }


class Reaction:
    """Believes every acknowledgement, and knows of no request."""

    def __init__(self):
        self.seen = []

    def __call__(self, opened, at):
        if isinstance(opened.body, Response):
            return Refusal.no_such_request
        self.seen.append(opened.digest)
        return Effect()


def consume(party, topics, react):
    rounds = 0
    while receive.receive(party, topics, react, 0):
        rounds += 1
    return rounds


def told(borough, police):
    """What the hub tells the police: the digests that its rejections answer, in order."""
    waiting = [row for row in rows(borough.hub.party, tables.outbox) if row.topic == topic_between(police.hub.id, police.party.id)]
    borough.transport.publish([Publication(topic=row.topic, key=row.key, value=row.value) for row in waiting])
    seen = []

    def read(opened, at):
        assert isinstance(opened.body, Rejection)
        seen.append((opened.body.answers, opened.body.reason))
        return Effect()

    consume(police.party, [topic_between(police.hub.id, police.party.id)], read)
    return seen


def quarantined(party):
    return Counter(Refusal(row.reason) for row in rows(party, tables.quarantine))


def position(party, topic):
    return party.store.positions([topic])[topic]


@pytest.mark.proves("I14", "I2")
def test_the_whole_hostile_corpus_among_good_records_stops_nothing(borough, police):
    trust = Sender(borough, borough.trust.party)
    bad = {**unauthenticated(police, trust), **authenticated(police)}
    good = [police.sealed() for _ in range(len(bad) + 1)]
    stream = [good[0].envelope, *(value for one, each in zip(bad.values(), good[1:], strict=True) for value in (one.value, each.envelope))]
    others = [trust.sealed() for _ in range(3)]
    trust.publish(*(each.envelope for each in others))
    police.publish(*stream)
    react, hub = Reaction(), borough.hub.party
    assert consume(hub, [police.topic, trust.topic], react) >= 1
    # every good record is accepted once and in order
    assert [each for each in react.seen if each in {one.digest for one in good}] == [each.digest for each in good]
    assert {each.digest for each in others} <= set(react.seen)
    assert len(react.seen) == len(good) + len(others)
    # every bad one is kept as it came, with its reason; what has expired is only told
    kept = {row.raw: row.reason for row in rows(hub, tables.quarantine)}
    assert kept == {each.value: each.reason.value for each in bad.values() if each.kept}
    # an authenticated sender is told, once; nobody else
    expected = {(each.digest, each.reason) for each in bad.values() if each.told}
    answers = told(borough, police)
    assert len(answers) == len(expected)
    assert set(answers) == expected
    # one entry for each reason, with its count
    reasons = Counter(each.reason for each in bad.values() if each.kept)
    assert outcomes(hub) == []  # the minute is not over
    assert sorted(outcomes_a_minute_later(borough, hub)) == sorted(
        f"quarantined.{reason.value}.{count}" for reason, count in reasons.items()
    )
    assert alarms(hub) == {"quarantined": len(reasons)}
    assert position(hub, police.topic) == len(stream)


def test_the_log_tells_of_each_stream_reason_and_minute_once_with_count_and_first_digest(borough, police):
    react, hub = Reaction(), borough.hub.party
    old = [police.sealed(police.header(sent_at=NOW - timedelta(days=1), expires_at=NOW)) for _ in range(3)]
    for each in old[:2]:  # two batches of one minute
        police.publish(each.envelope)
        consume(hub, [police.topic], react)
    borough.clock.move(minutes=1)
    police.publish(old[2].envelope, b"noise", b"noise")
    consume(hub, [police.topic], react)
    assert receive.tell_log(hub)
    assert not receive.tell_log(hub)  # the second minute is not over
    assert [(each.outcome, each.envelope) for each in entries_of(hub)] == [("quarantined.outside_times.2", old[0].digest)]
    borough.clock.move(minutes=1)
    assert receive.tell_log(hub)
    told = {(each.outcome, each.envelope) for each in entries_of(hub)[1:]}
    assert told == {("quarantined.outside_times.1", old[2].digest), ("quarantined.malformed.2", None)}
    assert not receive.tell_log(hub)


@pytest.mark.proves("I19")
def test_a_flood_keeps_its_earliest_bytes_and_goes_on_being_counted_and_told(borough, police, monkeypatch):
    react, hub = Reaction(), borough.hub.party
    noise = [bytes([number]) * 13_000 for number in range(9)]
    monkeypatch.setattr(quarantine, "MOST_BYTES", 3 * (quarantine.ROW + len(noise[0])))
    police.publish(*noise[:5])
    consume(hub, [police.topic], react)
    assert [row.raw for row in rows(hub, tables.quarantine)] == [*noise[:3], b"", b""]
    assert outcomes_a_minute_later(borough, hub) == ["quarantined.malformed.5"]
    assert [row.raw for row in rows(hub, tables.quarantine)] == noise[:3]  # of the others all is said
    police.publish(*noise[5:])
    signed = police.by_hand(Kind.response, framed(Kind.response, rejection(police)))  # malformed, too, and not the outsider's
    police.publish(signed, b"")
    consume(hub, [police.topic], react)
    assert outcomes_a_minute_later(borough, hub)[1:] == ["quarantined.malformed.6"]
    assert [row.raw for row in rows(hub, tables.quarantine)] == [*noise[:3], signed]
    assert hub.store.counts()["quarantined"] == len(noise) + 2
    assert position(hub, police.topic) == len(noise) + 2
    assert alarms(hub) == {"quarantined": 2}


def test_two_processes_tell_the_log_of_one_quarantine_once(borough, police):
    react, hub = Reaction(), borough.hub.party
    police.publish(b"noise")
    consume(hub, [police.topic], react)
    borough.clock.move(minutes=1)
    seen = quarantine.untold(hub.store.engine, hub.now())
    hub.store.apply([Effect(tallied=tuple(seen))], hub.seal, hub.now())
    with pytest.raises(StoreUnavailableError):
        hub.store.apply([Effect(tallied=tuple(seen))], hub.seal, hub.now())


@pytest.mark.proves("I4", "I14")
def test_all_of_it_again_changes_nothing_but_what_nobody_signed(borough, police):
    bad = {**unauthenticated(police, Sender(borough, borough.trust.party)), **authenticated(police)}
    good = [police.sealed() for _ in range(3)]
    stream = [*(each.envelope for each in good), *(each.value for each in bad.values())]
    react, hub = Reaction(), borough.hub.party
    police.publish(*stream)
    consume(hub, [police.topic], react)
    sent, entries = len(told(borough, police)), Counter(outcomes_a_minute_later(borough, hub))
    first = quarantined(hub)
    police.publish(*stream, *stream)
    consume(hub, [police.topic], react)
    unsigned = Counter(each.reason for each in unauthenticated(police, Sender(borough, borough.trust.party)).values())
    assert quarantined(hub) == first + unsigned + unsigned
    assert len([row for row in rows(hub, tables.outbox) if row.recipient]) == sent
    assert len(rows(hub, tables.received)) == len(good) + len(authenticated(police))
    again = Counter(outcomes_a_minute_later(borough, hub)) - entries
    assert {each.split(".")[1] for each in again} == {reason.value for reason in unsigned}
    assert sum(int(each.split(".")[2]) * count for each, count in again.items()) == 2 * sum(unsigned.values())


@pytest.mark.proves("I14", "I19")
def test_any_bytes_between_good_records_lose_none_of_them(template, tmp_path_factory):
    borough = SmallBorough(tmp_path_factory.mktemp("noise"), like=template)
    police = Sender(borough, borough.police.party)
    junk = st.binary(max_size=300) | st.binary(max_size=64).map(lambda tail: police.sealed().envelope[:-64] + tail)

    @settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.none() | junk, min_size=1, max_size=12))
    def run(stream):
        good, react = [], Reaction()
        values = []
        for each in stream:
            if each is None:
                good.append(police.sealed())
                values.append(good[-1].envelope)
            else:
                values.append(each)
        before = position(borough.hub.party, police.topic)
        police.publish(*values)
        consume(borough.hub.party, [police.topic], react)
        assert react.seen == [each.digest for each in good]
        assert position(borough.hub.party, police.topic) == before + len(values)

    run()
    borough.close()


@pytest.mark.proves("I14")
def test_a_fault_of_ours_on_one_record_quarantines_that_record_alone(borough, police, capsys):
    good = [police.sealed() for _ in range(5)]
    police.publish(*(each.envelope for each in good))
    react, hub = Reaction(), borough.hub.party

    def faulty(opened, at):
        if opened.digest == good[2].digest:
            raise RuntimeError("SECRET")
        return react(opened, at)

    assert receive.receive(hub, [police.topic], faulty, 0)
    assert react.seen == [each.digest for number, each in enumerate(good) if number != 2]
    assert [(row.offset, row.reason) for row in rows(hub, tables.quarantine)] == [(2, "invalid")]
    assert alarms(hub)["react_failed"] == 1
    assert "SECRET" not in capsys.readouterr().out
    assert told(borough, police) == []  # it was an acknowledgement
    assert not receive.receive(hub, [police.topic], faulty, 0)


@pytest.mark.proves("I14")
def test_a_fault_of_ours_while_opening_quarantines_that_record_alone(borough, police, monkeypatch):
    good = [police.sealed() for _ in range(3)]
    police.publish(*(each.envelope for each in good))
    react, hub, honest = Reaction(), borough.hub.party, receive.open_envelope

    def faulty(data, *others):
        if data == good[1].envelope:
            raise RecursionError
        return honest(data, *others)

    monkeypatch.setattr(receive, "open_envelope", faulty)
    assert receive.receive(hub, [police.topic], react, 0)
    assert react.seen == [good[0].digest, good[2].digest]
    assert quarantined(hub) == {Refusal.malformed: 1}
    assert alarms(hub)["open_failed"] == 1


def test_a_store_that_does_not_answer_loses_nothing(borough, police):
    good = [police.sealed() for _ in range(3)]
    police.publish(*(each.envelope for each in good))
    react, hub = Reaction(), borough.hub.party

    def locked(opened, at):
        if opened.digest == good[2].digest:
            raise StoreUnavailableError("locked")
        return react(opened, at)

    with pytest.raises(StoreUnavailableError):
        receive.receive(hub, [police.topic], locked, 0)
    assert position(hub, police.topic) == 0
    assert rows(hub, tables.received) == []
    consume(hub, [police.topic], react)
    assert react.seen[-3:] == [each.digest for each in good]


def test_another_process_that_took_the_topic_makes_the_batch_nothing(borough, police):
    police.publish(police.sealed().envelope)
    hub, react = borough.hub.party, Reaction()

    def overtaken(opened, at):
        with tables.transaction(hub.store.engine) as connection:
            connection.execute(sa.update(tables.position).values(next=1))
        return react(opened, at)

    assert not receive.receive(hub, [police.topic], overtaken, 0)
    assert rows(hub, tables.received) == []


@pytest.mark.proves("I14")
def test_a_gap_is_named_entered_and_told_and_never_silent(borough, police):
    police.publish(*(police.sealed().envelope for _ in range(5)))
    borough.transport.trim(police.topic, 3)
    react, hub = Reaction(), borough.hub.party
    consume(hub, [police.topic], react)
    assert len(react.seen) == 2
    assert outcomes(hub) == ["skipped.behind_start.3"]
    assert alarms(hub) == {"skipped": 1}
    assert [(row.offset, row.reason) for row in rows(hub, tables.quarantine)] == [(0, "unreadable")]


@pytest.mark.proves("I19")
def test_batches_that_nobody_can_read_are_counted_by_record_told_once_a_minute_and_leave_no_row(borough, police, monkeypatch):
    hub = borough.hub.party
    hub.store.positions([police.topic])
    skips = [(0, 5000, SkipReason.compressed), (5000, 5001, SkipReason.undecodable), (5001, 6000, SkipReason.compressed)]
    for first, after, reason in skips:
        skip = Skip(first=first, after=after, reason=reason)
        fetched = Fetched(topic=police.topic, before=first, after=after, skips=(skip,))
        monkeypatch.setattr(borough.transport, "fetch", lambda *_, fetched=fetched: [fetched])
        assert receive.receive(hub, [police.topic], Reaction(), 0)
    assert len(rows(hub, tables.quarantine)) == len(skips)
    assert alarms(hub) == {"skipped": len(skips)}
    assert outcomes_a_minute_later(borough, hub) == ["quarantined.unreadable.6000"]
    assert rows(hub, tables.quarantine) == []
    assert hub.store.counts()["quarantined"] == 6000
    assert position(hub, police.topic) == 6000


@pytest.mark.proves("I4")
def test_what_was_received_before_is_not_even_looked_at(borough, police):
    react, hub, sealed = Reaction(), borough.hub.party, police.sealed().envelope
    police.publish(sealed, sealed)
    consume(hub, [police.topic], react)
    police.publish(sealed)
    consume(hub, [police.topic], react)
    assert len(react.seen) == 1


def test_a_topic_made_anew_parks_and_alarms(borough, police):
    hub = borough.hub.party
    police.publish(police.sealed().envelope)
    hub.store.positions([police.topic])
    with tables.transaction(hub.store.engine) as connection:
        connection.execute(sa.update(tables.position).where(tables.position.c.topic == police.topic).values(next=9))
    assert not receive.receive(hub, [police.topic], Reaction(), 0)
    assert alarms(hub) == {"beyond_end": 1}
    assert position(hub, police.topic) == 9


# ----------------------------------------------------------------------------- the network changes while the stream goes on


def revoked(borough, *parties):
    return tuple(Revocation(kid=each.signing.kid, suspected_from=NOW) for each in parties)


@pytest.mark.proves("I15")
def test_a_revoked_sender_is_refused_from_the_next_message_on_without_a_restart(borough, police):
    trust = Sender(borough, borough.trust.party)
    before, after, again = police.sealed(), police.sealed(), police.sealed(police.header(sent_at=NOW - timedelta(days=1)))
    police.publish(before.envelope)
    react, hub = Reaction(), borough.hub.party
    consume(hub, [police.topic], react)
    borough.tell(borough.next_directory(revoked=revoked(borough, police.party)))
    assert follow(hub)
    assert hub.trust.directory.sequence == 2
    police.publish(after.envelope, again.envelope)
    trust.publish(trust.sealed().envelope)
    consume(hub, [police.topic, trust.topic], react)
    assert react.seen[0] == before.digest
    assert len(react.seen) == 2  # and the trust's
    assert quarantined(hub) == {Refusal.untrusted: 2}
    assert not any(row.recipient == police.party.id for row in rows(hub, tables.outbox))
    assert load_trust(Folder(borough.folder / "hub"), NOW).directory.sequence == 2  # and after a restart


@pytest.mark.proves("I15")
@pytest.mark.parametrize("how", ["revoked", "unlisted"])
def test_what_waits_for_a_revoked_recipient_is_withdrawn_entered_and_told(borough, how):
    hub, police = borough.hub.party, borough.police.party
    borough.take_in()
    assert borough.hub._open()
    assert borough.hub._ask()
    requests = [row for row in rows(hub, tables.outbox) if row.recipient]
    assert {row.recipient for row in requests} == {police.id, borough.trust.party.id}
    parties = tuple(each for each in hub.trust.directory.parties if each.id != police.id)
    borough.tell(borough.next_directory(**({"revoked": revoked(borough, police)} if how == "revoked" else {"parties": parties})))
    assert follow(hub)
    assert drain(hub)
    states = {row.recipient: row.state for row in rows(hub, tables.outbox) if row.recipient}
    assert states == {police.id: "withdrawn", borough.trust.party.id: "sent"}
    assert alarms(hub) == {"withdrawn": 1}
    assert "withdrawn.1" in outcomes(hub)
    topic = topic_between(hub.id, police.id)
    assert not any(each.records for each in borough.transport.fetch({topic: 0}, 0))


def test_what_names_a_newer_directory_waits_for_it_and_is_then_accepted(borough, police):
    early = police.sealed(police.header(directory_sequence=2))
    police.publish(early.envelope, police.sealed().envelope)
    react, hub = Reaction(), borough.hub.party
    consume(hub, [police.topic], react)
    assert len(react.seen) == 1
    assert not receive.reopen_parked(hub, react)
    borough.tell(borough.next_directory())
    assert follow(hub)
    assert receive.reopen_parked(hub, react)
    assert react.seen[-1] == early.digest
    assert rows(hub, tables.quarantine) == []
    assert not receive.reopen_parked(hub, react)


def test_what_names_a_directory_that_never_comes_is_refused_after_a_day(borough, police):
    police.publish(police.sealed(police.header(directory_sequence=2)).envelope)
    react, hub = Reaction(), borough.hub.party
    consume(hub, [police.topic], react)
    borough.clock.move(hours=23, minutes=58)
    assert outcomes_a_minute_later(borough, hub) == ["quarantined.directory_ahead.1"]
    assert not receive.reopen_parked(hub, react)
    borough.clock.move(minutes=2)
    assert receive.reopen_parked(hub, react)
    assert quarantined(hub) == {Refusal.untrusted: 1}
    assert outcomes_a_minute_later(borough, hub) == ["quarantined.directory_ahead.1", "quarantined.untrusted.1"]
    assert react.seen == []


def test_what_was_parked_and_is_bad_after_all_is_quarantined_and_entered(borough, police):
    """It names the next directory, which revokes its sender."""
    police.publish(police.sealed(police.header(directory_sequence=2)).envelope)
    react, hub = Reaction(), borough.hub.party
    consume(hub, [police.topic], react)
    borough.tell(borough.next_directory(revoked=revoked(borough, police.party)))
    follow(hub)
    assert receive.reopen_parked(hub, react)
    assert quarantined(hub) == {Refusal.untrusted: 1}
    assert "quarantined.untrusted.1" in outcomes_a_minute_later(borough, hub)


def two_directories(borough):
    return [borough.next_directory(), borough.next_directory(packs=())]


def two_announcements(borough):
    police = borough.police.party
    number = epoch_at(NOW) + 2
    return [announce(police.id, police.trust.root.network, OpeningKey.generate(), police.signing, number) for _ in range(2)]


def two_snapshots(borough):
    borough.clock.move(minutes=10)
    plain = make_snapshot(borough.hub.party.trust, borough.clock())
    key = borough.snapshot_key()
    return [sign(StatementKind.snapshot, codec.encode(each), [key]) for each in (plain, replace(plain, announcements=()))]


@pytest.mark.parametrize("both", [two_directories, two_announcements, two_snapshots])
def test_a_party_alarms_on_contradicting_statements_and_keeps_to_the_first(borough, both):
    hub = borough.hub.party
    follow(hub)
    first, second = both(borough)
    borough.tell(first)
    assert follow(hub)
    believed = hub.trust
    borough.tell(second)
    assert not follow(hub)
    assert hub.trust == believed
    assert alarms(hub) == {"statement_contradicts": 1}


def test_a_party_alarms_on_an_announcement_it_did_not_make(borough):
    """Whoever has a party's signing key and its topic could have others seal to themselves."""
    hub, police = borough.hub.party, borough.police.party
    forged = announce(police.id, police.trust.root.network, OpeningKey.generate(), police.signing, epoch_at(NOW) + 2)
    own = OpeningKey.generate()
    police.keys.opening[own.kid] = own
    honest = announce(police.id, police.trust.root.network, own, police.signing, epoch_at(NOW) + 3)
    borough.tell(honest)
    follow(police)
    assert alarms(police) == {}
    borough.tell(forged)
    follow(police)
    follow(hub)
    assert alarms(police) == {"announcement_not_mine": 1}
    assert alarms(hub) == {}


@pytest.mark.proves("I14")
def test_what_no_officer_signed_is_passed_over_and_the_rest_is_taken(borough):
    hub = borough.hub.party
    good = borough.next_directory(packs=())
    unsigned = replace(borough.next_directory(), signatures=good.signatures[:1])
    junk = [b"", os.urandom(100), codec.encode(Statement(kind=StatementKind.checkpoint, body=b"x", signatures=()))]
    borough.transport.publish([Publication(topic=DIRECTORY, key=b"", value=each) for each in junk])
    borough.tell(unsigned, good)
    assert follow(hub)
    assert hub.trust.directory == codec.decode(Directory, good.body, 1 << 24)
    assert alarms(hub) == {"statement_refused": len(junk) + 1}
    assert not follow(hub)


def test_an_older_directory_or_snapshot_is_ignored(borough):
    hub = borough.hub.party
    first = sign_again(borough)
    borough.tell(borough.next_directory())
    follow(hub)
    believed = hub.trust
    borough.tell(*first)
    assert not follow(hub)
    assert hub.trust == believed
    assert alarms(hub) == {}


def sign_again(borough):
    """The directory of sequence 1 as it was, and an old snapshot of it."""
    held = codec.decode(Statement, (borough.folder / "office" / "directory.avro").read_bytes(), 1 << 24)
    old = make_snapshot(borough.hub.party.trust, NOW - timedelta(hours=1))
    return held, sign(StatementKind.snapshot, codec.encode(old), [borough.snapshot_key()])
