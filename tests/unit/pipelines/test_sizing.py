"""How large a cluster has to be: what was measured, multiplied, and said to be beyond it where it is."""

from __future__ import annotations

import json
import math

import msgspec
import pytest
import typer
from msgspec.structs import replace
from typer.testing import CliRunner

from models.sizing import (
    BUSY,
    DAY_S,
    FORECASTS_KEPT_DAYS,
    PARTITIONS,
    SHARE_OF_PARTITIONS,
    Codec,
    Constants,
    Cost,
    Figure,
    Fleet,
    Kept,
    Load,
    Range,
    Wait,
    p99_ms,
    size,
)
from pipelines.cli import app
from pipelines.cli.sizing import constants, seconds_of
from pipelines.topics import TOPICS, Topic
from tests.kit import size_guide

ROUND = Constants(
    made="2026-01-01", commit="c" * 40, machine="a machine", others_cores=0.0,
    worker_cpu_us=Cost(unit="us", how="", message=10, row=4, value=1, forecast=600),
    kafka_cpu_us=Cost(unit="us", how="", message=5, row=1), influx_cpu_us=Cost(unit="us", how="", value=2),
    log_bytes={
        Codec.NONE: Cost(unit="bytes", how="", message=100, row=10, value=10),
        Codec.SNAPPY: Cost(unit="bytes", how="", message=50, row=5, value=5),
    },
    influx_bytes=Figure(value=5, unit="bytes", how=""), forecast_bytes=Figure(value=300, unit="bytes", how=""),
    worker_mib=Figure(value=200, unit="MiB", how=""), asset_mib=Figure(value=0.5, unit="MiB", how=""),
    waits=(Wait(share=0.25, p50_ms=10, p99_ms=40), Wait(share=0.5, p50_ms=20, p99_ms=90)),
    fleets=(Fleet(workers=1, partitions=24, assets=100, cores=0.1, predicted_cores=0.11),),
    measured=Range(signals=4, rows_a_frame=60, assets_a_worker=5000, workers=3),
)  # fmt: skip
"""Constants in round numbers, to reckon with by hand."""
LOAD = Load(assets=1000, signals=4)


def test_cores_are_what_messages_rows_values_and_forecasts_take():
    found = size(LOAD, Kept(), ROUND)
    assert found.worker_cores == pytest.approx((1000 * (10 + 4 + 4) + 1000 / 60 * 600) / 1e6)
    assert found.kafka_cores == pytest.approx(1000 * 6 / 1e6)
    assert found.influx_cores == pytest.approx(4000 * 2 / 1e6)


def test_disks_hold_what_comes_in_the_days_that_they_keep():
    kept = Kept(kafka_days=2, influx_days=10, replicas=3, codec=Codec.NONE)
    found = size(LOAD, kept, ROUND)
    records, forecasts = 1000 * (100 + 10 + 40) * 2 * DAY_S, 1000 / 60 * 300 * FORECASTS_KEPT_DAYS * DAY_S
    assert found.kafka_disk_gb == pytest.approx((records + forecasts) * 3 / 1e9)
    assert found.influx_disk_gb == pytest.approx(4000 * 5 * 10 * DAY_S / 1e9)
    assert size(LOAD, replace(kept, codec=Codec.SNAPPY), ROUND).kafka_disk_gb < found.kafka_disk_gb


def test_copies_leave_the_broker_too():
    one, three = (size(LOAD, Kept(replicas=replicas), ROUND) for replicas in (1, 3))
    assert one.kafka_in_mb_per_s == three.kafka_in_mb_per_s
    assert three.kafka_out_mb_per_s == pytest.approx(one.kafka_out_mb_per_s + 2 * one.kafka_in_mb_per_s)


@pytest.mark.parametrize("assets", [1, 100, 10_000, 100_000, 500_000])
def test_no_worker_is_busier_than_it_is_meant_to_be_and_one_less_would_be(assets):
    found = size(replace(LOAD, assets=assets), Kept(), ROUND)
    assert found.worker_cores / found.workers <= BUSY
    assert found.workers == 1 or found.worker_cores / (found.workers - 1) > BUSY
    assert found.partitions >= found.workers * SHARE_OF_PARTITIONS
    assert found.partitions in PARTITIONS or found.partitions > PARTITIONS[-1]


def test_frames_cost_less_than_rows_alone_and_wait_for_their_last_row():
    alone, frames = (size(replace(LOAD, rows_a_frame=rows), Kept(), ROUND) for rows in (1, 60))
    assert frames.worker_cores < alone.worker_cores and frames.kafka_disk_gb < alone.kafka_disk_gb
    assert (alone.frame_waits_s, frames.frame_waits_s) == (0, 59)


def test_without_forecasts_there_is_nothing_of_them():
    found = size(replace(LOAD, scored=False), Kept(kafka_days=0), ROUND)
    assert found.kafka_disk_gb == 0
    assert found.worker_cores == pytest.approx(1000 * 18 / 1e6)


def test_what_assets_workers_and_partitions_take_each_second_counts_where_rows_come_as_they_are_made():
    cost = replace(ROUND.worker_cpu_us, asset=100, worker=50_000, partition=1_000)
    live = size(LOAD, Kept(), replace(ROUND, worker_cpu_us=cost))
    assert (live.workers, live.partitions) == (1, 6)
    assert live.worker_cores == pytest.approx(size(LOAD, Kept(), ROUND).worker_cores + 1000 * 100e-6 + 0.05 + 0.006)
    assert cost.of_backlog(LOAD) == ROUND.worker_cpu_us.of_backlog(LOAD)


