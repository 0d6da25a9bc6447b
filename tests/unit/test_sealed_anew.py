"""docs §5.3: what has expired is told and sealed anew while it is still wanted; never twice for one rejection, and never for ever."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import desks
import pytest
import sqlalchemy as sa
from desks import HELD, Known, again, asked, desk_of, sent_by_hub, take_back, work
from small_borough import NOW, SmallBorough, alarms, entries_of, rows
from sources_of import only, put

from agents.adapter import anew as adapter_anew
from agents.adapter.sources.opening import close_sources
from agents.demo.ceremony import renew
from agents.hub import anew as hub_anew
from agents.hub.desk import rerate, withdraw
from agents.logged import found
from broker import anew
from broker.effect import Effect, Outgoing
from broker.envelope import header_of
from broker.publish import drain
from broker.store import tables
from broker.times import EPOCH, LIFETIME
from schemas.enums import AgencyStatus, CancelReason, CorrectionReason, Kind, Operation, Rag, Refusal, Status
from schemas.events import Overdue
from schemas.identifiers import Digest, Thread
from schemas.records import Cancel, Correction, Rejection, Request, Response

LONG = replace(HELD, fields=tuple((name, "word " * 1600) for name, _ in HELD.fields[:1]))


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    made = SmallBorough(tmp_path_factory.mktemp("founded"), contacts=1)
    yield made
    made.close()


@pytest.fixture
def borough(tmp_path, founded):
    made = SmallBorough(tmp_path, like=founded.folder)
    for adapter in made.adapters:
        close_sources(adapter.sources)
        put(adapter, Known(HELD))
    yield made
    made.close()


def later(borough, by=LIFETIME + EPOCH):
    """So much later, with the keys and the snapshot of that day; sources are as fresh as they were."""
    borough.clock.at += by
    borough.tell(*renew(borough.folder, borough.clock.at))
    for adapter in borough.adapters:
        only(adapter).system.as_of = borough.clock.at
    for party in borough.parties:
        party.reload_keys()


def kept(party, kind):
    """All of a kind, oldest first; of one time in an order of their own."""
    events = [each for case in party.store.cases() for each in party.store.events(case) if isinstance(each.body, kind)]
    return sorted(events, key=lambda each: (each.at, getattr(each.body, "agency", ""), getattr(each.body, "part", 0)))


def sent_under(party, kind):
    """The headers of all of a kind that a party put into its outbox, in order."""
    found = [header_of(row.value) for row in rows(party, tables.outbox) if row.recipient]
    return [each for each in found if each.kind is kind]


def states(borough):
    (case,) = borough.hub.party.store.cases()
    return {each.agency: each for each in borough.hub.record(case).agencies}


def reject(sender, answers, recipient, thread, reason=Refusal.expired):
    """A rejection as `receive` makes it, or as a party that is at fault may make it."""
    body = Rejection(answers=answers, reason=reason, duty_contact=sender.settings.contact)
    outgoing = Outgoing(kind=Kind.rejection, recipient=recipient, thread=thread, case_id=None, body=body)
    sender.store.apply([Effect(outgoing=(outgoing,))], sender.seal, sender.now())
    drain(sender)


# ---------------------------------------------------------------------------------------------- requests


def test_a_request_that_expired_on_its_way_is_sealed_anew_once_and_answered(borough):
    hub = borough.hub
    borough.take_in()
    borough.work(hub)
    first = kept(hub.party, Request)
    later(borough)
    borough.work()
    second = kept(hub.party, Request)[len(first) :]
    assert [each.body for each in second] == [each.body for each in first]  # the very same, one for each
    assert [each.thread for each in second] == [each.thread for each in first]
    assert {each.digest for each in first}.isdisjoint({each.digest for each in second})
    headers = sent_under(hub.party, Kind.request)
    assert [each.sent_at for each in headers] == [NOW] * len(first) + [borough.clock.at] * len(second)
    for adapter in borough.adapters:
        numbers = [each.sequence for each in headers if each.recipient == adapter.party.id]
        assert numbers == [1, 2]
        received = Counter(row.state for row in rows(adapter.party, tables.received) if row.topic.startswith("mash."))
        assert received == {"expired": 1, "accepted": 1}
        assert rows(adapter.party, tables.quarantine) == []
    assert {each.status for each in states(borough).values()} == {AgencyStatus.answered}
    asked_of = [each.envelope for each in entries_of(hub.party) if each.operation is Operation.disclosure]
    for one in (*first, *second):
        assert asked_of.count(one.digest) == len(one.body.questions)
    assert all(each.logged.id for each in found(hub.party))  # each decision that was logged can be rebuilt
    later(borough)
    borough.work()
    assert len(kept(hub.party, Request)) == len(first) + len(second)


def test_a_request_that_was_withdrawn_meanwhile_is_not_sealed_anew(borough):
    hub = borough.hub
    borough.take_in()
    borough.work(hub)
    (case,) = hub.party.store.cases()
    withdraw(hub, case, desks.SHAH, CancelReason.withdrawn, [borough.police.party.id])
    later(borough)
    borough.work()
    assert Counter(each.body.agency for each in kept(hub.party, Request)) == {borough.police.party.id: 1, borough.trust.party.id: 2}
    assert states(borough)[borough.police.party.id].status is AgencyStatus.cancelled


def withdrawn_while_away(borough):
    """The trust's case: it opened the request and then was away, so that the withdrawal came too late."""
    hub, trust = borough.hub, borough.trust
    trust.settings = trust.settings.model_copy(update={"answer_after": LIFETIME * 3})
    borough.take_in()
    borough.work()
    (case,) = hub.party.store.cases()
    withdraw(hub, case, desks.SHAH, CancelReason.withdrawn, [trust.party.id])
    work(hub)
    return case


