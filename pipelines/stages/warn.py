"""Final forecasts to warnings: a minute is final when no sample can reach it within the lateness."""

from __future__ import annotations

from models.alerting.life import Watch, step
from models.bins import MINUTE_US
from models.failure.hazard import Hazard
from models.records import Alert
from pipelines.stages.order import Track
from pipelines.stages.window import settle
from pipelines.state import Block, Entry


def warn(block: Block, hazard: Hazard, tracks: dict[int, Track], lateness_us: int) -> list[tuple[int, Alert]]:
    """Revisions of warnings, each with the place of the record that made its forecast final; forgets what is final."""
    out = []
    for asset, track in tracks.items():
        entries = block.small.entries.get(asset)
        if not entries or not track.rises_us:
            continue
        final = int(block.watermark_us[asset]) - lateness_us
        for minute in sorted(m for m in entries if (m + 1) * MINUTE_US <= final):
            settle(block, hazard.spec, asset, minute)
            entry = entries.pop(minute)
            alert = _step(block, asset, entry, hazard.card.warning_limit)
            if alert is not None:
                out.append((track.reached_at((minute + 1) * MINUTE_US + lateness_us), alert))
        if not entries:
            del block.small.entries[asset]
    return out


def _step(block: Block, asset: int, entry: Entry, limit: float) -> Alert | None:
    assert entry.forecast
    repaired = block.small.warned_life_us.get(asset, 0) != entry.since_us
    if repaired:
        block.small.warned_life_us[asset] = entry.since_us
    watch, alert = step(block.small.watches.get(asset, Watch()), entry.forecast, limit, repaired=repaired)
    block.small.watches[asset] = watch
    return alert
