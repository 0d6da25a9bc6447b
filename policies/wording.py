"""Whether a reason that a person wrote says anything."""

from __future__ import annotations

import re
from typing import Final

LEAST_WORDS: Final = 4  # different words that a reason needs to say anything of this case


def boilerplate(text: str) -> bool:
    """Whether a text is the same few words or letters over and over."""
    return len(set(re.findall(r"\w{2,}", text.casefold()))) < LEAST_WORDS
