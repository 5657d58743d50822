"""What a station made of a product, part by part, with what was found of it, as columns. Pure.

A part without a result says nothing yet. Which result is of which part is in `models.tuning.joining`.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        time_us, units, defects, kind, setting, lot, measured, figures = (column[chosen] for column in self[:8])
        return Rows(
            time_us, units, defects, kind, setting, lot, measured, figures, self.settings, self.kinds, self.lots
        )


class Words:
    """Words as numbers, in the order in which they came."""

    def __init__(self) -> None:
        self.places: dict[object, int] = {}

    def of(self, word: object) -> int:
        """The number of a word."""
        return self.places.setdefault(word, len(self.places))


class Journal:
    """Of one station and product. Columns grow by doubling; rows are in order of coming."""

    def __init__(self, parameters: Sequence[str], inputs: Sequence[str], figures: Sequence[str]) -> None:
        self.parameters, self.inputs, self.figures = tuple(parameters), tuple(inputs), tuple(figures)
        self.parts = 0
        self.known = 0
        """Parts of which something was found."""
        self.unset = 0
        """Parts that do not say at which settings they were made: nothing is learned of them."""
        self._numbers = np.zeros((ROOM, 6), np.int64)
        self._values = np.full((ROOM, len(self.inputs) + len(self.figures)), np.nan)
        self._found_us = np.zeros(ROOM, np.int64)
        self._settings, self._kinds, self._lots = Words(), Words(), Words()
        self._kinds.of("")
        self._rows: Rows | None = None

    def take(self, part: Part) -> int | None:
        """Take what was made; its place, None for one that does not say its settings."""
        try:
            setting = tuple(float(part.settings[name]) for name in self.parameters)
        except KeyError:
            self.unset += 1
            return None
        at = self.parts
        self._grow(at)
        self._numbers[at] = part.time_us, part.units, UNKNOWN, 0, self._settings.of(setting), self._lots.of(part.lot)
        measured = part.measured
        self._values[at] = [measured.get(name, np.nan) for name in (*self.inputs, *self.figures)]
        self.parts += 1
        self._rows = None
        return at

    def put(self, at: int, result: QualityResult) -> None:
        """What was found of a part, by its place. A later finding takes the place of the one before.

        More defects than units are as many as units.
        """
        row = self._numbers[at]
        if row[2] != UNKNOWN and result.found_us < self._found_us[at]:
            return
        self.known += int(row[2] == UNKNOWN)
        row[2] = min(result.defects, int(row[1]))
        row[3] = self._kinds.of(result.kind) if result.defects else 0
        self._found_us[at] = result.found_us
        self._rows = None

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

    def _grow(self, at: int) -> None:
        if at < len(self._numbers):
            return
        self._numbers = np.concatenate([self._numbers, np.zeros_like(self._numbers)])
        self._values = np.concatenate([self._values, np.full_like(self._values, np.nan)])
        self._found_us = np.concatenate([self._found_us, np.zeros_like(self._found_us)])
