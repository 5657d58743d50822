"""A plant's own hazard from its labelled feature rows: train, calibrate and judge out of fold, then of all machines.

Every figure on its card is of machines that the model which scored them never saw; the model that ships has seen all.
The same rows, the same seed and the same memory give the same bytes.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import lightgbm
import msgspec
import numpy as np
from msgspec import Struct

from models.failure.hazard import SOME_FAILURES, Card
from models.features import Spec
from models.passed import Passed
from onnx_export import own_says
from onnx_export.asof import told
from onnx_export.calibrate import Calibration, Scaling, cooled, fit_of, scaling_of
from onnx_export.card import card_of
from onnx_export.crossval import FOLDS
from onnx_export.episodes import Replay
from onnx_export.evaluate import BUDGET_A_MONTH, LIMITS, Scores
from onnx_export.history import History, Progress, quiet
from onnx_export.judged import Machines, chances_out_of_fold, folds_of, out_of_fold, tried, within
from onnx_export.learner import Learner, pool_of, with_rows
from onnx_export.own_says import Says
from onnx_export.parity import LEAST_ROWS, Parity
from onnx_export.shards import Sample, Survey, gathered, sample_of, survey
from onnx_export.table import Data, TableError
from onnx_export.train import TREES

SEED = 20260103
"""Of folds and trees where none is given."""
MEMORY_MIB = 512
"""Where nothing is said: what a laptop spares. Our choice."""
ASIDE_EVERY, ASIDE_MOST = 20, 5000
"""One row in so many, evenly, is for the gate alone, and at most so many. Our choice; the gate draws 5,000."""
MEANWHILE = (
    "Until then warn by rules, by health and by time to limit, which need no failure: `forewarn rungs` says what each "
    "rests on"
)


class Refusal(StrEnum):
    """Why no hazard is made of rows."""

    TOO_FEW_FAILURES = "too-few-failures"
    TOO_FEW_MACHINES = "too-few-machines"
    FAILURES_OF_ONE_FOLD = "failures-of-one-fold"
    NO_SUCH_COMPONENT = "no-such-component"


class NotTrained(ValueError):  # named for what happened
    """No hazard can be made of these rows; `reason` says why, the message what to do."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class Asked(Struct, frozen=True, kw_only=True):
    """What is to be made. `modes` names what each component owns; `simulated` says what simulated the rows, if so."""

    name: str
    asset_type: str
    spec: Spec
    command: str
    modes: dict[str, tuple[str, ...]] = {}
    simulated: str | None = None
    seed: int = SEED
    memory_mib: int = MEMORY_MIB
    trees: int = TREES
    parity_rows: int = LEAST_ROWS


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """A plant's own hazard, and all that was found on the way; figures are out of fold.

    `says` is what else it tells, or why not.
    """

    asked: Asked
    onnx: bytes
    card: Card
    says: Says
    survey: Survey
    sample: Sample
    trained_rows: int
    gain: tuple[tuple[str, float], ...]
    calibration: Calibration
    tried: Mapping[float, Scores]
    scores: Scores
    judged: Machines
    peak_mib: float


class Final(NamedTuple):
    """The model that ships: it has learned from all machines, of whose rows some are kept aside for the gate."""

    onnx: bytes
    parity: Parity
    passed: Passed
    gain: tuple[tuple[str, float], ...]
    trained_rows: int
    aside_rows: int


def train_own(data: Data, asked: Asked, progress: Progress = quiet) -> Own:
    """Train, and judge out of fold. Raises TableError, FutureData, NotTrained and ParityError."""
    learner = _learner(asked)
    found = survey(data, asked.spec, progress)
    _refuse(found, learner)
    sample = sample_of(found, len(asked.spec.names), learner.components, asked.memory_mib << 20)
    rows, weight = gathered(found, asked.spec, sample, progress)
    models = of_folds(found, learner, rows, weight, asked.seed, progress)
    history, scores = out_of_fold(found, learner, sample.calibrated_every_min, models, progress)
    calibration = _calibrated(learner, history, scores, len(found.failures))
    scaling = calibration.scaling
    run = Replay(history, own_says.as_live(learner.chances(scores, scaling)))
    del scores  # they are larger than all that is kept of them
    judged = chances_out_of_fold(found, learner, sample.judged_every_min, models, scaling, progress)
    figures = tried(judged, LIMITS, lambda limit: progress(0, 2, f"limit {limit:g}"))
    limit = within(figures, BUDGET_A_MONTH)
    says = Says(
        limit,
        own_says.remains(run, folds_of(len(found.assets), asked.seed), limit),
        own_says.cases(learner, rows, models, scaling, limit),
    )
    progress(1, 2, "training on all machines")
    final = final_of(learner, rows, weight, scaling, asked.parity_rows)
    progress(2, 2, "done")
    return Own(
        asked=asked, onnx=final.onnx, card=_card(asked, final, found, says, figures[limit], calibration), says=says,
        survey=found, sample=sample, trained_rows=final.trained_rows, gain=final.gain, calibration=calibration,
        tried=figures, scores=figures[limit], judged=judged, peak_mib=peak_mib(),
    )  # fmt: skip


