"""Where the signals of an asset type stand in its arrays: the one order that live, driver and training share."""

from __future__ import annotations

import numpy as np

from models.operating import NO_LIMIT_MIN, Rule
from models.plant import AssetType, Sampling, seconds
from models.records import OperatingState

MINUTE_S = 60


class Layout:
    """Numeric signals of a type are columns, in the order of the plant file; the others are fields of objects.

    A state tag that says how the machine operates has a column of its own after them, of state codes. `lowest`,
    `highest` and `reference` are per numeric signal or column: the sensor's range, and its middle, which squares are
    about.
    """

    def __init__(self, name: str, asset_type: AssetType) -> None:
        kinds = {signal: spec.kind.python_type for signal, spec in asset_type.signals.items()}
        self.name = name
        self.numeric = tuple(signal for signal, kind in kinds.items() if kind is float)
        self.numeric_index = {signal: at for at, signal in enumerate(self.numeric)}
        self.objects = {signal: kind for signal, kind in kinds.items() if kind is not float}
        ranges = [asset_type.signals[signal].range for signal in self.numeric]
        self.lowest = np.array([r[0] if r else -np.inf for r in ranges])
        self.highest = np.array([r[1] if r else np.inf for r in ranges])
        self.state_codes = _state_codes(asset_type)
        self.state_tag = asset_type.operating.signal if asset_type.operating and self.state_codes else None
        self.column_names = (*self.numeric, *((self.state_tag,) if self.state_tag else ()))
        self.columns = len(self.column_names)
        self.reference = np.zeros(self.columns)
        self.reference[: len(self.numeric)] = [(r[0] + r[1]) / 2 if r else 0.0 for r in ranges]
        self.asset_type = asset_type
        self.rule = _rule(self)


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
    if told is None:
        return Rule(silence_min=hearing_min, hearing_min=hearing_min, stuck_after_min=stuck_after, max_step=max_step)
    column = len(layout.numeric) if layout.state_codes else layout.numeric_index[told.signal]
    return Rule(
        column=column,
        is_code=bool(layout.state_codes),
        running_above=told.running_above or 0.0,
        off_below=told.off_below or 0.0,
        hysteresis=told.hysteresis,
        settle_min=minutes(told.settle),
        silence_min=minutes(signals[told.signal].max_silence),
        hearing_min=hearing_min,
        stuck_after_min=stuck_after,
        max_step=max_step,
    )


def minutes(duration: str) -> int:
    """Whole minutes of a duration, rounded up: bins are a minute long."""
    return -(-seconds(duration) // MINUTE_S)
