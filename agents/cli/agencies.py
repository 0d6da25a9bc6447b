"""The demo's agencies at work: in this process, or in one of their own beside the hub's, as they are in life."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from agents.adapter.service import Adapter
from agents.adapter.settings import Sources
from agents.adapter.sources.opening import close_sources
from agents.cli.compose import sources_of
from agents.cli.course import Later, review, take_back
from agents.cli.log import verify_party
from agents.cli.memory import search_seldom
from broker.logfiles import export_log, verify_export
from broker.party import Party
from broker.ports import Transport
from schemas.errors import InconsistentLogError, TransportUnavailableError
from schemas.events import CaseRecord
from schemas.identifiers import PartyId

T = TypeVar("T")
GRACE: Final = 5.0  # seconds to finish what is begun; stopped later than that, it is finished at the next start
SILENT: Final = 120.0  # seconds without an answer from that process: it hangs
LOST: Final = "the agencies' process has ended or hangs; run the demo again to continue"
NOBODY: Final = frozenset[PartyId]()
Verified = Mapping[PartyId, dict[str, Any]]  # by party: whether its log holds, and what was counted there


class AtWork(Protocol):
    """Agencies that answer, whichever process they are in; `without`: those that hold back."""

    def step(self, wait: float = 0, without: Collection[PartyId] = NOBODY) -> bool:
        """One round of each; whether anything moved, or still does after so many seconds."""

    def at_rest(self, without: Collection[PartyId] = NOBODY) -> bool:
        """Whether none of them has work that is due."""

    def names(self) -> Sequence[PartyId]:
        """Who they are."""

    def take_back(self, records: Sequence[CaseRecord], script: Sequence[Later]) -> None:
        """What they correct, as `course.take_back`."""

    def review(self, records: Sequence[CaseRecord]) -> None:
        """What one of their people looks at and releases, as `course.review`."""

    def tick(self) -> None:
        """Index what their logs hold, and sign."""

    def verifying(self) -> Callable[[], Verified]:
        """Begin to verify their logs; to be called for what came of it."""

    def close(self) -> None:
        """Let go of everything."""


@dataclass(frozen=True, slots=True)
class Agencies:
    """In this process. The transport is closed by whoever opened it, unless it is `own`."""

    adapters: tuple[Adapter, ...]
    own: Transport | None = None

    def step(self, wait: float = 0, without: Collection[PartyId] = NOBODY) -> bool:
        """One step of each, whatever the others did."""
        del wait  # whoever steps them is not to be kept waiting for news
        moved = [each.step() for each in self.adapters if each.party.id not in without]
        return any(moved)

    def at_rest(self, without: Collection[PartyId] = NOBODY) -> bool:
        """Whether none of them has work that is due."""
        return not any(each.party.store.has_work(each.party.now()) for each in self.adapters if each.party.id not in without)

    def names(self) -> Sequence[PartyId]:
        """Who they are."""
        return [each.party.id for each in self.adapters]

    def take_back(self, records: Sequence[CaseRecord], script: Sequence[Later]) -> None:
        """What they correct, each once."""
        take_back(records, self.adapters, script)

    def review(self, records: Sequence[CaseRecord]) -> None:
        """One answer that waited for a person."""
        review(records, self.adapters)

    def tick(self) -> None:
        """Index what their logs hold, and sign."""
        for each in self.adapters:
            each.tick()

    def verified(self) -> Verified:
        """Each log, and what was counted beside it."""
        return verified(each.party for each in self.adapters)

    def verifying(self) -> Callable[[], Verified]:
        """When it is called."""
        return self.verified

    def close(self) -> None:
        """Stores and sources."""
        for each in self.adapters:
            close_sources(each.sources)
            each.party.store.close()
        if self.own is not None:
            self.own.close()


Opening = Callable[[Mapping[Path, Sources]], Agencies]  # with the sources that were read ahead, by folder


def verified(parties: Iterable[Party]) -> Verified:
    """Each log verified, and what its party counted."""
    return {each.id: _verified(each) | _counted(each) for each in parties}


def _verified(party: Party) -> dict[str, Any]:
    """Verified twice: the store with every entry opened, and the exported files with the public key alone."""
    export_log(party.store, party.log_key, party.folder.log)
    if not party.store.counts()["entries"]:  # never asked: there is no checkpoint to verify
        return {**verify_party(party), "exported": 0}
    try:
        checkpoint = verify_export(party.folder.log)
        return {**verify_party(party), "exported": checkpoint.size}
    except InconsistentLogError as error:
        return {"verified": False, "reason": str(error)}


def _counted(party: Party) -> dict[str, Any]:
    counts, duplicates = party.store.counts(), party.meters.duplicates.collect()
    ignored = sum(sample.value for metric in duplicates for sample in metric.samples if sample.name.endswith("_total"))
    return {"entered": counts["entries"], "quarantined": counts["quarantined"], "duplicates": int(ignored)}


class Apart:
    """In a process of their own, which is asked by name what `AtWork` can do and ends when this one does, however that ends."""

    def __init__(self, opening: Opening) -> None:
        """`opening` is called over there, by `open`."""
        context = multiprocessing.get_context("spawn")  # forked, they would share this one's connections
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, opening), name="agencies", daemon=True)
        with _deaf_to_ctrl_c():  # which reaches the whole group: the demo's process says when to end
            self._process.start()
        theirs.close()
        self._opened = False
        self._rounds, self._since = 0, 0.0  # asked for and not yet answered: one at most, and since when

    def read(self, folder: Path) -> None:
        """Read an agency's sources ahead, while this process goes on; what cannot be read is told when all are opened."""
        self._send(folder)

    def open(self) -> None:
        """Open all agencies. It is not waited for: whatever is asked next is answered after it."""
        self._send(None)
        self._opened = True

    def step(self, wait: float = 0, without: Collection[PartyId] = NOBODY) -> bool:
        """One round over there: its news where it is done within so many seconds, else that it goes on."""
        if not self._rounds:
            self._call("step", 0, without)
            self._rounds, self._since = 1, time.monotonic()
        if self._pipe.poll(wait):
            return bool(self._settled())
        if time.monotonic() - self._since > SILENT:
            raise TransportUnavailableError(LOST)
        return True

    def at_rest(self, without: Collection[PartyId] = NOBODY) -> bool:
        """Asked over there."""
        return bool(self._ask("at_rest", without))

    def names(self) -> Sequence[PartyId]:
        """Asked over there."""
        return list(self._ask("names"))

    def take_back(self, records: Sequence[CaseRecord], script: Sequence[Later]) -> None:
        """Done over there."""
        self._ask("take_back", records, script)

    def review(self, records: Sequence[CaseRecord]) -> None:
        """Done over there."""
        self._ask("review", records)

    def tick(self) -> None:
        """Done over there."""
        self._ask("tick")

    def verifying(self) -> Callable[[], Verified]:
        """Begun over there; the call waits for it."""
        self._settled()
        self._call("verified")
        return self._receive

    def close(self) -> None:
        """End that process: at its next answer, or soon; at once where nothing was opened."""
        self._pipe.close()
        self._process.join(GRACE if self._opened else 0)
        self._process.terminate()
        self._process.join()

    def _ask(self, name: str, *words: object) -> Any:  # noqa: ANN401 - whatever the asked method gives
        self._settled()
        self._call(name, *words)
        return self._receive()

    def _settled(self) -> Any:  # noqa: ANN401 - likewise
        """What came of the round that is still out, if any."""
        rounds, self._rounds = self._rounds, 0
        return self._receive() if rounds else None

    def _call(self, name: str, *words: object) -> None:
        self._send((name, words))

    def _send(self, message: object) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            raise TransportUnavailableError(LOST) from None

    def _receive(self) -> Any:  # noqa: ANN401 - likewise
        try:
            if not self._pipe.poll(SILENT):
                raise TransportUnavailableError(LOST)
            said, error = self._pipe.recv()
        except (EOFError, OSError):
            raise TransportUnavailableError(LOST) from None
        if error is not None:
            raise error
        return said


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """What is started meanwhile never hears it."""
    listening = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, listening)


def serve(pipe: Connection, opening: Opening) -> None:
    """Read sources ahead, open agencies, then do by name what is asked for; an error is an answer, and the end of the pipe the end."""
    search_seldom()
    opened = None
    with suppress(EOFError, OSError):
        opened, failed = _tried(partial(opening, _read_ahead(pipe)))
        while True:
            name, words = pipe.recv()
            pipe.send((None, failed) if failed else _tried(partial(getattr(opened, name), *words)))
    if opened is not None:
        opened.close()


def _read_ahead(pipe: Connection) -> dict[Path, Sources]:
    """Sources by folder, as each is named, until it is time to open; one that cannot be read is tried again then."""
    read = {}
    while (folder := pipe.recv()) is not None:
        sources, _ = _tried(partial(sources_of, folder))
        if sources is not None:
            read[folder] = sources
    return read


def _tried(work: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001 - told to whoever asked
        return None, error
