"""A hub's own history before anybody is asked: other contacts, open cases, and who works with the child already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from agents.cli.casetext import link_lines, when
from agents.hub.board import WAITING
from agents.hub.links import Linked, Plan
from schemas.events import CaseRecord


def history_lines(links: Iterable[Linked]) -> list[str]:
    """Each other contact, its case if one is open, and a plan that is going on."""
    return [line for each in links for line in _lines(each)]


def _lines(each: Linked) -> Iterator[str]:
    yield from (f"Other contact: {line}" for line in link_lines([each]))
    if each.record is None:
        yield f"  case {each.case_id}: no case has been opened of it"
    else:
        yield f"  case {each.case_id}: {'OPEN' if each.is_open else 'settled'}, {_case(each.record)}"
    yield from (f"  ALREADY OPEN TO A WORKER: {_plan(one)}; give it to them before anybody is asked" for one in each.allocated)


def _case(record: CaseRecord) -> str:
    by, awaited = record.ratings[0].officer, _awaited(record)
    waits = f"; awaited: {', '.join(awaited)}" if awaited else ""
    return f"{record.rag.value}, stage {record.stage.value}, decided by {by.id} ({by.role}){waits}"


def _plan(each: Plan) -> str:
    told = ", ".join(f"{field.name.replace('_', ' ')} {field.value}" for field in each.item.fields if field.value.strip())
    answer = each.answer
    return (
        f"{answer.agency} told at {when(answer.received_at)} of {answer.answer.subject_ref}, {answer.answer.category}: {told}, and no end"
    )


def _awaited(record: CaseRecord) -> list[str]:
    return sorted({each.agency for each in record.agencies if each.status in WAITING})


def history_json(links: Iterable[Linked]) -> list[dict[str, Any]]:
    """The same for machines."""
    return [_json(each) for each in links]


def _json(each: Linked) -> dict[str, Any]:
    record = each.record
    return {
        "case": str(each.case_id),
        "contact": each.contact_ref,
        "received_at": each.received_at.isoformat(),
        "same_person": each.same_person,
        "open": each.is_open,
        "rag": record.rag.value if record else None,
        "stage": record.stage.value if record else None,
        "decided_by": record.ratings[0].officer.id if record else None,
        "awaited": _awaited(record) if record else [],
        "allocated": [
            {
                "agency": one.answer.agency,
                "subject": one.answer.answer.subject_ref,
                "category": one.answer.answer.category,
                "received_at": one.answer.received_at.isoformat(),
                "fields": {field.name: field.value for field in one.item.fields},
            }
            for one in each.allocated
        ],
    }
