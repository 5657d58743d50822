"""What the demo found: the table at its end, the same as JSON, and why it can fail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.alerting.wording import clock
from pipelines.cli.demo_backfilled import Backfilled
from pipelines.cli.demo_backfilled import line as backfilled_line
from pipelines.cli.demo_planned import Planned, lines
from pipelines.cli.demo_swapped import Swapped
from pipelines.cli.demo_swapped import line as swapped_line
from pipelines.cli.demo_tuned import Tuned
from pipelines.cli.demo_tuned import lines as tuned_lines
from pipelines.cli.outcome import Outcome, Verdict, Warned, became, leads
from pipelines.cli.watching import trend
from pipelines.ledger import Ledger

P99_BAR_MS = 200
DRIVERS_SHOWN = 2
WARNINGS_HEAD = (
    "\n[bold]warnings[/] as they opened; after a colon, drivers: how far from this pump's usual at this load, and how "
    "that moves"
)


@dataclass(frozen=True, kw_only=True)
class Told:
    """Warnings that both receivers were told of, and by how many notifications each.

    `unheard` had ended before the role looked; `missing` are those that nobody was told of, or one receiver alone.
    """

    warnings: int = 0
    to_webhook: int = 0
    to_topic: int = 0
    unheard: int = 0
    missing: int = 0


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the demo found. `rows_in_influxdb` was counted there; all else comes from the topics."""

    rows_sent: int
    ledger: Ledger
    rows_in_influxdb: int
    forecasts: int
    outcome: Outcome
    latencies_ms: tuple[int, ...]
    pace_rows_s: float
    kafka: str
    influxdb: str
    seconds: float
    worker: int
    restarts: int
    told: Told = Told()
    planned: Planned | None = None
    tuned: Tuned | None = None
    swapped: Swapped | None = None
    backfilled: Backfilled | None = None
    by_model: Mapping[str, int] = field(default_factory=dict)

    def problems(self) -> list[str]:
        """Why the demo has failed; empty if it has not."""
        ledger = self.ledger
        checks = (
            (ledger.balances, "the ledger does not balance: rows or values read are neither stored nor rejected"),
            (ledger.rows_read == self.rows_sent, f"{self.rows_sent} rows sent, {ledger.rows_read} read"),
            (
                ledger.rows_stored == self.rows_in_influxdb,
                f"{ledger.rows_stored} rows stored, {self.rows_in_influxdb} in InfluxDB",
            ),
            (not (wrong := self.planned.problem if self.planned else ""), wrong),
            (not (why := self.tuned.problem if self.tuned else ""), why),
            (not (unswapped := self._unswapped()), unswapped),
            (not (differs := self.backfilled.problem if self.backfilled else ""), differs),
            (not self.told.missing, f"{self.told.missing} warnings were not delivered to both subscriptions"),
        )
        return [problem for holds, problem in checks if not holds]

    def _unswapped(self) -> str:
        """Why no model was swapped in; empty where one was, or none was to be."""
        if self.swapped is None:
            return ""
        if self.swapped.why or not self.by_model.get(self.swapped.after):
            return f"no model was swapped in: {self.swapped.why or 'no forecast is by the new one'}"
        return ""

    def latency_ms(self, percent: float) -> float:
        """Percentile of the time from a record's arrival to the forecast it led to, both by the broker's clock."""
        return float(np.percentile(self.latencies_ms, percent)) if self.latencies_ms else float("nan")


