"""May it be said? `decide` climbs the ladder: pure, total, and withholding whatever goes wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from policies.answers import ERRORS
from policies.compiled import Agreed, Compiled, Plan
from policies.pack import Pack
from policies.question import Decision, PolicyQuestion
from policies.verdict import AGREED, DETRIMENT_RECORDED, EMERGENCY, GLASS, REVIEW_DUE, Verdict
from policies.vocabulary import Alert, Fact
from schemas.enums import Outcome, Stage
from schemas.identifiers import Slug

__all__ = ["Decision", "PolicyQuestion", "decide"]

ERROR: Final = Slug("error")
ON_ERROR: Final = Verdict(outcome=Outcome.withhold, answers=ERRORS, caps=(ERROR,), alerts=(Alert.error,))
UTC_OFFSET: Final = timedelta(0)
# bound once: looking a member up on its enum costs more than the test it is for
_EMERGENCY: Final = Stage.emergency
_BREAK_GLASS: Final = Fact.break_glass
_DETRIMENT_MORE: Final = Fact.detriment_more


def decide(question: PolicyQuestion, pack: Pack, at: datetime) -> Decision:
    """Climb every layer by the law in force on that day (a UTC day); any error withholds, with an alert."""
    try:
        return Decision(question, pack, at, _verdict(question, pack, at))
    except Exception:  # noqa: BLE001 - whatever went wrong, the answer is no; the caller sees the alert
        return Decision(question, pack, at, ON_ERROR)


def _verdict(question: PolicyQuestion, pack: Pack, at: datetime) -> Verdict:
    """In this order."""
    # (1) whose pack, which day
    compiled = pack.compiled
    if question.discloser != compiled.party or question.discloser_kind is not compiled.kind:
        raise ValueError("the pack is another controller's")
    if at.tzinfo is not UTC and at.utcoffset() != UTC_OFFSET:
        raise ValueError("the time is not UTC")
    day = at.date()
    # (2) the rules that speak of the question, whatever the day and the facts
    index = compiled.index
    plan = compiled.plans.get(question.category, compiled.unknown)
    way = plan.ways[question.disclosure]
    context, rows = way.contexts[question.recipient_kind, question.stage, question.purpose]
    speaking = plan.mask & context & index.disclosures[question.disclosure] & index.roles[question.role]
    # (3) of those, the ones in force whose facts hold, stated, granted in advance by the controller, or worked out here
    granted = plan.granted.get((question.stage, question.role))
    known = granted.facts if granted is not None and day <= granted.until else compiled.facts
    lacking = index.lacking(question.facts, known)
    agreed = _agreed(question, compiled, day)
    can = speaking & index.on(day) & ~(lacking.failing | way.unmet | _unmet(question, compiled, plan, agreed, day))
    # (4) the ladder they make
    flags = _flags(question, agreed, day)
    if flags & GLASS:
        rows = ()  # the release table speaks of no broken glass
    return pack.judge(plan, can, speaking & index.turning, lacking.caps, rows, flags)


def _agreed(question: PolicyQuestion, compiled: Compiled, day: date) -> Agreed | None:
    """The agreement in force that covers the question."""
    for each in compiled.agreements.get((question.recipient, question.category, question.purpose), ()):
        if each.since <= day <= each.until:
            return each
    return None


def _unmet(question: PolicyQuestion, compiled: Compiled, plan: Plan, agreed: Agreed | None, day: date) -> int:
    """Rules that need a fact which is worked out here and does not hold."""
    unmet = 0
    if question.stage not in plan.stages or question.rag not in plan.rags or question.role not in plan.roles:
        unmet |= compiled.index.needs[Fact.threshold_reached]
    if (day - question.since).days > plan.look_back_days or question.until < question.since:
        unmet |= compiled.index.needs[Fact.look_back_within]
    if agreed is None:
        unmet |= compiled.index.needs[Fact.agreement_in_force]
    if agreed is None or not agreed.secrecy:
        unmet |= compiled.index.needs[Fact.recipient_bound_to_secrecy]
    return unmet


def _flags(question: PolicyQuestion, agreed: Agreed | None, day: date) -> int:
    flags = 0
    if question.stage is _EMERGENCY:
        flags = EMERGENCY | GLASS if _BREAK_GLASS in question.facts else EMERGENCY
    if _DETRIMENT_MORE in question.facts:
        flags |= DETRIMENT_RECORDED
    if agreed is not None:
        flags |= AGREED if day <= agreed.review_by else AGREED | REVIEW_DUE
    return flags
