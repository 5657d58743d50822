"""A plant's own 15-min loads to a model that forecasts them for 72 h: trained, made sure of, and told of in its card.

The last weeks are told of by models that had not seen them: from those come the width of the interval and the figures
of the card; then all is learned from. The file passes what other energy models pass (`wrapped_figures`), and is held
to LightGBM's own figures before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from models.contracts import QUANTILES
from models.energy.load import SCALE, inputs_of
from models.energy.past import level_of
from models.energy.wall import DAY_STEPS
from models.figures.card import FigureCard
from models.inference import Graph, ModelError
from models.release import Kind
from onnx_export.load_graph import TOLD, Quantiles, to_onnx
from onnx_export.load_learn import Fold, Recipe, cuts_of, fit, fold_of, widened
from onnx_export.load_rows import FIRST_DAYS, Progress, Rows, Series, rows_until
from onnx_export.load_scores import scores_of
from onnx_export.reasons import ParityError
from onnx_export.trials import trials
from onnx_export.wrapped_figures import FigureMap, From, Inputs, wrapped_figures

LEAST_DAYS = 42
"""Of history: two weeks before the first origin, and as much to learn from as to be told of. Our choice."""
TOLERANCE = 1e-5
"""In shares of the level: float32 sums of 1,000 leaves (`wrapped_figures` allows another runtime as much)."""
BASIS = "loads that the meter measured"


class Asked(Struct, frozen=True, kw_only=True):
    """What a model is to be, and what its card says of it."""

    name: str
    command: str
    trained_on: str
    recipe: Recipe = Recipe()


class Made(NamedTuple):
    """A file with its card, its trees, and what models that had not seen the last weeks said of them."""

    onnx: bytes
    card: FigureCard
    model: Quantiles
    folds: tuple[Fold, ...]


def train_load(series: Series, asked: Asked, show: Progress = lambda *_: None) -> Made:
    """The model of a series. Raises ModelError where that is too short or has no load, ParityError from the export."""
    recipe = fitting(series, asked.recipe)
    cuts = [(first * DAY_STEPS, end * DAY_STEPS) for first, end in cuts_of(len(series.kw) // DAY_STEPS, recipe)]
    level_kw = level_of(series.kw[: cuts[0][0]])
    rows = rows_until(series, len(series.kw), level_kw, recipe.every, recipe.shares, show)
    folds = []
    for number, (begin, end) in enumerate(cuts):
        show(number, len(cuts) + 1, "training")
        folds.append(fold_of(rows, begin, end, recipe))
    show(len(cuts), len(cuts) + 1, "training")
    model = widened(fit(rows, recipe), folds)
    show(len(cuts) + 1, len(cuts) + 1, "training")
    scores = {SCALE: level_kw} | scores_of(series, folds)
    made, card = _wrapped(series, model, asked, scores)
    _held(model, made, card, rows)
    return Made(made, card, model, tuple(folds))


def fitting(series: Series, recipe: Recipe) -> Recipe:
    """A recipe whose folds leave enough to learn from. Raises ModelError where a series is too short."""
    days = len(series.kw) // DAY_STEPS
    if days < LEAST_DAYS or np.isnan(series.kw).mean() > 0.5:
        raise ModelError(
            f"a load model learns from {LEAST_DAYS} days of 15-min means at least, half of them known, and there are "
            f"{days} days, {1 - np.isnan(series.kw).mean():.0%} known: give more history"
        )
    most = (days - FIRST_DAYS) // 2 // recipe.folds
    return replace(recipe, fold_days=min(recipe.fold_days, most))


def _wrapped(series: Series, model: Quantiles, asked: Asked, scores: dict[str, float]) -> tuple[bytes, FigureCard]:
    inputs = inputs_of(series.units)
    by = FigureMap(
        kind=Kind.ENERGY, name=asked.name, basis=BASIS, trained_on=asked.trained_on, scores=scores,
        input=Inputs(name="features", features=inputs),
        outputs={name: From(name=told) for name, told in zip(QUANTILES, TOLD, strict=True)},
    )  # fmt: skip
    return wrapped_figures(to_onnx(model, len(inputs)), by, asked.command)


def _held(model: Quantiles, onnx: bytes, card: FigureCard, rows: Rows) -> None:
    """Raise ParityError where the file says something else than LightGBM of rows as they are, with gaps, at edges."""
    graph, level = Graph(onnx, tuple(card.outputs)), rows.features[0, -1]
    past = np.array([at for at, one in enumerate(card.inputs[:-1]) if one.unit == "1"])
    for trial, tried in trials(rows.features, {"past": past}, _thresholds(model)).items():
        tried[:, -1] = level
        off = np.abs(np.concatenate(graph.run(tried), axis=1).T - model.said(tried)).max() / level
        if not off <= TOLERANCE:
            raise ParityError(f"the file's loads differ by up to {off:.3g} of the level on {trial} rows")


def _thresholds(model: Quantiles) -> list[tuple[int, float]]:
    """Of all trees, as (column, value), without doubles."""
    found: set[tuple[int, float]] = set()
    waiting = [
        tree["tree_structure"]
        for part in model.parts
        for some in part.boosters
        for one in some
        for tree in one.dump_model()["tree_info"]
    ]
    while waiting:
        node = waiting.pop()
        if "threshold" in node:
            found.add((node["split_feature"], float(node["threshold"])))
            waiting += (node["left_child"], node["right_child"])
    return sorted(found)
