"""A simulated plant that a model follows by rounds alone: rows as of each day, releases in memory, hindsight.

The same rounds as on a running plant (`pipelines.cli.learning.round`); only what is behind the ports is in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

import numpy as np
import polars as pl

from connectors.memory import MemoryBoard
from models.alerting.hindsight import Past
from models.alerting.thresholds import threshold_of
from models.alerting.verdict import DAYS_A_WEEK, Bars, Trial, Verdict, verdict
from models.alerting.versus import Watched, stricter, together, versus
from models.failure.hazard import WARNING, Card, Hazard, read_card
from models.features import Spec
from models.physics.fleet import Fleet
from models.physics.wear import WearLaw
from models.plant import Plant, parse
from models.plant.layout import Layout
from models.records import Drift, Maintenance, MaintenanceAction, ModelUpdate, Ready
from models.release import Channel, File, Part, Role
from onnx_export import drift
from onnx_export.card import card_json
from onnx_export.drift.rows import Rows
from onnx_export.fleets import fleet_of
from onnx_export.history import DAY_US, History, Recorder
from onnx_export.learner import with_rows
from onnx_export.recipe import AUTUMN, SPRING, SUMMER, WINTER, Plan
from onnx_export.refit import Asked as Refit
from onnx_export.starter import plant_text
from pipelines.cli.learning.round import Asked, Look, Made, NotMade, Round, turn
from pipelines.cli.learning.student import Material, Spans, Student
from pipelines.releases.board import Board
from pipelines.releases.moves import Who
from pipelines.releases.offices import Offices, Place
from pipelines.releases.publish import made, published
from pipelines.settings import STARTER
from tests.kit.drifting import EVERY_MIN, OFFSETS, PUMPS, shift_of

BY = Who("learning on", "")
WEEK_US = 7 * DAY_US
NAMES = tuple(f"p{number:02}" for number in range(PUMPS))


@dataclass(frozen=True)
class Files:
    """A model's files."""

    onnx: bytes
    card: Card
    cases: bytes

    @property
    def parts(self) -> dict[Part, bytes]:
        return {Part.ONNX: self.onnx, Part.CARD: card_json(self.card), Part.CASES: self.cases}

    def chances(self, history: History) -> np.ndarray:
        return Hazard(self.onnx, self.card, self.cases).chances(history.features)[:, WARNING]


class _Kept:
    def put(self, content: bytes) -> File:
        return File.of(content)


def workers(board: Board) -> Sequence[Ready]:
    """One partition's owner, which loads whatever is offered."""
    means = {office: one.number for office, one in board.appointed.items()}
    return [Ready(plant=board.plant, partition=0, worker="w", loaded=tuple(sorted(board.releases)), means=means)]


@dataclass
class Followed:
    """The ports of rounds, and what came of them. `history` is all that will be; a round sees what is known by then."""

    plant: Plant
    first: Files
    history: History
    names: tuple[str, ...]
    learned_until_us: int
    events: Sequence[Maintenance] = ()
    bars: Bars = field(default_factory=Bars)
    reference_days: int = 50
    now_us: int = 0
    told: list[Drift | ModelUpdate] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = MemoryBoard(self.plant.plant, workers)
        place = Place(self.log, lambda: self.plant, 1, lambda: self.now_us, lambda _: self.first.card.version)
        self.offices = Offices(place)
        self.models = {self.first.card.version: self.first}
        self.offered_us = 0

    def round(self, now_us: int, may_update: bool = True, may_promote: bool = True) -> Round:
        """One, as of a moment."""
        self.now_us = now_us
        found = turn(self, Asked(self.plant.plant, self.name, may_update, may_promote), now_us)
        self.told += [*found.drifts, found.update]
        return found

    @property
    def name(self) -> str:
        return self.first.card.name

    @property
    def champion(self) -> Files:
        version = self.log.now().version_of(self.name, Role.CHAMPION)
        return self.models[version or self.first.card.version]

    def candidate(self) -> str:
        return self.log.now().version_of(self.name, Role.SHADOW)

    def verdict(self) -> Verdict | None:
        rows = as_of(self.history, self.now_us)
        rows = with_rows(rows, np.flatnonzero(rows.window_end_us > self.offered_us))
        beside = self.champion, self.models[self.candidate()]
        sides = [one.chances(rows) for one in beside]
        limits = [threshold_of(self.plant, self.names[0], one.card.warning_limit) for one in beside]
        watched = [
            Watched(self.names[asset], _pasts(rows, asset, sides, self.now_us), (limits[0], limits[1]))
            for asset in np.unique(rows.asset).tolist()
        ]
        every = [versus(*one) for one in watched]
        days = max(one.weeks for one in every) * DAYS_A_WEEK
        return verdict(Trial(together(every), days, (1.0, 1.0), partial(stricter, watched)), self.bars)

    def promote(self, version: str, why: str) -> None:
        self.offices.promote(version, BY._replace(why=why))
        self.learned_until_us = self.models[version].card.refit.until_us

    def end(self, why: str) -> None:
        self.offices.end_shadow(self.name, BY._replace(why=why))

    def look(self) -> Look:
        return self._student.look(self._material, self._spans, self.told, self.now_us)

    def learn(self, since_us: int, grows: bool) -> Made:
        found, files = self._student.learn(
            self._material, self._spans, since_us, Refit(command="a test", grows=grows, simulated="simulated pumps")
        )
        self.models[found.version] = Files(files.onnx, files.card, self.first.cases)
        return found

    def train(self) -> Made:
        raise NotMade("not-here", "a simulated plant trains nothing anew", 0)

    def offer(self, found: Made) -> None:
        files = self.models[found.version].parts
        release = made(self.plant.plant, files, self.now_us, "", lambda _: ())
        published(self.offices, _Kept(), release, files, Channel.CANDIDATE, BY)
        self.offered_us = self.now_us

    @property
    def _student(self) -> Student:
        files = self.champion
        return Student(files.onnx, files.card, self.plant.plant, files.cases)

    @property
    def _spans(self) -> Spans:
        return Spans(self.learned_until_us, self.reference_days, 14)

    @property
    def _material(self) -> Material:
        history = as_of(self.history, self.now_us)
        events = [one for one in self.events if one.time_us <= self.now_us]
        return Material(
            history=history, weights=np.ones(len(history.asset)), names=self.names,
            context=drift.Context(assets=self.names, events=events), ambient=("ambient_temp_degc",),
        )  # fmt: skip


