"""For tests only: who is who, under which keys, what is wrong with each record, what should be found, and what happens later."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from pydantic_core import to_json

from agents.demo.archive import archive_key
from agents.demo.histories import Held, Row
from agents.demo.people import TRACED, Person, Town
from agents.demo.registers import AGENCIES, Recorded
from agents.demo.scenes import Part, Scene, contact_of

Books = dict[str, list[Recorded]]


def truth(cast: list[Scene], town: Town, books: Books, rows: dict[str, list[Row]]) -> bytes:
    """truth.json."""
    records: dict[tuple[str, int], list[Recorded]] = defaultdict(list)
    held: dict[tuple[str, int], list[Held]] = defaultdict(list)
    for agency in AGENCIES:
        for record in books[agency]:
            records[agency, record.person.serial].append(record)
        for _, each in rows[agency]:
            held[agency, each.person.serial].append(each)
    contacts = {str(contact_of(scene, number, town).contact_ref): _contact(scene, records, held) for number, scene in enumerate(cast, 1)}
    everyone = [_person(person, records) for person in town.people]
    return to_json({"synthetic": True, "contacts": contacts, "people": everyone}) + b"\n"


def script(cast: list[Scene]) -> str:
    """script.json: by contact, what the demo may act on later, in order."""
    later = {
        f"demo-{number:03d}": [
            {
                "event": each.event,
                "agency": each.agency and f"agency.{each.agency}",
                "after_minutes": each.after_minutes,
                "reason": each.reason,
            }
            for each in scene.later
        ]
        for number, scene in enumerate(cast, 1)
        if scene.later
    }
    return json.dumps({"synthetic": True, "contacts": later}, indent=1) + "\n"


def _contact(scene: Scene, records: dict[tuple[str, int], list[Recorded]], held: dict[tuple[str, int], list[Held]]) -> dict[str, Any]:
    parts = enumerate(scene.parts, 1)
    subjects = {f"s{index}": {agency: _part(part, agency, records, held) for agency in AGENCIES} for index, part in parts}
    return {"scene": scene.name, "subjects": subjects, "never": list(scene.never)}


def _part(
    part: Part, agency: str, records: dict[tuple[str, int], list[Recorded]], held: dict[tuple[str, int], list[Held]]
) -> dict[str, Any]:
    """The keys that are really theirs, what a search should come to, and every row they have, whatever may be released.

    `outcome` is what the record deserves; where `dirt` is not empty, or the contact tells it otherwise (`as_told`),
    finding nobody or being unsure is a miss, never wrong.
    """
    if part.person is None:
        return {"keys": [], "outcome": "none", "dirt": [], "as_told": True, "rows": []}
    mine = records[agency, part.person.serial]
    kept = {0: "none", 1: "confirmed"}.get(len(mine), "ambiguous")
    outcome = "wrong" if agency in part.wrong else part.expected.get(agency, kept) if mine else kept
    dirt = sorted({kind.value for record in mine for kind in record.dirt})
    rows = [{"category": each.category, "at": each.at.isoformat(), "fields": each.fields} for each in held[agency, part.person.serial]]
    return {
        "keys": [key for record in mine for key in _keys(record)],
        "outcome": outcome,
        "dirt": dirt,
        "as_told": not part.said,
        "rows": rows,
    }


def _keys(record: Recorded) -> tuple[str, ...]:
    """Under which a person stands in each of an agency's systems."""
    return (record.key, archive_key(record.key)) if record.agency == "housing" else (record.key,)


def _person(person: Person, records: dict[tuple[str, int], list[Recorded]]) -> dict[str, Any]:
    mine = {agency: records[agency, person.serial] for agency in AGENCIES}
    return {
        "family_name": person.family_name,
        "given_names": person.given_names,
        "born_on": person.born_on.isoformat(),
        "postcode": person.home.postcode,
        "nhs_number": person.nhs_number,
        "verified": person.trace_status == TRACED,
        "care": person.care,
        "keys": {agency: [key for record in each for key in _keys(record)] for agency, each in mine.items() if each},
        "dirt": {agency: sorted({kind.value for record in each for kind in record.dirt}) for agency, each in mine.items() if each},
    }
