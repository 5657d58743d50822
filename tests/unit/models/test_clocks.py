"""Clocks of sources: which jumps are named, and which ways of sending are never taken for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from models.clocks import (
    FAR_FUTURE_US,
    HOUR_US,
    MINUTE_US,
    MOST_SOURCES,
    NEVER,
    STEADY_FRAMES,
    Clock,
    Clocks,
    Decided,
    Judged,
    Verdict,
    answered,
    hear,
    judge,
    moved,
)  # fmt: skip

NOW_US = 1_792_890_000_000_000
"""2026-10-25 01:00 UTC, when Central Europe's clocks go back."""
SECOND_US = 1_000_000

Sent = tuple[list[int], int]
"""Times of a frame and the present in which it is heard."""


def heard(clock: Clock, frames: Iterable[Sent]) -> list[Verdict]:
    """Verdicts of frames, as a partition takes them; of one that a steady clock explains it asks nothing more."""
    out = []
    for times_us, present_us in frames:
        if clock.follow(times_us, present_us):
            out.append(Verdict(Judged.USUAL))
        else:
            out.append(hear(clock, times_us, present_us).verdict)
    return out


def live(from_s: int, to_s: int, every_s: int = 10, moved_us: int = 0) -> Iterator[Sent]:
    """Single rows two seconds after they were read, by a clock that is `moved_us` off."""
    for second in range(from_s, to_s, every_s):
        yield [NOW_US + second * SECOND_US + moved_us], NOW_US + (second + 2) * SECOND_US


def steady(hours: float = 2.0) -> Clock:
    """A clock heard live for so long up to NOW_US."""
    clock = Clock()
    heard(clock, live(round(-hours * 3600), 0))
    return clock


def hours_of(verdicts: list[Verdict]) -> set[int]:
    return {verdict.hours for verdict in verdicts}


def test_a_clock_that_goes_back_an_hour_is_named_from_its_first_frame_on():
    assert set(heard(steady(), live(0, 3 * 3600, moved_us=-HOUR_US))) == {Verdict(Judged.BACK, -1)}


def test_a_clock_that_goes_ahead_an_hour_is_named_from_its_first_frame_on():
    assert set(heard(steady(), live(0, 3 * 3600, moved_us=HOUR_US))) == {Verdict(Judged.AHEAD, 1)}


@pytest.mark.parametrize("hours", [-14, -5, 2, 14])
def test_another_time_zone_is_named_with_its_hours(hours):
    assert hours_of(heard(steady(15), live(0, 600, moved_us=hours * HOUR_US))) == {hours}


def test_what_is_more_hours_off_than_any_time_zone_is_no_jump():
    assert hours_of(heard(steady(20), live(0, 600, moved_us=-15 * HOUR_US))) == {0}


