"""How good warnings are on public sets, judged by event, beside simpler rules: `make bench ONLY=quality`.

azure_pdm (simulated by Microsoft): 20 repeats of 5 folds by machine, each machine judged by a model that never saw it
at a limit that the other folds chose within the budget; rules, health and time to limit alone, through a partition as
live, at limits of their own. cmapss (simulated by NASA): the official test engines. Writes a report with pictures to
build/quality. The sets are public and not shipped; one that is absent is skipped, and told; without any, it fails.
ims_bearing (a real rig): rules, health and time to limit alone, since of one failure no hazard is learned, as `make
bench ONLY=rig` has it. Simulated pumps are judged by `make bench ONLY=pumps`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sklearn.metrics import average_precision_score

from models.records import HORIZONS_H, WARNING_HORIZON_H
from onnx_export import draw
from onnx_export.calibrate import reliability
from onnx_export.evaluate import Scores
from onnx_export.history import History
from tests.bench import rig
from tests.kit import azure, azure_rules, cmapss
from tests.kit import rig as of_rig
from tests.kit.bench import ROOT, Row, report
from tests.kit.judging import Curve, bounds, curve_of, limits_of, together
from tests.kit.public import public, why_not

FOLDER = ROOT / "build" / "quality"
REPEATS, BASELINE_REPEATS, QUICK = 20, 3, 1
BUDGET = 0.5
"""Unfounded warnings a machine-month on azure_pdm, as its bar states."""
MISSED_TO_UNFOUNDED = 20.0
"""What a missed failure costs in unfounded visits, in the line of costs. Our choice."""
MOVED_H = 72.0
WIDTH = 150
OWN_LIMITS = "Rules, health and time to limit warn at limits of their own: no fold chose one that keeps the budget."
NOTHING = "quality: no public set is there, so nothing was measured: put one where the lines above say"


class Judged(NamedTuple):
    """A rule on one repeat: its warnings at the limits that other machines chose, by machine, and its row metrics."""

    scores: list[Scores]
    early: Scores
    late: Scores
    precision: float
    brier: float

    @property
    def total(self) -> Scores:
        """All machines together."""
        return together(self.scores)


def judged(said: np.ndarray, folds: Sequence[Sequence[int]], history: History) -> Judged:
    """Hold a rule against the failures, and against all their dates three days early and late."""
    limits = limits_of(said)

    def chosen(moved: History | None) -> list[Scores]:
        return curve_of(history, said, limits, moved).chosen(folds, BUDGET)

    came, known = came_of(history)
    return Judged(
        chosen(None),
        *(together(chosen(azure.history(history.features, by))) for by in (-MOVED_H, MOVED_H)),
        precision=float(average_precision_score(came[known], said[known])),
        brier=float(np.square(said - came)[known].mean()),
    )


def came_of(history: History) -> tuple[np.ndarray, np.ndarray]:
    """Whether a machine fails within 72 h of each row, and of which rows that is known."""
    came = (history.hours > 0) & (history.hours <= WARNING_HORIZON_H)
    return came, came | (history.known_h > WARNING_HORIZON_H)


class Azure(NamedTuple):
    """All repeats: the hazard's, the other rules', and what the first repeat said."""

    hazard: list[Judged]
    others: dict[str, list[Judged]]
    chances: np.ndarray
    history: History
    curves: dict[str, Curve]


def run_azure(repeats: int, tick: Callable[[], object]) -> Azure:
    """Every repeat of every rule."""
    history = azure.history(np.empty((azure.MACHINES * azure.fleet().readings.shape[1], 0), np.float32))
    hazard, others = [], {name: [] for name in azure_rules.RULES}
    first, curves = np.empty(0), {}
    for repeat in range(repeats):
        folds = azure_rules.folds_of(repeat)
        chances = azure_rules.hazard(folds, repeat)
        hazard.append(judged(azure_rules.warning_of(chances), folds, history))
        if not repeat:
            first, curves = chances, {"hazard": _curve(history, azure_rules.warning_of(chances))}
        for name, rule in azure_rules.RULES.items() if repeat < BASELINE_REPEATS else ():
            said = rule(folds, repeat)
            others[name].append(judged(said, folds, history))
            if not repeat:
                curves[name] = _curve(history, said)
        tick()
    return Azure(hazard, others, first, history, curves)


def _curve(history: History, said: np.ndarray) -> Curve:
    return curve_of(history, said, limits_of(said))


def each(judged: Sequence[Judged], figure: Callable[[Scores], float]) -> list[float]:
    """By repeat."""
    return [figure(one.total) for one in judged]


def median(judged: Sequence[Judged], figure: Callable[[Scores], float]) -> float:
    """Of the repeats."""
    return float(np.median(each(judged, figure)))


def cost(scores: Scores) -> float:
    """A machine-month's, in unfounded visits."""
    missed = scores.failures - len(scores.leads_h)
    return (MISSED_TO_UNFOUNDED * missed + scores.unfounded) / scores.machine_months


