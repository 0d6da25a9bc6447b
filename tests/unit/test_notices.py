"""A new rating reaches each awaited agency: told once, believed only of the hub that asked, and what hangs on the deadline goes by it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from desks import HELD, SHAH, Known, about, again, answers, asked, desk_of, request_for, sent_by_hub, take_back, work
from small_borough import NOW, SmallBorough, alarms, entries_of, outcomes, rows
from sources_of import only, put

from agents.adapter.duty import Duty
from agents.adapter.sources.opening import close_sources
from agents.cli.sight import sight_json, sight_lines, waiting_json, waiting_line
from agents.hub import desk
from broker.effect import Effect, Outgoing
from broker.ports import Publication
from broker.publish import drain
from broker.store import tables
from broker.streams import topic_between
from broker.times import LIFETIME
from schemas.enums import CancelReason, CorrectionReason, Kind, Operation, Rag, Refusal, Status
from schemas.errors import ConfigurationError, SourceUnavailableError
from schemas.events import Rerated
from schemas.identifiers import Digest, PartyId, Thread
from schemas.notices import Notice
from schemas.records import Cancel, Officer, Rejection, Request

POLICE, TRUST = PartyId("agency.police"), PartyId("agency.trust")
OFFICER = Officer(id="hub-0142", role="team leader", organisation="Borough children's services (SYNTHETIC)")
WHY = "The ward reports a second injury since Monday."
HOUR = timedelta(hours=1)
DOWN = SourceUnavailableError("the trust's system is down")


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    made = SmallBorough(tmp_path_factory.mktemp("founded"))
    yield made
    made.close()


@pytest.fixture
def borough(tmp_path, founded):
    """A borough of one test's own, with a source of its own."""
    made = SmallBorough(tmp_path, like=founded.folder)
    close_sources(made.trust.sources)
    put(made.trust, Known(HELD))
    yield made
    made.close()


def notice_of(dossier, **changes):
    plain = Notice(
        request_digest=dossier.kept.digest,
        case_id=dossier.request.case_id,
        number=1,
        rag=Rag.red,
        due_at=NOW + HOUR,
        decided_at=NOW,
    )
    return replace(plain, **changes)


def notify(borough, dossier, thread=None, **changes):
    body = notice_of(dossier, **changes)
    sent_by_hub(borough, body, Kind.notice, TRUST, thread or dossier.kept.thread)
    work(borough.trust)


# ---------------------------------------------------------------------------------------------- told by the hub


@pytest.fixture
def case_id(borough):
    """The first contact's case: the trust has answered, the police have not."""
    line = (borough.folder / "contacts.jsonl").read_bytes().splitlines()[0]
    borough.hub.intake(line + b"\n", "one")
    borough.work(borough.hub, borough.trust)
    (found,) = borough.hub.party.store.cases()
    return found


def notices(party, case_id):
    return [each.body for each in party.store.events(case_id) if isinstance(each.body, Notice)]


def due(borough, case_id, agency=POLICE):
    return next(each.due_at for each in borough.hub.record(case_id).agencies if each.agency == agency)


def theirs(adapter, case_id):
    (request,) = [each for each in adapter.party.store.events(case_id) if isinstance(each.body, Request)]
    return adapter.dossier(case_id, request.digest)


def test_a_whole_case_each_awaited_agency_knows_its_new_deadline_and_who_has_answered_is_left_alone(borough, case_id):
    first = due(borough, case_id)
    for rag in (Rag.amber, Rag.green, Rag.red):
        borough.clock.move(minutes=10)
        desk.rerate(borough.hub, case_id, OFFICER, rag, WHY)
        borough.work(borough.hub)
    assert due(borough, case_id) != first
    borough.police.settings = borough.police.settings.model_copy(update={"answer_after": HOUR})
    borough.work()
    dossier = theirs(borough.police, case_id)
    assert (dossier.request.due_at, dossier.request.rag) == (first, Rag.red)
    assert (dossier.standing.due_at, dossier.standing.rag, dossier.standing.number) == (due(borough, case_id), Rag.red, 3)
    assert [each.number for each in notices(borough.hub.party, case_id)] == [1, 2, 3]
    assert notices(borough.trust.party, case_id) == []
    told = [each for each in entries_of(borough.hub.party) if each.outcome == "notice.police"]
    assert len({each.envelope for each in told}) == 3
    assert {each.operation for each in told} == {Operation.administration}
    heard = [each.outcome for each in entries_of(borough.police.party) if each.outcome.startswith("notice.")]
    assert heard == ["notice.amber", "notice.green", "notice.red"]
    assert not [row for row in rows(borough.hub.party, tables.work) if row.kind == "notice" and not row.done]
    record = borough.hub.record(case_id)
    assert record.version == len(borough.hub.party.store.events(case_id))
    borough.clock.move(hours=2)
    borough.work()
    assert theirs(borough.police, case_id).said


