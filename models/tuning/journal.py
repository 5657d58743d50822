"""What a station made, part by part, joined with what was found of it. Pure.

Results are joined by the part's id, or by the time of making within a tolerance; they come hours late, before their
part, twice, or corrected. A part without a result says nothing yet; a result without a part waits, and is counted when
it has waited too long.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from models.records import Part, QualityResult

ROOM = 1024
UNKNOWN = -1


class Rows(NamedTuple):
    """Parts in order of making: arrays of one length n.

    `measured` is float64 [n, inputs] with NaN for what was not measured, `figures` [n, figures] likewise; `setting`
    indexes `settings`, `kind` indexes `kinds`; `defects` is UNKNOWN where nothing was found yet.
    """

    time_us: np.ndarray
    units: np.ndarray
    defects: np.ndarray
    kind: np.ndarray
    setting: np.ndarray
    lot: np.ndarray
    measured: np.ndarray
    figures: np.ndarray
    settings: tuple[tuple[float, ...], ...]
    kinds: tuple[str, ...]
    lots: tuple[str, ...]

    @property
    def known(self) -> np.ndarray:
        """Parts of which something was found, bool [n]."""
        return self.defects != UNKNOWN

    def where(self, chosen: np.ndarray) -> Rows:
        """Some of the parts."""
        columns = (column[chosen] for column in self[:8])
        return Rows(*columns, self.settings, self.kinds, self.lots)


class Words:
    """Words as numbers, in the order in which they came."""

    def __init__(self) -> None:
        self.places: dict[object, int] = {}

    def of(self, word: object) -> int:
        """The number of a word."""
        return self.places.setdefault(word, len(self.places))


class Journal:
    """Of one station and product. Columns grow by doubling; rows are in order of coming."""

    def __init__(
        self, parameters: Sequence[str], inputs: Sequence[str], figures: Sequence[str], tolerance_us: int, late_us: int
    ) -> None:
        self.parameters, self.inputs, self.figures = tuple(parameters), tuple(inputs), tuple(figures)
        self._tolerance_us, self._late_us = tolerance_us, late_us
        self.parts = 0
        self.known = 0
        """Parts of which something was found."""
        self.lost = 0
        """Results that waited for their part until it was too late."""
        self.unset = 0
        """Parts that do not say at which settings they were made: nothing is learned of them."""
        self._numbers = np.zeros((ROOM, 6), np.int64)
        self._values = np.full((ROOM, len(self.inputs) + len(self.figures)), np.nan)
        self._found_us = np.zeros(ROOM, np.int64)
        self._settings, self._kinds, self._lots = Words(), Words(), Words()
        self._kinds.of("")
        self._places: dict[str, int] = {}
        self._times: list[tuple[int, int]] = []
        self._waiting: dict[str, QualityResult] = {}
        self._untied: list[QualityResult] = []
        self._rows: Rows | None = None

    def take_part(self, part: Part) -> bool:
        """Take what was made; False for a part that is known, which stays as it is, or does not say its settings."""
        if part.part in self._places:
            return False
        try:
            setting = tuple(float(part.settings[name]) for name in self.parameters)
        except KeyError:
            self.unset += 1
            return False
        at = self.parts
        self._grow(at)
        self._numbers[at] = (
            part.time_us, part.units, UNKNOWN, 0, self._settings.of(setting), self._lots.of(part.lot)
        )  # fmt: skip
        measured = part.measured
        self._values[at] = [measured.get(name, np.nan) for name in (*self.inputs, *self.figures)]
        self._places[part.part] = at
        insort(self._times, (part.time_us, at))
        self.parts += 1
        self._rows = None
        if (result := self._waiting.pop(part.part, None)) is not None:
            self._put(at, result)
        return True

    def take_result(self, result: QualityResult) -> bool:
        """Take what was found; whether its part is known. One without is kept until its part comes."""
        if result.part is not None:
            at = self._places.get(result.part)
            if at is None:
                known = self._waiting.get(result.part)
                if known is None or result.found_us >= known.found_us:
                    self._waiting[result.part] = result
                return False
        else:
            at = self._nearest(result.time_us)
            if at is None:
                self._untied.append(result)
                return False
        self._put(at, result)
        return True

    def settle(self, now_us: int) -> None:
        """Join what waits by time and can be joined by now; count what waited too long."""
        untied, self._untied = self._untied, []
        for result in untied:
            if result.time_us < now_us - self._late_us:
                self.lost += 1
            else:
                self.take_result(result)
        late = [part for part, one in self._waiting.items() if one.found_us < now_us - self._late_us]
        self.lost += len(late)
        for part in late:
            del self._waiting[part]

    @property
    def waiting(self) -> int:
        """Results that have no part yet."""
        return len(self._waiting) + len(self._untied)

    @property
    def rows(self) -> Rows:
        """All parts in order of making. The same object until something changes."""
        if self._rows is None:
            count = self.parts
            order = np.argsort(self._numbers[:count, 0], kind="stable")
            time_us, units, defects, kind, setting, lot = self._numbers[:count][order].T
            values = self._values[:count][order]
            inputs = len(self.inputs)
            self._rows = Rows(
                time_us, units, defects, kind, setting, lot, values[:, :inputs], values[:, inputs:],
                tuple(self._settings.places), tuple(self._kinds.places), tuple(self._lots.places),  # type: ignore[arg-type] # put in by type
            )  # fmt: skip
        return self._rows

    def _put(self, at: int, result: QualityResult) -> None:
        """A later finding takes the place of the one before; more defects than units are as many as units."""
        row = self._numbers[at]
        if row[2] != UNKNOWN and result.found_us < self._found_us[at]:
            return
        self.known += row[2] == UNKNOWN
        row[2] = min(result.defects, int(row[1]))
        row[3] = self._kinds.of(result.kind) if result.defects else 0
        self._found_us[at] = result.found_us
        self._rows = None

    def _nearest(self, time_us: int) -> int | None:
        """The part made nearest to a time, within the tolerance; the earlier of two."""
        at = bisect_left(self._times, (time_us, -1))
        near = [one for one in self._times[max(0, at - 1) : at + 1]]
        best = min(near, key=lambda one: abs(one[0] - time_us), default=None)
        return best[1] if best is not None and abs(best[0] - time_us) <= self._tolerance_us else None

    def _grow(self, at: int) -> None:
        if at < len(self._numbers):
            return
        self._numbers = np.concatenate([self._numbers, np.zeros_like(self._numbers)])
        self._values = np.concatenate([self._values, np.full_like(self._values, np.nan)])
        self._found_us = np.concatenate([self._found_us, np.zeros_like(self._found_us)])


def taken(journal: Journal, records: Iterable[Part | QualityResult]) -> int:
    """Take records in their order; how many changed what is known."""
    before = journal.known, journal.parts
    for record in records:
        if isinstance(record, Part):
            journal.take_part(record)
        else:
            journal.take_result(record)
    return journal.known + journal.parts - sum(before)


def measured_of(values: Mapping[str, float], names: Sequence[str]) -> np.ndarray:
    """A row of inputs, NaN for what is not there."""
    return np.array([values.get(name, np.nan) for name in names])