def test_a_cancel_that_expired_unseen_still_reaches_the_agency_that_may_answer(borough):
    case, hub, trust = withdrawn_while_away(borough), borough.hub, borough.trust
    later(borough)
    borough.work()
    first, second = kept(hub.party, Cancel)
    assert first.body == second.body
    (request,) = kept(trust.party, Request)
    assert desk_of(trust).dossier(case, request.digest).cancelled
    assert states(borough)[trust.party.id].status is AgencyStatus.cancelled
    told = [each for each in entries_of(hub.party) if each.envelope == second.digest]
    assert [each.outcome for each in told] == ["withdrawn.withdrawn"]
    later(borough, LIFETIME * 3)
    borough.work()
    assert sent_under(trust.party, Kind.response) == []  # nothing is looked for any more
    assert len(kept(hub.party, Cancel)) == 2


@pytest.mark.parametrize("why", ["answered", "refused"])
def test_a_cancel_of_what_is_answered_or_was_never_opened_is_not_sealed_anew(borough, why):
    hub, trust, case = borough.hub, borough.trust, None
    if why == "answered":
        case = withdrawn_while_away(borough)
        trust.settings = trust.settings.model_copy(update={"answer_after": timedelta(0)})
        with tables.transaction(trust.party.store.engine) as connection:
            connection.execute(sa.update(tables.work).values(not_before=NOW))
        trust._answer()
        drain(trust.party)
    else:
        borough.take_in()
        work(hub)
        (case,) = hub.party.store.cases()
        withdraw(hub, case, desks.SHAH, CancelReason.withdrawn, [trust.party.id])
        work(hub)
    work(hub)
    later(borough)
    borough.work()
    assert len(kept(hub.party, Cancel)) == 1
    assert alarms(hub.party)["rejected"] >= 1


def test_only_whom_a_cancel_was_sent_to_can_have_it_sealed_anew(borough):
    withdrawn_while_away(borough)
    hub, (cancel,) = borough.hub, kept(borough.hub.party, Cancel)
    later(borough, EPOCH)
    reject(borough.police.party, cancel.digest, hub.party.id, cancel.thread)
    reject(borough.trust.party, cancel.digest, hub.party.id, Thread(bytes(16)))
    work(hub)
    assert len(kept(hub.party, Cancel)) == 1
    reject(borough.trust.party, cancel.digest, hub.party.id, cancel.thread)
    work(hub)
    assert len(kept(hub.party, Cancel)) == 2


@pytest.mark.parametrize("reason", [Refusal.expired, Refusal.invalid])
def test_a_request_that_was_answered_or_refused_for_another_reason_is_not_sealed_anew(borough, reason):
    hub, trust = borough.hub, borough.trust
    borough.take_in()
    borough.work(hub)
    if reason is Refusal.expired:
        borough.work()  # and answered
    (request,) = [each for each in kept(hub.party, Request) if each.body.agency == trust.party.id]
    reject(trust.party, request.digest, hub.party.id, request.thread, reason)
    borough.work(hub)
    later(borough)
    borough.work(hub)
    assert len([each for each in kept(hub.party, Request) if each.body.agency == trust.party.id]) == 1


