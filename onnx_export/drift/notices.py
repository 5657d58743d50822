"""When what was told is published: once when a cause begins to hold, and again only after it has been gone for long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from models.records import Drift, DriftCause
from onnx_export.drift.findings import Finding
from onnx_export.drift.told_apart import Told
from onnx_export.history import DAY_US

GONE_US = 28 * DAY_US
"""A cause that was not told for so long has ended: twice the recent time that is looked at. Our choice."""
WEATHER_GONE_US = 365 * DAY_US
"""Weather comes back each year, and is no news then."""

OF_MACHINES = frozenset({DriftCause.SENSOR_RECALIBRATED, DriftCause.SENSOR_SUSPECTED, DriftCause.DEGRADATION})
"""Causes that are news again on another machine; the others are of the plant."""


ASKED = frozenset({DriftCause.SENSOR_SUSPECTED, DriftCause.DEGRADATION})
"""Causes for which people are asked to look at a machine. What of it is not understood by the next look is no news."""


class Stands(NamedTuple):
    """When a cause was told last, in microseconds since 1970, and on which machines so far."""

    last_us: int
    assets: frozenset[str]


Standing = Mapping[DriftCause, Stands]
"""Causes that hold."""


def noticed(standing: Standing, told: Sequence[Told], now_us: int) -> tuple[Standing, tuple[Told, ...]]:
    """Causes that hold from now on, and what of those told is new."""
    kept = {cause: one for cause, one in standing.items() if now_us - one.last_us <= _gone_us(cause)}
    new = tuple(one for one in told if _is_new(kept.get(one.cause), one) and not _is_asked(kept, one))
    for one in (one for one in told if one in new or one.cause in kept):
        before = kept[one.cause].assets if one.cause in kept else frozenset()
        kept[one.cause] = Stands(now_us, before | set(one.assets))
    return kept, new


def _gone_us(cause: DriftCause) -> int:
    return WEATHER_GONE_US if cause is DriftCause.AMBIENT else GONE_US


def _is_new(before: Stands | None, told: Told) -> bool:
    """Whether nobody was told."""
    return before is None or (told.cause in OF_MACHINES and not before.assets >= set(told.assets))


def _is_asked(standing: Standing, told: Told) -> bool:
    """Whether it is not understood, on machines that people were asked to look at for another reason."""
    asked = {asset for cause in ASKED & set(standing) for asset in standing[cause].assets}
    return told.cause is DriftCause.UNKNOWN and bool(told.assets) and asked >= set(told.assets)


def record_of(told: Told, plant: str, name: str, asset_type: str, version: str, now_us: int) -> Drift:
    """What is published of a cause: the finding that is farthest over its bar stands for all."""
    first = max(told.because, key=_over)
    return Drift(
        plant=plant,
        name=name,
        asset_type=asset_type,
        version=version,
        kind=first.kind,
        cause=told.cause,
        what=first.what,
        assets=told.assets,
        since_us=told.since_us,
        value=first.value,
        bar=first.bar,
        time_us=now_us,
        detail=told.reason,
    )


def _over(finding: Finding) -> float:
    return finding.value / finding.bar
