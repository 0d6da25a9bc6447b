"""Where the loop thread leaves what it fetched and service threads take it: one lane a topic, one batch a lane."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from broker.ports import Fetched

IDLE_SECONDS: Final = 60.0  # a topic nobody asked for so long is no longer fetched
CAUTIOUS_RECORDS: Final = 100  # records taken one by one after an error, before batches are tried again


@dataclass(slots=True, kw_only=True, eq=False)
class Lane:
    """One topic: `position` is the next offset to fetch, `ready` what lies fetched and not yet taken."""

    topic: str
    position: int
    ready: Fetched | None = None
    cautious: int = 0  # records still to be taken one by one
    stopped: bool = False
    asked_at: float = field(default_factory=time.monotonic)
    beat: float = field(default_factory=time.monotonic)  # when its task last came round, monotonic seconds
    task: asyncio.Task[None] | None = None  # what fetches it, in the loop
    room: asyncio.Event = field(default_factory=asyncio.Event)  # set when `ready` was taken; waited for in the loop only

    @property
    def next(self) -> int:
        """Offset that the next taker gets."""
        return self.position if self.ready is None else self.ready.before

    def restart(self, position: int) -> None:
        """Forget what is ready and go on from `position`; in the loop only."""
        self.position, self.ready, self.cautious = position, None, 0
        self.room.set()


class Lanes:
    """The lanes, under one lock; the loop thread offers, service threads take."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._lanes: dict[str, Lane] = {}
        self._closed = False

    def aligned(self, positions: Mapping[str, int]) -> bool:
        """Whether every topic has a lane that stands where the reader does; marks them as asked for."""
        with self._news:
            lanes = [(self._lanes.get(topic), position) for topic, position in positions.items()]
            for lane, _ in lanes:
                if lane is not None:
                    lane.asked_at = time.monotonic()
            return all(lane is not None and lane.next == position for lane, position in lanes)

    def align(self, positions: Mapping[str, int]) -> list[Lane]:
        """Move or make lanes, and stop idle ones; returns those new or moved."""
        with self._news:
            idle_since = time.monotonic() - IDLE_SECONDS
            stopped = [lane for topic, lane in self._lanes.items() if lane.asked_at < idle_since and topic not in positions]
            for lane in stopped:
                lane.stopped = True
                del self._lanes[lane.topic]
            moved = [self._moved(topic, position) for topic, position in positions.items()]
            return [lane for lane in moved if lane is not None]

    def offer(self, lane: Lane, fetched: Fetched) -> None:
        """Leave `fetched` for its reader, unless the lane was moved meanwhile."""
        with self._news:
            if lane.position == fetched.before and not lane.stopped:
                lane.ready, lane.position = fetched, fetched.after
                lane.room.clear()
                self._news.notify_all()

    def take(self, positions: Mapping[str, int], wait: float, freed: Callable[[Lane], object]) -> list[Fetched]:
        """What is ready at `positions`, waiting up to `wait` seconds for the first; `freed` is told of each emptied lane."""
        with self._news:
            self._news.wait_for(lambda: self._closed or self._ready(positions), wait)
            taken: list[Fetched] = []
            for lane in self._ready(positions):
                if lane.ready is not None:
                    taken.append(lane.ready)
                    lane.ready = None
                    freed(lane)
            return taken

    def all(self) -> list[Lane]:
        """Every lane."""
        with self._news:
            return list(self._lanes.values())

    def close(self) -> None:
        """Stop every lane and let waiting readers go."""
        with self._news:
            self._closed = True
            for lane in self._lanes.values():
                lane.stopped = True
            self._news.notify_all()

    def _moved(self, topic: str, position: int) -> Lane | None:
        lane = self._lanes.get(topic)
        if lane is None:
            lane = self._lanes[topic] = Lane(topic=topic, position=position)
        elif lane.next == position:
            return None
        else:
            lane.restart(position)
        return lane

    def _ready(self, positions: Mapping[str, int]) -> list[Lane]:
        found = [self._lanes[topic] for topic in positions if topic in self._lanes]
        return [lane for lane in found if lane.ready is not None and lane.next == positions[lane.topic]]
