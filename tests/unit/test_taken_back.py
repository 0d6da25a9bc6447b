"""What is cancelled is not looked for, what is taken back is hidden and erased, and what failed is asked for again."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import desks
import pytest
from desks import (
    ED,
    HELD,
    HELD_BY_POLICE,
    REASON,
    SHAH,
    Known,
    about,
    again,
    answers,
    asked,
    desk_of,
    dossiers_of,
    request_for,
    sent_by_hub,
    waits,
    work,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from small_borough import NOW, SmallBorough, rows
from sources_of import only, put

from agents.adapter.review import Hindrance
from agents.hub.casework import case_record
from broker.store import tables
from schemas.enums import CancelReason, CorrectionReason, Kind, Operation, Refusal, Status
from schemas.errors import SourceUnavailableError, StoreUnavailableError
from schemas.identifiers import Digest, SubjectRef, Thread
from schemas.records import Cancel, Correction, Response


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    made = SmallBorough(tmp_path_factory.mktemp("founded"))
    yield made
    made.close()


@pytest.fixture
def borough(tmp_path, founded):
    """A borough of one test's own, with a source of its own."""
    made = SmallBorough(tmp_path, like=founded.folder)
    only(made.trust).system.close()
    put(made.trust, Known(HELD))
    yield made
    made.close()


# ---------------------------------------------------------------------------------------------- cancelled


def cancel_of(request, digest, **changes):
    plain = Cancel(
        request_digest=digest,
        case_id=request.case_id,
        reason=CancelReason.withdrawn,
        officer=replace(SHAH, id="hub-1"),
        decided_at=NOW,
        duty_contact=request.duty_contact,
    )
    return replace(plain, **changes)


def cancel(borough, dossier, thread=None, **changes):
    body = cancel_of(dossier.request, dossier.kept.digest, **changes)
    sent_by_hub(borough, body, Kind.cancel, borough.trust.party.id, thread or dossier.kept.thread)
    work(borough.trust)


def test_a_cancelled_request_leaves_the_queue_and_its_cancel_is_entered(borough):
    dossier = asked(borough, borough.trust)
    assert dossier.waiting()
    cancel(borough, dossier)
    found = again(borough.trust, dossier)
    assert (found.cancelled, found.waiting(), found.revision) == (True, [], 1)
    (told,) = [each for each in about(borough.trust.party, dossier) if each.outcome == "cancel.withdrawn"]
    assert (told.actor.id, told.operation) == ("hub-1", Operation.administration)
    kept = borough.trust.party.store.events(dossier.request.case_id)
    assert told.envelope == next(each.digest for each in kept if isinstance(each.body, Cancel))


def test_work_on_a_cancelled_request_looks_for_nothing_and_answers_nothing(borough):
    trust = borough.trust
    trust.settings = trust.settings.model_copy(update={"answer_after": timedelta(minutes=5)})
    dossier = asked(borough, trust)
    cancel(borough, dossier)
    borough.clock.move(minutes=5)
    work(trust)
    assert (again(trust, dossier).revision, only(trust).system.calls) == (0, [])
    assert not trust.party.store.has_work()
    assert [each.outcome for each in about(trust.party, dossier)] == ["begun", "cancel.withdrawn", "cancelled"]


def test_a_cancel_in_one_batch_with_its_request_is_believed(borough):
    request, thread = request_for(borough, borough.trust, "screening"), Thread(os.urandom(16))
    digest = sent_by_hub(borough, request, Kind.request, borough.trust.party.id, thread)
    sent_by_hub(borough, cancel_of(request, digest), Kind.cancel, borough.trust.party.id, thread)
    work(borough.trust)
    found = desk_of(borough.trust).dossier(request.case_id, digest)
    assert (found.cancelled, found.revision) == (True, 0)
    assert borough.trust.party.store.counts()["quarantined"] == 0