def test_only_whom_it_was_sent_to_can_have_it_sealed_anew(borough):
    hub, police, trust = borough.hub, borough.police, borough.trust
    borough.take_in()
    borough.work(hub)
    (request,) = [each for each in kept(hub.party, Request) if each.body.agency == trust.party.id]
    reject(police.party, request.digest, hub.party.id, request.thread)
    reject(trust.party, request.digest, hub.party.id, Thread(bytes(16)))
    reject(trust.party, Digest(bytes(32)), hub.party.id, request.thread)
    work(hub)
    later(borough, EPOCH)
    work(hub)
    assert len([each for each in kept(hub.party, Request) if each.body.agency == trust.party.id]) == 1


def test_two_rejections_of_one_envelope_seal_it_anew_once(borough):
    hub, trust = borough.hub, borough.trust
    borough.take_in()
    borough.work(hub)
    (request,) = [each for each in kept(hub.party, Request) if each.body.agency == trust.party.id]
    for _ in range(2):
        reject(trust.party, request.digest, hub.party.id, request.thread)
        work(hub)
    assert len([each for each in kept(hub.party, Request) if each.body.agency == trust.party.id]) == 1  # its key is of this week
    later(borough, EPOCH)
    for _ in range(2):
        work(hub)
        reject(trust.party, request.digest, hub.party.id, request.thread)
    assert len([each for each in kept(hub.party, Request) if each.body.agency == trust.party.id]) == 2


def test_two_parties_never_loop_an_agency_that_lost_its_keys_is_asked_once_a_week_and_then_people_are_told(borough, monkeypatch):
    hub, trust = borough.hub, borough.trust
    borough.take_in()
    borough.work(hub)
    monkeypatch.setattr(trust.party, "reload_keys", lambda: False)
    counts = []
    for _ in range(6):
        trust.party.keys = replace(trust.party.keys, opening={})
        for _ in range(2):  # whatever comes back is acted on at once
            borough.work()
        counts.append(sum(each.body.agency == trust.party.id for each in kept(hub.party, Request)))
        later(borough, EPOCH)
    assert counts == [1, 2, 3, 4, 4, 4]
    assert counts[-1] == 1 + anew.MOST
    assert alarms(hub.party)["expired_again"] == 1
    state = states(borough)[trust.party.id]
    assert state.status in {AgencyStatus.rejected, AgencyStatus.overdue}
    assert states(borough)[borough.police.party.id].status is AgencyStatus.answered
    monkeypatch.undo()
    trust.party.reload_keys()
    assert [each.reason for each in rows(trust.party, tables.quarantine)] == []


def test_a_request_that_may_not_be_asked_any_more_is_not_sealed_anew(borough):
    hub = borough.hub
    borough.take_in()
    borough.work(hub)
    later(borough)
    for adapter in borough.adapters:
        work(adapter)
    directory = borough.next_directory(packs=(Digest(bytes(32)),))
    borough.tell(directory)
    work(hub)
    assert len(kept(hub.party, Request)) == len(borough.adapters)
    assert alarms(hub.party)["not_asked"] == len(borough.adapters)


def refused_as_expired(borough):
    """The trust's request, which it says came too late."""
    hub, trust = borough.hub, borough.trust
    borough.take_in()
    borough.work(hub)
    (request,) = [each for each in kept(hub.party, Request) if each.body.agency == trust.party.id]
    reject(trust.party, request.digest, hub.party.id, request.thread)
    borough.work(hub)
    assert states(borough)[trust.party.id].status is AgencyStatus.rejected
    return request


def test_a_deadline_that_passes_while_a_request_waits_to_be_sealed_anew_is_silence_all_the_same(borough):
    hub, trust, request = borough.hub, borough.trust, refused_as_expired(borough)
    borough.clock.at = request.body.due_at
    borough.work(hub)
    assert trust.party.id in {each.body.agency for each in kept(hub.party, Overdue)}
    assert states(borough)[trust.party.id].status is AgencyStatus.rejected  # somebody has to ring
    later(borough, EPOCH)
    borough.work(hub)
    assert states(borough)[trust.party.id].status is AgencyStatus.overdue


