"""The demo's terminal view: how fast, what the ledger says, which machines are at risk, which warnings stand."""

from __future__ import annotations

import time
from collections import deque

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Column, Table
from rich.text import Text

from models.alerting.lifecycle import is_active
from models.alerting.wording import clock, labels
from models.failure.hazard import WARNING
from models.records import HORIZONS_H, Alert, Forecast
from pipelines.cli.observer import Observer
from pipelines.cli.watching import line

WARNINGS_SHOWN = 8
WIDTH = 124
BAR = 16
RATE_OVER_S = 5.0


class View:
    """Draws an observer's state; `phase` says what is going on."""

    def __init__(self, observer: Observer, limit: float) -> None:
        self.phase = ""
        self._observer, self._limit = observer, limit
        self._rows: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def __rich__(self) -> RenderableType:
        """The whole view."""
        return Panel(
            Group(self._numbers(), Text(), self._assets(), Text(), self._warnings()),
            title="Forewarn: a simulated pump plant on NASA's published pump physics",
            subtitle=self.phase,
            width=WIDTH,
        )

    @property
    def has_open_warnings(self) -> bool:
        """Whether there is something to see."""
        return bool(open_warnings(list(self._observer.alerts.copy().values())))

    def _rate(self, rows: int) -> float:
        now = time.monotonic()
        if rows != self._rows[-1][1]:
            self._rows.append((now, rows))
        while len(self._rows) > 2 and now - self._rows[0][0] > RATE_OVER_S:
            self._rows.popleft()
        (first_s, first), (_, last) = self._rows[0], self._rows[-1]
        return (last - first) / max(0.1, now - first_s)

    def _numbers(self) -> Table:
        ledger = self._observer.ledger
        table = Table.grid(padding=(0, 3))
        table.add_row(
            f"[bold]{self._rate(ledger.rows_read):,.0f}[/] rows/s",
            f"read [bold]{ledger.rows_read:,}[/]",
            f"stored [bold]{ledger.rows_stored:,}[/]",
            f"late {ledger.rows_late:,}",
            f"rejected {ledger.rows_rejected:,}",
            "[green]ledger balances[/]" if ledger.balances else "[red]ledger is off[/]",
            f"forecasts [bold]{self._observer.forecasts:,}[/]",
        )
        return table

    def _assets(self) -> Table:
        hours = [f"{hours} h" for hours in HORIZONS_H]
        table = Table(
            Column("asset", no_wrap=True),
            "state",
            "as of (UTC)",
            *hours,
            Column("chance in 72 h", no_wrap=True),
            "driven by",
            box=None,
            padding=(0, 1),
        )
        by_risk = sorted(self._observer.latest.copy().values(), key=lambda f: (-_chance(f), f.asset))
        if label := labels((f.basis, f.confidence) for f in by_risk if f.chances):
            table.caption = Text(f"chances {label}")
        for forecast in by_risk:
            chances = [f"{chance:.0%}" for chance in forecast.chances] or ["-"] * len(HORIZONS_H)
            drivers = ", ".join(driver.signal for driver in forecast.drivers[:1])
            as_of = clock(forecast.running_until_us) if forecast.running_until_us else "-"
            table.add_row(forecast.asset, forecast.operating, as_of, *chances, self._bar(_chance(forecast)), drivers)
        return table

    def _bar(self, chance: float) -> Text:
        filled = round(chance * BAR)
        colour = "red" if chance >= self._limit else "green"
        return Text("█" * filled, style=colour) + Text("░" * (BAR - filled), style="dim")

    def _warnings(self) -> RenderableType:
        revisions = sorted(self._observer.alerts.copy().values(), key=lambda alert: (alert.window_end_us, alert.asset))
        open_now = open_warnings(revisions)
        lines = [Text.from_markup(line(alert)) for alert in revisions[-WARNINGS_SHOWN:]]
        head = Text(f"warnings: {len(revisions)} revisions, {len(open_now)} open", style="bold")
        return Group(head, *lines)


def _chance(forecast: Forecast) -> float:
    return forecast.chances[WARNING] if forecast.chances else 0.0


def open_warnings(revisions: list[Alert]) -> list[Alert]:
    """The last revision of each warning that has not ended."""
    last: dict[str, Alert] = {}
    for alert in revisions:
        if alert.id not in last or alert.revision > last[alert.id].revision:
            last[alert.id] = alert
    return [alert for alert in last.values() if is_active(alert)]
