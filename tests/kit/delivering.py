"""Delivery on a real Kafka: topics of its own, a plant, a subscriptions file, and `forewarn deliver` as a process."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from rich.console import Console

from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.plain import LogProducer, read
from models.records import Alert, Delivery, DeliveryState, encode, key_of
from pipelines.cli.delivery_desk import DeliveryDesk
from pipelines.settings import Settings
from pipelines.topics import Topic, named, partition_of
from tests.kit.warned import PLANT

ROOT = Path(__file__).parents[2]
PARTITIONS = 2
EACH = 'group = { by = ["alert"], wait = "0s", interval = "0s", storm = 0 }\n'


class Delivering:
    """A context manager; leaving it ends the roles and deletes the topics. `own` is a topic beside Forewarn's."""

    def __init__(self, folder: Path, book: str) -> None:
        self.name = f"d{uuid.uuid4().hex[:8]}"
        self.folder, self.own = folder, f"{self.name}-own"
        (folder / "plant.toml").write_text(PLANT)
        (folder / "subscriptions.toml").write_text(book.replace("OWN", self.own))
        self.settings = Settings(
            kafka=os.environ["FOREWARN_TEST_KAFKA"], topic_prefix=f"{self.name}.", partitions=PARTITIONS,
            plant=folder / "plant.toml", subscriptions=folder / "subscriptions.toml", group=self.name,
        )  # fmt: skip
        self.roles: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Delivering:
        self._admin = KafkaAdmin(self.settings.kafka, self.settings.topic_prefix)
        self._admin.create_topics(PARTITIONS)
        self._client = KafkaAdminClient(bootstrap_servers=self.settings.kafka)
        self._client.create_topics([NewTopic(self.own, 1, 1)])
        return self

    def __exit__(self, *_: object) -> None:
        for role in self.roles:
            if role.poll() is None:
                role.kill()
                role.wait()
        self._admin.delete_all()
        self._client.delete_topics([self.own])
        self._client.close()
        self._admin.close()

    def deliver(self) -> subprocess.Popen[bytes]:
        """Start a role; its log is in the folder."""
        from pipelines.cli import environment

        log = (self.folder / f"role-{len(self.roles)}.log").open("wb")
        command = [sys.executable, "-m", "pipelines.cli", "deliver"]
        role = subprocess.Popen(command, cwd=ROOT, env=environment(self.settings), stdout=log, stderr=log)
        self.roles.append(role)
        return role

    def warn(self, alerts: Iterable[Alert]) -> None:
        """Put warnings on their topic."""
        with LogProducer(self.settings.kafka) as producer:
            for one in alerts:
                key = key_of(one.plant, one.asset)
                place = partition_of(key, PARTITIONS)
                producer.send(named(self.settings.topic_prefix, Topic.ALERTS), key, encode(one), place)

    def deliveries(self, state: DeliveryState | None = None) -> list[Delivery]:
        """What the log has."""
        found = [one for one in DeliveryDesk(self.settings).entries("north") if isinstance(one, Delivery)]
        return [one for one in found if state is None or one.state is state]

    def on_own_topic(self) -> list[bytes]:
        """Values of the topic of one's own."""
        return [record.value or b"" for record in read(self.settings.kafka, self.own)]

    def wait(self, true: Callable[[], bool], timeout_s: float = 30.0) -> float:
        """Seconds until it is true; fails with the roles' logs."""
        began_s = time.monotonic()
        while not true():
            if time.monotonic() - began_s > timeout_s:
                raise AssertionError(f"still not so after {timeout_s} s\n{self.told()}")
            time.sleep(0.1)
        return time.monotonic() - began_s

    def told(self) -> str:
        """The ends of the roles' logs."""
        return "\n".join(f"--- {log.name}\n{log.read_text()[-4000:]}" for log in sorted(self.folder.glob("role-*.log")))

    def stop(self, role: subprocess.Popen[bytes]) -> None:
        """SIGTERM; it must end well."""
        role.send_signal(signal.SIGTERM)
        assert role.wait(20) == 0, self.told()

    def said(self, call: Callable[..., None], *arguments: object, **options: object) -> str:
        """What a command prints."""
        console = Console(file=io.StringIO(), width=200)
        call(self.settings, *arguments, console, **options)
        return console.file.getvalue()  # type: ignore[attr-defined]
