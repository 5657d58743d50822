"""When somebody is there: schedules by the plant's shifts and days, and timers that run then alone. Asks no clock."""

from __future__ import annotations

from models.delivery.subscriptions import Schedule
from models.plant import Plant
from models.plant.shifts import Day

MINUTE_US = 60_000_000
LONGEST_MIN = 28 * 1440
"""A timer that did not run out within four weeks of a calendar runs out then: nobody waits for ever."""
KEPT = 100_000


class Calendar:
    """Of one plant. Shifts begin and end on whole minutes, so what holds as a minute begins holds for all of it."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._shifts = frozenset(shift.name for shift in plant.shifts)
        self._minutes: dict[int, tuple[str | None, Day]] = {}

    def is_on(self, schedule: Schedule, time_us: int) -> bool:
        """Whether somebody is there. A shift that the plant does not have always is: rather a double than a miss."""
        if not schedule.shifts and not schedule.days:
            return True
        shift, day = self._at(time_us // MINUTE_US)
        in_shift = not schedule.shifts or shift in schedule.shifts or not self._shifts.issuperset(schedule.shifts)
        return in_shift and (not schedule.days or day in schedule.days)

    def after(self, schedule: Schedule, from_us: int, span_us: int) -> int:
        """When a timer of so long runs out that began then and stands still while nobody is there."""
        if not schedule.shifts and not schedule.days:
            return from_us + span_us
        at_us, left_us = from_us, span_us
        for _ in range(LONGEST_MIN):
            if self.is_on(schedule, at_us):
                next_us = (at_us // MINUTE_US + 1) * MINUTE_US
                if at_us + left_us <= next_us:
                    return at_us + left_us
                left_us -= next_us - at_us
            at_us = (at_us // MINUTE_US + 1) * MINUTE_US
        return at_us

    def _at(self, minute: int) -> tuple[str | None, Day]:
        known = self._minutes.get(minute)
        if known is None:
            if len(self._minutes) >= KEPT:
                self._minutes.clear()
            time_us = minute * MINUTE_US
            known = self._minutes[minute] = (self._plant.shift_of(time_us), self._plant.weekday_of(time_us))
        return known
