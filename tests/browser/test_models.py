"""Models on the page: a release beside the champion is promoted by hand, and rolled back, on a live plant."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest

from connectors.releases import keys
from models.records import encode
from models.release import Part
from pipelines.releases.publish import made
from tests.browser.conftest import Opened, picture
from tests.kit import releasing
from tests.kit.consoled import Consoled
from tests.servers.test_releases import rows

pytestmark = pytest.mark.servers
CHAMPION = 'tr:has-text("{}") .tag:has-text("champion")'
FIRST, SECOND = (releasing.manifest(slope).version for slope in (0.5, 0.8))


@pytest.fixture(scope="module")
def console(servers, tmp_path_factory) -> Iterator[Consoled]:
    """The tiny plant with a worker that scores, and two signed releases of its model: one champion, one beside it."""
    folder = tmp_path_factory.mktemp("models")
    pem, public = keys.new_key("team")
    private = keys.load_private(pem)
    with Consoled(folder, plant="", release_keys=public, registry=str(folder / "registry")) as made_console:
        made_console.installation.worker_at_work()
        made_console.installation.send(rows(0, 60))
        headers = {"Authorization": f"Bearer {made_console.keys['engineer']}"}
        with httpx2.Client(base_url=f"{made_console.url}/api/v1/models", headers=headers, timeout=60) as client:
            for slope, version in ((0.5, FIRST), (0.8, "")):
                files = releasing.files(slope)
                signed = made(
                    "tiny", files, time.time_ns() // 1000, "MIT", lambda it: (keys.sign(private, "team", it),)
                )
                sent = {"onnx": files[Part.ONNX], "card": files[Part.CARD], "signed": encode(signed)}
                answer = client.post("/releases", files=sent)
                assert answer.status_code == 201, answer.text
                if version:
                    assert client.post("/promote", json={"version": version, "why": "a test"}).status_code == 200
        yield made_console


def test_an_engineer_promotes_the_release_beside_the_champion_and_rolls_back(console, opened: Opened):
    page = opened("engineer", "#/models")
    picture(page, "models-two")
    page.click(f'tr:has-text("{SECOND}") [data-move="promote"]')
    page.fill("#move-why", "earlier by a day")
    page.click("#dialog-yes")
    page.wait_for_selector(CHAMPION.format(SECOND), timeout=40_000)
    told = {one["version"]: one["state"] for one in console.ask("models/releases").json()["releases"]}
    assert told[SECOND] == "champion"
    page.click('[data-move="rollback"]')
    page.fill("#move-why", "worse")
    page.click("#dialog-yes")
    page.wait_for_selector(CHAMPION.format(FIRST), timeout=40_000)


def test_a_viewer_sees_models_and_is_offered_no_move(console, opened: Opened):
    page = opened("viewer", "#/models")
    assert FIRST in page.inner_text("main") and page.query_selector('[data-move="promote"]') is None
