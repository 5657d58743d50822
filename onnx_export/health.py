"""The health model: from fleets that never failed to the ONNX graph and card that ship, and from a plant's own rows.

No failure label is read anywhere: a fleet of the recipe in which a machine failed is refused. Components are chosen on
healthy fleets kept back in turn, the limit on others by what it costs there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import numpy as np
from msgspec import Struct

from models import starter
from models.failure.hazard import Hazard
from models.failure.health import Bound
from models.features import Spec
from models.physics.wear import WearLaw
from models.plant import AssetType, parse
from onnx_export.fleets import Job, record_all
from onnx_export.health_learn import BUDGET_A_MONTH, EVERY_MIN, HEALTH, Made, choose_factor, finish, learn, write
from onnx_export.health_own import own_of
from onnx_export.history import History, Progress, quiet
from onnx_export.recipe import AUTUMN, DEMO_SEED, NAME, SPRING, SUMMER, WINTER, Plan
from onnx_export.starter import WORKERS, plant_text, told

COMMAND = "python -m onnx_export.health --out models/starter"
BASIS = "simulated pumps without a failure"
BOUNDS = (
    Bound(signal="flow_m3_h", low=300.0, standard="LOW_FLOW of the PLC"),
    Bound(signal="oil_temp_degc", high=82.0, standard="Gorman-Rupp OM-02816, safe to at least 82 degC"),
    Bound(signal="radial_bearing_temp_degc", high=93.0, standard="GIW Technical Series 2007-11-15, alarm"),
    Bound(signal="thrust_bearing_temp_degc", high=93.0, standard="GIW Technical Series 2007-11-15, alarm"),
)
"""What pumps like these must not reach, by data sheets and their PLC."""


class HealthRecipe(Struct, frozen=True, kw_only=True):
    """Fleets without a failure: what is healthy is learned on some, the limit chosen on others."""

    training: tuple[Plan, ...]
    validation: tuple[Plan, ...]
    pumps: int = 20
    days: int = 60
    parity_rows: int = 20_000

    def __post_init__(self) -> None:
        """Raise ValueError where a seed is used twice or is the demo's."""
        seeds = [plan.seed for plan in (*self.training, *self.validation)]
        if len(set(seeds)) < len(seeds) or DEMO_SEED in seeds:
            raise ValueError(f"recipe: seeds {seeds} must differ and none may be the demo's {DEMO_SEED}")

    @property
    def seeds(self) -> dict[str, tuple[int, ...]]:
        """Seeds by use."""
        uses = {"training": self.training, "validation": self.validation}
        return {use: tuple(plan.seed for plan in plans) for use, plans in uses.items()}


_NEW = (0.0, 0.0)
LONG = WearLaw(family="uniform", mean_life_days=150.0, shape=0.3, first_life_used=_NEW)
BRISK = WearLaw(family="uniform", mean_life_days=105.0, shape=0.15, first_life_used=_NEW)
FASTER = WearLaw(family="uniform", mean_life_days=90.0, shape=0.15, first_life_used=_NEW, acceleration=1.0)
WORN = WearLaw(family="uniform", mean_life_days=200.0, shape=0.2, first_life_used=(0.0, 0.4))
# Lives outlast what is recorded of them. Validation goes further into them, so that the limit knows old machines.
RECIPE = HealthRecipe(
    training=(
        Plan(seed=611, law=LONG, start_us=WINTER, faults=False),
        Plan(seed=612, law=LONG, start_us=SPRING, faults=True),
        Plan(seed=613, law=LONG, start_us=SUMMER, faults=False),
        Plan(seed=614, law=LONG, start_us=AUTUMN, faults=True),
    ),
    validation=(
        Plan(seed=631, law=LONG, start_us=WINTER, faults=True),
        Plan(seed=632, law=BRISK, start_us=SPRING, faults=False),
        Plan(seed=633, law=WORN, start_us=SUMMER, faults=True),
        Plan(seed=634, law=WORN, start_us=AUTUMN, faults=False),
        Plan(seed=635, law=FASTER, start_us=WINTER, faults=True),
        Plan(seed=636, law=LONG, start_us=SUMMER, faults=True),
    ),
)


