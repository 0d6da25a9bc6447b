"""The kinds of disclosure that climb the ladder: who asks, whose information is told, and the words for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from schemas.enums import Kind


class Asker(StrEnum):
    """Who asks, and so states what a request states."""

    recipient = "recipient"
    discloser = "discloser"
    nobody = "nobody"  # told of the discloser's own motion: the recipient has nothing to supply


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosing:
    """One kind of disclosure."""

    asker: Asker = Asker.nobody
    passes_on: bool = False  # by a hub, of what agencies told it
    how: str = "would be told by you"  # after the recipient's name
    act: str = "tell this"  # after "You must" or "You may"
    ring: str = "Ring your duty officer."  # where nobody gave a duty contact


OTHER: Final = Disclosing()  # a kind that tells nothing of anybody: no category may be told in one
DISCLOSURES: Final[Mapping[Kind, Disclosing]] = MappingProxyType(
    {
        Kind.contact: Disclosing(how="would be told by you, of your own motion", ring="Ring the duty officer of the hub."),
        Kind.request: Disclosing(asker=Asker.discloser, act="ask", ring="Ring the duty contact of the body you would ask."),
        Kind.response: Disclosing(
            asker=Asker.recipient, how="asks you", act="answer", ring="Ring the duty contact that the request names."
        ),
        Kind.product: Disclosing(
            passes_on=True,
            how="would be sent this by you, in the information product",
            act="pass this on",
            ring="Ring the body whose information it is.",
        ),
        Kind.feedback: Disclosing(how="would be told by you what came of its contact"),
        Kind.transfer: Disclosing(
            passes_on=True,
            how="would be handed this by you, with the case",
            act="hand this over",
            ring="Ring the duty officer of the hub that takes over.",
        ),
    }
)
HELD: Final = frozenset({Kind.contact, Kind.response, Kind.product, Kind.transfer})  # in which what an agency holds may be told


def disclosing(kind: Kind) -> Disclosing:
    """What is so of a kind of disclosure."""
    return DISCLOSURES.get(kind, OTHER)
