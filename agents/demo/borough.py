"""Write a synthetic borough: seven agencies' systems, the contacts a hub takes in, and, for tests only, the true answers."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from agents.demo.contacts import scenes
from agents.demo.csc import write_csc
from agents.demo.gp import write_gp
from agents.demo.histories import HOLDS, OF_COURSE, Held, Row, usual
from agents.demo.households import populate
from agents.demo.housing import write_housing
from agents.demo.people import Town
from agents.demo.police import write_police
from agents.demo.probation import write_probation
from agents.demo.registers import AGENCIES, Recorded, registers, settle
from agents.demo.scenes import Scene, contact_of
from agents.demo.schools import write_schools
from agents.demo.trust import write_trust
from agents.demo.truth import script, truth
from schemas.events import Contact

NOTICE: Final = """SYNTHETIC

Nobody in this folder exists. Names, births, addresses and histories are drawn from a seed. NHS numbers are from the range
999, kept for tests; the postcode area XX does not exist; telephone numbers are of the range 01632 960, kept for drama.

contacts.jsonl  what a hub takes in, one contact a line
script.json     what happens to some of them later: withdrawn, answered late, revised, corrected
csc/            children's social care: SQLite, people and steps of work
police/         SQLite, occurrences and who was involved
trust/          an acute trust: CSV extracts
gp/             a GP federation: FHIR R4 bundles, one a practice
schools/        a schools trust: CSV, one file a school
housing/        SQLite, tenancies; beside it a CSV archive of the system before
probation/      Parquet extracts
truth.json      who is who and what should be found: for tests only

Each agency's folder holds in source.toml each [[source]] of its adapter.toml.
"""


def write_borough(
    folder: Path,
    *,
    today: date,
    seed: int = 47,
    people: int = 2000,
    contacts: int = 12,
    agencies: Sequence[str] = AGENCIES,
    written: Callable[[str], None] = lambda _: None,
) -> None:
    """The same seed and day give the same bytes. Enough people are made for all contacts.

    `agencies`: whose systems are written, in this order; `written` hears of each as soon as all of it is there.
    """
    with _no_collecting():
        _write(folder, Town(seed, today), people, contacts, agencies, written)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Hundreds of thousands of lasting values and no cycle: looking for some takes half the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _write(folder: Path, town: Town, people: int, contacts: int, agencies: Sequence[str], written: Callable[[str], None]) -> None:
    cast = scenes(town, contacts)
    populate(town, people)
    settle(town)
    books = {agency: registers(town, agency) for agency in AGENCIES}
    rows = _rows(town, cast, books)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.txt").write_text(NOTICE, encoding="utf-8")
    for agency in agencies:
        _writer(agency, town)(folder / agency, books[agency], rows[agency])
        written(agency)
    _write_contacts(folder / "contacts.jsonl", cast, town)
    (folder / "script.json").write_text(script(cast), encoding="utf-8")
    (folder / "truth.json").write_bytes(truth(cast, town, books, rows))


def _writer(agency: str, town: Town) -> Callable[[Path, Sequence[Recorded], Sequence[Row]], None]:
    if agency == "schools":
        return lambda folder, people, rows: write_schools(folder, town, people, rows)
    if agency == "housing":
        return lambda folder, people, rows: write_housing(folder, town.today, people, rows)
    return {
        "csc": write_csc,
        "police": write_police,
        "trust": write_trust,
        "gp": write_gp,
        "probation": write_probation,
    }[agency]


def _rows(town: Town, cast: list[Scene], books: dict[str, list[Recorded]]) -> dict[str, list[Row]]:
    """What each agency holds: of people in contacts what the contact is about, of the others what is usual."""
    in_contacts = {part.person.serial for scene in cast for part in scene.parts if part.person}
    told: dict[tuple[str, int], list[Held]] = defaultdict(list)
    for scene in cast:
        for each in scene.held:
            told[each.agency, each.person.serial].append(each)
    rows: dict[str, list[Row]] = {}
    for agency, records in books.items():
        of_course = [category for category in HOLDS[agency] if category in OF_COURSE]
        keys: dict[int, list[str]] = defaultdict(list)
        for record in records:
            keys[record.person.serial].append(record.key)
        found: list[Row] = []
        for person in town.people:
            if person.serial in keys:
                mine = keys[person.serial]
                special = person.serial in in_contacts
                held = told.pop((agency, person.serial), []) + usual(town, person, agency, only=of_course if special else HOLDS[agency])
                found += [(mine[index % len(mine)], each) for index, each in enumerate(held)]
        rows[agency] = found
    if told:
        message = f"held of people whom the agency does not know: {sorted(told)}"
        raise ValueError(message)
    return rows


def _write_contacts(path: Path, cast: list[Scene], town: Town) -> None:
    adapter = TypeAdapter(Contact)
    lines = [adapter.dump_json(contact_of(scene, number, town)).decode() for number, scene in enumerate(cast, 1)]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
