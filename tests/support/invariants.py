"""What the broker promises, and which promises this release claims as proven.

A test names what it proves with `@pytest.mark.proves("I4")`; `tests/unit/test_house.py` fails while a claimed invariant has no test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """One promise; `later` says why this release does not claim it yet."""

    text: str
    later: str | None = None


INVARIANTS: Final = {
    "I1": Invariant(text="Kafka, its disks and its operators never see content or identity."),
    "I2": Invariant(text="Only a directory-listed sender, for its own kind and topic, is believed."),
    "I3": Invariant(text="A response is bound to the request it answers and cannot be moved to another case, hub, agency or time."),
    "I4": Invariant(text="A replayed envelope has no effect."),
    "I5": Invariant(
        text="A deleted, reordered or injected envelope is noticed.",
        later="holes and reordering show in the streams; a cut-off tail shows only once parties exchange statuses",
    ),
    "I6": Invariant(text="No release without a rule on every applicable layer."),
    "I7": Invariant(text="Any error withholds, and names a person to call."),
    "I8": Invariant(text="No disclosure and no view without a durable log entry."),
    "I9": Invariant(
        text="No honest witness cosigns a rewriting, truncation or fork of what it has cosigned; "
        "two quorate histories need a dishonest witness in both quorums and leave proof.",
        later="checkpoints are signed and verified, not yet witnessed",
    ),
    "I10": Invariant(text="Ambiguity never releases."),
    "I11": Invariant(text="An adapter and an agency's operational users learn nothing of other agencies' answers."),
    "I12": Invariant(text="The join is order- and duplicate-proof."),
    "I13": Invariant(text="kill -9 at any point loses and duplicates nothing."),
    "I14": Invariant(text="A poison message never stops a stream."),
    "I15": Invariant(text="A revoked party is refused from the next message on."),
    "I16": Invariant(
        text="After an epoch and its lifetime end, its traffic is unreadable without a case key.",
        later="keys are not yet rotated and destroyed",
    ),
    "I17": Invariant(
        text="After a disposal's `final_on` the case is unreadable and the log still verifies.",
        later="disposal is not built yet",
    ),
    "I18": Invariant(text="Personal data never reaches logs, metrics, topic names, keys, errors or exports unescaped."),
    "I19": Invariant(text="Hostile bytes cost bounded time and memory."),
    "I20": Invariant(
        text="Everything an IGO sees in an index can be re-verified against the log.",
        later="the console and its indexes are not built yet",
    ),
}
