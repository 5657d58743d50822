"""The history that a backfill left in its folder, as thresholds are held against it: asset by asset, then let go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl

from models.alerting.budget import History, candidates
from models.alerting.hindsight import NEVER_US, Case, Past, unfounded, worths
from models.alerting.life import Threshold
from models.alerting.raised import raised
from models.alerting.thresholds import threshold_of
from models.failure.ends import End, ends_of, repairs_of
from models.failure.labels import Label
from models.plant import Plant
from models.records import Alert, OperatingState, Rung
from pipelines.backfill.plan import Plan
from pipelines.backfill.results import Results
from pipelines.cli.budget.asked import BudgetError
from pipelines.cli.budget.inspected import Found
from pipelines.cli.report.figures import WEEK_US, Told, known
from pipelines.cli.report.scored import CHANCE, MINUTE_US


@dataclass(frozen=True, kw_only=True)
class Read:
    """A run's history, by the name of its folder; `unknown` are inspected warnings that the run did not give.

    `halves` are the first half of the span and the second, as if each were all there is.
    """

    run: str
    plan: Plan
    from_us: int
    to_us: int
    history: History
    halves: tuple[History, History]
    unknown: int


def read(
    results: Results,
    plant: Plant,
    limits: Mapping[str, float],
    found: Mapping[str, Found],
    labels: Sequence[Label],
    progress: Callable[[int, int], None],
) -> Read:
    """All that thresholds were worth on the run; `limits` are the models' by asset type.

    Failures and repairs are those of its records and of `labels`. Raises BudgetError.
    """
    plan, told = results.plan, _told(results)
    ends = ends_of([label for label in labels if label.asset in plan.assets], told.events)
    from_us, to_us = known(plan)
    today = {
        asset: threshold_of(plant, asset, limits[of.type])
        for asset in plan.assets
        if (of := plant.assets.get(asset)) is not None and of.type in limits
    }
    tried = candidates(one.limit for one in today.values())
    history, *halves = (History({}, tried, {}, today, {}, {}) for _ in range(3))
    cases, others = _cases(told.alerts, found), _others(told.alerts, from_us)
    middle_us = (from_us + to_us) // 2
    for asset, rows in _by_asset(results, today, from_us, to_us):
        past = _past(asset, rows, ends, plan, cases.get(asset, ()))
        _take(history, asset, past, others.get(asset, ()))
        for half, (begin_us, end_us) in zip(halves, ((from_us, middle_us), (middle_us, to_us)), strict=True):
            part = past.between(begin_us, end_us)
            if part.weeks:
                _take(half, asset, part, [span for span in others.get(asset, ()) if begin_us < span[0] <= end_us])
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
        halves=(halves[0], halves[1]),
        unknown=len(found.keys() - {alert.id for alert in told.alerts}),
    )


def _take(into: History, asset: str, past: Past, others: Sequence[tuple[int, int]]) -> None:
    """Put what thresholds were worth on an asset's history, and other warnings, to that of the others."""
    *each, now = worths(past, (*into.tried, into.today[asset]))
    into.weeks[asset], into.worths[asset], into.worth_today[asset] = past.weeks, each, now
    into.others[asset] = unfounded(past, *zip(*others, strict=True)) if others else 0


def _told(results: Results) -> Told:
    """The run's records. Raises BudgetError where this program has others."""
    told = Told()
    try:
        for record in results.records():
            told.take(record)
    except msgspec.DecodeError as wrong:
        raise BudgetError(
            f"{results.folder} was left by another version of Forewarn ({wrong}): run the backfill once more"
        ) from wrong
    return told


def _by_asset(
    results: Results, assets: Mapping[str, Threshold], from_us: int, to_us: int
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Forecasts in the span, of one asset after another, where any says a chance."""
    for table in results.forecasts_by_assets():
        inside = table.filter(pl.col("window_end_us").is_between(from_us, to_us, closed="right"))
        for (asset,), rows in inside.partition_by("asset", as_dict=True, maintain_order=True).items():
            if asset in assets and rows[CHANCE].count():
                yield str(asset), rows


def _past(asset: str, rows: pl.DataFrame, ends: Iterable[End], plan: Plan, cases: tuple[Case, ...]) -> Past:
    """What is known of an asset. A source that cannot tell where it ends is known as far as the asset was heard."""
    first_us, last_us = rows["window_end_us"][0], rows["window_end_us"][-1]
    from_us, to_us = known(plan)
    own = [end for end in ends if end.asset == asset]
    failures = sorted(end.time_us for end in own if end.failed and from_us <= end.time_us <= to_us)
    said = rows.filter(pl.col("operating") == OperatingState.RUNNING.value, pl.col(CHANCE).is_not_null())
    return Past(
        window_end_us=said["window_end_us"].to_numpy(),
        chance=said[CHANCE].to_numpy(),
        failures_us=np.array(failures, np.int64),
        repairs_us=np.array(sorted(time_us for _, time_us in repairs_of(own)), np.int64),
        weeks=(last_us - first_us + plan.every_min * MINUTE_US) / WEEK_US,
        to_us=max([last_us, *failures]) if plan.found.last_us is None else to_us,
        every_min=plan.every_min,
        cases=cases,
    )


def _cases(alerts: Iterable[Alert], found: Mapping[str, Found]) -> dict[str, tuple[Case, ...]]:
    """Inspected warnings by asset, with the time that they were open."""
    cases: dict[str, list[Case]] = defaultdict(list)
    for one in raised(alerts):
        said = found.get(one.first.id, Found.NOT_INSPECTED)
        if said is not Found.NOT_INSPECTED:
            cases[one.first.asset].append(Case(one.began_us, one.ended_us or NEVER_US, said is Found.FOUNDED))
    return {asset: tuple(of) for asset, of in cases.items()}


def _others(alerts: Iterable[Alert], from_us: int) -> dict[str, list[tuple[int, int]]]:
    """From when to when warnings of the span were open that no hazard ever spoke in, by asset."""
    of_hazards = {alert.id for alert in alerts if alert.rung is Rung.HAZARD}
    others: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in raised(alerts):
        if one.first.id not in of_hazards and one.began_us >= from_us:
            others[one.first.asset].append((one.began_us, one.ended_us or NEVER_US))
    return others
