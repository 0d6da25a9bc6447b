"""The least that answers: only the category's fields, only within its bounds, with what must be cut from free text cut."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Final, Protocol

from policies.categories import Category, Redaction
from schemas.enums import Assertion
from schemas.identifiers import Slug
from schemas.records import Item, ItemField

MAX_VALUE: Final = 8000  # characters an item's value may hold
CUT: Final = " [cut here]"
PATTERNS: Final = (  # most telling first: a postcode inside an address is cut with it; every repetition is bounded
    (Redaction.email, re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")),
    (
        Redaction.address,
        re.compile(
            r"\b(?:(?:flat|apartment|unit|room)\s{1,3}\w{1,6},?\s{1,3})?\d{1,5}[a-z]?,?\s{1,3}(?:[A-Z][\w'.-]{0,30}\s{1,3}){1,4}"
            r"(?:street|st|road|rd|avenue|ave|lane|ln|close|drive|dr|way|court|ct|crescent|cres|place|pl|terrace|gardens|grove|"
            r"square|sq|hill|park|row|walk|mews|green|parade|rise|view|house)\b\.?",
            re.IGNORECASE,
        ),
    ),
    (Redaction.postcode, re.compile(r"\b(?:[A-Z]{1,2}\d[A-Z\d]?|GIR)[\s-]{0,3}\d[A-Z]{2}\b", re.IGNORECASE)),
    (Redaction.nhs_number, re.compile(r"(?<!\d)\d{3}[\s.-]{0,3}\d{3}[\s.-]{0,3}\d{4}(?!\d)")),
    (Redaction.phone, re.compile(r"(?<![\d+])(?:\+44\s{0,2}(?:\(0\))?|\(?0)(?:[\s().-]{0,2}\d){8,10}(?!\d)")),
)


class RowHeld(Protocol):
    """One thing held, as a source gives it."""

    @property
    def at(self) -> date | None:
        """When it happened, where that is known."""

    @property
    def fields(self) -> tuple[tuple[Slug, str], ...]:
        """Named values."""

    @property
    def assertion(self) -> str:
        """What kind of statement it is."""


def minimise(category: Category, rows: Iterable[RowHeld], *, since: date, until: date, relation_to_child: str) -> tuple[Item, ...]:
    """Rows as items, in the order given; one of unknown date is kept, since silence about it could mislead."""
    earliest = max(since.toordinal(), until.toordinal() - category.look_back_days)
    kept = (row for row in rows if row.at is None or earliest <= row.at.toordinal() <= until.toordinal())
    items = (_item(category, row, relation_to_child) for row in kept)
    return tuple(item for item in items if item is not None)


def redact(text: str, kinds: Iterable[Redaction]) -> str:
    """Cut what identifies or locates people from free text, leaving word of what was cut."""
    wanted = frozenset(kinds)
    for kind, pattern in PATTERNS:
        if kind in wanted:
            text = pattern.sub(f"[{kind.value.replace('_', ' ')} removed]", text)
    return text


def _item(category: Category, row: RowHeld, relation_to_child: str) -> Item | None:
    held = dict(row.fields)
    fields = []
    for each in category.fields:
        value = held.get(each.name, "").strip()
        if each.free_text:
            value = redact(value, category.redact)
        if value:
            fields.append(ItemField(name=each.name, value=value if len(value) <= MAX_VALUE else value[: MAX_VALUE - len(CUT)] + CUT))
    if not fields:
        return None
    return Item(
        at=row.at,
        fields=tuple(fields),
        assertion=Assertion.known(Assertion(row.assertion)),
        relation_to_child=relation_to_child,
        handling=category.handling,
    )
