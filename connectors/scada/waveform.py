"""A burst of acceleration in a message becomes a few readings here, and goes no further.

Every feed hands the object it found at an address to `read_burst`. The samples end in this module: what leaves it are
features, each at an address of its own, and words on what could not be told.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeGuard

import msgspec
import numpy as np
from msgspec import Meta, Struct

from connectors.scada.feed import Read, Reading, Unread
from models.records import Name, Quality, Reject
from models.vibration import (
    ENVELOPE_HZ,
    KURTOSIS,
    PEAK,
    VELOCITY,
    Found,
    Missing,
    Wanted,
    describe,
    envelope_name,
    orders_of,
)  # fmt: skip

MOST_SAMPLES = 1 << 18
"""Of a burst: 10 s at 25.6 kHz, some 0.1 s of work; our choice."""
G_M_S2 = 9.80665
"""Standard gravity, exact (3rd CGPM, 1901)."""
_M_S2 = {"m/s2": 1.0, "m/s^2": 1.0, "m/s²": 1.0, "g": G_M_S2, "mm/s2": 1e-3, "mm/s^2": 1e-3, "mm/s²": 1e-3}
_DTYPES = {"float32": "<f4", "int16": "<i2"}

Positive = Annotated[float, Meta(gt=0, le=1e7)]
OrderName = Annotated[str, Meta(pattern="^[a-z0-9_]{1,40}$")]


class Bearing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rolling bearing by its data sheet; its outer ring stands."""

    elements: Annotated[int, Meta(ge=3, le=1000)]
    element_mm: Positive
    pitch_mm: Positive
    angle_deg: Annotated[float, Meta(ge=0, lt=90)] = 0.0

    def __post_init__(self) -> None:
        if self.element_mm >= self.pitch_mm:
            raise ValueError("element_mm must be under pitch_mm, the diameter of the circle of their centres")


