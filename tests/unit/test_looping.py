"""The private loop: bounded calls, nothing after closing, no bytes in the log."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from broker.transport.looping import LoopThread, end_within
from schemas.errors import TransportUnavailableError


@pytest.fixture
def thread():
    with contextlib.closing(LoopThread("test")) as thread:
        yield thread


async def answer():
    return 7


def test_a_call_returns_what_the_loop_answers(thread):
    assert thread.call(answer(), 5) == 7


def test_a_call_that_takes_too_long_is_unavailable_and_ends(thread):
    ended = []

    async def endless():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    started = time.monotonic()
    with pytest.raises(TransportUnavailableError, match="0 s"):
        thread.call(endless(), 0.1)
    assert time.monotonic() - started < 2
    thread.call(answer(), 5)
    assert ended == [True]


def test_an_error_of_the_work_is_the_callers(thread):
    async def fail():
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        thread.call(fail(), 5)


def test_a_work_cancelled_inside_is_unavailable(thread):
    async def cancel():
        raise asyncio.CancelledError

    with pytest.raises(TransportUnavailableError):
        thread.call(cancel(), 5)


@pytest.mark.parametrize("error", [ValueError("lost"), asyncio.CancelledError()])
def test_how_a_client_ends_is_of_no_interest(thread, error, caplog):
    async def fail():
        raise error

    thread.call(end_within(5, fail()), 5)
    assert not caplog.records


def test_a_client_that_does_not_end_is_left(thread):
    started = time.monotonic()
    thread.call(end_within(0.1, asyncio.sleep(60)), 5)
    assert time.monotonic() - started < 2


def test_closing_ends_what_runs_and_refuses_what_comes(thread):
    ended = []

    async def endless():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def begin():
        thread.kept = asyncio.create_task(endless())
        await asyncio.sleep(0)

    thread.call(begin(), 5)
    thread.close()
    assert ended == [True]
    with pytest.raises(TransportUnavailableError, match="closed"):
        thread.call(answer(), 5)
    thread.post(lambda: ended.append("never"))
    thread.close()
    assert ended == [True]


def test_the_beat_goes_on_until_the_loop_is_blocked(thread):
    first = thread.beat
    deadline = time.monotonic() + 5
    while thread.beat == first:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.proves("I18")
def test_what_nobody_caught_is_logged_by_its_class_alone(thread, caplog):
    def fail():
        raise ValueError("born 3 May")

    thread.post(fail)
    thread.call(answer(), 5)
    assert [record.getMessage() for record in caplog.records] == ["uncaught in the loop: ValueError"]
    assert "born" not in caplog.text
