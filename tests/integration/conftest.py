"""Transports to test, on real servers."""

from __future__ import annotations

import contextlib
import os

import pytest
from benches import FileBench, KafkaBench, MemoryBench
from kafka_server import own_kafka as start_own_kafka
from kafka_server import shared_kafka


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """One broker for the run and all its workers; see kafka_server for which."""
    base = tmp_path_factory.getbasetemp()
    with shared_kafka(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) as broker:
        yield broker


@pytest.fixture(scope="session")
def real_kafka(kafka):
    """A broker with a disk, compression and retention."""
    if not kafka.real:
        pytest.skip("the mock cluster keeps no log files, opens no batches and trims nothing")
    return kafka


@pytest.fixture(scope="session")
def own_kafka(kafka, tmp_path_factory):
    """A real broker whose log files and TLS listener are ours: the shared one where it is."""
    if not kafka.real:
        pytest.skip("the mock cluster speaks no TLS and keeps no log files")
    if kafka.data is not None:
        yield kafka
        return
    with start_own_kafka(tmp_path_factory.mktemp("own-kafka")) as broker:
        yield broker


@pytest.fixture
def kafka_bench(real_kafka):
    with contextlib.closing(KafkaBench(real_kafka)) as bench:
        yield bench


@pytest.fixture(params=["file", "memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def bench(request, tmp_path):
    """A bench on each transport in turn."""
    if request.param == "kafka":
        made = KafkaBench(request.getfixturevalue("kafka"))
    else:
        made = FileBench(tmp_path) if request.param == "file" else MemoryBench()
    with contextlib.closing(made):
        yield made