class Waveform(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look for in the bursts of an address; one that is not told of has no orders.

    `orders` are lines a turn of the shaft, by name; a `bearing` has bpfo, bpfi, bsf and ftf. `velocity_from_hz` is 2
    for machines under 600 r/min (ISO 20816-3). `skip` names features that nobody wants.
    """

    address: Name
    orders: dict[OrderName, Annotated[float, Meta(gt=0, le=1000)]] = {}
    bearing: Bearing | None = None
    velocity_from_hz: Literal[10, 2] = 10
    envelope_hz: tuple[Positive, Positive] = ENVELOPE_HZ
    skip: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.envelope_hz[0] >= self.envelope_hz[1]:
            raise ValueError("envelope_hz must be a lower and a higher frequency")
        if self.bearing and (twice := self.orders.keys() & orders_of(3, 1, 2)):
            raise ValueError(f"the bearing has {', '.join(sorted(twice))} already: leave them out of orders")
        names = [VELOCITY, PEAK, KURTOSIS, *map(envelope_name, self.wanted.orders)]
        if wrong := set(self.skip) - set(names):
            raise ValueError(f"skip names {', '.join(sorted(wrong))}, but its features are {', '.join(names)}")

    @property
    def wanted(self) -> Wanted:
        """In the kernel's words."""
        its = self.bearing
        orders = orders_of(its.elements, its.element_mm, its.pitch_mm, its.angle_deg) if its else {}
        return Wanted(
            orders=orders | self.orders, velocity_from_hz=float(self.velocity_from_hz), envelope_hz=self.envelope_hz
        )


class _Burst(Struct, frozen=True, kw_only=True):
    """As it comes. `samples` times `scale` are in `unit`; as a text they are base64 of `format`, little-endian."""

    rate_hz: Positive
    unit: str
    samples: list[float | None] | str
    speed_rpm: Annotated[float, Meta(ge=-1e6, le=1e6)] | None = None
    format: Literal["float32", "int16"] = "float32"
    scale: float = 1.0


class _Wrong(Exception):
    def __init__(self, reason: Reject, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def is_burst(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether what is at an address is a burst: an object with `samples`."""
    return isinstance(value, dict) and "samples" in value


def read_burst(
    told: Sequence[Waveform], address: str, time_us: int, value: dict[str, Any], quality: Quality = Quality.GOOD
) -> Read:
    """Readings at ADDRESS/FEATURE, all at the burst's time, bad where its samples are; never raises on what came.

    Unread says what is no burst, which features cannot be told of it, and what is wrong with its samples. Of a shaft
    that stands there are no orders, which is nothing to tell of.
    """
    its = next((one for one in told if one.address == address), None) or Waveform(address=address)
    try:
        burst = _burst(value)
        found = describe(_samples(burst), burst.rate_hz, burst.speed_rpm, its.wanted)
    except _Wrong as wrong:
        return Read(unread=(Unread(wrong.reason, f"'{address}': {wrong}", address=address),))
    readings = [
        Reading(f"{address}/{name}", time_us, None, Quality.BAD)
        if number is None or quality is Quality.BAD
        else Reading(f"{address}/{name}", time_us, number, quality)
        for name, number in found.features.items()
        if name not in its.skip
    ]
    return Read(readings, list(_told(address, found, its.skip)))


def _told(address: str, found: Found, skip: Sequence[str]) -> list[Unread]:
    lacks: dict[Missing, list[str]] = {}
    for name, why in found.missing.items():
        if name not in skip and why is not Missing.STANDS:
            lacks.setdefault(why, []).append(name)
    words = [f"no {', '.join(names)}: {why}" for why, names in lacks.items()]
    unread = [Unread(Reject.UNREADABLE, f"'{address}' has {'; '.join(words)}", address=address)] if words else []
    if found.fault:
        detail = f"'{address}' is a burst that nothing can be read of: {found.fault}"
        unread.append(Unread(Reject.BAD_QUALITY, detail, address=address))
    return unread


def _burst(value: dict[str, Any]) -> _Burst:
    samples = value["samples"]
    if isinstance(samples, list) and len(samples) > MOST_SAMPLES:  # before they are looked at one by one
        raise _Wrong(Reject.TOO_LARGE, f"has {len(samples)} samples, and a burst has at most {MOST_SAMPLES}")
    try:
        burst = msgspec.convert(value, _Burst)
    except (msgspec.ValidationError, OverflowError) as wrong:
        raise _Wrong(Reject.NOT_A_RECORD, f"is no burst: {str(wrong)[:200]}") from wrong
    if burst.unit not in _M_S2:
        raise _Wrong(Reject.NOT_A_RECORD, f"is in '{burst.unit[:40]}', and a burst in one of {', '.join(_M_S2)}")
    if not all(map(math.isfinite, (burst.rate_hz, burst.speed_rpm or 0.0, burst.scale))) or burst.scale == 0:
        raise _Wrong(Reject.NOT_A_RECORD, "is no burst: rate_hz, speed_rpm and scale must be numbers, scale not 0")
    return burst


def _samples(burst: _Burst) -> np.ndarray:
    """In m/s2. A null is NaN, which the kernel tells of."""
    said = burst.samples
    raw = _packed(said, burst.format) if isinstance(said, str) else np.array(said, np.float64)
    if not 0 < len(raw) <= MOST_SAMPLES:
        reason = Reject.TOO_LARGE if len(raw) else Reject.NOT_A_RECORD
        raise _Wrong(reason, f"has {len(raw)} samples, and a burst has some, at most {MOST_SAMPLES}")
    with np.errstate(over="ignore", invalid="ignore"):  # what is no number then, the kernel tells of
        return raw.astype(np.float64) * (burst.scale * _M_S2[burst.unit])


def _packed(text: str, format_: str) -> np.ndarray:
    try:
        raw = base64.b64decode(text, validate=True)
        return np.frombuffer(raw, _DTYPES[format_])
    except ValueError as wrong:  # binascii.Error is one, and so is half a number at the end
        raise _Wrong(Reject.NOT_A_RECORD, f"has samples that are no base64 of {format_}: {wrong}") from wrong
