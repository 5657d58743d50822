"""Noise of what a plant tells the fleet: discrete Laplace by OpenDP, which alone draws it and proves its epsilon.

The only module that imports opendp, and only when something is released. What is counted and what may be spent is
`models.tuning.fleet`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from models.tuning.fleet import Account, Bound, Histogram, Release, Spend, Withheld, charged

INSTALL = "run .venv/bin/pip install -e '.[privacy]' in Forewarn's folder"
MOST = 2**53
"""Largest count: scales are float64."""


class PrivacyError(Exception):
    """Nothing can be released here, and what to do."""


def released(
    histograms: tuple[Histogram, ...], bound: Bound, account: Account, spend: Spend
) -> tuple[Release, Account] | Withheld:
    """Noisy counts for the epsilon of `spend`, and the account after it; or why there must be none.

    The account has to be kept before the release is let out. `histograms` must have been counted within `bound`. Raises
    PrivacyError without OpenDP, and ValueError for no counts or one that is negative or more than 2^53.
    """
    after = charged(account, spend)
    if isinstance(after, Withheld):
        return after
    counts = [count for one in histograms for count in (*one.parts, *one.defects)]
    if not counts or not all(0 <= count <= MOST for count in counts):
        raise ValueError("there is nothing to release, or a count is negative or more than 2^53")
    measure, scale = mechanism(bound.sensitivity, spend.epsilon)
    noisy = iter(max(count, 0) for count in measure(counts))
    told = tuple(
        replace(one, parts=_taken(noisy, len(one.parts)), defects=_taken(noisy, len(one.defects))) for one in histograms
    )
    return Release(release=spend.release, epsilon=spend.epsilon, bound=bound, scale=scale, histograms=told), after


def mechanism(sensitivity: int, epsilon: float) -> tuple[Any, float]:
    """OpenDP's measurement on vectors of counts, int64, and its scale: the least that it proves `epsilon` for.

    Scale is sensitivity / epsilon, up to rounding to the safe side. Raises PrivacyError without OpenDP.
    """
    dp = _opendp()
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")

    def of(scale: float) -> Any:
        return dp.m.make_laplace(*space, scale=scale)

    scale = dp.binary_search_param(of, d_in=sensitivity, d_out=epsilon, T=float)
    return of(scale), scale


def _taken(counts: Iterator[int], number: int) -> tuple[int, ...]:
    return tuple(next(counts) for _ in range(number))


def _opendp() -> Any:
    try:
        import opendp.prelude as dp
    except ImportError as missing:
        raise PrivacyError(f"differential privacy needs opendp: {INSTALL}") from missing
    dp.enable_features("contrib")
    return dp
