"""Kafka that goes away and comes back under a running worker."""

from __future__ import annotations

import time

import pytest

from tests.kit.installation import Installation, check

pytestmark = pytest.mark.servers

RECOVERY_S = 15.0


def away(own, folder, records, undisturbed, seconds: float) -> None:
    """Stop Kafka under a worker and its feed for some seconds; once it is back, both go on."""
    with Installation(folder, **own.settings) as installation:
        worker = installation.worker_at_work()
        installation.feed(records, 12.0)
        time.sleep(3)
        begun = installation.forecasts()
        own.stop("kafka")
        time.sleep(seconds)
        own.start("kafka")
        took_s = installation.wait(lambda: installation.forecasts() > begun + 50, 60)
        installation.finish(90)
        assert worker.poll() is None, installation.told()
        installation.stop(worker)
        check(installation, undisturbed, repeats=True)
    print(f"Kafka away for {seconds:.0f} s: forecasts again {took_s:.1f} s after it was back")
    assert took_s < RECOVERY_S


def test_kafka_may_go_away_for_some_seconds(own, tmp_path, records, undisturbed):
    away(own, tmp_path, records, undisturbed, 8.0)


@pytest.mark.soak
@pytest.mark.parametrize("seconds", [1, 60, 180])
def test_kafka_may_go_away_for_minutes(own, tmp_path, records, undisturbed, seconds):
    away(own, tmp_path, records, undisturbed, seconds)
