"""The report in words, section by section, as it is on the terminal, in Markdown and in HTML alike.

Texts here are plain: whoever writes them escapes them, for names of assets are what people typed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from models.alerting.wording import clock
from models.records import Notice, NoticeKind, NoticeState
from pipelines.backfill.plan import What
from pipelines.cli.outcome import Warned, became, leads
from pipelines.cli.report.coverage import lines
from pipelines.cli.report.differences import Compared, Difference
from pipelines.cli.report.figures import DAY_US, Report, Shifted, Worth
from pipelines.cli.report.rungs import Opened
from pipelines.cli.watching import trend

DRIVERS_TOLD, NAMES_TOLD, FAULTS_TOLD = 2, 12, 50
BECAME = ("opened", "it failed", "hours to act", "unfounded", "undecided")


class Plot(StrEnum):
    """A picture that belongs to a section, where pictures can be shown."""

    TIMELINE = "timeline"
    LEADS = "leads"
    RISKS = "risks"
    GAPS = "gaps"
    BUDGETS = "budgets"
    TRENDS = "trends"


@dataclass(frozen=True)
class Grid:
    """A table: what it holds, its head, its rows."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """A part of the report."""

    title: str
    lines: tuple[str, ...]
    grids: tuple[Grid, ...] = ()
    plots: tuple[Plot, ...] = ()


def title(report: Report) -> str:
    """What the report is about."""
    return f"Backfill of {report.plan.plant}, {clock(report.plan.from_us)} to {clock(report.plan.to_us)} UTC"


def sections(report: Report) -> tuple[Section, ...]:
    """All of it, in the order of reading."""
    return (
        Section("In short", tuple(_short(report))),
        Section("What was done", tuple(_plan(report))),
        _fired(report),
        _leads(report),
        Section("Unfounded warnings", tuple(_unfounded(report))),
        *_time_to_failure(report),
        _live(report.difference),
        _quality(report),
        _gaps(report),
        _ledger(report),
    )


def few(names: tuple[str, ...]) -> str:
    """The first of them, and how many more."""
    rest = len(names) - NAMES_TOLD
    return ", ".join(names[:NAMES_TOLD]) + (f" and {rest} more" if rest > 0 else "")


def _short(report: Report) -> Iterator[str]:
    worth, ledger = report.worth, report.ledger
    if What.ALERTS in report.plan.what:
        failures = f"{leads(report.outcome)}; " if worth.failures else "no failure is known; "
        yield f"{worth.warnings} warnings: {failures}{worth.unfounded} unfounded, {worth.undecided} undecided."
    share = "an unknown share" if report.gaps.share is None else f"{report.gaps.share:.2%}"
    yield (
        f"{ledger.rows_read:,} rows read, {ledger.values_rejected:,} of {ledger.values_read:,} values rejected; "
        f"assets were silent for {share} of the time."
    )
    yield _balance(report)


def _plan(report: Report) -> Iterator[str]:
    plan, found = report.plan, report.plan.found
    yield f"Run {plan.name} of plant {plan.plant}, version {plan.plant_version}."
    yield f"{len(plan.assets)} assets: {few(plan.assets)}."
    earlier = f"{_span(plan.read_from_us, plan.from_us)} earlier" if plan.read_from_us else "where the source begins"
    warm = f"; reading began {earlier}, so that windows were full by then"
    yield (
        f"{clock(plan.from_us)} to {clock(plan.to_us)} UTC, {_span(plan.from_us, plan.to_us)}"
        f"{warm if plan.read_from_us < plan.from_us else ''}."
    )
    if report.labels:
        yield f"Failures and repairs by {report.labels:,} labels of people, and by records where no label is."
    rows = "" if found.rows is None else f", {found.rows:,} rows"
    yield f"Read from {plan.where} ({plan.source}; {found.parts} {found.unit}{rows})."
    if (report.from_us, report.to_us) != (plan.from_us, plan.to_us):
        yield f"It has data from {clock(report.from_us)} to {clock(report.to_us)}; warnings are judged by that span."
    for of_type, models in sorted(plan.models.items()):
        for model in models.split(", "):
            basis = report.bases.get(model, "what no warning here says")
            yield f"Model of {of_type}: {model}; it learnt its chances from {basis}."
    if report.is_simulated:
        yield "Chances from simulated machines show how it works; how often yours fail they cannot know."
    every = (
        "every minute, as live" if plan.every_min == 1 else f"every {plan.every_min} minutes; live scores every minute"
    )
    made = ", ".join(plan.what) or "nothing"
    yield f"Made: {made}; kept in {', '.join(plan.into) or 'the folder of the run alone'}."
    if What.FORECASTS in plan.what or What.ALERTS in plan.what:
        late = f"rows later than {plan.lateness_s} s changed none"
        yield f"{report.scored.forecasts:,} forecasts, scored {every}; {late}."


def _span(from_us: int, to_us: int) -> str:
    days = (to_us - from_us) / DAY_US
    return f"{days:.1f} days" if days >= 1 else f"{days * 24:.1f} h"


def _fired(report: Report) -> Section:
    name, outcome = "What would have fired", report.outcome
    if What.ALERTS not in report.plan.what:
        return Section(name, ("Warnings were not asked for.",))
    if not outcome.warnings:
        why = "" if report.scored.forecasts else "; there are no forecasts, so that only rules and limits could have"
        return Section(name, (f"None: no warning would have opened{why}.",), plots=(Plot.TIMELINE, Plot.RISKS))
    lines = (
        f"{len(outcome.warnings)} warnings would have opened, on {len({w.asset for w in outcome.warnings})} assets.",
        "Drivers: how far from the asset's usual at that load, and how that moves, when the warning opened.",
    )
    grids = (_warnings("Warnings as they opened", outcome.warnings), _by_rung(report), _by_name(report))
    return Section(name, lines, grids, (Plot.TIMELINE, Plot.RISKS))


def _by_rung(report: Report) -> Grid:
    rows = tuple((str(rung), *_opened(of)) for rung, of in report.rungs.items())
    return Grid("Warnings by the highest rung that they opened on", ("rung", *BECAME), rows)


def _by_name(report: Report) -> Grid:
    rows = tuple((str(of.rung), of.name, *_opened(of.worth), str(of.confidence), of.basis) for of in report.evidence)
    head = ("rung", "evidence", *BECAME, "confidence", "founded on")
    return Grid("Warnings by the evidence that they opened with", head, rows)


def _opened(of: Opened) -> tuple[str, ...]:
    act_h = "-" if of.median_act_h is None else f"{of.median_act_h:.0f}"
    return f"{of.opened:,}", f"{of.caught:,}", act_h, f"{of.unfounded:,}", f"{of.undecided:,}"


def _warnings(name: str, warnings: tuple[Warned, ...]) -> Grid:
    head = ("opened (UTC)", "asset", "level", "rests on", "confidence", "ended", "what became of it", "top drivers")
    return Grid(name, head, tuple(map(_warning, warnings)))


def _warning(warning: Warned) -> tuple[str, ...]:
    ended = "open at the end" if warning.ended_us is None else f"{warning.ended} {clock(warning.ended_us)}"
    drivers = "; ".join(map(trend, warning.drivers[:DRIVERS_TOLD]))
    stands = (str(warning.level), warning.says, str(warning.confidence))
    return clock(warning.opened_us), warning.asset, *stands, ended, became(warning), drivers


def _leads(report: Report) -> Section:
    name, outcome = "Lead times", report.outcome
    if not outcome.failures:
        return Section(name, ("No failure of these assets is known in the span, so no lead time can be told.",))
    missed = [failure for failure in outcome.failures if failure.lead_h is None]
    rows = tuple((clock(failure.time_us), failure.asset, failure.mode or "-") for failure in missed)
    grids = [Grid("Failures without a warning", ("failed (UTC)", "asset", "mode"), rows)] if missed else []
    grids.append(_dates_off(report.shifted))
    return Section(name, (f"{leads(outcome).capitalize()}.",), tuple(grids), (Plot.LEADS,) if outcome.leads_h else ())


def _dates_off(shifted: tuple[Shifted, ...]) -> Grid:
    head = ("dates", "warned", "of failures", "recall", "median lead, h", "unfounded")
    rows = tuple(
        (
            f"{one.days:+d} days" if one.days else "as they are",
            f"{one.warned:,}",
            f"{one.failures:,}",
            f"{one.recall:.2f}",
            "-" if one.median_lead_h is None else f"{one.median_lead_h:.0f}",
            f"{one.unfounded:,}",
        )
        for one in shifted
    )
    return Grid("Were all dates of failures and repairs days off, as people type them", head, rows)


def _unfounded(report: Report) -> Iterator[str]:
    worth = report.worth
    if What.ALERTS not in report.plan.what:
        yield "Warnings were not asked for."
        return
    yield (
        f"{worth.unfounded} unfounded of {worth.warnings} warnings: no failure followed within a week. "
        f"{worth.undecided} undecided, of which {worth.repaired} repaired before a failure."
    )
    yield from _rates(worth)
    if not worth.failures:
        yield "No failure is known: unfounded here means no more than that nobody wrote one down."


def _time_to_failure(report: Report) -> Iterator[Section]:
    """Whether intervals held, where any was told."""
    if said := lines(report.covered):
        yield Section("Time to failure", said)


def _rates(worth: Worth) -> Iterator[str]:
    per_week, per_month = worth.unfounded_per_engineer_week, worth.unfounded_per_machine_month
    if per_week is None:
        yield "There are no data in the span, so there is no figure by week."
    else:
        people = "engineer" if worth.engineers == 1 else "engineers"
        yield (
            f"{per_week:.2f} unfounded warnings per engineer-week "
            f"({worth.unfounded} in {worth.weeks:.1f} weeks, {worth.engineers:g} {people})."
        )
    if per_month is None:
        yield "No machine ran by the forecasts, so there is no figure by running time."
    else:
        yield f"{per_month:.2f} unfounded warnings per machine-month of running ({worth.running_h:,.0f} h ran)."


def _live(difference: Difference | str) -> Section:
    name = "Differences from live"
    if isinstance(difference, str):
        return Section(name, (f"Not compared with live: {difference}.",))
    live, both = difference.live, difference.both
    moved = sum(pair.later_h != 0 for pair in both)
    lines = (
        f"Warnings: {len(both)} given by both, {moved} of them at another time; {len(difference.only_here)} by the "
        f"backfill alone, {len(difference.only_live)} by live alone. Live {leads(live)}.",
        _forecasts(difference),
    )
    grids = (
        _warnings("Warnings by the backfill alone", difference.only_here),
        _warnings("Warnings by live alone", difference.only_live),
        Grid(
            "Warnings by both at another time",
            ("asset", "here (UTC)", "live (UTC)", "here"),
            tuple(
                (pair.asset, clock(pair.opened_us), clock(pair.live_opened_us), _later(pair.later_h))
                for pair in both
                if pair.later_h
            ),
        ),
        Grid(
            "Forecasts by model",
            ("model here", "model live", "compared", "equal", "largest difference in 72 h", "where"),
            tuple(map(_compared, difference.forecasts)),
        ),
    )
    return Section(name, lines, tuple(grid for grid in grids if grid.rows))


def _later(hours: float) -> str:
    return f"{abs(hours):.1f} h {'later' if hours > 0 else 'earlier'}"


def _forecasts(difference: Difference) -> str:
    compared = sum(one.compared for one in difference.forecasts)
    equal = sum(one.equal for one in difference.forecasts)
    return (
        f"Forecasts: {compared:,} compared, {equal:,} equal to the last bit, {compared - equal:,} not; "
        f"{difference.forecasts_only_here:,} here alone, {difference.forecasts_only_live:,} live alone."
    )


def _compared(one: Compared) -> tuple[str, ...]:
    where = "-" if one.time_us is None else f"{one.asset} {clock(one.time_us)}"
    largest = "-" if one.largest is None else f"{one.largest:.6f}"
    return one.model, one.live_model, f"{one.compared:,}", f"{one.equal:,}", largest, where


def _quality(report: Report) -> Section:
    ledger, letters = report.ledger, sum(report.letters_by_reason.values())
    kinds = Counter(notice.kind.value for notice in report.notices)
    lines = (
        f"{ledger.values_rejected:,} of {ledger.values_read:,} values read were rejected; "
        f"{ledger.rows_late:,} rows came late. {letters:,} dead letters.",
        "Notices: " + (", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) or "none") + ".",
    )
    reasons = sorted(ledger.rejected_by_reason.items(), key=lambda of: (-of[1], of[0]))
    grids = (
        Grid("Rejected by reason", ("reason", "values"), tuple((str(name), f"{count:,}") for name, count in reasons)),
        Grid(
            f"Dead letters, the first {len(report.letters)} of {letters:,}",
            ("reason", "asset", "what is wrong"),
            tuple((letter.reason, letter.asset or "-", letter.detail) for letter in report.letters),
        ),
        _faults([notice for notice in report.notices if notice.kind is NoticeKind.SENSOR_FAULT]),
    )
    return Section("Data quality", lines, tuple(grid for grid in grids if grid.rows))


def _faults(faults: list[Notice]) -> Grid:
    told = f", the first {FAULTS_TOLD} of {len(faults)}" if len(faults) > FAULTS_TOLD else ""
    rows = tuple(
        (
            clock(fault.since_us),
            fault.asset,
            fault.signal,
            fault.reason,
            "still so at the end" if fault.state is NoticeState.OPEN else clock(fault.time_us),
        )
        for fault in faults[:FAULTS_TOLD]
    )
    return Grid(f"Sensor faults{told}", ("since (UTC)", "asset", "signal", "what", "until (UTC)"), rows)


def _gaps(report: Report) -> Section:
    gaps = report.gaps
    if report.plan.replays_onto is not None:
        return Section("Gaps", ("Not looked for: records were published, and workers tell of silent assets.",))
    if not gaps.number:
        return Section("Gaps", ("No asset was silent for longer than it may be.",))
    asset, from_us, to_us = gaps.spans[0]
    share = "" if gaps.share is None else f", {gaps.share:.2%} of the time of all assets"
    line = (
        f"{gaps.number:,} in all, {gaps.hours:,.1f} h together{share}; the longest, {_span(from_us, to_us)}, "
        f"of {asset} from {clock(from_us)}."
    )
    rows = tuple(
        (one.asset, f"{one.number:,}", f"{one.hours:,.1f}", f"{one.longest_h:,.1f}", clock(one.longest_from_us))
        for one in gaps.worst
    )
    head = ("asset", "gaps", "hours", "longest, h", "from (UTC)")
    return Section("Gaps", (line,), (Grid("Assets with most", head, rows),), (Plot.GAPS,))


def _ledger(report: Report) -> Section:
    ledger = report.ledger
    rows = tuple(
        (what, f"{getattr(ledger, f'rows_{what}'):,}", f"{getattr(ledger, f'values_{what}'):,}")
        for what in ("read", "stored", "late", "rejected")
    )
    return Section("Ledger", (_balance(report),), (Grid("What came and where it went", ("", "rows", "values"), rows),))


def _balance(report: Report) -> str:
    if not report.ledger.rows_read:
        return "Nothing was read."
    if report.ledger.balances:
        return "The ledger balances: read = stored + rejected."
    return "THE LEDGER DOES NOT BALANCE: rows or values read are neither stored nor rejected."
