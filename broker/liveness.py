"""Who holds a lease, said so that others on the same machine can tell whether that process still lives."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def this_process() -> str:
    """`boot/namespace/pid/start`: unique on a machine and over its restarts; elsewhere than on Linux only the pid and a nonce."""
    try:
        return f"{_machine()}/{os.getpid()}/{_started(os.getpid())}"
    except OSError:
        return f"?/{os.getpid()}/{os.urandom(8).hex()}"


def is_gone(owner: str) -> bool:
    """Whether an owner was a process of this machine and pid namespace that no longer runs; when in doubt, it lives."""
    try:
        machine, pid, start = owner.rsplit("/", 2)
        return machine == _machine() and _started(int(pid)) != start
    except ProcessLookupError:
        return True
    except (OSError, ValueError):
        return False


def _machine() -> str:
    boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    namespace = str((_PROC / "self/ns/pid").readlink()).removeprefix("pid:[").removesuffix("]")
    return f"{boot}/{namespace}"


def _started(pid: int) -> str:
    """Clock ticks after boot at which a process began (proc(5), stat field 22); a zombie runs no more."""
    stat = _PROC / str(pid) / "stat"
    if not stat.exists():
        raise ProcessLookupError
    fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        raise ProcessLookupError
    return fields[19]
