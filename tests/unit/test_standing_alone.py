"""Each agency, topic, process and week by itself: what fails with one holds up no other, and is told."""

from __future__ import annotations

import itertools
import os
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from small_borough import NOW, SmallBorough, alarms, entries_of, outcomes, outcomes_a_minute_later, rows, write_files

from agents.cli import run
from agents.cli.compose import hub_of
from agents.cli.output import plain
from agents.demo.ceremony import renew
from agents.hub import service as hub_service
from broker import receive
from broker.effect import Effect
from broker.enrol import announce
from broker.envelope import seal
from broker.follow import follow
from broker.keys import OpeningKey
from broker.ports import Publication, SkipReason
from broker.receive import note
from broker.store import log, tables
from broker.store.quarantine import parked_on
from broker.streams import topic_between
from broker.times import EPOCH, LIFETIME, epoch_at
from broker.transport.embedded import EmbeddedTransport
from schemas.enums import AgencyStatus, Kind, Status
from schemas.envelope import Header
from schemas.errors import ConfigurationError, TransportExhaustedError, TransportUnavailableError
from schemas.events import CaseOpened
from schemas.identifiers import Digest, Incarnation, Thread
from schemas.records import Acknowledgement
from schemas.statements import Revocation

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    write_files(folder, contacts=1)
    return folder


def acknowledge(borough, sender, **changes):
    """An acknowledgement of nothing, sealed by this party for the hub, with some of its header changed."""
    hub = borough.hub.party
    follow(hub)
    recipient = hub.trust.sealing_key(hub.id, NOW)
    header = Header(
        protocol=1,
        network=hub.trust.root.network,
        kind=Kind.acknowledgement,
        sender=sender.id,
        sender_kid=sender.signing.kid,
        recipient=hub.id,
        recipient_kid=recipient.kid,
        thread=Thread(os.urandom(16)),
        sent_at=NOW,
        expires_at=NOW + LIFETIME,
        incarnation=Incarnation(bytes(8)),
        sequence=next(NUMBERS),
        directory_sequence=1,
        commitment=Digest.zero(),
    )
    body = Acknowledgement(answers=Digest(os.urandom(32)), received_at=NOW, duty_contact=sender.settings.contact)
    return seal(body, replace(header, **changes), recipient, sender.signing, os.urandom(32))


def revocation(kid):
    return (Revocation(kid=kid, suspected_from=NOW),)


def encryption_kid(borough, party):
    return borough.hub.party.trust.sealing_key(party.id, borough.clock.at).kid


def statuses(borough):
    (case,) = borough.hub.party.store.cases()
    return {each.agency: each.status for each in borough.hub.record(case).agencies}


def test_an_agency_that_cannot_be_sealed_to_holds_up_no_other(borough):
    police = borough.police.party
    borough.tell(borough.next_directory(revoked=revocation(encryption_kid(borough, police))))
    borough.take_in()
    borough.work()
    assert statuses(borough) == {police.id: AgencyStatus.awaited, borough.trust.party.id: AgencyStatus.answered}
    assert alarms(borough.hub.party)["not_asked"] >= 1
    assert borough.hub.party.store.has_work(borough.clock.at)  # it is tried again each minute
    before = alarms(borough.hub.party)["not_asked"]
    borough.clock.move(minutes=2)
    borough.hub.step()
    assert alarms(borough.hub.party)["not_asked"] == before + 1


def test_a_topic_that_cannot_be_sent_to_holds_up_no_other(borough, monkeypatch):
    blocked, publish = topic_between(borough.hub.party.id, borough.police.party.id), borough.transport.publish

    def sometimes(records):
        if any(each.topic == blocked for each in records):
            raise TransportUnavailableError("no such topic")
        publish(records)

    monkeypatch.setattr(borough.transport, "publish", sometimes)
    borough.take_in()
    for _ in range(12):
        for service in (borough.hub, *borough.adapters):
            service.step()
    assert statuses(borough)[borough.trust.party.id] is AgencyStatus.answered
    assert statuses(borough)[borough.police.party.id] is AgencyStatus.awaited
    monkeypatch.undo()
    borough.clock.move(minutes=2)
    borough.work()
    assert set(statuses(borough).values()) == {AgencyStatus.answered}


@pytest.mark.proves("I15")
def test_every_process_of_a_party_learns_of_a_revocation_by_itself(tmp_path):
    made = SmallBorough(tmp_path, contacts=1, in_memory=False)
    first, second = made.hub, hub_of(made.folder / "hub", made.transport, made.clock)
    made.tell(made.next_directory(revoked=revocation(made.police.party.signing.kid)))
    for each in (first, second):
        each.step()
        assert each.party.trust.directory.sequence == 2
    second.party.store.close()
    made.close()


