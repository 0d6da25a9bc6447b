"""A FHIR R4 UK Core Bundle: each resource a row, its elements by a closed form of path. Nothing is evaluated, nothing is followed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NoReturn

from agents.adapter.sources.places import PATIENT, WHOSE, Place
from agents.adapter.sources.reading import Line, plain, refused

MAX_BUNDLE: Final = 32 * 1024 * 1024  # bytes of one file, which is held whole: up to twenty times as much in memory
MAX_OBJECTS: Final = 1_000_000  # of one file: an empty one takes three bytes there and more than sixty in memory
MAX_ENTRIES: Final = 200_000
NHS_NUMBER: Final = "https://fhir.nhs.uk/Id/nhs-number"
VERIFICATION: Final = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
TRACED: Final = frozenset({"number-present-and-verified", "01"})
RESTRICTED: Final = frozenset({"R", "V", "S"})  # of v3-Confidentiality; S is how a spine-fed system writes a sensitive record
IN_ERROR: Final = "entered-in-error"
CODED: Final = (
    *("code", "type", "category", "class", "reasonCode", "serviceType", "appointmentType", "vaccineCode"),
    "medicationCodeableConcept",
)
TWICE: Final = "\0twice"  # no JSON key of ours: the name that stood twice in an entry
_STEP: Final = re.compile(r"([A-Za-z0-9]+)(?:\[([0-9]+)\])?")
_PATIENT: Final = re.compile(r"(?:https?://.*/)?Patient/([A-Za-z0-9.-]{1,64})(?:/_history/.*)?")
_OTHER: Final = re.compile(r"(?:https?://.*/)?(?!Patient/)[A-Z][A-Za-z]{1,40}/[A-Za-z0-9.-]{1,64}(?:/_history/.*)?")
Resource = dict[str, Any]


@dataclass(slots=True)
class _Once:
    """Builds objects and remembers a key that stands twice, until the entry that holds it is complete."""

    key: str = ""
    made: int = 0

    def __call__(self, pairs: list[tuple[str, Any]]) -> Resource:
        made = dict(pairs)
        self.made += 1
        if self.made > MAX_OBJECTS:
            message = "more objects than are held"
            raise ValueError(message)
        if len(made) != len(pairs):
            names = [name for name, _ in pairs]
            self.key = next(name for name in names if names.count(name) > 1)
        if self.key and "resource" in made:
            made[TWICE], self.key = self.key, ""
        return made


@dataclass(frozen=True, slots=True, repr=False)
class Bundle:
    """One file's entries, and which Patient each full URL in it names."""

    file: str
    wrong: list[int]  # entries that hold no resource
    entries: dict[str, list[tuple[int, Resource]]]  # the others by type of resource
    patients: dict[str, str] = field(default_factory=dict)

    def lines(self, place: Place, columns: Sequence[str]) -> Iterator[Line]:
        """The resources of one place. What is not as FHIR says is one wrong line; `columns` start with whose it is."""
        codes = frozenset(getattr(place, "codes", ()))
        for number in self.wrong:
            yield Line(number, None, "an entry without a resource", "resource")
        for number, entry in self.entries.get(place.name, ()):
            resource = entry["resource"]
            if _counts(resource, codes):
                for key in [_patient_key(entry)] if place.name == PATIENT else self._whose(resource, place.name):
                    yield _line(number, entry, key, columns)

    def _whose(self, resource: Resource, kind: str) -> list[str]:
        """The Patients a resource refers to, each once; nobody ("") when it cannot be told, and none when it is of no patient at all."""
        given = [each.get("reference") for each in _all(resource, WHOSE[kind].split(".")) if isinstance(each, dict)]
        keys = [self._key_of(each) if isinstance(each, str) else "" for each in given]
        known = list(dict.fromkeys(key for key in keys if key))
        others = bool(given) and all(isinstance(each, str) and _OTHER.fullmatch(each) for each in given)
        return known or ([] if others else [""])

    def _key_of(self, reference: str) -> str:
        direct = _PATIENT.fullmatch(reference)
        return self.patients.get(reference, "") or (direct[1] if direct else "")


