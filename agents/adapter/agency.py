"""What an agency works with, whether a process or an officer acts: how a question is decided, searched for and answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from agents.adapter.answer import BY_PERSON, FAILED, Asked, Decided, Search, answer, decide_question
from agents.adapter.dossier import PEOPLES, Dossier, dossier_of
from agents.adapter.matching import UNSEARCHED, MatchOutcome, match
from agents.adapter.ports import Candidate, PersonAnswersError, SourceSystem
from agents.adapter.settings import AdapterSettings
from agents.identity import question_names
from broker.effect import Kept, Mention
from broker.party import Party
from policies.facts import only_raised
from policies.pack import Pack
from policies.vocabulary import Fact
from schemas.enums import Status
from schemas.errors import SourceUnavailableError
from schemas.identifiers import Digest, Thread
from schemas.records import Answer, DutyContact, Question, Request, Searched, Subject

REASKED_WITHIN: Final = timedelta(days=14)
LOG: Final = structlog.get_logger()


class Agency:
    """One party with its settings, policy pack and source. It never sees another agency's answer."""

    def __init__(self, party: Party, settings: AdapterSettings, pack: Pack, source: SourceSystem) -> None:
        self.party, self.settings, self.pack, self.source = party, settings, pack, source
        self._before: tuple[Digest, datetime, frozenset[Digest]] | None = None

    def dossier(self, case_id: UUID, digest: Digest) -> Dossier | None:
        """One request and all that became of it; None once it is disposed of."""
        return dossier_of(self.party.store.events(case_id), digest)

    def asked(self, kept: Kept) -> Asked | None:
        """A kept request with who both parties are in law; None when one is no longer listed."""
        if not isinstance(kept.body, Request) or kept.thread is None:
            return None
        return self.asking(kept.body, kept.digest, kept.thread)

    def asking(self, request: Request, digest: Digest, thread: Thread) -> Asked | None:
        """A request with who both parties are in law; None when one is not listed."""
        me, hub = self.party.trust.party(self.party.id), self.party.trust.party(request.hub)
        return Asked(request=request, digest=digest, thread=thread, me=me, hub=hub) if me is not None and hub is not None else None

    def decide(self, asked: Asked, question: Question, at: datetime, stated: frozenset[Fact] = frozenset()) -> Decided:
        """What the ladder says, before anything is searched; `stated`: what a reviewer says of it."""
        trust = self.party.trust
        holds = {Fact.directory_stale: not trust.is_fresh(at), Fact.pack_not_accepted: self.pack.law_digest not in trust.directory.packs}
        holds[Fact.reasked] = self._reasked(asked, question, at)
        standing = frozenset(fact for fact, held in holds.items() if held)  # what is so here today and makes release a review
        return decide_question(asked, question, self.pack, at, standing | stated)

    def mentions(self, asked: Asked) -> tuple[Mention, ...]:
        """Each question under its keyed name, so that it is known when it is asked again."""
        case_id = asked.request.case_id
        names = frozenset().union(*(self._names(asked, each) for each in asked.request.questions))
        return tuple(Mention(name=name, case_id=case_id, digest=asked.digest) for name in sorted(names))

    def _names(self, asked: Asked, question: Question) -> frozenset[Digest]:
        subject = next(each for each in asked.request.subjects if each.ref == question.subject_ref)
        return question_names(self.party.keys.store, asked.hub.id, subject, question.category)

    def _reasked(self, asked: Asked, question: Question, at: datetime) -> bool:
        """Whether that hub asked the same within 14 days, and has since raised nothing but stage or rating."""
        return not self._names(asked, question).isdisjoint(self._asked_before(asked, at))

    def _asked_before(self, asked: Asked, at: datetime) -> frozenset[Digest]:
        """The names of all questions of a request that are so; looked up once for all of them."""
        if self._before is None or self._before[:2] != (asked.digest, at):
            found = self.party.store.mentioned({each.name for each in self.mentions(asked)})
            earlier = {(each.case_id, each.digest) for each in found} - {(asked.request.case_id, asked.digest)}
            raised = {digest for case_id, digest in earlier if self._is_lesser(self.party.store.event(case_id, digest), asked, at)}
            self._before = (asked.digest, at, frozenset(each.name for each in found if each.digest in raised))
        return self._before[2]

    def _is_lesser(self, kept: Kept | None, asked: Asked, at: datetime) -> bool:
        request = kept.body if kept is not None and kept.at > at - REASKED_WITHIN else None
        return isinstance(request, Request) and only_raised(request, asked.request)

    def find(self, subject: Subject) -> Search:
        """Who a subject is in the agency's own system; failed when that does not answer, in any way."""
        try:
            found = self.source.candidates(subject)
            who = match(subject, found.rows) if found.by else UNSEARCHED
        except PersonAnswersError:
            return BY_PERSON
        except Exception as error:  # noqa: BLE001 - an agency's own system may fail in any way; the others are answered all the same
            self.source_failed(error)
            return FAILED
        searched = (Searched(source=found.source, as_of=found.as_of, identifiers=found.by, scope=self.settings.source.scope),)
        return Search(match=who, searched=searched, allowed_lag=self.settings.source.allowed_lag, candidates=found.rows)

    def fetch(self, question: Question, who: Search, person: Candidate | None = None) -> Search:
        """What is held of the person surely found, or of the one that a reviewer named; of nobody else."""
        sure = who.match.person if who.match is not None and who.match.outcome is MatchOutcome.confirmed else None
        if (chosen := person or sure) is None:
            return who
        try:
            found = self.source.fetch(chosen, question.category, question.since, question.until)
        except PersonAnswersError:
            return BY_PERSON
        except Exception as error:  # noqa: BLE001 - as above
            self.source_failed(error)
            return Search(failed=True, searched=who.searched)
        return replace(who, found=found)

    def say(self, asked: Asked, decided: Decided, search: Search | None, at: datetime) -> Answer:
        """One answer; a row nobody can make sense of is as good as a source that does not answer."""
        contact = self.party.settings.contact
        try:
            said = answer(asked, decided, search, self.pack, contact, at)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with what was found, it is not released
            self.source_failed(error)
            said = answer(asked, decided, FAILED, self.pack, contact, at)
        return replace(said, duty_contact=self.contact(said.status, at))

    def contact(self, status: Status, at: datetime) -> DutyContact:
        """Whom to ring; out of hours somebody else, at once, for what waits for a person."""
        off = self.settings.off_duty(at) if status in PEOPLES else None
        return off.contact if off is not None else self.party.settings.contact

    def source_failed(self, error: Exception) -> None:
        """A source that is down is logged; anything else is a fault of ours or theirs that a person must look at."""
        if isinstance(error, SourceUnavailableError):
            LOG.warning("source", party=self.party.id, error=error.code)
        else:
            self.party.alarm("source_failed", error=type(error).__name__)
