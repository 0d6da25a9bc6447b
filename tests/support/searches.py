"""Sources that come to what a test wants of them, and an answer to change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from agents.adapter.matching import Match, MatchOutcome
from agents.adapter.ports import BY_NAME, Candidate
from agents.adapter.search import Search
from schemas.enums import Assertion, Handling, Status
from schemas.identifiers import CategoryId, DecisionId, Slug, SubjectRef
from schemas.records import Answer, DutyContact, Item, ItemField, Unanswered

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LAG = timedelta(days=2)
A, B = Slug("a"), Slug("b")
ROBIN = Candidate(
    key="7", family_name="Example", given_names="Robin", born_on=None, postcode=None, nhs_number=None, nhs_number_verified=False
)
SURE = Match(outcome=MatchOutcome.confirmed, person=ROBIN, agreed_fields=(Slug("family_name"), Slug("born_on")))
NOBODY, UNSURE = Match(outcome=MatchOutcome.none), Match(outcome=MatchOutcome.ambiguous)


def item(source, at=date(2026, 11, 1)):
    fields = (ItemField(name=Slug("summary"), value="Shouting heard"),)
    return Item(at=at, fields=fields, assertion=Assertion.fact, relation_to_child="self", handling=Handling.hub_only, source=source)


def search(source, status, **changes):
    """A source that comes to this by itself."""
    answered = Search(source=source, scope=f"All of {source}", allowed_lag=LAG, as_of=NOW, by=BY_NAME)
    known = replace(answered, match=SURE)
    made = {
        Status.ambiguous: replace(answered, match=UNSURE),
        Status.contact_us: replace(known, by_person=True),
        Status.in_review: Search(source=source, by_person=True),
        Status.released: replace(known, items=(item(source),)),
        Status.source_unavailable: Search(source=source, scope=f"All of {source}", failed=True),
        Status.stale: replace(known, as_of=NOW - 2 * LAG, items=(item(source),)),
        Status.none_held: replace(known, items=()),
        Status.not_found: replace(answered, match=NOBODY),
    }
    return replace(made[status], **changes)


def answer(status, *missing):
    """One that came to this without some sources."""
    return Answer(
        subject_ref=SubjectRef("s1"),
        category=CategoryId("pol.incidents"),
        status=status,
        agreed_fields=(),
        searched=(),
        since=date(2026, 1, 1),
        until=date(2026, 11, 24),
        ladder=(),
        caps=(),
        near_misses=(),
        items=(item(A),) if status is Status.released else (),
        decision_id=DecisionId(bytes(16)),
        decided_by="policy pack",
        decided_at=NOW,
        duty_contact=DutyContact(name="Desk", phone="01632 960001", hours="24 hours"),
        unanswered=tuple(Unanswered(source=each, status=Status.source_unavailable, scope="") for each in missing),
    )
