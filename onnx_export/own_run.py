"""The folder of a run that trained a plant's own hazard: what went in, what came out, tables and pictures.

The same run gives the same bytes, but for `resources.json`, which says what it took.
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np

from onnx_export import draw
from onnx_export.card import card_json
from onnx_export.episodes import Replay
from onnx_export.hazard_own import Own
from onnx_export.judged import warnings
from onnx_export.report import PACKAGES, as_json, limits_csv, reliability_csv
from onnx_export.train import PARAMETERS

DAY_US = 86_400_000_000
OUT_OF_FOLD = ", out of fold"


def write_own(folder: Path, own: Own) -> Path:
    """Write the run's files; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {
        f"{own.card.name}.onnx": own.onnx,
        f"{own.card.name}.json": card_json(own.card),
        "config.json": as_json(config(own)),
        "scores.json": as_json(scores(own)),
        "resources.json": as_json({"peak_rss_mib": round(own.peak_mib, 1), "memory_mib": own.asked.memory_mib}),
        "limits.csv": limits_csv(own.tried),
        "reliability.csv": reliability_csv(own.calibration),
    }
    if own.says.cases:
        written[f"{own.card.name}.cases.json"] = own.says.cases
    for name, content in (written | pictures(own)).items():
        (folder / name).write_bytes(content)
    return folder


def config(own: Own) -> dict[str, object]:
    """What went in: what was asked, which rows, and the versions that made it."""
    versions = {"python": platform.python_version()} | {package: version(package) for package in PACKAGES}
    found = own.survey
    return {
        "asked": msgspec.to_builtins(own.asked),
        "features": own.asked.spec.names,
        "parameters": PARAMETERS | {"seed": own.asked.seed},
        "parts": [part.name for part in found.data.parts],
        "rows": {"all": found.rows, "near_failures": found.near, "others": found.other, "trained": own.trained_rows},
        "sample": msgspec.to_builtins(own.sample),
        "machines": found.assets,
        "modes": found.modes,
        "versions": versions,
    }


def scores(own: Own) -> dict[str, object]:
    """What came out, in figures; all are out of fold."""
    after, before = own.calibration.after, own.calibration.before
    return {
        "version": own.card.version,
        "limit": own.card.warning_limit,
        "failures": len(own.survey.failures),
        "out_of_fold": own.scores.figures(),
        "out_of_fold_by_mode": own.scores.figures_by_mode(),
        "calibration": own.calibration.figures()
        | {
            f"{what}_{hours}h{when}": fit[at]
            for when, of in (("_before", before), ("", after))
            for what, fit in (("brier", of.brier), ("rows_known", of.known))
            for at, hours in enumerate(draw.HORIZONS_H)
        },
        "parity": own.card.parity,
        "interval": own.card.interval or own.says.remains.why_not,
    }


def pictures(own: Own) -> dict[str, bytes]:
    """SVG files by name."""
    tried = [(limit, one.unfounded_a_month, one.recall) for limit, one in own.tried.items()]
    names, gain = [name for name, _ in own.gain], [value for _, value in own.gain]
    limit = own.card.warning_limit
    out = {
        "reliability.svg": draw.reliability(own.calibration.after.bins, f"Reliability{OUT_OF_FOLD}"),
        "limits.svg": draw.limits(tried, limit, {}, f"Limits{OUT_OF_FOLD}"),
        "leads.svg": draw.leads(own.scores.leads_h, f"Leads{OUT_OF_FOLD}"),
        "importance.svg": draw.importance(names, gain),
    }
    failed = [run for run in own.judged if run.history.failures]
    if failed:
        shown = max(failed, key=lambda run: len(run.history.asset))
        out["machine.svg"] = draw.machine(*one_life(shown, limit), limit, f"One machine{OUT_OF_FOLD}")
    return out


def one_life(run: Replay, limit: float) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """The life with most rows before its failure: days to it, chances [rows, horizons], days to it of its warnings."""
    history = run.history
    lives = [
        (np.flatnonzero((history.window_end_us <= failure.time_us) & (history.since_us <= failure.time_us)), failure)
        for failure in history.failures
    ]
    rows, failure = max(
        ((rows[history.since_us[rows] == history.since_us[rows[-1:]]], failure) for rows, failure in lives),
        key=lambda life: len(life[0]),
    )
    times_us = [one.opened_us for one in warnings(run, limit)]
    inside = [us for us in times_us if len(rows) and history.window_end_us[rows[0]] <= us <= failure.time_us]
    return (
        (history.window_end_us[rows] - failure.time_us) / DAY_US,
        run.chances[rows],
        [(us - failure.time_us) / DAY_US for us in inside],
    )
