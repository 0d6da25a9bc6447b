"""Public, signed statements: who exists, which keys are in force, what a log's head is. Nothing here is personal data."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.enums import ControllerKind, KeyType, KeyUse, StatementKind
from schemas.identifiers import Digest, Kid, Network, PartyId
from schemas.record import Instant, Long, ShortText, record, several
from schemas.records import DutyContact


@record
class StatementSignature:
    """One signature over "mash/1 " ‖ kind ‖ SHA-256(body), and the key that made it."""

    kid: Kid
    signature: Annotated[bytes, Field(min_length=64, max_length=2420)]  # Ed25519 to ML-DSA-44


@record
class Statement:
    """Any public statement as it lies on a topic or in a file; a checkpoint's body is its signed note and has no signature here."""

    kind: StatementKind
    body: bytes
    signatures: Annotated[tuple[StatementSignature, ...], several(32)]


@record
class PublicKey:
    """A public key, what it is for and while it may be used; no end means until the directory says so."""

    use: KeyUse
    type: KeyType
    public: Annotated[bytes, Field(min_length=32, max_length=2592)]
    not_before: Instant
    not_after: Instant | None = None


@record
class Party:
    """One listed party."""

    id: PartyId
    kind: ControllerKind
    name: ShortText
    duty_contact: DutyContact
    keys: Annotated[tuple[PublicKey, ...], several(64, 1)]


@record
class Revocation:
    """A key no longer believed; `suspected_from` refuses nothing, it selects what to re-examine."""

    kid: Kid
    suspected_from: Instant


@record
class AgreementListing:
    """A sharing agreement in force, by digest."""

    id: ShortText
    digest: Digest


@record
class Directory:
    """Who exists, signed by k of n officers; valid for 90 days at most."""

    network: Network
    sequence: Long
    previous: Digest | None
    issued_at: Instant
    expires_at: Instant
    minimum_protocol: Long
    parties: Annotated[tuple[Party, ...], several(4000)]
    agreements: Annotated[tuple[AgreementListing, ...], several(4000)]
    packs: Annotated[tuple[Digest, ...], several(200)]
    revoked: Annotated[tuple[Revocation, ...], several(4000)]


@record
class Announcement:
    """A party's encryption key for one epoch, signed by its signing key."""

    network: Network
    party: PartyId
    epoch: Long
    not_before: Instant
    not_after: Instant
    public: Annotated[bytes, Field(min_length=1216, max_length=1216)]  # X-Wing: ML-KEM-768 ‖ X25519


@record
class AnnouncementListing:
    """An announcement in force or next, by digest."""

    party: PartyId
    epoch: Long
    digest: Digest


@record
class Snapshot:
    """The newest directory and announcements, signed by the online key; valid for 24 hours."""

    network: Network
    directory_sequence: Long
    directory: Digest
    made_at: Instant
    expires_at: Instant
    announcements: Annotated[tuple[AnnouncementListing, ...], several(8000)]


@record
class Enrolment:
    """A party's wish to be listed: all its public keys, signed by each key that can sign."""

    network: Network
    party: PartyId
    kind: ControllerKind
    name: ShortText
    duty_contact: DutyContact
    keys: Annotated[tuple[PublicKey, ...], several(16, 1)]
