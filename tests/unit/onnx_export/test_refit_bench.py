"""The benchmark of refits: seeds apart from those for development, shifts in their spans, tables of what was found."""

from __future__ import annotations

import numpy as np
import pytest

from models.physics.fleet import SIGNALS
from onnx_export.held_out import Held
from tests.bench.refit import GONE, Found, Model, parts_of, rows_of_table
from tests.kit.drifting import DEVELOPMENT, GAIN, OFFSETS, SEEDS, Drift, shift_of


def model(old: float, new: float, took_s: float = 1.0) -> Model:
    held = [Held(rows=9, failing=3, average_precision=value, brier=0.1, log_loss=1.0 - value) for value in (old, new)]
    return Model(*held, took_s, 200_000)


def found() -> list[Found]:
    """Of two plants one is refitted where anything changed, and loses 0.03 on old data."""
    out = []
    for drift in Drift:
        was, full = model(0.8, 0.4), model(0.8, 0.6, 9.0)
        gone = drift is not Drift.STEADY
        out.append(
            Found(1, drift, 20, GONE if gone else "could-be-luck", 0.5, was, model(0.77, 0.5) if gone else was, full)
        )
        out.append(Found(2, drift, 4, "too-few-events", 0.0, was, was, full))
    return out


def test_the_table_is_of_twenty_seeds_and_none_of_them_was_for_development():
    assert len(SEEDS) == 20
    assert not set(SEEDS) & set(DEVELOPMENT)


def test_figures_are_means_over_plants_also_where_the_parent_stays():
    rows = {row.name: row for row in rows_of_table(found())}
    fall = rows[f"{Drift.SENSORS}: old data, fall by refit"]
    assert (fall.value, fall.holds) == (pytest.approx(0.015), False)
    assert rows[f"{Drift.SENSORS}: new data, gain by refit"].value == pytest.approx(0.05)
    assert rows[f"{Drift.SENSORS}: new data, gain by full retrain"].value == pytest.approx(0.2)
    assert rows[f"{Drift.STEADY}: stays, could-be-luck"].value == 1
    assert rows[f"{Drift.STEADY}: refitted"].value == 0
    assert rows["full retrain, trees alone"].value == 9.0


def test_every_plant_is_written():
    names = [row.name for row in parts_of(found())]
    assert len(names) == len(set(names)) == 6 * (3 * 2 * 2 + 1)
    assert f"seed 2, {Drift.SENSORS}: events; too-few-events" in names


def test_sensors_are_shifted_within_their_spans_and_others_are_not():
    shift, still = shift_of(SEEDS[0]), [at for at, name in enumerate(SIGNALS) if name not in OFFSETS]
    for name, (least, most) in OFFSETS.items():
        at = SIGNALS.index(name)
        assert GAIN[0] <= abs(shift.gain[at] - 1.0) <= GAIN[1]
        assert least <= abs(shift.offset[at]) <= most
    assert (shift.gain[still] == 1.0).all()
    assert (shift.offset[still] == 0.0).all()
    assert not np.array_equal(shift.gain, shift_of(SEEDS[1]).gain)
