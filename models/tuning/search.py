"""Which settings to suggest: small moves of few parameters, asked of the model at once, the best that is sure. Pure.

Each candidate is asked for the parts made last, as they would have been measured with other settings: so noise of
actuators and sensors is in the answer, and a setting that only looks good without it is not. A move counts as sure
where draws of the model agree that it is better, which they do only near parts that were made. What a part takes must
not grow over what it took at first, but for a little on the way; where the rate is good enough, moves lead back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from models.plant.tuning import Moves, Parameter, Range
from models.tuning.costs import Cost

Ask = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""A model: chance of a defect and spread, float64 [rows] each, of float32 rows [rows, inputs]."""
SHARES = (0.5, 1.0)
"""Of a parameter's step, both ways, that are tried."""
MOST_MOVED = 4
"""Parameters at once: more, and nobody can tell which one did it. Our choice."""
RECENT = 96
"""Parts that each candidate is asked for, spread evenly over those made last."""
SURE, SAFE, TWICE = 0.60, 0.90, math.log(2.0)
"""Chance that a move is better at all, and that it does not double the rate, by the model's draws. Our choice: what is
tried and measured need not be certain, but must not do much harm."""
RISK = 0.25
"""What variance of the logarithm counts against a move, of several that may be made."""
LEAST_GAIN = 0.2
"""In logarithms of the rate: less than a fifth is not worth a change."""
SMALL = 0.05
"""What a move of a whole step counts against it, in logarithms of the rate: of two alike the smaller one."""
RISE = 0.03
"""Share by which what a part takes may grow on the first way to a good rate: a narrow lobe could not be left else, and
what it took at first comes back once the rate is good. Our choice."""
SPARED, ROOM = 5e-3, 3.0
"""A rate of so many times what is good enough is near it: nothing takes more any longer, and what took more is given
back by moves that keep near it. Such a move takes less by this share at least. Our choice."""
LEARN = 0.5
"""What a standard deviation counts for where a station explores: half of what may be there is worth a look."""
LEAST_APART = 0.1
"""Least standard deviation, in logarithms, of how far two rates are apart. What both share is not in it: variance grows
on the way from where parts were made to the candidate, and that growth is the way's own."""
ROUND, NO_MOVE = 1e-6, 1e-9
"""What values may be off by, that are sums of steps; and what is no move at all."""
FURTHEST = 20.0
"""Logarithms beyond are nothing that numbers hold."""
EIGHTY = 1.2816
"""Standard deviations on each side of an interval of 80 %."""


class Tried(NamedTuple):
    """Settings by parameter in the order of `Space.names`, the parts made last, [n, inputs], and what they take."""

    now: tuple[float, ...]
    inputs: np.ndarray
    costs: tuple[tuple[Cost, float], ...] = ()
    """Each with what it must not pass."""
    reach: Mapping[str, float] = {}
    """How far each parameter may move now, where that is less than its step."""
    may_rise: bool = True
    """Whether a part may take a little more on the way: it was never near a good rate yet."""
    seen: Mapping[tuple[float, ...], tuple[int, int]] = {}
    """Units made at settings and defects among them, of conditions as they are."""


class Space(NamedTuple):
    """Where is searched: parameters with what they move, windows of the product, and the rate that is good enough."""

    names: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    inputs: tuple[str, ...]
    recipe: Mapping[str, Range]
    target: float = 0.0
    explores: bool = False

    def moves(self, name: str) -> Moves:
        """What a parameter moves: the input of its name, where the plant file says nothing else."""
        return self.parameters[name].moves or Moves(input=name)


class Rate(NamedTuple):
    """An expected rate with an interval of 80 %; `log_sd` is the standard deviation of its logarithm."""

    rate: float
    low: float
    high: float
    log_sd: float


class Aim(StrEnum):
    """What a move is for: fewer defects, learning which way is better, or taking less where the rate is good enough."""

    BETTER = "better"
    LEARN = "learn"
    LESS = "less"


class Found(NamedTuple):
    """A move: `settings` of what changes, by parameter; the rate before and after, and how sure it is better."""

    settings: dict[str, float]
    before: Rate
    after: Rate
    sure: float
    score: float
    aim: Aim = Aim.BETTER
    takes: tuple[float, ...] = ()
    """What a part would take of each figure."""


class Way(NamedTuple):
    """From one rate to another: the gain in logarithms, its variance, how sure and how safe it is, what it is worth."""

    gain: float
    variance: float
    sure: float
    safe: float
    worth: float

    @property
    def is_worth(self) -> bool:
        """Whether it is worth making: likely better by enough, and hardly much worse."""
        return self.sure >= SURE and self.safe >= SAFE and self.gain >= LEAST_GAIN

    @property
    def teaches(self) -> bool:
        """Whether parts made there would tell something, at little risk: it may well be better, and is hardly worse."""
        return self.safe >= SAFE and self.gain + LEARN * math.sqrt(self.variance) >= LEAST_GAIN


