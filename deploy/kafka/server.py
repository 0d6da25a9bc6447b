"""One Apache Kafka broker in KRaft mode, with the machine's Java and jars from Maven: for tests, and for `make demo-kafka`.

Never for production: one node, no replication, its data in a temporary folder that goes with it.
"""  # noqa: INP001 – a folder of scripts, not a package

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
VERSION: Final = "4.3.1"  # of the broker in pom.xml
COPY: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
CLUSTER: Final = "bWFzaC1vbmUtbm9kZS0wMA"  # any 16 bytes in URL-safe base64: there is one cluster, for an hour
PORTS: Final = (12000, 32000)  # below the ephemeral range: a poll from there can connect to itself and keep the broker out
READY_SECONDS: Final = 90.0
STOP_SECONDS: Final = 15.0
MAVEN_SECONDS: Final = 600.0
# Figures of shared hardware: 2.7 s to start with these, 1.6 s with a class archive; 150 to 300 MB.
JAVA: Final = ("-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xlog:disable")
PROPERTIES: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAIN",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.cleaner.threads": "1",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    "log.retention.check.interval.ms": "300000",
}
LOGGING: Final = """
Configuration:
  status: "OFF"
  Appenders:
    Console: {name: out, PatternLayout: {pattern: "%d %p %m (%c)%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: {ref: out}}
"""


class KafkaStartError(Exception):
    """No broker: what is missing, or the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files of a second listener that wants client certificates: its key with its certificate, and whom it believes."""

    keystore: Path
    truststore: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A broker that is ready: where it listens, its process, and where its log files are."""

    address: str
    pid: int
    tls_address: str | None
    data: Path


def start_broker(tls: Tls | None = None) -> tuple[Server, contextlib.ExitStack]:
    """Start a broker and wait until it is ready; the second value stops it and removes its folder. KafkaStartError: it is not."""
    with contextlib.ExitStack() as stack:
        jars = jar_folder()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mash-kafka-", ignore_cleanup_errors=True)))
        plain, control, secure = free_ports(3)
        write_configuration(folder, plain=plain, control=control, secure=secure, tls=tls)
        run_tool(jars, folder, "kafka.tools.StorageTool", "format", "--standalone", "-t", CLUSTER, "-c", str(folder / "server.properties"))
        process = launch(jars, folder)
        stack.callback(stop, process, jars, folder)
        tls_address = f"localhost:{secure}" if tls is not None else None
        server = Server(address=f"127.0.0.1:{plain}", pid=process.pid, tls_address=tls_address, data=folder / "data")
        wait_until_ready(server.address, process, folder)
        return server, stack.pop_all()
    raise AssertionError("not reached")


def jar_folder() -> Path:
    """Folder of the checked jars, filled by Maven the first time. KafkaStartError: no Java, no Maven, or other jars than expected."""
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise KafkaStartError(f"`{tool}` is not installed; it is needed to run Apache Kafka without a container engine")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mash-broker" / f"kafka-{VERSION}"
    if not (cache / "jars").is_dir():
        fill(cache)
    check_jars(cache / "jars")
    return cache / "jars"


def fill(cache: Path) -> None:
    """Copy the jars that pom.xml names, from Maven's own cache when they are there; several processes may do so at once."""
    cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=cache, prefix="new-"))
    command = ["mvn", "-q", "-B", "-ntp", "-f", str(HERE / "pom.xml"), COPY, f"-DoutputDirectory={folder}"]
    if not run_maven([*command, "-o"]) and not run_maven(command):
        raise KafkaStartError(f"Maven did not fetch the jars of {HERE / 'pom.xml'}; run it by hand to see why: {' '.join(command)}")
    check_jars(folder)
    try:
        folder.rename(cache / "jars")
    except OSError:  # another process was faster
        shutil.rmtree(folder)


def run_maven(command: list[str]) -> bool:
    """Whether it did what it should."""
    done = subprocess.run(command, capture_output=True, timeout=MAVEN_SECONDS, check=False)  # noqa: S603 – our own words
    return done.returncode == 0


