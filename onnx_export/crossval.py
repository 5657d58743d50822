"""Machine by machine: cross-validation of the training fleets, and warnings judged by other hands. sktime does both.

sktime is imported inside the functions, since it loads for seconds and only training needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from msgspec import Struct

from models.features import Spec
from models.records import HORIZONS_H
from onnx_export.calibrate import Scaling, scaled
from onnx_export.episodes import Episode, Replay, episodes
from onnx_export.evaluate import LEAST_LEAD_H, MONTH_H, Scores, judge
from onnx_export.history import HOUR_US, History
from onnx_export.survival import Outcomes, likelihood, priors, scores_of, within_of
from onnx_export.train import train

if find_spec("sktime") is None:  # said before minutes of training, not after them
    raise ModuleNotFoundError("No module named 'sktime'", name="sktime")

FOLDS = 3
"""Each leaves a third of the machines out; more would say the same more slowly."""
FOLD_SEED = 20260103
TREES_SHARE = 0.5
"""Of the rounds of the model itself: the figures are a little worse than the model's for it, and cost half."""
HELD_EVERY_MIN = 10
"""The life cycle counts forecasts 10 minutes apart; training rows are farther apart and are held until the next."""


class CrossValidation(Struct, frozen=True):
    """Figures of training machines by models that never saw them.

    `log_loss` is the negative log likelihood in nats, with the final model's scaling; `guess` is that of priors.
    """

    rows: int
    machines: int
    log_loss: float
    guess: float
    scores: Scores

    def figures(self) -> dict[str, float]:
        """For the scores of a run folder."""
        counts = {"rows": float(self.rows), "machines": float(self.machines), "folds": float(FOLDS)}
        return counts | {"log_loss": self.log_loss, "log_loss_of_shares": self.guess} | self.scores.figures()


def splits(machine: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers to train and to test on, so that no machine is in both: sktime's InstanceSplitter over KFold.

    `machine` [rows] numbers the machines; each is one instance, one series of a panel, and goes to one fold as a whole.
    """
    import pandas as pd
    from sklearn.model_selection import KFold
    from sktime.split import InstanceSplitter

    panel = pd.MultiIndex.from_arrays([machine, np.arange(len(machine))], names=["machine", "row"])
    folds = KFold(n_splits=FOLDS, shuffle=True, random_state=FOLD_SEED)
    for kept, left_out in InstanceSplitter(folds).split(panel):
        yield np.asarray(kept), np.asarray(left_out)


def cross_validate(
    spec: Spec, histories: Sequence[History], trees: int, scaling: Scaling, limit: float
) -> CrossValidation:
    """Chances of every training row by a model of other machines, against what came, under the final limit."""
    machine = machines_of(histories)
    features = np.concatenate([history.features for history in histories])
    found = [history.outcomes for history in histories]
    outcomes = Outcomes(*(np.concatenate(parts) for parts in zip(*(one for one, _ in found), strict=True)))
    known = np.concatenate([told for _, told in found])
    chances = np.zeros((len(known), len(HORIZONS_H)))
    for kept, left_out in splits(machine):
        seen = kept[known[kept]]
        model = train(spec, features[seen], outcomes.where(seen), max(1, round(trees * TREES_SHARE)))
        chances[left_out] = within_of(scaled(scores_of(model, features[left_out]), scaling))
    outcomes, told = outcomes.where(known), chances[known]
    guess = np.cumsum(priors(outcomes)[:-1])
    ends = np.cumsum([len(history.asset) for history in histories])[:-1]
    total = Scores()
    for history, part in zip(histories, np.split(chances, ends), strict=True):
        run = held(history, part)
        total = total.with_more(judge(run.history, episodes(run, limit)))
    return CrossValidation(
        rows=len(told),
        machines=len(np.unique(machine)),
        log_loss=round(likelihood(told, outcomes), 6),
        guess=round(likelihood(np.tile(guess, (len(told), 1)), outcomes), 6),
        scores=total,
    )


def machines_of(histories: Sequence[History]) -> np.ndarray:
    """A number for each machine of each history, int64 [rows of all]."""
    out, before = [], 0
    for history in histories:
        out.append(history.asset + before)
        before += int(history.asset.max()) + 1
    return np.concatenate(out)


def held(history: History, chances: np.ndarray) -> Replay:
    """A replay in which each row's chances stand until the next row is due, in steps of HELD_EVERY_MIN.

    One row over the limit then opens a warning, so more of them are unfounded than live would have.
    """
    times = max(1, history.every_min // HELD_EVERY_MIN)
    later = np.tile(np.arange(times), len(history.asset)) * HELD_EVERY_MIN
    spread = History(
        features=np.empty((len(later), 0), np.float32),
        asset=np.repeat(history.asset, times),
        window_end_us=np.repeat(history.window_end_us, times) + later * (HOUR_US // 60),
        since_us=np.repeat(history.since_us, times),
        hours=np.repeat(history.hours, times) - later / 60,
        known_h=np.repeat(history.known_h, times) - later / 60,
        mode=np.repeat(history.mode, times),
        failures=history.failures,
        modes=history.modes,
        end_us=history.end_us,
        every_min=HELD_EVERY_MIN,
    )
    return Replay(spread, np.repeat(chances, times, axis=0))


def by_other_hands(history: History, found: Iterable[Episode]) -> dict[str, float]:
    """Openings of warnings against failures, machine by machine, by sktime's event metrics.

    `event_share`: of failures with an opening in the last horizon before them, LEAST_LEAD_H or more ahead;
    `false_a_machine_month`: openings with no failure in that time, per machine-month of the calendar. Unlike `judge`,
    a warning that opened earlier and is still open does not count, and openings near the history's end all do.
    """
    import pandas as pd
    from sktime.performance_metrics.detection import EventTPR, FalseAlarmRate

    window = {"min_offset": pd.Timedelta(hours=-HORIZONS_H[-1]), "max_offset": pd.Timedelta(hours=-LEAST_LEAD_H)}
    share, rate = EventTPR(**window), FalseAlarmRate(**window)
    found = list(found)
    hit = false = hours = 0.0
    for asset in np.unique(history.asset).tolist():
        failed = [failure.time_us for failure in history.failures if failure.asset == asset]
        opened = [episode.opened_us for episode in found if episode.asset == asset]
        clock, truth, alarms = _points(history, asset, failed, opened)
        span_h = (clock.index[-1] - clock.index[0]) / pd.Timedelta(hours=1)
        hours += span_h
        hit += share(truth, alarms, clock) * len(failed) if failed else 0.0
        false += rate(truth, alarms, clock) * span_h if opened else 0.0
    return {
        "event_share": round(hit / len(history.failures), 4) if history.failures else 1.0,
        "false_a_machine_month": round(false / hours * MONTH_H, 4) if hours else 0.0,
    }


def _points(history: History, asset: int, failed: list[int], opened: list[int]) -> tuple[Any, Any, Any]:
    """A machine's clock and its two kinds of events as sktime wants them: data frames with places in the clock."""
    import pandas as pd

    rows = history.window_end_us[history.asset == asset]
    times = np.unique(np.array([rows[0], history.end_us, *failed, *opened], np.int64))
    clock = pd.DataFrame({"running": 1.0}, index=pd.to_datetime(times, unit="us"))
    events = (
        pd.DataFrame({"ilocs": np.searchsorted(times, np.sort(np.array(at, np.int64)))}) for at in (failed, opened)
    )
    return clock, *events
