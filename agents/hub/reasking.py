"""Whether a hub would ask an agency the same again with only its stage or rating raised: that takes a manager's rationale. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from broker.effect import Kept
from policies.facts import REASKED_WITHIN, only_raised
from policies.wording import boilerplate
from schemas.errors import Fault
from schemas.events import OfficerDecision
from schemas.records import Request

SAY: Final = 'add "reasking": {"manager": {"id", "role", "organisation"}, "rationale"}: why, in a manager\'s words of this case'


def is_reasked(request: Request, events: Iterable[Kept], at: datetime) -> bool:
    """Whether this agency was sent one of these questions within 14 days, and nothing is raised since but stage or rating."""
    asked = {(each.subject_ref, each.category) for each in request.questions}
    sent = (each.body for each in events if isinstance(each.body, Request) and each.at > at - REASKED_WITHIN)
    return any(
        earlier.agency == request.agency
        and only_raised(earlier, request)
        and any((each.subject_ref, each.category) in asked for each in earlier.questions)
        for earlier in sent
    )


def lacks_rationale(request: Request, events: Iterable[Kept], at: datetime) -> bool:
    """Whether it would be sent without the rationale it takes."""
    return request.reasking is None and is_reasked(request, events, at)


def rationale_faults(decision: OfficerDecision, file: str) -> Iterator[Fault]:
    """What is wrong with a rationale that was given."""
    said = decision.reasking
    if said is None:
        return
    if said.manager.id == decision.officer.id:
        yield Fault(file=file, field="reasking.manager", message="is the officer who asks", fix="a manager answers for asking again")
    if boilerplate(said.rationale):
        yield Fault(file=file, field="reasking.rationale", message="says nothing of this case", fix=SAY)
