"""The bins an asset type's windows are merged from: 1-min, 15-min and daily bins, as rings.

A block of arrays over all assets of one type in one partition, owned by whoever steps it. A slot says which bin it
holds, so a ring needs no cleaning when time jumps. The 1-min tier holds all that came; merging takes what is of use:
settled running time of sound sensors, with what held from before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.bins import COUNT, EMPTY, MINUTE_US, QUARTER, SQUARES, STATISTICS, SUM, Bins, changes

SPAN = 20
"""Minutes of one asset that may be written before the windows of the first of them are read: a third of an hour of the
clock. Of an hour, long batches are a twentieth faster, and state is a quarter larger. History has longer ones."""
LONGEST_SPAN = 1440
"""A span lies within a day of the clock."""
MINUTES = 72
"""Slots of 1-min bins beside a span: 60 of the longest fast window, and what lateness can still correct."""
QUARTERS = 302
"""Slots of 15-min bins beside a span: 288 of the longest slow window and what can still be corrected."""
DAYS = 32
"""Slots of daily bins: 30 of the longest window, the day that is not over, and one that can begin ahead of a window."""
LONGEST_LATENESS_MIN = 10
"""Minutes that lateness may reopen: with 59 of a fast window behind them and SPAN ahead they fit the 1-min ring."""
BINS = 2048
"""1-min bins that are merged at a time: more leave the processor's cache. Measured."""
QUARTERS_A_DAY = 96
QUARTER_US = QUARTER * MINUTE_US
DAY_US = QUARTERS_A_DAY * QUARTER_US

ARRAYS = (
    "minute", "minute_statistics", "minute_use", "minute_lead", "quarter", "quarter_count", "quarter_sum",
    "day", "day_count", "day_sum",
)  # fmt: skip
"""What a snapshot keeps."""
RINGS = {"minute": MINUTE_US, "quarter": QUARTER_US, "day": DAY_US}
"""The rings, and how long a bin of each is; the arrays of each begin with its name."""


