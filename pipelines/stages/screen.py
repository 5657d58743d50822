"""Which samples can be stored, and a reason for each that cannot: the only place where a sample is refused.

Pure over one batch: reads the plant's ranges and the last tick each frame came after, counts in the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from models.quality import GOOD, NOT_A_NUMBER_MARK, REASONS, screen
from models.records import DeadLetter, Reject, RejectedSample
from pipelines.ledger import Ledger
from pipelines.ports import Rows
from pipelines.stages.decode import FAR_FUTURE_US, Columns, Flat
from pipelines.state import NEVER

SAMPLES_TOLD = 100
"""Refused samples that a dead letter lists; its detail has their number."""

Objects = dict[str, tuple[list[int], list[bool | str]]]
"""Good values that are no numbers, by field: their rows and the values."""

Wrong = dict[tuple[int, Reject], list[RejectedSample]]
"""Refused samples to tell of, by frame and reason."""


@dataclass(slots=True)
class Screened:
    """One asset type's batch after screening: which rows and samples are good, what to store, what to report."""

    good: np.ndarray  # [values]
    row_good: np.ndarray  # [rows] whether anything of the row is stored
    row_values: np.ndarray  # [rows] how many values of it are stored
    objects: Objects  # good values that are no numbers
    rows: Rows | None
    letters: list[tuple[int, DeadLetter]]  # place of the record in the batch


def screen_columns(columns: Columns, flat: Flat, names: tuple[str, ...], plant: str, ledger: Ledger) -> Screened:
    """Screen one asset type's columns; `names` are its assets by index."""
    far = _far_future(columns, flat)
    layout = columns.layout
    code = screen(flat.value, layout.lowest[flat.value_signal], layout.highest[flat.value_signal], far[flat.value_row])
    good = code == GOOD
    wrong: Wrong = defaultdict(list)
    _tell(columns, flat, code, wrong, ledger)
    objects = _screen_objects(columns, far, wrong, ledger)
    row_values = np.bincount(flat.value_row[good], minlength=len(flat.row_time_us))
    for object_rows, _ in objects.values():
        row_values += np.bincount(object_rows, minlength=len(row_values))
    row_good = row_values > 0
    ledger.rows_stored += int(row_good.sum())
    ledger.rows_rejected += int((~row_good).sum())
    ledger.values_stored += int(row_values.sum())
    rows = _rows(columns, flat, good, row_good, objects, names, plant) if row_good.any() else None
    return Screened(good, row_good, row_values, objects, rows, _letters(columns, wrong, names, plant))


def _far_future(columns: Columns, flat: Flat) -> np.ndarray:
    present = np.array(columns.frame_present_us, np.int64)[flat.row_frame]
    return (present != NEVER) & (flat.row_time_us > present + FAR_FUTURE_US)


def _tell(columns: Columns, flat: Flat, code: np.ndarray, wrong: Wrong, ledger: Ledger) -> None:
    """Count refused numbers by reason, and name each but the nulls, whose quality came with them."""
    if not code.any():
        return
    counts = np.bincount(code, minlength=len(REASONS))
    ledger.values_rejected += int(counts[1:].sum())
    for at, reason in enumerate(REASONS):
        if reason and counts[at]:
            ledger.reject(reason, int(counts[at]))
    for value in np.flatnonzero(code):
        reason = REASONS[code[value]]
        if reason is None or reason is Reject.BAD_QUALITY:
            continue
        column, row = int(flat.value_column[value]), int(flat.value_row[value])
        said = columns.columns[column][row - _first_row(flat, row)]
        sample = RejectedSample(
            signal=columns.layout.numeric[flat.value_signal[value]],
            time_us=int(flat.row_time_us[row]),
            value="NaN" if said == NOT_A_NUMBER_MARK else str(said)[:100],
        )
        wrong[columns.column_frame[column], reason].append(sample)


def _first_row(flat: Flat, row: int) -> int:
    return int(np.searchsorted(flat.row_frame, flat.row_frame[row]))


def _screen_objects(columns: Columns, far: np.ndarray, wrong: Wrong, ledger: Ledger) -> Objects:
    out: Objects = defaultdict(lambda: ([], []))
    first_row = np.cumsum(columns.frame_rows) - columns.frame_rows
    for frame, name, values in columns.objects:
        kind = columns.layout.objects.get(name)
        for within, value in enumerate(values):
            row = int(first_row[frame]) + within
            reason = _object_reason(value, kind, bool(far[row]))
            if reason is None:
                rows, kept = out[name]
                rows.append(row)
                kept.append(value)
                continue
            ledger.values_rejected += 1
            ledger.reject(reason, 1)
            if reason is not Reject.BAD_QUALITY:
                time_us = columns.times[frame][within]
                wrong[frame, reason].append(RejectedSample(signal=name, time_us=time_us, value=str(value)[:100]))
    return out


def _object_reason(value: object, kind: type | None, far: bool) -> Reject | None:
    if kind is None:
        return Reject.UNKNOWN_SIGNAL
    if value is None:
        return Reject.BAD_QUALITY
    if far:
        return Reject.FAR_FUTURE
    return None if type(value) is kind else Reject.WRONG_KIND


def _rows(
    columns: Columns,
    flat: Flat,
    good: np.ndarray,
    row_good: np.ndarray,
    objects: Objects,
    names: tuple[str, ...],
    plant: str,
) -> Rows:
    """The good rows as a wide table."""
    signals = len(columns.layout.numeric)
    wide = np.full((signals, len(row_good)), np.nan)
    wide[flat.value_signal[good], flat.value_row[good]] = flat.value[good]
    present = np.bincount(flat.value_signal[good], minlength=signals) > 0
    fields: dict[str, np.ndarray] = {
        name: wide[at, row_good] for at, name in enumerate(columns.layout.numeric) if present[at]
    }
    for name, (rows, values) in objects.items():
        field = np.full(len(row_good), None, object)
        field[rows] = values
        fields[name] = field[row_good]
    asset = np.array(columns.frame_asset, np.int64)[flat.row_frame]
    return Rows(columns.layout.name, plant, names, asset[row_good], flat.row_time_us[row_good], fields)


def _letters(columns: Columns, wrong: Wrong, names: tuple[str, ...], plant: str) -> list[tuple[int, DeadLetter]]:
    letters = []
    for (frame, reason), samples in sorted(wrong.items()):
        letter = DeadLetter(
            plant=plant,
            reason=reason,
            detail=f"{len(samples)} of the frame's samples",
            asset=names[columns.frame_asset[frame]],
            samples=tuple(samples[:SAMPLES_TOLD]),
        )
        letters.append((columns.frame_at[frame], letter))
    return letters
