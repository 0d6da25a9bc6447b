"""One private event loop in a thread of its own, called from synchronous code."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import CancelledError
from typing import Any, Final, TypeVar

from schemas.errors import TransportUnavailableError

LOG: Final = logging.getLogger(__name__)
BEAT_SECONDS: Final = 0.5  # between two signs of life of the loop
JOIN_SECONDS: Final = 3.0  # what the thread gets to end; it is a daemon, so that a stuck one cannot hold the process

T = TypeVar("T")


class LoopThread:
    """An event loop that nobody else can block; `beat` moves forward for as long as it turns."""

    def __init__(self, name: str) -> None:
        """Start the thread `name`; made after a fork, never before."""
        self.beat = time.monotonic()  # monotonic seconds
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_tell)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[object, object, T], seconds: float) -> T:
        """Run `work` in the loop and wait at most `seconds`. TransportUnavailableError: it took longer, or the loop has ended."""
        if not self._thread.is_alive():
            work.close()
            raise TransportUnavailableError("this transport was closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(seconds)
        except (TimeoutError, CancelledError) as error:
            future.cancel()
            raise TransportUnavailableError(f"no answer within {seconds:.0f} s") from error

    def post(self, callback: Callable[[], object]) -> None:
        """Run `callback` in the loop soon; nothing happens once the loop has ended."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)

    def close(self) -> None:
        """End the loop, within JOIN_SECONDS."""
        self.post(self._loop.stop)
        self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.call_soon(self._live)
        try:
            self._loop.run_forever()
            self._cancel_rest()
        finally:
            self._loop.close()

    def _live(self) -> None:
        self.beat = time.monotonic()
        self._loop.call_later(BEAT_SECONDS, self._live)

    def _cancel_rest(self) -> None:
        """Cancel what still runs, and give it a moment to unwind."""
        rest = asyncio.all_tasks(self._loop)
        for task in rest:
            task.cancel()
        if rest:
            self._loop.run_until_complete(asyncio.wait(rest, timeout=1.0))


async def end_within(seconds: float, stopping: Coroutine[object, object, object]) -> None:
    """Give a client `seconds` to end; how it ends is of no interest, and a cancellation inside it must not become ours."""
    task = asyncio.create_task(stopping)
    task.add_done_callback(look_at)
    await asyncio.wait([task], timeout=seconds)
    task.cancel()


def look_at(future: asyncio.Future[Any]) -> None:
    """Look at the result of something nobody may wait for any more, or asyncio complains."""
    if not future.cancelled():
        future.exception()


def _tell(_loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
    """Log what nobody caught by its class alone: asyncio's own words print whole futures, with what was sent in them."""
    LOG.warning("uncaught in the loop: %s", type(context.get("exception")).__name__)
