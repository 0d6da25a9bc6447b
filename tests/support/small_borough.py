"""The demo's borough with few people, on a transport in memory and a clock that a test moves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

import sqlalchemy as sa

from agents.adapter.service import Adapter
from agents.adapter.sources.opening import close_sources
from agents.cli.compose import adapter_of, hub_of
from agents.demo.borough import write_borough
from agents.demo.ceremony import MEMBERS, found_network, renew
from agents.hub.service import Hub
from broker import keystore, packfiles
from broker.directory import sign
from broker.follow import publish_statements
from broker.party import Party
from broker.receive import tell_log
from broker.store import log, tables
from broker.transport.embedded import EmbeddedTransport
from broker.trustfiles import write_whole
from policies.pack import Pack, load_pack
from schemas import codec
from schemas.enums import StatementKind
from schemas.events import Contact, Entry
from schemas.statements import Directory, Statement

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LARGE = 1 << 24
FOUNDED = timedelta(days=20)  # before the tests' day: longer than anything sent may be under way
IN_MEMORY = '\n[store]\nurl = "sqlite://"\nkeys_url = "sqlite://"\n'
SMALL = MEMBERS[:3]  # a hub, police and a trust: all that most tests need
FOLDERS = tuple(member.folder for member in SMALL)


@cache
def _pack(texts: tuple[tuple[str, str], ...]) -> Pack:
    return load_pack(dict(texts))


def packs_read_once():
    """A context in which equal texts are one pack: reading it costs more than all else in opening a party."""
    return patch.object(packfiles, "load_pack", lambda files: _pack(tuple(sorted(files.items()))))


class Clock:
    """Stands still until it is moved."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


def write_files(folder: Path, *, contacts: int = 12, at: datetime = NOW, in_memory: bool = True, answer_after: int = 0) -> None:
    """A borough's folders, keys and directory as the demo makes them; sources as fresh as the clock."""
    write_borough(folder, today=at.date(), people=60, contacts=contacts, agencies=FOLDERS[1:])
    found_network(folder, at - FOUNDED, SMALL)
    for name in FOLDERS:
        home = folder / name
        if in_memory:
            (home / "party.toml").write_text((home / "party.toml").read_text() + IN_MEMORY)
        if (home / "source.toml").is_file():
            write_whole(home / "adapter.toml", f"answer_after = {answer_after}\n\n".encode() + (home / "source.toml").read_bytes())
    for path in [*folder.glob("police/*.sqlite"), *folder.glob("trust/*.csv")]:
        os.utime(path, (at.timestamp(), at.timestamp()))


class SmallBorough:
    """A hub, police and a trust at work."""

    def __init__(self, folder: Path, *, like: Path | None = None, at: datetime = NOW, in_memory: bool = True, **files) -> None:
        """Made anew, or as a copy of `like`, whose keys it has too."""
        self.folder, self.clock = folder, Clock(at)
        if like is None:
            write_files(folder, at=at, in_memory=in_memory, **files)
        else:
            shutil.copytree(like, folder, dirs_exist_ok=True)
        self.transport = EmbeddedTransport(None if in_memory else folder / "transport.sqlite", now=self.clock)
        self.tell(*renew(folder, self.clock.at))

    @cached_property
    def hub(self) -> Hub:
        with packs_read_once():
            return hub_of(self.folder / "hub", self.transport, self.clock)

    @cached_property
    def police(self) -> Adapter:
        with packs_read_once():
            return adapter_of(self.folder / "police", self.transport, self.clock)

    @cached_property
    def trust(self) -> Adapter:
        with packs_read_once():
            return adapter_of(self.folder / "trust", self.transport, self.clock)

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        return self.police, self.trust

    @property
    def parties(self) -> tuple[Party, ...]:
        return self.hub.party, self.police.party, self.trust.party

    def tell(self, *statements: Statement) -> None:
        """Put public statements on their topics."""
        publish_statements(self.transport, list(statements))

    def take_in(self) -> None:
        self.hub.intake((self.folder / "contacts.jsonl").read_bytes(), "contacts.jsonl")

    def work(self, *services, until: Callable[[], bool] = lambda: False) -> None:
        """Rounds of all until nothing moves."""
        services = services or (self.hub, *self.adapters)
        while not until() and any([service.step() for service in services]):  # noqa: C419 - each of them takes its step
            pass

    def next_directory(self, **changes) -> Statement:
        """A newer directory, signed by two officers, with some parts changed."""
        held = self.hub.party.trust
        body = {field: getattr(held.directory, field) for field in Directory.__dataclass_fields__}
        body |= {"sequence": held.directory.sequence + 1, "previous": held.directory_digest, "issued_at": self.clock.at}
        officers = [keystore.load(self.folder / "office" / name).officer[0] for name in ("anne", "ben")]
        return sign(StatementKind.directory, codec.encode(Directory(**(body | changes)), LARGE), officers)

    def snapshot_key(self):
        return keystore.load(self.folder / "office" / "snapshot").snapshot[0]

    def close(self) -> None:
        for name in ("hub", "police", "trust"):
            if (each := vars(self).pop(name, None)) is not None:
                each.party.store.close()
            if isinstance(each, Adapter):
                close_sources(each.sources)
        self.transport.close()


def contact_of(hub: Hub, case_id: UUID) -> Contact:
    """The contact a case began with."""
    return next(each.body for each in hub.party.store.events(case_id) if isinstance(each.body, Contact))


def entries_of(party: Party) -> list[Entry]:
    """Everything in a party's access log, indexed or not."""
    log.sequence(party.store, party.log_key, party.now())
    return [codec.decode(Entry, leaf.entry) for leaf in log.leaves(party.store) if leaf.entry is not None]


def outcomes(party: Party) -> list[str]:
    return [str(each.outcome) for each in entries_of(party)]


def outcomes_a_minute_later(borough: SmallBorough, party: Party) -> list[str]:
    """With what the log is told of each minute once it is over."""
    borough.clock.move(minutes=1)
    tell_log(party)
    return outcomes(party)


def alarms(party: Party) -> dict[str, int]:
    """How often each alarm went off."""
    samples = [sample for metric in party.meters.alarms.collect() for sample in metric.samples]
    return {each.labels["reason"]: int(each.value) for each in samples if each.name.endswith("_total")}


def rows(party: Party, table: sa.Table):
    """Every row of a table of a party's store."""
    with tables.transaction(party.store.engine) as connection:
        return connection.execute(sa.select(table)).all()
