"""How far figures would be off with other machines of the same kind: machines drawn anew, with replacement.

Rows of a machine, and its failures, go together: what is drawn is the machine (Efron and Tibshirani 1993, chapter 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from onnx_export.evaluate import Scores

DRAWS = 1000
INSIDE = (0.025, 0.975)


class Between(NamedTuple):
    """Bounds in which a figure lies for 95 % of the draws."""

    low: float
    high: float


class Bounds(NamedTuple):
    """Bounds of the figures of an event-wise table."""

    recall: Between
    lead_h_median: Between
    unfounded_a_machine_month: Between


def bounds_of(machines: Sequence[Scores], seed: int, draws: int = DRAWS) -> Bounds:
    """Bounds over machines, of each of which there are scores; a draw without a failure says nothing of recall."""
    random = np.random.default_rng(seed)
    failures = np.array([one.failures for one in machines])
    warned = np.array([len(one.leads_h) for one in machines])
    unfounded = np.array([one.unfounded for one in machines], np.float64)
    months = np.array([one.machine_months for one in machines])
    recalls, leads, rates = [], [], []
    for drawn in random.integers(len(machines), size=(draws, len(machines))):
        if failures[drawn].sum():
            recalls.append(warned[drawn].sum() / failures[drawn].sum())
        if warned[drawn].sum():
            leads.append(float(np.median(np.concatenate([machines[at].leads_h for at in drawn]))))
        if months[drawn].sum():
            rates.append(unfounded[drawn].sum() / months[drawn].sum())
    return Bounds(*(_between(values) for values in (recalls, leads, rates)))


def _between(values: Sequence[float]) -> Between:
    if not values:
        return Between(0.0, 0.0)
    low, high = np.quantile(values, INSIDE).tolist()
    return Between(round(low, 4), round(high, 4))
