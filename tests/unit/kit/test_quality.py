"""The public sets are told without a look ahead, and rules are judged at limits that other machines chose."""

from __future__ import annotations

import numpy as np
import pytest

from onnx_export.evaluate import Outcome, Scores
from tests.bench import quality
from tests.kit import azure, cmapss, rig
from tests.kit.judging import Curve, bounds, limits_of
from tests.kit.public import FOLDER

HOURS = 200


def made(seed: int = 1) -> azure.Fleet:
    """A fleet as the set tells one, of random readings; two parts of machine 0 fail at hour 150, one was new at 90."""
    random = np.random.default_rng(seed)
    none: tuple[tuple[float, int], ...] = ()
    names = [name for of in azure.ERRORS.values() for name in of]
    return azure.Fleet(
        readings=random.normal(100.0, 10.0, (azure.MACHINES, HOURS, len(azure.SIGNALS))),
        age_years=np.arange(float(azure.MACHINES)),
        failures=(((150.0, 0), (150.0, 2)), *[none] * (azure.MACHINES - 1)),
        replaced=(((90.0, 0), (150.0, 0), (150.0, 2)), *[none] * (azure.MACHINES - 1)),
        errors=tuple({name: np.array([40.0, 120.0]) for name in names} for _ in range(azure.MACHINES)),
    )


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> azure.Fleet:
    found = made()
    monkeypatch.setattr(azure, "fleet", lambda: found)
    return found


