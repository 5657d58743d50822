"""What a change did, told honestly: two arms of good and bad parts, looked at as often as one likes.

Evidence is an e-value: under the hypothesis that nothing got better its chance of ever reaching 1/alpha is alpha at
most, however often it is looked at and whenever one stops (Ville 1939). Arms may interleave, as holdout periods do, as
long as which arm comes next does not depend on parts not yet made. Rates are shares of parts, 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from msgspec import Struct

from models.records import EffectVerdict
from models.tuning.evidence import Counts, e_of, log_lower, log_lower_beyond

ALPHA, POWER = 0.05, 0.8
PRIOR_A, PRIOR_B = 0.5, 25.0
"""Beta mixture over the rate of an interval: most weight on rates of some 0.1 to 5 %. Our choice; any is valid."""
SEQUENTIAL = 3.0
"""Times `least_parts` that a test which may be looked at any time needs for the same power, generously: simulated in
tests/unit/models/tuning/test_effect.py."""
PAIRED = 4.0
"""Times as many parts an arm beside a pair as without: twice for the variance of a ratio of ratios, the rest for bets
on four arms. Simulated there too."""
SMALLEST = 0.1
"""Log odds ratio of a promise under which its absence is never told: bets are too coarse to show it in time."""


class Arm(Struct, frozen=True, kw_only=True):
    """Parts made under one setting, and defects among them. Raises ValueError where they are no counts."""

    parts: int
    defects: int

    def __post_init__(self) -> None:
        for name in ("parts", "defects"):
            value = getattr(self, name)
            if not (isinstance(value, int | np.integer) and value >= 0) or isinstance(value, bool):
                raise ValueError(f"{name} of an arm is {value!r}: it must be a count")
        if self.defects > self.parts:
            raise ValueError(f"{self.defects} defects in {self.parts} parts: there cannot be more defects than parts")


class Pair(Struct, frozen=True, kw_only=True):
    """A sister machine whose settings stayed, while the other's were old and while they were new."""

    old: Arm
    new: Arm


class Promise(Struct, frozen=True, kw_only=True):
    """Rates foreseen under the old setting and under the new, which is lower. Raises ValueError where they are not."""

    old: float
    new: float

    def __post_init__(self) -> None:
        if not 0 <= self.new < self.old < 1:
            raise ValueError(f"{self.new} and {self.old} are no two rates of which the new is lower, within 0 to 1")


class Effect(Struct, frozen=True, kw_only=True):
    """A change as it was seen: rates (NaN without parts), intervals that hold at any time, e-values, and what follows.

    Each interval holds at all times at once with 1 - `alpha`; that of the difference (new less old) rests on two of
    the rates at half of it. `e_better` and `e_worse` count beyond the pair where there is one. `enough` are the parts
    an arm from which on the promise counts as not kept, or None without one or for one too small to tell.
    """

    old: Arm
    new: Arm
    old_rate: float
    new_rate: float
    old_interval: tuple[float, float]
    new_interval: tuple[float, float]
    difference: tuple[float, float]
    e_better: float
    e_worse: float
    alpha: float
    enough: int | None
    verdict: EffectVerdict


def judged(
    old: Arm,
    new: Arm,
    pair: Pair | None = None,
    promise: Promise | None = None,
    alpha: float = ALPHA,
    power: float = POWER,
) -> Effect:
    """What can be said of a change by two arms, beyond what a pair shows of common causes.

    Better and worse are each told wrongly with a chance of `alpha` at most, at all looks together. FUTILE: each arm
    (the pair's too) has SEQUENTIAL times the `least_parts` of the promise, PAIRED times more beside a pair, so that the
    promised effect would have shown with a chance of `power`, and it has not; never for a promise of less than a tenth
    or so (SMALLEST). Raises ValueError for an alpha or a power
    that is not within 0 to 1.
    """
    _check_share("alpha", alpha)
    better, worse = e_better(old, new, pair), e_worse(old, new, pair)
    halves = [rate_interval(arm.defects, arm.parts, alpha / 2) for arm in (old, new)]
    enough = None if promise is None else _enough(promise, pair is not None, power, alpha)
    arms = (old, new) if pair is None else (old, new, pair.old, pair.new)
    return Effect(
        old=old,
        new=new,
        old_rate=_rate(old),
        new_rate=_rate(new),
        old_interval=rate_interval(old.defects, old.parts, alpha),
        new_interval=rate_interval(new.defects, new.parts, alpha),
        difference=(halves[1][0] - halves[0][1], halves[1][1] - halves[0][0]),
        e_better=better,
        e_worse=worse,
        alpha=alpha,
        enough=enough,
        verdict=_verdict(better, worse, 1.0 / alpha, enough is not None and min(one.parts for one in arms) >= enough),
    )


