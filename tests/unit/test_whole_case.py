"""One borough, worked from contact to joined record on a transport in memory, with a clock that the test moves."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta

import pytest
from pydantic import TypeAdapter
from small_borough import NOW, SmallBorough, alarms, entries_of, outcomes, rows
from sources_of import only

from agents.adapter.matching import match
from agents.cli.show import refusal_lines
from agents.hub.casework import case_record, substance
from agents.hub.checks import questions_for
from broker.accesslog import origin_of, verify_log, verify_openings
from broker.envelope import header_of
from broker.ports import Publication
from broker.store import log, tables
from broker.streams import topic_between
from policies.categories import CONCERN
from policies.decision import decide
from policies.explain import apply, near_misses
from policies.facts import question_of, request_facts
from policies.sentences import REVIEW_NEEDED
from policies.vocabulary import Audience, Fact, LegalReview
from schemas.enums import AgencyStatus, Kind, Layer, Operation, Outcome, Rag, Stage, Status
from schemas.events import CaseOpened, Contact
from schemas.records import Request, Response

CONTACT, REQUEST = TypeAdapter(Contact), TypeAdapter(Request)
HOURS = {Rag.red: 4, Rag.amber: 24, Rag.green: 72}


class Watched:
    """A transport that notes which topics are asked for, and by whom."""

    def __init__(self, transport, fetched, written):
        self.transport, self.fetched, self.written = transport, fetched, written

    def fetch(self, positions, wait):
        self.fetched.update(positions)
        return self.transport.fetch(positions, wait)

    def publish(self, records):
        self.written.update(each.topic for each in records)
        self.transport.publish(records)

    def ends(self, topics):
        return self.transport.ends(topics)

    def close(self):
        """The shared one is closed by its owner."""


@pytest.fixture(scope="module")
def borough(tmp_path_factory):
    """All twelve contacts of the demo, worked to their end; what each party fetched and wrote is noted."""
    made = SmallBorough(tmp_path_factory.mktemp("whole"))
    made.fetched, made.written = defaultdict(set), defaultdict(set)
    for party in made.parties:
        party.transport = Watched(made.transport, made.fetched[party.id], made.written[party.id])
    made.take_in()
    made.work()
    for service in (made.hub, *made.adapters):
        service.tick()
    made.work()
    yield made
    made.close()


@pytest.fixture(scope="module")
def records(borough):
    found = [borough.hub.record(case) for case in borough.hub.party.store.cases()]
    return {str(each.contact_ref): each for each in found}


@pytest.fixture(scope="module")
def truth(borough):
    return json.loads((borough.folder / "truth.json").read_text())


@pytest.fixture(scope="module")
def contacts(borough):
    found = [CONTACT.validate_json(line) for line in (borough.folder / "contacts.jsonl").read_text().splitlines()]
    return {str(each.contact_ref): each for each in found}


def kept_requests(borough, adapter):
    store = adapter.party.store
    return [each.body for case in store.cases() for each in store.events(case) if isinstance(each.body, Request)]


def test_every_contact_becomes_a_case_and_every_request_is_acknowledged_and_answered(borough, records):
    counts = borough.hub.party.store.counts()
    assert counts["events.contact"] == counts["events.case_opened"] == len(records) == 12
    assert counts["events.request"] == counts["events.acknowledgement"] == counts["events.response"] > 12
    assert counts["quarantined"] == 0
    assert not any(party.store.has_work(party.now()) for party in borough.parties)
    broken_glass = sum(record.stage is Stage.emergency for record in records.values())
    assert alarms(borough.hub.party).keys() <= {"escalated", "overdue"}
    told = [each for each in outcomes(borough.hub.party) if each.startswith(("told.", "overdue."))]
    assert all(".case.national." in each for each in told)  # nobody recorded that a referrer was acknowledged or a response decided
    for adapter in borough.adapters:  # somebody looks at it on the next working day
        assert alarms(adapter.party) == {"next_working_day_review": broken_glass}
    for record in records.values():
        for state in record.agencies:
            assert state.status is AgencyStatus.answered
            assert state.acknowledged_at == NOW
            assert (state.revision, state.conflict) == (1, False)


def test_the_deadline_is_what_the_rating_gives(records):
    assert {record.rag for record in records.values()} >= {Rag.red, Rag.amber}
    for record in records.values():
        for state in record.agencies:
            assert state.due_at == NOW + timedelta(hours=HOURS[record.rag])


def test_every_question_that_was_asked_is_answered_once_and_every_other_says_why_not(borough, records, contacts):
    for ref, record in records.items():
        contact = contacts[ref]
        for agency in borough.hub.agencies:
            wanted = {
                (each.subject_ref, each.category)
                for each in questions_for(agency, contact.subjects, contact.decision, borough.hub.pack, NOW)
            }
            answered = [(each.answer.subject_ref, each.answer.category) for each in record.answers if each.agency == agency.id]
            unasked = [(each.subject_ref, each.category) for each in record.unasked if each.agency == agency.id]
            assert len(answered) == len(set(answered))
            assert set(answered) | set(unasked) == wanted
            assert not set(answered) & set(unasked)


@pytest.mark.proves("I10")
def test_no_match_is_wrong_and_everybody_who_is_there_is_found(borough, truth):
    wrong = missed = confirmed = 0
    for name, adapter in (("police", borough.police), ("trust", borough.trust)):
        for request in kept_requests(borough, adapter):
            ref = next(str(record.contact_ref) for record in map(borough.hub.record, [request.case_id]))
            for subject in request.subjects:
                true = truth["contacts"][ref]["subjects"][subject.ref][name]
                found = match(subject, only(adapter).system.candidates(subject).rows)
                if found.person is not None:
                    confirmed += 1
                    wrong += found.person.key not in true["keys"]
                missed += found.outcome.value != true["outcome"]
    assert (wrong, missed) == (0, 0)
    assert confirmed > 10


def test_what_was_released_is_what_the_agencies_truly_hold(borough, records, truth):
    released = 0
    for ref, record in records.items():
        for joined in record.answers:
            said = joined.answer
            true = truth["contacts"][ref]["subjects"][said.subject_ref][joined.agency.slug]
            held = [
                row
                for row in true["rows"]
                if row["category"] == said.category and said.since <= date.fromisoformat(row["at"][:10]) <= said.until
            ]
            if said.status is Status.released:
                released += 1
                assert Counter(str(item.at) for item in said.items) == Counter(row["at"][:10] for row in held)
            if said.status is Status.none_held:
                assert held == []
            if said.status is Status.not_found:
                assert true["keys"] == []
    assert released == sum(each.answer.status is Status.released for record in records.values() for each in record.answers) > 10


@pytest.mark.proves("I6")
def test_every_released_answer_has_climbed_every_layer(records, borough):
    packs = {adapter.party.id: adapter.pack for adapter in borough.adapters}
    for record in records.values():
        for joined in record.answers:
            ladder = joined.answer.ladder
            assert [step.layer for step in ladder] == [layer for layer in Layer if layer is not Layer.unknown]
            if joined.answer.status in {Status.released, Status.none_held}:
                assert all(step.met for step in ladder)
                rules = {rule.id for rule in packs[joined.agency].law.rules}
                assert all(step.rule in rules for step in ladder if step.applies)
                assert joined.answer.caps == ()


def test_every_step_leaning_on_a_rule_no_lawyer_has_confirmed_says_so(borough, records):
    needed = {rule.id for rule in borough.hub.pack.law.rules if rule.legal_review is LegalReview.needed}
    leaning = Counter()
    for record in records.values():
        for agency, ladder in [
            *((each.agency, each.answer.ladder) for each in record.answers),
            *(("hub", each.ladder) for each in record.unasked),
        ]:
            for step in ladder:
                if step.rule in needed:
                    assert step.legal_review_needed
                if step.legal_review_needed:
                    leaning[agency] += 1
                    assert REVIEW_NEEDED in step.says
    assert leaning["agency.police"]
    assert leaning["hub"]


def test_a_refusal_in_the_demo_shows_what_would_change_it(records):
    refused = [each for record in records.values() for each in record.unasked]
    assert refused
    assert any("told" in line for each in refused for line in refusal_lines(each, each.agency))


def asked_of(borough, opened, agency, question):
    """The hub's own question to its own ladder, as it stood when the case was opened."""
    hub, decision = borough.hub, opened.decision
    stage = hub.settings.stages[decision.stage]
    request = Request(
        case_id=opened.case_id,
        hub=hub.party.id,
        agency=agency.id,
        stage=decision.stage,
        rag=decision.rag,
        purpose=decision.purpose,
        necessity=decision.necessity,
        concern=stage.concern,
        requester_basis=stage.basis,
        officer=decision.officer,
        decided_at=decision.decided_at,
        duty_contact=hub.party.settings.contact,
        consents=decision.consents,
        break_glass=decision.break_glass,
        due_at=NOW,
        subjects=opened.contact.subjects,
        questions=(question,),
    )
    return question_of(
        request,
        replace(question, since=NOW.date(), until=NOW.date()),
        disclosure=Kind.request,
        hub_kind=hub._me.kind,
        agency_kind=agency.kind,
        facts=request_facts(request, now=NOW) | {Fact.match_confirmed},
    )