def write(summary: Summary, file: Path) -> None:
    """The summary for machines."""
    outcome = summary.outcome
    ledger = msgspec.to_builtins(summary.ledger)
    document = {
        "rows_sent": summary.rows_sent,
        **ledger,
        "rows_in_influxdb": summary.rows_in_influxdb,
        "balanced": not summary.problems(),
        "problems": summary.problems(),
        "simulated": True,
        "failures": msgspec.to_builtins(outcome.failures),
        "warned": len(outcome.leads_h),
        "lead_h": [round(lead, 1) for lead in outcome.leads_h],
        "warnings": msgspec.to_builtins(outcome.warnings),
        "unfounded_warnings": outcome.count(Verdict.UNFOUNDED),
        "undecided_warnings": outcome.count(Verdict.UNDECIDED),
        "machine_months": round(outcome.machine_months, 1),
        "worker_restarts": summary.restarts,
        "delivered": asdict(summary.told),
        "suggestion": msgspec.to_builtins(summary.tuned._asdict()) if summary.tuned else None,
        "swap": summary.swapped._asdict() if summary.swapped else None,
        "forecasts_by_model": dict(summary.by_model),
        "backfill": summary.backfilled._asdict() if summary.backfilled else None,
        "plan": msgspec.to_builtins(summary.planned.plan) if summary.planned else None,
        "latency_ms": {
            "p50": summary.latency_ms(50), "p99": summary.latency_ms(99),
            "forecasts": len(summary.latencies_ms), "pace_rows_s": summary.pace_rows_s,
        },
        "kafka": summary.kafka,
        "influxdb": summary.influxdb,
        "seconds": summary.seconds,
    }  # fmt: skip
    file.write_text(json.dumps(document, indent=2) + "\n")


def show(summary: Summary, console: Console) -> None:
    """The summary for people."""
    console.print(_ledger(summary.ledger))
    console.print(WARNINGS_HEAD)
    for warning in summary.outcome.warnings:
        console.print(_warning(warning), highlight=False, soft_wrap=True)
    missed = [failure for failure in summary.outcome.failures if failure.lead_h is None]
    for failure in missed:
        console.print(f"[red]not warned:[/] {failure.asset} {failure.mode} {clock(failure.time_us)}", highlight=False)
    for text in _lines(summary):
        console.print(text, highlight=False)
    for problem in summary.problems():
        console.print(f"[red]{problem}[/]")
    if not summary.problems():
        console.print("[green]ledger balances: read = stored + rejected, and InfluxDB holds what was stored[/]")


def _ledger(ledger: Ledger) -> Table:
    table = Table("", "rows", "values", title="what came and where it went", title_justify="left")
    for what in ("read", "stored", "late", "rejected"):
        table.add_row(what, f"{getattr(ledger, f'rows_{what}'):,}", f"{getattr(ledger, f'values_{what}'):,}")
    return table


def _warning(warning: Warned) -> str:
    """A warning as it opened, and the time there was to act on it."""
    act = became(warning).replace("unfounded", "[red]unfounded[/]")
    drivers = "; ".join(map(trend, warning.drivers[:DRIVERS_SHOWN]))
    said = f"{warning.level}, {warning.confidence} confidence, {escape(warning.says)}"
    return f"{clock(warning.opened_us)}  [bold]{warning.asset}[/]  {act:31}  {said}" + (
        f": {drivers}" if drivers else ""
    )


def delivered(told: Told) -> str:
    """Who was told of how many warnings, in words."""
    unheard = f"; {told.unheard} had ended before anybody was told" if told.unheard else ""
    return (
        f"{told.warnings} warnings delivered, as they opened, changed and ended: {told.to_webhook} notifications to a"
        f" webhook, {told.to_topic} to a topic of its own{unheard}"
    )


def _lines(summary: Summary) -> tuple[str, ...]:
    outcome = summary.outcome
    return (
        leads(outcome),
        f"unfounded warnings {outcome.count(Verdict.UNFOUNDED)} in {outcome.machine_months:.0f} machine-months,"
        f" {outcome.count(Verdict.UNDECIDED)} undecided at the end",
        delivered(summary.told),
        *([swapped_line(summary.swapped, summary.by_model.get(summary.swapped.after, 0))] if summary.swapped else ()),
        *([backfilled_line(summary.backfilled)] if summary.backfilled else ()),
        *(lines(summary.planned) if summary.planned else ()),
        *(tuned_lines(summary.tuned) if summary.tuned else ()),
        f"latency p50 {summary.latency_ms(50):.0f} ms, p99 {summary.latency_ms(99):.0f} ms"
        f" ({len(summary.latencies_ms)} forecasts at {summary.pace_rows_s:.0f} rows/s; bar p99 {P99_BAR_MS} ms)",
        f"{summary.forecasts:,} forecasts; InfluxDB holds {summary.rows_in_influxdb:,} rows;"
        f" worker restarted {summary.restarts} time(s) on the way",
        f"Kafka {summary.kafka}, InfluxDB {summary.influxdb}; {summary.seconds:.0f} s; also in build/demo.json",
    )
