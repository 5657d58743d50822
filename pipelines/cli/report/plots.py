"""The pictures of the report, as SVG that stands within a page and takes its colours.

matplotlib is imported here and only when a picture is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from io import StringIO
from typing import Any

import numpy as np

from models.records import WARNING_HORIZON_H, Rung
from pipelines.cli.outcome import Verdict
from pipelines.cli.picture import broken, days
from pipelines.cli.report.figures import Report
from pipelines.cli.report.scored import piece_us
from pipelines.cli.report.sections import Plot

INK, BAD, GOOD, OPEN, QUIET = "#1f2328", "#b3331d", "#2f7d55", "#d69a14", "#8d99ae"
OF_PAGE = {INK: "currentColor", BAD: "var(--bad)", GOOD: "var(--good)", OPEN: "var(--open)", QUIET: "var(--quiet)"}
"""A colour as matplotlib draws it, and as the page names it, which knows light and dark."""
BARS = {Verdict.FAILED: GOOD, Verdict.UNFOUNDED: BAD, Verdict.UNDECIDED: QUIET}
SAYS = {Verdict.FAILED: "it failed", Verdict.UNFOUNDED: "unfounded", Verdict.UNDECIDED: "undecided"}
OPENED_ON = {Rung.RULES: "s", Rung.HEALTH: "o", Rung.TREND: "^", Rung.HAZARD: "D"}
"""How the beginning of a warning is marked."""
ASSETS_DRAWN = 40
WIDE, ROW, REST = 10.0, 0.26, 1.0
"""Inches: a picture's width, a row of it, and what is around the rows."""
LEAD_BIN_H = 12


STYLE: Any = {
    "svg.fonttype": "none", "text.parse_math": False, "font.size": 9, "text.color": INK,
    "axes.labelcolor": INK, "axes.edgecolor": INK, "axes.facecolor": "none", "figure.facecolor": "none",
    "axes.spines.top": False, "axes.spines.right": False, "xtick.color": INK, "ytick.color": INK,
    "legend.frameon": False, "legend.fontsize": 8,
}  # fmt: skip


def draw(plot: Plot, report: Report) -> str | None:
    """A picture as SVG; None where there is nothing to draw. Raises ModuleNotFoundError without matplotlib."""
    drawn, says = PLOTS[plot]
    return styled(plot, says, lambda: drawn(report))


