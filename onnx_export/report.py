"""The folder of a training run: what went in, what came out, tables and pictures. The same run gives the same bytes.

Named after the model, not the day. Only this module draws; nothing is computed here but what a picture shows.
"""

from __future__ import annotations

import csv
import io
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np

from models.failure.hazard import Card
from models.features import Spec
from onnx_export import draw
from onnx_export.calibrate import Calibration
from onnx_export.card import card_json
from onnx_export.crossval import CrossValidation
from onnx_export.episodes import Replay, episodes
from onnx_export.evaluate import Scores
from onnx_export.recipe import Recipe
from onnx_export.survival import INTERVAL
from onnx_export.train import PARAMETERS

RUNS = Path("build/runs")
PACKAGES = ("lightgbm", "matplotlib", "numpy", "onnx", "onnxmltools", "onnxruntime", "scikit-learn", "sktime")


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """All that a training run found.

    `cases` is the file of past cases, `gain` is by feature; `tried` are the limits on the validation fleets; `scores`
    are of all test fleets, `by_seed` of each; `shown` is the test fleet that one machine is drawn of.
    """

    recipe: Recipe
    spec: Spec
    onnx: bytes
    card: Card
    cases: bytes
    gain: tuple[float, ...]
    tried: Mapping[float, Scores]
    calibration: Calibration
    cross: CrossValidation
    scores: Scores
    by_seed: Mapping[int, Scores]
    baselines: Mapping[str, Scores]
    other_hands: Mapping[str, Mapping[str, float]]
    shown: Replay


def run_folder(card: Card, runs: Path = RUNS) -> Path:
    """Where the run of a model belongs: its name and the beginning of its hash."""
    return runs / card.version.replace("@", "-")


def write_run(folder: Path, run: Run) -> Path:
    """Write the run's files; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {
        f"{run.card.name}.onnx": run.onnx,
        f"{run.card.name}.json": card_json(run.card),
        "config.json": as_json(config(run.recipe)),
        "scores.json": as_json(scores_of(run)),
        "limits.csv": limits_csv(run.tried),
        "reliability.csv": reliability_csv(run.calibration),
    }
    if run.cases:
        written[f"{run.card.name}.cases.json"] = run.cases
    for name, content in (written | pictures(run)).items():
        (folder / name).write_bytes(content)
    return folder


def config(recipe: Recipe) -> dict[str, object]:
    """What went in: recipe, parameters, and the versions that made it."""
    versions = {"python": platform.python_version()} | {package: version(package) for package in PACKAGES}
    return {"recipe": msgspec.to_builtins(recipe), "parameters": PARAMETERS, "versions": versions}


def scores_of(run: Run) -> dict[str, object]:
    """What came out, in figures."""
    return {
        "version": run.card.version,
        "limit": run.card.warning_limit,
        "test": run.scores.figures(),
        "test_by_mode": run.scores.figures_by_mode(),
        "test_by_seed": {str(seed): scores.figures() for seed, scores in run.by_seed.items()},
        "test_by_sktime": run.other_hands,
        "baselines": {name: scores.figures() for name, scores in run.baselines.items()},
        "training_out_of_fold": run.cross.figures(),
        "calibration": run.calibration.figures()
        | {
            f"brier_{hours}h{when}": fit.brier[at]
            for when, fit in (("_before", run.calibration.before), ("", run.calibration.after))
            for at, hours in enumerate(draw.HORIZONS_H)
        },
        "parity": run.card.parity,
    }


def limits_csv(tried: Mapping[float, Scores]) -> bytes:
    """Figures of every limit that was tried, a row each."""
    rows = [{"limit": limit} | scores.figures() for limit, scores in tried.items()]
    return _csv(list(rows[0]), (row.values() for row in rows))


def reliability_csv(calibration: Calibration) -> bytes:
    """Chance against share that came true, by horizon and bin, before and after calibration."""
    rows = [
        (when, hours, one.low, one.high, one.rows, one.chance, one.share)
        for when, fit in (("before", calibration.before), ("after", calibration.after))
        for hours, bins in zip(draw.HORIZONS_H, fit.bins, strict=True)
        for one in bins
    ]
    return _csv(["calibration", "horizon_h", "low", "high", "rows", "chance", "share"], rows)


def pictures(run: Run) -> dict[str, bytes]:
    """SVG files by name."""
    baselines = {name: (one.unfounded_a_month, one.recall) for name, one in run.baselines.items()}
    tried = [(limit, one.unfounded_a_month, one.recall) for limit, one in run.tried.items()]
    figures = {
        "reliability.svg": draw.reliability(run.calibration.after.bins),
        "limits.svg": draw.limits(tried, run.card.warning_limit, baselines),
        "leads.svg": draw.leads(run.scores.leads_h),
        "importance.svg": draw.importance((*run.spec.names, INTERVAL), run.gain),
    }
    if run.shown.history.failures:
        figures["machine.svg"] = draw.machine(*one_life(run.shown, run.card.warning_limit), run.card.warning_limit)
    return figures


def one_life(run: Replay, limit: float) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """The longest life that ended in a failure: days to it, chances [rows, horizons], days to it of its warnings."""
    history = run.history
    lives = [_rows_before(run, failure.asset, failure.time_us) for failure in history.failures]
    rows = max(lives, key=len)
    failure = history.failures[[len(life) for life in lives].index(len(rows))]
    days = -(failure.time_us - history.window_end_us[rows]) / 86_400_000_000
    opened = [
        -(failure.time_us - episode.opened_us) / 86_400_000_000
        for episode in episodes(run, limit)
        if episode.asset == failure.asset and history.window_end_us[rows[0]] <= episode.opened_us <= failure.time_us
    ]
    return days, run.chances[rows], opened


def _rows_before(run: Replay, asset: int, failed_us: int) -> np.ndarray:
    """Rows of the life that a failure ended."""
    history = run.history
    before = np.flatnonzero((history.asset == asset) & (history.window_end_us <= failed_us))
    return before[history.since_us[before] == history.since_us[before[-1]]] if len(before) else before


def as_json(content: object) -> bytes:
    """Content for people to read, too."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _csv(head: Sequence[str], rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode()
