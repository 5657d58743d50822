"""The API over releases of the tiny plant in memory, with two workers' partitions that load whatever is offered."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from connectors.console.app import application
from connectors.console.keys import Role, new_key
from connectors.memory import MemoryBoard
from connectors.releases.registry import Registry
from pipelines.cli.serving import PlantModels
from pipelines.releases.offices import Place
from tests.kit import tiny
from tests.kit.api_parts import PARTITIONS, Workers, gate

NORTH = "north"
"""A site whose admin has a key."""


class Api:
    """A client with a key of each role, and what is behind it."""

    def __init__(self, folder: Path) -> None:
        self.workers = Workers()
        self.in_folder = ""
        self.log = MemoryBoard("tiny", self.workers)
        made = {role: new_key(f"a {role}", role) for role in Role} | {NORTH: new_key("kim", Role.ADMIN, [NORTH])}
        self.keys = {role: key for role, (key, _) in made.items()}
        place = Place(self.log, tiny.plant, PARTITIONS, lambda: 1_000, lambda _: self.in_folder, 0.0)
        models = PlantModels(place, Registry(str(folder / "registry")), lambda name: {"of": name})
        self.app = application(gate(told for _, told in made.values()), models)
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def headers(self, role: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[role]}"} if role else {}

    def get(self, path: str, role: str | None = Role.VIEWER):
        return self.client.get(f"/api/v1/models/{path}", headers=self.headers(role))

    def post(self, path: str, body: object = None, role: str | None = Role.ENGINEER, **more):
        asked = {} if body is None else {"json": body}
        return self.client.post(f"/api/v1/models/{path}", headers=self.headers(role), **asked, **more)


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)
