"""`forewarn alerts page`: one warning on one page, as HTML to print or as text.

`gather` asks the topics and InfluxDB for what is known, `models.alerting.page` says it, `picture` draws the trends.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from models.alerting.page import TRENDS, Facts, Part, parts, title
from pipelines.cli.acting import SHOWN_ID
from pipelines.cli.page import picture
from pipelines.cli.page.gather import facts_of
from pipelines.cli.page.prose import explainer_of, in_prose
from pipelines.cli.report.page import whole
from pipelines.cli.report.sections import Grid, Plot, Section
from pipelines.cli.report.texts import tell
from pipelines.settings import Settings

STYLE = """
@page { size: A4; margin: 12mm; }
nav { display: none; } h1 { margin: 0 0 .5rem; } h2 { font-size: 1rem; margin: .8rem 0 .2rem; } p { margin: .15rem 0; }
main { columns: 2; column-gap: 2rem; } #trends { column-span: all; }
section { break-inside: avoid; } h2 { break-after: avoid; } .wide { margin: .3rem 0; }
@media (max-width: 40rem) { main { columns: 1; } }
@media print { body { padding: 0; font-size: 10px; line-height: 1.4; } h1 { font-size: 15px; } h2 { font-size: 11px; }
  main { columns: 2; } table { font-size: 1em; } th, td { padding: .1rem .5rem; } }
"""
"""So that it is one sheet of A4; for the rest it is the page of reports."""
TEXT_WIDE = 120


def write_page(
    settings: Settings, beginning: str, to: Path | None, now_us: int, console: Console, *, text: bool, prose: bool
) -> None:
    """Print the warning whose id begins so as text, or write it as a page, with `prose` of a model if asked for.

    Raises NoMove for no such warning, or several, and ExplainerFailed for prose where no explainer is set.
    """
    explainer = explainer_of(settings) if prose else None
    facts = facts_of(settings, beginning, now_us)
    told = sections(facts) + ((in_prose(facts, explainer),) if explainer else ())
    if text and to is None:
        tell(title(facts), told, console, "")
        return
    file = to or Path(f"warning-{facts.case.id[:SHOWN_ID]}.html")
    if text:
        with file.open("w", encoding="utf-8") as opened:
            tell(title(facts), told, Console(file=opened, width=TEXT_WIDE), "")
    else:
        file.write_text(html(facts, told), encoding="utf-8")
    console.print(f"the page is in {file}", highlight=False, markup=False, soft_wrap=True)


def html(facts: Facts, told: tuple[Section, ...]) -> str:
    """The page: one file that needs nothing else."""
    return whole(title(facts), told, (), lambda plot: picture.draw(plot, facts), STYLE)


def sections(facts: Facts) -> tuple[Section, ...]:
    """What it says, as reports have it."""
    return tuple(map(_section, parts(facts)))


def _section(part: Part) -> Section:
    grids = (Grid(*part.table),) if part.table else ()
    return Section(part.title, part.lines, grids, (Plot.TRENDS,) if part.title == TRENDS else ())
