"""Case records reach their consumer: the newest version, anew when it came too late, and with less in it when it is too large."""

from __future__ import annotations

from dataclasses import replace

import pytest
from desks import SHAH
from joining import OPENED, SENT
from small_borough import NOW, SMALL, SmallBorough, alarms, outcomes, rows

from agents.demo import ceremony
from agents.demo.ceremony import Member, renew
from agents.hub import telling
from agents.hub.casework import case_record
from agents.hub.desk import rerate
from broker.effect import Effect, Outgoing
from broker.envelope import header_of
from broker.follow import follow
from broker.party import Party
from broker.publish import drain
from broker.receive import receive
from broker.store import tables
from broker.streams import topic_between
from broker.times import EPOCH, LIFETIME
from schemas import codec
from schemas.enums import ControllerKind, Kind, Rag, Refusal
from schemas.errors import MalformedRecordError
from schemas.events import MAX_RATINGS, Rating
from schemas.identifiers import PartyId, Thread
from schemas.records import Rejection

READER = Member(
    folder="reader",
    id=PartyId("consumer.reader"),
    kind=ControllerKind.local_authority,
    name="Borough Case System (synthetic)",
    phone="01632 960909",
    task="Children's social care",
    citation="Children Act 1989 ss.17, 47",
)


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ceremony, "MEMBERS", (*ceremony.MEMBERS, READER))
        patched.setattr("small_borough.SMALL", (*SMALL, READER))
        patched.setattr("small_borough.FOLDERS", ("hub", "police", "trust"))
        made = SmallBorough(tmp_path_factory.mktemp("founded"), contacts=1)
        yield made
        made.close()


@pytest.fixture
def borough(tmp_path, founded, monkeypatch):
    monkeypatch.setattr(ceremony, "MEMBERS", (*ceremony.MEMBERS, READER))
    made = SmallBorough(tmp_path, like=founded.folder)
    made.take_in()
    yield made
    made.close()


@pytest.fixture
def reader(borough):
    """The consumer: it reads, and rejects by itself what it cannot open."""
    folder = borough.folder / "reader"
    text = (folder / "party.toml").read_text()
    (folder / "party.toml").write_text(f'{text}\n[store]\nurl = "sqlite://"\nkeys_url = "sqlite://"\n')
    made = Party(folder, borough.transport, now=borough.clock)
    yield made
    made.store.close()


def read(borough, reader):
    """What it can open of all that came."""
    found = []

    def take(opened, at):
        found.append(opened.body)
        return Effect()

    while receive(reader, [topic_between(borough.hub.party.id, reader.id)], take, 0):
        pass
    drain(reader)
    return found


def later(borough, reader, by=LIFETIME + EPOCH):
    borough.clock.at += by
    borough.tell(*renew(borough.folder, borough.clock.at))
    for party in (*borough.parties, reader):
        party.reload_keys()
    follow(reader)


def told(borough):
    """The headers of all records that left, in order."""
    found = [header_of(row.value) for row in rows(borough.hub.party, tables.outbox) if row.recipient == READER.id]
    return [each for each in found if each.kind is Kind.case_record]


def the_record(borough):
    (case,) = borough.hub.party.store.cases()
    return borough.hub.record(case)


def reject(borough, reader, digest, thread, reason=Refusal.expired):
    body = Rejection(answers=digest, reason=reason, duty_contact=reader.settings.contact)
    outgoing = Outgoing(kind=Kind.rejection, recipient=borough.hub.party.id, thread=thread, case_id=None, body=body)
    reader.store.apply([Effect(outgoing=(outgoing,))], reader.seal, reader.now())
    drain(reader)
    borough.work(borough.hub)


def last_sent(borough):
    return [row.digest for row in rows(borough.hub.party, tables.outbox) if row.recipient == READER.id][-1]


def test_a_consumer_has_the_newest_version(borough, reader):
    borough.work()
    assert read(borough, reader)[-1] == the_record(borough)
    assert the_record(borough).left_out == 0