@pytest.mark.proves("I6")
def test_each_near_miss_of_what_was_not_asked_flips_its_decision_when_applied(borough):
    hub, flipped = borough.hub, 0
    for case in hub.party.store.cases():
        opened = next(each.body for each in hub.party.store.events(case) if isinstance(each.body, CaseOpened))
        for unasked in opened.unasked:
            agency = hub.party.trust.party(unasked.agency)
            wanted = questions_for(agency, opened.contact.subjects, opened.decision, hub.pack, NOW)
            question = next(each for each in wanted if (each.subject_ref, each.category) == (unasked.subject_ref, unasked.category))
            put = asked_of(borough, opened, agency, question)
            assert put.category == CONCERN
            before = decide(put, hub.pack, NOW)
            assert before.outcome is not Outcome.release
            assert near_misses(put, hub.pack, NOW, Audience.reviewer) == unasked.near_misses
            for miss in unasked.near_misses:
                after = decide(apply(put, miss), hub.pack, NOW)
                assert rank(after.outcome) > rank(before.outcome)
                flipped += 1
    assert flipped >= 10


@pytest.mark.proves("I6")
def test_each_near_miss_an_agency_tells_flips_its_decision_when_applied(borough):
    """The hub's own refusals come first in the demo, so here it is asked as a careless hub would ask."""
    told = 0
    for adapter in borough.adapters:
        me, hub = adapter.party.trust.party(adapter.party.id), borough.hub._me
        for request in kept_requests(borough, adapter):
            for careless in careless_versions(request):
                for question in careless.questions:
                    put = question_of(
                        careless,
                        question,
                        disclosure=Kind.response,
                        hub_kind=hub.kind,
                        agency_kind=me.kind,
                        facts=request_facts(careless, now=NOW) | {Fact.match_confirmed},
                    )
                    before = decide(put, adapter.pack, NOW)
                    for miss in near_misses(put, adapter.pack, NOW, Audience.requester):
                        assert rank(decide(apply(put, miss), adapter.pack, NOW).outcome) > rank(before.outcome)
                        told += 1
    assert told > 100


