"""What waits for a reviewer, and what they look at, as lines and as JSON."""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter

from agents.adapter.choice import Form, Named
from agents.adapter.dossier import Dossier, Waiting
from agents.adapter.edits import Numbered
from agents.adapter.sight import Sight
from agents.cli.casetext import when
from agents.cli.show import WORDS, ladder_lines, name_of, near_lines, searched_line, unanswered_line
from policies.explain import ladder, near_misses
from policies.holder import holder_told
from policies.sentences import MEANINGS
from policies.vocabulary import Audience
from schemas.records import Item, LadderStep, NearMiss, Reasking, Searched, Subject, Unanswered

SHORT: Final = "%d %b %H:%M"  # in a list
_NUMBERED = TypeAdapter(tuple[Numbered, ...])
_SUBJECT = TypeAdapter(Subject)
_REASKING: TypeAdapter[Reasking | None] = TypeAdapter(Reasking | None)
_FORMS = TypeAdapter(tuple[Form, ...])
_LADDER, _MISSES = TypeAdapter(tuple[LadderStep, ...]), TypeAdapter(tuple[NearMiss, ...])
_SEARCHED, _UNANSWERED = TypeAdapter(tuple[Searched, ...]), TypeAdapter(tuple[Unanswered, ...])


def waiting_json(waiting: Waiting, why: tuple[str, ...]) -> dict[str, Any]:
    """Who asks about whom, in what, by when, since when, and why a person decides."""
    request, subject = waiting.dossier.request, _subject(waiting)
    return {
        "request": str(waiting.dossier.kept.digest),
        "hub": str(request.hub),
        "officer": request.officer.id,
        "stage": request.stage.value,
        "rag": waiting.dossier.standing.rag.value,
        "subject": str(subject.ref),
        "role": subject.role.value,
        "category": str(waiting.question.category),
        "status": waiting.answer.status.value,
        "due_at": waiting.dossier.standing.due_at.isoformat(),
        "asked_as": {"rag": request.rag.value, "due_at": request.due_at.isoformat()},
        "waits_since": waiting.answer.decided_at.isoformat(),
        "why": list(why),
    }


def waiting_line(waiting: Waiting, why: tuple[str, ...]) -> str:
    """The same on one line."""
    request, subject = waiting.dossier.request, _subject(waiting)
    return (
        f"{str(waiting.dossier.kept.digest)[:16]}  {subject.ref:4} {subject.role.value:14} {waiting.question.category:26} "
        f"{waiting.answer.status.value:11} due {_due(waiting.dossier)}  for {request.hub} ({request.officer.id}), "
        f"since {when(waiting.answer.decided_at, SHORT)}: {', '.join(why)}"
    )


def _due(dossier: Dossier) -> str:
    """By when, and whether the hub has moved it."""
    now, asked = dossier.standing, dossier.request
    moved = f" (moved from {when(asked.due_at, SHORT)})" if now.due_at != asked.due_at else ""
    return f"{when(now.due_at, SHORT)}{moved}"


def _rag(dossier: Dossier) -> str:
    """How urgent the hub holds it to be, and whether it asked as something else."""
    now, asked = dossier.standing.rag, dossier.request.rag
    return now.value if now is asked else f"{now.value} (asked as {asked.value}; the lawful basis is of what was asked)"


def sight_json(sight: Sight, why: tuple[str, ...]) -> dict[str, Any]:
    """All that a reviewer sees; `items` cut down is what `mash review edit` takes."""
    request = sight.asked.request
    misses = near_misses(sight.decided.decision.question, sight.decided.decision.pack, sight.at, Audience.reviewer)
    return waiting_json(sight.waiting, why) | {
        "asked_about": _SUBJECT.dump_python(_subject(sight.waiting), mode="json"),
        "concern": request.concern,
        "necessity": {"reason": request.necessity.reason.value, "text": request.necessity.text},
        "reasking": _REASKING.dump_python(request.reasking, mode="json"),
        "stated": sorted(sight.stated.facts),
        "in_short": list(holder_told(sight.decided.decision, request.duty_contact).lines),
        "may_be_released": sight.is_lawful,
        "ladder": _LADDER.dump_python(ladder(sight.decided.decision, Audience.reviewer), mode="json"),
        "near_misses": _MISSES.dump_python(misses, mode="json"),
        "candidates": [_candidate(number, each) for number, each in enumerate(sight.candidates, 1)],
        "people": list(sight.choice.people),
        "forms": _FORMS.dump_python(sight.blanks, mode="json"),
        "would_say": None if not sight.is_lawful or sight.needs_person or sight.unread else sight.status.value,
        "searched": _SEARCHED.dump_python(sight.searched, mode="json"),
        "unanswered": _UNANSWERED.dump_python(sight.unanswered, mode="json"),
        "items": _NUMBERED.dump_python(
            tuple(Numbered(number=number, item=each) for number, each in enumerate(sight.items, 1)), mode="json"
        ),
    }


