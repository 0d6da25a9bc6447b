"""A deadline at an agency, from a request and any notices of it: one in any order, and never against the two promises."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from network import HUB, NOW, POLICE
from policy_support import request

from agents.adapter import early
from agents.adapter.early import may_come
from agents.adapter.standing import standing
from agents.hub.settings import HubSettings
from agents.hub.timescales import URGENCY
from broker.effect import Effect, Event
from broker.store.store import Store
from broker.store.vault import Vault
from schemas.enums import Kind, Rag
from schemas.identifiers import Digest
from schemas.notices import Notice

ASKED = replace(request(case_id=UUID(int=7, version=4), decided_at=NOW), rag=Rag.amber, due_at=NOW + timedelta(hours=24))
CLOCKS = {name: HubSettings(stages={}, timescales=name).clocks for name in ("southwark-2014", "surrey-police", "merton")}
MINUTES = st.integers(0, 60 * 24 * 5).map(lambda minutes: NOW + timedelta(minutes=minutes))
RAGS = st.sampled_from(URGENCY)


def notice(number, rag, due_at, decided_at):
    digest = Digest(bytes(32))
    return Notice(request_digest=digest, case_id=ASKED.case_id, number=number, rag=rag, due_at=due_at, decided_at=decided_at)


ANY = st.lists(st.builds(notice, st.integers(1, 5), RAGS, MINUTES, MINUTES), max_size=6)


@pytest.mark.proves("I4")
@given(ANY, st.data())
def test_notices_in_any_order_and_any_number_of_times_come_to_one_deadline(held, data):
    turned = data.draw(st.permutations([*held, *data.draw(st.lists(st.sampled_from(held), max_size=4) if held else st.just([]))]))
    assert standing(ASKED, turned) == standing(ASKED, held)


@given(ANY, RAGS, MINUTES, MINUTES)
def test_the_next_notice_is_never_later_on_upgrade_and_never_longer_once_overdue(held, rag, due_at, decided_at):
    before = standing(ASKED, held)
    after = standing(ASKED, [*held, notice(9, rag, due_at, decided_at)])
    upgrade = URGENCY.index(rag) < URGENCY.index(before.rag)
    if upgrade or before.due_at <= decided_at:
        assert after.due_at == min(before.due_at, due_at)
    else:
        assert after.due_at == due_at
    assert (after.rag, after.number) == (rag, 9)


@given(ANY, st.integers(1, 4), RAGS, MINUTES, MINUTES)
def test_the_rating_is_that_of_the_highest_number_whichever_came_last(held, number, rag, due_at, decided_at):
    newest = notice(9, rag, due_at, decided_at)
    older = notice(number, Rag.green, due_at, decided_at)
    assert standing(ASKED, [newest, *held, older]).rag is rag


@given(st.sampled_from(sorted(CLOCKS)), st.lists(st.tuples(RAGS, st.integers(1, 60 * 30)), max_size=8), st.data())
def test_what_an_agency_works_out_of_a_hubs_notices_is_what_the_hub_holds(name, changes, data):
    clocks, now, rag = CLOCKS[name], NOW, Rag.amber
    held = clocks.answer_by(rag, NOW)
    asked, told = replace(ASKED, due_at=held.due_at), []
    for number, (new, minutes) in enumerate([each for each in changes if each[0] is not rag], 1):
        now += timedelta(minutes=minutes)
        (held,) = clocks.rebase([held], rag, new, now)
        rag = new
        told.append(notice(number, new, held.due_at, now))
    assert standing(asked, data.draw(st.permutations(told * 2))).due_at == held.due_at


BATCHES = st.lists(st.lists(st.tuples(st.sampled_from(["early", "asked", "notice"]), st.integers(0, 5)), max_size=5), max_size=6)


@pytest.mark.proves("I19")
@given(BATCHES)
def test_of_one_hub_never_more_notices_wait_than_may_however_they_come_in_batches_and_each_that_may_not_is_told(batches):
    told, asked = [], set()
    with closing(Store("sqlite://", Vault("sqlite://", bytes(32)), POLICE)) as store, patch.object(early, "MOST_EARLY", 3):
        party = SimpleNamespace(store=store, coming=[], id=POLICE, alarm=lambda reason, **_: told.append(reason))
        for batch in batches:
            party.coming.clear()
            for what, number in batch:
                case = UUID(int=number, version=4)
                digest = Digest(uuid4().bytes * 2)
                if what == "asked":
                    party.coming.append(event("request", case, digest))
                elif what == "notice" and case in asked:
                    party.coming.append(event("notice", case, digest))  # its request is known, so nobody asks whether it may come
                elif may_come(party, replace(notice(1, Rag.red, NOW, NOW), request_digest=digest), HUB, NOW):
                    party.coming.append(event("notice", case, digest))
                else:
                    assert told.pop() == "too_early"
            store.apply([Effect(events=tuple(party.coming))], None, NOW)
            asked |= {each.case_id for each in party.coming if each.kind == "request"}
            assert store.early(Kind.notice, Kind.request, HUB, NOW - timedelta(days=14)) <= 3
            assert not told


def event(kind, case, digest):
    return Event(case_id=case, digest=digest, kind=kind, at=NOW, content=b"sealed", key=None, sender=HUB)