def test_a_directory_file_put_back_to_yesterdays_does_not_stay_believed(borough):
    follow(borough.hub.party)
    before = borough.hub.party.folder.directory.read_bytes()
    borough.tell(borough.next_directory(revoked=revocation(borough.police.party.signing.kid)))
    assert follow(borough.hub.party)
    borough.hub.party.folder.directory.write_bytes(before)
    again = hub_of(borough.folder / "hub", borough.transport, borough.clock)
    assert again.party.trust.directory.sequence == 1
    again.step()
    assert again.party.trust.directory.sequence == 2
    again.party.store.close()


def test_a_missing_part_of_the_directorys_topic_is_told_and_entered(borough):
    follow(borough.hub.party)
    borough.hub.party.followed.clear()
    borough.transport.trim("mash.directory", 1)
    follow(borough.hub.party)
    assert alarms(borough.hub.party) == {"skipped": 1}
    assert "skipped.behind_start.1" in outcomes(borough.hub.party)
    borough.hub.party.followed["mash.directory"] = 99
    follow(borough.hub.party)
    assert alarms(borough.hub.party)["beyond_end"] == 1


def test_processes_that_run_over_two_turns_of_the_week_go_on(borough):
    _ = borough.hub, borough.adapters
    for _ in range(2):
        borough.clock.move(days=EPOCH.days)
        borough.tell(*renew(borough.folder, borough.clock.at))
    borough.take_in()
    borough.work()
    assert set(statuses(borough).values()) == {AgencyStatus.answered}
    assert alarms(borough.hub.party).keys() <= {"escalated", "overdue"}  # of what is due from its contacts
    assert [alarms(each.party) for each in borough.adapters] == [{}, {}]


def test_the_next_weeks_key_is_in_force_the_moment_the_week_turns(borough):
    follow(borough.hub.party)
    turn = datetime.fromtimestamp((epoch_at(NOW) + 1) * EPOCH.total_seconds(), UTC)
    before, after = (borough.hub.party.trust.sealing_key(borough.police.party.id, at) for at in (turn - timedelta(seconds=1), turn))
    assert before.kid != after.kid


def test_without_a_signing_key_in_force_nothing_is_lost_and_nothing_blamed(borough):
    hub = borough.hub.party
    borough.take_in()
    borough.work(borough.hub)
    asked = topic_between(hub.id, borough.trust.party.id)
    borough.tell(borough.next_directory(revoked=revocation(borough.trust.party.signing.kid)))
    borough.trust.step()
    borough.trust.step()
    trust = borough.trust.party
    assert trust.store.positions([asked])[asked] == 0
    assert rows(trust, tables.quarantine) == []
    assert alarms(trust)["not_accepted"] >= 1


def test_below_the_networks_minimum_protocol_nothing_is_sent_or_believed(borough):
    hub = borough.hub.party
    borough.tell(borough.next_directory(minimum_protocol=2))
    borough.take_in()
    borough.work(borough.hub)
    assert not [row for row in rows(hub, tables.outbox) if row.recipient]
    assert alarms(hub)["not_asked"] >= 1
    with pytest.raises(ConfigurationError, match="protocol 2"):
        hub_of(borough.folder / "hub", borough.transport, borough.clock)


def test_a_snapshot_that_names_a_newer_directory_than_is_held_makes_the_party_stale(borough):
    follow(borough.hub.party)
    trust = borough.hub.party.trust
    assert trust.is_fresh(NOW)
    for change in ({"directory_sequence": 2}, {"directory": Digest(bytes(32))}):
        assert not replace(trust, snapshot=replace(trust.snapshot, **change)).is_fresh(NOW)
    assert replace(trust, snapshot=replace(trust.snapshot, directory_sequence=0)).is_fresh(NOW)  # a newer directory has just come


@pytest.mark.proves("I15")
def test_an_announcement_falls_with_the_key_that_signed_it_and_a_successor_may_announce(borough):
    hub, police = borough.hub.party, borough.police.party
    follow(hub)
    assert hub.trust.sealing_key(police.id, NOW) is not None
    borough.tell(borough.next_directory(revoked=revocation(police.signing.kid)))
    follow(hub)
    assert not [party for party, _ in hub.trust.announcements if party == police.id]
    assert hub.trust.sealing_key(police.id, NOW) is None