def simulated(seed: int, exchanged: bool, days: int, days_after: int) -> tuple[History, int]:
    """Rows of simulated pumps whose transmitters are exchanged after so many days, or not, and when that is."""
    start_us = (WINTER, SPRING, SUMMER, AUTUMN)[seed % 4]
    plan = Plan(seed=seed, law=WearLaw(), start_us=start_us, faults=seed % 2 == 0)
    fleet, shift = Fleet(fleet_of(plan, PUMPS, days + days_after), seed), shift_of(seed)
    recorder = Recorder(Layout("pump", plant().types["pump"]), Spec.of_card(shipped().card), PUMPS, EVERY_MIN)
    for _ in range(days):
        recorder.take(fleet.next_day())
    for _ in range(days_after):
        day = fleet.next_day()
        recorder.take(shift.seen(day) if exchanged else day)
    middle_us = start_us + days * DAY_US
    return recorder.history(middle_us + days_after * DAY_US), middle_us


def recalibrations(middle_us: int) -> list[Maintenance]:
    """Records that each pump's transmitters were exchanged."""
    return [
        Maintenance(plant="plant", asset=name, time_us=middle_us, mode=signal, action=MaintenanceAction.RECALIBRATED)
        for name in NAMES
        for signal in OFFSETS
    ]


@cache
def shipped() -> Files:
    """The starter's hazard, which has learned from other fleets of the simulator."""
    onnx, card, cases = ((STARTER / f"pump.{end}").read_bytes() for end in ("onnx", "json", "cases.json"))
    return Files(onnx, read_card(card), cases)


def plant_toml() -> str:
    """The starter's plant file, with as many pumps."""
    pumps = "\n".join(f'[assets.{name}]\ntype = "pump"' for name in NAMES)
    return f"{plant_text().partition('[assets')[0]}\n{pumps}\n"


@cache
def plant() -> Plant:
    """Of that file."""
    return parse(plant_toml())


def rows_table(history: History, names: Sequence[str]) -> pl.DataFrame:
    """Labelled rows as a backfill of features leaves them."""
    features = {name: history.features[:, at] for at, name in enumerate(Spec.of_card(shipped().card).names)}
    return pl.DataFrame(
        {
            "asset": [names[asset] for asset in history.asset.tolist()], "window_end_us": history.window_end_us,
            "since_us": history.since_us, **features,
            "failed_in_h": pl.Series(history.hours).replace([np.inf], [None]),
            "mode": pl.Series([None] * len(history.asset), dtype=pl.String), "known_h": history.known_h,
        }
    )  # fmt: skip


def average_precision(model: Files, history: History) -> float:
    """Within 72 h, of rows of which that is known."""
    from sklearn.metrics import average_precision_score

    rows = Rows.of(history, model.chances(history))
    fails = (rows.hours > 0) & (rows.hours <= np.minimum(72, rows.known_h))
    known = fails | ((rows.known_h > 72) & (rows.hours > 0))
    return float(average_precision_score(fails[known], rows.chance[known]))


def as_of(history: History, now_us: int) -> History:
    """What is known of it by a moment."""
    rows = with_rows(history, np.flatnonzero(history.window_end_us <= now_us))
    until_h = (now_us - rows.window_end_us) / (DAY_US / 24)
    hours = np.where(rows.hours <= until_h, rows.hours, np.inf)
    failures = tuple(one for one in rows.failures if one.time_us <= now_us)
    return replace(rows, hours=hours, known_h=np.minimum(rows.known_h, until_h), failures=failures, end_us=now_us)


def _pasts(rows: History, asset: int, sides: list[np.ndarray], now_us: int) -> tuple[Past, Past]:
    mine = rows.asset == asset
    at_us = rows.window_end_us[mine]
    own = [one.time_us for one in rows.failures if one.asset == asset and one.time_us >= at_us[0]]
    failures, repairs = np.array(own, np.int64), np.unique(rows.since_us[mine])[1:]
    first, second = (
        Past(
            window_end_us=at_us, chance=chance[mine], failures_us=failures, repairs_us=repairs,
            weeks=float(at_us[-1] - at_us[0]) / WEEK_US, to_us=now_us, every_min=EVERY_MIN,
        )
        for chance in sides
    )  # fmt: skip
    return first, second
