"""Where the signals of an asset type stand in its arrays: the one order that live, driver and training share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from models.bins import Held
from models.operating import NO_LIMIT_MIN, UNKNOWN, Rule
from models.plant.assets import AssetType
from models.plant.durations import seconds
from models.plant.signals import Sampling, SignalKind
from models.records import OperatingState

MINUTE_S = 60


class Told(NamedTuple):
    """What the words of a signal put into which columns; `otherwise` is for a word that is not among them.

    Of those that are `sparse` some words put nothing into some columns: NaN.
    """

    columns: tuple[int, ...]
    values: dict[str | bool, tuple[float, ...]]
    otherwise: tuple[float, ...]
    sparse: bool = False

    def of(self, word: str | bool) -> tuple[float, ...]:
        """A value for each column."""
        return self.values.get(word, self.otherwise)

    def samples(self, words: Sequence[str | bool]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What words put into columns, in their order: which of the words, column, value."""
        width = len(self.columns)
        which, column = np.repeat(np.arange(len(words)), width), np.tile(np.array(self.columns, np.int64), len(words))
        value = np.array([each for word in words for each in self.of(word)], np.float64)
        if not self.sparse:
            return which, column, value
        said = ~np.isnan(value)
        return which[said], column[said], value[said]


class Layout:
    """Numeric signals of a type are columns, in the order of the plant file; the others are fields of objects.

    After them comes what can be told of the others as numbers: a truth, and whether a state is at each of its declared
    words (1 or 0, held), and that an event, or an alarm, came (1). Last is the code of the state tag that says how the
    machine operates. `lowest`, `highest` and `reference` are per numeric signal or column: the sensor's range, and what
    squares are about: the middle of the range, or for a column in `about` what it says there, of squares taken before.
    `component_of` has the component that each mode of maintenance names.
    """

    def __init__(self, name: str, asset_type: AssetType, about: Mapping[str, float] | None = None) -> None:
        kinds = {signal: spec.kind.python_type for signal, spec in asset_type.signals.items()}
        self.name, self.asset_type = name, asset_type
        self.numeric = tuple(signal for signal, kind in kinds.items() if kind is float)
        self.numeric_index = {signal: at for at, signal in enumerate(self.numeric)}
        self.objects = {signal: kind for signal, kind in kinds.items() if kind is not float}
        ranges = [asset_type.signals[signal].range for signal in self.numeric]
        self.lowest = np.array([r[0] if r else -np.inf for r in ranges])
        self.highest = np.array([r[1] if r else np.inf for r in ranges])
        self.state_codes = _state_codes(asset_type)
        self.state_tag = asset_type.operating.signal if asset_type.operating and self.state_codes else None
        shares, events = shares_of(asset_type), _events_of(asset_type)
        state = ((OPERATING, self.state_tag),) if self.state_tag else ()
        after = (*shares, *events, *state)
        self.column_names = (*self.numeric, *(column for column, _ in after))
        self.column_index = {name: at for at, name in enumerate(self.column_names)}
        self.columns = len(self.column_names)
        self.told = {signal: _told(self, signal, [c for c, of in after if of == signal]) for _, signal in after}
        sampling = [asset_type.signals[name].sampling for name in self.numeric]
        stepped = [asset_type.signals[name].stepped for name in self.numeric]
        holds = [each is not Sampling.PERIODIC for each in sampling]
        rest = [column in dict(shares) for column, _ in after]
        self.held = Held(
            np.array([*holds, *rest], bool),
            np.array([*(h and not s for h, s in zip(holds, stepped, strict=True)), *(False for _ in rest)], bool),
        )
        self.held_places = np.flatnonzero(self.held.columns)
        self.reference = np.zeros(self.columns)
        self.reference[: len(self.numeric)] = [(r[0] + r[1]) / 2 if r else 0.0 for r in ranges]
        for column in (about or {}).keys() & self.column_index.keys():
            self.reference[self.column_index[column]] = (about or {})[column]
        self.rule = _rule(self)
        self.component_of = {word: name for name, of in asset_type.components.items() for word in (name, *of)}


OPERATING = "(operating)"
"""The column of state codes; no signal can be named so."""


