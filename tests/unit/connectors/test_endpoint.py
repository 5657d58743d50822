"""Probes over HTTP: what is alive, what is ready, and why not, also while a loop is at work."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from threading import Event

import pytest

from connectors.endpoint import serve
from connectors.health import Health
from connectors.metrics import WorkerCollector
from tests.kit.ports import free_port


def asked(port: int, path: str) -> tuple[int, dict]:
    """Status and JSON of a GET."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if answer.getheader("Content-Type") == "application/json" else {}
    finally:
        connection.close()


@pytest.fixture
def wrong():
    return {"loop": None, "store": None}


@pytest.fixture
def port(wrong):
    health = Health(alive={"loop": lambda: wrong["loop"]}, ready={"store": lambda: wrong["store"]})
    served = serve(WorkerCollector(list), "127.0.0.1", free_port(), health)
    yield served.port
    served.close()


def test_all_is_well_where_no_check_says_otherwise(port):
    assert asked(port, "/healthz") == (200, {"alive": True, "reasons": {}, "checks": ["loop"]})
    assert asked(port, "/readyz") == (200, {"ready": True, "reasons": {}, "checks": ["loop", "store"]})


def test_what_is_not_ready_lives_and_says_why(port, wrong):
    wrong["store"] = "InfluxDB has taken nothing for 7 s"
    status, said = asked(port, "/readyz")
    assert (status, said["ready"], said["reasons"]) == (503, False, {"store": "InfluxDB has taken nothing for 7 s"})
    assert asked(port, "/healthz")[0] == 200
    wrong["store"] = None
    assert asked(port, "/readyz")[0] == 200


def test_what_is_dead_is_not_ready_either(port, wrong):
    wrong["loop"] = "the loop has not answered"
    assert asked(port, "/healthz")[0] == 503
    assert asked(port, "/readyz")[1]["reasons"] == {"loop": "the loop has not answered"}


def test_other_paths_are_not_there_and_metrics_are(port):
    assert asked(port, "/metrics")[0] == 200
    assert asked(port, "/healthz/") == (404, {})
    assert asked(port, "/admin") == (404, {})
    assert asked(port, "/") == (404, {})


def test_a_probe_does_not_wait_for_a_slow_one(wrong):
    answer = Event()

    def slow() -> None:
        answer.wait(60)

    served = serve(WorkerCollector(list), "127.0.0.1", free_port(), Health(ready={"slow": slow}))
    try:
        stuck = HTTPConnection("127.0.0.1", served.port, timeout=10)
        stuck.request("GET", "/readyz")
        assert asked(served.port, "/healthz")[0] == 200
        answer.set()
        assert stuck.getresponse().status == 200
        stuck.close()
    finally:
        served.close()
