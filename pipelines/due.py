"""Which minutes of which assets are due, and what a model sees at their end.

Bins are written, machines followed and usuals looked for a span of each asset at a time. Only minutes of settled
running have a feature row. Which samples are whose, and which record made a minute due, is `stages.window`'s.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.bins import Bins, changes
from models.failure.learned import Learned
from models.features import (
    AFTER_RUNNING_MIN,
    HOUR_MIN,
    Baseline,
    Facts,
    Pairs,
    Spec,
    compute,
    levels,
    serviced,
    spans,
)
from models.following import follow
from models.operating import RUNNING, Found
from pipelines.hours import first_of_hours
from pipelines.open import key_of
from pipelines.paused import has_samples
from pipelines.settled import Minutes, behind_min, judge, move, settle, wants_usual
from pipelines.small import Entry
from pipelines.state import Block


class Due(NamedTuple):
    """Minutes to score, in order of segment, asset, minute.

    `at` is the place of the record that made a minute due, `baseline` the asset's usual as that minute may use it.
    One that is not `fresh` was due before, with all that a forecast is made of.
    """

    asset: np.ndarray
    minute: np.ndarray
    at: np.ndarray
    since_us: np.ndarray
    state: np.ndarray  # int8, codes of models.operating
    features: np.ndarray  # float32 [due, features], NaN where the machine does not run
    baseline: np.ndarray  # objects, Baseline or None
    fresh: np.ndarray  # bool

    @classmethod
    def blank(cls, asset: np.ndarray, minute: np.ndarray, since_us: np.ndarray, spec: Spec | None) -> Due:
        """Minutes of which nothing is found yet."""
        count = len(asset)
        return cls(
            asset=asset,
            minute=minute,
            at=np.zeros(count, np.int64),
            since_us=since_us,
            state=np.empty(count, np.int8),
            features=np.full((count, len(spec.names) if spec else 0), np.nan, np.float32),
            baseline=np.full(count, None, object),
            fresh=np.ones(count, bool),
        )

    def where(self, chosen: np.ndarray) -> Due:
        """Those that a mask or places choose; a copy."""
        return Due(*(column[chosen] for column in self))


def due_of(
    block: Block,
    learned: Learned,
    bins: Bins,
    again: tuple[np.ndarray, np.ndarray],
    final: np.ndarray,
    lateness_us: int,
    every_min: int = 1,
) -> Due:
    """Write the bins and look at all that is due, a span of each asset at a time; which record made it so is open.

    Of minutes in which something was heard, those that `every_min` divides are due. What is `final` by then, the last
    such minute of each asset, is settled.
    """
    spec = learned.spec
    asset, minute = np.concatenate([bins.asset, again[0]]), np.concatenate([bins.minute, again[1]])
    order = np.lexsort((minute, asset))
    asset, minute = asset[order], minute[order]
    is_bin = order < len(bins.asset)
    heard = np.concatenate([has_samples(bins.statistics), np.ones(len(again[0]), bool)])[order]
    since_us = block.since_us(asset, minute)
    turn = spans(asset, minute, _span(block, spec, asset, since_us))
    out = Due.blank(asset, minute, since_us, spec)
    behind, due = behind_min(lateness_us), heard & (minute % every_min == 0)
    for number in np.unique(turn):
        now = np.flatnonzero(turn == number)
        heads = now[changes(asset[now])]
        settle(block, learned, dict(zip(asset[heads].tolist(), (minute[heads] - behind).tolist(), strict=True)))
        block.tiers.write(bins.where(order[now[is_bin[now]]]))
        minutes = Minutes(asset[now], minute[now], since_us[now])
        every, found, is_final = _follow(block, minutes, final)
        where = np.searchsorted(key_of(every.asset, every.minute), key_of(asset[now], minute[now]))
        out.state[now] = block.name_maintenance(*minutes, found.state[where])
        if spec is not None:
            looked = due[now]
            if every_min > 1:
                looked |= heard[now] & _for_usual(block, minutes, out.state[now], found.running[where])
                if learned.health is not None:
                    looked |= first_of_hours(minutes, heard[now] & (out.state[now] == RUNNING))
            run = found.running[where[looked]], found.starts[where[looked]]
            _look(block, spec, out, now[looked], run, behind)
        judge(block, learned, every.where(is_final), found.part(is_final))
    return out.where(due)


def _look(block: Block, spec: Spec, due: Due, now: np.ndarray, run: tuple[np.ndarray, np.ndarray], behind: int) -> None:
    """Put in what a model sees at the end of some minutes, and keep it while they can change.

    `run` has the running minutes and starts of the life by each.
    """
    pairs = due.asset[now], due.minute[now], due.since_us[now]
    due.baseline[now] = _baselines(block, *pairs, behind)
    due.features[now] = _rows(block, spec, pairs, (due.state[now], *run), due.baseline[now].tolist(), behind)
    due.fresh[now] = _remember(block, *pairs, due.state[now], due.features[now])


def _span(block: Block, spec: Spec | None, asset: np.ndarray, since_us: np.ndarray) -> np.ndarray | int:
    """Minutes of each asset that may close together: what rings have room for while nothing is looked for in between.

    An asset's usual is looked for in each hour of a life until it is whole, and can be used from the next hour on.
    """
    most = block.tiers.span
    if spec is None or most <= HOUR_MIN:
        return most
    wants, heads = wants_usual(block, asset, since_us), np.flatnonzero(changes(asset))
    some = np.logical_or.reduceat(wants, heads) if len(heads) else wants
    return np.repeat(np.where(some, HOUR_MIN, most), np.diff(np.append(heads, len(asset))))


def _for_usual(block: Block, minutes: Minutes, state: np.ndarray, running: np.ndarray) -> np.ndarray:
    """Minutes that an asset's usual is looked for at, whatever the cadence: bool [pairs]."""
    asset, minute, since_us = minutes
    out = (state == RUNNING) & (running >= AFTER_RUNNING_MIN) & wants_usual(block, asset, since_us)
    for at in np.flatnonzero(out).tolist():
        known = block.small.baselines.get(int(asset[at]))
        out[at] = known is None or known.wants(int(since_us[at]), int(minute[at]))
    return out


