"""The join: a case is a set of events, and a set has no order, no duplicates and no batches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joining import AGENCIES, CASE, OPENED, QUESTION, REQUESTS, SENT, answer, kept, opened
from network import DUTY, HUB, NOW, POLICE, TRUST

from agents.hub.casework import case_record, substance
from broker.effect import Effect, Event
from broker.store.store import Store
from broker.store.vault import Vault
from schemas import codec
from schemas.enums import AgencyStatus, Refusal
from schemas.identifiers import Digest, SubjectRef
from schemas.records import Acknowledgement, Rejection, Response


def response(agency, revision=1, part=1, parts=1, said="a", to=None):
    return Response(
        request_digest=to or SENT[agency].digest,
        case_id=CASE,
        agency=agency,
        revision=revision,
        part=part,
        parts=parts,
        pack_digest=Digest(bytes(32)),
        answers=(answer(f"s{part}", said),),
    )


def acknowledgement(agency, minutes):
    return Acknowledgement(answers=SENT[agency].digest, received_at=NOW + timedelta(minutes=minutes), duty_contact=DUTY)


@dataclass(frozen=True)
class Said:
    """What one agency sends of one revision: which parts, in which differing versions."""

    agency: str
    revision: int
    parts: int
    sent: frozenset[tuple[int, str]]


minutes = st.integers(0, 90)
agencies = st.sampled_from(AGENCIES)
revisions = st.builds(
    lambda agency, revision, parts, sent: Said(agency, revision, parts, frozenset((min(part, parts), said) for part, said in sent)),
    agencies,
    st.integers(1, 3),
    st.integers(1, 2),
    st.frozensets(st.tuples(st.integers(1, 2), st.sampled_from("abc")), min_size=1, max_size=4),
)
answered = st.lists(revisions, max_size=6, unique_by=lambda each: (each.agency, each.revision))
acknowledged = st.lists(st.builds(lambda agency, at: kept(acknowledgement(agency, at), agency, at), agencies, minutes), max_size=3)
rejected = st.lists(
    st.builds(
        lambda agency, reason: kept(Rejection(answers=SENT[agency].digest, reason=reason, duty_contact=DUTY), agency),
        agencies,
        st.sampled_from([Refusal.expired, Refusal.invalid]),
    ),
    max_size=2,
)
NOWHERE = Digest(bytes(32))
strays = st.lists(
    st.builds(lambda agency, said: kept(response(agency, said=said, to=NOWHERE), agency), agencies, st.sampled_from("xy")),
    max_size=2,
)


def responses(said):
    for each in said:
        for part, words in sorted(each.sent):
            minute = each.revision * 10 + part
            yield kept(response(each.agency, each.revision, part, each.parts, words), each.agency, minute, "response")


def newest_of_each_part(said):
    """Each part is about its own subject: of each what the newest revision says."""
    latest = {part: each.revision for each in sorted(said, key=lambda one: one.revision) for part, _ in each.sent}
    return (each for each in responses(said) if latest[each.body.part] == each.body.revision)


@st.composite
def cases(draw):
    """What the agencies said, and every event of the case."""
    said = draw(answered)
    sent = draw(st.sets(agencies))
    events = [OPENED, *(SENT[each] for each in sorted(sent)), *draw(acknowledged), *draw(rejected), *draw(strays), *responses(said)]
    return said, sent, events


def shuffled(draw, events):
    again = draw(st.lists(st.sampled_from(events), max_size=8))
    return draw(st.permutations([*events, *again]))


@pytest.mark.proves("I12")
@settings(max_examples=60)
@given(cases(), st.data())
def test_any_order_and_any_duplication_give_the_same_record(case, data):
    _, _, events = case
    plain = case_record(events)
    assert case_record(shuffled(data.draw, events)) == plain
    assert plain.version == len({each.digest for each in events})


@pytest.mark.proves("I12")
@settings(max_examples=60)
@given(cases(), st.data())
def test_any_batches_seen_by_any_process_meet_in_the_same_record(case, data):
    _, _, events = case
    arrived = shuffled(data.draw, events)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arrived)), max_size=4)))
    batches = [arrived[start:end] for start, end in zip([0, *cuts], [*cuts, len(arrived)], strict=True)]
    one, other, versions = {}, {}, []
    for number, batch in enumerate(batches):
        for each in batch:
            one[each.digest] = each
            (other if number % 2 else one)[each.digest] = each
        found = case_record(one.values())
        versions.append(found.version if found else 0)
    assert versions == sorted(versions)  # a version never goes back
    assert case_record([*other.values(), *one.values()]) == case_record(events)


@pytest.mark.proves("I12")
@settings(max_examples=20)
@given(cases(), st.data())
def test_the_store_is_such_a_set(case, data):
    _, _, events = case
    store = Store("sqlite://", Vault("sqlite://", bytes(32)), HUB)
    arrived = shuffled(data.draw, events)
    size = data.draw(st.integers(1, 5))
    for start in range(0, len(arrived), size):
        effects = [Effect(events=(stored(each),)) for each in arrived[start : start + size]]
        store.apply(effects, lambda *_: pytest.fail("nothing is sealed here"), NOW)
    assert case_record(store.events(CASE)) == case_record(events)
    store.close()


def stored(each):
    return Event(
        case_id=CASE, digest=each.digest, kind=each.kind, at=each.at, content=codec.encode(each.body), key=None, sender=each.sender
    )


@settings(max_examples=60)
@given(cases(), st.data())
def test_each_agency_stands_where_its_newest_whole_revision_puts_it(case, data):
    said, sent, events = case
    record = case_record(shuffled(data.draw, events))
    for state in record.agencies:
        mine = [each for each in said if each.agency == state.agency and state.agency in sent]
        whole = [each for each in mine if {part for part, _ in each.sent} == set(range(1, each.parts + 1))]
        newest = max(whole, key=lambda each: each.revision, default=None)
        shown = [each for each in record.answers if each.agency == state.agency]
        expected = list(responses([newest])) if newest else list(newest_of_each_part(mine))
        assert {each.envelope for each in shown} == {each.digest for each in expected}
        assert state.revision == (newest.revision if newest else 0)
        assert state.conflict == bool(newest and len(newest.sent) > newest.parts)
        assert state.answered_at == max((each.at for each in expected), default=None)
        assert (state.status is AgencyStatus.answered) == bool(newest)
        assert (state.status is AgencyStatus.partial) == bool(mine and not newest)
        assert state.request_digest == (SENT[state.agency].digest if state.agency in sent else None)


@settings(max_examples=60)
@given(cases(), st.data())
def test_without_answers_an_agency_is_awaited_acknowledged_or_rejected(case, data):
    _, sent, events = case
    record = case_record(shuffled(data.draw, [each for each in events if not isinstance(each.body, Response)]))
    for state in record.agencies:
        mine = [each for each in events if each.sender == state.agency and state.agency in sent]
        times = [each.at for each in mine if isinstance(each.body, Acknowledgement)]
        expected = AgencyStatus.acknowledged if times else AgencyStatus.awaited
        if any(isinstance(each.body, Rejection) for each in mine):
            expected = AgencyStatus.rejected
        assert state.status is expected
        assert state.acknowledged_at == min(times, default=None)
    assert record.answers == ()


@given(st.permutations(["a", "b", "c"]), st.integers(1, 3))
def test_two_different_answers_under_one_name_stand_side_by_side_in_digest_order(versions, revision):
    both = [kept(response(POLICE, revision, said=said), POLICE) for said in versions[:2]]
    record = case_record([OPENED, SENT[POLICE], *both])
    assert [each.envelope for each in record.answers] == sorted(each.digest for each in both)
    assert {each.answer.decided_by for each in record.answers} == set(versions[:2])
    state = next(each for each in record.agencies if each.agency == POLICE)
    assert state.conflict
    assert state.status is AgencyStatus.answered


def test_a_part_of_a_newer_revision_replaces_nothing_until_the_rest_is_here():
    first = kept(response(POLICE, 1, said="whole"), POLICE)
    parts = [kept(response(POLICE, 2, part, 2, "newer"), POLICE) for part in (1, 2)]
    before = case_record([OPENED, SENT[POLICE], first, parts[0]])
    after = case_record([OPENED, SENT[POLICE], first, *parts])
    assert [each.answer.decided_by for each in before.answers] == ["whole"]
    assert [each.answer.decided_by for each in after.answers] == ["newer", "newer"]
    assert [state.revision for each in (before, after) for state in each.agencies if state.agency == POLICE] == [1, 2]
    assert after.version == before.version + 1


def test_an_answer_that_leaves_a_question_out_is_partial():
    wide = kept(replace(REQUESTS[POLICE], questions=(QUESTION, replace(QUESTION, subject_ref=SubjectRef("s2")))), HUB, kind="request")
    one, two = (kept(response(POLICE, part=part, parts=parts, to=wide.digest), POLICE) for part, parts in ((1, 1), (2, 2)))
    first = kept(response(POLICE, part=1, parts=2, to=wide.digest), POLICE)
    status = {
        name: next(each.status for each in case_record([OPENED, wide, *said]).agencies if each.agency == POLICE)
        for name, said in {"one of two": [one], "both": [first, two]}.items()
    }
    assert status == {"one of two": AgencyStatus.partial, "both": AgencyStatus.answered}


def test_one_question_answered_by_two_parts_is_a_conflict():
    twice = [
        kept(replace(response(POLICE, part=part, parts=2), answers=(answer("s1", said),)), POLICE) for part, said in ((1, "a"), (2, "b"))
    ]
    state = next(each for each in case_record([OPENED, SENT[POLICE], *twice]).agencies if each.agency == POLICE)
    assert state.conflict


def test_nobody_answers_for_another_agency_or_to_another_request():
    posing = kept(response(TRUST, to=SENT[POLICE].digest), TRUST)
    record = case_record([OPENED, SENT[POLICE], SENT[TRUST], posing])
    assert record.answers == ()
    assert {each.status for each in record.agencies} == {AgencyStatus.awaited}


def test_a_case_that_was_not_opened_has_no_record_and_substance_names_no_id():
    assert case_record([SENT[POLICE]]) is None
    record = case_record([OPENED, SENT[POLICE], kept(response(POLICE), POLICE)])
    other = replace(record, case_id=UUID(int=8, version=4), version=99, opened_at=NOW + timedelta(days=1))
    assert substance(other) == substance(record)
    assert substance(replace(record, answers=())) != substance(record)


ANEW = kept(REQUESTS[POLICE], HUB, minutes=90, kind="request")
ANEW = replace(ANEW, digest=Digest(bytes([1]) * 32))  # the same words in another envelope, whatever its digest: an hour and a half later
REFUSED = kept(Rejection(answers=SENT[POLICE].digest, reason=Refusal.expired, duty_contact=DUTY), POLICE, 80)
TO_EACH = {each.digest: kept(response(POLICE, said="to", to=each.digest), POLICE, 100) for each in (SENT[POLICE], ANEW)}


@pytest.mark.proves("I12")
@given(st.data(), st.lists(st.sampled_from([SENT[POLICE], ANEW]), max_size=2, unique_by=lambda each: each.digest))
def test_of_a_request_and_what_was_sealed_anew_of_it_the_newest_answered_one_counts_in_any_order(data, answered):
    events = [OPENED, SENT[POLICE], ANEW, REFUSED, *(TO_EACH[each.digest] for each in answered)]
    record = case_record(shuffled(data.draw, events))
    assert record == case_record(events)
    state = next(each for each in record.agencies if each.agency == POLICE)
    counts = ANEW if ANEW in answered or not answered else SENT[POLICE]
    assert state.request_digest == counts.digest
    assert state.status is (AgencyStatus.answered if answered else AgencyStatus.awaited)
    assert [each.envelope for each in record.answers] == [TO_EACH[counts.digest].digest] * bool(answered)
    assert not state.conflict


SECOND = kept(replace(opened(), opened_at=NOW + timedelta(minutes=5)), None, kind="case_opened")
ASKED_AGAIN = kept(replace(REQUESTS[POLICE], concern="Asked twice."), HUB, kind="request")
TWICE = [
    OPENED,
    SECOND,
    SENT[POLICE],
    ASKED_AGAIN,
    *(kept(response(POLICE, to=each.digest), POLICE) for each in (SENT[POLICE], ASKED_AGAIN)),
]


@pytest.mark.proves("I12")
@given(st.permutations(TWICE))
def test_even_what_should_stand_once_and_stands_twice_is_rendered_alike_in_any_order(events):
    record = case_record(events)
    assert record == case_record(TWICE)
    assert record.version == len(TWICE)
    assert len(record.answers) == 1  # to the request that counts


MIXED = [kept(response(POLICE, 1, part, parts, said), POLICE) for part, parts, said in ((1, 1, "a"), (1, 2, "b"), (2, 2, "c"))]


@given(st.permutations([OPENED, SENT[POLICE], *MIXED]))
def test_parts_counted_differently_are_rendered_alike_in_any_order(events):
    assert case_record(events) == case_record([OPENED, SENT[POLICE], *MIXED])
    assert {each.envelope for each in case_record(events).answers} == {each.digest for each in MIXED}
