"""The checks matrix as data: RAG × stage × subject role say which agencies are asked for what, how far back and by when. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import Field

from agents.hub.timescales import FaultAt, StartsOn, Timescale
from policies.categories import Categories, Category
from policies.law import Sentence
from policies.lines import Path
from policies.located import Table
from schemas.enums import ControllerKind, Rag, Stage, SubjectRole
from schemas.errors import Fault
from schemas.events import OfficerDecision
from schemas.identifiers import CategoryId, Slug


class Check(Table):
    """One row; it can only narrow what the categories file allows, and a question needs one row that asks it."""

    id: Slug
    stages: frozenset[Stage] = Field(min_length=1)
    rags: frozenset[Rag] = Field(min_length=1)
    roles: frozenset[SubjectRole] = Field(min_length=1)
    agencies: frozenset[ControllerKind] = Field(min_length=1)
    categories: frozenset[CategoryId] = frozenset()  # none named: every one those agencies hold, where its threshold is reached
    look_back_days: Annotated[int, Field(ge=1, le=36600)] | None = None  # never longer than the category's own
    timescale: Slug | None = None  # unless the RAG's

    def asks(self, agency: ControllerKind, role: SubjectRole, decision: OfficerDecision, category: CategoryId) -> bool:
        """Whether this row asks such an agency for this category about somebody of that role."""
        reached = decision.stage in self.stages and decision.rag in self.rags and role in self.roles
        return reached and agency in self.agencies and (not self.categories or category in self.categories)


class Matrix(Table):
    """The whole of it, as a preset or as a hub's own; what no row asks for is not asked."""

    version: Slug
    says: Sentence
    checks: tuple[Check, ...] = Field(alias="check", min_length=1, max_length=500)

    def rows(self, agency: ControllerKind, role: SubjectRole, decision: OfficerDecision, category: CategoryId) -> list[Check]:
        """Every row that asks for it."""
        return [each for each in self.checks if each.asks(agency, role, decision, category)]


def may_ask(category: Category, agency: ControllerKind, role: SubjectRole, decision: OfficerDecision) -> bool:
    """Whether the categories file lets such an agency be asked: it holds the category, and stage, RAG and role reach its threshold."""
    reached = decision.stage in category.stages and decision.rag in category.rags and role in category.roles
    return reached and agency in category.held_by


def matrix_faults(
    fault: FaultAt, place: Path, matrix: Matrix, categories: Categories, timescales: tuple[Timescale, ...]
) -> Iterator[Fault]:
    """What a matrix names that is not there, and rows that could never ask anything."""
    known = {each.id: each for each in categories.categories}
    answers = sorted(each.id for each in timescales if each.starts_on is StartsOn.request)
    ids: set[Slug] = set()
    for at, row in enumerate(matrix.checks):
        here = (*place, "check", at)
        if row.id in ids:
            yield fault((*here, "id"), "is the id of an earlier row", "give each row its own id")
        ids.add(row.id)
        if row.timescale is not None and row.timescale not in answers:
            yield fault((*here, "timescale"), "is no timescale for answers", f"allowed: {', '.join(answers)}")
        unknown = row.categories - known.keys()
        if unknown:
            yield fault((*here, "categories"), f"names unknown categories: {_listed(unknown)}", f"allowed: {_listed(known)}")
            continue
        for category in sorted(row.categories):
            if not _reachable(row, known[category]):
                message = f"can never ask for {category}: not held by these agencies, or its threshold is never reached"
                yield fault((*here, "categories"), message, "mend the row, or leave the category out")
        held = [each for each in categories.categories if each.held_by & row.agencies]
        if held and not row.categories and not any(_reachable(row, each) for each in held):
            yield fault(here, "can never ask for anything: no category's threshold is reached", "mend the row, or leave it out")


def _reachable(row: Check, category: Category) -> bool:
    meets = ((row.stages, category.stages), (row.rags, category.rags), (row.roles, category.roles), (row.agencies, category.held_by))
    return all(mine & theirs for mine, theirs in meets)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
