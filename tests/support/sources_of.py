"""An agency's sources exchanged by a test."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from agents.adapter.settings import Source
from agents.adapter.sources.settings import SourceSettings
from schemas.identifiers import Slug


def only(agency) -> Source:
    """The one source of an agency that has one."""
    (source,) = agency.sources.values()
    return source


def put(agency, system):
    """In place of the one source's system."""
    agency.sources = {name: replace(source, system=system) for name, source in [*agency.sources.items()][:1]}
    return system


def declared(name: str, *categories: str, **changes) -> SourceSettings:
    """Settings of a source of this name that declares these categories, for a system that a test puts there."""
    fields = ["summary", "diagnosis"]
    plain = {"kind": "manual", "name": name, "scope": f"All of {name}"}
    plain["category"] = [{"category": each, "fields": fields, "assertion": "fact"} for each in categories]
    return SourceSettings.model_validate(plain).model_copy(update={"kind": "sql", "allowed_lag": timedelta(days=31)} | changes)


def both(agency, category: str, first, second, **changes) -> None:
    """Two sources, `first` and `second`, that both declare one category; `changes`: of the second's settings."""
    one, other = declared("first", category), declared("second", category, **changes)
    agency.sources = {Slug("first"): Source(settings=one, system=first), Slug("second"): Source(settings=other, system=second)}
