"""Topics: who may say what to whom, where. Names hold slugs only, never anything of a person."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from schemas.enums import Kind
from schemas.identifiers import PartyId

DIRECTORY: Final = "mash.directory"
SNAPSHOTS: Final = "mash.snapshots"
_SEALED: Final = re.compile(r"mash\.([a-z0-9-]+)\.(requests|responses|records|asks|transfers)\.([a-z0-9-]+)")
_EITHER_WAY: Final = frozenset({Kind.acknowledgement, Kind.rejection, Kind.status})
UNSEQUENCED: Final = frozenset({Kind.status})  # sequence 0: they tell of the stream, they are not in it
OF_NO_CASE: Final = frozenset({Kind.status, Kind.record_ask})  # zero thread
PERSONAL: Final = frozenset(Kind) - _EITHER_WAY - {Kind.record_ask, Kind.unknown}  # never sealed without its entries
SMALL: Final = frozenset({Kind.acknowledgement, Kind.status})  # the 2 KiB size class

KINDS: Final[dict[str, frozenset[Kind]]] = {
    "requests": _EITHER_WAY | {Kind.request, Kind.cancel, Kind.notice, Kind.release_ask, Kind.recall, Kind.feedback},
    "responses": _EITHER_WAY | {Kind.contact, Kind.response, Kind.correction, Kind.release_answer, Kind.view},
    "records": _EITHER_WAY | {Kind.case_record, Kind.product, Kind.recall},
    "asks": _EITHER_WAY | {Kind.record_ask},
    "transfers": _EITHER_WAY | {Kind.transfer, Kind.correction},
}


@dataclass(frozen=True, slots=True)
class Route:
    """One sealed topic: its only writer, its only reader, what may travel on it."""

    topic: str
    sender: PartyId
    recipient: PartyId
    kinds: frozenset[Kind]


def route_of(topic: str) -> Route:
    """Read a sealed topic's name; ValueError when it is none."""
    match = _SEALED.fullmatch(topic)
    if match is None:
        message = "not a sealed topic"
        raise ValueError(message)
    hub, use, other = PartyId(f"hub.{match[1]}"), match[2], match[3]
    sender, recipient = {
        "requests": (hub, f"agency.{other}"),
        "responses": (f"agency.{other}", hub),
        "records": (hub, f"consumer.{other}"),
        "asks": (f"consumer.{other}", hub),
        "transfers": (f"hub.{other}", hub),
    }[use]
    return Route(topic, PartyId(sender), PartyId(recipient), KINDS[use])


def topic_between(sender: PartyId, recipient: PartyId) -> str:
    """The sealed topic from one party to another; ValueError where the table has none."""
    match (sender.kind, recipient.kind):
        case ("hub", "agency"):
            return f"mash.{sender.slug}.requests.{recipient.slug}"
        case ("agency", "hub"):
            return f"mash.{recipient.slug}.responses.{sender.slug}"
        case ("hub", "consumer"):
            return f"mash.{sender.slug}.records.{recipient.slug}"
        case ("consumer", "hub"):
            return f"mash.{recipient.slug}.asks.{sender.slug}"
        case ("hub", "hub") if sender != recipient:
            return f"mash.{recipient.slug}.transfers.{sender.slug}"
    message = f"no topic leads from a {sender.kind} to a {recipient.kind}"
    raise ValueError(message)


def party_topic(party: PartyId) -> str:
    """A party's public statements."""
    return f"mash.parties.{party.kind}.{party.slug}"
