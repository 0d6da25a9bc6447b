"""What an agency says: decided before it looks, the least that answers, and nothing between the lines."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest
from pydantic import TypeAdapter
from small_borough import NOW, SmallBorough, alarms, entries_of, rows
from sources_of import only, put

from agents.adapter import agency
from agents.adapter.answer import MOST, Asked, Said, decide_question, least
from agents.adapter.answer import answer as say
from agents.adapter.matching import Match, MatchOutcome
from agents.adapter.parts import respond
from agents.adapter.ports import BY_NUMBER, Candidate, Found, Row
from agents.adapter.search import Search
from agents.adapter.sources.opening import open_source
from agents.demo.ceremony import renew
from agents.hub.checks import Asker, plan
from agents.hub.entries import case_entry
from broker.effect import Effect, Outgoing
from broker.envelope import FIRST_CLASS, header_of
from broker.ports import Publication
from broker.publish import drain
from broker.store import tables
from policies.sentences import REVIEW_NEEDED
from policies.vocabulary import LegalReview
from schemas import codec
from schemas.enums import Kind, Layer, Openness, Operation, Status
from schemas.errors import SourceUnavailableError
from schemas.events import Contact
from schemas.identifiers import CategoryId, DecisionId, Digest, PartyId, Slug, SubjectRef, Thread
from schemas.record import MAX_ITEMS
from schemas.records import DecisionIdentity, Question, Response

CONTACT = TypeAdapter(Contact)
SCENES = {"s47": 0, "s17": 1, "twins": 5, "nobody_holds": 6, "nothing_held": 7, "intelligence": 9}
ED, INTELLIGENCE = CategoryId("acute.ed_attendances"), CategoryId("pol.intelligence")
REFUSED = {"consents": {"openness": Openness.not_recorded}}


@pytest.fixture(scope="module")
def borough(tmp_path_factory):
    made = SmallBorough(tmp_path_factory.mktemp("answers"))
    yield made
    made.close()


@pytest.fixture
def fresh(tmp_path):
    """A borough of one test's own."""
    made = SmallBorough(tmp_path, contacts=1)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def as_it_was(borough):
    """Each test may exchange clock, source and pack."""
    parts = [(adapter, adapter.sources, adapter.pack, adapter.settings) for adapter in borough.adapters]
    yield
    borough.clock.at = NOW
    for adapter, source, pack, settings in parts:
        adapter.sources, adapter.pack, adapter.settings = source, pack, settings
        while adapter.step():
            pass


class Counting:
    """A source that notes what it is asked."""

    def __init__(self, source):
        self.source, self.calls = source, []

    def candidates(self, subject):
        self.calls.append(subject.ref)
        return self.source.candidates(subject)

    def fetch(self, person, category, since, until):
        self.calls.append(category)
        return self.source.fetch(person, category, since, until)


class Sure:
    """A source that knows everybody, and holds of everything what it is given."""

    def __init__(self, *found, as_of=NOW):
        self.found, self.as_of = found, as_of

    def candidates(self, subject):
        person = Candidate(
            key="1",
            family_name=subject.family_name,
            given_names=subject.given_names,
            born_on=subject.born_on,
            postcode=subject.addresses[0].postcode if subject.addresses else None,
            nhs_number=None,
            nhs_number_verified=False,
        )
        return Found(as_of=self.as_of, rows=(person,), by=BY_NUMBER)

    def fetch(self, person, category, since, until):
        return Found(as_of=self.as_of, rows=self.found)

    def close(self):
        """Nothing is open."""


class Broken(Sure):
    """A source that fails in some way when it is asked something."""

    def __init__(self, error, when):
        super().__init__()
        self.error, self.when = error, when

    def candidates(self, subject):
        if self.when == "candidates":
            raise self.error
        return super().candidates(subject)

    def fetch(self, person, category, since, until):
        if self.when == category:
            raise self.error
        return super().fetch(person, category, since, until)


