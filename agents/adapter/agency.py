"""What an agency works with, whether a process or an officer acts: how a question is decided, searched for and answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from agents.adapter.answer import Asked, Decided, Said, answer, decide_question, least
from agents.adapter.dossier import PEOPLES, Dossier, dossier_of
from agents.adapter.matching import UNSEARCHED, match
from agents.adapter.ports import PersonAnswersError
from agents.adapter.search import Search
from agents.adapter.settings import AdapterSettings, Source, Sources
from agents.identity import decisions_mentioned, question_names
from broker.effect import Kept, Mention
from broker.party import Party
from policies.facts import REASKED_WITHIN, only_raised
from policies.pack import Pack
from policies.vocabulary import Fact
from schemas.enums import Status
from schemas.errors import SourceUnavailableError
from schemas.identifiers import CategoryId, Digest, Slug, Thread
from schemas.records import Answer, DutyContact, Question, Request, Subject

LOG: Final = structlog.get_logger()


class Agency:
    """One party with its settings, policy pack and sources. It never sees another agency's answer."""

    def __init__(self, party: Party, settings: AdapterSettings, pack: Pack, sources: Sources) -> None:
        self.party, self.settings, self.pack, self.sources = party, settings, pack, sources
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

    def decisions(self, asked: Asked, said: Iterable[Said]) -> tuple[Mention, ...]:
        """Each decision under its keyed name, so that it is found by its id."""
        ids = (each.answer.decision_id for each in said)
        return decisions_mentioned(self.party.keys.store, ids, asked.request.case_id, asked.digest)

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

    def sources_of(self, category: CategoryId) -> tuple[Source, ...]:
        """Every source that declares a category, in the order of adapter.toml."""
        return tuple(each for each in self.sources.values() if each.settings.place_of(category) is not None)

    def find(self, subject: Subject, source: Source) -> Search:
        """Who a subject is in one source; failed when that does not answer, in any way."""
        settings = source.settings
        unsearched = Search(source=settings.name, scope=settings.scope, allowed_lag=settings.allowed_lag)
        try:
            found = source.system.candidates(subject)
            who = match(subject, found.rows) if found.by else UNSEARCHED
        except PersonAnswersError:
            return replace(unsearched, by_person=True)
        except Exception as error:  # noqa: BLE001 - an agency's own system may fail in any way; the others are answered all the same
            self.source_failed(settings.name, error)
            return replace(unsearched, failed=True)
        return replace(unsearched, match=who, as_of=found.as_of, by=found.by, candidates=found.rows)

    def fetch(self, asked: Asked, question: Question, who: Search) -> Search:
        """With the least of what its source holds of the person surely found; of nobody else."""
        if who.person is None:
            return who
        try:
            found = self.sources[who.source].system.fetch(who.person, question.category, question.since, question.until)
            items = least(asked, question, who.source, found.rows, self.pack)
        except PersonAnswersError:
            return replace(who, by_person=True)
        except Exception as error:  # noqa: BLE001 - as above; nor is a row released that nobody can make sense of
            self.source_failed(who.source, error)
            return replace(who, failed=True)
        return replace(who, items=items, as_of=found.as_of if who.as_of is None else min(who.as_of, found.as_of))

    def say(self, asked: Asked, decided: Decided, searches: Sequence[Search], at: datetime) -> Answer:
        """One answer, and whom to ring."""
        said = answer(asked, decided, searches, self.pack, self.party.settings.contact, at)
        return replace(said, duty_contact=self.contact(said.status, at))

    def contact(self, status: Status, at: datetime) -> DutyContact:
        """Whom to ring; out of hours somebody else, at once, for what waits for a person."""
        off = self.settings.off_duty(at) if status in PEOPLES else None
        return off.contact if off is not None else self.party.settings.contact

    def source_failed(self, source: Slug, error: Exception) -> None:
        """A source that is down is logged; anything else is a fault of ours or theirs that a person must look at."""
        if isinstance(error, SourceUnavailableError):
            LOG.warning("source", party=self.party.id, source=source, error=error.code)
        else:
            self.party.alarm("source_failed", error=type(error).__name__)
