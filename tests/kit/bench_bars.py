"""Pictures of benchmarks with peers: bars of ours and of theirs, drawn from results alone, the same bytes each time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from tests.kit.bench import Row
from tests.kit.bench_shown import shown

OURS, COLOUR, OTHERS = "Forewarn", "#b3331d", "#8d99ae"
MOST_PANELS = 12

Panel = tuple[str, float, list[Row]]
"""What is compared, ours, and the peers' rows."""


def panels(rows: Sequence[Row]) -> list[Panel]:
    """Peers' figures that are held against the same figure of ours, one panel each, in the order of the rows."""
    found: dict[tuple[str, float], list[Row]] = {}
    for row in rows:
        if row.ours is not None and row.peer is not None and math.isfinite(row.value):
            found.setdefault((heading(row), row.ours), []).append(row)
    return [(title, ours, of) for (title, ours), of in found.items()][:MOST_PANELS]


def heading(row: Row) -> str:
    """A row's name without its peer's, and its unit."""
    parts = [part for part in row.name.replace(f"{row.peer}, ", "").replace(f"{row.peer}: ", "").split(": ") if part]
    name = ": ".join(part for part in parts if part != row.peer)
    return f"{name}, {row.unit}".strip(", ")


def draw(drawn: Sequence[Panel], path: Path) -> None:
    """Write the panels below one another as SVG."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    heights = [len(peers) + 1.6 for _, _, peers in drawn]
    with mpl.rc_context({"svg.hashsalt": "forewarn", "svg.fonttype": "none", "font.size": 8}):
        figure, axes = plt.subplots(
            len(drawn), figsize=(7, 0.24 * sum(heights) + 0.3), squeeze=False, layout="constrained",
            gridspec_kw={"height_ratios": heights},
        )  # fmt: skip
        for axis, (title, ours, peers) in zip(axes[:, 0], drawn, strict=True):
            values = [ours, *(row.value for row in peers)]
            labels = [OURS, *(str(row.peer) for row in peers)]
            colours = [COLOUR, *[OTHERS] * len(peers)]
            bars = axis.barh(range(len(values)), values, color=colours, height=0.7)
            axis.bar_label(bars, [shown(value) for value in values], padding=3)
            axis.set_yticks(range(len(values)), labels)
            axis.invert_yaxis()
            axis.margins(x=0.14)
            axis.set_xticks([])
            axis.spines[["top", "right", "bottom"]].set_visible(False)
            axis.set_title(title, fontsize=8, loc="left")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        plt.close(figure)