def request_for(borough, adapter, scene, **changes):
    """What the hub asks this agency in one of the demo's scenes, with some parts changed."""
    line = (borough.folder / "contacts.jsonl").read_text().splitlines()[SCENES[scene]]
    contact = CONTACT.validate_json(line)
    hub = borough.hub
    asker = Asker(party=hub._me, settings=hub.settings, contact=hub.party.settings.contact)
    asked = plan(uuid4(), contact, contact.decision, hub.party.trust.party(adapter.party.id), asker, hub.pack, NOW).request
    if "consents" in changes:
        changes["consents"] = replace(asked.consents, **changes["consents"])
    return replace(asked, **changes)


def send(borough, request):
    """Seal and publish a request as the hub does."""
    entry = entries_of_hub(borough, request)
    sent = Outgoing(
        kind=Kind.request,
        recipient=request.agency,
        thread=Thread(os.urandom(16)),
        case_id=request.case_id,
        body=request,
        entries=(entry,),
        keep=True,
    )
    borough.hub.party.store.apply([Effect(outgoing=(sent,))], borough.hub.party.seal, borough.clock())
    drain(borough.hub.party)


def entries_of_hub(borough, request):
    return case_entry(NOW, Operation.disclosure, borough.hub.party.actor, request.case_id, None, "asked")


def ask(borough, adapter, scene="s47", **changes):
    """All the responses to a request, as the agency kept them."""
    request = request_for(borough, adapter, scene, **changes)
    send(borough, request)
    while adapter.step():
        pass
    return responses(adapter, request)


def responses(adapter, request):
    return [each.body for each in adapter.party.store.events(request.case_id) if isinstance(each.body, Response)]


def said(found, category=None, subject=None):
    """The answers, of one category or about one subject."""
    answers = [answer for each in found for answer in each.answers]
    return [each for each in answers if category in (None, each.category) and subject in (None, each.subject_ref)]


def statuses(found):
    return {each.status for each in said(found)}


def plainly(found):
    """The answers without the ids and times of this one request."""
    return [replace(each, decision_id=DecisionId(bytes(16)), decided_at=NOW) for each in said(found)]


def sizes(adapter):
    return [len(row.value) for row in rows(adapter.party, tables.outbox) if row.recipient and header_of(row.value).kind is Kind.response]


def test_what_is_held_and_may_be_said_is_released_with_source_and_provenance(borough):
    (found,) = ask(borough, borough.trust)
    (answer,) = said([found], ED, "s1")
    assert answer.status is Status.released
    assert len(answer.items) == 2
    assert all(each.relation_to_child == "the child" for each in answer.items)
    assert [each.source for each in answer.searched] == ["trust-extracts"]
    assert "born_on" in answer.agreed_fields
    assert all(step.met for step in answer.ladder)
    assert (found.revision, found.part, found.parts, found.pack_digest) == (1, 1, 1, borough.trust.pack.digest)


def test_what_is_not_held_of_a_person_found_is_none_held(borough):
    found = ask(borough, borough.trust, "nothing_held")
    assert statuses(found) == {Status.none_held}
    assert all(each.searched and not each.items for each in said(found))


def test_nobody_of_that_name_is_not_found_and_twins_are_ambiguous(borough):
    assert statuses(ask(borough, borough.trust, "nobody_holds")) == {Status.not_found}
    twins = said(ask(borough, borough.police, "twins"), subject="s1")
    assert {each.status for each in twins} == {Status.ambiguous, Status.contact_us}
    assert all(each.agreed_fields == () and each.items == () for each in twins)


@pytest.mark.proves("I10")
def test_a_subject_whom_nothing_is_given_to_look_by_is_ambiguous_and_never_not_found(borough):
    subjects = request_for(borough, borough.police, "s47").subjects
    nameless = tuple(replace(each, family_name=None, born_on=None, identifiers=()) for each in subjects)
    looked_for = [each for each in said(ask(borough, borough.police, subjects=nameless)) if each.searched]
    assert looked_for
    assert {each.status for each in looked_for} == {Status.ambiguous}
    assert {each.searched[0].identifiers for each in looked_for} == {()}


