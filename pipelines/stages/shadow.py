"""What a release that runs beside the hazard says where that spoke: chances of the same rows, and nothing comes of it.

It is asked about what was published alone, in one call for all assets.
"""

from __future__ import annotations

from models.failure.hazard import Hazard
from models.records import Shadow
from pipelines.stages.score import Scored


def shadow(release: Hazard, scored: Scored, plant: str) -> list[tuple[int, Shadow]]:
    """Records to publish, each with the place of the record that made its forecast due."""
    chances = release.chances(scored.features).tolist()
    return [
        (
            at,
            Shadow(
                plant=plant,
                id=forecast.id,
                revision=forecast.revision,
                asset=forecast.asset,
                window_end_us=forecast.window_end_us,
                model=release.card.version,
                beside=forecast.model,
                chances=tuple(row),
            ),
        )
        for (at, forecast), row in zip(scored.said, chances, strict=True)
    ]
