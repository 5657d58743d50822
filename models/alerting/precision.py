"""How many warnings were founded, of those that were inspected; and at another rate of failures."""

from __future__ import annotations

import math
from typing import NamedTuple

Z_95 = 1.959964
"""Standard normal quantile of a two-sided 95 % interval."""


class Precision(NamedTuple):
    """A share of warnings that were founded, with both ends of its 95 % interval."""

    share: float
    low: float
    high: float


def precision(founded: float, inspected: float) -> Precision | None:
    """Of so many inspected warnings, with Wilson's score interval; None where none was inspected.

    Counts need not be whole: those of trials that are not independent are fewer than the trials.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927) 209-212.
    """
    if not inspected:
        return None
    share, square = founded / inspected, Z_95**2 / inspected
    middle = (share + square / 2) / (1 + square)
    half = Z_95 * math.sqrt(share * (1 - share) / inspected + square / (4 * inspected)) / (1 + square)
    return Precision(share, max(0.0, middle - half), min(1.0, middle + half))


def at_rate(found: Precision, rate: float, rate_of_history: float) -> Precision:
    """The precision where machines fail at another rate than in the history that it was found on.

    Of n machine-years at rate f, founded warnings are recall * f * n, and unfounded ones u * n; recall and u are the
    warnings' own. So by Bayes precision = recall * f / (recall * f + u), whose odds move as f does: at rate g they are
    g / f times those found. `rate_of_history` is over 0.
    """
    ratio = rate / rate_of_history
    return Precision(*(share * ratio / (share * ratio + (1 - share)) for share in found))