@pytest.mark.parametrize(
    "changes",
    [{"request_digest": Digest(bytes(32))}, {"case_id": uuid4()}, {"thread": Thread(bytes(16))}],
    ids=["an unknown request", "another case", "another thread"],
)
@pytest.mark.proves("I3")
def test_a_cancel_of_no_request_of_this_hub_case_and_thread_is_refused_by_name(borough, changes):
    dossier = asked(borough, borough.trust)
    cancel(borough, dossier, **changes)
    assert not again(borough.trust, dossier).cancelled
    assert again(borough.trust, dossier).waiting()
    assert [row.reason for row in rows(borough.trust.party, tables.quarantine)] == [Refusal.no_such_request.value]


# ---------------------------------------------------------------------------------------------- taken back


def take_back(borough, dossier, reason, **options):
    done = desks.take_back(borough.trust, dossier, reason, **options)
    work(borough.trust)
    return done


def joined(borough, dossier):
    """The hub's case with the agency's correction as the hub receives it: a case is a set, so that twice is once."""
    case = dossier.request.case_id
    corrections = [each for each in borough.trust.party.store.events(case) if isinstance(each.body, Correction)]
    return case_record([*borough.hub.party.store.events(case), *corrections])


def bodies(party, dossier):
    return [each.body for each in party.store.events(dossier.request.case_id)]


def test_a_wrong_person_is_hidden_at_the_hub_erased_here_and_a_person_decides_anew(borough):
    borough.take_in()
    borough.work()
    trust = borough.trust
    dossier = next(each for each in dossiers_of(trust) if any(one.answer.items for one in each.said.values()))
    (envelope,) = [each.digest for each in dossier.responses]
    only(trust).system.calls.clear()
    borough.clock.move(minutes=1)
    assert take_back(borough, dossier, CorrectionReason.wrong_person)
    borough.work()
    record = joined(borough, dossier)
    found = [each for each in record.answers if each.agency == trust.party.id]
    assert {(each.revision, each.answer.status) for each in found} == {(3, Status.contact_us)}
    assert len(found) == len(dossier.request.questions)
    assert not any(each.answer.items or each.answer.searched for each in found)
    (corrected,) = record.corrected
    assert (corrected.corrects, corrected.reason, corrected.officer) == ((envelope,), CorrectionReason.wrong_person, SHAH)
    assert only(trust).system.calls == []  # nothing was looked up
    assert trust.party.store.event(dossier.request.case_id, envelope) is None
    told = [(each.operation, each.outcome, each.envelope) for each in about(trust.party, dossier) if each.actor == SHAH]
    assert told == [
        (Operation.alteration, "corrected.wrong_person", corrected.correction),
        (Operation.erasure, "erased.wrong_person", envelope),
    ]
    waiting = again(trust, dossier).waiting()
    assert len(waiting) == len(dossier.request.questions)
    desk = desk_of(trust)
    assert desk.why(waiting[0]) == ("corrected",)
    desk.show(waits(trust, dossier), SHAH)
    assert desk.release(waits(trust, dossier), SHAH) is None  # the right person this time
    borough.work()
    theirs = [each for each in joined(borough, dossier).answers if each.agency == trust.party.id]
    (again_released,) = [each for each in theirs if each.answer.items]
    assert (again_released.revision, again_released.answer.reviewed_by) == (4, SHAH)


def test_only_the_subjects_named_are_for_a_person_to_decide_anew(borough):
    dossier = asked(borough, borough.trust, "s47")
    take_back(borough, dossier, CorrectionReason.wrong_person, about=frozenset({SubjectRef("s2")}))
    found = answers(borough.trust, dossier)
    assert {said.status for (ref, _), said in found.items() if ref == "s2"} == {Status.contact_us}
    assert {said.status for (ref, _), said in found.items() if ref != "s2"} == {Status.released, Status.none_held}


def test_what_was_inaccurate_is_decided_and_fetched_again_and_what_was_unlawful_is_for_a_person(borough):
    for reason, expected in ((CorrectionReason.inaccurate, Status.released), (CorrectionReason.unlawful, Status.contact_us)):
        dossier = asked(borough, borough.trust, "s47")
        put(borough.trust, Known(replace(HELD, at=date(2026, 11, 9))))
        take_back(borough, dossier, reason)
        said = answers(borough.trust, dossier)["s1", ED]
        assert said.status is expected
        assert [each.at for each in said.items] == ([date(2026, 11, 9)] if expected is Status.released else [])