def test_a_notice_says_nothing_of_any_person():
    assert set(Notice.__dataclass_fields__) == {"request_digest", "case_id", "number", "rag", "due_at", "decided_at"}


def test_a_request_that_leaves_after_the_rating_is_told_of_it_once_it_is_sealed(borough):
    line = (borough.folder / "contacts.jsonl").read_bytes().splitlines()[0]
    borough.hub.intake(line + b"\n", "one")
    assert borough.hub._open()
    (case_id,) = borough.hub.party.store.cases()
    desk.rerate(borough.hub, case_id, OFFICER, Rag.green, WHY)
    assert borough.hub._notify()  # nothing is sealed yet: it is looked for again
    assert notices(borough.hub.party, case_id) == []
    borough.work(borough.hub)
    borough.clock.move(minutes=1)
    borough.work(borough.hub)
    (request,) = [
        each.body for each in borough.hub.party.store.events(case_id) if isinstance(each.body, Request) and each.body.agency == POLICE
    ]
    assert request.due_at == due(borough, case_id)
    assert {each.due_at for each in notices(borough.hub.party, case_id)} == {request.due_at}
    assert len(notices(borough.hub.party, case_id)) == 2


def test_a_request_that_never_leaves_is_not_told_of_for_ever(borough):
    line = (borough.folder / "contacts.jsonl").read_bytes().splitlines()[0]
    borough.hub.intake(line + b"\n", "one")
    assert borough.hub._open()
    (case_id,) = borough.hub.party.store.cases()
    desk.rerate(borough.hub, case_id, OFFICER, Rag.amber, WHY)
    borough.clock.at = due(borough, case_id)
    while borough.hub._notify():
        pass
    assert notices(borough.hub.party, case_id) == []
    assert not [row for row in rows(borough.hub.party, tables.work) if row.kind == "notice" and not row.done]


def test_an_agency_that_is_listed_no_more_is_not_told_and_people_are(borough, case_id):
    desk.rerate(borough.hub, case_id, OFFICER, Rag.amber, WHY)
    others = tuple(each for each in borough.hub.party.trust.directory.parties if each.id != POLICE)
    borough.tell(borough.next_directory(parties=others))
    borough.hub._follow()
    assert borough.hub._notify()
    assert not borough.hub._notify()
    assert alarms(borough.hub.party)["not_noticed"] == 1
    assert notices(borough.hub.party, case_id) == []


def test_of_two_officers_who_rate_at_once_one_is_told_to_look_again(borough, case_id, monkeypatch):
    monkeypatch.setattr(desk, "reratings", lambda _: [])  # what the second had read before the first was done
    desk.rerate(borough.hub, case_id, OFFICER, Rag.amber, WHY)
    with pytest.raises(ConfigurationError, match="a moment ago"):
        desk.rerate(borough.hub, case_id, OFFICER, Rag.green, WHY)
    assert len([each for each in borough.hub.party.store.events(case_id) if isinstance(each.body, Rerated)]) == 1


def test_a_notice_that_an_agency_refuses_alarms_at_the_hub(borough, case_id):
    desk.rerate(borough.hub, case_id, OFFICER, Rag.amber, WHY)
    borough.work(borough.hub)
    (sent,) = [each for each in borough.hub.party.store.events(case_id) if isinstance(each.body, Notice)]
    police = borough.police.party
    body = Rejection(answers=sent.digest, reason=Refusal.unsupported, duty_contact=police.settings.contact)
    outgoing = Outgoing(kind=Kind.rejection, recipient=borough.hub.party.id, thread=sent.thread, case_id=None, body=body)
    police.store.apply([Effect(outgoing=(outgoing,))], police.seal, borough.clock.at)
    borough.work(borough.hub, borough.trust)
    borough.police.step()
    borough.work(borough.hub)
    assert alarms(borough.hub.party)["rejected"] == 1