def test_an_answer_states_source_freshness_identifiers_used_and_scope(borough):
    police = borough.police
    source = only(police).settings.model_copy(update={"scope": "Incidents of this force since 2010"})
    police.sources = {source.name: replace(only(police), settings=source)}
    (searched,) = {each.searched for each in said(ask(borough, police)) if each.status is Status.released}
    (one,) = searched
    assert (one.source, one.identifiers, one.scope) == (source.name, ("family_name", "born_on"), "Incidents of this force since 2010")
    assert one.as_of <= NOW


@pytest.mark.proves("I11")
def test_a_refusal_is_decided_before_any_search_and_searches_nothing(borough):
    counting = put(borough.trust, Counting(only(borough.trust).system))
    found = ask(borough, borough.trust, **REFUSED)
    assert statuses(found) == {Status.withheld}
    assert [each.searched for each in said(found)] == [()] * len(said(found))
    assert counting.calls == []
    assert {miss.fact for each in said(found) for miss in each.near_misses} == {"openness_recorded"}
    asked = [each.category for each in said(ask(borough, borough.trust))]
    assert sorted(counting.calls) == sorted(["s1", "s2", *asked])  # each person is looked for once, each question asked once


def rows_of(category, pack):
    fields = next(each.fields for each in pack.categories.categories if each.id == category)
    return [Row(at=date(2026, 11, 1), fields=tuple((field.name, "TOLD") for field in fields), assertion="fact")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [(REFUSED, {Status.withheld, Status.contact_us}), ({"questions": INTELLIGENCE}, {Status.contact_us})],
    ids=["refused", "never automatic"],
)
def test_a_question_that_is_not_released_reads_the_same_whether_or_not_anything_is_held(borough, changes, expected):
    """Same statuses, ladders, caps, near misses and size class; only ids and times differ."""
    police, changes = borough.police, dict(changes)
    if "questions" in changes:
        asked = request_for(borough, police, "intelligence").questions
        changes["questions"] = tuple(each for each in asked if each.category == changes["questions"])
    told = {}
    for name, source in (("held", Sure(*rows_of(INTELLIGENCE, police.pack))), ("not held", Sure()), ("real", only(police).system)):
        put(police, Counting(source))
        before = len(sizes(police))
        told[name] = plainly(ask(borough, police, "intelligence", **changes)), sizes(police)[before:], only(police).system.calls
    assert told["held"] == told["not held"] == told["real"]
    assert {each.status for each in told["held"][0]} == expected
    assert told["held"][2] == []
    assert all(each.ladder and not each.items for each in told["held"][0])


def test_held_and_not_held_weigh_the_same_on_the_wire(borough):
    police = borough.police
    questions = tuple(each for each in request_for(borough, police, "s47").questions if each.subject_ref == "s3")
    weights = []
    for source in (Sure(*rows_of(CategoryId("pol.custody"), police.pack)), Sure()):
        put(police, source)
        before = len(sizes(police))
        found = ask(borough, police, questions=questions)
        weights.append((Status.released in statuses(found), sizes(police)[before:]))
    (held, first), (not_held, second) = weights
    assert (held, not_held) == (True, False)
    assert first == second
    assert first[0] >= FIRST_CLASS


def test_a_stale_directory_or_snapshot_releases_nothing_without_a_person(borough):
    counting = put(borough.trust, Counting(only(borough.trust).system))
    borough.clock.move(hours=25)
    found = ask(borough, borough.trust)
    assert statuses(found) == {Status.in_review}
    assert {cap for each in said(found) for cap in each.caps} == {"directory_stale"}
    assert counting.calls == []
    assert len(borough.trust.party.store.events(found[0].case_id)) == 2  # opened and answered as usual


def test_a_source_behind_its_allowed_lag_is_stale_and_never_none_held(borough):
    folder, settings = borough.folder / "trust", only(borough.trust).settings
    old = (NOW - settings.allowed_lag - timedelta(days=1)).timestamp()
    times = {path: path.stat().st_mtime for path in folder.glob("*.csv")}
    for path in times:
        os.utime(path, (old, old))
    put(borough.trust, open_source(settings, folder))
    try:
        for scene in ("s47", "nothing_held", "nobody_holds"):
            found = ask(borough, borough.trust, scene)
            assert statuses(found) == {Status.stale}
            assert all(not each.items and not each.agreed_fields and each.searched for each in said(found))
    finally:
        only(borough.trust).system.close()
        for path, at in times.items():
            os.utime(path, (at, at))


