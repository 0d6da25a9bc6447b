"""Kafka for the tests: an address we are given, a container, a broker of our own, or librdkafka's mock cluster, in this order."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import confluent_kafka
from certificates import Certificates

from broker.transport.kafka_settings import KafkaSettings
from deploy.kafka.server import KafkaStartError, Tls, start_broker


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A broker for this run; of our own we know the process, the log files in `data` and the certificates."""

    address: str
    real: bool = True
    tls_address: str | None = None
    pid: int | None = None
    data: Path | None = None
    certificates_at: Path | None = None

    @property
    def certificates(self) -> Certificates:
        """Those that go with the TLS listener."""
        assert self.certificates_at is not None
        return Certificates.at(self.certificates_at)

    @property
    def settings(self) -> KafkaSettings:
        """Plain text."""
        return KafkaSettings(bootstrap=self.address)


@contextlib.contextmanager
def shared_kafka(folder: Path) -> Iterator[Broker]:
    """One broker for all workers of a run, which share `folder`: the first starts it, and stops it when nobody uses it any more."""
    told = folder / "kafka.json"
    with contextlib.ExitStack() as running, (folder / "kafka.used").open("w") as used:
        with (folder / "kafka.electing").open("w") as electing:
            fcntl.flock(electing, fcntl.LOCK_EX)
            first = not told.exists()
            if first:
                broker = running.enter_context(some_kafka(folder / "kafka"))
                told.write_text(json.dumps(dataclasses.asdict(broker), default=str), encoding="utf-8")
            fcntl.flock(used, fcntl.LOCK_SH)
        yield _broker(json.loads(told.read_text(encoding="utf-8")))
        fcntl.flock(used, fcntl.LOCK_EX if first else fcntl.LOCK_UN)  # the first waits for the others


def _broker(told: dict[str, Any]) -> Broker:
    return Broker(**(told | {key: told[key] and Path(told[key]) for key in ("data", "certificates_at")}))


@contextlib.contextmanager
def some_kafka(folder: Path, environment: Mapping[str, str] = os.environ) -> Iterator[Broker]:
    """The first Kafka that is to be had; with MASH_REQUIRE_KAFKA=1 a real one, or RuntimeError says what is missing."""
    if address := environment.get("MASH_TEST_KAFKA"):
        yield Broker(address=address)
        return
    with contextlib.ExitStack() as stack:
        if docker_answers():
            yield Broker(address=stack.enter_context(container()))
            return
        try:
            broker = stack.enter_context(own_kafka(folder))
        except KafkaStartError as error:
            if environment.get("MASH_REQUIRE_KAFKA", "0") not in {"", "0"}:
                raise RuntimeError(f"MASH_REQUIRE_KAFKA is set, and there is no real broker: {error}") from error
            print(f"NOTICE: no real Kafka ({error}): librdkafka's mock cluster stands in for it", file=sys.__stderr__, flush=True)
            broker = stack.enter_context(mock_cluster())
        yield broker


@contextlib.contextmanager
def own_kafka(folder: Path) -> Iterator[Broker]:
    """Apache Kafka by deploy/kafka, with a TLS listener. KafkaStartError: no Java or no jars."""
    certificates = Certificates.make(folder)
    server, running = start_broker(Tls(keystore=certificates.server, truststore=certificates.ca))
    with running:
        yield Broker(address=server.address, tls_address=server.tls_address, pid=server.pid, data=server.data, certificates_at=folder)


def docker_answers() -> bool:
    """Whether a container engine listens where DOCKER_HOST says, or at its usual socket."""
    place = urlsplit(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    local = place.scheme == "unix"
    with contextlib.closing(socket.socket(socket.AF_UNIX if local else socket.AF_INET)) as probe:
        probe.settimeout(2)
        return probe.connect_ex(place.path if local else (place.hostname, place.port or 2375)) == 0


@contextlib.contextmanager
def container() -> Iterator[str]:
    """Address of a Kafka container."""
    from testcontainers.kafka import KafkaContainer  # noqa: PLC0415 – slow to import, and rarely wanted

    with KafkaContainer("confluentinc/cp-kafka:8.1.0").with_kraft() as kafka:
        yield kafka.get_bootstrap_server()


@contextlib.contextmanager
def mock_cluster() -> Iterator[Broker]:
    """librdkafka's broker double: real TCP, no disk, no TLS; it lives as long as the client that made it."""
    owner = confluent_kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "unused"})
    found = owner.list_topics(timeout=10).brokers[1]
    yield Broker(address=f"{found.host}:{found.port}", real=False)
    owner.flush(1)
