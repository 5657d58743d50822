"""Reading ahead: the same items, faults where items are taken, and an end while nothing comes."""

from __future__ import annotations

import threading

import pytest

from pipelines.cli.backfill.work import Stopped, ahead


def test_all_items_come_in_order():
    assert list(ahead(iter(range(50)), lambda: False)) == list(range(50))


def test_a_fault_of_reading_is_raised_where_items_are_taken():
    def items():
        yield 1
        raise OSError("away")

    read = ahead(items(), lambda: False)
    assert next(read) == 1
    with pytest.raises(OSError, match="away"):
        next(read)


def test_a_source_that_gives_nothing_more_keeps_no_lane_from_its_end():
    for_ever, asked = threading.Event(), iter([False, True])

    def items():
        yield 1
        for_ever.wait()

    read = ahead(items(), lambda: next(asked))
    assert next(read) == 1
    with pytest.raises(Stopped):
        next(read)
    for_ever.set()