@pytest.mark.proves("I7")
def test_a_source_that_is_gone_is_said_to_be_and_never_none_held(borough, tmp_path):
    settings = only(borough.police).settings
    put(borough.police, open_source(settings, tmp_path))  # there is no database here
    found = ask(borough, borough.police)
    only(borough.police).system.close()
    assert statuses(found) == {Status.source_unavailable, Status.contact_us}
    assert {each.duty_contact for each in said(found)} == {borough.police.party.settings.contact}


@pytest.mark.proves("I7")
@pytest.mark.parametrize("when", ["candidates", ED])
@pytest.mark.parametrize("error", [SourceUnavailableError("down"), ValueError("SECRET"), RuntimeError(), KeyError("x")], ids=repr)
def test_any_error_of_a_source_withholds_that_answer_and_names_the_duty_contact(borough, capsys, when, error):
    put(borough.trust, Broken(error, when))
    before = alarms(borough.trust.party).get("source_failed", 0)
    found = ask(borough, borough.trust)
    failed = said(found, ED)
    assert {each.status for each in failed} == {Status.source_unavailable}
    assert {each.duty_contact for each in failed} == {borough.trust.party.settings.contact}
    assert not any(each.items or each.agreed_fields for each in failed)
    others = {each.status for each in said(found) if each.category != ED}
    assert others == ({Status.source_unavailable} if when == "candidates" else {Status.none_held})
    foreign = not isinstance(error, SourceUnavailableError)
    assert (alarms(borough.trust.party).get("source_failed", 0) > before) == foreign
    assert "SECRET" not in capsys.readouterr().out


@pytest.mark.proves("I7")
@pytest.mark.parametrize("where", ["match", "answer"])
def test_an_error_while_matching_or_answering_withholds_too(borough, monkeypatch, where):
    if where == "match":
        monkeypatch.setattr(agency, "match", lambda *_: 1 / 0)
    else:
        put(borough.trust, Sure(Row(at=date(2026, 11, 1), fields=((Slug("diagnosis"), "x"),), assertion="hearsay")))
    found = ask(borough, borough.trust)
    assert {each.status for each in said(found, ED)} == {Status.source_unavailable}
    assert {each.duty_contact for each in said(found)} == {borough.trust.party.settings.contact}
    assert alarms(borough.trust.party)["source_failed"]


@pytest.mark.proves("I7")
def test_an_error_inside_the_decision_withholds_searches_nothing_and_alarms(borough):
    counting = put(borough.trust, Counting(only(borough.trust).system))
    borough.trust.pack = borough.police.pack  # decide() cannot decide by another controller's pack
    found = ask(borough, borough.trust)
    assert statuses(found) == {Status.withheld}
    assert counting.calls == []
    assert {each.duty_contact for each in said(found)} == {borough.trust.party.settings.contact}
    assert not any(step.met for each in said(found) for step in each.ladder if step.applies)
    assert alarms(borough.trust.party)["error"]


@pytest.mark.proves("I7", "I14")
def test_a_request_nobody_can_answer_stops_no_other_and_is_tried_again(borough):
    trust, pack = borough.trust, borough.trust.pack
    before = alarms(trust.party).get("answer_failed", 0)
    stuck, next_one = (request_for(borough, trust, "s47") for _ in range(2))
    trust.pack = None
    send(borough, stuck)
    while trust.step():
        pass
    assert alarms(trust.party)["answer_failed"] == before + 1
    assert responses(trust, stuck) == []
    trust.pack = pack
    send(borough, next_one)
    while trust.step():
        pass
    assert len(responses(trust, next_one)) == 1
    borough.clock.move(minutes=6)  # the lease has run out
    while trust.step():
        pass
    assert len(responses(trust, stuck)) == 1


