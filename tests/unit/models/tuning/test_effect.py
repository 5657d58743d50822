"""What a change did: errors stay within alpha however often one looks, real effects show, and numbers are counts."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from models.records import EffectVerdict
from models.tuning.effect import (
    PAIRED,
    SEQUENTIAL,
    Arm,
    Pair,
    Promise,
    e_better,
    e_worse,
    judged,
    least_parts,
    rate_interval,
)
from models.tuning.evidence import log_bet, log_e, log_lower, log_lower_beyond

ALPHA = 0.05
EVERY = 50


def arm(parts: int, defects: int) -> Arm:
    return Arm(parts=parts, defects=defects)


def looks(seed: int, runs: int, parts: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Parts and defects of an arm at each look of each run, float64 [runs, looks]."""
    of = np.random.default_rng(seed).binomial(EVERY, rate, (runs, parts // EVERY)).cumsum(axis=1)
    return np.broadcast_to(np.arange(1, of.shape[1] + 1) * float(EVERY), of.shape), of.astype(float)


def shown(old: tuple[np.ndarray, np.ndarray], new: tuple[np.ndarray, np.ndarray], alpha: float = ALPHA) -> np.ndarray:
    """Whether the e-value of "better" is 1/alpha or more at each look, bool [runs, looks].

    It is worked out only where the bet at the pooled rate, which is no less than the infimum, is as much.
    """
    pooled = (old[1] + new[1]) / (old[0] + new[0])
    may = log_bet(*old, pooled, 1) + log_bet(*new, pooled, -1) >= math.log(1 / alpha)
    found = np.zeros(may.shape, bool)
    rows = [one[may] for one in (*old, *new)]
    found[may] = log_e((rows[0], rows[1]), (rows[2], rows[3]), np.ones(1)) >= math.log(1 / alpha)
    return found


def test_peeking_every_fifty_parts_finds_an_effect_where_none_is_in_a_run_of_twenty_at_most():
    old, new = looks(1, 2000, 20_000, 0.008), looks(2, 2000, 20_000, 0.008)
    honest = shown(old, new).any(axis=1).mean()
    pooled = (old[1] + new[1]) / (old[0] + new[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (old[1] / old[0] - new[1] / new[0]) / np.sqrt(pooled * (1 - pooled) * (1 / old[0] + 1 / new[0]))
    naive = (z > 1.645).any(axis=1).mean()
    print(f"wrongly better in 2000 runs: e-value {honest:.3%}, one-sided z-test {naive:.1%}")
    assert honest <= ALPHA
    assert naive > 0.15


@pytest.mark.parametrize("rate", [0.0005, 0.05, 0.4])
def test_the_error_holds_at_other_rates_and_where_arms_take_turns(rate):
    old, new = looks(3, 500, 10_000, rate), looks(4, 500, 10_000, rate)
    lag = 40
    assert shown(old, new).any(axis=1).mean() <= ALPHA
    assert shown((old[0][:, lag:], old[1][:, lag:]), (new[0][:, :-lag], new[1][:, :-lag])).any(axis=1).mean() <= ALPHA


@pytest.mark.parametrize("rate", [0.0015, 0.008, 0.2])
def test_an_interval_covers_the_rate_at_all_looks_together(rate):
    parts, defects = looks(5, 300, 6000, rate)
    missed = 0
    for run in range(len(parts)):
        ends = [rate_interval(int(d), int(n), ALPHA) for n, d in zip(parts[run, ::4], defects[run, ::4], strict=True)]
        missed += any(not low <= rate <= high for low, high in ends)
    print(f"rate {rate}: {missed} of 300 runs left the interval")
    assert missed / 300 <= ALPHA


def test_no_defect_in_three_hundred_parts_says_nothing_yet():
    """The upper end is 1.42 %, above 0.8 %: even looked at once it would be 1.22 % (Clopper-Pearson)."""
    found = judged(arm(20_000, 160), arm(300, 0), promise=Promise(old=0.008, new=0.0015))
    assert found.verdict is EffectVerdict.NOT_YET and found.e_better < 20
    assert found.new_interval[0] == 0.0 and 0.0122 < found.new_interval[1] < 0.016


def test_the_usual_formula_gives_1753_parts_an_arm_two_sided():
    """Two-sided 5 %, 80 %, unpooled: 7.849 * 0.0094337 / 0.0065^2 = 1752.6."""
    assert least_parts(0.008, 0.0015) == 1753
    assert least_parts(0.0015, 0.008) == 1753


def test_a_real_effect_shows_within_the_parts_after_which_its_absence_counts():
    seen = shown(looks(6, 500, 6000, 0.008), looks(7, 500, 6000, 0.0015))
    at = np.sort(np.where(seen.any(axis=1), seen.argmax(axis=1) * EVERY + EVERY, np.inf))
    first, needed = at[len(at) // 2 - 1], at[int(0.8 * len(at)) - 1]
    print(f"0.8 to 0.15 %: half are shown by {first:.0f} parts an arm, 80 % by {needed:.0f}, of 1753 looked at once")
    assert needed <= SEQUENTIAL * 1753


@pytest.mark.parametrize(("old", "new"), [(0.008, 0.0015), (0.02, 0.015), (0.001, 0.0002), (0.3, 0.2), (0.1, 0.09)])
@pytest.mark.parametrize("is_paired", [False, True])
def test_a_promise_that_is_kept_shows_in_four_of_five_by_the_parts_after_which_it_would_be_futile(old, new, is_paired):
    parts = math.ceil((PAIRED if is_paired else 1.0) * SEQUENTIAL * least_parts(old, new))
    random = np.random.default_rng(12)
    found = 0
    for _ in range(100):
        of, to, was, still = (arm(parts, int(random.binomial(parts, rate))) for rate in (old, new, old, old))
        found += e_better(of, to, Pair(old=was, new=still) if is_paired else None) >= 1 / ALPHA
    print(
        f"{old:.2%} to {new:.2%}{' beside a pair' if is_paired else ''}: {found} of 100 shown by {parts} parts an arm"
    )
    assert found >= 80


def test_better_and_worse_are_found_and_are_mirrors():
    good, bad = arm(3500, 5), arm(3500, 28)
    assert judged(bad, good).verdict is EffectVerdict.DELIVERS
    assert judged(good, bad).verdict is EffectVerdict.HARMS
    assert e_better(bad, good) == e_worse(good, bad) > 20 > 1 > e_worse(bad, good)


def test_a_promise_not_kept_is_futile_only_after_enough_parts():
    promise = Promise(old=0.008, new=0.0015)
    enough = math.ceil(SEQUENTIAL * 1753)
    same = arm(enough, 35)
    assert judged(same, same, promise=promise).verdict is EffectVerdict.FUTILE
    assert judged(same, arm(enough - 1, 35), promise=promise).verdict is EffectVerdict.NOT_YET
    assert judged(same, same).verdict is EffectVerdict.NOT_YET and judged(same, same).enough is None
    pair = Pair(old=same, new=same)
    assert judged(same, same, pair, promise).verdict is EffectVerdict.NOT_YET
    assert judged(same, same, pair, promise).enough == math.ceil(PAIRED * SEQUENTIAL * 1753)


def test_a_promise_too_small_to_show_is_never_futile():
    much = arm(10**8, 10**7)
    found = judged(much, much, promise=Promise(old=0.1, new=0.098))
    assert found.enough is None and found.verdict is EffectVerdict.NOT_YET


def test_what_a_sister_machine_shows_too_is_no_effect():
    old, new = arm(20_000, 160), arm(20_000, 30)
    assert judged(old, new, Pair(old=arm(20_000, 160), new=arm(20_000, 155))).verdict is EffectVerdict.DELIVERS
    assert judged(old, new, Pair(old=arm(20_000, 160), new=arm(20_000, 30))).verdict is EffectVerdict.NOT_YET
    assert judged(old, new, Pair(old=arm(50, 0), new=arm(50, 0))).verdict is EffectVerdict.NOT_YET


def test_harm_that_a_sister_machine_shows_too_is_no_harm_of_the_change():
    old, new = arm(20_000, 30), arm(20_000, 160)
    assert judged(old, new, Pair(old=arm(20_000, 160), new=arm(20_000, 155))).verdict is EffectVerdict.HARMS
    assert judged(old, new, Pair(old=arm(20_000, 30), new=arm(20_000, 160))).verdict is EffectVerdict.NOT_YET


def test_a_sister_machine_that_got_worse_is_no_credit():
    old, new = arm(5000, 40), arm(5000, 40)
    assert judged(old, new, Pair(old=arm(20_000, 30), new=arm(20_000, 160))).verdict is EffectVerdict.NOT_YET
    assert e_better(old, new, Pair(old=arm(20_000, 30), new=arm(20_000, 160))) <= e_better(old, new)


@pytest.mark.parametrize("common", [1.0, 0.3, 2.0])
def test_beyond_a_pair_errors_stay_within_alpha(common):
    """Both machines change by the same factor, by common causes alone; 120 runs with 20 looks each."""
    arms = [looks(seed, 120, 8000, rate)[1][:, 7::8] for seed, rate in ((8, 0.01), (9, 0.01 * common))]
    pairs = [looks(seed, 120, 8000, rate)[1][:, 7::8] for seed, rate in ((10, 0.02), (11, 0.02 * common))]
    parts = looks(8, 1, 8000, 0.01)[0][0, 7::8]
    wrong = 0
    for run in range(120):
        seen = [[(float(n), one[run, look]) for one in (*arms, *pairs)] for look, n in enumerate(parts)]
        may = [of for of in seen if of[0][1] > of[1][1] and log_lower(of[0], of[1]) >= math.log(20)]
        wrong += any(log_lower_beyond(*of) >= math.log(20) for of in may)
    print(f"common causes times {common}: {wrong} of 120 runs wrongly better beyond the pair")
    assert wrong / 120 <= ALPHA


@pytest.mark.parametrize(
    ("old", "new"), [((1750, 14), (1750, 3)), ((9000, 70), (2000, 9)), ((10**6, 10**4), (10**6, 9000))]
)
def test_the_e_value_is_no_more_than_the_least_on_a_fine_grid_and_hardly_less(old, new):
    p = np.geomspace(1e-6, 1.0, 40_001)
    n, d, m, x = (np.array([float(one)]) for one in (*old, *new))
    least = (log_bet(n, d, p, 1) + log_bet(m, x, p, -1)).min()
    assert least - 0.2 <= log_lower(old, new) <= least


@pytest.mark.parametrize("factor", [1, 4, 40])
def test_beyond_a_pair_it_is_no_more_than_the_least_over_many_ratios_and_hardly_less(factor):
    old, new, was, still = (
        (parts * factor, defects * factor) for parts, defects in ((3500, 28), (3500, 5), (3500, 28), (3000, 21))
    )
    ratio = np.geomspace(1e-3, 1.0, 3000)
    rows = [tuple(np.array([float(one)]) for one in of) for of in (old, new, was, still)]
    each = log_e(rows[0], rows[1], ratio) + log_e(rows[3], rows[2], 1.0 / ratio)
    least = min(each.min(), log_lower(old, new))
    print(f"{factor} times the parts: {log_lower_beyond(old, new, was, still):.3f} of {least:.3f}")
    assert 0.97 * least - 0.5 <= log_lower_beyond(old, new, was, still) <= least + 0.01


@pytest.mark.parametrize("true", [0.001, 0.01, 0.1])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_bet_wins_nothing_on_average_at_the_rate_it_bets_against(true, sign):
    """Summed over all numbers of defects of 200 parts: at the rate it is one, on the hypothesis' side of it at most."""
    n = 200
    d = np.arange(n + 1.0)
    stake = log_bet(np.full(n + 1, float(n)), d, np.full(n + 1, true), sign)
    ways = np.array([math.log(math.comb(n, k)) for k in range(n + 1)])

    def mean(rate: float) -> float:
        return float(np.exp(ways + d * math.log(rate) + (n - d) * math.log1p(-rate) + stake).sum())

    assert mean(true) == pytest.approx(1.0, abs=1e-9)
    assert mean(true * 0.5 if sign > 0 else true * 2) < 1.0 < mean(true * 2 if sign > 0 else true * 0.5)


def test_intervals_that_are_judged_hold_what_was_seen_and_without_parts_anything():
    found = judged(arm(2000, 16), arm(2000, 10))
    assert found.old_interval[0] < 0.008 < found.old_interval[1]
    assert found.difference[0] < -0.003 < found.difference[1]
    none = judged(arm(0, 0), arm(0, 0))
    assert none.old_interval == (0.0, 1.0) and none.verdict is EffectVerdict.NOT_YET and math.isnan(none.old_rate)
    assert rate_interval(50, 50)[1] == 1.0 and rate_interval(50, 50)[0] > 0.3


@pytest.mark.parametrize(
    ("parts", "defects"), [(-1, 0), (10, -1), (10, 11), (math.nan, 0), (10, math.nan), (1.5, 1), (True, 0)]
)
def test_what_is_no_count_raises(parts, defects):
    with pytest.raises(ValueError, match=r"arm|defects"):
        Arm(parts=parts, defects=defects)
    with pytest.raises(ValueError, match=r"arm|defects"):
        rate_interval(defects, parts)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, math.nan, math.inf])
def test_an_alpha_that_is_no_share_raises(alpha):
    with pytest.raises(ValueError, match="alpha"):
        judged(arm(10, 1), arm(10, 1), alpha=alpha)
    with pytest.raises(ValueError, match="alpha"):
        least_parts(0.1, 0.2, alpha=alpha)


@pytest.mark.parametrize(("old", "new"), [(0.1, 0.1), (math.nan, 0.1), (0.1, math.nan), (-0.1, 0.1), (0.1, 1.1)])
def test_rates_that_are_no_two_rates_raise(old, new):
    with pytest.raises(ValueError, match="rates"):
        least_parts(old, new)
    with pytest.raises(ValueError, match="rates"):
        Promise(old=old, new=new)


def test_judging_takes_a_few_milliseconds():
    pair = Pair(old=arm(20_000, 160), new=arm(20_000, 155))
    for of in (None, pair):
        took = []
        for _ in range(20):
            start = time.perf_counter()
            judged(arm(20_000, 160), arm(20_000, 30), of)
            took.append(time.perf_counter() - start)
        print(f"judged: {1000 * np.median(took):.2f} ms {'with a pair' if of else 'alone'}")
        assert np.median(took) < (0.05 if of else 0.02), "ten times what it takes, for machines that are busy"
