"""The demo's agencies in a process of their own: asked by name, errors told as answers, ended with whoever asks."""

from __future__ import annotations

import pickle
import signal
from functools import partial
from multiprocessing import Pipe
from pathlib import Path
from threading import Thread

import pytest

from agents.cli import agencies
from agents.cli.agencies import Apart, serve
from agents.cli.demo import open_agencies
from agents.demo.ceremony import MEMBERS
from schemas.errors import ConfigurationError, Fault, SourceUnavailableError, TransportUnavailableError

FAULTS = (Fault(file="party.toml", line=3, field="name", message="is missing", fix="add it"), Fault(file="keys", message="is no folder"))


class Few:
    """What was asked of it, and that it was closed."""

    def __init__(self):
        self.done = []

    def step(self, wait, without):
        self.done.append(("step", wait, without))
        return len(self.done) == 1

    def at_rest(self, without):
        raise SourceUnavailableError(f"{len(without)} sources are away")

    def close(self):
        self.done.append("closed")


class Asked(Apart):
    """An `Apart` whose other side the test runs itself."""

    def __init__(self, pipe):
        self._pipe, self._rounds, self._since = pipe, 0, 0.0
        self.open()

    def close(self):
        self._pipe.close()


def served(opening, asking):
    """`serve` in this thread; whoever asks is in another."""
    ours, theirs = Pipe()
    said = []

    def ask():
        asked = Asked(ours)
        try:
            said.append(asking(asked))
        finally:
            asked.close()

    asker = Thread(target=ask)
    asker.start()
    serve(theirs, opening)
    asker.join()
    return said[0]


def test_what_is_asked_by_name_is_done_over_there_and_the_end_of_the_pipe_lets_go_of_everything():
    few = Few()
    assert served(lambda _: few, lambda asked: [asked.step(10), asked.step(10, {"agency.gp"})]) == [True, False]
    assert few.done == [("step", 0, frozenset()), ("step", 0, {"agency.gp"}), "closed"]


def test_a_round_that_is_not_over_goes_on_and_its_news_comes_before_the_next_answer(monkeypatch):
    monkeypatch.setattr(Few, "step", lambda *_: pytest.fail("asked for two rounds at once") if few.done else few.done.append("round"))
    few = Few()

    def ask(asked):
        asked._pipe.send(("step", (0, ())))  # a round that nobody has heard of yet
        asked._rounds = 1
        with pytest.raises(SourceUnavailableError, match="2 sources are away"):
            asked.at_rest(("one", "other"))
        return asked._rounds

    assert served(lambda _: few, ask) == 0


def test_ctrl_c_is_for_whoever_asks(tmp_path):
    listening = signal.getsignal(signal.SIGINT)
    apart = Apart(partial(open_agencies, tmp_path, None))
    assert signal.getsignal(signal.SIGINT) is listening
    ignored = next(line.split()[1] for line in Path(f"/proc/{apart._process.pid}/status").read_text().splitlines() if "SigIgn" in line)
    apart.close()
    assert int(ignored, 16) & 1 << signal.SIGINT - 1


def test_what_was_read_ahead_is_not_read_again_and_what_could_not_be_is_tried_when_all_is_opened(monkeypatch, tmp_path):
    tried, opened = [], []

    def read(folder):
        tried.append(folder.name)
        if folder.name == "broken":
            raise ConfigurationError(FAULTS)
        return folder.name

    def opening(held):
        opened.append(held)
        return Few()

    monkeypatch.setattr(agencies, "sources_of", read)
    ours, theirs = Pipe()
    asked = Asked.__new__(Asked)
    asked._pipe, asked._rounds, asked._since = ours, 0, 0.0
    for name in ("gp", "broken", "csc"):
        asked.read(tmp_path / name)
    asked.open()
    ours.close()
    serve(theirs, opening)
    assert tried == ["gp", "broken", "csc"]
    assert opened == [{tmp_path / "gp": "gp", tmp_path / "csc": "csc"}]


def test_agencies_that_cannot_open_say_why_whatever_they_are_asked():
    def refuse(_):
        raise ConfigurationError(FAULTS)

    def ask(asked):
        told = []
        for question in (asked.names, asked.tick, lambda: asked.step(10)):
            with pytest.raises(ConfigurationError) as refused:
                question()
            told.append(refused.value.faults)
        return told

    assert served(refuse, ask) == [FAULTS] * 3


def test_agencies_that_hang_or_have_ended_are_told_of_and_not_awaited_for_ever(monkeypatch):
    monkeypatch.setattr(agencies, "SILENT", 0.0)
    ours, theirs = Pipe()
    for question in (lambda asked: asked.step(), Apart.names):  # nobody answers
        with pytest.raises(TransportUnavailableError, match="run the demo again"):
            question(Asked(ours))
    theirs.close()
    with pytest.raises(TransportUnavailableError, match="run the demo again"):
        Asked(ours).tick()
    ours.close()


def test_every_fault_of_a_file_crosses_from_one_process_to_another():
    refused = ConfigurationError(FAULTS)
    again = pickle.loads(pickle.dumps(refused))  # noqa: S301 - what we wrote a moment ago
    assert (type(again), again.faults, str(again)) == (ConfigurationError, FAULTS, str(refused))


def test_a_folder_that_is_none_is_told_by_the_other_process(tmp_path):
    for each in MEMBERS[:2]:
        (tmp_path / each.folder).mkdir()
        (tmp_path / each.folder / "party.toml").touch()
    apart = Apart(partial(open_agencies, tmp_path, None))
    apart.open()
    with pytest.raises(ConfigurationError) as refused:
        apart.names()
    apart.close()
    assert refused.value.faults[0].file == str(tmp_path / MEMBERS[1].folder / "adapter.toml")
    assert not apart._process.is_alive()


def test_what_does_not_come_to_an_end_is_stopped(monkeypatch, tmp_path):
    monkeypatch.setattr(agencies, "GRACE", 0.0)
    apart = Apart(partial(open_agencies, tmp_path, None))
    apart.open()
    apart.close()
    assert apart._process.exitcode is not None
