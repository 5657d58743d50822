"""NASA's simulated turbofans (C-MAPSS FD001, FD003) through the hazard's code: cycles in place of hours.

Public data, not shipped: see `tests.kit.public`. Life is told up to 125 cycles, as in the literature; what the hazard
expects of it is the area under its survival up to there. Intervals are made level on engines that were left out.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NamedTuple

import lightgbm
import numpy as np
from rich.table import Table

from onnx_export import draw
from onnx_export.survival import fit, outcomes_of, scores_of, within_of
from onnx_export.train import PARAMETERS
from tests.kit.bench import Row
from tests.kit.public import public

FOLDER = "cmapss"
SETS = ("FD001", "FD003")
CLIP = 125.0
"""Cycles; Heimes 2008 (PHM) and nearly all since clip there."""
EDGES = np.array([5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100, 112, CLIP])
"""Ends of intervals in cycles, the last where lives are clipped."""
SENSORS = (2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21)
"""By their numbers in the set's description; the other seven do not move."""
EARLY, WINDOWS, WINDOW = 20, (5, 10, 30), 30
"""Cycles that are an engine's usual, of means, and of the slope."""
ROUNDS = 500
EVERY, EVERY_JUDGED = 2, 5
"""Cycles apart of rows that folds learn from, and that their intervals are judged on."""
BANDS = (40.0, 80.0, 115.0)
"""Ends of bands of expected life, in cycles; the last holds those that are told to live on. Our choice."""
TAILS = np.round(np.arange(0.005, 0.155, 0.0025), 4)
SMALLER: dict[str, object] = {
    "num_leaves": 15, "learning_rate": 0.05, "min_data_in_leaf": 60, "feature_fraction": 0.4, "bagging_fraction": 0.6,
    "bagging_freq": 1, "max_bin": 63,
}  # fmt: skip
FOLDS, SEEDS = 5, (1, 2, 3)
COVER = 0.9
BARS = {"FD001": 11.5, "FD003": 10.0}


class Engines(NamedTuple):
    """Feature rows of engines, by engine and cycle, and what is left of their lives in cycles."""

    rows: np.ndarray  # float32 [rows, features]
    engine: np.ndarray
    left: np.ndarray


def _table(name: str) -> np.ndarray:
    with gzip.open(public(FOLDER, f"{name}.txt.gz")) as file:
        return np.loadtxt(file)


