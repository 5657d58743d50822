"""A run's warnings and forecasts beside those that were live at the time: what only one of both has, what differs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import polars as pl

from models.records import Alert
from pipelines.backfill.plan import Plan
from pipelines.backfill.results import CHANCES
from pipelines.cli.outcome import HOUR_US, Outcome, Warned
from pipelines.cli.report.scored import CHANCE

FOREVER_US = 1 << 62


@dataclass(frozen=True, kw_only=True)
class Live:
    """What was published live in the span: revisions of warnings, and forecasts as a table like the run's own."""

    alerts: tuple[Alert, ...]
    forecasts: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class Both:
    """A warning of the run and the live one that was open at the same time."""

    asset: str
    opened_us: int
    live_opened_us: int

    @property
    def later_h(self) -> float:
        """Hours by which the run's opened later than the live one; below 0 if earlier."""
        return (self.opened_us - self.live_opened_us) / HOUR_US


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Forecasts of one asset and minute that both have, by the models that made them.

    `equal` are those whose chances are equal to the last bit; `largest` is the largest difference of their chance
    within 72 h, and where and when that was; None if none differs in that.
    """

    model: str
    live_model: str
    compared: int
    equal: int
    largest: float | None
    asset: str | None
    time_us: int | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What differs from what was live."""

    live: Outcome
    only_here: tuple[Warned, ...]
    only_live: tuple[Warned, ...]
    both: tuple[Both, ...]
    forecasts: tuple[Compared, ...]
    forecasts_only_here: int
    forecasts_only_live: int


def of_span(forecasts: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Those of the plan's assets whose minutes are in its span, as a run keeps them."""
    in_time = pl.col("window_end_us").is_between(plan.from_us, plan.to_us, closed="right")
    return forecasts.filter(in_time, pl.col("asset").is_in(list(plan.assets)))


def differences(
    ours: Outcome, theirs: Outcome, against: Iterable[Compared], live_forecasts: int, forecasts: int
) -> Difference:
    """Put together what `compared` found part by part, and match the warnings."""
    only_here, only_live, both = matched(ours.warnings, theirs.warnings)
    models = _by_models(against)
    common = sum(one.compared for one in models)
    return Difference(
        live=theirs,
        only_here=only_here,
        only_live=only_live,
        both=both,
        forecasts=models,
        forecasts_only_here=forecasts - common,
        forecasts_only_live=live_forecasts - common,
    )


def matched(
    ours: Sequence[Warned], theirs: Sequence[Warned]
) -> tuple[tuple[Warned, ...], tuple[Warned, ...], tuple[Both, ...]]:
    """Warnings that only the run gave, only live gave, and both: each with the first of its asset open at one time.

    One of its failure mode goes before others: which evidence came first, and with it the mode, may differ.
    """
    left, only, both = list(theirs), [], []
    for warning in ours:
        near = [one for one in left if one.asset == warning.asset and _overlap(one, warning)]
        other = next((one for one in near if one.mode == warning.mode), near[0] if near else None)
        if other is None:
            only.append(warning)
        else:
            left.remove(other)
            both.append(Both(asset=warning.asset, opened_us=warning.opened_us, live_opened_us=other.opened_us))
    return tuple(only), tuple(left), tuple(both)


def _overlap(one: Warned, other: Warned) -> bool:
    return max(one.opened_us, other.opened_us) <= min(one.ended_us or FOREVER_US, other.ended_us or FOREVER_US)


def compared(ours: pl.DataFrame, theirs: pl.DataFrame) -> list[Compared]:
    """Forecasts that both tables have, by the models of both."""
    pairs = ours.join(theirs, on=["asset", "window_end_us"], suffix="_live").with_columns(
        equal=pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_live")) for name in CHANCES),
        apart=(pl.col(CHANCE) - pl.col(f"{CHANCE}_live")).abs(),
    )
    of_models = pairs.group_by("model", "model_live").agg(
        pl.len(),
        pl.col("equal").sum(),
        pl.col("asset", "window_end_us", "apart").sort_by("apart", nulls_last=False).last(),
    )
    return [
        Compared(
            model=row["model"], live_model=row["model_live"], compared=row["len"], equal=row["equal"],
            largest=row["apart"] or None, asset=row["asset"] if row["apart"] else None,
            time_us=row["window_end_us"] if row["apart"] else None,
        )
        for row in of_models.iter_rows(named=True)
    ]  # fmt: skip


def _by_models(parts: Iterable[Compared]) -> tuple[Compared, ...]:
    of: dict[tuple[str, str], list[Compared]] = defaultdict(list)
    for part in parts:
        of[part.model, part.live_model].append(part)
    return tuple(reduce(_sum, of[models]) for models in sorted(of))


def _sum(one: Compared, other: Compared) -> Compared:
    most = max(one, other, key=lambda part: part.largest or 0)
    return Compared(
        model=one.model,
        live_model=one.live_model,
        compared=one.compared + other.compared,
        equal=one.equal + other.equal,
        largest=most.largest,
        asset=most.asset,
        time_us=most.time_us,
    )
