"""Rules and models on the same histories, judged alike: a limit chosen on other machines within a budget, by event.

Every rule gives a number a row; what is a chance and what is not makes no difference here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from models.records import HORIZONS_H
from onnx_export.episodes import Replay, episodes
from onnx_export.evaluate import Scores, judge
from onnx_export.history import History

LIMITS = 40
"""That are tried of a rule: quantiles of what it said, dense where it said much."""
DRAWS, DRAW_SEED, COVER = 1000, 20261126, 0.9
"""Of the bootstrap over machines (Efron 1979): draws, their seed, and the share of them between the two ends."""
PARTS = ("asset", "window_end_us", "since_us", "hours", "known_h", "mode")


def limits_of(said: np.ndarray) -> np.ndarray:
    """Limits to try: of what was said, the shares 0.5 ... 0.9999 in even steps of the logarithm of what is over.

    Not the least that was said, at which every row would warn; of what never says more, one that is never reached.
    """
    over = np.geomspace(0.5, 1e-4, LIMITS)
    found = np.unique(np.quantile(said, 1.0 - over))
    found = found[found > said.min()]
    return found if len(found) else np.array([np.inf])


def machine_of(history: History, machine: int, moved: History | None = None) -> History:
    """The rows of one machine without their features; failures of `moved` in place of its own."""
    of, mine = moved or history, history.asset == machine
    arrays = {name: getattr(of, name)[mine] for name in PARTS}
    failures = tuple(failure for failure in of.failures if failure.asset == machine)
    return replace(of, features=np.empty((int(mine.sum()), 0), np.float32), failures=failures, **arrays)


class Curve(NamedTuple):
    """What each limit is worth on each machine: Scores by limit and machine."""

    limits: tuple[float, ...]
    scores: tuple[tuple[Scores, ...], ...]

    def total(self, limit: int, machines: Iterable[int]) -> Scores:
        """Of some machines together."""
        out = Scores()
        for machine in machines:
            out = out.with_more(self.scores[limit][machine])
        return out

    def choose(self, machines: Sequence[int], budget: float) -> int:
        """The limit, by its place, that warns of most failures within a budget, and then earliest.

        Where none keeps it, the one with the fewest unfounded warnings.
        """
        tried = [self.total(limit, machines) for limit in range(len(self.limits))]
        within = [at for at, one in enumerate(tried) if one.unfounded_a_month <= budget]
        if not within:
            return min(range(len(tried)), key=lambda at: tried[at].unfounded)
        return max(within, key=lambda at: (tried[at].recall, tried[at].lead_h()))

    def chosen(self, folds: Sequence[Sequence[int]], budget: float) -> list[Scores]:
        """Scores by machine, each fold at the limit that the machines of the other folds choose."""
        out: dict[int, Scores] = {}
        for fold in folds:
            others = [machine for other in folds if other is not fold for machine in other]
            limit = self.choose(others, budget)
            out |= {machine: self.scores[limit][machine] for machine in fold}
        return [out[machine] for machine in sorted(out)]


def curve_of(history: History, said: np.ndarray, limits: Sequence[float], moved: History | None = None) -> Curve:
    """What limits are worth: warnings by the life cycle's own persistences, in rows."""
    machines = [machine_of(history, machine, moved) for machine in range(int(history.asset.max()) + 1)]
    run = Replay(history, np.repeat(said[:, None], len(HORIZONS_H), axis=1))
    out = []
    for limit in limits:
        found: dict[int, list] = {machine: [] for machine in range(len(machines))}
        for episode in episodes(run, float(limit)):
            found[episode.asset].append(episode)
        out.append(tuple(judge(of, found[machine]) for machine, of in enumerate(machines)))
    return Curve(tuple(float(limit) for limit in limits), tuple(out))


def together(scores: Iterable[Scores]) -> Scores:
    """All of them."""
    out = Scores()
    for one in scores:
        out = out.with_more(one)
    return out


def bounds(scores: Sequence[Scores]) -> Mapping[str, tuple[float, float]]:
    """Both ends of the COVER interval of recall, median lead and unfounded warnings, by drawing machines anew."""
    random = np.random.default_rng(DRAW_SEED)
    drawn = []
    for _ in range(DRAWS):
        one = together(scores[at] for at in random.integers(len(scores), size=len(scores)))
        drawn.append((one.recall, one.lead_h(), one.unfounded_a_month))
    tail = (1 - COVER) / 2
    ends = np.quantile(np.array(drawn), [tail, 1 - tail], axis=0).T
    return {
        name: (float(low), float(high))
        for name, (low, high) in zip(("recall", "lead_h", "unfounded"), ends, strict=True)
    }
