"""Who exists and which keys are in force: root, directory, announcements, snapshot, enrolment. Pure; docs/protocol.md §3."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from broker.keys import SealingKey, SigningKey, kid_of, sealing_key, verifies, verifying_key
from broker.times import DIRECTORY_LIFE, EPOCHS_AHEAD, SKEW, SNAPSHOT_LIFE, epoch_at, is_epoch
from policies.located import parse
from schemas import codec
from schemas.enums import KeyType, KeyUse, StatementKind
from schemas.errors import ConfigurationError, Fault, UntrustedSenderError, VerificationError
from schemas.identifiers import Digest, Kid, Network, PartyId
from schemas.statements import (
    Announcement,
    AnnouncementListing,
    Directory,
    Enrolment,
    Party,
    PublicKey,
    Snapshot,
    Statement,
    StatementSignature,
)

LARGE: Final = 16 * 1024 * 1024  # bytes: a directory of 2,000 parties is about 1.5 MB
SIGNS: Final = frozenset({KeyUse.signing, KeyUse.log, KeyUse.witness})  # uses whose key signs its enrolment


class _Officer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}\z", description="64 lower hex")]
    outside_hub: bool = False


class _RootFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    network: Network
    threshold: Annotated[int, Field(ge=1, le=16)]
    snapshot_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}\z", description="64 lower hex")]
    officer: Annotated[tuple[_Officer, ...], Field(min_length=1, max_length=32)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """What is pinned out of band: the network, k and the n officer keys, the snapshot key."""

    network: Network
    threshold: int
    officers: Mapping[Kid, bytes]
    snapshot_key: bytes


def parse_root(text: str, file: str) -> Root:
    """Read root.toml; ConfigurationError names every fault with its line."""
    root = parse(text, file, _RootFile)
    keys = [bytes.fromhex(officer.key) for officer in root.officer]
    faults = [
        Fault(
            file=file, field=f"officer.{index}.key", message="is not a usable Ed25519 key", fix="make one with: mash keys new --use officer"
        )
        for index, key in enumerate(keys)
        if not _usable(key)
    ]
    snapshot_key = bytes.fromhex(root.snapshot_key)
    if not _usable(snapshot_key):
        faults.append(Fault(file=file, field="snapshot_key", message="is not a usable Ed25519 key"))
    if len({*keys, snapshot_key}) != len(keys) + 1:
        faults.append(
            Fault(file=file, field="officer", message="one key stands twice", fix="give each officer and the snapshot its own key")
        )
    if root.threshold > len(keys):
        faults.append(Fault(file=file, field="threshold", message=f"is more than the {len(keys)} officers"))
    if not any(officer.outside_hub for officer in root.officer):
        faults.append(Fault(file=file, field="officer", message="no officer is outside the hub", fix="set outside_hub = true for one"))
    if faults:
        raise ConfigurationError(faults)
    officers = {kid_of(KeyType.ed25519, key): key for key in keys}
    return Root(network=root.network, threshold=root.threshold, officers=officers, snapshot_key=snapshot_key)


def _usable(public: bytes) -> bool:
    try:
        verifying_key(public)
    except VerificationError:
        return False
    return True


class Taken(StrEnum):
    """What became of a statement that was offered."""

    taken = "taken"
    known = "known"  # the same bytes as held
    ignored = "ignored"  # older than what is held
    alarm = "alarm"  # two different statements where only one may be


@dataclass(frozen=True, slots=True)
class Announced:
    """An announcement that was believed, its digest, and the keys that signed it."""

    announcement: Announcement
    digest: Digest
    signers: frozenset[Kid]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What a party believes about the network: an immutable value; `take` gives the next one."""

    root: Root
    directory: Directory
    directory_digest: Digest
    snapshot: Snapshot | None = None
    announcements: Mapping[tuple[PartyId, int], Announced] = field(default_factory=dict)
    _parties: Mapping[PartyId, Party] = field(init=False)
    _signing: Mapping[tuple[PartyId, Kid], PublicKey] = field(init=False)
    _revoked: frozenset[Kid] = field(init=False)

    def __post_init__(self) -> None:
        """Index the directory once."""
        object.__setattr__(self, "_parties", {party.id: party for party in self.directory.parties})
        revoked = frozenset(each.kid for each in self.directory.revoked)
        object.__setattr__(self, "_revoked", revoked)
        signing = {
            (party.id, kid_of(key.type, key.public)): key
            for party in self.directory.parties
            for key in party.keys
            if key.use is KeyUse.signing and kid_of(key.type, key.public) not in revoked
        }
        object.__setattr__(self, "_signing", signing)

    def party(self, party: PartyId) -> Party | None:
        """A listed party."""
        return self._parties.get(party)

    def signing_key(self, party: PartyId, kid: Kid) -> PublicKey | None:
        """A party's signing key, unless it is unlisted or revoked."""
        return self._signing.get((party, kid))

    def signing_in_force(self, party: PartyId, at: datetime) -> dict[Kid, bytes]:
        """The public keys a party may sign with now."""
        listed = self._parties.get(party)
        kids = [kid_of(key.type, key.public) for key in (listed.keys if listed else ())]
        keys = {kid: self._signing[party, kid] for kid in kids if (party, kid) in self._signing}
        return {
            kid: key.public for kid, key in keys.items() if key.not_before <= at + SKEW and (key.not_after is None or at < key.not_after)
        }

    def log_key(self, party: PartyId) -> PublicKey | None:
        """The key a party's access log is signed with."""
        listed = self._parties.get(party)
        return next((key for key in listed.keys if key.use is KeyUse.log), None) if listed else None

    def sealing_key(self, party: PartyId, at: datetime) -> SealingKey | None:
        """The recipient's encryption key in force, if the snapshot confirms it; None says nobody may be sealed to."""
        if self.snapshot is None or party not in self._parties:
            return None
        confirmed = {(listed.party, listed.epoch): listed.digest for listed in self.snapshot.announcements}
        for (owner, epoch), each in self.announcements.items():
            in_force = each.announcement.not_before <= at < each.announcement.not_after
            if owner == party and in_force and confirmed.get((owner, epoch)) == each.digest:
                key = sealing_key(each.announcement.public)
                return key if key.kid not in self._revoked else None
        return None

    def is_fresh(self, at: datetime) -> bool:
        """Whether directory and snapshot are in date, and no newer directory is named; when not, automatic release becomes review."""
        snapshot = self.snapshot
        if snapshot is None or at >= snapshot.expires_at or at >= self.directory.expires_at:
            return False
        named, held = (snapshot.directory_sequence, snapshot.directory), (self.directory.sequence, self.directory_digest)
        return named[0] < held[0] or named == held


