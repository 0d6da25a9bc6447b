"""A small synthetic network for tests: a root with three officers, and parties with fresh keys."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.directory import Root, Trust, digest_of, make_snapshot, sign, take
from broker.envelope import Sealed, seal
from broker.keys import OpeningKey, SigningKey, kid_of
from broker.streams import Route, route_of, topic_between
from broker.times import LIFETIME, epoch_at, epoch_span
from schemas import codec
from schemas.enums import ControllerKind, KeyType, KeyUse, Kind, StatementKind
from schemas.envelope import Header
from schemas.identifiers import Digest, Incarnation, Network, PartyId, Thread
from schemas.records import Acknowledgement, DutyContact
from schemas.statements import Announcement, Directory, Party, PublicKey, Statement

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
DUTY = DutyContact(name="Duty officer (synthetic)", phone="01632 960001", hours="24 hours")
HUB, POLICE, TRUST = PartyId("hub.borough"), PartyId("agency.police"), PartyId("agency.acute-trust")
KINDS = {HUB: ControllerKind.local_authority, POLICE: ControllerKind.police, TRUST: ControllerKind.nhs_body}


def signing_key() -> SigningKey:
    return SigningKey.of(Ed25519PrivateKey.generate())


@dataclass(frozen=True)
class Member:
    """One party with its private keys."""

    id: PartyId
    kind: ControllerKind
    signing: SigningKey
    log: SigningKey
    opening: OpeningKey

    def listed(self) -> Party:
        keys = tuple(
            PublicKey(use=use, type=KeyType.ed25519, public=key.public, not_before=NOW - timedelta(days=30))
            for use, key in ((KeyUse.signing, self.signing), (KeyUse.log, self.log))
        )
        return Party(id=self.id, kind=self.kind, name=f"{self.id} (synthetic)", duty_contact=DUTY, keys=keys)

    def announcement(self, network: Network, at: datetime = NOW) -> Statement:
        start, end = epoch_span(epoch_at(at))
        body = Announcement(network=network, party=self.id, epoch=epoch_at(at), not_before=start, not_after=end, public=self.opening.public)
        return sign(StatementKind.announcement, codec.encode(body), [self.signing])


def member(party: PartyId) -> Member:
    return Member(party, KINDS.get(party, ControllerKind.charity), signing_key(), signing_key(), OpeningKey.generate())


class TestNetwork:
    """Officers, a snapshot key, and members; `trust()` is what each of them believes."""

    __test__ = False

    def __init__(self, parties: Iterable[PartyId] = (HUB, POLICE, TRUST)) -> None:
        self.officers = [signing_key() for _ in range(3)]
        self.online = signing_key()
        keys = {kid_of(KeyType.ed25519, key.public): key.public for key in self.officers}
        self.root = Root(network=Network(os.urandom(32)), threshold=2, officers=keys, snapshot_key=self.online.public)
        self.members = {party: member(party) for party in parties}

    def directory(self, **changes) -> Directory:
        plain = Directory(
            network=self.root.network,
            sequence=1,
            previous=None,
            issued_at=NOW,
            expires_at=NOW + timedelta(days=90),
            minimum_protocol=1,
            parties=tuple(each.listed() for each in self.members.values()),
            agreements=(),
            packs=(),
            revoked=(),
        )
        return replace(plain, **changes)

    def signed(self, directory: Directory, officers: int = 2) -> Statement:
        return sign(StatementKind.directory, codec.encode(directory), self.officers[:officers])

    def trust(self, at: datetime = NOW, **changes) -> Trust:
        statement = self.signed(self.directory(**changes))
        trust = Trust(root=self.root, directory=codec.decode(Directory, statement.body), directory_digest=digest_of(statement.body))
        for each in self.members.values():
            trust, _ = take(trust, each.announcement(self.root.network, at), at)
        return self.with_snapshot(trust, at)

    def with_snapshot(self, trust: Trust, at: datetime = NOW) -> Trust:
        return take(trust, sign(StatementKind.snapshot, codec.encode(make_snapshot(trust, at)), [self.online]), at)[0]

    def header(self, sender: PartyId = HUB, recipient: PartyId = POLICE, **changes) -> Header:
        plain = Header(
            protocol=1,
            network=self.root.network,
            kind=Kind.acknowledgement,
            sender=sender,
            sender_kid=self.members[sender].signing.kid,
            recipient=recipient,
            recipient_kid=self.members[recipient].opening.kid,
            thread=Thread(os.urandom(16)),
            sent_at=NOW,
            expires_at=NOW + LIFETIME,
            incarnation=Incarnation(bytes(8)),
            sequence=1,
            directory_sequence=1,
            commitment=Digest.zero(),
        )
        return replace(plain, **changes)

    def sealed(self, header: Header | None = None, body: object = None, trust: Trust | None = None) -> Sealed:
        header = header or self.header()
        recipient = (trust or self.trust()).sealing_key(header.recipient, NOW)
        return seal(body or acknowledgement(), header, recipient, self.members[header.sender].signing, os.urandom(32))

    def keys(self, party: PartyId = POLICE) -> dict[bytes, OpeningKey]:
        opening = self.members[party].opening
        return {opening.kid: opening}


def acknowledgement() -> Acknowledgement:
    return Acknowledgement(answers=Digest(os.urandom(32)), received_at=NOW, duty_contact=DUTY)


def route(sender: PartyId = HUB, recipient: PartyId = POLICE) -> Route:
    return route_of(topic_between(sender, recipient))
