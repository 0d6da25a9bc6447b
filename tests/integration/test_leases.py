"""Several processes on one store: who stops or dies holding something is taken over, and what it does late is nothing."""

from __future__ import annotations

import mmap
import os
import signal
import struct
from contextlib import ExitStack, closing
from datetime import timedelta
from functools import partial
from unittest.mock import patch
from uuid import UUID

import borough
import pytest
import sqlalchemy as sa
from borough import AGENCIES, HUB, Child, in_child
from kafka_server import own_kafka
from network import POLICE, TestNetwork, acknowledgement

from agents.adapter.service import LEASE as ANSWERING
from agents.demo.ceremony import renew
from agents.hub.service import LEASE as RENDERING
from broker.accesslog import origin_of, verify_log, verify_openings
from broker.effect import Effect, Milestone, Outgoing, Position, Receipt
from broker.envelope import header_of, seal
from broker.follow import publish_statements
from broker.liveness import this_process
from broker.party import utc_now
from broker.ports import Publication, SkipReason
from broker.publish import LEASE as SENDING
from broker.receive import receive
from broker.store import log, outbox, tables
from broker.store.store import Store
from broker.store.vault import Vault
from broker.streams import DIRECTORY, SNAPSHOTS, party_topic, topic_between
from broker.transport.embedded import EmbeddedTransport
from broker.transport.kafka import KafkaTransport, create_topics
from broker.transport.kafka_settings import KafkaSettings
from schemas.enums import Kind, Operation, Refusal
from schemas.errors import StoreUnavailableError
from schemas.events import Entry
from schemas.identifiers import Digest, Incarnation, Slug, Thread
from schemas.records import Officer

TRUST = AGENCIES[-1]
SPARE = timedelta(seconds=1)
NEWS = 1.5  # seconds that a process waits for news of a broker before it has nothing to do
WORKERS, BATCHES = 3, 40  # processes, and batches that they compete for
CASE = UUID("5a4f0a2e-0d0c-4f6e-9b61-3b9f5d3f2a10")
REQUESTS, RESPONSES = topic_between(HUB.id, TRUST.id), topic_between(TRUST.id, HUB.id)


class SharedClock:
    """A clock that stands still but when it is moved, for every process at once: no slow machine runs a lease out."""

    def __init__(self):
        self._ahead, self._began = mmap.mmap(-1, 8), utc_now()

    def __call__(self):
        return self._began + timedelta(seconds=struct.unpack("d", self._ahead[:8])[0])

    def move(self, by):
        self._ahead[:8] = struct.pack("d", struct.unpack("d", self._ahead[:8])[0] + by.total_seconds())


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """What a borough of one contact comes to when nobody is interrupted."""
    folder = borough.copied(borough.prepared(tmp_path_factory, cases=1), tmp_path_factory.mktemp("reference") / "borough")
    return in_child(partial(worked, folder, utc_now))["seen"]


@pytest.fixture
def folder(tmp_path_factory, tmp_path):
    return borough.copied(borough.prepared(tmp_path_factory, cases=1), tmp_path / "borough")


@pytest.fixture
def started():
    """Start children that end with the test, whatever it finds."""
    with ExitStack() as ending:

        def start(work):
            child = Child(work)
            ending.callback(child.end)
            return child

        yield start


def keep_in(folder, name, urls):
    """This party's store and keys are kept there."""
    with (folder / name / "party.toml").open("a") as settings:
        settings.write(f'\n[store]\nurl = "{urls[0]}"\nkeys_url = "{urls[1]}"\n')


def transport_of(folder, kafka=None):
    """The file that a borough shares, or its topics on a Kafka of its own."""
    if kafka is None:
        return EmbeddedTransport(folder / "transport.sqlite")
    settings, pairs = KafkaSettings(bootstrap=kafka), [(HUB.id, each.id) for each in AGENCIES]
    sealed = [topic_between(*pair) for one, other in pairs for pair in ((one, other), (other, one))]
    create_topics(settings, [DIRECTORY, SNAPSHOTS, *sealed, *(party_topic(each.id) for each in borough.SMALL)], 1)
    return KafkaTransport(settings)


