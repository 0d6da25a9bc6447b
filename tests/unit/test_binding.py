"""An answer belongs to the request it answers: to this case, agency, hub, thread, subject, category and span, or to none."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from itertools import product
from uuid import uuid4

import pytest
from small_borough import NOW, SmallBorough, entries_of, outcomes_a_minute_later, rows

from agents.hub.casework import binds
from broker.effect import Effect, Outgoing
from broker.envelope import Opened, header_of
from broker.receive import receive
from broker.store import outbox, tables
from broker.streams import topic_between
from schemas.enums import Kind, Refusal
from schemas.identifiers import CategoryId, Digest, PartyId, SubjectRef, Thread
from schemas.records import Acknowledgement, Rejection, Request, Response

CONTACTS = 5
STRANGER = PartyId("agency.stranger")


@pytest.fixture(scope="module")
def borough(tmp_path_factory):
    made = SmallBorough(tmp_path_factory.mktemp("binding"), contacts=CONTACTS)
    made.take_in()
    made.work()
    yield made
    made.close()


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Another hub of the same make, which asked about the same people."""
    made = SmallBorough(tmp_path_factory.mktemp("other"), contacts=CONTACTS)
    made.take_in()
    made.work(made.hub)
    yield made
    made.close()


@pytest.fixture(scope="module")
def kept(borough):
    store = borough.hub.party.store
    return [each for case in store.cases() for each in store.events(case)]


@pytest.fixture(scope="module")
def requests(kept):
    return [each for each in kept if isinstance(each.body, Request)]


@pytest.fixture(scope="module")
def responses(kept):
    return [each for each in kept if isinstance(each.body, Response)]


@pytest.fixture(scope="module")
def header(borough):
    party = borough.police.party
    rows_ = [row for row in rows(party, tables.outbox) if row.recipient]
    return header_of(rows_[0].value)


@pytest.fixture
def react(borough, header):
    def arrive(body, sender, thread, hub=borough.hub, kind=Kind.response):
        opened = Opened(replace(header, sender=sender, thread=thread, kind=kind), Digest(os.urandom(32)), body, os.urandom(32), b"")
        return hub.react(opened, NOW)

    return arrive


@pytest.mark.proves("I3")
def test_of_all_pairs_of_answers_and_requests_exactly_the_true_ones_bind(requests, responses, react):
    assert len(requests) == len(responses) >= 2 * (CONTACTS - 1)
    bound, accepted = set(), set()
    for asked, said in product(requests, responses):
        moved = replace(said.body, request_digest=asked.digest)  # everything else stays as it was truly said
        if binds(asked, moved, said.sender, said.thread, asked.thread):
            bound.add((asked.digest, said.digest))
        if isinstance(react(moved, said.sender, said.thread), Effect):
            accepted.add((asked.digest, said.digest))
    true = {(said.body.request_digest, said.digest) for said in responses}
    assert bound == accepted == true
    assert len(true) == len(requests)


@pytest.mark.proves("I3")
def test_an_answer_dressed_up_in_all_but_one_thing_of_another_case_is_refused(requests, responses, react):
    """Whoever moves an answer between two cases of one agency must move all of it: then it is an answer to that request."""
    tried = 0
    for asked, said in product(requests, responses):
        if asked.digest == said.body.request_digest:
            continue
        questions = {(each.subject_ref, each.category) for each in asked.body.questions}
        shared = tuple(each for each in said.body.answers if (each.subject_ref, each.category) in questions)
        if not shared:
            continue
        dressed = replace(said.body, request_digest=asked.digest, case_id=asked.body.case_id, agency=asked.body.agency, answers=shared)
        tried += 1
        assert binds(asked, dressed, asked.body.agency, asked.thread, asked.thread)
        assert react(dressed, asked.body.agency, said.thread) is Refusal.no_such_request
        assert said.body.case_id != asked.body.case_id  # a case asks an agency once
        assert react(replace(dressed, case_id=said.body.case_id), asked.body.agency, asked.thread) is Refusal.no_such_request
        if said.sender != asked.body.agency:
            assert react(dressed, said.sender, asked.thread) is Refusal.no_such_request
            assert react(replace(dressed, agency=said.sender), asked.body.agency, asked.thread) is Refusal.no_such_request
    assert tried > CONTACTS


def first_answer(body, **changes):
    return replace(body, answers=(replace(body.answers[0], **changes), *body.answers[1:]))


