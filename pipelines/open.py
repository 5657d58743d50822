"""Samples of minutes that can still change: kept as they came until nothing timely can reach their minute any more.

They stand in chunks, so that taking a batch in, or closing a minute, costs what lies in it and not all that is open.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.bins import MINUTE_US, Samples

MERGED = 1_000_000
"""Chunks of fewer samples are put together: many small batches must not make many chunks. Our choice."""


@dataclass(slots=True)
class _Chunk:
    """Samples with the range of their times; all that was final by minute `seen` was dropped."""

    samples: Samples
    oldest_us: int
    newest_us: int
    seen: int = -1

    @classmethod
    def of(cls, samples: Samples) -> _Chunk:
        """One of samples of which there are some."""
        return cls(samples, int(samples.time_us.min()), int(samples.time_us.max()))

    def rest(self, watermark_us: np.ndarray, lateness_us: int, until: int) -> _Chunk | None:
        """What is not final of it, looked at once for each minute that the newest watermark passes."""
        if until <= max(self.seen, self.oldest_us // MINUTE_US):
            return self
        samples = self.samples
        final_us = watermark_us[samples.asset] - lateness_us
        left = (samples.time_us // MINUTE_US + 1) * MINUTE_US > final_us
        if left.all():
            self.seen = until
            return self
        if not left.any():
            return None
        rest = _Chunk.of(samples.where(left))
        rest.seen = until
        return rest


def _cast(samples: Samples, to: type[np.int32] | type[np.int64]) -> Samples:
    """With narrow places in memory, since a large plant has millions of samples, and wide ones to reckon with."""
    return samples._replace(asset=samples.asset.astype(to), signal=samples.signal.astype(to))


def _some(samples: Samples, chosen: np.ndarray) -> Samples:
    """Those that a mask chooses, without a copy if it is all of them."""
    return samples if chosen.all() else samples.where(chosen)


def _closing(samples: Samples, begin_us: np.ndarray, end_us: np.ndarray, reopened: np.ndarray) -> np.ndarray:
    mine = (samples.time_us >= begin_us[samples.asset]) & (samples.time_us < end_us[samples.asset])
    if len(reopened):
        mine |= np.isin(key_of(samples.asset, samples.time_us // MINUTE_US), reopened)
    return mine


def _merge(chunks: list[_Chunk]) -> None:
    """Put the last chunks together while the last is not much smaller: few chunks, and few copies of each sample."""
    while len(chunks) > 1:
        before, last = (len(chunk.samples.value) for chunk in chunks[-2:])
        if before > 2 * last or before + last > MERGED:
            return
        chunks[-2:] = [_Chunk.of(Samples.joined([chunk.samples for chunk in chunks[-2:]]))]


def key_of(asset: np.ndarray, minute: np.ndarray) -> np.ndarray:
    """One integer for asset and minute; minutes since 1970 fit 32 bits for some thousand years."""
    return (asset.astype(np.int64) << 32) | minute


@dataclass(slots=True)
class OpenSamples:
    """All open samples of a block, in order of arrival. `fresh` are those that no snapshot has yet."""

    kept: list[_Chunk] = field(default_factory=list)
    fresh: list[_Chunk] = field(default_factory=list)

    def add(self, samples: Samples) -> None:
        """Take samples in."""
        if not len(samples.value):
            return
        self.fresh.append(_Chunk.of(_cast(samples, np.int32)))
        _merge(self.fresh)

    def take(
        self, samples: Samples, begin_us: np.ndarray, end_us: np.ndarray, reopened: np.ndarray, final_us: np.ndarray
    ) -> Samples:
        """Take samples in, but for those before `final_us` of their asset, and choose of all those that close.

        They lie between two times of their asset, all [assets], or in minutes reopened: keys of asset and minute.
        """
        before = self._chosen(begin_us, end_us, reopened)
        self.add(_some(samples, samples.time_us >= final_us[samples.asset]))
        closing = _some(samples, _closing(samples, begin_us, end_us, reopened))
        return Samples.joined([_cast(before, np.int64), closing]) if len(before.value) else closing

    def _chosen(self, begin_us: np.ndarray, end_us: np.ndarray, reopened: np.ndarray) -> Samples:
        touched = end_us > begin_us
        first_us = int(begin_us[touched].min(initial=np.iinfo(np.int64).max))
        last_us = int(end_us[touched].max(initial=-1))
        if len(reopened):
            minutes = reopened & 0xFFFFFFFF
            first_us = min(first_us, int(minutes.min()) * MINUTE_US)
            last_us = max(last_us, int(minutes.max() + 1) * MINUTE_US)
        found = []
        for chunk in (*self.kept, *self.fresh):
            if chunk.newest_us < first_us or chunk.oldest_us >= last_us:
                continue
            found.append(chunk.samples.where(_closing(chunk.samples, begin_us, end_us, reopened)))
        return Samples.joined(found)

    def forget(self, watermark_us: np.ndarray, lateness_us: int) -> None:
        """Drop what is final by its asset's watermark, [assets]; some of it may stay for another minute."""
        until = (int(watermark_us.max(initial=-1)) - lateness_us) // MINUTE_US
        for chunks in (self.kept, self.fresh):
            left = [chunk.rest(watermark_us, lateness_us, until) for chunk in chunks]
            chunks[:] = [chunk for chunk in left if chunk is not None]

    def in_snapshot(self) -> Samples:
        """The fresh samples, which are kept from now on."""
        fresh = Samples.joined([chunk.samples for chunk in self.fresh])
        self.kept += self.fresh
        self.fresh = []
        _merge(self.kept)
        return fresh

    def all(self) -> Samples:
        """Every sample."""
        return _cast(Samples.joined([chunk.samples for chunk in (*self.kept, *self.fresh)]), np.int64)

    @classmethod
    def of(cls, samples: Samples) -> OpenSamples:
        """Samples that no snapshot has yet."""
        out = cls()
        out.add(samples)
        return out

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return sum(column.nbytes for chunk in (*self.kept, *self.fresh) for column in chunk.samples)

    def mark(self, assets: np.ndarray) -> None:
        """Set True in a bool array [assets] for those with open samples."""
        for chunk in (*self.kept, *self.fresh):
            assets[chunk.samples.asset] = True