def read_bundle(path: Path) -> Bundle:
    """A whole file. ConfigurationError: no such file, no JSON, too large or deep, no Bundle."""
    file = path.name
    once = _Once()
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BUNDLE + 1)
        if len(data) > MAX_BUNDLE:
            raise refused(file, None, f"is larger than {MAX_BUNDLE} bytes", "ask for smaller Bundles")
        read = json.loads(data.decode("utf-8-sig"), object_pairs_hook=once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        line, failed = error.lineno, "is not JSON from here on"
    except RecursionError:
        line, failed = None, "is nested too deeply"
    except (OSError, ValueError) as error:  # bytes that are not UTF-8, NaN, a number of thousands of digits
        line, failed = None, f"cannot be read as JSON ({type(error).__name__})"
    else:
        return _bundle(file, read, once.key)
    raise refused(file, line, failed, "ask for the extract again")


def _bundle(file: str, read: object, twice: str) -> Bundle:
    if not isinstance(read, dict) or read.get("resourceType") != "Bundle" or not isinstance(read.get("entry", []), list):
        raise refused(file, 1, "is no FHIR Bundle", "export a Bundle of R4 resources", "resourceType")
    if twice:
        raise refused(file, None, "the key stands twice", "ask for the extract again", twice[:80])
    entries = read.get("entry", [])
    if len(entries) > MAX_ENTRIES:
        raise refused(file, None, f"has more than {MAX_ENTRIES} entries", "ask for smaller Bundles", "entry")
    bundle = Bundle(file, [], {})
    for number, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(resource, dict) or not isinstance(kind, str):
            bundle.wrong.append(number)
            continue
        bundle.entries.setdefault(kind, []).append((number, entry))
        full = entry.get("fullUrl")
        if kind == PATIENT and isinstance(full, str):
            bundle.patients[full] = _id(resource) or full
    return bundle


def _no_number(_: str) -> NoReturn:
    message = "NaN and Infinity are no JSON"
    raise ValueError(message)


def _line(number: int, entry: Resource, key: str, columns: Sequence[str]) -> Line:
    resource = entry["resource"]
    patient = resource["resourceType"] == PATIENT
    values = _uk_core(resource) if patient else {}
    bare = (key, *("",) * (len(columns) - 1))
    if TWICE in entry:
        return Line(number, bare, "the key stands twice", str(entry[TWICE])[:80])
    if not patient and _restricted(resource):
        return Line(number, bare, where="meta.security", by_person=True)
    row: list[object] = [key]
    for path in columns[1:]:
        try:
            row.append(values[path] if patient else _one(resource, path))
        except ValueError as error:
            return Line(number, bare, str(error), path)
    return Line(number, tuple(row))


def _counts(resource: Resource, codes: frozenset[str]) -> bool:
    """Whether a resource was meant and has one of the codes, if any are asked for."""
    if resource.get("status") == IN_ERROR or any(code == IN_ERROR for _, code in _codings(resource, ("verificationStatus",))):
        return False
    return not codes or any(f"{system}|{code}" in codes for system, code in _codings(resource, CODED))


def _codings(resource: Resource, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """System and code of every coding of these elements, be they concepts or codings, one or several."""
    for name in names:
        for concept in _all(resource, [name]) if name in resource else ():
            for each in [concept, *_all(concept, ["coding"])]:
                if isinstance(each, dict):
                    yield _text(each.get("system")), _text(each.get("code"))


def _restricted(resource: Resource) -> bool:
    return any(isinstance(label, dict) and _text(label.get("code")) in RESTRICTED for label in _all(resource, ["meta", "security"]))


def _all(value: object, steps: Sequence[str]) -> list[Any]:
    """Everything a path leads to, through every list."""
    found = [value]
    for step in steps:
        inner = [each[step] for each in found if isinstance(each, dict) and step in each]
        found = [one for each in inner for one in (each if isinstance(each, list) else [each])]
    return found


def _one(value: Any, path: str) -> object:  # noqa: ANN401 - any JSON
    """What a path leads to: of a list the asked or the first; ValueError when it is no single value."""
    for name, place in _steps(path):
        if value is None:
            return None
        if not isinstance(value, dict):
            message = "the path goes on where a value stands"
            raise ValueError(message)  # noqa: TRY004 - it is the resource that is wrong
        value = value.get(name)
        listed = value if isinstance(value, list) else [value]
        value = listed[place] if place < len(listed) else None
    if isinstance(value, dict | list):
        message = "the path leads to no single value"
        raise ValueError(message)  # noqa: TRY004 - as above
    return plain(value)


@lru_cache(maxsize=1024)  # of settings, so a few
def _steps(path: str) -> list[tuple[str, int]]:
    """Each element of a path, and which of several is meant."""
    return [(name, int(index or 0)) for name, index in _STEP.findall(path)]


def _id(resource: Resource) -> str:
    """A Patient's id as FHIR allows it."""
    known = resource.get("id")
    return known if isinstance(known, str) and re.fullmatch(r"[A-Za-z0-9.-]{1,64}", known) else ""


def _patient_key(entry: Resource) -> str:
    full = entry.get("fullUrl")
    return _id(entry["resource"]) or (full if isinstance(full, str) else "")


def _uk_core(patient: Resource) -> dict[str, object]:
    """What we read of a Patient. A restricted one's address is not read at all."""
    name = _preferred(_all(patient, ["name"]), ("official", "usual"), ("old", "maiden"))
    address = {} if _restricted(patient) else _preferred(_all(patient, ["address"]), ("home",), ("old",))
    number = next((each for each in _all(patient, ["identifier"]) if isinstance(each, dict) and each.get("system") == NHS_NUMBER), {})
    status = [each for each in _all(number, ["extension"]) if isinstance(each, dict) and each.get("url") == VERIFICATION]
    traced = any(code in TRACED for each in status for _, code in _codings(each, ("valueCodeableConcept",)))
    given = [each for each in _all(name, ["given"]) if isinstance(each, str)]
    return {
        "family": _text(name.get("family")),
        "given": " ".join(given),
        "birthDate": _text(patient.get("birthDate")),
        "postalCode": _text(address.get("postalCode")),
        "nhs-number": _text(number.get("value")),
        "verification": "verified" if traced else "",
    }


def _preferred(given: list[Any], best: Sequence[str], past: Sequence[str]) -> Resource:
    """The one of the best use, else the first that is not of the past, else the first."""
    them = [each for each in given if isinstance(each, dict)]
    wanted = [each for use in best for each in them if each.get("use") == use]
    return next(iter([*wanted, *(each for each in them if each.get("use") not in past), *them]), {})


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
