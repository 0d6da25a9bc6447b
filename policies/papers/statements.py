"""What a controller says for its papers only (`papers.toml`): no decision turns on it, so it is no part of the pack."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from policies.located import Table
from schemas.record import ShortText

PAPERS: Final = "papers.toml"
Said = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)]  # a printed page


class Degree(StrEnum):
    """How likely, or how severe."""

    low = "low"
    medium = "medium"
    high = "high"


class Risk(Table):
    """A risk to people, what is done about it, and what is left of it."""

    risk: Said
    likelihood: Degree
    severity: Degree
    measures: Said
    left: Degree


class Statements(Table):
    """All of it may be left out: what is not said is a gap in every paper that needs it."""

    version: ShortText
    # who
    name: ShortText | None = None
    contact: Said | None = None
    dpo: Said | None = None
    child_contact: Said | None = None  # whom a child may ask, in words a child can read
    child_retention: Said | None = None  # likewise, how long facts are kept
    # records of processing
    transfers: Said | None = None
    security: Said | None = None
    # assessment
    scale: Said | None = None
    necessity: Said | None = None
    consultation: Said | None = None
    dpo_advice: Said | None = None
    residual: Said | None = None
    # notices
    automated_decisions: Said | None = None
    # policy document: how each principle of Art. 5 is kept
    lawfulness: Said | None = None
    purpose_limit: Said | None = None
    minimisation: Said | None = None
    accuracy: Said | None = None
    storage_limit: Said | None = None
    accountability: Said | None = None
    document_owner: Said | None = None
    # joint controllers' arrangement
    contact_point: Said | None = None
    informing: Said | None = None
    rights_requests: Said | None = None
    breaches: Said | None = None
    essence: Said | None = None
    risks: tuple[Risk, ...] = Field(alias="risk", default=())

    def said(self, key: str) -> str | None:
        """The text of a single statement, or None where nobody has made it."""
        text: str | None = getattr(self, key)
        return text


NOTHING_SAID: Final = Statements(version="none")
ASKABLE: Final = frozenset(name for name, field in Statements.model_fields.items() if field.default is None)
