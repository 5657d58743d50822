"""InfluxDB that answers badly, slowly or not at all: each row is stored once, in memory that stays bounded."""

from __future__ import annotations

import time

import pytest

from tests.kit.influx_proxy import Fault, InfluxProxy, plan
from tests.kit.installation import Installation, check

pytestmark = pytest.mark.servers

RECOVERY_S = 15.0
EACH = 0.12
"""Chance of each fault of a write: more than half of the writes go wrong."""


def test_writes_that_go_wrong_in_every_way_lose_nothing(servers, tmp_path, records, undisturbed, influx_url):
    faults = plan(8, {fault: EACH for fault in Fault if fault is not Fault.NONE})
    with InfluxProxy(influx_url, faults) as proxy, Installation(tmp_path, influx_url=proxy.url) as installation:
        worker = installation.worker()
        installation.feed(records, 10.0)
        installation.finish(120)
        installation.stop(worker)
        check(installation, undisturbed, repeats=False)
    print("writes by what happened to them:", {str(fault): count for fault, count in proxy.did.items()})
    assert all(proxy.did[fault] for fault in Fault)


def away(own, folder, records, undisturbed, seconds: float) -> None:
    """Stop InfluxDB under a worker for some seconds; once it is back, all is stored in good time."""
    with Installation(folder, **own.settings) as installation:
        worker = installation.worker_at_work()
        installation.feed(records, 8.0)
        time.sleep(2)
        own.stop("influx")
        time.sleep(seconds)
        assert sum(installation.lag().values()) > 0
        own.start("influx")
        took_s = installation.wait(lambda: not any(installation.lag().values()), 60)
        installation.finish()
        installation.stop(worker)
        check(installation, undisturbed, repeats=False)
    print(f"InfluxDB away for {seconds:.0f} s: all stored {took_s:.1f} s after it was back")
    assert took_s < RECOVERY_S


def test_influxdb_may_be_away_for_some_seconds(own, tmp_path, records, undisturbed):
    away(own, tmp_path, records, undisturbed, 9.0)


@pytest.mark.soak
@pytest.mark.parametrize("seconds", [60, 300])
def test_influxdb_may_be_away_for_minutes(own, tmp_path, records, undisturbed, seconds):
    away(own, tmp_path, records, undisturbed, seconds)
