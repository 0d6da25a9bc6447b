"""A contact is a disclosure by whoever told: it climbs, both sides' conditions are entered, and no child is turned away by it."""

from __future__ import annotations

import json
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_support import COUNCIL, NOW, agreement_text, pack_for
from pydantic import TypeAdapter
from small_borough import SmallBorough, alarms, entries_of, packs_read_once, write_files
from typer.testing import CliRunner

from agents.cli.app import app
from agents.cli.explain import OF_ITS_OWN
from agents.hub.referrers import teller_of
from agents.logged import Found, found, named
from broker.party import utc_now
from broker.store import log
from policies import contacts
from policies.categories import CONTACT
from policies.contacts import Hearer, Teller, climb_contact, contact_decision_id
from policies.replay import decide_again, differences
from schemas.enums import ControllerKind, Layer, Openness, Operation, Outcome, Stage, SubjectRole
from schemas.events import Contact, Referrer
from schemas.identifiers import PartyId, Slug

CONTACTS = TypeAdapter(Contact)
RUN = CliRunner()
KINDS = sorted(set(ControllerKind) - {ControllerKind.unknown})


@pytest.fixture(autouse=True, scope="module")
def read_once():
    with packs_read_once():
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("told")
    write_files(folder, contacts=6)
    return folder