class Nothing(NamedTuple):
    """Nothing is worth suggesting, and why in words; the rate that is expected now."""

    why: str
    now: Rate | None


def rate_of(chances: np.ndarray, spreads: np.ndarray) -> Rate:
    """Of parts' chances and spreads, [n]: as if draws differed for all parts alike, which is the unsure side.

    A rate cannot be below 0, so its logarithm is what varies, by the spread over the chance.
    """
    rate, spread = float(chances.mean()), float(spreads.mean())
    if not (math.isfinite(rate) and math.isfinite(spread)) or rate <= 0.0:
        return Rate(math.nan, math.nan, math.nan, math.inf)
    log_sd = min(spread / rate, FURTHEST)
    return Rate(rate, rate * math.exp(-EIGHTY * log_sd), min(1.0, rate * math.exp(EIGHTY * log_sd)), log_sd)


def seen_too(rate: Rate, units_and_defects: tuple[int, int]) -> Rate:
    """What a model expects, as a Gamma distribution, with what was found at that very setting.

    A model that is wrong at a setting does not send people there again.
    """
    units, defects = units_and_defects
    if not units or not rate.rate > 0.0:
        return rate
    shape = 1.0 / max(rate.log_sd, LEAST_APART) ** 2
    found = (shape + defects) / (shape / rate.rate + units)
    log_sd = 1.0 / math.sqrt(shape + defects)
    return Rate(found, found * math.exp(-EIGHTY * log_sd), min(1.0, found * math.exp(EIGHTY * log_sd)), log_sd)


def _vector(now: Sequence[float], move: np.ndarray) -> tuple[float, ...]:
    return tuple(round(value + float(by), 6) for value, by in zip(now, move, strict=True))


def search(
    space: Space, tried: Tried, ask: Ask, liked: Callable[[str, float], float], only: Mapping[str, float] | None = None
) -> Found | Nothing:
    """The best sure move. `liked` is the chance that people take a change of a parameter, by its sign.

    With `only`, that move alone, where it is worth it.
    """
    moves = candidates(space, tried) if only is None else _alone(space, tried.now, only)
    shifts = _shifts(space, moves, tried.inputs)
    rows = (tried.inputs[None] + shifts).astype(np.float32)
    try:
        said = ask(rows.reshape(-1, rows.shape[2]))
        chances, spreads = (np.asarray(one, np.float64).reshape(rows.shape[:2]) for one in said)
    except Exception as fault:  # a model is anybody's file: what it does wrong must not stop other stations
        return Nothing(f"the model fails: {fault!r}"[:300], None)
    if not (np.isfinite(chances).all() and np.isfinite(spreads).all()):
        return Nothing("the model does not give numbers", None)
    if chances.min() < 0.0 or chances.max() > 1.0 or spreads.min() < 0.0:
        return Nothing("the model gives chances that are none, or negative spreads", None)
    rates = [
        seen_too(rate_of(*one), tried.seen.get(_vector(tried.now, move), (0, 0)))
        for one, move in zip(zip(chances, spreads, strict=True), moves, strict=True)
    ]
    before = rates[0]
    if not before.rate > 0.0:
        return Nothing("the model expects no defects at all", before)
    best = _best(space, tried, moves, rates, _shares(tried.costs, shifts), liked)
    if best is not None:
        return best._replace(takes=_takes(space, tried, best))
    if before.rate <= space.target:
        return Nothing("the rate is good enough", before)
    return Nothing("no small move is surely better and takes no more", before)


def _best(
    space: Space, tried: Tried, moves: np.ndarray, rates: Sequence[Rate], shares: np.ndarray,
    liked: Callable[[str, float], float],
) -> Found | None:  # fmt: skip
    """The best of moves that take less again, else of those that are worth it, else of those that teach."""
    before = rates[0]
    is_near, is_over = before.rate <= ROOM * space.target, shares[0] > 1.0
    most = max(shares[0], 1.0 if is_near or not tried.may_rise else 1.0 + RISE)
    best: dict[Aim, Found] = {}
    for move, after, share in zip(moves[1:], rates[1:], shares[1:], strict=True):
        way = way_of(before, after)
        aim = _aim(space, way, before)
        if is_near and is_over and share <= shares[0] - SPARED and _stays_good(after, way, space.target):
            aim = Aim.LESS
        if aim is not None and share <= most:
            found = _found(space, tried.now, move, before, after, way, liked)._replace(aim=aim)
            if aim is Aim.LEARN:
                found = found._replace(score=found.score + LEARN * math.sqrt(way.variance))
            best[aim] = found if aim not in best or found.score > best[aim].score else best[aim]
    return best.get(Aim.LESS) or best.get(Aim.BETTER) or best.get(Aim.LEARN)


