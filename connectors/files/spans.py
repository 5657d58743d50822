"""The tags of a plant as one feed means them: spans of time in which an address is one signal."""

from __future__ import annotations

from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from models.plant import Plant
from models.plant.tags import Tag, Tags


class Span(Struct, frozen=True, kw_only=True):
    """An address is a signal of an asset at from_us <= time < to_us.

    No two spans of an address overlap, and none of a signal in one layer.
    """

    address: str
    asset: str
    signal: str
    scale: float
    offset: float
    from_us: int
    to_us: int
    layer: int = 0


def spans_of(plant: Plant, feed: str) -> list[Span]:
    """By address and time, with what a tag of this feed says before what one of all feeds does."""
    known = Tags(plant.tags)
    of: dict[str, list[Tag]] = {}
    for tag in plant.tags:
        if tag.feed in ("", feed):
            of.setdefault(tag.address, []).append(tag)
    spans: list[Span] = []
    for address in sorted(of):
        moments = sorted({at for tag in of[address] for at in (tag.from_us, tag.to_us)})
        for from_us, to_us in pairwise(moments):
            meant = known.find(address, from_us, feed)
            if meant is not None:
                spans.append(_span(meant, from_us, to_us))
    return _in_layers(spans)


def _span(tag: Tag, from_us: int, to_us: int) -> Span:
    return Span(
        address=tag.address,
        asset=tag.asset,
        signal=tag.signal,
        scale=tag.scale,
        offset=tag.offset,
        from_us=from_us,
        to_us=to_us,
    )


def _in_layers(spans: list[Span]) -> list[Span]:
    """Two addresses that are one signal at the same time are in two layers."""
    ends: dict[tuple[str, str], list[int]] = {}
    layered: list[Span] = []
    for span in sorted(spans, key=lambda span: span.from_us):
        free = ends.setdefault((span.asset, span.signal), [])
        layer = next((at for at, end in enumerate(free) if end <= span.from_us), len(free))
        free[layer : layer + 1] = [span.to_us]
        layered.append(replace(span, layer=layer))
    return layered
