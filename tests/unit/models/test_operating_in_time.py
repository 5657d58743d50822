"""All minutes at once against one after another, to the last bit: under any rule, over any minutes, in any calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.bins import COUNT, EMPTY, LAST, MIN, Held, changes
from models.following import SLICE, follow
from models.operating import FAULTS, JUMPED, NO_LIMIT_MIN, OFF, RUNNING, SILENT, STATES, STUCK, Found, Machines, Rule
from tests.kit import one_by_one

COLUMNS = 4
STEP = 10.0
LEVELS = (0.5, 0.5, 1.0, 1.2, 1.4, 1.5, 2.5, 3.5, 3.6, 3.8, 4.0, 5.0, 5.0)
"""About the thresholds 1 and 4 and a hysteresis of half."""


def wild_rule(random: np.random.Generator) -> Rule:
    """A rule of any kind, often of short times, so that all of them run out."""
    held = random.random(COLUMNS) < random.choice([0, 0.5])
    column, is_code = ((None, False), (0, False), (0, False), (0, True))[random.integers(4)]
    return Rule(
        silence_min=int(random.choice([1, 4, 30])),
        hearing_min=int(random.choice([1, 10, 60])),
        stuck_after_min=random.choice([2, 6, NO_LIMIT_MIN], COLUMNS),
        max_step=random.choice([STEP, STEP, np.inf], COLUMNS),
        held=Held(held, held & (random.random(COLUMNS) < 0.5)),
        holds_min=random.choice([1, 5, 40], COLUMNS),
        reference=random.normal(0, 9, COLUMNS),
        column=column,
        is_code=is_code,
        running_above=4.0,
        off_below=1.0,
        hysteresis=float(random.choice([0.0, 0.5, 0.5])),
        settle_min=int(random.choice([0, 1, 3])),
    )


class Minutes:
    """Minutes of some machines, sorted, with what was sampled in them."""

    def __init__(self, random: np.random.Generator, machines: int, most: int, is_code: bool) -> None:
        length = random.integers(1, most + 1, machines)
        size = int(length.sum())
        self.at = np.repeat(np.sort(random.choice(machines + 2, machines, replace=False)), length)
        first = changes(self.at)
        gap = random.choice([1, 2, 5, 30, 100], size, p=[0.84, 0.08, 0.04, 0.03, 0.01])
        self.minute = np.cumsum(gap) + 29_000_000
        life = np.cumsum((random.random(size) < 0.05) & ~first)
        self.since_us = life * 1_000_000
        self.statistics = np.stack([sensor(random, size) for _ in range(COLUMNS)], axis=2)
        level = random.choice(7 if is_code else LEVELS, size // 3 + 1)
        if not is_code and random.random() < 0.5:
            level = 5.0 - level * (random.random(len(level)) < 0.3)
        level = np.repeat(level, 3)[:size].astype(float)
        self.statistics[:, LAST, 0] = level
        self.statistics[:, MIN, 0] = level - (random.random(size) < 0.1) * 4
        self.statistics[random.random(size) < 0.1, :, 0] = EMPTY
        self.statistics[random.random(size) < 0.1] = EMPTY[:, None]

    def part(self, of: np.ndarray):
        """The arguments of a call for some of them."""
        return self.at[of], self.minute[of], self.since_us[of], self.statistics[of]


def sensor(random: np.random.Generator, size: int) -> np.ndarray:
    """Statistics of one that drifts, stands still, jumps, for a minute or for long, and is silent."""
    jumps = random.choice([0, 0, 0, 0, 15, -15], size) * (random.random(size) < random.choice([0, 0.2, 0.9]))
    level = np.cumsum(np.where(random.random(size) < 0.5, jumps, 0)) + jumps + 50.0
    drift = np.cumsum(np.repeat(random.choice([0, 0, 0.1, 1.0], size // 8 + 1), 8)[:size])
    last, spread = level + drift, random.choice([0, 0, 0, 0.25], size)
    count = random.integers(1, 60_001, size).astype(float)
    out = np.stack([count, count * last, count * last**2, last - spread, last, last + spread, last], axis=1)
    out[random.random(size) < random.choice([0, 0.1, 0.7])] = EMPTY
    return out


def cut(random: np.random.Generator, minutes: Minutes) -> list[np.ndarray]:
    """Places in the minutes of one call after another, each machine at its own pace."""
    calls = int(random.integers(1, 6))
    turn = np.sort(random.integers(0, calls, len(minutes.at)))
    turn = np.where(random.permuted(np.arange(minutes.at.max() + 1))[minutes.at] % 2, turn, calls - 1)
    for machine in np.unique(minutes.at):
        mine = minutes.at == machine
        turn[mine] = np.sort(random.permutation(turn)[: mine.sum()])
    return [np.flatnonzero(turn == call) for call in range(calls)]


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are alike to the last bit, but for what kind of NaN."""
    bare = [np.where(np.isnan(each), 0, each) for each in (one, other)]
    return (
        (one.dtype, one.shape) == (other.dtype, other.shape)
        and np.array_equal(one, other, equal_nan=one.dtype == float)
        and bare[0].tobytes() == bare[1].tobytes()
    )