def healthy_fleets(
    recipe: HealthRecipe, asset_type: AssetType, spec: Spec, workers: int, progress: Progress
) -> tuple[list[History], list[History]]:
    """Fleets of training and of validation, recorded. Raises ValueError where a machine of them failed."""
    plans = (*recipe.training, *recipe.validation)
    jobs = [Job(plan, recipe.pumps, recipe.days, EVERY_MIN, asset_type, spec) for plan in plans]
    found = record_all(jobs, workers, progress)
    failed = [plan.seed for plan, history in zip(plans, found, strict=True) if history.failures]
    if failed:
        raise ValueError(f"machines of the fleets of seeds {failed} failed: give them longer lives or fewer days")
    return found[: len(recipe.training)], found[len(recipe.training) :]


def shipped_spec() -> Spec:
    """The feature list of the shipped hazard, so that one row serves both."""
    kinds = ("onnx", "json", "cases.json")
    return Hazard.load(*(files(starter).joinpath(f"{NAME}.{kind}").read_bytes() for kind in kinds)).spec


def make(recipe: HealthRecipe = RECIPE, progress: Progress = quiet, workers: int = WORKERS) -> Made:
    """The starter's health model. Raises ParityError and ValueError. A few minutes of work."""
    asset_type, spec = parse(plant_text()).types[NAME], shipped_spec()
    return made_of(recipe, spec, *healthy_fleets(recipe, asset_type, spec, workers, progress))


def made_of(recipe: HealthRecipe, spec: Spec, training: Sequence[History], validation: Sequence[History]) -> Made:
    """The starter's health model of recorded fleets. Raises ParityError and ValueError."""
    learned = learn(spec, [fleet.features for fleet in training])
    learned, cost = choose_factor(learned, spec, validation, BUDGET_A_MONTH)
    rows = np.concatenate([fleet.features for fleet in validation])
    return finish(
        learned, spec, rows[:: max(len(rows) // recipe.parity_rows, 1)],
        name=f"{NAME}.{HEALTH}", asset_type=NAME, bounds=BOUNDS, basis=BASIS, command=COMMAND, seeds=recipe.seeds,
        trained_on=(
            f"simulated pumps (models.physics) without a failure: {len(training)} fleets of {recipe.pumps} over "
            f"{recipe.days} days, the limit chosen on {len(validation)} others"
        ),
        scores={"warnings_a_machine_month_healthy": round(cost, 4), "factor": round(learned.factor, 4)},
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m onnx_export.health [--out DIR]`: make the starter's health model, or a plant's own with --features.

    --features is the folder of a run of `forewarn backfill --what features`, --card the card of the model that its rows
    were made for, --from and --to the span in which people know its machines to have been healthy.
    """
    parser = argparse.ArgumentParser(prog="python -m onnx_export.health", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("models/starter"), help="folder of the two files")
    parser.add_argument("--features", type=Path, help="folder of a backfill's run")
    parser.add_argument("--card", type=Path, help="card of the model that the rows were made for")
    parser.add_argument("--from", dest="begin", type=datetime.fromisoformat, help="first healthy day, UTC")
    parser.add_argument("--to", dest="end", type=datetime.fromisoformat, help="day that is healthy no more, UTC")
    told_of = parser.parse_args(arguments)
    own = (told_of.features, told_of.card, told_of.begin, told_of.end)
    if any(one is not None for one in own) and None in own:
        parser.error("--features, --card, --from and --to belong together: give all four, or none for the starter")
    made = make(progress=told(sys.stderr.write)) if told_of.features is None else own_of(*own)
    for path in write(told_of.out, made):
        sys.stdout.write(f"\n{path}")
    sys.stdout.write(f"\n{made.card.version} {made.card.scores} {made.card.parity}\n")


if __name__ == "__main__":
    main()
