"""What is shown of a plan, a demand warning and a suggestion: records in, frozen views out, cut to who looks. Pure.

Lanes of machines are for whoever may see these; what is summed over the plant is for callers of all sites.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from models.plant import Plant
from models.records import (
    DemandWarning,
    Expected,
    Plan,
    PlanFigures,
    PlannedCare,
    PlannedJob,
    PlannedPower,
    PlanReason,
    PlanSaving,
    Quarters,
    Shed,
    Suggestion,
    SuggestionAnswer,
    SuggestionState,
    Unplanned,
    Unshed,
)
from pipelines.console.shown import site_of

OF_PLANT = ("figures", "usual", "saving", "gap")
LANES = ("jobs", "power", "care")
Sees = Callable[[str], bool]
"""Whether an asset may be seen."""


class PlanNow(Struct, frozen=True, kw_only=True):
    """A plan in short. What is of the whole plant is null for callers of some sites; so is a gap that is not known."""

    id: str
    revision: int
    made_us: int
    begin_us: int
    end_us: int
    reason: PlanReason
    currency: str
    figures: PlanFigures | None
    usual: PlanFigures | None
    saving: PlanSaving | None
    gap: float | None


class PlanPage(PlanNow, frozen=True, kw_only=True):
    """A plan with the lanes of the machines that are seen.

    To callers of some sites (`is_whole` false) the quarters have prices alone, and neither what is not planned nor what
    was assumed is told, since both may name machines of others.
    """

    is_whole: bool
    jobs: tuple[PlannedJob, ...]
    power: tuple[PlannedPower, ...]
    care: tuple[PlannedCare, ...]
    unplanned: tuple[Unplanned, ...]
    solver: str
    seconds: float
    moved: int
    assumed: tuple[str, ...]
    quarters: Quarters


class DemandNow(Struct, frozen=True, kw_only=True):
    """A quarter-hour that will pass its limit: figures for callers of all sites, machines for whoever sees them."""

    id: str
    revision: int
    quarter_us: int
    time_us: int
    minutes_left: float
    is_open: bool
    expected_kw: float | None
    low_kw: float | None
    high_kw: float | None
    limit_kw: float | None
    shed: tuple[Shed, ...]
    kept: tuple[Unshed, ...]
    why: str


class SuggestionNow(Struct, frozen=True, kw_only=True):
    """A suggestion with what was answered: `by` whom, when and why (`answer_why`); empty and null before."""

    id: str
    revision: int
    asset: str
    site: str
    subject: str
    parameter: str
    unit: str
    now: float
    proposed: float
    expected: tuple[Expected, ...]
    why: str
    rails: tuple[str, ...]
    state: SuggestionState
    made_us: int
    valid_until_us: int
    revert: str
    assumed: tuple[str, ...]
    by: str
    answer_why: str
    answered_us: int | None


def plan_now(plan: Plan, *, is_whole: bool) -> PlanNow:
    """A plan in short."""
    told = {name: getattr(plan, name) for name in PlanNow.__struct_fields__}
    return PlanNow(**told if is_whole else told | dict.fromkeys(OF_PLANT))


def plan_page(plan: Plan, sees: Sees, *, is_whole: bool) -> PlanPage:
    """A plan whole, or what of it is of the machines that are seen."""
    told = {name: getattr(plan, name) for name in PlanPage.__struct_fields__ if name != "is_whole"}
    if not is_whole:
        prices = Quarters(price_per_kwh=plan.quarters.price_per_kwh, kw=(), usual_kw=())
        told |= dict.fromkeys(OF_PLANT) | {"quarters": prices, "unplanned": (), "assumed": ()}
        told |= {lane: tuple(one for one in getattr(plan, lane) if sees(one.asset)) for lane in LANES}
    return PlanPage(is_whole=is_whole, **told)


def demand_now(warning: DemandWarning, sees: Sees, *, is_whole: bool) -> DemandNow:
    """A demand warning, with the machines that are seen."""
    return DemandNow(
        id=warning.id, revision=warning.revision, quarter_us=warning.quarter_us, time_us=warning.time_us,
        minutes_left=warning.minutes_left, is_open=warning.is_open,
        expected_kw=warning.expected_kw if is_whole else None, low_kw=warning.low_kw if is_whole else None,
        high_kw=warning.high_kw if is_whole else None, limit_kw=warning.limit_kw if is_whole else None,
        shed=tuple(one for one in warning.shed if sees(one.asset)),
        kept=tuple(one for one in warning.kept if sees(one.asset)), why=warning.why if is_whole else "",
    )  # fmt: skip


def suggestion_now(plant: Plant, one: Suggestion, answer: SuggestionAnswer | None) -> SuggestionNow:
    """A suggestion as it stands."""
    of_answer = ("site", "state", "by", "answer_why", "answered_us")
    told = {name: getattr(one, name) for name in SuggestionNow.__struct_fields__ if name not in of_answer}
    return SuggestionNow(
        site=site_of(plant, one.asset), state=state_of(one, answer), by=answer.by if answer else "",
        answer_why=answer.why if answer else "", answered_us=answer.time_us if answer else None, **told,
    )  # fmt: skip


def state_of(one: Suggestion, answer: SuggestionAnswer | None) -> SuggestionState:
    """What was answered holds while the suggestion itself is open."""
    if answer is None or one.state is not SuggestionState.OPEN:
        return one.state
    return SuggestionState(answer.answer)
