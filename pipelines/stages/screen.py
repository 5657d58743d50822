"""Which samples can be stored, and a reason for each that cannot: the only place where a sample is refused.

Pure over one batch: reads the plant's ranges and the last tick each frame came after, counts in the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from models.clocks import FAR_FUTURE_US, OLDEST_US
from models.quality import BAD_QUALITY, FAR_FUTURE, FAR_PAST, GOOD, NOT_A_NUMBER_MARK, REASONS, screen
from models.records import DeadLetter, Reject, RejectedSample
from pipelines.frames import Columns
from pipelines.ledger import Ledger
from pipelines.ports import Rows
from pipelines.refused import TOO_OLD
from pipelines.state import NEVER

LATEST_US = np.iinfo(np.int64).max
"""Where no present is known, no time lies beyond it."""
SAMPLES_TOLD = 100
"""Refused samples that a dead letter lists; its detail has their number."""

GoodObjects = dict[str, tuple[np.ndarray, list[bool | str]]]
"""Good values that are no numbers, by field: their rows and the values."""

Wrong = dict[tuple[int, Reject], list[RejectedSample]]
"""Refused samples to tell of, by frame and reason."""


@dataclass(slots=True)
class Screened:
    """One asset type's batch after screening: which rows and samples are good, what to store, what to report."""

    good: np.ndarray  # [values]
    row_good: np.ndarray  # [rows] whether anything of the row is stored
    row_values: np.ndarray  # [rows] how many values of it are stored
    objects: GoodObjects  # good values that are no numbers
    rows: Rows | None
    letters: list[tuple[int, DeadLetter]]  # place of the record in the batch


def screen_columns(columns: Columns, names: tuple[str, ...], plant: str, ledger: Ledger) -> Screened:
    """Screen one asset type's columns; `names` are its assets by index."""
    when, layout = _when(columns), columns.layout
    lowest, highest = layout.lowest[columns.value_signal], layout.highest[columns.value_signal]
    code = screen(columns.value, lowest, highest, when[columns.value_row])
    good = code == GOOD
    wrong: Wrong = defaultdict(list)
    _tell(columns, code, wrong, ledger)
    objects = _screen_objects(columns, when, wrong, ledger)
    row_values = np.bincount(columns.value_row[good], minlength=len(columns.row_time_us))
    for object_rows, _ in objects.values():
        row_values += np.bincount(object_rows, minlength=len(row_values))
    row_good = row_values > 0
    ledger.rows_stored += int(row_good.sum())
    ledger.rows_rejected += int((~row_good).sum())
    ledger.values_stored += int(row_values.sum())
    rows = _rows(columns, good, row_good, objects, names, plant) if row_good.any() else None
    return Screened(good, row_good, row_values, objects, rows, _letters(columns, wrong, names, plant))


def _when(columns: Columns) -> np.ndarray:
    """The code of each row's time."""
    latest_us = np.where(columns.frame_present_us == NEVER, LATEST_US, columns.frame_present_us + FAR_FUTURE_US)
    code = np.zeros(len(columns.row_time_us), np.int8)
    code[columns.row_time_us > latest_us[columns.row_frame]] = FAR_FUTURE
    code[columns.row_time_us < OLDEST_US] = FAR_PAST
    return code


def _tell(columns: Columns, code: np.ndarray, wrong: Wrong, ledger: Ledger) -> None:
    """Count refused numbers by reason, and name each but the nulls, whose quality came with them."""
    if not code.any():
        return
    counts = np.bincount(code, minlength=len(REASONS))
    ledger.values_rejected += int(counts[1:].sum())
    for at, reason in enumerate(REASONS):
        if reason and counts[at]:
            ledger.reject(reason, int(counts[at]))
    for value in np.flatnonzero((code != GOOD) & (code != BAD_QUALITY)).tolist():
        reason = REASONS[code[value]]
        assert reason is not None
        row, said = columns.value_row[value], columns.said.get(value, float(columns.value[value]))
        sample = RejectedSample(
            signal=columns.layout.numeric[columns.value_signal[value]],
            time_us=int(columns.row_time_us[row]),
            value="NaN" if said == NOT_A_NUMBER_MARK else str(said)[:100],
        )
        wrong[int(columns.row_frame[row]), reason].append(sample)


def _screen_objects(columns: Columns, when: np.ndarray, wrong: Wrong, ledger: Ledger) -> GoodObjects:
    """What is no number by its kind, or of no known signal."""
    found: dict[str, tuple[list[int], list[bool | str]]] = defaultdict(lambda: ([], []))
    for column in columns.objects:
        kind = columns.layout.objects.get(column.name)
        first = int(np.searchsorted(columns.row_frame, column.frame))
        rows = range(len(column.values)) if column.at is None else column.at
        for row, value in zip((first + at for at in rows), column.values, strict=True):
            reason = _object_reason(value, kind, REASONS[when[row]])
            if reason is None:
                good_rows, kept = found[column.name]
                good_rows.append(row)
                kept.append(value)  # type: ignore[arg-type]
                continue
            ledger.values_rejected += 1
            ledger.reject(reason, 1)
            if reason is not Reject.BAD_QUALITY:
                time_us = int(columns.row_time_us[row])
                sample = RejectedSample(signal=column.name, time_us=time_us, value=str(value)[:100])
                wrong[column.frame, reason].append(sample)
    return {name: (np.array(rows, np.int64), kept) for name, (rows, kept) in found.items()}


def _object_reason(value: object, kind: type | None, untimely: Reject | None) -> Reject | None:
    if kind is None:
        return Reject.UNKNOWN_SIGNAL
    if value is None:
        return Reject.BAD_QUALITY
    if untimely:
        return untimely
    return None if type(value) is kind else Reject.WRONG_KIND


def _rows(
    columns: Columns, good: np.ndarray, row_good: np.ndarray, objects: GoodObjects, names: tuple[str, ...], plant: str
) -> Rows:
    """The good rows as a wide table."""
    signals = len(columns.layout.numeric)
    wide = np.full((signals, len(row_good)), np.nan)
    signal, row, value = columns.value_signal, columns.value_row, columns.value
    if not good.all():
        signal, row, value = signal[good], row[good], value[good]
    wide[signal, row] = value
    present = np.bincount(signal, minlength=signals) > 0
    whole = bool(row_good.all())
    fields: dict[str, np.ndarray] = {
        name: wide[at] if whole else wide[at, row_good] for at, name in enumerate(columns.layout.numeric) if present[at]
    }
    for name, (rows, values) in objects.items():
        field = np.full(len(row_good), None, object)
        field[rows] = values
        fields[name] = field[row_good]
    asset = columns.frame_asset[columns.row_frame]
    return Rows(columns.layout.name, plant, names, asset[row_good], columns.row_time_us[row_good], fields)


def _letters(columns: Columns, wrong: Wrong, names: tuple[str, ...], plant: str) -> list[tuple[int, DeadLetter]]:
    letters = []
    for (frame, reason), samples in sorted(wrong.items()):
        letter = DeadLetter(
            plant=plant,
            reason=reason,
            detail=f"{len(samples)} of the frame's samples" + (f" lie {TOO_OLD}" if reason is Reject.FAR_PAST else ""),
            asset=names[columns.frame_asset[frame]],
            samples=tuple(samples[:SAMPLES_TOLD]),
        )
        letters.append((int(columns.frame_at[frame]), letter))
    return letters