def worked(folder, clock, kafka=None):
    """All parties to the end, and what is there; how often the hub was sent what it had already."""
    with borough.opened(folder, now=clock, transport=transport_of(folder, kafka)) as opened:
        borough.run_to_end(opened, folder)
        if kafka is not None:
            return {"seen": borough.substances(opened)}
        sent = [each.value for each in borough.records_on(opened.transport, RESPONSES)]
        return {"seen": borough.seen(opened), "sent_again": len(sent) - len(set(sent))}


def serve(folder, name, clock, *, reached=borough.nobody, owner=None, kafka=None):
    """One process of a party until nothing moves: what it applied, what was discarded, what the store refused."""
    told = {"applied": 0, "discarded": 0, "duplicates": 0, "refused": 0}
    apply = Store.apply

    def listened(*words):
        try:
            applied = apply(*words)
        except StoreUnavailableError:
            told["refused"] += 1
            raise
        told["discarded"] += applied.discarded
        told["duplicates"] += applied.duplicates
        told["applied"] += applied.applied
        return applied

    with (
        closing(transport_of(folder, kafka)) as transport,
        patch.object(Store, "apply", listened),
        patch("broker.party.this_process", lambda: owner or this_process()),
    ):
        service = borough.open_service(folder, name, transport, now=clock, reached=reached)
        if name == HUB.folder:
            service.intake((folder / "contacts.jsonl").read_bytes(), "contacts.jsonl")
        while service.step(0 if kafka is None else NEWS):
            pass
        told["waits"] = service.party.store.has_work(service.party.now())
        borough.close_service(service)
    return told


def signalled(number, milestone):
    """Send oneself a signal at the first passing of a milestone."""
    passed = []

    def reached(_, point):
        if point is milestone and not passed:
            passed.append(point)
            os.kill(os.getpid(), number)

    return reached


def ready(folder, name, milestone, clock, kafka=None):
    """The others have done what comes before."""
    in_child(partial(announced, folder, kafka))
    if name != HUB.folder or milestone in {Milestone.verified, Milestone.joined}:
        in_child(partial(serve, folder, HUB.folder, clock, kafka=kafka))
    if name == HUB.folder and milestone in {Milestone.verified, Milestone.joined}:
        for agency in AGENCIES:
            in_child(partial(serve, folder, agency.folder, clock))


def announced(folder, kafka=None):
    with closing(transport_of(folder, kafka)) as transport:
        publish_statements(transport, renew(folder, utc_now()))


HELD = [
    (TRUST.folder, Milestone.searched, ANSWERING),
    (TRUST.folder, Milestone.published, SENDING),
    (HUB.folder, Milestone.decided, RENDERING),
    (HUB.folder, Milestone.joined, RENDERING),
]


@pytest.mark.proves("I13")
@pytest.mark.parametrize(("name", "milestone", "lease"), HELD)
def test_one_stopped_past_its_lease_is_taken_over_and_does_nothing_late(name, milestone, lease, folder, store_urls, reference, started):
    clock = SharedClock()
    keep_in(folder, name, store_urls)
    ready(folder, name, milestone, clock)
    stopped = started(partial(serve, folder, name, clock, reached=signalled(signal.SIGSTOP, milestone)))
    stopped.wait_until_stopped()
    assert in_child(partial(serve, folder, name, clock))["waits"], "what another holds was not left alone"
    clock.move(lease + SPARE)
    other = in_child(partial(serve, folder, name, clock))
    assert (other["waits"], other["discarded"], other["refused"]) == (False, 0, 0)
    stopped.go_on()
    late = stopped.answer()
    # a send is outside the store: its row is marked sent by one; the number of a revision is taken once
    assert late["discarded"] == (milestone not in {Milestone.published, Milestone.searched})
    if milestone is Milestone.searched:
        assert late["duplicates"] == 1
    assert not late["waits"]
    found = in_child(partial(worked, folder, clock))
    assert found["seen"] == reference
    assert (found["sent_again"] > 0) == (milestone is Milestone.published)


