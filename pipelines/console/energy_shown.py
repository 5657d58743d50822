"""What is shown of a plan, a demand warning and a suggestion: records in, frozen views out, cut to who looks. Pure.

Lanes of machines are for whoever may see these; what is summed over the plant is for callers of all sites.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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
    Setting,
    Shed,
    Suggestion,
    SuggestionAnswer,
    SuggestionEffect,
    SuggestionRefused,
    SuggestionState,
    Unplanned,
    Unshed,
    Verdict,
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


class AnswerNow(Struct, frozen=True, kw_only=True):
    """What somebody said to a suggestion; `values` are what he wishes instead, by parameter."""

    by: str
    answer: Verdict
    time_us: int
    why: str
    values: dict[str, float]


class SuggestionNow(Struct, frozen=True, kw_only=True):
    """A suggestion with what was answered: `by` whom, when and why (`answer_why`), with which `values`.

    These are of the answer that decided, empty and null before; `answers` are all, in the order of their coming. One of
    a process (`model` is not empty) is moved by its maker alone, who takes what people wish past the rails: until then
    it is open. So many `approvals` are needed, `approved` has who gave one to what is proposed now, `refused` what was
    wished and not let through, `effect` what came of it so far.
    """

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
    values: dict[str, float]
    also: tuple[Setting, ...]
    product: str
    model: str
    approvals: int
    revalidate: str
    moved_us: int
    ended: str
    failed: bool
    answers: tuple[AnswerNow, ...]
    approved: tuple[str, ...]
    refused: tuple[SuggestionRefused, ...]
    effect: SuggestionEffect | None


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


def suggestion_now(
    plant: Plant,
    one: Suggestion,
    answers: Sequence[SuggestionAnswer] = (),
    refused: Sequence[SuggestionRefused] = (),
    effect: SuggestionEffect | None = None,
) -> SuggestionNow:
    """A suggestion as it stands."""
    own = {name: getattr(one, name) for name in SuggestionNow.__struct_fields__ if hasattr(one, name)}
    last = _decided(one, answers)
    told = AnswerNow.__struct_fields__
    return SuggestionNow(**own | {
        "site": site_of(plant, one.asset), "state": state_of(one, answers), "by": last.by if last else "",
        "answer_why": last.why if last else "", "answered_us": last.time_us if last else None,
        "values": last.values if last else {}, "approved": tuple(each.by for each in approving(one, answers)),
        "answers": tuple(AnswerNow(**{name: getattr(each, name) for name in told}) for each in answers),
        "refused": tuple(refused), "effect": effect,
    })  # fmt: skip


def state_of(one: Suggestion, answers: Sequence[SuggestionAnswer]) -> SuggestionState:
    """What was answered first holds while the suggestion itself is open; one of a process is moved by its maker alone.

    Of several people, or with other values, an answer there does not decide by itself.
    """
    if one.model or not answers or one.state is not SuggestionState.OPEN:
        return one.state
    return SuggestionState(answers[0].answer)


def wished(one: Suggestion, values: Mapping[str, float]) -> dict[str, float]:
    """All that is to be set where some values are others; what is not named stays as proposed."""
    return {each.parameter: each.proposed for each in one.settings} | dict(values)


def approving(one: Suggestion, answers: Sequence[SuggestionAnswer]) -> list[SuggestionAnswer]:
    """The first of each who approves of what is proposed now: who changed it to that does, who approved before not.

    A wish that is not what is proposed approves of nothing: it was refused, or nobody judged it yet.
    """
    found: dict[str, SuggestionAnswer] = {}
    for answer in answers:
        if answer.answer is Verdict.ACCEPTED:
            found.setdefault(answer.by, answer)
        elif answer.answer is Verdict.MODIFIED and wished(one, answer.values) == wished(one, {}):
            found = {answer.by: answer}
    return list(found.values())


def _decided(one: Suggestion, answers: Sequence[SuggestionAnswer]) -> SuggestionAnswer | None:
    """The answer that made it what it is; None where it is open, or ended by itself."""
    if not one.model:
        return answers[0] if answers else None
    if one.state is SuggestionState.REJECTED:
        return next((each for each in answers if each.answer is Verdict.REJECTED), None)
    if one.state is SuggestionState.ACCEPTED or one.failed:
        return next(iter(approving(one, answers)[: one.approvals][-1:]), None)
    return None
