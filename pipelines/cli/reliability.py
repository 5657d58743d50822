"""The picture of `forewarn model compare`: what two models said against what came, beside the diagonal.

matplotlib is imported here and only when the picture is drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.alerting.reliability import Bin
from pipelines.cli.comparing import Compared
from pipelines.cli.picture import check
from pipelines.cli.report.plots import BAD, GOOD, QUIET, STYLE
from pipelines.releases.moves import ReleaseError

FORMATS = ("svg", "png")
SIZE_IN, DOTS_AN_INCH = (6.5, 6.0), 150
CHAMPION, CANDIDATE = (BAD, "o"), (GOOD, "s")
Point = tuple[float, float, float, float]


def check_file(file: Path) -> None:
    """Raise where it could not be drawn, before anything is compared: ReleaseError, or NoMatplotlib."""
    if file.suffix.removeprefix(".") not in FORMATS:
        raise ReleaseError(f"--chart {file}: name a file that ends in .{' or .'.join(FORMATS)}")
    check()


def points(bins: tuple[Bin, ...]) -> list[Point]:
    """Mean chance, share that came, and both ends of its interval, in percent, of bins that have rows."""
    return [
        (100 * one.mean, 100 * share.share, 100 * share.low, 100 * share.high)
        for one in bins
        if one.mean is not None and (share := one.share) is not None
    ]


def draw(found: Compared, file: Path) -> None:
    """Write the picture, in the format that the file's name ends in."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE | {"svg.hashsalt": "forewarn", "figure.facecolor": "white"}):
        figure = Figure(figsize=SIZE_IN, layout="constrained")
        axis: Any = figure.subplots()
        axis.plot([0, 100], [0, 100], color=QUIET, lw=1, ls="--", label="as often as said")
        for version, side, look in zip(
            (found.champion, found.candidate), found.whole.sides, (CHAMPION, CANDIDATE), strict=True
        ):
            _curve(axis, points(side.bins), version, look)
        axis.set(xlim=(0, 100), ylim=(0, 100), aspect="equal")
        axis.set_xlabel("chance of failure within 72 h that was said, mean of a bin, %")
        axis.set_ylabel("share of minutes that a failure came after, % (95 % over spells)")
        axis.legend(loc="upper left")
        kind = file.suffix.removeprefix(".")
        dated: dict[str, Any] = {"metadata": {"Date": None}} if kind == "svg" else {"dpi": DOTS_AN_INCH}
        figure.savefig(file, format=kind, **dated)


def _curve(axis: Any, of: list[Point], version: str, look: tuple[str, str]) -> None:
    if not of:
        axis.plot([], [], color=look[0], label=f"{version}: nothing is known yet")
        return
    said, came, low, high = zip(*of, strict=True)
    ends = [[c - e for c, e in zip(came, low, strict=True)], [e - c for c, e in zip(came, high, strict=True)]]
    axis.errorbar(
        said, came, yerr=ends, color=look[0], marker=look[1], ms=5, lw=1.2, elinewidth=0.8, capsize=2, label=version
    )
