"""What final minutes say: a minute is final when no sample can reach it within the lateness.

Where the machine ran, its forecast moves its warning. Where it stands, the forecast is its last one of running, which
says until when it ran, and the warning stays as it is; a repair closes it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec.structs import replace

from models.alerting.life import Watch, renewed, step
from models.bins import MINUTE_US
from models.failure.hazard import RUNG, Hazard
from models.operating import RUNNING, STATES
from models.records import Alert, Forecast, id_of
from pipelines.stages.order import Rises
from pipelines.state import Block, Entry, Kept

Finals = list[tuple[int, Forecast | Alert]]
"""Records to publish, each with the place of the record that made its minute final."""


def warn(block: Block, hazard: Hazard, rises: Rises, lateness_us: int, plant: str) -> Finals:
    """Revisions of warnings and forecasts of machines that stand; forgets what is final."""
    out: Finals = []
    for asset, minute, at, entry in _final(block, rises, lateness_us):
        if entry.state != RUNNING:
            out.append((at, _standing(block, hazard, asset, minute, entry, plant)))
        elif entry.forecast is not None:
            block.small.kept[asset] = Kept(entry.since_us, entry.forecast)
        alert = _step(block, asset, minute, entry, hazard.card.warning_limit)
        if alert is not None:
            out.append((at, alert))
    return out


def forget(block: Block, rises: Rises, lateness_us: int) -> None:
    """Forget what is final of a type that has no model any more, and say nothing."""
    _final(block, rises, lateness_us)


def _final(block: Block, rises: Rises, lateness_us: int) -> list[tuple[int, int, int, Entry]]:
    """Entries that became final, taken out of the block: asset, minute, place of the record that made it so, entry."""
    found: list[tuple[int, int, Entry]] = []
    until = (block.watermark_us[rises.assets] - lateness_us) // MINUTE_US
    for asset, end in zip(rises.assets.tolist(), until.tolist(), strict=True):
        entries = block.small.entries.get(asset)
        if not entries:
            continue
        found += [(asset, minute, entries.pop(minute)) for minute in sorted(m for m in entries if m < end)]
        if not entries:
            del block.small.entries[asset]
    if not found:
        return []
    asset_of, minute_of = np.array([pair[:2] for pair in found], np.int64).T
    at = rises.reached_at(asset_of, (minute_of + 1) * MINUTE_US + lateness_us).tolist()
    return [(asset, minute, place, entry) for (asset, minute, entry), place in zip(found, at, strict=True)]


def _standing(block: Block, hazard: Hazard, asset: int, minute: int, entry: Entry, plant: str) -> Forecast:
    """The last forecast of running in this life, for a minute in which the machine stands; before one, no chances."""
    end_us, kept = (minute + 1) * MINUTE_US, block.small.kept.get(asset)
    identity: dict[str, Any] = {
        "id": id_of("forecast", plant, block.names[asset], RUNG, end_us),
        "revision": entry.forecast.revision + 1 if entry.forecast else 0,
        "window_end_us": end_us,
        "operating": STATES[entry.state],
    }
    if kept is not None and kept.since_us == entry.since_us:
        return replace(kept.forecast, **identity)
    return Forecast(
        plant=plant,
        asset=block.names[asset],
        running_until_us=None,
        chances=(),
        drivers=(),
        model=hazard.card.version,
        basis=hazard.card.basis,
        rung=RUNG,
        completeness=0.0,
        **identity,
    )


def _step(block: Block, asset: int, minute: int, entry: Entry, limit: float) -> Alert | None:
    repaired = block.small.warned_life_us.get(asset, 0) != entry.since_us
    block.small.warned_life_us[asset] = entry.since_us
    watch = block.small.watches.get(asset, Watch())
    if entry.state == RUNNING and entry.forecast is not None:
        watch, alert = step(watch, entry.forecast, limit, repaired=repaired)
    elif repaired:
        watch, alert = renewed(watch, (minute + 1) * MINUTE_US)
    else:
        return None
    block.small.watches[asset] = watch
    return alert
