"""What was found into assets and types: assets whose signals are alike are of one type. Pure, and in a fixed order."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from connectors.scada.discover import Found
from connectors.scada.discover.names import asset_names, plain_unit, signal_name, type_name, unique
from models.plant import SignalKind
from models.records import Sample

Span = tuple[float, float] | None


class DraftSignal(NamedTuple):
    """A signal of a type. A span is there if all assets of the type have the same; `value` is one asset's last."""

    name: str
    kind: SignalKind
    unit: str
    range: Span
    normal: Span
    value: Sample


class DraftAsset(NamedTuple):
    """An asset: where it was found, and its addresses by signal."""

    name: str
    path: tuple[str, ...]
    addresses: dict[str, str]


class DraftType(NamedTuple):
    """Assets that are alike."""

    name: str
    signals: list[DraftSignal]
    assets: list[DraftAsset]


def group(found: Iterable[Found]) -> list[DraftType]:
    """Types with their assets, in the order of paths."""
    by_path: dict[tuple[str, ...], list[Found]] = defaultdict(list)
    for one in sorted(found, key=lambda one: (one.asset, one.signal, one.address)):
        by_path[one.asset].append(one)
    names = asset_names(list(by_path))
    alike: dict[frozenset[tuple[str, SignalKind, str]], list[tuple[DraftAsset, dict[str, Found]]]] = defaultdict(list)
    for path, its in by_path.items():
        signals = _named(its)
        key = frozenset((name, one.kind, _unit(one)) for name, one in signals.items())
        asset = DraftAsset(names[path], path, {name: one.address for name, one in signals.items()})
        alike[key].append((asset, signals))
    types: list[DraftType] = []
    for members in alike.values():
        assets = [asset for asset, _ in members]
        name = type_name([asset.name for asset in assets], [known.name for known in types])
        first = members[0][1]
        types.append(DraftType(name, [_signal(name, [s[name] for _, s in members]) for name in first], assets))
    return types


def _named(its: list[Found]) -> dict[str, Found]:
    named: dict[str, Found] = {}
    for one in its:
        named[unique(signal_name(one.signal, _unit(one)), named, "_")] = one
    return named


def _signal(name: str, alike: list[Found]) -> DraftSignal:
    one = alike[0]
    value = next((other.value for other in alike if other.value is not None), None)
    ranges, normals = {_span(other, other.range) for other in alike}, {_span(other, other.normal) for other in alike}
    return DraftSignal(name, one.kind, _unit(one), _only(ranges), _only(normals), value)


def _unit(one: Found) -> str:
    """Only numbers have a unit in a plant file of ours."""
    return plain_unit(one.unit) if one.kind.python_type is float else ""


def _span(one: Found, span: Span) -> Span:
    """A span that says something: many a source has 0 to 0 where nobody filled it in."""
    says = one.kind.python_type is float and span is not None and -math.inf < span[0] < span[1] < math.inf
    return span if says else None


def _only(spans: set[Span]) -> Span:
    return next(iter(spans)) if len(spans) == 1 else None
