"""A GP federation's records: FHIR R4 UK Core bundles, one a practice, each with its patients and what refers to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from pydantic_core import to_json

from agents.demo.histories import FIELDS, HISTORIES, HOLDS, Held, Row, category_toml
from agents.demo.people import ABSENT, TRACED
from agents.demo.registers import Recorded
from schemas.records import NHS_NUMBER

Resource = dict[str, Any]  # FHIR as JSON has it
UK_CORE: Final = "https://fhir.hl7.org.uk"
KINDS: Final = "https://records.example/kind"  # a code system of this borough's own: no code of anybody else's is made up
PRACTICES: Final = HISTORIES["gp.registration"].words["practice"]
PLACES: Final = {  # category: resource, path of its day, paths of its fields in their order
    "gp.registration": ("EpisodeOfCare", "period.start", ("managingOrganization.display", "status", "period.start", "period.end")),
    "gp.safeguarding_codes": ("Flag", "period.start", ("code.coding[0].code", "code.coding[0].display", "status")),
    "gp.consultation_summary": (
        "Observation",
        "effectiveDateTime",
        ("component[0].valueString", "component[1].valueString", "component[2].valueString"),
    ),
    "gp.was_not_brought": ("Appointment", "start", ("serviceType[0].text", "comment")),
    "gp.parental_mh_substance": ("Condition", "recordedDate", ("code.text", "clinicalStatus.coding[0].code", "note[0].text")),
    "health.sexual_health": ("Encounter", "period.start", ("serviceType.text", "reasonCode[0].text")),
}
_HEAD: Final = """# SYNTHETIC. Bundles of the federation's shared record, one a practice; Patient is read as UK Core says.
[[source]]
kind = "fhir"
name = "gp-records"
folder = "bundles"
allowed_lag = "P31D"
"""


def write_gp(folder: Path, people: Iterable[Recorded], rows: Iterable[Row]) -> None:
    """`bundles/*.json` and `source.toml`."""
    bundles = folder / "bundles"
    bundles.mkdir(parents=True, exist_ok=True)
    (folder / "source.toml").write_text(source_toml(), encoding="utf-8")
    (folder / "SYNTHETIC.txt").write_text("SYNTHETIC: nobody in these files exists.\n", encoding="utf-8")
    practice: dict[str, int] = {}
    resources: dict[int, list[Resource]] = defaultdict(list)
    held = list(rows)
    for key, each in held:
        if each.category == "gp.registration":
            practice[key] = PRACTICES.index(each.fields["practice"])
    for record in people:
        resources[practice.get(record.key, 0)].append(_patient(record))
    for number, (key, each) in enumerate(held):
        resources[practice.get(key, 0)].append(_resource(number, key, each))
    for number in range(len(PRACTICES)):
        meta = {"tag": [{"system": "https://records.example/tag", "code": "SYNTHETIC"}]}
        bundle = {"resourceType": "Bundle", "meta": meta, "type": "collection", "entry": [{"resource": each} for each in resources[number]]}
        (bundles / f"practice-{number + 1}.json").write_bytes(to_json(bundle) + b"\n")


def source_toml() -> str:
    """The `[[source]]` part of its adapter.toml."""
    parts = []
    for category in HOLDS["gp"]:
        resource, at, paths = PLACES[category]
        parts.append(category_toml(category, f'resource = "{resource}"\ncodes = ["{KINDS}|{category}"]', "", (at, ""), paths))
    return "\n".join([_HEAD, *parts])


def _patient(record: Recorded) -> Resource:
    patient: Resource = {"resourceType": "Patient", "id": record.key}
    patient["meta"] = {"profile": [f"{UK_CORE}/StructureDefinition/UKCore-Patient"]}
    if record.person.protected:
        patient["meta"]["security"] = [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]
    if record.trace_status != ABSENT:
        patient["identifier"] = [_number(record)]
    patient["name"] = [{"use": "official", "family": record.family_name, "given": record.given_names.split(" ")}]
    patient["name"] += [{"use": "old", "family": name} for name in record.person.former_names if name != record.family_name]
    patient["gender"] = record.person.sex.value
    if record.born_on:
        patient["birthDate"] = record.born_on.isoformat()
    patient["address"] = [{"use": "home", "line": [record.home.line], "postalCode": record.home.postcode}]
    return patient


def _number(record: Recorded) -> Resource:
    status = "number-present-and-verified" if record.trace_status == TRACED else "number-present-but-not-traced"
    coding = {"system": f"{UK_CORE}/CodeSystem/UKCore-NHSNumberVerificationStatusEngland", "code": status}
    url = f"{UK_CORE}/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
    return {
        "extension": [{"url": url, "valueCodeableConcept": {"coding": [coding]}}],
        "system": NHS_NUMBER,
        "value": str(record.nhs_number),
    }


def _resource(number: int, key: str, held: Held) -> Resource:
    """One thing held, as the resource its category is kept in."""
    kind = PLACES[held.category][0]
    said = {name: held.fields.get(name, "") for name in FIELDS[held.category]}
    resource: Resource = {"resourceType": kind, "id": f"r{number}"}
    return resource | _SHAPES[kind](f"Patient/{key}", held.at.isoformat(), {"coding": [{"system": KINDS, "code": held.category}]}, said)


def _episode(patient: str, at: str, kind: Resource, said: dict[str, str]) -> Resource:
    practice = {"display": said["practice"]}
    return {
        "status": said["status"],
        "type": [kind],
        "patient": {"reference": patient},
        "managingOrganization": practice,
        "period": {"start": at},
    }


def _flag(patient: str, at: str, kind: Resource, said: dict[str, str]) -> Resource:
    code = {"coding": [{"system": "https://records.example/safeguarding", "code": said["code"], "display": said["meaning"]}]}
    return {"status": said["status"], "category": [kind], "code": code, "subject": {"reference": patient}, "period": {"start": at}}


def _observation(patient: str, at: str, kind: Resource, said: dict[str, str]) -> Resource:
    parts = [{"code": {"text": name}, "valueString": text} for name, text in said.items()]
    return {"status": "final", "code": kind, "subject": {"reference": patient}, "effectiveDateTime": at, "component": parts}


def _appointment(patient: str, at: str, kind: Resource, said: dict[str, str]) -> Resource:
    who = [{"actor": {"reference": patient}, "status": "accepted"}]
    said_of: Resource = {"serviceType": [{"text": said["appointment_with"]}], "comment": said["follow_up"]}
    return said_of | {"status": "noshow", "appointmentType": kind, "start": f"{at}T09:30:00Z", "participant": who}


def _condition(patient: str, at: str, kind: Resource, said: dict[str, str]) -> Resource:
    status = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": said["status"]}]}
    found: Resource = {"clinicalStatus": status, "category": [kind], "code": {"text": said["condition"]}, "subject": {"reference": patient}}
    note = {"note": [{"text": said["impact_on_child"]}]} if said["impact_on_child"] else {}
    return found | {"recordedDate": at} | note


def _encounter(patient: str, at: str, kind: Resource, said: dict[str, str]) -> Resource:
    reason = {"reasonCode": [{"text": said["concern"]}]} if said["concern"] else {}
    service = {"text": said["service"]}
    return {
        "status": "finished",
        "type": [kind],
        "serviceType": service,
        "subject": {"reference": patient},
        "period": {"start": at},
    } | reason


_SHAPES: Final[dict[str, Callable[[str, str, Resource, dict[str, str]], Resource]]] = {
    "EpisodeOfCare": _episode,
    "Flag": _flag,
    "Observation": _observation,
    "Appointment": _appointment,
    "Condition": _condition,
    "Encounter": _encounter,
}
