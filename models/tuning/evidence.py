"""E-values of two arms of good and bad parts: what speaks against "the new rate is not lower", at any time.

A bet on one arm: by a log odds ratio t each part multiplies the stake by exp(t x) / (1 - p + p exp(t)), x its defect.
With t > 0 that is a supermartingale under every rate <= p, with t < 0 under every rate >= p, and so is any mixture over
t (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021, Annals of Statistics 49(2)); so is the product of bets on
two arms, whichever comes next, as each part moves one of them. Were the new rate not lower, some p would lie between
the two, and under it the product of "old <= p" and "new >= p" is one: hence the infimum over p is an e-process
(Turner and Grunwald 2023, Statistics and Probability Letters 198, bet on two streams likewise).

The infimum is safe: the log of each mixture is convex in p, as -n log(1 + p c) is and sums of log-convex functions are,
so a bracket around the least point of a grid holds it. What is told is no more than the least in the bracket: as
"old <= p" falls with p and "new >= p" rises, that is no less than the first at the upper end times the second at the
lower, nor does a convex function fall below a line through two of its points beyond them.
"""

from __future__ import annotations

import math

import numpy as np

TILTS = np.geomspace(0.03, 4.5, 13)
"""Log odds ratios that are bet on, 1.03 to 90. Our choice; any grid is valid."""
HEDGE = 0.05
"""Share of the stake that is not bet, so that no evidence is ever lost to zero. Our choice."""
FIRST = np.concatenate([[0.0], np.geomspace(1e-6, 1.0, 24)])
ZOOM, ZOOMS = np.linspace(0.0, 1.0, 9), 4
RATIOS = np.concatenate([[0.0], np.geomspace(0.03, 1.0, 10)])
FRESH, CLOSE = (15, 31), 0.25
"""Ratios of a pair are searched in stages of so many more, or until the log of the e-value is known this closely."""


def log_bet(parts: np.ndarray, defects: np.ndarray, rate: np.ndarray, sign: int) -> np.ndarray:
    """Log of the stake against "the rate is at most `rate`" (sign 1) or "at least" (-1), float64, all broadcast."""
    tilts = sign * TILTS
    per = defects[..., None] * tilts - parts[..., None] * np.log(1.0 + rate[..., None] * np.expm1(tilts))
    most = np.maximum(per.max(axis=-1), 0.0)
    bet = np.exp(per - most[..., None]).mean(axis=-1)
    return most + np.log((1.0 - HEDGE) * bet + HEDGE * np.exp(-most))


def log_e(up: tuple[np.ndarray, np.ndarray], down: tuple[np.ndarray, np.ndarray], ratio: np.ndarray) -> np.ndarray:
    """Log of the e-value against "rate of down >= ratio * rate of up", float64 [rows].

    `up` and `down` are (parts, defects), float64 [rows] or [1]; `ratio` [rows] or [1].
    """
    up_n, up_d, down_n, down_d, k = (np.asarray(one, np.float64)[..., None] for one in (*up, *down, ratio))
    most = 1.0 / np.maximum(k, 1.0)
    points = most * FIRST
    for _ in range(ZOOMS):
        ends = _bracket(points, up_n, up_d, down_n, down_d, k)
        points = ends[..., :1] + (ends[..., 2:] - ends[..., :1]) * ZOOM
    ends = _bracket(points, up_n, up_d, down_n, down_d, k)
    return _at_least(ends, log_bet(up_n, up_d, ends, 1), log_bet(down_n, down_d, k * ends, -1))


def _bracket(
    p: np.ndarray, up_n: np.ndarray, up_d: np.ndarray, down_n: np.ndarray, down_d: np.ndarray, k: np.ndarray
) -> np.ndarray:
    """The least of the points between those beside it, float64 [rows, 3]."""
    at = (log_bet(up_n, up_d, p, 1) + log_bet(down_n, down_d, k * p, -1)).argmin(axis=-1)[..., None]
    p = np.broadcast_to(p, (*at.shape[:-1], p.shape[-1]))
    return np.take_along_axis(p, np.clip(at + np.array([-1, 0, 1]), 0, p.shape[-1] - 1), axis=-1)


def _at_least(p: np.ndarray, falling: np.ndarray, rising: np.ndarray) -> np.ndarray:
    """What a convex sum of a falling and a rising function is no less than in a bracket, float64 [rows].

    By the ends of the two; and by lines through two of the three points, which lie under it beyond them.
    """
    low, middle, high = np.moveaxis(falling + rising, -1, 0)
    left, right = p[..., 1] - p[..., 0], p[..., 2] - p[..., 1]
    by_ends = falling[..., 2] + rising[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        by_lines = middle - np.maximum((high - middle) / right * left, (low - middle) / left * right)
    return np.where((left > 0) & (right > 0), np.fmax(by_ends, by_lines), by_ends)


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
    found = _at_ratios(old, new, pair_old, pair_new, RATIOS)
    for more in FRESH:
        ratio, mine, pairs = found
        best = min(float((mine + pairs).min()), float(mine[-1]))
        wanting = np.flatnonzero(mine[:-1] + pairs[1:] < best - CLOSE)
        if best <= 0.0 or not len(wanting):
            break
        fresh = np.linspace(ratio[wanting[0]], ratio[wanting[-1] + 1], more + 2)[1:-1]
        found = np.hstack([found, _at_ratios(old, new, pair_old, pair_new, fresh)])
        found = found[:, np.argsort(found[0], kind="stable")]
    _, mine, pairs = found
    return min(float(mine[-1]), float((mine[:-1] + pairs[1:]).min()))


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
