"""The questions whose answers make a sharing agreement, each knowing what would be wrong with an answer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import BaseModel, TypeAdapter

from policies.agreements import Agreement, Keeping, Processing, RetentionTerms
from policies.categories import Categories
from policies.headings import Governance, Terms
from policies.law import InForce, Law
from policies.lines import Path
from policies.vocabulary import Side
from schemas.enums import Layer, Purpose
from schemas.identifiers import CategoryId, PartyId
from schemas.record import ShortText
from schemas.statements import Party

ROLES: Final = {
    "controllers": "Who takes part as a controller, deciding for itself?",
    "joint": "Who are joint controllers, deciding together?",
    "processors": "Who takes part as a processor, on behalf of those, never in its own name?",
}
PAPERS: Final = {  # what must be written down for a capacity: its key, and the question
    "joint": ("arrangement", "Where is their arrangement written down (UK GDPR Art. 26)?"),
    "processors": ("contract", "Where is the contract that binds them written down (UK GDPR Art. 28)?"),
}
Draft = dict[str, Any]  # the agreement so far, nested as its file is
Wrong = Callable[[Any], str]  # what is wrong with an answer of the right form; nothing, where nothing is


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the answers may name: rules, categories, and the parties that a directory lists (none, where no directory is given)."""

    law: Law
    categories: Categories
    parties: tuple[Party, ...] = ()

    @property
    def titles(self) -> Mapping[str, str]:
        """All categories, by id."""
        return {each.id: each.title for each in self.categories.every}

    @property
    def gateways(self) -> Mapping[str, str]:
        """Rules that a discloser may rely on as its power or duty, with their citations."""
        return {each.id: each.citation for each in self.law.rules if each.layer is Layer.gateway and each.side is Side.discloser}

    def held_by(self, party: str) -> frozenset[str]:
        """What a listed party's kind of body holds; everything, of a party that is not listed."""
        kinds = {each.kind for each in self.parties if each.id == party}
        return frozenset(each.id for each in self.categories.categories if not kinds or kinds & each.held_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. `known`: answers to suggest, with what each means; `spoken`: whether a terminal asks it, or only a file answers it."""

    place: Path
    ask: str
    type: TypeAdapter[Any]
    many: bool = False
    optional: bool = False
    spoken: bool = True
    known: Mapping[str, str] = field(default_factory=dict)
    wrong: Wrong = lambda _: ""

    @property
    def key(self) -> str:
        """The answer's name on a command line."""
        return ".".join(str(part) for part in self.place)


def questions(draft: Draft, world: World, processings: int) -> Iterator[Question]:
    """Every question in order; whoever asks puts each answer into `draft` before it takes the next.

    `processings`: how many are described at least; more are asked for until every party and category has one.
    """
    yield _of(Agreement, "id", "What is its id: one lower-case word, such as borough-mash?")
    yield _of(Agreement, "title", "What is it called?")
    yield _of(Agreement, "version", "Which version is it?")
    listed = {str(each.id): f"{each.name}, {each.kind.value.replace('_', ' ')}" for each in world.parties}
    yield _of(Agreement, "parties", "Who are the parties, by id?", known=listed)
    purposes = {each.value: each.value.replace("_", " ") for each in Purpose if each is not Purpose.unknown}
    yield _of(Agreement, "purposes", "For which purposes?", known=purposes, wrong=_among(purposes, "not a purpose:"))
    among = _among(world.titles, "not in the category table:")
    yield _of(Agreement, "categories", "Which categories are shared?", known=world.titles, wrong=among)
    among = _among({each.id: each.citation for each in world.law.rules}, "not in the law:")
    yield _of(Agreement, "basis", "On which rules do the parties mean to rely?", known=world.gateways, wrong=among)
    mine, among = _names(draft, "parties"), _among(_names(draft, "parties") or None, "not among the parties:")
    yield _of(Agreement, "bound_to_secrecy", "Whose recipients are professionals bound to secrecy?", known=mine, wrong=among)
    yield _of(InForce, "since", "From which day is it in force (YYYY-MM-DD)?", place=("in_force", "from"))
    since = draft.get("in_force", {}).get("from")
    yield _of(InForce, "until", "Until which day, if it ends?", place=("in_force", "until"), wrong=_not_before(since))
    yield _of(Agreement, "review_by", "By which day must it be reviewed?", wrong=_not_before(since))
    yield from _processings(draft, processings)
    yield from _retention(draft, world)
    yield from _words(Terms, ("terms",))
    yield from _supplies(draft, world)


def _processings(draft: Draft, least: int) -> Iterator[Question]:
    at = 0
    while at < least or _unspoken(draft):
        yield from _processing(draft, at)
        if len(draft.get("processing", ())) <= at:  # no answer came: there is nothing to go on with
            return
        at += 1


def _processing(draft: Draft, at: int) -> Iterator[Question]:
    """One processing: what is done, and in which capacity each takes part."""
    place: Path = ("processing", at)
    earlier = [each.get("name") for each in draft.get("processing", ())[:at]]
    yield _of(Processing, "name", f"Processing {at + 1}: what is it called, in one word?", place=(*place, "name"), wrong=_new(earlier))
    yield _of(Processing, "says", "What is done in it?", place=(*place, "says"))
    agreed = _names(draft, "categories")
    among = _among(agreed or None, "not among the categories agreed:")
    yield _of(Processing, "categories", "With which categories, if not with all?", place=(*place, "categories"), known=agreed, wrong=among)
    for role, ask in ROLES.items():
        taken = {str(each) for other in ROLES if other != role for each in _said(draft, at, other)}
        free = {each: said for each, said in _names(draft, "parties").items() if each not in taken}
        alone = bool(_said(draft, at, "controllers"))
        wrong = _role(free if "parties" in draft else None, least=(0 if alone else 2) if role == "joint" else None)
        question = _of(Processing, role, ask, place=(*place, role), known=free, wrong=wrong)
        yield replace(question, optional=role != "joint" or alone)  # somebody decides
        if role in PAPERS and _said(draft, at, role):
            paper, where = PAPERS[role]
            yield Question(place=(*place, paper), ask=where, type=TypeAdapter(ShortText))


def _said(draft: Draft, at: int, key: str) -> frozenset[PartyId]:
    found: list[dict[str, frozenset[PartyId]]] = draft.get("processing", [])
    return found[at].get(key, frozenset()) if len(found) > at else frozenset()


def _unspoken(draft: Draft) -> bool:
    """Whether of a party nobody has said in which capacity it takes part, or of a category who decides about it."""
    said = draft.get("processing", ())
    named = {party for at in range(len(said)) for role in ROLES for party in _said(draft, at, role)}
    spoken = {category for each in said for category in each.get("categories") or draft.get("categories", ())}
    return not said or not set(draft.get("parties", ())) <= named or not set(draft.get("categories", ())) <= spoken


def _retention(draft: Draft, world: World) -> Iterator[Question]:
    """How long, for each retention class that an agreed category has."""
    agreed, every = _names(draft, "categories"), world.categories.every
    for each in sorted({each.retention.value for each in every if each.id in agreed}):
        place: Path = ("retention", "by_class", each)
        yield _of(Keeping, "days", f"How many days are copies of {each} categories kept?", place=(*place, "days"))
        yield _of(Keeping, "counted_from", "Counted from which event?", place=(*place, "counted_from"))
    ask = "Which categories are kept for longer or shorter?"
    yield _of(RetentionTerms, "by_category", ask, place=("retention", "by_category"), spoken=False)


def _words(part: type[BaseModel], place: Path) -> Iterator[Question]:
    """The headings, each by its own question."""
    for name, each in part.model_fields.items():
        if each.annotation is Governance:
            yield from _words(Governance, (*place, name))
        else:
            yield _of(part, name, f"{each.title}. {each.description}", place=(*place, name))


def _supplies(draft: Draft, world: World) -> Iterator[Question]:
    """What each agency supplies, where it is not all that its kind of body holds."""
    kind = TypeAdapter(frozenset[CategoryId])
    for party in _names(draft, "parties"):
        own = {each: world.titles[each] for each in _own(draft, PartyId(party))}
        among = _among(own if "processing" in draft else None, "not agreed, or not decided about by this party:")
        held = {each: said for each, said in own.items() if each in world.held_by(party)}
        ask = f"What does {party} supply, if not all that its kind of body holds?"
        asked = PartyId(party).kind == "agency" and bool(own)
        yield Question(place=("supplies", party), ask=ask, type=kind, many=True, optional=True, spoken=asked, known=held, wrong=among)


def _own(draft: Draft, party: PartyId) -> list[str]:
    """The categories that a party decides about, alone or with others."""
    said = draft.get("processing", ())
    mine = [each for at, each in enumerate(said) if party in _said(draft, at, "controllers") | _said(draft, at, "joint")]
    return [name for name in _names(draft, "categories") if any(not each.get("categories") or name in each["categories"] for each in mine)]


def _of(
    model: type[BaseModel],
    name: str,
    ask: str,
    *,
    place: Path = (),
    known: Mapping[str, str] = MappingProxyType({}),
    wrong: Wrong = lambda _: "",
    spoken: bool = True,
) -> Question:
    """A question whose answer must be what the model takes there, and may be left out where the model has a default."""
    described = model.model_fields[name]
    hint: Any = Annotated[described.annotation, *described.metadata] if described.metadata else described.annotation
    return Question(
        place=place or (name,),
        ask=ask,
        type=TypeAdapter(hint),
        many=str(described.annotation).startswith(("frozenset", "tuple")),
        optional=not described.is_required(),
        spoken=spoken,
        known=known,
        wrong=wrong,
    )


def _names(draft: Draft, key: str) -> Mapping[str, str]:
    """What was answered so far, to choose from."""
    return dict.fromkeys(sorted(str(each) for each in draft.get(key, ())), "")


def _among(known: Mapping[str, str] | None, message: str) -> Wrong:
    """`None`: what one chooses from has not been answered yet, so nothing is wrong."""

    def wrong(said: Iterable[object]) -> str:
        strange = sorted({getattr(each, "value", str(each)) for each in said} - known.keys()) if known is not None else []
        return f"{message} {', '.join(strange)}" if strange else ""

    return wrong


def _role(free: Mapping[str, str] | None, least: int | None) -> Wrong:
    """`least`: of joint controllers, how many there must be; one by itself is none."""
    strangers = _among(free, "not among the parties, or in another capacity already:")

    def wrong(said: Collection[object]) -> str:
        lone = least is not None and (len(said) == 1 or len(said) < least)
        return strangers(said) or ("nobody decides jointly alone: name two or more" if lone else "")

    return wrong


def _new(names: list[Any]) -> Wrong:
    return lambda name: "is the name of an earlier processing" if name in names else ""


def _not_before(since: date | None) -> Wrong:
    return lambda day: f"is before {since}, when it begins" if since is not None and day is not None and day < since else ""