def e_better(old: Arm, new: Arm, pair: Pair | None = None) -> float:
    """E-value against "the new rate is not lower", or not beyond what a pair shows (see `evidence`)."""
    if pair is None:
        return e_of(log_lower(_counts(old), _counts(new)))
    return e_of(log_lower_beyond(_counts(old), _counts(new), _counts(pair.old), _counts(pair.new)))


def e_worse(old: Arm, new: Arm, pair: Pair | None = None) -> float:
    """E-value against "the new rate is not higher", or not beyond what a pair shows: the same with time reversed."""
    return e_better(new, old, None if pair is None else Pair(old=pair.new, new=pair.old))


def _counts(arm: Arm) -> Counts:
    return arm.parts, arm.defects


def _verdict(better: float, worse: float, bar: float, is_enough: bool) -> EffectVerdict:
    """Harm is told first: should both be shown, the arms were not what they seem."""
    if worse >= bar:
        return EffectVerdict.HARMS
    if better >= bar:
        return EffectVerdict.DELIVERS
    return EffectVerdict.FUTILE if is_enough else EffectVerdict.NOT_YET


def _rate(arm: Arm) -> float:
    return arm.defects / arm.parts if arm.parts else math.nan


def _enough(promise: Promise, is_paired: bool, power: float, alpha: float) -> int | None:
    if promise.new and math.log(_odds(promise.old) / _odds(promise.new)) < SMALLEST:
        return None
    return math.ceil(SEQUENTIAL * (PAIRED if is_paired else 1.0) * least_parts(promise.old, promise.new, power, alpha))


def _odds(rate: float) -> float:
    return rate / (1.0 - rate)


def least_parts(p_old: float, p_new: float, power: float = POWER, alpha: float = ALPHA) -> int:
    """Parts an arm that a two-sided test of two proportions, looked at once, needs (Fleiss, unpooled variances).

    n = (z[1 - alpha/2] + z[power])^2 (p_old (1 - p_old) + p_new (1 - p_new)) / (p_old - p_new)^2. Raises ValueError
    for rates that are equal or not within 0 to 1.
    """
    _check_share("alpha", alpha)
    _check_share("power", power)
    if not (0 <= p_old <= 1 and 0 <= p_new <= 1 and p_old != p_new):
        raise ValueError(f"{p_old} and {p_new} are no two different rates within 0 to 1")
    z = NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(power)
    return math.ceil(z * z * (p_old * (1 - p_old) + p_new * (1 - p_new)) / (p_old - p_new) ** 2)


def rate_interval(defects: int, parts: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Where the rate is, at all numbers of parts at once with a chance of 1 - `alpha`.

    All p at which the beta-binomial mixture B(a + d, b + n - d) / B(a, b) / (p^d (1 - p)^(n - d)) is below 1/alpha
    (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021, Annals of Statistics 49(2)). Its log is convex in p and
    least at d/n, so that they are one interval. Raises ValueError for what are no counts.
    """
    _check_share("alpha", alpha)
    arm = Arm(parts=parts, defects=defects)
    good = arm.parts - arm.defects
    mixed = _log_beta(PRIOR_A + arm.defects, PRIOR_B + good) - _log_beta(PRIOR_A, PRIOR_B) + math.log(alpha)

    def is_in(p: float) -> bool:
        seen = (arm.defects * math.log(p) if arm.defects else 0.0) + (good * math.log1p(-p) if good else 0.0)
        return mixed < seen

    middle = arm.defects / arm.parts if arm.parts else 0.5
    low = 0.0 if not arm.defects else _edge(is_in, middle, 0.0)
    high = 1.0 if not good else _edge(is_in, middle, 1.0)
    return low, high


def _edge(is_in: Callable[[float], bool], inside: float, outside: float) -> float:
    """The edge of an interval between a point in it and one that is not, from outside."""
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if is_in(middle) else (inside, middle)
    return outside


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value}: it must be within 0 to 1")
