"""What a reviewer looks at: one waiting question, who it may be, what each source holds, and what would leave. Pure."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from agents.adapter.answer import Asked, Decided
from agents.adapter.choice import UNSAID, Choice, Form, Named
from agents.adapter.dossier import Waiting
from agents.adapter.ports import Candidate
from agents.adapter.search import Search, items_of, outcome, together, unanswered
from agents.adapter.stated import NOTHING, Stated
from schemas.enums import Outcome, Status
from schemas.errors import SourceUnavailableError
from schemas.identifiers import Digest, Slug
from schemas.records import Item, Searched, Unanswered

_ITEMS: Final = TypeAdapter(tuple[Item, ...])


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sight:
    """One waiting question with the case for it: the ladder, who it may be, and what would leave."""

    waiting: Waiting
    asked: Asked
    decided: Decided
    at: datetime
    searches: tuple[Search, ...] = ()  # of every source; none where the ladder does not allow it: what may not leave is not looked at
    candidates: tuple[Named, ...] = ()  # to choose from, where it is not sure who is meant
    choice: Choice = UNSAID  # what the reviewer said of the sources
    blanks: tuple[Form, ...] = ()  # to fill in, where only a person may read
    stated: Stated = NOTHING

    @property
    def is_lawful(self) -> bool:
        """Whether a person may release it."""
        return self.decided.decision.outcome is not Outcome.withhold

    @property
    def needs_person(self) -> bool:
        """Whether the reviewer has yet to say who is meant."""
        return any(each.is_unsure for each in self.searches)

    @property
    def unread(self) -> tuple[Slug, ...]:
        """Sources of which the reviewer has yet to say what they hold."""
        return tuple(each.source for each in self.searches if each.by_person)

    @property
    def searched(self) -> tuple[Searched, ...]:
        """Every source that was searched, or read by the reviewer."""
        return tuple(one for each in self.searches for one in each.searched)

    @property
    def items(self) -> tuple[Item, ...]:
        """What would leave, each naming its source."""
        return items_of(self.searches)

    @property
    def unanswered(self) -> tuple[Unanswered, ...]:
        """Sources that could not answer, or not for today: what an old one shows a person may release, and what it lacks means nothing."""
        return unanswered(self.searches, self.at)

    @property
    def status(self) -> Status:
        """What a release would say."""
        return Status.released if self.items else together(outcome(each, self.at) for each in self.searches)

    def digest(self, salt: bytes) -> Digest:
        """Of all that turned on what was found: HMAC-SHA256."""
        people = [[str(part) for part in (source, *_parts(each))] for source, each in self.candidates]
        chosen = [list(self.choice.people), sorted(self.choice.nothing), [each.source for each in self.unanswered]]
        decision, stated = self.decided.decision.outcome.value, sorted(self.stated.facts)
        seen = [decision, self.status.value, people, chosen, _ITEMS.dump_python(self.items, mode="json"), stated]
        return Digest(hmac.digest(salt, json.dumps(seen).encode(), "sha256"))


def check_answered(sight: Sight) -> None:
    """SourceUnavailableError where finding nothing means nothing; what others hold is shown, and says which did not answer."""
    if sight.items or sight.needs_person or sight.unread:
        return
    if not sight.searches:
        message = "no source of this agency declares the category"
        raise SourceUnavailableError(message)
    if not sight.unanswered:
        return
    names = ", ".join(each.source for each in sight.unanswered)
    if any(each.failed for each in sight.searches):
        message = f"the agency's own system does not answer; nothing was released ({names})"
        raise SourceUnavailableError(message)
    message = f"the agency's own extract is behind its allowed lag, so that nothing found means nothing; bring it up to date ({names})"
    raise SourceUnavailableError(message)


def _parts(person: Candidate) -> tuple[object, ...]:
    """A candidate, with the key by which the agency's own system knows them."""
    return (
        person.key,
        person.family_name,
        person.given_names,
        person.born_on,
        person.postcode,
        person.nhs_number,
        person.nhs_number_verified,
    )
