"""One partition of `records`, sans-IO: raw records in, effects out. No clock, no network, no thread.

Long, since one object owns the state, and all that happens to it is in one order.
All rules about effects, acknowledgements and snapshots live here; the Faust agent and the driver only carry them out.
The same records in the same order give the same outputs, however they were cut into batches.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence

import numpy as np

from models.bins import MINUTE_US
from models.failure.learned import Learned, Lister
from models.failure.rules import Rules
from models.features import Spec
from models.inference import ModelError
from models.operating import RUNNING
from models.plant import Plant
from models.records import (
    Action,
    Alert,
    ClockDecision,
    DeadLetter,
    Forecast,
    Health,
    HealthyBaseline,
    ModelChange,
    Notice,
    PlantChange,
    Rebuilt,
    Reject,
    RejectedSample,
    Shadow,
    encode,
    key_of,
    key_of_case,
)
from models.tiers import LONGEST_LATENESS_MIN, SPAN
from pipelines.backfill.stretch import Stretch
from pipelines.backfill.tabled import decode_stretch
from pipelines.controls import actions, baselines, rebuilt
from pipelines.controls.clocks import Quarantined, decide
from pipelines.controls.migrated import migrated
from pipelines.controls.models import Shelf, changed, known
from pipelines.controls.plant import faults_that_end, learned_of, silences_that_end, taken
from pipelines.due import Due
from pipelines.frames import Columns
from pipelines.ledger import EVENTS, Ledger
from pipelines.made import LIVE, Kept, Looked, Made, Out, Pace, of_no_source
from pipelines.meters import Scores, Size
from pipelines.parse import Rejected
from pipelines.ports import Effects, Output, RawRecord, Refusal, Snapshot
from pipelines.refused import out_of_place, rejected, unread
from pipelines.saving import load, save
from pipelines.stages.decode import Decoded, decode
from pipelines.stages.ground import ground
from pipelines.stages.notify import notify
from pipelines.stages.order import order
from pipelines.stages.score import score
from pipelines.stages.screen import Screened, screen_columns
from pipelines.stages.shadow import shadow
from pipelines.stages.warn import let_go, warn
from pipelines.stages.window import window
from pipelines.state import NEVER, NOWHERE, PLACE_BITS, Block, Meant, SnapshotError, State, floor_of
from pipelines.told import alert_rows, told
from pipelines.topics import Share, Topic

_Found = list[tuple[int, int, str, Out]]
"""Records to publish: place in the batch, kind, asset, record."""

_TOPIC = {
    DeadLetter: Topic.DEAD_LETTERS, Forecast: Topic.FORECASTS, Health: Topic.HEALTH, Alert: Topic.ALERTS,
    Notice: Topic.NOTICES, Quarantined: Topic.QUARANTINE, HealthyBaseline: Topic.BASELINES, Shadow: Topic.SHADOWS,
}  # fmt: skip
_RANK: dict[type, int] = {kind: at for at, kind in enumerate(_TOPIC)}
"""Of what one record brings about, letters come first, then forecasts, health, warnings, notices, ..., shadows."""


class NotAcknowledged(RuntimeError):
    """Effects were acknowledged that were never given out: a fault of the caller."""


class Partition:
    """One partition of `records`: raw records in, effects out."""

    def __init__(
        self,
        plant: Plant,
        models: Mapping[str, Lister],
        lateness_s: int = 120,
        share: Share | None = None,
        pace: Pace = LIVE,
        shelf: Shelf | None = None,
    ) -> None:
        """`models` by the names that asset types give, and releases by version on the `shelf`, which may fill later.

        Without one, models are those that whoever runs it chose: changes of them in the log are not heeded. Raises
        ModelError where a model misfits. With a `share`, records of assets that are another partition's are refused.
        Raises ValueError for a lateness that the rings cannot hold.
        """
        if not 0 <= lateness_s <= LONGEST_LATENESS_MIN * 60:
            raise ValueError(f"lateness is {lateness_s} s: use 0 to {LONGEST_LATENESS_MIN * 60}")
        self.lateness_us = lateness_s * 1_000_000
        self._models, self._shelf = models, shelf
        self.learned = learned_of(plant, models)
        self.state = State.empty(plant, share, pace.span)
        self.every_min = pace.every_min
        self.looked: list[Looked] | None = [] if pace.features else None
        """What was given out of features and not yet taken."""
        self.missing: dict[str, str] = {}
        """Why, by office, of releases that are meant and cannot be loaded; others stand in for them."""
        self.scores = Scores()
        self.next_offset = 0
        self._unacknowledged: deque[tuple[Kept, ...]] = deque()
        self._snapshot_offset = -1
        self._adopt()

    @classmethod
    def restore(
        cls,
        plant: Plant,
        models: Mapping[str, Lister],
        snapshot: Snapshot | None,
        lateness_s: int = 120,
        share: Share | None = None,
        pace: Pace = LIVE,
        shelf: Shelf | None = None,
    ) -> Partition:
        """A partition as it was at a snapshot, with the plant it had then; a fresh one of `plant` for None.

        Raises SnapshotError where it does not fit: the plant's name, the models, the lateness, this program.
        """
        partition = cls(plant, models, lateness_s, share, pace, shelf)
        if snapshot is not None:
            state = load(snapshot.parts, lateness_s, share)
            partition._go_on_from(state if pace.span == SPAN else state.resized(pace.span))
            partition.next_offset = partition._snapshot_offset = snapshot.next_offset
        return partition

    def _go_on_from(self, state: State) -> None:
        if state.plant.plant != self.plant.plant:
            raise SnapshotError(
                f"the snapshot is of plant '{state.plant.plant}', and this is '{self.plant.plant}': start a new group "
                "(FOREWARN_GROUP)"
            )
        try:
            found = known(self._models, self._shelf or {}, state.meant)
            self.learned, self.missing = learned_of(state.plant, found.models), found.missing
        except ModelError as wrong:
            raise SnapshotError(
                f"the snapshot has version {state.plant.version} of the plant, whose {wrong}: put that model back into "
                "FOREWARN_MODELS, at least until the worker took the plant file over, or start a new group"
            ) from wrong
        self.state = state
        self._adopt()

    def score_by(self, models: Mapping[str, Lister]) -> None:
        """Score by other models from the next record on, without a shelf. Raises ModelError where one misfits."""
        self.learned = learned_of(self.plant, models)
        self._models = models
        self._adopt()

    def _turn_to(self, plant: Plant, learned: dict[str, Learned]) -> None:
        self.learned = learned
        self.state.turn_to(plant, *migrated(self.state.blocks, self.state.gone, plant))
        self._adopt()

    def _let_go(self) -> list[Alert]:
        """Revisions of cases of which something is not asked any more."""
        out: list[Alert] = []
        for name, block in self.state.blocks.items():
            out += let_go(block, self.learned[name], self._floor_us, self.plant)
        return out

    def _adopt(self) -> None:
        self._plant_version = self.plant.version
        for name, block in self.state.blocks.items():
            learned = self.learned[name]
            block.adopt(learned)
            block.judge_by(Rules(block.layout, self.plant))
            block.scores, block.plant_version = self.scores, self._plant_version

    @property
    def plant(self) -> Plant:
        """The plant that records are read by, without tags."""
        return self.state.plant

    @property
    def plant_version(self) -> str:
        """The version of that plant."""
        return self._plant_version

    @property
    def meant(self) -> Mapping[str, Meant]:
        """What models' names mean, of those that a release was promoted for."""
        return self.state.meant

    @property
    def _floor_us(self) -> int:
        return floor_of(self.state.tick_us, self.lateness_us)

    @property
    def ledger(self) -> Ledger:
        """The partition's ledger, live."""
        return self.state.ledger

    @property
    def size(self) -> Size:
        """How much it remembers; may be asked from another thread."""
        return self.state.size

    def receive(self, batch: Sequence[RawRecord]) -> Effects:
        """Take records in order of offset; those below `next_offset` were taken before and are skipped."""
        batch = [raw for raw in batch if raw.offset >= self.next_offset]
        if not batch:
            return self._given((), ())
        found: _Found = []
        tables: list[Kept] = []
        at = 0
        while at < len(batch):
            decoded = decode(batch, at, self.plant, self.state)
            self._steps(decoded, tables, found)
            at = decoded.end
            if decoded.control is not None:
                found += ((at - 1, _RANK[type(out)], out.asset, out) for out in self._control(batch[at - 1], decoded))
        self.next_offset = batch[-1].offset + 1
        self._order(found)
        cases = [record for *_, record in found if isinstance(record, Alert)]
        if cases:
            tables.append(of_no_source(alert_rows(self.plant.plant, cases)))
        outputs = tuple(_output(batch[at], record) for at, _, _, record in found)
        return self._given(tuple(tables), outputs, tuple(batch[at].arrived_ms for at, *_ in found))

    def take(self, stretch: Stretch, source: str) -> Made:
        """Take a stretch of history as the frames, events and tick that it could have come as, in one step.

        To be acknowledged like `receive`. The rows' times are believed: there is no present to hold them against.
        """
        found: _Found = []
        tables: list[Kept] = []
        self._steps(decode_stretch(stretch, source, self.state), tables, found)
        for letter in stretch.letters:
            self.ledger.records_read += 1
            self.ledger.records_rejected += 1
            self.ledger.reject(letter.reason, max(1, len(letter.samples)))
        self.next_offset += 1
        self._order(found)
        self._unacknowledged.append(tuple(tables))
        return Made(tuple(kept.rows for kept in tables), (*stretch.letters, *(record for *_, record in found)))

    def refuse(self, raw: RawRecord, why: str) -> Effects:
        """Take a record as rejected, unread: a step over it alone failed, in a partition that is no more."""
        if raw.offset < self.next_offset:
            return self._given((), ())
        self.next_offset = raw.offset + 1
        return self._given((), (_output(raw, unread(raw, why, self.plant.plant, self.ledger)),))

    def _control(self, raw: RawRecord, decoded: Decoded) -> Sequence[Out]:
        """Do what a control record says; what it makes to be published."""
        try:
            match decoded.control:
                case Rebuilt() as record:
                    return rebuilt.apply(record, self._where(record), self.plant)
                case HealthyBaseline() as approved:
                    return baselines.take(approved, self._where(approved))
                case Action() as action:
                    present_us = max(self.state.tick_us, raw.arrived_ms * 1000 or NEVER)
                    return actions.take(action, self._where(action), present_us)
                case PlantChange() as change:
                    found = known(self._models, self._shelf or {}, self.state.meant)
                    plant, learned = taken(change, self.plant.plant, found.models)
                    if plant == self.plant:
                        return ()
                    self.missing = found.missing
                    closed = faults_that_end(self.state.blocks, plant, self._floor_us)
                    closed += silences_that_end(self.state.blocks, plant, self.state.tick_us)
                    self._turn_to(plant, learned)
                    return [*closed, *self._let_go()]
                case ModelChange() as change:
                    self._mean(change)
                    return ()
                case ClockDecision() as decision:
                    return decide(self.state, decision, raw.arrived_ms)
                case _:
                    raise Rejected(Reject.NOT_A_RECORD, f"{type(decoded.control).__name__} is for later")
        except Rejected as wrong:
            return [rejected(self.ledger, self.plant.plant, wrong, raw.value)]

    def _mean(self, change: ModelChange) -> None:
        """Score by another release from the next record on. Raises Rejected."""
        if self._shelf is None:
            return
        found = changed(change, self.plant, self._models, self._shelf, self.state.meant, self.missing)
        if found is not None:
            self.state.meant, self.learned, self.missing = found
            self._adopt()

    def _where(self, record: Rebuilt | HealthyBaseline | Action) -> rebuilt.Where:
        """Where an asset is in the state. Raises Rejected for one that has no place in it."""
        place = self.state.places[record.asset]
        if place == NOWHERE and isinstance(record, Rebuilt):
            for block in self.state.blocks.values():  # it may come back, and its rows are late then, too
                if (gone := block.index.get(record.asset)) is not None:
                    block.stir(gone)
                    rebuilt.ask_again(block, gone, record.number)
        if place == NOWHERE and isinstance(record, Action) and (left := self._left(record.asset)) is not None:
            return left
        if place < 0:
            raise out_of_place(record, place, self.state.share)
        kind = list(self.state.blocks)[place >> PLACE_BITS]
        block, asset = self.state.blocks[kind], place & ((1 << PLACE_BITS) - 1)
        block.make_room()
        watermark_us = max(int(block.watermark_us[asset]), self._floor_us)
        return rebuilt.Where(block, asset, self.learned[kind], watermark_us, self.lateness_us)

    def _left(self, asset: str) -> rebuilt.Where | None:
        """Where an asset is that left the plant: somebody still says what became of its warnings."""
        for name, block in (*self.state.blocks.items(), *self.state.gone.items()):
            if (at := block.index.get(asset)) is not None:
                if name in self.state.gone:  # which is kept with the plant
                    self.state.plant_is_kept = False
                watermark_us = max(int(block.watermark_us[at]), self._floor_us)
                return rebuilt.Where(block, at, self.learned.get(name, Learned()), watermark_us, self.lateness_us)
        return None

    def _steps(self, decoded: Decoded, tables: list[Kept], found: _Found) -> None:
        """All asset types' shares of records that were told apart: tables with what of them is late, and records."""
        found += ((at, _RANK[DeadLetter], letter.asset, letter) for at, letter in decoded.letters)
        found += ((at, _RANK[type(record)], record.asset, record) for at, record in decoded.held)
        for name, columns in decoded.columns.items():
            if not (columns.says_something or decoded.ticks):
                continue
            kept = self._step(self.state.blocks[name], columns, decoded, found)
            if kept is not None:
                tables.append(kept)
            for rows in told(columns, tuple(self.state.blocks[name].names), self.plant.plant, self.ledger):
                tables.append(of_no_source(rows)._replace(sources=(EVENTS,)))

    def _step(self, block: Block, columns: Columns, decoded: Decoded, found: _Found) -> Kept | None:
        """One asset type's share of a batch, stage by stage; see pipelines.topology.STAGES."""
        screened = screen_columns(columns, tuple(block.names), self.plant.plant, self.ledger)
        ordered = order(block, columns, screened, decoded.ticks, decoded.tick_us, self.lateness_us)
        block.stirred[ordered.stirred] = True
        learned = self.learned[block.layout.name]
        hazard, spec = learned.hazard, learned.spec
        due = window(block, learned, columns, screened, ordered, self.lateness_us, self.every_min)
        found += ((at, _RANK[DeadLetter], letter.asset, letter) for at, letter in screened.letters)
        if spec is not None and due is not None:
            self._show(block, spec, due)
        if hazard is not None and due is not None:
            scored = score(block, hazard, due, self.plant)
            found += ((at, _RANK[Forecast], f.asset, f) for at, f in scored.said)
            if learned.shadow is not None and scored.said:
                beside = shadow(learned.shadow, scored, self.plant.plant)
                found += ((at, _RANK[Shadow], each.asset, each) for at, each in beside)
        finals = warn(block, learned, ordered.rises, self.lateness_us, self.plant)
        found += ((at, _RANK[type(record)], record.asset, record) for at, record in finals)
        grounds = ground(block, ordered.rises, self.lateness_us, self.plant.plant)
        found += ((at, _RANK[HealthyBaseline], each.asset, each) for at, each in grounds)
        notices = notify(block, ordered, self.lateness_us, self.plant.plant)
        found += ((at, _RANK[Notice], notice.asset, notice) for at, notice in notices)
        return self._kept(columns, screened, ordered.late & screened.row_good)

    def _show(self, block: Block, spec: Spec, due: Due) -> None:
        """Give out what running machines are scored by, where somebody wants it."""
        if self.looked is not None:
            ran = np.flatnonzero(due.state == RUNNING)
            ends_us = (due.minute[ran] + 1) * MINUTE_US
            names = tuple(block.names)
            self.looked.append(Looked(spec, names, due.asset[ran], ends_us, due.since_us[ran], due.features[ran]))

    def _kept(self, columns: Columns, screened: Screened, late: np.ndarray) -> Kept | None:
        """What is to be stored, counted by source. `late` is [rows]."""
        ledger, good, sources = self.ledger, screened.row_good, columns.sources
        if screened.rows is None:
            return None
        ledger.rows_late += int(late.sum())
        ledger.values_late += int(screened.row_values[late].sum())
        of_row = columns.row_source
        stored, lates = (np.bincount(of_row[chosen], minlength=len(sources)).tolist() for chosen in (good, late))
        values = np.bincount(of_row, screened.row_values, len(sources)).astype(np.int64).tolist()
        for name, *counts in zip(sources, stored, lates, values, strict=True):
            ledger.of(name).store(*counts)
        return Kept(screened.rows, late[good], of_row[good], sources)

    def _order(self, found: _Found) -> None:
        """Put records in the order they are published in, and count them."""
        found.sort(key=lambda item: item[:3])
        of = Counter(kind for _, kind, _, _ in found)
        self.ledger.forecasts += of[_RANK[Forecast]]
        self.ledger.alerts += of[_RANK[Alert]]
        self.ledger.notices += of[_RANK[Notice]]

    def _given(
        self, tables: tuple[Kept, ...], outputs: tuple[Output, ...], arrived_ms: tuple[int, ...] = ()
    ) -> Effects:
        self._unacknowledged.append(tables)
        return Effects(tuple(kept.rows for kept in tables), outputs, arrived_ms)

    def acknowledged(self, refused: Sequence[Refusal] = ()) -> tuple[Output, ...]:
        """The oldest effects are kept outside, but for the rows refused: those become rejects, to be published.

        A snapshot counts them as rejected only if their dead letters, returned here, are acknowledged before it.
        """
        if not self._unacknowledged:
            raise NotAcknowledged("acknowledged() was called more often than receive()")
        tables = self._unacknowledged.popleft()
        return tuple(self._refused(tables[refusal.table], refusal) for refusal in refused)

    def _refused(self, kept: Kept, refusal: Refusal) -> Output:
        rows = kept.rows
        time_us = int(rows.time_us[refusal.row])
        values = {name: field[refusal.row] for name, field in rows.fields.items()}
        values = {name: value for name, value in values.items() if value is not None and value == value}
        if kept.sources:
            source = kept.sources[kept.source[refusal.row]]
            self.ledger.refuse(source, len(values), bool(kept.late[refusal.row]))
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
        """What has to be kept beside earlier snapshots; None while effects are unacknowledged or nothing is new."""
        if self._unacknowledged or self.next_offset == self._snapshot_offset:
            return None
        self._snapshot_offset = self.next_offset
        return Snapshot(self.next_offset, *save(self.state, self.lateness_us // 1_000_000))

    def whole(self) -> Snapshot:
        """All that it remembers, by itself; nothing may be unacknowledged."""
        assert not self._unacknowledged
        return Snapshot(self.next_offset, save(self.state.resized(SPAN), self.lateness_us // 1_000_000)[0])


def _output(raw: RawRecord, record: Out) -> Output:
    headers = (("offset", b"%d" % raw.offset), ("arrived_ms", b"%d" % raw.arrived_ms))
    key = key_of_case(record) if isinstance(record, Alert) else key_of(record.plant, record.asset)
    if isinstance(record, Quarantined):
        return Output(Topic.QUARANTINE, key, raw.value, headers + record.headers)
    return Output(_TOPIC[type(record)], key, encode(record), headers)
