"""Samples of minutes that can still change."""

from __future__ import annotations

import numpy as np

from models.bins import MINUTE_US, Samples
from pipelines.open import OpenSamples, key_of

NONE = np.empty(0, np.int64)


def at(*minutes: int) -> np.ndarray:
    return np.array(minutes) * MINUTE_US


def of_minutes(*minutes: int) -> Samples:
    none = np.zeros(len(minutes), np.int64)
    return Samples(none, none, at(*minutes), np.array(minutes, float))


def test_of_minutes_that_close_those_that_are_not_final_are_kept():
    samples = OpenSamples()
    closing = samples.take(of_minutes(0, 1, 2), at(0), at(2), NONE, final_us=at(1))
    assert closing.minute.tolist() == [0, 1]
    assert samples.all().minute.tolist() == [1, 2]


def test_a_reopened_minute_has_what_came_before_first():
    samples = OpenSamples()
    samples.take(of_minutes(0, 1, 2), at(0), at(2), NONE, final_us=at(1))
    late = of_minutes(1)._replace(value=np.array([7.0]))
    closing = samples.take(late, at(2), at(2), key_of(np.array([0]), np.array([1])), final_us=at(1))
    assert closing.value.tolist() == [1.0, 7.0]
