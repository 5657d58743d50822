"""From a plant file's station to the limits that rails hold a change to. Pure."""

from __future__ import annotations

from models.plant.durations import seconds
from models.plant.tuning import Parameter, Range, Station
from models.tuning.rails import Forbidden, Interlock, Limits


def limits_of(station: Station, product: str) -> dict[str, Limits]:
    """Limits by parameter, for a product."""
    forbidden = tuple(Forbidden(name=one.name, ranges=one.ranges) for one in station.forbidden)
    locks = tuple(Interlock(name=one.name, signal=one.signal, low=one.low, high=one.high) for one in station.interlocks)
    recipe = station.recipes.get(product, {})
    return {
        name: _limits(station, parameter, recipe.get(name), forbidden, locks)
        for name, parameter in station.parameters.items()
    }


def _limits(
    station: Station,
    of: Parameter,
    recipe: Range | None,
    forbidden: tuple[Forbidden, ...],
    locks: tuple[Interlock, ...],
) -> Limits:
    return Limits(
        low=of.low,
        high=of.high,
        step=of.step,
        least_step=of.least_step,
        rate=of.rate,
        rate_h=of.rate_h,
        evidence=station.evidence,
        cool_down_h=seconds(of.cool_down) / 3600,
        longest_h=seconds(station.valid) / 3600,
        forbidden=forbidden,
        interlocks=locks,
        recipe=recipe,
        qualified=of.qualified,
        revalidate=station.qualification,
        trial_above=of.trial_above,
        two_above=of.two_above,
    )