def test_no_key_is_announced_further_ahead_than_a_month(borough):
    police = borough.police.party
    far = announce(police.id, police.trust.root.network, OpeningKey.generate(), police.signing, epoch_at(NOW) + 5)
    follow(borough.hub.party)
    borough.tell(far)
    assert not follow(borough.hub.party)
    assert alarms(borough.hub.party) == {"statement_refused": 1}


def test_a_flood_of_statements_keeps_no_service_from_its_work(borough, monkeypatch):
    fetched = []

    def flooded(positions, wait):
        fetched.append(positions)
        return fetch(positions, wait) if len(fetched) > 100 else list(fetch({"mash.directory": 0}, 0))

    fetch = borough.transport.fetch
    monkeypatch.setattr(borough.transport, "fetch", flooded)
    follow(borough.hub.party)
    assert len(fetched) <= 20


@pytest.mark.proves("I19")
def test_what_names_a_newer_directory_is_kept_only_so_often(borough, monkeypatch):
    monkeypatch.setattr(receive, "MOST_PARKED", 3)
    hub, police = borough.hub.party, borough.police.party
    follow(hub)
    ahead = [acknowledge(borough, police, directory_sequence=9) for _ in range(6)]
    topic = topic_between(police.id, hub.id)
    for each in ahead:  # one batch each: what is parked is counted before the next
        borough.transport.publish([Publication(topic=topic, key=b"k" * 16, value=each.envelope)])
        receive.receive(hub, [topic], lambda *_: Effect(), 0)
    assert parked_on(hub.store.engine, topic) == 3
    assert len(rows(hub, tables.quarantine)) == 6  # the rest is refused, and its bytes kept


@pytest.mark.proves("I5")
def test_two_digests_under_one_number_of_a_stream_both_count_and_alarm(borough):
    hub, police = borough.hub.party, borough.police.party
    topic = topic_between(police.id, hub.id)
    for _ in range(2):
        sealed = acknowledge(borough, police, incarnation=Incarnation(b"i" * 8), sequence=1)
        borough.transport.publish([Publication(topic=topic, key=b"k" * 16, value=sealed.envelope)])
    receive.receive(hub, [topic], lambda *_: Effect(), 0)
    assert len(rows(hub, tables.received)) == 2
    assert alarms(hub) == {"renumbered": 1}


def test_the_same_bytes_twice_in_one_batch_are_noted_once(borough):
    hub, police = borough.hub.party, borough.police.party
    topic = topic_between(police.id, hub.id)
    old = acknowledge(borough, police, sent_at=NOW - timedelta(days=20), expires_at=NOW - timedelta(days=6))
    bad = acknowledge(borough, police, expires_at=NOW)
    values = [old.envelope, bad.envelope, bad.envelope]
    borough.transport.publish([Publication(topic=topic, key=b"k" * 16, value=each) for each in values])
    receive.receive(hub, [topic], lambda *_: Effect(), 0)
    assert "quarantined.outside_times.1" in outcomes_a_minute_later(borough, hub)


