"""The `[source]` part of adapter.toml: which table and column says what. Names only; there is no SQL text to write or to inject."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from schemas.enums import Assertion
from schemas.identifiers import CategoryId, Slug

MAX_CATEGORIES: Final = 100  # the vocabulary has about sixty
_FORMAT: Final = re.compile(r"(%[YmdbBHMS]|[ /.:,T-])+")
_SORTABLE: Final = re.compile(r"%Y([-/.]?)%m\1%d([ T]%H:?%M(:?%S)?)?")


def _date_format(text: str) -> str:
    """Only parts of a date and separators, with a four-digit year: a two-digit one leaves the century to guesswork."""
    parts = set(re.findall(r"%.", text))
    if _FORMAT.fullmatch(text) is None or not {"%Y", "%d"} <= parts or len(parts & {"%m", "%b", "%B"}) != 1:
        message = "a date format holds %Y, %d, one of %m %b %B, perhaps %H %M %S, and separators"
        raise ValueError(message)
    return text


Column = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_ .-]{0,62}$")]
Table = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.csv$")]
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
    """Where rows are: a table or view of a database, or a file of a folder."""

    table: Table | None = None
    file: FileName | None = Field(default=None, validate_default=True)

    @field_validator("file")
    @classmethod
    def _one_of_two(cls, file: str | None, known: ValidationInfo) -> str | None:
        if "table" in known.data and (known.data["table"] is None) == (file is None):
            message = "name a table (kind sql) or a file (kind csv), one of the two"
            raise ValueError(message)
        return file

    @property
    def name(self) -> str:
        """The table or the file."""
        return self.table or self.file or ""

    def fits(self, kind: object) -> bool:
        """Whether a source of this kind has such places."""
        return (self.table is not None) == (kind == "sql")


class PersonPlace(Place):
    """Where people are, by the source's own column names."""

    key: Column
    family_name: Column
    given_names: Column | None = None
    born_on: Dated
    postcode: Column | None = None
    nhs_number: NhsNumberColumn | None = None


class CategoryPlace(Place):
    """Where what is held of one category is; `fields` gives the column of each named field."""

    category: CategoryId
    person: Column
    at: Dated | None = None
    fields: Annotated[dict[Slug, Column], Field(min_length=1, max_length=40)]
    assertion: Assertion


class Freshness(Part):
    """A column whose newest value says how fresh a database is; without it, the file's own time or the server's clock."""

    table: Table
    column: Column
    format: DateFormat | None = None


class SourceSettings(Part):
    """One source of an agency."""

    kind: Literal["sql", "csv"]
    name: Slug
    allowed_lag: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=3660))]
    url: str | None = Field(default=None, validate_default=True, max_length=500)
    folder: str | None = Field(default=None, validate_default=True, min_length=1, max_length=500)
    encoding: Literal["utf-8", "cp1252"] = "utf-8"
    delimiter: Literal[",", ";", "|", "\t"] = ","
    as_of: Freshness | None = None
    person: PersonPlace
    category: Annotated[tuple[CategoryPlace, ...], Field(min_length=1, max_length=MAX_CATEGORIES)]

    @field_validator("url")
    @classmethod
    def _url(cls, url: str | None, known: ValidationInfo) -> str | None:
        """SQLite and PostgreSQL, whose reading role we can enforce; a password has no place in a settings file."""
        _only_for(known, "sql", present=url is not None)
        if url is not None and not _usable(url):
            message = "must be sqlite:///FILE or postgresql://USER@HOST/DATABASE without a password (use ~/.pgpass)"
            raise ValueError(message)
        return url

    @field_validator("folder")
    @classmethod
    def _folder(cls, folder: str | None, known: ValidationInfo) -> str | None:
        _only_for(known, "csv", present=folder is not None)
        return folder

    @field_validator("as_of")
    @classmethod
    def _as_of(cls, as_of: Freshness | None, known: ValidationInfo) -> Freshness | None:
        if as_of is not None and known.data.get("kind") == "csv":
            message = "is for kind sql: an extract is as fresh as its file"
            raise ValueError(message)
        return as_of

    @field_validator("person")
    @classmethod
    def _person(cls, person: PersonPlace, known: ValidationInfo) -> PersonPlace:
        if "kind" in known.data and not person.fits(known.data["kind"]):
            message = f"kind {known.data['kind']} needs {'a table' if known.data['kind'] == 'sql' else 'a file'}"
            raise ValueError(message)
        return person

    @field_validator("category")
    @classmethod
    def _category(cls, category: tuple[CategoryPlace, ...], known: ValidationInfo) -> tuple[CategoryPlace, ...]:
        names = [each.category for each in category]
        wrong = [each.category for each in category if "kind" in known.data and not each.fits(known.data["kind"])]
        twice = sorted({name for name in names if names.count(name) > 1})
        if wrong or twice:
            message = f"table or file does not fit the kind: {', '.join(wrong) or '-'}; category stands twice: {', '.join(twice) or '-'}"
            raise ValueError(message)
        return category

    def place_of(self, category: CategoryId) -> CategoryPlace | None:
        """Where a category is, if this source has it."""
        return next((each for each in self.category if each.category == category), None)


def _only_for(known: ValidationInfo, kind: str, *, present: bool) -> None:
    if "kind" in known.data and (known.data["kind"] == kind) != present:
        message = f"is needed for kind {kind}" if not present else f"is for kind {kind} only"
        raise ValueError(message)


def _usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if parts.scheme == "sqlite":
            return not parts.netloc and len(parts.path) > 1 and not parts.query
        return parts.scheme in {"postgresql", "postgresql+psycopg"} and parts.password is None and "password" not in parts.query
    except ValueError:
        return False
