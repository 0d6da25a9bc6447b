"""The hub at work: contacts in, requests out, answers joined. Pure steps inside, one loop around them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from agents.hub.casework import OPENED, binds, case_record
from agents.hub.checks import Asker, Plan, plan
from agents.hub.intake import Aside, read_contacts
from agents.hub.settings import HubSettings
from broker.effect import Done, Effect, Event, Kept, Mark, Milestone, Outgoing, Receipt, Work, digest_of, local_event
from broker.envelope import Opened
from broker.follow import follow
from broker.party import Party
from broker.publish import drain
from broker.receive import receive, reopen_parked
from broker.store import leases, log
from broker.streams import topic_between
from policies.pack import Pack
from schemas import codec
from schemas.enums import Kind, Operation, Refusal
from schemas.errors import ConfigurationError, Fault, MalformedRecordError, TransientError
from schemas.events import AskedAgency, CaseOpened, CaseRecord, Contact, Decided, Entry, OfficerDecision
from schemas.identifiers import Digest, Incarnation, Slug, Thread
from schemas.records import Acknowledgement, Officer, Rejection, Request, Response
from schemas.statements import Party as Listed

ASK: Final = "ask"
LEASE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Taken:
    """What became of a file of contacts."""

    taken: int
    known: int
    aside: tuple[Aside, ...]


class Hub:
    """One process of a hub."""

    def __init__(self, party: Party, settings: HubSettings, pack: Pack) -> None:
        self.party, self.settings, self.pack = party, settings, pack

    @property
    def _me(self) -> Listed:
        listed = self.party.trust.party(self.party.id)
        if listed is None:
            raise ConfigurationError([Fault(file="directory.avro", message=f"{self.party.id} is no longer listed")])
        return listed

    @property
    def agencies(self) -> list[Listed]:
        """The agencies the directory lists, by id."""
        return [each for each in self.party.trust.directory.parties if each.id.kind == "agency"]

    def intake(self, data: bytes, file: str) -> Taken:
        """Take contacts in; a line seen before is known, a bad one kept aside with its reasons."""
        taken, known, aside = 0, 0, []
        for each in read_contacts(data, file):
            if isinstance(each, Aside):
                aside.append(each)
            elif self._take(each.contact):
                taken += 1
            elif self.party.store.case_of(digest_of(codec.encode(each.contact))) is not None:
                known += 1
            else:
                fault = Fault(
                    file=file,
                    line=each.number,
                    field="contact_ref",
                    message=f"{each.contact.contact_ref} was taken in with other words",
                    fix="give it a new contact_ref",
                )
                aside.append(Aside(each.number, each.raw, (fault,)))
        return Taken(taken=taken, known=known, aside=tuple(aside))

    def _take(self, contact: Contact) -> bool:
        at, case_id = self.party.now(), uuid4()
        event = local_event(case_id, "contact", contact, at)
        name = digest_of(b"mash/1 contact" + contact.contact_ref.encode())
        receipt = Receipt(digest=name, topic="contacts", incarnation=Incarnation.zero(), sequence=0, state="accepted")
        entry = self._entry(at, Operation.collection, self.party.actor, case_id, contact.decision, "contact")
        work = (_ask(case_id, event.digest, at),) if contact.decision is not None else ()
        effect = Effect(received=receipt, events=(event,), entries=(entry,), work=work)
        return self.party.store.apply([effect], self.party.seal, at).applied == 1

    def decide(self, case_id: UUID, decision: OfficerDecision) -> None:
        """Record a named officer's decision to ask about a contact that came without one."""
        at = self.party.now()
        events = self.party.store.events(case_id)
        contact = next((each for each in events if isinstance(each.body, Contact)), None)
        decided = any(isinstance(each.body, Decided | CaseOpened) for each in events) or _decision_of(events) is not None
        if contact is None or not isinstance(contact.body, Contact) or decided:
            raise ConfigurationError([Fault(file=str(case_id), message="no contact waits here for a decision", fix="mash hub show")])
        if decision.decided_at < contact.body.received_at:
            message = "is before the contact was received"
            raise ConfigurationError([Fault(file=str(case_id), field="decided_at", message=message, fix="decide on what has come")])
        event = local_event(case_id, "decided", Decided(contact=contact.digest, decision=decision), at)
        entry = self._entry(at, Operation.decision, decision.officer, case_id, decision, "decided")
        effect = Effect(events=(event,), entries=(entry,), work=(_ask(case_id, contact.digest, at),))
        self.party.store.apply([effect], self.party.seal, at)

    def waits_for_decision(self, case_id: UUID) -> bool:
        """Whether nobody has decided yet to ask about this contact."""
        return _decision_of(self.party.store.events(case_id)) is None

    def step(self, wait: float = 0) -> bool:
        """One round: follow the network, ask, receive, render, publish; says whether anything happened."""
        happened = []
        try:
            news = follow(self.party)
            happened += [news and reopen_parked(self.party, self.react), self._ask(), self._render()]
            happened.append(drain(self.party))
            topics = [topic_between(each.id, self.party.id) for each in self.agencies]
            happened.append(receive(self.party, topics, self.react, 0 if any(happened) else wait))
        except TransientError as error:
            self.party.alarm("unavailable", error=error.code)
        return any(happened)

    def tick(self) -> None:
        """Try what waited for a newer directory, index what the log has not indexed yet, and sign."""
        try:
            reopen_parked(self.party, self.react)
            leases.free_the_gone(self.party.store.engine, self.party.now())
            if log.sequence(self.party.store, self.party.log_key, self.party.now()) is not None:
                self.party.reached(Milestone.logged)
        except TransientError as error:  # another process of ours indexed the same; the next tick does what is left
            self.party.alarm("unavailable", error=error.code)

    def _ask(self) -> bool:
        at = self.party.now()
        work = self.party.store.due_work(ASK, at)
        lease = leases.acquire(self.party.store.engine, f"work/{work.id}", self.party.owner, at, LEASE) if work else None
        if work is None or lease is None:
            return False
        events = self.party.store.events(work.case_id)
        contact = next(each.body for each in events if isinstance(each.body, Contact))
        decision = _decision_of(events)
        if decision is None:
            return False
        done = Done(lease=lease.name, term=lease.term, work=work.id)
        try:
            asker = Asker(party=self._me, settings=self.settings, contact=self.party.settings.contact)
            plans = [plan(work.case_id, contact, decision, agency, asker, self.pack, at) for agency in self.agencies]
            self.party.reached(Milestone.decided)
            effect = self._asking(work, contact, decision, plans, at)
            self.party.store.apply([Effect.of(Effect(done=done), effect)], self.party.seal, at)
        except MalformedRecordError as error:  # too much for one record; it is tried again when the lease has run out
            self.party.alarm("not_asked", error=error.code, digest=str(work.digest))
            return False
        self.party.reached(Milestone.committed)
        return True

    def _asking(self, work: Work, contact: Contact, decision: OfficerDecision, plans: list[Plan], at: datetime) -> Effect:
        asked, outgoing = [], []
        for each in plans:
            if each.request is None:
                continue
            thread = Thread(os.urandom(Thread.size))
            asked.append(AskedAgency(agency=each.agency, thread=thread, due_at=each.request.due_at))
            outgoing.append(
                Outgoing(
                    kind=Kind.request,
                    recipient=each.agency,
                    thread=thread,
                    case_id=work.case_id,
                    body=each.request,
                    entries=tuple(self._request_entries(each, decision, work.case_id, at)),
                    keep=True,
                )
            )
        unasked = tuple(one for each in plans for one in each.unasked)
        opened = CaseOpened(
            case_id=work.case_id, hub=self.party.id, opened_at=at, contact=contact, decision=decision, asked=tuple(asked), unasked=unasked
        )
        event = local_event(work.case_id, OPENED, opened, at)
        entry = self._entry(at, Operation.decision, decision.officer, work.case_id, decision, "case_opened")
        mark = Mark(case_id=work.case_id, digest=event.digest)
        return Effect(events=(event,), entries=(entry,), outgoing=tuple(outgoing), marks=(mark,))

    def _request_entries(self, each: Plan, decision: OfficerDecision, case_id: UUID, at: datetime) -> Iterable[Entry]:
        for question, decided in each.decisions:
            yield Entry(
                at=at,
                operation=Operation.disclosure,
                actor=decision.officer,
                case_id=case_id,
                subject_ref=question.subject_ref,
                category=question.category,
                purpose=decision.purpose,
                stage=decision.stage,
                rules=decided.rules,
                pack_digest=self.pack.digest,
                outcome=Slug("asked"),
                envelope=None,
            )

    def react(self, opened: Opened, at: datetime) -> Effect | Refusal:
        """What an agency's envelope does: only an answer to a request of ours, to this sender, is believed."""
        body = opened.body
        if not isinstance(body, Acknowledgement | Response | Rejection):
            return Effect()
        digest = body.request_digest if isinstance(body, Response) else body.answers
        case_id = self.party.store.case_of(digest)
        request = self.party.store.event(case_id, digest) if case_id else None
        if case_id is None or request is None or not self._answers(opened, request):
            return Effect() if isinstance(body, Rejection) else Refusal.no_such_request
        event = Event(
            case_id=case_id,
            digest=opened.digest,
            kind=opened.header.kind.value,
            at=at,
            content=opened.raw,
            key=opened.key,
            sender=opened.header.sender,
        )
        entries = tuple(self._collected(body, request.body, opened, case_id, at)) if isinstance(body, Response) else ()
        return Effect(events=(event,), marks=(Mark(case_id=case_id, digest=opened.digest),), entries=entries)

    def _answers(self, opened: Opened, request: Kept) -> bool:
        asked = request.body
        if not isinstance(asked, Request) or request.thread is None:
            return False
        if isinstance(opened.body, Response):
            return binds(request, opened.body, opened.header.sender, opened.header.thread, request.thread)
        return opened.header.sender == asked.agency and opened.header.thread == request.thread

    def _collected(self, body: Response, asked: object, opened: Opened, case_id: UUID, at: datetime) -> Iterable[Entry]:
        if not isinstance(asked, Request):
            return
        for answer in body.answers:
            yield Entry(
                at=at,
                operation=Operation.collection,
                actor=self.party.actor,
                case_id=case_id,
                subject_ref=answer.subject_ref,
                category=answer.category,
                purpose=asked.purpose,
                stage=asked.stage,
                rules=tuple(step.rule for step in answer.ladder if step.rule is not None),
                pack_digest=body.pack_digest,
                outcome=Slug(answer.status.value),
                envelope=opened.digest,
            )

    def _render(self) -> bool:
        """The next version of a marked case: read the marks, then every event, render, delete exactly those marks."""
        at = self.party.now()
        case_id = self.party.store.marked()
        lease = leases.acquire(self.party.store.engine, f"render/{case_id}", self.party.owner, at, LEASE) if case_id else None
        if case_id is None or lease is None:
            return False
        marks = tuple(Mark(case_id=case_id, digest=digest) for digest in self.party.store.marks(case_id))
        record = self.record(case_id)
        effect = Effect(done=Done(lease=lease.name, term=lease.term), rendered=marks)
        if record is not None:
            self.party.reached(Milestone.joined)
            effect = Effect.of(effect, self._rendered(record, at))
        self.party.store.apply([effect], self.party.seal, at)
        leases.release(self.party.store.engine, lease)
        return True

    def _rendered(self, record: CaseRecord, at: datetime) -> Effect:
        entry = self._entry(at, Operation.combination, self.party.actor, record.case_id, None, f"version.{record.version}")
        consumers = [each.id for each in self.party.trust.directory.parties if each.id.kind == "consumer"]
        outgoing = tuple(
            Outgoing(
                kind=Kind.case_record,
                recipient=each,
                thread=Thread(digest_of(b"mash/1 record thread" + record.case_id.bytes + each.encode())[: Thread.size]),
                case_id=record.case_id,
                body=record,
                entries=(self._entry(at, Operation.disclosure, self.party.actor, record.case_id, None, f"version.{record.version}"),),
            )
            for each in consumers
        )
        return Effect(entries=(entry,), outgoing=outgoing)

    def record(self, case_id: UUID) -> CaseRecord | None:
        """A case as it stands."""
        return case_record(self.party.store.events(case_id))

    def view(self, case_id: UUID, viewer: Officer) -> CaseRecord | None:
        """A case as it stands, for a person: every view is an entry first."""
        record = self.record(case_id)
        if record is not None:
            at = self.party.now()
            entry = self._entry(at, Operation.consultation, viewer, case_id, None, f"viewed.{record.version}")
            self.party.store.apply([Effect(entries=(entry,))], self.party.seal, at)
        return record

    def _entry(self, at: datetime, operation: Operation, actor: Officer, case_id: UUID, why: OfficerDecision | None, outcome: str) -> Entry:
        return Entry(
            at=at,
            operation=operation,
            actor=actor,
            case_id=case_id,
            subject_ref=None,
            category=None,
            purpose=why.purpose if why else None,
            stage=why.stage if why else None,
            rules=(),
            pack_digest=None,
            outcome=Slug(outcome),
            envelope=None,
        )


def _ask(case_id: UUID, contact: Digest, at: datetime) -> Work:
    return Work(id=f"ask/{case_id}", kind=ASK, case_id=case_id, digest=contact, not_before=at)


def _decision_of(events: Iterable[Kept]) -> OfficerDecision | None:
    """The officer's decision: with the contact, or made later."""
    for each in events:
        if isinstance(each.body, Decided):
            return each.body.decision
        if isinstance(each.body, Contact) and each.body.decision is not None:
            return each.body.decision
    return None
