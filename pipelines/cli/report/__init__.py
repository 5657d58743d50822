"""The report of a backfill: what would have fired, what it was worth, what differs from live, and what the data were.

`figures` works it out, `sections` says it in words, and `texts` and `page` write that; `plots` alone draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from rich.console import Console

from models.failure.labels import Label
from pipelines.backfill.results import Results
from pipelines.cli.report.differences import Live
from pipelines.cli.report.figures import Report, judged
from pipelines.cli.report.page import page
from pipelines.cli.report.texts import markdown, show

__all__ = ["Live", "Report", "judged", "write_reports"]
FILES = ("report.md", "report.html", "report.json")
DRAWN = ("risks", "spans")
"""What is only drawn and stands in the run's tables: not said again in `report.json`."""


def write_reports(
    results: Results,
    live: Live | str | None,
    console: Console,
    *,
    engineers: float = 1.0,
    bases: Mapping[str, str] | None = None,
    labels: Sequence[Label] = (),
) -> Report:
    """Print the report and write FILES into the run's folder; `Report.problems` says why not to rely on the run."""
    report = judged(results, live, engineers=engineers, bases=bases, labels=labels)
    for name, text in zip(FILES, (markdown(report), page(report), document(report)), strict=True):
        (results.folder / name).write_text(text, encoding="utf-8")
    show(report, console)
    console.print(f"also in {results.folder}: {', '.join(FILES)}", highlight=False, markup=False, soft_wrap=True)
    return report


def document(report: Report) -> str:
    """The report for machines."""
    figures = msgspec.to_builtins(report)
    for part, drawn in (("scored", "risks"), ("gaps", "spans")):
        del figures[part][drawn]
    found = {"problems": report.problems, "simulated": report.is_simulated, "balanced": report.ledger.balances}
    return msgspec.json.format(msgspec.json.encode(found | figures), indent=2).decode() + "\n"
