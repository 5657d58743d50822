"""E-values of two arms of good and bad parts: what speaks against "the new rate is not lower", at any time.

A bet on one arm: by a log odds ratio t each part multiplies the stake by exp(t x) / (1 - p + p exp(t)), x its defect.
With t > 0 that is a supermartingale under every rate <= p, with t < 0 under every rate >= p, and so is any mixture over
t (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021, Annals of Statistics 49(2)); so is the product of bets on
two arms, whichever comes next, as each part moves one of them. Were the new rate not lower, some p would lie between
the two, and under it the product of "old <= p" and "new >= p" is one: hence the infimum over p is an e-process
(Turner and Grunwald 2023, Statistics and Probability Letters 198, bet on two streams likewise).

The infimum is safe: the log of each mixture is convex in p, as -n log(1 + p c) is and sums of log-convex functions are,
so a bracket around the least point of a grid holds it; and as "old <= p" falls with p and "new >= p" rises, its product
is no less than the first at the bracket's upper end times the second at its lower. That is what is told.
"""

from __future__ import annotations

import math

import numpy as np

TILTS = np.geomspace(0.03, 4.5, 13)
"""Log odds ratios that are bet on, 1.03 to 90. Our choice; any grid is valid."""
HEDGE = 0.05
"""Share of the stake that is not bet, so that no evidence is ever lost to zero. Our choice."""
FIRST = np.concatenate([[0.0], np.geomspace(1e-6, 1.0, 24)])
ZOOM, ZOOMS = np.linspace(0.0, 1.0, 9), 6
RATIOS = np.concatenate([[0.0], np.geomspace(0.03, 1.0, 8)])
STAGES, CLOSE = 3, 0.05
"""Ratios of a pair are searched in so many stages, or until the log of the e-value is known this closely."""


def log_bet(parts: np.ndarray, defects: np.ndarray, rate: np.ndarray, sign: int) -> np.ndarray:
    """Log of the stake against "the rate is at most `rate`" (sign 1) or "at least" (-1), float64, all broadcast."""
    tilts = sign * TILTS
    per = defects[..., None] * tilts - parts[..., None] * np.log1p(rate[..., None] * np.expm1(tilts))
    most = np.maximum(per.max(axis=-1), 0.0)
    bet = np.exp(per - most[..., None]).mean(axis=-1)
    return most + np.log((1.0 - HEDGE) * bet + HEDGE * np.exp(-most))


def log_e(up: tuple[np.ndarray, np.ndarray], down: tuple[np.ndarray, np.ndarray], ratio: np.ndarray) -> np.ndarray:
    """Log of the e-value against "rate of down >= ratio * rate of up", float64 [rows].

    `up` and `down` are (parts, defects), float64 [rows] or [1]; `ratio` [rows] or [1].
    """
    up_n, up_d, down_n, down_d, k = (np.asarray(one, np.float64)[..., None] for one in (*up, *down, ratio))
    most = 1.0 / np.maximum(k, 1.0)
    low, high = _bracket(most * FIRST, up_n, up_d, down_n, down_d, k)
    for _ in range(ZOOMS):
        low, high = _bracket(low + (high - low) * ZOOM, up_n, up_d, down_n, down_d, k)
    return (log_bet(up_n, up_d, high, 1) + log_bet(down_n, down_d, k * low, -1))[..., 0]


def _bracket(
    p: np.ndarray, up_n: np.ndarray, up_d: np.ndarray, down_n: np.ndarray, down_d: np.ndarray, k: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The points beside the least one, float64 [rows, 1] each."""
    at = (log_bet(up_n, up_d, p, 1) + log_bet(down_n, down_d, k * p, -1)).argmin(axis=-1)[..., None]
    p = np.broadcast_to(p, (*at.shape[:-1], p.shape[-1]))
    low = np.take_along_axis(p, np.maximum(at - 1, 0), axis=-1)
    return low, np.take_along_axis(p, np.minimum(at + 1, p.shape[-1] - 1), axis=-1)


Counts = tuple[float, float]
"""Parts and defects of an arm."""


def log_lower(old: Counts, new: Counts) -> float:
    """Log of the e-value against "the new rate is not lower"."""
    return float(log_e(_row(old), _row(new), np.ones(1))[0])


def log_lower_beyond(old: Counts, new: Counts, pair_old: Counts, pair_new: Counts) -> float:
    """Log of the e-value against "the new rate is not lower than common causes make it, or not lower at all".

    Common causes multiply a rate by what they did to the pair's, r = pair new / pair old, and count only where r < 1:
    the hypothesis is new >= min(1, r) old. Were it true, either new >= old, or some k < 1 had r <= k <= new / old: then
    the product of bets against "new >= k old" and "pair new <= k pair old" is a supermartingale. So the least of them
    over all k, and of the bet against "new >= old", is an e-process. Between two k the product is no less than the
    first factor, which rises with k, at the lower, times the second, which falls, at the upper.
    """
    found = np.empty((3, 0))
    fresh = RATIOS
    for _ in range(STAGES):
        found = np.hstack([found, _at_ratios(old, new, pair_old, pair_new, fresh)])
        ratio, mine, pairs = found = found[:, np.argsort(found[0], kind="stable")]
        bounds, best = mine[:-1] + pairs[1:], min(float((mine + pairs).min()), float(mine[-1]))
        wanting = np.flatnonzero(bounds < best - CLOSE)
        if best <= 0.0 or not len(wanting):
            break
        fresh = np.linspace(ratio[wanting[0]], ratio[wanting[-1] + 1], 9)[1:-1]
    return min(float(mine[-1]), float(bounds.min()))


def _at_ratios(old: Counts, new: Counts, pair_old: Counts, pair_new: Counts, ratio: np.ndarray) -> np.ndarray:
    """Ratios, and logs of the bets against "new >= ratio * old" and "pair new <= ratio * pair old", float64 [3, n]."""
    up, down = (
        np.repeat(np.array([one, two], np.float64), len(ratio), axis=0).T
        for one, two in ((old, pair_new), (new, pair_old))
    )
    both = log_e((up[0], up[1]), (down[0], down[1]), np.concatenate([ratio, 1.0 / np.maximum(ratio, 1e-9)]))
    return np.stack([ratio, *both.reshape(2, -1)])


def _row(counts: Counts) -> tuple[np.ndarray, np.ndarray]:
    return np.array([counts[0]], np.float64), np.array([counts[1]], np.float64)


def e_of(log: float) -> float:
    """The e-value of a log, at most the largest float."""
    return math.exp(min(log, 700.0))
