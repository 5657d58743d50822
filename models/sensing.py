"""What minutes mean for each sensor of a machine: what it holds, whether it is stuck, jumps or is silent, and of use.

All minutes of all machines at once, in `rows`; only jumps are walked through one after another. Machines are
`following`'s.
"""

from __future__ import annotations

import numpy as np

from models.bins import QUARTER, Held
from models.holding import lead
from models.operating import BELIEVED_AFTER, JUMPED, NEVER_MIN, SILENT, SOUND, STUCK, Found, Machines, Rule
from models.rows import Course, Rows, Sensed, before


def judge(
    rule: Rule, m: Machines, rows: Rows, statistics: np.ndarray, sensed: Sensed, course: Course, found: Found
) -> None:
    """Find which sensors are of use, what is wrong with others, and what held; moves all of `m` that is of sensors."""
    value, spoke = _values(rule, m, rows, sensed, course)
    stuck = _unchanged(m, rows, sensed, course, value) >= rule.stuck_after_min[:, None]
    odd = _odd(rule, m, rows, sensed, course)
    found.fault[:] = _faults(rule, m, rows, course, spoke, stuck, odd)[:, rows.minutes].T
    usable = sensed.has & course.settled
    if rule.held.columns.any():
        holds = _holding(rule, rows, statistics, course, value, spoke, found)
        usable[rule.held.columns] |= holds & course.settled
    usable &= (odd == 0) & ~(stuck & course.heard)
    found.use[:] = usable[:, rows.minutes].T


def _values(rule: Rule, m: Machines, rows: Rows, sensed: Sensed, course: Course) -> tuple[np.ndarray, np.ndarray]:
    """The last value of each sensor before each row; and when it spoke last, or was heard anew, as of the row."""
    value = sensed.last
    value[:, rows.stands] = m.held.T
    value = value.take(sensed.by)
    spoke = np.where(sensed.has | ~rule.held.columns[:, None], course.minute, NEVER_MIN)
    spoke[:, rows.stands] = m.spoke.T
    spoke = spoke.take(rows.last(sensed.has | course.anew) if course.anew.any() else sensed.by)
    m.held, m.spoke = value[:, rows.ends].T, spoke[:, rows.ends].T
    return before(value), spoke


def _unchanged(m: Machines, rows: Rows, sensed: Sensed, course: Course, value: np.ndarray) -> np.ndarray:
    """Running minutes since each sensor had another value than the one before."""
    still = (sensed.low == sensed.high) & (sensed.low == value)
    moved = (sensed.has & ~still) * course.clock
    moved[:, rows.stands] = course.clock[rows.stands] - m.unchanged.T
    unchanged = course.clock - np.maximum.accumulate(moved, axis=1)
    m.unchanged = unchanged[:, rows.ends].T
    return unchanged


def _odd(rule: Rule, m: Machines, rows: Rows, sensed: Sensed, course: Course) -> np.ndarray:
    """How many jumps in a row each sensor has made by each row.

    A jump is one from the last mean, unless that is of one itself: only from where a first one may be it is counted.
    """
    mean, unsettled = _means(rule, m, rows, sensed), course.unsettled + rows.cell[:, :1]
    maybe, odd = np.zeros(mean.shape, bool), np.zeros(mean.shape, np.int8)
    limited = np.flatnonzero(rule.max_step < np.inf)
    if len(limited):
        last = before(sensed.by[limited])
        with np.errstate(invalid="ignore"):
            far = np.abs(mean[limited] - mean.take(last)) > rule.max_step[limited, None]
        maybe[limited] = far & sensed.has[limited] & (last > unsettled[limited])
    odd[:, rows.stands] = m.odd.T
    maybe[:, rows.stands] = m.odd.T > 0
    if maybe.any():
        _count_jumps(rule, rows, np.flatnonzero(maybe), np.flatnonzero(sensed.has), unsettled, mean, odd)
    last = sensed.by[:, rows.ends]
    m.odd = odd[:, rows.ends].T
    m.credible = np.where(last > unsettled[:, rows.ends], mean.take(last), np.nan).T
    return odd


def _means(rule: Rule, m: Machines, rows: Rows, sensed: Sensed) -> np.ndarray:
    """Mean of each sensor where it has samples, the last credible one where its machine stands."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sensed.total / sensed.weight
    mean[rule.held.columns] = sensed.last[rule.held.columns]
    mean[:, rows.stands] = m.credible.T
    return mean


def _count_jumps(
    rule: Rule,
    rows: Rows,
    maybe: np.ndarray,
    speaks: np.ndarray,
    unsettled: np.ndarray,
    mean: np.ndarray,
    odd: np.ndarray,
) -> None:
    """Put jumps into `odd`, from each cell that is `maybe` a first one to the next that is believed.

    `speaks` are the cells that have samples. The `mean` of the last jump of all becomes the one that was credible.
    """
    size, done = odd.shape[1], 0
    stops = np.append(rows.is_stand[speaks % size], True)
    speaks = np.append(speaks, odd.size)
    for place in np.searchsorted(speaks, maybe).tolist():
        if place < done:
            continue
        first = at = speaks.item(place)
        number = max(odd.item(first), 1)
        credible, step = mean.item(first if stops[place] else speaks.item(place - 1)), rule.max_step.item(first // size)
        while number:
            place += 1
            then = speaks.item(place)
            odd.reshape(-1)[at:then] = number
            if stops[place]:
                mean.reshape(-1)[at] = credible
                break
            jumps = unsettled.item(then) == unsettled.item(first) and abs(mean.item(then) - credible) > step
            at, number = then, (number + 1) % BELIEVED_AFTER if jumps else 0
        done = place + (number == 0)


def _faults(
    rule: Rule, m: Machines, rows: Rows, course: Course, spoke: np.ndarray, stuck: np.ndarray, odd: np.ndarray
) -> np.ndarray:
    """What is wrong with each sensor, as last told while its machine ran."""
    quiet = (spoke != NEVER_MIN) & (course.minute - spoke > rule.holds_min[:, None])
    fault = np.full(spoke.shape, SOUND, np.int8)
    fault[odd > 0] = JUMPED
    fault[stuck] = STUCK
    fault[quiet] = SILENT
    fault[:, rows.stands] = m.fault.T
    if fault.any():
        fault = fault.take(rows.last(course.runs & (quiet | (spoke == course.minute)) | rows.is_stand))
    m.fault = fault[:, rows.ends].T
    return fault


def _holding(
    rule: Rule,
    rows: Rows,
    statistics: np.ndarray,
    course: Course,
    value: np.ndarray,
    spoke: np.ndarray,
    found: Found,
) -> np.ndarray:
    """Find what held of each `held` column; returns whether it did in any part of what its minute stands for."""
    held = np.flatnonzero(rule.held.columns)
    value, holds_min = value[held], rule.holds_min[held]
    spoke = np.where(course.anew, NEVER_MIN, before(spoke[held]))
    begin = np.maximum(course.taken + 1, course.minute // QUARTER * QUARTER)
    holds = ~np.isnan(value) & (begin <= spoke + holds_min[:, None])
    minute, taken, value, spoke = (of[..., rows.minutes].T for of in (course.minute, course.taken, value, spoke))
    kinds, of_held = Held(*(of[held] for of in rule.held)), statistics[:, :, held]
    found.lead[:] = lead(kinds, rule.reference[held], of_held, minute, taken, value, spoke, holds_min)
    return holds