FIGURES: tuple[tuple[str, Callable[[Scores], float], str], ...] = (
    ("recall", lambda one: one.recall, "share"),
    ("unfounded", lambda one: one.unfounded_a_month, "a machine-month"),
    ("median lead", lambda one: one.lead_h(), "h"),
    ("P10 lead", lambda one: one.lead_h(0.1), "h"),
    ("precision", lambda one: 1 - one.unfounded / one.episodes if one.episodes else 1.0, "share"),
    ("cost", cost, "unfounded visits a machine-month"),
)


def azure_table(found: Azure) -> Table:
    """A line a rule, medians over its repeats."""
    head = ("rule", "repeats", *(name for name, _, _ in FIGURES), "recall 3 d early/late", "average precision")
    title = "azure_pdm (simulated), by event, medians over repeats"
    table = Table(*head, title=title, title_justify="left", caption=OWN_LIMITS, caption_justify="left")
    for name, of in {"hazard": found.hazard, **found.others}.items():
        figures = (f"{median(of, figure):.3f}" for _, figure, _ in FIGURES)
        moved = (np.median([getattr(one, when).recall for one in of]) for when in ("early", "late"))
        rows = np.median([one.precision for one in of])
        table.add_row(name, str(len(of)), *figures, "/".join(f"{one:.2f}" for one in moved), f"{rows:.3f}")
    return table


def azure_rows(found: Azure) -> tuple[list[Row], list[Row]]:
    """The figures with bars, and everything else."""
    bars = {"recall": (0.92, False), "unfounded": (BUDGET, True), "median lead": (30.0, False)}
    rows, more = [], []
    for name, figure, unit in FIGURES:
        bar, at_most = bars.get(name, (None, False))
        repeats = each(found.hazard, figure)
        rows.append(Row.of(repeats, name=f"azure_pdm: {name}", unit=unit, bar=bar, at_most=at_most))
    for key, name in (("recall", "recall"), ("unfounded", "unfounded"), ("lead_h", "median lead")):
        ends = [bounds(one.scores)[key] for one in found.hazard]
        for end, which in enumerate(("5 %", "95 %")):
            value = float(np.median([one[end] for one in ends]))
            more.append(Row(name=f"azure_pdm: {name}, {which} over machines", value=value, unit=""))
    for repeat, one in enumerate(found.hazard):
        more += [
            Row(name=f"azure_pdm, repeat {repeat}: {name}", value=figure(one.total), unit=unit)
            for name, figure, unit in FIGURES
        ]
        more.append(Row(name=f"azure_pdm, repeat {repeat}: Brier 72 h", value=one.brier, unit=""))
    for rule, of in found.others.items():
        rows += [
            Row.of(
                each(of, figure),
                name=f"azure_pdm: {name}",
                unit=unit,
                peer=rule,
                ours=median(found.hazard, figure),
                at_most=name == "unfounded",
            )
            for name, figure, unit in FIGURES[:3]
        ]
    return rows, more


