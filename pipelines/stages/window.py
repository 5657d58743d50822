"""Good samples, segment by segment, to bins: which minutes they change, and which record made each of them due.

A minute is due when it closes with samples in it, and again when a late sample, a failure or a repair changes what led
to it. What is found of minutes that are due is in `pipelines.due`.
"""

from __future__ import annotations

import numpy as np

from models.bins import MINUTE_US, Bins, Samples, changes, summarise
from models.failure.learned import Learned
from models.features import serviced
from pipelines.due import Due, due_of
from pipelines.frames import Columns
from pipelines.open import key_of
from pipelines.paused import has_samples, with_pauses
from pipelines.settled import settle
from pipelines.stages.order import Ordered, Rises, Segments
from pipelines.stages.screen import Screened
from pipelines.state import NEVER, Block

NO_MINUTE = np.iinfo(np.int64).max // MINUTE_US
"""Behind all minutes."""


def window(
    block: Block,
    learned: Learned,
    columns: Columns,
    screened: Screened,
    ordered: Ordered,
    lateness_us: int,
    every_min: int = 1,
) -> Due | None:
    """Take the batch's good, timely samples into the block, segment by segment; returns what became due."""
    block.pauses = {}
    samples, frame = _samples(block, columns, screened, ordered)
    rounds = ordered.segments.rounds
    parts = []
    for number in range(rounds):
        mine = samples if rounds == 1 else samples.where(ordered.frame_segment[frame] == number)
        part = _take(block, learned, mine, ordered.segments.of_round(number), ordered.rises, lateness_us, every_min)
        if part is not None:
            parts.append(part)
    _forget_final(block, learned, ordered, lateness_us)
    return Due(*map(np.concatenate, zip(*parts, strict=True))) if parts else None


def _samples(block: Block, columns: Columns, screened: Screened, ordered: Ordered) -> tuple[Samples, np.ndarray]:
    """The good and timely samples with the frame of each; what words tell comes last, in columns of its own."""
    row, signal, value = columns.value_row, columns.value_signal, columns.value
    good = screened.good & ~ordered.late[row] if ordered.late.any() else screened.good
    if not good.all():
        row, signal, value = row[good], signal[good], value[good]
    for name in screened.objects.keys() & block.layout.told.keys():
        told, (rows, words) = block.layout.told[name], screened.objects[name]
        timely = [(r, word) for r, word in zip(rows, words, strict=True) if not ordered.late[r]]
        which, column, values = told.samples([word for _, word in timely])
        row = np.concatenate([row, np.array([r for r, _ in timely], np.int64)[which]])
        signal, value = np.concatenate([signal, column]), np.concatenate([value, values])
    frame = columns.row_frame[row]
    return Samples(columns.frame_asset[frame], signal, columns.row_time_us[row], value), frame


def _take(
    block: Block,
    learned: Learned,
    samples: Samples,
    segments: Segments,
    rises: Rises,
    lateness_us: int,
    every_min: int,
) -> Due | None:
    small = block.small
    for asset, before_us, times_us in segments.told_in(segments.repaired_us):
        final_us = min(before_us - lateness_us, small.warned_life_us.get(asset, 0) + MINUTE_US)
        _note(small.repairs_us, asset, times_us, final_us)
    for asset, before_us, times_us in segments.told_in(segments.failed_us):
        _note(small.failures_us, asset, times_us, before_us - lateness_us)
    for asset, before_us, works in segments.told_in(segments.serviced):
        for work in works:
            serviced.note(small.serviced.setdefault(asset, {}), *work, before_us - lateness_us)
    closed, closes = _edges(block, segments)
    reopened, layout = _reopened(samples, closed), block.layout
    final = np.full(len(block.watermark_us), NEVER)
    final[segments.asset] = (segments.after_us - lateness_us) // MINUTE_US - 1
    edges_us = closed * MINUTE_US, closes * MINUTE_US
    chosen = block.open.take(samples, *edges_us, reopened, (final + 1) * MINUTE_US)
    bins = summarise(chosen, layout.columns, layout.reference, layout.held)
    bins, paused = with_pauses(block, bins)
    _place(block, paused, rises, segments)
    again = _again(block, segments, reopened, bins, lateness_us)
    due = due_of(block, learned, bins, again, final, lateness_us, every_min)
    return due._replace(at=_due_at(due.asset, due.minute, rises, segments)) if len(due.asset) else None


