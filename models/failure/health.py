"""The health rung: how far a machine is from how healthy ones behave at this load and ambient, and by which signals.

Distances of signals from what is expected of them go through a principal component analysis of healthy machines:
Hotelling's T2 within its components, the squared prediction error (SPE) beside them. Both are shares of limits that
healthy machines gave, and their sum is the combined index of Yue and Qin (2001, Ind. Eng. Chem. Res. 40, 4403-4414).
A signal's share is its reconstruction-based contribution (Alcala and Qin 2009, Automatica 45, 1593-1600).
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, fields

import msgspec
import numpy as np
from msgspec import UNSET, Struct, UnsetType

from models.failure.hazard import agree, check
from models.failure.switches import After, Switches, step
from models.failure.trend import Bounds, Hours
from models.features import Expected, Groups, Spec
from models.inference import Graph, ModelError
from models.records import Confidence, Contribution, Whose

OUTPUTS = ("index", "t2", "spe", "contributions", "over", "known", "own")
"""Of the graph: the index, shares of limits, contributions and distances by signal, which inputs are known, and of
which signals the machine's own usual is."""
SPANS = ("over_1h", "over_24h")
"""What is looked at of each signal: its distance from what is expected, over the last hour and 24 h of running."""
LIMIT = 50.0
"""The index at its limit, where T2 and SPE as shares of their limits add up to 1."""
OPEN, CLEAR = 25.0, 45.0
"""Where the health of a machine alone is worth a warning, and well above that: half as far again as the limit, since at
the limit machines are unlike healthy ones long before most failures. Our choice, see trend.NEAR_H."""
AFTER = After(open_h=6, clear_h=24)
"""Of running: a start, a stop or an outlier is over sooner, and a day holds all loads. Our choice."""
DRIVERS = 3
LEAST_COMPLETE = 0.5
"""Share of the inputs that a health rests on at least. Our choice."""
INDEX_DECIMALS, SHARE_DECIMALS, OVER_DECIMALS = 2, 4, 4
"""Figures travel with so many decimals."""


class Bound(Struct, frozen=True, kw_only=True):
    """A level that a signal must not reach, known of the machine and not learned: from above or from below.

    `standard` says who names it.
    """

    signal: str
    high: float | None = None
    low: float | None = None
    standard: str


