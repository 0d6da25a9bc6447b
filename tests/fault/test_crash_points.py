"""kill -9 at each named milestone, twenty times, in another process: nothing is lost and nothing doubled.

A child forked from a warm parent, which has opened no database, works a borough until SIGKILL ends it at the n-th passing of a milestone
by one party. The next child opens the same folders and is killed too, so that kills also hit what a kill left behind; after a few of
them one child finishes and looks at what is there.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections import Counter
from contextlib import closing
from functools import partial

import borough
import pytest
from borough import FOLDERS, Child, in_child

from agents.hub import desk
from broker.effect import Milestone
from schemas.enums import Rag
from schemas.records import Officer

KILLS = 20  # at each milestone
OF_ONE_BOROUGH = 5  # then it is finished, looked at, and the next one begins
ROUNDS = 200  # of work: far more than two contacts need


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return borough.prepared(tmp_path_factory, cases=2)


@pytest.fixture(scope="module")
def reference(template, tmp_path_factory):
    """Uninterrupted runs, by whether logs tick: what they come to, and how often each party passes each milestone."""
    place = tmp_path_factory.mktemp("reference")
    runs = {ticks: in_child(partial(finish, borough.copied(template, place / str(ticks)), ticks=ticks)) for ticks in (False, True)}
    assert runs[False]["seen"] == runs[True]["seen"]
    return runs


def work(opened, folder, *, ticks):
    """Rounds of all parties until nothing moves; logs tick at the end, or with every round."""
    borough.take_in(opened, folder)
    services = (opened.hub, *opened.agencies.adapters)
    for _ in range(ROUNDS):
        moved = [service.step() for service in services]
        if ticks or not any(moved):
            for service in services:
                service.tick()
        if not any(moved) and not any([service.step() for service in services]):  # noqa: C419 - each of them takes its step
            return
    raise AssertionError("never idle")


def finish(folder, *, ticks=False, at_passing=lambda place, times: None):
    """Work to the end, counting who passes what, and look."""
    passed = Counter()

    def reached(party, milestone):
        place = f"{party}/{milestone.value}"
        passed[place] += 1
        at_passing(place, passed[place])

    with borough.opened(folder, reached=reached) as opened:
        work(opened, folder, ticks=ticks)
        return {"seen": borough.seen(opened), "passed": passed}


def finish_unless_killed(folder, party, milestone, nth, last_word):
    """SIGKILL at the n-th passing; the last word says that it was there."""

    def kill(place, times):
        if (place, times) == (f"{party}/{milestone.value}", nth):
            os.write(last_word, f"{place}/{times}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    return finish(folder, ticks=milestone is Milestone.logged, at_passing=kill)


def places(passed, milestone):
    """Twenty times which party at which passing: each that there is before any a second time."""
    found = [(name, nth) for name in FOLDERS for nth in range(1, passed.get(f"{name}/{milestone.value}", 0) + 1)]
    assert found, f"nobody passes {milestone.value}"
    chosen = (found * KILLS)[:KILLS]
    random.Random(milestone.value).shuffle(chosen)
    return chosen


def ended_unless_killed(folder, party, nth, milestone):
    """None when a child was killed just there; what it saw when it came to its end without passing it so often."""
    reading, writing = os.pipe()
    with closing(os.fdopen(reading)) as heard:
        child = Child(partial(finish_unless_killed, folder, party, milestone, nth, writing))
        os.close(writing)
        try:
            killed = child.was_killed()
            seen = None if killed else child.answer()["seen"]
        finally:
            child.end()
        assert heard.read() == (f"{party}/{milestone.value}/{nth}\n" if killed else "")
    return seen


@pytest.mark.proves("I13")
@pytest.mark.timeout(900)  # forty processes one after another, on a machine that may have others to do
@pytest.mark.parametrize("milestone", list(Milestone))
def test_a_kill_at_this_milestone_loses_and_doubles_nothing(milestone, template, reference, tmp_path):
    expected, passed = reference[milestone is Milestone.logged].values()
    kills, folder = [], None
    for party, nth in places(passed, milestone):
        if folder is not None:
            full = len(kills) % OF_ONE_BOROUGH == 0
            first_left = (party, 1)  # much of a borough is done once one kill has hit it
            seen = in_child(partial(finish, folder))["seen"] if full else ended_unless_killed(folder, *first_left, milestone)
            if seen is not None:
                assert seen == expected, kills[-OF_ONE_BOROUGH:]
                shutil.rmtree(folder)
                folder = None
        if folder is None:
            folder = borough.copied(template, tmp_path / f"{len(kills)}")
            seen = ended_unless_killed(folder, party, nth, milestone)
            assert seen is None, f"{party} did not pass it {nth} times in a fresh borough"
        kills.append((party, nth))
    assert in_child(partial(finish, folder))["seen"] == expected, kills[-OF_ONE_BOROUGH:]
    assert len(kills) == KILLS


OFFICER = Officer(id="hub-0142", role="team leader", organisation="hub.borough")
SENDING = (Milestone.committed, Milestone.published, Milestone.marked_sent)


def rate(folder):
    """The hub has sealed its requests, sent none of them, and rates each case anew: all notices are still to be made."""
    with borough.opened(folder) as opened:
        borough.take_in(opened, folder)
        hub = opened.hub
        while hub._open() or hub._ask():
            pass
        for case in hub.party.store.cases():
            rag = Rag.amber if hub.record(case).rag is not Rag.amber else Rag.green
            desk.rerate(hub, case, OFFICER, rag, "The ward rang: there is an innocent explanation after all.")


@pytest.mark.proves("I13")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("milestone", SENDING)
def test_a_kill_while_a_new_rating_is_told_loses_and_doubles_no_notice(milestone, template, tmp_path):
    rated = borough.copied(template, tmp_path / "rated")
    in_child(partial(rate, rated))
    expected = in_child(partial(finish, borough.copied(rated, tmp_path / "whole")))["seen"]
    assert all(streams["notice"] == streams["request"] for topic, streams in expected["streams"].items() if ".requests." in topic)
    for party in FOLDERS:
        folder = borough.copied(rated, tmp_path / party)
        assert ended_unless_killed(folder, party, 1, milestone) is None, party
        ended_unless_killed(folder, party, 1, milestone)  # and once more on what that left, if it comes there again
        assert in_child(partial(finish, folder))["seen"] == expected, party
