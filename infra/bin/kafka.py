"""Kafka 4 as a single broker in KRaft mode: which program, how it is set, when it is ready.

Only what is Kafka's own is here; starting and ending processes is in processes.py, containers in docker.py.
"""

from __future__ import annotations

import base64
import re
import shutil
import socket
import struct
import uuid
from dataclasses import dataclass
from pathlib import Path

from infra.bin import docker, ports, processes, programs
from infra.bin.layout import Kafka, Options, ServicesError, save_server
from infra.bin.progress import Progress

RECIPE = Path(__file__).resolve().parents[1] / "kafka" / "pom.xml"
READY_S = 90.0

# What every broker of ours is set to, be it a process or a container (Kafka documentation, "Broker Configs").
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # One broker: a copy is all there is, and a few partitions of the inner topics start faster than fifty.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    # Consumers get their partitions at once, and may be given up on early (tests of a killed worker).
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # Topics are made on purpose (pipelines/topics.py); frames may be up to 4 MiB, batches carry a little more.
    "auto.create.topics.enable": "false",
    "delete.topic.enable": "true",
    "message.max.bytes": str(5 * 1024 * 1024),
    "log.retention.ms": "-1",
    "log.retention.bytes": "-1",
    # The default, 128 MiB, is a quarter of the heap.
    "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),
}


@dataclass(frozen=True, kw_only=True)
class Program:
    """A way to get a broker. `libs` is the folder of jars, None where there is none (yet)."""

    how: str
    version: str
    libs: Path | None = None


def wanted_version(name: str = "kafka.version") -> str:
    """Read the version to fetch from our pom.xml, the one place that names it; `older.version` is for tests."""
    found = re.search(rf"<{name}>(.+?)</{name}>", RECIPE.read_text())
    if not found:
        raise ServicesError(f"{RECIPE} names no {name}: put it back")
    return found[1]


def choose(options: Options, local_only: bool = False) -> Program:
    """Decides where the broker comes from and checks that what this needs is there; starts nothing."""
    version = wanted_version()
    if not local_only and options.environ.get("FOREWARN_KAFKA"):
        return Program(how="settings", version="")
    if not local_only and docker.wanted(options):
        return Program(how="docker", version=version)
    programs.find_java(options.environ)
    installed = None if local_only else _on_path(options)
    if installed:
        return installed
    cached = options.programs / f"kafka-{version}"
    if cached.is_dir():
        return Program(how="cache", version=version, libs=cached / "libs")
    programs.find("mvn", "fetch Kafka", "maven", options.environ)
    return Program(how="built", version=version)


def _on_path(options: Options) -> Program | None:
    """Find an installed Kafka, if it is 4 or newer: older ones cannot be set up as ours is."""
    script = shutil.which("kafka-server-start.sh", path=options.environ.get("PATH", ""))
    if script is None:
        return None
    libs = Path(script).resolve().parent.parent / "libs"
    for jar in libs.glob("kafka-clients-*.jar"):
        version = jar.stem.removeprefix("kafka-clients-")
        if version.split(".")[0].isdecimal() and int(version.split(".")[0]) >= 4:
            return Program(how="PATH", version=version, libs=libs)
    return None


def provide(options: Options, program: Program, progress: Progress) -> Program:
    """Fetch the jars if they are not there yet."""
    if program.how != "built":
        return program
    return _fetched(options, program.version, progress)


def provide_older(options: Options, progress: Progress) -> Program:
    """Fetch the jars of an older Kafka, if they are not there yet: a peer for tests, never what a plant is run on."""
    return _fetched(options, wanted_version("older.version"), progress)


def _fetched(options: Options, version: str, progress: Progress) -> Program:
    def fetch(part: Path) -> None:
        progress.doing("Kafka", f"fetching {version} with Maven (about 10 s)")
        _fetch(options, part, version)

    home, how = programs.cached_or_built(options, f"kafka-{version}", fetch)
    return Program(how=how, version=version, libs=home / "libs")


def _fetch(options: Options, part: Path, version: str) -> None:
    maven = programs.find("mvn", "fetch Kafka", "maven", options.environ)
    shutil.copy(RECIPE, part / "pom.xml")
    copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={part / 'libs'}"]
    log = options.cache / "logs" / f"build-kafka-{version}.log"
    command = [maven, "-B", "-ntp", f"-Dkafka.version={version}", *copy]
    programs.run_logged("fetching Kafka", command, log, options.environ, part)


def up(options: Options, program: Program, progress: Progress) -> Kafka:
    """Start the broker and return once it answers."""
    if program.how == "settings":
        return _as_set(options)
    program = provide(options, program, progress)
    with ports.promised(options, options.kafka_port) as port:
        if port != options.kafka_port:
            progress.say("Kafka", f"port {options.kafka_port} is taken, using {port}")
        if program.how == "docker":
            return _up_in_docker(options, program, port, progress)
        with ports.promised(options, port + 1) as controller:
            return _up_here(options, program, port, controller, progress)


def _as_set(options: Options) -> Kafka:
    address = options.environ["FOREWARN_KAFKA"]
    if not reachable(address):
        raise ServicesError(
            f"FOREWARN_KAFKA names {address}, where nothing answers: start that Kafka, "
            "or unset FOREWARN_KAFKA to have one started"
        )
    kafka = Kafka(address=address, how="settings", version="")
    save_server(options, "kafka", kafka)
    return kafka


