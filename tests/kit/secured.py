"""Kafka with SCRAM, TLS and access lists, InfluxDB 2.7 with TLS and tokens, and a user for each role.

As a plant has them: the administrator makes topics, permissions and tokens by `forewarn access`, and every process is
started as its role's user.
"""

from __future__ import annotations

import json
import secrets
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.bin import influx, ports, processes
from infra.bin.layout import Options
from infra.bin.progress import Progress
from pipelines.cli import environment
from pipelines.roles import USERS
from pipelines.settings import Settings
from tests.kit.authority import Authority
from tests.kit.guarded_kafka import Guarded, guarded
from tests.kit.installation import ROOT

PATIENCE_S = 60.0


@dataclass
class Secured:
    """An installation on such servers. Processes that were started end with it."""

    folder: Path
    broker: Guarded
    settings: Settings
    tokens: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def of(self, role: str, **more: Any) -> Settings:
        """The settings of a role's process."""
        own = {"kafka_user": f"forewarn-{role}", "influx_token": self.tokens.get(role, "none")}
        return Settings(**{**self.settings.model_dump(), **own, **more})

    def start(self, role: str, *arguments: str, **more: Any) -> subprocess.Popen[bytes]:
        """Start a role; `more` are settings of it."""
        log = (self.folder / f"{role}.log").open("wb")
        command = [sys.executable, "-m", "pipelines.cli", *(arguments or USERS[role].command)]
        environ = environment(self.of(role, **more))
        self.processes[role] = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        return self.processes[role]

    def said(self, role: str) -> str:
        """A role's log."""
        return (self.folder / f"{role}.log").read_text()

    def run(self, settings: Settings, *arguments: str, status: int = 0) -> str:
        """What a command prints."""
        command = [sys.executable, "-m", "pipelines.cli", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=environment(settings), capture_output=True, text=True, timeout=PATIENCE_S
        )
        assert done.returncode == status, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def wait(self, true: Callable[[], Any], what: str = "") -> Any:
        """What it says once it is true; fails with the logs."""
        until_s = time.monotonic() + PATIENCE_S
        while not (found := true()):
            assert time.monotonic() < until_s, what + "".join(
                f"\n--- {role}\n{self.said(role)[-2000:]}" for role in self.processes
            )
            time.sleep(0.2)
        return found

    def prepare(self) -> None:
        """As the administrator, by the command line."""
        for role in USERS:
            self.broker.add_user(f"forewarn-{role}", self.settings.kafka_password.get_secret_value())
        self.run(self.settings, "access", "apply")
        self.tokens |= json.loads(self.run(self.settings, "access", "tokens", "--json"))


@contextmanager
def secured(folder: Path, port: int, plant: Path, **settings: Any) -> Iterator[Secured]:
    """Servers on ports from `port` on, where these are free, and an installation that nothing runs of yet."""
    with guarded(folder, port) as broker, _influx(folder, port + 10) as reached:
        password = secrets.token_hex(16)
        broker.add_user("admin", password)
        given = {
            "kafka": broker.tls,
            "kafka_user": "admin",
            "kafka_password": password,
            "kafka_tls": True,
            "kafka_ca": folder / "tests-ca.pem",
            "plant": plant,
            "topic_prefix": "north.",
            "partitions": 2,
            "snapshot_s": 0.5,
            "tick_s": 0,
            "metrics_port": 0,
        }
        made = Secured(folder, broker, Settings(**{**given, **reached, **settings}))
        try:
            made.prepare()
            yield made
        finally:
            for process in made.processes.values():
                process.terminate()
            for process in made.processes.values():
                process.wait(30)


@contextmanager
def _influx(folder: Path, port: int) -> Iterator[Mapping[str, Any]]:
    """InfluxDB 2.7 with TLS, and settings that reach it with the token of its first user."""
    options = Options(instance="secured", instances=folder, influx="2.7")
    program = influx.provide(options, influx.choose(options, local_only=True), Progress())
    certificate, key = Authority(folder, "influx").server("influx")
    with ports.promised(options, port) as free:
        data, log = options.folder / "influx-2.7", options.folder / "influx.log"
        data.mkdir(parents=True)
        assert program.path is not None
        command = influx._command_2(program.path, data, free)
        pid, began = processes.start(
            [*command, f"--tls-cert={certificate}", f"--tls-key={key}"], log, influx._own(options.environ)
        )
        try:
            url, token, ca = f"https://127.0.0.1:{free}", secrets.token_hex(16), folder / "influx-ca.pem"
            opener = urllib.request.build_opener(
                urllib.request.ProxyHandler({}),
                urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)),
            )
            running = lambda: processes.alive(pid, began)  # noqa: E731
            processes.wait_ready("InfluxDB", lambda: _answers(opener, url), running, log, influx.READY_S)
            given = {"username": "admin", "password": token, "org": "north", "bucket": "first", "token": token}
            body = json.dumps(given).encode()
            opener.open(urllib.request.Request(f"{url}/api/v2/setup", data=body), timeout=10).close()
            found = {"url": url, "token": token, "org": "north", "bucket": "rows", "ca": ca}
            yield {f"influx_{name}": value for name, value in found.items()}
        finally:
            processes.stop(pid, began)


def _answers(opener: urllib.request.OpenerDirector, url: str) -> bool:
    try:
        opener.open(f"{url}/ping", timeout=2).close()
    except OSError:
        return False
    return True
