"""A load model of a plant's own history: its file says what its trees say, beats last week's load, and tells of it."""

from __future__ import annotations

from functools import cache

import msgspec
import numpy as np
import pytest

from models.contracts import unsound
from models.energy.load import SCALE, STEPS, forecast
from models.energy.wall import DAY_STEPS, STEP_US, WEEK_STEPS, Calendar
from models.figures.model import FigureModel
from models.inference import ModelError
from models.release import Kind, Part
from onnx_export.load import Asked, Made, train_load
from onnx_export.load_graph import TOLD, Quantiles, Widening, stretched, to_onnx
from onnx_export.load_graph import Part as Horizon
from onnx_export.load_learn import BANDS, Fold, Recipe, cuts_of, widening_of
from onnx_export.load_rows import Known, Rows, Series, rows_until
from pipelines.releases.check import manifest_of
from pipelines.releases.measure import measured

BEGIN_US = 1_762_124_400_000_000  # 2025-11-03 00:00 in Brussels, a Monday
DAYS = 84
QUICK = Recipe(trees=60, medians=1, every=48, share=0.3, share_later=0.1, folds=2, fold_days=14)


def series(days: int = DAYS, seed: int = 1) -> Series:
    """A plant of one shift on weekdays whose load is known ahead but for noise: twice the orders of the day."""
    random = np.random.default_rng(seed)
    day, slot = np.divmod(np.arange(days * DAY_STEPS), DAY_STEPS)
    orders = random.uniform(0.5, 1.5, days)[day] * (day % 7 < 5)
    kw = 5.0 + 100.0 * orders * ((slot > 24) & (slot < 64)) + random.normal(0.0, 3.0, len(day))
    return Series(kw, BEGIN_US, Calendar(zone="Europe/Brussels"), {"orders": Known("t", orders)})


@cache
def made() -> Made:
    whole = series()
    return train_load(whole._replace(kw=whole.kw[: -7 * DAY_STEPS]), asked())


def asked(**changes) -> Asked:
    return Asked(**{"name": "line", "command": "a command", "trained_on": "77 days", "recipe": QUICK} | changes)


def model() -> FigureModel:
    return FigureModel(made().onnx, made().card)


def ahead(whole: Series, origin: int) -> dict[str, np.ndarray]:
    return whole.known(origin, STEPS)


def test_the_file_is_one_that_workers_load_and_its_card_agrees():
    card = made().card
    assert card.kind is Kind.ENERGY and list(card.outputs.values()) == [1, 1, 1]
    assert {one.name: one.unit for one in card.inputs}["ahead.orders"] == "t"
    assert {SCALE, "of_naive_24h", "covered_of_80", "pinball_kw"} <= set(card.scores)
    files = {Part.ONNX: made().onnx, Part.CARD: msgspec.json.encode(card)}
    assert manifest_of("us", files, 1).name == "line"
    assert measured(files).vectors == 32


def test_it_beats_last_weeks_load_on_a_week_that_it_never_saw():
    whole, errors = series(), []
    for day in range(DAYS - 7, DAYS):
        origin = day * DAY_STEPS
        at_us = BEGIN_US + origin * STEP_US
        told = forecast(model(), whole.kw[:origin], at_us, whole.calendar, ahead(whole, origin)).q50_kw[:DAY_STEPS]
        came = whole.kw[origin : origin + DAY_STEPS]
        naive = whole.kw[origin - WEEK_STEPS : origin - WEEK_STEPS + DAY_STEPS]
        errors.append((np.abs(told - came).mean(), np.abs(naive - came).mean()))
    ours, theirs = np.mean(errors, axis=0)
    assert ours < 0.75 * theirs


def test_its_quantiles_never_cross_whatever_rows_say():
    random = np.random.default_rng(1)
    wild = random.normal(0.0, 50.0, (500, len(made().card.inputs))).astype(np.float32)
    wild[::3] = np.where(random.random(wild[::3].shape) < 0.4, np.float32(np.nan), wild[::3])
    said = model().run(wild)
    assert unsound(Kind.ENERGY, said) is None


def test_the_file_says_what_its_trees_say_at_every_horizon():
    whole = series()
    rows = whole.rows(70 * DAY_STEPS, made().card.scores[SCALE])
    said = model().run(rows)
    assert np.abs(np.concatenate(list(said.values()), axis=1).T - made().model.said(rows)).max() < 1e-3


