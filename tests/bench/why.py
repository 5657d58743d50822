"""What a forecast's reasons cost, and whether two ways to find them agree: `make bench ONLY=why`. Plants are simulated.

A small model is trained on six plants, exported as the shipped one is, and asked at each warning that opens on six
others. Drivers by exact ablation on the served graph (one signal's features as usual for the asset, all others as they
are) are held against LightGBM's TreeSHAP of the same trees (`pred_contrib`), summed over a signal's features and over
classes, each weighted by how much the chance within 72 h moves with its score. The two answer different questions, one
"what if this signal were as usual", the other "how is the sum shared out": no bar is set on how often they agree.
"""

from __future__ import annotations

import dataclasses
import hashlib
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import lightgbm
import numpy as np
from msgspec.structs import replace
from rich.progress import Progress

from models.failure.hazard import WARNING, Hazard
from models.failure.interval import Levels, remaining
from models.features import AFTER_RUNNING_MIN, Spec
from onnx_export.convert import to_onnx
from onnx_export.episodes import Replay, episodes, replay
from onnx_export.history import History
from onnx_export.learner import with_rows
from onnx_export.past_cases import encoded, past_cases
from onnx_export.recipe import TRAINING_EVERY_MIN
from onnx_export.survival import scores_of, with_interval
from onnx_export.train import floored, rows_of, train
from tests.bench.intervals import EVERY_MIN, FITTED, MEASURED, load, run
from tests.kit.bench import Row, report

ABLATION, TREESHAP = "drivers by ablation", "drivers by TreeSHAP"
TREES = 40
REPEATS = 5
LEVELS = Levels(low=0.015, high=0.85, alone=0.1, from_chance=0.2, events=79)
ROWS = 256
"""Rows of a batch whose time to failure is told."""


class Opened(NamedTuple):
    """Rows at which warnings opened, and what is usual for each one's asset, float32 [rows, features] each."""

    rows: np.ndarray
    usual: np.ndarray


def thinned(history: History) -> History:
    """Rows as far apart as those of training."""
    step = TRAINING_EVERY_MIN // EVERY_MIN
    return dataclasses.replace(with_rows(history, np.arange(0, len(history.asset), step)), every_min=TRAINING_EVERY_MIN)


def learned(runs: Sequence[Replay], like: Hazard) -> tuple[lightgbm.Booster, bytes, Hazard]:
    """A model of these plants: as LightGBM has it, as ONNX, and loaded with the past cases of the same plants."""
    spec = like.spec
    model = floored(train(spec, *rows_of([thinned(one.history) for one in runs]), TREES))
    onnx = to_onnx(model)
    own = [replay(onnx, one.history) for one in runs]
    cases = encoded(past_cases(spec, own, like.card.warning_limit))
    hashes = {"sha256": hashlib.sha256(onnx).hexdigest(), "cases_sha256": hashlib.sha256(cases).hexdigest()}
    return model, onnx, Hazard(onnx, replace(like.card, **hashes), cases)


def usual(history: History, spec: Spec, row: int) -> np.ndarray | None:
    """The first row of a life after a day of running, with no change from itself; None before that."""
    life = (history.asset == history.asset[row]) & (history.since_us == history.since_us[row])
    day = np.flatnonzero(life & (history.features[:, spec.running] >= AFTER_RUNNING_MIN / 60))
    if not len(day) or day[0] >= row:
        return None
    found = history.features[day[0]].copy()
    for one in spec.expected:
        found[[spec.column(f"{one.target}.{what}") for what in ("change_24h", "exceeds_72h")]] = 0.0
    return found


def opened(runs: Sequence[Replay], spec: Spec, limit: float) -> Opened:
    """Of all warnings that open on these plants, those of assets that have a usual."""
    pairs = []
    for one in runs:
        history = one.history
        for episode in episodes(one, limit):
            at = (history.asset == episode.asset) & (history.window_end_us == episode.opened_us)
            row = int(np.flatnonzero(at)[0])
            if (normal := usual(history, spec, row)) is not None:
                pairs.append((history.features[row], normal))
    return Opened(*(np.stack(part) for part in zip(*pairs, strict=True)))