def test_every_answer_leaning_on_a_rule_no_lawyer_has_confirmed_says_so(borough):
    leaning = 0
    for adapter in borough.adapters:
        request = request_for(borough, adapter, "s47")
        asked = Asked(
            request=request,
            digest=Digest(bytes(32)),
            thread=Thread(bytes(16)),
            me=adapter.party.trust.party(adapter.party.id),
            hub=borough.hub._me,
        )
        for question in request.questions:
            decided = decide_question(asked, question, adapter.pack, NOW)
            shown = say(asked, decided, (), adapter.pack, adapter.party.settings.contact, NOW)
            for step, layer in zip(shown.ladder, decided.decision.answers, strict=True):
                rules = [rule for rule in (layer.rule, layer.recipient_rule) if rule is not None]
                needed = any(rule.legal_review is LegalReview.needed for rule in rules)
                assert step.legal_review_needed == needed
                assert (REVIEW_NEEDED in step.says) == needed
                leaning += needed
    assert leaning


def test_a_decision_id_can_be_worked_out_again(borough):
    request = request_for(borough, borough.trust, "s47")
    send(borough, request)
    while borough.trust.step():
        pass
    kept = borough.trust.party.store.events(request.case_id)
    asked = next(each for each in kept if each.kind == Kind.request.value)
    answers = said(responses(borough.trust, request))
    for each in answers:
        identity = DecisionIdentity(
            answers=asked.digest,
            thread=asked.thread,
            kind=Kind.response,
            recipient=borough.hub.party.id,
            subject_ref=each.subject_ref,
            category=each.category,
            pack_digest=borough.trust.pack.digest,
            decided_at=each.decided_at,
        )
        assert each.decision_id == hashlib.sha256(codec.encode(identity)).digest()[:16]
    assert len({each.decision_id for each in answers}) == len(answers)


def gateways(found):
    return {step.rule for each in said(found) for step in each.ladder if step.layer is Layer.gateway}


def test_the_law_treats_police_and_trust_differently_at_section_47(borough):
    """s.47(9) binds the trust to help the authority's enquiries; the police are not on its list and stand on something else."""
    (police,), (trust,) = gateways(ask(borough, borough.police)), gateways(ask(borough, borough.trust))
    assert (police, trust) == ("ca2004.s16la", "ca1989.s47-9")
    regimes = {
        adapter.party.id: {step.applies for each in said(ask(borough, adapter)) for step in each.ladder if step.layer is Layer.regime}
        for adapter in borough.adapters
    }
    assert regimes == {"agency.police": {True, False}, "agency.trust": {False}}  # Part 3 of the DPA 2018 is the police's alone


def test_the_police_need_another_rule_where_section_16la_is_not_in_force(borough):
    day = next(rule.in_force.since for rule in borough.police.pack.law.rules if rule.id == "ca2004.s16la") - timedelta(days=1)
    request = request_for(borough, borough.police, "s47")
    at = NOW.replace(year=day.year, month=day.month, day=day.day)
    asked = Asked(
        request=replace(request, decided_at=at - timedelta(hours=1)),
        digest=Digest(bytes(32)),
        thread=Thread(bytes(16)),
        me=borough.police.party.trust.party(borough.police.party.id),
        hub=borough.hub._me,
    )
    questions = [replace(each, since=at.date(), until=at.date()) for each in request.questions]
    before = [decide_question(asked, each, borough.police.pack, at) for each in questions]
    carried = {rule for each in before for rule in each.decision.rules}
    assert "ca2004.s16la" not in carried


def test_an_acknowledgement_goes_out_once_and_before_the_answer_whatever_arrives_twice(borough):
    request = request_for(borough, borough.trust, "s47")
    before = len(rows(borough.trust.party, tables.outbox))
    send(borough, request)
    (sent,) = [row for row in rows(borough.hub.party, tables.outbox) if row.recipient == borough.trust.party.id][-1:]
    borough.transport.publish([again(sent), again(sent)])
    while borough.trust.step():
        pass
    kinds = [header_of(row.value).kind for row in rows(borough.trust.party, tables.outbox)[before:] if row.recipient]
    assert kinds == [Kind.acknowledgement, Kind.response]


