"""Raw records to columns: every record is told apart once, and every sample lands in one flat array per asset type.

Changes no state but the order in which assets are first seen. What cannot be used leaves here with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain

import msgspec
import numpy as np

from models.clocks import FAR_FUTURE_US, Heard, hear
from models.nesting import MAX_NESTING, too_deep
from models.plant import Plant
from models.plant.layout import Layout
from models.quality import NOT_A_NUMBER_MARK, WRONG_KIND_MARK
from models.records import (
    AnyInput,
    Control,
    DeadLetter,
    FeedReport,
    Frame,
    Maintenance,
    Notice,
    Quality,
    Reject,
    Tick,
    WorkOrder,
)
from pipelines.controls.clocks import Quarantined, closing, opening
from pipelines.ledger import Ledger
from pipelines.ports import RawRecord, Unreadable
from pipelines.state import NEVER, State
from pipelines.topics import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES

PAYLOAD_KEPT = 2048
"""Bytes of a rejected payload that its dead letter carries."""

_decoder = msgspec.json.Decoder(AnyInput)
_plain = frozenset((float, type(None)))
_REBUILT = b'{"type":"rebuilt",'
"""How the one record begins that may be larger than a frame."""


@dataclass(slots=True)
class Columns:
    """Samples of one asset type in a batch. `frame_*` are per frame, `row_*` per row, `value_*` per numeric sample."""

    layout: Layout
    frame_at: list[int] = field(default_factory=list)
    frame_asset: list[int] = field(default_factory=list)
    frame_rows: list[int] = field(default_factory=list)
    frame_source: list[str] = field(default_factory=list)
    frame_present_us: list[int] = field(default_factory=list)
    times: list[list[int]] = field(default_factory=list)
    column_frame: list[int] = field(default_factory=list)
    column_signal: list[int] = field(default_factory=list)
    columns: list[list] = field(default_factory=list)
    objects: list[tuple[int, str, list]] = field(default_factory=list)
    maintenance: list[tuple[int, int, Maintenance]] = field(default_factory=list)
    orders: list[tuple[int, WorkOrder]] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        """Whether the batch has records of this type."""
        return bool(self.frame_at or self.maintenance or self.orders)


class Rejected(Exception):
    """The record in hand cannot be used; `rows` and `values` it would have brought."""

    def __init__(
        self, reason: Reject, detail: str, rows: int = 0, values: int = 0, source: str = "", asset: str = ""
    ) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.rows, self.values = reason, detail, rows, values
        self.source, self.asset = source, asset


@dataclass(slots=True)
class Decoded:
    """A batch told apart: columns per asset type, ticks, dead letters, with their records' places in the batch."""

    columns: dict[str, Columns]
    tick_us: int  # the last tick before the batch
    ticks: list[tuple[int, int]] = field(default_factory=list)
    letters: list[tuple[int, DeadLetter]] = field(default_factory=list)
    held: list[tuple[int, Quarantined | Notice]] = field(default_factory=list)  # of clocks that jumped
    end: int = 0  # place behind the last record that was told apart
    control: Control | None = None  # that last one, if those behind it wait for what it changes


def decode(batch: Sequence[RawRecord], start: int, plant: Plant, state: State) -> Decoded:
    """Tell a batch apart from a place on, up to a control record. Counts what was read and rejected; takes ticks."""
    out = Decoded({name: Columns(block.layout) for name, block in state.blocks.items()}, state.tick_us)
    ledger = state.ledger
    for at in range(start, len(batch)):
        raw = batch[at]
        ledger.records_read += 1
        try:
            _take(at, raw, plant, state, out)
        except Rejected as wrong:
            out.letters.append((at, rejected(ledger, plant.plant, wrong, raw.value)))
        out.end = at + 1
        if out.control is not None:
            break
    for block in state.blocks.values():
        block.make_room()
    return out


def rejected(ledger: Ledger, plant: str, wrong: Rejected, payload: bytes) -> DeadLetter:
    """Count a whole record as rejected; its dead letter."""
    ledger.records_rejected += 1
    ledger.rows_read += wrong.rows
    ledger.rows_rejected += wrong.rows
    ledger.values_read += wrong.values
    ledger.values_rejected += wrong.values
    if wrong.rows or wrong.values:
        source = ledger.of(wrong.source)
        source.rows_read += wrong.rows
        source.values_read += wrong.values
    ledger.reject(wrong.reason, max(1, wrong.values))
    return DeadLetter(
        plant=plant,
        reason=wrong.reason,
        detail=wrong.detail,
        asset=wrong.asset,
        payload=payload[:PAYLOAD_KEPT].decode("utf-8", "replace"),
        payload_sha256=sha256(payload).hexdigest(),
    )


