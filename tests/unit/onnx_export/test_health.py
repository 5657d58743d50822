"""How health models are made: of machines that never failed, by budget, as a graph that says what was learned."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from models.failure.health import OUTPUTS, HealthModel
from models.features import Expected, Spec
from models.inference import Graph
from models.physics.wear import WearLaw
from onnx_export import health, health_learn
from onnx_export.fleets import Job
from onnx_export.health import HealthRecipe, shipped_spec
from onnx_export.health_graph import Learned, gate, inputs_of, said, to_onnx
from onnx_export.health_learn import choose_factor, cost_of, learn, with_floor
from onnx_export.health_own import own_of
from onnx_export.history import History
from onnx_export.parity import ParityError
from onnx_export.recipe import Plan
from onnx_export.rungs import episodes_of, health_on
from tests.bench import pumps, rungs
from tests.unit.onnx_export import small

CARD = Path(health.__file__).parents[1] / "models" / "starter" / "pump.json"
LASTING = WearLaw(family="uniform", mean_life_days=150.0, shape=0.3, first_life_used=(0.0, 0.0))
SHORT = WearLaw(family="uniform", mean_life_days=8.0, shape=0.1)


def recipe(law: WearLaw = LASTING) -> HealthRecipe:
    plans = [Plan(seed=seed, law=law) for seed in (21, 22, 23)]
    return HealthRecipe(training=tuple(plans[:2]), validation=tuple(plans[2:]), pumps=3, days=12, parity_rows=200)


@cache
def fleets() -> tuple[History, ...]:
    found = recipe()
    return tuple(
        Job(plan, found.pumps, found.days, 60, small.asset_type(), shipped_spec()).run()
        for plan in (*found.training, *found.validation)
    )


@cache
def learned() -> Learned:
    return learn(shipped_spec(), [fleet.features for fleet in fleets()[:2]])


def test_a_recipe_makes_a_model_that_loads_and_says_what_it_was_made_of() -> None:
    made = health.made_of(recipe(), shipped_spec(), fleets()[:2], fleets()[2:])
    model = HealthModel(made.onnx, made.card)
    assert model.card.seeds == {"training": (21, 22), "validation": (23,)}
    assert model.card.parity["rows_differing_by_batch"] == 0.0
    assert model.card.basis == "simulated pumps without a failure"
    again = health.made_of(recipe(), shipped_spec(), fleets()[:2], fleets()[2:])
    assert again.onnx == made.onnx


def test_a_fleet_with_a_failure_is_refused() -> None:
    with pytest.raises(ValueError, match=r"seeds \[21, 22, 23\] failed"):
        health.healthy_fleets(recipe(SHORT), small.asset_type(), shipped_spec(), 1, lambda *_: None)


def test_seeds_twice_or_the_demos_are_refused() -> None:
    plan = Plan(seed=7, law=LASTING)
    with pytest.raises(ValueError, match="demo"):
        HealthRecipe(training=(plan,), validation=())


def test_the_shipped_recipe_shares_no_seed_or_law_with_the_plants_that_judge_it() -> None:
    seeds = {seed for of in health.RECIPE.seeds.values() for seed in of}
    judging = {trial.seed for trial in pumps.trials()} | set(rungs.FAULTY_SEEDS) | {rungs.DEVELOPMENT_SEED}
    laws = {plan.law for plan in (*health.RECIPE.training, *health.RECIPE.validation)}
    assert not seeds & judging
    assert not laws & set(pumps.LAWS.values())


def test_components_are_orthogonal_and_explain_most_of_what_healthy_machines_do() -> None:
    loadings = learned().loadings
    assert loadings.T @ loadings == pytest.approx(np.eye(loadings.shape[1]), abs=1e-9)
    inputs = inputs_of(learned(), shipped_spec(), fleets()[2].features)
    known = inputs[~np.isnan(inputs).any(axis=1)]
    assert np.square(known @ loadings).sum() / np.square(known).sum() > 0.8


def test_one_in_a_hundred_healthy_hours_is_beyond_each_limit() -> None:
    rows = np.concatenate([fleet.features for fleet in fleets()[:2]])
    found = said(learned(), shipped_spec(), rows)
    for share in (found.t2, found.spe):
        assert (share > 1.0).mean() == pytest.approx(0.01, abs=0.002)


def test_contributions_of_one_signal_that_is_far_are_its_own() -> None:
    spec = shipped_spec()
    row = np.zeros((1, len(spec.names)), np.float32)
    for what in ("over_1h", "over_24h", "change_24h"):
        row[:, spec.column(f"oil_temp_degc.{what}")] = 30.0
    parts = said(learned(), spec, row).contributions[0]
    assert int(parts.argmax()) == [one.target for one in spec.expected].index("oil_temp_degc")


def test_the_gate_refuses_a_graph_of_something_else() -> None:
    spec, rows = shipped_spec(), fleets()[2].features[:50]
    assert gate(learned(), spec, to_onnx(learned(), spec), rows)["largest_difference"] < 1e-4
    with pytest.raises(ParityError, match="do not ship"):
        gate(learned(), spec, to_onnx(replace(learned(), t2_limit=learned().t2_limit * 1.01), spec), rows)


def test_the_graph_says_nan_where_no_distance_is_known() -> None:
    spec = shipped_spec()
    row = np.full((1, len(spec.names)), np.nan, np.float32)
    said_of = dict(zip(OUTPUTS, Graph(to_onnx(learned(), spec), OUTPUTS).run(row), strict=True))
    assert np.isnan(said_of["over"]).all()
    assert said_of["known"].tolist() == [[0.0] * 8]


def test_the_limit_is_the_nearest_that_keeps_the_budget_and_a_margin() -> None:
    spec, validation = shipped_spec(), fleets()[2:]
    found, cost = choose_factor(learned(), spec, validation, 0.0)
    nearest = found.factor / health_learn.MARGIN
    assert cost == 0.0
    assert cost_of(with_floor(replace(learned(), factor=nearest), spec, validation), spec, validation) == 0.0
    if nearest > 1.0:
        closer = replace(learned(), factor=nearest / 1.1)
        assert cost_of(with_floor(closer, spec, validation), spec, validation) > 0.0


def test_the_budget_is_counted_at_the_limit_though_health_warns_farther_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet, index = history([0] * 720), np.full((720, 1), 40.0)
    monkeypatch.setattr(health_learn, "said", lambda *_: SimpleNamespace(index=index))
    assert not health_on(fleet, index[:, 0]).any()
    assert cost_of(learned(), shipped_spec(), [fleet]) == pytest.approx(health_learn.MONTH_H / 720)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_shipped_files_are_what_the_recipe_makes(tmp_path: Path) -> None:
    for made in health_learn.write(tmp_path, health.make()):
        assert made.read_bytes() == CARD.with_name(made.name).read_bytes()


def test_no_factor_within_the_budget_is_an_error() -> None:
    with pytest.raises(ValueError, match="at the widest"):
        choose_factor(learned(), shipped_spec(), fleets()[2:], -1.0)


def test_an_input_that_is_never_known_is_an_error() -> None:
    rows = fleets()[0].features.copy()
    rows[:, shipped_spec().columns_of("flow_m3_h")] = np.nan
    with pytest.raises(ValueError, match="not known in any healthy row"):
        learn(shipped_spec(), [rows])


def test_too_few_healthy_hours_are_an_error() -> None:
    with pytest.raises(ValueError, match="add days"):
        learn(shipped_spec(), [fleets()[0].features[:90]])


def history(asset: list[int], since_us: list[int] | None = None) -> History:
    count = len(asset)
    hours = np.arange(count) * 3_600_000_000
    return replace(
        fleets()[0], features=np.zeros((count, 1), np.float32), asset=np.array(asset), window_end_us=hours,
        since_us=np.array(since_us or [0] * count), hours=np.full(count, np.inf),
        known_h=np.zeros(count), mode=np.zeros(count, np.int8),
    )  # fmt: skip


def test_episodes_end_where_nothing_is_on_or_another_life_begins() -> None:
    on = np.array([0, 1, 1, 0, 1, 1, 1, 1], bool)
    found = list(episodes_of(history([0, 0, 0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 9, 0, 0]), on))
    hours = [
        (one.asset, one.opened_us // 3_600_000_000, one.ended_us and one.ended_us // 3_600_000_000) for one in found
    ]
    assert hours == [(0, 1, 3), (0, 4, 5), (0, 5, None), (1, 6, None)]


def test_machines_are_stepped_hour_by_hour_and_do_not_share_a_switch() -> None:
    one = history([0] * 20 + [1] * 20)
    one = replace(one, window_end_us=np.tile(np.arange(20), 2) * 3_600_000_000)
    on = health_on(one, np.where(one.asset == 1, 20.0, 90.0))
    assert np.flatnonzero(on).tolist() == list(range(25, 40))


def run_folder(folder: Path) -> Path:
    """A backfill's run with the rows of a fleet, in two parts."""
    fleet, spec = fleets()[0], shipped_spec()
    table = pl.DataFrame(
        {
            "asset": [f"pump-{number}" for number in fleet.asset.tolist()],
            "window_end_us": fleet.window_end_us,
            "since_us": fleet.since_us,
            **{name: fleet.features[:, at] for at, name in enumerate(spec.names)},
        }
    )
    (folder / "features").mkdir()
    table[: len(table) // 2].write_parquet(folder / "features" / "lane-0-features-0.parquet")
    table[len(table) // 2 :].write_parquet(folder / "features" / "lane-0-features-1.parquet")
    return folder


def test_a_plants_own_rows_make_its_own_model(tmp_path: Path) -> None:
    made = own_of(run_folder(tmp_path), CARD, datetime(2025, 1, 1), datetime(2025, 2, 1))
    model = HealthModel(made.onnx, made.card)
    assert model.card.name == "pump.health"
    assert model.card.basis.startswith("3 machines of this plant")
    assert model.card.bounds == ()


def test_the_card_of_a_health_model_says_as_well_what_rows_are_of(tmp_path: Path) -> None:
    card = CARD.with_name("pump.health.json")
    made = own_of(run_folder(tmp_path), card, datetime(2025, 1, 1), datetime(2025, 2, 1))
    assert made.card.name == "pump.health"


@pytest.mark.parametrize("targets", [1, 3, 5, 10, 12])
def test_a_row_has_its_bits_wherever_it_lies_however_many_signals_are_expected(targets: int) -> None:
    names = tuple(f"s{number}" for number in range(targets))
    spec, width = Spec(names, expected=tuple(Expected(name, 0.0, ()) for name in names)), 2 * targets
    random, kept = np.random.default_rng(1), max(1, targets // 2)
    turned, _ = np.linalg.qr(random.normal(size=(width, width)))
    one = np.ones(width)
    many = Learned(own=one, fleet=2 * one, loadings=turned[:, :kept], variances=one[:kept], t2_limit=4.0, spe_limit=2.0)
    rows = random.normal(size=(240, len(spec.names))).astype(np.float32)
    assert gate(many, spec, to_onnx(many, spec), rows)["rows_differing_by_batch"] == 0.0


def test_a_folder_or_a_span_without_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no feature rows"):
        own_of(tmp_path, CARD, datetime(2025, 1, 1), datetime(2025, 2, 1))
    with pytest.raises(ValueError, match="name a span"):
        own_of(run_folder(tmp_path), CARD, datetime(2001, 1, 1), datetime(2001, 2, 1))