def _aim(space: Space, way: Way, before: Rate) -> Aim | None:
    """What a move would be for; None where the rate is good enough, or it is worth nothing."""
    if before.rate <= space.target:
        return None
    if way.is_worth:
        return Aim.BETTER
    return Aim.LEARN if space.explores and way.teaches else None


def _stays_good(after: Rate, way: Way, target: float) -> bool:
    return after.rate * math.exp(0.5 * way.variance) <= ROOM * target


def way_of(before: Rate, after: Rate) -> Way:
    """What both share is not unsure on the way; a gain is worth less by the chance that it is a loss."""
    if not after.rate > 0.0:
        return Way(math.nan, math.inf, 0.0, 0.0, -math.inf)
    gain = math.log(before.rate) - math.log(after.rate)
    variance = max(after.log_sd**2 - before.log_sd**2, LEAST_APART**2)
    sd = math.sqrt(variance)
    return Way(gain, variance, _below(gain / sd), _below((gain + TWICE) / sd), gain - RISK * variance)


def _below(sigmas: float) -> float:
    """Chance of the normal distribution below."""
    return 0.5 * (1.0 + math.erf(sigmas / math.sqrt(2.0)))


def candidates(space: Space, tried: Tried) -> np.ndarray:
    """Changes of each parameter, float64 [moves, parameters]; the first is none."""
    now = tried.now
    steps = [
        _steps(space, name, value, tried.reach.get(name, math.inf))
        for name, value in zip(space.names, now, strict=True)
    ]
    out = [np.zeros(len(now))]
    for count in range(1, min(MOST_MOVED, len(now)) + 1):
        for chosen in combinations(range(len(now)), count):
            for values in product(*(steps[at] for at in chosen)):
                move = np.zeros(len(now))
                move[list(chosen)] = values
                out.append(move)
    return np.array(out)


def _alone(space: Space, now: Sequence[float], only: Mapping[str, float]) -> np.ndarray:
    """No change, and one to these settings."""
    return np.array(
        [np.zeros(len(now)), [only.get(name, value) - value for name, value in zip(space.names, now, strict=True)]]
    )


def _steps(space: Space, name: str, now: float, reach: float) -> list[float]:
    """Changes of one parameter that stay within its limits and its reach."""
    of = space.parameters[name]
    windows = [(of.low, of.high), of.qualified or (of.low, of.high), space.recipe.get(name, (of.low, of.high))]
    low, high = max(one[0] for one in windows), min(one[1] for one in windows)
    wanted = {round(min(max(now + way * share * of.step, low), high), 9) for way in (-1, 1) for share in SHARES}
    most = min(of.step, reach)
    least = max(of.least_step, NO_MOVE)
    return [value - now for value in sorted(wanted) if least * (1 - ROUND) <= abs(value - now) <= most * (1 + ROUND)]


def _shifts(space: Space, moves: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """How inputs of parts would move, float64 [moves, parts, inputs]."""
    per = np.zeros((len(space.names), *inputs.shape))
    for at, name in enumerate(space.names):
        by = space.moves(name)
        times = inputs[:, space.inputs.index(by.per)] if by.per else 1.0
        per[at, :, space.inputs.index(by.input)] = by.factor * times
    return np.asarray(np.tensordot(moves, per, axes=1))


def _takes(space: Space, tried: Tried, found: Found) -> tuple[float, ...]:
    move = np.array([[found.settings.get(name, now) - now for name, now in zip(space.names, tried.now, strict=True)]])
    shift = _shifts(space, move, tried.inputs).mean(axis=1)[0]
    return tuple(float(cost.at(shift)) for cost, _ in tried.costs)


def _shares(costs: Sequence[tuple[Cost, float]], shifts: np.ndarray) -> np.ndarray:
    """What a part takes after each move, as a share of what it took at first: of what grew most, float64 [moves]."""
    out = np.zeros(len(shifts))
    for cost, first in costs:
        out = np.maximum(out, cost.at(shifts.mean(axis=1)) / first)
    return out


def _found(
    space: Space, now: Sequence[float], move: np.ndarray, before: Rate, after: Rate, way: Way,
    liked: Callable[[str, float], float],
) -> Found:  # fmt: skip
    moved = [(name, float(by), value) for name, by, value in zip(space.names, move, now, strict=True) if by]
    welcome = math.prod(liked(name, by) for name, by, _ in moved)
    size = sum(abs(by) / space.parameters[name].step for name, by, _ in moved)
    settings = {name: round(value + by, 9) for name, by, value in moved}
    return Found(settings, before, after, way.sure, way.worth * welcome - SMALL * size)