def test_a_record_that_expired_on_its_way_reaches_its_consumer_anew_in_its_newest_version_once(borough, reader):
    borough.work()
    before = len(told(borough))
    later(borough, reader)
    assert read(borough, reader) == []
    borough.work(borough.hub)
    assert [each.sent_at for each in told(borough)[before:]] == [borough.clock.at]  # once, though each version was refused
    assert read(borough, reader) == [the_record(borough)]
    assert "rejected" not in alarms(borough.hub.party)
    assert outcomes(borough.hub.party).count(f"version.{the_record(borough).version}") == 3  # joined, and sent twice


def test_a_consumer_that_lost_its_keys_is_told_once_a_week_and_then_people_are(borough, reader):
    borough.work()
    before = len(told(borough))
    for week in range(6):
        for _ in range(2):
            reject(borough, reader, last_sent(borough), told(borough)[-1].thread)
        assert len(told(borough)) - before == min(week, 3)
        later(borough, reader, EPOCH)
        borough.work(borough.hub)
    assert alarms(borough.hub.party)["expired_again"] > 0


def test_a_rejection_for_another_reason_or_of_another_thread_sends_nothing_and_people_are_told(borough, reader):
    borough.work()
    before, thread = len(told(borough)), told(borough)[-1].thread
    later(borough, reader)
    reject(borough, reader, last_sent(borough), thread, Refusal.invalid)
    reject(borough, reader, last_sent(borough), Thread(bytes(16)))
    assert len(told(borough)) == before
    assert alarms(borough.hub.party)["rejected"] == 2


@pytest.mark.parametrize("room", ["whole", "without answers", "least", "none"])
def test_a_record_that_is_too_large_leaves_with_less_says_how_much_is_to_be_read_at_the_hub_and_people_are_told(
    borough, reader, monkeypatch, room
):
    encode, limits = codec.encode, {"whole": lambda _: True, "without answers": lambda each: not each.answers}
    fits = limits.get(room, lambda each: room == "least" and not each.answers and not each.unasked)
    monkeypatch.setattr(telling, "_fits", fits)
    borough.work()
    hub, record, came = borough.hub.party, the_record(borough), read(borough, reader)
    assert record.answers
    if room == "none":
        assert came == []
    else:
        (newest,) = [each for each in came if each.version == record.version]
        gone = 0 if room == "whole" else len(record.answers) + (len(record.unasked) if room == "least" else 0)
        assert newest.left_out == gone
        assert len(newest.answers) == (len(record.answers) if room == "whole" else 0)
        assert newest.agencies == record.agencies
        assert any(each.endswith(f".without.{gone}") for each in outcomes(hub)) == (gone > 0)
    assert ("too_large" in alarms(hub)) == (room != "whole")
    assert "not_told" not in alarms(hub)
    assert hub.store.due_work(telling.TELL, borough.clock.at) is None
    assert encode(record)  # here it is whole


def test_of_more_than_a_message_holds_the_newest_leave_and_the_rest_is_counted(borough, reader, monkeypatch):
    for name, most in (("MAX_RATINGS", 2), ("MAX_SAID", 0)):
        monkeypatch.setattr(telling, name, most)
    borough.work()
    (case,) = borough.hub.party.store.cases()
    for number in range(3):
        rag = Rag.amber if the_record(borough).rag is Rag.red else Rag.red
        borough.clock.move(minutes=1)
        rerate(borough.hub, case, SHAH, rag, f"The school has told of something new today, for the time {number + 1}.")
    borough.work(borough.hub)
    record, newest = the_record(borough), read(borough, reader)[-1]
    assert newest.ratings == record.ratings[-2:]
    assert newest.left_out == len(record.ratings) - 2
    assert newest.answers == record.answers
    assert alarms(borough.hub.party)["too_large"] > 0


def test_a_record_of_two_hundred_new_ratings_still_leaves():
    """The record holds two hundred with the first: encoded as it stood, it never left again."""
    ratings = tuple(Rating(at=NOW, rag=Rag.red, officer=SHAH, rationale=f"the {each}th") for each in range(MAX_RATINGS + 1))
    record = replace(case_record([OPENED, *SENT.values()]), ratings=ratings)
    with pytest.raises(MalformedRecordError):
        codec.encode(record)
    going = next(each for each in telling._ever_less(record) if telling._fits(each))
    assert (going.ratings, going.left_out) == (ratings[1:], 1)
