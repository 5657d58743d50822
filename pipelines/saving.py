"""A state as named parts to keep: small ones whole each time, of the large arrays what changed since the last time.

What changed is a delta; beside it a few pages, each all of some assets, are written anew in turn, so that deltas older
than all pages can be dropped, and no part that counts is older than `ROUND` snapshots. The parts that are kept are all
a state is made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from models.bins import Samples
from models.clocks import Clocks
from models.failure.marks import Keys, Marks
from models.plant import AssetType, PlantError, content
from models.plant.layout import Layout
from models.tiers import ARRAYS
from pipelines import layouts
from pipelines.hours import Hours
from pipelines.layouts import HEAD, UnknownLayout
from pipelines.ledger import LEDGER, Ledger
from pipelines.small import Small
from pipelines.state import Block, Meant, SnapshotError, State, Written, arrays_of, states_of
from pipelines.topics import Share

ROUND = 64
"""Snapshots in which each page, and what seldom changes, is written once. Our choice: a restart reads the log of state
from the oldest part that counts, and so no farther back than this."""
PAGE_BYTES = 600_000
"""A page has at least one asset, and more while their arrays are no larger than this. Our choice."""
SLICE_BYTES = 900_000
"""A slice of a part fits a message of the broker's default size, uncompressed."""

CLOCKS, PLANT = "clocks", "plant"


class Array(Struct, array_like=True):
    """A numpy array as it is written."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, array: np.ndarray) -> Array:
        """One to write."""
        return cls(array.dtype.str, array.shape, array.tobytes())

    def array(self) -> np.ndarray:
        """The array, a copy. Raises ValueError where bytes are missing."""
        return np.frombuffer(self.data, self.dtype).reshape(self.shape).copy()


Arrays = dict[str, Array]


class _Page(Struct):
    """All of some assets that follow one another, but for what `_Now` has."""

    arrays: Arrays
    samples: Arrays
    small: Small


class _Cells(Struct):
    """Slots of a ring's arrays: of which asset, which slot, and what stands there."""

    asset: Array
    slot: Array
    arrays: Arrays


class _Delta(Struct):
    """What changed of a block between two snapshots: slots of rings, assets, those with a new hour, and samples."""

    rings: dict[str, _Cells]
    asset: Array
    states: Arrays
    hourly: Array
    hours: Arrays
    small: Small
    samples: Arrays


class _Now(Struct):
    """What of a block changes with nearly each record, [assets]."""

    watermark_us: Array
    heard_us: Array


class _BlockHead(Struct):
    columns: tuple[str, ...]
    reference: tuple[float, ...]
    features_sha256: str
    keys: Keys
    health_sha256: str
    tracks: int
    page_assets: int
    written: Written


class _Head(Struct):
    version: int
    lateness_s: int
    tick_us: int
    saves: int
    blocks: dict[str, _BlockHead]
    meant: dict[str, Meant] = {}


class _Gone(Struct):
    """A block of a type that is not in the plant."""

    asset_type: AssetType
    head: _BlockHead
    names: list[str]
    now: _Now
    page: _Page


class _Plant(Struct):
    content: bytes
    gone: dict[str, _Gone]


_encode = msgspec.msgpack.Encoder().encode


