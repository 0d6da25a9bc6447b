"""Who was mentioned before is known again: what is re-asked with only its stage raised waits for a person; repeat contacts are linked."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pydantic import TypeAdapter
from small_borough import rows, write_files

from agents.demo.ceremony import renew
from agents.hub.links import linked
from agents.identity import household_names, person_names, question_names
from broker.store import tables
from schemas.enums import Consent, NecessityReason, Stage, Status
from schemas.events import Contact
from schemas.identifiers import CategoryId, PartyId, Slug
from schemas.records import Address, Necessity, Subject

CONTACT = TypeAdapter(Contact)
LESSER = Necessity(reason=NecessityReason.assess_need, text="What help would fit cannot be said without earlier attendances.")
KEY = bytes(32)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("again")
    write_files(folder, contacts=1)
    return folder


def first(borough):
    return CONTACT.validate_json((borough.folder / "contacts.jsonl").read_text().splitlines()[0])


def take(borough, contact):
    """Take one contact in and work it; its record."""
    borough.tell(*renew(borough.folder, borough.clock.at))  # this week's keys and today's snapshot
    taken = borough.hub.intake(CONTACT.dump_json(contact), "contacts.jsonl")
    assert (taken.taken, taken.aside) == (1, ())
    borough.work()
    return borough.hub.record(borough.hub.party.store.cases()[-1])


def lesser(contact, **changes):
    """The same people at a lower stage."""
    decision = replace(contact.decision, stage=Stage.s17, necessity=LESSER, **changes)
    return replace(contact, contact_ref=Slug("first-asked"), decision=decision)


def held(record):
    return {each.answer.category for each in record.answers if "reasked" in each.answer.caps and each.answer.status is Status.in_review}


def released(record):
    return {each.answer.category for each in record.answers if each.answer.status is Status.released}


def test_what_is_asked_again_with_only_its_stage_raised_waits_for_a_person(borough):
    contact = first(borough)
    before = take(borough, lesser(contact))
    borough.clock.move(days=13, hours=23)
    again = take(borough, replace(contact, received_at=borough.clock.at, decision=replace(contact.decision, decided_at=borough.clock.at)))
    asked_before = {each.answer.category for each in before.answers}
    assert held(again)
    assert held(again) <= asked_before
    assert not released(again) & asked_before


@pytest.mark.parametrize("why", ["after a fortnight", "with a consent that was not given before", "never before", "at a lower stage"])
def test_what_is_not_asked_again_is_released_as_ever(borough, why):
    contact = first(borough)
    if why == "after a fortnight":
        take(borough, lesser(contact))
        borough.clock.move(days=14, minutes=1)
    if why == "with a consent that was not given before":
        take(borough, lesser(contact, consents=replace(contact.decision.consents, service=Consent.refused)))
        borough.clock.move(days=1)
    if why == "at a lower stage":
        take(borough, replace(contact, contact_ref=Slug("first-asked")))
        borough.clock.move(days=1)
        contact = replace(lesser(contact), contact_ref=contact.contact_ref)
    again = take(borough, replace(contact, received_at=borough.clock.at, decision=replace(contact.decision, decided_at=borough.clock.at)))
    assert held(again) == set()
    assert released(again)


def test_an_emergency_with_broken_glass_is_answered_though_it_was_asked_before(borough):
    contact = first(borough)
    take(borough, lesser(contact))
    borough.clock.move(hours=1)
    danger = replace(contact.decision.necessity, reason=NecessityReason.immediate_danger)
    decision = replace(contact.decision, stage=Stage.emergency, break_glass=True, necessity=danger, decided_at=borough.clock.at)
    record = take(borough, replace(contact, received_at=borough.clock.at, decision=decision))
    assert record.stage is Stage.emergency
    assert held(record) == set()
    assert released(record)


def test_a_repeat_contact_is_linked_by_person_or_household_and_a_strangers_is_not(borough):
    contact = first(borough)
    child = contact.subjects[0]
    lodger = Subject(
        ref=child.ref, role=child.role, relation_to_child="the child", given_names="Someone", family_name="Else", addresses=child.addresses
    )
    stranger = replace(lodger, addresses=(Address(line="9 Nowhere Street", postcode="XX9 9XX"),))
    for ref, subjects in (("same-person", (child,)), ("same-home", (lodger,)), ("stranger", (stranger,))):
        other = replace(contact, contact_ref=Slug(ref), subjects=subjects, decision=None)
        borough.hub.intake(CONTACT.dump_json(other), "contacts.jsonl")
    borough.take_in()
    case_id = borough.hub.party.store.cases()[-1]
    found = linked(borough.hub.party, case_id)
    assert {(each.contact_ref, each.same_person) for each in found} == {("same-person", True), ("same-home", False)}


@pytest.mark.proves("I18")
def test_a_store_holds_no_name_number_or_address_only_keyed_names(borough):
    take(borough, first(borough))
    held = rows(borough.hub.party, tables.mention) + rows(borough.police.party, tables.mention)
    assert held
    child = first(borough).subjects[0]
    told = {str(child.family_name).encode(), str(child.born_on).encode(), *(each.value.encode() for each in child.identifiers)}
    assert not [each for row in held for each in told if each in row.name]
    assert person_names(KEY, child).isdisjoint(person_names(bytes(31) + b"1", child))


def test_names_are_the_same_however_a_person_is_spelt_and_differ_by_hub_and_category(borough):
    child = replace(first(borough).subjects[0], identifiers=())
    shouted = replace(child, family_name=f" {str(child.family_name).upper()} ")
    assert person_names(KEY, child) == person_names(KEY, shouted) != frozenset()
    hub, other = PartyId("hub.borough"), PartyId("hub.other")
    names = [question_names(KEY, each, child, CategoryId(what)) for each in (hub, other) for what in ("pol.incidents", "pol.custody")]
    assert len(frozenset().union(*names)) == 4
    assert household_names(KEY, replace(child, addresses=(Address(postcode="XX1 1AA"),))) == frozenset()  # a street, not a home
    assert person_names(KEY, replace(child, born_on=None)) == frozenset()
    assert json.dumps(sorted(each.hex() for each in person_names(KEY, child)))