def unread(raw: RawRecord, why: str, plant: str, ledger: Ledger) -> DeadLetter:
    """Count a record as read and rejected that no stage may see again; its dead letter."""
    ledger.records_read += 1
    try:
        record = _parse(raw.value)
        raise Rejected(Reject.STEP_FAILED, why, *_size(record), getattr(record, "asset", ""))
    except Rejected as wrong:
        return rejected(ledger, plant, wrong, raw.value)


def _take(at: int, raw: RawRecord, plant: Plant, state: State, out: Decoded) -> None:
    record = _parse(raw.value)
    if record.plant != plant.plant:
        raise Rejected(Reject.WRONG_PLANT, f"plant '{record.plant}', but this is '{plant.plant}'", *_size(record))
    present_us = max(state.tick_us, raw.arrived_ms * 1000 or NEVER)
    if isinstance(record, Tick):
        # A tick is held against its arrival alone: one host whose clock is ahead must not move time for all.
        _check_present(record.time_us, raw.arrived_ms * 1000 or NEVER, "")
        state.tick_us = max(state.tick_us, record.time_us)
        out.ticks.append((at, state.tick_us))
        return
    if isinstance(record, Control):
        out.control = record
        return
    if isinstance(record, FeedReport):
        state.ledger.report(record.source, record.counts)
        return
    kind = plant.type_of(record.asset)
    if kind is None:
        raise Rejected(
            Reject.UNKNOWN_ASSET, f"asset '{record.asset}' is not in the plant file", *_size(record), record.asset
        )
    asset = state.blocks[kind].index_of(record.asset)
    if isinstance(record, Frame):
        _take_frame(at, record, asset, present_us, out, out.columns[kind], state)
    elif isinstance(record, WorkOrder):
        # Its dates are what people typed, days off at times: they are kept as they are and move nothing.
        out.columns[kind].orders.append((asset, record))
    else:
        _check_present(record.time_us, present_us, record.asset)
        out.columns[kind].maintenance.append((at, asset, record))


def _check_present(time_us: int, present_us: int, asset: str) -> None:
    if present_us != NEVER and time_us > present_us + FAR_FUTURE_US:
        raise Rejected(Reject.FAR_FUTURE, f"its time {time_us} us is beyond the present, {present_us} us", asset=asset)


def _size(record: AnyInput) -> tuple[int, int, str]:
    """Rows and values that a record would have brought, and from where."""
    if not isinstance(record, Frame):
        return 0, 0, ""
    return len(record.times_us), sum(map(len, record.signals.values())), record.source


def _parse(payload: bytes) -> AnyInput:
    most = MAX_MESSAGE_BYTES if payload.startswith(_REBUILT) else MAX_FRAME_BYTES
    if len(payload) > most:
        raise Rejected(Reject.TOO_LARGE, f"{len(payload)} bytes, and a record has at most {most}")
    if too_deep(payload):
        raise Rejected(Reject.TOO_DEEP, f"arrays and objects nested more than {MAX_NESTING} deep")
    try:
        return _decoder.decode(payload)
    except msgspec.ValidationError as wrong:
        raise Rejected(Reject.NOT_A_RECORD, str(wrong)) from wrong
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as wrong:
        if isinstance(payload, Unreadable):
            raise Rejected(Reject.UNREADABLE, payload.why) from wrong
        return _parse_with_nan(payload, wrong)


def _parse_with_nan(payload: bytes, first: Exception) -> AnyInput:
    """Decode JSON that says NaN or Infinity, which msgspec refuses; those samples become marks, to be screened."""
    if b"NaN" not in payload and b"Infinity" not in payload:
        raise Rejected(Reject.NOT_JSON, str(first)) from first
    try:
        record = msgspec.convert(json.loads(payload, parse_constant=lambda _name: NOT_A_NUMBER_MARK), AnyInput)
        msgspec.json.encode(record)  # the standard library lets lone surrogates pass, which no record can carry
        return record
    except msgspec.ValidationError as wrong:
        raise Rejected(Reject.NOT_A_RECORD, str(wrong)) from wrong
    except (ValueError, RecursionError) as wrong:
        raise Rejected(Reject.NOT_JSON, str(wrong)) from wrong


