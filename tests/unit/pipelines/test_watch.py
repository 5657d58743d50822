"""When notices about the service open and close: the table, row by row, and what swings."""

from __future__ import annotations

from itertools import product

import pytest

from models.records import Notice, NoticeKind, NoticeState
from pipelines.watch import NEXT, Level, Phase, Rule, Standing, Watch, follow, level_of, rules

US = 1_000_000
RULE = Rule(opens_at=10, closes_at=2, open_after_s=30, close_after_s=20)
OVER, BETWEEN, UNDER = 10, 5, 2


def watch() -> Watch:
    return Watch("tiny", rules(lag=1000, down_s=30, no_data_s=600))


def looked(of: Watch, kind: NoticeKind, values: list[tuple[int, float | None]], partition: int = 1) -> list[Notice]:
    found = [of.look(partition, kind, value, second * US) for second, value in values]
    return [notice for notice in found if notice is not None]


def states(found: list[Notice]) -> list[tuple[str, int, int]]:
    return [(str(one.state), one.since_us // US, one.time_us // US) for one in found]


def test_the_table_says_something_of_every_phase_and_level():
    assert set(NEXT) == set(product(Phase, Level))


@pytest.mark.parametrize(("value", "level"), [(10, Level.OVER), (9.9, "between"), (2.1, "between"), (2, Level.UNDER)])
def test_limits_belong_to_what_they_limit(value, level):
    assert level_of(RULE, value) == level


@pytest.mark.parametrize(
    ("phase", "held_s", "value", "after"),
    [
        (Phase.QUIET, 99, OVER, Phase.RISING),
        (Phase.QUIET, 99, BETWEEN, Phase.QUIET),
        (Phase.RISING, 29, OVER, Phase.RISING),
        (Phase.RISING, 30, OVER, Phase.OPEN),
        (Phase.RISING, 30, BETWEEN, Phase.QUIET),
        (Phase.RISING, 30, UNDER, Phase.QUIET),
        (Phase.OPEN, 99, OVER, Phase.OPEN),
        (Phase.OPEN, 99, BETWEEN, Phase.OPEN),
        (Phase.OPEN, 99, UNDER, Phase.EASING),
        (Phase.EASING, 19, UNDER, Phase.EASING),
        (Phase.EASING, 20, UNDER, Phase.QUIET),
        (Phase.EASING, 20, BETWEEN, Phase.OPEN),
        (Phase.EASING, 20, OVER, Phase.OPEN),
    ],
)
def test_a_value_leads_from_one_phase_to_the_next(phase, held_s, value, after):
    assert follow(RULE, Standing(phase, 0, OVER), value, held_s * US).phase is after


def test_what_swings_between_the_limits_opens_and_closes_nothing():
    assert looked(watch(), NoticeKind.LAG, [(s, 1500 if s % 20 < 10 else 500) for s in range(0, 600, 5)]) == []
    of = watch()
    opened = looked(of, NoticeKind.LEDGER, [(0, 1.0), (30, 1.0)])
    swings = [(40 + 10 * s, float(s % 2)) for s in range(20)]
    assert states(opened + looked(of, NoticeKind.LEDGER, swings)) == [("open", 0, 30)]


def test_lag_that_shrinks_is_no_notice_and_lag_that_does_not_is_one():
    shrinking = [(s, 100_000 - 400 * s) for s in range(0, 240, 5)]
    assert looked(watch(), NoticeKind.LAG, shrinking) == []
    growing = looked(watch(), NoticeKind.LAG, [(s, 1000 + s) for s in range(0, 240, 5)])
    assert states(growing) == [("open", 0, 60)] and "1,060 records" in growing[0].detail
    assert states(looked(watch(), NoticeKind.LAG, [(0, 5000), (30, 3000), (60, 3000), (90, 3000)])) == [
        ("open", 30, 90)
    ]


def test_a_store_that_is_down_is_told_with_when_that_began_and_when_it_is_over():
    of = watch()
    found = looked(
        of, NoticeKind.STORE_DOWN, [(100, 29.0), (110, 39.0), (115, 0.0), (118, 0.0), (120, 0.0), (125, 0.0)]
    )
    assert states(found) == [("open", 71, 110), ("closed", 71, 120)]
    opened, closed = found
    assert (opened.id, opened.revision, closed.revision) == (closed.id, 0, 1)
    assert (opened.reason, closed.reason, closed.detail) == ("store-down", "over", "over after 49 s")


def test_no_data_ends_with_the_first_rows():
    found = looked(watch(), NoticeKind.NO_DATA, [(1000, 599), (1005, 604), (1010, 609), (1015, 0.0)], partition=4)
    assert states(found) == [("open", 401, 1005), ("closed", 401, 1015)]
    assert found[0].source == "partition 4"


def test_what_is_not_known_changes_nothing():
    of = watch()
    assert states(looked(of, NoticeKind.LEDGER, [(0, 1.0), (20, None), (40, 1.0), (60, None)])) == [("open", 0, 40)]
    assert of.is_open(1, NoticeKind.LEDGER)


def test_who_takes_a_partition_over_closes_what_another_opened_and_opens_nothing_twice():
    first, second = watch(), watch()
    opened = looked(first, NoticeKind.STORE_DOWN, [(100, 50.0)], partition=0)
    second.adopt(0, opened)
    assert looked(second, NoticeKind.STORE_DOWN, [(200, 150.0)], partition=0) == []
    closed = looked(second, NoticeKind.STORE_DOWN, [(210, 0.0), (215, 0.0)], partition=0)
    assert (closed[0].id, closed[0].state) == (opened[0].id, NoticeState.CLOSED)
    third = watch()
    third.adopt(0, [*opened, *closed])
    assert not third.is_open(0, NoticeKind.STORE_DOWN)


def test_notices_of_other_plants_and_of_the_data_are_not_taken_over():
    other = Watch("other", rules(1000, 30, 600))
    opened = looked(other, NoticeKind.STORE_DOWN, [(100, 50.0)])
    of = watch()
    of.adopt(1, opened)
    assert not of.is_open(1, NoticeKind.STORE_DOWN)


def test_a_partition_that_goes_takes_what_is_known_of_it_along():
    of = watch()
    looked(of, NoticeKind.STORE_DOWN, [(100, 50.0)])
    of.keep([0, 2])
    assert not of.is_open(1, NoticeKind.STORE_DOWN)
    assert looked(of, NoticeKind.STORE_DOWN, [(110, 0.0), (120, 0.0)]) == []
