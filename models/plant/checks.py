"""What a plant must be beyond its shape: names that are there, limits that rise, costs with a currency, dated tags.

What is wrong is told with its place, so that whoever reads files can say on which line it stands.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from itertools import islice

from models.plant.assets import Asset, AssetType, Limit
from models.plant.budget import Budget, Thresholds
from models.plant.care import check_care
from models.plant.errors import PlantError
from models.plant.plant import Plant
from models.plant.production import check_production
from models.plant.rule_checks import check_levels, check_rules, check_standard
from models.plant.shifts import check_shifts, check_zone
from models.plant.tags import Tag, TagError, Tags
from models.plant.tuning import check_tuning
from models.plant.type_checks import check_type
from models.release import Kind

LONGEST_MIN = 10_080
"""A week of scored minutes, the longest horizon: a warning that waits longer warns of nothing."""
_CURRENCY = re.compile(r"[A-Z]{3}")  # ISO 4217's form


def check(plant: Plant) -> None:
    """Raise PlantError for the first thing that is wrong, with its place."""
    if plant.currency is not None and not _CURRENCY.fullmatch(plant.currency):
        raise PlantError(f"currency is '{plant.currency}': write the three letters of ISO 4217, such as EUR")
    check_zone(plant.timezone)
    check_shifts(plant.shifts)
    if len(set(plant.holidays)) < len(plant.holidays):
        raise PlantError("holidays has a date twice: take one out")
    if len(set(plant.stops)) < len(plant.stops):
        raise PlantError("stops has a date twice: take one out")
    for kind, asset_type in plant.types.items():
        check_type(f"types.{kind}", asset_type)
        _check_limits(f"types.{kind}", asset_type.limits, kind, asset_type)
        check_rules(f"types.{kind}", asset_type)
        check_care(f"types.{kind}.care", asset_type.care)
    _check_models(plant)
    for name, asset in plant.assets.items():
        _check_asset(f"assets.{name}", asset, plant)
    _check_parents(plant)
    _check_budget(plant.budget)
    for name, thresholds in plant.thresholds.items():
        _check_thresholds(f"thresholds.{name}", thresholds, name in plant.assets)
    _check_tags(plant)
    signals = {name: plant.types[asset.type].signals for name, asset in plant.assets.items()}
    check_production(plant.production, signals, {shift.name for shift in plant.shifts})
    check_tuning(plant.tuning, signals)


def _check_models(plant: Plant) -> None:
    """A name is of one kind of model, whichever types give it."""
    kinds: dict[str, Kind] = {}
    for name, asset_type in plant.types.items():
        for model, kind in asset_type.named.items():
            if kinds.setdefault(model, kind) is not kind:
                raise PlantError(f"types.{name}: '{model}' is a {kind} model here and of kind {kinds[model]} elsewhere")
    for model in sorted(plant.tuning.models if plant.tuning else ()):
        if kinds.get(model, Kind.DEFECT) is not Kind.DEFECT:
            raise PlantError(f"tuning.stations: '{model}' is a model of defects here, of kind {kinds[model]} in types")


def _check_asset(where: str, asset: Asset, plant: Plant) -> None:
    if asset.type not in plant.types:
        raise PlantError(f"{where}.type is '{asset.type}', but types are {sorted(plant.types)}")
    cost = asset.downtime_cost_per_h
    if cost is not None and not 0 <= cost < math.inf:
        raise PlantError(f"{where}.downtime_cost_per_h must be a number not under 0, but is {cost:g}")
    if cost is not None and plant.currency is None:
        raise PlantError(f"{where}.downtime_cost_per_h has no currency: give one at the top, as currency = 'EUR'")
    hours = asset.failure_downtime_h
    if hours is not None and not 0 < hours < math.inf:
        raise PlantError(f"{where}.failure_downtime_h must be over 0 hours, but is {hours:g}")
    _check_limits(where, asset.limits, asset.type, plant.types[asset.type])


def _check_parents(plant: Plant) -> None:
    """A parent is there, and no asset is above itself."""
    for name, asset in plant.assets.items():
        if asset.parent is not None and asset.parent not in plant.assets:
            raise PlantError(
                f"assets.{name}.parent is '{asset.parent}', which is no asset of the plant: name one, or leave it out"
            )
    for name in plant.assets:
        above = list(islice(plant.above(name), len(plant.assets)))
        if name in above:
            ring = ", ".join(above[: above.index(name) + 1])
            raise PlantError(f"assets.{name}.parent leads back to it by {ring}: take one of these parents out")


def _check_limits(where: str, limits: tuple[Limit, ...], kind: str, asset_type: AssetType) -> None:
    seen = set()
    for number, limit in enumerate(limits):
        _check_limit(f"{where}.limits[{number}]", limit, kind, asset_type)
        if limit.signal in seen:
            raise PlantError(f"{where}.limits[{number}]: '{limit.signal}' has limits already: put them into one")
        seen.add(limit.signal)


def _check_limit(where: str, limit: Limit, kind: str, asset_type: AssetType) -> None:
    signal = asset_type.signals.get(limit.signal)
    if signal is None:
        raise PlantError(f"{where}: '{limit.signal}' is no signal of type '{kind}'")
    if signal.kind.python_type is not float:
        raise PlantError(f"{where}: '{limit.signal}' is a {signal.kind}, which has no limits")
    check_levels(where, limit.levels, f"'{limit.signal}'", signal.range)
    check_standard(where, limit.standard, limit.edition)


def _check_budget(budget: Budget) -> None:
    for name in ("unfounded_per_engineer_week", "engineers", "missed_to_unfounded"):
        number = getattr(budget, name)
        if number is not None and not 0 < number < math.inf:
            raise PlantError(f"budget.{name} must be over 0, but is {number:g}")


def _check_thresholds(where: str, thresholds: Thresholds, is_asset: bool) -> None:
    if not is_asset:
        raise PlantError(
            f"{where}: no such asset is in the plant: take it out, or write the file anew by `forewarn budget --write`"
        )
    if (chance := thresholds.hazard) is not None and not 0 < chance < 1:
        raise PlantError(f"{where}.hazard is a chance between 0 and 1, but is {chance:g}")
    for name in ("open_after", "clear_after"):
        if (minutes := getattr(thresholds, name)) is not None and not 1 <= minutes <= LONGEST_MIN:
            raise PlantError(f"{where}.{name} must be 1 to {LONGEST_MIN} minutes, but is {minutes}")
    if (share := thresholds.clear_share) is not None and not 0 < share <= 1:
        raise PlantError(f"{where}.clear_share must be over 0 and not over 1, but is {share:g}")


def _check_tags(plant: Plant) -> None:
    for number, tag in enumerate(plant.tags):
        _check_tag(f"tags[{number}]", tag, plant)
    if (wrong := _conflict(plant.tags)) is None:
        return
    # The first tag that contradicts those before it, so that the error has a line.
    agreeing = bisect_left(range(len(plant.tags)), True, key=lambda last: _conflict(plant.tags[: last + 1]) is not None)
    raise PlantError(f"tags[{agreeing}]: {wrong}") from wrong


def _check_tag(where: str, tag: Tag, plant: Plant) -> None:
    kind = plant.type_of(tag.asset)
    if kind is None:
        raise PlantError(f"{where}: asset '{tag.asset}' is not in the plant")
    if tag.signal not in plant.types[kind].signals:
        raise PlantError(f"{where}: '{tag.signal}' is no signal of type '{kind}'")
    if (tag.scale, tag.offset) != (1, 0) and plant.types[kind].signals[tag.signal].kind.python_type is not float:
        raise PlantError(f"{where}: '{tag.signal}' is no number: leave out scale and offset")


def _conflict(tags: tuple[Tag, ...]) -> TagError | None:
    try:
        Tags(tags)
    except TagError as wrong:
        return wrong
    return None