def test_what_is_sealed_anew_after_a_new_rating_has_its_deadline_and_is_told_of_it(borough):
    hub, trust, request = borough.hub, borough.trust, refused_as_expired(borough)
    (case,) = hub.party.store.cases()
    other = Rag.amber if request.body.rag is Rag.red else Rag.red
    rerate(hub, case, desks.SHAH, other, "The school has told of something new today, which changes how urgent this is.")
    later(borough, EPOCH)
    borough.work()
    again_asked = max((each for each in kept(hub.party, Request) if each.body.agency == trust.party.id), key=lambda each: each.at)
    assert again_asked.digest != request.digest
    assert again_asked.body.due_at == states(borough)[trust.party.id].due_at
    standing = desk_of(trust).dossier(case, again_asked.digest).standing
    assert (standing.number, standing.rag) == (1, other)


def test_of_a_withdrawal_and_a_new_seal_at_the_same_moment_the_withdrawal_stands(borough, monkeypatch):
    hub, trust, request = borough.hub, borough.trust, refused_as_expired(borough)
    wanted = hub_anew._wanted

    def withdrawn_meanwhile(events, sent):
        found = wanted(events, sent)
        withdraw(hub, request.body.case_id, desks.SHAH, CancelReason.withdrawn, [trust.party.id])
        return found

    monkeypatch.setattr(hub_anew, "_wanted", withdrawn_meanwhile)
    later(borough, EPOCH)
    hub.step()
    monkeypatch.undo()
    borough.work(hub)
    assert [each.digest for each in kept(hub.party, Request) if each.body.agency == trust.party.id] == [request.digest]
    assert states(borough)[trust.party.id].status is AgencyStatus.cancelled


# ---------------------------------------------------------------------------------------------- answers


def test_an_answer_that_would_not_go_without_a_person_today_is_not_sealed_anew(borough):
    dossier = asked(borough, borough.trust, "s47")
    (first,) = said(borough, dossier)
    assert Status.released in {each.status for each in first.body.answers}
    expired(borough, dossier, first.digest)
    borough.tell(borough.next_directory(packs=()))
    work(borough.trust)
    assert said(borough, dossier) == [first]
    assert alarms(borough.trust.party)["not_sealed_anew"] == 1


@pytest.mark.parametrize(("rows_held", "many"), [((HELD,), False), ((LONG,) * 40, True)])
def test_an_answer_that_expired_on_its_way_is_sealed_anew_part_by_part_and_joined(borough, rows_held, many):
    hub, trust = borough.hub, borough.trust
    put(trust, Known(*rows_held))
    borough.take_in()
    borough.work(hub)
    borough.work(trust)
    first = kept(trust.party, Response)
    assert (len(first) > 1) is many
    later(borough)
    borough.work(hub, trust)
    second = kept(trust.party, Response)[len(first) :]
    assert [each.body for each in second] == [each.body for each in first]
    assert [each.sent_at for each in sent_under(trust.party, Kind.response)] == [NOW] * len(first) + [borough.clock.at] * len(first)
    state = states(borough)[trust.party.id]
    assert (state.status, state.revision, state.conflict) == (AgencyStatus.answered, 1, False)
    disclosed = Counter(each.envelope for each in entries_of(trust.party) if each.operation is Operation.disclosure)
    assert disclosed == {each.digest: len(each.body.answers) for each in (*first, *second)}
    assert {each.digest for each in kept(hub.party, Response)} == {each.digest for each in second}
    decisions = [each.logged.id for each in found(trust.party)]
    assert len(decisions) == len(set(decisions)) == sum(len(each.body.answers) for each in first)  # nothing was decided twice
    later(borough)
    borough.work()
    assert len(kept(trust.party, Response)) == len(first) + len(second)


def expired(borough, dossier, answers):
    """The hub says that it could not open this any more; a week later, so that it might be sealed anew at once."""
    reject(borough.hub.party, answers, borough.trust.party.id, dossier.kept.thread)
    later(borough, EPOCH)


def said(borough, dossier, kind=Response):
    return [each for each in borough.trust.party.store.events(dossier.request.case_id) if isinstance(each.body, kind)]


def test_an_answer_that_a_later_one_replaces_is_not_sealed_anew(borough):
    only(borough.trust).system.error = OSError()
    dossier = asked(borough, borough.trust, "s47")
    only(borough.trust).system.error = None
    borough.clock.move(minutes=1)
    work(borough.trust)
    first, second = said(borough, dossier)
    expired(borough, dossier, first.digest)
    work(borough.trust)
    assert len(said(borough, dossier)) == 2
    expired(borough, dossier, second.digest)
    work(borough.trust)
    assert [each.body.revision for each in said(borough, dossier)] == [1, 2, 2]


