"""The picture of a warning's page: its signals over two weeks, beside their limit and what is usual of them.

matplotlib is imported here and only when it is drawn.
"""

from __future__ import annotations

from typing import Any

from models.alerting.page import Facts
from models.alerting.trends import Trend
from pipelines.cli.picture import broken, days
from pipelines.cli.report.plots import BAD, GOOD, INK, OPEN, WIDE, styled
from pipelines.cli.report.sections import Plot

TALL = 2.1


def draw(plot: Plot, facts: Facts) -> str | None:
    """The picture as SVG, None where nothing is known. Raises ModuleNotFoundError without matplotlib."""
    shown = [] if isinstance(facts.trends, str) else [one for one in facts.trends if one.points]
    if not shown:
        return None
    says = f"{', '.join(one.signal for one in shown)} of {facts.case.asset} over 14 days, with limits and what is usual"
    return styled(plot, says, lambda: _figure(shown, facts))


def _figure(shown: list[Trend], facts: Facts) -> Any:
    from matplotlib.dates import AutoDateLocator, DateFormatter
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDE, TALL), layout="constrained")
    for axis, one in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        _trend(axis, one, facts.case.opened_us)
        axis.xaxis.set_major_locator(AutoDateLocator(maxticks=5))
        axis.xaxis.set_major_formatter(DateFormatter("%m-%d"))
    return figure


def _trend(axis: Any, one: Trend, opened_us: int) -> None:
    times_us, means = zip(*one.points, strict=True)
    axis.plot(*broken(times_us, means), color=INK, lw=0.9)
    for line, colour, name in ((one.limit, BAD, "limit"), (one.usual, GOOD, "usual")):
        if line is not None:
            axis.axhline(line.level, color=colour, lw=1.0, ls="--", label=f"{name} {line.level:.4g}")
    if times_us[0] <= opened_us <= times_us[-1]:
        axis.axvline(days([opened_us])[0], color=OPEN, lw=1.2, label="opened")
    axis.set_title(f"{one.signal}, {one.unit}" if one.unit else one.signal, fontsize=9)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="best", fontsize=7)