def test_a_silent_correction_takes_back_and_says_nothing_afresh(borough):
    dossier = asked(borough, borough.trust, "s47")
    take_back(borough, dossier, CorrectionReason.inaccurate, silent=True)
    found = again(borough.trust, dossier)
    assert (dict(found.said), found.waiting(), found.responses) == ({}, [], ())
    assert not borough.trust.party.store.has_work()
    assert not desks.take_back(borough.trust, dossier, CorrectionReason.inaccurate)  # there is nothing left to take back


def test_what_a_person_withheld_stays_withheld_when_the_rest_is_answered_afresh(borough):
    dossier = asked(borough, borough.trust)
    assert desk_of(borough.trust).withhold(waits(borough.trust, dossier), SHAH, REASON) is None
    take_back(borough, dossier, CorrectionReason.inaccurate)
    assert answers(borough.trust, dossier)["s1", ED].status is Status.contact_us
    assert ("s1", ED) not in [each.key for each in again(borough.trust, dossier).waiting()]


def test_what_was_under_way_when_it_was_taken_back_never_comes_after_the_correction(borough):
    """A reviewer's release and a retry that began before the correction both lose to it."""
    dossier = asked(borough, borough.trust)
    desk = desk_of(borough.trust)
    desk.show(waits(borough.trust, dossier), SHAH)
    old = waits(borough.trust, dossier)
    assert take_back(borough, dossier, CorrectionReason.wrong_person, silent=True)
    assert desk.release(old, SHAH).why is Hindrance.too_late
    said = [each for each in bodies(borough.trust.party, dossier) if isinstance(each, Response)]
    assert said == []


def test_two_corrections_at_once_are_one(borough):
    dossier = asked(borough, borough.trust)
    desk = desk_of(borough.trust)
    from_both = [desks.correct(desk, desk.asked(dossier.kept), dossier, CorrectionReason.inaccurate, SHAH) for _ in range(2)]
    assert from_both == [True, False]
    work(borough.trust)
    assert len([each for each in bodies(borough.trust.party, dossier) if isinstance(each, Correction)]) == 1


@pytest.mark.proves("I13")
@pytest.mark.parametrize("when", ["before the keys are destroyed", "after the keys are destroyed"])
def test_an_erasure_that_is_cut_off_is_done_again_and_entered_once(borough, monkeypatch, when):
    trust = borough.trust
    dossier = asked(borough, trust)
    (envelope,) = [each.digest for each in dossier.responses]
    desks.take_back(trust, dossier, CorrectionReason.inaccurate)
    with monkeypatch.context() as patched:
        if when.startswith("before"):
            patched.setattr(trust.party.store.vault, "destroy", _die)
        else:
            patched.setattr(trust.party.store, "apply", _die)
        with pytest.raises(StoreUnavailableError):
            trust._erase()
    assert (trust.party.store.event(dossier.request.case_id, envelope) is None) == when.startswith("after")
    assert "erased.inaccurate" not in [each.outcome for each in about(trust.party, dossier)]
    borough.clock.move(minutes=6)  # its lease has run out
    work(trust)
    assert trust.party.store.event(dossier.request.case_id, envelope) is None
    told = [each for each in about(trust.party, dossier) if each.outcome == "erased.inaccurate"]
    assert [(each.operation, each.envelope, each.actor) for each in told] == [(Operation.erasure, envelope, SHAH)]


def _die(*_):
    raise StoreUnavailableError


# ---------------------------------------------------------------------------------------------- asked for again


DOWN = SourceUnavailableError("down")


