"""Where the signals of an asset type stand in its arrays: the one order that live, driver and training share."""

from __future__ import annotations

import numpy as np

from models.plant import AssetType


class Layout:
    """Numeric signals of a type are columns, in the order of the plant file; the others are fields of objects.

    `lowest`, `highest` and `reference` are per column: the sensor's range, and its middle, which squares are about.
    """

    def __init__(self, name: str, asset_type: AssetType) -> None:
        kinds = {signal: spec.kind.python_type for signal, spec in asset_type.signals.items()}
        self.name = name
        self.numeric = tuple(signal for signal, kind in kinds.items() if kind is float)
        self.numeric_index = {signal: at for at, signal in enumerate(self.numeric)}
        self.objects = {signal: kind for signal, kind in kinds.items() if kind is not float}
        ranges = [asset_type.signals[signal].range for signal in self.numeric]
        self.lowest = np.array([r[0] if r else -np.inf for r in ranges])
        self.highest = np.array([r[1] if r else np.inf for r in ranges])
        self.reference = np.array([(r[0] + r[1]) / 2 if r else 0.0 for r in ranges])
        self.asset_type = asset_type
