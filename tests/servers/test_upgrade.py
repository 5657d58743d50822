"""Versions side by side: workers are replaced one at a time under traffic, and back again, and nothing shows of it."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.records import AnyInput
from tests.faults.trace import taken_over
from tests.kit import streams
from tests.kit.installation import ROOT, Installation, Undisturbed, check

pytestmark = pytest.mark.servers

EARLIER = "80d105c"
"""A version whose topics, records and snapshots this one is to read, and which is to read its own."""
ASSETS = ("pump-01", "pump-02", "pump-03", "fan-01")
FEED_S = 4.0
"""While a worker is replaced: about as long as that takes."""
Start = Callable[[Installation], subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def records() -> list[AnyInput]:
    """Seven hours of four assets, out of order within a minute."""
    return streams.shuffled(np.random.default_rng(5), streams.stream(5, minutes=420, assets=ASSETS), 60_000_000)


@pytest.fixture(scope="module")
def undisturbed(records: list[AnyInput]) -> Undisturbed:
    """What partitions in memory make of them."""
    made = Undisturbed(records)
    assert made.ledger.alerts > 0 and made.ledger.forecasts > 300
    return made


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of an earlier version, from git."""
    if shutil.which("git") is None:
        pytest.skip("there is no git to take an earlier version from")
    archive = subprocess.run(["git", "archive", "--format=tar", EARLIER], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"git has no commit {EARLIER} here: {archive.stderr.decode().strip()}")
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def replace(installation: Installation, old: subprocess.Popen[bytes], start: Start) -> subprocess.Popen[bytes]:
    """A worker that works partitions, in the place of another."""
    nth = len(installation.workers)
    new = start(installation)
    installation.wait(lambda: bool(taken_over(installation, nth)), 30)
    installation.stop(old)
    return new


def there_and_back(
    installation: Installation, records: list[AnyInput], undisturbed: Undisturbed, old: Start, new: Start
) -> None:
    """Two workers are replaced by new ones and these by old ones, while records come.

    What the group committed never goes back, so that the ledger says when one that reads again has caught up.
    """
    workers = [old(installation), old(installation)]
    installation.wait(lambda: all(taken_over(installation, nth) for nth in (0, 1)), 40)
    quarter = -(-len(records) // 4)
    for number, start in enumerate((new, new, old, old)):
        before = installation.forecasts()
        installation.feed(records[number * quarter :][:quarter], FEED_S)
        workers[number % 2] = replace(installation, workers[number % 2], start)
        installation.finish()
        assert installation.forecasts() > before
    installation.wait(lambda: installation.ledger() == undisturbed.ledger, 30)
    installation.stop(*workers)


def test_an_earlier_version_is_replaced_under_traffic_and_comes_back(tmp_path, earlier, records, undisturbed):
    with Installation(tmp_path) as installation:
        there_and_back(
            installation, records, undisturbed, lambda one: one.worker(source=earlier), lambda one: one.worker()
        )
        check(installation, undisturbed, repeats=True)


def test_a_version_with_another_layout_takes_over_and_one_goes_back_to_the_last_of_its_own(
    tmp_path, records, undisturbed
):
    """What goes back reads the log again from its own last snapshot; what it says again has the same bytes."""
    later: Start = lambda one: one.worker(program=("tests.kit.next_layout",))  # noqa: E731 - a name for what it starts
    with Installation(tmp_path) as installation:
        there_and_back(installation, records, undisturbed, lambda one: one.worker(), later)
        check(installation, undisturbed, repeats=True)
        logs = [(installation.folder / f"worker-{nth}.log").read_text() for nth in range(6)]
        assert any("snapshot-of-older-layout" in logs[nth] for nth in (2, 3))
        assert not any("snapshot-of-older-layout" in logs[nth] for nth in (0, 1, 4, 5))
