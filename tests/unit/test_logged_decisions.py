"""The decisions of a party's access log, rebuilt from entries and envelopes: as they were logged, or why not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from desks import ED, HELD, REASON, SHAH, Known, again, asked, desk_of, take_back, waits, work
from small_borough import SmallBorough, entries_of, packs_read_once, rows, write_files
from sources_of import only, put

from agents.demo.ceremony import renew
from agents.hub.entries import case_entry
from agents.logged import Found, Lost, found, named
from broker.effect import Effect, Outgoing
from broker.follow import follow
from broker.packfiles import kept_pack
from broker.store import log, tables
from policies.categories import CONTACT
from policies.replay import decide_again, differences
from policies.vocabulary import Fact
from schemas.enums import CancelReason, CorrectionReason, Kind, Operation, Status
from schemas.identifiers import Thread
from schemas.records import Cancel


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logged")
    write_files(folder)
    return folder


@pytest.fixture(autouse=True, scope="module")
def read_once():
    with packs_read_once():
        yield


@pytest.fixture
def fresh(template, tmp_path):
    made = SmallBorough(tmp_path, like=template)
    yield made
    made.close()


def rebuilt(party, **span):
    """Decisions, and what was lost."""
    log.sequence(party.store, party.log_key, party.now())
    every = list(found(party, **span))
    return [each for each in every if isinstance(each, Found)], Counter(each for each in every if isinstance(each, Lost))


def about(entry):
    return entry.case_id, entry.subject_ref, entry.category, entry.envelope, entry.rules


def otherwise(party, decisions):
    """Those that do not come out as logged, by the very pack that made them."""
    kept = {digest: kept_pack(party.folder.path, digest) for digest in {each.logged.pack_digest for each in decisions}}
    retold = [(each.logged, decide_again(each.logged, kept[each.logged.pack_digest])) for each in decisions]
    return [(logged.id, differences(logged, decision)) for logged, decision in retold if differences(logged, decision)]


def test_every_decision_of_every_party_comes_out_as_logged_by_the_pack_that_made_it(fresh):
    fresh.take_in()
    fresh.work()
    statuses = set()
    for party in fresh.parties:
        decisions, _ = rebuilt(party)
        told = {Operation.disclosure} | ({Operation.collection} if party is fresh.hub.party else set())
        disclosures = [each for each in entries_of(party) if each.operation in told and each.category is not None]
        disclosures = [each for each in disclosures if each.operation is Operation.disclosure or each.category == CONTACT]
        assert Counter(map(about, disclosures)) == Counter(about(each.entry) for each in decisions)
        assert otherwise(party, decisions) == []
        assert len({each.logged.id for each in decisions}) == len(decisions) > 0
        statuses |= {each.answer.status for each in decisions if each.answer is not None}
    assert statuses >= {Status.released, Status.none_held, Status.in_review, Status.contact_us, Status.ambiguous, Status.not_found}


def test_an_answers_decision_is_found_under_the_id_that_the_hub_was_told(fresh):
    dossier = asked(fresh, fresh.trust, "s47")
    told = {said.answer.decision_id: key for key, said in dossier.said.items()}
    decisions, lost = rebuilt(fresh.trust.party)
    assert {each.logged.id: (each.logged.question.subject_ref, each.logged.question.category) for each in decisions} == told
    assert lost == {}


def test_what_a_hub_did_not_ask_is_counted(fresh):
    fresh.take_in()
    fresh.work()
    decisions, lost = rebuilt(fresh.hub.party)
    records = [fresh.hub.record(each) for each in fresh.hub.party.store.cases()]
    refused = [one for each in records if each is not None for one in each.unasked if one.ladder]
    assert all(each.answer is None for each in decisions)
    assert lost == {Lost.unasked: len(refused)}
    assert refused


def test_what_a_person_released_or_withheld_comes_out_as_logged(fresh):
    only(fresh.trust).system.close()
    put(fresh.trust, Known(HELD))
    desk = desk_of(fresh.trust)
    released, withheld = asked(fresh, fresh.trust), asked(fresh, fresh.trust)
    fresh.clock.move(seconds=1)
    desk.show(waits(fresh.trust, released), SHAH)
    assert desk.release(waits(fresh.trust, released), SHAH) is None
    assert desk.withhold(waits(fresh.trust, withheld), SHAH, REASON) is None
    decisions, lost = rebuilt(fresh.trust.party)
    by_hand = [each for each in decisions if each.answer.reviewed_by is not None]
    assert {each.answer.status for each in by_hand} == {Status.released, Status.contact_us}
    assert {each.entry.actor.id for each in by_hand} == {"p.shah"}
    assert otherwise(fresh.trust.party, decisions) == []
    assert lost == {}
    assert len({each.logged.id for each in decisions}) == len(decisions)


def test_an_answer_that_goes_out_again_unchanged_is_one_decision(fresh):
    only(fresh.trust).system.close()
    put(fresh.trust, Known(HELD))
    dossier, desk = asked(fresh, fresh.trust), desk_of(fresh.trust)
    first = {each.logged.id for each in rebuilt(fresh.trust.party)[0]}
    fresh.clock.move(seconds=1)
    desk.withhold(waits(fresh.trust, dossier), SHAH, REASON)
    second, _ = rebuilt(fresh.trust.party)
    assert len(second) == len(first) + 1
    assert again(fresh.trust, dossier).revision == 2


def test_what_was_so_that_day_is_read_from_the_answer(fresh):
    """A list of parties out of date holds what would be released; the decision is the same again though it is fresh now."""
    asked(fresh, fresh.trust, "s47")
    fresh.clock.move(days=1, minutes=1)
    asked(fresh, fresh.trust, "s47")
    fresh.tell(*renew(fresh.folder, fresh.clock.at))
    follow(fresh.trust.party)
    decisions, _ = rebuilt(fresh.trust.party)
    stale = [each for each in decisions if Fact.directory_stale in each.logged.standing]
    assert 0 < len(stale) < len(decisions)
    assert fresh.trust.party.trust.is_fresh(fresh.clock.at)
    assert otherwise(fresh.trust.party, decisions) == []


def test_only_decisions_between_two_days_are_taken(fresh):
    asked(fresh, fresh.trust, "s47")
    day = fresh.clock.at.date()
    party = fresh.trust.party
    every = len(rebuilt(party)[0])
    assert [len(rebuilt(party, since=since, until=until)[0]) for since, until in _spans(day)] == [every, 0, 0]


def _spans(day):
    one = timedelta(days=1)
    return (day, day), (day + one, day + one), (day - one, day - one)


# ------------------------------------------------------------------------------------------ what is lost


def lost_of(party, decisions=0):
    found_, lost = rebuilt(party)
    assert len(found_) == decisions
    return lost


def test_what_was_taken_back_is_counted_and_not_decided_again(fresh):
    dossier = asked(fresh, fresh.trust, "s47")
    assert take_back(fresh.trust, dossier, CorrectionReason.inaccurate, silent=True)
    work(fresh.trust)
    assert lost_of(fresh.trust.party) == {Lost.envelope: len(dossier.said)}


def test_an_answer_whose_request_is_erased_is_counted(fresh):
    dossier = asked(fresh, fresh.trust, "s47")
    fresh.trust.party.store.erase(dossier.request.case_id, [dossier.kept.digest])
    assert lost_of(fresh.trust.party) == {Lost.request: len(dossier.said)}


def test_an_erased_case_is_counted(fresh):
    dossier = asked(fresh, fresh.trust, "s47")
    store = fresh.trust.party.store
    with tables.transaction(store.engine) as connection:
        connection.execute(sa.delete(tables.event).where(tables.event.c.case_id == str(dossier.request.case_id)))
    assert lost_of(fresh.trust.party) == {Lost.case: len(dossier.said)}


def test_entries_whose_key_is_destroyed_are_counted_and_the_others_read(fresh):
    gone, left = asked(fresh, fresh.trust, "s47"), asked(fresh, fresh.trust, "s47")
    before, _ = rebuilt(fresh.trust.party)
    told = [each for each in entries_of(fresh.trust.party) if each.case_id == gone.request.case_id]
    with tables.transaction(fresh.trust.party.store.vault._engine) as connection:
        connection.execute(sa.delete(tables.case_key).where(tables.case_key.c.name.startswith(f"entry/{gone.request.case_id}/")))
    assert lost_of(fresh.trust.party, decisions=len(left.said)) == {Lost.entry: len(told)}
    assert len(before) == len(left.said) + len(gone.said)


def test_a_decision_about_a_body_that_is_no_longer_listed_is_counted(fresh):
    dossier = asked(fresh, fresh.trust, "s47")
    trust = fresh.trust.party.trust
    without = tuple(each for each in trust.directory.parties if each.id != dossier.request.hub)
    fresh.trust.party.trust = replace(trust, directory=replace(trust.directory, parties=without))
    assert lost_of(fresh.trust.party) == {Lost.party: len(dossier.said)}


def test_a_decision_in_an_envelope_of_another_kind_is_counted(fresh):
    dossier = asked(fresh, fresh.trust, "s47")
    hub, request = fresh.hub.party, dossier.request
    entry = case_entry(fresh.clock.at, Operation.disclosure, hub.actor, request.case_id, request, "told")
    named = {"subject_ref": request.questions[0].subject_ref, "category": ED, "pack_digest": fresh.hub.pack.digest}
    body = Cancel(
        request_digest=dossier.kept.digest,
        case_id=request.case_id,
        reason=CancelReason.withdrawn,
        officer=hub.actor,
        decided_at=fresh.clock.at,
        duty_contact=hub.settings.contact,
    )
    sent = Outgoing(
        kind=Kind.cancel,
        recipient=request.agency,
        thread=Thread(bytes(16)),
        case_id=request.case_id,
        body=body,
        entries=(replace(entry, **named),),
        keep=True,
    )
    hub.store.apply([Effect(outgoing=(sent,))], hub.seal, fresh.clock.at)
    assert rebuilt(hub)[1] == {Lost.kind: 1}


def test_a_decision_is_looked_up_by_its_index_and_only_its_own_case_is_opened(fresh, monkeypatch):
    fresh.take_in()
    fresh.work()
    for party in fresh.parties:
        decisions, _ = rebuilt(party)
        wanted = decisions[len(decisions) // 2]
        opened, read = [], party.store.events
        monkeypatch.setattr(party.store, "events", lambda case_id, opened=opened, read=read: opened.append(case_id) or read(case_id))
        monkeypatch.setattr(log, "leaves", None)  # nor is the log read through
        (one,) = named(party, str(wanted.logged.id))
        monkeypatch.undo()
        assert one == wanted
        assert opened == [wanted.entry.case_id]
        assert len(party.store.cases()) > 1


def test_every_decision_is_found_by_the_first_letters_of_its_id(fresh):
    fresh.take_in()
    fresh.work()
    for party in fresh.parties:
        decisions, _ = rebuilt(party)
        assert all(each in named(party, str(each.logged.id)[:8]) for each in decisions)


def test_an_id_that_no_decision_has_opens_no_case(fresh, monkeypatch):
    fresh.take_in()
    party = fresh.hub.party
    monkeypatch.setattr(party.store, "events", None)
    assert named(party, "0123456789abcdef") == []


def test_the_index_holds_no_id_in_the_clear(fresh):
    fresh.take_in()
    decisions, _ = rebuilt(fresh.hub.party)
    held = b"".join(row.name + row.digest for row in rows(fresh.hub.party, tables.mention))
    assert not any(bytes(each.logged.id)[:4] in held for each in decisions)


def test_a_replay_of_some_days_opens_only_the_cases_of_those_days(fresh, monkeypatch):
    fresh.take_in()
    fresh.work()
    party, day = fresh.hub.party, fresh.clock.at.date()
    log.sequence(party.store, party.log_key, party.now())
    monkeypatch.setattr(party.store, "events", None)
    assert [each for each in found(party, since=day + timedelta(days=1)) if isinstance(each, Found)] == []
