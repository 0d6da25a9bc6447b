"""The one table of times and sizes on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

SKEW: Final = timedelta(minutes=5)  # how far two honest clocks may differ
FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)  # where epoch 0 begins
EPOCH: Final = timedelta(days=7)  # one encryption key's life
EPOCHS_AHEAD: Final = 4  # how far ahead a key may be announced: what is announced is kept until its epoch ends
LIFETIME: Final = timedelta(days=14)  # from sent_at to expires_at, for every kind
RETENTION: Final = LIFETIME + timedelta(days=1)  # of a sealed topic: nothing unexpired is removed
DIRECTORY_LIFE: Final = timedelta(days=90)  # a directory older than this is stale
SNAPSHOT_LIFE: Final = timedelta(hours=24)  # likewise for the online part
PARKED_LIFE: Final = timedelta(hours=24)  # how long bytes that name a newer directory wait for it
DESTROY_AFTER: Final = LIFETIME + SKEW  # after an epoch's end its private key goes


def epoch_at(at: datetime) -> int:
    """Number of the epoch an instant falls in, counted from 1970-01-01."""
    return int(at.timestamp() // EPOCH.total_seconds())


def is_epoch(epoch: int, start: datetime, end: datetime) -> bool:
    """Whether these are exactly an epoch's ends; a foreign number may be any, so no date is computed from it."""
    return divmod(start - FIRST, EPOCH) == (epoch, timedelta(0)) and end - start == EPOCH


def epoch_span(epoch: int) -> tuple[datetime, datetime]:
    """First instant of an epoch and of the next."""
    start = datetime.fromtimestamp(epoch * EPOCH.total_seconds(), UTC)
    return start, start + EPOCH
