"""The starter: from its recipe to the pump model that Forewarn ships. The same recipe gives the same bytes again.

Trained on simulated pumps with weibull, gamma and uniform lives, its temperature and limit chosen on other seeds of
those, and scored on lognormal lives, which are the demo's law and which training never sees.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import lightgbm
import msgspec
from msgspec import Struct

from models import starter
from models.failure.hazard import Card
from models.failure.interval import Levels
from models.features import Spec
from models.passed import Passed
from models.plant import AssetType, parse
from onnx_export.baselines import FOUR_SIGMA_LIMIT, OLDEST_H, age_alone, choose_age, four_sigma
from onnx_export.calibrate import Calibration, calibration, cooled, scaling_of, thinned
from onnx_export.card import card_json, card_of
from onnx_export.conformal import TooFewFailures, interval_of, told_from
from onnx_export.conformal import rows_of as forecasts_of
from onnx_export.convert import to_onnx
from onnx_export.crossval import CrossValidation, by_other_hands, cross_validate
from onnx_export.episodes import Replay, episodes, replay
from onnx_export.evaluate import Scores, choose_limit, score, score_by_seed
from onnx_export.expected import fit
from onnx_export.fleets import Job, record_all
from onnx_export.gate import gate as examine
from onnx_export.history import History, Progress, quiet
from onnx_export.parity import Parity, candidate_of, gate, trial_rows
from onnx_export.past_cases import file_of
from onnx_export.recipe import (
    BASIS,
    COMMAND,
    NAME,
    SCORING_EVERY_MIN,
    STARTER,
    TRAINING_EVERY_MIN,
    Plan,
    Recipe,
)
from onnx_export.report import Run, run_folder, write_run
from onnx_export.survival import scores_of
from onnx_export.train import floored, rows_of, train

WORKERS = 2
"""Fleets that are simulated at a time; the bytes do not depend on it."""
AGE_ALONE, FOUR_SIGMA = "age alone", "4 sigma"
AGE_LIMIT = "age_alone_limit_h"
"""Name in a card of the running hours at which age alone warns: chosen with the model, on the same fleets."""


class Histories(Struct, frozen=True):
    """Recorded fleets by use."""

    training: list[History]
    validation: list[History]
    test: list[History]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """A model as LightGBM has it and as it ships, with what was chosen and found on the way.

    `validation` are the fleets that the limit was chosen on, with its chances.
    """

    model: lightgbm.Booster
    onnx: bytes
    parity: Parity
    gate: Passed
    calibration: Calibration
    limit: float
    tried: Mapping[float, Scores]
    validation: Sequence[Replay]


def plant_text() -> str:
    """The demo's plant file."""
    return files(starter).joinpath("pumps.toml").read_text(encoding="utf-8")


def spec_of(recipe: Recipe, asset_type: AssetType) -> Spec:
    """The feature list of a type, with what a healthy machine of it should read."""
    plain = Spec.of(asset_type)
    targets = {name: signal.expected_from for name, signal in asset_type.signals.items() if signal.expected_from}
    job = Job(recipe.healthy, recipe.pumps_scored, recipe.days, TRAINING_EVERY_MIN, asset_type, plain)
    (history,) = record_all([job])
    return msgspec.structs.replace(plain, expected=fit(plain, history, targets))


def histories_of(recipe: Recipe, asset_type: AssetType, spec: Spec, workers: int, progress: Progress) -> Histories:
    """All fleets of a recipe, recorded."""

    def jobs(plans: Sequence[Plan], pumps: int, every_min: int) -> list[Job]:
        return [Job(plan, pumps, recipe.days, every_min, asset_type, spec) for plan in plans]

    training = jobs(recipe.training, recipe.pumps, TRAINING_EVERY_MIN)
    validation = jobs(recipe.validation, recipe.pumps_scored, SCORING_EVERY_MIN)
    test = jobs(recipe.test, recipe.pumps_scored, SCORING_EVERY_MIN)
    found = record_all([*training, *validation, *test], workers, progress)
    first, second = len(training), len(training) + len(validation)
    return Histories(found[:first], found[first:second], found[second:])


def fitted(recipe: Recipe, spec: Spec, found: Histories) -> Trained:
    """Train, calibrate, export and choose the limit; raises ParityError where the export is not the model."""
    features, outcomes = rows_of(found.training)
    raw = train(spec, features, outcomes, recipe.trees)
    held_out, outcomes = thinned(found.validation)
    scaling = scaling_of(scores_of(raw, held_out), outcomes)
    rows, outcomes = thinned(found.test)
    failures = sum(len(history.failures) for history in found.test)
    model = cooled(raw, scaling)
    onnx, passed = examine(candidate_of(spec, model, to_onnx(floored(model)), features, held_out))
    validation = [replay(onnx, history) for history in found.validation]
    limit, tried = choose_limit(validation)
    return Trained(
        model=model,
        onnx=onnx,
        parity=gate(model, onnx, trial_rows(spec, features, model, recipe.parity_rows)),
        gate=passed,
        calibration=calibration(scaling, scores_of(raw, rows), outcomes, failures),
        limit=limit,
        tried=tried,
        validation=validation,
    )


