"""What a subscription must be beyond its shape: sinks that are there, durations, shifts of the plant's calendar.

Names of assets and places that the plant does not have are doubts, told and not refused: whoever is taken out of the
plant file must not silence whom the same subscription names beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from models.delivery.errors import SubscriptionError
from models.delivery.subscriptions import By, Schedule, Subscription
from models.plant import Plant, PlantError
from models.plant.durations import check_duration

LEAST_REPEAT_S = 60
LONGEST_WITHIN_S = 7 * 86_400
"""For so long what was told of warnings that are over is remembered, and a day more."""
GLOB = frozenset("*?[")


def check(subscriptions: Mapping[str, Subscription], sinks: Collection[str], by_case: Collection[str] = ()) -> None:
    """Raise SubscriptionError for the first thing that is wrong, with its place.

    Sinks `by_case` take one warning at a time.
    """
    for name, one in subscriptions.items():
        where = f"subscriptions.{name}"
        try:
            _check_durations(where, one)
        except PlantError as wrong:
            raise SubscriptionError(str(wrong)) from wrong
        for key, sink in _sinks(one):
            if sink not in sinks:
                known = ", ".join(sorted(sinks)) or "none"
                raise SubscriptionError(f"{where}.{key} is '{sink}', but sinks are {known}: add a table [sinks.{sink}]")
            if sink in by_case and (one.group.by != (By.ALERT,) or one.group.storm):
                raise SubscriptionError(
                    f"{where}.group: the sink '{sink}' takes one warning at a time: write group = "
                    "{ by = ['alert'], storm = 0 }"
                )
        if not one.on:
            raise SubscriptionError(f"{where}.on is empty, so that nothing is ever told: leave it out, or name reasons")


def check_calendar(subscriptions: Mapping[str, Subscription], plant: Plant) -> None:
    """Raise SubscriptionError for a shift that the plant's calendar does not have."""
    known = {shift.name for shift in plant.shifts}
    for name, one in subscriptions.items():
        for key, schedule in _schedules(one):
            for shift in schedule.shifts:
                if shift not in known:
                    told = ", ".join(sorted(known)) or "none"
                    raise SubscriptionError(
                        f"subscriptions.{name}.{key}.shifts has '{shift}', but shifts of the plant file are {told}"
                    )


def doubts(subscriptions: Mapping[str, Subscription], plant: Plant) -> Iterator[str]:
    """Names without wildcards that the plant does not have."""
    known: dict[str, set[str | None]] = {
        "site": {plant.site_of(asset) for asset in plant.assets},
        "area": {asset.area for asset in plant.assets.values()},
        "line": {asset.line for asset in plant.assets.values()},
        "asset": set(plant.assets),
        "type": {asset.type for asset in plant.assets.values()},
    }
    for name, one in subscriptions.items():
        for field, there in known.items():
            for pattern in getattr(one.match, field):
                if not GLOB & set(pattern) and pattern not in there:
                    yield f"subscriptions.{name}.match.{field} has '{pattern}', and no asset of the plant is of that"


def _check_durations(where: str, one: Subscription) -> None:
    check_duration(f"{where}.group.wait", one.group.wait)
    check_duration(f"{where}.group.interval", one.group.interval)
    check_duration(f"{where}.repeat", one.repeat, LEAST_REPEAT_S)
    check_duration(f"{where}.flapping.within", one.flapping.within, 1)
    if one.flapping.within_us > LONGEST_WITHIN_S * 1_000_000:
        raise SubscriptionError(f"{where}.flapping.within is {one.flapping.within}: give at most 7d")
    for number, step in enumerate(one.escalate):
        check_duration(f"{where}.escalate[{number}].after", step.after)


def _sinks(one: Subscription) -> Iterator[tuple[str, str]]:
    yield "sink", one.sink
    for number, step in enumerate(one.escalate):
        yield f"escalate[{number}].sink", step.sink


def _schedules(one: Subscription) -> Iterator[tuple[str, Schedule]]:
    yield "schedule", one.schedule
    for number, step in enumerate(one.escalate):
        if step.schedule is not None:
            yield f"escalate[{number}].schedule", step.schedule
