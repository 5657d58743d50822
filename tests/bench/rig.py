"""How long before the end rules and health warn of a real rig that ran to failure: `make bench ONLY=rig`.

Test 1 of the IMS bearings, which is public and not shipped. Rules run from the first row on, a health model from the
end of the days that it was learned on. All choices that a plant could have made beforehand are told, not the best one.
Bearings 3 (inner race) and 4 (rolling element) were broken at the end, 1 and 2 were not, says the data set's
description. A warning is founded that is of a broken bearing, opened within a week of the end and stood at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from models.records import HORIZONS_H, Alert, AlertReason, Evidence, Rung
from tests.kit import rig
from tests.kit.bench import Row, report
from tests.kit.public import why_not
from tests.kit.rig import BEARING_OF, BEARINGS, CHOICES, DAYS, HOUR_US, Said

BROKEN = ("bearing-3", "bearing-4")
FOUNDED_H = HORIZONS_H[-1]
"""A warning that comes earlier than the last horizon is unfounded, here as in all reports."""
WIDTH = 150


class Span(NamedTuple):
    """Something warned of an asset, from and until; None where it still did at the end."""

    asset: str
    opened_us: int
    ended_us: int | None

    @property
    def lead_h(self) -> float:
        """Hours from its opening to the end of the record."""
        return (rig.record().end_us - self.opened_us) / HOUR_US

    @property
    def is_founded(self) -> bool:
        """Whether it warned of what was broken, within a week of the end and to the last."""
        return self.asset in (*BROKEN, "rig") and self.ended_us is None and self.lead_h <= FOUNDED_H


def spans(alerts: Sequence[Alert], speaks: Callable[[Evidence], bool]) -> list[Span]:
    """When evidence of some kind began to hold of assets, and ceased to, in order of time."""
    out: list[Span] = []
    for asset, told in groupby(sorted(alerts, key=lambda one: (one.asset, one.opened_us, one.revision)), _asset):
        since_us = None
        for one in told:
            holds = one.reason is not AlertReason.CLEARED and any(map(speaks, one.evidence))
            if holds and since_us is None:
                since_us = one.window_end_us
            elif not holds and since_us is not None:
                out.append(Span(asset, since_us, one.window_end_us))
                since_us = None
        if since_us is not None:
            out.append(Span(asset, since_us, None))
    return sorted(out, key=lambda span: (span.opened_us, span.asset))


def _asset(alert: Alert) -> str:
    return alert.asset


class Judged(NamedTuple):
    """A choice, what it warned of, and of each bearing how long before the end it was warned of to the last."""

    rung: Rung
    choice: str
    found: list[Span]
    leads_h: dict[str, float]

    @property
    def founded(self) -> list[Span]:
        """Its founded warnings."""
        return [span for span in self.found if span.is_founded]

    @property
    def lead_h(self) -> float:
        """Of the first founded warning; 0 where there is none."""
        return max((span.lead_h for span in self.founded), default=0.0)

    @property
    def early(self) -> list[Span]:
        """Warnings in the first half of all running."""
        return [span for span in self.found if span.opened_us < rig.record().half_us]


def of_rules(said: Said) -> Iterator[Judged]:
    """Each choice of rules by itself, and all together."""
    for choice in (*CHOICES, ""):
        found = spans(said.alerts, lambda one, of=choice: one.rung is Rung.RULES and one.name.startswith(of))
        yield Judged(Rung.RULES, choice or "all of them", found, _leads(found))


def of_health(said: Said, days: str, rung: Rung) -> Iterator[Judged]:
    """Of the four bearings as machines of one type, and of the rig as one machine."""
    found = spans(said.alerts, lambda one: one.rung is rung)
    bearings = [span for span in found if span.asset in BEARINGS]
    yield Judged(rung, f"{days}, four machines", bearings, _leads(bearings))
    whole = [span for span in found if span.asset == "rig"]
    yield Judged(rung, f"{days}, one machine", whole, _named(said, whole))


def _leads(found: Sequence[Span]) -> dict[str, float]:
    return {span.asset: span.lead_h for span in found if span.ended_us is None}


def _named(said: Said, whole: Sequence[Span]) -> dict[str, float]:
    """Of each bearing, since when the rig's hourly health named it first at some time in the warning that stood."""
    out: dict[str, float] = {}
    for span in (span for span in whole if span.ended_us is None):
        for hour in (one for one in said.healths if one.asset == "rig" and one.window_end_us >= span.opened_us):
            if hour.drivers:
                lead_h = (rig.record().end_us - hour.window_end_us) / HOUR_US
                out.setdefault(BEARING_OF[hour.drivers[0].signal], lead_h)
    return out


def judged() -> list[Judged]:
    """All choices."""
    out: list[Judged] = []
    for days in DAYS:
        said = rig.run(days)
        out += [] if out else of_rules(said)
        for rung in (Rung.HEALTH, Rung.TREND):
            out += of_health(said, days, rung)
    return out


def shown(every: Sequence[Judged]) -> Table:
    """A line a choice. Leads are hours before the end."""
    head = ("rung", "choice", "first founded", *BEARINGS, "warnings", "unfounded", "in the first half")
    out = Table(*head, title="hours before the end", title_justify="left")
    for column in out.columns[:2]:
        column.no_wrap = True
    for one in every:
        leads = (f"{one.leads_h[name]:.0f}" if name in one.leads_h else "" for name in BEARINGS)
        first = f"{one.lead_h:.1f}" if one.founded else "none"
        counts = len(one.found), len(one.found) - len(one.founded), len(one.early)
        out.add_row(one.rung, one.choice, first, *leads, *map(str, counts))
    return out


def rows_of(every: Sequence[Judged]) -> tuple[list[Row], list[Row]]:
    """How many choices of rules and of health warned in time, with bars; and the figures of each choice."""
    few = []
    for rung in (Rung.RULES, Rung.HEALTH):
        of = [one for one in every if one.rung is rung and one.choice != "all of them"]
        warned = sum(bool(one.founded) for one in of)
        few.append(Row(name=f"{rung}: choices that warned within a week, of {len(of)}", value=warned, unit="", bar=1))
    each = []
    for one in every:
        name = f"{one.rung}, {one.choice}"
        each.append(Row(name=f"{name}: first founded (0: none)", value=one.lead_h, unit="h"))
        each += [Row(name=f"{name}: {asset}", value=lead_h, unit="h") for asset, lead_h in one.leads_h.items()]
        each.append(Row(name=f"{name}: warnings", value=len(one.found), unit="warnings"))
        each.append(Row(name=f"{name}: unfounded", value=len(one.found) - len(one.founded), unit="warnings"))
    return few, each


def main() -> None:
    if not rig.DATA.exists():
        print(f"rig: skipped, {why_not(rig.DATA)}")
        sys.exit()
    every, console = judged(), Console()
    console.width = max(console.width, WIDTH)
    console.print(shown(every))
    for choice, of in CHOICES.items():
        print(f"{choice}: {(of.__doc__ or '').splitlines()[0]}")
    times, end_us = rig.record().times, rig.record().end_us
    stands = sum(rig.us(time) > end_us for time in times)
    print(f"the end is {times[-1 - stands]:%F %T} UTC, the last row in which the rig ran; {stands} rows come after it")
    print("health of the rig as one machine: since when its hourly health named a bearing first")
    report("rig", *rows_of(every))


if __name__ == "__main__":
    main()
