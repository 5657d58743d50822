"""All figures of `forewarn budget`, worked out from a history and a budget. Nothing is read, written or drawn here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from models.alerting.allocation import allocated
from models.alerting.budget import Choice, Pool, chosen, expected, groups, held_out, pools
from models.alerting.hindsight import Worth, total
from models.alerting.life import Threshold
from models.alerting.precision import Precision, at_rate, precision
from models.failure.hazard import Card
from models.plant import Budget, Plant
from pipelines.cli.budget.history import Read

WEEKS_A_YEAR = 365.25 / 7


class Worked(Struct, frozen=True, kw_only=True):
    """What thresholds would have done on history. `unfounded` counts a warning anew for each week that it stays open.

    `precision` is that of inspected warnings alone, `reweighted` what it is at the plant's own rate of failures; None
    where there is nothing to reckon it by.
    """

    warnings: int
    caught: int
    failures: int
    unfounded: int
    undecided: int
    median_lead_h: float | None
    inspected: int
    founded: int
    precision: Precision | None
    reweighted: Precision | None


class OfAsset(Struct, frozen=True, kw_only=True):
    """What an asset gets: unfounded warnings a week that it is granted, its threshold, and who that was chosen with.

    `expected_per_week` is what is to be expected of the threshold, drawn to the like of the asset where it has little
    history. All but the grant is None for an asset that history says nothing of.
    """

    asset: str
    type: str
    criticality: str | None
    downtime_cost_per_h: float | None
    granted_per_week: float
    weeks: float | None = None
    today: Threshold | None = None
    threshold: Threshold | None = None
    chosen_with: str | None = None
    expected_per_week: float | None = None
    worked_today: Worked | None = None
    worked: Worked | None = None


class OfBudget(Struct, frozen=True, kw_only=True):
    """What a budget would have done on history; `is_kept` says whether it can be kept at all.

    `had_per_engineer_week` has the unfounded warnings of `Figures.others` in it.
    """

    unfounded_per_engineer_week: float
    worked: Worked
    had_per_engineer_week: float
    is_kept: bool


class OfThreshold(Struct, frozen=True, kw_only=True):
    """What a threshold would have done, were it that of all assets; `cost` is in unfounded warnings.

    Persistence and hysteresis are those that hold everywhere.
    """

    threshold: Threshold
    worked: Worked
    cost: float


class Figures(Struct, frozen=True, kw_only=True):
    """Everything that is said. `curve` are budgets close together, for the picture alone.

    `run` is the name of its folder. `weeks` are those of history, the mean of its assets. Failure rates are per
    machine-year: the plant's own, where it was said, beside that of the history. `unknown` are inspected warnings that
    the run did not give, `others` unfounded ones in which no hazard spoke. `models`, and in `bases` what they learnt
    from, are by asset type. `held_out` is what thresholds chosen on the first half of history would have done on the
    second. `thresholds` are those of all limits that were tried, where it is said what a missed failure costs.
    """

    run: str
    plant: str
    currency: str | None
    from_us: int
    to_us: int
    every_min: int
    models: dict[str, str]
    bases: dict[str, str]
    budget: Budget
    weeks: float
    machine_years: float
    failure_rate_of_history: float
    failure_rate: float | None
    unknown: int
    others: int
    today: OfBudget
    chosen: OfBudget
    held_out: Worked
    assets: tuple[OfAsset, ...]
    budgets: tuple[OfBudget, ...]
    curve: tuple[OfBudget, ...]
    thresholds: tuple[OfThreshold, ...] = ()


POINTS = 24
"""Budgets of the curve."""


class _Reckoned(NamedTuple):
    """What is needed to tell of any budget."""

    plant: Plant
    read: Read
    among: Sequence[Pool]
    engineers: float
    rates: tuple[float, float | None]
    ratio: float | None

    def choices(self, per_engineer: float) -> tuple[Choice, ...]:
        shares = allocated(self.plant, per_engineer * self.engineers)
        return chosen(self.read.history, self.among, shares, self.ratio)

    def worked(self, worth: Worth) -> Worked:
        """With precision, at the plant's own rate of failures where both rates are known."""
        found, (of_history, own) = precision(worth.founded, worth.inspected), self.rates
        return Worked(
            warnings=worth.warnings,
            caught=worth.caught,
            failures=worth.failures,
            unfounded=worth.unfounded,
            undecided=worth.undecided,
            median_lead_h=worth.median_lead_h,
            inspected=worth.inspected,
            founded=worth.founded,
            precision=found,
            reweighted=at_rate(found, own, of_history) if found and own and of_history else None,
        )

    def of_budget(self, per_engineer: float, choices: Sequence[Choice]) -> OfBudget:
        return self.told(per_engineer, total(one.worth for one in choices), all(one.is_kept for one in choices))

    def told(self, per_engineer: float, worth: Worth, is_kept: bool) -> OfBudget:
        had = (worth.unfounded + self.others) / self.weeks / self.engineers
        return OfBudget(
            unfounded_per_engineer_week=per_engineer,
            worked=self.worked(worth),
            had_per_engineer_week=had,
            is_kept=is_kept,
        )

    def thresholds(self) -> tuple[OfThreshold, ...]:
        """What each limit would have cost, with the persistence and hysteresis that hold everywhere."""
        history, ratio = self.read.history, self.ratio
        if ratio is None:
            return ()
        tried = [(at, one) for at, one in enumerate(history.tried) if one == Threshold(one.limit)]
        worths = [(one, total(of[at] for of in history.worths.values())) for at, one in tried]
        return tuple(
            OfThreshold(threshold=one, worked=self.worked(worth), cost=worth.cost(ratio)) for one, worth in worths
        )

    @property
    def others(self) -> int:
        """Unfounded warnings in which no hazard spoke."""
        return sum(self.read.history.others.values())

    @property
    def weeks(self) -> float:
        """Of history, the mean of its assets."""
        return fmean(self.read.history.weeks.values())