def test_features_of_an_hour_know_nothing_of_later_ones(fleet: azure.Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    trained, hour = list(range(1, azure.MACHINES)), 130
    before = azure.features(trained).reshape(azure.MACHINES, HOURS, -1)[0, : hour + 1]
    readings = fleet.readings.copy()
    readings[0, hour + 1 :] += 50.0  # of a machine that says nothing of spreads
    late = {name: times[times <= hour] for name, times in fleet.errors[0].items()}
    other = fleet._replace(
        readings=readings,
        replaced=(((90.0, 0),), *fleet.replaced[1:]),
        errors=({name: np.append(times, 131.0) for name, times in late.items()}, *fleet.errors[1:]),
    )
    monkeypatch.setattr(azure, "fleet", lambda: other)
    after = azure.features(trained).reshape(azure.MACHINES, HOURS, -1)[0]
    assert np.array_equal(after[: hour + 1], before, equal_nan=True)
    assert not np.array_equal(after[hour + 1 :], before[: HOURS - hour - 1], equal_nan=True)


def test_machines_that_are_judged_say_nothing_of_spreads(fleet: azure.Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = list(range(1, azure.MACHINES))
    of_others = azure.features(trained).reshape(azure.MACHINES, HOURS, -1)[1:]
    readings = fleet.readings.copy()
    readings[0] *= 3.0
    monkeypatch.setattr(azure, "fleet", lambda: fleet._replace(readings=readings))
    assert np.array_equal(azure.features(trained).reshape(azure.MACHINES, HOURS, -1)[1:], of_others, equal_nan=True)


def test_a_component_that_is_replaced_is_censored_there_and_another_ones_failure_is_not_its(fleet: azure.Fleet) -> None:
    outcomes, told = azure.outcomes()
    first = outcomes.first.reshape(azure.MACHINES, HOURS, len(azure.COMPONENTS))
    known = outcomes.known.reshape(first.shape)
    assert not known[0, 80, 0]  # it is replaced in 10 hours
    assert first[0, 80, 0] == 0
    assert known[0, 100, 0] and first[0, 100, 0] == 3  # it fails in 50
    assert not known[0, 100, 1] and first[0, 100, 1] == 4  # seen well for 100 hours
    assert told.all()


def test_two_components_that_fail_at_once_are_one_failure_of_the_machine(fleet: azure.Fleet) -> None:
    history = azure.history(np.empty((azure.MACHINES * HOURS, 0), np.float32))
    assert [(one.asset, one.mode) for one in history.failures] == [(0, 0)]
    assert history.since_us[150] == 0
    assert history.since_us[151] == history.failures[0].time_us


def test_the_first_of_each_component_stands_where_the_others_does() -> None:
    assert azure.pool().names.count("own0.mean_12h") == 1
    assert azure.pool().components == len(azure.COMPONENTS)


def scores(warned: bool, unfounded: int) -> Scores:
    return Scores((Outcome("worn", 40.0 if warned else None),), episodes=3, unfounded=unfounded, machine_months=1.0)


def curve() -> Curve:
    """Two limits on three machines: the lower one warns of all, and of machine 2 three times for nothing."""
    low = (scores(True, 0), scores(True, 0), scores(True, 3))
    high = (scores(True, 0), scores(False, 0), scores(False, 0))
    return Curve((0.2, 0.6), (low, high))


def test_a_limit_is_chosen_within_the_budget_and_else_with_the_fewest_unfounded() -> None:
    assert curve().choose([0, 1], 0.5) == 0
    assert curve().choose([0, 1, 2], 0.5) == 1
    assert curve().choose([2], -1.0) == 1


def test_a_machine_is_judged_at_the_limit_that_the_other_folds_chose() -> None:
    found = curve().chosen([[0], [1], [2]], 0.5)
    assert [one.unfounded for one in found] == [0, 0, 3]  # 0 and 1 hear of machine 2, which hears of neither
    assert [one.recall for one in found] == [1.0, 0.0, 1.0]


def test_limits_lie_where_little_is_over_them() -> None:
    said = np.linspace(0.0, 1.0, 10_001)
    found = limits_of(said)
    assert found[0] == pytest.approx(0.5)
    assert found[-1] == pytest.approx(0.9999)
    assert (np.diff(found) > 0).all()


def test_the_least_that_was_said_is_no_limit_since_every_row_would_warn() -> None:
    assert limits_of(np.repeat([0.0, 1.0], [900, 100])).tolist() == [1.0]
    assert limits_of(np.zeros(1000)).tolist() == [np.inf]


def test_bounds_hold_the_figure() -> None:
    low, high = bounds([scores(True, 1)] * 5 + [scores(False, 0)] * 5)["recall"]
    assert 0.1 < low < 0.5 < high < 0.9


def test_a_bench_that_measured_nothing_says_so_and_fails(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setattr(rig, "DATA", tmp_path / "rig.csv")
    monkeypatch.setattr(quality, "FOLDER", tmp_path / "quality")
    monkeypatch.setattr("sys.argv", ["quality"])
    with pytest.raises(SystemExit, match="no public set is there, so nothing was measured"):
        quality.main()
    assert "azure_pdm: skipped" in capsys.readouterr().out


def test_expected_life_is_the_area_under_the_survival() -> None:
    half_at_once = np.full((1, len(cmapss.EDGES)), 0.5)  # half fail within the first five cycles
    assert cmapss.expected(half_at_once)[0] == pytest.approx(0.75 * 5 + 0.5 * 120)
    never = np.zeros((1, len(cmapss.EDGES)))
    assert cmapss.expected(never)[0] == cmapss.CLIP


def test_quantiles_lie_straight_between_edges_and_end_where_lives_are_clipped() -> None:
    even = (cmapss.EDGES / 250.0)[None]  # one in 250 a cycle: half of all within 125
    assert cmapss.quantile(even, 0.2)[0] == pytest.approx(50.0)
    assert cmapss.quantile(even, 0.9)[0] == cmapss.CLIP
    tails = np.array([0.2])
    assert cmapss.covered(even, np.array([50.0]), tails)[0]
    assert not cmapss.covered(even, np.array([40.0]), tails)[0]


def test_engines_have_the_tail_of_those_that_are_expected_to_live_as_long() -> None:
    never, soon = np.zeros(len(cmapss.EDGES)), np.ones(len(cmapss.EDGES))
    assert cmapss.band(np.stack([never, soon])).tolist() == [len(cmapss.BANDS), 0]