# ---------------------------------------------------------------------------------------------- believed at the agency


@pytest.mark.parametrize(
    ("changes", "heard"),
    [
        ({}, False),
        ({"request_digest": "cancel"}, True),
        ({"case_id": "other"}, True),
        ({"thread": Thread(bytes(16))}, True),
    ],
    ids=["the hub that asked", "what is no request", "another case", "another thread"],
)
@pytest.mark.proves("I3")
def test_a_notice_of_another_case_thread_or_thing_than_was_asked_is_refused_by_name(borough, changes, heard):
    dossier, other = asked(borough, borough.trust), asked(borough, borough.trust, "s47")
    (ours,) = [each.digest for each in dossier.responses]
    changes = {name: {"cancel": ours, "other": other.request.case_id}.get(value, value) for name, value in changes.items()}
    notify(borough, dossier, **changes)
    assert again(borough.trust, dossier).standing.number == (0 if heard else 1)
    refused = [row.reason for row in rows(borough.trust.party, tables.quarantine)]
    assert refused == ([Refusal.no_such_request.value] if heard else [])


def test_a_notice_before_its_request_waits_for_it_and_counts_only_on_its_thread(borough):
    hub, trust = borough.hub.party, borough.trust
    request, thread = request_for(borough, trust, "screening"), Thread(os.urandom(16))
    topic = topic_between(hub.id, trust.party.id)
    digest = sealed(borough, request, Kind.request, thread)
    right = Notice(request_digest=digest, case_id=request.case_id, number=1, rag=Rag.red, due_at=NOW + HOUR, decided_at=NOW)
    sealed(borough, right, Kind.notice, thread)
    sealed(borough, replace(right, number=2, due_at=NOW), Kind.notice, Thread(bytes(16)))
    held = [Publication(topic=row.topic, key=row.key, value=row.value) for row in rows(hub, tables.outbox) if row.topic == topic]
    borough.transport.publish(held[::-1])
    borough.transport.publish(held)  # and once more, in order
    work(trust)
    found = desk_of(trust).dossier(request.case_id, digest)
    assert (found.standing.due_at, found.standing.number) == (NOW + HOUR, 1)
    assert found.said
    told = [each for each in about(trust.party, found) if each.outcome == "notice.red"]
    assert [each.purpose for each in told] == [None, None]  # nobody knew then what it was about
    assert trust.party.store.counts()["quarantined"] == 0


def sealed(borough, body, kind, thread):
    """In the hub's outbox, not yet sent."""
    hub = borough.hub.party
    entry = entries_of(hub)[-1:] or (about_nothing(borough, body),)
    outgoing = Outgoing(kind=kind, recipient=TRUST, thread=thread, case_id=body.case_id, body=body, entries=tuple(entry), keep=True)
    hub.store.apply([Effect(outgoing=(outgoing,))], hub.seal, borough.clock())
    return next(each.digest for each in hub.store.events(body.case_id) if each.body == body)


def about_nothing(borough, body):
    return desk.case_entry(NOW, Operation.disclosure, borough.hub.party.actor, body.case_id, None, "asked")


def test_an_older_notice_after_a_newer_and_the_same_again_change_nothing(borough):
    dossier = asked(borough, borough.trust)
    notify(borough, dossier, number=2, due_at=NOW + 2 * HOUR, rag=Rag.amber, decided_at=NOW + timedelta(minutes=2))
    before = again(borough.trust, dossier).standing
    notify(borough, dossier, number=1, due_at=NOW + 9 * HOUR, rag=Rag.green)
    notify(borough, dossier, number=2, due_at=NOW + 2 * HOUR, rag=Rag.amber, decided_at=NOW + timedelta(minutes=2))
    assert again(borough.trust, dossier).standing == before
    assert before.due_at == NOW + 2 * HOUR


