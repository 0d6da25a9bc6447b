"""docs: one Effect, once — on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from network import DUTY, HUB, NOW, POLICE, TestNetwork, acknowledgement

from broker.accesslog import origin_of, verify_log, verify_openings
from broker.effect import Done, Effect, Event, Mark, Outgoing, Position, Quarantined, Receipt, Work, local_event
from broker.envelope import seal
from broker.store import leases, log, outbox, quarantine, rows, tables
from broker.store.find import events_named
from broker.store.recent import Recent
from broker.store.store import Store
from broker.store.vault import Vault
from schemas.enums import Kind, Operation, Refusal
from schemas.errors import ConfigurationError, InconsistentLogError, StoreUnavailableError
from schemas.events import Decided, Entry, OfficerDecision
from schemas.identifiers import Digest, Incarnation, Slug, SubjectRef, Thread
from schemas.records import Consents, Necessity, Officer

CASE = UUID("5a4f0a2e-0d0c-4f6e-9b61-3b9f5d3f2a10")
THREAD = Thread(bytes(range(16)))
ACTOR = Officer(id="o-1", role="tester", organisation="synthetic")
NET = TestNetwork()
TRUST = NET.trust()


@pytest.fixture
def store(store_urls):
    made = Store(store_urls[0], Vault(store_urls[1], bytes(32)), HUB)
    yield made
    made.close()


def sealer(outgoing, incarnation, sequence, key):
    header = NET.header(recipient=outgoing.recipient, kind=outgoing.kind, thread=outgoing.thread)
    header = replace(header, incarnation=incarnation, sequence=sequence)
    return seal(outgoing.body, header, TRUST.sealing_key(outgoing.recipient, NOW), NET.members[HUB].signing, key)


def entry(outcome="released", case=CASE):
    return Entry(
        at=NOW,
        operation=Operation.disclosure,
        actor=ACTOR,
        case_id=case,
        subject_ref=SubjectRef("s1") if case else None,
        category=None,
        purpose=None,
        stage=None,
        rules=(),
        pack_digest=None,
        outcome=Slug(outcome),
        envelope=None,
    )


def receipt(digest=None):
    return Receipt(digest=Digest(digest or os.urandom(32)), topic="t", incarnation=Incarnation.zero(), sequence=1, state="accepted")


def outgoing(**changes):
    plain = Outgoing(
        kind=Kind.acknowledgement, recipient=POLICE, thread=THREAD, case_id=CASE, body=acknowledgement(), entries=(entry(),), keep=True
    )
    return replace(plain, **changes)


def note():
    consents = Consents(sharing="not_sought", service="not_sought", treatment="not_applicable", openness="increases_risk")
    necessity = Necessity(reason="significant_harm_suspected", text="SECRET necessity of this synthetic case")
    decision = OfficerDecision(
        officer=ACTOR, decided_at=NOW, stage="s47", rag="red", purpose="safeguarding", necessity=necessity, consents=consents
    )
    return Decided(contact=Digest(bytes(32)), decision=decision)


def test_an_effect_is_durable_as_a_whole(store):
    body = note()
    effect = Effect(
        received=receipt(),
        events=(local_event(CASE, "decided", body, NOW),),
        marks=(Mark(case_id=CASE, digest=Digest(bytes(32))),),
        work=(Work(id="w", kind="ask", case_id=CASE, digest=Digest(bytes(32)), not_before=NOW),),
        outgoing=(outgoing(),),
    )
    assert store.positions(["t"]) == {"t": 0}
    assert store.apply([effect], sealer, NOW, Position(topic="t", before=0, after=3)).applied == 1
    assert store.positions(["t"]) == {"t": 3}
    kept = store.events(CASE)
    assert [each.kind for each in kept] == ["decided", "acknowledgement"]
    assert kept[0].body == body
    assert kept[1].sender == HUB
    assert store.case_of(kept[1].digest) == CASE
    assert store.event(CASE, kept[0].digest).body == body
    assert store.due_work("ask", NOW).id == "w"
    assert store.marked(NOW) == CASE
    assert store.cases() == [CASE]
    assert store.has_work(NOW)


def test_work_that_is_for_later_is_work_but_not_now(store):
    store.apply([Effect(work=(Work(id="w", kind="ask", case_id=CASE, digest=Digest(bytes(32)), not_before=NOW),))], sealer, NOW)
    assert store.has_work()
    assert store.has_work(NOW)
    assert not store.has_work(NOW - timedelta(seconds=1))


@pytest.mark.proves("I4")
def test_an_envelope_seen_before_has_no_effect_whatever_else_is_in_its_batch(store):
    one, two = receipt(), receipt()
    effects = [Effect(received=each, entries=(entry(),)) for each in (one, two, one)]
    applied = store.apply(effects, sealer, NOW)
    assert (applied.applied, applied.duplicates) == (2, 1)
    again = store.apply([Effect(received=one, outgoing=(outgoing(),))], sealer, NOW)
    assert (again.applied, again.duplicates) == (0, 1)
    assert store.counts()["entries"] == 2
    assert outbox.topics_waiting(store.engine) == []


def test_the_position_moves_only_from_where_the_batch_began_or_nothing_happens(store):
    store.positions(["t"])
    store.apply([], sealer, NOW, Position(topic="t", before=0, after=5))
    with pytest.raises(StoreUnavailableError, match="another process"):
        store.apply([Effect(received=receipt(), entries=(entry(),))], sealer, NOW, Position(topic="t", before=0, after=1))
    assert store.counts()["entries"] == 0
    assert store.positions(["t"]) == {"t": 5}


def test_sequences_of_a_stream_have_no_holes_even_when_a_transaction_fails_between(store):
    store.apply([Effect(outgoing=(outgoing(), outgoing()))], sealer, NOW)

    def broken(*_):
        raise StoreUnavailableError

    with pytest.raises(StoreUnavailableError):
        store.apply([Effect(outgoing=(outgoing(),))], broken, NOW)
    store.apply([Effect(outgoing=(outgoing(),))], sealer, NOW)
    with tables.transaction(store.engine) as connection:
        assert connection.scalar(sa.select(tables.stream.c.next)) == 4
    (topic,) = outbox.topics_waiting(store.engine)
    assert len(outbox.waiting(store.engine, topic, 10)) == 3


@pytest.mark.proves("I8")
def test_a_personal_record_cannot_leave_without_an_entry():
    with pytest.raises(ValueError, match="entry"):
        outgoing(kind=Kind.response, entries=())


@pytest.mark.proves("I8")
def test_the_entry_of_what_leaves_names_the_envelope_and_is_durable_with_it(store):
    store.apply([Effect(outgoing=(outgoing(),))], sealer, NOW)
    log.sequence(store, NET.members[HUB].log, NOW)
    (logged,) = verify_openings(log.leaves(store))
    (topic,) = [each for each in outbox.topics_waiting(store.engine) if "requests" in each]
    with tables.transaction(store.engine) as connection:
        digest = connection.scalar(sa.select(tables.outbox.c.digest).where(tables.outbox.c.topic == topic))
    assert logged.envelope == digest


def test_a_lost_lease_discards_the_whole_effect(store):
    work = Work(id="w", kind="ask", case_id=CASE, digest=Digest(bytes(32)), not_before=NOW)
    store.apply([Effect(work=(work,))], sealer, NOW)
    mine = leases.acquire(store.engine, "work/w", "me", NOW, timedelta(seconds=10))
    assert store.due_work("ask", NOW) is None
    assert leases.acquire(store.engine, "work/w", "you", NOW, timedelta(seconds=10)) is None
    later = NOW + timedelta(seconds=11)
    yours = leases.acquire(store.engine, "work/w", "you", later, timedelta(seconds=10))
    assert yours.term != mine.term
    finished = store.apply([Effect(done=Done(lease="work/w", term=mine.term, work="w"), entries=(entry(),))], sealer, later)
    assert finished.discarded
    assert store.counts()["entries"] == 0
    assert store.apply([Effect(done=Done(lease="work/w", term=yours.term, work="w"))], sealer, later).applied == 1
    assert store.apply([Effect(done=Done(lease="work/w", term=yours.term, work="w"), entries=(entry(),))], sealer, later).discarded


def test_a_lease_is_renewed_in_its_term_and_given_back_for_the_next(store):
    first = leases.acquire(store.engine, "x", "me", NOW, timedelta(seconds=10))
    assert leases.acquire(store.engine, "x", "me", NOW + timedelta(seconds=5), timedelta(seconds=10)) == first
    leases.release(store.engine, first)
    assert leases.acquire(store.engine, "x", "you", NOW, timedelta(seconds=10)).term != first.term


def test_a_lease_that_was_given_back_or_ended_with_its_work_leaves_no_row(store):
    store.apply([Effect(work=(Work(id="w", kind="ask", case_id=CASE, digest=Digest(bytes(32)), not_before=NOW),))], sealer, NOW)
    mine = leases.acquire(store.engine, "work/w", "me", NOW, timedelta(seconds=10))
    assert store.apply([Effect(done=Done(lease="work/w", term=mine.term, work="w"))], sealer, NOW).applied == 1
    leases.release(store.engine, leases.acquire(store.engine, "x", "me", NOW, timedelta(seconds=10)))
    with tables.reading(store.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.lease)) == 0


def test_what_goes_on_under_a_lease_keeps_it(store):
    mine = leases.acquire(store.engine, "x", "me", NOW, timedelta(seconds=10))
    kept = Effect(done=Done(lease="x", term=mine.term, goes_on=True), entries=(entry(),))
    assert store.apply([kept], sealer, NOW).applied == 1
    assert leases.acquire(store.engine, "x", "you", NOW, timedelta(seconds=10)) is None
    assert store.apply([kept], sealer, NOW + timedelta(seconds=11)).discarded


def test_a_tick_asks_the_same_statements_however_much_waits(store):
    """The driver remembers each distinct statement: one that grew with what waits filled the memory minute by minute."""
    asked = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda _, __, statement, *___: asked.append(statement))
    found = []
    for waiting in (3, 40):
        store.apply([Effect(entries=tuple(entry() for _ in range(waiting)))], sealer, NOW)
        asked.clear()
        log.sequence(store, NET.members[HUB].log, NOW)
        found.append(set(asked))
    assert found[0] == found[1]


def test_quarantine_keeps_the_bytes_once(store):
    row = Quarantined(topic="t", offset=7, reason=Refusal.tampered, raw=b"hostile")
    store.apply([Effect(quarantined=(row,)), Effect(quarantined=(row,))], sealer, NOW)
    assert store.counts()["quarantined"] == 1


@pytest.mark.proves("I19")
def test_what_is_kept_of_one_stream_and_reason_is_bounded_and_each_has_its_own_room(store):
    most = (quarantine.MOST_BYTES - quarantine.ROW) // 4  # with its row: three fit, and a small one after them
    of = [("t", Refusal.tampered, None), ("u", Refusal.tampered, None), ("t", Refusal.malformed, None), ("t", Refusal.tampered, bytes(32))]
    flood = [
        Quarantined(topic=topic, offset=100 * number + offset, reason=reason, raw=raw, digest=digest and Digest(digest))
        for number, (topic, reason, digest) in enumerate(of)
        for offset, raw in enumerate([*(bytes([place]) * most for place in range(6)), b"small"])
    ]
    store.apply([Effect(quarantined=(each,)) for each in flood], sealer, NOW)
    with tables.reading(store.engine) as connection:
        held = {(row.topic, row.offset): row.raw for row in connection.execute(sa.select(tables.quarantine))}
    kept = [held[each.topic, each.offset] for each in flood]
    assert kept == [each.raw if each.offset % 100 in {0, 1, 2, 6} else b"" for each in flood]
    assert store.counts()["quarantined"] == len(flood)
    (told,) = {each.count for each in quarantine.untold(store.engine, NOW + timedelta(minutes=1)) if each.topic == "u"}
    assert told == 7


def test_a_flood_takes_no_more_of_the_disk_than_is_kept_of_it(tmp_path):
    files = Store(f"sqlite:///{tmp_path}/store.sqlite", Vault(f"sqlite:///{tmp_path}/keys.db", bytes(32)), HUB)
    with patch.object(quarantine, "MOST_BYTES", 1024 * 1024):
        for minute in range(40):
            rows = [
                Quarantined(topic="t", offset=100 * minute + number, reason=Refusal.malformed, raw=os.urandom(size))
                for number, size in enumerate([128 * 1024] * 5 + [1] * 95)
            ]
            at = NOW + timedelta(minutes=minute)
            files.apply([Effect(quarantined=tuple(rows))], sealer, at)
            files.apply([Effect(tallied=tuple(quarantine.untold(files.engine, at)))], sealer, at)
    tables.forget_deleted(files.engine)
    assert files.counts()["quarantined"] == 4000
    files.close()
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) < 2 * 1024 * 1024  # of 25 MiB that came


def test_the_log_grows_by_multiples_of_64_and_verifies_from_the_store(store):
    key = NET.members[HUB].log
    assert log.sequence(store, key, NOW) is None
    sizes = []
    for count in (1, 3, 70):
        store.apply([Effect(entries=tuple(entry(f"n{index}") for index in range(count)))], sealer, NOW)
        sizes.append(log.sequence(store, key, NOW).size)
    assert sizes == [64, 128, 256]
    leaves = list(log.leaves(store))
    assert verify_log(log.newest_note(store), [leaf.data for leaf in leaves], origin_of(HUB), key.public).size == 256
    assert len(verify_openings(leaves)) == 74
    assert len(outbox.waiting(store.engine, "mash.parties.hub.borough", 10)) == 3


def test_one_flipped_bit_of_a_stored_leaf_or_entry_is_noticed(store):
    key = NET.members[HUB].log
    store.apply([Effect(entries=(entry(),))], sealer, NOW)
    log.sequence(store, key, NOW)
    with tables.transaction(store.engine) as connection:
        leaf = connection.scalar(sa.select(tables.leaf.c.data).where(tables.leaf.c.index == 0))
        connection.execute(sa.update(tables.leaf).where(tables.leaf.c.index == 0).values(data=bytes([leaf[0] ^ 1]) + leaf[1:]))
    with pytest.raises(InconsistentLogError):
        verify_log(log.newest_note(store), [each.data for each in log.leaves(store)], origin_of(HUB), key.public)
    with pytest.raises(InconsistentLogError):
        verify_openings(log.leaves(store))
    with tables.transaction(store.engine) as connection:
        sealed = connection.scalar(sa.select(tables.entry.c.sealed))
        connection.execute(sa.update(tables.entry).values(sealed=sealed[:-1] + bytes([sealed[-1] ^ 1])))
    with pytest.raises(InconsistentLogError):
        list(log.leaves(store))


@pytest.mark.proves("I18")
def test_nothing_readable_lies_in_the_database(store, tmp_path):
    store.apply([Effect(events=(local_event(CASE, "decided", note(), NOW),), entries=(entry(),))], sealer, NOW)
    store.apply(
        [Effect(outgoing=(outgoing(body=replace(acknowledgement(), duty_contact=replace(DUTY, name="SECRET name"))),))], sealer, NOW
    )
    assert store.events(CASE)[0].body.decision.necessity.text.startswith("SECRET")
    with tables.transaction(store.engine) as connection:
        rows = [connection.execute(sa.select(table)).all() for table in tables.DATA.tables.values()]
    assert b"SECRET" not in b"".join(
        value if isinstance(value, bytes) else str(value).encode() for table in rows for row in table for value in row
    )


def test_an_event_whose_key_is_destroyed_is_gone_and_the_rest_stands(store):
    other = uuid4()
    store.apply([Effect(events=(local_event(CASE, "decided", note(), NOW), local_event(other, "decided", note(), NOW)))], sealer, NOW)
    with tables.transaction(store.vault._engine) as connection:
        connection.execute(sa.delete(tables.case_key).where(tables.case_key.c.name == f"case/{CASE}"))
    assert [(each.kind, each.body) for each in store.events(CASE)] == [("decided", None)]
    assert [each.body for each in store.events(other)] == [note()]


def test_erased_events_keep_their_place_and_lose_their_content_however_often_they_are_erased(store):
    sent = (outgoing(), outgoing(body=replace(acknowledgement(), duty_contact=replace(DUTY, name="another"))))
    store.apply([Effect(events=(local_event(CASE, "decided", note(), NOW),), outgoing=sent)], sealer, NOW)
    before = store.events(CASE)
    _, gone, kept = (each.digest for each in before)
    assert store.erase(CASE, [gone]) == 1
    assert store.erase(CASE, [gone]) == 0
    assert store.erase(uuid4(), [kept]) == 0  # an event is erased from its own case only
    assert [each.body is None for each in store.events(CASE)] == [False, True, False]
    assert [replace(each, body=None) for each in store.events(CASE)] == [replace(each, body=None) for each in before]
    assert store.event(CASE, gone) is None
    assert store.event(CASE, kept) is not None
    assert store.case_of(gone) == CASE


def test_an_event_is_found_by_the_first_letters_of_its_name(store):
    store.apply([Effect(events=(local_event(CASE, "decided", note(), NOW),), outgoing=(outgoing(), outgoing()))], sealer, NOW)
    one, two, three = (each.digest for each in store.events(CASE))
    for digest, kind in ((one, "decided"), (two, "acknowledgement"), (three, "acknowledgement")):
        for length in (8, 9, 16, 64):
            assert events_named(store, kind, str(digest)[:length].upper()) == [(CASE, digest)]
        assert events_named(store, "request", str(digest)) == []
    for wrong in (str(one)[:7], str(one) + "0", "", "%" * 8, "zzzzzzzz", "f" * 64, "\n" * 9):
        assert events_named(store, "decided", wrong) == []


def test_an_erased_key_is_in_no_file_of_the_keys_database(tmp_path):
    keys = tmp_path / "keys.db"
    store = Store(f"sqlite:///{tmp_path}/store.sqlite", Vault(f"sqlite:///{keys}", bytes(32)), HUB)
    store.apply([Effect(outgoing=(outgoing(),))], sealer, NOW)
    with tables.transaction(store.vault._engine) as connection:
        wrapped = connection.scalar(sa.select(tables.content_key.c.wrapped))

    def stands():
        return any(wrapped in path.read_bytes() for path in tmp_path.glob("keys.db*"))

    assert stands()
    (event,) = store.events(CASE)
    reader = sqlite3.connect(keys, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM content_key").fetchall()
    with patch.object(tables, "BUSY_MS", 10), pytest.raises(StoreUnavailableError, match="write-ahead log"):
        Store(f"sqlite:///{tmp_path}/store.sqlite", Vault(f"sqlite:///{keys}", bytes(32)), HUB).erase(CASE, [event.digest])
    assert stands()  # another still reads from it: not done, to be done again
    reader.close()
    assert store.erase(CASE, [event.digest]) == 0
    assert not stands()
    store.close()


def test_a_store_of_another_party_or_schema_is_refused_by_name(store, store_urls):
    with pytest.raises(ConfigurationError, match="party"):
        Store(store_urls[0], store.vault, POLICE)
    with tables.transaction(store.engine) as connection:
        connection.execute(sa.update(tables.meta).where(tables.meta.c.name == "schema").values(value="0"))
    with pytest.raises(ConfigurationError, match="schema"):
        Store(store_urls[0], store.vault, HUB)


def test_a_store_without_its_key_or_with_an_unusable_url_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="store key"):
        Vault(f"sqlite:///{tmp_path}/keys.db", b"")
    with pytest.raises(ConfigurationError):
        tables.engine_of("nonsense", tables.DATA)


def test_sqlite_is_set_to_survive_power_loss(tmp_path):
    engine = tables.engine_of(f"sqlite:///{tmp_path}/x.sqlite", tables.DATA)
    with engine.connect() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "secure_delete")]
    assert found == ["wal", 2, 1]
    engine.dispose()


def test_what_another_sequencer_indexed_in_between_is_not_indexed_again(store, monkeypatch):
    """PostgreSQL reads each statement anew: another may commit between two reads of one transaction. SQLite lets nobody in between."""
    key, reads = NET.members[HUB].log, []
    store.apply([Effect(entries=(entry(),))], sealer, NOW)

    def overtaken(read):
        def second(connection):
            reads.append(read)
            if len(reads) == 2 and store.engine.dialect.name == "postgresql":
                assert log.sequence(store, key, NOW) is not None
            return read(connection)

        return second

    for name in ("_waiting", "_frontier"):
        monkeypatch.setattr(log, name, overtaken(getattr(log, name)))
    log.sequence(store, key, NOW)
    assert len(reads) >= 2
    found = list(log.leaves(store))
    assert len(verify_openings(found)) == store.counts()["entries"] == 1
    assert len(found) == 64


def heard(kind, sender, case, at=NOW):
    return Event(case_id=case, digest=Digest(os.urandom(32)), kind=kind.value, at=at, content=b"sealed", key=None, sender=sender)


def test_what_came_early_is_counted_for_its_sender_until_its_first_comes_or_it_is_too_old(store):
    asked, unasked = uuid4(), uuid4()
    came = [heard(Kind.notice, HUB, asked), heard(Kind.notice, HUB, unasked), heard(Kind.notice, POLICE, unasked)]
    old = heard(Kind.notice, HUB, uuid4(), NOW - timedelta(days=15))
    store.apply([Effect(events=(*came, old))], sealer, NOW)
    since = NOW - timedelta(days=14)
    assert store.early(Kind.notice, Kind.request, HUB, since) == 2
    store.apply([Effect(events=(heard(Kind.request, POLICE, asked),))], sealer, NOW)  # another's request is no first of it
    assert store.early(Kind.notice, Kind.request, HUB, since) == 2
    store.apply([Effect(events=(heard(Kind.request, HUB, asked),))], sealer, NOW)
    assert store.early(Kind.notice, Kind.request, HUB, since) == 1
    assert store.early(Kind.notice, Kind.request, POLICE, since) == 1


def test_records_that_could_not_be_read_are_tallied_by_record_and_leave_their_count(store):
    lost = [Quarantined(topic="t", offset=each * 50, reason=Refusal.unreadable, raw=b"", count=50) for each in range(3)]
    store.apply([Effect(quarantined=tuple(lost))], sealer, NOW)
    (tally,) = quarantine.untold(store.engine, NOW + timedelta(minutes=1))
    assert (tally.rows, tally.count) == (3, 150)
    store.apply([Effect(tallied=(tally,))], sealer, NOW + timedelta(minutes=1))
    assert quarantine.untold(store.engine, NOW + timedelta(minutes=1)) == []
    assert store.counts()["quarantined"] == 150


def event(number):
    """A record of our own, of a size of its own."""
    return replace(local_event(CASE, "decided", note(), NOW), digest=Digest(bytes([number]) * 32))


def test_what_was_opened_is_opened_once_until_a_minute_has_passed(store):
    store.apply([Effect(events=(event(1), event(2)))], sealer, NOW)
    with patch("broker.store.recent.rows.opened", wraps=rows.opened) as opened:
        first, again = store.events(CASE), store.events(CASE)
        assert [one is other for one, other in zip(first, again, strict=True)] == [True, True]
        assert store.event(CASE, event(1).digest) is first[0]
        assert opened.call_count == 2
        store.recent.clear()  # as every tick does
        assert store.events(CASE) == first
        assert opened.call_count == 4


def test_what_is_open_in_memory_is_bounded_in_bytes_and_the_latest_stays(store):
    store.apply([Effect(events=tuple(event(number) for number in range(1, 9)))], sealer, NOW)
    with tables.reading(store.engine) as connection:
        size = max(len(content) for content in connection.scalars(sa.select(tables.event.c.content)))
    store.recent = Recent(most=3 * size)
    first, again = store.events(CASE), store.events(CASE)[-1:]
    assert first[-1:] == again
    assert len(store.recent._held) == 3
    assert store.recent._size <= 3 * size


def test_nothing_is_read_from_memory_once_its_key_is_destroyed_whoever_did_it(store, store_urls):
    store.apply([Effect(events=(event(1), event(2), event(3)))], sealer, NOW)
    assert all(each.body is not None for each in store.events(CASE))
    assert store.erase(CASE, [event(1).digest]) == 1
    other = Store(store_urls[0], Vault(store_urls[1], bytes(32)), HUB)  # as another process
    assert other.erase(CASE, [event(2).digest]) == 1
    other.close()
    assert [each.body is None for each in store.events(CASE)] == [True, True, False]
    assert len(store.recent._held) == 1
    assert store.event(CASE, event(2).digest) is None


def test_a_lease_may_go_with_the_power_and_what_was_done_under_it_may_not(store):
    asked = "PRAGMA synchronous" if store.engine.dialect.name == "sqlite" else "SHOW synchronous_commit"
    lasting, fleeting = ("2", "1") if store.engine.dialect.name == "sqlite" else ("on", "off")
    said = []

    def told(connection):
        said.append(str(connection.exec_driver_sql(asked).scalar()))

    sa.event.listen(store.engine, "commit", told)
    lease = leases.acquire(store.engine, "work/w", "me", NOW, timedelta(seconds=9))
    leases.release(store.engine, lease)
    store.apply([Effect(events=(event(1),))], sealer, NOW)
    leases.acquire(store.engine, "work/w", "me", NOW, timedelta(seconds=9))
    store.apply([Effect(events=(event(2),))], sealer, NOW)
    assert said == [fleeting, fleeting, lasting, fleeting, lasting]
