"""A system that nobody may query: every question of it is a person's, who answers by a form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NoReturn

from agents.adapter.ports import Candidate, Found, PersonAnswersError, Row
from agents.adapter.sources.settings import SourceSettings
from schemas.errors import Fault
from schemas.identifiers import CategoryId
from schemas.records import Subject


class ManualSource:
    """A form for each category. It finds nobody and nothing, and never says so: a person does."""

    def __init__(self, settings: SourceSettings) -> None:
        self._settings = settings

    def candidates(self, subject: Subject) -> Found[Candidate]:  # noqa: ARG002 - the port's
        """Always PersonAnswersError."""
        self._ask()

    def fetch(self, person: Candidate, category: CategoryId, since: date, until: date) -> Found[Row]:  # noqa: ARG002 - the port's
        """Always PersonAnswersError."""
        self._ask()

    def categories(self) -> Sequence[CategoryId]:
        """Those there is a form for."""
        return tuple(each.category for each in self._settings.category)

    def close(self) -> None:
        """Nothing is open."""

    def faults(self) -> tuple[Fault, ...]:
        """A form is always there."""
        return ()

    def _ask(self) -> NoReturn:
        message = f"source {self._settings.name} is answered by a person"
        raise PersonAnswersError(message)
