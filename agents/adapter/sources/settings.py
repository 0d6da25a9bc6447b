"""The `[[source]]` part of adapter.toml: one source of an agency, whatever its kind."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from agents.adapter.sources.places import (
    PATIENT,
    PLACES,
    CategoryPlace,
    Column,
    Dated,
    DateFormat,
    NhsNumberColumn,
    Part,
    PersonPlace,
    Table,
    Verified,
    wrong_key,
    wrong_with,
)
from schemas.identifiers import CategoryId, Slug

MAX_CATEGORIES: Final = 100  # the vocabulary has about sixty
MAX_LAG: Final = timedelta(days=3660)
UK_CORE: Final = PersonPlace(  # what is read of a FHIR Patient, by the names our reader of bundles gives it
    resource=PATIENT,
    key=("id",),
    family_name="family",
    given_names="given",
    born_on=Dated(column="birthDate"),
    postcode="postalCode",
    nhs_number=NhsNumberColumn(column="nhs-number", verified=Verified(column="verification", equals="verified")),
)


def _kind(value: Any) -> Any:  # noqa: ANN401 - what TOML gave, before it is validated
    """A folder of extracts was once called by its only format."""
    return "extracts" if value == "csv" else value


class Freshness(Part):
    """A column whose newest value says how fresh a database is; without it, the file's own time or the server's clock."""

    table: Table
    column: Column
    format: DateFormat | None = None


class SourceSettings(Part):
    """One source of an agency."""

    kind: Annotated[Literal["sql", "extracts", "fhir", "manual"], BeforeValidator(_kind)]
    name: Slug
    scope: str = Field(default="", max_length=500)  # what it covers, in the agency's words: whose records, of which places, since when
    allowed_lag: timedelta = Field(default=timedelta(0), validate_default=True)
    url: str | None = Field(default=None, validate_default=True, max_length=500)
    folder: str | None = Field(default=None, validate_default=True, min_length=1, max_length=500)
    encoding: Literal["utf-8", "cp1252", "mixed"] = "utf-8"
    delimiter: Literal[",", ";", "|", "\t"] = ","
    as_of: Freshness | None = None
    person: PersonPlace = Field(default=UK_CORE, validate_default=True)
    category: Annotated[tuple[CategoryPlace, ...], Field(min_length=1, max_length=MAX_CATEGORIES)]

    @field_validator("allowed_lag")
    @classmethod
    def _lag(cls, lag: timedelta, known: ValidationInfo) -> timedelta:
        if "kind" in known.data and (known.data["kind"] == "manual") == (lag != timedelta(0)):
            message = "is for a source that is searched" if lag else "is needed: how far behind the source may be"
            raise ValueError(message)
        if not timedelta(0) <= lag <= MAX_LAG:
            message = f"is more than nothing and at most {MAX_LAG.days} days"
            raise ValueError(message)
        return lag

    @field_validator("url")
    @classmethod
    def _url(cls, url: str | None, known: ValidationInfo) -> str | None:
        """SQLite and PostgreSQL, whose reading role we can enforce; a password has no place in a settings file."""
        _only_for(known, {"sql"}, present=url is not None)
        if url is not None and not _usable(url):
            message = "must be sqlite:///FILE or postgresql://USER@HOST/DATABASE without a password (use ~/.pgpass)"
            raise ValueError(message)
        return url

    @field_validator("folder")
    @classmethod
    def _folder(cls, folder: str | None, known: ValidationInfo) -> str | None:
        _only_for(known, {"extracts", "fhir"}, present=folder is not None)
        return folder

    @field_validator("as_of")
    @classmethod
    def _as_of(cls, as_of: Freshness | None, known: ValidationInfo) -> Freshness | None:
        if as_of is not None and known.data.get("kind", "sql") != "sql":
            message = "is for kind sql: an extract is as fresh as its file"
            raise ValueError(message)
        return as_of

    @field_validator("person")
    @classmethod
    def _person(cls, person: PersonPlace, known: ValidationInfo) -> PersonPlace:
        kind = known.data.get("kind")
        if kind in {"fhir", "manual"} and person is not UK_CORE:
            message = f"is not declared for kind {kind}"
            raise ValueError(message)
        if kind in {"sql", "extracts"}:
            wrong = wrong_key(kind, person, person.key, 1 if kind == "sql" else len(person.key))
            if wrong or not person.fits(kind):
                message = wrong or f"kind {kind} needs a {PLACES[kind]}"
                raise ValueError(message)
        return person

    @field_validator("category")
    @classmethod
    def _category(cls, category: tuple[CategoryPlace, ...], known: ValidationInfo) -> tuple[CategoryPlace, ...]:
        names = [each.category for each in category]
        found = [f"{name}: stands twice" for name in sorted({name for name in names if names.count(name) > 1})]
        if "kind" in known.data and "person" in known.data:
            kind, key = known.data["kind"], known.data["person"].key
            found += [f"{each.category}: {wrong}" for each in category if (wrong := wrong_with(kind, each, key))]
        if found:
            raise ValueError("; ".join(found))
        return category

    def place_of(self, category: CategoryId) -> CategoryPlace | None:
        """Where a category is, if this source has it."""
        return next((each for each in self.category if each.category == category), None)


def _only_for(known: ValidationInfo, kinds: set[str], *, present: bool) -> None:
    if "kind" in known.data and (known.data["kind"] in kinds) != present:
        message = f"is needed for kind {known.data['kind']}" if not present else f"is for kind {' and '.join(sorted(kinds))} only"
        raise ValueError(message)


def _usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if parts.scheme == "sqlite":
            return not parts.netloc and len(parts.path) > 1 and not parts.query
        return parts.scheme in {"postgresql", "postgresql+psycopg"} and parts.password is None and "password" not in parts.query
    except ValueError:
        return False
