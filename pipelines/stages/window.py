"""Samples to bins to feature rows: which minutes of which assets are due, and what a model sees at their end.

A minute is due when it closes with samples in it, and again when a late sample or a repair changes what led to it.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import NamedTuple

import numpy as np

from models.bins import MINUTE_US, Bins, Samples, summarise
from models.features import Spec, compute, spans
from pipelines.stages.decode import Columns, Flat
from pipelines.stages.order import Ordered, Segment, Track
from pipelines.stages.screen import Screened
from pipelines.state import Block, Entry, Normal

NORMAL_AFTER_H = 24.0
"""Running hours in a life after which its feature row is taken as the asset's normal."""


class Due(NamedTuple):
    """Minutes to score, in order of segment, asset, minute.

    `at` is the place of the record that made a minute due, `normal` the asset's normal as that minute may use it.
    """

    asset: np.ndarray
    minute: np.ndarray
    at: np.ndarray
    since_us: np.ndarray
    features: np.ndarray  # float32 [due, features]
    normal: np.ndarray  # objects, Normal or None


def window(
    block: Block,
    spec: Spec | None,
    columns: Columns,
    flat: Flat,
    screened: Screened,
    ordered: Ordered,
    lateness_us: int,
) -> Due | None:
    """Take the batch's good, timely samples into the block, segment by segment; returns what became due."""
    good = screened.good & ~ordered.late[flat.value_row]
    frame = flat.row_frame[flat.value_row[good]]
    asset = np.array(columns.frame_asset, np.int64)[frame]
    samples = Samples(asset, flat.value_signal[good], flat.row_time_us[flat.value_row[good]], flat.value[good])
    segment = ordered.frame_segment[frame]
    rounds = max((len(track.segments) for track in ordered.tracks.values()), default=0)
    parts = []
    for number in range(rounds):
        tracks = {a: t for a, t in ordered.tracks.items() if number < len(t.segments)}
        mine = samples if rounds == 1 else samples.where(segment == number)
        part = _take(block, spec, mine, tracks, number, lateness_us)
        if part is not None:
            parts.append(part)
    _forget_final(block, ordered, lateness_us)
    return Due(*map(np.concatenate, zip(*parts, strict=True))) if parts else None


def _take(
    block: Block, spec: Spec | None, samples: Samples, tracks: dict[int, Track], number: int, lateness_us: int
) -> Due | None:
    segments = {asset: track.segments[number] for asset, track in tracks.items()}
    for asset, segment in segments.items():
        _note_repairs(block, asset, segment, lateness_us)
    closed, closes = _edges(block, segments)
    block.open = block.open.with_more(samples) if len(samples.value) else block.open
    minute = block.open.minute
    chosen = (minute >= closed[block.open.asset]) & (minute < closes[block.open.asset])
    reopened = _reopened(samples, closed)
    if len(reopened):
        chosen |= np.isin(_key(block.open.asset, minute), reopened)
    bins = summarise(block.open.where(chosen), len(block.layout.numeric), block.layout.reference)
    if spec is None:
        block.tiers.write(bins)
        return None
    again = _again(block, segments, reopened, bins, lateness_us)
    due = _features(block, spec, bins, again, tracks, segments, lateness_us)
    return due if len(due.asset) else None


def _note_repairs(block: Block, asset: int, segment: Segment, lateness_us: int) -> None:
    """Keep the repairs that a minute not yet final may ask for: those within lateness, and the last before."""
    if not segment.repaired_us:
        return
    known = sorted({*block.small.repairs_us.get(asset, ()), *segment.repaired_us})
    old = [us for us in known if us <= segment.before_us - lateness_us - MINUTE_US]
    block.small.repairs_us[asset] = known[max(0, len(old) - 1) :]


def _edges(block: Block, segments: dict[int, Segment]) -> tuple[np.ndarray, np.ndarray]:
    """Per asset of the block, the first open minute before and after its segment; equal where nothing happens."""
    closed = np.full(len(block.watermark_us), np.iinfo(np.int64).max)
    closes = closed.copy()
    for asset, segment in segments.items():
        closed[asset] = segment.before_us // MINUTE_US
        closes[asset] = segment.after_us // MINUTE_US
    return closed, closes


def _key(asset: np.ndarray, minute: np.ndarray) -> np.ndarray:
    """One integer for asset and minute; minutes since 1970 fit 32 bits for some thousand years."""
    return (asset << 32) | minute


def _reopened(samples: Samples, closed: np.ndarray) -> np.ndarray:
    """Keys of closed minutes that new samples belong to."""
    back = samples.minute < closed[samples.asset]
    return np.unique(_key(samples.asset[back], samples.minute[back])) if back.any() else np.empty(0, np.int64)


