"""How a party enters the network: its enrolment, and the announcement of its encryption key for one epoch. Pure."""

from __future__ import annotations

from datetime import datetime

from broker.directory import sign
from broker.keys import OpeningKey, SigningKey
from broker.keystore import Keys
from broker.settings import PartySettings
from broker.times import epoch_span
from schemas import codec
from schemas.enums import KeyType, KeyUse, StatementKind
from schemas.identifiers import Network, PartyId
from schemas.statements import Announcement, Enrolment, PublicKey, Statement


def enrolment_of(settings: PartySettings, network: Network, keys: Keys, at: datetime) -> Statement:
    """The party's wish to be listed, signed by each of its keys that can sign."""
    series = ((KeyUse.signing, keys.signing), (KeyUse.log, keys.log), (KeyUse.witness, keys.witness))
    public = tuple(
        PublicKey(use=use, type=KeyType.ed25519, public=key.public, not_before=at.replace(microsecond=0))
        for use, held in series
        for key in held
    )
    enrolment = Enrolment(
        network=network,
        party=settings.id,
        kind=settings.kind,
        name=settings.name,
        duty_contact=settings.contact,
        keys=public,
    )
    return sign(StatementKind.enrolment, codec.encode(enrolment), [key for _, held in series for key in held])


def announce(party: PartyId, network: Network, opening: OpeningKey, signing: SigningKey, epoch: int) -> Statement:
    """A party's encryption key for one epoch."""
    start, end = epoch_span(epoch)
    announcement = Announcement(network=network, party=party, epoch=epoch, not_before=start, not_after=end, public=opening.public)
    return sign(StatementKind.announcement, codec.encode(announcement), [signing])
