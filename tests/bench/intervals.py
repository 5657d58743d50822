"""How often the interval on time to failure holds the failure: `make bench ONLY=intervals`. All plants are simulated.

Levels are fitted on six plants of 12 pumps over 60 days and measured on six others, all unknown to the shipped pump
model: three of the wear laws that the levels were fitted on, three of lognormal lives, which neither model nor levels
have seen. Rows are told where the chance within 168 h would not clear a warning; beside them all rows with a known
outcome. No bar: a share of some 70 lives is known to 7 points.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models import starter
from models.failure.hazard import Hazard
from models.failure.interval import Levels
from models.physics.wear import WearLaw
from models.plant import parse
from onnx_export.conformal import Found, Rows, fit, judge, rows_of, told_from
from onnx_export.episodes import Replay, replay
from onnx_export.fleets import Job
from onnx_export.recipe import AUTUMN, NAME, SPRING, SUMMER, WINTER, Plan
from onnx_export.starter import plant_text
from tests.kit.bench import Row, report

PUMPS, DAYS, EVERY_MIN = 12, 60, 10
FITTED, MEASURED = tuple(range(601, 607)), tuple(range(611, 617))
LAWS = (
    WearLaw(family="weibull", shape=3.5, mean_life_days=45.0),
    WearLaw(family="gamma", shape=10.0, mean_life_days=60.0),
    WearLaw(family="uniform", shape=0.7, mean_life_days=50.0),
)
UNSEEN_FROM = 614
"""Seeds from here on are of lognormal lives."""
STARTS = (WINTER, SPRING, SUMMER, AUTUMN)
WIDTH = 150


class Measured(NamedTuple):
    """What levels were found from a chance on, and what they cover on which plants, by name."""

    levels: Levels
    of: dict[str, Found]


def plan_of(seed: int) -> Plan:
    """Laws and seasons take turns; every other plant has faulty sensors."""
    law = WearLaw() if seed >= UNSEEN_FROM else LAWS[(seed % 10 - 1) % len(LAWS)]
    return Plan(seed=seed, law=law, start_us=STARTS[seed % len(STARTS)], faults=seed % 2 == 0)


def load() -> tuple[bytes, Hazard]:
    """The shipped model: its bytes, and what is loaded of them."""
    kinds = ("onnx", "json", "cases.json")
    onnx, card, cases = (files(starter).joinpath(f"{NAME}.{kind}").read_bytes() for kind in kinds)
    return onnx, Hazard.load(onnx, card, cases)


def run(seed: int, onnx: bytes, hazard: Hazard) -> Replay:
    """One plant, scored."""
    asset_type = parse(plant_text()).types[NAME]
    return replay(onnx, Job(plan_of(seed), PUMPS, DAYS, EVERY_MIN, asset_type, hazard.spec).run())


def measured(runs: dict[int, Replay], from_chance: float) -> Measured:
    """Levels of the plants to fit on, and what they cover on all others."""

    def of(seeds: Sequence[int]) -> Rows:
        return rows_of([runs[seed] for seed in seeds])

    levels = fit(of(FITTED), from_chance)
    known, unseen = ([seed for seed in MEASURED if (seed >= UNSEEN_FROM) is new] for new in (False, True))
    parts = {"fitted on": FITTED, "laws fitted on": known, "unseen law": unseen, "held out": MEASURED}
    return Measured(levels, {name: judge(levels, of(seeds)) for name, seeds in parts.items()})


def table(title: str, found: Measured) -> Table:
    """A line for the plants of each part."""
    levels = found.levels
    said = f"{title}: levels {levels.low} to {levels.high}, or {levels.alone} and no end"
    head = (
        "rows",
        "lives",
        "failed",
        "covered",
        "95 %",
        "by row",
        "at first",
        "early",
        "with an end",
        "without",
        "h",
        "open",
    )
    out = Table("plants", *head, title=said, title_justify="left")
    for name, of in found.of.items():
        shares = (of.by_row, of.at_first, of.early, of.with_end, of.without_end)
        out.add_row(
            name, f"{of.rows:,}", f"{of.lives}", f"{of.events}", f"{of.coverage:.3f}", f"{of.low:.3f}-{of.high:.3f}",
            *(f"{share:.3f}" for share in shares), f"{of.width_h:.0f}", f"{of.open_share:.2f}",
        )  # fmt: skip
    return out


def show(runs: dict[int, Replay], limit: float) -> list[Row]:
    """Print both tables; the figures of the plants held out."""
    console, rows = Console(), []
    console.width = max(console.width, WIDTH)
    near = told_from(limit)
    for name, from_chance in ((f"at or over {near} within 168 h", near), ("all rows of known outcome", 0.0)):
        found = measured(runs, from_chance)
        console.print(table(name, found))
        of = found.of["held out"]
        rows += [
            Row(name=f"{name}: covered of 90 %", value=of.coverage, unit=f"share, {of.low:.3f} to {of.high:.3f}"),
            Row(name=f"{name}: lives with a failure", value=of.events, unit="lives"),
            Row(name=f"{name}: median width", value=of.width_h, unit="h, of those that end"),
        ]
    return rows


def main() -> None:
    onnx, hazard = load()
    runs = {}
    with Progress(transient=True) as progress:
        for seed in progress.track((*FITTED, *MEASURED), description="simulated plants"):
            runs[seed] = run(seed, onnx, hazard)
    report("intervals", show(runs, hazard.card.warning_limit))


if __name__ == "__main__":
    main()
