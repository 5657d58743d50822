"""A real broker for the tests here, and a log of their own on it for each."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.kafka.admin import KafkaUnreachable, check_reachable
from tests.servers.kafka.trial import Trial

SERVICES = Path("~/.cache/forewarn/instances/dev/services.json").expanduser()


@pytest.fixture(scope="session")
def kafka_address() -> str:
    """Address of a running broker; fails, and never skips, where there is none."""
    address = os.environ.get("FOREWARN_KAFKA", "")
    if not address and SERVICES.exists():
        address = json.loads(SERVICES.read_text())["settings"]["FOREWARN_KAFKA"]
    if not address:
        pytest.fail("these tests need Kafka: start one with `make services` or set FOREWARN_KAFKA", pytrace=False)
    try:
        check_reachable(address)
    except KafkaUnreachable as error:
        pytest.fail(str(error), pytrace=False)
    return address


@pytest.fixture
def trial(kafka_address: str, tmp_path: Path) -> Iterator[Trial]:
    """Topics of their own, workers on them, and what these did."""
    with Trial(kafka_address, f"test-{uuid.uuid4().hex[:8]}.", tmp_path) as made:
        yield made
