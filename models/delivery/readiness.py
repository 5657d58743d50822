"""Whether a warning that is to be told may be told now, or what it waits for. Asked at each look: nothing is lost."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from models.delivery.facts import is_over, severity_of
from models.delivery.following import UNTOLD, is_beginning
from models.delivery.plan import Plan
from models.delivery.state import State
from models.delivery.subscriptions import Schedule
from models.records import Advice, Alert, AlertState, Followed


class Wait(Enum):
    """What a warning waits for."""

    NOTHING = "it may be told"
    HELD = "it is shelved, suppressed or out of service"
    INHIBITED = "an asset above it has a warning as bad"
    NOBODY_THERE = "it is outside of the schedule"
    FLAPPING = "it began several times lately"


class Readiness(NamedTuple):
    """What it waits for, and the warning that inhibits it, if one does."""

    wait: Wait
    by: str = ""


READY = Readiness(Wait.NOTHING)


def readiness(plan: Plan, state: State, name: str, case: Followed, now_us: int) -> Readiness:
    """What a subscription's word of a warning waits for: the first of these that holds."""
    if is_held(case.alert, now_us):
        return Readiness(Wait.HELD)
    if by := inhibiting(plan, state, name, case, now_us):
        return Readiness(Wait.INHIBITED, by)
    if not is_heard(plan, plan.subscriptions[name].schedule, case.alert, now_us):
        return Readiness(Wait.NOBODY_THERE)
    if is_flapping(plan, state, name, case, now_us):
        return Readiness(Wait.FLAPPING)
    return READY


def is_held(alert: Alert, now_us: int) -> bool:
    """Whether somebody holds it back; what was closed is held no more."""
    if alert.state is AlertState.CLOSED:
        return False
    return any(hold.until_us is None or hold.until_us > now_us for hold in alert.held)


def inhibiting(plan: Plan, state: State, name: str, case: Followed, now_us: int) -> str:
    """The warning of an asset above that the same subscription is told of, and is as bad; empty for none."""
    least = severity_of(case.alert)
    for asset in plan.plant.above(case.alert.asset):
        for one in sorted(state.open_of.get(asset, ())):
            other = state.cases[one]
            told = other.told.get(name, UNTOLD)
            is_told = told.revision >= 0 or told.due >= 0
            if is_told and severity_of(other.alert) >= least and not is_held(other.alert, now_us):
                return one
    return ""


def is_heard(plan: Plan, schedule: Schedule, alert: Alert, now_us: int) -> bool:
    """Whether somebody is there by a schedule, or is to be called."""
    if schedule.act_now and alert.advice is Advice.ACT_NOW and not is_over(alert):
        return True
    return plan.calendar.is_on(schedule, now_us)


def is_flapping(plan: Plan, state: State, name: str, case: Followed, now_us: int) -> bool:
    """Whether it would be told once more to have begun, and no worse than it was told lately."""
    alert, rule = case.alert, plan.subscriptions[name].flapping
    if not is_beginning(case.told[name], alert):
        return False
    ids = state.troubles.get((alert.asset, alert.mode), ())
    lately = [told for one in ids if (told := state.cases[one].told.get(name)) is not None]
    began = [(us, told.worst) for told in lately for us in told.openings if us > now_us - rule.within_us]
    return len(began) >= rule.times and severity_of(alert) <= max(worst for _, worst in began)
