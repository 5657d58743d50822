"""The health model: from fleets that never failed to the ONNX graph and card that ship, and from a plant's own rows.

No failure label is read anywhere: a fleet of the recipe in which a machine failed is refused. Components are chosen on
healthy fleets kept back in turn, the limit on others by what it costs there.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from models import starter
from models.failure.hazard import Hazard
from models.failure.health import Bound, HealthCard, HealthModel
from models.features import Spec
from models.physics.plc import LIMITS
from models.physics.wear import WearLaw
from models.plant import AssetType, parse
from onnx_export.evaluate import MONTH_H
from onnx_export.fleets import Job, record_all
from onnx_export.health_graph import Learned, distances, gate, inputs_of, said, to_onnx
from onnx_export.history import History, Progress, quiet
from onnx_export.recipe import AUTUMN, DEMO_SEED, NAME, SPRING, SUMMER, WINTER, Plan
from onnx_export.rungs import episodes_of, health_on
from onnx_export.starter import WORKERS, plant_text, told
from onnx_export.train import masked

HEALTH = "health"
COMMAND = "python -m onnx_export.health --out models/starter"
BASIS = "simulated pumps without a failure"
EVERY_MIN = 60
"""A machine's health is told once in an hour of running."""
EXPLAINED = 0.9
"""Share of the squared distances of a fleet kept back that the components explain: a common choice."""
QUANTILE = 0.99
"""Of T2 and SPE over healthy rows: an empirical limit, since neither is normal nor independent from hour to hour."""
MASKED = 0.2
"""Share of the gate's rows that lack a signal."""
BUDGET_A_MONTH = 0.0143
"""Warnings per machine-month that the limit may cost on fleets that do not fail: a tenth of 0.143, which two a week are
for 60 machines. The other nine tenths are for what cannot be seen there, warnings of failures that come too early, and
for the other rungs. Our choice, made on simulated plants that neither training nor any benchmark uses."""
FACTORS = tuple(round(1.1**step, 3) for step in range(41))
"""What the limits are tried to be multiplied by: 1 to 45, in steps of a twentieth of the distance."""
BOUNDS = tuple(
    Bound(
        signal=limit.signal,
        **{"low" if limit.is_low else "high": limit.raised},
        standard=f"the PLC's {limit.alarm}",
    )
    for limit in LIMITS
)


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A health model as it ships, and what it was made of."""

    learned: Learned
    onnx: bytes
    card: HealthCard


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


def learn(spec: Spec, fleets: Sequence[np.ndarray]) -> Learned:
    """Spreads, components and limits of healthy feature rows, fleet by fleet; the factor is 1 yet.

    Raises ValueError where an input is never known, or too few rows are.
    """
    rows = np.concatenate(list(fleets))
    spreads = [_root_mean_square(part) for part in distances(spec, rows)]
    if not all((spread > 0.0).all() for spread in spreads):
        raise ValueError("some input is not known in any healthy row: name a span in which all signals were heard")
    plain = Learned(
        own=spreads[0], fleet=spreads[1], loadings=np.empty((0, 0)), variances=np.empty(0), t2_limit=1.0, spe_limit=1.0
    )
    parts = [_complete(inputs_of(plain, spec, fleet)) for fleet in fleets]
    count = _components(parts)
    values, vectors = _principal(np.concatenate(parts))
    found = replace(plain, loadings=vectors[:, :count], variances=values[:count])
    everything = said(found, spec, rows)
    t2_limit, spe_limit = (float(np.quantile(part, QUANTILE)) for part in (everything.t2, everything.spe))
    return replace(found, t2_limit=t2_limit, spe_limit=spe_limit)


def _root_mean_square(values: np.ndarray) -> np.ndarray:
    """By column, about 0, of what is known; 0 where nothing is."""
    known = ~np.isnan(values)
    return np.sqrt(np.square(np.where(known, values, 0.0)).sum(axis=0) / np.maximum(np.count_nonzero(known, axis=0), 1))


def _complete(inputs: np.ndarray) -> np.ndarray:
    return inputs[~np.isnan(inputs).any(axis=1)]


def _principal(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances about 0 and directions of rows, the largest first, by singular values; signs are fixed."""
    _, singular, vectors = np.linalg.svd(inputs, full_matrices=False)
    signs = np.sign(vectors[np.arange(len(vectors)), np.abs(vectors).argmax(axis=1)])
    return np.square(singular) / len(inputs), (vectors * signs[:, None]).T


