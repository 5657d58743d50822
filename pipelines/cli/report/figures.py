"""All figures of a backfill's report, worked out from what its run left. Nothing is written or drawn here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from msgspec.structs import replace

from models.failure.ends import DATES_OFF_US, End, ends_of, repairs_of
from models.failure.labels import Label
from models.records import Alert, AlertReason, AnyRecord, DeadLetter, Maintenance, Notice, Reject, Rung
from pipelines.backfill.plan import Plan
from pipelines.backfill.results import GAPS, Results
from pipelines.cli.backfill.asked import Source
from pipelines.cli.notices import last_of_each
from pipelines.cli.outcome import Outcome, Verdict, judge
from pipelines.cli.report.coverage import Covered, Intervals
from pipelines.cli.report.differences import Compared, Difference, Live, compared, differences, of_span
from pipelines.cli.report.gaps import Gaps, found
from pipelines.cli.report.rungs import Named, Opened, by_name, by_rung
from pipelines.cli.report.scored import Scored, scored, total
from pipelines.ledger import Ledger

DAY_US = 86_400_000_000
WEEK_US = 7 * DAY_US
LETTERS_TOLD = 10
FILES = tuple(source.value for source in Source if source.is_files)
NO_LIVE = "nothing that was live was given to compare with"


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What the warnings were worth. A figure is None where nothing is there to reckon it by.

    `undecided` has those in it that a repair came before. Running hours are from the forecasts, as `scored` says.
    """

    failures: int
    warned: int
    median_lead_h: float | None
    warnings: int
    unfounded: int
    undecided: int
    repaired: int
    weeks: float
    engineers: float
    unfounded_per_engineer_week: float | None
    running_h: float
    unfounded_per_machine_month: float | None


@dataclass(frozen=True, kw_only=True)
class Shifted:
    """What the warnings were worth, were all dates of failures and repairs off by so many days."""

    days: int
    failures: int
    warned: int
    recall: float
    median_lead_h: float | None
    unfounded: int


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A dead letter in short; `detail` has file and line where it came of a file."""

    reason: str
    asset: str
    detail: str


@dataclass(kw_only=True)
class Told:
    """The records of a run, told apart in one pass; of dead letters the first are kept, all are counted."""

    alerts: list[Alert] = field(default_factory=list)
    events: list[Maintenance] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    letters_by_reason: Counter[str] = field(default_factory=Counter)
    letters: list[Letter] = field(default_factory=list)
    unread: int = 0

    def take(self, record: AnyRecord) -> None:
        """Put one where it belongs."""
        match record:
            case Alert():
                self.alerts.append(record)
            case Maintenance():
                self.events.append(record)
            case Notice():
                self.notices.append(record)
            case DeadLetter():
                self.letters_by_reason[record.reason.value] += 1
                self.unread += not record.samples and record.reason is not Reject.STORE_REFUSED
                if len(self.letters) < LETTERS_TOLD:
                    letter = Letter(reason=record.reason.value, asset=record.asset, detail=record.detail)
                    self.letters.append(letter)


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that is said of a run. `from_us` to `to_us` is the part of the plan's span that data was there for.

    `bases` has by model what it learnt its chances from, as far as that is known. `difference` is a text where there
    is none, and says why. `labels` is how many labels of people counted, `shifted` is empty where no failure is known.
    `unread` are the dead letters about lines and files that could not be read. `covered` is what intervals on time to
    failure held, by model.
    """

    plan: Plan
    from_us: int
    to_us: int
    bases: dict[str, str]
    outcome: Outcome
    worth: Worth
    shifted: tuple[Shifted, ...]
    labels: int
    rungs: dict[Rung, Opened]
    evidence: tuple[Named, ...]
    repairs: tuple[tuple[str, int], ...]
    scored: Scored
    difference: Difference | str
    letters_by_reason: dict[str, int]
    letters: tuple[Letter, ...]
    unread: int
    notices: tuple[Notice, ...]
    gaps: Gaps
    ledger: Ledger
    covered: tuple[Covered, ...] = ()

    @property
    def is_simulated(self) -> bool:
        """Whether a model learnt its chances from simulated machines."""
        return any("simulat" in basis for basis in self.bases.values())

    @property
    def problems(self) -> list[str]:
        """Why the run cannot be relied on; empty if it can."""
        ledger, plan = self.ledger, self.plan
        checks = (
            (ledger.balances, "the ledger does not balance: rows or values read are neither stored nor rejected"),
            (ledger.rows_read > 0, f"nothing was read from {plan.where}"),
            (
                not ledger.rows_read or ledger.rows_stored > 0,
                f"all of the {ledger.rows_read:,} rows read were rejected",
            ),
            (
                not self.unread,
                f"not all of {plan.where} could be used: {self.unread:,} dead letters say what, and where",
            ),
            (
                not (refused := self.letters_by_reason.get(Reject.STORE_REFUSED, 0)),
                f"InfluxDB refused {refused:,} rows, forecasts or warnings: dead letters say which and why",
            ),
        )
        return [problem for holds, problem in checks if not holds]


