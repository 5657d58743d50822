"""The lenses of the tuning benchmark: what their file shows, and folds that hold back what they say."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kit import moulding
from tests.kit.moulding import CLASSES, INPUTS, Lenses
from tests.kit.moulding_models import cooled, cooled_by
from tests.kit.moulding_windows import halves, searched, within
from tests.kit.public import why_not

needs_data = pytest.mark.skipif(not moulding.path().exists(), reason=why_not(moulding.path()))


def made(count: int = 400) -> Lenses:
    """Lenses that are waste below a filling time of about 7 s, each second one."""
    random = np.random.default_rng(1)
    inputs = random.normal(100.0, 1.0, (count, len(INPUTS)))
    inputs[:, list(INPUTS).index("fill_s")] = 7.0 + random.normal(0.0, 0.2, count)
    waste = (inputs[:, list(INPUTS).index("fill_s")] < 7.05) & (random.random(count) < 0.5)
    return Lenses(inputs, np.where(waste, 1, 2))


@needs_data
def test_rows_are_sorted_by_class_and_waste_looks_mixed_anew():
    of = moulding.lenses()
    assert len(of.classes) == 1451 and (np.diff(of.classes) >= 0).all()
    assert [int((of.classes == one).sum()) for one in CLASSES] == [370, 406, 310, 365]
    together = np.abs(of.column("shot_cm3") + of.column("screw_cm") - moulding.STROKE) <= moulding.APART
    assert together[of.classes != 1].all() and together[of.classes == 1].mean() == pytest.approx(0.52, abs=0.005)
    odd = (np.abs(of.inputs * 1e3 - np.round(of.inputs * 1e3)) >= 1e-6).any(axis=1)
    assert int(odd.sum()) == int(odd[of.classes == 1].sum()) == 276


@needs_data
def test_all_waste_was_made_in_one_way():
    of = moulding.lenses()
    at = moulding.ways(of) == 1
    assert [int((of.classes[at] == one).sum()) for one in CLASSES] == [370, 399, 0, 5]


@needs_data
@pytest.mark.parametrize("protocol", moulding.PROTOCOLS)
def test_each_row_is_asked_for_once_and_not_learned_from_then(protocol: str):
    of = moulding.lenses()
    folds = moulding.PROTOCOLS[protocol](of)
    assert sorted(np.concatenate([ask for _, ask in folds]).tolist()) == list(range(len(of.classes)))
    assert not any(set(learn) & set(ask) for learn, ask in folds)


@needs_data
def test_no_state_of_the_machine_is_on_both_sides():
    of = moulding.lenses()
    state = moulding.states(of)
    for learn, ask in [*moulding.by_state(of), *halves(of)]:
        assert not set(state[learn]) & set(state[ask])


def test_calibration_error_is_none_where_shares_are_as_said_and_all_of_what_is_overstated():
    sure = np.repeat([0.5, 1.0], 500)
    right = np.concatenate([np.tile([True, False], 250), np.ones(500, bool)])
    assert moulding.calibration_error(sure, right) == pytest.approx(0.0, abs=1e-12)
    assert moulding.calibration_error(np.ones(1000), np.zeros(1000, bool)) == pytest.approx(1.0)


def test_a_temperature_undoes_what_was_overstated():
    random = np.random.default_rng(2)
    true = random.dirichlet(np.ones(4) * 2.0, 4000)
    classes = 1 + np.array([random.choice(4, p=one) for one in true])
    temperature, _ = cooled_by(cooled(true, 0.5), classes)
    assert temperature == pytest.approx(2.0, rel=0.1)


def test_a_window_is_where_the_model_expects_less_waste():
    of = made()
    window = searched(of)
    assert window is not None and window.after < window.before and window.ranges["fill_s"][1] > 7.1
    inside = within(of, window.ranges)
    assert (of.classes[inside] == 1).mean() < (of.classes[~inside] == 1).mean()