def test_once_overdue_no_notice_gives_more_time(borough):
    dossier = asked(borough, borough.trust, due_at=NOW + HOUR)
    notify(borough, dossier, rag=Rag.green, due_at=NOW + 70 * HOUR, decided_at=NOW + HOUR)
    assert again(borough.trust, dossier).standing.due_at == NOW + HOUR
    notify(borough, dossier, number=2, rag=Rag.red, due_at=NOW + 4 * HOUR, decided_at=NOW + timedelta(minutes=30))
    assert again(borough.trust, dossier).standing.due_at == NOW + HOUR  # nor does an upgrade


def test_a_hub_cannot_fill_an_agencys_case_with_notices(borough, monkeypatch):
    dossier = asked(borough, borough.trust)
    monkeypatch.setattr("agents.adapter.service.MOST_OF_ONE", 2)
    for number in (1, 2, 3):
        notify(borough, dossier, number=number)
    assert again(borough.trust, dossier).standing.number == 1
    assert {row.reason for row in rows(borough.trust.party, tables.quarantine)} == {Refusal.invalid.value}


def test_a_batch_is_counted_with_what_a_case_holds(borough, monkeypatch):
    dossier = asked(borough, borough.trust)
    monkeypatch.setattr("agents.adapter.service.MOST_OF_ONE", 3)
    for number in (1, 2, 3, 4):
        sealed(borough, notice_of(dossier, number=number), Kind.notice, dossier.kept.thread)
    drain(borough.hub.party)
    work(borough.trust)
    assert again(borough.trust, dossier).standing.number == 2  # with the request itself
    assert [row.reason for row in rows(borough.trust.party, tables.quarantine)] == [Refusal.invalid.value] * 2


@pytest.mark.parametrize("kind", [Kind.cancel, Kind.request])
def test_a_hub_cannot_fill_an_agencys_case_with_cancels_or_requests_either(borough, monkeypatch, kind):
    dossier = asked(borough, borough.trust)
    monkeypatch.setattr("agents.adapter.service.MOST_OF_ONE", 2)
    cancelled = Cancel(
        request_digest=dossier.kept.digest,
        case_id=dossier.request.case_id,
        reason=CancelReason.withdrawn,
        officer=OFFICER,
        decided_at=NOW,
        duty_contact=dossier.request.duty_contact,
    )
    for number in range(6):
        again_asked = replace(dossier.request, decided_at=NOW + timedelta(minutes=number))
        body = replace(cancelled, decided_at=again_asked.decided_at) if kind is Kind.cancel else again_asked
        sealed(borough, body, kind, dossier.kept.thread)
    drain(borough.hub.party)
    work(borough.trust)
    assert len([each for each in borough.trust.party.store.events(dossier.request.case_id) if each.sender == borough.hub.party.id]) == 4
    assert [row.reason for row in rows(borough.trust.party, tables.quarantine)] == [Refusal.invalid.value] * 3


@pytest.mark.parametrize("batches", [1, 2], ids=["in one batch", "one by one"])
def test_a_hub_fills_an_agency_with_notices_of_nothing_only_so_far_and_both_are_told(borough, monkeypatch, batches):
    monkeypatch.setattr("agents.adapter.early.MOST_EARLY", 2)
    trust, request = borough.trust, request_for(borough, borough.trust, "screening")
    invented = Notice(request_digest=Digest(bytes(32)), case_id=uuid4(), number=1, rag=Rag.red, due_at=NOW + HOUR, decided_at=NOW)
    for number in range(4):
        sealed(borough, replace(invented, request_digest=Digest(bytes([number] * 32)), case_id=uuid4()), Kind.notice, Thread(bytes(16)))
        if batches > 1:
            drain(borough.hub.party)
            work(trust)
    drain(borough.hub.party)
    work(trust)
    assert trust.party.store.counts()["events.notice"] == 2
    assert [row.reason for row in rows(trust.party, tables.quarantine)] == [Refusal.no_such_request.value] * 2
    assert alarms(trust.party)["too_early"] == 2
    work(borough.hub)
    assert alarms(borough.hub.party)["rejected"] == 2
    digest = sealed(borough, request, Kind.request, Thread(bytes(16)))  # who asks is still answered, and its notices still heard
    sealed(borough, replace(invented, request_digest=digest, case_id=request.case_id), Kind.notice, Thread(bytes(16)))
    drain(borough.hub.party)
    work(trust)
    assert desk_of(trust).dossier(request.case_id, digest).standing.number == 1
    borough.clock.move(days=15)
    assert trust.party.store.early(Kind.notice, Kind.request, borough.hub.party.id, borough.clock() - LIFETIME) == 0


