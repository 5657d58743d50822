"""Histories of simulated pumps as feature rows, through the kernel that live runs: bins, states, windows, features.

Nothing is computed here that `models` computes; this only feeds it days of rows in order and looks up when each
machine failed next. No files, no training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.bins import COUNT, MINUTE_US, Bins, Samples, summarise
from models.features import (
    AFTER_RUNNING_MIN,
    Baseline,
    Facts,
    Pairs,
    Serviced,
    Spec,
    baseline_of,
    compute,
    levels,
    serviced,
    spans,
)
from models.features.raw import raw_windows
from models.following import follow
from models.holding import minutes_of, pauses, with_empty
from models.operating import RUNNING, Machines
from models.physics.cycles import RUN_STATES
from models.physics.fleet import SIGNALS, FleetBlock, FleetEvent, FleetEventKind, FleetSpec, simulate
from models.physics.plc import ALARMS, TAGS
from models.physics.pump import PumpFailure
from models.plant import AssetType
from models.plant.layout import Layout, Told
from models.quality import GOOD, screen
from models.records import HORIZONS_H
from models.tiers import Tiers
from onnx_export.survival import Outcomes, outcomes_of

HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
PUMP_MODES = tuple(mode.name.lower() for mode in PumpFailure)
"""Failure modes of simulated pumps, by number: the limit that was reached."""
NO_MODE = -1
"""Mode of a row whose machine is not seen to fail."""
BEHIND_MIN = 2
"""The default lateness in minutes: what live takes as final, and so when a usual can be used."""

Progress = Callable[[int, int, str], None]
"""Told of long work: done, total, what."""


def quiet(_done: int, _total: int, _text: str) -> None:
    """Tell nobody."""


def mode_of(event: FleetEvent) -> str:
    """The failure as a maintenance record names it."""
    return event.mode.name.lower().replace("_", "-")


class Failure(NamedTuple):
    """A failure of an asset, and its mode by number."""

    asset: int
    time_us: int
    mode: int


@dataclass(frozen=True, slots=True)
class History:
    """Feature rows of one fleet's settled running, sorted by asset and time, one every `every_min`, with what came.

    `hours` is the time from a row's window end to the machine's next failure, infinite where the history shows none;
    a row at the very minute of a failure has a negative one. Whether it fails is known for `known_h`: to its failure,
    to a repair before one, or to the end of the history.
    """

    features: np.ndarray  # float32 [rows, n]
    asset: np.ndarray  # int64
    window_end_us: np.ndarray  # int64
    since_us: np.ndarray  # int64, start of the life the row belongs to
    hours: np.ndarray  # float64
    known_h: np.ndarray  # float64
    mode: np.ndarray  # int8, of the next failure, NO_MODE where none
    failures: tuple[Failure, ...]
    modes: tuple[str, ...]  # by number
    end_us: int
    every_min: int
    windows: np.ndarray | None = None  # float32 [rows, channels, steps] of models.features.raw, where asked for

    @property
    def outcomes(self) -> tuple[Outcomes, np.ndarray]:
        """What each row's class may be, and of which rows anything is known, bool [rows]."""
        return outcomes_of(self.hours, self.known_h)

    @property
    def known(self) -> np.ndarray:
        """Rows of which it is known whether the machine fails within the last horizon, bool [rows]."""
        return np.where(self.hours <= self.known_h, self.hours > 0, self.known_h > HORIZONS_H[-1])


