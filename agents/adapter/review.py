"""A professional decides: what waits for a person, what would leave, and what they released, cut down or withheld.

Found items are fetched when somebody looks and once more when they leave; between the two only a salted digest is kept.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from agents.adapter.agency import Agency
from agents.adapter.answer import Said, answer, entries_of, least, repeated, too_large
from agents.adapter.choice import UNSAID, Choice, blank, check_asked, identified, people_of, read_by_person, rows_of
from agents.adapter.dossier import Dossier, Waiting, dossiers, revision_name
from agents.adapter.edits import Numbered, edit_faults
from agents.adapter.glass import GlassReview, closing, glass_reviews, queued
from agents.adapter.matching import plausible
from agents.adapter.parts import sent
from agents.adapter.search import TELLING, agreed, consistent
from agents.adapter.sight import Sight, check_answered
from agents.adapter.sources.places import CategoryPlace
from agents.adapter.stated import NOTHING, Stated
from broker.effect import Effect, local_event, once
from broker.store.find import events_named
from policies.wording import boilerplate
from schemas.enums import Kind, Operation, Outcome, Status
from schemas.errors import ConfigurationError, Fault
from schemas.events import Entry
from schemas.identifiers import Digest, Slug
from schemas.records import Answer, Item, Officer, Question
from schemas.reviews import Reviewed, Shown

SALT: Final = 32  # bytes
LEAST_REASON: Final = 20  # characters
MOST_WORDS: Final = 8000  # characters


class Hindrance(StrEnum):
    """Why a question was not released; nothing has left, and it still waits."""

    not_lawful = "the ladder does not allow it, and a person cannot lift that: withhold it, or ring the hub"
    no_person = "it is not sure who is meant: name one of those shown with --person, or --nothing SOURCE where it is none of them"
    unread = "only a person may say what one source holds: read it there, and give --form FILE, or --nothing SOURCE"
    unseen = "what is held, or whether it may leave, is not what you were last shown: look, and decide again"
    too_large = "it is more than one message holds: cut it down with edit"
    too_late = "somebody answered a moment ago: look again"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Stopped:
    """Not released: why, and what there is to look at now."""

    why: Hindrance
    sight: Sight | None = None


class Desk(Agency):
    """Where officers of the agency decide. Every look is an entry before anything is shown.

    `stated`: what the officer states of the question before them, such as a court's order; it is decided with.
    """

    stated: Stated = NOTHING

    def queue(self) -> list[Waiting]:
        """All that waits for a person, the most pressing first; no other case is opened."""
        found = [each for dossier in self.waiting() for each in dossier.waiting()]
        return sorted(found, key=lambda each: (each.dossier.standing.due_at, each.answer.decided_at, each.dossier.kept.digest, each.key))

    def glass(self) -> list[GlassReview]:
        """Answers given while glass was broken at which nobody has looked yet, the longest due first."""
        return glass_reviews(self.waiting(), self.settings.calendar)

    def look_back(self, review: GlassReview, officer: Officer, words: str) -> bool:
        """Close such a review, with an entry; False when somebody did a moment ago."""
        at = self.party.now()
        return self.party.store.apply([closing(review, officer, words, at)], self.party.seal, at).applied > 0

    def waiting(self) -> list[Dossier]:
        """Every request in the cases of which something waits for a person; no other case is opened."""
        store = self.party.store
        return [dossier for case_id in store.waiting() for dossier in dossiers(store.events(case_id))]

    def named(self, prefix: str) -> list[Dossier]:
        """The requests whose digest begins so, in hexadecimal."""
        found = [self.dossier(case_id, digest) for case_id, digest in events_named(self.party.store, Kind.request.value, prefix)]
        return [each for each in found if each is not None]

    def why(self, waiting: Waiting) -> tuple[str, ...]:
        """Why a person decides: what holds it, the layers that nothing carries, or what only they can say of a source."""
        if self.asked(waiting.dossier.kept) is None:  # the directory no longer lists who asked: nothing can be said to them
            return ("hub_not_listed",)
        if waiting.answer.reviewed_by is not None:
            return ("source_unanswered",)
        if waiting.dossier.is_held(waiting.key):
            return ("corrected",)
        if waiting.answer.status is Status.ambiguous:
            return ("ambiguous",)
        decision = self._decided(waiting).decided.decision
        restricted = waiting.answer.status is Status.contact_us
        by_person = restricted or any(each.settings.kind == "manual" for each in self.sources_of(waiting.question.category))
        told = (*decision.caps, *(each.layer.value for each in decision.failed)) or waiting.answer.caps
        return told or (("by_person",) if by_person else ("too_large",))

    def show(self, waiting: Waiting, officer: Officer, choice: Choice = UNSAID) -> Sight:
        """What would leave, fetched now; the look is an entry, and a salted digest of what was seen is kept, before it is shown."""
        sight = self._look(waiting, choice)
        self._record(sight, officer)
        return sight

    def release(
        self,
        waiting: Waiting,
        officer: Officer,
        *,
        choice: Choice = UNSAID,
        draft: tuple[Numbered, ...] | None = None,
        file: str = "",
        interpretation: str | None = None,
    ) -> Stopped | None:
        """Release what this officer was shown, or less of it; None when done. In this order."""
        # (1) decide and fetch again, now
        sight = self._look(waiting, choice)
        # (2) what a person cannot lift, and what only they can say
        if not sight.is_lawful:
            return self._stopped(Hindrance.not_lawful, sight, officer)
        if sight.needs_person:
            return self._stopped(Hindrance.no_person, sight, officer)
        if sight.unread:
            return self._stopped(Hindrance.unread, sight, officer)
        # (3) exactly what they saw
        if not self._was_shown(sight, officer):
            return self._stopped(Hindrance.unseen, sight, officer)
        # (4) less of it, never other
        if draft is not None and (faults := _faults(draft, sight, file)):
            self._record(sight, officer)  # it was looked at once more
            raise ConfigurationError(faults)
        items = sight.items if draft is None else tuple(each.item for each in draft)
        if too_large(items, interpretation or ""):
            return self._stopped(Hindrance.too_large, sight, officer)
        # (5) the decision, its entries and the next revision, once
        said = self._reviewed(sight, officer, status=sight.status, items=items, interpretation=interpretation)
        done = "released" if draft is None else "released: cut down"
        return self._decide(sight, said, officer, Outcome.release, done)

    def withhold(self, waiting: Waiting, officer: Officer, reason: str) -> Stopped | None:
        """Say no to one question; the hub is told whom to ring, neither that anything is held nor that nothing is."""
        if len(reason.strip()) < LEAST_REASON or boilerplate(reason) or len(self.stated.reason(reason)) > MOST_WORDS:
            fix = "say in a sentence why this is not released in this case"
            raise ConfigurationError([Fault(file="--reason", message=f"says nothing, or is under {LEAST_REASON} characters", fix=fix)])
        sight = self._decided(waiting)
        asked = replace(sight, decided=self.decide(sight.asked, waiting.question, sight.at, frozenset()))
        said = self._reviewed(asked, officer, status=Status.contact_us)  # a ladder that turned on what was stated would tell of it
        return self._decide(sight, said, officer, Outcome.withhold, reason.strip())

    def _decided(self, waiting: Waiting) -> Sight:
        at = self.party.now()
        asked = self.asked(waiting.dossier.kept)
        if asked is None:
            message, fix = f"{waiting.dossier.request.hub} is no longer listed", "ring the hub"
            raise ConfigurationError([Fault(file="directory.avro", message=message, fix=fix)])
        return Sight(
            waiting=waiting, asked=asked, decided=self.decide(asked, waiting.question, at, self.stated.facts), at=at, stated=self.stated
        )

    def _look(self, waiting: Waiting, choice: Choice) -> Sight:
        """Decide, then search every source; nothing is searched that could not leave anyway."""
        sight = self._decided(waiting)
        if not sight.is_lawful:
            return sight
        question = sight.decided.question
        subject = next(each for each in sight.asked.request.subjects if each.ref == question.subject_ref)
        found = consistent([self.find(subject, each) for each in self.sources_of(question.category)])
        candidates = tuple((each.source, one) for each in found if each.is_unsure for one in plausible(subject, each.candidates))
        people = people_of(choice, candidates)
        fetched = [self.fetch(sight.asked, question, identified(each, choice, people)) for each in found]
        check_asked(choice, [*found, *fetched], corrected=waiting.dossier.is_held(waiting.key))
        searches = tuple(read_by_person(each, choice, self._read(sight, each.source, choice), sight.at) for each in fetched)
        places = [(each.source, self._place(each.source, question)) for each in searches if each.by_person]
        blanks = tuple(blank(source, place) for source, place in places if place is not None)
        looked = replace(sight, searches=searches, candidates=candidates, choice=choice, blanks=blanks)
        check_answered(looked)
        return looked

    def _read(self, sight: Sight, source: Slug, choice: Choice) -> tuple[Item, ...]:
        """What the reviewer read in one source, minimised as if a machine had."""
        question, form = sight.decided.question, choice.form_of(source)
        place = self._place(source, question)
        return least(sight.asked, question, source, rows_of(form, place), self.pack) if form is not None and place is not None else ()

    def _place(self, source: Slug, question: Question) -> CategoryPlace | None:
        return self.sources[source].settings.place_of(question.category)

    def _record(self, sight: Sight, officer: Officer) -> None:
        salt = Digest(os.urandom(SALT))
        shown = Shown(
            request_digest=sight.asked.digest,
            subject_ref=sight.waiting.question.subject_ref,
            category=sight.waiting.question.category,
            officer=officer,
            shown_at=sight.at,
            salt=salt,
            digest=sight.digest(salt),
        )
        event = local_event(sight.asked.request.case_id, "shown", shown, sight.at)
        looked, viewed = self._entries(sight, sight.waiting.answer, officer)
        viewed = replace(viewed, operation=Operation.consultation, outcome=Slug("shown"))
        self.party.store.apply([Effect(events=(event,), entries=(*looked, viewed))], self.party.seal, sight.at)

    def _stopped(self, why: Hindrance, sight: Sight, officer: Officer) -> Stopped:
        """What is to be looked at instead is shown, with its entry, and nothing is released."""
        self._record(sight, officer)
        return Stopped(why=why, sight=sight)

    def _was_shown(self, sight: Sight, officer: Officer) -> bool:
        """Whether this is what this officer last saw of it, since it was last answered."""
        dossier, key = sight.waiting.dossier, sight.waiting.key
        mine = [each for each in dossier.shown if (each.subject_ref, each.category) == key and each.officer.id == officer.id]
        if not mine or mine[-1].shown_at < sight.waiting.answer.decided_at:
            return False
        return hmac.compare_digest(mine[-1].digest, sight.digest(mine[-1].salt))

    def _reviewed(
        self, sight: Sight, officer: Officer, *, status: Status, items: tuple[Item, ...] = (), interpretation: str | None = None
    ) -> Answer:
        """The answer a person gave."""
        if interpretation is not None and not 0 < len(interpretation.strip()) <= MOST_WORDS:
            raise ConfigurationError(
                [Fault(file="--interpretation", message="is empty or too long", fix=f"{MOST_WORDS} characters at most")]
            )
        stated = answer(sight.asked, sight.decided, (), self.pack, self.party.settings.contact, sight.at)
        return replace(
            stated,
            status=status,
            items=items,
            agreed_fields=agreed(sight.searches) if status in TELLING else (),
            searched=sight.searched,
            unanswered=sight.unanswered,
            near_misses=(),  # nothing the asker could add changes what a person said; that there is none tells of no bar
            decided_by=officer.id,
            duty_contact=self.contact(status, sight.at),
            reviewed_by=officer,
            interpretation=interpretation.strip() if interpretation is not None else None,
        )

    def _decide(self, sight: Sight, said: Answer, officer: Officer, outcome: Outcome, reason: str) -> Stopped | None:
        """The decision, its entries and the whole response anew, in one transaction; whoever takes the revision's number first wins."""
        asked, dossier = sight.asked, sight.waiting.dossier
        looked, disclosure = self._entries(sight, said, officer)
        fresh = Said(answer=said, pack_digest=self.pack.digest)
        others = [each for each in dossier.said.values() if each.key != fresh.key]
        disclosures = {each.key: repeated(asked, each, self.party.actor, sight.at) for each in others} | {fresh.key: disclosure}
        reviewed = Reviewed(
            request_digest=asked.digest,
            subject_ref=said.subject_ref,
            category=said.category,
            officer=officer,
            decided_at=sight.at,
            outcome=outcome,
            reason=sight.stated.reason(reason),
        )
        decision = replace(disclosure, operation=Operation.decision, outcome=Slug(outcome.value))
        revision = dossier.revision + 1
        effect = Effect(
            received=once("revisions", revision_name(asked.digest, revision)),
            events=(local_event(asked.request.case_id, "reviewed", reviewed, sight.at),),
            entries=(*looked, decision),
            mentions=self.decisions(asked, [fresh]),
            outgoing=sent(asked, [*others, fresh], disclosures, revision),
        )
        effect = Effect.of(effect, dossier.left([*others, fresh], (reviewed,)), queued(asked, dossier, self.party.actor, sight.at))
        applied = self.party.store.apply([effect], self.party.seal, sight.at).applied
        return None if applied else Stopped(why=Hindrance.too_late)

    def _entries(self, sight: Sight, said: Answer, officer: Officer) -> tuple[tuple[Entry, ...], Entry]:
        """A consultation for each source searched, and the disclosure of what is said."""
        stated = replace(said, searched=sight.searched, decided_at=sight.at)
        return entries_of(sight.asked, sight.decided, stated, self.pack, officer)


def _faults(draft: tuple[Numbered, ...], sight: Sight, file: str) -> tuple[Fault, ...]:
    """All in a draft that is other than a cut or a mark."""
    return edit_faults(draft, sight.items, frozenset(each.ref for each in sight.asked.request.subjects), file)