def check_jars(folder: Path) -> None:
    """Compare with SHA256SUMS: the same files, no others. KafkaStartError: they differ."""
    listed = (HERE / "SHA256SUMS").read_text(encoding="ascii")
    command = ["sha256sum", "-c", "--quiet", "--strict"]
    done = subprocess.run(command, input=listed, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 – our own words
    names = {line.split()[1].lstrip("*") for line in listed.splitlines()}
    strangers = {path.name for path in folder.iterdir()} - names
    if done.returncode or strangers:
        raise KafkaStartError(f"the jars in {folder} are not those of SHA256SUMS; remove that folder: {done.stdout} {sorted(strangers)}")


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that are free now."""
    found: list[int] = []
    first = PORTS[0] + (os.getpid() * 37) % (PORTS[1] - PORTS[0] - 1000)
    for port in range(first, PORTS[1]):
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise KafkaStartError(f"no {count} free ports between {first} and {PORTS[1]}")


def write_configuration(folder: Path, *, plain: int, control: int, secure: int, tls: Tls | None) -> None:
    """Write server.properties and log4j2.yaml."""
    listeners = {"PLAIN": f"127.0.0.1:{plain}", "CONTROLLER": f"127.0.0.1:{control}"}
    protocols = {"PLAIN": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"}
    properties = PROPERTIES | {"log.dirs": str(folder / "data"), "controller.quorum.bootstrap.servers": f"127.0.0.1:{control}"}
    if tls is not None:
        listeners["MTLS"], protocols["MTLS"] = f"localhost:{secure}", "SSL"
        properties |= {
            "ssl.enabled.protocols": "TLSv1.3",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(tls.keystore),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(tls.truststore),
            "listener.name.mtls.ssl.client.auth": "required",
        }
    properties["listeners"] = ",".join(f"{name}://{address}" for name, address in listeners.items())
    properties["listener.security.protocol.map"] = ",".join(f"{name}:{protocol}" for name, protocol in protocols.items())
    (folder / "server.properties").write_text("".join(f"{key}={value}\n" for key, value in properties.items()), encoding="utf-8")
    (folder / "log4j2.yaml").write_text(LOGGING, encoding="utf-8")


def java(jars: Path, folder: Path, *options: str) -> list[str]:
    """The command line of a Java program on the jars."""
    return ["java", *JAVA, *options, f"-Dlog4j2.configurationFile={folder / 'log4j2.yaml'}", "-cp", f"{jars}/*"]


def run_tool(jars: Path, folder: Path, *command: str) -> None:
    """Run one of Kafka's tools to its end. KafkaStartError: it failed."""
    whole = [*java(jars, folder), *command]
    done = subprocess.run(whole, capture_output=True, text=True, timeout=READY_SECONDS, check=False)  # noqa: S603 – our own words
    if done.returncode:
        raise KafkaStartError(f"{command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def launch(jars: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Start the broker; the first one on a machine leaves a class archive for the next ones."""
    archive = jars.parent / "classes.jsa"
    option = f"-XX:SharedArchiveFile={archive}" if archive.is_file() else f"-XX:ArchiveClassesAtExit={folder / 'classes.jsa'}"
    command = [*java(jars, folder, option), "kafka.Kafka", str(folder / "server.properties")]
    with (folder / "kafka.log").open("wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)  # noqa: S603 – our own words


def stop(process: subprocess.Popen[bytes], jars: Path, folder: Path) -> None:
    """Stop the broker, by force after STOP_SECONDS, and keep its class archive."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if (folder / "classes.jsa").is_file():
        kept = jars.parent / f"classes-{os.getpid()}.jsa"
        shutil.move(folder / "classes.jsa", kept)
        kept.replace(jars.parent / "classes.jsa")


def wait_until_ready(address: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    """Return once the broker lists itself and creates a topic. KafkaStartError: it ended, or the time did."""
    deadline = time.monotonic() + READY_SECONDS
    while not asyncio.run(is_ready(address)):
        if process.poll() is not None or time.monotonic() > deadline:
            text = (folder / "kafka.log").read_text(encoding="utf-8", errors="replace")
            raise KafkaStartError(f"the broker was not ready in {READY_SECONDS:.0f} s (exit {process.poll()}):\n{text[-3000:]}")
        time.sleep(0.05)


async def is_ready(address: str) -> bool:
    """Whether the broker at `address` lists itself and creates a topic; an open port is not enough."""
    with contextlib.closing(socket.socket()) as probe:  # most of the waiting is before the port opens
        if probe.connect_ex(tuple_of(address)):
            return False
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # noqa: PLC0415 – slow to import, and Java starts meanwhile

    admin: Any = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5000)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
        answer = await admin.create_topics([NewTopic("ready", 1, 1)])
    except Exception:  # noqa: BLE001 – not yet, whatever it says
        return False
    else:
        return bool(cluster["brokers"]) and answer.topic_errors[0][1] in {0, 36}  # 36: it exists
    finally:
        with contextlib.suppress(Exception):
            await admin.close()


def tuple_of(address: str) -> tuple[str, int]:
    """Host and port of `host:port`."""
    host, _, port = address.rpartition(":")
    return host, int(port)