def test_an_entry_of_last_year_is_sealed_on_new_years_day(borough):
    hub = borough.hub.party
    last = note(hub, "late", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    hub.store.apply([Effect(entries=(last,))], hub.seal, datetime(2027, 1, 1, tzinfo=UTC))
    assert [each.at.year for each in entries_of(hub)] == [2026]


def test_all_that_waits_is_indexed_at_a_tick(borough, monkeypatch):
    monkeypatch.setattr(log, "BATCH", 3)
    hub = borough.hub.party
    hub.store.apply([Effect(entries=tuple(note(hub, f"n.{number}", NOW) for number in range(10)))], hub.seal, NOW)
    assert log.waiting(hub.store) == 10
    borough.hub.tick()
    assert log.waiting(hub.store) == 0


@pytest.mark.proves("I6")
def test_law_that_the_network_has_not_accepted_releases_nothing_without_a_person(borough):
    borough.take_in()
    borough.work(borough.hub)
    borough.tell(borough.next_directory(packs=()))
    borough.work(*borough.adapters)
    borough.work()
    (case,) = borough.hub.party.store.cases()
    answers = [each.answer.status for each in borough.hub.record(case).answers]
    assert answers
    assert Status.released not in answers
    assert Status.in_review in answers


@pytest.mark.proves("I6")
def test_a_hub_asks_nobody_under_law_that_the_network_has_not_accepted(borough):
    borough.tell(borough.next_directory(packs=()))
    borough.take_in()
    borough.work()
    (case,) = borough.hub.party.store.cases()
    record = borough.hub.record(case)
    assert record.agencies == ()
    assert record.unasked


def test_a_case_that_cannot_be_rendered_holds_up_no_other(tmp_path, monkeypatch):
    made = SmallBorough(tmp_path, contacts=2)
    made.take_in()
    bad, good = made.hub.party.store.cases()
    render = hub_service.case_record

    def faulty(events):
        if any(isinstance(each.body, CaseOpened) and each.body.case_id == bad for each in events):
            raise ValueError("a fault of ours")
        return render(events)

    monkeypatch.setattr(hub_service, "case_record", faulty)
    made.work()
    assert {each.case_id for each in entries_of(made.hub.party) if each.outcome.startswith("version.")} == {good}
    assert alarms(made.hub.party)["not_rendered"] >= 1
    made.close()


def test_an_agency_fills_a_case_only_so_far(borough, monkeypatch):
    monkeypatch.setattr("agents.hub.reactions.MOST_OF_ONE", 0)
    borough.take_in()
    borough.work()
    assert statuses(borough)[borough.police.party.id] is AgencyStatus.awaited
    assert {row.reason for row in rows(borough.hub.party, tables.quarantine)} == {"invalid"}


def test_what_is_sealed_to_a_revoked_key_is_withdrawn(borough):
    police = borough.police.party
    borough.take_in()
    borough.hub._open()
    borough.hub._ask()
    borough.tell(borough.next_directory(revoked=revocation(encryption_kid(borough, police))))
    borough.hub.step()
    states = {row.recipient: row.state for row in rows(borough.hub.party, tables.outbox) if row.recipient}
    assert states == {police.id: "withdrawn", borough.trust.party.id: "sent"}


@pytest.mark.parametrize(
    ("column", "value"),
    [("appended_at", 2**62), ("appended_at", -1), ("appended_at", "soon"), ("value", "text"), ("key", 7)],
)
def test_a_row_that_is_none_in_the_transports_file_costs_only_itself(column, value, tmp_path):
    with closing(EmbeddedTransport(tmp_path / "t.sqlite")) as transport:
        transport.publish([Publication(topic="t", key=b"k", value=bytes([number])) for number in range(3)])
        with transport._engine.begin() as connection:
            connection.exec_driver_sql(f'UPDATE record SET "{column}" = ? WHERE "offset" = 1', (value,))  # noqa: S608 - of the cases above
        (batch,) = transport.fetch({"t": 0}, 0)
        assert [each.value for each in batch.records] == [b"\0", b"\2"]
        assert [(each.first, each.after, each.reason) for each in batch.skips] == [(1, 2, SkipReason.undecodable)]
        assert batch.after == 3


@pytest.mark.parametrize("text", ["two\nlines", "\x1b[2J", "\u202eturned", "zero\u200bwidth", "para\u2029graph", "\u0085next"])
def test_what_another_wrote_begins_no_line_and_turns_no_text(text):
    said = plain(text)
    assert said.isprintable()
    assert "\ufffd" in said


def test_names_stay_as_they_are_written():
    assert plain("Zoë O’Brien-Nguyễn אבי") == "Zoë O’Brien-Nguyễn אבי"


class Stuck:
    """A transport that no longer moves."""

    def healthy(self):
        return False

    def reload_certificate(self):
        raise AssertionError("not reached")


def test_a_transport_that_stands_still_ends_the_process(borough, monkeypatch):
    run.watch(borough.hub.party)  # one file has nothing to watch
    monkeypatch.setattr(borough.hub.party, "transport", Stuck())
    with pytest.raises(TransportExhaustedError):
        run.watch(borough.hub.party)


def test_a_certificate_that_cannot_be_used_is_told_and_the_old_one_kept(borough, monkeypatch):
    class Renewed(Stuck):
        def healthy(self):
            return True

        def reload_certificate(self):
            raise ConfigurationError([])

    monkeypatch.setattr(borough.hub.party, "transport", Renewed())
    run.watch(borough.hub.party)
    assert alarms(borough.hub.party) == {"certificate_refused": 1}


def test_keys_that_became_unreadable_are_told_and_the_old_ones_kept(borough):
    party = borough.hub.party
    held = party.keys
    path = next(party.folder.keys.glob("*.pem"))
    path.chmod(0o644)
    assert not party.reload_keys()
    assert party.keys is held
    assert alarms(party) == {"keys_unreadable": 1}
    path.chmod(0o600)
    assert not party.reload_keys()
