"""One machine's last weeks as a picture: its chance of failure over what its sensors said.

matplotlib is imported here and only when a picture is drawn; workers never are slowed by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from models.alerting.wording import labels
from models.records import HORIZONS_H, WARNING_HORIZON_H, Forecast, OperatingState
from pipelines.cli.outcome import Failure, Warned

WARNING = HORIZONS_H.index(WARNING_HORIZON_H)
MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
GAP_US = 2 * HOUR_US
HOURLY = 6
"""Of forecasts ten minutes apart one an hour is drawn."""
FLAT = {"rotation": 0, "ha": "right", "va": "center", "fontsize": 8}
INK, CHANCE, OPEN, FAILED = "#333333", "#b3331d", "#f2c14e", "#000000"
SHADES = {
    OperatingState.RUNNING: "#4c9f70",
    OperatingState.STARTING: "#a8d5ba",
    OperatingState.STOPPING: "#a8d5ba",
    OperatingState.IDLE: "#c9c9c9",
    OperatingState.OFF: "#8d99ae",
    OperatingState.MAINTENANCE: "#3d405b",
    OperatingState.UNKNOWN: "#ffffff",
}


class NoMatplotlib(Exception):
    """The picture cannot be drawn; the message says what to install."""


@dataclass(frozen=True, kw_only=True)
class Life:
    """What is drawn of an asset: its forecasts by time, its rows as InfluxDB has them, what happened to it."""

    asset: str
    forecasts: list[Forecast]
    rows: pl.DataFrame
    signals: dict[str, str]  # signal to unit
    limit: float
    warnings: tuple[Warned, ...]
    failures: tuple[Failure, ...]


def check() -> None:
    """Raise NoMatplotlib where a picture could not be drawn."""
    try:
        import matplotlib  # noqa: F401 # only asked whether it is there
    except ModuleNotFoundError as missing:
        raise NoMatplotlib(
            "pictures are drawn by matplotlib: run .venv/bin/pip install -e '.[demo]' in Forewarn's folder"
        ) from missing


def draw(life: Life, file: Path) -> None:
    """Write the picture as SVG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "forewarn", "svg.fonttype": "none", "font.size": 9, "axes.edgecolor": INK}):
        figure = Figure(figsize=(10, 6.5), layout="constrained")
        axes = figure.subplots(
            2 + len(life.signals), 1, sharex=True, height_ratios=[3, 0.35, *[1.2] * len(life.signals)]
        )
        _chance(axes[0], life)
        _states(axes[1], life)
        for axis, (signal, unit) in zip(axes[2:], life.signals.items(), strict=True):
            _signal(axis, life, signal, unit)
        axes[-1].set_xlabel("days (UTC)")
        figure.savefig(file, format="svg", metadata={"Date": None})


def days(times_us: Sequence[int] | np.ndarray) -> np.ndarray:
    """Times as matplotlib takes them."""
    return np.array(times_us, dtype="datetime64[us]")


def broken(times_us: Sequence[int], values: Sequence[float], gap_us: int = GAP_US) -> tuple[np.ndarray, np.ndarray]:
    """Places of a line that breaks where nothing is known for longer than `gap_us`."""
    gaps = np.flatnonzero(np.diff(times_us) > gap_us) + 1
    at = np.insert(days(times_us), gaps, np.datetime64("NaT"))
    return at, np.round(np.insert(np.array(values, float), gaps, np.nan), 2)


def _chance(axis: Any, life: Life) -> None:
    said = [f for f in life.forecasts if f.chances and f.operating is OperatingState.RUNNING][::HOURLY]
    line = broken([f.window_end_us for f in said], [100 * f.chances[WARNING] for f in said])
    axis.plot(*line, color=CHANCE, lw=1.2, label="chance within 72 h while it runs")
    axis.axhline(100 * life.limit, color=INK, lw=0.8, ls="--", label=f"warning limit, {life.limit:.0%}")
    for number, warning in enumerate(life.warnings):
        end_us = warning.ended_us or life.forecasts[-1].window_end_us
        label = "warning open" if number == 0 else None
        axis.axvspan(*days([warning.opened_us, end_us]), color=OPEN, alpha=0.35, lw=0, label=label)
        stands = f" {warning.level}, on {warning.rung}\n {warning.confidence} confidence"
        axis.annotate(stands, (days([warning.opened_us])[0], 3), va="bottom", fontsize=7)
    for failure in life.failures:
        when = days([failure.time_us])[0]
        axis.axvline(when, color=FAILED, lw=1.6)
        lead = "no warning" if failure.lead_h is None else f"warned {failure.lead_h:.0f} h before"
        axis.annotate(f" failed: {failure.mode}\n {lead}", (when, 97), va="top", fontsize=8)
    axis.set_ylim(0, 100)
    axis.set_ylabel("chance of failure, %")
    label = " ".join(filter(None, ("chance of failure", labels((f.basis, f.confidence) for f in said))))
    axis.set_title(f"{life.asset}: {label}, over what its sensors said", fontsize=10)
    axis.legend(loc="upper left", fontsize=8, frameon=False)


def _states(axis: Any, life: Life) -> None:
    runs = [(state, next(run).window_end_us) for state, run in groupby(life.forecasts, key=lambda f: f.operating)]
    edges = days([first_us for _, first_us in runs] + [life.forecasts[-1].window_end_us])
    drawn = set()
    for (state, _), begin, end in zip(runs, edges[:-1], edges[1:], strict=True):
        axis.axvspan(begin, end, color=SHADES[state], lw=0, label=state.value if state not in drawn else None)
        drawn.add(state)
    axis.set_yticks([])
    axis.set_ylabel("state", **FLAT)
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 0.9), ncols=len(drawn), fontsize=7, frameon=False)


def _signal(axis: Any, life: Life, signal: str, unit: str) -> None:
    """Hourly means of a signal while the machine runs."""
    ran = [f.window_end_us for f in life.forecasts if f.operating is OperatingState.RUNNING]
    minute_end, hour = (pl.col("time_us") // MINUTE_US + 1) * MINUTE_US, pl.col("time_us") // HOUR_US * HOUR_US
    rows = life.rows.filter(minute_end.is_in(ran)).group_by(hour).agg(pl.col(signal).mean())
    rows = rows.drop_nulls().sort("time_us")
    axis.plot(*broken(rows["time_us"].to_list(), rows[signal].to_list()), color=INK, lw=0.9)
    axis.set_ylabel(f"{signal.removesuffix('_' + unit.lower().replace('/', '_')).replace('_', ' ')}\n{unit}", **FLAT)
