"""The steps by which a network and its parties come to be, as files: what `mash keys`, `mash directory` and the demo all do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import keystore
from broker.directory import LARGE, Root, Taken, Trust, digest_of, make_snapshot, open_directory, sign, take
from broker.enrol import announce, enrolment_of
from broker.keys import OpeningKey, SigningKey
from broker.settings import Folder
from broker.times import DIRECTORY_LIFE, epoch_at
from broker.trustfiles import read_root, write_whole
from schemas import codec
from schemas.enums import KeyUse, StatementKind
from schemas.errors import ConfigurationError, Fault, VerificationError
from schemas.identifiers import Digest, PartyId
from schemas.statements import AgreementListing, Directory, Enrolment, Party, Revocation, Statement

PARTY_USES = (KeyUse.signing, KeyUse.log, KeyUse.witness)


def root_text(officers: Sequence[tuple[str, SigningKey, bool]], snapshot: SigningKey, threshold: int) -> str:
    """A new network's root.toml: a random network id, each officer's name, key and whether outside the hub."""
    lines = [f'network = "{os.urandom(32).hex()}"', f"threshold = {threshold}", f'snapshot_key = "{snapshot.public.hex()}"']
    for name, key, outside in officers:
        lines += ["", "[[officer]]", f'name = "{name}"', f'key = "{key.public.hex()}"', f"outside_hub = {str(outside).lower()}"]
    return "\n".join(lines) + "\n"


def new_lone_key(folder: Path, use: KeyUse) -> SigningKey:
    """An officer's or the snapshot's key; ConfigurationError when the folder has one, since none could be chosen then."""
    if any(folder.glob(f"{use.value}-*")):
        raise ConfigurationError([Fault(file=str(folder), message=f"holds a key for {use.value} already", fix="name another folder")])
    return keystore.write_signing(folder, use, Ed25519PrivateKey.generate())


def new_party(party: Folder, at: datetime) -> Statement:
    """All keys of a party, its enrolment and its first announcement; ConfigurationError when it has keys already."""
    settings, root = party.settings(), read_root(party)
    if any(party.keys.glob("*")):
        raise ConfigurationError([Fault(file=str(party.keys), message="holds keys already", fix="a party's keys are made once")])
    for use in PARTY_USES:
        keystore.write_signing(party.keys, use, Ed25519PrivateKey.generate())
    keystore.write_store(party.keys, os.urandom(keystore.STORE_KEY_SIZE))
    enrolment = enrolment_of(settings, root.network, keystore.load(party.keys), at)
    write_whole(party.enrolment, codec.encode(enrolment))
    announce_due(party, at)
    return enrolment


def announce_due(party: Folder, at: datetime) -> list[Path]:
    """Announcements of this week's and next week's encryption key, each made where it is missing: no gap when the week turns."""
    return [_announced(party, epoch) for epoch in (epoch_at(at), epoch_at(at) + 1)]


def _announced(party: Folder, epoch: int) -> Path:
    name = party.settings().id
    kept = party.announcements / f"{name}-{epoch}.avro"
    if not kept.is_file():
        signing = keystore.load(party.keys).signing
        if not signing:
            raise ConfigurationError([Fault(file=str(party.keys), message="holds no signing key", fix="restore it, or: mash keys new")])
        opening = OpeningKey.generate()
        keystore.write_opening(party.keys, opening)
        statement = announce(name, read_root(party).network, opening, signing[-1], epoch)
        write_whole(kept, codec.encode(statement))
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What the next directory says otherwise than the one held; an agreement stands in the place of an earlier one of its id."""

    wishes: Iterable[Enrolment] = ()
    packs: Sequence[Digest] = ()  # none: as before
    leaving: Sequence[PartyId] = ()
    revoked: Sequence[Revocation] = ()
    agreements: Sequence[AgreementListing] = ()
    ended: Sequence[str] = ()  # agreements by id


def draft_directory(root: Root, held: Statement | None, changes: Changes, at: datetime) -> Directory:
    """The next directory, for officers to sign."""
    before = open_directory(root, held, at) if held else None
    listed = {party.id: party for party in (before.parties if before else ())}
    for wish in changes.wishes:
        listed[wish.party] = Party(id=wish.party, kind=wish.kind, name=wish.name, duty_contact=wish.duty_contact, keys=wish.keys)
    signed = {each.id: each for each in (before.agreements if before else ())}
    strangers = [Fault(file="--remove", message=f"{each} is not listed") for each in changes.leaving if listed.pop(each, None) is None]
    strangers += [
        Fault(file="--end-agreement", message=f"{each} is not listed") for each in changes.ended if signed.pop(each, None) is None
    ]
    if strangers:
        raise ConfigurationError(strangers)
    signed |= {each.id: each for each in changes.agreements}
    issued = at.replace(microsecond=0)
    return Directory(
        network=root.network,
        sequence=before.sequence + 1 if before else 1,
        previous=digest_of(held.body) if held else None,
        issued_at=issued,
        expires_at=issued + DIRECTORY_LIFE,
        minimum_protocol=1,
        parties=tuple(sorted(listed.values(), key=lambda party: party.id)),
        agreements=tuple(signed[each] for each in sorted(signed)),
        packs=tuple(changes.packs) or (before.packs if before else ()),
        revoked=tuple({each.kid: each for each in (*changes.revoked, *(before.revoked if before else ()))}.values()),
    )


def snapshot_of(root: Root, directory: Statement, announcements: Iterable[Statement], key: SigningKey, at: datetime) -> Statement:
    """Today's snapshot of a directory and these announcements, each verified before it is listed."""
    trust = Trust(root=root, directory=open_directory(root, directory, at), directory_digest=digest_of(directory.body))
    for each in announcements:
        trust, taken = take(trust, each, at)
        if taken is Taken.alarm:
            raise VerificationError("two announcements of one party and epoch")
    return sign(StatementKind.snapshot, codec.encode(make_snapshot(trust, at), LARGE), [key])