def judged(
    results: Results,
    live: Live | str | None = None,
    *,
    engineers: float = 1.0,
    bases: Mapping[str, str] | None = None,
    labels: Sequence[Label] = (),
) -> Report:
    """All figures of a run, beside what was live at the time, or why that is not compared.

    Failures and repairs are those of its records and of `labels`.

    `bases` says by model what it learnt its chances from; what the run's warnings say of that is known without it.
    """
    plan = results.plan
    from_us, to_us = known(plan)
    told = Told()
    for record in results.records():
        told.take(record)
    own = [label for label in labels if label.asset in plan.assets]
    ends = ends_of(own, told.events)
    intervals = Intervals(ends=ends, from_us=from_us, to_us=to_us)
    intervals.take_alerts(told.alerts)
    seen, against = _forecasts(results, plan, live, intervals)

    def outcome_of(alerts: Iterable[Alert], by_us: int = 0) -> Outcome:
        return _outcome(ends, alerts, from_us, to_us, seen.running_h, by_us)

    outcome = outcome_of(told.alerts)
    difference: Difference | str = live if isinstance(live, str) else NO_LIVE
    if isinstance(live, Live):
        alerts = [alert for alert in live.alerts if alert.asset in plan.assets]
        difference = differences(
            outcome, outcome_of(alerts), against, of_span(live.forecasts, plan).height, seen.forecasts
        )
    return Report(
        plan=plan,
        from_us=from_us,
        to_us=to_us,
        bases=dict(bases or {}) | {alert.model: alert.basis for alert in told.alerts if alert.model},
        outcome=outcome,
        worth=_worth(outcome, (to_us - from_us) / WEEK_US, engineers, seen.running_h),
        shifted=_shifted(partial(outcome_of, told.alerts)) if outcome.failures else (),
        labels=len(own),
        repairs=tuple(sorted(repair for repair in repairs_of(ends) if from_us <= repair[1] <= to_us)),
        rungs=by_rung(outcome.warnings),
        evidence=by_name(outcome.warnings),
        scored=seen,
        difference=difference,
        letters_by_reason=dict(told.letters_by_reason.most_common()),
        letters=tuple(told.letters),
        unread=told.unread if plan.source in FILES else 0,
        notices=tuple(last_of_each(told.notices)),
        gaps=found(results.table("gaps", GAPS), from_us, to_us, len(plan.assets)),
        ledger=results.ledger(),
        covered=intervals.covered,
    )


def known(plan: Plan) -> tuple[int, int]:
    """The part of the span that the source has data for, as far as it can tell."""
    first_us, last_us = plan.found.first_us, plan.found.last_us
    from_us = plan.from_us if first_us is None else min(max(plan.from_us, first_us), plan.to_us)
    to_us = plan.to_us if last_us is None else max(min(plan.to_us, last_us), from_us)
    return from_us, to_us


def _forecasts(
    results: Results, plan: Plan, live: Live | str | None, intervals: Intervals
) -> tuple[Scored, list[Compared]]:
    """One pass over the forecasts: what they say, how they compare, and whether their intervals held."""
    parts, against = [], []
    for table in results.forecasts_by_assets():
        parts.append(scored(table, plan))
        intervals.take_forecasts(table)
        if isinstance(live, Live):
            against += compared(table, of_span(live.forecasts, plan))
    return total(parts), against


def _outcome(
    ends: Sequence[End], alerts: Iterable[Alert], from_us: int, to_us: int, running_h: float, by_us: int = 0
) -> Outcome:
    """By the failures of the span, with all dates moved; a warning that a repair ended ends with it."""
    failures = [end.moved(by_us) for end in ends if end.failed and from_us <= end.time_us <= to_us]
    failed = [(end.asset, end.time_us, end.mode) for end in failures]
    moved = [_with_repair(alert, by_us) for alert in alerts]
    return judge(failed, moved, to_us, running_h, repairs_of(end.moved(by_us) for end in ends))


def _with_repair(alert: Alert, by_us: int) -> Alert:
    if alert.reason is not AlertReason.REPAIRED:
        return alert
    return replace(alert, window_end_us=alert.window_end_us + by_us)


def _shifted(outcome_at: Callable[[int], Outcome]) -> tuple[Shifted, ...]:
    """For dates as they are and as far off as typed dates may be, early or late."""
    made = []
    for by_us in (-DATES_OFF_US, 0, DATES_OFF_US):
        outcome = outcome_at(by_us)
        failures, warned = len(outcome.failures), len(outcome.leads_h)
        made.append(
            Shifted(
                days=by_us // DAY_US,
                failures=failures,
                warned=warned,
                recall=warned / failures,
                median_lead_h=median(outcome.leads_h) if warned else None,
                unfounded=outcome.count(Verdict.UNFOUNDED),
            )
        )
    return tuple(made)


def _worth(outcome: Outcome, weeks: float, engineers: float, running_h: float) -> Worth:
    unfounded, months = outcome.count(Verdict.UNFOUNDED), outcome.machine_months
    return Worth(
        failures=len(outcome.failures),
        warned=len(outcome.leads_h),
        median_lead_h=median(outcome.leads_h) if outcome.leads_h else None,
        warnings=len(outcome.warnings),
        unfounded=unfounded,
        undecided=outcome.count(Verdict.UNDECIDED),
        repaired=sum(warning.repaired_us is not None for warning in outcome.warnings),
        weeks=weeks,
        engineers=engineers,
        unfounded_per_engineer_week=unfounded / weeks / engineers if weeks else None,
        running_h=running_h,
        unfounded_per_machine_month=unfounded / months if months else None,
    )
