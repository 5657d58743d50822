"""The slice of a partition's state that is one asset's bins and states: how it is encoded, and whether it fits.

What it is made from is in `pipelines.rebuild`, what a partition does with it in `pipelines.controls.rebuilt`.
"""

from __future__ import annotations

import zlib
from hashlib import sha256

import msgspec
import numpy as np
from msgspec import Struct

from models.bins import COUNT, MINUTE_US, SQUARES, SUM
from models.failure.baseline import ORIGINS
from models.failure.marks import Keys
from models.features import Baseline, Spec
from models.operating import FAULTS, STATES
from pipelines.saving import Array
from pipelines.small import Kept
from pipelines.state import Block, arrays_of

VERSION = 3
MARGIN_US = 2 * 86_400_000_000
"""Rows from before a life that its first minutes rest on: what held, what stood, what was stuck. Our choice."""
MOST_BYTES = 256 * 1024 * 1024
"""Of a slice once it is unpacked; one of 100 signals has a hundredth of this."""


class Unfit(ValueError):
    """A slice cannot be read, is of another plant, model or version, or too old; the message says which."""


class Slice(Struct):
    """What a partition keeps of one asset for longer than the lateness: each array is of one machine.

    `read_from_us` is where the rows that it was made of begin: what rings hold from before is not in it.
    """

    version: int
    columns: tuple[str, ...]
    reference: tuple[float, ...]
    type_sha256: str
    features_sha256: str
    keys: Keys
    health_sha256: str
    read_from_us: int
    arrays: dict[str, Array]
    repairs_us: list[int]
    failures_us: list[int]
    recalibrated: list[tuple[int, str]]
    baseline: Baseline | None
    kept: Kept | None


def slice_of(block: Block, asset: int, read_from_us: int) -> bytes:
    """The slice of an asset of which all that was taken is final."""
    small = block.small
    made = Slice(
        VERSION,
        block.layout.column_names,
        tuple(block.layout.reference.tolist()),
        _type_sha256(block),
        small.features_sha256,
        block.keys,
        small.health_sha256,
        read_from_us,
        {name: Array.of(array[asset : asset + 1]) for name, array in arrays_of(block).items()},
        small.repairs_us.get(asset, []),
        small.failures_us.get(asset, []),
        small.recalibrated.get(asset, []),
        small.baselines.get(asset),
        small.kept.get(asset),
    )
    return zlib.compress(msgspec.msgpack.encode(made), 9)


def read_slice(content: bytes, block: Block, spec: Spec | None, until_us: int) -> Slice:
    """What `slice_of` made, if it fits a block and ends before a time. Raises Unfit."""
    try:
        data = zlib.decompressobj().decompress(content, MOST_BYTES)
        found = msgspec.msgpack.decode(data, type=Slice)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise Unfit(f"it cannot be read ({wrong})") from wrong
    if (found.version, found.columns, found.type_sha256) != (VERSION, block.layout.column_names, _type_sha256(block)):
        raise Unfit("it is of another version or another asset type")
    asked = block.small.features_sha256, block.small.health_sha256, block.keys
    if (found.features_sha256, found.health_sha256, found.keys) != asked:
        raise Unfit("it is of another list of features, another health model, or other rules")
    shapes = {name: (array.dtype.str, (1, *array.shape[1:])) for name, array in arrays_of(block).items()}
    if shapes != {name: (array.dtype, array.shape) for name, array in found.arrays.items()}:
        raise Unfit("its arrays have other shapes")
    if found.baseline is not None and spec is not None:
        _check(found.baseline, spec)
    try:
        whole = {name: array.array() for name, array in found.arrays.items()}
    except ValueError as wrong:
        raise Unfit(f"its arrays are cut off ({wrong})") from wrong
    for name, codes in (("fault", FAULTS), ("level", STATES), ("before", STATES)):
        if not ((whole[f"machines.{name}"] >= 0) & (whole[f"machines.{name}"] < len(codes))).all():
            raise Unfit(f"a {name} of its machine is none")
    if not ((whole["marks.base_origin"] >= 0) & (whole["marks.base_origin"] < len(ORIGINS))).all():
        raise Unfit("an origin of its baselines is none")
    newest = max(int(whole[name].max()) for name in ("tiers.minute", "machines.taken"))
    if newest >= until_us // MINUTE_US:
        raise Unfit("it goes on after the time it says it ends")
    _turn_squares(found, block)
    return found


def _type_sha256(block: Block) -> str:
    """What the asset type is: columns of one name can mean something else under another."""
    return sha256(msgspec.json.encode(block.layout.asset_type)).hexdigest()


def _turn_squares(found: Slice, block: Block) -> None:
    """Have squares be about what the block's are about: a range that changed in the log moved no reference there."""
    own, theirs = block.layout.reference, np.array(found.reference)
    if own.tolist() == theirs.tolist():
        return
    for name, places in (("minute_statistics", np.arange(len(own))), ("minute_lead", block.tiers.held)):
        sums = found.arrays[f"tiers.{name}"].array()
        off = theirs[places] - own[places]
        count, total = sums[:, :, COUNT], sums[:, :, SUM]
        sums[:, :, SQUARES] += 2 * off * (total - count * theirs[places]) + count * np.square(off)
        found.arrays[f"tiers.{name}"] = Array.of(sums)


def _check(baseline: Baseline, spec: Spec) -> None:
    sizes = {len(part) for part in (baseline.taken, baseline.usual, baseline.spread)}
    if sizes != {8 * len(spec.expected)} or len(baseline.features) != 4 * len(spec.names):
        raise Unfit("its usual is of other features")
