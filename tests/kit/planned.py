"""A plan of two groups of machines, with what came of others, a demand warning and suggestions, as roles would say it.

Ten orders over 72 h in quarters, one maintenance for a warning. Prices are low at night and at noon, as an auction's
are where the sun shines; figures are summed from the lanes, so that they fit.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from models.records import (
    Arm,
    DemandWarning,
    EffectVerdict,
    Expected,
    NotPlanned,
    Plan,
    PlanFigures,
    PlannedCare,
    PlannedJob,
    PlannedPower,
    PlanReason,
    PlanResult,
    PlanSaving,
    PowerState,
    Quarters,
    Setting,
    Shed,
    Suggestion,
    SuggestionAnswer,
    SuggestionEffect,
    SuggestionRefused,
    SuggestionState,
    TrialRequest,
    Unplanned,
    Unshed,
    Verdict,
)
from tests.kit.warned import HOUR_US, at

HOURS = 72
QUARTER_US = HOUR_US // 4
BASE_KW = 40.0
"""What is on beside the machines."""
GROUPS = (("pump-01", "pump-02"), ("fan-01",))
"""Machines of `tests.kit.warned`; the second group is of another site."""
JOBS = (
    (0, 0.0, 0.5, 5.0, 24), (0, 0.0, 0.25, 4.5, 24), (1, 0.5, 1.0, 6.0, 30), (0, 9.5, 0.5, 4.0, 30),
    (0, 10.0, 0.25, 5.5, 15), (1, 10.0, 0.5, 5.0, 40), (0, 24.0, 0.5, 6.0, 54), (1, 24.5, 1.0, 4.0, 54),
    (0, 34.0, 0.25, 4.0, 66), (1, 47.5, 0.5, 6.5, 70),
)  # fmt: skip
"""Group, hour from which it is wished for, hours of set-up and of making, hour when it is due."""
KW: Mapping[PowerState, tuple[float, float]] = {
    PowerState.OFF: (0.4, 0.8), PowerState.START: (30.0, 75.0), PowerState.IDLE: (8.0, 22.0),
    PowerState.SETUP: (11.0, 24.0), PowerState.RUN: (46.0, 82.0), PowerState.MAINTENANCE: (2.0, 2.0),
}  # fmt: skip
"""Of a machine of each group."""
LEFT_ON_H = 16.0
"""For so long the usual rule leaves a machine idle after its last order."""
Lane = list[tuple[PowerState, float, float]]


def price(hour: float) -> float:
    """EUR a kWh at an hour of the plan."""
    return 0.17 + 0.08 * math.cos((hour - 19) / 12 * math.pi) - 0.11 * math.exp(-(((hour % 24) - 13) ** 2) / 6)


PRICES = tuple(round(price(quarter / 4), 4) for quarter in range(HOURS * 4))


def plan(groups: Sequence[Sequence[str]] = GROUPS, begin_us: int = at(0), alert: str = "w-1", **said: Any) -> Plan:
    """A plan; the maintenance for `alert` is of the first machine."""
    jobs, lanes = placed(groups, begin_us, is_usual=False)
    first = groups[0][0]
    care_h = lanes[first][-1][2] + 2.0
    lanes[first].append((PowerState.MAINTENANCE, care_h, care_h + 4.0))
    power, kw = powered(groups, lanes, begin_us)
    usual_jobs, usual_lanes = placed(groups, begin_us, is_usual=True)
    _, usual_kw = powered(groups, usual_lanes, begin_us)
    figures, usual = figured(jobs, kw), figured(usual_jobs, usual_kw)
    kwh = usual.kwh - figures.kwh
    cost = usual.energy_cost + usual.demand_cost - figures.energy_cost - figures.demand_cost
    whole: dict[str, Any] = {
        "plant": "north", "id": f"plan-{begin_us // HOUR_US}", "revision": 0, "made_us": begin_us, "begin_us": begin_us,
        "end_us": begin_us + HOURS * HOUR_US, "reason": PlanReason.ORDERS, "jobs": tuple(jobs), "power": tuple(power),
        "care": (PlannedCare(
            asset=first, alert=alert, mode="bearing-wear", begin_us=begin_us + round(care_h * HOUR_US),
            end_us=begin_us + round((care_h + 4) * HOUR_US), deadline_us=begin_us + 60 * HOUR_US, chance=0.04,
            cost=310.0,
        ),),
        "unplanned": (
            Unplanned(order="P-1011", why=NotPlanned.NO_ROOM, detail="12.5 h are wanted before it is due"),
            Unplanned(order="P-1012", why=NotPlanned.UNKNOWN_PRODUCT, detail="no product 'ring-95' in the plant file"),
        ),
        "figures": figures, "usual": usual,
        "saving": PlanSaving(kwh=kwh, kwh_low=0.6 * kwh, kwh_high=1.3 * kwh, cost=cost, cost_low=0.5 * cost,
                             cost_high=1.4 * cost, co2_kg=0.38 * kwh),
        "gap": 0.031, "solver": "cp-sat", "seconds": 19.4, "moved": 2,
        "assumed": ("prices after the second day are those of the week before",
                    "the load beside the machines is its forecast's median"),
        "quarters": Quarters(price_per_kwh=PRICES, kw=kw, usual_kw=usual_kw), "currency": "EUR",
    }  # fmt: skip
    return Plan(**whole | said)


def placed(
    groups: Sequence[Sequence[str]], begin_us: int, *, is_usual: bool
) -> tuple[list[PlannedJob], dict[str, Lane]]:
    """Jobs in turn on the machines of their group; the usual rule waits for no price, and leaves machines on."""
    jobs: list[PlannedJob] = []
    lanes: dict[str, Lane] = defaultdict(list)
    counts = [0] * len(groups)
    for number, (group, wish_h, setup_h, hours, due_h) in enumerate(JOBS, 1001):
        asset = groups[group][counts[group] % len(groups[group])]
        counts[group] += 1
        free_h = lanes[asset][-1][2] if lanes[asset] else 0.0
        setup = max(free_h, 0.0 if is_usual else wish_h)
        begin, end = setup + setup_h, setup + setup_h + hours
        _wait(lanes[asset], free_h, setup, is_usual)
        lanes[asset] += [(PowerState.SETUP, setup, begin), (PowerState.RUN, begin, end)]
        setup_us, made_us, end_us = (begin_us + round(hour * HOUR_US) for hour in (setup, begin, end))
        jobs.append(PlannedJob(
            order=f"P-{number}", product="ring-80" if number % 3 else "ring-120", units=round(hours * 240), step=0,
            asset=asset, setup_us=setup_us, begin_us=made_us, end_us=end_us, kwh=hours * KW[PowerState.RUN][group],
            due_us=begin_us + due_h * HOUR_US, is_frozen=number <= 1002,
        ))  # fmt: skip
    for asset in (asset for group in groups for asset in group):
        lane = lanes[asset]
        free_h = lane[-1][2] if lane else 0.0
        lane.append((PowerState.IDLE, free_h, free_h + LEFT_ON_H) if is_usual else (PowerState.OFF, free_h, free_h + 1))
    return jobs, lanes


def _wait(lane: Lane, free_h: float, until_h: float, is_usual: bool) -> None:
    """Idle where it is short, else off with a start-up before the next."""
    if until_h - free_h > 2 and not is_usual:
        lane += [(PowerState.OFF, free_h, until_h - 0.5), (PowerState.START, until_h - 0.5, until_h)]
    elif until_h > free_h:
        lane.append((PowerState.IDLE, free_h, until_h))


def powered(
    groups: Sequence[Sequence[str]], lanes: Mapping[str, Lane], begin_us: int
) -> tuple[list[PlannedPower], tuple[float, ...]]:
    """Lanes up to the end of the plan as records, and the site's kW by quarter."""
    power, kw = [], [BASE_KW] * (HOURS * 4)
    for number, group in enumerate(groups):
        for asset in group:
            until_h = 0.0
            lane = list(lanes[asset])
            for state, from_h, to_h in [*lane, (PowerState.OFF, lane[-1][2], float(HOURS))]:
                spans = [(PowerState.IDLE, until_h, from_h)] if from_h > until_h else []
                for one, begin, end in (*spans, (state, from_h, to_h)):
                    power.append(PlannedPower(
                        asset=asset, state=one, begin_us=begin_us + round(begin * HOUR_US),
                        end_us=begin_us + round(end * HOUR_US), kw=KW[one][number],
                    ))  # fmt: skip
                    for quarter in range(round(begin * 4), round(end * 4)):
                        kw[quarter] += KW[one][number]
                until_h = to_h
    return power, tuple(round(one, 3) for one in kw)


