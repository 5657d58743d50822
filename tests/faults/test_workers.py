"""Workers that are killed, put to sleep, join and leave: the same outputs and rows, and little read again."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.trace import read_again_s, taken_over
from tests.kit.installation import Installation, check

pytestmark = pytest.mark.servers

STEPS = ("received:12", "before-acknowledged:12", "before-snapshot:3", "after-snapshot:3")
SESSION_S = 6.0
SNAPSHOT_S = 0.5
RECOVERY_S = 15.0
FEED_S = 8.0
SLACK_S = 0.5
"""For a step, a write and a commit on a busy machine, beside the two snapshot intervals."""


def killed(folder, records, undisturbed, crash: str | float) -> tuple[float, float]:
    """One worker dies at a step or after some seconds, the next takes over: seconds that took, seconds read again."""
    with Installation(folder, snapshot_s=SNAPSHOT_S) as installation:
        first = installation.worker(crash if isinstance(crash, str) else "")
        installation.wait(lambda: len(taken_over(installation, 0)) == installation.settings.partitions, 30)
        installation.feed(records, FEED_S)
        if isinstance(crash, str):
            assert first.wait(60) == -signal.SIGKILL, installation.told()
        else:
            time.sleep(crash)
            first.kill()
            first.wait()
        begun = installation.forecasts()
        last = installation.worker()
        took_s = installation.wait(lambda: installation.forecasts() > begun, 40)
        installation.finish()
        installation.stop(last)
        check(installation, undisturbed, repeats=True)
        return took_s, read_again_s(installation)


def survive(folder, records, undisturbed, crashes: list[str | float]) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda crash: killed(folder, records, undisturbed, crash), crashes))
    for crash, (took_s, again_s) in zip(crashes, found, strict=True):
        print(f"killed {crash}: recovered in {took_s:.1f} s, {again_s:.2f} s of the log read again")
    assert max(took_s for took_s, _ in found) < RECOVERY_S
    assert max(again_s for _, again_s in found) < 2 * SNAPSHOT_S + SLACK_S


def test_a_worker_killed_at_any_step_or_moment_loses_nothing(servers, tmp_path, records, undisturbed):
    moments = random.Random(3)
    survive(tmp_path, records, undisturbed, [*STEPS, moments.uniform(0.5, 7.0), moments.uniform(0.5, 7.0)])


@pytest.mark.soak
def test_workers_killed_at_many_moments_lose_nothing(servers, tmp_path, records, undisturbed):
    moments = random.Random(4)
    survive(tmp_path, records, undisturbed, [moments.uniform(0.2, 7.5) for _ in range(30)])


def test_a_worker_asleep_past_its_session_changes_nothing_when_it_wakes(servers, tmp_path, records, undisturbed):
    with Installation(tmp_path) as installation:
        sleeper = installation.worker_at_work()
        installation.feed(records, 16.0)
        time.sleep(3)
        sleeper.send_signal(signal.SIGSTOP)
        other = installation.worker()
        time.sleep(2 * SESSION_S)
        sleeper.send_signal(signal.SIGCONT)
        installation.finish()
        installation.stop(sleeper, other)
        check(installation, undisturbed, repeats=True)


def test_two_workers_share_the_partitions_and_one_hands_over_to_the_other(servers, tmp_path, records, undisturbed):
    with Installation(tmp_path) as installation:
        first, second = installation.worker(), installation.worker()
        installation.feed(records, 8.0)
        installation.wait(lambda: all(taken_over(installation, nth) for nth in (0, 1)), 30)
        time.sleep(2)
        installation.stop(second)
        installation.finish()
        installation.stop(first)
        check(installation, undisturbed, repeats=False)


def join(installation: Installation) -> subprocess.Popen[bytes]:
    """One more worker, once it works a partition."""
    nth = len(installation.workers)
    worker = installation.worker()
    installation.wait(lambda: bool(taken_over(installation, nth)), 30)
    return worker


def test_three_workers_join_and_leave_and_nothing_is_read_twice(servers, tmp_path, records, undisturbed):
    with Installation(tmp_path) as installation:
        first = join(installation)
        installation.feed(records, 16.0)
        second, third = join(installation), join(installation)
        time.sleep(1)
        installation.stop(first)
        fourth = join(installation)
        installation.stop(second, third)
        installation.finish()
        installation.stop(fourth)
        check(installation, undisturbed, repeats=False)


@pytest.mark.soak
def test_workers_that_come_and_go_and_are_killed_for_minutes_lose_nothing(servers, tmp_path, records, undisturbed):
    moments = random.Random(6)
    with Installation(tmp_path) as installation:
        alive = [join(installation)]
        installation.feed(records, 120.0)
        until_s = time.monotonic() + 110
        while time.monotonic() < until_s:
            if len(alive) < 3:
                alive.append(join(installation))
            time.sleep(moments.uniform(0.5, 4.0))
            going = alive.pop(moments.randrange(len(alive)))
            if moments.random() < 0.5:
                going.kill()
                going.wait()
            else:
                installation.stop(going)
        alive.append(join(installation))
        installation.finish(120)
        installation.stop(*alive)
        check(installation, undisturbed, repeats=True)
