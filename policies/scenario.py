"""Scenarios: a case a lawyer can read, and what must come of it. Run against a law and a table of categories. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints, ValidationError

from policies.agreements import Agreement
from policies.categories import Categories
from policies.compiled import compile_pack
from policies.considerations import Controller
from policies.decision import Decision, PolicyQuestion, decide
from policies.explain import near_misses
from policies.law import Date, Law, Sentence
from policies.lines import Path
from policies.located import MAX_FAULTS, MAX_TEXT, Located, Table, read
from policies.pack import Pack
from policies.trial import trial_agreement
from policies.verdict import judge_of
from policies.vocabulary import DERIVED, Audience, Fact, RuleEffect
from schemas.enums import ControllerKind, Kind, Layer, Outcome, Purpose, Rag, Stage, SubjectRole
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import CategoryId, Digest, PartyId, Slug
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
SECRET: Final = frozenset({ControllerKind.local_authority, ControllerKind.nhs_body, ControllerKind.gp_practice})
NO_DIGEST: Final = Digest(bytes(32))  # nothing is disclosed by a scenario, so nothing names its pack


class Paper(StrEnum):
    """What a controller usually has in its pack, beside its policy documents."""

    own_task = "own_task"
    official_authority = "official_authority"
    relevant_person = "relevant_person"
    legitimate_interests = "legitimate_interests"
    consideration = "consideration"
    detriment_weighed = "detriment_weighed"
    public_interest = "public_interest"


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
    on: Date = TODAY
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One scenario run; `wrong` says in words where it came out otherwise."""

    scenario: Scenario
    decision: Decision
    met: frozenset[Slug]  # rules that carried, forbade or held
    wrong: tuple[str, ...]


def read_scenarios(text: str, file: str) -> Located[Scenarios]:
    """A TOML file, or with the ending .jsonl one scenario a line; ConfigurationError lists every fault at once."""
    return _read_lines(text, file) if file.endswith(".jsonl") else read(text, file, Scenarios)


def _read_lines(text: str, file: str) -> Located[Scenarios]:
    """The guards of TOML hold here too: size first, then each line by itself."""
    if len(text.encode(errors="replace")) > MAX_TEXT:
        raise ConfigurationError([Fault(file=file, message=f"is longer than {MAX_TEXT} bytes", fix="split it")])
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
        except ValidationError as error:
            for each in error.errors(include_input=False, include_url=False, include_context=False):
                field = ".".join(str(part) for part in each["loc"])[:400]
                faults.append(Fault(file=file, line=number, field=field, message=each["msg"]))
    if faults or not found:
        raise ConfigurationError(faults or [Fault(file=file, message="holds no scenario", fix="one JSON object a line")])
    return Located(file=file, model=Scenarios.model_construct(title=file, scenarios=tuple(found)), lines=lines)


def scenario_faults(files: Iterable[Located[Scenarios]], law: Law, categories: Categories) -> Iterator[Fault]:
    """What no scenario can show by itself: an id used twice, a rule, a category or a document that is not there."""
    rules = {rule.id for rule in law.rules}
    known = {each.id for each in categories.every}
    documents = {rule.needs_apd for rule in law.rules}
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


def run(scenario: Scenario, law: Law, categories: Categories) -> Result:
    """Decide it, and compare."""
    pack, question = pack_of(scenario, law, categories), question_of(scenario)
    at = datetime.combine(scenario.on, time(12), UTC)
    decision = decide(question, pack, at)
    met = frozenset(_met(decision))
    return Result(scenario=scenario, decision=decision, met=met, wrong=tuple(_wrong(scenario.expect, decision, met)))