def save(state: State, lateness_s: int) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Slices of the parts to keep beside those kept before, and names of those to drop. The state is taken as kept."""
    parts = {LEDGER: msgspec.json.encode(state.ledger), CLOCKS: _encode(state.clocks)}
    state.saves += 1
    if not state.plant_is_kept or state.saves % ROUND == 0:
        gone = {name: _gone(block) for name, block in state.gone.items()}
        parts[PLANT] = _encode(_Plant(content.encode(state.plant), gone))
        state.plant_is_kept = True
    live, heads = {LEDGER, CLOCKS, PLANT, HEAD}, {}
    for number, (name, block) in enumerate(state.blocks.items()):
        parts |= {f"{number}/{part}": data for part, data in _block_parts(block)}
        live |= {f"{number}/{part}" for part in _live(block.written)}
        heads[name] = _head(block)
    parts[HEAD] = _encode(_Head(layouts.LAYOUT, lateness_s, state.tick_us, state.saves, heads, state.meant))
    slices = {f"{name}#{n}": part for name, data in parts.items() for n, part in enumerate(_sliced(data))}
    stays = {each for each in state.shelf if each.rpartition("#")[0] in live - parts.keys()}
    dropped = state.shelf - stays - slices.keys()
    state.shelf = stays | slices.keys()
    return slices, tuple(sorted(dropped))


def _sliced(data: bytes) -> Iterator[bytes]:
    yield from (data[at : at + SLICE_BYTES] for at in range(0, max(1, len(data)), SLICE_BYTES))


def _live(written: Written) -> set[str]:
    return {"names", "now", *(f"page-{page}" for page in written.pages), *(f"delta-{at}" for at in written.deltas)}


def _head(block: Block) -> _BlockHead:
    reference = tuple(block.layout.reference.tolist())
    return _BlockHead(
        block.layout.column_names,
        reference,
        block.small.features_sha256,
        block.keys,
        block.small.health_sha256,
        block.hours.tracks,
        _page_assets(block),
        block.written,
    )


def _page_assets(block: Block) -> int:
    """Assets of a page; the same for all blocks of one layout."""
    one = sum(array.dtype.itemsize * int(np.prod(array.shape[1:])) for array in arrays_of(block).values())
    return max(1, PAGE_BYTES // one)


def _block_parts(block: Block) -> Iterator[tuple[str, bytes]]:
    written, used, size = block.written, len(block.names), _page_assets(block)
    written.number += 1
    if written.names != used or written.anew or written.number % ROUND == 0:
        yield "names", _encode(block.names)
        written.names = used
    yield "now", _encode(_now(block))
    every = range(-(-used // size))
    if written.anew:
        written.pages = {}  # of another size, there may be fewer
    due = [page for page in every if written.anew or (written.number + page) % ROUND == 0]
    fresh = block.open.in_snapshot()
    for page, data in _pages(block, due, size):
        yield f"page-{page}", data
        written.pages[page] = written.number
    if written.anew:
        written.deltas, written.anew = [], False
    elif (delta := _delta(block, fresh)) is not None:
        yield f"delta-{written.number}", _encode(delta)
        written.deltas.append(written.number)
    oldest = min((written.pages.get(page, 0) for page in every), default=0)
    written.deltas = [number for number in written.deltas if number > oldest]
    block.untouch()


def _now(block: Block) -> _Now:
    used = len(block.names)
    return _Now(Array.of(block.watermark_us[:used]), Array.of(block.heard_us[:used]))


def _pages(block: Block, due: Sequence[int], size: int) -> Iterator[tuple[int, bytes]]:
    samples = block.open.all() if due else Samples.none()
    page_of = samples.asset // size
    chosen = np.isin(page_of, due)
    samples, page_of = samples.where(chosen), page_of[chosen]
    for page in due:
        assets = range(page * size, min((page + 1) * size, len(block.names)))
        yield page, _encode(_page(block, assets, samples.where(page_of == page)))


def _page(block: Block, assets: range, samples: Samples) -> _Page:
    part = slice(assets.start, assets.stop)
    arrays = {name: Array.of(array[part]) for name, array in arrays_of(block).items()}
    return _Page(arrays, _arrays(samples), _small_of(block.small, assets))


def _arrays(samples: Samples) -> Arrays:
    return {name: Array.of(column) for name, column in zip(Samples._fields, samples, strict=True)}


def _small_of(small: Small, assets: Sequence[int]) -> Small:
    """What is kept of some assets."""
    return replace(small, **{name: {at: of[at] for at in assets if at in of} for name, of in small.of_assets()})


def _delta(block: Block, fresh: Samples) -> _Delta | None:
    used, rings = len(block.names), {}
    for ring, touched in block.tiers.touched.items():
        asset, slot = np.nonzero(touched[:used])
        if len(asset):
            arrays = {name: Array.of(getattr(block.tiers, name)[asset, slot]) for name in _ring_arrays(ring)}
            rings[ring] = _Cells(Array.of(asset), Array.of(slot), arrays)
    stirred, hourly = np.flatnonzero(block.stirred[:used]), np.flatnonzero(block.hours.touched[:used])
    if not rings and not len(stirred) and not len(fresh.value):
        return None
    states = {f"{of}.{name}": Array.of(array[stirred]) for of, name, array in states_of(block)}
    small = _small_of(block.small, stirred.tolist())
    hours = {f"{of}.{name}": Array.of(array[hourly]) for of, name, array in block.hours.arrays()}
    return _Delta(rings, Array.of(stirred), states, Array.of(hourly), hours, small, _arrays(fresh))


def _ring_arrays(ring: str) -> list[str]:
    return [name for name in ARRAYS if name.startswith(ring)]


def _gone(block: Block) -> _Gone:
    page = _page(block, range(len(block.names)), block.open.all())
    return _Gone(block.layout.asset_type, _head(block), block.names, _now(block), page)


def load(parts: Mapping[str, bytes], lateness_s: int, share: Share | None = None) -> State:
    """The state whose parts, in slices, are these, of a partition with this share.

    Those of an older layout are taken over. Raises SnapshotError where the layout is not known or the lateness another.
    """
    whole: Mapping[str, bytes] = _whole(parts)
    try:
        is_older = layouts.layout_of(whole) != layouts.LAYOUT
        whole = layouts.taken_over(whole)
        head = msgspec.msgpack.decode(whole[HEAD], type=_Head)
        _check(head, lateness_s)
        saved = msgspec.msgpack.decode(whole[PLANT], type=_Plant)
        clocks, ledger = _clocks(whole), msgspec.json.decode(whole[LEDGER], type=Ledger)
    except UnknownLayout as other:
        raise SnapshotError(str(other)) from other
    except (KeyError, msgspec.DecodeError) as wrong:
        raise SnapshotError(
            f"the snapshot cannot be read ({wrong!r}): start a new group to rebuild from the log"
        ) from wrong
    try:
        plant = content.decode(saved.content)
    except PlantError as wrong:
        raise SnapshotError(
            f"the snapshot's plant cannot be read ({wrong}): start a new group (FOREWARN_GROUP)"
        ) from wrong
    blocks = {
        name: _block(name, asset_type, head.blocks[name], f"{number}/", whole)
        for number, (name, asset_type) in enumerate(plant.types.items())
    }
    gone = {name: _gone_block(name, each) for name, each in saved.gone.items()}
    state = State(plant, blocks, head.tick_us, ledger, clocks, gone, share, head.meant)
    state.saves = head.saves
    if is_older:  # nothing is kept yet in the layout that is written from here on
        for block in blocks.values():
            block.written = Written(anew=True)
    else:
        state.shelf, state.plant_is_kept = set(parts), True
    return state


def clocks_of(parts: Mapping[str, bytes]) -> Clocks:
    """The clocks alone. Raises SnapshotError where they cannot be read."""
    try:
        return _clocks(layouts.taken_over(_whole(parts)))
    except (KeyError, msgspec.DecodeError, UnknownLayout) as wrong:
        raise SnapshotError(f"the clocks in the snapshot cannot be read ({wrong}): another version wrote it") from wrong


def _clocks(whole: Mapping[str, bytes]) -> Clocks:
    return msgspec.msgpack.decode(whole[CLOCKS], type=Clocks)


def _whole(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Parts from their slices."""
    of: dict[str, list[tuple[int, bytes]]] = {}
    for each, data in parts.items():
        name, _, number = each.rpartition("#")
        of.setdefault(name, []).append((int(number), data))
    return {name: b"".join(data for _, data in sorted(slices)) for name, slices in of.items()}


