"""What can no longer change is taken for good: minutes move the machines on, and give each life its usual."""

from __future__ import annotations

import numpy as np

from models.bins import MINUTE_US
from models.features import AFTER_RUNNING_MIN, Spec, baseline_of
from models.operating import RUNNING, follow
from pipelines.state import Block


def behind_min(lateness_us: int) -> int:
    """Minutes before one that closes, up to which nothing can change any more."""
    return -(-lateness_us // MINUTE_US)


def settle(block: Block, spec: Spec | None, until: dict[int, int]) -> None:
    """Take each asset's minutes up to `until[asset]`, all of them final by now."""
    found = []
    for asset in sorted(until):
        waiting = block.small.unsettled.get(asset)
        if not waiting:
            continue
        done = sorted(minute for minute in waiting if minute <= until[asset])
        found += [(asset, minute, waiting.pop(minute)) for minute in done]
        if not waiting:
            del block.small.unsettled[asset]
    if not found:
        return
    asset, minute, since_us = np.array(found, np.int64).T
    states = follow(block.layout.rule, block.machines, asset, minute, since_us, block.tiers.statistics(asset, minute))
    if spec is not None:
        ripe = (states.state == RUNNING) & (states.running >= AFTER_RUNNING_MIN)
        for at in np.flatnonzero(ripe).tolist():
            _give_usual(block, spec, *found[at])


def _give_usual(block: Block, spec: Spec, asset: int, minute: int, since_us: int) -> None:
    known = block.small.baselines.get(asset)
    entry = block.small.entries.get(asset, {}).get(minute)
    if (known is not None and not known.wants(since_us, minute)) or entry is None or not entry.features:
        return
    columns = block.columns_of(spec)
    block.small.baselines[asset] = baseline_of(
        spec, columns, block.tiers, asset, minute, since_us, entry.features, known
    )
