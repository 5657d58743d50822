"""Raw windows of a net: the last 72 h of the clock as steps of settled running, in float64 up to one float32 window.

Bins of 15 min in which the machine ran settled stand one after another, the newest last: a pump that rests has no hole
in its window, and one that ran little has unknown steps before them. What is unknown is NaN, and a channel says so.
"""

from __future__ import annotations

import numpy as np

from models.bins import QUARTER
from models.features.compute import HEADS, Pairs
from models.features.spec import Spec
from models.features.windows import SLOW_WINDOW, mean_over, residuals, slow_window
from models.tiers import Tiers

QUARTERS_A_STEP = 3
"""A step is 45 min of running: three samples a 15-min bin average out to what wear moves in hours. Our choice."""
STEPS = SLOW_WINDOW // QUARTERS_A_STEP
KNOWN = "known"
"""The last channel: which share of the targets' bins is known in a step."""


def loads_of(spec: Spec) -> tuple[str, ...]:
    """Signals that say how a machine is run: what targets are expected from."""
    named = {signal for one in spec.expected for signal, _ in one.terms}
    return tuple(signal for signal in spec.signals if signal in named)


def channels_of(spec: Spec) -> tuple[str, ...]:
    """Channels of a window, in order: each target over what is expected, each load, and what is known."""
    return (*(one.target for one in spec.expected), *loads_of(spec), KNOWN)


def raw_windows(spec: Spec, columns: np.ndarray, tiers: Tiers, pairs: Pairs) -> np.ndarray:
    """Windows, float32 [pairs, channels, STEPS], of pairs as `compute` takes them.

    A target is over what is expected of it, not over the asset's own usual: that hides how worn it was on its first
    day, and halves what a net finds (decision 20).
    """
    begins = range(0, max(len(pairs.asset), 1), HEADS)
    parts = (Pairs(*(part[begin : begin + HEADS] for part in pairs)) for begin in begins)
    return np.concatenate([_windows(spec, columns, tiers, part) for part in parts])


def _windows(spec: Spec, columns: np.ndarray, tiers: Tiers, pairs: Pairs) -> np.ndarray:
    signals = len(spec.signals)
    mean, count, _ = slow_window(tiers, columns[:signals], pairs.asset, (pairs.minute + 1) // QUARTER, pairs.since_us)
    order = np.argsort((count > 0).any(axis=1), axis=1, kind="stable")  # bins without running first, each in its order
    mean = np.take_along_axis(mean, order[:, None, :], axis=2)
    over = residuals(spec, mean)
    loads = mean[:, [spec.signals.index(name) for name in loads_of(spec)]]
    told = np.concatenate([over, loads], axis=1)
    steps = told.reshape(*told.shape[:2], STEPS, QUARTERS_A_STEP)
    known = 1.0 - np.isnan(over).reshape(len(over), len(spec.expected), STEPS, QUARTERS_A_STEP).mean(axis=(1, 3))
    return np.concatenate([mean_over(steps, np.ones(steps.shape, bool)), known[:, None]], axis=1).astype(np.float32)