def _components(parts: Sequence[np.ndarray]) -> int:
    """The fewest components that explain EXPLAINED of each fleet's squares when learned on all others, on the mean."""
    shares = np.zeros(parts[0].shape[1])
    for kept in range(len(parts)):
        others = [part for at, part in enumerate(parts) if at != kept or len(parts) == 1]
        _, vectors = _principal(np.concatenate(others))
        shares += np.square(parts[kept] @ vectors).sum(axis=0) / np.square(parts[kept]).sum()
    return int(np.searchsorted(np.cumsum(shares / len(parts)), EXPLAINED) + 1)


def choose_factor(learned: Learned, spec: Spec, fleets: Sequence[History], budget: float) -> tuple[Learned, float]:
    """The limits as close to healthy machines as the budget of warnings a machine-month allows on other such fleets.

    Returns what they cost there. Raises ValueError where no factor keeps the budget.
    """
    for factor in FACTORS:
        tried = with_floor(replace(learned, factor=factor), spec, fleets)
        cost = cost_of(tried, spec, fleets)
        if cost <= budget:
            return tried, cost
    raise ValueError(f"healthy machines cost {cost:.3f} warnings a machine-month at the widest, {budget} are allowed")


def with_floor(learned: Learned, spec: Spec, fleets: Sequence[History]) -> Learned:
    """With where healthy machines lie half of the time."""
    roots = [np.sqrt(found.t2 + found.spe) for found in (said(learned, spec, fleet.features) for fleet in fleets)]
    return replace(learned, floor=float(np.median(np.concatenate(roots))))


def cost_of(learned: Learned, spec: Spec, fleets: Sequence[History]) -> float:
    """Warnings a machine-month of healthy fleets: each is unfounded."""
    warnings = months = 0.0
    for fleet in fleets:
        on = health_on(fleet, said(learned, spec, fleet.features).index[:, 0])
        warnings += len(list(episodes_of(fleet, on)))
        months += len(on) * fleet.every_min / 60 / MONTH_H
    return warnings / months


def shipped_spec() -> Spec:
    """The feature list of the shipped hazard, so that one row serves both."""
    return Hazard.load(*(files(starter).joinpath(f"{NAME}.{kind}").read_bytes() for kind in ("onnx", "json"))).spec


def make(recipe: HealthRecipe = RECIPE, progress: Progress = quiet, workers: int = WORKERS) -> Made:
    """The starter's health model. Raises ParityError and ValueError. A few minutes of work."""
    asset_type, spec = parse(plant_text()).types[NAME], shipped_spec()
    training, validation = healthy_fleets(recipe, asset_type, spec, workers, progress)
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
        scores={"warnings_a_machine_month_healthy": round(cost, 4)},
    )  # fmt: skip


def finish(learned: Learned, spec: Spec, rows: np.ndarray, *, name: str, **said_of: object) -> Made:
    """Export, hold the graph to what was learned on `rows`, and write the card. Raises ParityError."""
    onnx = to_onnx(learned, spec)
    card = HealthCard(
        name=name,
        sha256=hashlib.sha256(onnx).hexdigest(),
        signals=spec.signals,
        counters=spec.counters,
        expected=spec.expected,
        shares=spec.shares,
        events=spec.events,
        rolls_over_at=spec.rolls_over_at,
        features_sha256=spec.sha256,
        components=learned.loadings.shape[1],
        parity=gate(learned, spec, onnx, trial_rows(spec, rows)),
        **said_of,  # type: ignore[arg-type]
    )
    HealthModel(onnx, card)
    return Made(learned=learned, onnx=onnx, card=card)


def trial_rows(spec: Spec, rows: np.ndarray) -> np.ndarray:
    """Rows for the gate: some lack a signal, as windows without its samples do."""
    return masked(spec, rows, share=MASKED)


def write(folder: Path, made: Made) -> tuple[Path, Path]:
    """Put the model and its card beside one another; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{made.card.name}.onnx", folder / f"{made.card.name}.json"
    paths[0].write_bytes(made.onnx)
    paths[1].write_bytes(msgspec.json.format(msgspec.json.encode(made.card), indent=2) + b"\n")
    return paths


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m onnx_export.health [--out DIR]`: make the starter's health model, or a plant's own with --features."""
    parser = argparse.ArgumentParser(prog="python -m onnx_export.health", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("models/starter"), help="folder of the two files")
    out = parser.parse_args(arguments).out
    made = make(progress=told(sys.stderr.write))
    for path in write(out, made):
        sys.stdout.write(f"\n{path}")
    sys.stdout.write(f"\n{made.card.version} {made.card.scores} {made.card.parity}\n")


if __name__ == "__main__":
    main()