def azure_report(found: Azure, folder: Path) -> list[str]:
    """Pictures, and what stands beside them."""
    came = [(found.history.hours > 0) & (found.history.hours <= hours) for hours in HORIZONS_H]
    known = [now | (found.history.known_h > hours) for now, hours in zip(came, HORIZONS_H, strict=True)]
    bins = [
        reliability(found.chances[seen, at], now[seen]) for at, (now, seen) in enumerate(zip(came, known, strict=True))
    ]
    (folder / "azure-reliability.svg").write_bytes(draw.reliability(bins))
    leads = [lead for one in found.hazard for lead in one.total.leads_h]
    (folder / "azure-leads.svg").write_bytes(draw.leads(leads))
    points = {
        name: [(one.unfounded_a_month, one.recall) for one in totals(curve)] for name, curve in found.curves.items()
    }
    (folder / "azure-curves.svg").write_bytes(draw.curves(points, BUDGET))
    failures = len(found.history.failures)
    return [
        "## azure_pdm (simulated by Microsoft)", "",
        f"{azure.MACHINES} machines, {failures} failure times; each machine is judged by models that never saw it. "
        f"{OWN_LIMITS}", "",
        "![Recall against unfounded warnings](azure-curves.svg)", "![Leads](azure-leads.svg)",
        f"![Reliability, {failures} failures](azure-reliability.svg)", "",
    ]  # fmt: skip


def totals(curve: Curve) -> list[Scores]:
    """Each limit on all machines."""
    return [curve.total(at, range(azure.MACHINES)) for at in range(len(curve.limits))]


def markdown(table: Table) -> list[str]:
    """A table of rich as one of Markdown."""
    head = [str(column.header) for column in table.columns]
    cells = zip(*(list(column.cells) for column in table.columns), strict=True)
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in cells)]
    return [f"**{table.title}**", "", *("| " + " | ".join(line) + " |" for line in lines), ""]


def parts(repeats: int) -> Iterable[tuple[list[Table], list[Row], list[Row], list[str]]]:
    """Each set that is there: tables, figures, more figures, lines of the report."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        if (where := public(azure.FOLDER, "PdM_telemetry.csv")).exists():
            task = progress.add_task("azure_pdm", total=repeats)
            found = run_azure(repeats, lambda: progress.advance(task))
            rows, more = azure_rows(found)
            table = azure_table(found)
            yield [table], rows, more, [*azure_report(found, FOLDER), *markdown(table)]
        else:
            print(f"azure_pdm: skipped, {why_not(where)}")
        for name in cmapss.SETS:
            if (where := public(cmapss.FOLDER, f"train_{name}.txt.gz")).exists():
                task = progress.add_task(f"cmapss {name}", total=None)
                engines = cmapss.run(name)
                yield [engines.table()], engines.rows(), [], [*engines.report(FOLDER), *markdown(engines.table())]
                progress.remove_task(task)
            else:
                print(f"cmapss {name}: skipped, {why_not(where)}")
        if of_rig.DATA.exists():
            task = progress.add_task("ims_bearing", total=None)
            every = rig.judged()
            rows, more = rig.rows_of(every)
            title = "## ims_bearing, test 1 (a real rig that ran to failure)"
            yield [rig.shown(every)], rows, more, [title, "", *markdown(rig.shown(every))]
            progress.remove_task(task)
        else:
            print(f"ims_bearing: skipped, {why_not(of_rig.DATA)}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.quality", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} repeat of the folds: to see that it runs")
    quick = parser.parse_args().quick
    begun, console = time.perf_counter(), Console()
    console.width = max(console.width, WIDTH)
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows, more, lines = [], [], ["# Warnings on public sets", ""]
    for tables, of, rest, told in parts(QUICK if quick else REPEATS):
        for table in tables:
            console.print(table)
        rows, more, lines = rows + of, more + rest, lines + told
    if not rows:
        sys.exit(NOTHING)
    (FOLDER / "README.md").write_text("\n".join(lines) + "\n")
    print(f"{FOLDER / 'README.md'}: tables and pictures; {time.perf_counter() - begun:.0f} s")
    report("quality", rows, more, quick=quick)


if __name__ == "__main__":
    main()
