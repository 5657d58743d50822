"""What a feed says while it runs, to whoever looks at its terminal or its log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from connectors.metrics import FeedView
from connectors.scada.feeds import FEEDS
from pipelines.cli.connect import read_config, told_line, where

ROOT = Path(__file__).parents[3]


def test_a_feed_that_read_nothing_says_so():
    assert told_line(FeedView({"readings": 0}, {}, 0, False)) == "nothing read yet"


@pytest.mark.parametrize("feed", FEEDS)
def test_every_feed_can_say_where_it_reads(feed):
    example = ROOT / "infra" / "examples" / "feeds" / f"{feed}.toml"
    assert where(read_config(import_module(f"connectors.scada.feeds.{feed}"), example))


def test_at_the_start_a_feed_logs_what_it_works_with_and_whether_kafka_is_there(tmp_path):
    (folder := tmp_path / "in").mkdir()
    config = tmp_path / "line.toml"
    config.write_text(f'folder = "{folder}"\nformat = "wide"\n')
    environ = {name: value for name, value in os.environ.items() if not name.startswith("FOREWARN_")}
    environ |= {"FOREWARN_KAFKA": "127.0.0.1:1", "FOREWARN_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "pipelines.cli", "connect", "files", "--config", str(config)]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True) as process:
        told = {}
        for line in process.stderr or ():
            told |= {(said := json.loads(line))["event"]: said}
            if "kafka-away" in told:
                break
        process.kill()
    starts = told["feed-starts"]
    assert (starts["feed"], starts["reads"], starts["kafka"]) == ("files:line", str(folder), "127.0.0.1:1")
    assert starts["plant_file"].endswith("pumps.toml") and len(starts["plant_version"]) == 12
    assert "no Kafka at 127.0.0.1:1" in told["kafka-away"]["error"] and "forewarn up" in told["kafka-away"]["error"]
