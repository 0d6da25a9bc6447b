"""What the outside may learn of a running process: JSON log lines and counters, both from closed lists that hold no person."""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter
from structlog.typing import EventDict, WrappedLogger

ALLOWED: Final = frozenset({
    "event", "level", "timestamp", "party", "topic", "reason", "count", "first", "after", "digest", "kid", "error", "sequence", "milestone",
    "source", "dropped", "tell",
})  # fmt: skip


def only_allowed(_: WrappedLogger, __: str, said: EventDict) -> EventDict:
    """Drop every field that is not on the list or no plain value, and say how many: a new field is a decision, not an accident."""
    kept = {key: value for key, value in said.items() if key in ALLOWED and isinstance(value, str | int | float)}
    return kept if len(kept) == len(said) else {**kept, "dropped": len(said) - len(kept)}


def configure(stream: object = None) -> None:
    """One JSON object a line on stderr, ASCII only, so that no value can start a line of its own."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_allowed,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.PrintLogger(stream or sys.stderr),  # type: ignore[arg-type]  # any text stream; stderr as it is then
        cache_logger_on_first_use=False,
    )


class Meters:
    """Counters of one process; labels are topics and closed reasons only."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.received = Counter("mash_envelopes_received", "Envelopes accepted", ["topic"], registry=self.registry)
        self.duplicates = Counter("mash_envelopes_duplicate", "Envelopes seen before", ["topic"], registry=self.registry)
        self.quarantined = Counter("mash_envelopes_quarantined", "Envelopes refused", ["topic", "reason"], registry=self.registry)
        self.skipped = Counter("mash_offsets_skipped", "Offsets that gave no record", ["topic", "reason"], registry=self.registry)
        self.alarms = Counter("mash_alarms", "Things a person must look at", ["reason"], registry=self.registry)
