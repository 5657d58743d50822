"""Backfills on real servers: what live said and stored comes again, from log and store, and stays as it was."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from connectors.influx import admin as influx_admin
from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.clients import KafkaUnreachable
from connectors.kafka.history import LogHistory
from models.records import Alert, AnyInput, Tick, decode, encode
from pipelines.backfill.results import CHANCES, forecasts_table
from pipelines.backfill.said import FORECASTS
from pipelines.cli import environment
from pipelines.main import influx_target
from pipelines.settings import Settings
from pipelines.told import ALERTS
from pipelines.topics import Topic
from tests.kit import streams
from tests.kit.backfilling import Ran, backfill, killed, left_by
from tests.kit.installation import EVER_US, Installation
from tests.kit.streams import MINUTE_US, START_US, time_of

pytestmark = pytest.mark.servers

ASSETS = ("pump-01", "pump-02", "pump-03", "mixer-01", "fan-01")
MINUTES = 600
FROM_US, TO_US = START_US + 120 * MINUTE_US, START_US + 360 * MINUTE_US
SPAN = ("--from", "2026-01-01T02:00", "--to", "2026-01-01T06:00")
EVER = ("--from", "2026-01-01", "--to", "2026-01-02")
PUBLISHED = (Topic.FORECASTS, Topic.ALERTS, Topic.NOTICES, Topic.DEAD_LETTERS, Topic.RECORDS)
STORED = ("pump", "mixer", "fan", "maintenance")
SAID = (FORECASTS, ALERTS)
STEPS = ("stepped:3", "settled:2", "kept:2")


def records() -> list[AnyInput]:
    """Ten hours, out of order within a minute, and ticks by which all of it is final."""
    told = streams.shuffled(np.random.default_rng(5), streams.stream(5, MINUTES, ASSETS), MINUTE_US)
    return [*told, *(Tick(plant="tiny", time_us=START_US + m * MINUTE_US) for m in range(MINUTES, MINUTES + 10))]


def arrivals_ms(sent: list[AnyInput]) -> list[int]:
    """When each arrived: in order, none before its time."""
    return (np.maximum.accumulate([time_of(record) for record in sent]) // 1000 + 1).tolist()


def kept(installation: Installation) -> tuple[dict, dict]:
    """Where each topic ends, and the rows of each measurement."""
    with KafkaAdmin(installation.settings.kafka, installation.settings.topic_prefix) as admin:
        return {topic: admin.end_offsets(topic) for topic in PUBLISHED}, rows_of(installation)


def rows_of(installation: Installation, bucket: str = "", names: tuple[str, ...] = STORED) -> dict[str, pl.DataFrame]:
    """What InfluxDB has, columns in order of their names."""
    tables = {name: installation.stored(name, bucket) for name in names}
    return {name: table.select(sorted(table.columns)) for name, table in tables.items()}


def equal(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> bool:
    return all(len(table) and table.equals(other[name]) for name, table in one.items())


@pytest.fixture(scope="module")
def lived(servers, tmp_path_factory) -> Iterator[Installation]:
    """A plant that a worker worked off, live."""
    with Installation(tmp_path_factory.mktemp("lived")) as installation:
        installation.keep_stamps()
        worker = installation.worker()
        sent = records()
        installation.send(sent, stamps_ms=arrivals_ms(sent))
        installation.finish()
        installation.stop(worker)
        yield installation


def environ(settings: Settings) -> dict[str, str]:
    return environment(settings) | {"COLUMNS": "200"}


def said_live(installation: Installation, topic: Topic, from_us: int = 0, to_us: int = TO_US) -> list[bytes]:
    """What was published live of a span."""
    every = (value for part in installation.published(topic).values() for value in part)
    return sorted(
        value for value in every if from_us < (said := decode(value)).window_end_us <= to_us and not said.historical
    )


@pytest.fixture(scope="module", params=["kafka", "influx"])
def ran(request, lived, tmp_path_factory) -> Ran:
    """A span of it, from each source, that leaves no trace but in its folder."""
    before = kept(lived)
    out = tmp_path_factory.mktemp(request.param)
    made = backfill(environ(lived.settings), out, *SPAN, "--source", request.param)
    assert made.status == 0, made.said
    after = kept(lived)
    assert after[0] == before[0], "a topic has more than before"
    assert equal(before[1], after[1]), "InfluxDB has other rows than before"
    return made


def test_the_last_revisions_of_forecasts_are_those_of_live(lived, ran):
    live = forecasts_table([decode(value) for value in said_live(lived, Topic.FORECASTS, FROM_US)])
    ours = ran.results.forecasts()
    if ran.results.plan.source == "influx":  # the store does not tell what came when
        live, ours = live.drop("revision"), ours.drop("revision")
    assert len(live) > 200
    assert ours.equals(live)


def test_warnings_are_those_of_live_byte_for_byte(lived, ran):
    live = said_live(lived, Topic.ALERTS, FROM_US)
    assert len(live) > 3
    assert sorted(encode(record) for record in ran.results.records() if isinstance(record, Alert)) == live


def test_the_report_finds_no_difference_from_live(ran):
    found = json.loads((ran.results.folder / "report.json").read_text())["difference"]
    (of_model,) = found["forecasts"]
    assert of_model["compared"] == of_model["equal"] > 200
    assert (found["forecasts_only_here"], found["forecasts_only_live"]) == (0, 0)
    assert (found["only_here"], found["only_live"]) == ([], [])
    assert found["both"] and all(pair["opened_us"] == pair["live_opened_us"] for pair in found["both"])


STORES = (*EVER, "--source", "kafka", "--what", "ingest,forecasts,alerts", "--to", "influx")


class Stored(NamedTuple):
    """What a run put into an empty bucket."""

    ran: Ran
    settings: Settings
    rows: dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def stored(lived, tmp_path_factory) -> Iterator[Stored]:
    """All of the log, into a bucket of its own."""
    settings = lived.settings.model_copy(update={"influx_bucket": f"{lived.name}-again"})
    influx_admin.ensure(influx_target(settings))
    made = backfill(environ(settings), tmp_path_factory.mktemp("stored"), *STORES)
    assert made.status == 0, made.said
    yield Stored(made, settings, rows_of(lived, settings.influx_bucket, (*STORED, *SAID)))
    influx_admin.drop(influx_target(settings))


def test_a_wiped_bucket_has_all_rows_again(lived, stored):
    assert equal(rows_of(lived), stored.rows)


def test_the_store_has_a_row_of_each_forecast(stored):
    columns = ["asset", "time_us", *CHANCES, "operating", "completeness", "baseline"]
    rows = stored.rows[FORECASTS].select(columns).sort("asset", "time_us")
    made = stored.ran.results.forecasts().rename({"window_end_us": "time_us"}).select(columns)
    assert len(rows) > 500
    assert rows.equals(made.sort("asset", "time_us"))


def test_the_store_has_a_row_of_each_revision_of_a_warning(lived, stored):
    live = [decode(value) for value in said_live(lived, Topic.ALERTS, to_us=EVER_US)]
    told = stored.rows[ALERTS].select("asset", "time_us", "state", "reason").rows()
    assert len(told) > 10
    assert sorted(told) == sorted((a.asset, a.moved_us + a.revision, str(a.state), str(a.reason)) for a in live)


def survives(lived: Installation, stored: Stored, out: Path, crashes: Sequence[str | float], least: int) -> None:
    """Killed again and again, it leaves what it did undisturbed: in its folder and in the store."""
    given, ends = environ(stored.settings), 0
    for crash in crashes:
        ends += not killed(given, out / str(ends), crash, *STORES, "--resume")  # another run, once one came to its end
    assert len(crashes) - ends >= least
    last = backfill(given, out / str(ends), *STORES, "--resume")
    assert last.status == 0, last.said
    for number in range(ends + 1):
        assert left_by(Ran(0, "", out / str(number))) == left_by(stored.ran)
    assert equal(stored.rows, rows_of(lived, stored.settings.influx_bucket, (*STORED, *SAID)))


def test_killed_at_each_step_and_at_random_it_leaves_the_same(lived, stored, tmp_path):
    moments = random.Random(7)
    survives(lived, stored, tmp_path, [*STEPS, moments.uniform(0, 2), moments.uniform(0, 2)], least=4)


@pytest.mark.soak
def test_killed_at_many_steps_and_moments_it_leaves_the_same(lived, stored, tmp_path):
    moments = random.Random(8)
    at_steps = [f"{name}:{at}" for name in ("stepped", "settled", "kept") for at in (1, 1, 1, 2, 2)]
    crashes = [*at_steps, *(moments.uniform(0, 4) for _ in at_steps)]
    moments.shuffle(crashes)
    survives(lived, stored, tmp_path, crashes, least=20)


def test_a_log_that_gives_nothing_more_is_told(lived, monkeypatch):
    monkeypatch.setattr("connectors.kafka.history.GIVE_UP_S", 1.0)
    log = LogHistory(lived.settings.kafka, lived.records)
    beyond = log.extents(0, EVER_US)[1].end + 1
    read = log.batches(1, 0, beyond, lambda _: True)
    assert next(read).records
    with pytest.raises(KafkaUnreachable, match="gives nothing of partition 1"):
        list(read)
