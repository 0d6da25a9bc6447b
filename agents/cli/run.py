"""The loop around a hub or an adapter, and its bounded stop."""

from __future__ import annotations

import signal
import threading
import time
from typing import Final, Protocol

import structlog

from broker.party import Party
from broker.ports import Watched
from broker.telemetry import configure
from policies.pack import Pack
from schemas.errors import ConfigurationError, TransportExhaustedError

TICK: Final = 60.0  # seconds between checkpoints of the access log
WAIT: Final = 1.0  # seconds a fetch waits for news
LOG: Final = structlog.get_logger()


class Service(Protocol):
    """What runs: a hub or an adapter."""

    party: Party
    pack: Pack

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
    tell_unsigned(service)
    ticked = time.monotonic()
    while not stopping.is_set():
        began = time.monotonic()
        if not service.step(WAIT):  # a stage that fails at once must not turn into a hot loop
            stopping.wait(max(0.0, WAIT - (time.monotonic() - began)))
        if time.monotonic() - ticked >= TICK:
            service.tick()
            watch(service.party)
            ticked = time.monotonic()
    service.tick()
    service.step(0)
    LOG.info("stopped", party=name)


def tell_unsigned(service: Service) -> None:
    """An agreement of the pack that the directory does not list covers nothing, and somebody must know."""
    for each in service.pack.unsigned:
        service.party.alarm("agreement_unsigned", digest=str(service.pack.agreement_digests[each]))


def watch(party: Party) -> None:
    """A transport that stands still ends the process, to be started anew; a renewed certificate is shown from now on."""
    transport = party.transport
    if not isinstance(transport, Watched):
        return
    if not transport.healthy():
        message = "the transport stands still"
        raise TransportExhaustedError(message)
    try:
        transport.reload_certificate()
    except ConfigurationError as error:
        party.alarm("certificate_refused", error=error.code)
