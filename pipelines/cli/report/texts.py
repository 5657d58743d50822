"""Writes the report on the terminal and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.cli.report.figures import Report
from pipelines.cli.report.sections import Grid, Section, sections, title

ROWS_SHOWN = 15
"""Rows of a table on the terminal; the files have all."""
MEANS_SOMETHING = re.compile(r"([\\|<>&*`\[\]])")


def show(report: Report, console: Console) -> None:
    """The report for people, in short."""
    tell(title(report), sections(report), console, "report.md")
    for problem in report.problems:
        console.print(f"[bold red]{escape(problem)}[/]", highlight=False, soft_wrap=True)


def tell(name: str, parts: Iterable[Section], console: Console, file: str) -> None:
    """Sections for people, with the first rows of each table; the file has all."""
    console.print(f"\n[bold]{escape(name)}[/]", highlight=False)
    for section in parts:
        console.print(f"\n[bold]{escape(section.title)}[/]", highlight=False)
        for line in section.lines:
            console.print(escape(line), highlight=False, soft_wrap=True)
        for grid in section.grids:
            console.print(_table(grid, file))


def _table(grid: Grid, file: str) -> Table:
    rest = len(grid.rows) - ROWS_SHOWN
    caption = f"{rest:,} more in {file}" if rest > 0 else None
    table = Table(*map(escape, grid.head), title=escape(grid.title), title_justify="left", caption=caption)
    for row in grid.rows[:ROWS_SHOWN]:
        table.add_row(*map(escape, row))
    return table


def markdown(report: Report) -> str:
    """The report as Markdown."""
    lines = [f"# {_plain(title(report))}", ""]
    lines += [line for problem in report.problems for line in (f"**{_plain(problem)}**", "")]
    for section in sections(report):
        lines += [f"## {_plain(section.title)}", ""]
        lines += [line for said in section.lines for line in (_plain(said), "")]
        for grid in section.grids:
            lines += [f"### {_plain(grid.title)}", "", _row(grid.head), _row(("---",) * len(grid.head))]
            lines += [*map(_row, grid.rows), ""]
    return "\n".join(lines)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(_plain, cells))} |"


def _plain(text: str) -> str:
    """A text that Markdown shows as it is, in one line."""
    return MEANS_SOMETHING.sub(r"\\\1", " ".join(text.split()))