def again(row):
    return Publication(topic=row.topic, key=row.key, value=row.value)


def test_answer_after_holds_the_answer_back_so_that_its_time_tells_nothing(borough):
    adapter = borough.trust
    adapter.settings = adapter.settings.model_copy(update={"answer_after": timedelta(minutes=3)})
    request = request_for(borough, adapter, "s47")
    send(borough, request)
    for seconds in (0, 60, 119):
        borough.clock.at = NOW + timedelta(seconds=seconds)
        while adapter.step():
            pass
        assert [each.kind for each in adapter.party.store.events(request.case_id)] == [Kind.request.value]
    borough.clock.at = NOW + timedelta(minutes=3)
    while adapter.step():
        pass
    (found,) = responses(adapter, request)
    assert {each.decided_at for each in found.answers} == {NOW + timedelta(minutes=3)}


@pytest.mark.proves("I8")
def test_there_is_one_entry_for_every_question_whatever_its_outcome(borough):
    before = len(entries_of(borough.police.party))
    found = said(ask(borough, borough.police, "intelligence"))
    entries = entries_of(borough.police.party)[before:]
    disclosed = [each for each in entries if each.operation is Operation.disclosure]
    assert [(each.subject_ref, each.category, each.outcome) for each in disclosed] == [
        (each.subject_ref, each.category, each.status.value) for each in found
    ]
    assert len({each.envelope for each in disclosed}) == 1
    searched = [each for each in entries if each.outcome.startswith("searched.")]
    assert len(searched) == sum(len(each.searched) for each in found) > 0
    assert all(each.operation is Operation.consultation for each in searched)


def test_a_question_asked_before_midnight_and_answered_after_it_is_still_answered(fresh):
    """Only the days that have left the look-back meanwhile are left off, and the answer says which span it covers."""
    request = request_for(fresh, fresh.trust, "s47")
    fresh.clock.move(days=1)
    fresh.tell(*renew(fresh.folder, fresh.clock.at))  # today's snapshot
    fresh.hub.step()
    send(fresh, request)
    while fresh.trust.step():
        pass
    found = said(responses(fresh.trust, request))
    assert {each.status for each in found} == {Status.released, Status.none_held}
    spans = {(each.subject_ref, each.category): (each.since, each.until) for each in request.questions}
    for each in found:
        since, until = spans[each.subject_ref, each.category]
        assert (each.since, each.until) == (since + timedelta(days=1), until)


def test_a_question_that_reaches_too_far_back_is_refused_whenever_it_is_answered(borough):
    asked = request_for(borough, borough.trust, "s47").questions
    further = tuple(replace(each, since=each.since - timedelta(days=1)) for each in asked)
    assert statuses(ask(borough, borough.trust, questions=further)) == {Status.withheld}
    past = tuple(Question(subject_ref=each.subject_ref, category=each.category, since=each.since, until=each.since) for each in further)
    assert statuses(ask(borough, borough.trust, questions=past)) == {Status.withheld}


@pytest.mark.parametrize(
    "changes",
    [{"agency": PartyId("agency.police")}, {"hub": PartyId("hub.elsewhere")}],
    ids=["another agency's", "another hub's"],
)
def test_a_request_that_does_not_name_these_two_parties_is_invalid(borough, changes):
    request = replace(request_for(borough, borough.trust, "s47"), **changes)
    before = borough.trust.party.store.counts()["quarantined"]
    sent = Outgoing(
        kind=Kind.request,
        recipient=borough.trust.party.id,
        thread=Thread(os.urandom(16)),
        case_id=request.case_id,
        body=request,
        entries=(entries_of_hub(borough, request),),
    )
    borough.hub.party.store.apply([Effect(outgoing=(sent,))], borough.hub.party.seal, NOW)
    drain(borough.hub.party)
    while borough.trust.step():
        pass
    assert borough.trust.party.store.counts()["quarantined"] == before + 1
    assert responses(borough.trust, request) == []


# ---------------------------------------------------------------------------------------------- pure, without a service


