"""History published as records again is worked off by three ordinary workers, whom Kafka shares it out to."""

from __future__ import annotations

import subprocess
import sys

import pytest

from models.records import Maintenance, Tick
from pipelines.cli import environment
from pipelines.topics import Topic
from tests.kit import history, streams, tiny
from tests.kit.installation import ROOT, Installation
from tests.property.test_replay import final

pytestmark = pytest.mark.servers

MINUTES = 200
END_US = streams.START_US + MINUTES * streams.MINUTE_US
CLOSED_US = END_US + 240_000_000
"""Where a backfill's last tick lies: two latenesses behind its end."""


def publish(installation: Installation, folder) -> None:
    """Have `forewarn backfill` publish what the folder has, from another prefix onto the installation's topics."""
    told = f"--from 2026-01-01 --to 2026-01-01T03:20 --to topics --what ingest --source parquet --out {folder}/runs"
    command = [sys.executable, "-m", "pipelines.cli", "backfill", *told.split(), "--files", f"{folder}/*.parquet"]
    command += ["--events", f"{folder}/events.csv", "--replay-prefix", installation.settings.topic_prefix]
    environ = environment(installation.settings) | {"FOREWARN_TOPIC_PREFIX": "elsewhere."}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_three_workers_say_of_replayed_history_what_one_said_live(servers, tmp_path):
    records = [r for r in streams.stream(5, minutes=MINUTES) if streams.time_of(r) < END_US]
    for name, table in history.tables(records, tiny.plant()).items():
        table.write_parquet(tmp_path / f"{name}.parquet")
    events = [r for r in records if isinstance(r, Maintenance)]
    lines = [f"{event.asset},{event.time_us},{event.action},{event.mode}" for event in events]
    (tmp_path / "events.csv").write_text("\n".join(["asset,time,action,mode", *lines]) + "\n")
    live = streams.published([*records, Tick(plant="tiny", time_us=CLOSED_US)])
    with Installation(tmp_path) as installation:
        workers = [installation.worker() for _ in range(3)]
        installation.wait(lambda: installation.told().count('"partition-taken-over"') >= 3, 60)
        publish(installation, tmp_path)
        installation.finish()
        for worker in workers:
            installation.stop(worker)
        for topic in (Topic.FORECASTS, Topic.ALERTS):
            said = [value for values in installation.published(topic).values() for value in values]
            assert final(said) == final(live[topic])
        assert installation.ledger().balances
    assert len(live[Topic.FORECASTS]) > 100
