"""How the closed words of the data read in a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

SPOKEN: Final = MappingProxyType(
    {
        "nhs_body": "NHS body",
        "gp_practice": "GP practice",
        "s17": "section 17",
        "s47": "section 47",
        "early_help": "early help",
        "early_years_provider": "early-years provider",
        "parent_carer": "parent or carer",
        "alleged_source": "alleged source of harm",
        "third_party": "third parties",
        "criminal": "criminal offences",
        "nhs_number": "NHS number",
    }
)


def spoken(word: StrEnum) -> str:
    """One word of a closed vocabulary as people say it."""
    return SPOKEN.get(word.value, word.value.replace("_", " "))


def listed(words: Iterable[StrEnum]) -> str:
    """Several, in the order of their vocabulary."""
    chosen = set(words)
    order = [each for kind in dict.fromkeys(type(word) for word in chosen) for each in kind]
    return ", ".join(spoken(each) for each in order if each in chosen)


def day(on: date) -> str:
    """A day as people in England write it."""
    return f"{on.day} {on:%B %Y}"
