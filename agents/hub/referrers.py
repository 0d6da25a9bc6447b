"""Who told a hub of a worry, as a body in law: a listed party by its name, else a kind of body by the referral's own words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agents.identity import fold
from policies.contacts import Teller
from schemas.enums import ControllerKind
from schemas.events import Referrer
from schemas.statements import Party


def teller_of(referrer: Referrer, parties: Iterable[Party], words: Mapping[str, ControllerKind]) -> Teller | None:
    """None for somebody who is no body known here, such as a member of the public; `words`: hub.toml's, for the kinds on its own forms."""
    organisation, kind = fold(referrer.organisation), fold(referrer.kind)
    listed = next((each for each in parties if organisation and organisation in (fold(each.name), fold(each.id))), None)
    if listed is not None:
        return Teller(kind=listed.kind, party=listed.id)
    known = {fold(each.value): each for each in ControllerKind if each is not ControllerKind.unknown}
    meant = (known | {fold(each): of for each, of in words.items()}).get(kind)
    return Teller(kind=meant) if meant is not None else None