def asked_of(borough, scene="s47", **changes):
    request = request_for(borough, borough.trust, scene, **changes)
    return Asked(
        request=request,
        digest=Digest(os.urandom(32)),
        thread=Thread(os.urandom(16)),
        me=borough.trust.party.trust.party(borough.trust.party.id),
        hub=borough.hub._me,
    )


PERSON = Candidate(key="k", family_name="x", given_names="y", born_on=None, postcode=None, nhs_number=None, nhs_number_verified=False)
CONFIRMED = Match(outcome=MatchOutcome.confirmed, person=PERSON)
ROW = Row(at=date(2026, 11, 20), fields=((Slug("diagnosis"), "Bruise"),), assertion="fact")
LONG_AGO = NOW - timedelta(days=2)
SEEN = {"source": Slug("s"), "as_of": NOW, "by": BY_NUMBER}
SILENT = Search(source=Slug("s"), failed=True)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        (lambda items: Search(match=CONFIRMED, items=items, **SEEN), Status.released),
        (lambda _: Search(match=CONFIRMED, items=(), **SEEN), Status.none_held),
        (lambda _: Search(match=Match(outcome=MatchOutcome.none), **SEEN), Status.not_found),
        (lambda _: Search(match=Match(outcome=MatchOutcome.ambiguous), **SEEN), Status.ambiguous),
        (lambda _: Search(match=Match(outcome=MatchOutcome.probable, person=PERSON), **SEEN), Status.ambiguous),
        (lambda _: SILENT, Status.source_unavailable),
        (lambda _: Search(source=Slug("s"), by_person=True), Status.in_review),
        (lambda _: Search(match=CONFIRMED, **SEEN), Status.source_unavailable),
        (lambda items: Search(match=CONFIRMED, items=items, **SEEN | {"as_of": LONG_AGO}, allowed_lag=timedelta(days=1)), Status.stale),
    ],
)
def test_the_status_of_what_may_be_released_follows_from_the_search(borough, search, expected):
    asked = asked_of(borough)
    question = next(each for each in asked.request.questions if each.category == ED)
    decided = decide_question(asked, question, borough.trust.pack, NOW)
    assert decided.searches
    found = search(least(asked, question, Slug("s"), (ROW,), borough.trust.pack))
    answer = say(asked, decided, (found,), borough.trust.pack, borough.trust.party.settings.contact, NOW)
    assert answer.status is expected
    assert bool(answer.items) == (expected is Status.released)


def test_rows_outside_the_span_are_not_released_though_the_source_gives_them(borough):
    asked = asked_of(borough)
    question = next(each for each in asked.request.questions if each.category == ED)
    old = replace(ROW, at=question.since - timedelta(days=1))
    decided = decide_question(asked, question, borough.trust.pack, NOW)
    found = Search(match=CONFIRMED, items=least(asked, question, Slug("s"), (old,), borough.trust.pack), **SEEN)
    assert say(asked, decided, (found,), borough.trust.pack, borough.trust.party.settings.contact, NOW).status is Status.none_held


def test_a_question_that_a_person_holds_reads_the_same_whatever_is_held_and_nothing_is_searched(borough):
    asked, contact = asked_of(borough), borough.trust.party.settings.contact
    question = next(each for each in asked.request.questions if each.category == ED)
    decided = replace(decide_question(asked, question, borough.trust.pack, NOW), held=True)
    assert not decided.searches
    found = Search(match=CONFIRMED, items=least(asked, question, Slug("s"), (ROW,), borough.trust.pack), **SEEN)
    one, two = (say(asked, decided, searches, borough.trust.pack, contact, NOW) for searches in ((), (found, SILENT)))
    assert one == two
    assert (one.status, one.items, one.agreed_fields) == (Status.contact_us, (), ())


def test_what_two_packs_decided_comes_in_parts_of_one_revision_each_naming_its_pack(borough):
    asked, contact = asked_of(borough), borough.trust.party.settings.contact
    decided = [decide_question(asked, each, borough.trust.pack, NOW) for each in asked.request.questions]
    answers = [say(asked, each, (), borough.trust.pack, contact, NOW) for each in decided]
    packs = [Digest(bytes([number % 2]) * 32) for number in range(len(answers))]
    parts = respond(asked, [Said(answer=each, pack_digest=pack) for each, pack in zip(answers, packs, strict=True)], 3)
    assert [(each.revision, each.part, each.parts) for each in parts] == [(3, 1, 2), (3, 2, 2)]
    assert {each.pack_digest: each.answers for each in parts} == {packs[0]: tuple(answers[::2]), packs[1]: tuple(answers[1::2])}


