"""What the export gate found of a file and what serving it costs, as its card keeps them."""

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
