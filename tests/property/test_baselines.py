"""Baselines, recalibrations and approvals in the log: the same bytes however it is cut, and versions that count up."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from models.records import Doubt, Origin
from pipelines.topics import Topic
from tests.kit import grounds, streams
from tests.property.test_wild import by

SEEDS = range(3)


@pytest.fixture(scope="module")
def alone() -> dict[int, list]:
    return {seed: grounds.taken(grounds.log(seed), by(1))[0] for seed in SEEDS}


def test_the_logs_bring_baselines_of_all_origins_but_the_fleets_with_doubts_and_warnings(alone):
    told = [baseline for out in alone.values() for baseline in grounds.said(out)]
    assert {baseline.origin for baseline in told} == set(Origin) - {Origin.FLEET}
    assert {Doubt.DRIFT, Doubt.LEVEL_HELD} <= {doubt for baseline in told for doubt in baseline.doubts}
    assert sum(len(grounds.said(out, Topic.ALERTS)) for out in alone.values()) > 10


@pytest.mark.parametrize("seed", SEEDS)
def test_any_cut_and_any_restore_gives_the_same_bytes(seed, alone):
    records, random = grounds.log(seed), np.random.default_rng(seed)
    for batches in (by(37), by(500), grounds.at_once):
        assert grounds.taken(records, batches)[0] == alone[seed]
    assert grounds.taken(records, lambda raw: streams.cut(random, raw, 200), restores=True)[0] == alone[seed]


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_count_up_by_asset_and_rule_and_no_id_comes_twice(seed, alone):
    seen: Counter = Counter()
    told = grounds.said(alone[seed])
    for baseline in told:
        seen[baseline.asset, baseline.rule] += 1
        assert baseline.number == seen[baseline.asset, baseline.rule]
    assert max(seen.values()) > 1
    assert len({baseline.id for baseline in told}) == len(told)