def styled(plot: Plot, says: str, drawn: Callable[[], Any]) -> str | None:
    """What is drawn, as SVG in the page's style; None where nothing is."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE | {"svg.hashsalt": plot.value}):  # ids of their own on one page
        figure = drawn()
        return None if figure is None else _svg(figure, says)


def _figure(rows: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDE, rows * ROW + REST), layout="constrained")
    return figure, figure.subplots()


def _svg(figure: Any, says: str) -> str:
    """The SVG element alone, with its title, without what would clash with another picture of the page."""
    file = StringIO()
    figure.savefig(file, format="svg")
    svg = file.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    for drawn, named in OF_PAGE.items():
        svg = svg.replace(drawn, named)
    return svg.replace(">", f' role="img" aria-label="{escape(says)}"><title>{escape(says)}</title>', 1)


def _rows(assets: list[str], report: Report) -> tuple[Any, Any]:
    """A row for each asset, from the top."""
    figure, axis = _figure(len(assets))
    axis.set_yticks(range(len(assets)), labels=assets, fontsize=8)
    axis.set_ylim(len(assets) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)
    _span(axis, report)
    return figure, axis


def _span(axis: Any, report: Report) -> None:
    axis.set_xlim(*days([report.plan.from_us, report.plan.to_us]))
    axis.set_xlabel("days (UTC)")


def _bars(axis: Any, spans: list[tuple[int, int, int]], **look: Any) -> None:
    """Stretches of time (row, from, to)."""
    if spans:
        rows, from_us, to_us = (np.array(column) for column in zip(*spans, strict=True))
        axis.barh(rows, (to_us - from_us).astype("timedelta64[us]"), left=days(from_us), **look)


def _points(axis: Any, points: list[tuple[int, int]], marker: str, says: str, **look: Any) -> None:
    """Moments (time, row)."""
    if points:
        times_us, at = zip(*points, strict=True)
        axis.plot(days(times_us), at, marker, color=INK, label=says, **look)


def _timeline(report: Report) -> Any:
    """Warnings from opening to end, failures and repairs, of the assets that have any."""
    outcome = report.outcome
    concerned = sorted({one.asset for one in outcome.warnings} | {one.asset for one in outcome.failures})
    told = concerned[:ASSETS_DRAWN]
    if not told:
        return None
    figure, axis = _rows(told, report)
    if len(concerned) > len(told):
        axis.set_title(f"the first {len(told)} of {len(concerned)} assets", loc="right", fontsize=8)
    row = {asset: number for number, asset in enumerate(told)}
    for verdict, colour in BARS.items():
        spans = [
            (row[warning.asset], warning.opened_us, warning.ended_us or report.to_us)
            for warning in outcome.warnings
            if warning.verdict is verdict and warning.asset in row
        ]
        _bars(axis, spans, height=0.55, color=colour, label=f"warning: {SAYS[verdict]}")
    for rung, marker in OPENED_ON.items():
        begins = [(one.opened_us, row[one.asset]) for one in outcome.warnings if one.rung is rung and one.asset in row]
        _points(axis, begins, marker, f"opened on {rung}", ms=3.5)
    failed = [(one.time_us, row[one.asset]) for one in outcome.failures if one.asset in row]
    repaired = [(time_us, row[asset]) for asset, time_us in report.repairs if asset in row]
    for points, marker, says in ((failed, "x", "failure"), (repaired, "|", "repair")):
        _points(axis, points, marker, says, ms=7, mew=1.6)
    figure.legend(loc="outside upper left", ncols=5)
    return figure


def _leads(report: Report) -> Any:
    """How many failures were warned how long before."""
    leads_h = report.outcome.leads_h
    if not leads_h:
        return None
    figure, axis = _figure(8)
    axis.hist(leads_h, bins=np.arange(0, max(leads_h) + 2 * LEAD_BIN_H, LEAD_BIN_H), color=GOOD, rwidth=0.92)
    axis.axvline(WARNING_HORIZON_H, color=INK, lw=0.8, ls="--", label=f"{WARNING_HORIZON_H} h")
    axis.yaxis.get_major_locator().set_params(integer=True)
    axis.set_xlabel("hours from the warning to the failure")
    axis.set_ylabel("failures")
    axis.legend()
    return figure


def _risks(report: Report) -> Any:
    """The chance within 72 h of the assets most at risk, one above the other."""
    from matplotlib.figure import Figure

    risks = report.scored.risks
    if not risks:
        return None
    figure = Figure(figsize=(WIDE, len(risks) * 0.6 + REST), layout="constrained")
    axes = figure.subplots(len(risks), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axis, risk in zip(axes, risks, strict=True):
        at, percents = broken(risk.times_us, [100 * chance for chance in risk.chances], 3 * piece_us(report.plan))
        axis.fill_between(at, percents, color=BAD, alpha=0.25, lw=0)
        axis.plot(at, percents, color=BAD, lw=1)
        for failure in (one for one in report.outcome.failures if one.asset == risk.asset):
            axis.axvline(days([failure.time_us])[0], color=INK, lw=1, ls=":")
        axis.set_ylabel(risk.asset, rotation=0, ha="right", va="center", fontsize=8)
        axis.set_ylim(0, 100)
    _span(axes[-1], report)
    figure.suptitle(
        f"chance of failure within {WARNING_HORIZON_H} h while running, %{_label(report)}; dotted: it failed",
        fontsize=9,
        x=0.01,
        ha="left",
    )
    return figure


def _label(report: Report) -> str:
    """What the chances were learned from, as far as that is known."""
    bases = sorted({report.bases[model] for models in report.plan.models.values()
                    for model in models.split(", ") if model in report.bases})  # fmt: skip
    return f" (from {', '.join(bases)})" if bases else " (what they were learned from is not known)"


def _gaps(report: Report) -> Any:
    """When the assets with most gaps were silent."""
    gaps = report.gaps
    if not gaps.number:
        return None
    assets = [one.asset for one in gaps.worst]
    row = {asset: number for number, asset in enumerate(assets)}
    figure, axis = _rows(assets, report)
    spans = [(row[asset], from_us, to_us) for asset, from_us, to_us in gaps.spans if asset in row]
    _bars(axis, spans, height=0.55, color=OPEN, edgecolor=OPEN, lw=0.8)
    return figure


PLOTS: dict[Plot, tuple[Callable[[Report], Any], str]] = {
    Plot.TIMELINE: (_timeline, "Warnings, failures and repairs by asset over the span"),
    Plot.LEADS: (_leads, "Hours from warning to failure, as a histogram"),
    Plot.RISKS: (_risks, "Chance of failure within 72 h of the ten assets most at risk, over the span"),
    Plot.GAPS: (_gaps, "When the assets with most gaps were silent"),
}
