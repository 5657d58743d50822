"""How long a hazard holds, forecast by forecast."""

from __future__ import annotations

from models.alerting.life import CLEAR_AFTER, OPEN_AFTER, Threshold, Watch, lead_h, step
from models.records import AlertReason

LIMIT = Threshold(0.5)


def chances(at_72h: float, at_12h: float = 0.0) -> tuple[float, ...]:
    return (at_12h, at_12h, at_12h, at_72h, at_72h, at_72h)


def walk(*at_72h: float):
    """What a series of 72 h chances brings, and the watch after it."""
    watch, out = Watch(), []
    for minute, chance in enumerate(at_72h):
        watch, reason = step(watch, chances(chance), LIMIT)
        if reason:
            out.append((minute, reason))
    return out, watch


def test_a_hazard_holds_from_the_third_minute_over_the_limit():
    found, watch = walk(0.1, *[0.6] * OPEN_AFTER)
    assert found == [(OPEN_AFTER, AlertReason.OPENED)]
    assert (watch.holds, watch.told_h) == (True, 72)


def test_two_minutes_over_the_limit_bring_nothing():
    assert walk(0.6, 0.6, 0.4, 0.6, 0.6)[0] == []


def test_an_assets_own_threshold_says_how_long_and_how_far():
    own, watch, found = Threshold(0.5, open_after=2, clear_after=4, clear_share=0.2), Watch(), []
    for minute, chance in enumerate([0.6, 0.6, *[0.15] * 9, *[0.09] * 4]):
        watch, reason = step(watch, chances(chance), own)
        found += [(minute, reason)] if reason else []
    assert found == [(1, AlertReason.OPENED), (5, AlertReason.FARTHER), (14, AlertReason.CLEARED)]


def test_nothing_is_told_while_nothing_changes():
    assert len(walk(*[0.6] * 500)[0]) == 1


def test_a_hazard_ends_after_sixty_minutes_well_under_the_limit():
    found, watch = walk(*[0.6] * 3, *[0.29] * CLEAR_AFTER)
    assert found == [(2, AlertReason.OPENED), (2 + CLEAR_AFTER, AlertReason.CLEARED)]
    assert not watch.holds


def test_a_hazard_does_not_end_just_under_the_limit():
    found, watch = walk(*[0.6] * 3, *[0.31] * 500)
    assert [reason for _, reason in found] == [AlertReason.OPENED, AlertReason.FARTHER]
    assert (watch.holds, watch.told_h) == (True, None)


def test_a_lead_that_is_nearer_for_three_minutes_is_told():
    _, watch = walk(*[0.6] * 3)
    found = []
    for _ in range(6):
        watch, reason = step(watch, chances(0.6, at_12h=0.55), LIMIT)
        found.append(reason)
    assert found == [None, None, AlertReason.NEARER, None, None, None]
    assert watch.told_h == 12


def test_the_lead_is_the_nearest_horizon_over_the_limit():
    assert lead_h((0.1, 0.2, 0.5, 0.6, 0.7, 0.8), 0.5) == 48
    assert lead_h((0.1,) * 6, 0.5) is None
