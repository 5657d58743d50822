"""Real servers for the tests marked `servers`: started once, in a folder of their own, and stopped at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from infra.bin import services
from infra.bin.layout import Options, Services

settings.register_profile("same", derandomize=True)
settings.register_profile("random")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
"""Each run of `make test` tries the same examples; `make soak` tries others."""

os.environ.pop("COLUMNS", None)  # pytest-xdist sets it, and a console that is made meanwhile is as wide for ever

KAFKA_PORT, INFLUX_PORT = 29092, 28086


def _options(instances, instance: str, influx: str, only: str | None = None) -> Options:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("FOREWARN_KAFKA", "FOREWARN_INFLUX"))}
    return Options(
        instance=instance,
        influx=influx,
        only=only,
        instances=instances,
        kafka_port=KAFKA_PORT,
        influx_port=INFLUX_PORT,
        environ=environ | {"FOREWARN_SERVERS": "local"},
    )


@pytest.fixture(scope="session")
def servers(tmp_path_factory) -> Iterator[Services]:
    """Kafka and InfluxDB 2.7, with InfluxDB 1.8 beside them; their addresses are in the environment, too."""
    instances = tmp_path_factory.mktemp("instances")
    both, old = _options(instances, "test", "2.7"), _options(instances, "test-18", "1.8", only="influx")
    try:
        started, started_18 = services.up(both), services.up(old)
        assert started.kafka
        os.environ["FOREWARN_TEST_KAFKA"] = started.kafka.bootstrap
        os.environ["FOREWARN_TEST_INFLUX_27"] = json.dumps(started.settings())
        os.environ["FOREWARN_TEST_INFLUX_18"] = json.dumps(started_18.settings())
        yield started
    finally:
        services.down(old)
        services.down(both)


@pytest.fixture(autouse=True)
def _servers_for_those_marked(request) -> None:
    if request.node.get_closest_marker("servers"):
        request.getfixturevalue("servers")