def figured(jobs: Sequence[PlannedJob], kw: Sequence[float]) -> PlanFigures:
    """What that takes."""
    late = [max(0, one.end_us - one.due_us) / HOUR_US for one in jobs]
    return PlanFigures(
        kwh=sum(kw) / 4, energy_cost=sum(each * by for each, by in zip(kw, PRICES, strict=True)) / 4,
        demand_cost=max(0.0, max(kw) - 200) * 1.9, co2_kg=0.38 * sum(kw) / 4, peak_kw=max(kw), late_h=sum(late),
        late_orders=sum(one > 0 for one in late), units=sum(one.units for one in jobs),
    )  # fmt: skip


def result(day: int = 0, **said: Any) -> PlanResult:
    """What came of a plan of some day before the first."""
    end_us = at(-24 * day)
    whole: dict[str, Any] = {
        "plant": "north", "plan": f"plan-of-day-{day}", "begin_us": end_us - 24 * HOUR_US, "end_us": end_us,
        "measured_kwh": 2410.0 + 35 * day, "baseline_kwh": 2620.0 + 30 * day, "realised": 0.08 - 0.01 * day,
        "realised_low": 0.05 - 0.01 * day, "realised_high": 0.11 - 0.01 * day, "predicted": 0.09, "is_valid": True,
    }  # fmt: skip
    return PlanResult(**whole | said)