@pytest.mark.parametrize(
    "failing", [Known(error=DOWN), Known(error=KeyError("x")), Known(as_of=NOW - timedelta(days=400))], ids=["down", "broken", "stale"]
)
@pytest.mark.proves("I7")
def test_a_failing_source_is_said_at_once_and_asked_again_until_it_answers(borough, failing):
    trust = borough.trust
    put(trust, failing)
    dossier = asked(borough, trust, "s47")
    expected = Status.stale if failing.error is None else Status.source_unavailable
    assert {each.status for each in answers(trust, dossier).values()} == {expected}
    for seconds in (30, 60, 120, 240, 480, 600, 600):
        tried = len(failing.calls)
        borough.clock.move(seconds=seconds - 1)
        work(trust)
        assert len(failing.calls) == tried
        borough.clock.move(seconds=1)
        work(trust)
        assert len(failing.calls) > tried
        assert again(trust, dossier).revision == 1  # the same again is no news
    looks = [each for each in about(trust.party, dossier) if each.outcome == "searched.trust-extracts"]
    people = {each.subject_ref for each in dossier.request.questions}
    assert len(looks) == (
        len(dossier.request.questions) + 7 * len(people) if failing.error is None else 0
    )  # in brief, while there is no news
    put(trust, Known(HELD))
    borough.clock.move(minutes=10)
    work(trust)
    found = again(trust, dossier)
    assert (found.revision, {each.answer.status for each in found.said.values()}) == (2, {Status.released, Status.none_held})
    assert trust.party.store.due_work("answer", NOW + timedelta(days=9)) is None


def test_only_what_failed_is_asked_again_and_the_rest_is_repeated_as_it_stands(borough):
    trust = borough.trust

    class PartlyDown(Known):
        def fetch(self, person, category, since, until):
            if category == ED:
                raise DOWN
            return super().fetch(person, category, since, until)

    put(trust, PartlyDown(HELD))
    dossier = asked(borough, trust, "s47")
    first = answers(trust, dossier)
    assert {key for key, each in first.items() if each.status is Status.source_unavailable} == {key for key in first if key[1] == ED}
    source = put(trust, Known(HELD))
    borough.clock.move(seconds=30)
    work(trust)
    second = answers(trust, dossier)
    assert all(each.status is Status.released for key, each in second.items() if key[1] == ED)
    assert {key: each for key, each in first.items() if key[1] != ED} == {key: each for key, each in second.items() if key[1] != ED}
    assert {call[1] for call in source.calls if isinstance(call, tuple)} == {ED}
    newest = {each.digest for each in again(trust, dossier).responses if each.body.revision == 2}
    told = [each for each in about(trust.party, dossier) if each.operation is Operation.disclosure and each.envelope in newest]
    assert sorted((each.subject_ref, each.category) for each in told) == sorted(second)


def test_a_source_is_asked_the_last_time_when_the_answer_is_due(borough):
    trust = borough.trust
    failing = put(trust, Known(error=DOWN))
    dossier = asked(borough, trust, "s47", due_at=NOW + timedelta(minutes=2))
    for seconds in (30, 60, 30):
        borough.clock.move(seconds=seconds)
        work(trust)
    assert borough.clock.at == dossier.request.due_at
    assert len(failing.calls) == 4 * len({each.subject_ref for each in dossier.request.questions})
    assert not trust.party.store.has_work()
    assert {each.status for each in answers(trust, dossier).values()} == {Status.source_unavailable}


def test_a_request_that_is_due_already_is_answered_and_not_asked_again(borough):
    put(borough.trust, Known(error=DOWN))
    dossier = asked(borough, borough.trust, "s47", due_at=NOW)
    assert {each.status for each in answers(borough.trust, dossier).values()} == {Status.source_unavailable}
    assert not borough.trust.party.store.has_work()


def test_a_decision_and_a_retry_of_one_request_come_one_after_the_other_and_neither_is_lost(borough):
    police = borough.police
    only(police).system.close()
    put(police, Known(error=DOWN))
    dossier = asked(borough, police, "intelligence")
    waiting = again(police, dossier).waiting()[0]
    assert desk_of(police).withhold(waiting, SHAH, REASON) is None
    put(police, Known(HELD_BY_POLICE))
    borough.clock.move(seconds=30)
    police.dossier = lambda *_: dossier  # as another process read it before that decision
    work(police)
    assert again(police, dossier).revision == 2  # the number is taken, so that nothing of the retry happened
    del police.dossier
    borough.clock.move(minutes=6)  # its lease has run out
    work(police)
    found = again(police, dossier)
    assert found.revision == 3
    assert found.said[waiting.key].answer.reviewed_by == SHAH
    assert not {each.answer.status for each in found.said.values()} & {Status.source_unavailable, Status.in_review}