def careless_versions(request):
    yield request
    yield replace(request, consents=replace(request.consents, openness="not_recorded"))
    yield replace(request, consents=replace(request.consents, para18_reason=None))
    yield replace(request, officer=replace(request.officer, id="unknown"))
    yield replace(request, subjects=tuple(replace(each, relation_to_child="unknown") for each in request.subjects))


def rank(outcome):
    return [Outcome.withhold, Outcome.review, Outcome.release].index(outcome)


@pytest.mark.proves("I11")
def test_an_agency_fetches_no_topic_but_its_own_and_the_networks(borough):
    hub = borough.hub.party.id
    network = {"mash.directory", "mash.snapshots"}
    for adapter in borough.adapters:
        me = adapter.party.id
        assert borough.fetched[me] == {topic_between(hub, me), *network}
        assert borough.written[me] == {topic_between(me, hub), f"mash.parties.agency.{me.slug}"}
    agencies = [each.party.id for each in borough.adapters]
    assert borough.fetched[hub] == {*(topic_between(each, hub) for each in agencies), *network}


@pytest.mark.proves("I11")
def test_an_agencys_store_holds_nothing_that_another_agency_said(borough):
    for adapter in borough.adapters:
        me, store = adapter.party.id, adapter.party.store
        kept = [each for case in store.cases() for each in store.events(case)]
        assert {each.sender for each in kept} == {borough.hub.party.id, me}
        assert {type(each.body) for each in kept} == {Request, Response}
        assert {each.body.agency for each in kept} == {me}
        others = {
            each.digest for other in borough.adapters if other is not adapter for row in [other.party] for each in kept_responses(row)
        }
        mine = {row.digest for row in rows(adapter.party, tables.outbox)} | {row.digest for row in rows(adapter.party, tables.received)}
        assert others
        assert not others & mine
        for request in (each.body for each in kept if isinstance(each.body, Request)):
            held = {each.id for each in adapter.pack.categories.categories if borough.hub.party.trust.party(me).kind in each.held_by}
            assert {each.category for each in request.questions} <= held
            assert {each.subject_ref for each in request.questions} == {each.ref for each in request.subjects}