def reachable(addresses: str) -> bool:
    """Whether one of the addresses takes a connection; a plant's Kafka may want TLS, so more is not asked."""
    for address in addresses.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=5):
                return True
        except (OSError, ValueError):
            continue
    return False


def _up_in_docker(options: Options, program: Program, port: int, progress: Progress) -> Kafka:
    name = docker.container_name(options, "kafka")
    progress.doing("Kafka", f"starting {program.version} in Docker")
    log = options.folder / "logs" / "kafka-docker.log"
    kafka = Kafka(
        address=f"127.0.0.1:{port}",
        how="docker",
        version=program.version,
        ports={"kafka": port},
        container=name,
        log=str(log),
    )
    save_server(options, "kafka", kafka)
    settings = (
        SETTINGS
        | listeners(port, 29093, bind="0.0.0.0")
        | {
            "controller.quorum.voters": "1@127.0.0.1:29093",
            "log.dirs": "/var/lib/kafka/data",
        }
    )
    docker.run(options, docker.kafka_command(name, program.version, port, settings), log)
    processes.wait_ready("Kafka", lambda: answers(port), lambda: docker.running(options, name, log), log, READY_S)
    return kafka


def _up_here(options: Options, program: Program, port: int, controller: int, progress: Progress) -> Kafka:
    assert program.libs is not None
    java, log = programs.find_java(options.environ), options.folder / "logs" / "kafka.log"
    settings = _write_settings(options, port, controller)
    if not (options.folder / "kafka" / "meta.properties").exists():
        progress.doing("Kafka", "preparing its storage")
        _format(options, java, program.libs, settings)
    progress.doing("Kafka", f"starting {program.version} ({program.how})")
    command = [*_java(java, program.libs, "-Xms256m", "-Xmx512m"), "kafka.Kafka", str(settings)]
    pid, started = processes.start(command, log, options.environ)
    kafka = Kafka(
        address=f"127.0.0.1:{port}",
        how=program.how,
        version=program.version,
        ports={"kafka": port, "kafka_controller": controller},
        pid=pid,
        started=started,
        log=str(log),
    )
    save_server(options, "kafka", kafka)
    cluster = _cluster(options)  # another one's broker may answer there, where two began at the same time
    processes.wait_ready("Kafka", lambda: answers(port, cluster), lambda: processes.alive(pid, started), log, READY_S)
    return kafka


def listeners(port: int, controller: int, bind: str = "127.0.0.1") -> dict[str, str]:
    """Give the settings of the two ports. Clients always come by 127.0.0.1; `bind` is for inside a container."""
    return {
        "listeners": f"PLAINTEXT://{bind}:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
    }


def _write_settings(options: Options, port: int, controller: int) -> Path:
    own = listeners(port, controller) | {
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
        "log.dirs": str(options.folder / "kafka"),
    }
    path = options.folder / "kafka.properties"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{key}={value}\n" for key, value in (SETTINGS | own).items()))
    return path


def _format(options: Options, java: str, libs: Path, settings: Path) -> None:
    tool = [*_java(java, libs), "kafka.tools.StorageTool"]
    cluster = ["--cluster-id", base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")]
    log = options.folder / "logs" / "kafka-format.log"
    shutil.rmtree(options.folder / "kafka", ignore_errors=True)  # a format that was cut short
    command = [*tool, "format", "--standalone", *cluster, "-c", str(settings)]
    programs.run_logged("preparing Kafka's storage", command, log, options.environ, options.folder)


def _cluster(options: Options) -> str:
    """The id that the storage was prepared with."""
    found = re.search(r"^cluster\.id=(\S+)$", (options.folder / "kafka" / "meta.properties").read_text(), re.MULTILINE)
    return found[1] if found else ""


def _java(java: str, libs: Path, *flags: str) -> list[str]:
    """With the first compiler only: ready in 2.2 s, not 4.6 s; ProducerPerformance is as fast (2 cores, Java 17)."""
    quiet = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"]
    return [
        java,
        *flags,
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseG1GC",
        "-Djava.awt.headless=true",
        *quiet,
        "-cp",
        f"{libs}/*",
    ]


def answers(port: int, cluster: str = "") -> bool:
    """Whether a broker at the port names itself in its metadata, which it does once it takes part in its cluster.

    With `cluster`, the id of one: a broker of that one.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(METADATA_REQUEST)
            (size,) = struct.unpack(">i", _receive(connection, 4))
            reply = _receive(connection, min(size, 1 << 20))
    except (OSError, struct.error):
        return False
    correlation, brokers = struct.unpack_from(">ii", reply) if len(reply) >= 8 else (0, 0)
    return bool(correlation == 1 and brokers > 0) and (not cluster or cluster.encode() in reply)


def _metadata_request() -> bytes:
    """Metadata (key 3) version 2, no topics: its reply names the brokers and their cluster (Kafka protocol guide)."""
    client = b"forewarn"
    body = struct.pack(">hhih", 3, 2, 1, len(client)) + client + struct.pack(">i", 0)
    return struct.pack(">i", len(body)) + body


METADATA_REQUEST = _metadata_request()


def _receive(connection: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        part = connection.recv(size - len(got))
        if not part:
            raise ConnectionError("the broker closed the connection")
        got += part
    return got