def agree(rule: Rule, machines: tuple[Machines, Machines], arguments) -> Found:
    """Take minutes in both ways, the machines of each; they have to find and leave the same."""
    found = follow(rule, machines[0], *arguments)
    expected = one_by_one.follow(rule, machines[1], *arguments)
    for name, one, other in zip(Found._fields, found, expected, strict=True):
        assert same(one, other), name
    for name in Machines.__struct_fields__:
        assert same(getattr(machines[0], name), getattr(machines[1], name)), name
    return expected


def drawn(seed: int, machines: int, most: int) -> tuple[np.random.Generator, Rule, Minutes]:
    random = np.random.default_rng(seed)
    rule = wild_rule(random)
    return random, rule, Minutes(random, machines, most, rule.is_code)


def nothing_known(minutes: Minutes) -> tuple[Machines, Machines]:
    assets = int(minutes.at.max()) + 1
    return Machines.none(assets, COLUMNS), Machines.none(assets, COLUMNS)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), machines=st.integers(1, 5), most=st.integers(1, 60))
def test_all_minutes_at_once_are_as_one_after_another_in_any_calls(seed, machines, most):
    random, rule, minutes = drawn(seed, machines, most)
    both = nothing_known(minutes)
    for call in cut(random, minutes):
        agree(rule, both, minutes.part(call))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_and_so_they_are_when_the_rule_changes_between_calls(seed):
    random, _, minutes = drawn(seed, 3, 40)
    both = nothing_known(minutes)
    for call in cut(random, minutes):
        agree(wild_rule(random), both, minutes.part(call))


@pytest.mark.parametrize("seed", range(3))
def test_and_so_they_are_over_more_minutes_than_are_taken_at_a_time(seed):
    _, rule, minutes = drawn(seed, 9, SLICE // 2)
    assert len(minutes.at) > SLICE
    agree(rule, nothing_known(minutes), minutes.part(np.arange(len(minutes.at))))


def test_no_minutes_are_nothing():
    _, rule, minutes = drawn(0, 1, 1)
    agree(rule, nothing_known(minutes), minutes.part(np.arange(0)))


def met(seed: int) -> Iterator[str]:
    """What happens in the minutes that a seed draws, by the state of the machines after each."""
    _, rule, minutes = drawn(seed, 3, 60)
    machines, _ = nothing_known(minutes)
    for at in range(len(minutes.at)):
        asset, now, count = minutes.at[at], minutes.minute[at], minutes.statistics[at, COUNT]
        old, gap = machines.copy_of(np.array([asset])), now - machines.minute[asset]
        found = one_by_one.follow(rule, machines, *minutes.part(np.arange(at, at + 1)))
        new = machines.copy_of(np.array([asset]))
        happened = {
            "a jump": (old.odd == 0) & (new.odd == 1),
            "a second jump": (old.odd == 1) & (new.odd == 2),
            "a new level": (old.odd == 2) & (new.odd == 0) & (abs(new.credible - old.credible) > rule.max_step),
            "a jump that is forgotten": (old.odd > 0) & (new.odd > 0) & np.isnan(new.credible),
            "a gap beyond hearing": count.any() & (old.minute > 0) & (gap > rule.hearing_min),
            "a pause in which values hold": (not count.any()) & found.use,
            "a new life of a machine that ran": (new.since_us != old.since_us) & (old.running > 0),
            **{f"fault {FAULTS[code]}": found.fault == code for code in (STUCK, JUMPED, SILENT)},
            **{f"state {STATES[code]}": found.state == code for code in range(len(STATES))},
        }
        if (
            rule.column == 0
            and not rule.is_code
            and count[0] > 0
            and rule.off_below < minutes.statistics[at, LAST, 0] < 4
        ):
            happened["running kept by hysteresis"] = (old.level == RUNNING) & (new.level == RUNNING)
            happened["off kept by hysteresis"] = (old.level == OFF) & (new.level == OFF)
        yield from (name for name, where in happened.items() if np.any(where))


def test_the_minutes_that_are_drawn_meet_all_that_can_happen():
    times = Counter(name for seed in range(60) for name in met(seed))
    assert len(times) == 19
    assert min(times.values()) >= 10, times
