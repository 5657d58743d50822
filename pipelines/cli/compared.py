"""`forewarn model compare` for people and for machines: figures, the curve of reliability, and the verdict.

Nothing is compared or read here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from statistics import median

from rich.console import Console
from rich.table import Table

from models.alerting.reliability import Bin
from models.alerting.verdict import DAYS_A_WEEK, Verdict
from models.alerting.versus import Side
from models.alerting.wording import clock
from pipelines.cli.comparing import Compared

SHOWN = 20
"""Warnings of one side alone that are listed for people; --json has all."""
SPELLS = (
    "minutes of one machine before one failure are not independent: a failure counts once, and intervals are Wilson's "
    "95 % over spells, all minutes before one failure or 72 h of a machine without one"
)


def show(found: Compared, verdict: Verdict, console: Console, *, as_json: bool) -> None:
    """Print what would change."""
    if as_json:
        console.out(json.dumps(said_of(found, verdict)), highlight=False)
        return
    table = Table("", found.champion, found.candidate, title=_title(found), title_justify="left")
    for name, of in FIGURES:
        table.add_row(name, *(of(side, found.whole.weeks) for side in found.whole.sides))
    table.add_row("us a row, in batches of 256, here", *(f"{us:.2f}" for us in found.took_us))
    console.print(table)
    console.print(_reliability(found))
    for line in (SPELLS, *_gained(found), *_alone(found), f"verdict: {verdict.said}"):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _reliability(found: Compared) -> Table:
    """A row a bin that has minutes of either side."""
    title = f"reliability of {found.champion}, then of {found.candidate}"
    table = Table("chance", *COLUMNS, *COLUMNS, title=title, title_justify="left")
    for bins in zip(*(side.bins for side in found.whole.sides), strict=True):
        if any(one.rows for one in bins):
            table.add_row(
                f"{bins[0].low:.0%} to {bins[0].high:.0%}", *(of(one) for one in bins for of in COLUMNS.values())
            )
    return table


def _came(one: Bin) -> str:
    share = one.share
    return "-" if share is None else f"{share.share:.1%} ({share.low:.1%} to {share.high:.1%})"


COLUMNS: dict[str, Callable[[Bin], str]] = {
    "said": lambda one: "-" if one.mean is None else f"{one.mean:.1%}",
    "came (95 %)": _came,
    "minutes": lambda one: f"{one.rows:,}",
    "failures, spells": lambda one: f"{one.failures}, {one.spells}",
}


def _gained(found: Compared) -> list[str]:
    gained = found.whole.gained_h
    if not gained:
        return []
    return [
        f"lead of the candidate less the champion's, each up to 72 h, where both warned: median {median(gained):+.1f} "
        f"h, from {min(gained):+.1f} to {max(gained):+.1f} h ({len(gained)} failures)"
    ]


def _alone(found: Compared) -> list[str]:
    """Warnings of one side alone, so many of each."""
    lines: list[str] = []
    for at, name in enumerate((found.champion, found.candidate)):
        alone = sorted((us, one.asset) for one in found.each for us in one.sides[at].alone_us)
        lines += [f"only {name} warns of {asset} at {clock(us)}" for us, asset in alone[:SHOWN]]
        lines += [f"and {len(alone) - SHOWN} more: --json has all"] * (len(alone) > SHOWN)
    return lines


def _title(found: Compared) -> str:
    whole = found.whole
    return (
        f"{len(found.each)} machines, {whole.weeks * DAYS_A_WEEK:,.1f} machine-days, {whole.both} warnings of the "
        "champion that the candidate gives too"
    )


def _a_day(count: int, weeks: float) -> str:
    return f"{count / (weeks * DAYS_A_WEEK):.3f}" if weeks else "-"


FIGURES: tuple[tuple[str, Callable[[Side, float], str]], ...] = (
    ("warnings", lambda side, _: str(side.worth.warnings)),
    ("warnings a machine-day", lambda side, weeks: _a_day(side.worth.warnings, weeks)),
    ("that only it gives", lambda side, _: str(len(side.alone_us))),
    ("unfounded", lambda side, _: str(side.worth.unfounded)),
    ("undecided yet", lambda side, _: str(side.worth.undecided)),
    ("failures warned of", lambda side, _: f"{side.worth.caught} of {side.worth.failures}"),
    ("median lead, h", lambda side, _: "-" if side.worth.median_lead_h is None else f"{side.worth.median_lead_h:.1f}"),
    ("Brier within 72 h", lambda side, _: "-" if side.brier is None else f"{side.brier:.4f}"),
    (
        "minutes before a failure: by its chances, and as it came",
        lambda side, _: f"{side.expected:,.0f}, {side.came:,} of {side.known:,} known",
    ),
)


def said_of(found: Compared, verdict: Verdict) -> dict[str, object]:
    """For machines: both sides, what only one gives, and the verdict."""
    versions = (found.champion, found.candidate)
    sides = {version: _side(found, at) for at, version in enumerate(versions)}
    whole = found.whole
    return {
        "champion": found.champion, "candidate": found.candidate, "machines": len(found.each),
        "machine_days": whole.weeks * DAYS_A_WEEK, "days": found.trial.days, "both": whole.both,
        "lead_gained_h": whole.gained_h, "sides": sides,
        "verdict": {"reason": verdict.reason, "figures": verdict.figures},
    }  # fmt: skip


def _side(found: Compared, at: int) -> dict[str, object]:
    side = found.whole.sides[at]
    return {
        "warnings": side.worth.warnings, "unfounded": side.worth.unfounded, "undecided": side.worth.undecided,
        "failures": side.worth.failures, "leads_h": side.worth.leads_h, "brier_72h": side.brier,
        "expected": side.expected, "came": side.came, "known": side.known, "us_a_row_256": found.took_us[at],
        "reliability": [_bin(one) for one in side.bins],
        "alone": [[one.asset, us] for one in found.each for us in one.sides[at].alone_us],
    }  # fmt: skip


def _bin(one: Bin) -> dict[str, float | None]:
    share = one.share
    return {
        "from": one.low, "to": one.high, "rows": one.rows, "mean_chance": one.mean,
        "came": None if share is None else share.share, "low": None if share is None else share.low,
        "high": None if share is None else share.high, "failures": one.failures, "spells": one.spells,
    }  # fmt: skip