class Recorder:
    """A fleet's rings, states and usuals, and the rows taken from them so far, day by day.

    For a fleet that changes on the way; `record` is the whole of one that does not.
    """

    def __init__(self, layout: Layout, spec: Spec, assets: int, every_min: int, windows: bool = False) -> None:
        self.layout, self.spec, self.every_min = layout, spec, every_min
        self.windows: list[np.ndarray] | None = [] if windows else None
        self.columns = np.array([layout.column_index[name] for name in spec.inputs])
        self.source = np.array([SIGNALS.index(signal) for signal in layout.numeric])
        self.tiers = Tiers.empty(assets, layout.reference, layout.held_places)
        self.machines = Machines.none(assets, layout.columns)
        self.baselines: list[Baseline | None] = [None] * assets
        self.serviced: dict[int, Serviced] = {}
        self.repairs: list[list[int]] = [[0] for _ in range(assets)]
        self.failures: list[Failure] = []
        self.rows: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []

    def take(self, block: FleetBlock) -> None:
        """Take a day of the fleet."""
        for event in block.events:
            if event.kind is FleetEventKind.REPAIRED:
                self.repairs[event.asset].append(event.time_us)
                self._serve(event)
            elif event.kind is FleetEventKind.FAILED:
                self.failures.append(Failure(event.asset, event.time_us, int(event.mode)))
        layout = self.layout
        bins = self._with_pauses(summarise(self._samples(block), layout.columns, layout.reference, layout.held))
        since_us, turn = self._since_us(bins), spans(bins.asset, bins.minute)
        for at in np.unique(turn):
            now = turn == at
            self._hour(bins.where(now), since_us[now])

    def _serve(self, event: FleetEvent) -> None:
        """A repair is work on the component that its mode names; told at once, so known from when it was done."""
        component = self.layout.component_of.get(mode_of(event))
        if component is not None:
            known = self.serviced.setdefault(event.asset, {})
            serviced.note(known, component, event.time_us, event.time_us, event.time_us - DAY_US)

    def _samples(self, block: FleetBlock) -> Samples:
        """Every good sample of the plant's signals, a row after another."""
        rows, signals = len(block.asset), len(self.source)
        samples = Samples(
            np.repeat(block.asset.astype(np.int64), signals),
            np.tile(np.arange(signals), rows),
            np.repeat(block.time_us, signals),
            block.values[:, self.source].ravel(),
        )
        at = samples.signal
        code = screen(samples.value, self.layout.lowest[at], self.layout.highest[at], np.zeros(len(at), np.int8))
        good = samples.where(code == GOOD)
        for tag, words, sent in zip(TAGS, (RUN_STATES, ALARMS), (block.run_state, block.alarm), strict=True):
            if tag in self.layout.told:
                good = Samples.joined([good, self._told(block, self.layout.told[tag], words, sent)])
        return good

    def _told(self, block: FleetBlock, told: Told, words: Sequence[str], sent: np.ndarray) -> Samples:
        """A tag where it was sent, as what its words put into columns."""
        rows = np.flatnonzero(sent >= 0)
        which, column, value = told.samples([words[at] for at in sent[rows].tolist()])
        return Samples(block.asset[rows][which].astype(np.int64), column, block.time_us[rows][which], value)

    def _with_pauses(self, bins: Bins) -> Bins:
        """The bins and those at which the values that hold through a pause are summed."""
        if not len(self.layout.held_places):
            return bins
        hearing_min, found = self.layout.rule.hearing_min, []
        for asset, minutes in minutes_of(bins):
            before = int(self.machines.minute[asset])
            known = np.append(before, minutes) if before >= 0 else minutes
            found += [(asset, m) for m in pauses(known, hearing_min)]
        return with_empty(bins, found)

    def _since_us(self, bins: Bins) -> np.ndarray:
        """Start of the life of each bin: the last repair before the minute's end, else 0."""
        out = np.zeros(len(bins.asset), np.int64)
        for asset in np.unique(bins.asset).tolist():
            mine, repairs = bins.asset == asset, np.array(self.repairs[asset])
            out[mine] = repairs[np.searchsorted(repairs, (bins.minute[mine] + 1) * MINUTE_US, side="left") - 1]
        return out

    def _hour(self, bins: Bins, since_us: np.ndarray) -> None:
        """Take an hour of bins, of which nothing will change any more, and keep the rows that are asked for."""
        self.tiers.write(bins)
        found = follow(self.layout.rule, self.machines, bins.asset, bins.minute, since_us, bins.statistics)
        self.tiers.use(bins.asset, bins.minute, found.use, found.lead)
        ran = (found.state == RUNNING) & (bins.statistics[:, COUNT] > 0).any(axis=1)
        ripe = ran & (found.running >= AFTER_RUNNING_MIN)
        triples = zip(*(column[ripe].tolist() for column in (bins.asset, bins.minute, since_us)), strict=True)
        ripe[ripe] = [self._wants_usual(*triple) for triple in triples]
        asked = ran & (bins.minute % self.every_min == 0)
        wanted = np.flatnonzero(asked | ripe)
        asset, minute, since = bins.asset[wanted], bins.minute[wanted], since_us[wanted]
        usual, spread = levels(self.spec, self._usable(asset, minute, since), minute, BEHIND_MIN)
        pairs = Pairs(asset, minute, since, found.running[wanted], found.starts[wanted], usual, spread)
        facts = Facts(serviced.since_h(self.spec.groups.components, self.serviced, asset, minute), self.layout.name)
        rows = compute(self.spec, self.columns, self.tiers, pairs, facts=facts)
        kept = asked[wanted]
        self.rows.append((rows[kept], asset[kept], (minute[kept] + 1) * MINUTE_US, since[kept]))
        if self.windows is not None:
            of_kept = Pairs(*(part[kept] for part in pairs))
            self.windows.append(raw_windows(self.spec, self.columns, self.tiers, of_kept))
        for at in np.flatnonzero(ripe[wanted]).tolist():
            self._give_usual(int(asset[at]), int(minute[at]), int(since[at]), rows[at].tobytes())

    def _wants_usual(self, asset: int, minute: int, since_us: int) -> bool:
        known = self.baselines[asset]
        return known is None or known.wants(since_us, minute)

    def _give_usual(self, asset: int, minute: int, since_us: int, features: bytes) -> None:
        if self._wants_usual(asset, minute, since_us):
            known = self.baselines[asset]
            made = baseline_of(self.spec, self.columns, self.tiers, asset, minute, since_us, features, known)
            self.baselines[asset] = made

    def _usable(self, asset: np.ndarray, minute: np.ndarray, since_us: np.ndarray) -> list[Baseline | None]:
        out = []
        for a, m, since in zip(asset.tolist(), minute.tolist(), since_us.tolist(), strict=True):
            known = self.baselines[a]
            out.append(known if known is not None and known.usable(since, m, BEHIND_MIN) else None)
        return out

    def history(self, end_us: int) -> History:
        """All rows, by asset and time, with the failure that came next."""
        features, asset, end, since = (np.concatenate(parts) for parts in zip(*self.rows, strict=True))
        order = np.lexsort((end, asset))
        features, asset, end, since = features[order], asset[order], end[order], since[order]
        hours, mode = next_failure(asset, end, self.failures)
        known_h = np.minimum(hours, (end_us - end) / HOUR_US)
        failures = tuple(self.failures)
        windows = None if self.windows is None else np.concatenate(self.windows)[order]
        return History(
            features, asset, end, since, hours, known_h, mode, failures, PUMP_MODES, end_us, self.every_min, windows
        )


