"""When a skipped test counts as a failed one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

REQUIRED: Final = {"kafka": "MASH_REQUIRE_KAFKA", "postgres": "MASH_REQUIRE_POSTGRES"}

# The only reasons for a skip in CI: the start of the reason, and why it is fair.
ALLOWED: Final = {
    "no container engine answers": "testcontainers is one of three ways to a broker; another one is required and runs the same tests",
}


def refusal(reason: str, marks: Collection[str], environment: Mapping[str, str]) -> str | None:
    """Why this skip may not be, or None."""
    reason = reason.removeprefix("Skipped: ")
    if any(reason.startswith(allowed) for allowed in ALLOWED):
        return None
    for mark, variable in REQUIRED.items():
        if mark in marks and _is_set(environment, variable):
            return f"skipped though {variable} is set: {reason}"
    if _is_set(environment, "CI"):
        return f"skipped in CI, and no reason in tests/support/skips.py allows it: {reason}"
    return None


def _is_set(environment: Mapping[str, str], variable: str) -> bool:
    return environment.get(variable, "").lower() not in {"", "0", "false"}
