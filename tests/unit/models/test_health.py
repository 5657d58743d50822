"""Health: an index that falls with distance, what drives it, what is missing, and what it rests on."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec
import numpy as np
import pytest

from models import starter
from models.failure import health
from models.failure.health import LIMIT, SPANS, HealthCard, HealthModel
from models.failure.switches import Switches, Turn
from models.inference import ModelError
from models.plant import parse
from models.records import Confidence, Whose
from onnx_export.starter import plant_text


def shipped() -> tuple[bytes, bytes]:
    onnx, card = (files(starter).joinpath(f"pump.health.{kind}").read_bytes() for kind in ("onnx", "json"))
    return onnx, card


@cache
def model() -> HealthModel:
    return HealthModel.load(*shipped())


def rows(count: int = 1) -> np.ndarray:
    """Pumps that read what is expected of them, and as usual."""
    return np.zeros((count, len(model().spec.names)), np.float32)


def put(to: np.ndarray, signal: str, over: float, usual: float | None = 0.0) -> np.ndarray:
    """Rows in which a signal lies over what is expected, of a machine with a usual or None."""
    out = to.copy()
    for span in SPANS:
        out[:, model().spec.column(f"{signal}.{span}")] = over
    out[:, model().spec.column(f"{signal}.change_24h")] = np.nan if usual is None else over - usual
    return out


def no_usual(of: np.ndarray) -> np.ndarray:
    for target in model().targets:
        of = put(of, target, 0.0, None)
    return of


def far(signal: str = "thrust_bearing_temp_degc", over: float = 15.0) -> np.ndarray:
    return put(rows(), signal, over)


def test_the_shipped_model_fits_the_plant_file_and_the_features_of_the_hazard() -> None:
    hazard = msgspec.json.decode(files(starter).joinpath("pump.json").read_bytes())
    asset_type = parse(plant_text()).types["pump"]
    assert model().card.features_sha256 == hazard["features_sha256"]
    assert model().targets == tuple(name for name, signal in asset_type.signals.items() if signal.expected_from)
    assert {bound.signal for bound in model().card.bounds} == set(model().targets)


def test_no_seed_of_the_recipe_is_one_of_the_hazard_or_of_a_benchmark() -> None:
    hazard = msgspec.json.decode(files(starter).joinpath("pump.json").read_bytes())
    mine = {seed for seeds in model().card.seeds.values() for seed in seeds}
    others = {seed for seeds in hazard["seeds"].values() for seed in seeds} | {
        7,
        *range(1001, 1031),
        *range(1101, 1106),
    }
    assert mine
    assert not mine & others


def test_as_usual_is_100() -> None:
    assert model().scores(rows()).index.tolist() == [100.0]


def test_the_index_falls_with_distance_through_50_at_the_limit_to_0() -> None:
    steps = np.concatenate([far(over=over) for over in np.linspace(0.0, 120.0, 400)])
    scored = model().scores(steps)
    assert (np.diff(scored.index) <= 0.0).all()
    assert scored.index[-1] == 0.0
    combined = scored.t2 + scored.spe
    at = int(np.argmin(np.abs(combined - 1.0)))
    assert scored.index[at] == pytest.approx(LIMIT, abs=1.0)
    assert ((combined > 1.0) == (scored.index < LIMIT))[np.abs(combined - 1.0) > 0.01].all()


@pytest.mark.parametrize("signal", ["flow_m3_h", "radial_bearing_temp_degc", "thrust_bearing_temp_degc"])
def test_the_signal_that_is_far_is_the_first_driver_with_its_distance(signal: str) -> None:
    scored = model().scores(far(signal, -20.0))
    first, *others = model().drivers(scored, 0)
    assert (first.signal, first.over) == (signal, -20.0)
    assert first.share > sum(other.share for other in others)
    assert scored.shares.sum() == pytest.approx(1.0, abs=1e-3)


def test_a_machine_is_held_against_its_own_usual_where_that_is_known() -> None:
    """A pump that has always read 15 K more is as ever; one of which no usual is known is not."""
    always = put(rows(), "thrust_bearing_temp_degc", 15.0, usual=15.0)
    unknown = put(no_usual(rows()), "thrust_bearing_temp_degc", 15.0, None)
    assert model().scores(always).index[0] == 100.0
    assert model().scores(unknown).index[0] < 80.0


def test_what_it_rests_on_is_said() -> None:
    some = put(rows(), "flow_m3_h", 0.0, None)
    gone = put(rows(), "flow_m3_h", np.nan)
    scored = model().scores(np.concatenate([rows(), some, gone, no_usual(rows())]))
    assert [health.baseline(scored, at) for at in range(4)] == [Whose.OWN, Whose.BOTH, Whose.BOTH, Whose.FLEET]
    said = [health.confidence(scored, at) for at in range(4)]
    assert said == [Confidence.HIGH, Confidence.MEDIUM, Confidence.MEDIUM, Confidence.LOW]


def test_what_stands_in_for_another_is_of_low_confidence() -> None:
    scored = model().scores(rows())
    assert health.founded(model(), scored, 0) is Confidence.HIGH
    assert health.founded(model().standing_in(), scored, 0) is Confidence.LOW


def test_a_missing_signal_counts_nothing_is_named_and_lowers_completeness() -> None:
    gone = put(far(), "flow_m3_h", np.nan)
    scored = model().scores(gone)
    assert model().missing(scored, 0) == ("flow_m3_h.over_1h", "flow_m3_h.over_24h")
    assert health.completeness(scored, 0) == 0.75
    assert scored.shares[0, model().targets.index("flow_m3_h")] == 0.0
    assert "flow_m3_h" not in {driver.signal for driver in model().drivers(scored, 0)}
    assert np.isfinite(scored.index[0])


def test_nothing_is_said_where_most_is_missing() -> None:
    gone = rows()
    for target in model().targets[:3]:
        gone = put(gone, target, np.nan)
    assert np.isnan(model().scores(gone).index[0])


def test_a_row_gives_the_same_bits_alone_and_among_others() -> None:
    random = np.random.default_rng(20260108)
    many = (random.standard_normal((311, len(model().spec.names))) * 20).astype(np.float32)
    many[random.random(many.shape) < 0.1] = np.nan
    graph = model()._graph
    together = graph.run(many)
    for cut in (1, 2, 7, 64):
        parts = [graph.run(many[at : at + cut]) for at in range(0, len(many), cut)]
        for whole, pieces in zip(together, zip(*parts, strict=True), strict=True):
            assert whole.tobytes() == np.concatenate(pieces).tobytes()


def test_no_rows_give_no_scores() -> None:
    scored = model().scores(rows(0))
    assert scored.index.shape == (0,)
    assert scored.over.shape == (0, len(model().targets))


def card(**more: object) -> bytes:
    known = msgspec.json.decode(shipped()[1], type=HealthCard)
    return msgspec.json.encode(msgspec.structs.replace(known, **more))


def bounds(*signals: str) -> tuple[health.Bound, ...]:
    return tuple(health.Bound(signal=signal, high=1.0, standard="none") for signal in signals)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"sha256": "0"}, "sha256"),
        ({"features_sha256": "0"}, "feature list"),
        ({"bounds": bounds("speed_rpm")}, "bounds must be of signals"),
        ({"bounds": bounds("flow_m3_h", "flow_m3_h")}, "each once"),
        ({"bounds": (health.Bound(signal="flow_m3_h", standard="none"),)}, "either high or low"),
        ({"expected": ()}, "expects nothing"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(more: dict[str, object], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        HealthModel.load(shipped()[0], card(**more))


def test_the_hazards_graph_is_no_health_model() -> None:
    with pytest.raises(ModelError, match="card"):
        HealthModel.load(*(files(starter).joinpath(f"pump.{kind}").read_bytes() for kind in ("onnx", "json")))


def test_a_trend_is_looked_for_in_signals_with_bounds_else_in_the_index() -> None:
    without = HealthModel.load(shipped()[0], card(bounds=()))
    assert np.isnan(model().bounds.limit).tolist() == [True, False, False, False, False]
    assert np.isnan(without.bounds.limit).tolist() == [False, True, True, True, True]
    assert without.bounds.limit[0] == LIMIT


def test_an_hour_has_residuals_and_the_levels_that_are_expected() -> None:
    row = far()
    row[:, model().spec.column("thrust_bearing_temp_degc.mean_1h")] = 70.0
    hours = model().hours(row, model().scores(row), np.zeros(1, np.int64), np.array([480_000]))
    at = model().tracks.index("thrust_bearing_temp_degc")
    assert (hours.values[0, at], hours.expected[0, at]) == (15.0, 55.0)
    assert hours.values[0, 0] == model().scores(row).index[0]


def turns(*index: float, since_us: int = 0) -> list[int]:
    switches, out = Switches.none(1), []
    for one in index:
        switches, turn = health.watch(switches, np.array([since_us]), np.array([one]))
        out.append(int(turn[0]))
    return out


def test_it_opens_after_six_hours_under_where_it_opens_and_clears_after_a_day_well_above() -> None:
    said = turns(*[20.0] * 7, *[40.0] * 40, *[90.0] * 24)
    assert [at for at, turn in enumerate(said) if turn] == [5, 70]
    assert (said[5], said[70]) == (Turn.OPENED, Turn.CLEARED)


def test_an_hour_above_or_unknown_begins_anew() -> None:
    for other in (40.0, np.nan):
        assert turns(*[20.0] * 5, other, *[20.0] * 5) == [0] * 11


def test_a_repair_turns_it_off_and_says_so() -> None:
    switches = Switches.none(1)
    for _ in range(6):
        switches, _ = health.watch(switches, np.zeros(1, np.int64), np.array([20.0]))
    assert switches.on.all()
    switches, turn = health.watch(switches, np.ones(1, np.int64), np.array([20.0]))
    assert (turn[0], switches.on[0], switches.over[0]) == (Turn.RENEWED, False, 1)


def test_switches_are_taken_put_back_and_added() -> None:
    switches, one = Switches.none(2), np.array([1])
    for _ in range(6):
        moved, _ = health.watch(switches.copy_of(one), np.zeros(1, np.int64), np.array([20.0]))
        switches.put(one, moved)
    switches.grow(3)
    assert switches.on.tolist() == [False, True, False]
