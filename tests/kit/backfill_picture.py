"""The picture of `backfill`: rows a second beside other programs, and where a lane spends its time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.kit.ingest_picture import COLOURS, OTHERS


def draw(rates: Mapping[str, float], shares: Mapping[str, float], path: Path) -> None:
    """Rates in rows a second, shares in percent, side by side, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 2.4), layout="constrained")
    values = [rate * 1e-3 for rate in rates.values()]
    panels = (
        ("1000 rows/s, one process each", list(rates), values, [COLOURS.get(name, OTHERS) for name in rates], "%.0f"),
        ("% of a lane's time", list(shares), list(shares.values()), [OTHERS] * len(shares), "%.0f"),
    )
    for axis, (label, names, lengths, colours, form) in zip(axes, panels, strict=True):
        axis.bar_label(axis.barh(names[::-1], lengths[::-1], color=colours[::-1]), fmt=form, padding=3, fontsize=8)
        axis.set_xlabel(label, fontsize=8)
        axis.margins(x=0.12)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    figure.suptitle("Minutes of pumps to features and chances once an hour", fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