@pytest.mark.proves("I13")
@pytest.mark.parametrize("name", [TRUST.folder, HUB.folder])
def test_a_batch_that_another_process_has_taken_is_rolled_back_with_its_position(name, folder, store_urls, reference, started):
    clock = SharedClock()
    keep_in(folder, name, store_urls)
    ready(folder, name, Milestone.verified, clock)
    stopped = started(partial(serve, folder, name, clock, reached=signalled(signal.SIGSTOP, Milestone.verified)))
    stopped.wait_until_stopped()
    other = in_child(partial(serve, folder, name, clock))
    assert (other["waits"], other["refused"]) == (False, 0)
    stopped.go_on()
    late = stopped.answer()
    assert late["refused"] > 0
    assert late["applied"] == 0
    assert in_child(partial(worked, folder, clock))["seen"] == reference


@pytest.mark.proves("I13")
@pytest.mark.parametrize(("name", "milestone", "lease"), HELD)
def test_one_killed_here_is_taken_over_at_once(name, milestone, lease, folder, store_urls, reference, started):
    clock = SharedClock()
    keep_in(folder, name, store_urls)
    ready(folder, name, milestone, clock)
    assert started(partial(serve, folder, name, clock, reached=signalled(signal.SIGKILL, milestone))).was_killed()
    assert not in_child(partial(serve, folder, name, clock))["waits"]
    assert in_child(partial(worked, folder, clock))["seen"] == reference


@pytest.fixture
def lone_kafka(real_kafka, tmp_path_factory):
    """A real broker of this test alone: its topics have the borough's names."""
    with own_kafka(tmp_path_factory.mktemp("lone-kafka")) as broker:
        yield broker.address


@pytest.mark.kafka
@pytest.mark.proves("I13")
@pytest.mark.parametrize(("milestone", "lease"), [(Milestone.searched, ANSWERING), (Milestone.published, SENDING)])
def test_on_kafka_one_stopped_past_its_lease_is_taken_over_and_one_killed_at_once(milestone, lease, folder, lone_kafka, reference, started):
    clock, name = SharedClock(), TRUST.folder
    ready(folder, name, milestone, clock, lone_kafka)
    serving = partial(serve, folder, name, clock, kafka=lone_kafka)
    stopped = started(partial(serving, reached=signalled(signal.SIGSTOP, milestone)))
    stopped.wait_until_stopped()
    assert in_child(serving)["waits"], "what another holds was not left alone"
    clock.move(lease + SPARE)
    if milestone is Milestone.published:  # the first is stopped past its lease, and a second one killed while it does the same
        assert started(partial(serving, reached=signalled(signal.SIGKILL, milestone))).was_killed()
    other = in_child(serving)
    assert (other["waits"], other["discarded"]) == (False, 0)
    stopped.go_on()
    assert not stopped.answer()["waits"]
    assert in_child(partial(worked, folder, clock, lone_kafka))["seen"] == reference["records"]


@pytest.mark.proves("I13")
def test_one_killed_on_another_machine_is_taken_over_when_its_lease_has_run_out(folder, store_urls, reference, started):
    clock = SharedClock()
    keep_in(folder, TRUST.folder, store_urls)
    ready(folder, TRUST.folder, Milestone.searched, clock)
    elsewhere = partial(serve, folder, TRUST.folder, clock, owner="another-boot/4026531836/1/1")
    assert started(partial(elsewhere, reached=signalled(signal.SIGKILL, Milestone.searched))).was_killed()
    early = in_child(partial(serve, folder, TRUST.folder, clock))
    assert (early["waits"], early["applied"]) == (True, 0)
    clock.move(ANSWERING - 2 * SPARE)
    assert in_child(partial(serve, folder, TRUST.folder, clock))["waits"]
    clock.move(3 * SPARE)
    assert not in_child(partial(serve, folder, TRUST.folder, clock))["waits"]
    assert in_child(partial(worked, folder, clock))["seen"] == reference


