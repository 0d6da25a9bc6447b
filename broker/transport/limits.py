"""What one record may weigh on every transport, so that moving between them changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from broker.ports import Publication
from schemas.errors import OversizeRecordError

MAX_MESSAGE_BYTES: Final = 1024 * 1024  # a topic's `max.message.bytes`: key, value and framing of one batch
FRAMING_BYTES: Final = 256  # head of a batch (61 B) and of a record (at most 36 B), and room to spare
FETCH_RECORDS: Final = 100  # records of one topic handed over at once: one transaction of the reader


def refuse_oversize(records: Iterable[Publication]) -> None:
    """Check every record before any is written. OversizeRecordError: names the topic and the bytes."""
    for record in records:
        size = len(record.key) + len(record.value) + FRAMING_BYTES
        if size > MAX_MESSAGE_BYTES:
            message = f"a record of {size} bytes for {record.topic} exceeds {MAX_MESSAGE_BYTES}: nothing was written"
            raise OversizeRecordError(message)
