"""Where an agency's system says what: a table, a file, a FHIR resource or a form, by its own names. Names only; nothing to inject."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from schemas.enums import Assertion
from schemas.identifiers import CategoryId, Slug

STAR: Final = "*"  # in a file name: any text; as a part of a key: that text
PLACES: Final = {"sql": "table", "extracts": "file", "fhir": "resource", "manual": ""}  # what each kind of source has rows in
PATIENT: Final = "Patient"
WHOSE: Final = {  # where a resource of each type that may be declared says whose it is
    **dict.fromkeys(("CarePlan", "Condition", "DiagnosticReport", "DocumentReference", "Encounter", "Flag"), "subject"),
    **dict.fromkeys(("MedicationRequest", "MedicationStatement", "Observation", "Procedure", "ServiceRequest"), "subject"),
    **dict.fromkeys(("AllergyIntolerance", "EpisodeOfCare", "Immunization"), "patient"),
    "QuestionnaireResponse": "subject",
    "Appointment": "participant.actor",
}
_PATH: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(\[[0-9]{1,2}\])?(\.[A-Za-z][A-Za-z0-9]*(\[[0-9]{1,2}\])?){0,9}")
_FORMAT: Final = re.compile(r"(%[YmdbBHMS]|[ /.:,T-])+")
_SORTABLE: Final = re.compile(r"%Y([-/.]?)%m\1%d([ T]%H:?%M(:?%S)?)?")


def _date_format(text: str) -> str:
    """Only parts of a date and separators, with a four-digit year: a two-digit one leaves the century to guesswork."""
    parts = set(re.findall(r"%.", text))
    if _FORMAT.fullmatch(text) is None or not {"%Y", "%d"} <= parts or len(parts & {"%m", "%b", "%B"}) != 1:
        message = "a date format holds %Y, %d, one of %m %b %B, perhaps %H %M %S, and separators"
        raise ValueError(message)
    return text


def _one_star(name: str) -> str:
    if name.count(STAR) > 1:
        message = "a file name holds one * at most"
        raise ValueError(message)
    return name


def _known_resource(name: str) -> str:
    if name != PATIENT and name not in WHOSE:
        message = f"is not one of {', '.join(sorted(WHOSE))}"
        raise ValueError(message)
    return name


def _listed(value: Any) -> Any:  # noqa: ANN401 - what TOML gave, before it is validated
    """One name is a list of one."""
    return (value,) if isinstance(value, str) else value


def _form(value: Any) -> Any:  # noqa: ANN401 - as above
    """The fields of a form stand for themselves."""
    named = isinstance(value, list | tuple) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value)
    return dict(zip(value, value, strict=True)) if named else value


Column = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_ .\[\]-]{0,62}$")]
KeyPart = Annotated[str, StringConstraints(pattern=r"^([A-Za-z_][A-Za-z0-9_ .-]{0,62}|\*)$")]
Key = Annotated[tuple[KeyPart, ...], BeforeValidator(_listed), Field(max_length=4)]
Table = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$")]
_FILE: Final = r"^[A-Za-z0-9_*][A-Za-z0-9_. *-]{0,99}\.(csv|parquet|xlsx)$"
FileName = Annotated[str, StringConstraints(pattern=_FILE), AfterValidator(_one_star)]
Sheet = Annotated[str, StringConstraints(min_length=1, max_length=31)]  # Excel's own limit
ResourceType = Annotated[str, AfterValidator(_known_resource)]
Coded = Annotated[str, StringConstraints(pattern=r"^[a-z][a-zA-Z0-9:/._-]{0,199}\|[A-Za-z0-9._-]{1,50}$")]
DateFormat = Annotated[str, AfterValidator(_date_format)]


class Part(BaseModel):
    """A table of adapter.toml: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Dated(Part):
    """A column of dates; without a format, the source's own date type (or ISO 8601 text)."""

    column: Column
    format: DateFormat | None = None

    @property
    def sorts(self) -> bool:
        """Whether the stored form sorts as time does, so that the source can cut a span out."""
        return self.format is None or _SORTABLE.fullmatch(self.format) is not None


class Verified(Part):
    """The column that says whether an NHS number was traced, and the value that means yes."""

    column: Column
    equals: Annotated[str, StringConstraints(min_length=1, max_length=40)]


class NhsNumberColumn(Part):
    """Where the NHS number is; without `verified` none counts as traced."""

    column: Column
    verified: Verified | None = None


class Place(Part):
    """Where rows are: a table or view of a database, a file (or several, by one *) of a folder, a type of FHIR resource."""

    table: Table | None = None
    file: FileName | None = None
    resource: ResourceType | None = None
    sheet: Sheet | None = None
    header: Annotated[int, Field(ge=1, le=100)] = 1

    @field_validator("sheet", "header")
    @classmethod
    def _of_a_workbook(cls, value: object, known: ValidationInfo) -> object:
        if known.field_name in known.data or (known.data.get("file") or ".xlsx").endswith(".xlsx"):
            return value
        message = "is for an .xlsx file only"
        raise ValueError(message)

    @property
    def name(self) -> str:
        """The table, the file or the resource type."""
        return self.table or self.file or self.resource or ""

    def fits(self, kind: str) -> bool:
        """Whether a source of this kind has such places."""
        return [each for each in ("table", "file", "resource") if getattr(self, each)] == [each for each in [PLACES[kind]] if each]


class PersonPlace(Place):
    """Where people are, by the source's own column names."""

    key: Annotated[Key, Field(min_length=1)]
    family_name: Column
    given_names: Column | None = None
    born_on: Dated
    postcode: Column | None = None
    nhs_number: NhsNumberColumn | None = None


class CategoryPlace(Place):
    """Where what is held of one category is; `fields` gives the column (or the path) of each named field, or the form's fields."""

    category: CategoryId
    person: Key = ()
    at: Dated | None = None
    codes: Annotated[tuple[Coded, ...], Field(max_length=500)] = ()
    fields: Annotated[dict[Slug, Column], BeforeValidator(_form), Field(min_length=1, max_length=40)]
    assertion: Assertion


def wrong_with(kind: str, place: CategoryPlace, key: Key) -> str:
    """What keeps a category from being in a source of this kind whose people have this key; empty if nothing does."""
    wanted = PLACES[kind]
    if not place.fits(kind):
        return f"kind {kind} needs a {wanted}, and nothing else" if wanted else f"kind {kind} has no table, file or resource"
    if place.codes and kind != "fhir":
        return "codes are for kind fhir"
    if wanted in {"table", "file"}:
        return wrong_key(kind, place, place.person, len(key))
    if place.person:
        return "the person is not declared: the resource says whose it is" if wanted else "a person answers: there is no column"
    if not wanted:
        return "a form has no dates of its own" if place.at else ""
    return _wrong_paths(place)


def wrong_key(kind: str, place: Place, key: Key, length: int) -> str:
    """What keeps columns from being a key here."""
    if len(key) != length or (kind == "sql" and (length != 1 or STAR in key)):
        return "its person needs one column" if length == 1 else f"its person needs {length} columns, as the key has"
    return "a key with * needs a file name with *" if STAR in key and STAR not in place.name else ""


def _wrong_paths(place: CategoryPlace) -> str:
    if place.resource == PATIENT:
        return "what is held of a person is not in the Patient"
    paths: Iterable[str] = [*place.fields.values(), *([place.at.column] if place.at else [])]
    if any(_PATH.fullmatch(path) is None for path in paths):
        return "a path is names with dots, perhaps with [n]"
    return "a FHIR date has no format" if place.at and place.at.format else ""
