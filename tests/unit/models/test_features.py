"""Features against plain loops over all bins ever written, and alone against among others."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from models.bins import COUNT, MINUTE_US, SQUARES, SUM, Samples, summarise
from models.features import Expected, Pairs, Spec, baseline_of, compute, levels, spans
from models.features.compute import HEADS
from models.features.windows import unrolled
from models.tiers import BINS, SPAN, Tiers

REFERENCE = np.array([5.0, 60.0, 0.0])
SPEC = Spec(("a", "b"), ("n",), (Expected("b", 1.0, (("a", 2.0),)),))
COLUMNS = np.array([0, 1, 2])
NOT_HELD = np.empty(0, np.int64)
USUAL, SPREAD = 45.0, 1.5


def history(seed: int, hours: int = 80, assets: int = 2, every: int = 1) -> Samples:
    """Samples with gaps, at odd seconds; the third signal counts up."""
    random = np.random.default_rng(seed)
    rows = []
    for asset in range(assets):
        for minute in range(0, hours * 60, every):
            if random.random() < 0.5 and not 500 < minute < 900:
                time_us = minute * MINUTE_US + int(random.integers(MINUTE_US))
                for signal in range(2):
                    if random.random() < 0.9:
                        rows.append((asset, signal, time_us, REFERENCE[signal] + random.normal() + minute / 1000))
                rows.append((asset, 2, time_us, minute / 60))
    asset, signal, time_us, value = zip(*rows, strict=True)
    return Samples(np.array(asset), np.array(signal), np.array(time_us), np.array(value))


def run(samples: Samples, since_us: int = 0, usual: float = USUAL):
    """Write all bins hour by hour, two thirds of them of use; the bins, their use, their feature rows, the tiers."""
    tiers = Tiers.empty(int(samples.asset.max()) + 1, REFERENCE, NOT_HELD)
    bins = summarise(samples, 3, REFERENCE)
    use = (bins.minute[:, None] * 7 // 11 + np.arange(3)) % 3 > 0
    use &= bins.statistics[:, COUNT] > 0
    rows = np.empty((len(bins.asset), len(SPEC.names)), np.float32)
    turn = spans(bins.asset, bins.minute)
    for at in np.unique(turn):
        now = turn == at
        tiers.write(bins.where(now))
        tiers.use(bins.asset[now], bins.minute[now], use[now], np.zeros((now.sum(), 3, 0)))
        rows[now] = compute(SPEC, COLUMNS, tiers, pairs_of(bins.where(now), since_us, usual))
    return bins, use, rows, tiers


def pairs_of(bins, since_us: int, usual: float = USUAL) -> Pairs:
    n = len(bins.asset)
    whole = np.arange(n)
    return Pairs(
        bins.asset, bins.minute, np.full(n, since_us), whole, whole, np.full((n, 1), usual), np.full((n, 1), SPREAD)
    )


def by_loops(bins, use, at: int, since_us: int) -> dict[str, float]:
    """The features of one bin, from a dictionary of all bins."""
    asset, minute = int(bins.asset[at]), int(bins.minute[at])
    known = {
        int(m): np.where(u, s[: SQUARES + 1], 0.0)
        for a, m, s, u in zip(bins.asset, bins.minute, bins.statistics, use, strict=True)
        if a == asset and m * MINUTE_US >= since_us
    }
    end, day = (minute + 1) // 15, (minute + 1) // 1440
    quarters = merged(known, 15, range(end - 288, end), since_us)
    days = merged(known, 1440, range(day - 30, day), since_us)
    hour = [known[m] for m in range(minute - 59, minute + 1) if m in known]
    count, total, squares = (sum(s[what] for s in hour) for what in (COUNT, SUM, SQUARES))
    means = [total[k] / count[k] if count[k] else math.nan for k in range(3)]
    ran = [q for q in sorted(quarters) if quarters[q][COUNT].any()][-96:]
    over = {q: value for q, s in quarters.items() if not math.isnan(value := residual(s))}
    recent = [value for q, value in over.items() if q in ran]
    daily = {d: (value, s[COUNT, 1]) for d, s in days.items() if not math.isnan(value := residual(s))}
    week = [d for d in sorted(days) if d >= day - 14 and days[d][COUNT].any()][-7:]
    out = {
        "b.over_1h": means[1] - 1.0 - 2.0 * means[0],
        "b.over_24h": np.mean(recent) if recent else math.nan,
        "b.exceeds_72h": np.mean([np.sign(v - USUAL) * (abs(v - USUAL) > 2 * SPREAD) for v in over.values()]),
        "b.slope_72h_per_h": slope_of({q / 4: (value, 1.0) for q, value in over.items()}),
        "b.slope_7d_per_d": slope_of({d: pair for d, pair in daily.items() if d in week}),
        "b.slope_30d_per_d": slope_of(daily),
        "n.rate_72h_per_h": slope_of(
            {q / 4: (s[SUM, 2] / s[COUNT, 2], 1.0) for q, s in quarters.items() if s[COUNT, 2]}
        ),
        "completeness_72h": len(quarters) / 288,
    }
    out["b.change_24h"] = out["b.over_24h"] - USUAL
    for k, name in enumerate("ab"):
        off = squares[k] / count[k] - (means[k] - REFERENCE[k]) ** 2 if count[k] else math.nan
        mine = [quarters[q][SUM, k] / quarters[q][COUNT, k] for q in ran if quarters[q][COUNT, k]]
        out[f"{name}.mean_1h"], out[f"{name}.spread_1h"] = means[k], float(np.sqrt(np.maximum(0.0, off)))
        out[f"{name}.mean_24h"] = np.mean(mine) if mine else math.nan
    return out


def merged(known, minutes: int, which, since_us: int):
    """Sums of the larger bins that hold a bin and do not begin before the life."""
    groups = {}
    for m, s in known.items():
        groups.setdefault(m // minutes, []).append(s)
    return {i: sum(groups[i]) for i in which if i in groups and i * minutes * MINUTE_US >= since_us}


def residual(s) -> float:
    if not s[COUNT, 0] or not s[COUNT, 1]:
        return math.nan
    return s[SUM, 1] / s[COUNT, 1] - 1.0 - 2.0 * s[SUM, 0] / s[COUNT, 0]


def slope_of(points) -> float:
    if len(points) < 2:
        return math.nan
    at = np.array(list(points))
    value, weight = np.array(list(points.values())).T
    return float(np.polyfit(at - at.mean(), value, 1, w=np.sqrt(weight))[0])


@pytest.mark.parametrize(
    ("seed", "hours", "every", "since_h"), [(1, 80, 1, 0), (3, 80, 1, 30), (5, 900, 10, 0), (6, 900, 10, 100)]
)
def test_features_are_what_loops_over_all_bins_find(seed, hours, every, since_h):
    since_us = since_h * 60 * MINUTE_US
    bins, use, rows, _ = run(history(seed, hours, 1, every), since_us)
    late = np.flatnonzero(bins.minute > max(500, since_h * 60))
    for at in np.random.default_rng(seed).choice(late, 40, replace=False):
        expected = by_loops(bins, use, at, since_us)
        found = dict(zip(SPEC.names, rows[at].tolist(), strict=True))
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=2e-4, atol=3e-5, err_msg=f"{name} of row {at}")
        assert set(found) - set(expected) == {"running_h", "starts"}
        assert (found["running_h"], found["starts"]) == pytest.approx((found["starts"] / 60, found["starts"]))


def test_an_assets_features_are_the_same_alone_and_among_others():
    samples = history(4, hours=30, assets=3)
    bins, _, rows, _ = run(samples)
    _, _, alone, _ = run(samples.where(samples.asset == 0))
    assert rows[bins.asset == 0].tobytes() == alone.tobytes()


@pytest.mark.parametrize(
    ("down", "rate"), [(0.0, 1.0), (17.0, 1.0), (3.0, math.nan)], ids=["on", "reset to 0", "set back"]
)
def test_a_counter_goes_on_over_a_reset_and_has_no_rate_where_it_was_set_back(down, rate):
    samples = history(7, hours=20, assets=1)
    back = (samples.signal == 2) & (samples.time_us > 17 * 60 * MINUTE_US)
    moved = samples._replace(value=np.where(back, samples.value - down, samples.value))
    found = run(moved)[2][-1, SPEC.column("n.rate_72h_per_h")]
    assert found == pytest.approx(rate, abs=0.05, nan_ok=True)


def test_a_counter_that_rolls_over_rises_on_from_its_top():
    mean = np.array([[[96.0, np.nan, 99.0, 2.0, 5.0, 1.0]]])
    rolling = msgspec.structs.replace(SPEC, rolls_over_at={"n": 100.0})
    assert unrolled(rolling, mean).tolist()[0][0][2:] == [99.0, 102.0, 105.0, 101.0]
    assert unrolled(SPEC, mean).tolist()[0][0][2:5] == [99.0, 101.0, 104.0], "reset to 0 where no top is known"
    assert unrolled(msgspec.structs.replace(SPEC, rolls_over_at={"n": 500.0}), mean)[0, 0, 3] == 101.0


def test_shares_and_events_are_told_of_the_last_hour_and_day_of_running():
    spec = Spec(("a",), shares=("s",), events=("e",))
    rows = [(0, 0, m * MINUTE_US, 5.0) for m in range(0, 48 * 60)]
    rows += [(0, 1, m * MINUTE_US, float(m % 60 < 15 or m >= 47 * 60 + 30)) for m in range(0, 48 * 60)]
    rows += [(0, 2, m * MINUTE_US, 1.0) for m in range(0, 48 * 60, 90)]
    samples = Samples(*(np.array(column) for column in zip(*rows, strict=True)))
    tiers = Tiers.empty(1, REFERENCE, NOT_HELD)
    bins = summarise(samples, 3, REFERENCE)
    for hour in range(48):
        now = bins.minute // 60 == hour
        tiers.write(bins.where(now))
        tiers.use(bins.asset[now], bins.minute[now], bins.statistics[now, COUNT] > 0, np.zeros((60, 3, 0)))
    none = np.empty((1, 0))
    pairs = Pairs(np.zeros(1, int), np.array([48 * 60 - 1]), np.zeros(1, int), *np.zeros((2, 1), int), none, none)
    found = dict(zip(spec.names, compute(spec, COLUMNS, tiers, pairs)[0].tolist(), strict=True))
    assert found["s.share_1h"] == 0.75
    assert found["s.share_24h"] == pytest.approx((23 * 15 + 45) / (24 * 60))
    assert found["e.events_24h"] == 24 * 60 / 90


def test_the_usual_is_mean_and_spread_of_the_residual_where_there_are_enough_bins():
    bins, use, _, tiers = run(history(8, hours=40, assets=1))
    made = baseline_of(SPEC, COLUMNS, tiers, 0, int(bins.minute[-1]), 0, b"")
    end = (int(bins.minute[-1]) + 1) // 15
    known = {
        int(m): np.where(u, s[: SQUARES + 1], 0.0) for m, s, u in zip(bins.minute, bins.statistics, use, strict=True)
    }
    over = [v for s in merged(known, 15, range(end - 288, end), 0).values() if not math.isnan(v := residual(s))]
    later = np.array([50_000, 50_000])
    usual, spread = levels(SPEC, [made, None], later, 2)
    np.testing.assert_allclose([usual[0, 0], spread[0, 0]], [np.mean(over), np.std(over)], rtol=1e-9)
    assert np.isnan([usual[1, 0], spread[1, 0]]).all()
    short, _, _, few = run(history(8, hours=4, assets=1))
    young = baseline_of(SPEC, COLUMNS, few, 0, int(short.minute[-1]), 0, b"")
    assert np.isnan(levels(SPEC, [young], later[:1], 2)[0]).all()
    assert not young.is_whole and not young.known(50_000, 2).any()
    assert young.wants(0, int(short.minute[-1]) + 60) and not young.wants(0, int(short.minute[-1]))
    filled = baseline_of(SPEC, COLUMNS, tiers, 0, int(bins.minute[-1]), 0, b"", young)
    assert (filled.usual, filled.taken) == (made.usual, made.taken)
    again = baseline_of(SPEC, COLUMNS, few, 0, 10**6, 0, b"", filled)
    assert (again.usual, again.taken) == (filled.usual, filled.taken), "what was found stays"


def test_a_usual_serves_its_own_life_from_the_next_hour_on():
    _, _, _, tiers = run(history(8, hours=40, assets=1))
    minute = 30 * 60 + 57
    made = baseline_of(SPEC, COLUMNS, tiers, 0, minute, 5, b"")
    assert not made.usable(5, minute + 2, behind_min=2)
    assert made.usable(5, 31 * 60, behind_min=2)
    assert not made.usable(5, 31 * 60, behind_min=3)
    assert not made.wants(5, 31 * 60) and made.wants(6, 31 * 60)
    assert not made.usable(6, 31 * 60, behind_min=2)


def test_features_of_more_than_are_made_at_a_time_are_those_of_each_alone():
    bins, _, _, tiers = run(history(3, hours=2, assets=3 * HEADS))
    pairs = pairs_of(bins.where(bins.minute == bins.minute.max()), 0)
    rows = compute(SPEC, COLUMNS, tiers, pairs)
    assert len(rows) > max(HEADS, BINS // 60)
    for at in range(len(rows)):
        alone = compute(SPEC, COLUMNS, tiers, Pairs(*(part[at : at + 1] for part in pairs)))
        assert np.array_equal(alone[0], rows[at], equal_nan=True)


def test_the_feature_list_is_ordered_and_hashed():
    assert SPEC.names[:3] == ("a.mean_1h", "a.spread_1h", "a.mean_24h")
    assert SPEC.names[-3:] == ("completeness_72h", "running_h", "starts")
    assert [SPEC.names[at] for at in SPEC.columns_of("b")][2:4] == ["b.mean_24h", "b.over_1h"]
    hashes = {
        spec.sha256
        for spec in (
            SPEC, Spec(("b", "a")), Spec(("a", "b")), Spec(("a", "b"), ("n",)),
            Spec(("a", "b"), ("n",), (Expected("b", 1.0, (("a", 2.5),)),)),
        )
    }  # fmt: skip
    assert len(hashes) == 5


def test_a_round_holds_minutes_of_one_span_of_an_asset():
    asset = np.array([0, 0, 0, 1, 1])
    minute = np.array([3 * SPAN + 1, 4 * SPAN - 1, 4 * SPAN, 7 * SPAN, 11 * SPAN - 1])
    assert spans(asset, minute).tolist() == [0, 0, 1, 0, 3]