def test_half_an_hour_is_no_jump():
    assert hours_of(heard(steady(), live(0, 600, moved_us=-HOUR_US // 2))) == {0}


def test_a_drift_of_twenty_minutes_is_followed_and_is_no_jump():
    clock = steady()
    drifting = [([us - second * SECOND_US // 10], now) for second, ((us,), now) in enumerate(live(0, 120_000))]
    assert set(heard(clock, drifting)) == {Verdict(Judged.USUAL)}
    assert 19 * MINUTE_US < clock.usual_us < 21 * MINUTE_US
    assert hours_of(heard(clock, [([us - 80 * MINUTE_US], now) for (us,), now in live(120_000, 120_600)])) == {-1}


def test_a_jumped_frame_does_not_move_the_usual_and_the_clock_is_as_it_was_when_it_comes_back():
    clock = steady()
    before_us = clock.usual_us
    heard(clock, live(0, 600, moved_us=-HOUR_US))
    assert clock.usual_us == before_us
    opened = [hear(clock, times, now) for times, now in live(600, 600 + STEADY_FRAMES * 10)]
    assert [each.ended for each in opened[:-1]] == [()] * (STEADY_FRAMES - 1)
    assert opened[-1].ended == ((-1, NOW_US + 2 * SECOND_US),)
    assert not clock.jumps


def test_only_the_first_of_a_jumps_frames_opens_its_question():
    clock = steady()
    assert [hear(clock, *sent).opened for sent in live(0, 50, moved_us=-HOUR_US)] == [True, *[False] * 4]
    assert [hear(clock, *sent).opened for sent in live(50, 70, moved_us=HOUR_US)] == [True, False]


@pytest.mark.parametrize("seconds_a_frame", [0.001, 0.5, 9.0])
@pytest.mark.parametrize("hours", [1, 5, 8])
def test_an_outage_sent_in_order_is_no_jump_however_fast_it_comes(hours, seconds_a_frame):
    clock, begun_us = steady(), NOW_US + hours * HOUR_US
    kept = [NOW_US + second * SECOND_US for second in range(0, hours * 3600, 10)]
    sent = [([us], begun_us + round(at * seconds_a_frame * SECOND_US)) for at, us in enumerate(kept)]
    assert hours_of(heard(clock, sent)) == {0}


@pytest.mark.parametrize("rest_s", [0, 60, 1800, 7200])
def test_live_rows_first_and_the_gap_afterwards_are_no_jump(rest_s):
    clock, back_s = steady(), 3 * 3600
    verdicts = heard(clock, live(back_s, back_s + rest_s + 200))
    now_us = NOW_US + (back_s + rest_s + 200) * SECOND_US
    kept = [([NOW_US + second * SECOND_US], now_us + second * 1000) for second in range(0, back_s, 10)]
    verdicts += heard(clock, kept)
    assert hours_of(verdicts + heard(clock, live(back_s + rest_s + 210, back_s + rest_s + 600))) == {0}


def test_a_gap_that_ends_with_a_frame_of_its_own_delay_is_a_gap_all_the_same():
    clock, back_s = steady(), 3 * 3600
    heard(clock, [([NOW_US + back_s * SECOND_US], NOW_US + back_s * SECOND_US + 5 * MINUTE_US)])
    heard(clock, live(back_s + 310, back_s + 3600))
    kept = [([NOW_US + 1800 * SECOND_US], NOW_US + (1800 + back_s + 2) * SECOND_US)]
    assert hours_of(heard(clock, kept)) == {0}


def test_a_source_that_makes_up_for_its_delay_is_not_ahead():
    clock = Clock()
    heard(clock, [(times_us, now_us + 2 * HOUR_US) for times_us, now_us in live(-7200, 0)])
    assert clock.frames >= STEADY_FRAMES
    assert hours_of(heard(clock, live(7200, 7800))) == {0}


def test_the_gap_beside_live_rows_is_no_jump():
    clock, back_s = steady(), 3 * 3600
    now = list(live(back_s, back_s + back_s))
    kept = [([NOW_US + at * 10 * SECOND_US], present_us) for at, (_, present_us) in enumerate(now)]
    assert hours_of(heard(clock, [each for pair in zip(now, kept, strict=True) for each in pair])) == {0}


@pytest.mark.parametrize("every_s", [1, 10, 60])
def test_history_of_some_hours_sent_twice_in_a_moment_is_no_jump(every_s):
    kept = [[NOW_US + second * SECOND_US] for second in range(0, 8 * 3600, every_s)]
    sent = [(times_us, NOW_US + 24 * HOUR_US + at * 100) for at, times_us in enumerate(kept + kept)]
    assert hours_of(heard(Clock(), sent)) == {0}


def hourly(first_h: int, last_h: int, moved_us: int = 0) -> list[Sent]:
    """A file an hour, of a row a minute, three minutes after the hour."""
    return [
        (
            [NOW_US + (hour * 60 + minute) * MINUTE_US + moved_us for minute in range(60)],
            NOW_US + (hour + 1) * HOUR_US + 3 * MINUTE_US,
        )
        for hour in range(first_h, last_h)
    ]


def test_hourly_files_are_no_jump_and_theirs_is_named():
    clock = Clock()
    assert hours_of(heard(clock, hourly(-24, 0))) == {0}
    assert set(heard(clock, hourly(0, 3, moved_us=-HOUR_US))) == {Verdict(Judged.BACK, -1)}
    assert set(heard(clock, hourly(3, 6, moved_us=HOUR_US))) == {Verdict(Judged.AHEAD, 1)}


def test_one_row_of_the_far_future_in_a_good_frame_is_no_jump_and_disarms_nothing():
    clock = steady()
    times = [NOW_US, NOW_US + SECOND_US, NOW_US + HOUR_US]
    assert not hear(clock, times, NOW_US + 2 * SECOND_US).verdict.jumped
    assert clock.newest_us < NOW_US
    assert hours_of(heard(clock, live(10, 100, moved_us=HOUR_US))) == {1}


def test_two_machines_behind_one_source_are_told_apart_frame_by_frame():
    clock = steady()
    both = [each for pair in zip(live(0, 7200), live(5, 7205, moved_us=-HOUR_US), strict=True) for each in pair]
    verdicts = heard(clock, both)
    assert set(verdicts[0::2]) == {Verdict(Judged.USUAL)}
    assert set(verdicts[1::2]) == {Verdict(Judged.BACK, -1)}


def test_a_source_never_heard_is_held_against_the_present_for_the_future_alone():
    assert hours_of(heard(Clock(), live(0, 600, moved_us=2 * HOUR_US))) == {2}
    assert hours_of(heard(Clock(), live(0, 600, moved_us=-2 * HOUR_US))) == {0}
    assert hours_of(heard(Clock(), live(0, 600, moved_us=90 * MINUTE_US))) == {0}


@pytest.mark.parametrize(
    ("frames", "reason"), [(STEADY_FRAMES - 1, Judged.UNSTEADY), (STEADY_FRAMES, Judged.BACK)], ids=["nine", "ten"]
)
def test_a_clock_is_judged_after_ten_steady_frames(frames, reason):
    clock = Clock()
    heard(clock, live(-frames * 900, 0, every_s=900))
    back_us = NOW_US - HOUR_US
    assert judge(clock, back_us, back_us, NOW_US + 2 * SECOND_US).reason is reason


def test_an_answered_question_whose_jump_goes_on_is_asked_anew():
    clock = steady()
    heard(clock, live(0, 100, moved_us=-HOUR_US))
    assert answered(clock, goes_on=True) == ((-1, NOW_US + 2 * SECOND_US),)
    later = [hear(clock, *sent) for sent in live(7200, 7220, moved_us=-HOUR_US)]
    assert [(each.verdict.hours, each.opened) for each in later] == [(-1, True), (-1, False)]


def test_after_a_decision_what_waited_passes_and_the_clock_is_measured_anew():
    clock = steady()
    heard(clock, live(0, 3600, moved_us=-HOUR_US))
    quiet_until_us = NOW_US + 3600 * SECOND_US + 10 * MINUTE_US
    moved(clock, HOUR_US, quiet_until_us)
    answered(clock)
    waited = [([us + HOUR_US], NOW_US + 3600 * SECOND_US) for (us,), _ in live(0, 3600, moved_us=-HOUR_US)]
    assert hours_of(heard(clock, waited)) == {0}
    assert not clock.frames
    heard(clock, live(4300, 4300 + 3600))
    assert clock.frames >= STEADY_FRAMES
    assert hours_of(heard(clock, live(7900, 8000, moved_us=-HOUR_US))) == {-1}


def test_a_shift_that_changes_nothing_leaves_a_clock_that_did_not_jump_as_it_is():
    clock = steady()
    moved(clock, 0, NOW_US)
    assert clock.frames >= STEADY_FRAMES


def met(clocks: Clocks, asset: str, source: str) -> Clock:
    return clocks.meet(asset, source)[0]


def test_a_source_heard_first_after_a_decision_is_moved_by_it():
    clocks = Clocks()
    clocks.decide("s", (), Decided(HOUR_US, NOW_US))
    clocks.decide("s", ("pump-02",), Decided(0, NOW_US))
    assert (met(clocks, "pump-01", "s").shift_us, met(clocks, "pump-02", "s").shift_us) == (HOUR_US, 0)
    assert met(clocks, "pump-01", "other").shift_us == 0


def test_a_feed_that_names_itself_anew_each_time_does_not_fill_the_memory():
    clocks = Clocks()
    for number in range(3 * MOST_SOURCES):
        hear(met(clocks, "pump-01", f"s{number}"), [NOW_US + number], NOW_US + number)
    assert len(clocks.by_asset["pump-01"]) == MOST_SOURCES
    assert f"s{3 * MOST_SOURCES - 1}" in clocks.by_asset["pump-01"]


def test_a_clock_that_jumped_makes_no_room_while_there_are_others():
    clocks = Clocks()
    clocks.by_asset["pump-01"] = {"jumped": steady()}
    heard(clocks.of("pump-01", "jumped"), live(0, 60, moved_us=-HOUR_US))
    for number in range(3 * MOST_SOURCES):
        clock, forgotten = clocks.meet("pump-01", f"s{number}")
        assert forgotten == ()
        hear(clock, [NOW_US + HOUR_US + number], NOW_US + HOUR_US + number)
    assert clocks.of("pump-01", "jumped").jumps


def test_where_all_clocks_jumped_the_question_of_the_one_that_makes_room_is_named():
    clocks = Clocks()
    for number in range(MOST_SOURCES + 1):
        clock, forgotten = clocks.meet("pump-01", f"s{number:02d}")
        hear(clock, [NOW_US + HOUR_US + number], NOW_US + number)
    assert forgotten == (("s00", 1, NOW_US),)
    assert len(clocks.by_asset["pump-01"]) == MOST_SOURCES


def test_milliseconds_for_microseconds_teach_a_clock_nothing():
    known, fresh = steady(), Clock()
    for clock in (known, fresh):
        heard(clock, (([times_us[0] // 1000], present_us) for times_us, present_us in live(0, 600)))
    assert (known, fresh) == (steady(), Clock())


def test_a_time_that_is_nobodys_teaches_a_clock_nothing():
    clock = Clock()
    hear(clock, [NOW_US + FAR_FUTURE_US + 1], NOW_US)
    assert (clock.frames, clock.newest_us) == (0, NEVER)