def demand(quarter_us: int = at(1), **said: Any) -> DemandWarning:
    """A quarter-hour that will pass its limit."""
    whole: dict[str, Any] = {
        "plant": "north", "id": f"demand-{quarter_us}", "revision": 0, "quarter_us": quarter_us,
        "time_us": quarter_us + 6 * 60_000_000, "minutes_left": 9.0, "expected_kw": 271.0, "low_kw": 262.0,
        "high_kw": 283.0, "limit_kw": 260.0, "is_open": True,
        "shed": (Shed(asset="pump-02", kw=46.0, minutes=15, why="its order is due in 14 h"),),
        "kept": (Unshed(asset="fan-01", why="what is in it would be scrap"),
                 Unshed(asset="pump-01", why="its order would be late")),
        "why": "two machines started in the same quarter",
    }  # fmt: skip
    return DemandWarning(**whole | said)


def suggestion(asset: str = "pump-01", id_: str = "s-1", **said: Any) -> Suggestion:
    """A setting that would save energy."""
    whole: dict[str, Any] = {
        "plant": "north", "asset": asset, "id": id_, "revision": 0, "subject": "energy", "parameter": "oil_temp_degc",
        "unit": "degC", "now": 58.0, "proposed": 54.5,
        "expected": (
            Expected(figure="energy", unit="kWh/unit", before=0.192, after=0.181, after_low=0.177, after_high=0.186),
            Expected(figure="scrap", unit="%", before=1.1, after=1.1, after_low=0.9, after_high=1.4),
        ),
        "why": "the last 400 h below 56 degC took less energy a unit, and scrap was the same",
        "rails": ("not below 52 degC: the plant file's limit",), "state": SuggestionState.OPEN, "made_us": at(0),
        "valid_until_us": at(48), "revert": "set it back to 58 degC; it takes effect within 20 min",
        "assumed": ("the product stays ring-80",),
    }  # fmt: skip
    return Suggestion(**whole | said)


