"""What a reviewer cuts and marks: less than was found, never other than was found. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel, ConfigDict

from schemas.errors import Fault
from schemas.identifiers import SubjectRef
from schemas.record import record
from schemas.records import Item

CUT: Final = "[cut]"
CUT_ONLY: Final = f"take words out and write {CUT} where they stood; add none"


@record
class Numbered:
    """An item as a reviewer was shown it: its number counts from 1."""

    number: int
    item: Item


class Draft(BaseModel):
    """What `mash review show --json` gives, edited down; all but the items is left unread."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    items: tuple[Numbered, ...]


def edit_faults(draft: tuple[Numbered, ...], found: tuple[Item, ...], subjects: frozenset[SubjectRef], file: str) -> tuple[Fault, ...]:
    """Everything in a draft that is not a cut or a mark, by item and field; no value is repeated."""
    if not draft:
        return (Fault(file=file, field="items", message="nothing is left", fix="withhold it, and say why"),)
    faults, before = [], 0
    for each in draft:
        place = f"items[{each.number}]"
        if not before < each.number <= len(found):
            fix = "keep each item's number, and their order"
            faults.append(Fault(file=file, field=place, message="is not an item that was found, or stands twice", fix=fix))
            continue
        before = each.number
        faults += [
            Fault(file=file, field=f"{place}.{field}", message=said, fix=fix) for field, said, fix in _of(each.item, found[before - 1])
        ]
        if not set(each.item.do_not_disclose_to) <= subjects:
            fix = "name subjects by their ref, such as s1"
            faults.append(Fault(file=file, field=f"{place}.do_not_disclose_to", message="names nobody of this request", fix=fix))
    return tuple(faults)


def is_cut_of(kept: str, found: str) -> bool:
    """Whether a value is the found one with pieces taken out, each kept piece in order and each gap marked."""
    if kept == found:
        return True
    first, *others = kept.split(CUT)
    if not others:
        return False
    *between, last = others
    first, last = first.rstrip(), last.lstrip()  # white space beside a mark is the mark's
    at, end = len(first), len(found) - len(last)
    if not (found.startswith(first) and found.endswith(last)):
        return False
    for piece in map(str.strip, between):
        place = found.find(piece, at, end)
        if place < 0:
            return False
        at = place + len(piece)
    return at <= end


def _of(kept: Item, found: Item) -> Iterator[tuple[str, str, str]]:
    """What is wrong with one item: field, message, cure."""
    for name in ("at", "relation_to_child", "handling", "source"):
        if getattr(kept, name) != getattr(found, name):
            yield name, "differs from what was found", "leave it as it was"
    values = [(each.name, each.value) for each in found.fields]
    for each in kept.fields:
        position = next((place for place, (name, _) in enumerate(values) if name == each.name), None)
        if position is None:
            yield "fields", "holds a field that was not found, or twice, or in another order", "only take fields away"
            continue
        if not is_cut_of(each.value, values[position][1]):
            yield each.name, "holds what was not found", CUT_ONLY
        values = values[position + 1 :]
