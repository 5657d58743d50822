"""Thresholds that follow from a budget: kept on history, never worse where it is tighter, and stated for whom."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from models.alerting.allocation import allocated
from models.alerting.budget import History, candidates, chosen, expected, groups, held_out, pools
from models.alerting.hindsight import HOUR_US, Past, Worth, total, worths
from models.alerting.life import Threshold
from models.plant import Asset, Criticality
from tests.kit import tiny

TRIED = candidates()
LIMIT = 0.45


def plant_of(**assets: str | None):
    """Pumps by name, each with a criticality or none."""
    named = {name: Asset(type="pump", criticality=c and Criticality(c)) for name, c in assets.items()}
    return replace(tiny.plant(), assets=named)


def walk(seed: int, weeks: int = 8, failures: int = 3) -> Past:
    """Chances each 15 min that wander, and rise before failures, which are repaired after a day."""
    random = np.random.default_rng(seed)
    end_us = np.arange(1, weeks * 672 + 1) * 15 * 60_000_000
    lengths = random.choice([4, 40, 160], len(end_us))  # of some noise as long as trouble
    level = np.repeat(random.gamma(0.5, 0.25, len(end_us)), lengths)[: len(end_us)]
    failed = np.sort(random.choice(end_us, failures, replace=False))
    for at in failed:
        before = (end_us <= at) & (end_us > at - random.uniform(2, 60) * HOUR_US)
        level[before] = np.maximum(level[before], random.uniform(0.1, 0.8))
    return Past(
        window_end_us=end_us, chance=np.minimum(level, 0.99), failures_us=failed, repairs_us=failed + 24 * HOUR_US,
        weeks=float(weeks), to_us=int(end_us[-1]),
    )  # fmt: skip


def history_of(pasts: dict[str, Past]) -> History:
    today = dict.fromkeys(pasts, Threshold(LIMIT))
    return History(
        weeks={asset: past.weeks for asset, past in pasts.items()},
        tried=TRIED,
        worths={asset: list(worths(past, TRIED)) for asset, past in pasts.items()},
        today=today,
        worth_today={asset: next(worths(past, (today[asset],))) for asset, past in pasts.items()},
        others=dict.fromkeys(pasts, 0),
    )


PLANT = plant_of(a="A", b="A", c="B", d=None, e="C", f="C")
HISTORY = history_of({asset: walk(seed) for seed, asset in enumerate(PLANT.assets)})
QUIET = history_of({asset: walk(seed, failures=0) for seed, asset in enumerate(PLANT.assets)})


def choices(per_week: float, history: History = HISTORY, base: float = 2.0, ratio: float | None = None):
    among = pools(history, groups(PLANT, history.weeks, allocated(PLANT, base)))
    return chosen(history, among, allocated(PLANT, per_week), ratio)


@pytest.mark.parametrize("history", [HISTORY, QUIET], ids=["with failures", "without"])
@pytest.mark.parametrize("per_week", [0.25, 0.5, 1, 2, 4, 8])
def test_the_budget_is_kept_on_history(history, per_week):
    found = choices(per_week, history)
    assert all(choice.is_kept for choice in found)
    assert sum(choice.worth.unfounded for choice in found) <= per_week * 8 + 1e-9


@settings(deadline=None)
@given(st.integers(0, 3), st.lists(st.floats(0.01, 20), min_size=2, max_size=6), st.floats(0.2, 20))
def test_a_tighter_budget_never_has_more_unfounded_warnings(failures, budgets, base):
    unfounded = [
        sum(choice.worth.unfounded for choice in choices(per_week, (QUIET, HISTORY)[failures > 0], base))
        for per_week in sorted(budgets)
    ]
    assert unfounded == sorted(unfounded)


def test_unfounded_warnings_of_others_are_taken_off_the_budget():
    others = dict.fromkeys(PLANT.assets, 1)
    found = choices(2.0, HISTORY._replace(others=others))
    assert all(choice.is_kept for choice in found)
    assert sum(choice.worth.unfounded for choice in found) <= 2.0 * 8 - len(others)
    assert not any(choice.is_kept for choice in choices(0.01, HISTORY._replace(others=others)))


def test_a_looser_budget_never_catches_less():
    caught = [sum(choice.worth.caught for choice in choices(per_week)) for per_week in (0.25, 0.5, 1, 2, 4, 8)]
    assert caught == sorted(caught)
    assert caught[0] < caught[-1]


def test_what_is_chosen_is_what_such_thresholds_do_to_each_asset():
    for choice in choices(2.0):
        alone = total(HISTORY.worths[asset][TRIED.index(choice.threshold)] for asset in choice.group.assets)
        assert choice.worth == alone


def test_without_failures_it_is_the_most_sensitive_threshold_that_keeps_the_budget():
    for choice in choices(2.0, QUIET):
        more = [total(QUIET.worths[asset][place] for asset in choice.group.assets) for place in range(choice.place)]
        assert all(worth.unfounded > choice.granted for worth in more)


def test_a_long_history_chooses_alone_a_shorter_one_with_its_like_and_a_very_short_one_stays():
    shares = allocated(PLANT, 2.0)  # by weights of 4, 4, 2, 2, 1, 1

    def why(weeks: float):
        return {g.assets: g.why for g in groups(PLANT, dict.fromkeys("abcdef", weeks), shares)}

    assert all(said == "its own history" and len(of) == 1 for of, said in why(100).items())
    assert why(7)["a", "b"] == "2 of type pump, criticality A"
    assert why(7)["c", "d", "e", "f"] == "4 of type pump"
    assert why(0.4) == {tuple("abcdef"): "6 of type pump; too little history to loosen"}


def test_a_history_too_short_to_tell_never_loosens_todays_limit():
    short = history_of({asset: walk(seed, weeks=1, failures=0) for seed, asset in enumerate(PLANT.assets)})
    (choice,) = choices(0.9, short, base=0.9)
    assert choice.group.is_short
    assert choice.threshold.limit >= LIMIT


def test_where_nothing_keeps_the_budget_the_fewest_unfounded_are_chosen_and_it_is_said():
    replaced = {name: [Worth(9, 9)] * len(TRIED) for name in PLANT.assets}
    replaced["a"] = [Worth(9, 9)] * (len(TRIED) - 1) + [Worth(8, 8)]
    found = choices(0.5, HISTORY._replace(worths=replaced))
    assert [choice.is_kept for choice in found] == [False] * len(found)
    assert next(choice for choice in found if "a" in choice.group.assets).place == len(TRIED) - 1


def test_what_is_expected_of_an_asset_lies_between_its_own_count_and_that_of_its_like():
    seen = 0
    for choice in choices(4.0):
        usual = choice.worth.unfounded / sum(HISTORY.weeks[asset] for asset in choice.group.assets)
        rates = expected(HISTORY, choice)
        assert sum(rates.values()) == pytest.approx(usual * len(rates))  # of weeks as many
        for asset, rate in rates.items():
            own = HISTORY.worths[asset][choice.place].unfounded / HISTORY.weeks[asset]
            assert min(own, usual) - 1e-12 <= rate <= max(own, usual) + 1e-12
            seen += own != usual
    assert seen


def test_thresholds_chosen_on_one_history_are_judged_on_the_other():
    shares = allocated(PLANT, 2.0)
    assert held_out(PLANT, shares, HISTORY, HISTORY) == total(choice.worth for choice in choices(2.0))
    other = HISTORY._replace(worths={asset: HISTORY.worths[asset] for asset in "abc"})
    assert held_out(PLANT, shares, HISTORY, other).failures == 9
    by_quiet = total(QUIET.worths[a][c.place] for c in choices(2.0) for a in c.group.assets)
    assert held_out(PLANT, shares, HISTORY, QUIET) == by_quiet != held_out(PLANT, shares, QUIET, QUIET)


def test_the_models_own_limit_is_among_the_candidates_and_the_most_sensitive_come_first():
    tried = candidates([0.37])
    assert Threshold(0.37) in tried
    assert [one.limit for one in tried] == sorted(one.limit for one in tried)


RATIOS = (0.01, 0.3, 1.0, 3.0, 20.0, 1e6)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("per_week", [0.5, 2, 8])
def test_of_the_thresholds_that_keep_the_budget_the_one_that_costs_least_is_chosen(per_week, ratio):
    among = pools(HISTORY, groups(PLANT, HISTORY.weeks, allocated(PLANT, 2.0)))
    for choice, pool in zip(choices(per_week, ratio=ratio), among, strict=True):
        assert choice.is_kept
        kept = [worth for worth in pool.worths.values() if worth.unfounded <= choice.granted + 1e-9]
        missed = choice.worth.failures - choice.worth.caught
        assert ratio * missed + choice.worth.unfounded == min(worth.cost(ratio) for worth in kept)


def test_the_dearer_a_missed_failure_the_more_are_caught_and_the_more_is_unfounded():
    caught = [sum(one.worth.caught for one in choices(8, ratio=ratio)) for ratio in RATIOS]
    unfounded = [sum(one.worth.unfounded for one in choices(8, ratio=ratio)) for ratio in RATIOS]
    assert caught == sorted(caught) and unfounded == sorted(unfounded)
    assert caught[0] < caught[-1] and unfounded[0] < unfounded[-1]


def test_a_missed_failure_that_costs_more_than_all_else_catches_as_many_as_without_a_cost():
    dear, plain = ([one.worth.caught for one in choices(8, ratio=ratio)] for ratio in (1e6, None))
    assert dear == plain


def test_where_no_failure_is_known_cost_does_not_choose_silence():
    assert choices(2, QUIET, ratio=20.0) == choices(2, QUIET)
