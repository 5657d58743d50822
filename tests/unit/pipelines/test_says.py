"""What forecasts and warnings of a worker say beside their chances, and where they say nothing of the kind."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from models.failure.hazard import Hazard
from models.failure.interval import Levels
from models.failure.similar import PastCase, PastCases
from models.inference import ModelError
from models.plant import parse
from models.records import (
    Alert,
    AlertReason,
    Became,
    Forecast,
    OperatingState,
    Remaining,
    Until,
    decode,
    encode,
)
from pipelines.main import read_model, read_models
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from pipelines.topics import Topic
from tests.kit import changes, tiny
from tests.unit.pipelines.test_plant_change import Log as Said
from tests.unit.pipelines.test_time import Log as Forecasts
from tests.unit.pipelines.test_time import frame, tick

MODES = ("seal", "bearing", "impeller")


def minutes(*pressures: float):
    """A tick and a row a minute."""
    return [record for minute, bar in enumerate(pressures) for record in (tick(minute), frame(minute, bar))]


def opening(hazard, *pressures: float) -> tuple[Alert, Forecast]:
    """The warning as it opened, and the forecast of its minute."""
    log = Said(models=tiny.models() | {"tiny": hazard}).take(tick(0), *minutes(*pressures), tick(len(pressures) + 2))
    (opened,) = [one for one in log.said if isinstance(one, Alert) and one.reason is AlertReason.OPENED]
    return opened, [one for one in log.forecasts if one.window_end_us == opened.window_end_us][-1]


def forecasts(hazard, *pressures: float) -> list[Forecast]:
    return Forecasts(hazard).take(tick(0), *minutes(*pressures), tick(len(pressures))).forecasts


RISING = (1.0, 4.0, 1.0, *(24.0,) * 8)
"""Pressures in bar: the small hazard's chance within 168 h goes from 1 % to some 23 %."""


@pytest.mark.parametrize("limit", [0.1, 0.3, 0.35])
def test_modes_are_told_from_where_a_hazard_that_holds_would_not_clear_by_its_longest_horizon(limit):
    said = forecasts(tiny.hazard(limit, modes=MODES), *RISING)
    assert [bool(one.modes) for one in said] == [one.chances[-1] >= 0.6 * limit for one in said]
    assert {bool(one.modes) for one in said} == {False, True}


def test_a_warning_says_the_modes_that_its_hazard_holds_likely_and_is_still_of_any():
    (opened, forecast) = opening(tiny.hazard(0.1, modes=MODES), *RISING)
    assert {one.mode for one in opened.modes} == {"bearing", "seal"}
    assert (opened.modes, opened.mode) == (forecast.modes, "any")


def test_a_model_without_modes_tells_none():
    assert all(said.modes == () for said in forecasts(tiny.hazard(0.5), *RISING))


LEVELS = Levels(low=0.02, high=0.9, alone=0.1, from_chance=0.15, events=40, coverage=0.9, held_out=30)


def test_time_to_failure_is_told_from_the_chance_on_that_the_card_says():
    said = forecasts(tiny.hazard(0.9, interval=LEVELS), *RISING)
    assert [one.remaining is not None for one in said] == [one.chances[-1] >= 0.15 for one in said]
    last = said[-1]
    low_h = round(0.1 / last.chances[0] * 12)
    assert last.remaining == Remaining(low_h=low_h, median_h=None, high_h=None, until=Until.FAILURE)


def test_a_warning_says_the_time_to_failure_of_its_forecast():
    opened, forecast = opening(tiny.hazard(0.1, interval=LEVELS), *RISING)
    assert opened.remaining is not None and opened.remaining == forecast.remaining


def test_a_machine_that_stands_keeps_the_time_that_was_told_when_it_ran():
    pressures = [24.0] * 9 + [0.2] * 6
    log = Forecasts(tiny.hazard(0.9, signals=("pressure_bar", "temp_degc"), interval=LEVELS))
    mixer = [replace(one, asset="mixer-01") if hasattr(one, "asset") else one for one in minutes(*pressures)]
    said = log.take(tick(0), *mixer, tick(20)).forecasts
    ran = [one for one in said if one.operating is OperatingState.RUNNING]
    stood = [one for one in said if one.operating is not OperatingState.RUNNING and one.chances]
    assert stood and ran[-1].remaining is not None
    assert {one.remaining for one in stood} == {ran[-1].remaining}


CALM, HIGH, LIMIT = 1.0, 24.0, 0.25
"""Pressures in bar at which the small hazard's chance within 72 h goes to some 1 % and 28 %, and its limit."""


def told(*pressures: float) -> list[tuple[AlertReason, float, float]]:
    """Why each revision of the pump's warning was told, and the chance within 72 h then and now.

    The plant file's rules are left out, so that the hazard alone speaks.
    """
    text = tiny.PLANT_TOML.partition("[[types.pump.rules]]")[0]
    rest = tiny.PLANT_TOML.partition("[[types.mixer.rules]]")[2]
    log = Said(models=tiny.models() | {"tiny": tiny.hazard(LIMIT)})
    log.take(changes.change(parse(f"{text}[[types.mixer.rules]]{rest}")), tick(0), *minutes(*pressures))
    log.take(tick(len(pressures) + 2))
    chances = {one.window_end_us: one.chances[3] for one in log.forecasts if one.asset == "pump-01"}
    return [(one.reason, one.chances[3], chances[one.window_end_us]) for one in log.said if isinstance(one, Alert)]


