"""What can no longer change is taken for good: minutes move machines and rules on, and give each life its usual."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from models.bins import MINUTE_US, changes
from models.failure import quantities
from models.failure.learned import Learned
from models.features import AFTER_RUNNING_MIN, Spec, baseline_of
from models.following import follow
from models.operating import MAINTENANCE, OFF, RUNNING, Found
from pipelines.hours import take_hours
from pipelines.small import Stood, Turned
from pipelines.state import Block


class Minutes(NamedTuple):
    """Minutes of machines, sorted by asset and minute, with the life that each belongs to."""

    asset: np.ndarray
    minute: np.ndarray
    since_us: np.ndarray

    def where(self, chosen: np.ndarray) -> Minutes:
        """Those that a mask chooses."""
        return Minutes(*(column[chosen] for column in self))


def behind_min(lateness_us: int) -> int:
    """Minutes before one that closes, up to which nothing can change any more."""
    return -(-lateness_us // MINUTE_US)


def settle(block: Block, learned: Learned, until: dict[int, int]) -> None:
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
    minutes = Minutes(*np.array(found, np.int64).T)
    judge(block, learned, minutes, move(block, minutes))


def move(block: Block, minutes: Minutes) -> Found:
    """Move the machines on through final minutes."""
    asset, minute, since_us = minutes
    before = block.machines.fault[asset]
    found = follow(block.layout.rule, block.machines, asset, minute, since_us, block.tiers.statistics(asset, minute))
    _note_faults(block, asset, minute, before, found.fault)
    return found


def judge(block: Block, learned: Learned, minutes: Minutes, found: Found) -> None:
    """Hold final minutes, once windows know of them, against rules, and give lives their usual."""
    _note_rest(block, minutes, found)
    if block.keys.columns and block.rules is not None:
        statistics = block.tiers.statistics(minutes.asset, minutes.minute)
        final = quantities.Minutes(*minutes, statistics, found)
        known = block.small.recalibrated
        fired, whole = block.rules.evaluate(block.marks, block.levels_now(), final, block.tiers, known)
        block.fired, block.whole = block.fired + fired, block.whole + whole
    _forget_recalibrated(block, minutes)
    if learned.health is not None:
        block.told += take_hours(block, learned.health, minutes, found)
    _give_usuals(block, learned.spec, minutes, found)


RESTS = {OFF: "it is off", MAINTENANCE: "it is in maintenance"}
"""States in which a machine stands by design; it does so until it runs."""


def _note_rest(block: Block, minutes: Minutes, found: Found) -> None:
    """Note where an asset begins to stand, or runs again."""
    if not (block.small.stands or block.stood or np.isin(found.state, tuple(RESTS)).any()):
        return  # all of them run, as before
    tells = np.flatnonzero(np.isin(found.state, (*RESTS, RUNNING)))
    asset, state = minutes.asset[tells], found.state[tells]
    before = np.empty(len(tells), state.dtype)
    before[1:] = state[:-1]
    stands, first = block.small.stands, changes(asset)
    noted = {one.asset: one.why for one in block.stood}
    before[first] = [_CODES[noted.get(at, stands.get(at, ""))] for at in asset[first].tolist()]
    for at in np.flatnonzero(before != state).tolist():
        one = Stood(int(asset[at]), int(minutes.minute[tells[at]]), RESTS.get(int(state[at]), ""))
        block.stood.append(one)
        noted[one.asset] = one.why


_CODES = {"": RUNNING} | {why: code for code, why in RESTS.items()}


def _forget_recalibrated(block: Block, minutes: Minutes) -> None:
    """Keep of each signal the last one that these minutes are beyond, and all after them."""
    known = block.small.recalibrated
    for asset in known.keys() & set(minutes.asset[changes(minutes.asset)].tolist() if known else ()):
        end_us = (int(minutes.minute[minutes.asset == asset].max()) + 1) * MINUTE_US
        last = {signal: us for us, signal in known[asset] if us < end_us}
        known[asset] = [(us, signal) for us, signal in known[asset] if us >= end_us or last[signal] == us]


def _give_usuals(block: Block, spec: Spec | None, minutes: Minutes, found: Found) -> None:
    """Give lives their usual where final minutes were looked at for it."""
    if spec is not None:
        ripe = (found.state == RUNNING) & (found.running >= AFTER_RUNNING_MIN)
        asset, minute, since_us = minutes.where(ripe)
        wants = wants_usual(block, asset, since_us)
        for each in zip(asset[wants].tolist(), minute[wants].tolist(), since_us[wants].tolist(), strict=True):
            _give_usual(block, spec, *each)


def wants_usual(block: Block, asset: np.ndarray, since_us: np.ndarray) -> np.ndarray:
    """Which pairs (sorted by asset) are of an asset whose usual is not whole in that life: bool [pairs]."""
    out = np.ones(len(asset), bool)
    heads = np.flatnonzero(changes(asset))
    for begin, end in pairwise([*heads.tolist(), len(asset)]):
        known = block.small.baselines.get(int(asset[begin]))
        if known is not None and known.is_whole:
            out[begin:end] = since_us[begin:end] != known.since_us
    return out


def _note_faults(block: Block, asset: np.ndarray, minute: np.ndarray, before: np.ndarray, fault: np.ndarray) -> None:
    """Note where a sensor's fault begins, ends or becomes another; `before` is what each asset began with."""
    before[1:] = np.where(changes(asset)[1:, None], before[1:], fault[:-1])
    for at, column in np.argwhere(before != fault).tolist():
        if column < len(block.layout.numeric):
            block.turned.append(Turned(int(asset[at]), int(minute[at]), column, int(fault[at, column])))


def _give_usual(block: Block, spec: Spec, asset: int, minute: int, since_us: int) -> None:
    known = block.small.baselines.get(asset)
    entry = block.small.entries.get(asset, {}).get(minute)
    if (known is not None and not known.wants(since_us, minute)) or entry is None or not entry.features:
        return
    columns = block.columns_of(spec)
    block.small.baselines[asset] = baseline_of(
        spec, columns, block.tiers, asset, minute, since_us, entry.features, known
    )
