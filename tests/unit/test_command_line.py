"""What `mash` says of a wrong or interrupted command: one object for machines, no traceback for anybody."""

from __future__ import annotations

import builtins
import json
import sys

import pytest

from agents import cli
from agents.cli import app


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["demo", "--cases", "many", "--json"], "--cases"),
        (["nothing", "--json"], "nothing"),
        (["hub", "intake", "--json"], "Missing argument"),
        (["log", "verify", "--json", "--nope"], "--nope"),
    ],
)
def test_a_wrong_word_is_told_to_machines_as_one_object(monkeypatch, capsys, words, said):
    monkeypatch.setattr(sys, "argv", ["mash", *words])
    with pytest.raises(SystemExit) as ended:
        app.main()
    out = capsys.readouterr()
    error = json.loads(out.err)["error"]
    assert (ended.value.code, out.out, error["code"], error["faults"]) == (2, "", "usage", [])
    assert said in error["message"]


def test_the_exit_code_of_a_command_is_the_same_for_machines(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    for words in (["doctor"], ["doctor", "--json"]):
        monkeypatch.setattr(sys, "argv", ["mash", *words])
        with pytest.raises(SystemExit) as ended:
            app.main()
        assert ended.value.code == 1
    assert "Traceback" not in capsys.readouterr().err


def test_whoever_interrupts_while_the_program_loads_sees_no_traceback(monkeypatch, capsys):
    loaded = builtins.__import__

    def interrupted(name, *rest):
        if name == "agents.cli.app":
            raise KeyboardInterrupt
        return loaded(name, *rest)

    monkeypatch.setattr(builtins, "__import__", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"
