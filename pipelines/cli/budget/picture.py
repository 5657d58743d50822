"""The picture of `forewarn budget`: what budgets from tight to loose would have caught, and at what price.

matplotlib is imported here and only when it is drawn.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from pipelines.cli.budget.figures import Figures, OfBudget
from pipelines.cli.report.plots import BAD, GOOD, INK, QUIET, WIDE, styled
from pipelines.cli.report.sections import Plot

TALL = 3.6
SAYS = "Failures caught on history against unfounded warnings per engineer and week, along budgets"


def draw(plot: Plot, figures: Figures) -> str | None:
    """The picture as SVG. Raises ModuleNotFoundError without matplotlib."""
    return styled(plot, SAYS, lambda: _caught(figures))


def _caught(figures: Figures) -> Any:
    """Without failures the warnings that opened take the place of those caught."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDE, TALL), layout="constrained")
    axis: Any = figure.subplots()
    failures = figures.today.worked.failures

    def at(of: OfBudget) -> tuple[float, float]:
        return of.had_per_engineer_week, of.worked.caught if failures else of.worked.warnings

    axis.plot(*zip(*map(at, figures.curve), strict=True), color=QUIET, lw=1.2, drawstyle="steps-post")
    named: dict[tuple[float, float], list[str]] = defaultdict(list)
    for of in figures.budgets:
        named[at(of)].append(f"{of.unfounded_per_engineer_week:g}")
    axis.plot(*zip(*named, strict=True), "o", color=GOOD, ms=5)
    for point, budgets in named.items():
        axis.annotate(", ".join(budgets), point, (5, -13), textcoords="offset points", fontsize=8)
    axis.plot(*at(figures.chosen), "o", color=GOOD, ms=9, label="the plant's budget")
    axis.plot(*at(figures.today), "x", color=BAD, ms=8, mew=2, label="as it is today")
    axis.set_xlabel("unfounded warnings per engineer and week, on history; numbers: the budget")
    axis.set_ylabel(f"of {failures} failures caught" if failures else "warnings, no failure is known")
    axis.yaxis.get_major_locator().set_params(integer=True)
    axis.set_ylim(0, 1.1 * max(1, *(at(of)[1] for of in (figures.today, *figures.curve))))
    axis.margins(x=0.04)
    if failures:
        axis.axhline(failures, color=INK, lw=0.6, ls=":")
    axis.legend(loc="lower right")
    return figure
