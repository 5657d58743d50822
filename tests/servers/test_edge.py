"""A box at a line: feed, worker, deliveries and page in one process, on real servers."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator

import httpx2
import pytest

from connectors.console.keys import Role, new_key
from models.records import Alert, decode
from pipelines.topics import Topic
from tests.kit.consoled import PLANT
from tests.kit.delivering import EACH
from tests.kit.hooked import Receiver
from tests.kit.installation import Installation
from tests.kit.ports import free_port

pytestmark = pytest.mark.servers
TAGS = """
[[tags]]
feed = "files:line1"
address = "temp"
asset = "pump-01"
signal = "oil_temp_degc"
"""


def rows() -> str:
    """Twenty minutes of a pump that is too hot, up to now, as a historian would drop them."""
    now_s = int(time.time())
    return "time;temp\n" + "".join(f"{at};97.0\n" for at in range(now_s - 1200, now_s, 10))


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def test_one_process_reads_a_feed_warns_delivers_and_shows_and_ends_well(servers, hook, tmp_path):
    key, told = new_key("kim", Role.OPERATOR, ())
    subscriptions, port, drop = tmp_path / "subscriptions.toml", free_port(), tmp_path / "drop"
    drop.mkdir()
    subscriptions.write_text(
        f'[sinks.desk]\nkind = "webhook"\nurl = "{hook.url}"\n[subscriptions.desk]\nsink = "desk"\n{EACH}'
    )
    feed = tmp_path / "line1.toml"
    feed.write_text(
        f'folder = "{drop}"\npattern = "*.csv"\nperiod_s = 0.5\nsettle_s = 0.5\nformat = "wide"\ndelimiter = ";"\n'
        'columns = { time = "time" }\ntime_format = "s"\n'
    )
    with Installation(
        tmp_path, plant=PLANT + TAGS, api_keys=told, subscriptions=subscriptions, metrics_port=free_port(),
        cache=tmp_path / "cache",
    ) as plant:  # fmt: skip
        edge = plant.worker(program=("pipelines.cli", "edge", "--feed", f"files={feed}", "--port", str(port)))
        plant.wait(lambda: "partition-taken-over" in plant.told(), 60)
        (drop / "day.csv").write_text(rows())
        plant.wait(lambda: any(plant.published(Topic.ALERTS).values()), 60)
        plant.wait(lambda: hook.told() == ["pump-01"], 60)
        (alert,) = {one.asset for values in plant.published(Topic.ALERTS).values() for one in map(decode, values)
                    if isinstance(one, Alert)}  # fmt: skip
        assert alert == "pump-01"

        def shown() -> bool:
            answer = httpx2.get(f"http://127.0.0.1:{port}/api/v1/overview", headers={"Authorization": f"Bearer {key}"})
            return bool(answer.json()["warnings"])

        plant.wait(shown, 60)
        edge.send_signal(signal.SIGTERM)
        assert edge.wait(40) == 0, plant.told()


def test_where_a_role_cannot_begin_the_process_ends_with_the_reason(servers, tmp_path):
    subscriptions = tmp_path / "subscriptions.toml"
    subscriptions.write_text("[sinks.desk]\nkind = 'no-such'\n")
    with Installation(tmp_path, plant=PLANT, subscriptions=subscriptions, metrics_port=0) as plant:
        edge = plant.worker(program=("pipelines.cli", "edge"))
        assert edge.wait(60) == 1
        line = next(json.loads(one) for one in plant.told().splitlines() if "role-fails" in one)
        assert line["role"] == "deliver"