def test_a_notice_of_a_request_that_was_refused_waits_for_nothing(borough):
    trust, request = borough.trust, request_for(borough, borough.trust, "screening", agency=POLICE)
    digest = sealed(borough, request, Kind.request, Thread(bytes(16)))
    drain(borough.hub.party)
    work(trust)
    early = Notice(request_digest=digest, case_id=request.case_id, number=1, rag=Rag.red, due_at=NOW + HOUR, decided_at=NOW)
    sealed(borough, early, Kind.notice, Thread(bytes(16)))
    drain(borough.hub.party)
    work(trust)
    assert {row.reason for row in rows(trust.party, tables.quarantine)} == {Refusal.invalid.value, Refusal.no_such_request.value}
    assert "events.notice" not in trust.party.store.counts()


# ---------------------------------------------------------------------------------------------- what goes by the deadline


def test_a_failing_source_is_asked_the_last_time_at_the_new_deadline(borough):
    trust = borough.trust
    failing = put(trust, Known(error=DOWN))
    dossier = asked(borough, trust, "s47", due_at=NOW + 9 * HOUR)
    borough.clock.move(hours=1)
    work(trust)
    notify(borough, dossier, due_at=NOW + HOUR + timedelta(minutes=1))
    before = len(failing.calls)
    borough.clock.at = NOW + HOUR + timedelta(minutes=1)
    while trust.party.store.has_work(borough.clock.at):
        work(trust)
    assert len(failing.calls) > before
    before = len(failing.calls)
    borough.clock.move(hours=9)
    work(trust)
    assert len(failing.calls) - before <= len({each.subject_ref for each in dossier.request.questions})  # what was under way by then
    assert not trust.party.store.has_work()


def test_more_time_is_more_time_for_a_source_that_fails_also_when_it_comes_at_the_last_moment(borough):
    trust = borough.trust
    put(trust, Known(error=DOWN))
    dossier = asked(borough, trust, "s47", due_at=NOW + timedelta(minutes=2))
    for seconds in (30, 60, 30):
        borough.clock.move(seconds=seconds)
        work(trust)
    assert not trust.party.store.has_work()  # it was asked the last time
    notify(borough, dossier, rag=Rag.green, due_at=NOW + 70 * HOUR, decided_at=NOW + timedelta(minutes=1))
    put(trust, Known(HELD))
    borough.clock.move(minutes=1)
    work(trust)
    assert {each.status for each in answers(trust, dossier).values()} == {Status.released, Status.none_held}
    assert not trust.party.store.has_work()


def test_two_notices_do_not_make_a_failing_source_be_asked_twice_as_often(borough):
    trust = borough.trust
    failing = put(trust, Known(error=DOWN))
    dossier = asked(borough, trust, "s47", due_at=NOW + 30 * HOUR)
    for number in (1, 2, 3):
        notify(borough, dossier, number=number, due_at=NOW + 20 * HOUR)
    borough.clock.move(hours=2)
    work(trust)
    borough.clock.move(hours=2)
    work(trust)
    before = len(failing.calls)
    for _ in range(12):
        borough.clock.move(minutes=10)
        work(trust)
    each = len({each.subject_ref for each in dossier.request.questions})
    assert (len(failing.calls) - before) // each <= 13


def test_a_notice_makes_no_answer_come_before_its_time(borough):
    trust = borough.trust
    trust.settings = trust.settings.model_copy(update={"answer_after": timedelta(minutes=5)})
    dossier = asked(borough, trust)
    notify(borough, dossier)
    assert again(trust, dossier).revision == 0
    borough.clock.move(minutes=5)
    work(trust)
    assert again(trust, dossier).revision == 1


