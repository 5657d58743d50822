"""The same servers from their official images, for machines where a Docker engine runs.

Commands are built by plain functions that tests can look at; the others call docker.
Data is in named volumes, so that `down` loses nothing.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.bin import programs
from infra.bin.layout import INFLUX_VERSIONS, Options, ServicesError


def container_name(options: Options, server: str) -> str:
    """Return the name of the instance's container for `server`."""
    return f"forewarn-{options.instance}-{server}"


def wanted(options: Options) -> bool:
    """Docker is used when an engine runs, unless FOREWARN_SERVERS says otherwise."""
    if options.way == "local":
        return False
    runs = engine_runs(options.environ)
    if options.way == "docker" and not runs:
        raise ServicesError(
            "FOREWARN_SERVERS is docker, but `docker info` finds no engine: start Docker, or set FOREWARN_SERVERS=local"
        )
    return runs


def engine_runs(environ: Mapping[str, str]) -> bool:
    """Asks for the engine's version, for three seconds at most: the client alone is of no use."""
    ask = ["docker", "info", "--format", "{{.ServerVersion}}"]
    try:
        said = subprocess.run(ask, capture_output=True, text=True, timeout=3, env=dict(environ), check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0 and bool(said.stdout.strip())


def kafka_command(name: str, version: str, port: int, settings: Mapping[str, str]) -> list[str]:
    """Build the command. The port is the same inside and outside: the broker itself uses its advertised address."""
    given = {"KAFKA_" + key.upper().replace(".", "_"): value for key, value in settings.items()}
    given |= {"KAFKA_HEAP_OPTS": "-Xms256m -Xmx512m"}
    return _run_command(
        name, f"127.0.0.1:{port}:{port}", f"{name}:/var/lib/kafka/data", given, f"apache/kafka:{version}"
    )


def influx_command(name: str, version: str, port: int) -> list[str]:
    """`version` is 1.8 or 2.7; users and buckets are made over HTTP afterwards, as for a local server."""
    home = "/var/lib/influxdb2" if version.startswith("2") else "/var/lib/influxdb"
    given = {"INFLUXD_REPORTING_DISABLED": "true"}
    if version.startswith("1"):
        given = {
            "INFLUXDB_REPORTING_DISABLED": "true",
            "INFLUXDB_HTTP_FLUX_ENABLED": "true",
            "INFLUXDB_HTTP_AUTH_ENABLED": "true",
            "INFLUXDB_HTTP_LOG_ENABLED": "false",
            "INFLUXDB_DATA_INDEX_VERSION": "tsi1",
            "INFLUXDB_DATA_QUERY_LOG_ENABLED": "false",
            "INFLUXDB_DATA_MAX_VALUES_PER_TAG": "0",
            "INFLUXDB_DATA_MAX_SERIES_PER_DATABASE": "0",
            "INFLUXDB_MONITOR_STORE_ENABLED": "false",
        }
    return _run_command(name, f"127.0.0.1:{port}:8086", f"{name}-{version}:{home}", given, f"influxdb:{version}")


def _run_command(name: str, publish: str, data: str, given: Mapping[str, str], image: str) -> list[str]:
    environment = [part for key, value in given.items() for part in ("-e", f"{key}={value}")]
    return ["docker", "run", "-d", "--name", name, "-p", publish, "-v", data, *environment, image]


def run(options: Options, command: list[str], log: Path) -> None:
    """Start the container; an ended one of the same name makes way for it."""
    _quietly(options, ["docker", "rm", "-f", command[command.index("--name") + 1]])
    programs.run_logged("starting the container", command, log, options.environ, options.folder)


def running(options: Options, name: str, log: Path | None = None) -> bool:
    """Whether the container runs. If it does not, what it said goes to `log`, to be found there."""
    runs = _quietly(options, ["docker", "inspect", "-f", "{{.State.Running}}", name]).strip() == "true"
    if log and not runs:
        log.write_text(_quietly(options, ["docker", "logs", "--tail", "200", name]))
    return runs


def remove(options: Options, name: str) -> None:
    """End the container and remove it; its volume stays."""
    _quietly(options, ["docker", "stop", "-t", "20", name])
    _quietly(options, ["docker", "rm", "-f", name])


def remove_volumes(options: Options, servers: Sequence[str]) -> None:
    """Remove the data of the ended containers, all versions of it."""
    volumes = {"kafka": ["kafka"], "influx": [f"influx-{version}" for version in INFLUX_VERSIONS]}
    for volume in (name for server in servers for name in volumes[server]):
        _quietly(options, ["docker", "volume", "rm", "-f", f"forewarn-{options.instance}-{volume}"])


def _quietly(options: Options, command: list[str]) -> str:
    try:
        found = subprocess.run(
            command, capture_output=True, text=True, timeout=60, env=dict(options.environ), check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout + found.stderr