def _rows(table: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features and engines: means, slope, distance from the engine's own usual, age."""
    rows = []
    for engine in np.unique(table[:, 0]):
        own = table[table[:, 0] == engine]
        scaled = (own[:, _columns()] - mean) / spread
        end = np.arange(1, len(own) + 1)
        added = np.concatenate([np.zeros((1, scaled.shape[1])), np.cumsum(scaled, axis=0)])
        means = [_mean(added, end, window) for window in WINDOWS]
        usual = added[np.minimum(end, EARLY)] / np.minimum(end, EARLY)[:, None]
        rows.append(np.concatenate([*means, _slopes(scaled), means[1] - usual, own[:, 1:2]], axis=1))
    return np.concatenate(rows).astype(np.float32), table[:, 0].astype(np.int64)


def _columns() -> list[int]:
    return [4 + sensor for sensor in SENSORS]


def _mean(added: np.ndarray, end: np.ndarray, window: int) -> np.ndarray:
    begin = np.maximum(end - window, 0)
    return (added[end] - added[begin]) / (end - begin)[:, None]


def _slopes(scaled: np.ndarray) -> np.ndarray:
    """Least squares a cycle over the last WINDOW; NaN before three cycles."""
    out = np.full(scaled.shape, np.nan)
    for at in range(2, len(scaled)):
        part = scaled[max(0, at + 1 - WINDOW) : at + 1]
        times = np.arange(len(part)) - (len(part) - 1) / 2
        out[at] = times @ part / (times @ times)
    return out


def read(name: str) -> tuple[Engines, Engines]:
    """Engines to train on, and the last cycle of each test engine."""
    train, test = _table(f"train_{name}"), _table(f"test_{name}")
    early = train[train[:, 1] <= EARLY][:, _columns()]
    scale = early.mean(axis=0), early.std(axis=0)
    rows, engine = _rows(train, *scale)
    last = np.array([train[train[:, 0] == number, 1].max() for number in np.unique(engine)])
    left = last[engine - 1] - train[:, 1]
    of_test, test_engine = _rows(test, *scale)
    ends = np.append(np.flatnonzero(np.diff(test_engine)), len(test_engine) - 1)
    truth = np.loadtxt(public(FOLDER, f"RUL_{name}.txt"))
    return Engines(rows, engine, left), Engines(of_test[ends], test_engine[ends], truth)


def learned(engines: Engines, seed: int) -> lightgbm.Booster:
    """The hazard of engines."""
    outcomes, _ = outcomes_of(np.maximum(engines.left, 0.5), np.full(len(engines.left), np.inf), EDGES)
    return fit(engines.rows, outcomes, PARAMETERS | SMALLER | {"seed": seed}, ROUNDS, intervals=len(EDGES))


def within(model: lightgbm.Booster, rows: np.ndarray) -> np.ndarray:
    """Chances to fail within each of EDGES, float64 [rows, edges]."""
    return within_of(scores_of(model, rows, len(EDGES)))


def expected(chances: np.ndarray) -> np.ndarray:
    """Cycles that are left, up to CLIP: the area under the survival, straight between edges."""
    survival = np.concatenate([np.ones((len(chances), 1)), 1.0 - chances], axis=1)
    return ((survival[:, :-1] + survival[:, 1:]) / 2 * np.diff(EDGES, prepend=0.0)).sum(axis=1)


def quantile(chances: np.ndarray, level: float | np.ndarray) -> np.ndarray:
    """Cycles by which the chance to have failed is a level, straight between edges; CLIP where it is not reached."""
    edges = np.append(0.0, EDGES)
    rising = np.concatenate([np.zeros((len(chances), 1)), chances], axis=1)
    levels = np.broadcast_to(level, len(chances))
    return np.array([np.interp(at, row, edges, right=CLIP) for at, row in zip(levels, rising, strict=True)])


def covered(chances: np.ndarray, left: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """Whether what is left lies between the quantiles of each row's tail and of one less it, bool [rows]."""
    true = np.minimum(left, CLIP)
    return (quantile(chances, tails) <= true) & (true <= quantile(chances, 1.0 - tails))


def band(chances: np.ndarray) -> np.ndarray:
    """Which of the BANDS of expected life each row lies in, int64 [rows]."""
    return np.digitize(expected(chances), BANDS)


def tails_of(engines: Engines) -> tuple[np.ndarray, float]:
    """Of each band the widest tail at which engines that were left out are covered; and the share that they all are.

    Split by engine, and by band, each engine counting alike in it (Mondrian conformal prediction: Vovk, Gammerman and
    Shafer 2005): of engines that are watched to their end, most rows are far from it, of those that are judged not.
    """
    numbers = np.random.default_rng(SEEDS[0]).permutation(np.unique(engines.engine))
    chances = np.empty((len(engines.left), len(EDGES)))
    for at in range(FOLDS):
        out = np.isin(engines.engine, numbers[at::FOLDS])
        kept = Engines(*(part[~out][::EVERY] for part in engines))
        chances[out] = within(learned(kept, SEEDS[0]), engines.rows[out])
    some = np.arange(len(chances)) % EVERY_JUDGED == 0
    of, left, engine = chances[some], engines.left[some], engines.engine[some]
    found = [_tail(of[mine], left[mine], engine[mine]) for mine in (band(of) == at for at in range(len(BANDS) + 1))]
    tails = np.array(found)
    return tails, float(covered(of, left, tails[band(of)]).mean())


def _tail(chances: np.ndarray, left: np.ndarray, engine: np.ndarray) -> float:
    weight = 1.0 / np.bincount(engine)[engine]
    shares = [float(np.average(covered(chances, left, np.array(tail)), weights=weight)) for tail in TAILS.tolist()]
    enough = [tail for tail, share in zip(TAILS.tolist(), shares, strict=True) if share >= COVER]
    return max(enough, default=float(TAILS[0]))


class Run(NamedTuple):
    """What the hazard said of test engines, and what was left of them."""

    name: str
    chances: np.ndarray
    left: np.ndarray
    tails: np.ndarray
    out_of_fold: float

    @property
    def off(self) -> np.ndarray:
        """Expected less true cycles, both up to CLIP."""
        return expected(self.chances) - np.minimum(self.left, CLIP)

    @property
    def coverage(self) -> float:
        """Share of test engines within their interval."""
        return float(covered(self.chances, self.left, self.tails[band(self.chances)]).mean())

    @property
    def score(self) -> float:
        """NASA's, which punishes late more than early (Saxena, Goebel, Simon and Eklund 2008, PHM)."""
        return float(np.where(self.off < 0, np.exp(-self.off / 13.0), np.exp(self.off / 10.0)).sum() - len(self.off))

    def rows(self) -> list[Row]:
        """Figures with bars."""
        rmse = float(np.sqrt(np.square(self.off).mean()))
        return [
            Row(
                name=f"cmapss {self.name}: RMSE up to 125", value=rmse, unit="cycles", bar=BARS[self.name],
                at_most=True,
            ),
            Row(name=f"cmapss {self.name}: NASA score", value=self.score, unit=""),
            Row(name=f"cmapss {self.name}: 90 % interval, at least", value=self.coverage, unit="share", bar=0.88),
            Row(
                name=f"cmapss {self.name}: 90 % interval, at most", value=self.coverage, unit="share", bar=0.92,
                at_most=True,
            ),
            Row(name=f"cmapss {self.name}: the same, engines left out", value=self.out_of_fold, unit="share"),
        ]  # fmt: skip

    def table(self) -> Table:
        """All figures."""
        title = f"cmapss {self.name} (simulated by NASA), {len(self.left)} test engines, seeds {SEEDS}"
        table = Table("figure", "value", "bar", title=title, title_justify="left")
        for row in self.rows():
            table.add_row(row.name, f"{row.value:.3f} {row.unit}", "" if row.bar is None else f"{row.bar:g}")
        return table

    def report(self, folder: Path) -> list[str]:
        """A picture of each engine, and its caption."""
        true = np.minimum(self.left, CLIP)
        tails = self.tails[band(self.chances)]
        ends = quantile(self.chances, tails), quantile(self.chances, 1.0 - tails)
        picture = draw.lives(true, expected(self.chances), *ends)
        (folder / f"cmapss-{self.name}.svg").write_bytes(picture)
        return [f"## cmapss {self.name} (simulated by NASA)", "", f"![Expected and true](cmapss-{self.name}.svg)", ""]


def run(name: str) -> Run:
    """Train on the training engines, judge on the test engines: the mean of the chances of SEEDS."""
    train, test = read(name)
    chances = np.mean([within(learned(train, seed), test.rows) for seed in SEEDS], axis=0)
    return Run(name, chances, test.left, *tails_of(train))
