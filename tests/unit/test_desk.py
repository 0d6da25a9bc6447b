"""What officers decide about an open case: asking again, rating anew, withdrawing, writing down; and deadlines that pass in silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from small_borough import NOW, SmallBorough, alarms, entries_of, outcomes, rows, write_files

from agents.hub import desk, reactions
from agents.hub.casework import case_record, taken_back
from agents.hub.erasure import ERASE, erased, seen_by
from agents.hub.reasking import is_reasked
from broker.effect import Effect, Outgoing
from broker.store import tables
from schemas.enums import AgencyStatus, Assertion, CancelReason, CorrectionReason, Kind, Openness, Operation, Rag, Status
from schemas.errors import ConfigurationError
from schemas.events import CaseOpened, Checks, ChosenQuestion, OralAnswer
from schemas.identifiers import CategoryId, Digest, PartyId, Slug, SubjectRef
from schemas.records import Correction, Necessity, Officer, Reasking, Request, Response

POLICE, TRUST = PartyId("agency.police"), PartyId("agency.trust")
OFFICER = Officer(id="hub-0142", role="team leader", organisation="Borough children's services (SYNTHETIC)")
WHY = "The ward reports a second injury since Monday."


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    write_files(folder, contacts=1)
    return folder


@pytest.fixture
def borough(template, tmp_path):
    made = SmallBorough(tmp_path, like=template)
    made.take_in()
    yield made
    made.close()


@pytest.fixture
def case_id(borough):
    (found,) = borough.hub.party.store.cases()
    return found


def states(borough, case_id):
    return {(each.agency, each.follow_up is not None): each for each in borough.hub.record(case_id).agencies}


def opened(borough, case_id):
    return next(each.body for each in borough.hub.party.store.events(case_id) if isinstance(each.body, CaseOpened))


def again(borough, case_id, text="Only the newest attendance: was the second injury seen there?", **changes):
    """A decision to ask the trust once more, about one thing."""
    plain = opened(borough, case_id)
    answered = next(each.answer for each in borough.hub.record(case_id).answers if each.agency == TRUST)
    chosen = ChosenQuestion(
        agency=TRUST, subject_ref=answered.subject_ref, category=answered.category, since=answered.since, until=answered.until
    )
    checks = Checks(matrix=Slug("by-hand"), asked=(chosen,), adjustments=())
    decision = replace(
        plain.decision,
        officer=OFFICER,
        decided_at=borough.clock.at,
        necessity=Necessity(reason=plain.decision.necessity.reason, text=text),
        checks=checks,
    )
    return replace(decision, **changes)


def test_a_deadline_that_passes_in_silence_is_an_event_an_entry_and_an_alarm_once(borough, case_id):
    borough.work(borough.hub, borough.trust)  # the police are silent
    due = states(borough, case_id)[POLICE, False].due_at
    assert borough.hub.party.store.has_work(due)
    borough.clock.at = due - timedelta(microseconds=1)
    borough.work(borough.hub)
    assert states(borough, case_id)[POLICE, False].status is AgencyStatus.awaited
    borough.clock.at = due
    for _ in range(2):
        borough.work(borough.hub)
    found = states(borough, case_id)
    assert found[POLICE, False].status is AgencyStatus.overdue
    assert found[TRUST, False].status is AgencyStatus.answered
    passed = [each for each in outcomes(borough.hub.party) if each.startswith("overdue.")]
    assert [each for each in passed if not each.startswith("overdue.case.")] == ["overdue.police"]
    assert alarms(borough.hub.party)["overdue"] == len(passed) == len(set(passed))


def test_a_late_answer_ends_being_overdue(borough, case_id):
    borough.work(borough.hub, borough.trust)
    borough.clock.at = states(borough, case_id)[POLICE, False].due_at
    borough.work(borough.hub)
    before = borough.hub.record(case_id).version
    borough.work()
    record = borough.hub.record(case_id)
    assert {each.status for each in record.agencies} == {AgencyStatus.answered}
    assert record.version > before


def test_a_follow_up_is_a_request_of_its_own_on_the_same_thread_and_joins_beside_the_first(borough, case_id):
    borough.work()
    first = borough.hub.record(case_id)
    borough.clock.move(minutes=30)
    assert desk.follow_up(borough.hub, case_id, TRUST, again(borough, case_id))
    borough.work()
    record = borough.hub.record(case_id)
    found = states(borough, case_id)
    assert found[TRUST, True].status is found[TRUST, False].status is AgencyStatus.answered
    assert found[TRUST, True].request_digest != found[TRUST, False].request_digest
    assert len(record.answers) == len(first.answers) + 1
    asked = [each for each in borough.hub.party.store.events(case_id) if isinstance(each.body, Request) and each.body.agency == TRUST]
    assert len({each.thread for each in asked}) == 1
    assert asked[1].body.officer == OFFICER
    assert len(asked[1].body.questions) == 1
    assert "follow_up.trust" in outcomes(borough.hub.party)


@pytest.mark.parametrize(
    ("agency", "changes", "field"),
    [
        (TRUST, {"necessity": "same"}, "necessity.text"),
        (TRUST, {"text": "please please please please please"}, "necessity.text"),
        (TRUST, {"decided_at": NOW}, "decided_at"),
        (PartyId("agency.nobody"), {}, "agency"),
    ],
)
def test_a_follow_up_that_says_nothing_new_or_asks_a_stranger_is_refused(borough, case_id, agency, changes, field):
    borough.work()
    borough.clock.move(minutes=30)
    if changes.get("necessity") == "same":
        changes = {"text": opened(borough, case_id).decision.necessity.text}
    if changes.get("decided_at"):
        changes = {"decided_at": opened(borough, case_id).decision.decided_at}
    with pytest.raises(ConfigurationError) as refused:
        desk.follow_up(borough.hub, case_id, agency, again(borough, case_id, **changes))
    assert field in {each.field for each in refused.value.faults}
    borough.work()
    assert (TRUST, True) not in states(borough, case_id)


def test_a_follow_up_that_the_hubs_own_ladder_does_not_allow_asks_nobody(borough, case_id):
    borough.work()
    borough.clock.move(minutes=30)
    decision = again(borough, case_id)
    stranger = replace(decision.checks.asked[0], category=CategoryId("pol.incidents"))
    assert not desk.follow_up(borough.hub, case_id, TRUST, replace(decision, checks=replace(decision.checks, asked=(stranger,))))
    borough.work()
    assert (TRUST, True) not in states(borough, case_id)


def test_a_new_rating_keeps_its_reason_and_shortens_what_is_open_and_never_what_has_passed(borough, case_id):
    borough.work(borough.hub, borough.trust)
    started = states(borough, case_id)[POLICE, False].due_at
    down = desk.rerate(borough.hub, case_id, OFFICER, Rag.amber, "The injury has an innocent explanation now.")
    assert states(borough, case_id)[POLICE, False].due_at > started
    assert down.rag is Rag.amber
    borough.clock.move(hours=1)
    up = desk.rerate(borough.hub, case_id, OFFICER, Rag.red, WHY, [each.envelope for each in down.answers[:1]])
    assert states(borough, case_id)[POLICE, False].due_at == started + timedelta(hours=1)
    assert [(each.rag, each.rationale) for each in up.ratings][1:] == [
        (Rag.amber, "The injury has an innocent explanation now."),
        (Rag.red, WHY),
    ]
    borough.clock.at = states(borough, case_id)[POLICE, False].due_at
    borough.work(borough.hub)
    desk.rerate(borough.hub, case_id, OFFICER, Rag.green, "Nothing of it holds any more, say all who saw.")
    assert states(borough, case_id)[POLICE, False].due_at == started + timedelta(hours=1)
    assert {"rerated.amber", "rerated.red", "rerated.green"} <= set(outcomes(borough.hub.party))


@pytest.mark.parametrize(
    ("rag", "rationale", "field"),
    [
        (Rag.red, WHY, "rag"),
        (Rag.unknown, WHY, "rag"),
        (Rag.amber, "because because because because", "rationale"),
        (Rag.amber, WHY, "relied_on"),
    ],
)
def test_a_new_rating_without_a_reason_or_a_change_is_refused(borough, case_id, rag, rationale, field):
    borough.work()
    relied = [borough.hub.party.store.events(case_id)[0].digest] if field != "relied_on" else [Digest(bytes(32))]
    with pytest.raises(ConfigurationError) as refused:
        desk.rerate(borough.hub, case_id, OFFICER, rag, rationale, relied)
    assert [each.field for each in refused.value.faults] == [field]


def test_a_withdrawn_request_is_told_to_who_has_not_answered_and_nothing_more_is_expected(borough, case_id):
    borough.work(borough.hub, borough.trust)
    assert desk.withdraw(borough.hub, case_id, OFFICER, CancelReason.withdrawn) == 1
    borough.work(borough.hub)
    found = states(borough, case_id)
    assert found[POLICE, False].status is AgencyStatus.cancelled
    assert found[TRUST, False].status is AgencyStatus.answered
    borough.clock.at = found[POLICE, False].due_at + timedelta(hours=1)
    borough.work(borough.hub)
    assert states(borough, case_id)[POLICE, False].status is AgencyStatus.cancelled
    assert "overdue.police" not in outcomes(borough.hub.party)
    (told,) = [each for each in entries_of(borough.hub.party) if each.outcome == "withdrawn.withdrawn"]
    assert (told.operation, told.actor, told.envelope is not None) == (Operation.decision, OFFICER, True)


def oral(borough, case_id, **changes):
    plain = OralAnswer(
        case_id=case_id,
        agency=TRUST,
        subject_ref=SubjectRef("s1"),
        category=CategoryId("acute.ed_attendances"),
        said_by=Officer(id="ward-7", role="sister", organisation="Acute trust (SYNTHETIC)"),
        written_by=OFFICER,
        happened_at=NOW,
        recorded_at=NOW,
        words="Seen twice this month, both times with another adult.",
        assertion=Assertion.professional_judgement,
    )
    return replace(plain, **changes)


def test_what_was_said_aloud_stands_unconfirmed_until_its_agency_signs(borough, case_id):
    borough.work(borough.hub)
    desk.write_down(borough.hub, oral(borough, case_id))
    (item,) = borough.hub.record(case_id).oral
    assert not item.confirmed
    borough.work()
    (item,) = borough.hub.record(case_id).oral
    assert item.confirmed
    assert "oral.trust" in outcomes(borough.hub.party)
    with pytest.raises(ConfigurationError):
        desk.write_down(borough.hub, oral(borough, case_id))  # the same again


def test_what_was_said_of_nobody_here_by_nobody_listed_is_refused_with_every_fault(borough, case_id):
    borough.work()
    wrong = oral(
        borough,
        case_id,
        agency=PartyId("agency.nobody"),
        subject_ref=SubjectRef("s99"),
        category=CategoryId("pol.nothing"),
        recorded_at=NOW + timedelta(days=1),
    )
    with pytest.raises(ConfigurationError) as refused:
        desk.write_down(borough.hub, wrong)
    assert {each.field for each in refused.value.faults} == {"agency", "subject_ref", "category", "recorded_at"}


def correct(borough, agency, case_id, revision=1):
    """The agency takes back what it said."""
    mine = agency.party.store.events(case_id)
    asked = next(each for each in mine if isinstance(each.body, Request))
    said = tuple(each.digest for each in mine if isinstance(each.body, Response))
    body = Correction(
        request_digest=asked.digest,
        case_id=case_id,
        agency=agency.party.id,
        revision=revision,
        corrects=said,
        reason=CorrectionReason.wrong_person,
        officer=OFFICER,
        decided_at=borough.clock.at,
        duty_contact=agency.party.settings.contact,
    )
    outgoing = Outgoing(
        kind=Kind.correction,
        recipient=borough.hub.party.id,
        thread=asked.thread,
        case_id=case_id,
        body=body,
        entries=(entries_of(agency.party)[-1],),
    )
    agency.party.store.apply([Effect(outgoing=(outgoing,))], agency.party.seal, borough.clock.at)


def test_a_correction_hides_at_once_erases_for_good_and_says_who_saw_it(borough, case_id):
    borough.work()
    before = borough.hub.record(case_id)
    released = [each for each in before.answers if each.agency == TRUST and each.answer.status is Status.released]
    assert released
    borough.clock.move(minutes=5)
    borough.hub.view(case_id, OFFICER)
    borough.clock.move(minutes=5)
    correct(borough, borough.trust, case_id)
    borough.work()
    record = borough.hub.record(case_id)
    assert not [each for each in record.answers if each.agency == TRUST]
    assert [(each.agency, each.reason) for each in record.corrected] == [(TRUST, CorrectionReason.wrong_person)]
    assert states(borough, case_id)[TRUST, False].status is AgencyStatus.acknowledged
    events = borough.hub.party.store.events(case_id)
    assert taken_back(events) == []  # nothing of them is left
    assert len([each for each in events if each.body is None]) == 1
    assert case_record(events) == record
    assert record.version == len({each.digest for each in events})
    erased = [each for each in entries_of(borough.hub.party) if each.operation is Operation.erasure]
    assert {each.envelope for each in erased} == set(record.corrected[0].corrects)
    assert [(each.actor.id, each.outcome) for each in seen_by(borough.hub.party, case_id, record.corrected[0])] == [
        (OFFICER.id, f"viewed.{before.version}")
    ]


def test_an_erasure_that_was_cut_off_before_its_entry_is_done_again_and_entered_once(borough, case_id):
    borough.work()
    correct(borough, borough.trust, case_id)
    borough.trust.step()
    hub, at = borough.hub, borough.clock.at
    assert hub._receive(0)
    assert hub._render()
    work = hub.party.store.due_work(ERASE, at)
    erased(hub.party, work, at)  # the key is gone, and then the machine
    assert case_record(hub.party.store.events(case_id)) == hub.record(case_id)
    assert not [each for each in entries_of(hub.party) if each.operation is Operation.erasure]
    borough.work()
    (told,) = [each for each in entries_of(hub.party) if each.operation is Operation.erasure]
    assert told.envelope in hub.record(case_id).corrected[0].corrects


def test_a_correction_is_heard_of_an_agency_that_has_filled_its_case(borough, case_id, monkeypatch):
    borough.work()
    monkeypatch.setattr(reactions, "MOST_OF_ONE", 2)  # its acknowledgement and its response
    correct(borough, borough.trust, case_id)
    borough.work()
    assert [each.agency for each in borough.hub.record(case_id).corrected] == [TRUST]


def test_an_agency_cannot_take_back_what_another_said(borough, case_id):
    borough.work()
    before = borough.hub.record(case_id)
    mine = borough.trust.party.store.events(case_id)
    theirs = next(each for each in mine if isinstance(each.body, Request))
    body = Correction(
        request_digest=theirs.digest,
        case_id=case_id,
        agency=POLICE,
        revision=1,
        corrects=(before.answers[-1].envelope,),
        reason=CorrectionReason.unlawful,
        officer=OFFICER,
        decided_at=NOW,
        duty_contact=borough.police.party.settings.contact,
    )
    outgoing = Outgoing(
        kind=Kind.correction,
        recipient=borough.hub.party.id,
        thread=theirs.thread,
        case_id=case_id,
        body=body,
        entries=(entries_of(borough.police.party)[-1],),
    )
    borough.police.party.store.apply([Effect(outgoing=(outgoing,))], borough.police.party.seal, NOW)
    borough.work()
    assert borough.hub.record(case_id) == before
    assert {row.reason for row in rows(borough.hub.party, tables.quarantine)} == {"no_such_request"}


# ----------------------------------------------------------------------------------------------- asking again


MANAGER = Officer(id="hub-0001", role="service manager", organisation="Borough children's services (SYNTHETIC)")
RAISED = Reasking(manager=MANAGER, rationale="The strategy discussion of this morning took it to section 47; nothing else is new.")


def lower(borough, case_id, **changes):
    """A follow-up at a lower rating, sealed and answered; then the same at the case's own, an hour later."""
    borough.work()
    borough.clock.move(minutes=30)
    first = again(borough, case_id, text="Was anything seen of the newest attendance?", rag=Rag.amber)
    assert desk.follow_up(borough.hub, case_id, TRUST, first)
    borough.work()
    borough.clock.move(hours=1)
    return again(borough, case_id, rag=Rag.red, **changes)


