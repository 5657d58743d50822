"""Two models on one machine: which warnings both give, which only one, and whose lead is longer."""

from __future__ import annotations

import numpy as np
import pytest

from models.alerting.hindsight import HOUR_US, Past
from models.alerting.life import Threshold
from models.alerting.versus import Watched, came_of, stricter, together, versus

MINUTE_US = 60_000_000
LIMIT = Threshold(limit=0.5, open_after=3, clear_after=5, clear_share=0.6)
HOURS = 400


def past(chance: np.ndarray, failures_h: tuple[float, ...] = (), repairs_h: tuple[float, ...] = ()) -> Past:
    hours = np.arange(1, len(chance) + 1)
    return Past(
        window_end_us=hours * HOUR_US,
        chance=chance,
        failures_us=np.array([round(h * HOUR_US) for h in failures_h], np.int64),
        repairs_us=np.array([round(h * HOUR_US) for h in repairs_h], np.int64),
        weeks=len(chance) / 168,
        to_us=len(chance) * HOUR_US,
        every_min=1,
    )


def high(*spans: tuple[int, int]) -> np.ndarray:
    """Chances of 0.9 in these hours, else 0.05."""
    out = np.full(HOURS, 0.05)
    for begin, end in spans:
        out[begin:end] = 0.9
    return out


def of(first: np.ndarray, second: np.ndarray, **known: tuple[float, ...]):
    return versus("a", (past(first, **known), past(second, **known)), (LIMIT, LIMIT))


def test_warnings_that_were_open_at_one_moment_are_the_same_and_others_are_of_one_side_alone():
    found = of(high((20, 40), (100, 120)), high((30, 50), (200, 220)))
    assert found.both == 1
    assert [side.worth.warnings for side in found.sides] == [2, 2]
    assert found.sides[0].alone_us == (103 * HOUR_US,)
    assert found.sides[1].alone_us == (203 * HOUR_US,)


def test_lead_gained_is_of_failures_that_both_warned_of():
    found = of(high((80, 120), (290, 310)), high((60, 120)), failures_h=(110.0, 305.0), repairs_h=(112.0, 306.0))
    assert [side.worth.caught for side in found.sides] == [2, 1]
    assert found.gained_h == (20.0,)


def test_lead_beyond_the_72_hours_that_a_warning_speaks_of_is_no_gain():
    found = of(high((0, 120)), high((30, 120)), failures_h=(110.0,), repairs_h=(112.0,))
    assert [side.worth.leads_h for side in found.sides] == [(107.0,), (77.0,)]
    assert found.gained_h == (0.0,)


def test_all_machines_are_held_against_each_other_anew_at_a_higher_limit_of_the_first_alone():
    chances = high((20, 40)), high((200, 220))
    watched = [Watched("a", (past(chances[0]), past(chances[1])), (LIMIT, LIMIT))] * 2
    assert stricter(watched, 0.2) == together([of(*chances)] * 2)
    assert [side.worth.warnings for side in stricter(watched, 0.95).sides] == [0, 2]


def test_chances_are_held_against_what_came_where_that_is_known():
    found = of(high((0, HOURS)), high(), failures_h=(110.0,), repairs_h=(112.0,))
    certain, calm = found.sides
    came, known = came_of(past(high(), failures_h=(110.0,), repairs_h=(112.0,)))
    assert came.sum() == 72 and came[37] and not came[36] and came[108] and not came[109]
    assert not known[-72:].any() or known[-73]
    assert certain.came == calm.came == 72 and certain.known == calm.known == int(known.sum())
    wanted = (0.1**2 * 72 + 0.9**2 * (certain.known - 72)) / certain.known
    assert certain.brier == pytest.approx(wanted)


def test_a_repair_hides_what_would_have_come():
    _, known = came_of(past(high(), repairs_h=(200.0,)))
    assert known[:127].all() and not known[128:200].any() and known[201:320].all()


def test_machines_add_up():
    one, other = of(high((20, 40)), high()), of(high(), high((20, 40)))
    whole = together([one, other])
    assert whole.both == 0 and whole.weeks == pytest.approx(2 * HOURS / 168)
    assert whole.decided_weeks == pytest.approx(2 * (HOURS - 168) / 168)
    assert [side.worth.warnings for side in whole.sides] == [1, 1]
    assert together([]).sides[0].brier is None
