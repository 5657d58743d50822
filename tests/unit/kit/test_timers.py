"""Timers count each function's own time, on the thread that made them, and what they replaced comes back."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

from tests.kit.timers import Timers, replaced

NAP_S = 0.02


def test_time_inside_another_is_counted_once():
    timers = Timers()
    inner = timers.of("inner", lambda: time.sleep(NAP_S))
    outer = timers.of("outer", lambda: inner())
    began_s = time.perf_counter()
    outer()
    took_s = time.perf_counter() - began_s
    assert timers.seconds["inner"] >= NAP_S
    assert sum(timers.seconds.values()) <= took_s


def test_waiting_for_items_is_counted_and_what_is_done_with_them_is_not():
    timers = Timers()

    def slow(items):
        for item in items:
            time.sleep(NAP_S)
            yield item

    began_s, working_s = time.perf_counter(), 0.0
    got = []
    for item in timers.of_items("waiting", slow)([1, 2]):
        got.append(item)
        began_work_s = time.perf_counter()
        time.sleep(NAP_S)
        working_s += time.perf_counter() - began_work_s
    took_s = time.perf_counter() - began_s
    assert got == [1, 2]
    assert 2 * NAP_S <= timers.seconds["waiting"] <= took_s - working_s


def test_another_thread_is_not_counted():
    timers = Timers()
    nap = timers.of("nap", lambda: time.sleep(NAP_S))
    thread = threading.Thread(target=nap)
    thread.start()
    thread.join()
    assert not timers.seconds


def test_what_is_replaced_comes_back():
    owner = SimpleNamespace(say=str.upper)
    with replaced([(owner, "say", lambda was: lambda text: was(text) + "!")]):
        assert owner.say("a") == "A!"
    assert owner.say is str.upper
