"""How a database that folds only ASCII may have folded a name: the few forms to look for, so that an index narrows the search."""

from __future__ import annotations

import string
import unicodedata
from typing import Final

PUNCTUATION: Final = (" ", "-", "'", "’", ".")  # what spelling varies in: O'Connor, Smith-Jones, St. John
_ASCII_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def spellings(name: str) -> list[str]:
    """Every form `replace(… lower(NAME) …)` gives for this name, whether lower() knows Unicode or not, sorted."""
    forms = {unicodedata.normalize(form, case) for form in ("NFC", "NFD", "NFKC") for case in _cases(name)}
    return sorted(bare for bare in {_bare(each.translate(_ASCII_LOWER)) for each in forms} if bare.strip())


def _cases(name: str) -> tuple[str, ...]:
    return (name, name.lower(), name.upper(), name.title(), name.casefold())


def _bare(name: str) -> str:
    for mark in PUNCTUATION:
        name = name.replace(mark, "")
    return name
