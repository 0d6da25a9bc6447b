"""Why: a decision as one reader is told it, and a logged one found again in a party's folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import typer

from agents.cli.casetext import when
from agents.cli.compose import officer_of, own_pack, party_of
from agents.cli.output import Exit, tell
from agents.cli.show import WORDS
from agents.identity import DECISION_PREFIX
from agents.logged import Found, named
from broker.effect import Effect
from broker.packfiles import kept_pack
from broker.party import Party
from policies.decision import Decision
from policies.explain import ladder, near_misses, shown_caps, shown_outcome
from policies.holder import holder_told
from policies.pack import Pack
from policies.replay import decide_again, differences
from policies.sentences import MEANINGS
from policies.vocabulary import Audience
from schemas.enums import Kind, Operation, Outcome, Status
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import Digest, Slug
from schemas.records import Officer

WHAT: Final = {Kind.request: "its question to", Kind.response: "its answer to", Kind.contact: "its contact to"}
IGO: Final = "information_governance"
LEAST: Final = 2 * DECISION_PREFIX  # hexadecimal letters: fewer could name another decision by a typing error, and are no name in the index
NAME: Final = re.compile(rf"[0-9a-f]{{{LEAST},32}}")
KINDS_TODAY: Final = "both bodies are of the kind that the directory lists today"
AS_FOUND: Final = "the ladder takes the right person as found; what the search then gave is in what was said"
ABOUT_CONCERN: Final = "a hub that asks discloses its concern about the person, whatever category it asks about"
OF_ITS_OWN: Final = (
    "the body that told has a task in law, the policy documents and the considerations that its telling needs: a hub cannot look them up"
)
TAKEN_OF: Final = {Kind.request: ABOUT_CONCERN, Kind.response: AS_FOUND, Kind.contact: OF_ITS_OWN}
NO_MACHINE: Final = "the ladder would release; a person of the agency has said that no machine answers this question"
LEFT_TO_PERSON: Final = (
    "the ladder would release; the source leaves it to a person, or it is more than one message holds: which is not kept"
)


def explained(decision: Decision, voice: Audience) -> dict[str, Any]:
    """Outcome, ladder, caps and near misses, as one reader is told them; an asker on the question alone."""
    return {
        "outcome": shown_outcome(decision, voice).value,
        "ladder": [
            {
                "layer": step.layer.value,
                "applies": step.applies,
                "met": step.met,
                "rule": step.rule,
                "citation": step.citation,
                "says": step.says,
            }
            for step in ladder(decision, voice)
        ],
        "caps": list(shown_caps(decision, voice)),
        "near_misses": [
            {"fact": each.fact, "value": each.value, "says": each.says}
            for each in near_misses(decision.question, decision.pack, decision.at, voice)
        ],
        "in_short": list(holder_told(decision).lines) if voice is Audience.holder else [],
    }


def explained_lines(facts: dict[str, Any]) -> Iterator[str]:
    """The same for a person to read."""
    yield from (f"  {said}" for said in facts["in_short"])
    for step in facts["ladder"]:
        sign = "-" if not step["applies"] else "+" if step["met"] else "x"
        yield f"  {sign} {step['layer']:16} {step['citation'] or ''}"
        yield f"    {step['says']}"
    yield f"outcome: {facts['outcome']}" + (f"; held by {', '.join(facts['caps'])}" if facts["caps"] else "")
    yield from (f"near miss: {each['says']}" for each in facts["near_misses"])


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Retold:
    """A logged decision made again; by the present pack where the one that made it is not at hand."""

    found: Found
    decision: Decision
    at_hand: bool

    @property
    def differs(self) -> tuple[str, ...]:
        """In what it is not as it was logged."""
        return differences(self.found.logged, self.decision)


def explain_logged(folder: Path, name: str, viewer: str | None, role: str, voice: Audience, *, as_json: bool) -> None:
    """Explain a decision of a party's access log; the look is an entry before anything is shown. Exit 1 where it comes out otherwise."""
    if viewer is None:
        raise ConfigurationError([Fault(file="--as", message="is missing: every look is an entry", fix="your staff id")])
    present = own_pack(folder)
    party = party_of(folder)
    try:
        officer = officer_of(viewer, role, party.id)
        one = _named(party, name)
        kept = kept_pack(folder, one.logged.pack_digest)
        retold = _retold(one, kept, present)
        _enter(party, one, officer)
    finally:
        party.close()
    facts = _facts(retold, voice)
    tell(as_json, facts, [*_lines(retold, facts), "This view is in the access log (unwitnessed)."])
    if retold.at_hand and retold.differs:
        raise typer.Exit(Exit.no)


def _retold(one: Found, kept: Pack | None, present: Pack) -> Retold:
    pack = kept or present
    return Retold(found=one, decision=decide_again(one.logged, pack), at_hand=pack.digest == one.logged.pack_digest)


