"""Tails of Student's t and Fisher's F by the regularised incomplete beta function, and the quantile of t.

The continued fraction is DLMF 8.17.22, worked out by the modified method of Lentz (Thompson and Barnett 1986).
"""

from __future__ import annotations

import math

_TINY = 1e-300
_CLOSE = 1e-15
_MOST_TERMS = 2000
WIDEST_T = 1e8
"""Where the search for a quantile of t ends: with one degree of freedom 6e-9 lie beyond."""


def beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for x from 0 to 1 and positive a and b."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_share(1.0 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, _inverse(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d, c = _inverse(1.0 + term * d), 1.0 + term / c
            c = c if abs(c) > _TINY else _TINY
            value *= d * c
        if abs(d * c - 1.0) < _CLOSE:
            break
    return value


def _inverse(value: float) -> float:
    return 1.0 / (value if abs(value) > _TINY else _TINY)


def t_two_sided(t: float, freedom: float) -> float:
    """Chance that Student's t is further from 0 than this."""
    return beta_share(freedom / (freedom + t * t), freedom / 2.0, 0.5)


def f_above(f: float, over: float, under: float) -> float:
    """Chance that Fisher's F, of so many degrees of freedom over and under its line, is greater than this."""
    return 1.0 if f <= 0.0 else beta_share(under / (under + over * f), under / 2.0, over / 2.0)


def t_quantile(inside: float, freedom: float) -> float:
    """The t so that a share `inside` lies between -t and t, by bisection."""
    low, high = 0.0, 1.0
    while high < WIDEST_T and t_two_sided(high, freedom) > 1.0 - inside:
        low, high = high, 2.0 * high
    for _ in range(100):
        middle = (low + high) / 2.0
        if t_two_sided(middle, freedom) > 1.0 - inside:
            low = middle
        else:
            high = middle
        if high - low <= 1e-12 * high:
            break
    return (low + high) / 2.0