def test_a_notice_of_what_was_cancelled_starts_nothing(borough):
    dossier = asked(borough, borough.trust, "s47", due_at=NOW + 9 * HOUR)
    desk_calls = only(borough.trust).system.calls
    cancel(borough, dossier)
    desk_calls.clear()
    notify(borough, dossier)
    assert desk_calls == []
    assert not borough.trust.party.store.has_work()


def cancel(borough, dossier):

    body = Cancel(
        request_digest=dossier.kept.digest,
        case_id=dossier.request.case_id,
        reason=CancelReason.withdrawn,
        officer=OFFICER,
        decided_at=NOW,
        duty_contact=dossier.request.duty_contact,
    )
    sent_by_hub(borough, body, Kind.cancel, TRUST, dossier.kept.thread)
    work(borough.trust)


WORKING = Duty.model_validate(
    {
        "days": ["tue"],
        "hours": "09:00-17:00",
        "out_of_hours": {"name": "Emergency duty team", "phone": "01632 960999", "hours": "nights"},
    }
)


def test_a_new_deadline_while_nobody_is_on_duty_says_at_once_whom_to_ring_and_nothing_else_anew(borough):
    trust = borough.trust
    trust.settings = trust.settings.model_copy(update={"duty": WORKING})
    dossier = asked(borough, trust)
    first = answers(trust, dossier)
    assert {each.duty_contact.name for each in first.values()} == {trust.party.settings.contact.name}
    borough.clock.at = NOW + 6 * HOUR  # six in the evening
    notify(borough, dossier, due_at=NOW + 8 * HOUR, decided_at=borough.clock.at)
    second = answers(trust, dossier)
    assert again(trust, dossier).revision == 2
    waiting = {key for key, each in second.items() if each.status is Status.in_review}
    assert waiting
    assert {second[key].duty_contact.name for key in waiting} == {"Emergency duty team"}
    contact = first[next(iter(first))].duty_contact
    assert {key: replace(each, duty_contact=contact) for key, each in second.items()} == first
    notify(borough, dossier, number=2, due_at=NOW + 7 * HOUR, decided_at=borough.clock.at)
    assert again(trust, dossier).revision == 2  # the same contact is not said twice


def test_the_queue_goes_by_the_new_deadline_and_says_that_it_was_moved(borough):
    trust = borough.trust
    early = asked(borough, trust, due_at=NOW + 5 * HOUR)
    late = asked(borough, trust, due_at=NOW + 24 * HOUR)
    officers = desk_of(trust)
    assert officers.queue()[0].dossier.kept.digest == early.kept.digest
    (plain, *_) = [each for each in officers.queue() if each.dossier.kept.digest == late.kept.digest]
    assert "moved" not in waiting_line(plain, ())
    notify(borough, late, due_at=NOW + 2 * HOUR)
    first = officers.queue()[0]
    assert first.dossier.kept.digest == late.kept.digest
    facts = waiting_json(first, ())
    assert (facts["due_at"], facts["rag"]) == ((NOW + 2 * HOUR).isoformat(), "red")
    assert facts["asked_as"] == {"rag": late.request.rag.value, "due_at": late.request.due_at.isoformat()}
    assert "due 24 Nov 14:00 (moved from 25 Nov 12:00)" in waiting_line(first, ())
    sight = officers.show(first, SHAH)
    assert any("RAG red (asked as green" in line or "RAG red (asked as amber" in line for line in sight_lines(sight, ()))
    assert sight_json(sight, ())["due_at"] == (NOW + 2 * HOUR).isoformat()


def test_a_higher_rating_moves_the_deadline_and_never_what_may_be_said(borough):
    dossier = asked(borough, borough.trust)
    before = answers(borough.trust, dossier)
    notify(borough, dossier)
    assert answers(borough.trust, dossier) == before
    assert "notice.red" in outcomes(borough.trust.party)


def test_a_notice_brings_back_nothing_that_was_taken_back_without_a_word(borough):
    dossier = asked(borough, borough.trust, "s47", due_at=NOW + 9 * HOUR)
    take_back(borough.trust, dossier, CorrectionReason.wrong_person, silent=True)
    before = again(borough.trust, dossier).revision
    notify(borough, dossier)
    assert (again(borough.trust, dossier).revision, answers(borough.trust, dossier)) == (before, {})
    assert not borough.trust.party.store.has_work()
