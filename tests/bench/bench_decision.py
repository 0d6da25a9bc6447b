"""How long do twelve decisions take, all layers of each, with their explanation values? Figures in microseconds.

`warm`: one request's twelve questions, asked again. `new_facts`: every question brings a set of facts never seen before.
`new_request`: the twelve questions of a request whose facts were never seen before, as a request brings them: one set for all.
`explained`: the same twelve, each with its eleven steps in words for a reviewer. `load`: reading, checking and compiling a pack.
`cedar_two_layers`: Cedar (parsed policies, one batch, requests built beforehand) on the gateway and Article 6 alone, of the same
twelve questions by the same rules; `cedar_ratio`: how many times longer that is than all eleven of our layers, explained.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from cedar import LAYERS, Cedar, request_of
from policy_support import CATEGORIES, FACTS, NOW, POLICE, files_for, pack_for, question

from policies.decision import decide
from policies.explain import ladder, near_misses
from policies.pack import load_pack
from policies.vocabulary import Audience, Fact
from schemas.enums import Outcome
from schemas.identifiers import CategoryId

REPEATS = 400


def measure() -> dict[str, float]:
    """Medians over repeats, and the best of the warm ones."""
    pack = pack_for(POLICE)
    twelve = [question(POLICE, category=CategoryId(name)) for name in CATEGORIES[:12]]
    released = sum(decide(each, pack, NOW).outcome is Outcome.release for each in twelve)
    fresh = _fresh_facts()

    def new_facts() -> float:
        asked = [replace(each, facts=next(fresh)) for each in twelve]
        return _seconds(lambda: [decide(each, pack, NOW) for each in asked])

    def new_request() -> float:
        facts = next(fresh)
        asked = [replace(each, facts=facts) for each in twelve]
        return _seconds(lambda: [decide(each, pack, NOW) for each in asked])

    def explained() -> float:
        return _seconds(lambda: [ladder(decide(each, pack, NOW), Audience.reviewer) for each in twelve])

    files = files_for(POLICE)
    warm = [_seconds(lambda: [decide(each, pack, NOW) for each in twelve]) * 1e6 for _ in range(REPEATS)]
    cedar, known = Cedar(pack.law), {each.id: each for each in pack.categories.categories}
    asked = [request_of(each, known[each.category], pack.controller, NOW.date(), layer, duty=True) for each in twelve for layer in LAYERS]
    ours, theirs = _side_by_side(explained, lambda: _seconds(lambda: cedar.ask(asked)))
    return {
        "twelve_warm_us": statistics.median(warm),
        "twelve_warm_best_us": min(warm),  # what the work itself takes where the machine has other things to do
        "twelve_new_facts_us": _median(new_facts),
        "twelve_new_request_us": _median(new_request),
        "twelve_explained_us": ours,
        "twelve_explained_best_us": min(explained() for _ in range(REPEATS)) * 1e6,
        "cedar_two_layers_us": theirs,
        "cedar_ratio": theirs / ours,
        "near_misses_of_one_us": _median(lambda: _seconds(lambda: near_misses(twelve[8], pack, NOW, Audience.reviewer)), 40),
        "load_us": _median(lambda: _seconds(lambda: load_pack(files)), 5),
        "released_of_twelve": float(released),
    }


def _fresh_facts():
    """Sets of facts, each another: the bits of a counter choose among facts that change nothing here."""
    free = [fact for fact in Fact if fact not in FACTS]
    for number in count(1):
        yield FACTS | {fact for bit, fact in enumerate(free) if number >> bit & 1}


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _side_by_side(ours: Callable[[], float], theirs: Callable[[], float], repeats: int = 100) -> tuple[float, float]:
    """Medians of two measurements, ten and ten by turns, so that what else the machine does falls on both."""
    taken = [([ours() for _ in range(10)], [theirs() for _ in range(10)]) for _ in range(repeats // 10)]
    first, second = ([each for turn in taken for each in turn[side]] for side in (0, 1))
    return statistics.median(first) * 1e6, statistics.median(second) * 1e6


def _median(timed: Callable[[], float], repeats: int = REPEATS) -> float:
    return statistics.median(timed() for _ in range(repeats)) * 1e6


if __name__ == "__main__":
    for name, figure in measure().items():
        print(f"{name:24} {figure:10.1f}")