@pytest.mark.proves("I3")
@pytest.mark.parametrize(
    "move",
    [
        lambda said, thread: (said, STRANGER, thread),
        lambda said, thread: (replace(said, agency=STRANGER), said.agency, thread),
        lambda said, thread: (replace(said, case_id=uuid4()), said.agency, thread),
        lambda said, thread: (replace(said, request_digest=Digest(os.urandom(32))), said.agency, thread),
        lambda said, thread: (said, said.agency, Thread(os.urandom(16))),
        lambda said, thread: (first_answer(said, subject_ref=SubjectRef("s9")), said.agency, thread),
        lambda said, thread: (first_answer(said, category=CategoryId("gp.summary")), said.agency, thread),
        lambda said, thread: (first_answer(said, since=said.answers[0].since - timedelta(days=1)), said.agency, thread),
        lambda said, thread: (first_answer(said, until=said.answers[0].until + timedelta(days=1)), said.agency, thread),
        lambda said, thread: (first_answer(said, since=said.answers[0].until, until=said.answers[0].since), said.agency, thread),
    ],
    ids=["sender", "agency", "case", "request", "thread", "subject", "category", "since", "until", "span backwards"],
)
def test_one_thing_moved_is_enough_to_be_refused(responses, react, move):
    for said in responses:
        assert isinstance(react(said.body, said.sender, said.thread), Effect)
        body, sender, thread = move(said.body, said.thread)
        assert react(body, sender, thread) is Refusal.no_such_request


@pytest.mark.proves("I3")
def test_what_is_no_request_of_ours_cannot_be_answered(kept, responses, react):
    said = responses[0]
    others = [each.digest for each in kept if not isinstance(each.body, Request)]
    assert len(others) > len(responses)
    for digest in others:
        assert react(replace(said.body, request_digest=digest), said.sender, said.thread) is Refusal.no_such_request


@pytest.mark.proves("I3")
def test_another_hub_believes_none_of_it(responses, react, other):
    for said in responses:
        assert react(said.body, said.sender, said.thread, hub=other.hub) is Refusal.no_such_request


@pytest.mark.proves("I3")
def test_acknowledgements_and_rejections_are_bound_alike(borough, requests, react):
    duty = borough.police.party.settings.contact
    accepted, noted = set(), set()
    for asked, posing in product(requests, requests):
        ack = Acknowledgement(answers=asked.digest, received_at=NOW, duty_contact=duty)
        if isinstance(react(ack, posing.body.agency, posing.thread, kind=Kind.acknowledgement), Effect):
            accepted.add((asked.digest, posing.digest))
        rejection = Rejection(answers=asked.digest, reason=Refusal.expired, duty_contact=duty)
        effect = react(rejection, posing.body.agency, posing.thread, kind=Kind.rejection)
        assert isinstance(effect, Effect)  # nobody answers a rejection
        if effect.events:
            noted.add((asked.digest, posing.digest))
    assert accepted == noted == {(each.digest, each.digest) for each in requests}


def test_a_moved_answer_on_the_topic_is_quarantined_told_and_entered_and_the_case_stays(borough, requests, responses):
    """Sealed and signed by an agency that is listed, and still not its to give."""
    hub, police = borough.hub, borough.police
    asked = next(each for each in requests if each.body.agency != police.party.id)
    said = next(each for each in responses if each.sender == police.party.id)
    before = hub.record(asked.body.case_id)
    stolen = replace(said.body, request_digest=asked.digest, case_id=asked.body.case_id)
    entry = entries_of(police.party)[-1]
    lie = Outgoing(
        kind=Kind.response, recipient=hub.party.id, thread=asked.thread, case_id=asked.body.case_id, body=stolen, entries=(entry,)
    )
    police.party.store.apply([Effect(outgoing=(lie,))], police.party.seal, NOW)
    police.step()
    topic = topic_between(police.party.id, hub.party.id)
    assert receive(hub.party, [topic], hub.react, 0)
    assert [(row.topic, row.reason) for row in rows(hub.party, tables.quarantine)] == [(topic, Refusal.no_such_request.value)]
    assert "quarantined.no_such_request.1" in outcomes_a_minute_later(borough, hub.party)
    assert hub.record(asked.body.case_id) == before
    back = topic_between(hub.party.id, police.party.id)
    told = [header_of(row.publication.value).kind for row in outbox.waiting(hub.party.store.engine, back, 10)]
    assert told == [Kind.rejection]