def shares_of(asset_type: AssetType) -> tuple[tuple[str, str], ...]:
    """Columns that say for how much of a time something is so, with their signals: truths, and declared words."""
    out = []
    for name, spec in asset_type.signals.items():
        if spec.kind is SignalKind.BOOLEAN:
            out.append((name, name))
        out += [(f"{name}={word}", name) for word in spec.words]
    return tuple(out)


def events_of(asset_type: AssetType) -> tuple[str, ...]:
    """Columns of what comes and is over: each event, and each word of one, or of a state, that is an alarm."""
    return tuple(column for column, _ in _events_of(asset_type))


def _events_of(asset_type: AssetType) -> tuple[tuple[str, str], ...]:
    """Those columns with their signals."""
    out = []
    for name, spec in asset_type.signals.items():
        if spec.kind is SignalKind.EVENT:
            out.append((name, name))
        out += [(f"{name}:{word}", name) for word in spec.alarms]
    return tuple(out)


def _told(layout: Layout, signal: str, columns: list[str]) -> Told:
    places = tuple(layout.column_index[column] for column in columns)
    spec = layout.asset_type.signals[signal]
    words: tuple[str | bool, ...] = (True, False) if spec.kind is SignalKind.BOOLEAN else (*spec.words, *spec.alarms)
    alarms = {f"{signal}:{word}": word for word in spec.alarms}
    codes = layout.state_codes if OPERATING in columns else {}

    def value(column: str, word: str | bool | None) -> float:
        if column == OPERATING:
            return float(codes.get(word, UNKNOWN)) if word is not None else float(UNKNOWN)
        if column in alarms:
            return 1.0 if word == alarms[column] else np.nan
        if spec.kind is SignalKind.EVENT:
            return 1.0
        return float(word is True or (word is not None and column == f"{signal}={word}"))

    known = {word: tuple(value(column, word) for column in columns) for word in (*words, *codes)}
    return Told(places, known, tuple(value(column, None) for column in columns), bool(alarms))


def _state_codes(asset_type: AssetType) -> dict[str | bool, int]:
    """Code of each word of the state tag, its place in OperatingState; empty where a number tells the state."""
    rule = asset_type.operating
    if rule is None:
        return {}
    places = {state: code for code, state in enumerate(OperatingState)}
    return {word: places[state] for state, words in rule.states.items() for word in words}


def _rule(layout: Layout) -> Rule:
    signals = layout.asset_type.signals
    stuck_after, max_step = np.full(layout.columns, NO_LIMIT_MIN), np.full(layout.columns, np.inf)
    for at, name in enumerate(layout.numeric):
        spec = signals[name]
        if spec.stuck_after:
            stuck_after[at] = minutes(spec.stuck_after)
        if spec.max_step:
            max_step[at] = spec.max_step
    told = layout.asset_type.operating
    periodic = [spec.max_silence for spec in signals.values() if spec.sampling is Sampling.PERIODIC]
    hearing_min = max(map(minutes, periodic or [spec.max_silence for spec in signals.values()]), default=NO_LIMIT_MIN)
    sensors: dict[str, Any] = {
        "hearing_min": hearing_min,
        "stuck_after_min": stuck_after,
        "max_step": max_step,
        "held": layout.held,
        "holds_min": _holds_min(layout),
        "reference": layout.reference,
    }
    if told is None:
        return Rule(silence_min=hearing_min, **sensors)
    column = layout.column_index[OPERATING] if layout.state_codes else layout.numeric_index[told.signal]
    return Rule(
        column=column,
        is_code=bool(layout.state_codes),
        running_above=told.running_above or 0.0,
        off_below=told.off_below or 0.0,
        hysteresis=told.hysteresis,
        settle_min=minutes(told.settle),
        silence_min=minutes(signals[told.signal].max_silence),
        **sensors,
    )


def _holds_min(layout: Layout) -> np.ndarray:
    """Minutes for which a value of each column holds."""
    signals = layout.asset_type.signals
    of = {place: signal for signal, told in layout.told.items() for place in told.columns}
    names = [*layout.numeric, *(of[place] for place in range(len(layout.numeric), layout.columns))]
    return np.array([minutes(signals[name].max_silence) for name in names], np.int64)


def minutes(duration: str) -> int:
    """Whole minutes of a duration, rounded up: bins are a minute long."""
    return -(-seconds(duration) // MINUTE_S)
