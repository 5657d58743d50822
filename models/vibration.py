"""What a burst of acceleration says of a machine: velocity RMS, peak, kurtosis, and the envelope at bearing orders.

Pure numbers: samples in, a handful of features out. What cannot be said of a burst is named with its reason; nothing
here knows an address, a message or a record.

Spectra are of one Hann window over the burst, without its last few samples where their number makes an FFT slow. A tone
spreads over two bins of 1/T to each side (T: the burst's seconds), which sets the errors stated below.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np

VELOCITY_HZ = (10.0, 1000.0)
"""Band of ISO 20816-3 and ISO 10816-3 for machines from 600 r/min on; below that it begins at 2 Hz."""
CYCLES = 5
"""Of the band's lowest frequency that a burst must hold, so 0.5 s at 10 Hz. Our choice: then a tone at 10 Hz is read at
most 2.5 % high, from 20 Hz on 0.6 %; in 1 s it is 0.6 and 0.2 %. ISO 2954 allows an instrument -20 to +10 % at 10 and
1000 Hz, 10 % between 20 and 500 Hz (its table as printed in the manual of the Extech 407860)."""
ENVELOPE_HZ = (500.0, 10_000.0)
"""Default band of the envelope: that of the third of SKF's four enveloping filters."""
ENVELOPE_SHARE = 0.4
"""The envelope's band ends at this share of the rate at most: above it an anti-alias filter falls off (rate/2.56)."""
SLIP = 0.015
"""An envelope line is sought so near to its order: rolling elements slip, and lines lie 1-2 % off (Randall and Antoni,
Rolling element bearing diagnostics: a tutorial, MSSP 25, 2011)."""
HARMONICS = 3
BINS = 4
"""Bins that a line must be from zero, so that neither the envelope's mean nor its slow swell is read as a line."""
CLIPPED_SHARE = 0.002
"""A burst is clipped if so many of its samples lie at its extremes beside one that does too: flat tops. Our choice."""

VELOCITY, PEAK, KURTOSIS = "velocity_rms_mm_s", "acceleration_peak_m_s2", "kurtosis"


class Missing(StrEnum):
    """Why a feature cannot be told of a burst."""

    TOO_SHORT = "the burst is too short for the lowest frequency of it"
    RATE_TOO_LOW = "the rate is not over twice the highest frequency of it"
    NO_SPEED = "the burst has no shaft speed"
    STANDS = "the shaft stands"


