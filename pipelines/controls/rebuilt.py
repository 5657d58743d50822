"""An asset's bins and states are replaced by those made anew from stored rows, and what came since is followed again.

Minutes that were final stay said as they were, and no warning moves: nobody is notified about the past. Minutes that
can still change are scored again.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np

from models.bins import MINUTE_US, Bins
from models.failure.learned import Learned
from models.failure.marks import OF_BASES, OF_COLUMNS, Marks
from models.operating import RUNNING
from models.plant import Plant
from models.records import Forecast, Notice, Rebuilt, Reject
from models.tiers import RINGS
from pipelines import late
from pipelines.due import due_of
from pipelines.parse import Rejected
from pipelines.paused import has_samples, with_pauses
from pipelines.slices import MARGIN_US, Slice, Unfit, read_slice
from pipelines.small import Kept
from pipelines.stages.notify import corrected
from pipelines.stages.score import score
from pipelines.state import NEVER, Block, arrays_of

T = TypeVar("T")


class Where(NamedTuple):
    """Where a record meets a partition: the asset's block and index, the models of its type, and its watermark."""

    block: Block
    asset: int
    learned: Learned
    watermark_us: int
    lateness_us: int


def apply(record: Rebuilt, where: Where, plant: Plant) -> list[Forecast | Notice]:
    """Replace the asset's state up to `until_us`; new forecasts of what can change, and the end of the notice.

    Raises Rejected where the record does not fit or comes too late; the span is then marked again.
    """
    block, asset = where.block, where.asset
    block.stir(asset)
    try:
        found = _checked(record, where)
    except Unfit as wrong:
        ask_again(block, asset, record.number)
        detail = f"rebuild {record.number} of '{record.asset}': {wrong}"
        raise Rejected(Reject.UNFIT_REBUILD, detail, asset=record.asset) from wrong
    since = _since(block, asset, record.until_us // MINUTE_US)
    block.small.unsettled.pop(asset, None)
    own = block.marks.of(np.array([asset]))
    _replace(block, asset, found, record.until_us)
    _keep_approved(block, asset, own)
    forecasts = _follow(where, since, plant) if len(since.asset) else []
    # What rules and health say now of the past is told by the next minute or hour, if it is so then.
    block.marks.told[asset], block.fired, block.told, block.stood = own.told[0], [], [], []
    block.marks.base_told[asset], block.whole = own.base_told[0] & _same_bases(block.marks, asset, own), []
    final = (where.watermark_us - where.lateness_us) // MINUTE_US - 1
    faults = corrected(block, asset, final, record.plant)
    return [*forecasts, *faults, *_answered(record, where)]


def _checked(record: Rebuilt, where: Where) -> Slice:
    block, asset, minute = where.block, where.asset, record.until_us // MINUTE_US
    spec = where.learned.spec
    found = read_slice(record.content, block, spec, record.until_us)
    if record.until_us % MINUTE_US or record.until_us > where.watermark_us - where.lateness_us:
        raise Unfit("not all up to its end is final")
    if any(waiting < minute for waiting in block.small.unsettled.get(asset, ())):
        raise Unfit("minutes before its end can still change")
    slots = block.tiers.minute.shape[1]
    if int(block.tiers.minute[asset].max()) - minute >= slots:
        raise Unfit(f"it ends more than {slots} minutes before the newest bin, so that bins between are gone")
    return found


def ask_again(block: Block, asset: int, number: int) -> None:
    """Mark the span that this was the answer to once more, so that another notice follows."""
    own = block.small.late.get(asset)
    if own is not None and own.asked is not None and own.number - 1 == number:
        late.mark(block.small.late, asset, own.asked.from_us, own.asked.to_us)


def _since(block: Block, asset: int, minute: int) -> Bins:
    """The asset's 1-min bins with samples from a minute on, in order."""
    slots = np.flatnonzero(block.tiers.minute[asset] >= minute)
    slots = slots[has_samples(block.tiers.minute_statistics[asset, slots])]
    slots = slots[np.argsort(block.tiers.minute[asset, slots])]
    minutes = block.tiers.minute[asset, slots]
    return Bins(np.full(len(slots), asset), minutes, block.tiers.minute_statistics[asset, slots])


def _replace(block: Block, asset: int, found: Slice, until_us: int) -> None:
    """Put the slice in the place of the asset's own; what was told of after its end stays."""
    small = block.small
    kept = _older(block, asset, found)
    for name, array in arrays_of(block).items():
        array[asset] = found.arrays[name].array()[0]
    for name, (slots, values) in kept.items():
        arrays_of(block)[name][asset, slots] = values
    for known, told in ((small.repairs_us, found.repairs_us), (small.failures_us, found.failures_us)):
        known[asset] = [*told, *(us for us in known.get(asset, ()) if us >= until_us)]
    later = [each for each in small.recalibrated.get(asset, ()) if each[0] >= until_us]
    _put(small.recalibrated, asset, [*found.recalibrated, *later] or None)
    if asset in small.warned_life_us:
        small.warned_life_us[asset] = _named_anew(block, asset, small.warned_life_us[asset])
    _put(small.baselines, asset, found.baseline)
    _put(small.kept, asset, found.kept)


def _keep_approved(block: Block, asset: int, own: Marks) -> None:
    """What people approved in this life, which stored rows do not tell, stays; so does what was told of its rules."""
    marks, rules = block.marks, block.rules
    stays = (own.base_origin[0] != 0) & (own.life_us[0] == marks.life_us[asset])
    stays &= own.base_recalibrated_us[0] >= marks.base_recalibrated_us[asset]
    if rules is None or not stays.any():
        return
    columns = np.flatnonzero(np.isin(rules.columns.rule, np.array(rules.quantities.changes)[stays]))
    fresh = Marks.none(1, len(columns), 0)
    for name in OF_COLUMNS:
        getattr(marks, name)[asset, columns] = getattr(fresh, name)[0]
    marks.holds[asset, columns] = own.told[0, columns]
    for name in OF_BASES:
        getattr(marks, name)[asset, stays] = getattr(own, name)[0, stays]


def _same_bases(marks: Marks, asset: int, own: Marks) -> np.ndarray:
    """Which baselines came out as they were: bool [bases]."""
    names = [name for name in OF_BASES if name != "base_told"]
    return np.all([getattr(marks, name)[asset] == getattr(own, name)[0] for name in names], axis=0)


def _older(block: Block, asset: int, found: Slice) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What rings hold from before the life the slice was read for, where nothing is late: slots and values."""
    out = {}
    for ring, length_us in RINGS.items():
        own, new = getattr(block.tiers, ring)[asset], found.arrays[f"tiers.{ring}"].array()[0]
        life = (found.read_from_us + MARGIN_US) // length_us
        slots = np.flatnonzero((own >= 0) & (own < life) & (new < life))
        for name, array in arrays_of(block).items():
            if name.startswith(f"tiers.{ring}"):
                out[name] = slots, array[asset, slots]
    return out


def _named_anew(block: Block, asset: int, since_us: int) -> int:
    """The start of the life that one started at `since_us`: a repair told of late was not where it began."""
    if since_us == 0:
        return 0
    return int(block.since_us(np.array([asset]), np.array([since_us // MINUTE_US]))[0])


def _put(known: dict[int, T], asset: int, value: T | None) -> None:
    if value is None:
        known.pop(asset, None)
    else:
        known[asset] = value


def _follow(where: Where, since: Bins, plant: Plant) -> list[Forecast]:
    """Write the bins after the slice and look at them once more; forecasts of those that can still change."""
    block, asset, learned = where.block, where.asset, where.learned
    no_more = np.empty(0, np.int64), np.empty(0, np.int64)
    final = (int(block.watermark_us[asset]) - where.lateness_us) // MINUTE_US - 1
    of_asset = np.where(np.arange(len(block.watermark_us)) == asset, final, NEVER)
    due = due_of(block, learned, with_pauses(block, since)[0], no_more, of_asset, where.lateness_us)
    told = score(block, learned.hazard, due, plant).said if learned.hazard else []
    _forget(block, asset, final)
    return [forecast for _, forecast in told if forecast.window_end_us > (final + 1) * MINUTE_US]


def _forget(block: Block, asset: int, final: int) -> None:
    """Drop what was said of minutes that are final, but for the last in which the machine ran."""
    entries = block.small.entries.get(asset, {})
    for minute in sorted(m for m in entries if m <= final):
        entry = entries.pop(minute)
        if entry.state == RUNNING and entry.forecast is not None:
            block.small.kept[asset] = Kept(entry.since_us, entry.forecast, entry.features)
    if not entries:
        block.small.entries.pop(asset, None)


def _answered(record: Rebuilt, where: Where) -> list[Notice]:
    own = where.block.small.late.get(where.asset)
    if own is None or own.asked is None or own.number - 1 != record.number:
        return []
    span, own.asked = own.asked, None
    return [late.closed(record.plant, record.asset, record.number, span, record.until_us, "rebuilt")]
