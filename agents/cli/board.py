"""The board on a terminal: a picture that people can leave on the wall."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agents.cli.casetext import REVIEW
from agents.cli.compose import hub_of
from agents.cli.output import OUT, AsJson, guarded, tell
from agents.hub.board import Cell, Row, Unopened, agencies_of, rows, totals
from agents.hub.service import Hub
from schemas.enums import AgencyStatus, Rag
from schemas.events import CaseRecord
from schemas.happenings import TimescaleState

WORD: Final = {  # a word always, a colour only beside it
    AgencyStatus.awaited: ("asked", "yellow"),
    AgencyStatus.acknowledged: ("received", "cyan"),
    AgencyStatus.partial: ("in part", "cyan"),
    AgencyStatus.answered: ("answered", "green"),
    AgencyStatus.overdue: ("OVERDUE", "bold red"),
    AgencyStatus.rejected: ("REJECTED", "bold red"),
    AgencyStatus.cancelled: ("withdrawn", "dim"),
    AgencyStatus.not_asked: ("not asked", "dim"),
}
COLOUR: Final = {Rag.red: "bold red", Rag.amber: "yellow", Rag.green: "green", Rag.blue: "blue"}
UNRATED: Final = "not rated"  # a contact that nobody has decided about
MOST: Final = 40  # rows on one screen
FIXED: Final = frozenset({"case", "rating", "stage", "time left"})
REFRESH: Final = 1.0  # seconds


class Renderings:
    """Case records, each rendered again only when its case has more events."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self._held = hub, dict[UUID, tuple[int, CaseRecord | Unopened | None]]()

    def _standing(self) -> list[CaseRecord | Unopened]:
        for case_id, events in self.hub.party.store.sizes().items():
            if self._held.get(case_id, (0, None))[0] != events:
                self._held[case_id] = (events, self.hub.standing(case_id))
        return [each for _, each in self._held.values() if each is not None]

    def records(self) -> list[CaseRecord]:
        """Every opened case as it stands now."""
        return [each for each in self._standing() if isinstance(each, CaseRecord)]

    def rows(self) -> list[Row]:
        """The board now, with contacts that nobody has decided about."""
        return rows(self._standing())


def picture(held: list[Row], at: datetime) -> Group:
    """The table, most urgent first, with a line of totals."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    agencies = list(agencies_of(held))
    timed = ["timescale"] if any(each.timescales for each in held[:MOST]) else []
    for name in ("case", "rating", "stage", *(each.slug for each in agencies), *timed, "time left"):
        table.add_column(name, no_wrap=name in FIXED, overflow="fold")  # on a narrow screen the cells of agencies fold, and no case is cut
    for each in held[:MOST]:
        cells = [_cell(each.cells.get(agency)) for agency in agencies]
        running = [_timescales(each, at)] if timed else []
        rag = Text(each.rag.value.upper(), COLOUR[each.rag]) if each.rag else Text(UNRATED)
        table.add_row(each.contact_ref, rag, each.stage.value if each.stage else "contact", *cells, *running, _left(each, at))
    still = ", ".join(f"{count} {_rating(rag)}" for rag, count in totals(held).items()) or "none"
    more = f"; {len(held) - MOST} more cases below" if len(held) > MOST else ""
    unread = sorted({_name(each.timescales[0]) for each in held[:MOST] if each.timescales and each.timescales[0].legal_review_needed})
    review = [Text(f"{REVIEW}: {', '.join(unread)}")] if unread else []
    return Group(table, Text(f"open: {still}{more}", "bold"), *review)


def _rating(rag: Rag | None) -> str:
    return rag.value if rag is not None else UNRATED


def _name(state: TimescaleState) -> str:
    """A timescale's own part of its id: `national.police_protection` is "police protection"."""
    return state.timescale.partition(".")[2].replace("_", " ") or state.timescale


def _cell(cell: Cell | None) -> Text:
    if cell is None:
        return Text("-", "dim")
    word, style = WORD[cell.status]
    return Text(f"{word}, {cell.in_review} in review" if cell.in_review else word, style)


def _timescales(row: Row, at: datetime) -> Text:
    """What runs in the case as a whole: the soonest, and how many more."""
    if not row.timescales:
        return Text("-", "dim")
    first, *more = row.timescales
    word = f"{_name(first)} {'OVERDUE' if first.overdue else span(first.due_at - at)}"
    return Text(f"{word}, {len(more)} more" if more else word, "bold red" if first.due_at < at else "")


def _left(row: Row, at: datetime) -> Text:
    left = row.left(at)
    if row.rejected:
        return Text("ring the agency", "bold red")
    if left is None:
        return Text(*(("with reviewers", "yellow") if row.in_review else ("settled", "dim")))
    return Text(span(left), "bold red" if left < timedelta(0) else "")


def span(left: timedelta) -> str:
    """Hours and minutes; days where there are many."""
    minutes = int(abs(left).total_seconds() // 60)
    text = f"{minutes // 1440} d {minutes % 1440 // 60} h" if minutes >= 2 * 1440 else f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{text} over" if left < timedelta(0) else text


@guarded
def board(
    folder: Annotated[Path, typer.Option("--folder", help="The hub's folder.")] = Path(),
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and show what changes, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every case, and every contact nobody has decided about, most urgent first: who is awaited, and how much time is left. No names.

    Example: mash hub board --folder hub/ --watch
    """
    hub = hub_of(folder)
    held = Renderings(hub)
    try:
        if watch and not as_json:
            show_until(lambda: picture(held.rows(), hub.party.now()), lambda: False)
        elif as_json:
            tell(as_json, board_json(held.rows()), "")
        else:
            OUT.print(picture(held.rows(), hub.party.now()))
    finally:
        hub.party.close()


def show_until(draw: Callable[[], Group], over: Callable[[], bool]) -> None:
    """Draw again and again until it is over."""
    with Live(draw(), console=OUT, auto_refresh=False) as live:
        while not over():
            time.sleep(REFRESH)
            live.update(draw(), refresh=True)


def board_json(held: list[Row]) -> dict[str, Any]:
    """The same for machines."""
    cases = [
        {
            "case": str(each.case_id),
            "contact": each.contact_ref,
            "rag": each.rag.value if each.rag else None,
            "stage": each.stage.value if each.stage else None,
            "due_at": each.due_at.isoformat() if each.due_at else None,
            "timescales": [timescale_json(one) for one in each.timescales],
            "agencies": {agency: {"status": cell.status.value, "in_review": cell.in_review} for agency, cell in each.cells.items()},
        }
        for each in held
    ]
    return {"cases": cases, "open": {rag.value if rag else "not_rated": count for rag, count in totals(held).items()}}


def timescale_json(each: TimescaleState) -> dict[str, Any]:
    """One timescale of a case as a whole, for machines."""
    return {
        "timescale": each.timescale,
        "says": each.says,
        "legal_review_needed": each.legal_review_needed,
        "since": each.started_at.isoformat(),
        "due_at": each.due_at.isoformat(),
        "overdue": each.overdue,
    }