class HealthCard(Struct, frozen=True, kw_only=True):
    """What a health model is, where it comes from and how it did: the JSON beside the ONNX file."""

    name: str
    sha256: str
    asset_type: str
    signals: tuple[str, ...]
    counters: tuple[str, ...] = ()
    expected: tuple[Expected, ...] = ()
    shares: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    rolls_over_at: dict[str, float] = {}
    groups: Groups | UnsetType = UNSET
    features_sha256: str
    components: int
    bounds: tuple[Bound, ...] = ()
    basis: str
    trained_on: str
    command: str
    seeds: dict[str, tuple[int, ...]]
    parity: dict[str, float]
    scores: dict[str, float]

    @property
    def version(self) -> str:
        """Name and the beginning of the file's hash, as health records carry it."""
        return f"{self.name}@{self.sha256[:12]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """Of each row: the index, 0 to 100, NaN where too little is known to say one; what it is made of, how founded.

    `over` is each signal's distance over the last 24 h of running, in its unit, from the machine's own usual where that
    is known (`own`) and else from what is expected of the fleet.
    """

    index: np.ndarray  # float64 [rows]
    t2: np.ndarray  # float64 [rows], share of its limit
    spe: np.ndarray  # float64 [rows], share of its limit
    shares: np.ndarray  # float64 [rows, targets], adding up to 1
    over: np.ndarray  # float64 [rows, targets]
    missing: np.ndarray  # bool [rows, inputs]
    own: np.ndarray  # bool [rows, targets]

    def part(self, rows: np.ndarray) -> Scored:
        """Some of the rows."""
        return Scored(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


class HealthModel:
    """A loaded health model. Raises ModelError where file, card and this program disagree."""

    stands_in = False
    """Whether it speaks in the place of a release that cannot be loaded."""

    def __init__(self, onnx: bytes, card: HealthCard) -> None:
        self.card = card
        self.spec = Spec.of_card(card)
        self.targets = tuple(one.target for one in self.spec.expected)
        """The signals of which something is expected; all arrays by signal are in this order."""
        self.inputs = tuple(f"{target}.{span}" for span in SPANS for target in self.targets)
        check(card.name, self.spec, self._wrong())
        agree("the file's sha256", hashlib.sha256(onnx).hexdigest(), card.sha256)
        agree("the feature list's sha256", self.spec.sha256, card.features_sha256)
        self._graph = Graph(onnx, OUTPUTS)
        targets, inputs = len(self.targets), len(self.inputs)
        agree("the number of features", self._graph.features, len(self.spec.names))
        agree("the widths of the outputs", self._graph.widths, (1, 1, 1, targets, targets, inputs, targets))
        self._level, self._over = (
            np.array([self.spec.column(f"{target}.{what}") for target in self.targets])
            for what in ("mean_1h", "over_1h")
        )
        self.tracks = ("index", *self.targets)
        """What a trend is looked for in: the index and each signal's residual of the hour."""
        self.bounds = self._bounds()

    @classmethod
    def load(cls, onnx: bytes, card: bytes) -> HealthModel:
        """From the two files' bytes."""
        try:
            return cls(onnx, msgspec.json.decode(card, type=HealthCard))
        except msgspec.DecodeError as wrong:
            raise ModelError(f"the card is not a health model's card: {wrong}") from wrong

    def standing_in(self) -> HealthModel:
        """The same in the place of another, with low confidence."""
        other = copy.copy(self)
        other.stands_in = True
        return other

    def _wrong(self) -> str | None:
        """What is wrong with the card beside its feature list."""
        if not self.targets:
            return "it expects nothing of any signal: give signals `expected_from` and train anew"
        bounded = [bound.signal for bound in self.card.bounds]
        if not set(bounded) <= set(self.targets) or len(set(bounded)) < len(bounded):
            return f"bounds must be of signals of which something is expected, each once, but are of {bounded}"
        if any((bound.high is None) == (bound.low is None) for bound in self.card.bounds):
            return "a bound is either high or low"
        return None

    def _bounds(self) -> Bounds:
        """Limits of the tracks: the card's levels for signals; where it names none, 50 from above for the index.

        The index at its limit is unlike healthy machines, long before most failures; a known limit says more.
        """
        limit, high = np.full(len(self.tracks), np.nan), np.ones(len(self.tracks), bool)
        limit[0], high[0] = np.nan if self.card.bounds else LIMIT, False
        for bound in self.card.bounds:
            at = self.tracks.index(bound.signal)
            high[at] = bound.high is not None
            limit[at] = bound.high if bound.high is not None else bound.low
        absolute = np.ones(len(self.tracks), bool)
        absolute[0] = False
        return Bounds(limit, high, absolute)

    def scores(self, rows: np.ndarray) -> Scored:
        """What float32 feature rows [rows, features] say of the health of their machines."""
        targets, inputs = len(self.targets), len(self.inputs)
        if not len(rows):
            return _none(targets, inputs)
        outputs = self._graph.run(without_fleet(self.spec, rows))
        index, t2, spe, parts, over, known, own = (part.astype(np.float64) for part in outputs)
        missing = known < 0.5
        enough = 1.0 - missing.mean(axis=1) >= LEAST_COMPLETE
        total = parts.sum(axis=1, keepdims=True)
        shares = np.divide(parts, total, out=np.zeros_like(parts), where=total > 0.0)
        return Scored(
            index=np.where(enough, np.round(index[:, 0], INDEX_DECIMALS), np.nan),
            t2=np.round(t2[:, 0], SHARE_DECIMALS),
            spe=np.round(spe[:, 0], SHARE_DECIMALS),
            shares=np.round(shares, SHARE_DECIMALS),
            over=np.round(over, OVER_DECIMALS),
            missing=missing,
            own=own > 0.5,
        )

    def drivers(self, scored: Scored, at: int) -> tuple[Contribution, ...]:
        """The DRIVERS signals with the largest shares in a row's distance, of those that are known."""
        known = np.flatnonzero(~np.isnan(scored.over[at]) & (scored.shares[at] > 0.0)).tolist()
        largest = sorted(known, key=lambda target: (-scored.shares[at, target], self.targets[target]))[:DRIVERS]
        return tuple(
            Contribution(
                signal=self.targets[target],
                share=float(scored.shares[at, target]),
                over=float(scored.over[at, target]),
            )
            for target in largest
        )

    def missing(self, scored: Scored, at: int) -> tuple[str, ...]:
        """Inputs of a row that are not known: they count nothing."""
        return tuple(name for name, gone in zip(self.inputs, scored.missing[at].tolist(), strict=True) if gone)

    def hours(self, rows: np.ndarray, scored: Scored, since_us: np.ndarray, hour: np.ndarray) -> Hours:
        """An hour of each asset for `trend.push`: the index and residuals, and the levels that are expected."""
        residuals = rows[:, self._over].astype(np.float64)
        expected = rows[:, self._level] - residuals
        nothing = np.full((len(rows), 1), np.nan)
        return Hours(
            since_us,
            hour,
            rows[:, self.spec.running].astype(np.float64),
            np.concatenate([scored.index[:, None], residuals], axis=1),
            np.concatenate([nothing, expected], axis=1),
        )