@dataclass(slots=True)
class Tiers:
    """Rings of `assets` machines with `columns` signals; `reference` [columns] is what squares are taken about.

    `held` are the places of signals that hold between samples.
    """

    reference: np.ndarray
    held: np.ndarray
    minute: np.ndarray  # [assets, minutes] index of the bin in the slot, -1 for none
    minute_statistics: np.ndarray  # [assets, minutes, 7, columns]
    minute_use: np.ndarray  # bool [assets, minutes, columns] what windows may use
    minute_lead: np.ndarray  # [assets, minutes, 3, held] what held from before, to be added to COUNT, SUM, SQUARES
    quarter: np.ndarray  # [assets, quarters]
    quarter_count: np.ndarray  # [assets, quarters, columns]
    quarter_sum: np.ndarray  # [assets, quarters, columns]
    day: np.ndarray  # [assets, days]
    day_count: np.ndarray  # [assets, days, columns]
    day_sum: np.ndarray  # [assets, days, columns]
    touched: dict[str, np.ndarray] = field(init=False)  # bool [assets, slots] by ring: what a snapshot has to keep

    def __post_init__(self) -> None:
        self.untouch()

    def untouch(self) -> None:
        """A snapshot has all as it is now."""
        self.touched = {ring: np.zeros(getattr(self, ring).shape, bool) for ring in RINGS}

    @classmethod
    def empty(cls, assets: int, reference: np.ndarray, held: np.ndarray, span: int = SPAN) -> Tiers:
        """Rings that hold nothing, with room for `span` minutes that close together."""
        columns, minutes, quarters = len(reference), MINUTES + span, QUARTERS + -(-span // QUARTER)
        return cls(
            reference=reference,
            held=held,
            minute=np.full((assets, minutes), -1, np.int64),
            minute_statistics=np.broadcast_to(EMPTY[:, None], (assets, minutes, len(EMPTY), columns)).copy(),
            minute_use=np.zeros((assets, minutes, columns), bool),
            minute_lead=np.zeros((assets, minutes, 3, len(held))),
            quarter=np.full((assets, quarters), -1, np.int64),
            quarter_count=np.zeros((assets, quarters, columns), np.int32),
            quarter_sum=np.zeros((assets, quarters, columns)),
            day=np.full((assets, DAYS), -1, np.int64),
            day_count=np.zeros((assets, DAYS, columns), np.int32),
            day_sum=np.zeros((assets, DAYS, columns)),
        )

    @property
    def span(self) -> int:
        """Minutes of one asset that may be written before the windows of the first of them are read."""
        return self.minute.shape[1] - MINUTES

    def _minute_slot(self, minute: np.ndarray) -> np.ndarray:
        return minute % self.minute.shape[1]

    def _quarter_slot(self, quarter: np.ndarray) -> np.ndarray:
        return quarter % self.quarter.shape[1]

    def grow(self, assets: int) -> None:
        """Make room for `assets` machines in all."""
        more = assets - len(self.minute)
        if more <= 0:
            return
        fresh = Tiers.empty(more, self.reference, self.held, self.span)
        for name in ARRAYS:
            grown(getattr(self, name), getattr(fresh, name))
        for ring, touched in self.touched.items():
            grown(touched, fresh.touched[ring])

    def resized(self, span: int) -> Tiers:
        """A copy with room for another span, which holds the newest bins of each asset."""
        out = Tiers.empty(len(self.minute), self.reference, self.held, span)
        for ring in RINGS:
            index = getattr(self, ring)
            slots = getattr(out, ring).shape[1]
            newest = index.max(axis=1, keepdims=True, initial=-1)
            asset, slot = np.nonzero((index >= 0) & (index > newest - slots))
            at = asset, index[asset, slot] % slots
            for name in ARRAYS:
                if name.startswith(ring):
                    getattr(out, name)[at] = getattr(self, name)[asset, slot]
        return out

    def write(self, bins: Bins) -> None:
        """Put 1-min bins in their slots; windows take nothing of them until `use` says what."""
        slot = self._minute_slot(bins.minute)
        self.minute[bins.asset, slot] = bins.minute
        self.minute_statistics[bins.asset, slot] = bins.statistics
        self.minute_use[bins.asset, slot] = False
        self.touched["minute"][bins.asset, slot] = True

    def statistics(self, asset: np.ndarray, minute: np.ndarray) -> np.ndarray:
        """What stands in the slots of written minutes: [pairs, 7, columns]."""
        return self.minute_statistics[asset, self._minute_slot(minute)]

    def use(
        self, asset: np.ndarray, minute: np.ndarray, use: np.ndarray, lead: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Say what windows may use of written minutes, bool [pairs, columns], and merge what they belong to anew.

        `lead` [pairs, 3, held] is what held into them. Pairs are sorted by asset and minute. Returns asset and index
        of each 15-min bin that is another now.
        """
        slot = self._minute_slot(minute)
        self.minute_use[asset, slot] = use
        self.minute_lead[asset, slot] = lead
        self.touched["minute"][asset, slot] = True
        asset, quarter = _different(asset, minute // QUARTER)
        other = self._merge_quarters(asset, quarter)
        asset, quarter = asset[other], quarter[other]
        self._merge_days(*_different(asset, quarter // QUARTERS_A_DAY))
        return asset, quarter

    def _merge_quarters(self, asset: np.ndarray, quarter: np.ndarray) -> np.ndarray:
        """Which of them are others than before: bool [pairs]."""
        minutes = quarter[:, None] * QUARTER + np.arange(QUARTER)
        merged = self._merged(asset, minutes, np.zeros(len(asset), np.int64))
        slot = self._quarter_slot(quarter)
        same = (self.quarter_count[asset, slot] == merged[:, COUNT]) & (self.quarter_sum[asset, slot] == merged[:, SUM])
        other = (self.quarter[asset, slot] != quarter) | ~same.all(axis=1)
        self.quarter[asset, slot] = quarter
        self.quarter_count[asset, slot] = merged[:, COUNT]
        self.quarter_sum[asset, slot] = merged[:, SUM]
        self.touched["quarter"][asset, slot] |= other
        return other

    def _merge_days(self, asset: np.ndarray, day: np.ndarray) -> None:
        quarters = day[:, None] * QUARTERS_A_DAY + np.arange(QUARTERS_A_DAY)
        held = np.arange(len(self.reference))
        count, total, _ = self.slow(asset, quarters, np.zeros(len(asset), np.int64), held)
        slot = day % DAYS
        self.day[asset, slot] = day
        self.day_count[asset, slot] = count.sum(axis=2)
        self.day_sum[asset, slot] = total.sum(axis=2)
        self.touched["day"][asset, slot] = True

    def _merged(self, asset: np.ndarray, minutes: np.ndarray, since_us: np.ndarray) -> np.ndarray:
        """Count, sum and squares [pairs, 3, columns] over bins [pairs, minutes].

        Unknown bins, those before `since_us` and what is of no use count nothing. Summed along the last axis of
        contiguous memory, which is the same order for a pair alone and among others.
        """
        step = max(BINS // minutes.shape[1], 1)
        parts = [slice(begin, begin + step) for begin in range(0, max(len(asset), 1), step)]
        return np.concatenate([self._merged_part(asset[part], minutes[part], since_us[part]) for part in parts])

    def _merged_part(self, asset: np.ndarray, minutes: np.ndarray, since_us: np.ndarray) -> np.ndarray:
        place = asset[:, None] * self.minute.shape[1] + self._minute_slot(minutes)
        known = (self.minute.reshape(-1)[place] == minutes) & (minutes * MINUTE_US >= since_us[:, None])
        use = self.minute_use.reshape(-1, len(self.reference))[place] & known[:, :, None]
        rows = self.minute_statistics.reshape(-1, STATISTICS, len(self.reference))[:, : SQUARES + 1]
        statistics = np.ascontiguousarray(rows[place].transpose(0, 2, 3, 1))
        if len(self.held):
            lead = self.minute_lead.reshape(-1, SQUARES + 1, len(self.held))[place]
            statistics[:, :, self.held] += lead.transpose(0, 2, 3, 1)
        statistics *= use.transpose(0, 2, 1).astype(np.float64, order="C")[:, None]
        return statistics.sum(axis=3)

    def fast(
        self, asset: np.ndarray, minute: np.ndarray, since_us: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Count, sum and squares, each [pairs, columns], of the hour that ends with each pair's minute."""
        merged = self._merged(asset, minute[:, None] - np.arange(59, -1, -1), since_us)
        return merged[:, COUNT], merged[:, SUM], merged[:, SQUARES]

    def slow(
        self, asset: np.ndarray, quarters: np.ndarray, since_us: np.ndarray, columns: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of 15-min bins [pairs, quarters]: counts and sums, each [pairs, columns, quarters], and which are known.

        A bin that was never written, is overwritten or begins before `since_us` counts nothing.
        """
        slot = self._quarter_slot(quarters)
        known = (self.quarter[asset[:, None], slot] == quarters) & (quarters * QUARTER_US >= since_us[:, None])
        return *_taken(self.quarter_count, self.quarter_sum, asset, slot, known, columns), known

    def daily(
        self, asset: np.ndarray, days: np.ndarray, since_us: np.ndarray, columns: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of daily bins (UTC) [pairs, days]: counts and sums, each [pairs, columns, days], as `slow` does."""
        slot = days % DAYS
        known = (self.day[asset[:, None], slot] == days) & (days * DAY_US >= since_us[:, None])
        return _taken(self.day_count, self.day_sum, asset, slot, known, columns)


def grown(array: np.ndarray, more: np.ndarray) -> None:
    """Put rows at the end of an array, in place: of a large one there is never a second copy.

    Nobody may hold a view of it meanwhile.
    """
    had = len(array)
    array.resize((had + len(more), *array.shape[1:]), refcheck=False)
    array[had:] = more


def _taken(
    counts: np.ndarray, sums: np.ndarray, asset: np.ndarray, slot: np.ndarray, known: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Counts and sums, each [pairs, columns, bins], of slots [pairs, bins]; nothing of what is not known."""
    place = asset[:, None] * counts.shape[1] + slot
    count, total = (_turned(of, place, columns) for of in (counts, sums))
    count *= known[:, None, :]
    total *= known[:, None, :]
    return count, total


def _turned(of: np.ndarray, place: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Columns of an array [assets, slots, columns] at places [pairs, bins], float64 [pairs, columns, bins]."""
    rows = of.reshape(-1, of.shape[2]).take(place, axis=0)
    return rows.transpose(0, 2, 1)[:, columns].astype(np.float64, order="C")


def _different(asset: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each pair once; equal ones stand together."""
    heads = np.flatnonzero(changes(asset) | changes(index))
    return asset[heads], index[heads]