def sign(kind: StatementKind, body: bytes, keys: Iterable[SigningKey]) -> Statement:
    """Make a statement, signed by each key over "mash/1 " ‖ kind ‖ SHA-256(body)."""
    signatures = tuple(StatementSignature(kid=key.kid, signature=key.sign(_signed_bytes(kind, body))) for key in keys)
    return Statement(kind=kind, body=body, signatures=signatures)


def cosign(statement: Statement, key: SigningKey) -> Statement:
    """Add one officer's signature, once."""
    others = tuple(each for each in statement.signatures if each.kid != key.kid)
    mine = StatementSignature(kid=key.kid, signature=key.sign(_signed_bytes(statement.kind, statement.body)))
    return replace(statement, signatures=(*others, mine))


def _signed_bytes(kind: StatementKind, body: bytes) -> bytes:
    return b"mash/1 " + kind.value.encode() + hashlib.sha256(body).digest()


def signers(statement: Statement, keys: Mapping[Kid, bytes]) -> frozenset[Kid]:
    """Which of these keys have signed; a kid that stands twice counts once."""
    message = _signed_bytes(statement.kind, statement.body)
    return frozenset(each.kid for each in statement.signatures if each.kid in keys and verifies(keys[each.kid], each.signature, message))


def digest_of(body: bytes) -> Digest:
    """SHA-256 of a statement's body."""
    return Digest(hashlib.sha256(body).digest())


