"""What signals and rules of an asset type must be beyond their shape."""

from __future__ import annotations

import math

from models.figures.card import KINDS
from models.plant.assets import AssetType
from models.plant.durations import check_duration
from models.plant.errors import PlantError
from models.plant.signals import LEVELS, Operating, Sampling, Signal, SignalKind
from models.records import OperatingState
from models.release import Kind


def check_type(where: str, asset_type: AssetType) -> None:
    """Raise PlantError for the first thing that is wrong in a type's signals and rules."""
    for name, signal in asset_type.signals.items():
        _check_signal(f"{where}.signals.{name}", signal, asset_type)
    if asset_type.operating is not None:
        _check_operating(f"{where}.operating", asset_type.operating, asset_type)
    check_duration(f"{where}.deadman", asset_type.deadman, least_s=1)
    _check_components(f"{where}.components", asset_type)
    _check_product(f"{where}.product", asset_type)
    _check_models(f"{where}.models", asset_type)


def _check_models(where: str, asset_type: AssetType) -> None:
    for kind, name in asset_type.models.items():
        if kind not in KINDS:
            key = "model" if kind is Kind.FAILURE else "health"
            raise PlantError(f"{where}.{kind}: name it as {key} = '{name}' of the type itself")
    names = [name for name in (asset_type.model, asset_type.health, *asset_type.models.values()) if name]
    if len(set(names)) < len(names):
        raise PlantError(f"{where}: a name is of one model, but the type has {names}: give each kind its own")


def _check_signal(where: str, signal: Signal, asset_type: AssetType) -> None:
    if signal.range and not -math.inf < signal.range[0] < signal.range[1] < math.inf:
        raise PlantError(f"{where}.range must rise and end, but is {list(signal.range)}")
    is_number = signal.kind.python_type is float
    _check_alarms(where, signal)
    for name in ("range", "stuck_after", "max_step", "expected_from"):
        if getattr(signal, name) and not is_number:
            raise PlantError(f"{where} has {name}, but a {signal.kind} has none")
    if signal.max_step is not None and not 0 < signal.max_step < math.inf:
        raise PlantError(f"{where}.max_step must be over 0, but is {signal.max_step:g}")
    if signal.stuck_after and signal.sampling is not Sampling.PERIODIC:
        raise PlantError(f"{where} is sent {signal.sampling}, so that silence is no fault: take stuck_after out")
    for name in ("max_silence", "stuck_after"):
        check_duration(f"{where}.{name}", getattr(signal, name), least_s=1)
    _check_stepped(where, signal)
    _check_roll_over(where, signal)
    _check_declared(where, signal)
    _check_expected(where, signal, asset_type)


def _check_stepped(where: str, signal: Signal) -> None:
    if signal.stepped_said is None:
        return
    if signal.sampling is Sampling.PERIODIC:
        raise PlantError(f"{where}.stepped is of on-change and compressed signals: take it out, or give sampling")
    if not signal.stepped and signal.kind.python_type is not float:
        raise PlantError(f"{where}.stepped is false, but between two words of a {signal.kind} is no line: take it out")


def _check_roll_over(where: str, signal: Signal) -> None:
    full = signal.rolls_over_at
    if full is None:
        return
    if signal.kind is not SignalKind.COUNTER:
        raise PlantError(f"{where} has rolls_over_at, but a {signal.kind} has none")
    if not 0 < full < math.inf:
        raise PlantError(f"{where}.rolls_over_at must be over 0, but is {full:g}")
    if signal.range and not (signal.range[0] >= 0 and signal.range[1] <= full):
        raise PlantError(f"{where}.range must lie in 0 to {full:g}, where the counter begins anew: see rolls_over_at")


def _check_declared(where: str, signal: Signal) -> None:
    if signal.words and signal.kind is not SignalKind.STATE:
        raise PlantError(f"{where} has words, but a {signal.kind} has none")
    if len(set(signal.words)) < len(signal.words):
        raise PlantError(f"{where}.words has a word twice: take one out")


def _check_alarms(where: str, signal: Signal) -> None:
    if not signal.alarms:
        return
    if signal.kind not in (SignalKind.STATE, SignalKind.EVENT):
        raise PlantError(f"{where} has alarms, but a {signal.kind} says no words: take them out")
    if signal.kind is SignalKind.STATE and signal.sampling is Sampling.PERIODIC:
        raise PlantError(
            f"{where}.alarms: a word that is sent periodically comes again and again: give sampling = 'on-change', or "
            "take alarms out"
        )
    if len(set(signal.alarms)) < len(signal.alarms):
        raise PlantError(f"{where}.alarms has a word twice: take one out")
    if signal.words and (unknown := [word for word in signal.alarms if word not in signal.words]):
        raise PlantError(f"{where}.alarms: '{unknown[0]}' is none of its words, {list(signal.words)}")


def _check_components(where: str, asset_type: AssetType) -> None:
    """A word names one component; none has the name of a signal, since features are named by both."""
    seen: dict[str, str] = {}
    for name, words in asset_type.components.items():
        if name in asset_type.signals:
            raise PlantError(f"{where}.{name} is the name of a signal: give the component another")
        for word in dict.fromkeys((name, *words)):
            if word in seen:
                raise PlantError(f"{where}.{name}: '{word}' names '{seen[word]}' already: give it to one of them")
            seen[word] = name


def _check_product(where: str, asset_type: AssetType) -> None:
    if asset_type.product is None:
        return
    signal = asset_type.signals.get(asset_type.product)
    if signal is None or not signal.words:
        states = [name for name, each in asset_type.signals.items() if each.words]
        raise PlantError(f"{where} is '{asset_type.product}': name a state that declares its words, of {states}")


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


def _check_operating(where: str, rule: Operating, asset_type: AssetType) -> None:
    check_duration(f"{where}.settle", rule.settle)
    if rule.signal not in asset_type.signals:
        raise PlantError(f"{where}.signal is '{rule.signal}', but signals are {sorted(asset_type.signals)}")
    signal = asset_type.signals[rule.signal]
    if signal.kind.python_type is float:
        _check_thresholds(where, rule)
    else:
        _check_words(where, rule, signal)


def _check_words(where: str, rule: Operating, signal: Signal) -> None:
    kind = signal.kind.python_type
    words = [word for of in rule.states.values() for word in of]
    if not rule.states.get(OperatingState.RUNNING):
        raise PlantError(f"{where}: '{rule.signal}' has words: say what they mean in states, as running = ['RUN']")
    if wrong := [word for word in words if type(word) is not kind]:
        raise PlantError(f"{where}.states: {wrong[0]!r} is no {kind.__name__}, which '{rule.signal}' is")
    if twice := [word for word in words if words.count(word) > 1]:
        raise PlantError(f"{where}.states: {twice[0]!r} stands in more than one place")
    if signal.words and (unknown := [word for word in words if word not in signal.words]):
        raise PlantError(f"{where}.states: {unknown[0]!r} is no word of '{rule.signal}', which says {signal.words}")
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
