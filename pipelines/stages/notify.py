"""What a step found out about its data, as notices: faults of sensors, silent assets, late spans. None of machines."""

from __future__ import annotations

import numpy as np

from models.bins import MINUTE_US
from models.operating import FAULTS, SOUND
from models.records import Notice, NoticeKind, notice
from pipelines import late
from pipelines.small import Fault, Turned
from pipelines.stages.order import Ordered
from pipelines.state import Block
from pipelines.walk import Silence

Found = list[tuple[int, Notice]]
"""Notices to publish, each with the place of the record that brought it about."""


def notify(block: Block, ordered: Ordered, lateness_us: int, plant: str) -> Found:
    """Notices of a block's step, in order; forgets what was still to tell."""
    out: Found = [(silence.at, _silent(block, silence, plant)) for silence in ordered.silences]
    turned, block.turned = block.turned, []
    if turned:
        asset, minute = np.array([turn[:2] for turn in turned], np.int64).T
        places = ordered.rises.known_at(asset, minute, lateness_us, block.pauses).tolist()
        for at, turn in zip(places, turned, strict=True):
            out += ((at, told) for told in _turned(block, turn, plant))
    return out + late.notices(ordered.told, block.names, plant)


def corrected(block: Block, asset: int, minute: int, plant: str) -> list[Notice]:
    """Notices of one asset whose sensors are seen otherwise now, as of a minute, and not of its way there."""
    block.turned, known, out = [], block.small.faults.get(asset, {}), []
    told = {signal: fault.fault for signal, fault in known.items()}
    for column, signal in enumerate(block.layout.numeric):
        fault = int(block.machines.fault[asset, column])
        if fault != told.get(signal, SOUND):
            out += _turned(block, Turned(asset, minute, column, fault), plant)
    return out


def _silent(block: Block, silence: Silence, plant: str) -> Notice:
    asset = block.names[silence.asset]
    hours = (silence.time_us - silence.since_us) / (60 * MINUTE_US)
    return notice(
        NoticeKind.SILENT_ASSET,
        plant,
        asset,
        "",
        silence.since_us,
        is_open=silence.is_silent,
        reason="silent" if silence.is_silent else "heard-again",
        time_us=silence.time_us,
        detail=f"nothing new of it for {hours:.1f} h: look at its feed and gateway"
        if silence.is_silent
        else f"heard again after {hours:.1f} h",
    )


def silence_ends(block: Block, asset: int, plant: str, tick_us: int) -> Notice:
    """The end of the silence of an asset that leaves the plant. It is missed anew from here on, should it come back."""
    since_us = block.small.silent_us.pop(asset)
    block.heard_us[asset] = tick_us
    return notice(
        NoticeKind.SILENT_ASSET,
        plant,
        block.names[asset],
        "",
        since_us,
        is_open=False,
        reason="left-the-plant",
        time_us=tick_us,
        detail="it is not in the plant file any more, and was not heard again before",
    )


def _turned(block: Block, turn: Turned, plant: str) -> list[Notice]:
    """The end of the fault before and the beginning of the new one, where there are."""
    end_us, signal = (turn.minute + 1) * MINUTE_US, block.layout.numeric[turn.column]
    faults = block.small.faults.setdefault(turn.asset, {})
    out = []
    known = faults.pop(signal, None)
    if known is not None:
        out.append(_fault(block, turn, plant, signal, known, end_us, is_open=False))
    if turn.fault != SOUND:
        faults[signal] = Fault(end_us, turn.fault)
        out.append(_fault(block, turn, plant, signal, faults[signal], end_us, is_open=True))
    if not faults:
        del block.small.faults[turn.asset]
    return out


def fault_ends(block: Block, asset: int, signal: str, plant: str, floor_us: int) -> Notice:
    """The end of a fault whose sensor is not looked at any more, at its asset's watermark; forgets it."""
    faults = block.small.faults[asset]
    fault, end_us = faults.pop(signal), max(int(block.watermark_us[asset]), floor_us)
    if not faults:
        del block.small.faults[asset]
    turn = Turned(asset, end_us // MINUTE_US, 0, SOUND)
    return _fault(block, turn, plant, signal, fault, max(end_us, fault.since_us), is_open=False)


def _fault(block: Block, turn: Turned, plant: str, signal: str, fault: Fault, time_us: int, *, is_open: bool) -> Notice:
    asset, word = block.names[turn.asset], FAULTS[fault.fault]
    told = "this sensor's values enter no forecast" if is_open else "its values count again"
    return notice(
        NoticeKind.SENSOR_FAULT,
        plant,
        asset,
        f"{signal}:{word}",
        fault.since_us,
        is_open=is_open,
        reason=word,
        time_us=time_us,
        signal=signal,
        detail=f"sensor fault, not machine fault: {signal} {_SAID[word]}; {told}",
    )


_SAID = {
    "stuck": "did not change at all while the machine ran",
    "jumped": "jumped farther than it can",
    "silent": "says nothing while the machine runs",
}