def open_directory(root: Root, statement: Statement, at: datetime, held: Trust | None = None) -> Directory:
    """Verify a directory; UntrustedSenderError or VerificationError says which refusal."""
    # (1) it is a directory, signed by k distinct officers
    if statement.kind is not StatementKind.directory:
        raise _refuse("not a directory")
    if len(signers(statement, root.officers)) < root.threshold:
        message = f"fewer than {root.threshold} officers have signed the directory"
        raise UntrustedSenderError(message)
    # (2) strict bytes, this network
    directory = codec.decode(Directory, statement.body, LARGE)
    if directory.network != root.network:
        raise _refuse("the directory is of another network")
    # (3) times
    if directory.issued_at > at + SKEW or not directory.issued_at < directory.expires_at <= directory.issued_at + DIRECTORY_LIFE:
        raise _refuse(f"the directory's times are not within {DIRECTORY_LIFE.days} days, or it is issued in the future")
    # (4) the next of the one held names it
    if held is not None and directory.sequence == held.directory.sequence + 1 and directory.previous != held.directory_digest:
        raise _refuse("the directory does not follow the one held")
    # (5) every key is usable, used once, by one party, in one role
    _check_parties(directory, root)
    if held is not None:
        _check_no_reuse(directory, held)
    return directory


def _refuse(message: str) -> VerificationError:
    return VerificationError(message)


def _check_parties(directory: Directory, root: Root) -> None:
    names = Counter(party.id for party in directory.parties)
    if any(count > 1 for count in names.values()):
        raise _refuse("a party stands twice in the directory")
    publics = Counter(key.public for party in directory.parties for key in party.keys)
    publics.update([*root.officers.values(), root.snapshot_key])
    if any(count > 1 for count in publics.values()):
        raise _refuse("one key stands twice in the directory or the root")
    for party in directory.parties:
        check_party_keys(party.id, party.keys)


def check_party_keys(party: PartyId, keys: Sequence[PublicKey]) -> None:
    """Refuse a party without a signing and a log key, or with one that is unusable."""
    uses = {key.use for key in keys}
    if not {KeyUse.signing, KeyUse.log} <= uses:
        raise _refuse(f"{party} has no signing key or no log key")
    if len({key.public for key in keys}) != len(keys):
        raise _refuse(f"{party} lists one key twice")
    for key in keys:
        if key.use not in SIGNS or key.type is not KeyType.ed25519:
            raise _refuse(f"{party} lists a key of a use or type this version does not know")
        if key.not_after is not None and key.not_after <= key.not_before:
            raise _refuse(f"{party} lists a key that ends before it begins")
        verifying_key(key.public)


def _check_no_reuse(directory: Directory, held: Trust) -> None:
    """A key keeps its party and role for ever, and an encryption key is nobody's signing key."""
    before = {key.public: (party.id, key.use) for party in held.directory.parties for key in party.keys}
    for party in directory.parties:
        for key in party.keys:
            if before.get(key.public, (party.id, key.use)) != (party.id, key.use):
                raise _refuse(f"{party.id} lists a key that was another's or of another role")


def take(trust: Trust, statement: Statement, at: datetime) -> tuple[Trust, Taken]:
    """Offer a directory, announcement or snapshot; a newer one is taken, an older one ignored, a second one of a kind alarms."""
    match statement.kind:
        case StatementKind.directory:
            return _take_directory(trust, statement, at)
        case StatementKind.announcement:
            return _take_announcement(trust, statement, at)
        case StatementKind.snapshot:
            return _take_snapshot(trust, statement, at)
    raise _refuse("not a statement about the network")


def _take_directory(trust: Trust, statement: Statement, at: datetime) -> tuple[Trust, Taken]:
    digest = digest_of(statement.body)
    if digest == trust.directory_digest:
        return trust, Taken.known
    if _sequence_of(trust.root, statement) < trust.directory.sequence:
        return trust, Taken.ignored
    directory = open_directory(trust.root, statement, at, trust)
    if directory.sequence == trust.directory.sequence:
        return trust, Taken.alarm
    after = replace(trust, directory=directory, directory_digest=digest)
    believed = {  # by a key that is no longer listed or believed, an announcement falls with it
        name: each
        for name, each in after.announcements.items()
        if any(after.signing_key(each.announcement.party, kid) is not None for kid in each.signers)
    }
    return replace(after, announcements=believed), Taken.taken


def _sequence_of(root: Root, statement: Statement) -> int:
    """The number of a directory that enough officers signed; one that is older than ours is judged by no rule of today."""
    if len(signers(statement, root.officers)) < root.threshold:
        message = f"fewer than {root.threshold} officers have signed the directory"
        raise UntrustedSenderError(message)
    return codec.decode(Directory, statement.body, LARGE).sequence


