"""How to reach a Kafka cluster, and how its topics are set up."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from broker.transport.limits import MAX_MESSAGE_BYTES
from schemas.errors import ConfigurationError, Fault

SEALED_RETENTION: Final = timedelta(days=15)  # LIFETIME and a day: nothing that can still be opened is lost
SNAPSHOT_RETENTION: Final = timedelta(days=2)  # a snapshot holds for a day
STATEMENT_RETENTION: Final = timedelta(days=400)  # a year of checkpoints, and a month to look at them
FOR_EVER: Final = -1
MIN_IN_SYNC: Final = 2  # of three replicas: one may fail without losing or stopping anything


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Where the cluster is and who we are: a client certificate (mTLS), or a SCRAM user, or neither on a test machine.

    `bootstrap` is `host:port[,host:port]`; `cafile` turns TLS on, and TLS is 1.3.
    """

    bootstrap: str
    cafile: Path | None = None
    certfile: Path | None = None
    keyfile: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def protocol(self) -> str:
        """Kafka's name for the way to connect."""
        return ("SASL_" if self.username else "") + ("SSL" if self.cafile else "PLAINTEXT")

    def client_options(self, context: ssl.SSLContext | None) -> dict[str, object]:
        """What every aiokafka client takes; `context` is this one's `ssl_context()`."""
        options: dict[str, object] = {"bootstrap_servers": self.bootstrap, "security_protocol": self.protocol, "ssl_context": context}
        if self.username is None:
            return options
        login = {"sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": self.username, "sasl_plain_password": self.password}
        return {**options, **login}

    def ssl_context(self) -> ssl.SSLContext | None:
        """TLS 1.3 with our certificate; None without TLS. ConfigurationError: every fault of the files at once."""
        self.refuse_faults()
        if self.cafile is None:
            return None
        try:
            context = ssl.create_default_context(cafile=self.cafile)
        except (ssl.SSLError, OSError) as error:
            raise ConfigurationError([_fault(self.cafile, "cafile", f"holds no certificate: {error}", "give a PEM file")]) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.load_certificate(context)
        return context

    def load_certificate(self, context: ssl.SSLContext) -> None:
        """Read our certificate and key (again) into `context`: new connections show them, live ones keep the old."""
        if self.certfile is None or self.keyfile is None:
            return
        try:
            context.load_cert_chain(self.certfile, self.keyfile, password="")
        except (ssl.SSLError, OSError) as error:
            message = f"and {self.keyfile} are no certificate and its key: {error}"
            raise ConfigurationError([_fault(self.certfile, "certfile", message, "give two PEM files that belong together")]) from error

    def refuse_faults(self) -> None:
        """ConfigurationError: every fault of these settings at once."""
        faults = [*self._missing_files(), *self._half_pairs()]
        if faults:
            raise ConfigurationError(faults)

    def _missing_files(self) -> list[Fault]:
        named = {"cafile": self.cafile, "certfile": self.certfile, "keyfile": self.keyfile}
        return [
            _fault(path, name, "there is no such file", "name a PEM file that can be read")
            for name, path in named.items()
            if path is not None and not path.is_file()
        ]

    def _half_pairs(self) -> list[Fault]:
        wrong = {
            "certfile": (self.certfile is None) != (self.keyfile is None),
            "username": (self.username is None) != (self.password is None),
            "cafile": self.cafile is None and (self.certfile is not None or self.username is not None),
        }
        said = {
            "certfile": "a certificate and its key are given together",
            "username": "a user and its password are given together",
            "cafile": "a certificate or a password travels over TLS only",
        }
        return [Fault(file="kafka", field=name, message=said[name], fix="add what is missing") for name in wrong if wrong[name]]


def topic_configs(topic: str, replication: int) -> dict[str, str]:
    """Configuration of `topic` on `replication` replicas, as Kafka spells it."""
    return {
        "cleanup.policy": "delete",
        "compression.type": "producer",  # any other value makes the broker open what it is sent
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": str(min(MIN_IN_SYNC, replication)),
        "retention.bytes": str(FOR_EVER),
        "retention.ms": str(_retention_ms(topic)),
        "unclean.leader.election.enable": "false",
    }


def _retention_ms(topic: str) -> int:
    if topic == "mash.directory":
        return FOR_EVER
    if topic == "mash.snapshots":
        return SNAPSHOT_RETENTION // timedelta(milliseconds=1)
    kept = STATEMENT_RETENTION if topic.startswith("mash.parties.") else SEALED_RETENTION
    return kept // timedelta(milliseconds=1)


def _fault(path: Path, name: str, message: str, fix: str) -> Fault:
    return Fault(file=str(path), field=name, message=message, fix=fix)
