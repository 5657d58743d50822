"""One partition of `records`, sans-IO: raw records in, effects out. No clock, no network, no thread.

All rules about effects, acknowledgements and snapshots live here; the Faust agent and the driver only carry them out.
The same records in the same order give the same outputs, however they were cut into batches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from models.failure.hazard import Hazard
from models.inference import ModelError
from models.plant import Plant
from models.plant.layout import Layout
from models.records import Alert, DeadLetter, Forecast, Reject, RejectedSample, encode, key_of
from models.tiers import LONGEST_LATENESS_MIN
from pipelines.ledger import Ledger
from pipelines.ports import Effects, Output, RawRecord, Refusal, Rows, Snapshot
from pipelines.stages.decode import Columns, Decoded, decode, flatten
from pipelines.stages.order import order
from pipelines.stages.score import score
from pipelines.stages.screen import screen_columns
from pipelines.stages.warn import warn
from pipelines.stages.window import window
from pipelines.state import Block, State
from pipelines.told import told
from pipelines.topics import Topic

CHUNK_BYTES = 900_000
"""A chunk of a snapshot fits a message of the broker's default size, uncompressed."""

_Found = list[tuple[int, int, str, DeadLetter | Forecast | Alert]]
"""Records to publish: place in the batch, kind, asset, record."""

_TOPIC = {DeadLetter: Topic.DEAD_LETTERS, Forecast: Topic.FORECASTS, Alert: Topic.ALERTS}


class NotAcknowledged(RuntimeError):
    """Effects were acknowledged that were never given out: a fault of the caller."""


