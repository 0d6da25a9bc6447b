"""Which Kafka the tests take: an address given, a container, a broker of our own, the mock cluster with a notice; in this order."""

from __future__ import annotations

import contextlib
import socket

import kafka_server
import pytest
from kafka_server import Broker, docker_answers, some_kafka

from deploy.kafka.server import KafkaStartError


@pytest.fixture
def offered(monkeypatch):
    """What this machine is said to have; none of it is started."""

    def offer(*, docker: bool, own: bool) -> None:
        @contextlib.contextmanager
        def broker_of_our_own(folder):
            if not own:
                raise KafkaStartError("no Java")
            yield Broker(address="own:1")

        monkeypatch.setattr(kafka_server, "docker_answers", lambda: docker)
        monkeypatch.setattr(kafka_server, "container", lambda: contextlib.nullcontext("container:1"))
        monkeypatch.setattr(kafka_server, "own_kafka", broker_of_our_own)
        monkeypatch.setattr(kafka_server, "mock_cluster", lambda: contextlib.nullcontext(Broker(address="mock:1", real=False)))

    return offer


@pytest.mark.parametrize(
    ("given", "docker", "own", "chosen"),
    [
        ({"MASH_TEST_KAFKA": "given:1"}, True, True, "given:1"),
        ({}, True, True, "container:1"),
        ({}, False, True, "own:1"),
        ({}, False, False, "mock:1"),
        ({"MASH_REQUIRE_KAFKA": "0"}, False, False, "mock:1"),
        ({"MASH_REQUIRE_KAFKA": "1"}, False, True, "own:1"),
    ],
)
def test_the_first_kafka_that_is_to_be_had_is_taken(offered, tmp_path, capfd, given, docker, own, chosen):
    offered(docker=docker, own=own)
    with some_kafka(tmp_path, given) as broker:
        assert broker.address == chosen
        assert broker.real == (chosen != "mock:1")
    assert ("NOTICE" in capfd.readouterr().err) == (chosen == "mock:1")


def test_where_a_real_broker_is_required_the_mock_is_refused_and_what_is_missing_is_said(offered, tmp_path):
    offered(docker=False, own=False)
    with pytest.raises(RuntimeError, match="no Java"), some_kafka(tmp_path, {"MASH_REQUIRE_KAFKA": "1"}):
        pass


def test_a_container_engine_counts_only_where_something_listens(tmp_path, monkeypatch):
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    assert not docker_answers()
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as engine:
        engine.bind(str(path))
        assert not docker_answers()
        engine.listen()
        assert docker_answers()
