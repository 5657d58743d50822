"""All figures of a backfill's report, worked out from what its run left. Nothing is written or drawn here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

from models.records import Alert, AnyRecord, DeadLetter, Maintenance, MaintenanceAction, Notice, Reject
from pipelines.backfill.plan import Plan
from pipelines.backfill.results import GAPS, Results
from pipelines.cli.backfill.asked import Source
from pipelines.cli.notices import last_of_each
from pipelines.cli.outcome import Failed, Outcome, Verdict, judge
from pipelines.cli.report.differences import Compared, Difference, Live, compared, differences, of_span
from pipelines.cli.report.gaps import Gaps, found
from pipelines.cli.report.scored import Scored, scored, total
from pipelines.ledger import Ledger

WEEK_US = 7 * 86_400_000_000
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
class Letter:
    """A dead letter in short; `detail` has file and line where it came of a file."""

    reason: str
    asset: str
    detail: str


@dataclass(kw_only=True)
class Told:
    """The records of a run, told apart in one pass; of dead letters the first are kept, all are counted."""

    alerts: list[Alert] = field(default_factory=list)
    failures: set[Failed] = field(default_factory=set)
    repairs: set[tuple[str, int]] = field(default_factory=set)
    notices: list[Notice] = field(default_factory=list)
    letters_by_reason: Counter[str] = field(default_factory=Counter)
    letters: list[Letter] = field(default_factory=list)
    unread: int = 0

    def take(self, record: AnyRecord) -> None:
        """Put one where it belongs."""
        match record:
            case Alert():
                self.alerts.append(record)
            case Maintenance(action=MaintenanceAction.FAILED):
                self.failures.add((record.asset, record.time_us, record.mode))
            case Maintenance(action=MaintenanceAction.REPAIRED):
                self.repairs.add((record.asset, record.time_us))
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
    is none, and says why. `unread` are the dead letters about lines and files that could not be read.
    """

    plan: Plan
    from_us: int
    to_us: int
    bases: dict[str, str]
    outcome: Outcome
    worth: Worth
    repairs: tuple[tuple[str, int], ...]
    scored: Scored
    difference: Difference | str
    letters_by_reason: dict[str, int]
    letters: tuple[Letter, ...]
    unread: int
    notices: tuple[Notice, ...]
    gaps: Gaps
    ledger: Ledger

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
) -> Report:
    """All figures of a run, beside what was live at the time, or why that is not compared.

    `bases` says by model what it learnt its chances from; what the run's warnings say of that is known without it.
    """
    plan = results.plan
    from_us, to_us = _known(plan)
    told = Told()
    for record in results.records():
        told.take(record)
    seen, against = _forecasts(results, plan, live)
    outcome = _outcome(told, told.alerts, from_us, to_us, seen.running_h)
    difference: Difference | str = live if isinstance(live, str) else NO_LIVE
    if isinstance(live, Live):
        alerts = [alert for alert in live.alerts if alert.asset in plan.assets]
        theirs = _outcome(told, alerts, from_us, to_us, seen.running_h)
        difference = differences(outcome, theirs, against, of_span(live.forecasts, plan).height, seen.forecasts)
    return Report(
        plan=plan,
        from_us=from_us,
        to_us=to_us,
        bases=dict(bases or {}) | {alert.model: alert.basis for alert in told.alerts},
        outcome=outcome,
        worth=_worth(outcome, (to_us - from_us) / WEEK_US, engineers, seen.running_h),
        repairs=tuple(sorted(repair for repair in told.repairs if from_us <= repair[1] <= to_us)),
        scored=seen,
        difference=difference,
        letters_by_reason=dict(told.letters_by_reason.most_common()),
        letters=tuple(told.letters),
        unread=told.unread if plan.source in FILES else 0,
        notices=tuple(last_of_each(told.notices)),
        gaps=found(results.table("gaps", GAPS), from_us, to_us, len(plan.assets)),
        ledger=results.ledger(),
    )


def _known(plan: Plan) -> tuple[int, int]:
    """The part of the span that the source has data for, as far as it can tell."""
    first_us, last_us = plan.found.first_us, plan.found.last_us
    from_us = plan.from_us if first_us is None else min(max(plan.from_us, first_us), plan.to_us)
    to_us = plan.to_us if last_us is None else max(min(plan.to_us, last_us), from_us)
    return from_us, to_us


def _forecasts(results: Results, plan: Plan, live: Live | str | None) -> tuple[Scored, list[Compared]]:
    """One pass over the forecasts: what they say, and how they compare."""
    parts, against = [], []
    for table in results.forecasts_by_assets():
        parts.append(scored(table, plan))
        if isinstance(live, Live):
            against += compared(table, of_span(live.forecasts, plan))
    return total(parts), against


def _outcome(told: Told, alerts: Iterable[Alert], from_us: int, to_us: int, running_h: float) -> Outcome:
    failures = [failure for failure in told.failures if from_us <= failure[1] <= to_us]
    return judge(failures, alerts, to_us, running_h, told.repairs)


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