def test_a_warning_opens_at_the_models_limit_after_three_minutes_and_not_at_one_half():
    reasons = told(*[CALM] * 5, *[HIGH] * 8, *[CALM] * 8)
    assert [(reason, LIMIT <= chance < 0.5) for reason, chance, _ in reasons] == [(AlertReason.OPENED, True)]


def test_a_warning_stays_under_its_limit_and_clears_after_an_hour_well_under_it():
    opened = [*[CALM] * 5, *[HIGH] * 8]
    assert AlertReason.CLEARED not in [reason for reason, _, _ in told(*opened, *[CALM] * 90)]
    *_, (last, _, now) = told(*opened, *[CALM] * 140)
    assert last is AlertReason.CLEARED and now < 0.6 * LIMIT


CASES = PastCases(
    features=("pressure_bar.mean_1h",),
    scale=(1.0,),
    cases=tuple(
        PastCase(values=(bar,), outcome=Became.FAILED, mode="seal", lead_h=bar) for bar in (2.0, 7.0, 8.0, 9.0, 20.0)
    ),
)


def test_a_warning_tells_as_it_opens_the_past_cases_that_the_machine_is_like(tmp_path):
    tiny.write(tmp_path)
    file = msgspec.json.encode(CASES)
    card = replace(tiny.hazard(0.1).card, cases_sha256=hashlib.sha256(file).hexdigest())
    hazard = Hazard((tmp_path / "tiny.onnx").read_bytes(), card, file)
    opened, _ = opening(hazard, *RISING)
    mean_bar = (1.0 + 4.0 + 1.0 + 3 * 24.0) / 6  # of the minutes until then
    assert [(one.lead_h, one.distance) for one in opened.similar] == [
        (9.0, mean_bar - 9.0), (8.0, mean_bar - 8.0), (7.0, mean_bar - 7.0),
    ]  # fmt: skip


def test_workers_read_the_past_cases_beside_their_model(tmp_path):
    tiny.write(tmp_path)
    file = msgspec.json.encode(CASES)
    (tmp_path / "tiny.cases.json").write_bytes(file)
    card = replace(tiny.hazard().card, cases_sha256=hashlib.sha256(file).hexdigest())
    (tmp_path / "tiny.json").write_bytes(msgspec.json.encode(card))
    row = np.full(len(tiny.hazard().spec.names), 8.1, np.float32)
    (nearest, *_) = read_model(tmp_path, "tiny").similar(row.tobytes())
    assert nearest.lead_h == 8.0
    assert set(read_models(tiny.plant(), tmp_path)) == {"tiny", "tiny.health"}
    (tmp_path / "tiny.cases.json").unlink()
    with pytest.raises(ModelError, match=r"cases\.json"):
        read_model(tmp_path, "tiny")


def telling(tmp_path) -> dict:
    """Models of which the hazard tells modes, time to failure and past cases."""
    made = tiny.hazard(0.1, modes=MODES, interval=LEVELS)
    tiny.write(tmp_path, made=made)
    file = msgspec.json.encode(CASES)
    card = replace(made.card, cases_sha256=hashlib.sha256(file).hexdigest())
    return tiny.models() | {"tiny": Hazard((tmp_path / "tiny.onnx").read_bytes(), card, file)}


def published(models: dict, batch: int, snapshot_at: int | None = None) -> dict[Topic, list[bytes]]:
    """Forecasts and warnings of a rise of pressure, in batches of so many records; a restart before one of them."""
    records = [tick(0), *minutes(*RISING, *[24.0] * 20), tick(60)]
    raw = [RawRecord(at, 0, encode(record)) for at, record in enumerate(records)]
    partition, out = Partition(tiny.plant(), models), {Topic.FORECASTS: [], Topic.ALERTS: []}
    for begin in range(0, len(raw), batch):
        if begin == snapshot_at:
            partition = Partition.restore(tiny.plant(), models, partition.snapshot())
        for output in partition.receive(raw[begin : begin + batch]).outputs:
            if output.topic in out:
                out[output.topic].append(output.value)
        partition.acknowledged()
    return out


@pytest.mark.parametrize(("batch", "snapshot_at"), [(7, None), (1000, None), (1, 40), (5, 30)])
def test_all_that_is_said_is_the_same_bytes_under_any_cut_and_after_a_restart(tmp_path, batch, snapshot_at):
    models = telling(tmp_path)
    alone = published(models, 1)
    assert published(models, batch, snapshot_at) == alone
    opened = decode(alone[Topic.ALERTS][0])
    assert opened.modes and opened.remaining and len(opened.similar) == 3
