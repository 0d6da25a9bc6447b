"""The adapter at work: requests in, one answer out. Pure steps inside, one loop around them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from agents.adapter.answer import FAILED, Asked, Decided, Search, answer, decide_question, entries_of, entry, respond
from agents.adapter.matching import MatchOutcome, match
from agents.adapter.ports import SourceSystem
from agents.adapter.settings import AdapterSettings
from broker.effect import Effect, Event, Kept, Milestone, Outgoing, Work
from broker.envelope import Opened
from broker.follow import follow
from broker.party import Party
from broker.publish import drain
from broker.receive import receive, reopen_parked
from broker.rounds import do_work, each_alone, tend
from broker.streams import topic_between
from policies.pack import Pack
from policies.vocabulary import Fact
from schemas.enums import Kind, Operation, Refusal
from schemas.errors import SourceUnavailableError
from schemas.records import Acknowledgement, Answer, Rejection, Request, Searched, Subject
from schemas.statements import Party as Listed

ANSWER: Final = "answer"
LEASE: Final = timedelta(minutes=5)  # a slow source; another process takes over after it
LOG: Final = structlog.get_logger()


class Adapter:
    """One process of an agency. It never sees another agency's answer: only requests reach it."""

    def __init__(self, party: Party, settings: AdapterSettings, pack: Pack, source: SourceSystem) -> None:
        self.party, self.settings, self.pack, self.source = party, settings, pack, source

    @property
    def hubs(self) -> list[Listed]:
        """The hubs the directory lists."""
        return [each for each in self.party.trust.directory.parties if each.id.kind == "hub"]

    def step(self, wait: float = 0) -> bool:
        """One round: follow the network, answer, publish, receive; says whether anything happened."""
        busy = each_alone(self.party, self._follow, self._answer, lambda: drain(self.party))
        return each_alone(self.party, lambda: self._receive(0 if busy else wait)) or busy

    def _follow(self) -> bool:
        return follow(self.party) and reopen_parked(self.party, self.react)

    def _receive(self, wait: float) -> bool:
        return receive(self.party, [topic_between(each.id, self.party.id) for each in self.hubs], self.react, wait)

    def tick(self) -> None:
        """Index what the log has not indexed yet, and sign; try what waited for a newer directory."""
        each_alone(self.party, lambda: tend(self.party), lambda: reopen_parked(self.party, self.react))

    def react(self, opened: Opened, at: datetime) -> Effect | Refusal:
        """A request is acknowledged at once, whatever follows, and worked on later."""
        request = opened.body
        if isinstance(request, Rejection):  # a hub could not believe or open what we sent: a person rings it
            self.party.alarm("rejected", digest=str(request.answers))
        if not isinstance(request, Request):
            return Effect()
        asked = self._asked(opened, request)
        if asked is None or request.agency != self.party.id or request.hub != opened.header.sender:
            return Refusal.invalid
        ack = Acknowledgement(answers=opened.digest, received_at=at, duty_contact=self.party.settings.contact)
        kept = Event(
            case_id=request.case_id,
            digest=opened.digest,
            kind=Kind.request.value,
            at=at,
            content=opened.raw,
            key=opened.key,
            sender=opened.header.sender,
        )
        return Effect(
            events=(kept,),
            work=(
                Work(
                    id=f"answer/{opened.digest}",
                    kind=ANSWER,
                    case_id=request.case_id,
                    digest=opened.digest,
                    not_before=at + self.settings.answer_after,
                ),
            ),
            entries=(entry(asked, Operation.consultation, self.party.actor, at, "begun"),),
            outgoing=(
                Outgoing(kind=Kind.acknowledgement, recipient=request.hub, thread=opened.header.thread, case_id=request.case_id, body=ack),
            ),
        )

    def _asked(self, opened: Opened, request: Request) -> Asked | None:
        me, hub = self.party.trust.party(self.party.id), self.party.trust.party(request.hub)
        if me is None or hub is None:
            return None
        return Asked(request=request, digest=opened.digest, thread=opened.header.thread, me=me, hub=hub)

    def _answer(self) -> bool:
        """Answer one request: decide, match, fetch with no transaction open, then one effect."""
        return do_work(self.party, ANSWER, LEASE, "answer_failed", self._answered)

    def _answered(self, work: Work, at: datetime) -> Effect:
        asked = self._asked_again(self.party.store.event(work.case_id, work.digest))
        if asked is None:  # disposed of, or the hub is no longer listed: nothing is answered
            self.party.alarm("unanswerable", digest=str(work.digest))
            return Effect()
        return self._effect(asked, at)

    def _asked_again(self, kept: Kept | None) -> Asked | None:
        if kept is None or not isinstance(kept.body, Request) or kept.thread is None:
            return None
        me, hub = self.party.trust.party(self.party.id), self.party.trust.party(kept.body.hub)
        if me is None or hub is None:
            return None
        return Asked(request=kept.body, digest=kept.digest, thread=kept.thread, me=me, hub=hub)

    def _effect(self, asked: Asked, at: datetime) -> Effect:
        standing = self._standing(at)
        decided = [decide_question(asked, each, self.pack, at, standing) for each in asked.request.questions]
        for alert in sorted({alert.value for each in decided for alert in each.decision.alerts}):
            self.party.alarm(alert, digest=str(asked.digest))
        self.party.reached(Milestone.decided)
        searches = self._search(asked.request, decided)
        self.party.reached(Milestone.searched)
        answers = tuple(self._say(asked, each, search, at) for each, search in zip(decided, searches, strict=True))
        logged = [entries_of(asked, each, said, self.pack, self.party.actor) for each, said in zip(decided, answers, strict=True)]
        disclosures = iter([disclosure for _, disclosure in logged])
        responses = tuple(
            Outgoing(
                kind=Kind.response,
                recipient=asked.hub.id,
                thread=asked.thread,
                case_id=asked.request.case_id,
                body=part,
                entries=tuple(next(disclosures) for _ in part.answers),
                keep=True,
            )
            for part in respond(asked, answers, self.pack)
        )
        return Effect(entries=tuple(one for consultations, _ in logged for one in consultations), outgoing=responses)

    def _standing(self, at: datetime) -> frozenset[Fact]:
        """What is so here today and makes release a review."""
        trust = self.party.trust
        holds = {Fact.directory_stale: not trust.is_fresh(at), Fact.pack_not_accepted: self.pack.law_digest not in trust.directory.packs}
        return frozenset(fact for fact, held in holds.items() if held)

    def _say(self, asked: Asked, decided: Decided, search: Search | None, at: datetime) -> Answer:
        """One answer; a row nobody can make sense of is as good as a source that does not answer."""
        contact = self.party.settings.contact
        try:
            return answer(asked, decided, search, self.pack, contact, at)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with what was found, it is not released
            self._source_failed(error)
            return answer(asked, decided, FAILED, self.pack, contact, at)

    def _search(self, request: Request, decided: list[Decided]) -> list[Search | None]:
        """Find each person once, then what is asked about them; only what would be released is searched for."""
        subjects = {each.ref: each for each in request.subjects}
        wanted = {each.question.subject_ref for each in decided if each.searches}
        people = {ref: self._find(subjects[ref]) for ref in sorted(wanted)}
        return [self._fetch(each, people[each.question.subject_ref]) if each.searches else None for each in decided]

    def _find(self, subject: Subject) -> Search:
        try:
            found = self.source.candidates(subject)
            who = match(subject, found.rows)
        except Exception as error:  # noqa: BLE001 - an agency's own system may fail in any way; the others are answered all the same
            self._source_failed(error)
            return FAILED
        searched = (Searched(source=found.source, as_of=found.as_of),)
        return Search(match=who, searched=searched, allowed_lag=self.settings.source.allowed_lag)

    def _fetch(self, decided: Decided, who: Search) -> Search:
        question = decided.question
        person = who.match.person if who.match is not None and who.match.outcome is MatchOutcome.confirmed else None
        if person is None:
            return who
        try:
            found = self.source.fetch(person, question.category, question.since, question.until)
        except Exception as error:  # noqa: BLE001 - as above
            self._source_failed(error)
            return Search(failed=True, searched=who.searched)
        return Search(match=who.match, found=found, searched=who.searched, allowed_lag=who.allowed_lag)

    def _source_failed(self, error: Exception) -> None:
        """A source that is down is logged; anything else is a fault of ours or theirs that a person must look at."""
        if isinstance(error, SourceUnavailableError):
            LOG.warning("source", party=self.party.id, error=error.code)
        else:
            self.party.alarm("source_failed", error=type(error).__name__)
