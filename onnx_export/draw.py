"""Pictures of a training run as SVG bytes. The same numbers give the same bytes: no dates, no random ids.

The only importer of matplotlib. Numbers come in as they are drawn; nothing of ours is imported but the horizons.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.records import HORIZONS_H, WARNING_HORIZON_H
from onnx_export.calibrate import Bin

TOP = 25
"""Features in the picture of importance."""
LEAD_BIN_H = 12
SETTINGS: Any = {"svg.hashsalt": "forewarn", "svg.fonttype": "none"}
"""A salt of its own makes ids of clip paths the same each time; text as text needs no fonts of the machine."""


def _axes(title: str, across: str, up: str, size: tuple[float, float] = (7.0, 4.5)) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=across, ylabel=up)
    axes.grid(alpha=0.3)
    return figure, axes


def _svg(figure: Figure) -> bytes:
    out = io.BytesIO()
    with matplotlib.rc_context(SETTINGS):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def reliability(bins: Sequence[Sequence[Bin]], title: str = "Reliability on test fleets") -> bytes:
    """Share that failed against the chance that was said, a line for each horizon."""
    figure, axes = _axes(title, "chance said", "share that failed")
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    for hours, found in zip(HORIZONS_H, bins, strict=True):
        axes.plot([one.chance for one in found], [one.share for one in found], marker="o", label=f"{hours} h")
    axes.legend(title="within")
    return _svg(figure)


def limits(
    tried: Sequence[tuple[float, float, float]],
    chosen: float,
    baselines: Mapping[str, tuple[float, float]],
    title: str = "Limits on validation fleets",
    beside: str = " (test)",
) -> bytes:
    """Recall against unfounded warnings: (limit, unfounded, recall) of validation, and points of rules on test."""
    figure, axes = _axes(title, "unfounded warnings a machine-month", "recall")
    axes.plot([one[1] for one in tried], [one[2] for one in tried], marker=".", label="limits tried")
    for limit, unfounded, recall in tried:
        axes.annotate(f"{limit:g}", (unfounded, recall), fontsize=7)
        if limit == chosen:
            axes.plot([unfounded], [recall], marker="o", linestyle="", label=f"chosen, {chosen:g}")
    for name, point in baselines.items():
        axes.plot(*([value] for value in point), marker="x", linestyle="", label=f"{name}{beside}")
    axes.legend()
    return _svg(figure)


def leads(leads_h: Sequence[float], title: str = "Leads on test fleets") -> bytes:
    """How many failures were warned of how long before."""
    figure, axes = _axes(title, "hours from warning to failure", "failures")
    longest = max([*leads_h, HORIZONS_H[-1]])
    axes.hist(leads_h, bins=np.arange(0, longest + LEAD_BIN_H, LEAD_BIN_H).tolist())
    axes.axvline(WARNING_HORIZON_H, color="grey", linewidth=1)
    return _svg(figure)


def importance(names: Sequence[str], gain: Sequence[float]) -> bytes:
    """Share of the trees' gain of the TOP features, the largest first."""
    order = sorted(range(len(names)), key=lambda at: (-gain[at], names[at]))[:TOP][::-1]
    total = sum(gain) or 1.0
    figure, axes = _axes("Features by gain", "share of gain", "", (7.0, 7.0))
    axes.barh([names[at] for at in order], [gain[at] / total for at in order])
    return _svg(figure)


def machine(
    days: np.ndarray,
    chances: np.ndarray,
    opened: Sequence[float],
    limit: float,
    title: str = "One machine of a test fleet",
) -> bytes:
    """Chances over one life, [rows] days to its failure and [rows, horizons], with the limit and openings."""
    figure, axes = _axes(title, "days to its failure", "chance of failure", (9.0, 4.5))
    for at, hours in enumerate(HORIZONS_H):
        if hours in (WARNING_HORIZON_H, HORIZONS_H[-1]):
            axes.plot(days, chances[:, at], linewidth=0.8, label=f"within {hours} h")
    axes.axhline(limit, color="grey", linewidth=1, label=f"limit, {limit:g}")
    for number, day in enumerate(opened):
        axes.axvline(day, color="red", linewidth=1, label=None if number else "warning")
    axes.legend()
    return _svg(figure)


def curves(points: Mapping[str, Sequence[tuple[float, float]]], budget: float) -> bytes:
    """Recall against unfounded warnings a machine-month of rules, a line each, up to three times the budget."""
    figure, axes = _axes("Recall at what cost", "unfounded warnings a machine-month", "recall")
    for name, found in points.items():
        shown = sorted(point for point in found if point[0] <= 3 * budget)
        axes.plot([one[0] for one in shown], [one[1] for one in shown], marker=".", label=name)
    axes.axvline(budget, color="grey", linewidth=1, label=f"budget, {budget:g}")
    axes.legend()
    return _svg(figure)


def lives(true: np.ndarray, expected: np.ndarray, low: np.ndarray, high: np.ndarray) -> bytes:
    """Expected against true remaining lives, with intervals, [machines] each."""
    figure, axes = _axes("Remaining life", "true", "expected, with its interval")
    order = np.argsort(true, kind="stable")
    bars = np.stack([np.maximum(expected - low, 0.0), np.maximum(high - expected, 0.0)])[:, order]
    axes.errorbar(true[order], expected[order], yerr=bars, fmt=".", elinewidth=0.6)
    axes.plot([0, true.max()], [0, true.max()], color="grey", linewidth=1)
    return _svg(figure)
