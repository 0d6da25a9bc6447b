"""An adapter learns nothing of other agencies: not from its topics, not in its store."""

from __future__ import annotations

import pytest
from small_borough import SmallBorough, rows

from broker.store import tables
from broker.streams import DIRECTORY, SNAPSHOTS


class Watching:
    """A transport that notes which topics are read; everything else passes through."""

    def __init__(self, inner):
        self.inner, self.read = inner, set()

    def fetch(self, positions, wait):
        self.read |= set(positions)
        return self.inner.fetch(positions, wait)

    def __getattr__(self, name):
        return getattr(self.inner, name)


@pytest.mark.proves("I11")
def test_an_adapter_reads_only_its_own_topic_and_keeps_only_its_own_answers(tmp_path):
    borough = SmallBorough(tmp_path, contacts=2)
    watched = {}
    for adapter in borough.adapters:
        watched[adapter.party.id] = adapter.party.transport = Watching(borough.transport)
    borough.take_in()
    borough.work()
    for adapter in borough.adapters:
        mine = adapter.party.id
        assert watched[mine].read == {DIRECTORY, SNAPSHOTS, f"mash.borough.requests.{mine.slug}"}
        kept = rows(adapter.party, tables.event)
        assert {row.sender for row in kept} == {mine, borough.hub.party.id}
        assert {row.kind for row in kept} == {"request", "response"}
        for case in borough.hub.party.store.cases():
            assert all(getattr(each.body, "agency", mine) == mine for each in adapter.party.store.events(case))
    others = {each.agency for case in borough.hub.party.store.cases() for each in borough.hub.record(case).answers}
    assert len(others) == 2
    borough.close()