MOVED = Setting(parameter="current_ka", unit="kA", now=9.0, proposed=9.2)
EASED = Setting(parameter="force_kn", unit="kN", now=3.0, proposed=2.9)
RATE = Expected(
    figure="defect rate", unit="1", before=0.021, after=0.012, after_low=0.009, after_high=0.016, before_low=0.018,
    before_high=0.024,
)  # fmt: skip


def tuned(asset: str = "pump-01", id_: str = "t-1", **said: Any) -> Suggestion:
    """A move of two settings of a process, as the tuning role suggests it, which two people must approve."""
    whole: dict[str, Any] = {
        "subject": "defects", "parameter": MOVED.parameter, "unit": MOVED.unit, "now": MOVED.now,
        "proposed": MOVED.proposed, "also": (EASED,), "product": "bracket", "model": "weld-defects@3", "approvals": 2,
        "expected": (RATE, Expected(figure="energy_kj", unit="of a part", before=2.31, after=2.28, after_low=2.28,
                                    after_high=2.28)),
        "why": "21 of 1000 parts inspected at this setting are defective (expulsion 17, stick 4)",
        "rails": ("current_ka: step",), "revalidate": "peel test of ten parts at the new setting", "moved_us": at(0),
        "revert": "Set current_ka to 9 kA, force_kn to 3 kN.", "assumed": ("parts go on as the last ones did",),
    }  # fmt: skip
    return suggestion(asset, id_, **whole | said)


def said_of(id_: str, answer: Verdict, by: str = "kim", hours: float = 1, **said: Any) -> SuggestionAnswer:
    """What somebody said to a suggestion."""
    return SuggestionAnswer(plant="north", suggestion=id_, answer=answer, by=by, time_us=at(hours), **said)


def effect(asset: str = "pump-01", id_: str = "t-1", hours: float = 20, **said: Any) -> SuggestionEffect:
    """What came of a move so far."""
    whole: dict[str, Any] = {
        "plant": "north", "asset": asset, "suggestion": id_, "product": "bracket", "time_us": at(hours),
        "before": Arm(parts=1000, defects=21, rate=0.021, low=0.012, high=0.033),
        "after": Arm(parts=1400, defects=13, rate=0.0093, low=0.0045, high=0.0171), "change_low": -0.021,
        "change_high": -0.001, "e_better": 23.0, "e_worse": 0.02, "least_parts": 2350,
        "verdict": EffectVerdict.DELIVERS,
    }  # fmt: skip
    return SuggestionEffect(**whole | said)


def refused(asset: str = "pump-01", id_: str = "", hours: float = 1, **said: Any) -> SuggestionRefused:
    """A change that a rail did not let pass: a model's, or, of a suggestion, somebody's wish."""
    whole: dict[str, Any] = {
        "plant": "north", "asset": asset, "product": "bracket", "time_us": at(hours), "rail": "forbidden-combination",
        "detail": "expulsion: current_ka 9.8 and force_kn 2.4", "settings": (MOVED, EASED), "model": "weld-defects@3",
        "suggestion": id_, "by": "lee" if id_ else "",
    }  # fmt: skip
    return SuggestionRefused(**whole | said)


def trial(asset: str = "pump-01", id_: str = "m-1", **said: Any) -> TrialRequest:
    """A change that is too large to be suggested."""
    whole: dict[str, Any] = {
        "plant": "north", "asset": asset, "id": id_, "product": "bracket",
        "settings": (Setting(parameter="current_ka", unit="kA", now=9.0, proposed=9.7),), "expected": (RATE,),
        "parts": 2350, "why": "current_ka by 0.7 kA is over 0.5 kA", "rails": (), "model": "weld-defects@3",
        "made_us": at(0), "revert": "Set current_ka to 9 kA.", "revalidate": "peel test of ten parts",
    }  # fmt: skip
    return TrialRequest(**whole | said)