def sent_to_trust(borough, case_id):
    events = borough.hub.party.store.events(case_id)
    return [each.body for each in events if isinstance(each.body, Request) and each.body.agency == TRUST]


def test_asking_again_with_only_stage_or_rating_raised_needs_a_managers_rationale_before_anything_is_sealed(borough, case_id):
    later = lower(borough, case_id)
    before = len(sent_to_trust(borough, case_id))
    with pytest.raises(ConfigurationError, match=r"\[reasking\]: is missing: the same was asked within 14 days"):
        desk.follow_up(borough.hub, case_id, TRUST, later)
    borough.work()
    assert len(sent_to_trust(borough, case_id)) == before


def test_with_a_managers_rationale_it_is_asked_says_so_and_waits_for_a_person(borough, case_id):
    later = lower(borough, case_id, reasking=RAISED)
    assert desk.follow_up(borough.hub, case_id, TRUST, later)
    borough.work()
    newest = max(sent_to_trust(borough, case_id), key=lambda each: each.decided_at)
    assert newest.reasking == RAISED
    answers = [each.answer for each in borough.hub.record(case_id).answers if each.answer.decided_at >= borough.clock.at]
    assert answers
    assert all(each.status is Status.in_review and "reasked" in each.caps for each in answers)


def test_after_a_fortnight_or_for_something_else_it_is_not_asked_again(borough, case_id):
    later = lower(borough, case_id)
    events, at = borough.hub.party.store.events(case_id), borough.clock.at
    asked = replace(sent_to_trust(borough, case_id)[-1], rag=later.rag, decided_at=later.decided_at)
    assert is_reasked(asked, events, at)
    assert not is_reasked(asked, events, at + timedelta(days=14))
    assert not is_reasked(replace(asked, agency=POLICE), events, at)
    assert not is_reasked(replace(asked, consents=replace(asked.consents, openness=Openness.informed)), events, at)
    other = replace(asked.questions[0], category=CategoryId("trust.nothing"))
    assert not is_reasked(replace(asked, questions=(other,)), events, at)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (replace(RAISED, manager=OFFICER), "reasking.manager"),
        (replace(RAISED, rationale="the the the the the the the the"), "reasking.rationale"),
    ],
    ids=["by the officer who asks", "that says nothing"],
)
def test_a_rationale_is_a_managers_and_says_something_of_the_case(borough, case_id, given, field):
    later = lower(borough, case_id, reasking=given)
    with pytest.raises(ConfigurationError, match=field):
        desk.follow_up(borough.hub, case_id, TRUST, later)


def test_of_two_follow_ups_before_either_is_sealed_the_raised_one_is_not_asked_without_a_rationale(borough, case_id, monkeypatch):
    borough.work()
    borough.clock.move(minutes=30)
    first = again(borough, case_id, text="Was anything seen of the newest attendance?", rag=Rag.amber)
    assert desk.follow_up(borough.hub, case_id, TRUST, first)
    borough.clock.move(minutes=1)
    with pytest.raises(ConfigurationError, match="has not left yet"):
        desk.follow_up(borough.hub, case_id, TRUST, again(borough, case_id, rag=Rag.red))
    state = desk._state
    monkeypatch.setattr(desk, "_state", lambda *of: replace(state(*of), request_digest=Digest(bytes(32))))  # as two at once each see it
    assert desk.follow_up(borough.hub, case_id, TRUST, again(borough, case_id, rag=Rag.red))
    before = len(sent_to_trust(borough, case_id))
    borough.work()
    assert len(sent_to_trust(borough, case_id)) == before + 1
    assert alarms(borough.hub.party)["not_asked"] == 1
