"""The schools of one trust, and the number each pupil has for a school career."""

from __future__ import annotations

from datetime import date
from typing import Final

PUPILS: Final = (4, 16)  # youngest and oldest, in years
SECONDARY: Final = 11
PRIMARIES: Final = ("larkfield", "st-aidan", "millbrook", "ferry-road", "priory", "saxon-rise", "orchard", "canal-side")
SECONDARIES: Final = ("quarry-bank", "albion", "tower-street")
_ALPHABET: Final = "ABCDEFGHJKLMNPQRTUVWXYZ"  # UK Government Data Standards Catalogue, UPN 2.0: no I, O, S
_AUTHORITY: Final = "000"  # no local authority has it


def school_of(serial: int, age: int) -> str:
    """Where a pupil of this age goes."""
    schools = PRIMARIES if age < SECONDARY else SECONDARIES
    return schools[serial % len(schools)]


def upn(number: int, born_on: date) -> str:
    """Check letter, authority, establishment, year of starting, serial: thirteen characters."""
    establishment, serial = divmod(number, 1000)
    digits = f"{_AUTHORITY}{establishment:04d}{(born_on.year + 4) % 100:02d}{serial:03d}"
    return check_letter(digits) + digits


def check_letter(digits: str) -> str:
    """Of the twelve characters that follow it: weights 2 to 13, modulo 23."""
    total = sum(int(digit) * weight for weight, digit in enumerate(digits, 2))
    return _ALPHABET[total % len(_ALPHABET)]