def _take_frame(
    at: int, frame: Frame, asset: int, present_us: int, out: Decoded, columns: Columns, state: State
) -> None:
    rows, layout = len(frame.times_us), columns.layout
    uneven = {name: len(column) for name, column in frame.signals.items() if len(column) != rows}
    uneven |= {f"quality of {name}": len(column) for name, column in frame.quality.items() if len(column) != rows}
    if uneven:
        raise Rejected(Reject.UNEQUAL_COLUMNS, f"{rows} times, but columns of {uneven}", *_size(frame), frame.asset)
    clock = state.clocks.of(frame.asset, frame.source)
    times_us = _moved(frame, clock.shift_us) if clock.shift_us else frame.times_us
    if present_us != NEVER and not clock.follow(times_us, present_us):
        heard = hear(clock, times_us, present_us)
        _tell_clock(at, frame, heard, clock.shift_us, present_us, out)
        if heard.verdict.jumped:
            state.ledger.hold(*_size(frame))
            return
    ordinal = len(columns.frame_at)
    columns.frame_at.append(at)
    columns.frame_asset.append(asset)
    columns.frame_rows.append(rows)
    columns.frame_source.append(frame.source)
    columns.frame_present_us.append(present_us)
    columns.times.append(times_us)
    ledger, values = state.ledger, rows * len(frame.signals)
    ledger.rows_read += rows
    ledger.values_read += values
    source = ledger.of(frame.source)
    source.rows_read += rows
    source.values_read += values
    for name, column in frame.signals.items():
        if name in frame.quality:
            column = [None if q >= Quality.BAD else v for v, q in zip(column, frame.quality[name], strict=True)]
        if (signal := layout.numeric_index.get(name)) is not None:
            columns.column_frame.append(ordinal)
            columns.column_signal.append(signal)
            columns.columns.append(column)
        else:
            columns.objects.append((ordinal, name, column))


def _moved(frame: Frame, shift_us: int) -> list[int]:
    """A frame's times as they are by what was decided of its source."""
    times_us = [time_us + shift_us for time_us in frame.times_us]
    if min(times_us) < 0:
        raise Rejected(
            Reject.NOT_A_RECORD, f"its times, moved by {shift_us} us, lie before 1970", *_size(frame), frame.asset
        )
    return times_us


def _tell_clock(at: int, frame: Frame, heard: Heard, shift_us: int, present_us: int, out: Decoded) -> None:
    """Note what is to be published of a frame that its source's clock did not explain."""
    verdict = heard.verdict
    if verdict.jumped:
        out.held.append((at, Quarantined(frame.plant, frame.asset, frame.source, verdict.hours)))
    if heard.opened:
        out.held.append((at, opening(frame.plant, frame.asset, frame.source, verdict.hours, shift_us, present_us)))
    for hours, since_us in heard.ended:
        out.held.append((at, closing(frame.plant, frame.asset, frame.source, hours, since_us, present_us)))


@dataclass(slots=True)
class Flat:
    """The numeric samples of one asset type as arrays; what is no number stands as its mark of models.quality."""

    row_frame: np.ndarray
    row_time_us: np.ndarray
    value_column: np.ndarray
    value_row: np.ndarray
    value_signal: np.ndarray
    value: np.ndarray


def flatten(columns: Columns) -> Flat:
    """Columns to flat arrays, in order of arrival."""
    clean = columns.columns
    if not set(map(type, chain.from_iterable(clean))) <= _plain:
        clean = [[_number(value) for value in column] for column in clean]
    frame_rows = np.array(columns.frame_rows, np.int64)
    first_row = np.cumsum(frame_rows) - frame_rows
    frame = np.array(columns.column_frame, np.int64)
    lengths = frame_rows[frame]
    column = np.repeat(np.arange(len(lengths)), lengths)
    within = np.arange(len(column)) - (np.cumsum(lengths) - lengths)[column]
    return Flat(
        row_frame=np.repeat(np.arange(len(frame_rows)), frame_rows),
        row_time_us=np.fromiter(chain.from_iterable(columns.times), np.int64, int(frame_rows.sum())),
        value_column=column,
        value_row=first_row[frame][column] + within,
        value_signal=np.array(columns.column_signal, np.int64)[column],
        value=np.array(list(chain.from_iterable(clean)), np.float64),
    )


def _number(value: object) -> float | None:
    if value is None:
        return None
    return float(value) if type(value) in (float, int) else WRONG_KIND_MARK  # type: ignore[arg-type]
