"""All that a partition remembers: the plant, one block of arrays per asset type, small things per asset, the ledger.

Long, since blocks and the state that has them grow, turn and are measured together. The step owns it and changes it in
place; nobody else holds it. A snapshot is this, encoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from msgspec import Struct

from models.bins import MINUTE_US
from models.clocks import Clocks
from models.failure.baseline import Whole
from models.failure.health import HealthModel
from models.failure.learned import Learned
from models.failure.marks import Keys, Marks
from models.failure.rules import Fired, Rules
from models.features import Known, Spec
from models.operating import IDLE, MAINTENANCE, OFF, STOPPING, UNKNOWN, Machines
from models.plant import Plant
from models.plant.layout import Layout
from models.records import key_of
from models.tiers import ARRAYS, SPAN, Tiers
from pipelines.hours import Hour, Hours
from pipelines.ledger import Ledger
from pipelines.meters import Scores, Size
from pipelines.open import OpenSamples
from pipelines.small import Small, Stood, Turned
from pipelines.topics import Share

NEVER = -1
NOWHERE, ELSEWHERE = -1, -2
"""In place of a place: of an asset that is not in the plant, and of one whose key is another partition's."""
PLACE_BITS = 32
"""A place is the number of an asset's block above so many bits of its index there."""


def floor_of(tick_us: int, lateness_us: int) -> int:
    """No asset's watermark is below this, moved there or not: a tick closes minutes a lateness behind it."""
    return NEVER if tick_us == NEVER else tick_us - lateness_us


class Written(Struct):
    """What of a block is kept in snapshots: their number, the number at which each page was last written, and deltas.

    `names` assets are known by name. `anew`: no delta tells what changed, so every page has to be written.
    """

    number: int = 0
    names: int = -1
    pages: dict[int, int] = {}
    deltas: list[int] = []
    anew: bool = False