class Partition:
    """One partition of `records`: raw records in, effects out."""

    def __init__(self, plant: Plant, hazards: Mapping[str, Hazard], lateness_s: int = 120) -> None:
        """`hazards` by the name that asset types give as their model; raises ModelError where one misfits.

        Raises ValueError for a lateness that the rings cannot hold.
        """
        if not 0 <= lateness_s <= LONGEST_LATENESS_MIN * 60:
            raise ValueError(f"lateness is {lateness_s} s: use 0 to {LONGEST_LATENESS_MIN * 60}")
        self.plant = plant
        self.lateness_us = lateness_s * 1_000_000
        self.layouts = {name: Layout(name, asset_type) for name, asset_type in plant.types.items()}
        self.hazards = {name: _hazard_of(layout, hazards) for name, layout in self.layouts.items()}
        self.state = State.empty(self.layouts)
        self.next_offset = 0
        self._unacknowledged: deque[tuple[tuple[Rows, ...], tuple[np.ndarray, ...]]] = deque()
        self._snapshot_offset = -1
        self._adopt()

    @classmethod
    def restore(
        cls, plant: Plant, hazards: Mapping[str, Hazard], snapshot: Snapshot | None, lateness_s: int = 120
    ) -> Partition:
        """A partition as it was at a snapshot; a fresh one for None. Raises SnapshotError where it does not fit."""
        partition = cls(plant, hazards, lateness_s)
        if snapshot is not None:
            partition.state = State.decode(b"".join(snapshot.chunks[1:]), partition.layouts, lateness_s)
            partition.next_offset = partition._snapshot_offset = snapshot.next_offset
            partition._adopt()
        return partition

    def _adopt(self) -> None:
        for name, block in self.state.blocks.items():
            hazard = self.hazards[name]
            block.adopt(hazard.spec.sha256 if hazard else "")

    @property
    def ledger(self) -> Ledger:
        """The partition's ledger, live."""
        return self.state.ledger

    def receive(self, batch: Sequence[RawRecord]) -> Effects:
        """Take records in order of offset; those below `next_offset` were taken before and are skipped."""
        batch = [raw for raw in batch if raw.offset >= self.next_offset]
        if not batch:
            return self._given((), (), ())
        decoded = decode(batch, self.plant, self.state)
        found: _Found = [(at, 0, letter.asset, letter) for at, letter in decoded.letters]
        tables, lateness = [], []
        for name, columns in decoded.columns.items():
            if not (columns.says_something or decoded.ticks):
                continue
            rows, late = self._step(self.state.blocks[name], columns, decoded, found)
            if rows is not None:
                tables.append(rows)
                lateness.append(late)
            for rows in told(columns, tuple(self.state.blocks[name].names), self.plant.plant, self.ledger):
                tables.append(rows)
                lateness.append(np.zeros(len(rows), bool))
        self.next_offset = batch[-1].offset + 1
        return self._given(tuple(tables), tuple(lateness), self._outputs(batch, found))

    def _step(self, block: Block, columns: Columns, decoded: Decoded, found: _Found) -> tuple[Rows | None, np.ndarray]:
        """One asset type's share of a batch, stage by stage; see pipelines.topology.STAGES."""
        flat = flatten(columns)
        screened = screen_columns(columns, flat, tuple(block.names), self.plant.plant, self.ledger)
        ordered = order(block, columns, flat, screened, decoded.ticks, decoded.tick_us, self.lateness_us)
        hazard = self.hazards[block.layout.name]
        due = window(block, hazard.spec if hazard else None, columns, flat, screened, ordered, self.lateness_us)
        found += ((at, 0, letter.asset, letter) for at, letter in screened.letters)
        if hazard is not None:
            if due is not None:
                found += ((at, 1, f.asset, f) for at, f in score(block, hazard, due, self.plant.plant))
            finals = warn(block, hazard, ordered.tracks, self.lateness_us, self.plant.plant)
            found += ((at, 1 if isinstance(record, Forecast) else 2, record.asset, record) for at, record in finals)
        late = ordered.late & screened.row_good
        self.ledger.rows_late += int(late.sum())
        self.ledger.values_late += int(screened.row_values[late].sum())
        return screened.rows, late[screened.row_good]

    def _outputs(self, batch: Sequence[RawRecord], found: _Found) -> tuple[Output, ...]:
        found.sort(key=lambda item: item[:3])
        self.ledger.forecasts += sum(kind == 1 for _, kind, _, _ in found)
        self.ledger.alerts += sum(kind == 2 for _, kind, _, _ in found)
        return tuple(_output(batch[at], record) for at, _, _, record in found)

    def _given(self, rows: tuple[Rows, ...], late: tuple[np.ndarray, ...], outputs: tuple[Output, ...]) -> Effects:
        self._unacknowledged.append((rows, late))
        return Effects(rows, outputs)

    def acknowledged(self, refused: Sequence[Refusal] = ()) -> tuple[Output, ...]:
        """The oldest effects are kept outside, but for the rows refused: those become rejects, to be published.

        A snapshot counts them as rejected only if their dead letters, returned here, are acknowledged before it.
        """
        if not self._unacknowledged:
            raise NotAcknowledged("acknowledged() was called more often than receive()")
        tables, late = self._unacknowledged.popleft()
        return tuple(
            self._refused(tables[refusal.table], refusal, bool(late[refusal.table][refusal.row])) for refusal in refused
        )

    def _refused(self, rows: Rows, refusal: Refusal, late: bool) -> Output:
        time_us = int(rows.time_us[refusal.row])
        values = {name: field[refusal.row] for name, field in rows.fields.items()}
        values = {name: value for name, value in values.items() if value is not None and value == value}
        self.ledger.refuse(len(values), late)
        letter = DeadLetter(
            plant=rows.plant,
            reason=Reject.STORE_REFUSED,
            detail=refusal.reason,
            asset=rows.assets[rows.asset_index[refusal.row]],
            samples=tuple(
                RejectedSample(signal=name, time_us=time_us, value=str(value)[:100]) for name, value in values.items()
            ),
        )
        return Output(Topic.DEAD_LETTERS, key_of(letter.plant, letter.asset), encode(letter))

    def snapshot(self) -> Snapshot | None:
        """All state as chunks, the ledger first; None while effects are unacknowledged or nothing is new."""
        if self._unacknowledged or self.next_offset == self._snapshot_offset:
            return None
        self._snapshot_offset = self.next_offset
        data = self.state.encode(self.lateness_us // 1_000_000)
        parts = tuple(data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES))
        return Snapshot(self.next_offset, (msgspec.json.encode(self.ledger), *parts))


def _output(raw: RawRecord, record: DeadLetter | Forecast | Alert) -> Output:
    headers = (("offset", b"%d" % raw.offset), ("arrived_ms", b"%d" % raw.arrived_ms))
    return Output(_TOPIC[type(record)], key_of(record.plant, record.asset), encode(record), headers)


def _hazard_of(layout: Layout, hazards: Mapping[str, Hazard]) -> Hazard | None:
    name = layout.asset_type.model
    if name is None:
        return None
    if name not in hazards:
        raise ModelError(f"type '{layout.name}' wants model '{name}', but there are {sorted(hazards)}")
    missing = set(hazards[name].spec.inputs) - set(layout.numeric)
    if missing:
        raise ModelError(f"model '{name}' needs signals {sorted(missing)}, which type '{layout.name}' does not have")
    return hazards[name]
