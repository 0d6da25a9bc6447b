"""The adapter at work: requests in, one answer out. Pure steps inside, one loop around them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from agents.adapter.agency import Agency
from agents.adapter.anew import rejected, said_anew
from agents.adapter.answer import Asked, Decided, Said, entries_of, entry, repeated
from agents.adapter.correction import ERASE, erased
from agents.adapter.dossier import PEOPLES, Dossier, revision_name
from agents.adapter.early import may_come
from agents.adapter.glass import queued
from agents.adapter.parts import sent
from agents.adapter.search import Search, consistent, is_settled
from agents.adapter.settings import AdapterSettings, Sources
from broker.anew import ANEW
from broker.effect import Effect, Event, Mark, Milestone, Outgoing, Work, once
from broker.envelope import Opened
from broker.follow import follow
from broker.party import Party
from broker.publish import drain
from broker.receive import receive, reopen_parked
from broker.rounds import do_work, each_alone, tend
from broker.streams import topic_between
from policies.pack import Pack
from schemas.enums import Kind, Operation, Refusal
from schemas.events import Entry
from schemas.identifiers import Digest, Slug, SubjectRef
from schemas.notices import Notice
from schemas.records import Acknowledgement, Cancel, Question, Rejection, Request
from schemas.statements import Party as Listed

ANSWER: Final = "answer"
LEASE: Final = timedelta(minutes=5)  # a slow source; another process takes over after it
FIRST_WAIT: Final = timedelta(seconds=30)  # before a source that failed is asked again; twice as long each time
LONGEST_WAIT: Final = timedelta(minutes=10)
MOST_OF_ONE: Final = 1024  # envelopes of one hub in one case: some requests, and a notice for each at each of 200 ratings


class Adapter(Agency):
    """One process of an agency: only requests reach it."""

    def __init__(self, party: Party, settings: AdapterSettings, pack: Pack, sources: Sources) -> None:
        super().__init__(party, settings, pack, sources)
        self._came: dict[Digest, Opened] = {}  # requests of the batch being read, which no store has yet

    @property
    def hubs(self) -> list[Listed]:
        """The hubs the directory lists."""
        return [each for each in self.party.trust.directory.parties if each.id.kind == "hub"]

    def step(self, wait: float = 0) -> bool:
        """One round: follow the network, answer, erase, publish, receive; says whether anything happened."""
        busy = each_alone(self.party, self._follow, self._answer, self._anew, self._erase, lambda: drain(self.party))
        return each_alone(self.party, lambda: self._receive(0 if busy else wait)) or busy

    def _follow(self) -> bool:
        return follow(self.party) and reopen_parked(self.party, self.react)

    def _receive(self, wait: float) -> bool:
        self._came.clear()
        return receive(self.party, [topic_between(each.id, self.party.id) for each in self.hubs], self.react, wait)

    def tick(self) -> None:
        """Index what the log has not indexed yet, and sign; try what waited for a newer directory."""
        each_alone(self.party, lambda: tend(self.party), lambda: reopen_parked(self.party, self.react))

    def react(self, opened: Opened, at: datetime) -> Effect | Refusal:
        """A request is acknowledged at once and worked on later; a cancel is kept and ends that work, a notice moves its deadline."""
        body = opened.body
        if isinstance(body, Rejection):  # a hub could not believe or open what we sent: a person rings it
            self.party.alarm("rejected", digest=str(body.answers))
            return rejected(self, opened, body, at)
        if isinstance(body, Cancel | Request) and self.party.kept_from(body.case_id, opened.header.sender) >= 2 * MOST_OF_ONE:
            return Refusal.invalid  # these are heard when no notice is any more, and not for ever
        if isinstance(body, Cancel):
            return self._cancelled(opened, body, at)
        if isinstance(body, Notice):
            return self._noticed(opened, body, at)
        return self._asked_for(opened, body, at) if isinstance(body, Request) else Effect()

    def _asked_for(self, opened: Opened, request: Request, at: datetime) -> Effect | Refusal:
        kept = _event(opened, request.case_id, at)
        asked = self.asking(request, opened.digest, opened.header.thread)
        if asked is None or request.agency != self.party.id or request.hub != opened.header.sender:
            return Refusal.invalid
        self._came[opened.digest] = opened
        ack = Acknowledgement(answers=opened.digest, received_at=at, duty_contact=self.party.settings.contact)
        work = Work(
            id=f"{ANSWER}/{opened.digest}",
            kind=ANSWER,
            case_id=request.case_id,
            digest=opened.digest,
            not_before=at + self.settings.answer_after,
        )
        return Effect(
            events=(kept,),
            mentions=self.mentions(asked),
            work=(work,),
            entries=(entry(asked.request, asked.digest, Operation.consultation, self.party.actor, at, "begun"),),
            outgoing=(
                Outgoing(kind=Kind.acknowledgement, recipient=request.hub, thread=opened.header.thread, case_id=request.case_id, body=ack),
            ),
        )

    def _cancelled(self, opened: Opened, cancel: Cancel, at: datetime) -> Effect | Refusal:
        """Only the hub that asked may cancel, on the thread it asked on."""
        asked = self._known(cancel.request_digest, cancel.case_id)
        if asked is None or not _is_theirs(asked, opened, cancel.case_id):
            return Refusal.no_such_request
        told = entry(asked.request, asked.digest, Operation.administration, cancel.officer, at, f"cancel.{cancel.reason.value}")
        gone = Mark(case_id=cancel.case_id, digest=asked.digest)
        return Effect(events=(_event(opened, cancel.case_id, at),), entries=(replace(told, envelope=opened.digest),), settled=(gone,))

    def _noticed(self, opened: Opened, notice: Notice, at: datetime) -> Effect | Refusal:
        """Only the hub that asked may move a deadline, on the thread it asked on; a notice that comes before its request waits for it."""
        asked = self._known(notice.request_digest, notice.case_id)
        if asked is None and not may_come(self.party, notice, opened.header.sender, at):
            return Refusal.no_such_request
        if asked is not None and not _is_theirs(asked, opened, notice.case_id):
            return Refusal.no_such_request
        if self.party.kept_from(notice.case_id, opened.header.sender) >= MOST_OF_ONE:
            return Refusal.invalid
        told = Entry(
            at=at,
            operation=Operation.administration,
            actor=self.party.actor,
            case_id=notice.case_id,
            subject_ref=None,
            category=None,
            purpose=asked.request.purpose if asked is not None else None,
            stage=asked.request.stage if asked is not None else None,
            rules=(),
            pack_digest=None,
            outcome=Slug(f"notice.{notice.rag.value}"),
            envelope=opened.digest,
        )
        return Effect(events=(_event(opened, notice.case_id, at),), entries=(told,), work=self._retimed(notice, at))

    def _retimed(self, notice: Notice, at: datetime) -> tuple[Work, ...]:
        """To go on by the new deadline: with what failed, whose last try it moves, and with whom to ring for what waits for a person."""
        dossier = self.dossier(notice.case_id, notice.request_digest)
        if dossier is None or dossier.cancelled:  # its request is not here yet, and is answered by what holds when it is
            return ()
        if 0 < dossier.corrected == dossier.revision:  # all was taken back, and whoever did so said whether anything follows
            return ()
        not_before = max(at, dossier.kept.at + self.settings.answer_after)
        return (self._work(dossier, 0, notice.number, not_before),)

    def _work(self, dossier: Dossier, tried: int, number: int, not_before: datetime) -> Work:
        """Answering, named by what it goes on from: after which correction and notice, and how often a source was tried since."""
        name = f"{ANSWER}/{dossier.kept.digest}/{dossier.corrected}/{tried}/{number}"
        case_id = dossier.request.case_id
        return Work(id=name, kind=ANSWER, case_id=case_id, digest=dossier.kept.digest, not_before=not_before)

    def _known(self, digest: Digest, case_id: UUID) -> Asked | None:
        """A request by its digest, kept or in the batch that is being read."""
        came = self._came.get(digest)
        if came is not None and isinstance(came.body, Request):
            return self.asking(came.body, digest, came.header.thread)
        kept = self.party.store.event(case_id, digest)
        return self.asked(kept) if kept is not None else None

    def _answer(self) -> bool:
        """Answer one request: decide, match, fetch with no transaction open, then one effect."""
        return do_work(self.party, ANSWER, LEASE, "answer_failed", self._answered)

    def _anew(self) -> bool:
        """Seal anew what a hub could not open any more."""
        return do_work(self.party, ANEW, LEASE, "not_sealed_anew", lambda work, at: said_anew(self, work, at))

    def _erase(self) -> bool:
        """Destroy the keys of what was taken back."""
        return do_work(self.party, ERASE, LEASE, "not_erased", lambda work, at: erased(self, work, at))

    def _answered(self, work: Work, at: datetime) -> Effect:
        dossier = self.dossier(work.case_id, work.digest)
        asked = self.asked(dossier.kept) if dossier is not None else None
        if dossier is None or asked is None:  # disposed of, or the hub is no longer listed: nothing is answered
            self.party.alarm("unanswerable", digest=str(work.digest))
            return Effect()
        if dossier.cancelled:
            return Effect(entries=(entry(asked.request, asked.digest, Operation.administration, self.party.actor, at, "cancelled"),))
        course = _course(work)
        if course.corrected != dossier.corrected:  # what this work goes on from was taken back, and other work began anew
            return Effect()
        if course.tried and course.number != dossier.standing.number:  # a newer notice began tries of its own
            return Effect()
        return self._effect(asked, dossier, course, at)

    def _effect(self, asked: Asked, dossier: Dossier, course: Course, at: datetime) -> Effect:
        """Answer what is not wholly answered yet; the rest of an earlier revision is repeated as it stands.

        The first answer goes out whatever failed, and says so; then only what tells more than was told already is news.
        """
        wanted = [each for each in asked.request.questions if dossier.goes_on((each.subject_ref, each.category))]
        decided = [self._decided(asked, dossier, each, at) for each in wanted]
        for alert in sorted({alert.value for each in decided for alert in each.decision.alerts}):
            self.party.alarm(alert, digest=str(asked.digest))
        self.party.reached(Milestone.decided)
        searches = self._search(asked, decided)
        self.party.reached(Milestone.searched)
        answers = [Said(answer=self.say(asked, *each, at), pack_digest=self.pack.digest) for each in zip(decided, searches, strict=True)]
        logged = [entries_of(asked, each, one.answer, self.pack, self.party.actor) for each, one in zip(decided, answers, strict=True)]
        looks = tuple(one for consultations, _ in logged for one in consultations)
        fresh = {each.key: each for each in answers if each.key not in dossier.said or each.is_news_after(dossier.said[each.key])}
        again = self._again(dossier, {**dossier.said, **fresh}.values(), course.tried, at)
        stands = [self._rung_now(each, at) if course.noticed else each for key, each in dossier.said.items() if key not in fresh]
        if dossier.said and not fresh and all(dossier.said[each.key] == each for each in stands):
            return Effect.of(Effect(entries=_in_brief(looks)), again)
        disclosures = {one.key: disclosure for one, (_, disclosure) in zip(answers, logged, strict=True) if one.key in fresh}
        disclosures |= {each.key: repeated(asked, each, self.party.actor, at) for each in stands}
        revision, whole = dossier.revision + 1, [*stands, *fresh.values()]
        said = Effect(
            received=once("revisions", revision_name(asked.digest, revision)),
            mentions=self.decisions(asked, fresh.values()),
            outgoing=sent(asked, whole, disclosures, revision),
        )
        return Effect.of(Effect(entries=looks), again, said, dossier.left(whole), queued(asked, dossier, self.party.actor, at))

    def _decided(self, asked: Asked, dossier: Dossier, question: Question, at: datetime) -> Decided:
        return replace(self.decide(asked, question, at), held=dossier.is_held((question.subject_ref, question.category)))

    def _rung_now(self, said: Said, at: datetime) -> Said:
        """What waits for a person names whoever is to be rung now: the new deadline may leave no time until somebody is on duty."""
        answer = said.answer
        if answer.status not in PEOPLES or answer.reviewed_by is not None:
            return said
        return replace(said, answer=replace(answer, duty_contact=self.contact(answer.status, at)))

    def _again(self, dossier: Dossier, stand: Iterable[Said], tried: int, at: datetime) -> Effect:
        """Ask a failing source once more, later and later, the last time when the answer is due."""
        now = dossier.standing
        if at >= now.due_at or not any(each.goes_on for each in stand):
            return Effect()
        wait = min(FIRST_WAIT * 2 ** min(tried, 10), LONGEST_WAIT)
        return Effect(work=(self._work(dossier, tried + 1, now.number, min(at + wait, now.due_at)),))

    def _search(self, asked: Asked, decided: list[Decided]) -> list[tuple[Search, ...]]:
        """Find each person once in each source, then what is asked about them; only what would be released is searched for."""
        subjects = {each.ref: each for each in asked.request.subjects}
        found: dict[tuple[SubjectRef, Slug], Search] = {}
        searches = []
        for each in decided:
            ref, sources = each.question.subject_ref, self.sources_of(each.question.category) if each.searches else ()
            for source in sources:
                if (ref, source.settings.name) not in found:
                    found[ref, source.settings.name] = self.find(subjects[ref], source)
            who = consistent([found[ref, source.settings.name] for source in sources])
            searches.append(tuple(self.fetch(asked, each.question, one) for one in who) if is_settled(who) else who)
        return searches


def _is_theirs(asked: Asked, opened: Opened, case_id: UUID) -> bool:
    """Whether an envelope comes from the hub that asked, about the case it asked in, on the thread it asked on."""
    return (asked.hub.id, asked.request.case_id, asked.thread) == (opened.header.sender, case_id, opened.header.thread)


def _in_brief(looks: Iterable[Entry]) -> tuple[Entry, ...]:
    """Of looks that brought no news, one for each person and source: a source may be asked hundreds of times until it is back."""
    return tuple({(each.subject_ref, each.outcome): replace(each, category=None, rules=()) for each in looks}.values())


@dataclass(frozen=True, slots=True)
class Course:
    """After which correction work answers, how often a source was tried since, and by which notice it goes on."""

    corrected: int = 0
    tried: int = 0
    number: int = 0

    @property
    def noticed(self) -> bool:
        """Whether a notice began it."""
        return self.number > 0 and self.tried == 0


def _course(work: Work) -> Course:
    return Course(*map(int, work.id.split("/")[2:]))


def _event(opened: Opened, case_id: UUID, at: datetime) -> Event:
    """An envelope as an event of its case."""
    return Event(
        case_id=case_id,
        digest=opened.digest,
        kind=opened.header.kind.value,
        at=at,
        content=opened.raw,
        key=opened.key,
        sender=opened.header.sender,
    )