def _none(targets: int, inputs: int) -> Scored:
    none, by_target = np.empty(0), np.empty((0, targets))
    missing, own = np.empty((0, inputs), bool), np.empty((0, targets), bool)
    return Scored(index=none, t2=none, spe=none, shares=by_target, over=by_target, missing=missing, own=own)


def without_fleet(spec: Spec, rows: np.ndarray) -> np.ndarray:
    """Rows in which a change from a fleet's usual is none: a health model has spreads of its own for strangers."""
    if not spec.groups.fleet:
        return rows
    changes = np.array([spec.column(f"{target}.change_24h") for target in spec.targets])
    out = rows.copy()
    out[:, changes] = np.where(rows[:, spec.own] > 0.5, rows[:, changes], np.float32(np.nan))
    return out


def baseline(scored: Scored, at: int) -> Whose:
    """Whose healthy time a row is held against."""
    own = scored.own[at]
    return Whose.OWN if own.all() else Whose.BOTH if own.any() else Whose.FLEET


def completeness(scored: Scored, at: int) -> float:
    """Share of a row's inputs that are known."""
    return 1.0 - float(scored.missing[at].mean())


def founded(model: HealthModel, scored: Scored, at: int) -> Confidence:
    """How well what a model says of a row is founded: low where it stands in."""
    return Confidence.LOW if model.stands_in else confidence(scored, at)


def confidence(scored: Scored, at: int) -> Confidence:
    """How founded a row's index is: low against the fleet alone, high against its own usual with nothing missing."""
    if not scored.own[at].any():
        return Confidence.LOW
    return Confidence.HIGH if scored.own[at].all() and not scored.missing[at].any() else Confidence.MEDIUM


def watch(
    switches: Switches, since_us: np.ndarray, index: np.ndarray, edges: tuple[float, float] = (OPEN, CLEAR)
) -> tuple[Switches, np.ndarray]:
    """Take one hour of each asset into its switch: on once the index is under the first edge, a Turn of each.

    Off once it is above the second.
    """
    return step(switches, since_us, index < edges[0], index > edges[1], AFTER)
