"""`mash hub checks`: what each agency would be asked and why not more; narrowed, widened, sent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import TypeAdapter, ValidationError

from agents.cli.casetext import REVIEW, when
from agents.cli.compose import hub_of, officer_of
from agents.cli.history import history_json, history_lines
from agents.cli.output import AsJson, guarded, tell
from agents.cli.show import ladder_lines, near_lines
from agents.hub.checks import Plan
from agents.hub.happenings import decision_of
from agents.hub.intake import SAY_WHY, faults_of
from agents.hub.links import linked
from agents.hub.proposal import FORM, Grounds, LeftOut, Proposal, Refused, Why, narrow, proposal, read_changes, widen
from agents.hub.service import Hub
from broker.settings import read_bytes
from policies.explain import ladder
from policies.vocabulary import Audience, LegalReview
from policies.wording import boilerplate
from schemas.errors import ConfigurationError, Fault
from schemas.events import Contact, OfficerDecision
from schemas.records import LadderStep, Officer

_LADDER = TypeAdapter(tuple[LadderStep, ...])
WHY = {
    Why.unworded: "hub.toml has no words for this stage",
    Why.threshold: "stage, RAG or role does not reach the category's threshold",
    Why.matrix: "the checks matrix does not ask for it",
    Why.officer: "narrowed by the officer",
    Why.ladder: "the hub may not tell that agency of this person",
    Why.limit: "more questions than one request holds",
}


def read_decision(file: Path) -> OfficerDecision:
    """An officer's decision from a JSON file; ConfigurationError lists every fault."""
    try:
        decision = TypeAdapter(OfficerDecision).validate_json(read_bytes(file), strict=True)
    except ValidationError as error:
        raise ConfigurationError(faults_of(error, str(file))) from None
    if boilerplate(decision.necessity.text):
        raise ConfigurationError([Fault(file=str(file), field="necessity.text", message="says nothing of this case", fix=SAY_WHY)])
    return decision