def ablated(hazard: Hazard, at: Opened, row: int) -> list[str]:
    """Drivers of a row, as serving finds them."""
    features, normal = at.rows[row : row + 1], at.usual[row : row + 1]
    chance = float(hazard.chances(features)[0, WARNING])
    others = hazard.chances(hazard.variants(features, normal)[0])[:, WARNING]
    return [driver.signal for driver in hazard.drivers(features[0], chance, others)]


def shared(model: lightgbm.Booster, spec: Spec, rows: np.ndarray) -> list[list[str]]:
    """Signals by their part in the chance within 72 h, by TreeSHAP, the largest first."""
    scores = scores_of(model, rows)[:, : WARNING + 1]
    told = [
        np.asarray(model.predict(with_interval(rows, at), pred_contrib=True, num_threads=1))[:, :-2]
        for at in range(WARNING + 1)
    ]
    hazard = 1.0 / (1.0 + np.exp(-scores))  # the chance moves by survival times the sum of hazard times logit
    parts = np.prod(1.0 - hazard, axis=1)[:, None] * sum(hazard[:, at, None] * one for at, one in enumerate(told))
    of = np.stack([parts[:, spec.columns_of(signal)].sum(axis=1) for signal in spec.signals], axis=1)
    return [[spec.signals[at] for at in np.argsort(-row, kind="stable").tolist()] for row in of]


def us_each(work: Callable[[int], object], number: int) -> list[float]:
    """Microseconds of one, by each of REPEATS rounds over all."""
    rounds = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        for at in range(number):
            work(at)
        rounds.append((time.perf_counter() - begun) / number * 1e6)
    return rounds


def figures(fitted: Sequence[Replay], others: Sequence[Replay], like: Hazard) -> list[Row]:
    """All figures, of a model of the plants `fitted`, on warnings of the others."""
    model, onnx, hazard = learned(fitted, like)
    at = opened([replay(onnx, one.history) for one in others], hazard.spec, hazard.card.warning_limit)
    number = len(at.rows)
    ours = [ablated(hazard, at, row) for row in range(number)]
    theirs = shared(model, hazard.spec, at.rows)
    told = [(mine[0], both) for mine, both in zip(ours, theirs, strict=True) if mine]
    same, near = (sum(one in of[:most] for one, of in told) / len(told) for most in (1, 3))
    chances = hazard.chances(np.resize(at.rows, (ROWS, at.rows.shape[1])))
    works: tuple[tuple[str, Callable[[int], object]], ...] = (
        (ABLATION, lambda row: ablated(hazard, at, row)),
        (TREESHAP, lambda row: shared(model, hazard.spec, at.rows[row : row + 1])),
        (f"past cases like it, of {hazard.past_cases}", lambda row: hazard.similar(at.rows[row].tobytes())),
    )
    took = {name: us_each(work, number) for name, work in works}
    beside: dict[str, dict[str, Any]] = {TREESHAP: {"peer": "TreeSHAP", "ours": statistics.median(took[ABLATION])}}
    return [
        Row(name="warnings that opened", value=number, unit="of assets with a usual"),
        Row(name="of these with a driver", value=len(told), unit="by ablation"),
        Row(name="same first driver", value=same, unit="share"),
        Row(name="ours among TreeSHAP's first three", value=near, unit="share"),
        *(
            Row.of(took[name], name=name, unit="us a warning", at_most=True, **beside.get(name, {}))
            for name, _ in works
        ),
        Row.of(
            [us / ROWS for us in us_each(lambda _: remaining(LEVELS, chances), 20)],
            name="time to failure, where all are told",
            unit="us a forecast",
        ),
    ]


def main() -> None:
    onnx, like = load()
    with Progress(transient=True) as progress:
        seeds = progress.track((*FITTED, *MEASURED), description="simulated plants")
        runs = {seed: run(seed, onnx, like) for seed in seeds}
    report("why", figures([runs[seed] for seed in FITTED], [runs[seed] for seed in MEASURED], like))


if __name__ == "__main__":
    main()
