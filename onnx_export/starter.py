"""The starter: the one recipe that makes the pump model Forewarn ships. The same recipe gives the same bytes again.

Trained on simulated pumps with weibull, gamma and uniform lives, its limit chosen on other seeds of those, and scored
on lognormal lives, which are the demo's law and which training never sees. The demo's own seed is in none of the three.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

from msgspec import Struct

from models import starter
from models.failure.hazard import Card
from models.features import Spec
from models.physics.fleet import FleetSpec
from models.physics.wear import WearLaw
from models.plant import AssetType, parse
from onnx_export.card import card_json, card_of
from onnx_export.convert import to_onnx
from onnx_export.evaluate import choose_limit, replay, score
from onnx_export.history import History, Progress, quiet, record
from onnx_export.parity import LEAST_ROWS, gate, trial_rows
from onnx_export.train import TREES, floored, rows_of, train

NAME = "pump"
"""The asset type, the name its plant file gives as its model, and of the two files."""
COMMAND = "forewarn model train --out models/starter"
DEMO_SEED = 7
"""Held back for the demo: a model must not have seen the plant it is shown on."""
START_US = 1_735_689_600_000_000
"""2025-01-01 00:00 UTC; the simulated plant has hours of the day but no seasons, so any midnight does."""
TRAINING_EVERY_MIN = 110
"""Rows 110 min apart fall on all hours of the day and all quarters of the hour; closer ones say the same again."""
SCORING_EVERY_MIN = 10
"""Every row of the simulated plant, since hysteresis counts due minutes."""

Planned = tuple[int, WearLaw]
"""A fleet to simulate: its seed and the law of its lives."""


class Recipe(Struct, frozen=True, kw_only=True):
    """All that the starter is made from. Fleets of training are of `pumps`, those of scoring of `pumps_scored`."""

    training: tuple[Planned, ...]
    validation: tuple[Planned, ...]
    test: tuple[Planned, ...]
    pumps: int = 40
    pumps_scored: int = 20
    days: int = 90
    trees: int = TREES
    parity_rows: int = LEAST_ROWS

    def __post_init__(self) -> None:
        """Raise ValueError where a seed is used twice or is the demo's."""
        seeds = [seed for plans in self.seeds.values() for seed in plans]
        if len(set(seeds)) < len(seeds) or DEMO_SEED in seeds:
            raise ValueError(f"recipe: seeds {seeds} must differ and none may be the demo's {DEMO_SEED}")

    @property
    def seeds(self) -> dict[str, tuple[int, ...]]:
        """Seeds by use."""
        uses = {"training": self.training, "validation": self.validation, "test": self.test}
        return {use: tuple(seed for seed, _ in plans) for use, plans in uses.items()}

    @property
    def trained_on(self) -> str:
        """For the card."""
        trained = sorted({law.family for _, law in self.training})
        scored = sorted({law.family for _, law in self.test})
        return (
            f"simulated pumps (models.physics): {len(self.training)} fleets of {self.pumps} over {self.days} days, "
            f"{', '.join(trained)} lives; scored on {', '.join(scored)} lives"
        )


# Means and shapes lie around the demo's 50 days and 0.28 (a relative spread of about 0.3) but on other laws, so that
# the model learns wear from the signals rather than an age.
STARTER = Recipe(
    training=(
        (101, WearLaw(family="weibull", shape=3.5, mean_life_days=45.0)),
        (102, WearLaw(family="gamma", shape=10.0, mean_life_days=60.0)),
        (103, WearLaw(family="uniform", shape=0.6, mean_life_days=40.0)),
        (104, WearLaw(family="weibull", shape=2.5, mean_life_days=55.0, acceleration=1.0)),
        (105, WearLaw(family="gamma", shape=14.0, mean_life_days=45.0)),
    ),
    validation=(
        (201, WearLaw(family="weibull", shape=3.5, mean_life_days=45.0)),
        (202, WearLaw(family="gamma", shape=10.0, mean_life_days=60.0)),
    ),
    test=((401, WearLaw()), (402, WearLaw())),
)


class _Simulator:
    """Records planned fleets and tells how far all of them are."""

    def __init__(self, recipe: Recipe, asset_type: AssetType, spec: Spec, progress: Progress) -> None:
        self.recipe, self.asset_type, self.spec, self.progress = recipe, asset_type, spec, progress
        self.total = recipe.days * sum(map(len, recipe.seeds.values()))
        self.done = 0

    def histories(self, plans: Sequence[Planned], pumps: int, every_min: int) -> list[History]:
        """One history a plan."""
        return [self._one(seed, law, pumps, every_min) for seed, law in plans]

    def _one(self, seed: int, law: WearLaw, pumps: int, every_min: int) -> History:
        fleet = FleetSpec(start_us=START_US, n_pumps=pumps, days=self.recipe.days, wear=law)
        before = self.done
        self.done += self.recipe.days
        return record(
            fleet,
            seed,
            self.asset_type,
            self.spec,
            every_min,
            lambda day, _days, text: self.progress(before + day, self.total, text),
        )


def plant_text() -> str:
    """The demo's plant file."""
    return files(starter).joinpath("pumps.toml").read_text(encoding="utf-8")


def make_starter(recipe: Recipe = STARTER, progress: Progress = quiet) -> tuple[bytes, Card]:
    """The starter's ONNX bytes and card; raises ParityError where the export is not the model. Minutes of work."""
    asset_type = parse(plant_text()).types[NAME]
    spec = Spec(tuple(asset_type.signals))
    simulator = _Simulator(recipe, asset_type, spec, progress)
    features, classes = rows_of(simulator.histories(recipe.training, recipe.pumps, TRAINING_EVERY_MIN))
    model = train(spec, features, classes, recipe.trees)
    onnx = to_onnx(floored(model))
    parity = gate(model, onnx, trial_rows(spec, features, model, recipe.parity_rows))
    limit, _ = choose_limit(
        [replay(onnx, h) for h in simulator.histories(recipe.validation, recipe.pumps_scored, SCORING_EVERY_MIN)]
    )
    scores = score(
        [replay(onnx, h) for h in simulator.histories(recipe.test, recipe.pumps_scored, SCORING_EVERY_MIN)], limit
    )
    card = card_of(
        name=NAME,
        onnx=onnx,
        asset_type=NAME,
        spec=spec,
        limit=limit,
        trained_on=recipe.trained_on,
        command=COMMAND,
        seeds=recipe.seeds,
        parity=parity,
        scores=scores,
    )
    return onnx, card


def write(folder: Path, onnx: bytes, card: Card) -> tuple[Path, Path]:
    """Put the model and its card beside one another; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / f"{card.name}.onnx", folder / f"{card.name}.json"
    files[0].write_bytes(onnx)
    files[1].write_bytes(card_json(card))
    return files


def _told(say: Callable[[str], object]) -> Progress:
    def progress(done: int, total: int, text: str) -> None:
        say(f"\r{done:4d} of {total} days  {text:40s}")

    return progress


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m onnx_export.starter [--out DIR]`: make the starter and write its two files."""
    parser = argparse.ArgumentParser(prog="python -m onnx_export.starter", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("models/starter"), help="folder of pump.onnx and pump.json")
    out = parser.parse_args(arguments).out
    onnx, card = make_starter(progress=_told(sys.stderr.write))
    for path in write(out, onnx, card):
        sys.stdout.write(f"\n{path} {path.stat().st_size} bytes")
    sys.stdout.write(f"\n{card.version} limit {card.warning_limit} {card.scores}\n")


if __name__ == "__main__":
    main()
