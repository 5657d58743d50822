"""A failing record is found in halves; what fails on whatever comes blames nothing."""

from __future__ import annotations

import pytest

from pipelines.ports import RawRecord
from pipelines.suspects import MOST_REFUSED, Suspects


def log(count: int, step: int = 1) -> list[RawRecord]:
    return [RawRecord(at * step, 0, b"") for at in range(count)]


def tried(records: list[RawRecord], bad: set[int], size: int = 1000) -> tuple[list[int], int, bool]:
    """Go over a log as a worker does that begins anew after each failure: refused, failures, whether it got through."""
    suspects, refused, failures, done = Suspects(), [], 0, 0
    while True:
        rest = [record for record in records if record.offset >= done]
        parts = [p for at in range(0, len(rest), size) for p in suspects.cut(rest[at : at + size])]
        if not parts:
            return refused, failures, True
        for part in parts:
            if suspects.why(part):
                refused.append(part[0].offset)
            elif any(record.offset in bad for record in part):
                failures += 1
                if not suspects.blame(part, "why"):
                    return refused, failures, False
                break
            done = part[-1].offset + 1
            suspects.settled(done)


@pytest.mark.parametrize("bad", [{0}, {999}, {400}, {0, 1}, {3, 500, 777}])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_records_that_fail_are_refused_and_no_others(bad: set[int], size: int) -> None:
    refused, failures, through = tried(log(1000), bad, size)
    assert (set(refused), len(refused), through) == (bad, len(bad), True)
    assert failures <= 11 * len(bad)


def test_holes_in_the_offsets_do_not_matter() -> None:
    assert tried(log(500, 7), {7 * 123})[0] == [7 * 123]


def test_more_than_a_few_are_not_blamed() -> None:
    refused, _, through = tried(log(100), set(range(100)))
    assert (len(refused), through) == (MOST_REFUSED, False)


def test_nothing_is_cut_where_nothing_failed_and_once_all_is_settled() -> None:
    suspects, batch = Suspects(), log(10)
    assert list(suspects.cut(batch)) == [batch]
    assert suspects.blame(batch, "why")
    assert suspects
    suspects.settled(10)
    assert not suspects
    assert list(suspects.cut(batch)) == [batch]
