"""A party's folder and the settings in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from policies.located import MAX_TEXT, parse
from schemas.enums import ControllerKind
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import PartyId
from schemas.record import ShortText
from schemas.records import DutyContact


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DutyContactSettings(_Settings):
    """Who is rung."""

    name: ShortText
    phone: ShortText
    hours: ShortText


class StoreSettings(_Settings):
    """Where case data and, apart from it, the keys that open it are kept."""

    url: str = "sqlite:///store.sqlite"
    keys_url: str = "sqlite:///keys.db"


class EmbeddedSettings(_Settings):
    """The transport of one machine: one file."""

    kind: Literal["embedded"]
    path: str


class KafkaTransportSettings(_Settings):
    """A Kafka cluster; the three files together turn on TLS with a client certificate."""

    kind: Literal["kafka"]
    bootstrap: str
    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None


class PartySettings(_Settings):
    """party.toml."""

    id: PartyId
    kind: ControllerKind
    name: ShortText
    duty_contact: DutyContactSettings
    store: StoreSettings = StoreSettings()
    transport: Annotated[EmbeddedSettings | KafkaTransportSettings, Field(discriminator="kind")]

    @property
    def contact(self) -> DutyContact:
        """The duty contact as it travels."""
        return DutyContact(name=self.duty_contact.name, phone=self.duty_contact.phone, hours=self.duty_contact.hours)


class Folder:
    """Where everything of one party lives, and nothing of another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.party_file = path / "party.toml"
        self.root_file = path / "root.toml"
        self.keys = path / "keys"
        self.directory = path / "directory.avro"
        self.snapshot = path / "snapshot.avro"
        self.announcements = path / "announcements"
        self.enrolment = path / "enrolment.avro"
        self.log = path / "log"
        self.refused = path / "refused"

    def settings(self) -> PartySettings:
        """Read party.toml."""
        return parse(read_text(self.party_file, "mash keys new --help shows how a party begins"), str(self.party_file), PartySettings)

    def url(self, url: str) -> str:
        """A store's URL with a relative SQLite path made relative to this folder."""
        start = "sqlite:///"
        return f"{start}{self.path / url.removeprefix(start)}" if url.startswith(start) else url


def read_text(path: Path, fix: str = "") -> str:
    """A text file; ConfigurationError when it is missing, not UTF-8, or longer than any of ours (no more of it is read)."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_TEXT + 1)
    except FileNotFoundError:
        raise ConfigurationError([Fault(file=str(path), message="is missing", fix=fix)]) from None
    except UnicodeDecodeError:
        raise ConfigurationError([Fault(file=str(path), message="is not UTF-8 text", fix=fix or "save it as UTF-8")]) from None
    except OSError as error:
        raise ConfigurationError([Fault(file=str(path), message=f"cannot be read ({type(error).__name__})", fix=fix)]) from None
    if len(text) > MAX_TEXT:
        raise ConfigurationError([Fault(file=str(path), message=f"is longer than {MAX_TEXT} bytes", fix="split it")])
    return text


def read_bytes(path: Path, fix: str = "") -> bytes:
    """A file's bytes; ConfigurationError when it is missing."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError([Fault(file=str(path), message=f"cannot be read ({type(error).__name__})", fix=fix)]) from None