def _named(party: Party, name: str) -> Found:
    """The one decision whose id begins so."""
    wanted = name.lower()
    if NAME.fullmatch(wanted) is None:
        message, fix = "is no decision's id", f"{LEAST} to 32 hexadecimal letters, as `mash case show` prints them"
        raise ConfigurationError([Fault(file="ID", message=message, fix=fix)])
    hits = named(party, wanted)
    if len(hits) > 1:
        raise ConfigurationError([Fault(file=wanted, message=f"is how {len(hits)} decisions begin", fix="give more of it")])
    if not hits:
        message = f"is no decision of {party.id} that can still be read"
        fix = "look in the folder of whoever made it; what was taken back or erased is gone; `mash policy replay shipped --json` lists ids"
        raise ConfigurationError([Fault(file=wanted, message=message, fix=fix)])
    return hits[0]


def _enter(party: Party, one: Found, officer: Officer) -> None:
    looked = replace(
        one.entry, at=party.now(), operation=Operation.consultation, actor=officer, outcome=Slug("explained"), envelope=one.request
    )
    party.store.apply([Effect(entries=(looked,))], party.seal, party.now())


def _facts(retold: Retold, voice: Audience) -> dict[str, Any]:
    one, logged = retold.found, retold.found.logged
    return {
        "decision": str(logged.id),
        "disclosure": logged.disclosure.value,
        "discloser": str(retold.decision.question.discloser),
        "recipient": str(one.recipient),
        "case": str(one.entry.case_id),
        "request": str(one.request),
        "subject": str(logged.subject_ref),
        "category": str(logged.category),
        "stage": logged.stage.value,
        "decided_at": logged.at.isoformat(),
        "decided_by": one.entry.actor.id,
        "said": str(one.entry.outcome),
        "pack": str(logged.pack_digest),
        "explained_by": str(retold.decision.pack.digest),
        "pack_at_hand": retold.at_hand,
        "differs": list(retold.differs),
        "taken_as_given": list(_assumed(retold, voice)),
        "recipient_conditions": list(one.entry.recipient_rules),
        "log": "unwitnessed",
    } | explained(retold.decision, voice)


def _assumed(retold: Retold, voice: Audience) -> Iterator[str]:
    """What neither the entry nor the envelope proves, and is read from what was said."""
    logged, answer = retold.found.logged, retold.found.answer
    yield KINDS_TODAY
    yield from (f"that day {MEANINGS[fact]}: the answer says so" for fact in sorted(logged.standing))
    yield TAKEN_OF[logged.disclosure]
    if answer is None or voice is Audience.requester or answer.reviewed_by is not None or retold.decision.outcome is not Outcome.release:
        return
    if answer.status is Status.contact_us:
        yield NO_MACHINE
    if answer.status is Status.in_review:
        yield LEFT_TO_PERSON


def _lines(retold: Retold, facts: dict[str, Any]) -> Iterable[str]:
    logged = retold.found.logged
    yield (
        f"{facts['decision']}: {_discloser(retold)}, {WHAT[logged.disclosure]} {facts['recipient']} "
        f"about {facts['subject']} in {facts['category']}, "
        f"stage {facts['stage']}, {when(logged.at, '%H:%M:%S on %d %b %Y')}"
    )
    said = WORDS[retold.found.answer.status] if retold.found.answer is not None else retold.found.entry.outcome
    yield f"logged: {said}, by {facts['decided_by']}, pack {_short(logged.pack_digest)}"
    yield from _by_which(retold)
    yield from explained_lines(facts)
    if conditions := facts["recipient_conditions"]:
        yield f"the recipient holds it by {', '.join(conditions)}"
    yield from (f"taken as given: {each}" for each in facts["taken_as_given"])


def _discloser(retold: Retold) -> str:
    """By name; of a contact as far as it is known who told."""
    entry = retold.found.entry
    told = retold.found.logged.disclosure is Kind.contact
    return str(retold.decision.question.discloser) if not told else entry.told_by or "whoever told, no body known here"


def _by_which(retold: Retold) -> Iterator[str]:
    """By which pack, and whether it comes out as it was logged."""
    used, differs = _short(retold.decision.pack.digest), ", ".join(retold.differs)
    if not retold.at_hand:
        yield f"EXPLAINED BY ANOTHER PACK, the present one ({used}): the texts of the one that decided are not at hand"
        yield f"by it, not as logged: {differs}" if differs else "by it, as logged"
    elif differs:
        yield f"NOT AS LOGGED, though by the pack that decided ({used}): {differs}"
    else:
        yield f"explained by the pack that decided ({used}); it comes out as logged"


def _short(digest: Digest) -> str:
    return str(digest)[:16]
