"""Case records, ladders and logs for people: words, not only colours."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from agents.cli.casetext import REVIEW, asks_line, error_line, happened_line, missing, running, standing, when
from schemas.enums import Status
from schemas.events import CaseRecord, JoinedAnswer, OralItem, Unasked
from schemas.records import Answer, LadderStep, NearMiss, Searched, Subject, Unanswered

_RECORD = TypeAdapter(CaseRecord)
WORDS = {
    Status.released: "released",
    Status.none_held: "nothing held",
    Status.withheld: "withheld",
    Status.contact_us: "ring the agency (neither confirms nor denies)",
    Status.in_review: "with a reviewer at the agency",
    Status.not_found: "person not found",
    Status.ambiguous: "not sure who is meant: one more detail is needed",
    Status.source_unavailable: "the agency's system did not answer",
    Status.stale: "the agency's extract is too old",
}

MISSING = {Status.source_unavailable: "it did not answer", Status.stale: "it is too old"}


def record_json(record: CaseRecord) -> dict[str, Any]:
    """A case record as plain JSON values."""
    plain: dict[str, Any] = json.loads(_RECORD.dump_json(record))
    return plain


def searched_line(each: Searched) -> str:
    """Which source, how fresh, by what, and what it covers."""
    by = ", ".join(name.replace("_", " ") for name in each.identifiers) or "nothing that a search can go by"
    return f"{each.source} as of {when(each.as_of)} by {by}" + (f" (covers: {each.scope})" if each.scope else "")


def unanswered_line(each: Unanswered) -> str:
    """Which source is missing from an answer, why, and what it covers."""
    return f"{each.source} IS MISSING: {MISSING[each.status]}" + (f" (covers: {each.scope})" if each.scope else "")


def record_file(record: CaseRecord) -> bytes:
    """The same, as the text of a file."""
    return _RECORD.dump_json(record, indent=1) + b"\n"


def record_lines(record: CaseRecord) -> list[str]:
    """A whole case record with provenance; answers that stand on the same ladder name it by letter, and each ladder follows once."""
    lines = [
        f"Case {record.case_id}  version {record.version}  contact {record.contact_ref}",
        f"Stage {record.stage.value}  RAG {record.rag.value}  purpose {record.purpose.value}  opened {when(record.opened_at)}",
        "",
        "Asked",
        *(f"  {each.agency:24} {standing(each)}" for each in record.agencies),
    ]
    lines += _course(record)
    lines += ["", "Missing", *(f"  {each}" for each in missing(record) or ["nothing that was asked"])]
    bases: dict[tuple[str, ...], str] = {}
    for subject in record.subjects:
        lines += ["", f"{subject.ref}  {subject.role.value} ({subject.relation_to_child}): {name_of(subject)}"]
        for answer in record.answers:
            if answer.answer.subject_ref == subject.ref:
                ladder = tuple(ladder_lines(answer.answer.ladder))
                lines += answer_lines(answer, bases.setdefault(ladder, _letter(len(bases))))
        lines += [_oral_line(each) for each in record.oral if each.said.subject_ref == subject.ref]
        refused = [each for each in record.unasked if each.subject_ref == subject.ref]
        for one in refused:
            lines.append(f"    {one.agency}  {one.category}: not asked (the hub's own ladder)")
            lines += [f"      would change it: {line}" for line in near_lines(one.near_misses)]
    for ladder, letter in bases.items():
        lines += ["", f"Lawful basis {letter}", *(f"  {line}" for line in ladder)]
    return lines


def _course(record: CaseRecord) -> list[str]:
    """What was taken back, and how the rating went."""
    taken = [
        f"  {each.agency:24} TOOK BACK what it had said ({each.reason.value}) at {when(each.received_at)}" for each in record.corrected
    ]
    rated = [f"  {each.rag.value:6} {when(each.at)} by {each.officer.id}: {each.rationale}" for each in record.ratings]
    recorded = [f"  {happened_line(each)}" for each in record.happened]
    wrong = [f"  {error_line(each)}" for each in record.in_error]
    timed = [line for each in record.timescales for line in (f"  {each.timescale:24} {running(each)}", f"    {asks_line(each)}")]
    course = ["", "What happened", *recorded, *wrong] if recorded or wrong else []
    course += ["", "Timescales of the case", *timed] if timed else []
    return [*taken, "", "Ratings", *rated, *course]


def _oral_line(item: OralItem) -> str:
    said = item.said
    state = "confirmed since" if item.confirmed else "UNCONFIRMED"
    return f"    {said.agency}  {said.category}: said aloud by {said.said_by.id}, {state}: {said.words}"


def _letter(number: int) -> str:
    """A to Z, then AA, AB and so on."""
    return (_letter(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)  # noqa: PLR2004 - letters of the alphabet


def name_of(subject: Subject) -> str:
    """A subject's names as far as they are known."""
    names = [part for part in (subject.given_names, subject.family_name) if part]
    known = f'known as "{subject.known_as}"' if subject.known_as else ""
    return " ".join([*names, known]).strip() or "no name known"


def answer_lines(joined: JoinedAnswer, basis: str) -> list[str]:
    """One answer: what was said, by whom, in which envelope, on which lawful basis."""
    said = joined.answer
    lines = [f"    {joined.agency}  {said.category}: {WORDS[said.status]}  (lawful basis {basis})"]
    if said.reviewed_by is not None:
        lines.append(f"      decided by {said.reviewed_by.id} ({said.reviewed_by.role})")
    if said.interpretation is not None:
        lines.append(f"      in their words: {said.interpretation}")
    for item in said.items:
        at = f"{item.at:%d %b %Y}" if item.at else "no date"
        fields = "; ".join(f"{field.name} {field.value}" for field in item.fields)
        lines.append(f"      {at}  [{item.assertion.value}] {fields}" + (f"  ({item.source})" if item.source else ""))
    lines += [f"      {unanswered_line(each)}" for each in said.unanswered]
    if said.status not in {Status.released, Status.none_held}:
        lines.append(f"      ring {said.duty_contact.name} {said.duty_contact.phone} ({said.duty_contact.hours})")
        lines += [f"      would change it: {line}" for line in near_lines(said.near_misses)]
    searched = "; ".join(searched_line(each) for each in said.searched) or "nothing was searched"
    agreed = f"; agreed on {', '.join(said.agreed_fields)}" if said.agreed_fields else ""
    lines.append(
        f"      from envelope {str(joined.envelope)[:16]} decision {str(said.decision_id)[:16]} by {said.decided_by}; {searched}{agreed}"
    )
    return lines


def ladder_lines(ladder: tuple[LadderStep, ...]) -> list[str]:
    """The lawful basis, layer by layer."""
    lines = []
    for step in ladder:
        mark = "-" if not step.applies else ("yes" if step.met else "NO")
        cited = f"{step.rule} ({step.citation})" if step.rule else step.says
        review = f"  {REVIEW}" if step.legal_review_needed else ""
        lines.append(f"{step.layer.value:15} {mark:4} {cited}{review}")
    return lines


def refusal_lines(said: Answer | Unasked, agency: str) -> list[str]:
    """One refusal and what would have made it lawful."""
    lines = [f"{agency}  {said.category}: refused"]
    lines += [f"  {line}" for line in ladder_lines(said.ladder)]
    lines += ["  What would have changed the answer:"]
    lines += [f"    {line}" for line in near_lines(said.near_misses)] or ["    nothing the asker can honestly supply"]
    return lines


def near_lines(misses: tuple[NearMiss, ...]) -> list[str]:
    """Near misses as sentences."""
    return [f"{miss.layer.value}: {miss.says}" for miss in misses]
