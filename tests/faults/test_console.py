"""The console under Kafka and InfluxDB that go away and come back: it says so, loses nothing, and goes on by itself."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.kit.consoled import Consoled, minutes
from tests.kit.streams import START_US

pytestmark = pytest.mark.servers
HOT = 85.0
AWAY_S = 15.0


def until(true: Callable[[], bool], what: str, console: Consoled, timeout_s: float = 60.0) -> None:
    until_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until_s, f"{what}\n{console.installation.told()}"
        time.sleep(0.2)


def following(console: Consoled) -> bool | None:
    """Whether it follows, as it says; None where it says nothing, since no call can be written onto the audit."""
    return console.ask("overview").json().get("is_following")


def test_while_kafka_is_away_the_console_says_so_and_then_has_all_that_came(own, tmp_path):
    with Consoled(tmp_path, **own.settings) as console:
        installation = console.installation
        worker = installation.worker_at_work()
        installation.send(minutes(("pump-01",), 0, 6, HOT, START_US))
        until(lambda: len(console.ask("alerts").json()["alerts"]) == 1, "no warning", console)
        (one,) = console.ask("alerts").json()["alerts"]
        own.stop("kafka")
        began_s = time.monotonic()
        until(lambda: following(console) is False, "it does not say so", console, AWAY_S)
        refused = console.ask(f"alerts/{one['id']}/actions", "operator", json={"move": "acknowledge"})
        own.start("kafka")
        assert refused.status_code == 503 and time.monotonic() - began_s < 60
        until(lambda: following(console) is True, "it does not go on", console)
        installation.send(minutes(("pump-02",), 6, 12, HOT, START_US))
        until(lambda: len(console.ask("alerts").json()["alerts"]) == 2, "what came is missing", console)
        done = console.ask(f"alerts/{one['id']}/actions", "operator", json={"move": "acknowledge"})
        assert done.status_code == 202
        until(lambda: console.ask(f"alerts/{one['id']}").json()["now"]["by"] == "operator", "not moved", console)
        assert console.process.poll() is None
        installation.stop(worker)


def test_while_influxdb_is_away_what_is_in_memory_is_there_and_the_rest_says_why_not(own, tmp_path):
    with Consoled(tmp_path, **own.settings) as console:
        console.installation.worker_at_work()
        console.installation.send(minutes(("pump-01",), 0, 6, HOT, START_US))
        until(lambda: len(console.ask("alerts").json()["alerts"]) == 1, "no warning", console)
        own.stop("influx")
        refused = console.ask("assets/pump-01/signals")
        (one,) = console.ask("alerts").json()["alerts"]
        page = console.ask(f"alerts/{one['id']}/page").json()
        known = console.ask("assets/pump-01")
        own.start("influx")
        assert refused.status_code == 503 and "InfluxDB" in refused.json()["detail"]
        assert known.status_code == 200 and any("Not told" in line for part in page["parts"] for line in part["lines"])
        until(lambda: console.ask("assets/pump-01/signals").status_code == 200, "it does not go on", console)
