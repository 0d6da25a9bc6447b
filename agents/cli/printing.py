"""The pages that print, all over one base: whatever others wrote is escaped, and a page needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from agents.cli.output import plain


def template(name: str, **filters: Callable[[Any], str]) -> Template:
    """One of `agents/cli/templates`, which extends `base.html`, with filters of its own beside `plain`."""
    made = Environment(loader=PackageLoader("agents.cli"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"plain": plain} | filters
    return made.get_template(name)
