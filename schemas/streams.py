"""What each pair of parties tells the other about their streams, so that nothing is lost unnoticed."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from schemas.identifiers import Incarnation
from schemas.record import Instant, Long, record, several


@record
class Hole:
    """Sequence numbers `first` to `last`, both included."""

    first: Long
    last: Long


@record
class StreamStatus:
    """What a pair tells each other every minute, unsequenced, so that a deleted envelope is noticed."""

    incarnation: Incarnation
    highest_sent: Long
    oldest_unsent_at: Instant | None
    received_incarnation: Incarnation
    highest_received: Long
    holes: Annotated[tuple[Hole, ...], several(500)] = ()
    expired_unsent: Annotated[tuple[Hole, ...], several(500)] = field(default=())
