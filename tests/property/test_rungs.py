"""Rules of every quantity and health say the same live, late and of history, revision by revision."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from models.records import Alert, Health, Rung, Tick, decode
from pipelines.driver import Driver
from pipelines.made import LIVE, Pace
from pipelines.partition import Partition
from pipelines.topics import Topic
from tests.kit import history, sickening, streams, tiny

LATENESS_US = 120_000_000
LIMIT = 0.75
"""Of the hazard, so that it holds now and then."""


def by_asset(records) -> dict[tuple[str, type], list[Alert | Health]]:
    """Cases, and hours of health, of each asset, all revisions, in order."""
    out: dict[tuple[str, type], list[Alert | Health]] = {}
    for record in records:
        if isinstance(record, Alert | Health):
            out.setdefault((record.asset, type(record)), []).append(record)
    return out


def partition(hazard: bool, pace: Pace = LIVE) -> Partition:
    return Partition(sickening.plant(hazard=hazard), tiny.models(limit=LIMIT), pace=pace)


def driven(records, hazard: bool, batch: int) -> list:
    effects = [effects for _, effects in Driver([partition(hazard)], batch=batch).feed(records)]
    said = [output for each in effects for output in each.outputs if output.topic in (Topic.ALERTS, Topic.HEALTH)]
    return [decode(output.value) for output in said]


@cache
def stream() -> tuple[list, list[int]]:
    """Records, and where stretches of them end."""
    records = sickening.weeks(0)
    last_us = streams.time_of(records[-1]) + 10**9
    ends_us = history.ends(np.random.default_rng(0), streams.START_US, last_us, 3000)
    return [*records, Tick(plant="tiny", time_us=ends_us[-1])], ends_us


@cache
def live(hazard: bool = True) -> list:
    """One record at a time; that a cut changes nothing is shown for rungs below a hazard as well."""
    return driven(stream()[0], hazard, batch=1 if hazard else 50)


def test_the_stream_brings_evidence_of_every_rung_and_rule_and_its_end():
    alerts = [record for record in live() if isinstance(record, Alert)]
    told = [one for alert in alerts for one in alert.evidence]
    assert {rule.name for rule in sickening.plant().types["pump"].rules} < {one.name for one in told}
    assert "limit of l1" in {one.name for one in told}
    assert {one.rung for one in told} == set(Rung)
    assert {str(alert.reason) for alert in alerts} >= {"opened", "raised", "lowered", "cleared", "repaired"}
    assert sum(isinstance(record, Health) for record in live()) > 500


@pytest.mark.parametrize("batch", [97, 100_000])
def test_any_cut_says_the_same_records(batch):
    assert driven(stream()[0], True, batch) == live()


def test_what_comes_late_but_in_time_says_the_same():
    records, _ = stream()
    late = streams.shuffled(np.random.default_rng(0), records[:-1], LATENESS_US)
    times = [streams.time_of(record) for record in late if not isinstance(record, Tick)]
    assert times != sorted(times)
    assert by_asset(driven([*late, records[-1]], True, batch=20)) == by_asset(live())


@pytest.mark.parametrize(
    ("hazard", "pace"), [(True, LIVE), (True, Pace(span=1440)), (False, Pace(span=1440, every_min=60))]
)
def test_history_says_the_same_as_live(hazard, pace):
    """At a cadence of an hour a hazard looks at fewer minutes, so there it is rules and health alone."""
    records, ends_us = stream()
    made, found = partition(hazard, pace), []
    for stretch in history.stretches(records, sickening.plant(), ends_us):
        found += made.take(stretch, "test").records
        made.acknowledged()
    assert by_asset(found) == by_asset(live(hazard))
