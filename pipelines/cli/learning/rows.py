"""Rows for learning on, from what a backfill of features left: the rows, and what is known of the plant beside them."""

from __future__ import annotations

from pathlib import Path

from models.failure.hazard import Card
from models.features import Spec
from models.records import HealthyBaseline, Maintenance
from onnx_export import drift, shards, table
from onnx_export.history import Progress
from onnx_export.learner import Learner, pool_of
from pipelines.backfill.results import PLAN, Results
from pipelines.cli.learning.student import Material

AMBIENT = "ambient"
"""A signal of this in its name is of the weather: what all machines share."""


def material_of(
    data: str, card: Card, memory_mib: int, progress: Progress, baselines: tuple[HealthyBaseline, ...] = ()
) -> Material:
    """Rows that a model looks at, as many as fit. Raises TableError, FutureData and ModelError.

    Events are those of the run whose folder it is; rows of other files have none, and no move is told by a record.
    """
    spec = Spec.of_card(card)
    found = shards.survey(table.data_of(data), spec, progress)
    components = Learner(spec=spec, pool=pool_of(spec, {})).components
    sample = shards.sample_of(found, len(spec.names), components, memory_mib << 20)
    history, weights = shards.gathered(found, spec, sample, progress)
    folder = Path(data)
    records = Results(folder).records() if (folder / PLAN).is_file() else ()
    events = [one for one in records if isinstance(one, Maintenance)]
    context = drift.Context(assets=found.assets, events=events, baselines=baselines)
    return Material(
        history=history, weights=weights, names=found.assets, context=context,
        ambient=tuple(name for name in spec.signals if AMBIENT in name),
    )  # fmt: skip
