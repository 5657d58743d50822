"""The plant as its engineers describe it: asset types with signals, and the assets of each type.

Parsed from the text of a TOML file, which somebody else opens. Everything is checked here, once.
"""

from __future__ import annotations

import math
import re
import tomllib
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from models.plant.lines import line_of
from models.plant.tags import Tag, TagError, Tags
from models.records import Name, OperatingState

_DURATION = re.compile(r"(\d+)\s*(s|min|h|d)")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
LONGEST_S = 3650 * 86_400
"""Ten years: whatever is longer is a slip of the pen."""


class PlantError(ValueError):
    """The plant file is wrong; the message says where and how."""


class SignalKind(StrEnum):
    """What a signal's values mean."""

    GAUGE = "gauge"
    COUNTER = "counter"
    SETPOINT = "setpoint"
    STATE = "state"
    BOOLEAN = "boolean"
    TEXT = "text"
    EVENT = "event"

    @property
    def python_type(self) -> type:
        """The type of its samples: float, bool or str."""
        if self in (SignalKind.GAUGE, SignalKind.COUNTER, SignalKind.SETPOINT):
            return float
        return bool if self is SignalKind.BOOLEAN else str


LEVELS = (SignalKind.GAUGE, SignalKind.SETPOINT)
"""Kinds whose value is a level: a mean of it says something."""


class Sampling(StrEnum):
    """When a new value arrives."""

    PERIODIC = "periodic"
    ON_CHANGE = "on-change"


class Signal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signal of an asset type. `range` is what its sensor can say; outside of it a sample is not stored.

    Nothing is known of it after `max_silence`. `stuck_after` is the running time without the smallest change after
    which a sensor is held to be stuck; `max_step` the largest credible change from one minute with samples to the next
    while running. What breaks either is stored, but no feature is made of it. `expected_from` names the signals that
    say what this one should read, for whoever trains a model of the type.
    """

    kind: SignalKind
    unit: str = ""
    sampling: Sampling = Sampling.PERIODIC
    max_silence: str = "10min"
    range: tuple[float, float] | None = None
    stuck_after: str | None = None
    max_step: float | None = None
    expected_from: tuple[Name, ...] = ()

    @property
    def max_silence_s(self) -> int:
        """Seconds after which no value means no knowledge."""
        return seconds(self.max_silence)


class Operating(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to tell what a machine is doing: a numeric signal against thresholds, or the words of a state tag.

    At `running_above` and over it runs, at `off_below` and under it is off, between the two it idles; a state is left
    only `hysteresis` beyond its threshold. A word that `states` does not have means unknown. `settle` is the time after
    a start that windows leave out.
    """

    signal: Name
    running_above: float | None = None
    off_below: float | None = None
    hysteresis: float = 0.0
    states: dict[OperatingState, tuple[str | bool, ...]] = {}
    settle: str = "0s"


class AssetType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Machines that are alike: the same signals in the same order, the same model.

    Without a rule of operation a machine counts as running whenever it says a number.
    """

    signals: dict[Name, Signal]
    model: str | None = None
    operating: Operating | None = None


class Asset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One machine."""

    type: Name
    description: str = ""


class Plant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plant: its name, asset types by name, assets by name, and what addresses of its feeds mean."""

    plant: Name
    types: dict[Name, AssetType]
    assets: dict[Name, Asset]
    tags: tuple[Tag, ...] = ()

    def type_of(self, asset: str) -> str | None:
        """Name of the asset's type, None for an asset that is not of this plant."""
        known = self.assets.get(asset)
        return known.type if known else None


def seconds(duration: str) -> int:
    """Seconds of a duration such as `90s`, `5min`, `2h`, `1d`; raises PlantError on anything else."""
    found = _DURATION.fullmatch(duration.strip())
    if not found:
        raise PlantError(f"'{duration}' is no duration: write a whole number and s, min, h or d, such as 5min")
    told_s = int(found[1]) * _SECONDS[found[2]]
    if told_s > LONGEST_S:
        raise PlantError(f"'{duration}' is longer than {LONGEST_S // 86_400} days")
    return told_s


def parse(text: str) -> Plant:
    """The plant in a TOML text; raises PlantError naming the line, the place and the mend."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise PlantError(f"the plant file is not TOML: {wrong}") from wrong
    try:
        return _checked(content)
    except PlantError as wrong:
        line = line_of(text, str(wrong))
        if line is None:
            raise
        raise PlantError(f"line {line}: {wrong}") from wrong


def _checked(content: dict[str, Any]) -> Plant:
    try:
        plant = msgspec.convert(_with_times(content), Plant)
    except msgspec.ValidationError as wrong:
        raise PlantError(_place(str(wrong))) from wrong
    for name, asset in plant.assets.items():
        if asset.type not in plant.types:
            raise PlantError(f"assets.{name}.type is '{asset.type}', but types are {sorted(plant.types)}")
    for kind, asset_type in plant.types.items():
        _check_signals(kind, asset_type)
    _check_tags(plant)
    return plant


def _place(wrong: str) -> str:
    """msgspec's message with its place first, where it names one: it leaves out the names of types and assets."""
    what, at, path = wrong.partition(" - at `$.")
    exact = at and "..." not in path
    return f"{path.rstrip('`')}: {what}" if exact else f"the plant file does not fit: {wrong}"


def _with_times(text: dict[str, Any]) -> dict[str, Any]:
    """`valid_from` and `valid_to` of tags as microseconds; raises PlantError for a time without a zone."""
    tags = text.get("tags", [])
    for number, tag in enumerate(tags if isinstance(tags, list) else []):
        for said, meant in (("valid_from", "from_us"), ("valid_to", "to_us")):
            if isinstance(tag, dict) and said in tag:
                when = tag.pop(said)
                if getattr(when, "tzinfo", None) is None:
                    raise PlantError(
                        f"tags[{number}].{said} is {when}: write a time with its zone, as 2026-01-31T06:00:00Z"
                    )
                tag[meant] = round(when.timestamp() * 1_000_000)
    return text


