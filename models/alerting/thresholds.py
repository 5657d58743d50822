"""At which chance an asset's warning opens, after how long, and when it clears: its own, or what holds everywhere."""

from __future__ import annotations

from models.alerting.life import CLEAR_AFTER, CLEAR_SHARE, OPEN_AFTER, Threshold
from models.plant import Plant, Thresholds


def threshold_of(plant: Plant, asset: str, card_limit: float) -> Threshold:
    """What the plant file says of the asset; where it says nothing, the model's limit and what holds everywhere."""
    own = plant.thresholds.get(asset, Thresholds())
    return Threshold(
        limit=card_limit if own.hazard is None else own.hazard,
        open_after=OPEN_AFTER if own.open_after is None else own.open_after,
        clear_after=CLEAR_AFTER if own.clear_after is None else own.clear_after,
        clear_share=CLEAR_SHARE if own.clear_share is None else own.clear_share,
    )
