"""A drafted paper as a value: sections of paragraphs, lists and tables, with every gap marked where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Paper(StrEnum):
    """The papers that can be drafted; the notice for a child is the privacy notice in other words."""

    dpia = "dpia"
    ropa = "ropa"
    privacy_notice = "privacy-notice"
    child_notice = "privacy-notice-child"
    apd = "apd"
    article26 = "article26"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What nobody has said yet: `mark` stands in its place, `missing` is the whole sentence, `where` the place to say it."""

    id: str
    mark: str
    missing: str
    where: str
    review: bool = False  # what a lawyer must confirm, apart from what somebody must say


Cell = tuple[str | Gap, ...]  # text and gaps in reading order


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """One paragraph."""

    text: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list of points."""

    items: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table; every row has one cell for each heading."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


Block = Paragraph | Listing | Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, the law that asks for this section, and what it says."""

    id: str
    heading: str
    source: Cell
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole draft; it says nothing that its sources do not say, and it is never more than a draft."""

    paper: Paper
    title: str
    says: str
    source: Cell
    on: date  # the day whose law it draws on
    made_from: tuple[tuple[str, str], ...]  # each source and its version or digest
    sections: tuple[Section, ...]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Every gap once, what must be said before what a lawyer must confirm, each in the order of its first place; numbered from 1."""
        found = {gap.id: gap for cell in self.cells() for gap in cell if isinstance(gap, Gap)}
        return tuple(sorted(found.values(), key=lambda gap: gap.review))

    def cells(self) -> Iterator[Cell]:
        """Everything that is said, in reading order."""
        yield self.source
        for section in self.sections:
            yield section.source
            for block in section.blocks:
                yield from cells_of(block)


def cells_of(block: Block) -> Iterator[Cell]:
    """The cells of one block, in reading order."""
    if isinstance(block, Paragraph):
        yield block.text
    elif isinstance(block, Listing):
        yield from block.items
    else:
        for row in block.rows:
            yield from row
