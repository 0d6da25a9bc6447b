"""Write a synthetic borough: two agencies' systems, the contacts a hub takes in, and, for tests only, the true answers."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from agents.demo.contacts import scenes
from agents.demo.histories import Held, usual
from agents.demo.households import populate
from agents.demo.people import TRACED, Person, Town
from agents.demo.police import write_police
from agents.demo.scenes import Part, Scene, contact_of, in_system
from agents.demo.trust import write_trust
from schemas.events import Contact

AGENCIES = {"police": ("pol.",), "trust": ("acute.", "mat.")}
NOTICE = """SYNTHETIC

Nobody in this folder exists. Names, births, addresses and histories are drawn from a seed. NHS numbers are from the range
999, kept for tests; the postcode area XX does not exist; telephone numbers are of the range 01632 960, kept for drama.

contacts.jsonl  what a hub takes in, one contact a line
police/         records.sqlite and the [source] part of an adapter.toml
trust/          extracts and the [source] part of an adapter.toml
truth.json      who is who and what should be found: for tests only
"""


def write_borough(folder: Path, *, today: date, seed: int = 47, people: int = 2000, contacts: int = 12) -> None:
    """The same seed and day give the same bytes (of the database: the same rows). Enough people are made for all contacts."""
    town = Town(seed, today)
    cast = scenes(town, contacts)
    populate(town, people)
    in_contacts = {part.person.serial for scene in cast for part in scene.parts if part.person}
    held = [item for scene in cast for item in scene.held]
    held += [item for person in town.people if person.serial not in in_contacts for item in usual(town, person)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.txt").write_text(NOTICE, encoding="utf-8")
    write_police(folder / "police", town.people, [each for each in held if each.category.startswith(AGENCIES["police"])])
    write_trust(folder / "trust", town.people, [each for each in held if each.category.startswith(AGENCIES["trust"])])
    _write_contacts(folder / "contacts.jsonl", cast, town)
    (folder / "truth.json").write_text(_truth(cast, town, held), encoding="utf-8")


def _write_contacts(path: Path, cast: list[Scene], town: Town) -> None:
    adapter = TypeAdapter(Contact)
    lines = [adapter.dump_json(contact_of(scene, number, town)).decode() for number, scene in enumerate(cast, 1)]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _truth(cast: list[Scene], town: Town, held: list[Held]) -> str:
    rows: dict[int, list[Held]] = defaultdict(list)
    for each in held:
        rows[each.person.serial].append(each)
    contacts = {f"demo-{number:03d}": _true_contact(scene, rows) for number, scene in enumerate(cast, 1)}
    everyone = [_true_person(person) for person in town.people]
    return json.dumps({"synthetic": True, "contacts": contacts, "people": everyone}, ensure_ascii=False, separators=(",", ":")) + "\n"


def _true_contact(scene: Scene, rows: dict[int, list[Held]]) -> dict[str, Any]:
    subjects = {f"s{index}": {agency: _true_part(part, agency, rows) for agency in AGENCIES} for index, part in enumerate(scene.parts, 1)}
    return {"scene": scene.name, "subjects": subjects}


def _true_part(part: Part, agency: str, rows: dict[int, list[Held]]) -> dict[str, Any]:
    """The key that is really theirs, what matching should say, and every row they have, whatever may be released."""
    key = in_system(part.person, agency) if part.person else None
    outcome = part.expected.get(agency, "confirmed" if key else "none")
    mine = [each for each in rows[part.person.serial] if each.category.startswith(AGENCIES[agency])] if part.person else []
    held = [{"category": each.category, "at": each.at.isoformat(), "fields": each.fields} for each in mine]
    return {"key": key, "outcome": outcome, "rows": held}


def _true_person(person: Person) -> dict[str, Any]:
    return {
        "family_name": person.family_name,
        "given_names": person.given_names,
        "born_on": person.born_on.isoformat(),
        "postcode": person.home.postcode,
        "nhs_number": person.nhs_number,
        "verified": person.trace_status == TRACED,
        "police": person.nominal,
        "trust": person.hospital,
    }
