"""One party at run time, built only from its own folder, keys and store."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from broker import keystore
from broker.directory import Trust
from broker.effect import Event, Milestone, Outgoing
from broker.envelope import PROTOCOL, Sealed, seal
from broker.keys import SigningKey, kid_of
from broker.liveness import this_process
from broker.ports import Transport
from broker.settings import EmbeddedSettings, Folder, PartySettings
from broker.store import leases
from broker.store.store import Store
from broker.store.vault import Vault
from broker.telemetry import Meters
from broker.times import LIFETIME
from broker.trustfiles import load_trust
from schemas.enums import KeyUse
from schemas.envelope import Header
from schemas.errors import ConfigurationError, Fault, TransientError
from schemas.identifiers import Digest, Incarnation, PartyId
from schemas.records import Officer

LOG: Final = structlog.get_logger()


class NoRecipientKeyError(TransientError):
    """No encryption key of the recipient is in force and confirmed: nothing is sealed to it until one is."""

    code = "no-recipient-key"


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


class Party:
    """Identity, keys, beliefs, store and transport of one process of a party."""

    def __init__(
        self,
        path: Path,
        transport: Transport,
        *,
        now: Callable[[], datetime] = utc_now,
        reached: Callable[[Milestone], None] = lambda _: None,
    ) -> None:
        self.folder = Folder(path)
        self.settings: PartySettings = self.folder.settings()
        self.id: PartyId = self.settings.id
        self.keys = keystore.load(self.folder.keys)
        self.trust: Trust = load_trust(self.folder, now())
        self.transport = transport
        self.now = now
        self.reached = reached
        self.meters = Meters()
        self.owner = this_process()
        self.parked: dict[str, datetime] = {}  # topics beyond whose end we stand, and until when they are left alone
        self.coming: list[Event] = []  # of the batch that is being read: what is accepted before any store has it
        self._renewals: list[Callable[[], None]] = []
        self.followed: dict[str, int] = {}  # how far this process has read the network's own topics: each process believes for itself
        self._check_listed()
        vault = Vault(self.folder.url(self.settings.store.keys_url), self.keys.store)
        self.store = Store(self.folder.url(self.settings.store.url), vault, self.id)
        leases.free_the_gone(self.store.engine, now())

    def on_directory(self, renewed: Callable[[], None]) -> None:
        """Call this whenever a newer directory is believed."""
        self._renewals.append(renewed)

    def believe(self, trust: Trust) -> None:
        """Believe this from now on."""
        before, self.trust = self.trust, trust
        if trust.directory_digest != before.directory_digest:
            for each in self._renewals:
                each()

    def reload_keys(self) -> bool:
        """Look for encryption keys made since the start (each week has its own); says whether there are new ones."""
        try:
            found = keystore.load(self.folder.keys)
        except (ConfigurationError, OSError):
            self.alarm("keys_unreadable")
            return False
        new = found.opening.keys() - self.keys.opening.keys()
        self.keys = found
        return bool(new)

    @property
    def signing(self) -> SigningKey:
        """The listed signing key in force now."""
        at = self.now()
        for key in reversed(self.keys.signing):
            listed = self.trust.signing_key(self.id, key.kid)
            if listed is not None and listed.not_before <= at and (listed.not_after is None or at < listed.not_after):
                return key
        fault = Fault(
            file=str(self.folder.keys),
            message="no signing key here is listed and in force",
            fix="mash directory draft, with this enrolment",
        )
        raise ConfigurationError([fault])

    @property
    def log_key(self) -> SigningKey:
        """The key of the access log's checkpoints."""
        return keystore.one(self.keys.log, KeyUse.log, self.folder.keys)

    @property
    def actor(self) -> Officer:
        """The process itself, as an entry's actor."""
        return Officer(id="broker", role="automatic", organisation=self.id)

    def _check_listed(self) -> None:
        if self.trust.directory.minimum_protocol > PROTOCOL:
            message = f"asks for protocol {self.trust.directory.minimum_protocol}, this software speaks {PROTOCOL}"
            raise ConfigurationError([Fault(file=str(self.folder.directory), message=message, fix="install a newer version")])
        listed = self.trust.party(self.id)
        if listed is None:
            fault = Fault(
                file=str(self.folder.directory), message=f"{self.id} is not listed", fix="mash directory draft, with this enrolment"
            )
            raise ConfigurationError([fault])
        kids = {kid_of(key.type, key.public) for key in listed.keys}
        if self.log_key.kid not in kids:
            fault = Fault(file=str(self.folder.keys), message="the log key here is not the one listed", fix="restore the keys folder")
            raise ConfigurationError([fault])

    def seal(self, outgoing: Outgoing, incarnation: Incarnation, sequence: int, key: bytes) -> Sealed:
        """Seal one record at its place in the stream."""
        at, signing = self.now(), self.signing
        if self.trust.directory.minimum_protocol > PROTOCOL:
            raise ConfigurationError([Fault(file=str(self.folder.directory), message="asks for a newer protocol", fix="install it")])
        recipient = self.trust.sealing_key(outgoing.recipient, at)
        if recipient is None:
            message = f"{outgoing.recipient} has no encryption key in force"
            raise NoRecipientKeyError(message)
        header = Header(
            protocol=PROTOCOL,
            network=self.trust.root.network,
            kind=outgoing.kind,
            sender=self.id,
            sender_kid=signing.kid,
            recipient=outgoing.recipient,
            recipient_kid=recipient.kid,
            thread=outgoing.thread,
            sent_at=at,
            expires_at=at + LIFETIME,
            incarnation=incarnation,
            sequence=sequence,
            directory_sequence=self.trust.directory.sequence,
            commitment=Digest.zero(),
        )
        return seal(outgoing.body, header, recipient, signing, key)

    def kept_from(self, case_id: UUID, sender: PartyId) -> int:
        """How many envelopes of one sender a case holds, with those of the batch that is being read."""
        return self.store.kept_from(case_id, sender) + sum((each.case_id, each.sender) == (case_id, sender) for each in self.coming)

    def alarm(self, reason: str, **facts: object) -> None:
        """Tell people: a log line at error level and a counter."""
        self.meters.alarms.labels(reason=reason).inc()
        LOG.error("alarm", reason=reason, party=self.id, **facts)

    def close(self) -> None:
        """Let go of store and transport."""
        self.store.close()
        self.transport.close()


def open_transport(folder: Folder, settings: PartySettings, environment: Mapping[str, str] = os.environ) -> Transport:
    """The transport that party.toml names; MASH_KAFKA (HOST:PORT) stands in for it, for trials."""
    chosen = settings.transport
    if isinstance(chosen, EmbeddedSettings) and "MASH_KAFKA" not in environment:
        from broker.transport.embedded import EmbeddedTransport  # noqa: PLC0415 - only the transport in use is loaded

        return EmbeddedTransport(folder.path / chosen.path)
    from broker.transport.kafka import KafkaTransport  # noqa: PLC0415 - likewise
    from broker.transport.kafka_settings import KafkaSettings  # noqa: PLC0415 - likewise

    if isinstance(chosen, EmbeddedSettings):
        return KafkaTransport(KafkaSettings(bootstrap=environment["MASH_KAFKA"]))
    cafile, certfile, keyfile = (folder.path / name if name else None for name in (chosen.cafile, chosen.certfile, chosen.keyfile))
    return KafkaTransport(KafkaSettings(bootstrap=chosen.bootstrap, cafile=cafile, certfile=certfile, keyfile=keyfile))