def test_an_answer_too_large_for_one_body_goes_to_a_person(borough):
    asked = asked_of(borough)
    question = next(each for each in asked.request.questions if each.category == ED)
    decided = decide_question(asked, question, borough.trust.pack, NOW)
    large, small = (replace(ROW, fields=((Slug("diagnosis"), text),)) for text in ("é" * 7900, "-"))
    wordy = replace(asked.request.subjects[0], relation_to_child="w" * 200)  # of each item, and the asker's own words
    asked_wordily = replace(asked, request=replace(asked.request, subjects=(wordy, *asked.request.subjects[1:])))
    contact = borough.trust.party.settings.contact
    cases = (
        (asked, large, MOST // 16000, Status.released),
        (asked, large, MOST // 16000 + 1, Status.in_review),
        (asked_wordily, small, MOST // 300, Status.released),
        (asked_wordily, small, MAX_ITEMS, Status.in_review),
        (asked, small, MAX_ITEMS, Status.released),
        (asked, small, MAX_ITEMS + 1, Status.in_review),
    )
    for asked, row, count, expected in cases:
        found = Search(match=CONFIRMED, items=least(asked, question, Slug("s"), (row,) * count, borough.trust.pack), **SEEN)
        answer = say(asked, decided, (found,), borough.trust.pack, contact, NOW)
        assert answer.status is expected
        (part,) = respond(asked, [Said(answer=answer, pack_digest=borough.trust.pack.digest)])
        assert part.answers == (answer,)
        codec.encode(part)


@pytest.mark.proves("I8")
def test_answers_too_large_for_one_body_come_in_parts_each_with_its_entries_and_join_to_one(fresh):
    hub, police = fresh.hub, fresh.police
    partner = CONTACT.validate_json((fresh.folder / "contacts.jsonl").read_text().splitlines()[0]).subjects[2]
    contact = CONTACT.validate_json((fresh.folder / "contacts.jsonl").read_text().splitlines()[0])
    many = replace(
        contact,
        contact_ref=Slug("many-1"),
        subjects=tuple(replace(partner, ref=SubjectRef(f"s{number}")) for number in range(1, 13)),
    )
    long = Row(at=date(2026, 11, 1), fields=((Slug("summary"), "word " * 1600),), assertion="fact")
    only(police).system.close()
    put(police, Sure(long))
    before = len(entries_of(police.party))
    hub.intake(CONTACT.dump_json(many), "many.jsonl")
    fresh.work()
    (case_id,) = [each for each in hub.party.store.cases() if hub.record(each) and hub.record(each).contact_ref == "many-1"]
    found = [each.body for each in police.party.store.events(case_id) if isinstance(each.body, Response)]
    assert [(each.part, each.parts) for each in found] == [(number, len(found)) for number in range(1, len(found) + 1)]
    assert len(found) > 1
    about = [{one.subject_ref for one in each.answers} for each in found]
    assert sum(map(len, about)) == len(set().union(*about)), "somebody who fits one part stands in two"
    asked = next(each.body for each in police.party.store.events(case_id) if each.kind == Kind.request.value)
    assert [(each.subject_ref, each.category) for each in said(found)] == [(each.subject_ref, each.category) for each in asked.questions]
    disclosed = [each for each in entries_of(police.party)[before:] if each.operation is Operation.disclosure]
    assert len(disclosed) == len(asked.questions)
    assert len({each.envelope for each in disclosed}) == len(found)
    record = hub.record(case_id)
    state = next(each for each in record.agencies if each.agency == police.party.id)
    assert (state.status.value, state.revision, state.conflict) == ("answered", 1, False)
    assert len([each for each in record.answers if each.agency == police.party.id]) == len(asked.questions)
