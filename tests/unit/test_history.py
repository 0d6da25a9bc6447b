"""Own history before anybody is asked: other cases about the same people, and whether one is open to a worker already."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from joining import OPENED, SENT, answer

from agents.cli.history import history_json, history_lines
from agents.hub.casework import case_record
from agents.hub.links import Linked, going_on
from schemas.enums import Assertion, Handling, Status
from schemas.events import JoinedAnswer
from schemas.identifiers import CategoryId, Digest, PartyId, Slug
from schemas.records import Item, ItemField


def linked_with(*fields, category="csc.cin_plan"):
    """Another case of which children's social care told one thing."""
    held = tuple(ItemField(name=Slug(name), value=value) for name, value in fields)
    item = Item(at=None, fields=held, assertion=Assertion.fact, relation_to_child="the child", handling=Handling.hub_only)
    said = replace(answer("s1", "csc"), category=CategoryId(category), status=Status.released, items=(item,))
    plain, none = case_record([OPENED, *SENT.values()]), Digest(bytes(32))
    at = plain.opened_at + timedelta(days=1)
    told = {"agency": PartyId("agency.csc"), "received_at": at, "revision": 1, "answer": said}
    one = JoinedAnswer(request_digest=none, envelope=none, **told)
    record = replace(plain, answers=(one,))
    plans = tuple(going_on(record, {"s1"}))
    facts = {"case_id": record.case_id, "contact_ref": record.contact_ref, "received_at": record.opened_at, "same_person": True}
    return Linked(**facts, record=record, allocated=plans)


@pytest.mark.parametrize(
    ("fields", "category", "is_open"),
    [
        ((("status", "Open"), ("started_on", "2026-08-12")), "csc.cin_plan", True),
        ((("category_of_harm", "Neglect"), ("started_on", "2026-08-12"), ("ended_on", " ")), "csc.cp_plan_history", True),
        ((("status", "Open"),), "csc.cin_plan", True),
        ((("status", "Open"), ("started_on", "2026-08-12"), ("ended_on", "2026-10-01")), "csc.cin_plan", False),
        ((("status", "Closed"), ("started_on", "2026-08-12")), "csc.cin_plan", False),
        ((("outcome", "No further action"),), "csc.contacts_referrals", False),
        ((("status", "Open"), ("started_on", "2026-08-12")), "hou.tenancy_household", False),
    ],
)
def test_that_a_case_is_open_to_a_worker_already_is_said_when_the_hubs_own_record_says_so(fields, category, is_open):
    links = [linked_with(*fields, category=category)]
    lines = [each for each in history_lines(links) if "ALREADY OPEN TO A WORKER: agency.csc told at 12:00 on" in each]
    assert len(lines) == len(history_json(links)[0]["allocated"]) == is_open
    assert all(f"of s1, {category}: " in each and "give it to them before anybody is asked" in each for each in lines)


def test_what_was_told_of_another_person_of_that_case_is_not_told_of_this_one():
    record = linked_with(("status", "Open")).record
    assert not list(going_on(record, {"s2"}))