@pytest.mark.parametrize("how", ["cancelled", "taken back"])
def test_an_answer_that_is_cancelled_or_taken_back_is_not_sealed_anew(borough, how):
    dossier = asked(borough, borough.trust, "s47")
    (answer,) = said(borough, dossier)
    reject(borough.hub.party, answer.digest, borough.trust.party.id, dossier.kept.thread)
    work(borough.trust)  # it will be, next week
    if how == "cancelled":
        withdrawn = cancel_of(dossier)
        sent_by_hub(borough, withdrawn, Kind.cancel, borough.trust.party.id, dossier.kept.thread)
        work(borough.trust)
    else:
        assert take_back(borough.trust, dossier, CorrectionReason.unlawful, silent=True)
    later(borough, EPOCH)
    work(borough.trust)
    assert sent_under(borough.trust.party, Kind.response)[0].sent_at == NOW
    assert len(sent_under(borough.trust.party, Kind.response)) == 1
    assert not borough.trust.party.store.has_work(borough.clock.at)


def cancel_of(dossier):
    return Cancel(
        request_digest=dossier.kept.digest,
        case_id=dossier.request.case_id,
        reason=CancelReason.withdrawn,
        officer=replace(desks.SHAH, id="hub-1"),
        decided_at=NOW,
        duty_contact=dossier.request.duty_contact,
    )


def test_what_is_taken_back_while_it_is_being_sealed_anew_is_not_sealed(borough, monkeypatch):
    """Whoever decides to seal it and then comes second to the correction finds its name taken."""
    dossier = asked(borough, borough.trust, "s47")
    (answer,) = said(borough, dossier)
    expired(borough, dossier, answer.digest)
    is_wanted = adapter_anew._is_wanted

    def then_taken_back(body, held):
        wanted = is_wanted(body, held)
        if wanted:
            take_back(borough.trust, dossier, CorrectionReason.wrong_person, silent=True)
        return wanted

    monkeypatch.setattr(adapter_anew, "_is_wanted", then_taken_back)
    work(borough.trust)
    assert len(sent_under(borough.trust.party, Kind.response)) == 1
    borough.clock.move(minutes=6)  # the work's lease has run out
    work(borough.trust)
    assert len(sent_under(borough.trust.party, Kind.response)) == 1
    assert said(borough, dossier) == []  # erased
    assert not borough.trust.party.store.has_work(borough.clock.at)


def test_what_was_sealed_anew_a_moment_before_it_is_taken_back_is_erased_with_it(borough):
    dossier = asked(borough, borough.trust, "s47")  # as whoever takes it back has read it
    (answer,) = said(borough, dossier)
    expired(borough, dossier, answer.digest)
    work(borough.trust)
    assert len(said(borough, dossier)) == 2
    desk = desk_of(borough.trust)
    assert desks.correct(desk, desk.asked(dossier.kept), dossier, CorrectionReason.wrong_person, desks.SHAH, silent=True)
    work(borough.trust)
    assert said(borough, dossier) == []
    assert again(borough.trust, dossier).responses == ()
    erased = [each.envelope for each in entries_of(borough.trust.party) if each.operation is Operation.erasure]
    assert len(erased) == len(set(erased)) == 2


def test_a_correction_that_expired_on_its_way_is_sealed_anew_and_hides_what_it_takes_back(borough):
    hub, trust = borough.hub, borough.trust
    borough.take_in()
    borough.work()
    (request,) = kept(trust.party, Request)
    dossier = desk_of(trust).dossier(request.body.case_id, request.digest)
    take_back(trust, dossier, CorrectionReason.wrong_person, silent=True)
    work(trust)
    later(borough)
    borough.work(hub, trust)
    one, two = kept(trust.party, Correction)
    assert one.body == two.body
    record = hub.record(request.body.case_id)
    assert [each.correction for each in record.corrected] == [two.digest]
    assert [each for each in record.answers if each.agency == trust.party.id] == []
    entered = [each.envelope for each in entries_of(trust.party) if each.outcome == "corrected.wrong_person"]
    assert entered == [one.digest, two.digest]
    assert len([each for each in entries_of(trust.party) if each.operation is Operation.erasure]) == 1
