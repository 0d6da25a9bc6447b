"""The decisions in a party's access log, rebuilt from its entries and the envelopes they name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from agents.identity import DECISION_PREFIX, decision_name
from broker.effect import Kept
from broker.party import Party
from broker.store import log
from broker.store.find import cases_between
from policies.categories import CONTACT
from policies.contacts import Teller, contact_decision_id
from policies.facts import Kinds
from policies.question import decision_name as decision_id
from policies.replay import AnyLogged, Logged, LoggedContact
from schemas import codec
from schemas.enums import ControllerKind, Kind, Operation, Outcome, Status
from schemas.events import CaseOpened, Contact, Entry
from schemas.identifiers import DecisionId, Digest, PartyId, SubjectRef, Thread
from schemas.records import Answer, DecisionIdentity, Question, Request, Response

Events = Mapping[Digest, Kept]
Shown = Callable[[list[UUID]], Iterable[UUID]]  # shows how far it has come
CASE_OPENED: Final = "case_opened"  # the kind of event that says what a hub could not ask
TOLD: Final[Mapping[Outcome, str]] = {  # of a contact; none turns it away
    Outcome.release: "told",
    Outcome.review: "told.review",
    Outcome.withhold: "told.concern",
}
ANY: Final = frozenset({Outcome.release, Outcome.review, Outcome.withhold})
FITTING: Final[Mapping[Status, frozenset[Outcome]]] = {  # what the ladder may have said, where no person decided
    Status.withheld: frozenset({Outcome.withhold}),
    Status.in_review: frozenset({Outcome.review, Outcome.release}),  # a source may leave it to a person, whatever the ladder says
    Status.contact_us: ANY,  # a category that a person always answers, or a person's word
}
RELEASED: Final = frozenset({Outcome.release})  # everything else was searched for, and so might be released
BY_PERSON: Final = frozenset({Outcome.release, Outcome.review})  # a person lifts a review, and never a refusal


class Lost(StrEnum):
    """Why what was logged cannot be decided again."""

    entry = "the key of the entry is destroyed, and with it whether it was a decision"
    case = "the case is erased: nothing is kept under the envelope's name"
    envelope = "the key of the envelope is destroyed: taken back or erased"
    request = "the request it answers is not kept here any more"
    party = "a party to it is no longer listed, so that its kind of body is not known"
    kind = "it stands in an envelope of another kind than a request or a response"
    unasked = "never asked, by the hub's own ladder: such a refusal has neither an entry nor a pack of its own"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Found:
    """One decision with its entry, the request (or the contact) and what was answered; no answer where the hub asked or was told."""

    logged: AnyLogged
    entry: Entry
    request: Digest
    recipient: PartyId
    answer: Answer | None


def found(party: Party, shown: Shown = iter, since: date = date.min, until: date = date.max) -> Iterator[Found | Lost]:
    """Every decision of a party made between two days, both included (UTC), by case; or why one cannot be rebuilt."""
    by_case: dict[UUID, list[Entry]] = {}
    for each in _entries(party):
        if isinstance(each, Lost):
            yield each
        elif each.case_id is not None and since <= each.at.date() <= until:
            by_case.setdefault(each.case_id, []).append(each)
    opened = cases_between(party.store, CASE_OPENED, since, until)  # a hub may have asked nobody
    for case_id in shown(list(dict.fromkeys([*by_case, *opened]))):
        events = {each.digest: each for each in party.store.events(case_id)}
        yield from _once(one for entry in by_case.get(case_id, ()) for one in _of_entry(party, entry, events))
        yield from (Lost.unasked for each in events.values() for _ in _refused(each, since, until))


def named(party: Party, prefix: str) -> list[Found]:
    """The decisions whose id begins so, in hexadecimal, `2 * DECISION_PREFIX` letters at least; only cases that hold such are opened."""
    name = decision_name(party.keys.store, bytes.fromhex(prefix[: 2 * DECISION_PREFIX]))
    hits: list[Found] = []
    for case_id in sorted({each.case_id for each in party.store.mentioned([name])}):
        events = {each.digest: each for each in party.store.events(case_id)}
        entries = filter(_decides, log.entries_of_case(party.store, case_id, (None, *_subjects(events))))
        every = _once(one for entry in entries for one in _of_entry(party, entry, events))
        hits += [each for each in every if isinstance(each, Found) and str(each.logged.id).startswith(prefix)]
    return hits


def _subjects(events: Events) -> set[SubjectRef]:
    """Everybody whom a case is about, as far as it is not erased."""
    bodies = [each.body for each in events.values() if isinstance(each.body, Request | Contact)]
    return {subject.ref for body in bodies for subject in body.subjects}


def _once(every: Iterable[Found | Lost]) -> Iterator[Found | Lost]:
    """Each decision by the first entry of it, which names all its rules."""
    seen: set[DecisionId] = set()
    for each in every:
        if isinstance(each, Lost):
            yield each
        elif each.logged.id not in seen:
            seen.add(each.logged.id)
            yield each


def _entries(party: Party) -> Iterator[Entry | Lost]:
    """What says who was told of whom in what by which pack."""
    for leaf in log.leaves(party.store):
        if leaf.entry is not None:
            entry = codec.decode(Entry, leaf.entry)
            if _decides(entry):
                yield entry
        elif leaf.salt is None:
            yield Lost.entry


def _decides(entry: Entry) -> bool:
    """Whether it tells of a decision: a party's own disclosure, or what a contact told a hub."""
    disclosed = entry.operation is Operation.disclosure
    told = entry.operation is Operation.collection and entry.category == CONTACT
    return (disclosed or told) and entry.category is not None and entry.pack_digest is not None


