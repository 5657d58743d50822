"""From what a search found to what is said: past the rails, a suggestion, a request for a trial, or the rail. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from models.plant.tuning import Station
from models.records import Expected, Setting, Suggestion, SuggestionRefused, SuggestionState, TrialRequest, id_of
from models.tuning import wording
from models.tuning.answering import alike
from models.tuning.costs import Cost
from models.tuning.effect import least_parts
from models.tuning.rails import (
    Context,
    Limits,
    OnTrialTogether,
    PassedTogether,
    Proposal,
    Refused,
    judge_together,
)
from models.tuning.ranking import Answered, Way
from models.tuning.ranking import told as ranked
from models.tuning.search import Aim, Rate

SUBJECT = "defects"
ASSUMED = "parts go on as the last ones did, but for what the change moves"


class Of(NamedTuple):
    """For which station and product it is, at which settings it is now, when, within which limits, and how it is."""

    plant: str
    asset: str
    product: str
    station: Station
    now: Mapping[str, float]
    now_us: int
    valid_us: int
    limits: Mapping[str, Limits]
    context: Context
    evidence: int
    version: str


class Said(NamedTuple):
    """What is expected of settings: the rate before and after, how sure, and what a part takes, by figure and unit."""

    before: Rate
    after: Rate
    sure: float
    aim: Aim
    costs: tuple[tuple[str, Cost, float], ...] = ()
    """Each figure's name, how it moves, and its mean after."""


def judged(of: Of, wished: Mapping[str, float]) -> PassedTogether | OnTrialTogether | Refused:
    """Take values for some parameters past the rails."""
    proposals = [
        Proposal(
            asset=of.asset, parameter=name, now=of.now.get(name, float("nan")), proposed=value, evidence=of.evidence,
            time_us=of.now_us, until_us=of.now_us + of.valid_us,
        )
        for name, value in wished.items()
    ]  # fmt: skip
    return judge_together(proposals, of.limits, of.context)


def outside(of: Of, one: Suggestion) -> str:
    """Why limits, as they may have been edited, do not let an open suggestion's values pass; empty where they do.

    What passes by itself, such as an interlock or a rest, is none of it.
    """
    calm = {
        name: replace(each, interlocks=(), rate=None, cool_down_h=0.0, least_step=0.0, evidence=0, longest_h=1e6)
        for name, each in of.limits.items()
    }
    wished = {each.parameter: each.proposed for each in one.settings}
    of = of._replace(limits=calm, context=Context(settings=of.context.settings), evidence=0)
    found = judged(of, wished)
    if isinstance(found, Refused):
        return f"limits are others by now: {found.detail}"
    if isinstance(found, OnTrialTogether):
        return f"limits are others by now: {found.why}"
    if not alike(found.values, wished):
        return f"limits are others by now: {', '.join(f'{name}: {rail}' for name, rail in found.binding)}"
    return "more people must approve by now" if found.approvals > one.approvals else ""


def refused(of: Of, wished: Mapping[str, float], by: Refused) -> SuggestionRefused:
    """What a rail did not let pass."""
    return SuggestionRefused(
        plant=of.plant, asset=of.asset, product=of.product, time_us=of.now_us, rail=str(by.rail), detail=by.detail,
        settings=settings_of(of, wished), model=of.version,
    )  # fmt: skip


def suggestion(
    of: Of, passed: PassedTogether, said: Said, seen: tuple[int, int, str], answers: Mapping[Way, Answered]
) -> Suggestion:
    """What people are asked; what is expected is told of the values that the rails left."""
    first, *also = settings = settings_of(of, passed.values)
    return Suggestion(
        plant=of.plant, asset=of.asset, id=_id(of, settings), revision=0, subject=SUBJECT, parameter=first.parameter,
        unit=first.unit, now=first.now, proposed=first.proposed, also=tuple(also), expected=_expected(of, said),
        why=_why(of, settings, said, seen, answers), rails=tuple(f"{name}: {rail}" for name, rail in passed.binding),
        state=SuggestionState.OPEN, made_us=of.now_us, moved_us=of.now_us, valid_until_us=of.now_us + of.valid_us,
        revert=wording.revert(settings, of.station.valid), assumed=(ASSUMED,), product=of.product, model=of.version,
        approvals=passed.approvals, revalidate=of.station.qualification,
    )  # fmt: skip


def trial(
    of: Of, found: OnTrialTogether, said: Said, seen: tuple[int, int, str], answers: Mapping[Way, Answered]
) -> TrialRequest:
    """What management of change is asked for."""
    settings = settings_of(of, found.values)
    return TrialRequest(
        plant=of.plant, asset=of.asset, id=_id(of, settings), product=of.product, settings=settings,
        expected=_expected(of, said), parts=_parts(of, said),
        why=f"{found.why}; {_why(of, settings, said, seen, answers)}",
        rails=tuple(f"{name}: {rail}" for name, rail in found.binding), model=of.version, made_us=of.now_us,
        revert=wording.revert(settings, of.station.valid), revalidate=of.station.qualification,
    )  # fmt: skip


def _parts(of: Of, said: Said) -> int:
    """In each arm, to show what is expected; a move that promises no lower rate is looked at by as many as ever."""
    return least_parts(said.before.rate, said.after.rate) if said.aim is Aim.BETTER else of.station.evidence


def settings_of(of: Of, values: Mapping[str, float]) -> tuple[Setting, ...]:
    """What is to change, with units; the largest change, in steps, first."""
    known = of.station.parameters
    found = [
        Setting(
            parameter=name, unit=known[name].unit if name in known else "", now=of.now.get(name, value), proposed=value
        )
        for name, value in values.items()
    ]
    steps = {name: one.step or 1.0 for name, one in known.items()}
    return tuple(
        sorted(found, key=lambda one: (-abs(one.proposed - one.now) / steps.get(one.parameter, 1.0), one.parameter))
    )


def _id(of: Of, settings: Sequence[Setting]) -> str:
    what = ",".join(sorted(one.parameter for one in settings))
    return id_of("suggestion", of.plant, of.asset, f"{of.product}/{what}", of.now_us)


def _expected(of: Of, said: Said) -> tuple[Expected, ...]:
    rate = Expected(
        figure="defect rate", unit="1", before=said.before.rate, after=said.after.rate, after_low=said.after.low,
        after_high=said.after.high, before_low=said.before.low, before_high=said.before.high,
    )  # fmt: skip
    takes = [
        Expected(
            figure=name,
            unit=of.station.takes.get(name, "1"),
            before=cost.now,
            after=after,
            after_low=after,
            after_high=after,
        )
        for name, cost, after in said.costs
    ]
    return (rate, *takes)


def _why(
    of: Of, settings: Sequence[Setting], said: Said, seen: tuple[int, int, str], answers: Mapping[Way, Answered]
) -> str:
    takes = wording.takes(_expected(of, said)[1:])
    ways = [(one.parameter, one.proposed > one.now) for one in settings]
    more = (f"a part takes {takes}" if takes else "", ranked(answers, ways))
    return wording.why(settings, seen, (said.before, said.after), said.sure, said.aim, more)
