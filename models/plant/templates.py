"""Rules of a type."""

from __future__ import annotations

from models.plant.assets import AssetType
from models.plant.rules import Rule


def rules_of(asset_type: AssetType) -> tuple[Rule, ...]:
    """Its own."""
    return asset_type.rules