def _take_announcement(trust: Trust, statement: Statement, at: datetime) -> tuple[Trust, Taken]:
    if codec.decode(Announcement, statement.body).not_after <= at:
        return trust, Taken.ignored
    announcement = open_announcement(trust, statement, at)
    name, digest = (announcement.party, announcement.epoch), digest_of(statement.body)
    held = trust.announcements.get(name)
    if held is not None:
        return trust, Taken.known if held.digest == digest else Taken.alarm
    if any(other.announcement.public == announcement.public for other in trust.announcements.values()):
        raise _refuse("an encryption key is announced twice")
    kept = {key: value for key, value in trust.announcements.items() if value.announcement.not_after > at}
    signed_by = signers(statement, trust.signing_in_force(announcement.party, at))
    return replace(trust, announcements=kept | {name: Announced(announcement, digest, signed_by)}), Taken.taken


def open_announcement(trust: Trust, statement: Statement, at: datetime) -> Announcement:
    """Verify a party's announcement of its encryption key for one epoch."""
    announcement = codec.decode(Announcement, statement.body)
    # (1) this network, a listed party
    party = trust.party(announcement.party)
    if announcement.network != trust.root.network or party is None:
        raise _refuse("the announcement is of another network or an unlisted party")
    # (2) signed by one of its signing keys, in force now
    if not signers(statement, trust.signing_in_force(party.id, at)):
        message = f"the announcement is not signed by {party.id}"
        raise UntrustedSenderError(message)
    # (3) exactly its epoch, and no further ahead than a month
    if announcement.epoch > epoch_at(at) + EPOCHS_AHEAD or not is_epoch(
        announcement.epoch, announcement.not_before, announcement.not_after
    ):
        raise _refuse("the announcement's times are not its epoch's")
    # (4) a usable key
    sealing_key(announcement.public)
    return announcement


def _take_snapshot(trust: Trust, statement: Statement, at: datetime) -> tuple[Trust, Taken]:
    if not signers(statement, {kid_of(KeyType.ed25519, trust.root.snapshot_key): trust.root.snapshot_key}):
        message = "the snapshot is not signed by the root's snapshot key"
        raise UntrustedSenderError(message)
    snapshot = codec.decode(Snapshot, statement.body, LARGE)
    if snapshot.network != trust.root.network:
        raise _refuse("the snapshot is of another network")
    if snapshot.made_at > at + SKEW or not snapshot.made_at < snapshot.expires_at <= snapshot.made_at + SNAPSHOT_LIFE:
        raise _refuse("the snapshot's times are not within 24 hours, or it is made in the future")
    if snapshot.directory_sequence < trust.directory.sequence or (trust.snapshot and snapshot.made_at < trust.snapshot.made_at):
        return trust, Taken.ignored
    if snapshot.directory_sequence == trust.directory.sequence and snapshot.directory != trust.directory_digest:
        return trust, Taken.alarm
    if trust.snapshot is not None and snapshot.made_at == trust.snapshot.made_at:
        return trust, Taken.known if snapshot == trust.snapshot else Taken.alarm
    return replace(trust, snapshot=snapshot), Taken.taken


def make_snapshot(trust: Trust, at: datetime) -> Snapshot:
    """The newest directory and every announcement whose epoch has not ended."""
    listed = [
        AnnouncementListing(party=party, epoch=epoch, digest=trust.announcements[party, epoch].digest)
        for party, epoch in sorted(trust.announcements)
        if trust.announcements[party, epoch].announcement.not_after > at
    ]
    return Snapshot(
        network=trust.root.network,
        directory_sequence=trust.directory.sequence,
        directory=trust.directory_digest,
        made_at=at,
        expires_at=at + SNAPSHOT_LIFE,
        announcements=tuple(listed),
    )


def open_enrolment(root_network: Network, statement: Statement) -> Enrolment:
    """Verify a party's enrolment: this network, usable keys, signed by each key that can sign (proof of possession)."""
    enrolment = codec.decode(Enrolment, statement.body)
    if statement.kind is not StatementKind.enrolment or enrolment.network != root_network:
        raise _refuse("not an enrolment of this network")
    check_party_keys(enrolment.party, enrolment.keys)
    keys = {kid_of(key.type, key.public): key.public for key in enrolment.keys if key.use in SIGNS}
    if signers(statement, keys) != frozenset(keys):
        message = f"the enrolment of {enrolment.party} is not signed by each of its keys"
        raise UntrustedSenderError(message)
    return enrolment