def sight_lines(sight: Sight, why: tuple[str, ...]) -> list[str]:
    """The same for a person to read."""
    request, facts = sight.asked.request, sight_json(sight, why)
    waiting, question = sight.waiting, sight.waiting.question
    lines = [
        waiting_line(waiting, why),
        _asked_about(_subject(waiting)),
        f"{question.category} from {question.since:%d %b %Y} to {question.until:%d %b %Y}",
        f"Concern: {request.concern}",
        f"Necessary because ({request.necessity.reason.value}): {request.necessity.text}",
        f"Asked by {request.officer.id} ({request.officer.role}), stage {request.stage.value}, RAG {_rag(waiting.dossier)}",
        *([f"Asked again, on the word of {_manager(request.reasking)}: {request.reasking.rationale}"] if request.reasking else []),
        *([f"You state: {'; '.join(MEANINGS[each] for each in sorted(sight.stated.facts))}"] if sight.stated.facts else []),
        "",
        "In short",
        *(f"  {line}" for line in facts["in_short"]),
        "",
        "Lawful basis",
        *(f"  {line}" for line in ladder_lines(ladder(sight.decided.decision, Audience.reviewer))),
    ]
    misses = near_misses(sight.decided.decision.question, sight.decided.decision.pack, sight.at, Audience.reviewer)
    lines += [f"  would change it: {line}" for line in near_lines(misses)]
    if not sight.is_lawful:
        return [*lines, "", "The ladder does not allow it; nothing was looked up."]
    if sight.candidates:
        chosen = facts["people"]
        lines += ["", "It is not sure who is meant; one of these, for your eyes only"]
        lines += [f"  {'>' if each['number'] in chosen else ' '}{_candidate_line(each)}" for each in facts["candidates"]]
    if sight.needs_person:
        unsure = " and ".join(f"--nothing {each.source}" for each in sight.searches if each.is_unsure)
        meant = (
            "Name who is meant with --person, or where it is none of them say"
            if sight.candidates
            else "Nobody was found to choose from. Say"
        )
        return [*lines, "", f"{meant} {unsure}, and look again; otherwise nothing is released."]
    if sight.unread:
        return [*lines, "", f"Only a person may read {', '.join(sight.unread)}: give --form FILE, or --nothing SOURCE, and look again."]
    searched = "; ".join([*map(searched_line, sight.searched), *map(unanswered_line, sight.unanswered)])
    lines += ["", f"Would say: {WORDS[sight.status]}  ({searched})"]
    return lines + [line for number, each in enumerate(sight.items, 1) for line in _item_lines(number, each)]


def _manager(said: Reasking) -> str:
    return f"{said.manager.id} ({said.manager.role})"


def _subject(waiting: Waiting) -> Subject:
    return next(each for each in waiting.dossier.request.subjects if each.ref == waiting.question.subject_ref)


def _asked_about(subject: Subject) -> str:
    """A subject as the hub knows them, to hold beside those found."""
    born = subject.born_on.isoformat() if subject.born_on else "not known"
    homes = ", ".join(each.postcode or each.line or "" for each in subject.addresses) or "no address"
    numbers = ", ".join(f"{each.value}{'' if each.verified else ' (not traced)'}" for each in subject.identifiers) or "no number"
    return f"{name_of(subject)} ({subject.relation_to_child}), born {born}, {homes}, {numbers}"


def _candidate(number: int, named: Named) -> dict[str, Any]:
    """A candidate and whose they are, without the key by which that source knows them."""
    source, person = named
    return {
        "number": number,
        "source": source,
        "family_name": person.family_name,
        "given_names": person.given_names,
        "born_on": person.born_on.isoformat() if person.born_on else None,
        "postcode": person.postcode,
        "nhs_number": person.nhs_number,
        "nhs_number_verified": person.nhs_number_verified,
    }


def _candidate_line(each: dict[str, Any]) -> str:
    name = f"{each['given_names']} {each['family_name']}"
    return f"{each['number']}  {name}, born {each['born_on']}, {each['postcode']}, NHS {each['nhs_number']}  ({each['source']})"


def _item_lines(number: int, item: Item) -> list[str]:
    at = f"{item.at:%d %b %Y}" if item.at else "no date"
    return [
        f"  {number}  {at}  [{item.assertion.value}]  {item.source or ''}".rstrip(),
        *(f"       {each.name}: {each.value}" for each in item.fields),
    ]