def _refused(each: Kept, since: date, until: date) -> Iterator[object]:
    """What a hub did not ask by its own ladder; without one it was refused before any ladder."""
    if isinstance(each.body, CaseOpened) and since <= each.body.opened_at.date() <= until:
        yield from (one for one in each.body.unasked if one.ladder)


def _of_entry(party: Party, entry: Entry, events: Events) -> Iterator[Found | Lost]:
    kept = events.get(entry.envelope) if entry.envelope is not None else None
    if kept is None or kept.body is None:
        yield Lost.case if kept is None else Lost.envelope
    elif isinstance(kept.body, Request):
        yield _asked(party, entry, kept, kept.body)
    elif isinstance(kept.body, Contact):
        yield _told(party, entry, kept.digest, kept.body)
    elif isinstance(kept.body, Response):
        answer = next(each for each in kept.body.answers if (each.subject_ref, each.category) == (entry.subject_ref, entry.category))
        if answer.decided_at == entry.at:  # else it was said before, and is repeated
            yield _answered(party, entry, answer, events.get(kept.body.request_digest))
    else:
        yield Lost.kind


def _told(party: Party, entry: Entry, digest: Digest, contact: Contact) -> Found | Lost:
    """What a contact told a hub of one subject; whoever told is who the entry names."""
    known, teller = party.trust.party(party.id), _teller(party, entry)
    subject = next((each for each in contact.subjects if each.ref == entry.subject_ref), None)
    if known is None or isinstance(teller, Lost) or entry.pack_digest is None or entry.stage is None or subject is None:
        return Lost.party
    logged = LoggedContact(
        id=contact_decision_id(digest, party.id, subject.ref, entry.pack_digest, entry.at),
        contact=contact,
        subject=subject,
        told_by=teller,
        hub=party.id,
        hub_kind=known.kind,
        at=entry.at,
        pack_digest=entry.pack_digest,
        outcomes=frozenset(outcome for outcome, said in TOLD.items() if said == entry.outcome),
        rules=entry.rules,
        stage=entry.stage,
    )
    return Found(logged=logged, entry=entry, request=digest, recipient=party.id, answer=None)


def _teller(party: Party, entry: Entry) -> Teller | Lost | None:
    if entry.told_by is None:
        return None
    if not PartyId.accepts(entry.told_by):
        return Teller(kind=ControllerKind(entry.told_by))
    listed = party.trust.party(PartyId(entry.told_by))
    return Teller(kind=listed.kind, party=listed.id) if listed is not None else Lost.party


def _asked(party: Party, entry: Entry, kept: Kept, request: Request) -> Found | Lost:
    """A hub's own disclosure as it asks."""
    kinds = _kinds(party, request)
    if kinds is None or entry.pack_digest is None or kept.thread is None:
        return Lost.party
    question = _question(request, entry)
    logged = Logged(
        id=asking_id(question, request.agency, kept.thread, entry.pack_digest, entry.at),
        disclosure=Kind.request,
        request=request,
        question=question,
        kinds=kinds,
        at=entry.at,
        pack_digest=entry.pack_digest,
        outcomes=RELEASED,
        rules=entry.rules,
        caps=(),
        ladder=None,
    )
    return Found(logged=logged, entry=entry, request=kept.digest, recipient=request.agency, answer=None)


def asking_id(question: Question, agency: PartyId, thread: Thread, pack_digest: Digest, at: datetime) -> DecisionId:
    """The name of a hub's own decision to ask an agency one question."""
    identity = DecisionIdentity(
        answers=None,
        thread=thread,
        kind=Kind.request,
        recipient=agency,
        subject_ref=question.subject_ref,
        category=question.category,
        pack_digest=pack_digest,
        decided_at=at,
    )
    return decision_id(identity)


def _answered(party: Party, entry: Entry, answer: Answer, kept: Kept | None) -> Found | Lost:
    """An agency's answer to one question."""
    request = kept.body if kept is not None else None
    if kept is None or not isinstance(request, Request) or entry.pack_digest is None:
        return Lost.request
    kinds = _kinds(party, request)
    if kinds is None:
        return Lost.party
    logged = Logged(
        id=answer.decision_id,
        disclosure=Kind.response,
        request=request,
        question=_question(request, entry),
        kinds=kinds,
        at=answer.decided_at,
        pack_digest=entry.pack_digest,
        outcomes=outcomes_of(answer),
        rules=entry.rules,
        caps=answer.caps,
        ladder=answer.ladder,
    )
    return Found(logged=logged, entry=entry, request=kept.digest, recipient=request.hub, answer=answer)


def outcomes_of(answer: Answer) -> frozenset[Outcome]:
    """What the ladder may have come to, given what was said."""
    if answer.reviewed_by is not None and answer.status is not Status.contact_us:
        return BY_PERSON
    return FITTING.get(answer.status, RELEASED)


def _question(request: Request, entry: Entry) -> Question:
    return next(each for each in request.questions if (each.subject_ref, each.category) == (entry.subject_ref, entry.category))


def _kinds(party: Party, request: Request) -> Kinds | None:
    """What kind of body each is, as the directory lists them today."""
    hub, agency = party.trust.party(request.hub), party.trust.party(request.agency)
    return Kinds(hub.kind, agency.kind) if hub is not None and agency is not None else None
