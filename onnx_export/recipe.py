"""What the starter is made from: which fleets, under which laws, from which seeds, and how many of what.

Laws of training, validation and test differ, and those of `tests/bench/pumps.py` are none of them. Data alone: nothing
is simulated here.
"""

from __future__ import annotations

import calendar

from msgspec import Struct

from models.physics.wear import WearLaw
from onnx_export.parity import LEAST_ROWS
from onnx_export.train import TREES

NAME = "pump"
"""The asset type, the name its plant file gives as its model, and of the two files."""
COMMAND = "forewarn model train --out models/starter"
BASIS = "simulated pumps"
"""What every chance of the starter says it comes from."""
DEMO_SEED = 7
"""Held back for the demo: a model must not have seen the plant it is shown on."""
SECOND_US = 1_000_000


def midnight_us(year: int, month: int) -> int:
    """The first of a month, 00:00 UTC, in microseconds since 1970."""
    return calendar.timegm((year, month, 1, 0, 0, 0)) * SECOND_US


WINTER, SPRING, SUMMER, AUTUMN = (midnight_us(2025, month) for month in (1, 4, 7, 10))
"""Starts of fleets: three months from each, so that all of the year's weather is seen."""
START_US = WINTER
TRAINING_EVERY_MIN = 110
"""Rows 110 min apart fall on all hours of the day and all quarters of the hour; closer ones say the same again."""
SCORING_EVERY_MIN = 10
"""Every row of the simulated plant, since hysteresis counts due minutes."""


class Plan(Struct, frozen=True, kw_only=True):
    """A fleet to simulate: its seed, the law of its lives, when it starts and whether its sensors fail now and then."""

    seed: int
    law: WearLaw
    start_us: int = START_US
    faults: bool = True


HEALTHY = Plan(
    seed=91,
    law=WearLaw(family="uniform", mean_life_days=150.0, shape=0.3, first_life_used=(0.0, 0.0)),
    faults=False,
)
"""Pumps that are new and last long: rows of a first life that is half over would teach wear as normal."""


class Recipe(Struct, frozen=True, kw_only=True):
    """All that the starter is made from. Fleets of training are of `pumps`, those of scoring of `pumps_scored`.

    What a healthy machine reads is fitted on the fleet of `healthy`.
    """

    training: tuple[Plan, ...]
    validation: tuple[Plan, ...]
    test: tuple[Plan, ...]
    healthy: Plan = HEALTHY
    pumps: int = 30
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
        uses = {
            "healthy": (self.healthy,), "training": self.training, "validation": self.validation, "test": self.test,
        }  # fmt: skip
        return {use: tuple(plan.seed for plan in plans) for use, plans in uses.items()}

    @property
    def trained_on(self) -> str:
        """For the card."""
        trained = sorted({plan.law.family for plan in self.training})
        scored = sorted({plan.law.family for plan in self.test})
        return (
            f"simulated pumps (models.physics): {len(self.training)} fleets of {self.pumps} over {self.days} days, "
            f"{', '.join(trained)} lives; scored on {', '.join(scored)} lives"
        )


def _plan(seed: int, start_us: int, faults: bool, family: str, shape: float, mean: float, **more: object) -> Plan:
    law = WearLaw(family=family, shape=shape, mean_life_days=mean, **more)  # type: ignore[arg-type]
    return Plan(seed=seed, law=law, start_us=start_us, faults=faults)


# Means and shapes lie around the demo's 46 days and 0.28 (a relative spread of about 0.3) but on other laws, so that
# the model learns wear from the signals rather than an age. Weights are of impeller, thrust and radial bearing.
STARTER = Recipe(
    training=(
        _plan(101, WINTER, True, "weibull", 3.5, 45.0),
        _plan(102, SPRING, False, "gamma", 10.0, 60.0),
        _plan(103, SUMMER, True, "uniform", 0.6, 40.0),
        _plan(104, AUTUMN, False, "weibull", 2.5, 55.0, acceleration=1.0),
        _plan(105, WINTER, True, "gamma", 14.0, 45.0, part_weights=(2.0, 1.0, 1.0)),
        _plan(106, SPRING, True, "uniform", 0.8, 35.0, background=(0.1, 0.4)),
        _plan(107, SUMMER, False, "weibull", 4.5, 70.0, part_weights=(1.0, 2.0, 2.0)),
        _plan(108, AUTUMN, True, "gamma", 6.0, 50.0, acceleration=2.0),
    ),
    validation=(
        _plan(201, WINTER, True, "weibull", 3.5, 45.0),
        _plan(202, SUMMER, True, "gamma", 10.0, 60.0),
        _plan(203, AUTUMN, False, "uniform", 0.7, 50.0, acceleration=1.0),
    ),
    test=(
        Plan(seed=401, law=WearLaw()),
        Plan(seed=402, law=WearLaw(), start_us=SUMMER),
        Plan(seed=403, law=WearLaw(acceleration=1.0), start_us=AUTUMN, faults=False),
    ),
)
