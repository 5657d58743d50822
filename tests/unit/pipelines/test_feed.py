"""The simulated plant that goes on: what comes after its live rows is what a longer history has, each record once."""

from __future__ import annotations

from connectors.scada import simulator
from models.records import encode
from pipelines.cli.feed import Plan


def test_what_was_streamed_and_what_follows_are_the_longer_history(tmp_path):
    plan = Plan(days=12, pumps=3, seed=7, live_rows=40, pace=60.0)
    short = plan.cut(simulator.simulate(plan.spec, plan.seed, tmp_path))
    whole = simulator.simulate(plan.spec_on(10), plan.seed, tmp_path)
    until_us = int(short.time_us[-1])
    parts = (*simulator.records(short, "demo"), *simulator.records(whole.after(until_us), "demo"))
    assert [encode(one) for one in parts] == [encode(one) for one in simulator.records(whole, "demo")]
    assert len(whole.after(until_us).orders) > 0