def _again(
    block: Block, segments: dict[int, Segment], reopened: np.ndarray, bins: Bins, lateness_us: int
) -> tuple[np.ndarray, np.ndarray]:
    """Closed minutes to score again though their own bin stands, since one before them changed, by asset, minute."""
    earliest: dict[int, int] = {}
    for key in reopened.tolist():
        earliest.setdefault(key >> 32, key & 0xFFFFFFFF)
    for asset, segment in segments.items():
        for repaired_us in segment.repaired_us:
            earliest[asset] = min(earliest.get(asset, repaired_us // MINUTE_US), repaired_us // MINUTE_US)
    summed = set(_key(bins.asset, bins.minute).tolist()) if earliest else set()
    found = [
        (asset, minute)
        for asset, first in earliest.items()
        for minute in block.small.entries.get(asset, ())
        if minute >= first
        and (minute + 1) * MINUTE_US > segments[asset].before_us - lateness_us
        and (asset << 32 | minute) not in summed
    ]
    pairs = np.array(sorted(found), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _features(
    block: Block,
    spec: Spec,
    bins: Bins,
    again: tuple[np.ndarray, np.ndarray],
    tracks: dict[int, Track],
    segments: dict[int, Segment],
    lateness_us: int,
) -> Due:
    """Write the bins and compute the rows of all that is due, SPAN minutes of an asset at a time."""
    asset, minute = np.concatenate([bins.asset, again[0]]), np.concatenate([bins.minute, again[1]])
    order = np.lexsort((minute, asset))
    asset, minute = asset[order], minute[order]
    is_bin = order < len(bins.asset)
    since_us, turn = block.since_us(asset, minute), spans(asset, minute)
    columns = np.array([block.layout.numeric_index[signal] for signal in spec.signals])
    rows = np.empty((len(asset), len(spec.names)), np.float32)
    normal = np.empty(len(asset), object)
    for number in np.unique(turn):
        now = np.flatnonzero(turn == number)
        _settle_before(block, spec, asset[now], minute[now], lateness_us)
        block.tiers.write(bins.where(order[now[is_bin[now]]]))
        rows[now] = compute(spec, columns, block.tiers, block.lives, asset[now], minute[now], since_us[now])
        _remember(block, asset[now], minute[now], since_us[now], rows[now])
        normal[now] = _normals(block, spec, asset[now], minute[now], since_us[now], lateness_us)
    return Due(asset, minute, _due_at(asset, minute, tracks, segments), since_us, rows, normal)


def _remember(block: Block, asset: np.ndarray, minute: np.ndarray, since_us: np.ndarray, rows: np.ndarray) -> None:
    """Keep what each due minute's forecast is made of until nothing can change it."""
    for a, m, since, row in zip(asset.tolist(), minute.tolist(), since_us.tolist(), rows, strict=True):
        entries = block.small.entries.setdefault(a, {})
        entry = entries.get(m)
        if entry is None:
            entries[m] = Entry(since, row.tobytes())
            insort(block.small.unsettled.setdefault(a, []), m)
        else:
            entry.since_us, entry.features = since, row.tobytes()


def _normals(
    block: Block, spec: Spec, asset: np.ndarray, minute: np.ndarray, since_us: np.ndarray, lateness_us: int
) -> list[Normal | None]:
    """The asset's normal as each due minute may use it: one that was final when the minute first closed.

    Settles what is final by then on the way, so that no more than SPAN minutes are ever unsettled.
    """
    behind = -(-lateness_us // MINUTE_US)
    out = []
    for a, m, since in zip(asset.tolist(), minute.tolist(), since_us.tolist(), strict=True):
        settle(block, spec, a, m - behind)
        normal = block.small.normals.get(a)
        usable = normal is not None and normal.since_us == since and normal.minute <= m - behind
        out.append(normal if usable else None)
    return out


def _settle_before(block: Block, spec: Spec, asset: np.ndarray, minute: np.ndarray, lateness_us: int) -> None:
    """Settle what each asset's first minute finds final, before a window moves past it."""
    heads = np.flatnonzero(np.diff(asset, prepend=-1))
    for a, m in zip(asset[heads].tolist(), minute[heads].tolist(), strict=True):
        settle(block, spec, a, m - -(-lateness_us // MINUTE_US))


def settle(block: Block, spec: Spec, asset: int, until: int) -> None:
    """Take minutes up to `until`, which can no longer change, into the asset's running time and its normal."""
    waiting = block.small.unsettled.get(asset, [])
    done = bisect_right(waiting, until)
    for minute in waiting[:done]:
        entry = block.small.entries[asset][minute]
        block.lives.settle(asset, minute, entry.since_us)
        normal = block.small.normals.get(asset)
        if normal is not None and normal.since_us == entry.since_us:
            continue
        if entry.features and np.frombuffer(entry.features, np.float32)[spec.running] >= NORMAL_AFTER_H:
            block.small.normals[asset] = Normal(entry.since_us, minute, entry.features)
    del waiting[:done]


def _due_at(
    asset: np.ndarray, minute: np.ndarray, tracks: dict[int, Track], segments: dict[int, Segment]
) -> np.ndarray:
    """Place of the record that closed each minute; for one closed before, of the segment's first."""
    return np.array(
        [
            segments[a].first_at
            if (m + 1) * MINUTE_US <= segments[a].before_us
            else tracks[a].reached_at((m + 1) * MINUTE_US)
            for a, m in zip(asset.tolist(), minute.tolist(), strict=True)
        ]
    )


def _forget_final(block: Block, ordered: Ordered, lateness_us: int) -> None:
    """Drop samples of minutes that no timely sample can reach any more."""
    if ordered.tracks and len(block.open.value):
        final_us = block.watermark_us[block.open.asset] - lateness_us
        keep = (block.open.minute + 1) * MINUTE_US > final_us
        if not keep.all():
            block.open = block.open.where(keep)