def figures(
    plant: Plant,
    read: Read,
    cards: Mapping[str, Card],
    budget: Budget,
    compare: Sequence[float],
    failure_rate: float | None,
) -> Figures:
    """All figures of a budget, and of those to compare, per engineer and week."""
    history = read.history
    years = sum(history.weeks.values()) / WEEKS_A_YEAR
    today = total(history.worth_today.values())
    of_history = today.failures / years
    shares = allocated(plant, budget.per_week)
    own = budget.unfounded_per_engineer_week
    among = pools(history, groups(plant, history.weeks, shares))
    ratio = budget.missed_to_unfounded
    reckoned = _Reckoned(plant, read, among, budget.engineers, (of_history, failure_rate), ratio)
    choices = reckoned.choices(own)
    asked = sorted({*compare, own})
    by_budget = {one: reckoned.of_budget(one, reckoned.choices(one)) for one in _points(asked)}
    granted = sum(history.weeks[asset] * shares[asset] for asset in history.weeks)
    return Figures(
        run=read.run,
        plant=plant.plant,
        currency=plant.currency,
        from_us=read.from_us,
        to_us=read.to_us,
        every_min=read.plan.every_min,
        models={of_type: card.version for of_type, card in cards.items()},
        bases={of_type: card.basis for of_type, card in cards.items()},
        budget=budget,
        weeks=reckoned.weeks,
        machine_years=years,
        failure_rate_of_history=of_history,
        failure_rate=failure_rate,
        unknown=read.unknown,
        others=reckoned.others,
        today=reckoned.told(own, today, today.unfounded + reckoned.others <= granted),
        chosen=by_budget[own],
        held_out=reckoned.worked(held_out(plant, shares, *read.halves, ratio)),
        assets=_assets(reckoned, choices, shares),
        budgets=tuple(by_budget[one] for one in asked),
        curve=tuple(by_budget.values()),
        thresholds=reckoned.thresholds(),
    )


def _points(asked: Sequence[float]) -> list[float]:
    """Those budgets, and some between the tightest and the loosest, in even ratios."""
    step = (asked[-1] / asked[0]) ** (1 / (POINTS - 1))
    return sorted({*asked, *(asked[0] * step**at for at in range(1, POINTS - 1))})


def _assets(reckoned: _Reckoned, choices: Sequence[Choice], shares: dict[str, float]) -> tuple[OfAsset, ...]:
    """Those that get most first."""
    history = reckoned.read.history
    of = {asset: choice for choice in choices for asset in choice.group.assets}
    rates = {asset: rate for choice in choices for asset, rate in expected(history, choice).items()}
    out = []
    for asset, granted in sorted(shares.items(), key=lambda one: (-one[1], one[0])):
        known = reckoned.plant.assets[asset]
        said = OfAsset(
            asset=asset,
            type=known.type,
            criticality=known.criticality,
            downtime_cost_per_h=known.downtime_cost_per_h,
            granted_per_week=granted,
        )
        if asset in of:
            said = replace(
                said,
                weeks=history.weeks[asset],
                today=history.today[asset],
                threshold=of[asset].threshold,
                chosen_with=of[asset].group.why,
                expected_per_week=rates[asset],
                worked_today=reckoned.worked(history.worth_today[asset]),
                worked=reckoned.worked(history.worths[asset][of[asset].place]),
            )
        out.append(said)
    return tuple(out)