def kept_responses(party):
    return [each for case in party.store.cases() for each in party.store.events(case) if isinstance(each.body, Response)]


@pytest.mark.proves("I11")
def test_a_request_says_nothing_of_what_the_referrer_said_or_others_answered(borough, contacts):
    words = {ref: contact.words for ref, contact in contacts.items()}
    for adapter in borough.adapters:
        for request in kept_requests(borough, adapter):
            said = str(REQUEST.dump_python(request))
            assert not any(each in said for each in words.values())
            assert request.concern in {stage.concern for stage in borough.hub.settings.stages.values()}


@pytest.mark.proves("I8")
def test_both_sides_of_every_disclosure_are_entered_and_agree(borough):
    """What an agency's log says it disclosed is what the hub's says it collected, envelope by envelope; and requests likewise."""
    hub = entries_of(borough.hub.party)
    for adapter in borough.adapters:
        theirs = entries_of(adapter.party)
        disclosed = Counter(key(each) for each in theirs if each.operation is Operation.disclosure)
        digests = {row.digest for row in rows(adapter.party, tables.outbox) if row.recipient}
        collected = Counter(key(each) for each in hub if each.operation is Operation.collection and each.envelope in digests)
        assert disclosed == collected
        assert disclosed
        begun = {each.envelope for each in theirs if each.outcome == "begun"}
        asked = {each.envelope for each in hub if each.operation is Operation.disclosure and each.outcome == "asked"}
        assert begun <= asked
        assert begun == {row.digest for row in rows(borough.hub.party, tables.outbox) if row.recipient == adapter.party.id}


def key(entry):
    return entry.case_id, entry.subject_ref, entry.category, entry.outcome, entry.envelope, entry.pack_digest


def test_all_three_logs_verify(borough):
    for party in borough.parties:
        log.sequence(party.store, party.log_key, party.now())
        leaves = list(log.leaves(party.store))
        checkpoint = verify_log(log.newest_note(party.store), [leaf.data for leaf in leaves], origin_of(party.id), party.log_key.public)
        assert checkpoint.size % 64 == 0
        assert len(verify_openings(leaves)) == party.store.counts()["entries"]


