"""What a fetched batch must be before it is opened: uncompressed, whole, readable. Whatever is not says where it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NoReturn, Protocol, cast

from broker.ports import SkipReason

UNKNOWN_END = 0  # where even the end of a batch cannot be read: it is passed over offset by offset


class Batch(Protocol):
    """A batch as the client reads it."""

    @property
    def compression_type(self) -> int:
        """0 is none."""

    @property
    def is_control_batch(self) -> bool:
        """Whether it is the end of a transaction and holds no record."""

    @property
    def next_offset(self) -> int:
        """One past its last offset."""

    def validate_crc(self) -> bool:
        """Whether the checksum holds."""

    def __iter__(self) -> Iterator[object]:
        """Its records; the batch is opened here."""


class Batches(Protocol):
    """What one answer of the broker holds of one topic."""

    def has_next(self) -> bool:
        """Whether a batch can be asked for."""

    def next_batch(self) -> object:
        """The next batch, not yet opened."""


class RefusedBatchError(Exception):
    """A batch that gives no record; `after` is one past its last offset, or UNKNOWN_END."""

    def __init__(self, after: int, reason: SkipReason) -> None:
        """`reason` goes into the Skip."""
        super().__init__(reason.value)
        self.after, self.reason = after, reason


class GuardedBatch:
    """An uncompressed batch; whatever goes wrong in it is a RefusedBatchError that tells where it ends."""

    def __init__(self, batch: Batch) -> None:
        """Nothing is opened yet."""
        self._batch = batch
        self.next_offset = batch.next_offset
        self.is_control_batch = batch.is_control_batch

    def validate_crc(self) -> bool:
        """RefusedBatchError: the checksum does not hold."""
        if not self._batch.validate_crc():
            raise RefusedBatchError(self.next_offset, SkipReason.undecodable)
        return True

    def __iter__(self) -> Iterator[object]:
        """Its records. RefusedBatchError: one of them cannot be read, and with it the rest of the batch."""
        try:
            yield from self._batch
        except Exception as error:
            raise RefusedBatchError(self.next_offset, SkipReason.undecodable) from error


class GuardedBatches:
    """Stands in for the client's reader of batches; it fails only when a batch is asked for, so only in that topic's task."""

    def __init__(self, read: Callable[[bytes], Batches], modern: type, data: bytes) -> None:
        """`read` is the client's own reader, `modern` the only class of batch that is let through."""
        self._size = len(data)
        self._modern = modern
        self._batches: Batches | None
        try:
            self._batches = read(data)
        except Exception:  # noqa: BLE001 – raised here it would end the client's fetching of every topic
            self._batches = None

    def size_in_bytes(self) -> int:
        """Bytes that were fetched."""
        return self._size

    def has_next(self) -> bool:
        """Whether a batch can be asked for."""
        return self._batches is None or self._batches.has_next()

    def next_batch(self) -> GuardedBatch:
        """The next batch, not yet opened. RefusedBatchError: compressed, of an old format, or framed wrongly."""
        try:
            batch = self._batches.next_batch() if self._batches is not None else None
        except Exception as error:
            raise RefusedBatchError(UNKNOWN_END, SkipReason.undecodable) from error
        if not isinstance(batch, self._modern):
            raise RefusedBatchError(UNKNOWN_END, SkipReason.undecodable)
        found = cast("Batch", batch)
        if found.compression_type:
            raise RefusedBatchError(found.next_offset, SkipReason.compressed)
        return GuardedBatch(found)


def refuse_to_open(_data: object) -> NoReturn:
    """Put in place of every decoder: the second lock on the same door."""
    raise RefusedBatchError(UNKNOWN_END, SkipReason.compressed)
