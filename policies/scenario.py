"""Scenarios: a case a lawyer can read, and what must come of it. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints, ValidationError

from policies.categories import Categories
from policies.law import Date, Law, Sentence
from policies.lines import Path
from policies.located import MAX_FAULTS, Located, Table, guarded, read, validation_faults
from policies.question import PolicyQuestion
from policies.trial import Paper
from policies.vocabulary import DERIVED, Fact
from schemas.enums import ControllerKind, Kind, Layer, Outcome, Purpose, Rag, Stage, SubjectRole
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import CategoryId, PartyId, Slug
from schemas.record import ShortText

TODAY: Final = date(2026, 11, 24)  # of a scenario that names no day: every rule of the shipped law has begun
PARAGRAPH: Final = r"^[0-7](\.[0-9])?(\([0-9]{1,2}\)| R[0-9]{1,2}| DENY| citations)?$"  # as `docs/governance.md` lists them
MAX_LINES: Final = 10_000  # scenarios of one file: ten times the largest matrix anybody reads
IN_ORDER: Final = frozenset(  # a scenario says only what is otherwise
    {
        Fact.stage_set_by_named_officer,
        Fact.reason_fits_stage,
        Fact.openness_recorded,
        Fact.necessity_stated,
        Fact.requester_task_stated,
        Fact.relation_stated,
        Fact.para18_prejudices_protection,
        Fact.match_confirmed,
        Fact.owner_released,
        Fact.second_person_checked,
        Fact.recipient_told_of_child,
        Fact.child_in_recipients_area,
    }
)


class AgreementState(StrEnum):
    """How the agreement between the two stands."""

    in_force = "in_force"
    expired = "expired"
    none = "none"
    without_secrecy = "without_secrecy"  # the recipient is not bound to it
    review_overdue = "review_overdue"
    discloser_processor = "discloser_processor"  # it acts for a controller, not in its own name
    recipient_processor = "recipient_processor"


class Expected(Table):
    """What must come of it; `failed` and `caps` are exact where they are given."""

    outcome: Outcome
    rules: frozenset[Slug] = frozenset()  # each of these carries, forbids or holds
    never: frozenset[Slug] = frozenset()  # none of these does
    failed: frozenset[Layer] | None = None
    caps: frozenset[Slug] | None = None
    near_misses: frozenset[Slug] = frozenset()  # a reviewer is shown these
    asker_sees: frozenset[Slug] | None = None  # exactly these near misses are told to the asker


class Scenario(Table):
    """One case: all is in order but for what it says."""

    id: Slug
    source: ShortText  # the section or the guidance it comes from
    paragraph: Annotated[str, StringConstraints(pattern=PARAGRAPH, max_length=20)] | None = None  # of the brief this software was made from
    says: Sentence
    discloser: ControllerKind
    recipient: ControllerKind = ControllerKind.local_authority
    disclosure: Kind = Kind.response
    stage: Stage
    rag: Rag = Rag.red
    purpose: Purpose = Purpose.safeguarding
    role: SubjectRole = SubjectRole.child
    category: CategoryId
    look_back_days: Annotated[int, Field(ge=0, le=40_000)] = 365
    on: Annotated[Date, Field(ge=date(1900, 1, 1), le=date(2199, 12, 31))] = TODAY  # so that a look-back begins on a day that there is
    also: frozenset[Fact] = frozenset()
    without: frozenset[Fact] = frozenset()
    lacks: frozenset[Paper] = frozenset()
    lacks_documents: frozenset[Slug] = frozenset()  # appropriate policy documents, by condition
    agreement: AgreementState = AgreementState.in_force
    expect: Expected

    @property
    def facts(self) -> frozenset[Fact]:
        """What is so: all that is usual, less what is missing, with what is added."""
        return (IN_ORDER - self.without) | self.also


class Scenarios(Table):
    """One file of scenarios."""

    title: ShortText
    scenarios: tuple[Scenario, ...] = Field(alias="scenario", min_length=1, max_length=MAX_LINES)


def read_scenarios(text: str, file: str) -> Located[Scenarios]:
    """A file ending in .toml, or in .jsonl with one scenario a line; ConfigurationError lists every fault at once."""
    if file.endswith(".jsonl"):
        return _read_lines(text, file)
    if file.endswith(".toml"):
        return read(text, file, Scenarios)
    raise ConfigurationError([Fault(file=file, message="is no file of scenarios by its name", fix="allowed: NAME.toml, NAME.jsonl")])


def _read_lines(text: str, file: str) -> Located[Scenarios]:
    """The guards of TOML hold here too: size first, then each line by itself, and no key twice."""
    guarded(text, file)
    found: list[Scenario] = []
    faults: list[Fault] = []
    lines: dict[Path, int] = {(): 1}
    for number, line in enumerate(text.split("\n"), 1):
        if len(faults) >= MAX_FAULTS:
            break  # more than anybody reads at once
        if not line.strip():
            continue
        lines["scenario", len(found)] = number
        try:
            found.append(Scenario.model_validate_json(line))
            faults += [Fault(file=file, line=number, field=key, message="stands there twice", fix="say it once") for key in _twice(line)]
        except ValidationError as error:
            faults += validation_faults(error, Scenario, {(): number}, file)
    if faults or not found:
        raise ConfigurationError(faults or [Fault(file=file, message="holds no scenario", fix="one JSON object a line")])
    return Located(file=file, model=Scenarios.model_construct(title=file, scenarios=tuple(found)), lines=lines)


def _twice(line: str) -> list[str]:
    """Keys of a valid line that stand in one object twice, of which JSON would keep the last without a word."""
    twice: list[str] = []

    def told(pairs: list[tuple[str, object]]) -> None:
        counted = Counter(key for key, _ in pairs)
        twice.extend(key for key, count in counted.items() if count > 1)

    json.loads(line, object_pairs_hook=told)
    return twice


def scenario_faults(files: Iterable[Located[Scenarios]], law: Law, categories: Categories) -> Iterator[Fault]:
    """What no scenario can show by itself: an id used twice, a rule, a category or a document that is not there."""
    rules = {rule.id for rule in law.rules}
    known = {each.id for each in categories.every}
    documents = law.documents
    seen: set[str] = set()
    for file in files:
        for at, each in enumerate(file.model.scenarios):
            place = ("scenario", at)
            if each.id in seen:
                yield file.fault((*place, "id"), "is the id of an earlier scenario", "give each scenario its own id")
            seen.add(each.id)
            if each.category not in known:
                yield file.fault((*place, "category"), "is not a known category", "use an id of the category table")
            for name in sorted((each.expect.rules | each.expect.never) - rules):
                yield file.fault((*place, "expect"), f"names a rule that is not in the law: {name}", "use ids of rules in the law file")
            for name in sorted(each.lacks_documents - documents):
                yield file.fault((*place, "lacks_documents"), f"no rule needs such a document: {name}")
            if (each.also | each.without) & DERIVED:
                yield file.fault(place, "states a fact that is worked out by the decision itself", "leave it out")


def question_of(scenario: Scenario) -> PolicyQuestion:
    """The question a scenario puts to its discloser's ladder."""
    return PolicyQuestion(
        discloser=party_of(scenario.discloser, "discloser"),
        discloser_kind=scenario.discloser,
        recipient=party_of(scenario.recipient, "recipient"),
        recipient_kind=scenario.recipient,
        disclosure=scenario.disclosure,
        stage=scenario.stage,
        rag=scenario.rag,
        purpose=scenario.purpose,
        role=scenario.role,
        category=scenario.category,
        since=scenario.on - timedelta(days=scenario.look_back_days),
        until=scenario.on,
        facts=scenario.facts,
    )


def party_of(kind: ControllerKind, end: str) -> PartyId:
    """The made-up party at one end of a scenario."""
    return PartyId(f"agency.{kind.value.replace('_', '-')}-{end}")