def test_a_retry_ends_when_what_it_goes_on_from_was_taken_back(borough):
    trust = borough.trust
    put(trust, Known(error=DOWN))
    dossier = asked(borough, trust, "s47")
    take_back(borough, dossier, CorrectionReason.inaccurate, silent=True)
    borough.clock.move(hours=5)
    work(trust)
    assert again(trust, dossier).responses == ()
    assert not trust.party.store.has_work()


# ---------------------------------------------------------------------------------------------- all of it, in any order


@pytest.fixture(scope="module")
def shared(founded):
    """One borough for many requests."""
    only(founded.trust).system.close()
    yield founded
    put(founded.trust, Known(HELD))


def act(borough, dossier, name):
    """One thing that people, a source or time do to a request."""
    trust, desk = borough.trust, desk_of(borough.trust)
    borough.clock.move(minutes=1)
    waiting = next(iter(again(trust, dossier).waiting()), None)
    if name == "cancel" and not again(trust, dossier).cancelled:
        cancel(borough, dossier)
    elif name in {"down", "up"}:
        put(trust, Known(error=DOWN) if name == "down" else Known(HELD))
    elif name == "time":
        borough.clock.move(minutes=20)
    elif name in {reason.value for reason in CorrectionReason}:
        desks.take_back(trust, dossier, CorrectionReason(name))
    elif name == "silent":
        desks.take_back(trust, dossier, CorrectionReason.inaccurate, silent=True)
    elif waiting is not None and name == "withhold":
        desk.withhold(waiting, SHAH, REASON)
    elif waiting is not None and name == "release" and only(trust).system.error is None:
        desk.show(waiting, SHAH)
        desk.release(waits(trust, dossier, waiting.question.category, waiting.question.subject_ref), SHAH)
    work(trust)
    work(borough.hub)


ACTS = ("release", "release", "withhold", "wrong_person", "inaccurate", "unlawful", "silent", "cancel", "down", "up", "time")


@pytest.mark.proves("I8", "I12")
@settings(max_examples=10, deadline=None)
@given(scene=st.sampled_from(["s47", "screening"]), begins_down=st.booleans(), acts=st.lists(st.sampled_from(ACTS), max_size=6))
def test_whatever_people_and_sources_do_in_whatever_order_each_number_is_used_once_and_every_envelope_is_entered(
    shared, scene, begins_down, acts
):
    shared.clock.at, trust = NOW, shared.trust
    put(trust, Known(error=DOWN) if begins_down else Known(HELD))
    dossier = asked(shared, trust, scene)
    work(shared.hub)
    for name in acts:
        was_cancelled, before = again(trust, dossier).cancelled, len(received(shared, dossier))
        act(shared, dossier, name)
        assert not was_cancelled or len(received(shared, dossier)) == before
    said = received(shared, dossier)
    corrections = [each.revision for each in again(trust, dossier).corrections]
    numbers = [each.body.revision for each in said if each.body.part == 1] + corrections
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    wanted = sorted((each.subject_ref, each.category) for each in dossier.request.questions)
    told = Counter(each.envelope for each in about(trust.party, dossier) if each.operation is Operation.disclosure)
    for number in {each.body.revision for each in said}:
        parts = [each for each in said if each.body.revision == number]
        assert sorted((one.subject_ref, one.category) for each in parts for one in each.body.answers) == wanted
    assert told == {each.digest: len(each.body.answers) for each in said}
    held = again(trust, dossier)
    assert not [one for one in held.said.values() if one.answer.items and held.is_held(one.key)]
    assert all(each.body is None or each.body.revision > held.corrected for each in kept_responses(trust, dossier))


def received(borough, dossier):
    return [each for each in borough.hub.party.store.events(dossier.request.case_id) if isinstance(each.body, Response)]


def kept_responses(adapter, dossier):
    return [each for each in adapter.party.store.events(dossier.request.case_id) if each.kind == Kind.response.value]
