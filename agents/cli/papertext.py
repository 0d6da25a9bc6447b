"""A drafted paper as Markdown, as a page that prints, and as an object for machines. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from jinja2 import Template

from agents.cli.output import plain
from agents.cli.printing import template
from policies.papers.document import Block, Cell, Document, Gap, Grid, Listing, Paragraph, Section

NOTICE: Final = (
    "A draft put together from data. It is not legal advice, and it holds for nobody until people have completed, reviewed and signed it."
)
UNKNOWN: Final = "More may be missing: the software knows only what it was told to look for."
_MARKS: Final = re.compile(r"[\\`*\[\]<>|~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[#+=-]|^(?=\d+[.)])", re.MULTILINE)
Numbers = Mapping[str, int]


def markdown(document: Document) -> str:
    """The whole draft; DRAFT stands over every section, since Markdown has no pages."""
    return "\n".join(_lines(document)) + "\n"


def page(document: Document) -> str:
    """The whole draft as HTML; DRAFT stands on every printed page."""
    return _page().render(document=document, numbers=_numbers(document), lists=gap_lists(document), notice=NOTICE, unknown=UNKNOWN)


def as_object(document: Document) -> dict[str, Any]:
    """The draft's structure; a gap in a text is its number in the list of gaps."""
    numbers = _numbers(document)
    return {
        "paper": document.paper.value,
        "draft": True,
        "title": document.title,
        "says": document.says,
        "source": _runs(document.source, numbers),
        "on": document.on.isoformat(),
        "made_from": dict(document.made_from),
        "gaps": [
            {"number": numbers[gap.id], "id": gap.id, "mark": gap.mark, "missing": gap.missing, "where": gap.where, "review": gap.review}
            for gap in document.gaps
        ],
        "sections": [_section_object(each, numbers) for each in document.sections],
    }


def gap_lists(document: Document) -> tuple[tuple[str, tuple[Gap, ...]], ...]:
    """What somebody must say, and what a lawyer must confirm, each under its heading."""
    unsaid = tuple(gap for gap in document.gaps if not gap.review)
    return ("What nobody has said yet", unsaid), ("What a lawyer must still confirm", document.gaps[len(unsaid) :])


def _numbers(document: Document) -> Numbers:
    return {gap.id: at for at, gap in enumerate(document.gaps, start=1)}


@cache
def _page() -> Template:
    made = template("paper.html")
    made.environment.tests |= {"paragraph": _is_paragraph, "listing": _is_listing}
    return made.environment.get_template("paper.html")


def _is_paragraph(block: object) -> bool:
    return isinstance(block, Paragraph)


def _is_listing(block: object) -> bool:
    return isinstance(block, Listing)


def _section_object(section: Section, numbers: Numbers) -> dict[str, Any]:
    blocks = [_block_object(each, numbers) for each in section.blocks]
    return {"id": section.id, "heading": section.heading, "source": _runs(section.source, numbers), "blocks": blocks}


def _block_object(block: Block, numbers: Numbers) -> dict[str, Any]:
    if isinstance(block, Paragraph):
        return {"paragraph": _runs(block.text, numbers)}
    if isinstance(block, Listing):
        return {"list": [_runs(each, numbers) for each in block.items]}
    rows = [[_runs(cell, numbers) for cell in row] for row in block.rows]
    return {"table": {"headings": list(block.headings), "rows": rows}}


def _runs(cell: Cell, numbers: Numbers) -> list[Any]:
    return [run if isinstance(run, str) else {"gap": numbers[run.id]} for run in cell]


def _lines(document: Document) -> Iterator[str]:
    numbers = _numbers(document)
    yield f"# DRAFT: {_text(document.title)}"
    yield from ("", _text(document.says), "", f"Law: {_said(document.source, numbers)}", "", f"*{NOTICE}*", "")
    for heading, gaps in gap_lists(document):
        yield from (f"## {heading} ({len(gaps)})", "")
        yield from (f"{numbers[gap.id]}. **{_text(gap.mark)}.** {_text(gap.missing)} Say it in: {_text(gap.where)}" for gap in gaps)
        yield from ("", "**DRAFT**", "")
    yield UNKNOWN
    for section in document.sections:
        yield from ("", f"## {_text(section.heading)}", "", "**DRAFT**")
        if section.source:
            yield from ("", f"Law: {_said(section.source, numbers)}")
        for block in section.blocks:
            yield ""
            yield from _block_lines(block, numbers)
    yield from ("", "## What this was made from", "", "**DRAFT**", "")
    yield from (f"- {_text(name)}: {_text(version)}" for name, version in document.made_from)


def _block_lines(block: Block, numbers: Numbers) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield _said(block.text, numbers)
    elif isinstance(block, Listing):
        yield from (f"- {_said(each, numbers)}" for each in block.items)
    else:
        yield from _grid_lines(block, numbers)


def _grid_lines(grid: Grid, numbers: Numbers) -> Iterator[str]:
    yield f"| {' | '.join(map(_text, grid.headings))} |"
    yield f"|{' --- |' * len(grid.headings)}"
    for row in grid.rows:
        yield f"| {' | '.join(_said(cell, numbers) for cell in row)} |"


def _said(cell: Cell, numbers: Numbers) -> str:
    return " ".join(_text(run) if isinstance(run, str) else f"**[GAP {numbers[run.id]}: {_text(run.mark)}]**" for run in cell)


def _text(words: str) -> str:
    """Words on one line that Markdown shows as they are: nothing that others wrote becomes a heading, a link or a table's edge."""
    return _MARKS.sub(lambda found: f"\\{found[0]}", plain(" ".join(words.split())))