def final_of(learner: Learner, rows: History, weight: np.ndarray, scaling: Scaling, parity_rows: int) -> Final:
    """Train on all machines and gate on rows that were kept aside. Raises ParityError."""
    aside = aside_of(len(rows.asset))
    kept = np.flatnonzero(~aside)
    learned = with_rows(rows, kept)
    model = cooled(learner.train(learned, weight[kept]), scaling)
    onnx = learner.to_onnx(model)
    parity = learner.gate(model, onnx, learned.features, parity_rows)
    onnx, passed = learner.examine(model, onnx, learned.features, rows.features[aside])
    return Final(onnx, parity, passed, learner.gain(model), len(kept), int(aside.sum()))


def aside_of(rows: int) -> np.ndarray:
    """Which of so many rows the shipped model does not learn from: one in ASIDE_EVERY, fewer where there are very many.

    Bool [rows].
    """
    return np.arange(rows) % max(ASIDE_EVERY, -(-rows // ASIDE_MOST)) == 0


def peak_mib() -> float:
    """The most memory that this process had so far, in MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _learner(asked: Asked) -> Learner:
    try:
        pool = pool_of(asked.spec, asked.modes)
    except ValueError as wrong:
        raise TableError(f"modes of the spec: {wrong}") from wrong
    return Learner(spec=asked.spec, pool=pool, trees=asked.trees, seed=asked.seed)


def _refuse(found: Survey, learner: Learner) -> None:
    """Raise NotTrained where there is too little to learn from, or components are named that never failed."""
    failures, machines = len(found.failures), len(found.assets)
    if machines < FOLDS:
        raise NotTrained(
            Refusal.TOO_FEW_MACHINES,
            f"rows of {machines} machines, but judging on machines that a model never saw takes {FOLDS}. {MEANWHILE}",
        )
    if failures < SOME_FAILURES:
        raise NotTrained(
            Refusal.TOO_FEW_FAILURES,
            f"{failures} failures of {machines} machines, but a chance takes {SOME_FAILURES} independent ones at "
            f"least. {MEANWHILE}. Are all labels confirmed (`forewarn labels review`)?",
        )
    named = {found.modes[failure.mode] for failure in found.failures}
    if learner.pool.modes and not named & set(learner.pool.modes):
        raise NotTrained(
            Refusal.NO_SUCH_COMPONENT,
            f"the spec's modes are {', '.join(learner.pool.modes)}, but failures are of {', '.join(sorted(named))}: "
            "use the words of the labels",
        )


def of_folds(
    found: Survey, learner: Learner, rows: History, weight: np.ndarray, seed: int, progress: Progress
) -> dict[int, lightgbm.Booster]:
    """The model that never saw an asset, by its number."""
    out: dict[int, lightgbm.Booster] = {}
    folds = folds_of(len(found.assets), seed)
    for number, left_out in enumerate(folds):
        progress(number, len(folds), f"fold {number + 1}")
        if found.failed_assets <= set(left_out.tolist()):
            raise NotTrained(
                Refusal.FAILURES_OF_ONE_FOLD,
                f"all failures are of {', '.join(found.assets[at] for at in sorted(found.failed_assets))}: a model "
                f"that never saw them has nothing to learn from. Another --seed may part them. {MEANWHILE}",
            )
        kept = np.flatnonzero(~np.isin(rows.asset, left_out))
        model = learner.train(with_rows(rows, kept), weight[kept])
        out |= dict.fromkeys(left_out.tolist(), model)
    progress(len(folds), len(folds), "folds")
    return out


def _calibrated(learner: Learner, history: History, scores: np.ndarray, failures: int) -> Calibration:
    """The scaling of out-of-fold scores, and how machines' chances fit what came, without and with it."""
    outcomes, of_known = learner.outcomes(history)
    rows = np.flatnonzero(of_known)
    scaling = scaling_of(scores[rows].astype(np.float64), outcomes.where(rows))
    machines, known = history.outcomes
    told_of = np.flatnonzero(known)
    return Calibration(
        scaling=scaling,
        failures=failures,
        before=fit_of(learner.chances(scores)[told_of], machines.where(told_of)),
        after=fit_of(learner.chances(scores, scaling)[told_of], machines.where(told_of)),
    )


def _card(asked: Asked, final: Final, found: Survey, says: Says, scores: Scores, calibration: Calibration) -> Card:
    count, machines = len(found.failures), len(found.assets)
    span = f"{told(found.first_us)[:10]} to {told(found.end_us)[:10]}"
    of = asked.simulated or "this plant"
    card = card_of(
        name=asked.name,
        onnx=final.onnx,
        asset_type=asked.asset_type,
        spec=asked.spec,
        limit=says.limit,
        basis=asked.simulated or f"{count} failures of {machines} machines of this plant",
        failures=0 if asked.simulated else count,
        trained_on=(
            f"{final.trained_rows} of {found.rows} rows of {machines} machines of {of}, {span}, with {count} failures; "
            f"{final.aside_rows} more were kept for the gate; scores are out of fold: {FOLDS} folds by machine"
        ),
        command=asked.command,
        seeds={"folds and trees": (asked.seed,)},
        parity=final.parity,
        interval=says.remains.levels,
        cases=says.cases,
        gate=final.passed,
        scores=scores.figures() | calibration.figures() | {"folds": float(FOLDS)} | _by_mode(found),
    )
    return msgspec.structs.replace(card, modes=tuple(asked.modes))


def _by_mode(found: Survey) -> dict[str, float]:
    counts: Iterable[str] = (found.modes[failure.mode] for failure in found.failures)
    out: dict[str, float] = {}
    for mode in sorted(counts):
        out[f"failures_{mode}"] = out.get(f"failures_{mode}", 0.0) + 1.0
    return out
