"""What a reviewer states of one question, on recorded grounds, that no request and no machine can say. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from policies.vocabulary import REVIEWERS, Fact
from policies.wording import boilerplate
from schemas.errors import ConfigurationError, Fault

LEAST_GROUNDS: Final = 20  # characters
MOST_GROUNDS: Final = 4000  # characters: with the names of the facts it still fits the reason that is kept


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Stated:
    """Facts such as a court's order, and the grounds for them; kept at the agency with the decision, and never sent."""

    facts: frozenset[Fact] = frozenset()
    grounds: str = ""

    def reason(self, done: str) -> str:
        """What was done, as it is kept: with what was stated, and on which grounds."""
        return f"{done}; stated {', '.join(sorted(self.facts))}: {self.grounds}" if self.facts else done


NOTHING: Final = Stated()


def stated(names: Iterable[str], grounds: str | None) -> Stated:
    """What was typed; ConfigurationError for a fact that is not a reviewer's to state, and for grounds that say nothing."""
    wanted, said = tuple(names), (grounds or "").strip()
    if not wanted and not said:
        return NOTHING
    faults = [
        Fault(file="--states", message="is no fact that a reviewer may state", fix=f"allowed: {', '.join(sorted(REVIEWERS))}")
        for name in wanted
        if name not in REVIEWERS
    ]
    if not wanted:
        faults.append(Fault(file="--states", message="is missing: the grounds are for nothing", fix="name the fact they are for"))
    if not LEAST_GROUNDS <= len(said) <= MOST_GROUNDS or boilerplate(said):
        message = f"says nothing, or is not between {LEAST_GROUNDS} and {MOST_GROUNDS} characters"
        faults.append(Fault(file="--grounds", message=message, fix="say in a sentence how you know it of this case"))
    if faults:
        raise ConfigurationError(faults)
    return Stated(facts=frozenset(map(Fact, wanted)), grounds=said)
