"""Content keys whose effect never happened are swept, and never one that somebody may still seal under: on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from borough import Child, in_child
from network import HUB, NOW, POLICE, TestNetwork, acknowledgement
from small_borough import SmallBorough, alarms

from broker.effect import Effect, Outgoing, Receipt
from broker.envelope import seal
from broker.store import orphans, tables
from broker.store.orphans import AGE, EVERY, MOST, sweep
from broker.store.store import Store
from broker.store.vault import Vault
from schemas.enums import Kind, Operation
from schemas.errors import StoreUnavailableError
from schemas.events import Entry
from schemas.identifiers import Digest, Incarnation, Slug, Thread
from schemas.records import Officer

CASE = UUID("5a4f0a2e-0d0c-4f6e-9b61-3b9f5d3f2a10")
NET = TestNetwork()
TRUST = NET.trust()
THREAD = Thread(bytes(16))
ACK = acknowledgement()
LATER = NOW + AGE + timedelta(microseconds=1)
WRITERS, EFFECTS = 2, 25


def opened(urls):
    return closing(Store(urls[0], Vault(urls[1], bytes(32)), HUB))


def sealer(outgoing, incarnation, sequence, key):
    header = NET.header(HUB, POLICE, kind=outgoing.kind, thread=outgoing.thread, incarnation=incarnation, sequence=sequence)
    return seal(outgoing.body, header, TRUST.sealing_key(POLICE, NOW), NET.members[HUB].signing, key)


def effect(name):
    """One envelope that is kept, under a receipt of this name."""
    nothing = dict.fromkeys(("subject_ref", "category", "purpose", "stage", "pack_digest", "envelope"))
    actor = Officer(id="o-1", role="tester", organisation="synthetic")
    entry = Entry(at=NOW, operation=Operation.disclosure, actor=actor, case_id=CASE, rules=(), outcome=Slug("said"), **nothing)
    ack = Outgoing(
        kind=Kind.acknowledgement,
        recipient=POLICE,
        thread=Thread(bytes(16)),
        case_id=CASE,
        body=ACK,
        entries=(entry,),
        keep=True,
    )
    receipt = Receipt(digest=Digest(name.rjust(32)), topic="t", incarnation=Incarnation.zero(), sequence=0, state="accepted")
    return Effect(received=receipt, outgoing=(ack,))


def keys_of(store, table=tables.content_key):
    with tables.reading(store.vault._engine) as connection:
        return set(connection.scalars(sa.select(table.c.id)))


def used(store):
    with tables.reading(store.engine) as connection:
        return set(connection.scalars(sa.select(tables.event.c.key_id)))


def killed_while_sealing(urls):
    with opened(urls) as store:
        store.apply([effect(b"killed")], lambda *_: os.kill(os.getpid(), signal.SIGKILL), NOW)


@pytest.mark.proves("I13")
def test_a_key_whose_maker_was_killed_before_anything_was_sealed_under_it_is_swept_in_its_time(store_urls):
    in_child(partial(said_once, store_urls, b"first"))
    maker = Child(partial(killed_while_sealing, store_urls))
    assert maker.was_killed()
    maker.end()
    with opened(store_urls) as store:
        assert len(keys_of(store)) == 2
        assert len(used(store)) == 1
        assert sweep(store, NOW + AGE) == 0
        assert len(keys_of(store)) == 2
        assert sweep(store, LATER) == 1
        assert keys_of(store) == used(store)
        assert keys_of(store, tables.unproven) == set()  # each is looked at once
        assert [each.body for each in store.events(CASE)] == [ACK]
        assert store.apply([effect(b"killed")], sealer, LATER).applied == 1  # it is still to be done
        assert [each.body for each in store.events(CASE)] == [ACK] * 2


def said_once(urls, name):
    with opened(urls) as store:
        return store.apply([effect(name)], sealer, NOW).applied


def test_whatever_came_second_leaves_no_key(store_urls):
    with opened(store_urls) as store:
        assert [store.apply([effect(b"same")], sealer, NOW).applied for _ in range(3)] == [1, 0, 0]
        assert len(keys_of(store)) == 3
        assert sweep(store, LATER) == 2
        assert keys_of(store) == used(store)


class Overtaken(Vault):
    """Between its keys and the transaction that is to seal under them, something happens."""

    def __init__(self, url, meanwhile):
        super().__init__(url, bytes(32))
        self.meanwhile = meanwhile

    def keep(self, names, content, at):
        kept = super().keep(names, content, at)
        for each in content:
            self.meanwhile(each)
        return kept


@pytest.mark.parametrize("times", [1, 2])
def test_an_effect_overtaken_by_a_sweep_in_another_process_is_applied_once_under_keys_that_stand(store_urls, times):
    """However long it was stopped there: by no clock is its key too old."""
    lost = []

    def meanwhile(key_id):
        if len(lost) < times:
            lost.append(key_id)
            assert in_child(partial(swept_at, store_urls, 3600)) == 1

    with closing(Store(store_urls[0], Overtaken(store_urls[1], meanwhile), HUB)) as store:
        assert store.apply([effect(b"slow")], sealer, NOW).applied == 1
        assert used(store) == keys_of(store)
        assert used(store).isdisjoint(lost)
        assert [each.body for each in store.events(CASE)] == [ACK]


def test_an_effect_overtaken_again_and_again_is_not_applied_and_says_so(store_urls):
    with closing(Store(store_urls[0], Overtaken(store_urls[1], lambda _: in_child(partial(swept_at, store_urls, 3600))), HUB)) as store:
        with pytest.raises(StoreUnavailableError, match="swept"):
            store.apply([effect(b"slow")], sealer, NOW)
        assert used(store) == keys_of(store) == set()


def swept_at(urls, seconds):
    with opened(urls) as store:
        return sweep(store, LATER + timedelta(seconds=seconds))


def test_a_sweep_waits_for_whoever_is_sealing_and_then_finds_their_key_in_use(store_urls):
    found = []
    with patch.object(tables, "BUSY_MS", 50):
        hasty = Store(store_urls[0], Vault(store_urls[1], bytes(32)), HUB)

    def sealed_beside_a_sweep(*of):
        with pytest.raises(StoreUnavailableError):
            sweep(hasty, LATER)
        found.append(keys_of(hasty))
        return sealer(*of)

    with closing(hasty), opened(store_urls) as store:
        store.apply([effect(b"sealing")], sealed_beside_a_sweep, NOW)
        assert found == [keys_of(store)]
        assert sweep(store, LATER) == 0
        assert used(store) == keys_of(store) == found[0]


def test_a_sweep_that_is_cut_off_is_done_by_the_next_and_two_at_once_do_no_harm(store_urls):
    with opened(store_urls) as store, opened(store_urls) as other:
        for name in (b"same", b"same", b"another"):
            store.apply([effect(name)], sealer, NOW)
        with patch.object(Vault, "prove", side_effect=StoreUnavailableError("cut off")), pytest.raises(StoreUnavailableError):
            sweep(store, LATER)
        assert len(keys_of(store)) == 3
        prove = other.vault.prove

        def beside(*of):
            assert sweep(store, LATER) == 1
            prove(*of)

        with patch.object(other.vault, "prove", beside):
            assert sweep(other, LATER) == 1
        assert keys_of(store) == used(store)


def test_a_sweep_is_bounded_and_takes_the_oldest_first(store_urls):
    with opened(store_urls) as store, patch.object(orphans, "MOST", 2):
        for minute, name in enumerate((b"a", b"a", b"b", b"b", b"c")):
            store.apply([effect(name)], sealer, NOW + timedelta(minutes=minute))
        late = LATER + timedelta(hours=1)
        assert [(sweep(store, late), len(keys_of(store, tables.unproven))) for _ in range(4)] == [(1, 3), (1, 1), (0, 0), (0, 0)]
    assert MOST * 24 * 60 > 500_000  # keys a day


def write(urls, number):
    """Effect after effect, each offered twice, so that half of their keys are orphans."""
    applied = 0
    with opened(urls) as store:
        for count in range(EFFECTS):
            for _ in range(2):
                while True:
                    with suppress(StoreUnavailableError):
                        applied += store.apply([effect(f"{number}/{count}".encode())], sealer, NOW).applied
                        break
    return applied


def sweep_for_ever(urls):
    with opened(urls) as store:
        while True:
            with suppress(StoreUnavailableError):
                sweep(store, LATER)


def test_processes_that_write_and_sweep_at_once_lose_no_key_that_is_used_and_keep_none_that_is_not(store_urls):
    in_child(partial(said_once, store_urls, b"first"))
    sweeper, writers = Child(partial(sweep_for_ever, store_urls)), [Child(partial(write, store_urls, number)) for number in range(WRITERS)]
    try:
        assert [each.answer() for each in writers] == [EFFECTS] * WRITERS
    finally:
        for each in (sweeper, *writers):
            each.end()
    with opened(store_urls) as store:
        while keys_of(store, tables.unproven):
            sweep(store, LATER)
        assert used(store) == keys_of(store)
        assert len(used(store)) == 1 + WRITERS * EFFECTS
        assert [each.body for each in store.events(CASE)] == [ACK] * len(used(store))


def test_a_party_sweeps_as_it_ticks(tmp_path):
    with closing(SmallBorough(tmp_path, contacts=1)) as small:
        small.take_in()
        small.work()
        store = small.hub.party.store
        store.vault.keep((), {bytes(16): (f"case/{CASE}", bytes(32))}, small.clock.at)
        small.hub.tick()
        assert keys_of(store) - used(store) == {bytes(16)}
        small.clock.move(hours=2)
        small.hub.tick()
        assert keys_of(store) == used(store)
        assert keys_of(store, tables.unproven) == set()


def test_destroying_a_key_destroys_every_copy_that_a_preparation_left_of_it(store_urls):
    with closing(Vault(store_urls[1], bytes(32))) as vault:
        case, key, other = f"case/{CASE}", os.urandom(32), os.urandom(32)
        used, copy, another = (os.urandom(16) for _ in range(3))
        vault.keep([], {used: (case, key), another: (case, other)}, NOW)
        vault.keep([], {copy: (case, key)}, NOW)  # the same envelope, prepared by who came second
        vault.prove([used, another], [])
        assert vault.destroy([used]) == 1
        assert set(vault.content_keys([used, copy, another])) == {another}


# --------------------------------------------------------------------------------- an older store, or a copy, beside the keys


def copy_of(urls, request, tmp_path):
    """The store as it is now, under another address, beside the same keys."""
    if urls[0].startswith("sqlite"):
        path = tmp_path / f"{uuid4().hex}.sqlite"
        with closing(sqlite3.connect(urls[0].removeprefix("sqlite:///"))) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)
        return f"sqlite:///{path}", urls[1]
    server, name = request.getfixturevalue("postgres"), f"copy_{uuid4().hex}"
    base = urls[0].partition("?")[0].rpartition("/")[2]
    server.psql(f"CREATE DATABASE {name} TEMPLATE {base};")
    return urls[0].replace(base, name), urls[1]


def said(urls, name, at):
    with opened(urls) as store:
        return store.apply([effect(name)], sealer, at).applied


@pytest.mark.proves("I13")
@pytest.mark.parametrize("age", [0, 40], ids=["before any sweep", "after one"])
def test_an_older_store_beside_the_keys_sweeps_nothing_and_the_newer_one_is_whole_when_it_is_back(store_urls, request, tmp_path, age):
    said(store_urls, b"first", NOW)
    if age:
        with opened(store_urls) as store:
            assert sweep(store, LATER) == 0
    start = LATER + timedelta(minutes=age)
    older = copy_of(store_urls, request, tmp_path)
    said(store_urls, b"newer", start)
    with opened(store_urls) as store:
        store.apply([effect(b"newer")], sealer, start)  # came second: an orphan
        assert sweep(store, start + EVERY) == 0  # a tick after keys were made: from now on an older store is known
        made = keys_of(store)
    late = start + timedelta(hours=3)
    with opened(older) as store:
        assert sweep(store, late) is None
        assert keys_of(store) == made
        assert [each.body for each in store.events(CASE)] == [ACK]
        store.apply([effect(b"of the older")], sealer, late)
        for hours in (0, 2, 4):
            assert sweep(store, late + timedelta(hours=hours)) == 0
        assert keys_of(store) >= made
    with opened(store_urls) as store:
        assert sweep(store, late + timedelta(hours=5)) is None
        assert [each.body for each in store.events(CASE)] == [ACK] * 2
        store.apply([effect(b"again")], sealer, late + timedelta(hours=5))
        store.apply([effect(b"again")], sealer, late + timedelta(hours=5))
        assert sweep(store, late + timedelta(hours=7)) == 1  # what is made from now on is swept again
        assert [each.body for each in store.events(CASE)] == [ACK] * 3


def test_a_copy_that_works_beside_its_original_makes_neither_sweep_what_the_other_made(store_urls, request, tmp_path):
    said(store_urls, b"first", NOW)
    copy, at = copy_of(store_urls, request, tmp_path), LATER
    for name in range(4):
        for urls in (store_urls, copy):
            said(urls, f"{name}/{urls[0][-4:]}".encode(), at)
            with opened(urls) as store:
                assert not sweep(store, at + EVERY)
        at += timedelta(hours=2)
    for urls in (store_urls, copy):
        with opened(urls) as store:
            assert [each.body for each in store.events(CASE)] == [ACK] * 5


@pytest.mark.parametrize("step", ["next_mark", "settle_mark"])
def test_a_change_of_the_mark_that_is_cut_off_is_gone_on_with_and_is_no_other_store(store_urls, step):
    with opened(store_urls) as store:
        for name in (b"same", b"same"):
            store.apply([effect(name)], sealer, NOW)
        whole = getattr(store.vault, step)

        def cut_off(*of):
            if step == "next_mark":
                whole(*of)
            raise StoreUnavailableError("cut off")

        with patch.object(store.vault, step, cut_off), pytest.raises(StoreUnavailableError):
            sweep(store, LATER)
        with opened(store_urls) as other:
            assert sweep(other, LATER) == 1
            assert keys_of(other) == used(other)
        assert sweep(store, LATER + timedelta(hours=1)) == 0
        assert store.apply([effect(b"and on")], sealer, LATER).applied == 1


def test_keys_of_a_store_that_is_gone_are_told_by_its_party(tmp_path):
    with closing(SmallBorough(tmp_path, contacts=1)) as small:
        party = small.hub.party
        small.hub.tick()
        with tables.transaction(party.store.engine) as connection:
            connection.execute(sa.update(tables.meta).where(tables.meta.c.name == "swept").values(value="another"))
        small.hub.tick()
        small.hub.tick()
        assert alarms(party) == {"keys_disagree": 1}