def test_processes_that_compete_for_a_topic_do_every_effect_once_and_in_order(store_urls, started):
    net = TestNetwork()
    in_child(partial(opened_once, store_urls))
    workers = [started(partial(compete, net, store_urls, number)) for number in range(WORKERS)]
    won = [worker.answer() for worker in workers]
    assert sorted(batch for batches in won for batch in batches) == list(range(BATCHES))
    assert all(batches == sorted(batches) for batches in won)
    in_child(partial(check_competition, net, store_urls))


def opened_once(urls):
    Store(urls[0], Vault(urls[1], bytes(32)), HUB.id).close()


def a_note(outcome):
    nothing = dict.fromkeys(("subject_ref", "category", "purpose", "stage", "pack_digest", "envelope"))
    actor = Officer(id="o-1", role="tester", organisation="synthetic")
    return Entry(at=utc_now(), operation=Operation.administration, actor=actor, case_id=CASE, rules=(), outcome=Slug(outcome), **nothing)


def compete(net, urls, number):
    """Take batch after batch, and index the log in between, until none is left; which ones were won."""
    won, trust = [], net.trust()

    def sealer(outgoing, incarnation, sequence, key):
        header = net.header(HUB.id, POLICE, kind=outgoing.kind, thread=outgoing.thread, incarnation=incarnation, sequence=sequence)
        return seal(outgoing.body, header, trust.sealing_key(POLICE, header.sent_at), net.members[HUB.id].signing, key)

    store = Store(urls[0], Vault(urls[1], bytes(32)), HUB.id)
    while (before := store.positions(["t"])["t"]) < BATCHES:
        receipt = Receipt(
            digest=Digest(before.to_bytes(32, "big")), topic="t", incarnation=Incarnation.zero(), sequence=before, state="accepted"
        )
        ack = Outgoing(
            kind=Kind.acknowledgement,
            recipient=POLICE,
            thread=Thread(bytes(16)),
            case_id=CASE,
            body=acknowledgement(),
            entries=(a_note(f"batch.{before}"),),
        )
        try:
            store.apply(
                [Effect(received=receipt, outgoing=(ack,))], sealer, utc_now(), Position(topic="t", before=before, after=before + 1)
            )
        except StoreUnavailableError:
            continue
        won.append(before)
        if before % WORKERS == number:
            try:
                log.sequence(store, net.members[HUB.id].log, utc_now())
            except StoreUnavailableError:
                continue
    store.close()
    return won


def check_competition(net, urls):
    store, key = Store(urls[0], Vault(urls[1], bytes(32)), HUB.id), net.members[HUB.id].log
    log.sequence(store, key, utc_now())
    counts = store.counts()
    assert (counts["received"], counts["entries"]) == (BATCHES, BATCHES)
    sent = [header_of(each.publication.value) for each in outbox.waiting(store.engine, topic_between(HUB.id, POLICE), 2 * BATCHES)]
    assert [each.sequence for each in sent] == list(range(1, BATCHES + 1))
    assert len({each.incarnation for each in sent}) == 1
    leaves = list(log.leaves(store))
    verify_log(log.newest_note(store), [each.data for each in leaves], origin_of(HUB.id), key.public)
    outcomes = [str(each.outcome) for each in verify_openings(leaves)]
    assert outcomes == [f"batch.{number}" for number in range(BATCHES)]
    store.close()


def test_a_tick_that_meets_another_sequencer_alarms_and_the_next_one_signs(folder, store_urls):
    keep_in(folder, TRUST.folder, store_urls)
    in_child(partial(announced, folder))
    in_child(partial(serve, folder, HUB.folder, utc_now))
    in_child(partial(tick_beside_another, folder))


