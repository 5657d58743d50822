"""The hazard rung: feature rows to chances of failure within each horizon, and which signals drive them."""

from __future__ import annotations

import copy
import hashlib
import math

import msgspec
import numpy as np
from msgspec import UNSET, Struct, UnsetType

from models import acceptance
from models.failure.interval import Levels, remaining
from models.failure.similar import Past, nearest
from models.failure.similar import load as load_cases
from models.features import Expected, Groups, Spec
from models.inference import ModelError, Predictor
from models.passed import Passed, Refit, Served
from models.records import HORIZONS_H, WARNING_HORIZON_H, Confidence, Driver, ModeShare, Remaining, Similar, Whose

WARNING = HORIZONS_H.index(WARNING_HORIZON_H)
DRIVERS = 3
HOURS_A_DAY = 24.0
TREND_DECIMALS = 4
DECIMALS = 6
"""Chances travel with this many decimals; rounding keeps their order."""
ENOUGH_FAILURES = 20
"""Independent real failures from which on a chance is shown as one. Whoever warned of all of 20 warns, by the exact
one-sided 95 % limit (Clopper and Pearson 1934, Biometrika 26, 404-413), of 0.05 ** (1 / 20) = 0.86 at least."""
LEAST_SHARE = 0.1
"""Failure modes with a smaller share in a failure are not told: our choice, so that few are."""
SHARE_DECIMALS = 2
SOME_FAILURES = 5
"""From here on a model is better founded than a guess: all of 5 are, by the same limit, 0.55 at least."""


class Card(Struct, frozen=True, kw_only=True):
    """What a model is, where it comes from and how it did: the JSON beside the ONNX file.

    `failures` are the independent real failures that it learned from; simulated ones do not count. `modes` names the
    columns of the graph's second output, where it has one; `interval` is how time to failure is told, where it is;
    `cases_sha256` is of the file of past cases, empty where there is none. `gate` is what the export gate found, a
    function of the model; `served` is measured where the file is exported, on that machine.
    `refit` says what leaves were refitted from, where they were.
    """

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
    horizons_h: tuple[int, ...]
    warning_limit: float
    basis: str
    failures: int = 0
    trained_on: str
    command: str
    seeds: dict[str, tuple[int, ...]]
    parity: dict[str, float]
    scores: dict[str, float]
    modes: tuple[str, ...] = ()
    interval: Levels | None = None
    cases_sha256: str = ""
    gate: Passed | UnsetType = UNSET
    served: Served | UnsetType = UNSET
    refit: Refit | UnsetType = UNSET

    @property
    def version(self) -> str:
        """Name and the beginning of the file's hash, as forecasts carry it."""
        return f"{self.name}@{self.sha256[:12]}"


def read_card(card: bytes) -> Card:
    """A card from its file's bytes. Raises ModelError."""
    try:
        return msgspec.json.decode(card, type=Card)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise ModelError(f"the card is not a model card: {wrong}") from wrong


def card_json(card: Struct) -> bytes:
    """The card as the file beside the ONNX file, for people to read too."""
    return msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n"


def says_chance(card: Card) -> bool:
    """Whether a chance may be shown as one; else it is shown with what it was learned from, or not at all."""
    return card.failures >= ENOUGH_FAILURES


def confidence_of(card: Card) -> Confidence:
    """How well its chances are founded, by the number of real failures that it learned from."""
    if says_chance(card):
        return Confidence.HIGH
    return Confidence.MEDIUM if card.failures >= SOME_FAILURES else Confidence.LOW


_LOWER = {Confidence.HIGH: Confidence.MEDIUM, Confidence.MEDIUM: Confidence.LOW, Confidence.LOW: Confidence.LOW}


def founded(hazard: Hazard, baseline: Whose) -> Confidence:
    """How well a forecast is founded: a step lower where signals that it compares have no usual of their own."""
    sure = Confidence.LOW if hazard.stands_in else confidence_of(hazard.card)
    return sure if baseline is Whose.OWN or not hazard.spec.expected else _LOWER[sure]


