"""Writes the report as one HTML page that needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from html import escape

from pipelines.cli import picture
from pipelines.cli.report import plots
from pipelines.cli.report.figures import Report
from pipelines.cli.report.sections import Grid, Plot, Section, sections, title

NUMBER = re.compile(r"[\d,.]+")
STYLE = """
:root { color-scheme: light dark; --back: #ffffff; --ink: #1f2328; --soft: #667078; --line: #d5dade; --bad: #b3331d;
  --good: #2f7d55; --open: #d69a14; --quiet: #8d99ae; --stripe: #f5f7f8; }
@media (prefers-color-scheme: dark) { :root { --back: #14181b; --ink: #e4e8eb; --soft: #98a3ab; --line: #343c42;
  --bad: #ef7d66; --good: #62bd8d; --open: #f2c14e; --quiet: #76839a; --stripe: #1b2125; } }
body { background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 68rem; padding: 1rem 1rem 4rem; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
nav { color: var(--soft); font-size: .9rem; } nav a { margin-right: 1em; white-space: nowrap; } a { color: inherit; }
p { max-width: 48rem; overflow-wrap: anywhere; }
.problem { border-left: 4px solid var(--bad); padding: .5rem 1rem; font-weight: 600; }
.wide { overflow-x: auto; margin: 1rem 0; }
.wide svg { display: block; width: 100%; min-width: 40rem; height: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem; border-bottom: 1px solid var(--line); }
th { white-space: nowrap; } .number { text-align: right; }
tbody tr:nth-child(even) { background: var(--stripe); }
@media print { nav { display: none; } body { max-width: none; font-size: 11px; } .wide { overflow: visible; }
  .wide svg { min-width: 0; } figure, tr { break-inside: avoid; } }
"""


def page(report: Report) -> str:
    """The report as a page."""
    return whole(title(report), sections(report), report.problems, lambda plot: plots.draw(plot, report))


def whole(
    name: str, parts: Sequence[Section], problems: Iterable[str], draw: Callable[[Plot], str | None], style: str = ""
) -> str:
    """A page of sections, with more `style`; without matplotlib it has no pictures, and says what adds them."""
    undrawn = ""
    try:
        picture.check()
    except picture.NoMatplotlib as missing:
        undrawn = f"<p>Without pictures: {escape(str(missing))}.</p>\n"
    name = escape(name)
    links = " ".join(f'<a href="#{_anchor(part)}">{escape(part.title)}</a>' for part in parts)
    warned = "".join(f'<p class="problem" role="alert">{escape(problem)}</p>\n' for problem in problems)
    body = "".join(_section(part, "" if undrawn else _drawn(part, draw)) for part in parts)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{name}</title>\n'
        f"<style>{STYLE}{style}</style>\n</head>\n<body>\n<h1>{name}</h1>\n<nav>{links}</nav>\n{warned}"
        f"<main>\n{body}</main>\n{undrawn}</body>\n</html>\n"
    )


def _anchor(section: Section) -> str:
    return section.title.lower().replace(" ", "-")


def _section(section: Section, drawn: str) -> str:
    lines = "".join(f"<p>{escape(line)}</p>\n" for line in section.lines)
    grids = "".join(map(_table, section.grids))
    return f'<section id="{_anchor(section)}">\n<h2>{escape(section.title)}</h2>\n{lines}{drawn}{grids}</section>\n'


def _drawn(section: Section, draw: Callable[[Plot], str | None]) -> str:
    return "".join(f'<figure class="wide">{svg}</figure>\n' for svg in map(draw, section.plots) if svg)


def _cell(text: str) -> str:
    number = ' class="number"' if NUMBER.fullmatch(text) else ""
    return f"<td{number}>{escape(text)}</td>"


def _table(grid: Grid) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in grid.head)
    rows = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>\n" for row in grid.rows)
    return (
        f'<div class="wide"><table>\n<caption>{escape(grid.title)}</caption>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody>\n</table></div>\n"
    )
