"""The end of the demo: five cases that show what the system is for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from agents.cli.casetext import seen_line, when
from agents.cli.show import WORDS, answer_lines, name_of, record_lines, refusal_lines
from agents.hub.erasure import seen_by
from broker.party import Party
from schemas.enums import AgencyStatus, Status
from schemas.events import CaseRecord, JoinedAnswer, Unasked
from schemas.records import Answer

Lines = list[str]
NONE: Final = "none of these contacts shows it; run the demo with all of them: mash demo --folder another-folder"


def tour(records: Sequence[CaseRecord], party: Party) -> Lines:
    """Each stop under its heading."""
    stops: tuple[tuple[str, Callable[[], Lines]], ...] = (
        ("One case, joined", lambda: _joined(records)),
        ("One refusal, and what would have made it lawful", lambda: _refusal(records)),
        ("One ambiguity that asked instead of guessing", lambda: _ambiguity(records)),
        ("One correction: hidden at once, erased, and who had seen it", lambda: _correction(records, party)),
        ("One review: a person decided, and said what it means", lambda: _review(records)),
    )
    lines: Lines = []
    for heading, stop in stops:
        lines += ["", heading, "=" * len(heading), "", *stop()]
    return lines[1:]


def _joined(records: Sequence[CaseRecord]) -> Lines:
    full = max(records, key=_fullness, default=None)
    return record_lines(full) if full else ["no case was opened"]


def _fullness(record: CaseRecord) -> tuple[bool, int]:
    whole = all(each.status is AgencyStatus.answered for each in record.agencies)
    agencies = {each.agency for each in record.answers if each.answer.status is Status.released}
    return whole, 1000 * len(agencies) + sum(len(each.answer.items) for each in record.answers)


def _refusal(records: Sequence[CaseRecord]) -> Lines:
    """The first refusal, one with something the asker could honestly add if there is any."""
    refused: list[tuple[str, Answer | Unasked]] = []
    for record in records:
        refused += [(each.agency, each.answer) for each in record.answers if each.answer.status is Status.withheld]
        refused += [(f"{each.agency} (not asked)", each) for each in record.unasked]
    agency, said = min(refused, key=lambda each: not each[1].near_misses, default=("", None))
    return refusal_lines(said, agency) if said is not None else ["nothing was refused"]


def _first(records: Sequence[CaseRecord], fits: Callable[[JoinedAnswer], bool]) -> tuple[CaseRecord, JoinedAnswer] | None:
    return next(((record, each) for record in records for each in record.answers if fits(each)), None)


def _ambiguity(records: Sequence[CaseRecord]) -> Lines:
    found = _first(records, lambda each: each.answer.status is Status.ambiguous)
    if found is None:
        return [NONE]
    record, joined = found
    subject = next(each for each in record.subjects if each.ref == joined.answer.subject_ref)
    contact = joined.answer.duty_contact
    return [
        f"{record.contact_ref}: {subject.role.value} ({subject.relation_to_child}), {name_of(subject)}",
        f"  {joined.agency}, {joined.answer.category}: {WORDS[Status.ambiguous]}",
        "  Nothing was released, and nothing says who else might be meant.",
        f"  Ring {contact.name}, {contact.phone} ({contact.hours})",
    ]


def _correction(records: Sequence[CaseRecord], party: Party) -> Lines:
    taken = ((record, each) for record in records for each in record.corrected)
    found = min(taken, key=lambda each: each[1].reason.value != "wrong_person", default=None)
    if found is None:
        return [NONE]
    record, corrected = found
    state = next(each for each in record.agencies if each.agency == corrected.agency)
    seen = seen_line(seen_by(party, record.case_id, corrected))
    return [
        f"{record.contact_ref}: {corrected.agency} took back its answer ({corrected.reason.value}) at {when(corrected.received_at)}",
        f"  decided by {corrected.officer.id} ({corrected.officer.role})",
        f"  {len(corrected.corrects)} envelope hidden at once and its key destroyed; {seen}",
        f"  now: {state.status.value}, revision {state.revision}",
    ]


def _review(records: Sequence[CaseRecord]) -> Lines:
    found = _first(records, lambda each: each.answer.reviewed_by is not None and bool(each.answer.items))
    if found is None:
        return [NONE]
    record, joined = found
    return [f"{record.contact_ref}, revision {joined.revision}", *answer_lines(joined, "as for the others of this agency")]