def _follow(block: Block, minutes: Minutes, final: np.ndarray) -> tuple[Minutes, Found, np.ndarray]:
    """All minutes of these assets that are not settled yet, what is found of them, and which are `final`.

    Final ones move the machines, and are settled; others are followed from there on.
    """
    every = _with_unsettled(block, minutes)
    is_last = np.append(changes(minutes.asset)[1:], True)
    assets, last = minutes.asset[is_last], minutes.minute[is_last]
    until = np.minimum(final[assets], last)  # the bins of what comes after may still be another span's to write
    is_final = every.minute <= until[np.searchsorted(assets, every.asset)]
    parts = []
    if is_final.any():
        parts.append(move(block, every.where(is_final)))
    asset, minute, since_us = every.where(~is_final)
    if len(asset):
        machines = asset[changes(asset)]
        at, statistics = np.searchsorted(machines, asset), block.tiers.statistics(asset, minute)
        copies = block.machines.copy_of(machines)
        parts.append(follow(block.layout.rule, copies, at, minute, since_us, statistics))
        for a, m, since in zip(asset.tolist(), minute.tolist(), since_us.tolist(), strict=True):
            block.small.unsettled.setdefault(a, {})[m] = since
    found = parts[0] if len(parts) == 1 else Found.placed(parts, (is_final, ~is_final))
    block.forget_slow(*block.tiers.use(every.asset, every.minute, found.use, found.lead))
    return every, found, is_final


def _with_unsettled(block: Block, minutes: Minutes) -> Minutes:
    """These minutes, and those of their assets that are not settled yet, which are taken out of the block."""
    assets = minutes.asset[changes(minutes.asset)].tolist()
    taken = [(a, m, since) for a in assets for m, since in block.small.unsettled.pop(a, {}).items()]
    if not taken:
        return minutes
    every = Minutes(*(np.concatenate(pair) for pair in zip(np.array(taken, np.int64).T, minutes, strict=True)))
    every = every.where(np.lexsort((every.minute, every.asset)))
    return every.where(np.append((changes(every.asset) | changes(every.minute))[1:], True))


def _baselines(
    block: Block, asset: np.ndarray, minute: np.ndarray, since_us: np.ndarray, behind: int
) -> list[Baseline | None]:
    """The asset's usual as each minute may use it."""
    out: list[Baseline | None] = []
    for a, m, since in zip(asset.tolist(), minute.tolist(), since_us.tolist(), strict=True):
        known = block.small.baselines.get(a)
        out.append(known if known is not None and known.usable(since, m, behind) else None)
    return out


def _rows(
    block: Block,
    spec: Spec,
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray],
    found: tuple[np.ndarray, np.ndarray, np.ndarray],
    baselines: list[Baseline | None],
    behind: int,
) -> np.ndarray:
    """Feature rows of pairs (asset, minute, life) of which were found (state, running minutes, starts).

    NaN where the machine does not run.
    """
    state, running, starts = found
    out = np.full((len(state), len(spec.names)), np.nan, np.float32)
    ran = np.flatnonzero(state == RUNNING)
    asset, minute, since_us = (part[ran] for part in pairs)
    usual, spread = levels(spec, [baselines[at] for at in ran], minute, behind)
    wanted = Pairs(asset, minute, since_us, running[ran], starts[ran], usual, spread)
    facts = _facts(block, spec, asset, minute)
    out[ran] = compute(spec, block.columns_of(spec), block.tiers, wanted, block.slow, facts)
    return out


def _facts(block: Block, spec: Spec, asset: np.ndarray, minute: np.ndarray) -> Facts | None:
    """What groups of features are made of beside windows."""
    if not (spec.groups.components or spec.groups.types):
        return None
    return Facts(serviced.since_h(spec.groups.components, block.small.serviced, asset, minute), block.layout.name)


def _remember(
    block: Block, asset: np.ndarray, minute: np.ndarray, since_us: np.ndarray, state: np.ndarray, rows: np.ndarray
) -> list[bool]:
    """Keep what each due minute's forecast is made of until nothing can change it; whether that is new."""
    fresh = []
    for a, m, since, code, row in zip(
        asset.tolist(), minute.tolist(), since_us.tolist(), state.tolist(), rows, strict=True
    ):
        entries = block.small.entries.setdefault(a, {})
        features = row.tobytes() if code == RUNNING else b""
        entry = entries.get(m)
        if entry is None:
            entry = entries[m] = Entry(since, code, b"")
            fresh.append(True)
        else:
            fresh.append((entry.since_us, entry.state, entry.features) != (since, code, features))
        entry.since_us, entry.state, entry.features = since, code, features
    return fresh
