"""A case as an HTML page that prints well. Whatever others wrote is escaped; the page needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from jinja2 import Template

from agents.cli.casetext import (
    asks_line,
    error_line,
    gaps,
    happened_line,
    link_lines,
    questions,
    running,
    seen_line,
    standing,
    when,
)
from agents.cli.output import plain
from agents.cli.printing import template
from agents.cli.show import WORDS, name_of, searched_line, unanswered_line
from agents.hub.links import Linked
from schemas.events import CaseRecord, Entry
from schemas.identifiers import Digest
from schemas.records import Officer


@cache
def _page() -> Template:
    return template(
        "case.html",
        when=when,
        standing=standing,
        running=running,
        happened=happened_line,
        in_error=error_line,
        asks=asks_line,
        searched=searched_line,
        unanswered=unanswered_line,
    )


def case_page(
    record: CaseRecord, seen: Mapping[Digest, Sequence[Entry]], viewer: Officer, at: datetime, links: Sequence[Linked] = ()
) -> str:
    """The whole page; `seen`: by correction, who had looked at what was taken back; `links`: other contacts about the same people."""
    return _page().render(
        record=record,
        subjects=[(each, plain(name_of(each)), questions(record, each.ref)) for each in record.subjects],
        gaps=gaps(record),
        links=link_lines(links),
        seen={digest: seen_line(entries) for digest, entries in seen.items()},
        words=WORDS,
        viewer=viewer,
        at=at,
    )