def _check(head: _Head, lateness_s: int) -> None:
    if head.lateness_s != lateness_s:
        raise SnapshotError(
            f"the lateness was {head.lateness_s} s when the snapshot was made and is {lateness_s} s now: what is "
            f"final differs. Set FOREWARN_LATENESS_S={head.lateness_s}, or start a new group (FOREWARN_GROUP)"
        )


def _empty(name: str, asset_type: AssetType, head: _BlockHead, names: list[str], now: _Now) -> Block:
    """A block with its assets, of which nothing is known but when they were heard."""
    block = Block.empty(Layout(name, asset_type, dict(zip(head.columns, head.reference, strict=True))))
    for asset in names:
        block.index_of(asset)
    block.make_room()
    block.marks, block.keys = Marks.none(len(names), *map(len, head.keys)), head.keys
    block.hours = Hours.none(len(names), head.tracks)
    block.small.health_sha256 = head.health_sha256
    block.watermark_us[:], block.heard_us[:] = now.watermark_us.array(), now.heard_us.array()
    block.small.features_sha256 = head.features_sha256
    return block


def _block(name: str, asset_type: AssetType, head: _BlockHead, prefix: str, whole: Mapping[str, bytes]) -> Block:
    names = msgspec.msgpack.decode(whole[f"{prefix}names"], type=list[str])
    now = msgspec.msgpack.decode(whole[f"{prefix}now"], type=_Now)
    block, size = _empty(name, asset_type, head, names, now), head.page_assets
    written_at = np.zeros(len(names), np.int64)
    for page, number in head.written.pages.items():
        first = page * size
        _put_page(block, first, msgspec.msgpack.decode(whole[f"{prefix}page-{page}"], type=_Page))
        written_at[first : first + size] = number
    for number in head.written.deltas:
        delta = msgspec.msgpack.decode(whole[f"{prefix}delta-{number}"], type=_Delta)
        _put_delta(block, delta, written_at < number)
    block.untouch()
    block.written = head.written
    return block