def question_of(scenario: Scenario) -> PolicyQuestion:
    """The question a scenario puts to its discloser's ladder."""
    return PolicyQuestion(
        discloser=_party(scenario.discloser, "discloser"),
        discloser_kind=scenario.discloser,
        recipient=_party(scenario.recipient, "recipient"),
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


def pack_of(scenario: Scenario, law: Law, categories: Categories) -> Pack:
    """The pack of the scenario's controller; only the category asked about is compiled."""
    asked = tuple(each for each in categories.categories if each.id == scenario.category)
    table = categories.model_copy(update={"categories": asked})
    return assembled(law, table, _controller(scenario, law), tuple(_agreements(scenario, law)))


def assembled(law: Law, categories: Categories, controller: Controller, agreements: tuple[Agreement, ...]) -> Pack:
    """A pack of parts that were never one text; it decides, and has no digest."""
    compiled = compile_pack(law, categories, agreements, controller)
    return Pack(
        law=law,
        categories=categories,
        agreements=agreements,
        controller=controller,
        digest=NO_DIGEST,
        law_digest=NO_DIGEST,
        compiled=compiled,
        judge=judge_of(compiled),
    )


def _party(kind: ControllerKind, end: str) -> PartyId:
    return PartyId(f"agency.{kind.value.replace('_', '-')}-{end}")


def _controller(scenario: Scenario, law: Law) -> Controller:
    """A controller that has every paper but those the scenario says it lacks."""
    has = set(Paper) - scenario.lacks
    documents = {rule.needs_apd for rule in law.rules if rule.needs_apd is not None} - scenario.lacks_documents
    said: dict[str, object] = {"party": _party(scenario.discloser, "discloser"), "kind": scenario.discloser, "version": "scenario"}
    if Paper.own_task in has:
        said["own_task"] = {"task": "its own", "citation": "Children Act 2004 s.11"}
    for paper in (Paper.official_authority, Paper.relevant_person, Paper.legitimate_interests):
        if paper in has:
            said[paper.value] = "stated"
    said["apd"] = [{"condition": each, "version": "1"} for each in sorted(documents)]
    if Paper.consideration in has:
        considered = {"category": scenario.category, "stages": {scenario.stage}, "roles": {scenario.role}, "review_by": date.max}
        words = {"reason": "Considered in advance for this category.", "decided_by": "the controller"}
        weighed = {"detriment_considered": Paper.detriment_weighed in has, "overriding_public_interest": Paper.public_interest in has}
        said["consideration"] = [considered | words | weighed]
    return Controller.model_validate(said)


def _agreements(scenario: Scenario, law: Law) -> Iterator[Agreement]:
    if scenario.agreement is AgreementState.none:
        return
    discloser, recipient = _party(scenario.discloser, "discloser"), _party(scenario.recipient, "recipient")
    before, after = scenario.on - timedelta(days=1), scenario.on + timedelta(days=1)
    secret = scenario.recipient in SECRET and scenario.agreement is not AgreementState.without_secrecy
    acting = {AgreementState.discloser_processor: discloser, AgreementState.recipient_processor: recipient}
    yield trial_agreement(
        {discloser, recipient},
        {scenario.category},
        law.rules[0].id,
        secrecy={recipient} if secret else (),
        processors={acting[scenario.agreement]} if scenario.agreement in acting else (),
        until=before if scenario.agreement is AgreementState.expired else after,
        review_by=before if scenario.agreement is AgreementState.review_overdue else after,
    )


def _met(decision: Decision) -> Iterator[Slug]:
    """Rules that carried a layer, forbade it, or hold the question for a person."""
    yield from decision.rules
    yield from (answer.rule.id for answer in decision.failed if answer.rule is not None)
    yield from (rule.id for rule in decision.pack.law.rules if rule.effect is RuleEffect.review and rule.cap in decision.caps)


def _wrong(expect: Expected, decision: Decision, met: frozenset[Slug]) -> Iterator[str]:
    if decision.outcome is not expect.outcome:
        yield f"outcome: {expect.outcome.value} expected, {decision.outcome.value} came"
    for rule in sorted(expect.rules - met):
        yield f"rule {rule} is not met"
    for rule in sorted(expect.never & met):
        yield f"rule {rule} is met and should not be"
    failed = frozenset(answer.layer for answer in decision.failed)
    if expect.failed is not None and failed != expect.failed:
        yield f"failed layers: {_listed(expect.failed)} expected, {_listed(failed)} came"
    if expect.caps is not None and frozenset(decision.caps) != expect.caps:
        yield f"caps: {_listed(expect.caps)} expected, {_listed(decision.caps)} came"
    yield from _wrong_misses(expect, decision)


def _wrong_misses(expect: Expected, decision: Decision) -> Iterator[str]:
    """What the reviewer and the asker are told would have changed the answer."""
    if expect.near_misses:
        shown = {each.fact for each in near_misses(decision.question, decision.pack, decision.at, Audience.igo)}
        if expect.near_misses - shown:
            yield f"near misses: {_listed(expect.near_misses - shown)} not shown"
    if expect.asker_sees is not None:
        seen = {each.fact for each in near_misses(decision.question, decision.pack, decision.at, Audience.requester)}
        if seen != expect.asker_sees:
            yield f"the asker sees: {_listed(expect.asker_sees)} expected, {_listed(seen)} came"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
