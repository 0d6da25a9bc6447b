"""hub.toml: what a hub says of its own task, how it words a concern, how long agencies have, and whom it asks for what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, cached_property
from importlib.resources import files as resources
from importlib.resources.abc import Traversable
from typing import Annotated, Final, TypeVar

from pydantic import BeforeValidator, Field

from agents.calendars import OFFICE_HOURS, ROUND_THE_CLOCK, Calendar
from agents.hub.matrix import Matrix, matrix_faults
from agents.hub.timescales import Clocks, Duration, RunsBy, StartsOn, Timescale, Timescales, timescale_faults
from policies.categories import Categories
from policies.located import Located, Table, parse, read
from policies.vocabulary import LegalReview
from schemas.enums import ControllerKind, Rag, Stage
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import Slug
from schemas.record import ShortText, Words
from schemas.records import RequesterBasis

UNSAID: Final = {Rag.amber: 24}  # hours an agency has where a hub says nothing at all
M = TypeVar("M", bound=Table)


class StageSettings(Table):
    """What is said to agencies at one stage: the hub's task, its citation, and an accurate minimal wording of the concern."""

    task: ShortText
    citation: ShortText
    concern: Words
    concerns: dict[ControllerKind, Words] = Field(default={})  # by kind of agency, where it needs other words or fewer

    @property
    def basis(self) -> RequesterBasis:
        """As it travels."""
        return RequesterBasis(task=self.task, citation=self.citation)

    def concern_for(self, agency: ControllerKind) -> str:
        """The wording for such an agency."""
        return self.concerns.get(agency, self.concern)


def presets(kind: str) -> list[str]:
    """The names of the presets of a kind, `timescales` or `checks`."""
    return sorted(each.name.removesuffix(".toml") for each in _folder(kind).iterdir() if each.name.endswith(".toml"))


def preset_text(kind: str, name: str) -> str:
    """A preset as TOML, to begin one's own from."""
    return _folder(kind).joinpath(f"{name}.toml").read_text(encoding="utf-8")


def _folder(kind: str) -> Traversable:
    return resources("agents.hub").joinpath("presets", kind)


@cache
def preset(kind: str, name: str, model: type[M]) -> M:
    """A preset, read; ValueError names the ones there are."""
    if name not in presets(kind):
        raise ValueError(f"is no preset; there are {', '.join(presets(kind))}")
    return parse(preset_text(kind, name), f"{name}.toml", model)


def _by_name(kind: str, model: type[Table]) -> BeforeValidator:
    """Take a preset's name for the preset."""
    return BeforeValidator(lambda value: preset(kind, value, model) if isinstance(value, str) else value)


class HubSettings(Table):
    """The whole file."""

    stages: dict[Stage, StageSettings]
    hours: dict[Rag, Annotated[int, Field(ge=1, le=24 * 30)]] = Field(default={})  # round the clock, by RAG
    timescales: Annotated[Timescales | None, _by_name("timescales", Timescales)] = None  # instead of hours
    calendar: Calendar = OFFICE_HOURS
    referrers: dict[ShortText, ControllerKind] = Field(default={})  # which kind of body a referral means by its own words
    checks: Annotated[Matrix | None, _by_name("checks", Matrix)] = None  # without, all that the categories file allows is asked

    @cached_property
    def clocks(self) -> Clocks:
        """The hub's own timescales, and of the national ones those it does not state itself."""
        own = self.timescales.timescales if self.timescales else tuple(_plain(rag, hours) for rag, hours in (self.hours or UNSAID).items())
        stated = {each.id for each in own}
        national = tuple(each for each in preset("timescales", "national", Timescales).timescales if each.id not in stated)
        return Clocks(timescales=(*own, *national), hub_hours=self.calendar, round_the_clock=ROUND_THE_CLOCK)


def _plain(rag: Rag, hours: int) -> Timescale:
    """So many hours, as a timescale."""
    return Timescale(
        id=Slug(f"hours.{rag.value}"),
        says=f"A request rated {rag.value} is answered within {hours} hours.",
        starts_on=StartsOn.request,
        rags=frozenset({rag}),
        duration=Duration(hours=hours),
        runs_by=RunsBy.round_the_clock,
        citation="hub.toml",
        legal_review=LegalReview.confirmed,
    )


def read_settings(text: str, file: str, categories: Categories | None = None) -> HubSettings:
    """Read hub.toml; ConfigurationError lists every fault at once, with `categories` those of the checks matrix too."""
    located = read(text, file, HubSettings)
    faults = list(_faults(located, categories))
    if faults:
        raise ConfigurationError(faults)
    return located.model


def _faults(located: Located[HubSettings], categories: Categories | None) -> Iterator[Fault]:
    held = located.model
    fault: Callable[..., Fault] = located.fault
    if bool(held.hours) == (held.timescales is not None):
        names = ", ".join(presets("timescales"))
        yield fault((), "needs either [hours] or timescales, and not both", f"timescales = one of {names}, or your own")
    if held.timescales is not None:
        yield from timescale_faults(fault, ("timescales",), held.timescales)
    if held.checks is not None and categories is not None:
        yield from matrix_faults(fault, ("checks",), held.checks, categories, held.clocks.timescales)