def lines_of(folder):
    return [CONTACTS.validate_json(line) for line in (folder / "contacts.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def contact(template):
    return lines_of(template)[0]


@pytest.fixture(scope="module")
def hearer():
    pack = pack_for(COUNCIL)
    return Hearer(id=pack.controller.party, kind=COUNCIL, pack=pack)


def by(contact, kind, organisation="Nowhere (SYNTHETIC)", **changes):
    return replace(contact, referrer=replace(contact.referrer, kind=kind, organisation=organisation), **changes)


def told(hub):
    return [each for each in entries_of(hub.party) if each.operation is Operation.collection and each.category == CONTACT]


def take(borough, *every):
    return borough.hub.intake(b"\n".join(CONTACTS.dump_json(each) for each in every), "contacts.jsonl")


def test_both_sides_conditions_are_entered_for_each_subject_and_category_told(borough, contact):
    take(borough, by(contact, "police", "Borough Police (synthetic)"))
    entries = told(borough.hub)
    assert [each.subject_ref for each in entries] == [each.ref for each in contact.subjects]
    for each in entries:
        assert each.told_by == "agency.police"
        assert {"asked.contact", "dpa2018.s36-4", "ca2004.s16la", "recipient.council"} <= set(each.rules)
        assert "gdpr.art6-1-e" in each.recipient_rules
        assert each.pack_digest == borough.hub.pack.digest


def test_every_layer_is_carried_by_a_named_rule_or_says_why_not(borough, contact):
    take(borough, by(contact, "police"))
    laws = {rule.id: rule.layer for rule in borough.hub.pack.law.rules}
    for each in told(borough.hub):
        said = {laws[rule].value for rule in each.rules} | {code.partition(".")[0] for code in each.layers}
        assert said == {layer.value for layer in Layer} - {"unknown"}
        assert all(code.count(".") == 2 for code in each.layers if not code.startswith("recipient."))


def test_a_hub_relies_on_its_own_task_and_on_no_duty_to_tell_itself(contact, hearer):
    for each in climb_contact(contact, Teller(kind=ControllerKind.nhs_body), hearer, NOW):
        assert "gdpr.art6-1-e" in each.recipient_rules
        assert "gdpr.art6-1-c" in each.telling.rules


@pytest.mark.parametrize("kind", ["gp practice", "housing authority", "charity", "police", "member of the public", "a voice on the phone"])
def test_a_contact_is_never_turned_away_by_its_ladder(borough, contact, kind):
    silent = by(replace(contact, decision=None), kind)
    taken = take(borough, silent)
    assert (taken.taken, taken.aside) == (1, ())
    assert len(told(borough.hub)) == len(contact.subjects)


def test_what_may_not_have_been_said_is_a_concern_by_code_and_the_case_goes_on(borough, contact):
    taken = take(borough, by(contact, "gp practice"))
    assert {each.subject_ref for each in taken.concerns} == {each.ref for each in contact.subjects}
    assert all("gateway.failed.no_rule" in each.layers for each in taken.concerns)
    assert {each.outcome for each in told(borough.hub)} == {"told.concern"}
    assert alarms(borough.hub.party)["contact_concern"] == 1
    borough.work()
    record = borough.hub.record(borough.hub.party.store.cases()[-1])
    assert record.answers


def test_a_concern_holds_no_personal_data(borough, contact):
    said = repr([(each, each.layers) for each in take(borough, by(contact, "gp practice")).concerns])
    for subject in contact.subjects:
        assert not any(name in said for name in (subject.family_name, subject.given_names) if name)


def test_what_nobody_recorded_of_openness_is_a_concern_until_whoever_told_says_it(borough, contact):
    silent = by(replace(contact, decision=None), "police")
    assert all("asked.failed.no_rule" in each.layers for each in take(borough, silent).concerns)
    said = replace(silent, contact_ref=Slug("said"), consents=contact.decision.consents)
    assert take(borough, said).concerns == ()


def test_a_contact_taken_in_twice_is_entered_once(borough, contact):
    take(borough, contact)
    entries = told(borough.hub)
    assert take(borough, contact).known == 1
    assert told(borough.hub) == entries


def test_a_fault_in_deciding_is_a_concern_and_turns_nobody_away(borough, contact):
    with patch.object(contacts, "compile_pack", side_effect=RuntimeError):
        taken = take(borough, by(contact, "academy"))
    assert taken.taken == 1
    assert {code for each in taken.concerns for code in each.layers if code.startswith("gateway")} == {"gateway.failed.error"}


def test_of_a_member_of_the_public_no_layer_speaks_and_the_hub_still_names_its_own_conditions(borough, contact):
    assert take(borough, by(contact, "member of the public")).concerns == ()
    for each in told(borough.hub):
        assert (each.told_by, each.rules, each.outcome) == (None, (), "told")
        assert {code.partition(".")[2] for code in each.layers if not code.startswith("recipient.")} == {"absent.no_body"}
        assert each.recipient_rules


def test_whoever_told_is_known_by_a_listed_name_then_by_its_kind_then_by_the_hubs_own_words(borough):
    parties, words = borough.hub.party.trust.directory.parties, {"Health Visitor": ControllerKind.nhs_body}

    def known(kind, organisation=None):
        return teller_of(Referrer(kind=kind, name="N", organisation=organisation), parties, words)

    assert known("desk", "borough police (Synthetic)") == Teller(kind=ControllerKind.police, party=PartyId("agency.police"))
    assert known("GP practice") == Teller(kind=ControllerKind.gp_practice)
    assert known("health visitor") == Teller(kind=ControllerKind.nhs_body)
    assert known("unknown") is None
    assert known("neighbour") is None


def test_an_agreement_with_a_listed_party_covers_what_it_tells(contact):
    pack = pack_for(COUNCIL, agreement=agreement_text(ControllerKind.maintained_school))
    hub, party = pack.controller.party, next(each for each in pack.agreements[0].parties if each != pack.controller.party)
    heard = Hearer(id=hub, kind=COUNCIL, pack=pack)
    listed = climb_contact(contact, Teller(kind=ControllerKind.maintained_school, party=party), heard, NOW)
    unlisted = climb_contact(contact, Teller(kind=ControllerKind.maintained_school), heard, NOW)
    assert all("agreement.failed.no_agreement" in each.layers and each.is_concern for each in unlisted)
    covered = CONTACT in pack.agreements[0].categories
    assert all(("agreement.failed.no_agreement" in each.layers) is not covered for each in listed)


@given(
    kind=st.none() | st.sampled_from(KINDS),
    stage=st.sampled_from(sorted(set(Stage) - {Stage.unknown})),
    openness=st.sampled_from(sorted(set(Openness) - {Openness.unknown})),
    role=st.sampled_from(sorted(set(SubjectRole) - {SubjectRole.unknown})),
    decided=st.booleans(),
)
@settings(max_examples=80)
def test_every_contact_is_decided_and_a_concern_names_the_layer_that_fails(contact, hearer, kind, stage, openness, role, decided):
    decision = replace(contact.decision, stage=stage, consents=replace(contact.decision.consents, openness=openness))
    one = replace(contact, decision=decision if decided else None, subjects=(replace(contact.subjects[0], role=role),))
    teller = Teller(kind=kind) if kind is not None else None
    (each,) = climb_contact(one, teller, hearer, NOW)
    assert each.is_concern == (each.telling.outcome is Outcome.withhold)
    assert not each.is_concern or any(".failed." in code for code in each.layers)
    assert len(each.layers) <= 22


def test_a_contacts_decision_is_rebuilt_and_comes_out_as_logged(borough):
    take(borough, *lines_of(borough.folder))
    party = borough.hub.party
    log.sequence(party.store, party.log_key, party.now())
    rebuilt = [each for each in found(party) if isinstance(each, Found)]
    assert len(rebuilt) == len(told(borough.hub)) > 0
    assert [differences(each.logged, decide_again(each.logged, borough.hub.pack)) for each in rebuilt] == [()] * len(rebuilt)


def test_a_contacts_decision_is_found_by_its_id(borough, contact):
    take(borough, contact)
    entry = told(borough.hub)[0]
    name = contact_decision_id(entry.envelope, borough.hub.party.id, entry.subject_ref, entry.pack_digest, entry.at)
    (one,) = named(borough.hub.party, str(name)[:12])
    assert (one.logged.id, one.logged.subject_ref, one.entry) == (name, entry.subject_ref, entry)


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory):
    """A hub on disk that was told of two worries, and what its intake said."""
    folder = tmp_path_factory.mktemp("explained")
    made = SmallBorough(folder, at=utc_now(), in_memory=False, contacts=2)
    made.close()
    first, second = lines_of(folder)
    file = folder / "two.jsonl"
    file.write_bytes(b"\n".join(map(CONTACTS.dump_json, (by(first, "gp practice"), by(second, "member of the public")))))
    done = RUN.invoke(app, ["hub", "intake", str(file), "--folder", str(folder / "hub"), "--json"])
    assert done.exit_code == 0
    return folder, json.loads(done.stdout.splitlines()[-1])  # below the alarm, which `main` alone sends to stderr


def explained(folder, name, *more):
    done = RUN.invoke(app, ["policy", "explain", name, "--party", str(folder / "hub"), "--as", "i.officer", *more])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("voice", ["machine", "requester", "holder", "reviewer", "igo"])
def test_mash_explain_tells_of_a_concern_by_the_id_that_intake_gave(on_disk, voice):
    folder, taken = on_disk
    concern = taken["concerns"][0]
    said = json.loads(explained(folder, concern["decision"], "--voice", voice, "--json"))
    assert (said["disclosure"], said["said"], said["outcome"], said["differs"]) == ("contact", "told.concern", "withhold", [])
    assert [each["layer"] for each in said["ladder"] if not each["met"]] == ["gateway", "agreement"]
    assert said["recipient_conditions"]
    assert OF_ITS_OWN in said["taken_as_given"]


def test_mash_explain_tells_who_told_in_words_and_lists_a_neighbours_by_replay(on_disk):
    folder, taken = on_disk
    assert "gp_practice, its contact to hub.borough about s1 in hub.contact" in explained(folder, taken["concerns"][0]["decision"])
    done = RUN.invoke(app, ["policy", "replay", "shipped", "--party", str(folder / "hub"), "--as", "i.officer", "--json"])
    listed = [each for each in json.loads(done.stdout)["decisions"] if each["disclosure"] == "contact"]
    neighbours = next(each["decision"] for each in listed if each["before"] == "release")
    said = explained(folder, neighbours)
    assert "no body known here, its contact to hub.borough" in said
    assert "it comes out as logged" in said
    assert "the recipient holds it by" in said


def test_intake_says_in_words_that_there_are_concerns_and_names_nobody(on_disk, tmp_path, contact):
    folder, _ = on_disk
    file = tmp_path / "one.jsonl"
    file.write_bytes(CONTACTS.dump_json(by(replace(contact, contact_ref=Slug("words")), "housing authority", decision=None)))
    done = RUN.invoke(app, ["hub", "intake", str(file), "--folder", str(folder / "hub")])
    assert "taken in all the same" in done.output
    assert contact.subjects[0].family_name not in done.output
