"""`forewarn alerts kpis`: how a week's warnings were looked after, told and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.alerting.kpis import Kpis, OfEngineer, kpis
from models.alerting.precision import Precision
from pipelines.cli.acting import SHOWN_ID
from pipelines.cli.options import errors
from pipelines.cli.revisions import alerts_of
from pipelines.cli.spans import Span, thinned, week, week_of
from pipelines.main import read_plant
from pipelines.settings import Settings

HEAD = ("engineer", "raised", "standing", "held back", "stale", "chattering", "inspected", "unfounded", "precision")
HOW = (
    "Standing, held back, stale: as of the week's end, or now. Stale: nobody acknowledged it for 24 h (ISA-18.2), or "
    "it stands for over 7 days (our choice). Chattering: it came back three times within a day (our choice; "
    "ISA-18.2 has a minute, for alarms).",
    "A warning is of whom it is assigned to, else of who acknowledged it last. Precision counts only those closed in "
    "the week that somebody inspected, with Wilson's interval of 95 %.",
)


def tell_kpis(settings: Settings, said: str | None, now_us: int, console: Console, *, as_json: bool) -> None:
    """Work them out and print them. `said` is a week, None this one."""
    plant = read_plant(settings.plant, settings.site)
    span = week(said, plant.timezone) if said else week_of(now_us, plant.timezone)
    if warned := thinned(span, now_us):
        errors.print(warned, highlight=False, markup=False, soft_wrap=True)
    found = kpis(alerts_of(settings), plant.budget, span.from_us, span.to_us, now_us)
    if as_json:
        console.out(msgspec.json.encode({"week": span.name, **msgspec.to_builtins(found)}).decode(), highlight=False)
        return
    print_kpis(found, span, console)


def print_kpis(found: Kpis, span: Span, console: Console) -> None:
    """For people."""
    table = Table(*HEAD, title=f"week {span.name}", title_justify="left")
    for one in (*found.engineers, found.whole):
        table.add_row(*map(escape, _cells(one)))
    console.print(table)
    if found.top:
        top = Table("machine", "raised", "of all", title="machines with the most warnings", title_justify="left")
        for asset, count, share in found.top:
            top.add_row(escape(asset), f"{count}", f"{share:.0%}")
        console.print(top)
    for line in (*_named(found.whole), *advice(found), *HOW):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _cells(one: OfEngineer) -> tuple[str, ...]:
    counts = (one.raised, one.standing, one.held, len(one.stale), len(one.chattering), one.inspected, one.unfounded)
    return one.engineer, *map(str, counts), _share(one.precision)


def _share(found: Precision | None) -> str:
    return "none inspected" if found is None else f"{found.share:.0%} ({found.low:.0%} to {found.high:.0%})"


def _named(whole: OfEngineer) -> Iterator[str]:
    for name, ids in (("stale", whole.stale), ("chattering", whole.chattering)):
        if ids:
            yield f"{name}: {', '.join(one[:SHOWN_ID] for one in ids)}"


def advice(found: Kpis) -> Iterator[str]:
    """What to do where the plant's budget of unfounded warnings is broken."""
    if found.broken:
        yield (
            f"The budget of unfounded warnings is broken: {'; '.join(found.broken)}. Run a backfill over the last "
            "weeks and `forewarn budget FOLDER --write` on it: it chooses thresholds that keep the budget, and says "
            "what they miss."
        )
