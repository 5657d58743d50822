"""Past cases of histories: one of each life, as it was when it was first over the limit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.failure.similar import load, nearest
from models.features import Expected, Spec
from models.records import HORIZONS_H, Became
from onnx_export import past_cases as module
from onnx_export.episodes import Replay
from onnx_export.history import HOUR_US, Failure, History
from onnx_export.past_cases import encoded, file_of, past_cases

SPEC = Spec(("flow", "temp"), expected=(Expected("temp", 0.0, (("flow", 1.0),)),))
CHANGE = SPEC.column("temp.change_24h")


def machines(number: int, failing: int, rows: int = 400) -> Replay:
    """Hourly rows of machines whose change grows to 1 + their number; of the first some fail at the end of row 200."""
    asset, hour = np.repeat(np.arange(number), rows), np.tile(np.arange(1, rows + 1), number)
    features = np.full((len(asset), len(SPEC.names)), np.nan, np.float32)
    features[:, CHANGE] = (1 + asset) * np.minimum(hour, 200) / 200
    features[:, SPEC.column("temp.slope_72h_per_h")] = (1 + asset) % 3 / 10
    hours = np.where((asset < failing) & (hour <= 200), 200.0 - hour, np.inf)
    life = np.where((asset < failing) & (hour > 200), 200 * HOUR_US, 0)
    history = History(
        features=features, asset=asset, window_end_us=hour * HOUR_US, since_us=life, hours=hours,
        known_h=np.minimum(hours, rows - hour), mode=np.zeros(len(asset), np.int8), modes=("impeller_wear",),
        failures=tuple(Failure(a, 200 * HOUR_US, 0) for a in range(failing)),
        end_us=rows * HOUR_US, every_min=60,
    )  # fmt: skip
    chance = np.where(hour <= 200, hour / 200, 0.0)
    return Replay(history, np.repeat(chance[:, None], len(HORIZONS_H), axis=1))


def test_each_life_gives_the_row_at_which_it_was_first_over_the_limit():
    found = past_cases(SPEC, [machines(4, 3)], 0.75)
    assert [(one.outcome, one.mode, one.lead_h) for one in found.cases] == [
        *[(Became.FAILED, "impeller_wear", 50.0)] * 3, (Became.OUTLIVED, "", None),
    ]  # fmt: skip
    at = found.features.index("temp.change_24h")
    assert [one.values[at] for one in found.cases] == [0.75, 1.5, 2.25, 3.0]


def test_a_life_that_was_never_over_the_limit_gives_none():
    assert past_cases(SPEC, [machines(4, 3)], 1.5).cases == ()


def test_features_that_cases_lack_or_that_are_the_same_in_all_are_left_out():
    found = past_cases(SPEC, [machines(6, 3)], 0.75)
    assert found.features == ("temp.change_24h", "temp.slope_72h_per_h")
    assert min(found.scale) > 0.0


def test_the_file_is_read_back_and_a_case_is_nearest_to_itself():
    run = machines(6, 6)
    past = load(encoded(past_cases(SPEC, [run], 0.75)), SPEC)
    row = run.history.features[2 * 400 + 149]
    first = nearest(past, row)[0]
    assert (first.distance, first.lead_h) == (0.0, 50.0)


def test_of_very_many_cases_some_are_kept_evenly(monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    found = past_cases(SPEC, [machines(9, 9)], 0.75)
    at = found.features.index("temp.change_24h")
    assert [one.values[at] for one in found.cases] == [0.75, 3.75, 6.75]


def test_histories_of_which_nothing_is_expected_are_told_by_their_means():
    plain = Spec(("flow", "temp"))
    run = machines(6, 3)
    history = run.history
    features = np.full((len(history.asset), len(plain.names)), np.nan, np.float32)
    features[:, plain.column("flow.mean_1h")] = history.asset
    made = Replay(replace(history, features=features), run.chances)
    assert past_cases(plain, [made], 0.75).features == ("flow.mean_1h",)


def test_there_is_a_file_only_where_there_is_a_case():
    assert file_of(SPEC, [machines(4, 3)], 1.5) == b""
    assert file_of(SPEC, [machines(6, 3)], 0.75) == encoded(past_cases(SPEC, [machines(6, 3)], 0.75))
