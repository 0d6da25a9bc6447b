"""How every command speaks: people or `--json`, progress and errors on stderr, exit codes."""

from __future__ import annotations

import errno
import functools
import json
import sys
import traceback
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Final, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import track

from schemas.errors import ConfigurationError, SharingError, TransientError, TransportExhaustedError

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
OUT = Console(highlight=False, soft_wrap=True, emoji=False)
ERR = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
UNSEEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})  # Unicode categories that move a cursor, turn or hide text
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout instead of text.")]


PASSES: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EAGAIN})  # free some space, and try again


class Exit(IntEnum):
    """Exit codes of every command."""

    done = 0
    no = 1  # checked: the answer is no
    usage = 2
    refused = 3  # input or configuration refused
    unavailable = 4  # retry
    bug = 70
    interrupted = 130


def plain(line: str) -> str:
    """One line as it is: what another wrote can neither move the cursor, nor turn the text round, nor begin a line of its own."""
    return "".join("\ufffd" if unicodedata.category(letter) in UNSEEN else letter for letter in line)


def tell(as_json: bool, facts: dict[str, Any], text: str | Iterable[str]) -> None:
    """The result, last on stdout: a sentence of ours, or lines that hold what others wrote."""
    if as_json:
        sys.stdout.write(json.dumps(facts, ensure_ascii=True) + "\n")
    else:
        lines = text.split("\n") if isinstance(text, str) else text
        OUT.print("\n".join(plain(line) for line in lines), markup=False)


def shown(work: Sequence[T], what: str) -> Iterable[T]:
    """Long work, with how far it has come on stderr where somebody watches."""
    return track(work, what, console=ERR, transient=True, disable=not ERR.is_terminal)


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what goes wrong into one clear message and its exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        as_json = bool(kwargs.get("as_json"))
        try:
            return command(*args, **kwargs)
        except ConfigurationError as error:
            faults = [
                {"file": each.file, "line": each.line, "field": each.field, "message": each.message, "fix": each.fix}
                for each in error.faults
            ]
            fail(as_json, error.code, str(error), faults)
            raise typer.Exit(Exit.refused) from None
        except SharingError as error:
            fail(as_json, error.code, str(error), [])
            raise typer.Exit(Exit.unavailable if isinstance(error, TransientError | TransportExhaustedError) else Exit.refused) from None
        except typer.Exit:
            raise
        except OSError as error:
            fail(as_json, "cannot-use-file", f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}", [])
            raise typer.Exit(Exit.unavailable if error.errno in PASSES else Exit.refused) from None
        except KeyboardInterrupt:
            fail(as_json, "interrupted", "interrupted; nothing is lost, run it again to go on", [])
            raise typer.Exit(Exit.interrupted) from None
        except Exception as error:  # noqa: BLE001 - what an unforeseen error says may hold a person; its place does not
            fail(as_json, "bug", f"{type(error).__name__} in {_where(error)}; please report it", [])
            raise typer.Exit(Exit.bug) from None

    return run


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if "site-packages" not in each.filename] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"


def fail(as_json: bool, code: str, message: str, faults: list[dict[str, Any]]) -> None:
    """One error on stderr: a sentence, or an object for machines."""
    if as_json:
        sys.stderr.write(json.dumps({"error": {"code": code, "message": message, "faults": faults}}) + "\n")
    else:
        ERR.print(f"{code}: {message}", markup=False)
