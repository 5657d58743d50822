"""The history that a backfill left in its folder, as thresholds are held against it: asset by asset, then let go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.alerting.budget import History, candidates
from models.alerting.hindsight import Case, Past, worths
from models.alerting.thresholds import Threshold, threshold_of
from models.plant import Plant
from models.records import Alert, AlertReason, OperatingState
from pipelines.backfill.plan import Plan
from pipelines.backfill.results import Results
from pipelines.cli.budget.asked import BudgetError
from pipelines.cli.budget.inspected import Found
from pipelines.cli.report.figures import WEEK_US, Told, known
from pipelines.cli.report.scored import CHANCE, MINUTE_US

NEVER_US = 1 << 62


@dataclass(frozen=True, kw_only=True)
class Read:
    """A run's history, by the name of its folder; `unknown` are inspected warnings that the run did not give."""

    run: str
    plan: Plan
    from_us: int
    to_us: int
    history: History
    unknown: int


def read(
    results: Results,
    plant: Plant,
    limits: Mapping[str, float],
    found: Mapping[str, Found],
    progress: Callable[[int, int], None],
) -> Read:
    """All that thresholds were worth on the run; `limits` are the models' by asset type. Raises BudgetError."""
    plan, told = results.plan, Told()
    for record in results.records():
        told.take(record)
    from_us, to_us = known(plan)
    today = {
        asset: threshold_of(plant, asset, limits[of.type])
        for asset in plan.assets
        if (of := plant.assets.get(asset)) is not None and of.type in limits
    }
    tried = candidates(one.limit for one in today.values())
    history = History({}, tried, {}, today, {})
    cases = _cases(told.alerts, found)
    for asset, rows in _by_asset(results, today, from_us, to_us):
        past = _past(asset, rows, told, plan, cases.get(asset, ()))
        *each, now = worths(past, (*tried, today[asset]))
        history.weeks[asset], history.worths[asset], history.worth_today[asset] = past.weeks, each, now
        progress(len(history.weeks), len(today))
    if not history.weeks:
        raise BudgetError(
            f"{results.folder} has no chances of assets of this plant that have a model: give the folder of a backfill "
            "with --what forecasts,alerts"
        )
    return Read(
        run=results.folder.resolve().name,
        plan=plan,
        from_us=from_us,
        to_us=to_us,
        history=history,
        unknown=len(found.keys() - {alert.id for alert in told.alerts}),
    )


def _by_asset(
    results: Results, assets: Mapping[str, Threshold], from_us: int, to_us: int
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Forecasts in the span, of one asset after another, where any says a chance."""
    for table in results.forecasts_by_assets():
        inside = table.filter(pl.col("window_end_us").is_between(from_us, to_us, closed="right"))
        for (asset,), rows in inside.partition_by("asset", as_dict=True, maintain_order=True).items():
            if asset in assets and rows[CHANCE].count():
                yield str(asset), rows


def _past(asset: str, rows: pl.DataFrame, told: Told, plan: Plan, cases: tuple[Case, ...]) -> Past:
    """What is known of an asset. A source that cannot tell where it ends is known as far as the asset was heard."""
    first_us, last_us = rows["window_end_us"][0], rows["window_end_us"][-1]
    from_us, to_us = known(plan)
    failures = _times(told.failures, asset)
    failures = failures[(failures >= from_us) & (failures <= to_us)]
    said = rows.filter(pl.col("operating") == OperatingState.RUNNING.value, pl.col(CHANCE).is_not_null())
    return Past(
        window_end_us=said["window_end_us"].to_numpy(),
        chance=said[CHANCE].to_numpy(),
        failures_us=failures,
        repairs_us=_times(told.repairs, asset),
        weeks=(last_us - first_us + plan.every_min * MINUTE_US) / WEEK_US,
        to_us=max([last_us, *failures.tolist()]) if plan.found.last_us is None else to_us,
        every_min=plan.every_min,
        cases=cases,
    )


def _times(events: Iterable[tuple[str, int, *tuple[str, ...]]], asset: str) -> np.ndarray:
    return np.array(sorted(event[1] for event in events if event[0] == asset), np.int64)


def _cases(alerts: Iterable[Alert], found: Mapping[str, Found]) -> dict[str, tuple[Case, ...]]:
    """Inspected warnings by asset, with the time that they were open."""
    cases: dict[str, dict[str, Case]] = defaultdict(dict)
    for alert in sorted(alerts, key=lambda one: one.revision):
        said = found.get(alert.id, Found.NOT_INSPECTED)
        if said is not Found.NOT_INSPECTED:
            is_over = alert.reason in (AlertReason.CLEARED, AlertReason.REPAIRED)
            ended_us = alert.window_end_us if is_over else NEVER_US
            cases[alert.asset][alert.id] = Case(alert.opened_us, ended_us, said is Found.FOUNDED)
    return {asset: tuple(of.values()) for asset, of in cases.items()}
