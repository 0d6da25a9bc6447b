"""How often memory is searched for cycles: seldom, since what a command holds is nearly all lasting, and hardly any of it a cycle."""

from __future__ import annotations

import gc
from typing import Final

MADE: Final = 50_000  # objects more than were let go of before the young are looked at: at Python's 700, JSON takes three times as long


def search_seldom() -> None:
    """From now on, in this process."""
    gc.set_threshold(MADE)
