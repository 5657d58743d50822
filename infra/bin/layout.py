"""What is asked for, what is running, and where both are kept on disk.

Programs are shared by all instances; data, logs and records of running servers belong to one instance. Nothing here
starts, stops or talks to anything.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

INFLUX_VERSIONS = ("1.8", "2.7")
SERVERS = ("kafka", "influx")


class ServicesError(Exception):
    """Says what is wrong, where, and what to do, in words for the person at the terminal."""


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Find the folder of everything fetched, built or stored: FOREWARN_CACHE, or ~/.cache/forewarn."""
    return Path(environ.get("FOREWARN_CACHE") or "~/.cache/forewarn").expanduser().absolute()


@dataclass(frozen=True, kw_only=True)
class Options:
    """What one call asks for. Fields left at None are decided from what is at hand."""

    instance: str = "default"
    influx: str | None = None
    only: str | None = None
    fresh: bool = False
    older: bool = False
    cache: Path = field(default_factory=cache_folder)
    instances: Path | None = None
    kafka_port: int = 9092
    influx_port: int = 8086
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", self.instance):
            raise ServicesError(
                f"instance name {self.instance!r} is not usable: take letters, digits, '-', '_' and '.'"
            )
        if self.influx not in (None, *INFLUX_VERSIONS):
            raise ServicesError(f"InfluxDB {self.influx} is not known here: choose one of {', '.join(INFLUX_VERSIONS)}")
        if self.only not in (None, *SERVERS):
            raise ServicesError(f"server {self.only!r} is not known here: choose one of {', '.join(SERVERS)}")
        if self.way not in ("", "docker", "local"):
            raise ServicesError(f"FOREWARN_SERVERS is {self.way!r}: set it to docker or local, or leave it out")

    @property
    def way(self) -> str:
        """FOREWARN_SERVERS: docker, local or nothing."""
        return self.environ.get("FOREWARN_SERVERS", "")

    @property
    def programs(self) -> Path:
        """Where programs are, shared by all instances."""
        return self.cache / "programs"

    @property
    def all_instances(self) -> Path:
        """Where each instance has its folder."""
        return self.instances or self.cache / "instances"

    @property
    def folder(self) -> Path:
        """The instance's own data, logs and records."""
        return self.all_instances / self.instance

    def wants(self, server: str) -> bool:
        """Tell whether the call is about this server."""
        return self.only in (None, server)


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server as it runs: where it is reached, how it was obtained, and what to end when it shall stop.

    `pid` with `started` (see processes.py), or `container`, is set only for what we started.
    """

    address: str
    how: str
    version: str
    ports: dict[str, int] = field(default_factory=dict)
    pid: int | None = None
    started: str | None = None
    container: str | None = None
    log: str | None = None

    @property
    def ours(self) -> bool:
        """Whether we started it, and may end it."""
        return self.pid is not None or self.container is not None


@dataclass(frozen=True, kw_only=True)
class Kafka(Server):
    """`address` is the bootstrap address, host:port."""

    @property
    def bootstrap(self) -> str:
        """The address by the name Kafka clients have for it."""
        return self.address


@dataclass(frozen=True, kw_only=True)
class Influx(Server):
    """`address` is the URL. With 1.8 the token is user:password, and the bucket is database/retention policy."""

    token: str
    org: str
    bucket: str

    @property
    def url(self) -> str:
        """The address by the name InfluxDB clients have for it."""
        return self.address


@dataclass(frozen=True, kw_only=True)
class Services:
    """The servers of one instance."""

    instance: str
    kafka: Kafka | None = None
    influx: Influx | None = None

    def settings(self) -> dict[str, str]:
        """Return the environment that makes the application use these servers."""
        found: dict[str, str] = {}
        if self.kafka:
            found["FOREWARN_KAFKA"] = self.kafka.bootstrap
        if self.influx:
            found |= {
                "FOREWARN_INFLUX_URL": self.influx.url,
                "FOREWARN_INFLUX_TOKEN": self.influx.token,
                "FOREWARN_INFLUX_ORG": self.influx.org,
                "FOREWARN_INFLUX_BUCKET": self.influx.bucket,
            }
        return found

    def as_json(self) -> dict[str, Any]:
        """Return what services.json holds."""
        servers = {name: asdict(server) for name in SERVERS if (server := getattr(self, name))}
        return {"instance": self.instance, **servers, "settings": self.settings()}


def save_server(options: Options, name: str, server: Server) -> None:
    """Remember a server from the moment it is started, so that a later `down` finds it whatever happens meanwhile."""
    write_private(options.folder / f"{name}.json", json.dumps(asdict(server), indent=2))


def load_server(options: Options, name: str) -> Kafka | Influx | None:
    """Read what is remembered of a server. Raises ServicesError when the file is damaged."""
    kind = Kafka if name == "kafka" else Influx
    try:
        return kind(**json.loads((options.folder / f"{name}.json").read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        path = options.folder / f"{name}.json"
        raise ServicesError(f"{path} cannot be read ({error}): end the server by hand and remove the file") from error


def forget_server(options: Options, name: str) -> None:
    """Drop what is remembered of a server that has ended."""
    (options.folder / f"{name}.json").unlink(missing_ok=True)


def save_services(options: Options, services: Services) -> Path:
    """Write services.json, which the application and the tests read."""
    path = options.folder / "services.json"
    write_private(path, json.dumps(services.as_json(), indent=2))
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, and for the owner's eyes: tokens are among it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.touch(mode=0o600)
    part.write_text(text + "\n")
    part.replace(path)
