"""An evaluation as people read it: a page of Markdown with its pictures, and the figures for machines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from models.records import HORIZONS_H
from onnx_export import draw
from onnx_export.bootstrap import DRAWS, Between
from onnx_export.evaluation import Evaluation, Line
from onnx_export.report import as_json

HEAD = (
    "way to warn", "limit", "failures", "recall [95 %]", "lead h P10", "median [95 %]",
    "unfounded a machine-month [95 %]", "precision", "cost",
)  # fmt: skip


def write_evaluation(folder: Path, found: Evaluation) -> Path:
    """Write report.md, scores.json and pictures; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (
        {"report.md": markdown(found).encode(), "scores.json": document(found)} | pictures(found)
    ).items():
        (folder / name).write_bytes(content)
    return folder


def document(found: Evaluation) -> bytes:
    """All figures as JSON."""
    return as_json(
        {
            name: msgspec.to_builtins(getattr(found, name), str_keys=True)
            for name in found.__struct_fields__
            if name != "tried"
        }
        | {"limits": [{"limit": limit} | scores.figures() for limit, scores in found.tried.items()]}
    )


def cells(line: Line) -> tuple[str, ...]:
    """A line of the table, in the order of HEAD."""
    of, bounds = line.scores, line.bounds
    return (
        line.name,
        f"{line.limit:g}",
        f"{of['failures']:.0f}",
        f"{of['recall']:.2f} {_between(bounds.recall)}",
        f"{of['lead_h_p10']:.0f}",
        f"{of['lead_h_median']:.0f} {_between(bounds.lead_h_median, 0)}",
        f"{of['unfounded_a_machine_month']:.2f} {_between(bounds.unfounded_a_machine_month)}",
        "none told" if line.precision is None else f"{line.precision:.2f}",
        f"{line.cost:.2f}",
    )


def notes(found: Evaluation) -> tuple[str, ...]:
    """What must be said beside the table."""
    of = found.judging
    return (
        f"{found.rows:,} rows of {found.machines} machines, {found.judged_every_min} minutes apart or more.",
        f"The model learned from: {found.trained_on}. Where it learned from these very rows, its figures flatter it.",
        f"Limits: the model's own; or, within {of.budget:g} unfounded warnings a machine-month, the one with most "
        "failures warned of on these very rows, which flatters whoever is chosen so.",
        f"Cost: a missed failure counts as {of.missed_to_unfounded:g} unfounded warnings, over machine-months.",
        f"Bounds: 95 % of {DRAWS} draws of machines with replacement, seed {of.seed}.",
        *(f"Left out: {one}." for one in found.left_out),
    )


def rows_told(found: Evaluation) -> tuple[str, ...]:
    """Figures of rows, in words."""
    of = found.by_row
    precision = "none fails" if of.average_precision_72h is None else f"{of.average_precision_72h:.3f}"
    return (
        f"Average precision within 72 h {precision}, over {of.rows_failing_in_72h:,} of {of.rows:,} rows that fail "
        f"then; they are before {of.failures} failures, and say little more than those.",
        "Brier score within "
        + ", ".join(f"{h} h {brier:.4f}" for h, brier in zip(HORIZONS_H, of.fit.brier, strict=True))
        + ".",
    )


def markdown(found: Evaluation) -> str:
    """The page."""
    table = [HEAD, tuple("---" for _ in HEAD), *(cells(line) for line in found.lines)]
    return "\n".join(
        [
            f"# {found.version} on labelled rows",
            "",
            "## By event",
            "",
            *(f"| {' | '.join(row)} |" for row in table),
            "",
            *(f"- {note}" for note in notes(found)),
            "",
            "![Recall against unfounded warnings](limits.svg)",
            "",
            "![Leads](leads.svg)",
            "",
            "## By row",
            "",
            *(f"- {told}" for told in rows_told(found)),
            "",
            "![Reliability](reliability.svg)",
            "",
        ]
    )


def pictures(found: Evaluation) -> dict[str, bytes]:
    """SVG files by name."""
    own, rules = found.lines[0], [one for one in found.lines if not one.name.startswith("this model")]
    tried = [(limit, one.unfounded_a_month, one.recall) for limit, one in found.tried.items()]
    points = {one.name: (one.scores["unfounded_a_machine_month"], one.scores["recall"]) for one in rules}
    return {
        "limits.svg": draw.limits(tried, own.limit, points, "Limits on these rows", ""),
        "leads.svg": draw.leads(found.leads_h, "Leads at the model's own limit"),
        "reliability.svg": draw.reliability(found.by_row.fit.bins, "Reliability on these rows"),
    }


def _between(bounds: Between | Sequence[float], decimals: int = 2) -> str:
    low, high = bounds
    return f"[{low:.{decimals}f}, {high:.{decimals}f}]"
