"""What the export gate found of a file, what serving it costs and what it was refitted from, as its card keeps them."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """What a graph is made of: how near it comes to the model it was made of, and what infinities do."""

    TREES = "trees"
    MINIROCKET = "MiniRocket"


class Missing(StrEnum):
    """What a NaN does: a feature of a window without the signal."""

    LEARNED = (
        "takes the way that training chose for windows without the signal; the chance is finite, native and ONNX agree"
    )


class Infinite(StrEnum):
    """What an infinite feature does."""

    BEYOND = "counts as the largest float32 of its sign, beyond the last threshold; native and ONNX agree"
    KEPT_OUT = "does not reach the model: samples that are not finite are refused at the door"


class Coarsest(Struct, frozen=True):
    """The feature that float32 resolves worst: its step at the largest magnitude over its spread in history."""

    feature: str
    step: float
    spread: float
    share: float


class Passed(Struct, frozen=True, kw_only=True):
    """Figures of a file that passed the gate, a function of the model: the same run gives the same.

    `rows` and `largest_difference` (of native and ONNX chances) are by set of rows; `recut` is how many rows gave the
    same bits in batches of `batches` and in `random_cuts` more; `vectors` are how many acceptance vectors are inside.
    """

    kind: Kind
    tolerance: float
    rows: dict[str, int]
    largest_difference: dict[str, float]
    recut: int
    batches: tuple[int, ...]
    random_cuts: int
    missing: Missing
    infinite: Infinite
    coarsest: Coarsest
    size_bytes: int
    nodes: int
    operators: tuple[str, ...]
    opsets: dict[str, int]
    vectors: int = 0
    vectors_tolerance: float = 0.0


class Served(Struct, frozen=True, kw_only=True):
    """What serving a file costs: microseconds of processor time a row by batch size, on one core of `machine`."""

    size_bytes: int
    latency_us_a_row: dict[str, float]
    machine: str
    onnxruntime: str


class Refit(Struct, frozen=True, kw_only=True):
    """What a model was refitted from: the same trees as `parent`'s, with other leaf values, or with trees behind them.

    `events` are the independent failures in the new rows, which are of `machines` and end at `until_us`; `old_events`
    those in the old rows that it was held to. `step` is the share of the whole way that leaves went, those of
    `more_trees` where such were put behind the parent's. Figures, the parent's and its own, are of machines that the
    model which scored them learned nothing from; average precision is of failing within 72 h, log loss in nats.
    """

    parent: str
    rows: int
    machines: int
    events: int
    until_us: int
    old_rows: int
    old_events: int
    step: float
    temperature: float
    offset: float
    average_precision_old: tuple[float, float]
    average_precision_new: tuple[float, float]
    log_loss_old: tuple[float, float]
    log_loss_new: tuple[float, float]
    more_trees: int = 0