class Hazard:
    """A loaded hazard model. Raises ModelError where file, card and this program disagree."""

    stands_in = False
    """Whether it speaks in the place of a release that cannot be loaded."""

    def __init__(self, onnx: bytes, card: Card, cases: bytes = b"") -> None:
        self.card = card
        self.spec = Spec.of_card(card)
        check(card.name, self.spec, _wrong(card))
        agree_on_file(onnx, card)
        agree("the feature list's sha256", self.spec.sha256, card.features_sha256)
        agree("the horizons", HORIZONS_H, card.horizons_h)
        self._of_signal = [self.spec.columns_of(signal) for signal in self.spec.signals]
        self._trend = {
            one.target: (
                self.spec.column(f"{one.target}.change_24h"),
                self.spec.column(f"{one.target}.slope_72h_per_h"),
            )
            for one in self.spec.expected
        }
        self._predictor = Predictor(onnx)
        agree("the number of features", self._predictor.features, len(self.spec.names))
        agree("the number of chances", self._predictor.outputs, len(HORIZONS_H))
        agree("the number of failure modes", self._predictor.modes, len(card.modes))
        self._past = _past(card, self.spec, cases)
        self.vectors = acceptance.check(self._predictor)

    @classmethod
    def load(cls, onnx: bytes, card: bytes, cases: bytes = b"") -> Hazard:
        """From the bytes of its two files, and of that of past cases where it has one."""
        return cls(onnx, read_card(card), cases)

    def standing_in(self) -> Hazard:
        """The same in the place of another, with low confidence."""
        other = copy.copy(self)
        other.stands_in = True
        return other

    def chances(self, rows: np.ndarray) -> np.ndarray:
        """Chances, float64 [rows, horizons] with DECIMALS decimals, of float32 feature rows."""
        return self.run(rows)[0]

    def run(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chances, and shares of the card's modes in a failure within the last horizon, float64 [rows, modes]."""
        if not len(rows):
            return np.empty((0, len(HORIZONS_H))), np.empty((0, len(self.card.modes)))
        chances, shares = (each.astype(np.float64) for each in self._predictor.both(rows))
        return np.round(chances, DECIMALS), np.round(shares, SHARE_DECIMALS)

    def likely(self, shares: np.ndarray) -> tuple[ModeShare, ...]:
        """The modes that have LEAST_SHARE or more of a row's shares [modes], the largest first, then by name."""
        told = zip(self.card.modes, shares.tolist(), strict=True)
        found = [ModeShare(mode=mode, share=share) for mode, share in told if share >= LEAST_SHARE]
        return tuple(sorted(found, key=lambda one: (-one.share, one.mode)))

    def remaining(self, chances: np.ndarray) -> list[Remaining | None]:
        """Time to failure of rows with chances [rows, horizons]; None where the card says nothing of it, or too low."""
        levels = self.card.interval
        return remaining(levels, chances) if levels else [None] * len(chances)

    @property
    def past_cases(self) -> int:
        """How many past cases it has."""
        return len(self._past.cases) if self._past else 0

    def similar(self, row: bytes) -> tuple[Similar, ...]:
        """Past cases that a float32 feature row is like; none where the model has none, or the row is empty."""
        return nearest(self._past, np.frombuffer(row, np.float32)) if self._past and row else ()

    def variants(self, rows: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """Each row once per signal, that signal's features as usual for its asset: float32 [rows, signals, features].

        `normal` has the usual features of each row's asset.
        """
        out = np.repeat(rows[:, None], len(self.spec.signals), axis=1)
        for at, columns in enumerate(self._of_signal):
            out[:, at, columns] = normal[:, columns]
        return out

    def drivers(self, row: np.ndarray, chance: float, variants: np.ndarray) -> tuple[Driver, ...]:
        """The DRIVERS signals whose usual values would lower the 72 h chance most; `variants` [signals] are theirs."""
        drops = [
            (round(chance - other, DECIMALS), signal)
            for signal, other in zip(self.spec.signals, variants.tolist(), strict=True)
            if other < chance
        ]
        largest = sorted((drop for drop in drops if drop[0] > 0), key=lambda drop: (-drop[0], drop[1]))[:DRIVERS]
        return tuple(self._driver(row, signal, drop) for drop, signal in largest)

    def _driver(self, row: np.ndarray, signal: str, drop: float) -> Driver:
        if signal not in self._trend:
            return Driver(signal=signal, drop=drop)
        change, slope_per_h = (float(row[column]) for column in self._trend[signal])
        return Driver(signal=signal, drop=drop, change=_told(change, 1.0), per_day=_told(slope_per_h, HOURS_A_DAY))


def _past(card: Card, spec: Spec, cases: bytes) -> Past | None:
    if not card.cases_sha256:
        return None
    if not cases:
        raise ModelError(f"{card.name}.cases.json is not beside the model, but its card names it: copy it there too")
    agree("the sha256 of NAME.cases.json", hashlib.sha256(cases).hexdigest(), card.cases_sha256)
    return load_cases(cases, spec)


def _told(value: float, times: float) -> float | None:
    return None if math.isnan(value) else round(value * times, TREND_DECIMALS)


def _wrong(card: Card) -> str | None:
    """What is wrong with a card beside its feature list."""
    if card.failures < 0:
        return f"failures must not be under 0, but are {card.failures}"
    if not 0.0 < card.warning_limit < 1.0:
        return f"the warning limit must lie between 0 and 1, but is {card.warning_limit}"
    if len(set(card.modes)) < len(card.modes) or "" in card.modes:
        return f"failure modes must have names, each its own, but are {list(card.modes)}"
    return card.interval.wrong if card.interval else None


def check(name: str, spec: Spec, otherwise: str | None = None) -> None:
    """Raise ModelError where the feature list of a card contradicts itself, or with what is wrong `otherwise`."""
    names, targets = (*spec.inputs, *spec.groups.components), list(spec.targets)
    wrong = otherwise or spec.groups.wrong(spec.targets, spec.shares)
    if not spec.signals or len(set(names)) < len(names):
        wrong = f"signals and what else is told must be some, each once, but are {list(names)}"
    elif len(set(targets)) < len(targets):
        wrong = f"what is expected must be told once a signal, but is of {targets}"
    for one in spec.expected:
        terms = [signal for signal, _ in one.terms]
        if not {one.target, *terms} <= set(spec.signals) or len(set(terms)) < len(terms) or one.target in terms:
            wrong = (
                wrong
                or f"what is expected of '{one.target}' rests on {terms}: name other signals of the card, each once"
            )
    if wrong:
        raise ModelError(f"the card of '{name}' is wrong: {wrong}")


def agree_on_file(onnx: bytes, card: Card) -> None:
    """Raise ModelError where a card is of another file."""
    agree("the file's sha256", hashlib.sha256(onnx).hexdigest(), card.sha256)


def agree(what: str, found: object, wanted: object) -> None:
    """Raise ModelError where what was found is not what a card says."""
    if found != wanted:
        raise ModelError(f"{what} is {found}, but the card says {wanted}: train or export the model anew")
