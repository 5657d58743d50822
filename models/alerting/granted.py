"""What a champion would have caught that had to keep the budget of unfounded warnings: a candidate is held to that.

A model that is always open catches every failure, and foretells none. So what a champion catches beyond the budget is
nothing that a candidate within it has to match. The champion's stricter limit is chosen with hindsight, on the very
minutes that it is judged on, so that it is flattered rather than wronged.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from models.alerting.budget import LIMITS
from models.alerting.versus import Versus

BY_LUCK = 0.05
"""A count that so rarely comes of the budget is over it. Our choice."""
NEVER = math.inf
"""The limit of a model that does not warn."""


def is_over(count: int, allowed: float) -> bool:
    """Whether so many are more than luck makes of what is allowed: the tail of a Poisson count with that mean."""
    if not allowed:
        return count > 0
    fewer = (math.exp(n * math.log(allowed) - allowed - math.lgamma(n + 1)) for n in range(count))
    return 1.0 - sum(fewer) < BY_LUCK


def kept(at: Callable[[float], Versus], whole: Versus, allowed: float) -> Versus | None:
    """The same with the champion's warnings at the lowest limit at which it has as few unfounded ones as it may.

    That is as many as are allowed, or as the candidate has. None where the champion keeps the budget by its own limit,
    or the candidate does not keep it, as far as counts can tell; nor for one that caught nothing, since what warns of
    nothing keeps any budget. `at` gives the same at another limit of the champion.
    """
    champion, candidate = (side.worth.unfounded for side in whole.sides)
    if not is_over(champion, allowed) or is_over(candidate, allowed) or not whole.sides[1].worth.caught:
        return None
    held = (at(limit) for limit in (*LIMITS, NEVER))
    return next(one for one in held if one.sides[0].worth.unfounded <= max(allowed, candidate))
