"""The life of a warning, forecast by forecast."""

from __future__ import annotations

from models.alerting.life import CLEAR_AFTER, OPEN_AFTER, Watch, lead_h, renewed, step
from models.records import AlertReason, AlertState, Forecast, OperatingState

LIMIT = 0.5


def forecast(minute: int, chance: float, at_12h: float = 0.0) -> Forecast:
    chances = (at_12h, at_12h, at_12h, chance, chance, chance)
    return Forecast(
        plant="p", id=f"f{minute}", revision=0, asset="a", window_end_us=minute * 60_000_000,
        operating=OperatingState.RUNNING, running_until_us=minute * 60_000_000,
        chances=chances, drivers=(), model="m@1", basis="tests", rung="hazard", completeness=1.0,
    )  # fmt: skip


def walk(*chances: float, repaired_at: int = -1, near: float = 0.0):
    """Alerts that a series of 72 h chances brings, and the watch after it."""
    watch, out = Watch(), []
    for minute, chance in enumerate(chances):
        watch, alert = step(watch, forecast(minute, chance, near), LIMIT, repaired=minute == repaired_at)
        if alert:
            out.append((minute, alert))
    return out, watch


def test_a_warning_opens_at_the_third_minute_over_the_limit():
    ((minute, alert),), _ = walk(0.1, *[0.6] * OPEN_AFTER)
    assert (minute, alert.reason, alert.state) == (OPEN_AFTER, AlertReason.OPENED, AlertState.UNACKNOWLEDGED)
    assert (alert.revision, alert.lead_h, alert.opened_us) == (0, 72, OPEN_AFTER * 60_000_000)


def test_two_minutes_over_the_limit_open_nothing():
    assert walk(0.6, 0.6, 0.4, 0.6, 0.6)[0] == []


def test_an_open_warning_says_nothing_while_nothing_changes():
    assert len(walk(*[0.6] * 500)[0]) == 1


def test_a_warning_clears_after_sixty_minutes_well_under_the_limit():
    out, watch = walk(*[0.6] * 3, *[0.29] * CLEAR_AFTER)
    assert [alert.reason for _, alert in out] == [AlertReason.OPENED, AlertReason.CLEARED]
    assert out[1][1].state is AlertState.RETURNED
    assert (out[0][1].id, out[1][1].revision) == (out[1][1].id, 1)
    assert watch.warning is None


def test_a_warning_does_not_clear_just_under_the_limit():
    out, watch = walk(*[0.6] * 3, *[0.31] * 500)
    assert [alert.reason for _, alert in out] == [AlertReason.OPENED, AlertReason.FARTHER]
    assert watch.warning
    assert watch.warning.lead_h is None


def test_a_warning_is_revised_when_its_lead_gets_nearer_for_three_minutes():
    watch, _ = Watch(), None
    for minute in range(3):
        watch, opened = step(watch, forecast(minute, 0.6), LIMIT, repaired=False)
    assert opened
    revisions = []
    for minute in range(3, 9):
        watch, alert = step(watch, forecast(minute, 0.6, at_12h=0.55), LIMIT, repaired=False)
        revisions.append(alert)
    assert [alert is not None for alert in revisions] == [False, False, True, False, False, False]
    assert (revisions[2].reason, revisions[2].lead_h, revisions[2].revision) == (AlertReason.NEARER, 12, 1)


def test_a_repair_ends_a_warning_at_once():
    out, watch = walk(*[0.6] * 4, 0.9, repaired_at=4)
    assert [(minute, alert.reason) for minute, alert in out] == [(2, AlertReason.OPENED), (4, AlertReason.REPAIRED)]
    assert (watch.warning, watch.in_a_row) == (None, 1)


def test_a_closed_warning_repeats_what_was_last_said_of_the_old_life():
    out, _ = walk(*[0.6] * 4, 0.1, repaired_at=4)
    opened, closed = (alert for _, alert in out)
    assert (closed.chances, closed.state) == (opened.chances, AlertState.RETURNED)


def test_a_repair_of_a_machine_without_a_warning_says_nothing():
    assert renewed(Watch(), 1) == (Watch(), None)


def test_the_lead_is_the_nearest_horizon_over_the_limit():
    assert lead_h((0.1, 0.2, 0.5, 0.6, 0.7, 0.8), 0.5) == 48
    assert lead_h((0.1,) * 6, 0.5) is None