def test_another_meter_ten_times_the_size_has_ten_times_the_forecast():
    whole, at = series(), 70 * DAY_STEPS
    level, at_us = made().card.scores[SCALE], BEGIN_US + at * STEP_US
    one = forecast(model(), whole.kw[:at], at_us, whole.calendar, ahead(whole, at))
    ten = forecast(model(), whole.kw[:at] * 10, at_us, whole.calendar, ahead(whole, at), scale_kw=level * 10)
    assert np.allclose(ten.q50_kw, 10.0 * one.q50_kw, rtol=1e-3)


def test_what_it_knows_of_ahead_may_be_missing_and_what_it_does_not_know_is_refused():
    whole, at = series(), 70 * DAY_STEPS
    at_us = BEGIN_US + at * STEP_US
    told = forecast(model(), whole.kw[:at], at_us, whole.calendar)
    assert all(np.isfinite(part).all() and len(part) == STEPS for part in told)
    with pytest.raises(ModelError, match="knows nothing of wind"):
        forecast(model(), whole.kw[:at], at_us, whole.calendar, {"wind": np.zeros(STEPS)})


def test_the_same_series_makes_the_same_bytes():
    short = series(50)
    quick = msgspec.structs.replace(QUICK, trees=5)
    first, second = (train_load(short, asked(recipe=quick)) for _ in range(2))
    assert first.onnx == second.onnx and first.card == second.card


@pytest.mark.parametrize("kw", [np.ones(41 * DAY_STEPS), np.full(60 * DAY_STEPS, np.nan)])
def test_too_little_to_learn_from_is_refused(kw: np.ndarray):
    with pytest.raises(ModelError, match="42 days of 15-min means at least"):
        train_load(Series(kw, BEGIN_US, Calendar()), asked())


def test_no_target_of_a_fold_was_learned_from_before_it():
    cuts = cuts_of(DAYS, QUICK)
    assert cuts == [(56, 70), (70, 84)]
    rows = rows_until(series(), DAYS * DAY_STEPS, 100.0, 96, QUICK.shares)
    begin = cuts[0][0] * DAY_STEPS
    assert rows.between(0, begin).target.max() < begin <= rows.between(begin, DAYS * DAY_STEPS).origin.min()
    assert (rows.target < DAYS * DAY_STEPS).all() and (rows.kw == series().kw[rows.target]).all()


def test_rows_whose_load_is_missing_are_not_learned_from():
    holes = series()
    holes.kw[40 * DAY_STEPS : 41 * DAY_STEPS] = np.nan
    rows = rows_until(holes, DAYS * DAY_STEPS, 100.0, 96, QUICK.shares)
    assert not np.isnan(rows.kw).any() and not ((rows.target // DAY_STEPS) == 40).any()


def test_an_interval_is_widened_until_it_holds_four_in_five():
    random = np.random.default_rng(1)
    came, step = random.normal(0.0, 10.0, 20_000), np.tile(np.arange(200), 100)
    said = np.stack([np.full(20_000, -4.0), np.zeros(20_000), np.full(20_000, 30.0)])
    fold = Fold(Rows(np.empty((20_000, 0)), came, np.zeros(20_000, int), step), said)
    widening = widening_of([fold])
    assert [one.until_step for one in widening] == list(BANDS)
    low, _, high = stretched(said, widening, step)
    assert abs((came < low).mean() - 0.1) < 0.002 and abs((came > high).mean() - 0.1) < 0.002
    assert widening[0].low > 1.0 > widening[0].high


def test_horizons_have_trees_and_widths_of_their_own():
    parts = made().model.parts
    assert [part.until_step for part in parts] == [95, 671]
    near = Quantiles([Horizon(671, parts[0].boosters)], [Widening(671, 1.0, 1.0)])
    far = Quantiles([Horizon(671, parts[1].boosters)], [Widening(671, 2.0, 3.0)])
    both = Quantiles(parts, [Widening(95, 1.0, 1.0), Widening(671, 2.0, 3.0)])
    rows = series().rows(70 * DAY_STEPS, 100.0)
    wanted = np.where(rows[:, 0] < 96, near.said(rows), far.said(rows))
    assert np.array_equal(both.said(rows), wanted)
    assert to_onnx(both, rows.shape[1]) != to_onnx(near, rows.shape[1]) and TOLD == ("q10", "q50", "q90")