class Fault(StrEnum):
    """Why no number of a burst can be believed."""

    NOT_A_NUMBER = "a sample is no finite number"
    FLAT = "all samples are the same"
    CLIPPED = "its tops are cut off"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to look for: `orders` are lines a turn of the shaft, by name."""

    orders: Mapping[str, float] = field(default_factory=dict)
    velocity_from_hz: float = VELOCITY_HZ[0]
    envelope_hz: tuple[float, float] = ENVELOPE_HZ


class Found(NamedTuple):
    """Features by name, None where the burst has a fault; and why others are missing."""

    features: dict[str, float | None]
    missing: dict[str, Missing]
    fault: Fault | None


def orders_of(elements: int, diameter: float, pitch: float, angle_deg: float = 0.0) -> dict[str, float]:
    """Orders of a bearing whose outer ring stands; both diameters in one unit. Randall and Antoni 2011, table 1.

    A fault of a rolling element meets both rings in a turn of its own, so twice `bsf` shows as well.
    """
    ratio = diameter / pitch * math.cos(math.radians(angle_deg))
    return {
        "bpfo": elements / 2 * (1 - ratio),
        "bpfi": elements / 2 * (1 + ratio),
        "bsf": pitch / diameter / 2 * (1 - ratio**2),
        "ftf": (1 - ratio) / 2,
    }


def envelope_name(order: str) -> str:
    """Of the feature of an order."""
    return f"envelope_{order}_m_s2"


def describe(samples: np.ndarray, rate_hz: float, speed_rpm: float | None, wanted: Wanted) -> Found:
    """Features of `samples` [n], m/s2, n > 0, at a finite `rate_hz` over 0. The mean is taken off first.

    velocity_rms_mm_s: of the band. acceleration_peak_m_s2: the largest swing to either side, of all frequencies.
    kurtosis: the fourth moment over the squared second, 3 for Gaussian noise. envelope_ORDER_m_s2: root of the sum of
    squares of the amplitudes of the order's first three harmonics; each at most 1.1 % low for where it lies in a bin.
    """
    missing = _missing(len(samples), rate_hz, speed_rpm, wanted)
    names = [VELOCITY, PEAK, KURTOSIS, *map(envelope_name, wanted.orders)]
    given = [name for name in names if name not in missing]
    fault = _fault(samples)
    if fault:
        return Found(dict.fromkeys(given), missing, fault)
    with np.errstate(over="ignore", invalid="ignore"):
        features = _features(samples - samples.mean(), rate_hz, speed_rpm, wanted, given)
    if not all(math.isfinite(value) for value in features.values()):  # samples so large that their squares are none
        return Found(dict.fromkeys(given), missing, Fault.NOT_A_NUMBER)
    return Found({name: features[name] for name in given}, missing, None)


def _features(
    swing: np.ndarray, rate_hz: float, speed_rpm: float | None, wanted: Wanted, given: list[str]
) -> dict[str, float]:
    peak = float(np.abs(swing).max())
    square = np.square(swing / peak)  # so that the smallest swing has a fourth power as well
    features = {PEAK: peak, KURTOSIS: float((square * square).mean()) / float(square.mean()) ** 2}
    swing = swing[: _smooth(len(swing))]
    if VELOCITY in given:
        features[VELOCITY] = _velocity_rms(swing, rate_hz, wanted.velocity_from_hz) * 1000.0
    orders = {name: order for name, order in wanted.orders.items() if envelope_name(name) in given}
    if orders and speed_rpm:
        amplitudes = _amplitudes(_envelope(swing, rate_hz, wanted.envelope_hz))
        bins_a_turn = abs(speed_rpm) / 60.0 * len(swing) / rate_hz
        features |= {envelope_name(name): _at(amplitudes, order * bins_a_turn) for name, order in orders.items()}
    return features


def _missing(count: int, rate_hz: float, speed_rpm: float | None, wanted: Wanted) -> dict[str, Missing]:
    missing = {}
    if rate_hz <= 2 * VELOCITY_HZ[1]:
        missing[VELOCITY] = Missing.RATE_TOO_LOW
    elif count < CYCLES * rate_hz / wanted.velocity_from_hz:
        missing[VELOCITY] = Missing.TOO_SHORT
    low, high = _band(rate_hz, wanted.envelope_hz)
    for name, order in wanted.orders.items():
        if speed_rpm is None:
            missing[envelope_name(name)] = Missing.NO_SPEED
        elif speed_rpm == 0:
            missing[envelope_name(name)] = Missing.STANDS
        elif HARMONICS * (1 + SLIP) * order * abs(speed_rpm) / 60.0 > high - low:  # an envelope is no faster than that
            missing[envelope_name(name)] = Missing.RATE_TOO_LOW
        elif order * abs(speed_rpm) / 60.0 * count < BINS * rate_hz:
            missing[envelope_name(name)] = Missing.TOO_SHORT
    return missing


def _fault(samples: np.ndarray) -> Fault | None:
    if not np.isfinite(samples).all():
        return Fault.NOT_A_NUMBER
    low, high = samples.min(), samples.max()
    if low == high:
        return Fault.FLAT
    at_top, at_bottom = samples == high, samples == low
    beside = np.count_nonzero(at_top[1:] & at_top[:-1]) + np.count_nonzero(at_bottom[1:] & at_bottom[:-1])
    return Fault.CLIPPED if beside > CLIPPED_SHARE * len(samples) else None


def _smooth(count: int) -> int:
    """The largest number up to `count` with no factors but 2, 3 and 5: an FFT of a prime takes tenfold.

    From 1000 samples on it is within 6.3 %, and mostly 2 % (all numbers up to 30,000 tried).
    """
    best = five = 1
    while five <= count:
        three = five
        while three <= count:
            best = max(best, three << ((count // three).bit_length() - 1))
            three *= 3
        five *= 5
    return best


def _hann(count: int) -> np.ndarray:
    """Periodic, so that a tone on a bin has three lines of 1/2, 1 and 1/2."""
    return 0.5 - 0.5 * np.cos(2 * np.pi / count * np.arange(count))


def _velocity_rms(swing: np.ndarray, rate_hz: float, from_hz: float) -> float:
    """In m/s, integrated bin by bin.

    The band is a bin wider on each side, so that a tone on its edge counts wholly. One 2/T out of it counts nearly so,
    one 4/T out of it at 2.4 % at most (0.5 to 2.2 s tried).
    """
    count = len(swing)
    window = _hann(count)
    first = max(1, math.floor(from_hz * count / rate_hz) - 1)
    end = min(count // 2 + 1, math.ceil(VELOCITY_HZ[1] * count / rate_hz) + 2)
    lines = np.fft.rfft(window * (swing - np.average(swing, weights=window)))[first:end]
    omega = 2 * np.pi * rate_hz / count * np.arange(first, end)
    return math.sqrt(2.0 * float(np.sum(np.abs(lines / omega) ** 2)) / (count * float(np.sum(window * window))))


def _band(rate_hz: float, envelope_hz: tuple[float, float]) -> tuple[float, float]:
    return envelope_hz[0], min(envelope_hz[1], ENVELOPE_SHARE * rate_hz)


def _envelope(swing: np.ndarray, rate_hz: float, envelope_hz: tuple[float, float]) -> np.ndarray:
    """Size of the band's analytic signal: a Hilbert transform by FFT in which only the band's lines are kept."""
    count = len(swing)
    low, high = (edge * count / rate_hz for edge in _band(rate_hz, envelope_hz))
    band = slice(max(1, math.ceil(low)), math.floor(high) + 1)
    lines = np.zeros(count, complex)
    lines[band] = 2.0 * np.fft.rfft(swing)[band]
    return np.abs(np.fft.ifft(lines))


def _amplitudes(envelope: np.ndarray) -> np.ndarray:
    """Of a tone on a bin its amplitude, and half of it on both sides."""
    window = _hann(len(envelope))
    lines = np.fft.rfft(window * (envelope - np.average(envelope, weights=window)))
    return np.abs(lines) * (2.0 / float(window.sum()))


def _at(amplitudes: np.ndarray, at: float) -> float:
    """Together of the harmonics of a line at bin `at`.

    Around each it is the largest of the bins that the slip touches, and both beside it: their powers of 1/4, 1 and 1/4
    make 3/2 of the line's.
    """
    power = 0.0
    for harmonic in range(1, HARMONICS + 1):
        middle = harmonic * at
        first, last = math.floor(middle * (1 - SLIP)), math.ceil(middle * (1 + SLIP))
        peak = first + int(np.argmax(amplitudes[first : last + 1]))
        power += float(np.sum(amplitudes[peak - 1 : peak + 2] ** 2)) / 1.5
    return math.sqrt(power)
