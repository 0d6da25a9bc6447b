"""The loop around a hub or an adapter, and its bounded stop."""

from __future__ import annotations

import signal
import threading
import time
from typing import Final, Protocol

import structlog

from broker.telemetry import configure

TICK: Final = 60.0  # seconds between checkpoints of the access log
WAIT: Final = 1.0  # seconds a fetch waits for news
LOG: Final = structlog.get_logger()


class Service(Protocol):
    """What runs: a hub or an adapter."""

    def step(self, wait: float = 0) -> bool:
        """One round."""

    def tick(self) -> None:
        """Index the log and sign."""


def run_until_stopped(service: Service, name: str) -> None:
    """Serve until SIGTERM or Ctrl-C; what is begun is finished, the rest goes on at the next start."""
    configure()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    LOG.info("started", party=name)
    ticked = time.monotonic()
    while not stopping.is_set():
        service.step(WAIT)
        if time.monotonic() - ticked >= TICK:
            service.tick()
            ticked = time.monotonic()
    service.tick()
    service.step(0)
    LOG.info("stopped", party=name)