def _put_page(block: Block, first: int, page: _Page) -> None:
    for name, array in arrays_of(block).items():
        saved = page.arrays[name].array()
        array[first : first + len(saved)] = saved
    block.open.add(_samples(page.samples))
    block.open.in_snapshot()
    for name, of in page.small.of_assets():
        getattr(block.small, name).update(of)


def _put_delta(block: Block, delta: _Delta, later: np.ndarray) -> None:
    """`later`, bool [assets]: which assets' pages are older than the delta."""
    for cells in delta.rings.values():
        asset, slot = cells.asset.array(), cells.slot.array()
        chosen = later[asset]
        for name, values in cells.arrays.items():
            getattr(block.tiers, name)[asset[chosen], slot[chosen]] = values.array()[chosen]
    stirred = delta.asset.array()
    chosen = later[stirred]
    for kind, name, array in states_of(block):
        array[stirred[chosen]] = delta.states[f"{kind}.{name}"].array()[chosen]
    hourly = delta.hourly.array()
    newer = later[hourly]
    for kind, name, array in block.hours.arrays():
        array[hourly[newer]] = delta.hours[f"{kind}.{name}"].array()[newer]
    for name, of in delta.small.of_assets():
        known = getattr(block.small, name)
        for at in stirred[chosen].tolist():
            known.pop(at, None)
            if at in of:
                known[at] = of[at]
    samples = _samples(delta.samples)
    block.open.add(samples.where(later[samples.asset]))
    block.open.in_snapshot()


def _samples(arrays: Arrays) -> Samples:
    return Samples(*(arrays[name].array() for name in Samples._fields))


def _gone_block(name: str, saved: _Gone) -> Block:
    block = _empty(name, saved.asset_type, saved.head, saved.names, saved.now)
    _put_page(block, 0, saved.page)
    return block
