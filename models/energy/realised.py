"""What came of a plan: the energy measured against what the energy baseline says of the same output."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.energy.baseline import Baseline
from models.energy.performance import saving
from models.records import Plan, PlanResult


def predicted_share(plan: Plan) -> float:
    """The saving that a plan predicts, as a share of what the usual plan takes."""
    return plan.saving.kwh / plan.usual.kwh if plan.usual.kwh > 0 else 0.0


def result(plan: Plan, baseline: Baseline, measured_kwh: np.ndarray, drivers: Mapping[str, np.ndarray]) -> PlanResult:
    """Predicted and realised saving of a plan's time, side by side; rows are periods of the baseline's length."""
    return realised(
        plan.plant, plan.id, predicted_share(plan), baseline, measured_kwh, drivers, plan.begin_us, plan.end_us
    )


def realised(
    plant: str,
    plan: str,
    predicted: float,
    baseline: Baseline,
    measured_kwh: np.ndarray,
    drivers: Mapping[str, np.ndarray],
    begin_us: int,
    end_us: int,
) -> PlanResult:
    """As `result`, of a predicted share of any time. Where the baseline may not be used, nothing is claimed."""
    found = saving(baseline, measured_kwh, drivers, begin_us, end_us)
    return PlanResult(
        plant=plant,
        plan=plan,
        begin_us=begin_us,
        end_us=end_us,
        measured_kwh=found.measured_kwh,
        baseline_kwh=found.baseline_kwh,
        realised=found.share,
        realised_low=found.low,
        realised_high=found.high,
        predicted=predicted,
        is_valid=found.is_valid,
        why=found.why,
    )
