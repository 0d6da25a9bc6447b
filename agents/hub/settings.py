"""hub.toml: what a hub says of its own task, how it words a concern, and how long agencies have."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.enums import Rag, Stage
from schemas.record import ShortText, Words
from schemas.records import RequesterBasis


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StageSettings(_Part):
    """What is said to agencies at one stage: the hub's task, its citation, and an accurate minimal wording of the concern."""

    task: ShortText
    citation: ShortText
    concern: Words

    @property
    def basis(self) -> RequesterBasis:
        """As it travels."""
        return RequesterBasis(task=self.task, citation=self.citation)


class HubSettings(_Part):
    """The whole file."""

    stages: dict[Stage, StageSettings]
    hours: dict[Rag, Annotated[int, Field(ge=1, le=24 * 30)]]  # hours an agency has, by RAG

    def due_in(self, rag: Rag) -> timedelta:
        """How long an agency has; the shortest where the RAG is not listed."""
        return timedelta(hours=self.hours.get(rag, min(self.hours.values(), default=24)))
