"""A worker on real servers serves what its ledger holds."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.kit import streams
from tests.kit.installation import Installation
from tests.unit.connectors.test_metrics import scraped

pytestmark = pytest.mark.servers


def test_what_a_worker_serves_is_what_its_ledger_holds(servers, tmp_path):
    with Installation(tmp_path) as installation:
        installation.send(streams.shuffled(np.random.default_rng(5), streams.stream(5, minutes=60), 60_000_000))
        worker = installation.worker()
        installation.finish()
        port = int(re.findall(r"127\.0\.0\.1:(\d+)/metrics", installation.told())[0])
        told = scraped(port)
        installation.stop(worker)
        ledger = installation.ledger()
    assert sum(n for name, n in told.items() if name.startswith("forewarn_rows_stored_total")) == ledger.rows_stored > 0
    assert sum(n for name, n in told.items() if name.startswith("forewarn_forecasts_total")) == ledger.forecasts > 0
    assert sum(n for name, n in told.items() if name.startswith("forewarn_step_seconds_sum")) > 0
