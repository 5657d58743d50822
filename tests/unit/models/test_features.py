"""Features against plain loops over all bins ever written, and alone against among others."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.bins import COUNT, MINUTE_US, SQUARES, SUM, Samples, summarise
from models.features import Lives, Spec, compute, spans
from models.tiers import Tiers

REFERENCE = np.array([5.0, 60.0])
SPEC = Spec(("a", "b"))
COLUMNS = np.array([0, 1])


def history(seed: int, hours: int = 80, assets: int = 2) -> Samples:
    """Samples with gaps, at odd seconds."""
    random = np.random.default_rng(seed)
    rows = []
    for asset in range(assets):
        for minute in range(hours * 60):
            if random.random() < 0.5 and not 500 < minute < 900:
                for signal in range(2):
                    if random.random() < 0.9:
                        value = REFERENCE[signal] + random.normal() + minute / 1000
                        rows.append((asset, signal, minute * MINUTE_US + int(random.integers(MINUTE_US)), value))
    asset, signal, time_us, value = zip(*rows, strict=True)
    return Samples(np.array(asset), np.array(signal), np.array(time_us), np.array(value))


def run(samples: Samples, since_us: int = 0):
    """Write all bins span by span; the feature row of each."""
    assets = int(samples.asset.max()) + 1
    tiers, lives = Tiers.empty(assets, REFERENCE), Lives.none(assets)
    bins = summarise(samples, 2, REFERENCE)
    rows = np.empty((len(bins.asset), len(SPEC.names)), np.float32)
    turn = spans(bins.asset, bins.minute)
    for at in np.unique(turn):
        now = turn == at
        tiers.write(bins.where(now))
        since = np.full(now.sum(), since_us)
        rows[now] = compute(SPEC, COLUMNS, tiers, lives, bins.asset[now], bins.minute[now], since)
        for asset, minute in zip(bins.asset[now].tolist(), bins.minute[now].tolist(), strict=True):
            lives.settle(asset, minute, since_us)
    return bins, rows


def by_loops(bins, at: int, since_us: int) -> list[float]:
    """The features of one bin, from a dictionary of all bins."""
    asset, minute = int(bins.asset[at]), int(bins.minute[at])
    of = {int(m): s for a, m, s in zip(bins.asset, bins.minute, bins.statistics, strict=True) if a == asset}
    known = {m: s for m, s in of.items() if m * MINUTE_US >= since_us and m <= minute}
    end = (minute + 1) // 15
    out = []
    quarters = {q: [known[m] for m in range(15 * q, 15 * q + 15) if m in known] for q in range(end - 288, end)}
    quarters = {q: bins_of for q, bins_of in quarters.items() if bins_of and q * 15 * MINUTE_US >= since_us}
    for signal in range(2):
        hour = [known[m][:, signal] for m in range(minute - 59, minute + 1) if m in known]
        count, total, squares = (sum(s[what] for s in hour) for what in (COUNT, SUM, SQUARES))
        sums = {q: (sum(s[COUNT, signal] for s in b), sum(s[SUM, signal] for s in b)) for q, b in quarters.items()}
        sums = {q: (n, t) for q, (n, t) in sums.items() if n}
        out += [
            total / count if count else math.nan,
            mean_of(sums, end - 96) - mean_of(sums, end - 288),
            slope_of(sums),
            math.sqrt(max(0.0, squares / count - (total / count - REFERENCE[signal]) ** 2)) if count else math.nan,
        ]
    lived = {m // 15 for m in known if m // 15 * 15 * MINUTE_US >= since_us}
    return [*out, len(quarters) / 288, len(lived) / 4]


def mean_of(sums, first: int) -> float:
    chosen = [pair for q, pair in sums.items() if q >= first]
    return sum(t for _, t in chosen) / sum(n for n, _ in chosen) if chosen else math.nan


def slope_of(sums) -> float:
    if len(sums) < 2:
        return math.nan
    hours, means = np.array([q / 4 for q in sums]), np.array([t / n for n, t in sums.values()])
    return float(np.polyfit(hours - hours.mean(), means, 1)[0])


@pytest.mark.parametrize(("seed", "since_h"), [(1, 0), (2, 0), (3, 30)])
def test_features_are_what_loops_over_all_bins_find(seed, since_h):
    since_us = since_h * 60 * MINUTE_US
    bins, rows = run(history(seed), since_us)
    for at in np.random.default_rng(seed).choice(len(rows), 60, replace=False):
        if bins.minute[at] * MINUTE_US >= since_us:
            np.testing.assert_allclose(rows[at], by_loops(bins, at, since_us), rtol=2e-4, atol=2e-5)


def test_an_assets_features_are_the_same_alone_and_among_others():
    samples = history(4, hours=30, assets=3)
    bins, rows = run(samples)
    _, alone = run(samples.where(samples.asset == 0))
    assert np.array_equal(rows[bins.asset == 0], alone, equal_nan=True)


def test_the_feature_list_is_ordered_and_hashed():
    assert SPEC.names[:2] == ("a.mean_1h", "a.mean_24h_less_72h")
    assert SPEC.names[-2:] == ("completeness_72h", "running_h")
    assert SPEC.sha256 != Spec(("b", "a")).sha256


def test_a_span_holds_less_than_an_hour_of_an_asset():
    asset, minute = np.array([0, 0, 0, 1, 1]), np.array([10, 69, 70, 500, 700])
    assert spans(asset, minute).tolist() == [0, 0, 1, 0, 3]
