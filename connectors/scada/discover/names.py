"""Names of a source to names of a plant file: snake_case signals with their unit, assets and types with hyphens."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

LONGEST = 100
"""Characters of a name; a plant file allows 200. Our choice."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SIGNS = str.maketrans(
    {"°": "deg", "º": "deg", "℃": "degC", "℉": "degF", "²": "2", "³": "3", "Ω": "Ohm", "µ": "u", "μ": "u"}
)
_TURNS = {"1/min", "min-1", "min^-1", "r/min", "rev/min", "u/min", "tr/min"}


def plain_unit(unit: str) -> str:
    """A unit as plant files write it: degC, m3/h, um, rpm."""
    plain = unit.strip().translate(_SIGNS)
    return "rpm" if plain.lower() in _TURNS else plain


def signal_name(path: Sequence[str], unit: str) -> str:
    """`pressure_bar` of ("Pressure",) and "bar"."""
    name = _snake(path) or "signal"
    suffix = _snake([unit.replace("%", "pct").lower()])
    return name if not suffix or name == suffix or name.endswith(f"_{suffix}") else f"{name}_{suffix}"


def asset_names(paths: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """A name for each: of its path's end as much as tells it from the others."""
    deepest = max(map(len, paths), default=0)
    named = {depth: Counter(_asset(path[-depth:]) for path in paths) for depth in range(1, deepest + 1)}
    names: dict[tuple[str, ...], str] = {}
    for path in paths:
        alone = (_asset(path[-depth:]) for depth in range(1, len(path) + 1) if named[depth][_asset(path[-depth:])] == 1)
        names[path] = unique(next(alone, _asset(path)), names.values())
    return names


def type_name(assets: Iterable[str], taken: Iterable[str]) -> str:
    """What the names of its assets have in common: `pump` of pump-01 and pump-02."""
    names = list(assets)
    stems = {re.sub(r"[-\d]+$", "", name) for name in names}
    common = stems.pop() if len(stems) == 1 else _common(names)
    return unique(common if len(common) >= 3 else "machine", taken)


def unique(name: str, taken: Iterable[str], sign: str = "-") -> str:
    """The name, or with a number behind it where it is taken."""
    others, number, made = set(taken), 1, name
    while made in others:
        number += 1
        made = f"{name}{sign}{number}"
    return made


def _common(names: list[str]) -> str:
    first, last = min(names), max(names)
    size = next((at for at, sign in enumerate(first) if last[at : at + 1] != sign), len(first))
    return re.sub(r"[-\d]+$", "", first[:size])


def _asset(path: Sequence[str]) -> str:
    return _snake(path).replace("_", "-") or "machine"


def _snake(words: Sequence[str]) -> str:
    split = "_".join(_HUMP.sub("_", word.translate(_SIGNS)) for word in words)
    plain = unicodedata.normalize("NFKD", split).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:LONGEST].rstrip("_")