@dataclass(slots=True)
class Block:
    """State of all assets of one type that were seen in this partition; index = order of first sight."""

    layout: Layout
    tiers: Tiers
    machines: Machines
    watermark_us: np.ndarray
    heard_us: np.ndarray
    marks: Marks = field(default_factory=lambda: Marks.none(0, 0, 0))
    keys: Keys = field(default_factory=Keys)
    """Whose columns the marks have."""
    hours: Hours = field(default_factory=lambda: Hours.none(0, 0))
    index: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    open: OpenSamples = field(default_factory=OpenSamples)
    small: Small = field(default_factory=Small)
    stirred: np.ndarray = field(init=False)
    """Of which assets something changed since the last snapshot, beside rings and samples: bool [assets]."""
    written: Written = field(default_factory=Written)
    rules: Rules | None = None
    levels: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    """What rules hold each asset against: [assets, columns], no state."""
    turned: list[Turned] = field(default_factory=list)
    fired: list[Fired] = field(default_factory=list)
    whole: list[Whole] = field(default_factory=list)
    told: list[Hour] = field(default_factory=list)
    stood: list[Stood] = field(default_factory=list)
    """What a step has yet to tell; empty between steps."""
    pauses: dict[tuple[int, int], int] = field(default_factory=dict)
    """Minutes without a sample that this step came upon, by asset and minute: the place of the record that told it."""
    scores: Scores = field(default_factory=Scores)
    """Counts of the partition, which are no state."""
    plant_version: str = ""
    """Of the rules; no state."""
    slow: dict[int, Known] = field(default_factory=dict)
    """Slow windows by asset, as of the last time they were summed; no state either."""

    def __post_init__(self) -> None:
        self.stirred = np.zeros(len(self.watermark_us), bool)

    @classmethod
    def empty(cls, layout: Layout, span: int = SPAN) -> Block:
        """A block that has seen nothing, with room for `span` minutes that close together."""
        tiers = Tiers.empty(0, layout.reference, layout.held_places, span)
        never = np.full(0, NEVER, np.int64)
        return cls(layout, tiers, Machines.none(0, layout.columns), never, never.copy())

    def index_of(self, asset: str) -> int:
        """The asset's index; a new one gets the next."""
        at = self.index.get(asset)
        if at is None:
            at = self.index[asset] = len(self.names)
            self.names.append(asset)
        return at

    def make_room(self) -> None:
        """Grow the arrays to the assets known, and some more."""
        have, need = len(self.watermark_us), len(self.names)
        if need <= have:
            return
        room = max(need, have + have // 8)
        self.tiers.grow(room)
        self.machines.grow(room)
        self.marks.grow(room)
        self.hours.grow(room)
        for name in ("watermark_us", "heard_us"):
            setattr(self, name, np.concatenate([getattr(self, name), np.full(room - have, NEVER, np.int64)]))
        self.stirred = np.concatenate([self.stirred, np.zeros(room - have, bool)])

    def judge_by(self, rules: Rules) -> None:
        """Evaluate these rules from now on; marks of those that were there before go on."""
        if rules.keys != self.keys:
            self.marks, self.keys = self.marks.fitted(self.keys, rules.keys), rules.keys
            self.written.anew |= bool(self.names)
        self.rules, self.levels = rules, np.empty((0, self.marks.columns))

    def levels_now(self) -> np.ndarray:
        """The levels of all assets known by now."""
        known = len(self.levels)
        if self.rules is not None and known < len(self.names):
            fresh = [self.rules.levels_of(name) for name in self.names[known:]]
            self.levels = np.concatenate([self.levels, np.array(fresh).reshape(len(fresh), -1)])
        return self.levels

    def untouch(self) -> None:
        """A snapshot has all as it is now."""
        self.tiers.untouch()
        self.stirred[:] = self.hours.touched[:] = False

    def forget_slow(self, asset: np.ndarray, quarter: np.ndarray) -> None:
        """These 15-min bins changed: what was summed over them is not known any more."""
        for a, changed in zip(asset.tolist(), quarter.tolist(), strict=True):
            if a in self.slow and changed < self.slow[a].key[0]:
                del self.slow[a]

    def stir(self, asset: int) -> None:
        """All of an asset changed."""
        self.stirred[asset] = self.hours.touched[asset] = True
        self.slow.pop(asset, None)
        for touched in self.tiers.touched.values():
            touched[asset] = True

    def adopt(self, learned: Learned) -> None:
        """Make feature rows of another list, or of models that are gone, unknown, and hours of another health model.

        Forecasts of minutes that are not final stay: a model that comes back by then must not say them anew.
        """
        self.slow.clear()
        self._adopt_hours(learned.health)
        features_sha256 = learned.spec.sha256 if learned.spec else ""
        if self.small.features_sha256 == features_sha256:
            return
        self.written.anew |= bool(self.names)
        self.small.features_sha256 = features_sha256
        self.small.baselines.clear()
        for entries in self.small.entries.values():
            for entry in entries.values():
                entry.features = b""
        if not features_sha256:
            self.small.kept.clear()

    def _adopt_hours(self, health: HealthModel | None) -> None:
        sha256 = health.card.sha256 if health else ""
        if sha256 != self.small.health_sha256:
            self.written.anew |= bool(self.names)
            self.small.health_sha256 = sha256
            before = self.hours
            self.hours = Hours.none(len(self.watermark_us), len(health.tracks) if health else 0)
            if before.tracks and health:  # what holds goes on until the other model denies it
                self.hours.unhealthy, self.hours.near = before.unhealthy, before.near

    def columns_of(self, spec: Spec) -> np.ndarray:
        """Places of a model's inputs in the tiers."""
        return np.array([self.layout.column_index[name] for name in spec.inputs])

    def since_us(self, asset: np.ndarray, minute: np.ndarray) -> np.ndarray:
        """Start of the life each (asset, minute) belongs to: the last repair before the minute's end, else 0."""
        out = np.zeros(len(asset), np.int64)
        for at in set(asset.tolist()) & self.small.repairs_us.keys():
            repairs = np.array([0, *self.small.repairs_us[at]])
            mine = asset == at
            out[mine] = repairs[np.searchsorted(repairs, (minute[mine] + 1) * MINUTE_US, side="left") - 1]
        return out

    def name_maintenance(
        self, asset: np.ndarray, minute: np.ndarray, since_us: np.ndarray, state: np.ndarray
    ) -> np.ndarray:
        """State codes in which a machine that stands after a failure, and was not repaired, is in maintenance."""
        stands = np.isin(state, (UNKNOWN, OFF, IDLE, STOPPING))
        for at in set(asset[stands].tolist()) & self.small.failures_us.keys():
            failures = np.array([-1, *self.small.failures_us[at]])
            mine = np.flatnonzero(stands & (asset == at))
            last = failures[np.searchsorted(failures, (minute[mine] + 1) * MINUTE_US, side="left") - 1]
            state[mine[last > since_us[mine]]] = MAINTENANCE
        return state

    def nbytes(self) -> int:
        """Bytes of its arrays in memory; what it keeps beside them is little."""
        arrays = [getattr(self.tiers, name) for name in ARRAYS]
        arrays += [array for of in (states_of(self), self.hours.arrays()) for *_, array in of]
        return self.open.nbytes + sum(array.nbytes for array in (*arrays, self.watermark_us, self.heard_us))


class Meant(Struct, frozen=True):
    """The release that a model's name means, and the number of the change since which it does."""

    version: str
    number: int


class SnapshotError(ValueError):
    """The snapshot does not fit this program or its settings; the message says what to do."""


class Places(dict[str, int]):
    """Where each asset is: the number of its block and its index there, or NOWHERE, or ELSEWHERE.

    An asset that is asked for the first time gets the next index.
    """

    def __init__(self, plant: Plant, blocks: dict[str, Block], share: Share | None) -> None:
        super().__init__()
        self._share = share
        self._plant, self._blocks = plant, {name: (at, block) for at, (name, block) in enumerate(blocks.items())}

    def __missing__(self, asset: str) -> int:
        kind = self._plant.type_of(asset)
        if kind is None:
            return NOWHERE  # not kept: names of nobody must not fill the memory
        if self._share is not None and not self._share.has(key_of(self._plant.plant, asset)):
            place = self[asset] = ELSEWHERE
            return place
        number, block = self._blocks[kind]
        place = self[asset] = number << PLACE_BITS | block.index_of(asset)
        return place


@dataclass(slots=True)
class State:
    """State of a partition: the plant without tags, a block per asset type, the last tick, the ledger, clocks.

    `gone` are the blocks of types that the plant has no longer. Assets of no other `share` are taken in; without one,
    all are.
    """

    plant: Plant
    blocks: dict[str, Block]
    tick_us: int = NEVER
    ledger: Ledger = field(default_factory=Ledger)
    clocks: Clocks = field(default_factory=Clocks)
    gone: dict[str, Block] = field(default_factory=dict)
    share: Share | None = None
    meant: dict[str, Meant] = field(default_factory=dict)
    """What offices mean, `models.release.office`; a name that is not here means the file of that name."""
    places: Places = field(init=False)
    plant_is_kept: bool = False
    saves: int = 0
    """Snapshots so far."""
    shelf: set[str] = field(default_factory=set)
    """Names of the slices that the last snapshot, and those before it, left to be kept."""

    def __post_init__(self) -> None:
        self.places = Places(self.plant, self.blocks, self.share)

    def turn_to(self, plant: Plant, blocks: dict[str, Block], gone: dict[str, Block]) -> None:
        """Go over to another plant, with the blocks that it has."""
        self.plant, self.blocks, self.gone = plant, blocks, gone
        self.places, self.plant_is_kept = Places(plant, blocks, self.share), False
        for block in blocks.values():
            block.written = Written(anew=True)

    @classmethod
    def empty(cls, plant: Plant, share: Share | None = None, span: int = SPAN) -> State:
        """The state before the first record, with room for `span` minutes of an asset that close together."""
        plant = plant.for_workers()
        blocks = {name: Block.empty(Layout(name, asset_type), span) for name, asset_type in plant.types.items()}
        return cls(plant, blocks, share=share)

    def resized(self, span: int) -> State:
        """The same with room for another span of minutes, not kept in any snapshot yet.

        The two share what is no array of bins: only one of them may be stepped.
        """
        blocks = {name: replace(block, tiers=block.tiers.resized(span)) for name, block in self.blocks.items()}
        for block in blocks.values():
            block.written = Written(anew=True)
        return State(self.plant, blocks, self.tick_us, self.ledger, self.clocks, self.gone, self.share, self.meant)

    @property
    def size(self) -> Size:
        """Of all blocks, also those of types that are gone."""
        blocks = (*self.blocks.values(), *self.gone.values())
        return Size(sum(len(block.names) for block in blocks), sum(block.nbytes() for block in blocks))


def arrays_of(block: Block) -> dict[str, np.ndarray]:
    """The block's own arrays of tiers, machines and marks, by name."""
    tiers = {f"tiers.{name}": getattr(block.tiers, name) for name in ARRAYS}
    return tiers | {f"{of}.{name}": array for of, name, array in (*states_of(block), *block.hours.arrays())}


def states_of(block: Block) -> Iterator[tuple[str, str, np.ndarray]]:
    """Arrays of where machines, and rules with them, stand: [assets, ...], each with what it is of and its name."""
    for of, states in (("machines", block.machines), ("marks", block.marks)):
        for name in states.__struct_fields__:
            yield of, name, getattr(states, name)
