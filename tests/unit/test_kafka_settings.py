"""Settings of the Kafka transport: every fault at once, TLS 1.3 only, no password in a repr."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from certificates import Certificates

from broker.transport.kafka_settings import KafkaSettings, topic_configs
from schemas.errors import ConfigurationError


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


def test_tls_is_one_point_three_and_checks_the_server(certificates):
    certfile, keyfile = certificates.client
    context = KafkaSettings(bootstrap="h:1", cafile=certificates.ca, certfile=certfile, keyfile=keyfile).ssl_context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize(
    ("settings", "protocol"),
    [
        ({}, "PLAINTEXT"),
        ({"cafile": Path("ca.pem")}, "SSL"),
        ({"cafile": Path("ca.pem"), "username": "hub", "password": "secret"}, "SASL_SSL"),
    ],
)
def test_the_protocol_follows_from_what_is_given(settings, protocol):
    found = KafkaSettings(bootstrap="h:1", **settings)
    assert found.protocol == protocol
    options = found.client_options(None)
    assert options["security_protocol"] == protocol
    assert options.get("sasl_mechanism") == ("SCRAM-SHA-512" if "username" in settings else None)


def test_a_password_has_no_repr():
    assert "secret" not in repr(KafkaSettings(bootstrap="h:1", username="hub", password="secret"))


def test_every_fault_is_told_at_once(tmp_path):
    settings = KafkaSettings(bootstrap="h:1", certfile=tmp_path / "none.pem", username="hub")
    with pytest.raises(ConfigurationError) as refused:
        settings.ssl_context()
    assert [(fault.file, fault.field) for fault in refused.value.faults] == [
        (str(tmp_path / "none.pem"), "certfile"),
        ("kafka", "certfile"),
        ("kafka", "username"),
        ("kafka", "cafile"),
    ]
    assert all(fault.message and fault.fix for fault in refused.value.faults)


def test_a_file_without_a_certificate_is_named(tmp_path, certificates):
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"junk\.pem.*cafile"):
        KafkaSettings(bootstrap="h:1", cafile=junk).ssl_context()
    with pytest.raises(ConfigurationError, match=r"junk\.pem.*certfile"):
        KafkaSettings(bootstrap="h:1", cafile=certificates.ca, certfile=junk, keyfile=certificates.client[1]).ssl_context()


def test_a_key_of_another_certificate_is_refused(certificates):
    settings = KafkaSettings(bootstrap="h:1", cafile=certificates.ca, certfile=certificates.client[0], keyfile=certificates.stranger[1])
    with pytest.raises(ConfigurationError, match="belong together"):
        settings.ssl_context()


@pytest.mark.parametrize(("replication", "in_sync"), [(1, "1"), (2, "2"), (3, "2")])
def test_two_replicas_must_be_in_sync_where_there_are_two(replication, in_sync):
    assert topic_configs("mash.h.requests.a", replication)["min.insync.replicas"] == in_sync


@pytest.mark.parametrize(
    ("topic", "days"), [("mash.h.requests.a", 15), ("mash.h.records.c", 15), ("mash.snapshots", 2), ("mash.parties.agency.a", 400)]
)
def test_a_topic_keeps_its_records_as_long_as_they_are_wanted(topic, days):
    assert int(topic_configs(topic, 3)["retention.ms"]) == days * 86_400_000


def test_the_directory_is_kept_for_ever():
    assert topic_configs("mash.directory", 3)["retention.ms"] == "-1"
