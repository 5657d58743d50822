"""A model follows a simulated plant by rounds alone: what drifts is told, learned, judged, promoted; else it stays."""

from __future__ import annotations

import numpy as np
import pytest

from models.alerting.verdict import Bars
from models.inference import ModelError
from models.records import Drift, DriftCause, ModelUpdate, UpdateStep
from onnx_export.history import DAY_US, History
from onnx_export.learner import with_rows
from tests.kit.drifting import HELD_OUT, SEEDS, of_machines
from tests.kit.following import NAMES, Followed, average_precision, plant, recalibrations, shipped, simulated

DAYS, FIRST_DAY, EVERY_DAYS = 50, 14, 4
BARS = Bars(least_days=14.0, least_failures=8)
"""Half of what is asked of a real plant, so that a simulation of minutes holds two candidates."""


def followed(exchanged: bool, days_after: int) -> tuple[Followed, History]:
    """A plant without the pumps that are kept for judging, and those."""
    whole, middle_us = simulated(SEEDS[0], exchanged, DAYS, days_after)
    names = NAMES[:-HELD_OUT]
    events = [one for one in recalibrations(middle_us) if one.asset in names] if exchanged else []
    return Followed(
        plant(), shipped(), of_machines(whole, False), names, middle_us, events, BARS, DAYS
    ), of_machines(whole, True)  # fmt: skip


def part(history: History, after: bool, middle_us: int) -> History:
    return with_rows(history, np.flatnonzero((history.window_end_us > middle_us) == after))


@pytest.mark.timeout(600)
def test_a_plant_whose_sensors_were_exchanged_is_seen_learned_and_promoted_by_the_loop_alone(capsys):
    of, judged = followed(exchanged=True, days_after=100)
    middle_us, steps = of.learned_until_us, []
    for day in range(FIRST_DAY, 101, EVERY_DAYS):
        steps.append(of.round(middle_us + day * DAY_US).update.step)
        if steps[-1] is UpdateStep.PROMOTED:
            break
    before, after = part(judged, False, middle_us), part(judged, True, middle_us)
    found = {
        "before": average_precision(of.first, before), "after the drift": average_precision(of.first, after),
        "after the update": average_precision(of.champion, after),
        "after the update, of old data": average_precision(of.champion, before),
    }  # fmt: skip
    with capsys.disabled():
        said = ", ".join(f"{when} {value:.3f}" for when, value in found.items())
        print(f"\naverage precision on simulated pumps that nothing was learned from: {said}")
    assert steps[0] is UpdateStep.REFUSED and UpdateStep.OFFERED in steps and steps[-1] is UpdateStep.PROMOTED
    assert DriftCause.SENSOR_RECALIBRATED in {one.cause for one in of.told if isinstance(one, Drift)}
    assert found["after the update"] > found["after the drift"]
    assert of.champion is not of.first and of.champion.card.refit.parent == of.first.card.version
    offered = next(one for one in of.told if isinstance(one, ModelUpdate) and one.step is UpdateStep.OFFERED)
    old = [offered.figures[f"average_precision of old data, {whose}"] for whose in ("parent", "candidate")]
    assert old[1] >= old[0] - 0.01


@pytest.mark.timeout(600)
def test_a_plant_that_does_not_drift_keeps_its_model(capsys):
    of, judged = followed(exchanged=False, days_after=60)
    middle_us = of.learned_until_us
    for day in range(FIRST_DAY, 61, 2 * EVERY_DAYS):
        of.round(middle_us + day * DAY_US)
    notices = [one for one in of.told if isinstance(one, Drift)]
    with capsys.disabled():
        causes = ", ".join(one.cause for one in notices)
        print(f"\ndrift told of a simulated plant that does not drift, in 60 days: {causes or 'none'}")
    after = part(judged, True, middle_us)
    assert average_precision(of.champion, after) >= average_precision(of.first, after)


@pytest.mark.parametrize("days_off", [-90, 90])
def test_rows_that_do_not_reach_far_enough_are_an_error_and_not_steady(days_off):
    whole, middle_us = simulated(SEEDS[0], False, 2, 1)
    of = Followed(plant(), shipped(), whole, NAMES, middle_us + days_off * DAY_US)
    with pytest.raises(ModelError, match="both are needed"):
        of.round(whole.end_us)


def test_what_may_not_be_updated_or_promoted_is_told_and_nothing_is_done():
    of, _ = followed(exchanged=True, days_after=40)
    now_us = of.learned_until_us + 38 * DAY_US
    assert of.round(now_us, may_update=False).update.step is UpdateStep.WOULD_UPDATE
    assert not of.log.pairs