def next_failure(asset: np.ndarray, end_us: np.ndarray, failures: Sequence[Failure]) -> tuple[np.ndarray, np.ndarray]:
    """Hours to each row's next failure, and its mode. The minute of a failure still belongs to it."""
    hours, mode = np.full(len(asset), np.inf), np.full(len(asset), NO_MODE, np.int8)
    for number in np.unique(asset).tolist():
        mine = np.flatnonzero(asset == number)
        own = sorted((failure for failure in failures if failure.asset == number), key=lambda failure: failure.time_us)
        times = np.array([failure.time_us for failure in own], np.int64)
        at = np.searchsorted(times, end_us[mine] - MINUTE_US, side="left")
        some = at < len(own)
        rows, at = mine[some], at[some]
        hours[rows] = (times[at] - end_us[rows]) / HOUR_US
        mode[rows] = np.array([failure.mode for failure in own], np.int8)[at]
    return hours, mode


def record(
    fleet: FleetSpec,
    seed: int,
    asset_type: AssetType,
    spec: Spec,
    every_min: int,
    progress: Progress = quiet,
    seen: Callable[[FleetBlock], object] | None = None,
    windows: bool = False,
) -> History:
    """Simulate a fleet and take a feature row of every machine each `every_min` minutes since 1970.

    `seen` is shown each day of the fleet as it was simulated; with `windows`, each row has its raw window too.
    """
    recorder = Recorder(Layout("pump", asset_type), spec, fleet.n_pumps, every_min, windows)
    blocks: Iterable[FleetBlock] = simulate(fleet, seed)
    for day, block in enumerate(blocks, start=1):
        recorder.take(block)
        if seen is not None:
            seen(block)
        progress(day, fleet.days, f"pumps of seed {seed}, {fleet.wear.family} lives")
    return recorder.history(fleet.start_us + fleet.days * 24 * HOUR_US)
