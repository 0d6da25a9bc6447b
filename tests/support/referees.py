"""Truth against what was released: who was found, who was missed and why, and whether anybody's was taken for another's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from schemas.enums import Status
from schemas.events import CaseRecord, JoinedAnswer
from schemas.records import Item

FOUND = {Status.released, Status.none_held}
NOT_FOUND = {Status.not_found, Status.ambiguous}


@dataclass(slots=True)
class Verdict:
    """Of every subject that an agency really has on record and searched for: `found`, `missed` by what was wrong, `wrong`."""

    found: Counter[str] = field(default_factory=Counter)
    missed: Counter[tuple[str, str]] = field(default_factory=Counter)
    needless: list[tuple[str, str, str]] = field(default_factory=list)  # missed although nothing was wrong
    wrong: list[tuple[str, str, str]] = field(default_factory=list)  # contact, subject and agency


def judge(records: Iterable[CaseRecord], truth: dict[str, Any]) -> Verdict:
    """Compare every answer with what is true of its subject at its agency."""
    verdict = Verdict()
    for record in records:
        answers: dict[tuple[str, str], list[JoinedAnswer]] = {}
        for joined in record.answers:
            answers.setdefault((str(joined.answer.subject_ref), joined.agency.slug), []).append(joined)
        for (subject, agency), joined in answers.items():
            true = truth["contacts"][record.contact_ref]["subjects"][subject][agency]
            _count(verdict, (str(record.contact_ref), subject, agency), joined, true)
    return verdict


def _count(verdict: Verdict, which: tuple[str, str, str], joined: list[JoinedAnswer], true: dict[str, Any]) -> None:
    statuses = {each.answer.status for each in joined}
    agency = which[2]
    if any(not _theirs(item, each, true) for each in joined for item in each.answer.items) or (statuses & FOUND and not true["keys"]):
        verdict.wrong.append(which)
    elif statuses & FOUND:
        verdict.found[agency] += 1
    elif statuses & NOT_FOUND and true["keys"]:
        for kind in true["dirt"] or [("nothing" if true["as_told"] else "contact") if true["outcome"] == "confirmed" else "likeness"]:
            verdict.missed[agency, kind] += 1
        if not true["dirt"] and true["as_told"] and true["outcome"] == "confirmed":
            verdict.needless.append(which)


def _theirs(item: Item, joined: JoinedAnswer, true: dict[str, Any]) -> bool:
    """Whether this very row is among those the agency has of this person; free text may have been cut, days and keys may not."""
    said = {(str(each.name), each.value) for each in item.fields}
    rows = [row for row in true["rows"] if row["category"] == joined.answer.category and row["at"][:10] == str(item.at)]
    return any(len(said & set(row["fields"].items())) >= min(1, len(said)) and {n for n, _ in said} <= set(row["fields"]) for row in rows)


def table(verdict: Verdict) -> str:
    """What is reported: found and missed by agency, missed by kind of dirt."""
    lines = [f"{'agency':12}{'found':>7}{'missed':>8}  by"]
    for agency in sorted({*verdict.found, *(each for each, _ in verdict.missed)}):
        kinds = {kind: count for (each, kind), count in sorted(verdict.missed.items()) if each == agency}
        told = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
        lines.append(f"{agency:12}{verdict.found[agency]:7}{sum(kinds.values()):8}  {told}")
    return "\n".join(lines)


def words_of(record: CaseRecord) -> str:
    """Everything that agencies released of one case."""
    return json.dumps([[each.value for each in item.fields] for joined in record.answers for item in joined.answer.items])