@guarded
def checks(
    case: Annotated[UUID, typer.Argument(help="The case.")],
    file: Annotated[
        Path | None, typer.Argument(help="The decision to be made, as for `mash hub decide`; without it, the one that has been.")
    ] = None,
    narrower: Annotated[list[str] | None, typer.Option("--narrow", help=f"Ask less: {FORM}.")] = None,
    wider: Annotated[list[str] | None, typer.Option("--widen", help="Ask more, in the same form.")] = None,
    reason: Annotated[str, typer.Option(help="Why less or more is asked, of this case; recorded with the decision.")] = "",
    send: Annotated[bool, typer.Option("--send", help="Record the decision with these checks; mash hub run then asks.")] = False,
    viewer: Annotated[
        str | None, typer.Option("--as", help="Your staff id, unless it is your own decision that you try: the look is an entry.")
    ] = None,
    role: Annotated[str, typer.Option(help="Your role.")] = "hub_member",
    folder: Annotated[Path, typer.Option("--folder", help="The hub's folder.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Which agencies would be asked what about whom, the ladder foretold, and what is left out and why.

    Other contacts and cases about the same people come first, and whether one of them is open to a worker already: look at them
    before anybody is asked. The look is an entry in each of those cases.

    Example: mash hub checks 0b6f… decision.json --narrow 'agency.trust/s2/*' --reason "The partner has never lived here." --send
    """
    less, more = read_changes(narrower or (), "--narrow"), read_changes(wider or (), "--widen")
    hub = hub_of(folder)
    try:
        decision = read_decision(file) if file is not None else None
        grounds = _grounds(hub, case, decision)
        looking, links = _viewer(hub, viewer, role, decision), linked(hub.party, case)
        for looked_at in (case, *(each.case_id for each in links if each.record is not None)):
            hub.looked(looked_at, looking, grounds.decision, "checks")
        shown = proposal(grounds)
        if less:
            shown = _made(narrow(shown, less, reason))
        if more:
            shown = _made(widen(shown, more, reason))
        if send:
            _send(hub, shown)
    finally:
        hub.party.close()
    sent = [f"{case}: decided; mash hub run asks the agencies"] if send else []
    facts = proposal_json(shown) | {"other_contacts": [each.contact_ref for each in links], "history": history_json(links), "sent": send}
    others = history_lines(links)
    tell(as_json, facts, [*others, *proposal_lines(shown), *sent])


def _viewer(hub: Hub, viewer: str | None, role: str, decision: OfficerDecision | None) -> Officer:
    if viewer is not None:
        return officer_of(viewer, role, hub.party.id)
    if decision is None:
        raise ConfigurationError([Fault(file="--as", message="is needed to look at another's decision", fix="your staff id")])
    return decision.officer


def _grounds(hub: Hub, case: UUID, decision: OfficerDecision | None) -> Grounds:
    """What a proposal rests on; a decision already made stands, and no other can be tried on its case."""
    events = hub.party.store.events(case)
    contact = next((each.body for each in events if isinstance(each.body, Contact)), None)
    if contact is None:
        raise ConfigurationError([Fault(file=str(case), message="no contact of this hub has that case", fix="mash hub show")])
    made = decision_of(events)
    if made is not None and decision is not None:
        raise ConfigurationError([Fault(file=str(case), message="is decided already", fix="leave the file out to see what was chosen")])
    if (chosen := made or decision) is None:
        raise ConfigurationError([Fault(file=str(case), message="is not decided yet", fix="name the decision's file after the case")])
    return Grounds(
        case_id=case,
        contact=contact,
        decision=chosen,
        agencies=tuple(hub.agencies),
        asker=hub.asker,
        pack=hub.pack,
        at=hub.party.now(),
    )


def _made(changed: Proposal | Refused) -> Proposal:
    if isinstance(changed, Refused):
        raise ConfigurationError(changed.faults)
    return changed


def _send(hub: Hub, shown: Proposal) -> None:
    if not shown.asked:
        message, fix = "nobody would be asked", "widen the checks; mash hub decide records a decision that asks nobody"
        raise ConfigurationError([Fault(file=str(shown.grounds.case_id), message=message, fix=fix)])
    hub.decide(shown.grounds.case_id, shown.decision)


def proposal_json(shown: Proposal) -> dict[str, Any]:
    """A proposal as plain JSON values; each distinct ladder once, named by the questions that stand on it."""
    ladders: list[tuple[LadderStep, ...]] = []
    agencies = [_agency_json(each, shown, ladders) for each in shown.plans]
    return {
        "case": str(shown.grounds.case_id),
        "agencies": agencies,
        "left_out": [_left_out_json(each, ladders) for each in shown.left_out],
        "ladders": [_LADDER.dump_python(each, mode="json") for each in ladders],
        "adjustments": [{"widens": each.widens, "reason": each.reason, "questions": len(each.questions)} for each in shown.adjustments],
    }


def _agency_json(each: Plan, shown: Proposal, ladders: list[tuple[LadderStep, ...]]) -> dict[str, Any]:
    deadline = each.deadline
    return {
        "agency": each.agency,
        "due_at": deadline.due_at.isoformat() if deadline else None,
        "timescale": deadline.timescale if deadline else None,
        "calendar": deadline.calendar if deadline else None,
        "concern": each.request.concern if each.request else None,
        "questions": [
            {
                "subject": question.subject_ref,
                "category": question.category,
                "since": question.since.isoformat(),
                "until": question.until.isoformat(),
                "ladder": _number(ladder(decided, Audience.reviewer), ladders),
                "answered_by_a_person": by_a_person(shown, question.category),
            }
            for question, decided in each.decisions
        ],
    }


def _left_out_json(each: LeftOut, ladders: list[tuple[LadderStep, ...]]) -> dict[str, Any]:
    return {
        "agency": each.agency,
        "subject": each.subject_ref,
        "category": each.category,
        "why": each.why.value,
        "ladder": _number(each.ladder, ladders) if each.ladder else None,
        "would_change_it": near_lines(each.near_misses),
    }


def _number(steps: tuple[LadderStep, ...], ladders: list[tuple[LadderStep, ...]]) -> int:
    if steps not in ladders:
        ladders.append(steps)
    return ladders.index(steps)


def by_a_person(shown: Proposal, category: str) -> bool:
    """Whether the agency never answers this category without a person."""
    return any(each.id == category and not each.automatic for each in shown.grounds.pack.categories.categories)


def proposal_lines(shown: Proposal) -> list[str]:
    """A proposal as an officer reads it; each ladder follows once, by its number."""
    ladders: list[tuple[LadderStep, ...]] = []
    decision = shown.grounds.decision
    lines = [f"Checks for case {shown.grounds.case_id}  stage {decision.stage.value}  RAG {decision.rag.value}"]
    lines += [f"  {each.ref} {each.role.value}" for each in shown.grounds.contact.subjects]
    for each in shown.plans:
        lines += ["", *_agency_lines(each, shown, ladders)]
    told = [each for each in shown.left_out if each.why is not Why.threshold]
    lines += ["", "Left out", *(line for each in told for line in _left_out_lines(each, ladders))]
    below = Counter(each.agency for each in shown.left_out if each.why is Why.threshold)
    lines += [f"  {agency}: {count} more, {WHY[Why.threshold]}" for agency, count in below.items()]
    for change in shown.adjustments:
        lines += ["", f"{'Widened' if change.widens else 'Narrowed'} ({len(change.questions)} of the questions): {change.reason}"]
    for number, steps in enumerate(ladders):
        lines += ["", f"Lawful basis {number + 1}", *(f"  {line}" for line in ladder_lines(steps))]
    return lines


def _agency_lines(each: Plan, shown: Proposal, ladders: list[tuple[LadderStep, ...]]) -> list[str]:
    if each.request is None or each.deadline is None:
        return [f"{each.agency}: is asked nothing"]
    clocks = shown.grounds.asker.settings.clocks
    rule = clocks.named(each.deadline.timescale)
    review = f" {REVIEW}" if rule is not None and rule.legal_review is LegalReview.needed else ""
    lines = [f"{each.agency}: {len(each.decisions)} questions, due {when(each.deadline.due_at)} ({each.deadline.timescale}){review}"]
    lines.append(f"  is told: {each.request.concern}")
    for question, decided in each.decisions:
        person = "; a person will answer" if by_a_person(shown, question.category) else ""
        number = _number(ladder(decided, Audience.reviewer), ladders) + 1
        span = f"{question.since:%d %b %Y} to {question.until:%d %b %Y}"
        lines.append(f"  {question.subject_ref}  {question.category}  {span}  (lawful basis {number}{person})")
    return lines


def _left_out_lines(each: LeftOut, ladders: list[tuple[LadderStep, ...]]) -> list[str]:
    basis = f" (ladder {_number(each.ladder, ladders) + 1})" if each.ladder else ""
    lines = [f"  {each.agency}  {each.subject_ref}  {each.category}: {WHY[each.why]}{basis}"]
    return lines + [f"    would change it: {line}" for line in near_lines(each.near_misses)]