def _check_tags(plant: Plant) -> None:
    for number, tag in enumerate(plant.tags):
        kind = plant.type_of(tag.asset)
        if kind is None:
            raise PlantError(f"tags[{number}]: asset '{tag.asset}' is not in the plant")
        if tag.signal not in plant.types[kind].signals:
            raise PlantError(f"tags[{number}]: '{tag.signal}' is no signal of type '{kind}'")
        if (tag.scale, tag.offset) != (1, 0) and plant.types[kind].signals[tag.signal].kind.python_type is not float:
            raise PlantError(f"tags[{number}]: '{tag.signal}' is no number: leave out scale and offset")
    try:
        Tags(plant.tags)
    except TagError as wrong:
        raise PlantError(str(wrong)) from wrong


def _check_signals(kind: str, asset_type: AssetType) -> None:
    for name, signal in asset_type.signals.items():
        _check_signal(f"types.{kind}.signals.{name}", signal, asset_type)
    if asset_type.operating is not None:
        _check_operating(f"types.{kind}.operating", asset_type.operating, asset_type)


def _check_signal(where: str, signal: Signal, asset_type: AssetType) -> None:
    if signal.range and not -math.inf < signal.range[0] < signal.range[1] < math.inf:
        raise PlantError(f"{where}.range must rise and end, but is {list(signal.range)}")
    is_number = signal.kind.python_type is float
    for name in ("range", "stuck_after", "max_step", "expected_from"):
        if getattr(signal, name) and not is_number:
            raise PlantError(f"{where} has {name}, but a {signal.kind} has none")
    if signal.max_step is not None and not 0 < signal.max_step < math.inf:
        raise PlantError(f"{where}.max_step must be over 0, but is {signal.max_step:g}")
    if signal.stuck_after and signal.sampling is Sampling.ON_CHANGE:
        raise PlantError(f"{where} is sent on change, so that silence is no fault: take stuck_after out")
    for name in ("max_silence", "stuck_after"):
        _check_duration(f"{where}.{name}", getattr(signal, name), least_s=1)
    _check_expected(where, signal, asset_type)


def _check_expected(where: str, signal: Signal, asset_type: AssetType) -> None:
    """What is expected of a signal rests on levels that are sent periodically, each named once, itself not among."""
    names = signal.expected_from
    for other in names:
        spec = asset_type.signals.get(other)
        if spec is None or spec.kind not in LEVELS or spec.sampling is not Sampling.PERIODIC:
            raise PlantError(
                f"{where}.expected_from names '{other}', which is no periodic gauge or setpoint of the type"
            )
        if names.count(other) > 1 or asset_type.signals[other] is signal:
            raise PlantError(f"{where}.expected_from names '{other}' twice, or the signal itself")
    if names and (signal.kind not in LEVELS or signal.sampling is not Sampling.PERIODIC):
        raise PlantError(f"{where} has expected_from, but is no periodic gauge or setpoint")


def _check_duration(where: str, duration: str | None, least_s: int = 0) -> None:
    if duration is None:
        return
    try:
        told_s = seconds(duration)
    except PlantError as wrong:
        raise PlantError(f"{where}: {wrong}") from wrong
    if told_s < least_s:
        raise PlantError(f"{where} is {duration}: give at least {least_s}s, or leave it out")


def _check_operating(where: str, rule: Operating, asset_type: AssetType) -> None:
    _check_duration(f"{where}.settle", rule.settle)
    if rule.signal not in asset_type.signals:
        raise PlantError(f"{where}.signal is '{rule.signal}', but signals are {sorted(asset_type.signals)}")
    kind = asset_type.signals[rule.signal].kind.python_type
    if kind is float:
        _check_thresholds(where, rule)
    else:
        _check_words(where, rule, kind)


def _check_words(where: str, rule: Operating, kind: type) -> None:
    words = [word for of in rule.states.values() for word in of]
    if not rule.states.get(OperatingState.RUNNING):
        raise PlantError(f"{where}: '{rule.signal}' has words: say what they mean in states, as running = ['RUN']")
    if wrong := [word for word in words if type(word) is not kind]:
        raise PlantError(f"{where}.states: {wrong[0]!r} is no {kind.__name__}, which '{rule.signal}' is")
    if twice := [word for word in words if words.count(word) > 1]:
        raise PlantError(f"{where}.states: {twice[0]!r} stands in more than one place")
    if rule.running_above is not None or rule.off_below is not None or rule.hysteresis:
        raise PlantError(
            f"{where}: '{rule.signal}' has words, so thresholds and hysteresis mean nothing: take them out"
        )


def _check_thresholds(where: str, rule: Operating) -> None:
    if rule.running_above is None or rule.off_below is None or rule.states:
        raise PlantError(f"{where}: '{rule.signal}' is a number: give running_above and off_below, and no states")
    numbers = (rule.running_above, rule.off_below, rule.hysteresis)
    if not all(map(math.isfinite, numbers)) or rule.hysteresis < 0:
        raise PlantError(f"{where}: thresholds must be numbers and the hysteresis not under 0, but are {numbers}")
    if not rule.off_below + rule.hysteresis < rule.running_above - rule.hysteresis:
        raise PlantError(
            f"{where}: running_above {rule.running_above} and off_below {rule.off_below} must lie more than "
            f"two hystereses of {rule.hysteresis} apart"
        )