def time_to_failure(trained: Trained, held_out: Sequence[Replay]) -> Levels | None:
    """Levels of the validation fleets, measured on others; None where too few machines fail in them."""
    try:
        return interval_of(forecasts_of(trained.validation), forecasts_of(held_out), told_from(trained.limit))
    except TooFewFailures:
        return None


def baselines_of(spec: Spec, found: Histories, age: float) -> dict[str, Scores]:
    """Figures on the test fleets of the two rules without a model; `age` is the limit of one."""
    return {
        FOUR_SIGMA: score((four_sigma(spec, history) for history in found.test), FOUR_SIGMA_LIMIT),
        AGE_ALONE: score((age_alone(spec, history) for history in found.test), age),
    }


def validated(recipe: Recipe, spec: Spec, found: Histories, trained: Trained) -> CrossValidation:
    """Figures of the training fleets, out of fold."""
    return cross_validate(spec, found.training, recipe.trees, trained.calibration.scaling, trained.limit)


def make_run(recipe: Recipe = STARTER, progress: Progress = quiet, workers: int = WORKERS) -> Run:
    """The starter and all that was found on the way. Raises ParityError. Minutes of work."""
    asset_type = parse(plant_text()).types[NAME]
    spec = spec_of(recipe, asset_type)
    found = histories_of(recipe, asset_type, spec, workers, progress)
    trained = fitted(recipe, spec, found)
    runs = {plan.seed: replay(trained.onnx, history) for plan, history in zip(recipe.test, found.test, strict=True)}
    scores, (age, _) = score(runs.values(), trained.limit), choose_age(spec, found.validation)
    cases = file_of(spec, trained.validation, trained.limit)
    card = card_of(
        name=NAME,
        onnx=trained.onnx,
        asset_type=NAME,
        spec=spec,
        limit=trained.limit,
        basis=BASIS,
        trained_on=recipe.trained_on,
        command=COMMAND,
        seeds=recipe.seeds,
        parity=trained.parity,
        scores=scores.figures() | trained.calibration.figures() | {AGE_LIMIT: round(age * OLDEST_H, 1)},
        interval=time_to_failure(trained, list(runs.values())),
        cases=cases,
        gate=trained.gate,
    )
    return Run(
        recipe=recipe,
        spec=spec,
        onnx=trained.onnx,
        card=card,
        cases=cases,
        gain=tuple(trained.model.feature_importance("gain").tolist()),
        tried=trained.tried,
        calibration=trained.calibration,
        cross=validated(recipe, spec, found, trained),
        scores=scores,
        by_seed=score_by_seed(runs, trained.limit),
        baselines=baselines_of(spec, found, age),
        other_hands=_other_hands(runs, trained.limit),
        shown=next(iter(runs.values())),
    )


def _other_hands(runs: Mapping[int, Replay], limit: float) -> dict[str, dict[str, float]]:
    """sktime's event figures of each test fleet."""
    return {str(seed): by_other_hands(run.history, episodes(run, limit)) for seed, run in runs.items()}


def write(folder: Path, onnx: bytes, card: Card, cases: bytes = b"") -> tuple[Path, ...]:
    """Put the model, its card and its past cases, if any, beside one another; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {"onnx": onnx, "json": card_json(card)} | ({"cases.json": cases} if cases else {})
    for kind, content in contents.items():
        (folder / f"{card.name}.{kind}").write_bytes(content)
    return tuple(folder / f"{card.name}.{kind}" for kind in contents)


def told(say: Callable[[str], object]) -> Progress:
    """Progress as a line that is written over."""

    def progress(done: int, total: int, text: str) -> None:
        say(f"\r{done:4d} of {total} days  {text:40s}")

    return progress


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m onnx_export.starter [--out DIR]`: make the starter, write its files and its run folder."""
    parser = argparse.ArgumentParser(prog="python -m onnx_export.starter", description=main.__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("models/starter"), help="folder of pump.onnx, its card and past cases"
    )
    out = parser.parse_args(arguments).out
    run = make_run(progress=told(sys.stderr.write))
    for path in (*write(out, run.onnx, run.card, run.cases), write_run(run_folder(run.card), run)):
        sys.stdout.write(f"\n{path}")
    sys.stdout.write(f"\n{run.card.version} limit {run.card.warning_limit} {run.card.scores}\n")


if __name__ == "__main__":
    main()