@pytest.mark.proves("I4", "I12")
def test_everything_that_was_ever_sent_sent_again_changes_nothing(borough, records):
    before = {party.id: (party.store.counts(), len(outcomes(party))) for party in borough.parties}
    for party in borough.parties:
        sent = [row for row in rows(party, tables.outbox) if row.recipient]
        borough.transport.publish([Publication(topic=row.topic, key=row.key, value=row.value) for row in reversed(sent)])
    borough.work()
    assert {party.id: (party.store.counts(), len(outcomes(party))) for party in borough.parties} == before
    assert {str(each.contact_ref): each for each in map(borough.hub.record, borough.hub.party.store.cases())} == records


@pytest.mark.proves("I12")
def test_a_record_is_rendered_from_its_events_in_any_order(borough, records):
    for record in records.values():
        events = borough.hub.party.store.events(record.case_id)
        assert record.version == len(events)
        assert case_record(reversed(events)) == case_record([*events, *events]) == record


def test_two_runs_of_one_seed_come_to_the_same_substance_whatever_the_order_of_steps(tmp_path):
    found, cases = [], []
    for name, order in (("one", ("hub", "police", "trust")), ("two", ("trust", "police", "hub"))):
        made = SmallBorough(tmp_path / name, contacts=2)
        made.take_in()
        if name == "two":
            made.work(made.hub)
        made.work(*((getattr(made, each)) for each in order))
        made.work()
        cases.append(made.hub.party.store.cases())
        found.append({record.contact_ref: substance(record) for record in map(made.hub.record, cases[-1])})
        made.close()
    assert found[0] == found[1]
    assert len(found[0]) == 2
    assert set(cases[0]).isdisjoint(cases[1])


@pytest.fixture
def one(tmp_path):
    made = SmallBorough(tmp_path, contacts=1, answer_after=600)
    made.take_in()
    yield made
    made.close()


def states(borough):
    (case,) = borough.hub.party.store.cases()
    record = borough.hub.record(case)
    return {each.agency.slug: each for each in record.agencies} if record else {}


def test_a_case_in_its_time_asked_acknowledged_and_answered_when_its_time_has_come(one):
    assert states(one) == {}
    one.hub.step()
    assert {each.status for each in states(one).values()} == {AgencyStatus.awaited}
    asked_at = one.clock()
    one.clock.move(minutes=2)
    one.police.step()  # receives and seals its acknowledgement
    one.police.step()  # and sends it
    one.hub.step()
    assert {name: each.status for name, each in states(one).items()} == {"police": AgencyStatus.acknowledged, "trust": AgencyStatus.awaited}
    assert states(one)["police"].acknowledged_at == asked_at + timedelta(minutes=2)
    one.clock.move(minutes=1)
    one.work()
    assert {each.status for each in states(one).values()} == {AgencyStatus.acknowledged}
    one.clock.at = asked_at + timedelta(minutes=12) - timedelta(seconds=1)
    one.work()
    assert {each.status for each in states(one).values()} == {AgencyStatus.acknowledged}
    one.clock.move(seconds=1)
    one.work()
    assert {name: each.status for name, each in states(one).items()} == {
        "police": AgencyStatus.answered,
        "trust": AgencyStatus.acknowledged,
    }
    one.clock.move(minutes=1)
    one.work()
    found = states(one)
    assert {each.status for each in found.values()} == {AgencyStatus.answered}
    assert found["police"].answered_at == asked_at + timedelta(minutes=12)
    assert found["trust"].answered_at == asked_at + timedelta(minutes=13)
    assert {each.due_at for each in found.values()} == {asked_at + timedelta(hours=4)}  # red


def test_each_request_is_acknowledged_once_in_order_and_before_its_answer(one):
    one.work()
    one.clock.move(minutes=10)
    one.work()
    for adapter in one.adapters:
        sent = [header_of(row.value) for row in rows(adapter.party, tables.outbox) if row.recipient]
        assert [each.kind for each in sent] == [Kind.acknowledgement, Kind.response]
        assert [each.sequence for each in sent] == [1, 2]
        assert sent[0].sent_at < sent[1].sent_at
        assert len({each.thread for each in sent}) == 1
