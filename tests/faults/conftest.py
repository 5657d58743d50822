"""One stream of records and one undisturbed run of it for all fault tests, and servers that may be stopped."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from infra.bin import services
from infra.bin.layout import Options, Services
from models.records import AnyInput
from pipelines.topics import Topic
from tests.kit import streams
from tests.kit.installation import Undisturbed

ASSETS = ("pump-01", "pump-02", "pump-03", "fan-01")
KAFKA_PORT, INFLUX_PORT = 29192, 28186


@pytest.fixture(scope="session")
def records() -> list[AnyInput]:
    """Ten hours of four assets, out of order within a minute."""
    return streams.shuffled(np.random.default_rng(5), streams.stream(5, minutes=600, assets=ASSETS), 60_000_000)


@pytest.fixture(scope="session")
def undisturbed(records: list[AnyInput]) -> Undisturbed:
    """What the driver makes of them."""
    made = Undisturbed(records)
    assert sum(map(len, made.outputs[Topic.FORECASTS].values())) > 500
    assert any(made.outputs[Topic.ALERTS].values())
    return made


@pytest.fixture(scope="session")
def influx_url(servers: Services) -> str:
    """Where the session's InfluxDB 2.7 is, to be put behind a proxy."""
    return str(json.loads(os.environ["FOREWARN_TEST_INFLUX_27"])["FOREWARN_INFLUX_URL"])


class OwnServers:
    """Kafka and InfluxDB that a test may stop and start; their data stays."""

    def __init__(self, folder: Path) -> None:
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("FOREWARN_KAFKA", "FOREWARN_INFLUX"))}
        self._options = Options(
            instance="own",
            influx="2.7",
            instances=folder,
            kafka_port=KAFKA_PORT,
            influx_port=INFLUX_PORT,
            environ=environ | {"FOREWARN_SERVERS": "local"},
        )
        self._services = services.up(self._options)

    @property
    def settings(self) -> dict[str, str]:
        """For `Installation`, which makes a bucket of its own."""
        given = self._services.settings().items()
        return {name.removeprefix("FOREWARN_").lower(): value for name, value in given if "BUCKET" not in name}

    def clean_logs_at_once(self) -> None:
        """Have the broker compact every half second, not every 15 s."""
        resource = ConfigResource(ConfigResourceType.BROKER, "1", {"log.cleaner.backoff.ms": "500"})
        with contextlib.closing(KafkaAdminClient(bootstrap_servers=self.settings["kafka"])) as client:
            client.alter_configs([resource])

    def stop(self, server: str = "") -> None:
        """End one of them, `kafka` or `influx`, or both."""
        services.down(replace(self._options, only=server or None))

    def start(self, server: str) -> None:
        """Start one again; returns once it answers."""
        services.up(replace(self._options, only=server))


@pytest.fixture(scope="session")
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    """Started once."""
    made = OwnServers(tmp_path_factory.mktemp("own"))
    yield made
    made.stop()


@pytest.fixture
def own(own_servers: OwnServers) -> OwnServers:
    """Both run, whatever a test before did."""
    for server in ("kafka", "influx"):
        own_servers.start(server)
    return own_servers
