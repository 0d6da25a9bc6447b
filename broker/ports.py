"""Ports of the broker: what the services need from the outside, as promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One record to append to a topic; `key` is the thread, 16 bytes, or empty."""

    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRecord:
    """One record as it lies on a topic; `appended_at` is the transport's clock, UTC."""

    topic: str
    offset: int
    key: bytes
    value: bytes
    appended_at: datetime


class SkipReason(StrEnum):
    """Why offsets were passed over without a record."""

    behind_start = "behind_start"  # retention removed them before they were read
    undecodable = "undecodable"  # the batch is corrupt
    compressed = "compressed"  # a compressed batch is refused before it is opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Offsets `first` (inclusive) to `after` (exclusive) that gave no record; never silent."""

    first: int
    after: int
    reason: SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What one topic gave: `records` in offset order, and `after`, one past the last offset consumed or skipped.

    `beyond_end` says that the position asked for lies past the topic's end (it was created anew): nothing is consumed.
    """

    topic: str
    before: int
    after: int
    records: tuple[TopicRecord, ...] = ()
    skips: tuple[Skip, ...] = ()
    beyond_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """First offset still held and one past the last."""

    start: int
    end: int


class Transport(Protocol):
    """An ordered, durable log per topic."""

    def publish(self, records: Sequence[Publication]) -> None:
        """Append in order; on return all of them survive power loss. TransportUnavailableError: unknown, send again."""

    def fetch(self, positions: Mapping[str, int], wait: float) -> Sequence[Fetched]:
        """Read each topic from its position, waiting up to `wait` seconds for the first; a topic without news is left out.

        A fault of one topic never withholds another's records.
        """

    def ends(self, topics: Iterable[str]) -> Mapping[str, Extent]:
        """Extent of each topic that exists."""

    def close(self) -> None:
        """Stop, within a bounded time; nothing published is lost."""


@runtime_checkable
class Watched(Protocol):
    """A transport that runs by itself and may stand still."""

    def healthy(self) -> bool:
        """Whether it makes progress; when not, end the process."""

    def reload_certificate(self) -> None:
        """Show the certificate that is in its files now. ConfigurationError: it cannot be used."""