def test_each_further_worker_takes_what_a_worker_takes():
    cost = replace(ROUND.worker_cpu_us, worker=200_000, partition=5_000)
    assets = replace(LOAD, assets=50_000)
    few, many = size(assets, Kept(), ROUND), size(assets, Kept(), replace(ROUND, worker_cpu_us=cost))
    assert many.workers > few.workers
    assert many.worker_cores == pytest.approx(few.worker_cores + 0.2 * many.workers + 0.005 * many.partitions)
    assert many.worker_cores / many.workers <= BUSY


def test_constants_by_which_no_number_of_workers_suffices_are_told():
    with pytest.raises(ValueError, match="measure them anew"):
        size(LOAD, Kept(), replace(ROUND, worker_cpu_us=replace(ROUND.worker_cpu_us, worker=500_000)))


def test_memory_is_of_the_assets_that_one_worker_has():
    found = size(replace(LOAD, assets=100_000), Kept(), ROUND)
    assert found.workers > 1
    assert found.worker_mib == 200 + 0.5 * math.ceil(100_000 / found.workers)


@pytest.mark.parametrize(
    ("share", "between"), [(0.1, (0, 40)), (0.25, (40, 40)), (0.4, (40, 90)), (0.6, (90, math.inf))]
)
def test_latency_is_between_those_of_the_shares_measured_beside(share, between):
    assert p99_ms(share, ROUND.waits) == between


def test_within_what_was_measured_nothing_is_said_and_beyond_it_each_thing():
    assert size(LOAD, Kept(), ROUND).beyond == ()
    far = size(Load(assets=600_000, signals=9, rows_a_frame=600, every_s=120), Kept(), ROUND)
    for words in ("9 signals", "frames of 600", "a row every 120 s", "85,715 assets a worker"):
        assert any(words in one for one in far.beyond), words
    assert any(
        "workers; measured with up to 3" in one for one in size(replace(LOAD, assets=500_000), Kept(), ROUND).beyond
    )


@pytest.mark.parametrize("wrong", [{"assets": 0}, {"signals": 0}, {"rows_a_frame": 0}, {"every_s": 0.0}])
def test_a_plant_without_anything_is_refused(wrong):
    with pytest.raises(ValueError, match="1 or more"):
        replace(LOAD, **wrong)


def test_forecasts_are_kept_as_long_as_their_topic_says():
    (spec,) = [one for one in TOPICS if one.topic is Topic.FORECASTS]
    assert int(spec.config["retention.ms"]) == FORECASTS_KEPT_DAYS * DAY_S * 1000


def test_the_constants_are_measured_and_say_how_where_and_when():
    found = constants()
    assert found.made and found.machine and len(found.commit) == 40
    for name in found.__struct_fields__:
        if isinstance(value := getattr(found, name), Figure | Cost):
            assert value.how and value.unit, name
    assert min(found.influx_bytes.value, found.forecast_bytes.value, found.worker_mib.value, found.asset_mib.value) > 0
    assert found.worker_cpu_us.of(LOAD) > 0 and found.influx_cpu_us.of(LOAD) > 0 and found.kafka_cpu_us.of(LOAD) > 0
    assert found.log_bytes.keys() == set(Codec)
    assert [one.share for one in found.waits] == sorted(one.share for one in found.waits)


def test_each_fleet_says_what_the_constants_foretell_of_it():
    assert {fleet.workers for fleet in constants().fleets} == {1, 2, 3}
    for fleet in constants().fleets:
        load = Load(assets=fleet.assets, signals=4)
        foretold = constants().worker_cpu_us.of(load, fleet.workers, fleet.partitions) / 1e6
        assert foretold == pytest.approx(fleet.predicted_cores, rel=0.01)
        assert fleet.off == pytest.approx(foretold / fleet.cores - 1, abs=0.01)


def test_how_far_the_constants_are_off_is_printed():
    shown = CliRunner().invoke(app, ["size", "--assets", "10", "--signals", "4"], env={"COLUMNS": "200"}).stdout
    for fleet in constants().fleets:
        assert f"{fleet.workers} worker(s) took {fleet.cores:.3f} cores for {fleet.assets:,} assets" in shown
        assert f"({fleet.off:+.0%})" in shown


def test_table_and_json_say_the_same():
    words = ["size", "--assets", "1000", "--signals", "4", "--rows-a-frame", "60", "--kafka-days", "3"]
    table = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    told = json.loads(CliRunner().invoke(app, [*words, "--json"], env={"COLUMNS": "200"}).stdout)
    wanted = size(Load(assets=1000, signals=4, rows_a_frame=60), Kept(kafka_days=3), constants())
    assert told["size"] == json.loads(msgspec.json.encode(wanted))
    for text in (f"{wanted.workers}", f"{wanted.kafka_disk_gb:,.1f} GB", f"{wanted.influx_disk_gb:,.1f} GB"):
        assert text in table.stdout
    assert "beyond" not in table.stdout and constants().commit[:12] in table.stdout


def test_what_goes_beyond_is_printed():
    ran = CliRunner().invoke(app, ["size", "--assets", "100", "--signals", "40", "--every", "10s"])
    assert "beyond what was measured: 40 signals a row" in ran.stdout


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("1s", 1), ("2.5s", 2.5), ("1min", 60), ("1h", 3600)])
def test_a_duration_is_seconds(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["0s", "1", "s", "-1s", "1 day", "infs"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(typer.BadParameter, match="write a number"):
        seconds_of(text)


def test_the_guides_examples_are_what_the_command_prints():
    text = size_guide.GUIDE.read_text()
    assert len(size_guide.examples(text)) >= 2
    assert size_guide.renewed(text) == text, "python -m tests.kit.size_guide writes them anew"
