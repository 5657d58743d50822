"""A log of its own for each test here, on the session's broker."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.bin.layout import Services
from tests.servers.kafka.trial import Trial


@pytest.fixture
def kafka_address(servers: Services) -> str:
    """Address of the session's broker."""
    assert servers.kafka
    return servers.kafka.bootstrap


@pytest.fixture
def trial(kafka_address: str, tmp_path: Path) -> Iterator[Trial]:
    """Topics of their own, workers on them, and what these did."""
    with Trial(kafka_address, f"test-{uuid.uuid4().hex[:8]}.", tmp_path) as made:
        yield made