def _note(known_us: dict[int, list[int]], asset: int, new_us: list[int], final_us: int) -> None:
    """Keep the repairs or failures that a minute not yet final may ask for, and the last before them.

    `final_us` is not after the last repair that ended cases: those behind it have yet to.
    """
    known = sorted({*known_us.get(asset, ()), *new_us})
    old = [us for us in known if us <= final_us - MINUTE_US]
    known_us[asset] = known[max(0, len(old) - 1) :]


def _edges(block: Block, segments: Segments) -> tuple[np.ndarray, np.ndarray]:
    """Per asset of the block, the first open minute before and after its segment; equal where nothing happens."""
    closed = np.full(len(block.watermark_us), NO_MINUTE)
    closes = closed.copy()
    closed[segments.asset] = segments.before_us // MINUTE_US
    closes[segments.asset] = segments.after_us // MINUTE_US
    return closed, closes


def _reopened(samples: Samples, closed: np.ndarray) -> np.ndarray:
    """Keys of closed minutes that new samples belong to."""
    back = samples.minute < closed[samples.asset]
    return np.unique(key_of(samples.asset[back], samples.minute[back])) if back.any() else np.empty(0, np.int64)


def _again(
    block: Block, segments: Segments, reopened: np.ndarray, bins: Bins, lateness_us: int
) -> tuple[np.ndarray, np.ndarray]:
    """Closed minutes to score again though their own bin stands, since one before them changed, by asset, minute."""
    earliest: dict[int, int] = {}
    for key in reopened.tolist():
        earliest.setdefault(key >> 32, key & 0xFFFFFFFF)
    for told in (segments.repaired_us, segments.failed_us):
        for asset, _, times_us in segments.told_in(told):
            changed = min(times_us) // MINUTE_US
            earliest[asset] = min(earliest.get(asset, changed), changed)
    for asset, _, works in segments.told_in(segments.serviced):
        changed = min(known_us for _, known_us, _ in works) // MINUTE_US
        earliest[asset] = min(earliest.get(asset, changed), changed)
    before_us = dict(zip(segments.asset.tolist(), segments.before_us.tolist(), strict=True)) if earliest else {}
    summed = set(key_of(bins.asset, bins.minute).tolist()) if earliest else set()
    found = [
        (asset, minute)
        for asset, first in earliest.items()
        for minute in block.small.unsettled.get(asset, ())
        if minute >= first
        and (minute + 1) * MINUTE_US > before_us[asset] - lateness_us
        and (asset << 32 | minute) not in summed
    ]
    pairs = np.array(sorted(found), np.int64).reshape(-1, 2)
    heard = has_samples(block.tiers.statistics(*pairs.T))
    return pairs[heard, 0], pairs[heard, 1]


def _place(block: Block, paused: np.ndarray, rises: Rises, segments: Segments) -> None:
    """Note which record ended each pause: before it, nobody knew of the minute that stands for it."""
    asset, minute, ended = paused.T
    places = _due_at(asset, ended, rises, segments)
    block.pauses |= zip(zip(asset.tolist(), minute.tolist(), strict=True), places.tolist(), strict=True)


def _due_at(asset: np.ndarray, minute: np.ndarray, rises: Rises, segments: Segments) -> np.ndarray:
    """Place of the record that closed each minute; for one closed before, of the segment's first."""
    end_us, segment = (minute + 1) * MINUTE_US, np.searchsorted(segments.asset, asset)
    closes = end_us > segments.before_us[segment]
    at = segments.first_at[segment]
    at[closes] = rises.reached_at(asset[closes], end_us[closes])
    return at


def _forget_final(block: Block, learned: Learned, ordered: Ordered, lateness_us: int) -> None:
    """Settle minutes that no timely sample can reach any more, and drop their samples."""
    assets = ordered.segments.asset[changes(ordered.segments.asset)]
    if not len(assets):
        return
    until = (block.watermark_us[assets] - lateness_us) // MINUTE_US - 1
    settle(block, learned, dict(zip(assets.tolist(), until.tolist(), strict=True)))
    block.open.forget(block.watermark_us, lateness_us)
