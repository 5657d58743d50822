"""The HTTP API as its own process on a running installation: a model swapped by HTTP alone, while rows flow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from connectors.console.keys import Role, new_key
from connectors.releases import keys
from models.records import encode
from models.release import Part
from pipelines.releases.publish import made
from tests.kit import releasing
from tests.kit.installation import Installation
from tests.kit.ports import free_port
from tests.servers.test_releases import check_replay, moves, rows

pytestmark = pytest.mark.servers

SLOPES = (0.5, 0.8)
FIRST, SECOND = (releasing.manifest(slope).version for slope in SLOPES)


@contextmanager
def served(installation: Installation, key: str) -> Iterator[httpx2.Client]:
    """A client of an API that runs, as a caller with this key. The process is the installation's to end."""
    port = free_port()
    process = installation.worker(program=("pipelines.cli", "api", "serve", "--port", str(port)))
    headers = {"Authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}/api/v1/models", headers=headers, timeout=60) as client:
        until_s = time.monotonic() + 30
        while True:
            try:
                client.get("/releases")
                break
            except httpx2.ConnectError:
                assert process.poll() is None and time.monotonic() < until_s
                time.sleep(0.1)
        yield client
    installation.stop(process)


def offered(client: httpx2.Client, slope: float, sign) -> None:
    files = releasing.files(slope)
    signed = made("tiny", files, time.time_ns() // 1000, "MIT", sign)
    sent = {"onnx": files[Part.ONNX], "card": files[Part.CARD], "signed": encode(signed)}
    found = client.post("/releases", files=sent)
    assert found.status_code == 201, found.text


def test_a_model_is_swapped_by_http_while_rows_flow_and_a_replay_gives_the_same_bytes(servers, tmp_path: Path):
    pem, public = keys.new_key("team")
    private = keys.load_private(pem)
    key, told = new_key("mes-line-1", Role.ENGINEER)
    registry = str(tmp_path / "registry")
    with Installation(tmp_path, release_keys=public, registry=registry, api_keys=told) as installation:
        installation.worker_at_work()
        with served(installation, key) as client:
            installation.feed(rows(0, 300), 10.0)
            for slope in SLOPES:
                offered(client, slope, lambda content: (keys.sign(private, "team", content),))
            for version in (FIRST, SECOND):
                assert client.post("/promote", json={"version": version, "why": "a test"}).status_code == 200
            assert client.post("/names/tiny/rollback", json={"why": "worse"}).status_code == 200
            told_of = {one["version"]: one["state"] for one in client.get("/releases").json()["releases"]}
        installation.finish()
        check_replay(installation)
        assert told_of == {FIRST: "champion", SECOND: "retired"}
        by = {(one.version, str(one.to)) for one in moves(installation) if one.by == "mes-line-1"}
        assert by >= {(FIRST, "champion"), (SECOND, "retired")}
