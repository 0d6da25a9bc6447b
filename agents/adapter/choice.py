"""What only a reviewer can say of an agency's sources: who is meant, which hold nothing, and what they read where no machine may. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from agents.adapter.matching import Match, MatchOutcome
from agents.adapter.ports import Candidate, Row
from agents.adapter.search import READ, Search
from agents.adapter.sources.places import CategoryPlace
from agents.adapter.sources.reading import named
from schemas.enums import Assertion
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import Slug
from schemas.record import MAX_ITEMS
from schemas.records import Item

NOBODY: Final = Match(outcome=MatchOutcome.none)
Named = tuple[Slug, Candidate]  # somebody, and the source that knows them


class FormItem(BaseModel):
    """One thing that a person read; without `assertion`, what its source says of such things."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    at: date | None = None
    fields: Annotated[dict[Slug, str], Field(min_length=1)]
    assertion: Assertion | None = None


class Form(BaseModel):
    """What a person read in one source about what was asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: Slug
    items: Annotated[tuple[FormItem, ...], Field(min_length=1, max_length=MAX_ITEMS)]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Choice:
    """People by the numbers shown, at most one of each source; the sources that hold nothing of who is meant; the forms filled in."""

    people: tuple[int, ...] = ()
    nothing: frozenset[Slug] = frozenset()
    forms: tuple[Form, ...] = ()

    def form_of(self, source: Slug) -> Form | None:
        """What was read there."""
        return next((each for each in self.forms if each.source == source), None)


UNSAID: Final = Choice()


def people_of(choice: Choice, candidates: Sequence[Named]) -> Mapping[Slug, Candidate]:
    """Who is meant in each source; ConfigurationError for a number that was not shown, and for two people of one source."""
    if not all(1 <= number <= len(candidates) for number in choice.people):
        fix = "look at the numbers shown" if candidates else "leave it off: it is sure who is meant, or nobody was found"
        raise ConfigurationError([Fault(file="--person", message="names none of those shown", fix=fix)])
    meant = [candidates[number - 1] for number in choice.people]
    if len(dict(meant)) < len(meant):
        raise ConfigurationError([Fault(file="--person", message="names two people of one source", fix="one of each source at most")])
    return dict(meant)


def identified(found: Search, choice: Choice, people: Mapping[Slug, Candidate]) -> Search:
    """With who is meant, where the reviewer says it: of those it may be, or that it is nobody whom this source knows."""
    if found.source in people:
        return replace(found, match=Match(outcome=MatchOutcome.confirmed, person=people[found.source]))
    return replace(found, match=NOBODY) if found.source in choice.nothing and found.match is not None else found


def read_by_person(found: Search, choice: Choice, items: tuple[Item, ...], at: datetime) -> Search:
    """With what the reviewer read, or that it is nothing, where only a person may say; `items`: as their form has them."""
    if not found.by_person or not (items or found.source in choice.nothing):
        return found
    return replace(found, by_person=False, match=found.match or NOBODY, items=items, as_of=at, by=READ)


def check_asked(choice: Choice, found: Iterable[Search], *, corrected: bool = False) -> None:
    """ConfigurationError for a word about a source that nobody asked the reviewer about; `found`: before they said anything.

    `corrected`: what was said was taken back, so that a source that is sure may be sure of the wrong person.
    """
    searches = tuple(found)
    unread = {each.source for each in searches if each.by_person}
    open_to = unread | {each.source for each in searches if each.is_unsure or (corrected and each.match is not None)}
    faults = []
    if choice.nothing - open_to:
        faults.append(Fault(file="--nothing", message="names a source that did not ask for your word", fix="look at those shown"))
    forms = [each.source for each in choice.forms]
    if set(forms) - unread or len(set(forms)) < len(forms) or set(forms) & choice.nothing:
        fix = "one form for each source that only a person may read, and no --nothing beside it"
        faults.append(Fault(file="--form", message="names a source that asks for none, or that is told of twice", fix=fix))
    if faults:
        raise ConfigurationError(faults)


def blank(source: Slug, place: CategoryPlace) -> Form:
    """The form to fill in: one thing read, its day and each of its fields."""
    return Form(source=source, items=(FormItem(fields=dict.fromkeys(place.fields, "")),))


def rows_of(form: Form, place: CategoryPlace) -> tuple[Row, ...]:
    """A filled-in form as its source would have given it; ConfigurationError for a field that the form does not have."""
    faults = [
        Fault(file="--form", field=f"items[{number}].fields", message="holds what the form does not have", fix=", ".join(place.fields))
        for number, each in enumerate(form.items)
        if not set(each.fields) <= set(place.fields)
    ]
    if faults:
        raise ConfigurationError(faults)
    try:
        return tuple(_row(each, place) for each in form.items)
    except ValueError as error:
        raise ConfigurationError([Fault(file="--form", message=str(error), fix="shorten it")]) from None


def _row(item: FormItem, place: CategoryPlace) -> Row:
    assertion = Assertion.known(item.assertion or place.assertion)
    return Row(at=item.at, fields=named(item.fields, item.fields.values()), assertion=assertion.value)
