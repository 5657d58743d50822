"""`forewarn connect kafka` on a real broker: a foreign topic becomes records, and kill -9 loses none of it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from connectors.kafka.plain import LogProducer, read
from models.records import FeedReport, Frame, decode
from pipelines.topics import Topic, named
from tests.kit import tiny
from tests.servers.kafka.trial import ROOT, Trial, kill, stop, wait_for

pytestmark = pytest.mark.servers

BEGAN_US = 1_769_839_200_000_000
TAGS = """
[[tags]]
address = "P1/pressure"
asset = "pump-01"
signal = "pressure_bar"
[[tags]]
address = "P2/pressure"
asset = "pump-02"
signal = "pressure_bar"
"""


class Site:
    """A foreign topic, a plant that knows its addresses, and processes that connect the two."""

    def __init__(self, trial: Trial, folder: Path) -> None:
        self.trial, self.folder = trial, folder
        self.foreign = f"foreign-{uuid.uuid4().hex[:8]}"
        (folder / "plant.toml").write_text(tiny.PLANT_TOML + TAGS)
        (folder / "line.toml").write_text(
            f'bootstrap = "{trial.address}"\ngroup = "{self.foreign}"\n'
            f'[[topics]]\ntopic = "{self.foreign}"\nformat = "fields"\ntime_unit = "us"\n'
        )
        self.started: list[subprocess.Popen[bytes]] = []

    def connect(self, kafka: str = "", feed: str = "kafka") -> subprocess.Popen[bytes]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("FOREWARN_")} | {
            "FOREWARN_KAFKA": kafka or self.trial.address,
            "FOREWARN_TOPIC_PREFIX": self.trial.prefix,
            "FOREWARN_PARTITIONS": str(self.trial.partitions),
            "FOREWARN_PLANT": str(self.folder / "plant.toml"),
            "FOREWARN_CACHE": str(self.folder),
        }
        command = [
            sys.executable,
            "-m",
            "pipelines.cli",
            "connect",
            feed,
            "--config",
            str(self.folder / ("line.toml" if feed == "kafka" else f"{feed}.toml")),
        ]
        log = (self.folder / f"worker-{len(self.started)}.log").open("wb")
        self.started.append(subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log))
        return self.started[-1]

    def send(self, numbers: range) -> None:
        with LogProducer(self.trial.address) as producer:
            for number in numbers:
                body = {"time": BEGAN_US + number, "pressure": float(number), "unmapped": 1}
                producer.send(self.foreign, b"P%d" % (1 + number % 2), json.dumps(body).encode())
            producer.send(self.foreign, b"P1", b"rubbish")

    def rows(self) -> list[tuple[str, int, float]]:
        """Asset, time and value as they stand on the records topic, repeats and all."""
        every = [decode(record.value or b"") for record in read(self.trial.address, self.trial.records)]
        frames = [record for record in every if not isinstance(record, FeedReport)]
        assert all(isinstance(frame, Frame) for frame in frames)
        return [
            (frame.asset, time_us, value)
            for frame in frames
            for time_us, value in zip(frame.times_us, frame.signals["pressure_bar"], strict=True)
        ]

    def spooled(self) -> int:
        return sum(file.stat().st_size for file in self.folder.glob("instances/default/spool/*/*.spool"))


def wanted(count: int) -> set[tuple[str, int, float]]:
    return {(f"pump-0{1 + number % 2}", BEGAN_US + number, float(number)) for number in range(count)}


@pytest.fixture
def site(trial: Trial, tmp_path: Path) -> Iterator[Site]:
    made = Site(trial, tmp_path)
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=trial.address)) as admin:
        admin.create_topics({made.foreign: {"num_partitions": 3, "replication_factor": 1}}, raise_errors=True)
        admin.wait_for_topics([made.foreign])
        yield made
        for process in made.started:
            if process.poll() is None:
                kill(process)
        admin.delete_topics([made.foreign])


def test_a_foreign_topic_becomes_frames_and_kill_9_loses_nothing(site: Site) -> None:
    site.send(range(5000))
    first = site.connect()
    wait_for(lambda: len(site.rows()) > 0, 30, site.trial.told)
    kill(first)
    site.send(range(5000, 10_000))
    second = site.connect()
    wait_for(lambda: len(set(site.rows())) >= 10_000, 60, site.trial.told)
    stop(second)
    assert set(site.rows()) == wanted(10_000)
    assert site.spooled() == 0
    letters = [decode(r.value or b"") for r in read(site.trial.address, named(site.trial.prefix, Topic.DEAD_LETTERS))]
    assert {letter.reason for letter in letters} == {"unknown-tag", "not-json"}
    assert len(letters) < 20


def test_while_the_records_topic_is_away_all_is_on_disk_though_killed_and_goes_out_afterwards(site: Site) -> None:
    site.send(range(2000))
    first = site.connect(kafka="127.0.0.1:1")
    wait_for(lambda: site.spooled() > 0, 30, site.trial.told)
    kill(first)
    second = site.connect()
    wait_for(lambda: len(set(site.rows())) >= 2000, 60, site.trial.told)
    stop(second)
    assert set(site.rows()) == wanted(2000)
    assert site.spooled() == 0


def test_a_tag_that_is_written_to_the_plant_file_counts_without_a_restart_and_a_wrong_file_changes_nothing(
    site: Site,
) -> None:
    file = site.folder / "plant.toml"
    first, second = TAGS.split("[[tags]]")[1:]
    file.write_text(f"{tiny.PLANT_TOML}[[tags]]{first}")
    running = site.connect()
    site.send(range(100))
    wait_for(lambda: len(site.rows()) >= 50, 30, site.trial.told)
    file.write_text(tiny.PLANT_TOML + TAGS)
    wait_for(lambda: "plant-file-changed" in site.trial.told(), 30, site.trial.told)
    site.send(range(100, 200))
    wait_for(lambda: len(site.rows()) >= 150, 30, site.trial.told)
    file.write_text(f"{tiny.PLANT_TOML}{TAGS}[[tags]]{second.replace('P2', 'P1')}")
    wait_for(lambda: "plant-file-unusable" in site.trial.told(), 30, site.trial.told)
    site.send(range(200, 300))
    wait_for(lambda: len(site.rows()) >= 250, 30, site.trial.told)
    stop(running)
    assert set(site.rows()) == {row for row in wanted(300) if row[0] == "pump-01" or row[1] >= BEGAN_US + 100}


def test_files_whose_tags_were_missing_are_read_again_once_the_plant_file_has_them(site: Site) -> None:
    (site.folder / "in").mkdir()
    (site.folder / "in" / "export.csv").write_text(
        "time,P1/pressure,P2/pressure\n" + "".join(f"{BEGAN_US + n},{n}.0,\n" for n in range(0, 100, 2))
    )
    (site.folder / "files.toml").write_text(
        f'folder = "{site.folder}/in"\nformat = "wide"\ntime_format = "us"\nperiod_s = 0.2\nsettle_s = 0\n'
    )
    plant = site.folder / "plant.toml"
    plant.write_text(tiny.PLANT_TOML)
    first = site.connect(feed="files")
    kept = site.folder / "instances" / "default" / "spool"
    wait_for(lambda: any(file.stat().st_size for file in kept.glob("*/kept/files.jsonl")), 30, site.trial.told)
    stop(first)
    assert site.rows() == []
    plant.write_text(tiny.PLANT_TOML + TAGS)
    second = site.connect(feed="files")
    wait_for(lambda: len(site.rows()) >= 50, 30, site.trial.told)
    stop(second)
    assert site.rows() == [row for row in sorted(wanted(100)) if row[0] == "pump-01"]