def tick_beside_another(folder):
    with closing(EmbeddedTransport(folder / "transport.sqlite")) as transport:
        service = borough.open_service(folder, TRUST.folder, transport)
        store = service.party.store
        while service.step():
            pass
        with tables.transaction(store.engine) as connection:
            connection.execute(sa.insert(tables.leaf).values(index=0, data=bytes(32)))
        service.tick()
        assert borough.alarms(service.party) == {"unavailable": 1}
        assert borough.rows(service.party, tables.checkpoint) == []
        with tables.transaction(store.engine) as connection:
            connection.execute(sa.delete(tables.leaf))
        service.tick()
        assert len(borough.entries_of(service.party)) == store.counts()["entries"] > 0
        borough.close_service(service)


def test_a_topic_that_ends_before_the_ledger_is_left_alone_with_an_alarm_and_the_others_go_on(folder, store_urls):
    keep_in(folder, HUB.folder, store_urls)
    in_child(partial(worked, folder, utc_now))
    in_child(partial(made_anew, folder))


def made_anew(folder):
    """The police's topic is made anew and empty; the trust's is restored, and one record more has come."""
    police = topic_between(AGENCIES[0].id, HUB.id)
    with closing(EmbeddedTransport(folder / "transport.sqlite")) as old:
        records = borough.records_on(old, RESPONSES)
    with closing(EmbeddedTransport(folder / "anew.sqlite")) as transport:
        transport.publish([Publication(topic=RESPONSES, key=each.key, value=each.value) for each in [*records, records[0]]])
        hub = borough.open_service(folder, HUB.folder, transport)
        store = hub.party.store
        before, counted = store.positions([police, RESPONSES]), store.counts()
        assert before == {police: before[police], RESPONSES: len(records)}
        assert before[police] > 0
        assert receive(hub.party, [police, RESPONSES], hub.react, 0)
        assert store.positions([police, RESPONSES]) == {police: before[police], RESPONSES: len(records) + 1}
        assert borough.alarms(hub.party) == {"beyond_end": 1}
        transport.publish([Publication(topic=police, key=b"", value=b"what was written after")])
        assert not receive(hub.party, [police, RESPONSES], hub.react, 0)
        assert store.positions([police])[police] == before[police], "what the new topic holds must not pass for what the old one held"
        assert store.counts() == counted
        borough.close_service(hub)


def test_a_topic_that_starts_after_the_ledger_is_a_named_gap_and_what_is_left_is_answered(folder, store_urls):
    keep_in(folder, TRUST.folder, store_urls)
    in_child(partial(announced, folder))
    in_child(partial(serve, folder, HUB.folder, utc_now))
    in_child(partial(trimmed, folder))


def trimmed(folder):
    """Retention took two records that the trust had not read; one that it can read follows."""
    with closing(EmbeddedTransport(folder / "transport.sqlite")) as transport:
        (request,) = borough.records_on(transport, REQUESTS)
        again = Publication(topic=REQUESTS, key=request.key, value=request.value)
        transport.publish([again, again])
        transport.trim(REQUESTS, 2)
        trust = borough.open_service(folder, TRUST.folder, transport)
        store = trust.party.store
        assert receive(trust.party, [REQUESTS], trust.react, 0)
        assert store.positions([REQUESTS]) == {REQUESTS: 3}
        assert borough.alarms(trust.party) == {"skipped": 1}
        (row,) = borough.rows(trust.party, tables.quarantine)
        assert (row.topic, row.offset, row.reason, row.raw) == (REQUESTS, 0, Refusal.unreadable.value, b"")
        assert store.counts()["events.request"] == 1
        trust.tick()
        outcomes = [str(each.outcome) for each in borough.entries_of(trust.party)]
        assert outcomes.count(f"skipped.{SkipReason.behind_start.value}.2") == 1
        assert not receive(trust.party, [REQUESTS], trust.react, 0)
        assert len(borough.rows(trust.party, tables.quarantine)) == 1
        borough.close_service(trust)
