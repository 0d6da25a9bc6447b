"""The checks as an officer sees them before anyone is asked: what, of whom, what not and why; changed only with a reason. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from agents.hub.checks import NOT_ALLOWED, TOO_MANY, Asker, Plan, plan, questions_for, since_of
from agents.hub.matrix import may_ask
from policies.categories import CONCERN, Category
from policies.pack import Pack
from policies.vocabulary import SUPPLIABLE
from policies.wording import boilerplate
from schemas.errors import ConfigurationError, Fault
from schemas.events import MAX_ADJUSTMENTS, MAX_CHOSEN, Adjustment, Checks, ChosenQuestion, Contact, OfficerDecision
from schemas.identifiers import CategoryId, PartyId, Slug, SubjectRef
from schemas.records import LadderStep, NearMiss, Subject
from schemas.statements import Party

LEAST_REASON: Final = 20  # letters of a reason, as of a necessity
MOST_REASON: Final = 2000
HONEST: Final = frozenset(fact.value for fact in SUPPLIABLE)  # no stage and no RAG: nobody is coached to relabel a case
ANY: Final = "*"
FORM: Final = "AGENCY/SUBJECT/CATEGORY, each may be *, and @DAYS for how far back: agency.police/s2/pol.custody@365"
NO_MATRIX: Final = Slug("none")
_CHANGE: Final = re.compile(r"([^/@]{1,60})/([^/@]{1,60})/([^/@]{1,60})(?:@([1-9][0-9]{0,4}))?")
Key = tuple[PartyId, SubjectRef, CategoryId]


class Why(StrEnum):
    """Why a question is left out."""

    unworded = "unworded"  # hub.toml has no words for the stage
    threshold = "threshold"  # stage, RAG or role does not reach the category's own
    matrix = "matrix"  # no row of the checks matrix asks for it
    officer = "officer"  # narrowed, with a reason
    ladder = "ladder"  # the hub may not say to that agency what it would have to say
    limit = "limit"  # more questions than one request holds


UNCLIMBED: Final = {TOO_MANY: Why.limit, NOT_ALLOWED: Why.threshold}  # refused before any ladder is climbed


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """All that a proposal rests on; the decision holds what an officer has chosen so far."""

    case_id: UUID
    contact: Contact
    decision: OfficerDecision
    agencies: tuple[Party, ...]
    asker: Asker
    pack: Pack
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A question that an agency could answer and is not asked; of near misses only what an officer can honestly supply."""

    agency: PartyId
    subject_ref: SubjectRef
    category: CategoryId
    why: Why
    ladder: tuple[LadderStep, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Proposal:
    """What each agency would be asked with the ladder foretold, and what is left out and why."""

    grounds: Grounds
    plans: tuple[Plan, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def asked(self) -> tuple[ChosenQuestion, ...]:
        """Every question that would be asked."""
        return tuple(
            ChosenQuestion(agency=each.agency, subject_ref=one.subject_ref, category=one.category, since=one.since, until=one.until)
            for each in self.plans
            for one, _ in each.decisions
        )

    @property
    def adjustments(self) -> tuple[Adjustment, ...]:
        """What an officer has changed so far."""
        return self.grounds.decision.checks.adjustments if self.grounds.decision.checks else ()

    @property
    def decision(self) -> OfficerDecision:
        """The decision to record: exactly what was shown, and how it came to be; ValueError where nothing would be asked."""
        matrix = self.grounds.asker.settings.checks
        if not self.asked:
            raise ValueError("nobody would be asked")
        chosen = Checks(matrix=matrix.version if matrix else NO_MATRIX, asked=self.asked, adjustments=self.adjustments)
        return replace(self.grounds.decision, checks=chosen)


@dataclass(frozen=True, slots=True)
class Refused:
    """A change that is not made, and every reason."""

    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Which questions to narrow or widen; None is any."""

    text: str
    agency: str | None
    subject_ref: str | None
    category: str | None
    days: int | None

    def matches(self, key: Key) -> bool:
        """Whether it speaks of that question."""
        wanted = (self.agency, self.subject_ref, self.category)
        return all(name is None or name == part for name, part in zip(wanted, key, strict=True))

    def fault(self, message: str, fix: str) -> Fault:
        """Why it cannot be made."""
        return Fault(file="checks", field=self.text, message=message, fix=fix)


def read_changes(texts: Sequence[str], option: str) -> tuple[Change, ...]:
    """Changes as written on a command line; ConfigurationError lists every one that is none, by its number."""
    read = [_CHANGE.fullmatch(text) for text in texts]
    faults = [Fault(file=option, field=str(at), message="is no change", fix=FORM) for at, each in enumerate(read, 1) if each is None]
    if faults:
        raise ConfigurationError(faults)
    return tuple(_change(each) for each in read if each is not None)


def _change(read: re.Match[str]) -> Change:
    agency, subject, category = (None if part == ANY else part for part in read.group(1, 2, 3))
    return Change(text=read[0], agency=agency, subject_ref=subject, category=category, days=int(read[4]) if read[4] else None)


def proposal(grounds: Grounds) -> Proposal:
    """Plan each agency's request and account for every question it could have been asked; the same grounds give the same proposal."""
    plans = tuple(
        plan(grounds.case_id, grounds.contact, grounds.decision, agency, grounds.asker, grounds.pack, grounds.at)
        for agency in grounds.agencies
    )
    left_out = tuple(each for agency, planned in zip(grounds.agencies, plans, strict=True) for each in _left_out(grounds, agency, planned))
    return Proposal(grounds=grounds, plans=plans, left_out=left_out)


def _left_out(grounds: Grounds, agency: Party, planned: Plan) -> Iterator[LeftOut]:
    matrix = grounds.asker.settings.checks
    offered = questions_for(agency, grounds.contact.subjects, grounds.decision, grounds.pack, grounds.at, matrix)
    by_matrix = {(each.subject_ref, each.category) for each in offered}
    asked = {(each.subject_ref, each.category) for each, _ in planned.decisions}
    refused = {(each.subject_ref, each.category): each for each in planned.unasked}
    for subject, category in _askable(grounds, agency):
        key = (subject.ref, category.id)
        if key in asked:
            continue
        if one := refused.get(key):
            why = next((why for miss, why in UNCLIMBED.items() if miss in one.near_misses), Why.ladder)
            misses = tuple(miss for miss in one.near_misses if miss.fact in HONEST)
            yield LeftOut(agency=agency.id, subject_ref=key[0], category=key[1], why=why, ladder=one.ladder, near_misses=misses)
        else:
            why = _why(grounds, agency, subject, category, offered=key in by_matrix)
            yield LeftOut(agency=agency.id, subject_ref=key[0], category=key[1], why=why)


def _askable(grounds: Grounds, agency: Party) -> Iterator[tuple[Subject, Category]]:
    """Everything such an agency holds, about everybody."""
    for subject in grounds.contact.subjects:
        for category in grounds.pack.categories.categories:
            if category.id != CONCERN and agency.kind in category.held_by and grounds.pack.may_ask(agency.id, category.id):
                yield subject, category


def _why(grounds: Grounds, agency: Party, subject: Subject, category: Category, *, offered: bool) -> Why:
    if grounds.decision.stage not in grounds.asker.settings.stages:
        return Why.unworded
    if not may_ask(category, agency.kind, subject.role, grounds.decision):
        return Why.threshold
    return Why.officer if offered else Why.matrix


def narrow(held: Proposal, changes: Iterable[Change], reason: str) -> Proposal | Refused:
    """Take questions away, or ask less far back; refused without a reason, where nothing matches, or where nobody would be left."""
    faults = list(_reason_faults(reason))
    asked = {_key(each): each for each in held.asked}
    taken: dict[Key, ChosenQuestion] = {}
    for change in changes:
        hit = [each for key, each in asked.items() if change.matches(key) and _shortened(each, change.days) != each]
        if not hit:
            faults.append(change.fault("narrows nothing that would be asked", "mash hub checks shows what would be"))
        for each in hit:
            shorter = _shortened(each, change.days)
            taken[_key(each)] = shorter or each
            if shorter is None:
                del asked[_key(each)]
            else:
                asked[_key(each)] = shorter
    if not asked:
        faults.append(Fault(file="checks", message="nobody would be asked", fix="leave at least one question"))
    if faults:
        return Refused(tuple(faults))
    return _adjusted(held, asked.values(), Adjustment(widens=False, reason=reason, questions=tuple(taken.values())))


def widen(held: Proposal, changes: Iterable[Change], reason: str) -> Proposal | Refused:
    """Ask more, or further back; refused without a reason, beyond a category's threshold or look-back, or by the hub's own ladder."""
    faults = list(_reason_faults(reason))
    asked = {_key(each): each for each in held.asked}
    added: dict[Key, ChosenQuestion] = {}
    for change in changes:
        found = _added(held.grounds, change, asked)
        if isinstance(found, Fault):
            faults.append(found)
        else:
            added |= found
    if faults:
        return Refused(tuple(faults))
    wider = _adjusted(held, (asked | added).values(), Adjustment(widens=True, reason=reason, questions=tuple(added.values())))
    if isinstance(wider, Refused):
        return wider
    lost = (asked | added).keys() - {_key(each) for each in wider.asked}
    refused = {(each.agency, each.subject_ref, each.category): each.why for each in wider.left_out}
    return Refused(tuple(_forbidden(key, refused.get(key)) for key in sorted(lost))) if lost else wider


def _added(grounds: Grounds, change: Change, asked: dict[Key, ChosenQuestion]) -> dict[Key, ChosenQuestion] | Fault:
    """The questions a change adds or lengthens, or why it adds none."""
    until = grounds.at.date()
    named = [
        (agency, subject, category)
        for agency in grounds.agencies
        for subject, category in _askable(grounds, agency)
        if change.matches((agency.id, subject.ref, category.id))
    ]
    allowed = [each for each in named if may_ask(each[2], each[0].kind, each[1].role, grounds.decision)]
    if not named:
        return change.fault(
            "names nothing that a listed agency holds about a subject of this contact", "mend the agency, subject or category"
        )
    if not allowed:
        return change.fault("does not reach the category's own threshold", "stage, RAG and role decide what may be asked; leave it out")
    if change.days is not None and any(change.days > category.look_back_days for _, _, category in allowed):
        return change.fault("goes further back than the category allows", f"at most @{min(each[2].look_back_days for each in allowed)}")
    added: dict[Key, ChosenQuestion] = {}
    for agency, subject, category in allowed:
        key = (agency.id, subject.ref, category.id)
        since = since_of(category, change.days or category.look_back_days, until)
        if key not in asked or since < asked[key].since:
            added[key] = ChosenQuestion(agency=key[0], subject_ref=key[1], category=key[2], since=since, until=until)
    return added or change.fault("widens nothing: it would be asked already", "leave it out")


def _key(each: ChosenQuestion) -> Key:
    return each.agency, each.subject_ref, each.category


def _shortened(each: ChosenQuestion, days: int | None) -> ChosenQuestion | None:
    """The question with fewer days; none where it is taken away."""
    return replace(each, since=max(each.since, each.until - timedelta(days=days))) if days is not None else None


def _adjusted(held: Proposal, asked: Iterable[ChosenQuestion], change: Adjustment) -> Proposal | Refused:
    """Propose anew with what the officer chose, in one order whatever the way there."""
    matrix = held.grounds.asker.settings.checks
    order: Callable[[ChosenQuestion], Key] = _key
    chosen, made = tuple(sorted(asked, key=order)), (*held.adjustments, change)
    if len(chosen) > MAX_CHOSEN or len(made) > MAX_ADJUSTMENTS:
        message = f"is more than {MAX_CHOSEN} questions or {MAX_ADJUSTMENTS} changes"
        return Refused((Fault(file="checks", message=message, fix="decide on fewer at once"),))
    checks = Checks(matrix=matrix.version if matrix else NO_MATRIX, asked=chosen, adjustments=made)
    return proposal(replace(held.grounds, decision=replace(held.grounds.decision, checks=checks)))


def _reason_faults(reason: str) -> Iterator[Fault]:
    said = reason.strip()
    if not LEAST_REASON <= len(said) <= MOST_REASON:
        yield Fault(file="--reason", message=f"is not {LEAST_REASON} to {MOST_REASON} letters long", fix="say why for this child")
    elif boilerplate(said):
        yield Fault(file="--reason", message="says nothing of this case", fix="say why for this child")


def _forbidden(key: Key, why: Why | None) -> Fault:
    message = TOO_MANY.says if why is Why.limit else "the hub's own ladder forbids telling that agency of this person"
    return Fault(file="checks", field="/".join(key), message=message, fix="mash hub checks shows the ladder")
