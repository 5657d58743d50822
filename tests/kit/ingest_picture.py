"""The picture of `ingest`: rows a second and processor time of each program, on single rows and on frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

COLOURS = {"Forewarn": "#b3331d"}
OTHERS = "#8d99ae"


def draw(single: Any, frames: Any, path: Path) -> None:
    """Two contests side by side, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(9, 4.6), sharex="row", layout="constrained")
    for row, (of, label, scale) in enumerate((("rate", "1000 rows/s", 1e-3), ("cpu_s", "CPU-s a million rows", 1.0))):
        for column, (contest, title) in enumerate(((single, "one row a message"), (frames, "60 rows a message"))):
            axis = axes[row, column]
            names = list(contest.contenders)
            values = [contest.median(name, of) * scale for name in names]
            drawn = axis.barh(names[::-1], values[::-1], color=[COLOURS.get(name, OTHERS) for name in names[::-1]])
            axis.bar_label(drawn, fmt="%.0f" if of == "rate" else "%.1f", padding=3, fontsize=8)
            axis.set_xlabel(label, fontsize=8)
            axis.margins(x=0.12)
            axis.spines[["top", "right"]].set_visible(False)
            axis.tick_params(labelsize=8)
            if row == 0:
                axis.set_title(title, fontsize=9)
    figure.suptitle("Kafka to InfluxDB 2.7; Forewarn also validates, bins and scores", fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
