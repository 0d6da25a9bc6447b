"""The hub at work: contacts in, requests out, answers joined. Pure steps inside, one loop around them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from agents.calendars import YEARS
from agents.hub.anew import asked_anew
from agents.hub.board import Unopened, unopened
from agents.hub.casework import askings, case_record, taken_back
from agents.hub.checks import Asker, plan
from agents.hub.deadlines import DUE, answer_awaited, asked_agency, begin, timed, timed_work
from agents.hub.entries import asked_entries, asked_mentions, case_entry
from agents.hub.erasure import ERASE, erased, erasing_work
from agents.hub.happenings import decision_of, recorded
from agents.hub.hearing import Concern, heard_of
from agents.hub.intake import NECESSITY, SAY_WHY, Aside, read_contacts
from agents.hub.links import mentions_of
from agents.hub.notices import NOTICE, noticed
from agents.hub.once import contact_name, necessity_name, work_named
from agents.hub.reactions import take_envelope
from agents.hub.reasking import lacks_rationale
from agents.hub.settings import HubSettings
from agents.hub.telling import TELL, telling_work, told
from agents.logged import CASE_OPENED
from broker.anew import ANEW
from broker.effect import Done, Effect, Mark, Milestone, Outgoing, Work, digest_of, local_event, once
from broker.envelope import Opened
from broker.follow import follow
from broker.party import Party
from broker.publish import drain
from broker.receive import receive, reopen_parked
from broker.rounds import do_work, each_alone, tend
from broker.store import leases
from broker.streams import topic_between
from broker.times import SKEW
from policies.pack import Pack
from schemas import codec
from schemas.enums import Happening, Kind, Operation, Refusal
from schemas.errors import ConfigurationError, Fault, MalformedRecordError, StoreUnavailableError
from schemas.events import CaseOpened, CaseRecord, Contact, Decided, OfficerDecision
from schemas.identifiers import PartyId, Thread
from schemas.records import Officer
from schemas.statements import Party as Listed

OPEN: Final = "open"
ASK: Final = "ask"
LEASE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Taken:
    """What became of a file of contacts."""

    taken: int
    known: int
    aside: tuple[Aside, ...]
    concerns: tuple[Concern, ...] = ()


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

    @property
    def consumers(self) -> list[PartyId]:
        """The systems the directory lists that read case records, by id."""
        return [each.id for each in self.party.trust.directory.parties if each.id.kind == "consumer"]

    @property
    def _others(self) -> list[PartyId]:
        return [*(each.id for each in self.agencies), *self.consumers]

    def intake(self, data: bytes, file: str) -> Taken:
        """Take contacts in; a line seen before is known, a bad one kept aside with its reasons."""
        taken, known, aside = 0, 0, []
        concerns: list[Concern] = []
        for each in read_contacts(data, file):
            if isinstance(each, Aside):
                aside.append(each)
            elif each.contact.received_at.year not in YEARS:
                aside.append(each.refused(file, "received_at", "is of no year in which timescales run", "give the time it was received"))
            elif fault := self.undecidable(each.contact.decision, file, each.number):
                aside.append(Aside(each.number, each.raw, (fault,)))
            elif self._repeats(each.contact):
                aside.append(each.refused(file, NECESSITY, "repeats word for word what was said of an earlier contact", SAY_WHY))
            elif (stated := self._take(each.contact)) is not None:
                taken += 1
                concerns += stated
            elif self.party.store.case_of(digest_of(codec.encode(each.contact))) is not None:
                known += 1
            else:
                message = f"{each.contact.contact_ref} was taken in with other words"
                aside.append(each.refused(file, "contact_ref", message, "give it a new contact_ref"))
        return Taken(taken=taken, known=known, aside=tuple(aside), concerns=tuple(concerns))

    def undecidable(self, decision: OfficerDecision | None, file: str, line: int | None = None) -> Fault | None:
        """A decision of tomorrow, or a stage of which hub.toml says nothing: nobody would be asked, and nobody would notice."""
        if decision is None:
            return None
        if decision.decided_at > self.party.now() + SKEW:
            return Fault(file=file, line=line, field="decision.decided_at", message="is in the future", fix="give the time it was decided")
        if decision.stage in self.settings.stages:
            return None
        message, fix = f"hub.toml says nothing of {decision.stage.value}", f"add [stages.{decision.stage.value}] to hub.toml"
        return Fault(file=file, line=line, field="decision.stage", message=message, fix=fix)

    def _take(self, contact: Contact) -> tuple[Concern, ...] | None:
        """What may not have been said of it, which is no reason to turn it away; None for one that was taken in before."""
        at, case_id = self.party.now(), uuid4()
        event = local_event(case_id, "contact", contact, at)
        receipt = once("contacts", contact_name(contact))
        entry = case_entry(at, Operation.collection, self.party.actor, case_id, contact.decision, "contact")
        heard = heard_of(contact, event.digest, case_id, self.party, self.settings.referrers, self.pack, at)
        work = (work_named(OPEN, (str(case_id),), case_id, at),) if contact.decision is not None else ()
        mentions = (*mentions_of(self.party.keys.store, contact, case_id, event.digest), *heard.mentions)
        taken = Effect(received=receipt, events=(event,), mentions=mentions, entries=(entry, *heard.entries), work=work)
        came = recorded(case_id, Happening.contact, self.party.actor, contact.received_at, at, None, self.settings.clocks)
        effect = Effect.of(taken, begin(came, at, self.settings.clocks), self._begun_by(case_id, contact.decision, at))
        said = [Effect(received=once("necessities", necessity_name(self.party.keys.store, contact.decision)))] if contact.decision else []
        if self.party.store.apply([effect, *said], self.party.seal, at).applied == 0:
            return None
        if heard.concerns:
            self.party.alarm("contact_concern", digest=str(digest_of(case_id.bytes)))  # a contact's own is of what it says
        return heard.concerns

    def _begun_by(self, case_id: UUID, decision: OfficerDecision | None, at: datetime) -> Effect:
        """What a decision to ask starts, if one is made."""
        if decision is None:
            return Effect()
        clocks = self.settings.clocks
        return begin(recorded(case_id, Happening.decided, decision.officer, decision.decided_at, at, decision.rag, clocks), at, clocks)

    def _repeats(self, contact: Contact) -> bool:
        """Whether another contact gave these very words as its necessity."""
        if contact.decision is None or self.party.store.seen([contact_name(contact)]):
            return False
        return bool(self.party.store.seen([necessity_name(self.party.keys.store, contact.decision)]))

    def decide(self, case_id: UUID, decision: OfficerDecision) -> None:
        """Record a named officer's decision to ask about a contact that came without one."""
        at = self.party.now()
        events = self.party.store.events(case_id)
        contact = next((each for each in events if isinstance(each.body, Contact)), None)
        decided = any(isinstance(each.body, Decided | CaseOpened) for each in events) or decision_of(events) is not None
        if contact is None or not isinstance(contact.body, Contact) or decided:
            raise ConfigurationError([Fault(file=str(case_id), message="no contact waits here for a decision", fix="mash hub show")])
        if fault := self.undecidable(decision, str(case_id)):
            raise ConfigurationError([fault])
        if decision.decided_at < contact.body.received_at:
            message = "is before the contact was received"
            raise ConfigurationError([Fault(file=str(case_id), field="decided_at", message=message, fix="decide on what has come")])
        if self.party.store.seen([necessity_name(self.party.keys.store, decision)]):
            message = "repeats word for word what was said of an earlier contact"
            raise ConfigurationError([Fault(file=str(case_id), field="necessity.text", message=message, fix=SAY_WHY)])
        event = local_event(case_id, "decided", Decided(contact=contact.digest, decision=decision), at)
        entry = case_entry(at, Operation.decision, decision.officer, case_id, decision, "decided")
        first = once("decisions", digest_of(b"mash/1 decided" + case_id.bytes))
        work = work_named(OPEN, (str(case_id),), case_id, at)
        made = Effect(received=first, events=(event,), entries=(entry,), work=(work,))
        effect = Effect.of(made, self._begun_by(case_id, decision, at))
        said = Effect(received=once("necessities", necessity_name(self.party.keys.store, decision)))
        if self.party.store.apply([effect, said], self.party.seal, at).duplicates:  # another officer was a moment earlier
            raise ConfigurationError([Fault(file=str(case_id), message="was decided a moment ago", fix="mash hub show")])

    def step(self, wait: float = 0) -> bool:
        """One round: follow the network, ask, receive, render, publish; says whether anything happened."""
        stages = (
            self._follow,
            self._open,
            self._ask,
            self._anew,
            self._notify,
            self._due,
            self._render,
            self._erase,
            self._tell,
            lambda: drain(self.party),
        )
        busy = each_alone(self.party, *stages)
        return each_alone(self.party, lambda: self._receive(0 if busy else wait)) or busy

    def _follow(self) -> bool:
        return follow(self.party) and reopen_parked(self.party, self.react)

    def _receive(self, wait: float) -> bool:
        return receive(self.party, [topic_between(each, self.party.id) for each in self._others], self.react, wait)

    def tick(self) -> None:
        """Index what the log has not indexed yet, and sign; try what waited for a newer directory."""
        each_alone(self.party, lambda: tend(self.party), lambda: reopen_parked(self.party, self.react))

    def _open(self) -> bool:
        """Open a case: who is asked, on which thread, by when, and what may not be asked."""
        return do_work(self.party, OPEN, LEASE, "not_asked", self._opened)

    def _ask(self) -> bool:
        """Ask the agencies, each by itself: one that cannot be sealed to holds up no other."""
        asked = 0
        while asked < len(self.agencies) and do_work(self.party, ASK, LEASE, "not_asked", self._asked):
            asked += 1
        return asked > 0

    def _anew(self) -> bool:
        """Seal anew what an agency could not open any more."""
        return do_work(self.party, ANEW, LEASE, "not_asked", lambda work, at: asked_anew(self.party, self.asker, self.pack, work, at))

    def _notify(self) -> bool:
        """Tell agencies of new ratings and deadlines."""
        return do_work(self.party, NOTICE, LEASE, "not_noticed", lambda work, at: noticed(self.party, work, at))

    def _tell(self) -> bool:
        """Send case records to their consumers, each by itself."""
        return do_work(self.party, TELL, LEASE, "not_told", lambda work, at: told(self.party, work, at))

    def _due(self) -> bool:
        """Deadlines that pass in silence, and whom to tell of one."""
        return do_work(self.party, DUE, LEASE, "not_timed", lambda work, at: timed(self.party, work, at))

    def _erase(self) -> bool:
        """What an agency took back goes for good."""
        return do_work(self.party, ERASE, LEASE, "not_erased", lambda work, at: erased(self.party, work, at))

    @property
    def asker(self) -> Asker:
        """The hub as it asks today."""
        return Asker.of(self._me, self.settings, self.party.settings.contact, self.pack, self.party.trust.directory.packs)

    def _opened(self, work: Work, at: datetime) -> Effect:
        events = self.party.store.events(work.case_id)
        contact = next(each.body for each in events if isinstance(each.body, Contact))
        decision = decision_of(events)
        if decision is None:
            message = "nobody has decided to ask about this contact"
            raise MalformedRecordError(message)
        asker = self.asker
        if asker.standing:
            self.party.alarm("law_not_accepted")
        plans = [plan(work.case_id, contact, decision, agency, asker, self.pack, at) for agency in self.agencies]
        self.party.reached(Milestone.decided)
        asked = tuple(
            asked_agency(each.agency, Thread(os.urandom(Thread.size)), each.deadline)
            for each in plans
            if each.request is not None and each.deadline is not None
        )
        opened = CaseOpened(
            case_id=work.case_id,
            hub=self.party.id,
            opened_at=at,
            contact=contact,
            decision=decision,
            asked=asked,
            unasked=tuple(one for each in plans for one in each.unasked),
        )
        event = local_event(work.case_id, CASE_OPENED, opened, at)
        entry = case_entry(at, Operation.decision, decision.officer, work.case_id, decision, "case_opened")
        asking = tuple(work_named(ASK, (str(work.case_id), each.agency), work.case_id, at) for each in asked)
        return Effect(events=(event,), entries=(entry,), work=asking, marks=(Mark(case_id=work.case_id, digest=event.digest),))

    def _asked(self, work: Work, at: datetime) -> Effect:
        """One agency's request, decided again as it leaves."""
        _, _, agency, *follow_up = work.id.split("/")
        events = self.party.store.events(work.case_id)
        opened = next(each.body for each in events if isinstance(each.body, CaseOpened))
        named = (agency, follow_up[0] if follow_up else None)
        asking = next(each for each in askings(opened, events) if (each.agency, each.follow_up and str(each.follow_up)) == named)
        listed = self.party.trust.party(asking.agency)
        planned = plan(work.case_id, opened.contact, asking.decision, listed, self.asker, self.pack, at) if listed else None
        if (
            planned is None or planned.request is None or lacks_rationale(planned.request, events, at)
        ):  # or of two follow-ups at once the second
            self.party.alarm("not_asked", digest=str(work.digest))
            return Effect()
        outgoing = Outgoing(
            kind=Kind.request,
            recipient=asking.agency,
            thread=asking.asked.thread,
            case_id=work.case_id,
            body=replace(planned.request, due_at=asking.asked.due_at),
            entries=asked_entries(planned, asking.decision, work.case_id, self.pack.digest, at),
            keep=True,
        )
        waiting = timed_work(answer_awaited(work.case_id, asking), self.settings.clocks)
        decided = asked_mentions(self.party.keys.store, planned, asking.asked.thread, self.pack.digest, work, at)
        return Effect(outgoing=(outgoing,), mentions=decided, work=waiting, marks=(Mark(case_id=work.case_id, digest=work.digest),))

    def react(self, opened: Opened, at: datetime) -> Effect | Refusal:
        """What an agency's envelope does."""
        return take_envelope(self.party, opened, at)

    def _render(self) -> bool:
        """The next version of a marked case: read the marks, then every event, render, delete exactly those marks."""
        at = self.party.now()
        case_id = self.party.store.marked(at)
        lease = leases.acquire(self.party.store.engine, f"render/{case_id}", self.party.owner, at, LEASE) if case_id else None
        if case_id is None or lease is None:
            return False
        try:
            effect = self._rendered(case_id, at)
            self.party.store.apply([Effect.of(Effect(done=Done(lease=lease.name, term=lease.term)), effect)], self.party.seal, at)
        except StoreUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - a case that cannot be rendered must not stop the others; its lease is the back-off
            self.party.alarm("not_rendered", error=type(error).__name__)
            return False
        return True

    def _rendered(self, case_id: UUID, at: datetime) -> Effect:
        marks = tuple(Mark(case_id=case_id, digest=digest) for digest in self.party.store.marks(case_id))
        events = self.party.store.events(case_id)
        record = case_record(events)
        if record is None:
            return Effect(rendered=marks)
        self.party.reached(Milestone.joined)
        for each in record.agencies:
            if each.conflict:
                self.party.alarm("conflict", digest=str(each.request_digest))
        entry = case_entry(at, Operation.combination, self.party.actor, case_id, None, f"version.{record.version}")
        telling = tuple(telling_work(case_id, record.version, each, at) for each in self.consumers)
        erasing = tuple(erasing_work(case_id, each, at) for each in taken_back(events))
        return Effect(rendered=marks, entries=(entry,), work=(*telling, *erasing))

    def record(self, case_id: UUID) -> CaseRecord | None:
        """A case as it stands."""
        return case_record(self.party.store.events(case_id))

    def standing(self, case_id: UUID) -> CaseRecord | Unopened | None:
        """A case as it stands, or the contact of one that has not been opened."""
        events = self.party.store.events(case_id)
        return case_record(events) or unopened(case_id, events)

    def view(self, case_id: UUID, viewer: Officer, *, only_once: bool = False) -> CaseRecord | None:
        """A case as it stands, for a person: every view is an entry first. `only_once`: a version that goes to a file."""
        record = self.record(case_id)
        if record is not None:
            at = self.party.now()
            entry = case_entry(at, Operation.consultation, viewer, case_id, None, f"viewed.{record.version}")
            name = digest_of(b"mash/1 viewed" + case_id.bytes + record.version.to_bytes(4, "big"))
            receipt = once("views", name) if only_once else None
            self.party.store.apply([Effect(received=receipt, entries=(entry,))], self.party.seal, at)
        return record

    def looked(self, case_id: UUID, viewer: Officer, why: OfficerDecision, what: str) -> None:
        """Enter a look at a case that is not one at its record, before anything of it is shown."""
        at = self.party.now()
        entry = case_entry(at, Operation.consultation, viewer, case_id, why, what)
        self.party.store.apply([Effect(entries=(entry,))], self.party.seal, at)
