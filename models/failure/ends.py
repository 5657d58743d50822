"""How machines' lives ended, by labels and by records of failures and repairs, for feature rows and warnings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from models.failure.labels import Label, State
from models.records import OF_SENSORS, Maintenance, MaintenanceAction

DATES_OFF_US = 3 * 86_400_000_000
"""How far off a typed date may be: our choice, and what results are told for beside the dates as they are."""


class End(NamedTuple):
    """The end of a life, or of what is known of it: a failure, or work after which it is another machine.

    Of what lies behind `from_us` up to `until_us`, the onset and the work, nobody can say that it was healthy or
    failing; both are `time_us` where an end is a moment.
    """

    asset: str
    time_us: int
    failed: bool
    mode: str
    from_us: int
    until_us: int

    def moved(self, by_us: int) -> End:
        """The same at another time."""
        return self._replace(time_us=self.time_us + by_us, from_us=self.from_us + by_us, until_us=self.until_us + by_us)


def usable(labels: Iterable[Label], *, proposed: bool = False) -> tuple[Label, ...]:
    """Labels that a person confirmed; with `proposed`, those that nobody has decided about, too."""
    states = (State.CONFIRMED, State.PROPOSED) if proposed else (State.CONFIRMED,)
    return tuple(label for label in labels if label.state in states)


def end_of(label: Label) -> End | None:
    """What a label ends; None for one that found nothing, after which the life goes on."""
    if not (label.outcome.is_positive or label.outcome.is_censored):
        return None
    from_us = label.time_us if label.last_normal_us is None else label.last_normal_us
    return End(
        asset=label.asset,
        time_us=label.time_us,
        failed=label.outcome.is_positive,
        mode=label.mode if label.outcome.is_positive else "",
        from_us=from_us,
        until_us=label.time_us if label.finished_us is None else label.finished_us,
    )


def ends_of(labels: Iterable[Label], recorded: Iterable[Maintenance] = ()) -> tuple[End, ...]:
    """Ends by asset and time. A recorded failure near a label's, or a repair before it and near its end, is its own."""
    ends = {end for label in labels if (end := end_of(label)) is not None}
    failures = [end for end in ends if end.failed]
    for event in (each for each in recorded if each.action not in OF_SENSORS):
        failed = event.action is MaintenanceAction.FAILED
        if not any(_is_same(end, event, failed=failed) for end in failures):
            mode = event.mode if failed else ""
            ends.add(End(event.asset, event.time_us, failed, mode, event.time_us, event.time_us))
    return tuple(sorted(ends))


def _is_same(end: End, event: Maintenance, *, failed: bool) -> bool:
    if event.asset != end.asset:
        return False
    if not failed:  # the repair behind a failure stays what it is
        return event.time_us < end.time_us and end.until_us - event.time_us <= DATES_OFF_US
    first_us, last_us = min(end.from_us, end.time_us - DATES_OFF_US), max(end.until_us, end.time_us + DATES_OFF_US)
    return first_us <= event.time_us <= last_us


def repairs_of(ends: Iterable[End]) -> list[tuple[str, int]]:
    """Asset and time of all work that a warning can end by: where it begins and, if that is known, where it is done."""
    some = sorted(ends)
    begun = [(end.asset, end.time_us) for end in some if not end.failed]
    return begun + [(end.asset, end.until_us) for end in some if end.until_us > end.time_us]
